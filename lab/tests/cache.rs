//! The cache of a PoP is one, as far as Workers can tell.

use std::thread;
use std::time::{Duration, Instant};

use skewguard_lab::{
    Answer, CacheSetup, CacheStats, CodeFormat, Lab, Manager, ManagerSetup, Pop, PopSetup, Release,
};

/// Does with a cache what the path says, and tells what came of it.
const SCRIPT: &str = r#"
const actions = {
  put(cache, url, control) {
    const headers = { "Cache-Control": control, "X-Kind": "kept" };
    return cache.put(url, new Response("the body", { status: 201, headers }));
  },
  match: (cache, url) => cache.match(url),
  delete: (cache, url) => cache.delete(url),
};

async function tell(result) {
  if (!(result instanceof Response)) return { told: result === undefined ? "undefined" : result };
  const { status, headers } = result;
  return { told: await result.text(), status, kind: headers.get("X-Kind") };
}

export default {
  async fetch(request) {
    const { pathname, searchParams } = new URL(request.url);
    const url = `https://cache.invalid/${searchParams.get("key")}`;
    const name = searchParams.get("cache");
    const cache = name ? await caches.open(name) : caches.default;
    let pending;
    try {
      pending = actions[pathname.slice(1)](cache, url, searchParams.get("control"));
    } catch (error) {
      return Response.json({ threw: `${error}` });
    }
    return Response.json(await pending.then(tell, (error) => ({ rejected: `${error}` })));
  },
};
"#;

fn pop<'a>(lab: &'a Lab, setup: PopSetup) -> Pop<'a> {
    let manager = Manager::start(lab, ManagerSetup::Complete).expect("a manager");
    let setup = setup.script("west", SCRIPT).script("east", SCRIPT);
    Pop::start(lab, &manager, &Release::new(CodeFormat::One, 10), &setup).expect("a PoP")
}

fn act(lab: &Lab, pop: &Pop<'_>, worker: &str, what: &str) -> Answer {
    lab.client().get(&format!("{}/{what}", pop.url(worker))).expect("an answer")
}

fn told(lab: &Lab, pop: &Pop<'_>, worker: &str, what: &str) -> String {
    let answer = act(lab, pop, worker, what).json();
    answer["told"].as_str().map_or_else(|| answer.to_string(), str::to_owned)
}

fn stats(pop: &Pop<'_>) -> CacheStats {
    pop.cache().expect("a cache").stats().expect("statistics")
}

#[test]
fn what_one_worker_puts_another_of_the_same_pop_finds() {
    let lab = Lab::new().expect("a lab");
    let pop = pop(&lab, PopSetup::default().cached());
    assert_eq!(told(&lab, &pop, "west", "match?key=a"), "undefined");
    assert_eq!(told(&lab, &pop, "west", "put?key=a&control=max-age=60"), "undefined");
    let found = act(&lab, &pop, "east", "match?key=a").json();
    let expected = serde_json::json!({ "told": "the body", "status": 201, "kind": "kept" });
    assert_eq!(found, expected);
    assert_eq!(told(&lab, &pop, "east", "match?key=b"), "undefined", "the key counts");
    assert_eq!(stats(&pop), CacheStats { hits: 1, misses: 2, puts: 1, deletes: 0 });
}

#[test]
fn a_cache_with_a_name_is_another_one() {
    let lab = Lab::new().expect("a lab");
    let pop = pop(&lab, PopSetup::default().cached());
    told(&lab, &pop, "west", "put?cache=mine&key=a&control=max-age=60");
    assert_eq!(told(&lab, &pop, "east", "match?cache=mine&key=a"), "the body");
    assert_eq!(told(&lab, &pop, "east", "match?cache=yours&key=a"), "undefined");
    assert_eq!(told(&lab, &pop, "east", "match?key=a"), "undefined");
}

#[test]
fn two_pops_have_two_caches() {
    let lab = Lab::new().expect("a lab");
    let [here, there] = [(); 2].map(|()| pop(&lab, PopSetup::default().cached()));
    told(&lab, &here, "west", "put?key=a&control=max-age=60");
    assert_eq!(told(&lab, &here, "west", "match?key=a"), "the body");
    assert_eq!(told(&lab, &there, "west", "match?key=a"), "undefined");
}

#[test]
fn what_is_too_old_is_not_found() {
    let lab = Lab::new().expect("a lab");
    let pop = pop(&lab, PopSetup::default().cached());
    let before = Instant::now();
    told(&lab, &pop, "west", "put?key=a&control=max-age=2");
    let after = Instant::now();
    while told(&lab, &pop, "west", "match?key=a") != "undefined" {
        assert!(after.elapsed() < Duration::from_secs(20), "it is kept for ever");
        thread::sleep(Duration::from_millis(50));
    }
    assert!(before.elapsed() >= Duration::from_millis(1_900), "it was dropped too early");
}

#[test]
fn what_must_not_be_stored_is_not() {
    let lab = Lab::new().expect("a lab");
    let pop = pop(&lab, PopSetup::default().cached());
    for control in ["no-store", "private,max-age=60", "max-age=0"] {
        told(&lab, &pop, "west", &format!("put?key=a&control={control}"));
        assert_eq!(told(&lab, &pop, "west", "match?key=a"), "undefined", "{control}");
    }
    assert_eq!(stats(&pop).puts, 0);
}

#[test]
fn what_is_deleted_is_not_found() {
    let lab = Lab::new().expect("a lab");
    let pop = pop(&lab, PopSetup::default().cached());
    assert_eq!(told(&lab, &pop, "west", "delete?key=a"), r#"{"told":false}"#);
    told(&lab, &pop, "west", "put?key=a&control=max-age=60");
    assert_eq!(told(&lab, &pop, "west", "delete?key=a"), r#"{"told":true}"#);
    assert_eq!(told(&lab, &pop, "west", "match?key=a"), "undefined");
}

#[test]
fn a_cache_that_is_idle_takes_everything_and_finds_nothing() {
    let lab = Lab::new().expect("a lab");
    let setup = PopSetup { cache: CacheSetup::Idle, ..PopSetup::default() };
    let pop = pop(&lab, setup);
    assert_eq!(told(&lab, &pop, "west", "put?key=a&control=max-age=60"), "undefined");
    assert_eq!(told(&lab, &pop, "west", "match?key=a"), "undefined");
    assert_eq!(told(&lab, &pop, "west", "delete?key=a"), r#"{"told":false}"#);
    assert_eq!(stats(&pop), CacheStats { hits: 0, misses: 1, puts: 0, deletes: 1 });
}

#[test]
fn without_a_cache_nothing_throws_at_once_and_everything_is_rejected() {
    let lab = Lab::new().expect("a lab");
    let pop = pop(&lab, PopSetup::default());
    assert!(pop.cache().is_none());
    for what in ["match?key=a", "put?key=a&control=max-age=60", "delete?key=a"] {
        let answer = act(&lab, &pop, "west", what).json();
        assert_eq!(answer["rejected"], "Error: No Cache was configured", "{what}: {answer}");
    }
}
