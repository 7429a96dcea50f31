//! One point of presence.

use std::marker::PhantomData;
use std::path::Path;

use crate::place::install;
use crate::{
    Answer, CF_HEADER, Cache, CacheSetup, Client, Lab, Link, Manager, Outgoing, Release, Service,
    Workerd,
};

/// How the Workers of a PoP are set up, on top of their release.
#[derive(Clone, Debug, Default)]
pub struct PopSetup {
    /// Variables of both Workers; one that is there already is replaced.
    pub vars: Vec<(String, String)>,
    /// Variables of both Workers that are no text, as JSON.
    pub json_vars: Vec<(String, String)>,
    /// Whether the Workers are to be left without a binding to the manager.
    pub unbound: bool,
    /// What `request.cf.colo` is for clients of the PoP: three letters. Without, it is a name that
    /// no other PoP of the lab has.
    pub name: Option<String>,
    /// The cache of the PoP.
    pub cache: CacheSetup,
    /// Other Workers, beside those of the demo: a name, and the source of an ES module.
    pub scripts: Vec<(String, String)>,
}

impl PopSetup {
    /// Adds a variable.
    #[must_use]
    pub fn var(mut self, name: &str, value: &str) -> Self {
        self.vars.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds a variable that is no text, as JSON.
    #[must_use]
    pub fn json_var(mut self, name: &str, json: &str) -> Self {
        self.json_vars.push((name.to_owned(), json.to_owned()));
        self
    }

    /// Names the PoP by three letters, as Cloudflare names its own after airports.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// Gives the PoP a cache that works.
    #[must_use]
    pub fn cached(mut self) -> Self {
        self.cache = CacheSetup::Working;
        self
    }

    /// Adds a Worker: the source of an ES module.
    #[must_use]
    pub fn script(mut self, name: &str, source: &str) -> Self {
        self.scripts.push((name.to_owned(), source.to_owned()));
        self
    }
}

/// A workerd process with both demo Workers of one release, and their link to the manager.
pub struct Pop<'a> {
    workerd: Workerd,
    name: String,
    entrance: Entrance,
    /// The process lives in a folder of the lab.
    lab: PhantomData<&'a Lab>,
    link: Link,
    cache: Option<Cache>,
}

impl<'a> Pop<'a> {
    /// Starts a PoP with `release`.
    ///
    /// # Errors
    /// A text that says what to do.
    pub fn start(
        lab: &'a Lab,
        manager: &Manager<'_>,
        release: &Release,
        setup: &PopSetup,
    ) -> Result<Self, String> {
        let folder = lab.folder("pop")?;
        let write = |file: &str, source: &str| {
            std::fs::write(folder.join(file), source)
                .map_err(|error| format!("failed to write {file}: {error}"))
        };
        write("link.js", include_str!("link.js"))?;
        let mut services = vec![Service {
            name: "link".to_owned(),
            modules: vec!["link.js".to_owned()],
            classes: vec!["Link".to_owned()],
            outbound: true,
            ..Service::default()
        }];
        let cache = (setup.cache != CacheSetup::None).then(|| "cache".to_owned());
        if let Some(name) = &cache {
            write("cache.js", include_str!("cache.js"))?;
            let idle = setup.cache == CacheSetup::Idle;
            services.push(Service {
                name: name.clone(),
                modules: vec!["cache.js".to_owned()],
                json_vars: vec![("IDLE".to_owned(), idle.to_string())],
                ..Service::default()
            });
        }
        for name in ["op-auth", "op-token"] {
            let app = Path::new("apps").join(name);
            let mut vars = release.vars();
            vars.push(("OP_SIGNING_KEY".to_owned(), lab.signing_key().to_owned()));
            for (name, value) in &setup.vars {
                vars.retain(|(known, _)| known != name);
                vars.push((name.clone(), value.clone()));
            }
            let link = ("VERSION_MANAGER".to_owned(), "Link".to_owned(), "link".to_owned());
            services.push(Service {
                name: name.to_owned(),
                modules: install(&app, name, &folder)?,
                vars,
                json_vars: setup.json_vars.clone(),
                objects: if setup.unbound { vec![] } else { vec![link] },
                cache: cache.clone(),
                ..Service::default()
            });
        }
        for (name, source) in &setup.scripts {
            let file = format!("{name}.js");
            write(&file, source)?;
            services.push(Service {
                name: name.clone(),
                modules: vec![file],
                cache: cache.clone(),
                ..Service::default()
            });
        }
        let sockets: Vec<_> =
            services.iter().map(|service| (service.name.as_str(), service.name.as_str())).collect();
        let workerd = Workerd::start(&folder, "pop", &services, &sockets, lab.transcript())?;
        let link = Link::new(lab.client().clone(), workerd.url("link"));
        link.forward_to(&manager.object_url())?;
        let cache = cache.map(|name| Cache::new(lab.client().clone(), workerd.url(&name)));
        let name = setup.name.clone().unwrap_or_else(|| lab.pop_name());
        let entrance = Entrance {
            client: lab.client().clone(),
            cf: serde_json::json!({ "colo": name }).to_string(),
            op_auth: workerd.url("op-auth"),
            op_token: workerd.url("op-token"),
        };
        Ok(Self { workerd, name, entrance, lab: PhantomData, link, cache })
    }

