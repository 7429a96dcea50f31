//! What `README.md` says is what the code does, as far as a test can read.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn read(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What stands between double quotes in a source file, one line at a time.
fn quoted(source: &str) -> BTreeSet<String> {
    let in_quotes = |line: &str| line.split('"').skip(1).step_by(2).map(str::to_owned).collect();
    source.lines().flat_map(|line: &str| -> Vec<String> { in_quotes(line) }).collect()
}

/// The words that look like names of a kind.
fn names(source: &str, is_one: impl Fn(&str) -> bool) -> BTreeSet<String> {
    quoted(source).into_iter().filter(|word| is_one(word)).collect()
}

fn is_snake_case(word: &str) -> bool {
    word.contains('_') && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

#[test]
fn the_example_is_a_worker_that_is_built_and_weighed() {
    let readme = read("README.md");
    let example = readme.split("```rust\n").nth(1).and_then(|rest| rest.split("```").next());
    let example = example.expect("an example");
    assert!(example.contains("skewguard_cloudflare::guard"));
    assert!(read("lab/workers/guarded/src/lib.rs").contains(example), "the example is another");
}

#[test]
fn every_setting_is_in_the_readme() {
    let readme = read("README.md");
    let is_setting = |word: &str| word.starts_with("VERSION_CHECK_") && !word.ends_with('*');
    let settings = names(&read("adapters-cloudflare/src/options.rs"), is_setting);
    assert!(settings.len() >= 10, "{settings:?}");
    let upper = |word: &str| word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    let others =
        names(&read("adapters-cloudflare/src/names.rs"), |word| word.len() > 3 && upper(word));
    assert!(others.len() >= 6, "{others:?}");
    for name in settings.union(&others) {
        assert!(readme.contains(&format!("`{name}`")), "{name} is not in README.md");
    }
}

#[test]
fn every_error_code_and_every_reason_is_in_the_readme() {
    let readme = read("README.md");
    let codes = names(&read("ports/src/wire/error_code.rs"), is_snake_case);
    assert!(codes.len() >= 15, "{codes:?}");
    let is_reason = |word: &str| is_snake_case(word) && !word.starts_with("as_");
    let reasons = names(&read("ports/src/log.rs"), is_reason);
    assert!(reasons.len() >= 7, "{reasons:?}");
    for name in codes.union(&reasons) {
        let told = name == "snake_case" || readme.contains(&format!("`{name}`"));
        assert!(told, "{name} is not in README.md");
    }
}

#[test]
fn every_file_that_the_papers_point_to_is_there() {
    for paper in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"] {
        let text = read(paper);
        let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.starts_with("http") && !link.starts_with('#')) {
            let file = link.split('#').next().unwrap_or(link);
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
            assert!(path.exists(), "{paper} points to {file}");
        }
    }
}
