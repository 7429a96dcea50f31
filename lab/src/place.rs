//! The place where a lab lives: its folder, its secrets, its transcript.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

use crate::{Client, Transcript};

/// A small Cloudflare. Dropping it removes its folder; a leak found then fails the test.
pub struct Lab {
    folder: TempDir,
    transcript: Transcript,
    client: Client,
    secrets: [String; 4],
    folders: AtomicU32,
    pops: AtomicU32,
}

impl Lab {
    /// An empty lab, with secrets of its own.
    ///
    /// # Errors
    /// If there is no room for its folder.
    pub fn new() -> Result<Self, String> {
        let folder = TempDir::with_prefix("skewguard-lab-")
            .map_err(|error| format!("failed to make a temporary folder: {error}"))?;
        let transcript = Transcript::default();
        let secrets = [(); 4].map(|()| random_secret());
        for secret in &secrets {
            transcript.guard_secret(secret);
        }
        let client = Client::new(transcript.clone());
        Ok(Self { folder, client, transcript, secrets, folders: 0.into(), pops: 0.into() })
    }

    /// The client of this lab.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// What was answered and logged here.
    #[must_use]
    pub fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    /// The manager's secret.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.secrets[0]
    }

    /// The manager's secret before its rotation.
    #[must_use]
    pub fn previous_secret(&self) -> &str {
        &self.secrets[1]
    }

    /// The manager's secret for reading.
    #[must_use]
    pub fn read_secret(&self) -> &str {
        &self.secrets[2]
    }

    /// The key that the demo Workers sign codes with.
    #[must_use]
    pub fn signing_key(&self) -> &str {
        &self.secrets[3]
    }

    /// A folder of its own for a process.
    pub(crate) fn folder(&self, label: &str) -> Result<PathBuf, String> {
        let number = self.folders.fetch_add(1, Ordering::Relaxed);
        let folder = self.folder.path().join(format!("{number}-{label}"));
        std::fs::create_dir_all(&folder)
            .map_err(|error| format!("failed to make {}: {error}", folder.display()))?;
        Ok(folder)
    }

    /// A name for a PoP, which no other has: `PO1`, `PO2` and so on.
    pub(crate) fn pop_name(&self) -> String {
        format!("PO{}", 1 + self.pops.fetch_add(1, Ordering::Relaxed))
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let leaks = self.transcript.leaks();
        if !leaks.is_empty() && !std::thread::panicking() {
            let leaks: Vec<_> = leaks.iter().map(ToString::to_string).collect();
            panic!("the lab leaks:\n{}", leaks.join("\n"));
        }
    }
}

/// Puts a Worker's build into `folder`, and says which files it has there.
pub(crate) fn install(worker: &Path, name: &str, folder: &Path) -> Result<Vec<String>, String> {
    let files = [("index.js", format!("{name}.js")), ("index_bg.wasm", format!("{name}.wasm"))];
    for (from, to) in &files {
        let path = folder.join(to);
        std::fs::write(&path, read_build(worker, from)?)
            .map_err(|error| format!("failed to write {}: {error}", path.display()))?;
    }
    Ok(files.map(|(_, to)| to).to_vec())
}

/// A Worker's build, file by file, for whoever wants to know its size.
///
/// # Errors
/// If it was not built.
pub fn worker_files(worker: &str) -> Result<Vec<Vec<u8>>, String> {
    let files = ["index.js", "index_bg.wasm"];
    files.into_iter().map(|file| read_build(Path::new(worker), file)).collect()
}

fn read_build(worker: &Path, file: &str) -> Result<Vec<u8>, String> {
    let path = root().join(worker).join("build").join(file);
    std::fs::read(&path).map_err(|error| {
        format!(
            "failed to read {}: {error}; run scripts/build-worker.sh {} first",
            path.display(),
            worker.display()
        )
    })
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

fn random_secret() -> String {
    let mut random = [0; 24];
    getrandom::fill(&mut random).expect("the system has randomness");
    let mut secret = String::with_capacity(48);
    for byte in random {
        secret.push_str(&format!("{byte:02x}"));
    }
    secret
}
