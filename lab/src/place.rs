//! The place where a lab lives: its folder, its secrets, its transcript.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::{Client, Transcript};

/// A small Cloudflare. Dropping it removes its folder; a leak found then fails the test.
pub struct Lab {
    folder: TempDir,
    transcript: Transcript,
    client: Client,
    secrets: [String; 4],
    services: std::sync::atomic::AtomicU32,
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
        Ok(Self { folder, client, transcript, secrets, services: 0.into() })
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
        let number = self.services.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let folder = self.folder.path().join(format!("{number}-{label}"));
        std::fs::create_dir_all(&folder)
            .map_err(|error| format!("failed to make {}: {error}", folder.display()))?;
        Ok(folder)
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

/// Copies a Worker's build to `folder`, and says which files it has there.
pub(crate) fn install(worker: &Path, name: &str, folder: &Path) -> Result<Vec<String>, String> {
    let build = root().join(worker).join("build");
    let files = [("index.js", format!("{name}.js")), ("index_bg.wasm", format!("{name}.wasm"))];
    for (from, to) in &files {
        std::fs::copy(build.join(from), folder.join(to)).map_err(|error| {
            format!(
                "failed to copy {}: {error}; run scripts/build-worker.sh {} first",
                build.join(from).display(),
                worker.display()
            )
        })?;
    }
    Ok(files.map(|(_, to)| to).to_vec())
}

/// A Worker's build, file by file, for whoever wants to know its size.
///
/// # Errors
/// If it was not built.
pub fn worker_files(worker: &str) -> Result<Vec<Vec<u8>>, String> {
    let build = root().join(worker).join("build");
    let files = ["index.js", "index_bg.wasm"].map(|file| {
        std::fs::read(build.join(file)).map_err(|error| {
            format!(
                "failed to read {}: {error}; run scripts/build-worker.sh {worker} first",
                build.join(file).display()
            )
        })
    });
    files.into_iter().collect()
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
