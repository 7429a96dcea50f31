//! One workerd process.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::{Duration, Instant};

use crate::Transcript;

/// How long a process may take to listen.
const START_LIMIT: Duration = Duration::from_secs(60);

/// Runs a program for as long as somebody holds this shell's standard input open: so it ends with
/// the process that started it, however that ends.
const LEASH: &str = r#"
    "$@" </dev/null &
    exec >/dev/null 2>&1
    trap "kill -9 $!; wait" EXIT
    trap exit HUP INT TERM
    read -r _
"#;

/// The compatibility date of all Workers here, as in their wrangler configurations.
const COMPATIBILITY_DATE: &str = "2026-03-01";

/// The header that becomes a request's `cf`, as JSON. Without it a request has none.
pub(crate) const CF_HEADER: &str = "CF-Blob";

/// A Worker in a workerd process.
#[derive(Clone, Debug, Default)]
pub(crate) struct Service {
    /// What other services call it.
    pub(crate) name: String,
    /// Files of its code in the process's folder: an ES module, then WebAssembly modules.
    pub(crate) modules: Vec<String>,
    /// Variables and secrets.
    pub(crate) vars: Vec<(String, String)>,
    /// Variables of other types: the JSON of their values, as wrangler uploads what is no text.
    pub(crate) json_vars: Vec<(String, String)>,
    /// Durable Object bindings: name, class, and the service with the class.
    pub(crate) objects: Vec<(String, String, String)>,
    /// Durable Object classes of its own.
    pub(crate) classes: Vec<String>,
    /// The folder for its Durable Objects' databases; none keeps them in memory.
    pub(crate) storage: Option<PathBuf>,
    /// Whether it may reach 127.0.0.1.
    pub(crate) outbound: bool,
    /// The service behind its `caches`; without one they reject everything.
    pub(crate) cache: Option<String>,
}

impl Service {
    fn capnp(&self) -> String {
        let mut text = format!("(name = {:?}, worker = (\n", self.name);
        let modules = self.modules.iter().map(|file| match file.rsplit_once('.') {
            Some((_, "wasm")) => {
                format!("(name = \"index_bg.wasm\", wasm = embed {file:?})")
            }
            _ => format!("(name = {file:?}, esModule = embed {file:?})"),
        });
        let modules: Vec<_> = modules.collect();
        let _ = writeln!(text, "modules = [{}],", modules.join(", "));
        let _ = writeln!(text, "compatibilityDate = {COMPATIBILITY_DATE:?},");
        // For the link alone, which counts the requests that guards give up.
        let _ = writeln!(text, "compatibilityFlags = [\"enable_request_signal\"],");
        let vars =
            self.vars.iter().map(|(name, value)| format!("(name = {name:?}, text = {value:?})"));
        let objects = self.objects.iter().map(|(name, class, service)| {
            format!(
                "(name = {name:?}, durableObjectNamespace = \
                 (className = {class:?}, serviceName = {service:?}))"
            )
        });
        let json_vars = self
            .json_vars
            .iter()
            .map(|(name, value)| format!("(name = {name:?}, json = {value:?})"));
        let bindings: Vec<_> = vars.chain(json_vars).chain(objects).collect();
        let _ = writeln!(text, "bindings = [{}],", bindings.join(", "));
        if !self.classes.is_empty() {
            let classes: Vec<_> = self
                .classes
                .iter()
                .map(|class| {
                    format!("(className = {class:?}, uniqueKey = {class:?}, enableSql = true)")
                })
                .collect();
            let _ = writeln!(text, "durableObjectNamespaces = [{}],", classes.join(", "));
            let storage = match self.storage {
                Some(_) => format!("(localDisk = \"{}-disk\")", self.name),
                None => "(inMemory = void)".to_owned(),
            };
            let _ = writeln!(text, "durableObjectStorage = {storage},");
        }
        if self.outbound {
            text.push_str("globalOutbound = \"loopback\",\n");
        }
        if let Some(cache) = &self.cache {
            let _ = writeln!(text, "cacheApiOutbound = {cache:?},");
        }
        text.push_str(")),\n");
        if let Some(path) = &self.storage {
            let _ = writeln!(
                text,
                "(name = \"{}-disk\", disk = (path = {path:?}, writable = true)),",
                self.name
            );
        }
        text
    }
}

