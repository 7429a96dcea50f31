//! The manager's process.

use std::path::{Path, PathBuf};

use crate::place::install;
use crate::{Answer, Lab, Outgoing, Release, Service, Workerd};

/// Passes requests on to the Durable Object's own routes, which nothing outside reaches.
const PROBE: &str = "export default {
  fetch: (request, env) => env.VERSION_MANAGER.getByName(\"global\").fetch(request),
};
";

/// What a manager is started with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ManagerSetup {
    /// With all its secrets.
    #[default]
    Complete,
    /// Without any.
    WithoutSecrets,
}

/// A workerd process with the manager's Worker, its Durable Object, and a database on disk.
pub struct Manager<'a> {
    lab: &'a Lab,
    folder: PathBuf,
    services: Vec<Service>,
    workerd: Workerd,
}

impl<'a> Manager<'a> {
    /// Starts a manager that knows nothing.
    ///
    /// # Errors
    /// A text that says what to do.
    pub fn start(lab: &'a Lab, setup: ManagerSetup) -> Result<Self, String> {
        Self::start_with(lab, setup, &[])
    }

    /// Starts a manager that knows nothing, with these variables.
    ///
    /// # Errors
    /// A text that says what to do.
    pub fn start_with(
        lab: &'a Lab,
        setup: ManagerSetup,
        vars: &[(&str, &str)],
    ) -> Result<Self, String> {
        let folder = lab.folder("manager")?;
        let storage = folder.join("storage");
        std::fs::create_dir_all(&storage).map_err(|error| error.to_string())?;
        Self::start_in(lab, setup, vars, folder)
    }

    /// Starts a manager over a copy of the databases below `from`, as another manager left them
    /// in its [`storage`](Self::storage).
    ///
    /// # Errors
    /// A text that says what to do.
    pub fn start_over(lab: &'a Lab, setup: ManagerSetup, from: &Path) -> Result<Self, String> {
        let folder = lab.folder("manager")?;
        copy(from, &folder.join("storage"))?;
        Self::start_in(lab, setup, &[], folder)
    }

    /// Starts the process in a folder that has its storage.
    fn start_in(
        lab: &'a Lab,
        setup: ManagerSetup,
        vars: &[(&str, &str)],
        folder: PathBuf,
    ) -> Result<Self, String> {
        let storage = folder.join("storage");
        std::fs::write(folder.join("probe.js"), PROBE).map_err(|error| error.to_string())?;
        let secrets = [
            ("VERSION_MANAGER_SECRET", lab.secret()),
            ("VERSION_MANAGER_SECRET_PREVIOUS", lab.previous_secret()),
            ("VERSION_MANAGER_READ_SECRET", lab.read_secret()),
        ];
        let secrets = if setup == ManagerSetup::Complete { secrets.as_slice() } else { &[] };
        let object = |service: &str| {
            let name = "VERSION_MANAGER".to_owned();
            (name, "VersionManager".to_owned(), service.to_owned())
        };
        let services = vec![
            Service {
                name: "version-manager".to_owned(),
                modules: install(Path::new("apps/version-manager"), "manager", &folder)?,
                json_vars: vec![],
                vars: [secrets, vars].concat().into_iter().map(owned).collect(),
                objects: vec![object("version-manager")],
                classes: vec!["VersionManager".to_owned()],
                storage: Some(storage),
                ..Service::default()
            },
            Service {
                name: "probe".to_owned(),
                modules: vec!["probe.js".to_owned()],
                objects: vec![object("version-manager")],
                ..Service::default()
            },
        ];
        let workerd = Self::run(lab, &folder, &services)?;
        Ok(Self { lab, folder, services, workerd })
    }

    fn run(lab: &Lab, folder: &Path, services: &[Service]) -> Result<Workerd, String> {
        let sockets = [("public", "version-manager"), ("object", "probe")];
        Workerd::start(folder, "manager", services, &sockets, lab.transcript())
    }

    /// Kills the process, as `kill -9` does.
    pub fn kill(&mut self) {
        self.workerd.kill();
    }

    /// Starts the process again, on other ports, over the same database.
    ///
    /// # Errors
    /// A text that says what to do.
    pub fn start_again(&mut self) -> Result<(), String> {
        self.workerd.kill();
        self.workerd = Self::run(self.lab, &self.folder, &self.services)?;
        Ok(())
    }

    /// The same, with these variables on top of those that it had.
    ///
    /// # Errors
    /// A text that says what to do.
    pub fn start_again_with(&mut self, vars: &[(&str, &str)]) -> Result<(), String> {
        let known = &mut self.services[0].vars;
        known.retain(|(name, _)| vars.iter().all(|(new, _)| new != name));
        known.extend(vars.iter().copied().map(owned));
        self.start_again()
    }

    /// Where the manager's Worker is.
    #[must_use]
    pub fn public_url(&self) -> String {
        self.workerd.url("public")
    }

    /// Where the Durable Object's own routes are.
    #[must_use]
    pub fn object_url(&self) -> String {
        self.workerd.url("object")
    }

    /// What the routes' paths follow, outside and inside: behind both they are the same.
    #[must_use]
    pub fn doors(&self) -> [String; 2] {
        [format!("{}/api/internal", self.public_url()), self.object_url()]
    }

    /// The folder with the Durable Object's database.
    #[must_use]
    pub fn storage(&self) -> PathBuf {
        self.folder.join("storage")
    }

    /// Registers a bundle at the public route.
    ///
    /// # Errors
    /// What kept the answer from coming.
    pub fn register(&self, worker: &str, release: &Release) -> Result<Answer, String> {
        self.post(worker, &release.registration())
    }

    /// Registers a bundle that may be older than the current one.
    ///
    /// # Errors
    /// What kept the answer from coming.
    pub fn roll_back(&self, worker: &str, release: &Release) -> Result<Answer, String> {
        let mut body = release.registration();
        body["rollback"] = true.into();
        self.post(worker, &body)
    }

    fn post(&self, worker: &str, body: &serde_json::Value) -> Result<Answer, String> {
        let url = format!("{}/api/internal/version/{worker}", self.public_url());
        let outgoing = Outgoing::new().token(self.lab.secret()).json(body);
        self.lab.client().send("POST", &url, outgoing)
    }

    /// Every Worker's bundles, as the public route shows them.
    ///
    /// # Errors
    /// What kept the answer from coming.
    pub fn status(&self) -> Result<Answer, String> {
        let url = format!("{}/api/internal/version-manager/status", self.public_url());
        self.lab.client().send("GET", &url, Outgoing::new().token(self.lab.secret()))
    }

    /// What a guard would read, by the Durable Object's own route.
    ///
    /// # Errors
    /// What kept the answer from coming.
    pub fn version(&self, worker: &str) -> Result<Answer, String> {
        let url = format!("{}/version/{worker}", self.object_url());
        self.lab.client().send("GET", &url, Outgoing::new().private())
    }
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// Copies a folder, and all that is in it.
fn copy(from: &Path, to: &Path) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("failed to copy {}: {error}", from.display());
    std::fs::create_dir_all(to).map_err(failed)?;
    for entry in std::fs::read_dir(from).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let target = to.join(entry.file_name());
        if entry.file_type().map_err(failed)?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target).map_err(failed)?;
        }
    }
    Ok(())
}
