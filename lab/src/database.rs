//! The manager's database, without the manager.

use std::path::Path;

use crate::{Lab, Outgoing, Service, Workerd};

/// Runs the SQL that it is sent. A class of the same name has the same objects.
const SURGEON: &str = "import { DurableObject } from \"cloudflare:workers\";
export class VersionManager extends DurableObject {
  async fetch(request) {
    try {
      return Response.json(this.ctx.storage.sql.exec(await request.text()).toArray());
    } catch (error) {
      return new Response(error.message, { status: 400 });
    }
  }
}
export default {
  fetch: (request, env) => env.VERSION_MANAGER.getByName(\"global\").fetch(request),
};
";

/// The database of a manager that does not run any more.
pub struct Database<'a> {
    lab: &'a Lab,
    workerd: Workerd,
}

impl<'a> Database<'a> {
    /// Opens what a manager left in its [`storage`](crate::Manager::storage). That manager has to
    /// be dead: two processes would not know of each other.
    ///
    /// # Errors
    /// A text that says what to do.
    pub fn open(lab: &'a Lab, storage: &Path) -> Result<Self, String> {
        let folder = lab.folder("database")?;
        std::fs::write(folder.join("surgeon.js"), SURGEON).map_err(|error| error.to_string())?;
        let class = "VersionManager".to_owned();
        let service = Service {
            name: "surgeon".to_owned(),
            modules: vec!["surgeon.js".to_owned()],
            objects: vec![("VERSION_MANAGER".to_owned(), class.clone(), "surgeon".to_owned())],
            classes: vec![class],
            storage: Some(storage.to_owned()),
            ..Service::default()
        };
        let sockets = [("surgeon", "surgeon")];
        let workerd = Workerd::start(&folder, "database", &[service], &sockets, lab.transcript())?;
        Ok(Self { lab, workerd })
    }

    /// The rows that a statement has as its result, as JSON.
    ///
    /// # Errors
    /// What SQLite has against it.
    pub fn run(&self, statement: &str) -> Result<serde_json::Value, String> {
        let outgoing = Outgoing::new().private().body(statement);
        let answer = self.lab.client().send("POST", &self.workerd.url("surgeon"), outgoing)?;
        if answer.status == 200 { Ok(answer.json()) } else { Err(answer.body) }
    }
}