/// A running workerd. It is killed when this is dropped.
pub(crate) struct Workerd {
    leash: Child,
    ports: HashMap<String, u16>,
}

impl Workerd {
    /// Starts the services in `folder`, which has their code. Each socket is a name and the
    /// service behind it; what the process writes goes to the transcript, after `label`.
    ///
    /// # Errors
    /// A text that says what to do, if there is no workerd or it does not come up.
    pub(crate) fn start(
        folder: &Path,
        label: &str,
        services: &[Service],
        sockets: &[(&str, &str)],
        transcript: &Transcript,
    ) -> Result<Self, String> {
        let config = folder.join(format!("{label}.capnp"));
        std::fs::write(&config, capnp(services, sockets))
            .map_err(|error| format!("failed to write {}: {error}", config.display()))?;
        let program = std::env::var_os("SKEWGUARD_WORKERD").ok_or(
            "SKEWGUARD_WORKERD is not set; use scripts/demo.sh or scripts/test.sh, \
             or run '. scripts/env.sh' first",
        )?;
        if !Path::new(&program).is_file() {
            return Err(format!("there is no {}; run scripts/setup.sh", program.display()));
        }
        let mut leash = Command::new("sh")
            .args(["-c", LEASH, "leash"])
            .arg(&program)
            .args(["serve", "--control-fd=1"])
            .arg(&config)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("failed to start a shell: {error}"))?;
        let (sender, listening) = mpsc::channel();
        if let Some(stdout) = leash.stdout.take() {
            follow(stdout, label, transcript, Some(sender));
        }
        if let Some(stderr) = leash.stderr.take() {
            follow(stderr, label, transcript, None);
        }
        let mut workerd = Self { leash, ports: HashMap::new() };
        let started = Instant::now();
        while workerd.ports.len() < sockets.len() {
            let left = START_LIMIT.saturating_sub(started.elapsed());
            let (socket, port) = listening.recv_timeout(left).map_err(|_| {
                let lines = transcript.lines();
                let tail = &lines[lines.len().saturating_sub(10)..];
                format!("workerd '{label}' did not come up:\n{}", tail.join("\n"))
            })?;
            workerd.ports.insert(socket, port);
        }
        Ok(workerd)
    }

    /// The address behind a socket's name.
    ///
    /// # Panics
    /// If there is no such socket.
    #[must_use]
    pub(crate) fn url(&self, socket: &str) -> String {
        format!("http://127.0.0.1:{}", self.ports[socket])
    }

    /// Kills the process, as `kill -9` does, and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        drop(self.leash.stdin.take());
        // It fails only if the shell is gone already, and the process with it.
        let _ = self.leash.wait();
    }
}

impl Drop for Workerd {
    fn drop(&mut self) {
        self.kill();
    }
}

fn capnp(services: &[Service], sockets: &[(&str, &str)]) -> String {
    let services: String = services.iter().map(Service::capnp).collect();
    let sockets: Vec<_> = sockets
        .iter()
        .map(|(name, service)| {
            format!(
                "(name = {name:?}, address = \"127.0.0.1:0\", \
                 http = (cfBlobHeader = {CF_HEADER:?}), service = {service:?})"
            )
        })
        .collect();
    format!(
        "using Workerd = import \"/workerd/workerd.capnp\";\n\
         const config :Workerd.Config = (\n\
         services = [\n{services}\
         (name = \"loopback\", network = (allow = [\"local\"])),\n],\n\
         sockets = [{}],\n);\n",
        sockets.join(", ")
    )
}

/// Keeps what the process writes, and tells which sockets listen.
fn follow(
    output: impl Read + Send + 'static,
    label: &str,
    transcript: &Transcript,
    listening: Option<Sender<(String, u16)>>,
) {
    let (label, transcript) = (label.to_owned(), transcript.clone());
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if let Some(listening) = &listening
                && let Some(found) = listen_event(&line)
            {
                // Nobody waits for it any more once all sockets are there.
                let _ = listening.send(found);
                continue;
            }
            transcript.add(format!("[{label}] {line}"));
        }
    });
}

fn listen_event(line: &str) -> Option<(String, u16)> {
    let event: serde_json::Value = serde_json::from_str(line).ok()?;
    let socket = event.get("socket")?.as_str()?.to_owned();
    let port = u16::try_from(event.get("port")?.as_u64()?).ok()?;
    (event["event"] == "listen").then_some((socket, port))
}
