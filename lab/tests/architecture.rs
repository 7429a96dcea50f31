//! Dependencies point inwards, and `domain` is pure. See `ARCHITECTURE.md`, "Layers".

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

/// The layers, from the inside out. A crate may know those of lower rank only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Layer {
    Domain,
    Ports,
    Adapters,
    Apps,
    /// What stands outside the hexagon and looks at it: nothing may depend on it.
    Lab,
}

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .other_options(vec!["--locked".to_owned()])
        .exec()
        .expect("cargo knows the workspace")
}

fn layer(metadata: &Metadata, package: &Package) -> Layer {
    let folder = package.manifest_path.strip_prefix(&metadata.workspace_root).expect("a member");
    let top = folder.components().next().expect("a folder").to_string();
    match top.as_str() {
        "domain" => Layer::Domain,
        "ports" => Layer::Ports,
        "apps" => Layer::Apps,
        "lab" => Layer::Lab,
        adapter if adapter.starts_with("adapters-") => Layer::Adapters,
        other => panic!("{other} is in no layer: give it one in ARCHITECTURE.md and here"),
    }
}

/// Whether a crate of layer `from` may depend on the crate `to`.
fn is_allowed(from: Layer, to: &Package, to_layer: Layer) -> bool {
    match from {
        // Apps are composed of adapters, and reach further in only through them. What two apps
        // share is a part of both.
        Layer::Apps => to_layer == Layer::Adapters || to.name.as_str() == "skewguard-op-code",
        // Adapters know nothing of one another.
        _ => to_layer < from,
    }
}

#[test]
fn dependencies_point_inwards() {
    let metadata = metadata();
    let members = metadata.workspace_packages();
    assert!(members.len() >= 8, "the workspace has its members");
    let mut checked = 0;
    for from in &members {
        for dependency in &from.dependencies {
            if dependency.kind == DependencyKind::Development {
                continue;
            }
            let Some(to) = members.iter().find(|to| to.name.as_str() == dependency.name) else {
                continue;
            };
            let (outer, inner) = (layer(&metadata, from), layer(&metadata, to));
            assert!(
                is_allowed(outer, to, inner),
                "{} ({outer:?}) must not depend on {} ({inner:?})",
                from.name,
                to.name
            );
            checked += 1;
        }
    }
    assert!(checked >= 8, "only {checked} dependencies were found");
}

#[test]
fn no_tests_of_an_inner_layer_need_an_outer_one() {
    let metadata = metadata();
    for from in metadata.workspace_packages() {
        for dependency in &from.dependencies {
            let members = metadata.workspace_packages();
            let Some(to) = members.iter().find(|to| to.name.as_str() == dependency.name) else {
                continue;
            };
            let (outer, inner) = (layer(&metadata, from), layer(&metadata, to));
            assert!(inner <= outer, "{} must not know {}", from.name, to.name);
        }
    }
}

/// All that `domain` is built with, and why each is pure.
const PURE: &[&str] = &[
    // A generator of numbers; its seed is handed in.
    "fastrand",
    // Error types.
    "thiserror",
    // Dates, without the feature that reads a clock.
    "time",
    "time-core",
    "deranged",
    "num-conv",
    "powerfmt",
    // UUIDs, without the feature that draws them.
    "uuid",
    // Run by the compiler only.
    "thiserror-impl",
    "proc-macro2",
    "quote",
    "syn",
    "unicode-ident",
];

#[test]
fn nothing_impure_is_in_the_tree_of_domain() {
    // `cargo metadata` shows the features that anybody in the workspace switches on; `cargo tree`
    // shows those that `domain` does.
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--package", "skewguard-domain", "--edges", "normal,build"])
        .args(["--target", "all", "--prefix", "none", "--format", "{p}"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .expect("cargo knows the workspace");
    let tree = String::from_utf8(tree.stdout).expect("text");
    let names: BTreeSet<_> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(names.contains("skewguard-domain") && names.contains("uuid"), "{tree}");
    for name in names {
        let pure = name == "skewguard-domain" || PURE.contains(&name);
        assert!(pure, "{name} is not known to be pure");
    }
}

#[test]
fn what_domain_is_built_with_may_not_read_clocks_or_draw_numbers() {
    let metadata = metadata();
    let members = metadata.workspace_packages();
    let domain = members.iter().find(|member| member.name.as_str() == "skewguard-domain");
    let impure = ["std", "v1", "v4", "v7", "rng", "local-offset", "rand", "js", "now", "default"];
    for dependency in &domain.expect("there is a domain").dependencies {
        if dependency.kind == DependencyKind::Development {
            continue;
        }
        assert!(!dependency.uses_default_features, "{} has its default features", dependency.name);
        for feature in &dependency.features {
            assert!(!impure.contains(&feature.as_str()), "{} has {feature}", dependency.name);
        }
    }
}

#[test]
fn the_source_of_domain_does_no_io_and_reads_no_clock() {
    let impure = [
        "async ",
        ".await",
        "std::time",
        "SystemTime",
        "Instant::now",
        "std::fs",
        "std::net",
        "std::env",
        "std::thread",
        "std::process",
        "std::io",
        "println!",
        "eprintln!",
        "extern ",
        "now_utc",
        "new_v4",
        "thread_rng",
        "Rng::new()",
    ];
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../domain/src")];
    let mut paths = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("the source") {
            let path = entry.expect("an entry").path();
            if path.is_dir() { folders.push(path) } else { paths.push(path) }
        }
    }
    let mut files = 0;
    for path in paths {
        let text = fs::read_to_string(&path).expect("text");
        files += 1;
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            for word in impure {
                assert!(!code.contains(word), "{}:{}: {word}", path.display(), number + 1);
            }
        }
    }
    assert!(files >= 18, "only {files} files were read");
}
