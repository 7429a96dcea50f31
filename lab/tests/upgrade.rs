//! A manager opens the databases of those before it. See `tests/fixtures/*/README.md`.

use std::path::{Path, PathBuf};

use serde_json::Value;
use skewguard_lab::{Lab, Manager, ManagerSetup};

fn fixture(schema: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(schema)
}

fn saved(fixture: &Path, file: &str) -> Value {
    let path = fixture.join(file);
    let text = std::fs::read_to_string(&path).expect("a saved answer");
    serde_json::from_str(&text).expect("JSON")
}

/// Everything that was answered then has to be answered now; newer managers may say more.
fn assert_says(now: &Value, then: &Value, place: &str) {
    match (now, then) {
        (Value::Object(now), Value::Object(then)) => {
            for (name, then) in then {
                assert_says(
                    now.get(name).unwrap_or(&Value::Null),
                    then,
                    &format!("{place}.{name}"),
                );
            }
        }
        (Value::Array(now), Value::Array(then)) => {
            assert_eq!(now.len(), then.len(), "{place}");
            for (index, (now, then)) in now.iter().zip(then).enumerate() {
                assert_says(now, then, &format!("{place}[{index}]"));
            }
        }
        _ => assert_eq!(now, then, "{place}"),
    }
}

/// What the manager knows is what `fixture` has saved.
fn assert_nothing_is_lost(manager: &Manager<'_>, fixture: &Path) {
    // Of the status the manager's own version is left out, and of the manifests the lease: neither
    // comes from the database.
    let (now, then) = (manager.status().expect("an answer").json(), saved(fixture, "status.json"));
    assert_says(&now["workers"], &then["workers"], "status.workers");
    assert!(now["epoch"].as_u64() >= then["epoch"].as_u64(), "the epoch went back");
    let workers = then["workers"].as_object().expect("Workers");
    assert_eq!(now["workers"].as_object().map(serde_json::Map::len), Some(workers.len()));
    for worker in workers.keys() {
        let now = manager.version(worker).expect("an answer").json();
        let mut then = saved(fixture, &format!("version-{worker}.json"));
        then.as_object_mut().expect("a manifest").remove("maxAgeMs");
        assert_says(&now, &then, worker);
    }
}

#[test]
fn a_database_of_the_first_schema_is_opened_and_nothing_is_lost() {
    let lab = Lab::new().expect("a lab");
    let fixture = fixture("schema-1");
    let mut manager = Manager::start_over(&lab, ManagerSetup::Complete, &fixture.join("storage"))
        .expect("a manager");
    assert_nothing_is_lost(&manager, &fixture);
    manager.start_again().expect("a manager that finds its own database");
    assert_nothing_is_lost(&manager, &fixture);
}
