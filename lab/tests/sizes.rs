//! What a Worker weighs: every PoP has to load it, and every cold start has to compile it.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use skewguard_lab::worker_files;

const KIB: usize = 1024;

/// The most that the manager may weigh, gzip.
const MANAGER_LIMIT: usize = 200 * KIB;

/// The most that the guard may add to a Worker that has nothing else, gzip.
const GUARD_LIMIT: usize = 40 * KIB;

/// The compressed size of a Worker's build, its JavaScript and its WebAssembly together.
fn gzip_size(worker: &str) -> usize {
    let files = worker_files(worker).expect("a build");
    files.iter().map(|file| compressed(file)).sum()
}

fn compressed(bytes: &[u8]) -> usize {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("memory takes everything");
    encoder.finish().expect("memory takes everything").len()
}

#[test]
fn the_manager_weighs_at_most_200_kib() {
    let size = gzip_size("apps/version-manager");
    println!("version-manager: {size} bytes gzip");
    assert!(size <= MANAGER_LIMIT, "{size} bytes");
}

#[test]
fn the_guard_adds_at_most_40_kib_to_a_worker() {
    let (bare, guarded) = (gzip_size("lab/workers/bare"), gzip_size("lab/workers/guarded"));
    println!("bare: {bare} bytes gzip; guarded: {guarded}; the guard: {}", guarded - bare);
    assert!(bare > 0 && guarded > bare);
    assert!(guarded - bare <= GUARD_LIMIT, "{} bytes", guarded - bare);
}