    /// Its name, which Workers read as `request.cf.colo`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The link to the manager.
    #[must_use]
    pub fn link(&self) -> &Link {
        &self.link
    }

    /// The cache, if the PoP has one.
    #[must_use]
    pub fn cache(&self) -> Option<&Cache> {
        self.cache.as_ref()
    }

    /// Where a Worker is. Requests that are sent there by hand have no `cf`.
    #[must_use]
    pub fn url(&self, worker: &str) -> String {
        self.workerd.url(worker)
    }

    /// Sends a request to a Worker, as a client does that is near to this PoP.
    ///
    /// # Errors
    /// What kept the answer from coming.
    pub fn send(
        &self,
        method: &str,
        worker: &str,
        path: &str,
        outgoing: Outgoing,
    ) -> Result<Answer, String> {
        self.entrance.send(method, &format!("{}{path}", self.url(worker)), outgoing)
    }

    /// Asks `op-auth` for a code.
    ///
    /// # Errors
    /// What kept the answer from coming.
    pub fn authorize(&self) -> Result<Answer, String> {
        self.entrance.authorize()
    }

    /// Redeems a code at `op-token`.
    ///
    /// # Errors
    /// What kept the answer from coming.
    pub fn redeem(&self, code: &str) -> Result<Answer, String> {
        self.entrance.redeem(code)
    }

    /// Where its clients come in.
    pub(crate) fn entrance(&self) -> &Entrance {
        &self.entrance
    }

    /// Ends the process. Requests that it has not answered are lost.
    pub fn kill(&mut self) {
        self.workerd.kill();
    }
}

/// Where the clients of a PoP come in. It is still there when the PoP has ended, but nobody answers.
#[derive(Clone)]
pub(crate) struct Entrance {
    client: Client,
    /// What is sent along for `request.cf`.
    cf: String,
    op_auth: String,
    op_token: String,
}

impl Entrance {
    fn send(&self, method: &str, url: &str, outgoing: Outgoing) -> Result<Answer, String> {
        self.client.send(method, url, outgoing.header(CF_HEADER, &self.cf))
    }

    pub(crate) fn authorize(&self) -> Result<Answer, String> {
        self.send("GET", &format!("{}/authorize", self.op_auth), Outgoing::new())
    }

    pub(crate) fn redeem(&self, code: &str) -> Result<Answer, String> {
        let form = Outgoing::new()
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(format!("grant_type=authorization_code&code={code}"));
        self.send("POST", &format!("{}/token", self.op_token), form)
    }
}
