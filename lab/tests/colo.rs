//! Workers of the lab know which PoP they run in.

use skewguard_lab::{CodeFormat, Lab, Manager, ManagerSetup, Outgoing, Pop, PopSetup, Release};

/// Answers with `request.cf`, and with the headers that came with it.
const SCRIPT: &str = "export default {
  fetch: ({ cf, headers }) => Response.json({ cf: cf ?? null, headers: [...headers.keys()] }),
};
";

fn pop<'a>(lab: &'a Lab, setup: PopSetup) -> Pop<'a> {
    let manager = Manager::start(lab, ManagerSetup::Complete).expect("a manager");
    let setup = setup.script("probe", SCRIPT);
    Pop::start(lab, &manager, &Release::new(CodeFormat::One, 10), &setup).expect("a PoP")
}

fn colo(pop: &Pop<'_>) -> String {
    let answer = pop.send("GET", "probe", "/", Outgoing::new()).expect("an answer").json();
    answer["cf"]["colo"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_worker_reads_the_name_of_its_pop() {
    let lab = Lab::new().expect("a lab");
    let pop = pop(&lab, PopSetup::default().named("FRA"));
    assert_eq!((pop.name(), colo(&pop).as_str()), ("FRA", "FRA"));
}

#[test]
fn pops_without_a_name_have_different_ones() {
    let lab = Lab::new().expect("a lab");
    let names = [(); 2].map(|()| colo(&pop(&lab, PopSetup::default())));
    assert_eq!(names, ["PO1", "PO2"]);
}

#[test]
fn a_request_that_is_sent_by_hand_has_no_cf() {
    let lab = Lab::new().expect("a lab");
    let pop = pop(&lab, PopSetup::default());
    let answer = lab.client().get(&pop.url("probe")).expect("an answer");
    assert_eq!((answer.status, &answer.json()["cf"]), (200, &serde_json::Value::Null));
}

#[test]
fn how_the_name_comes_in_is_not_seen() {
    let lab = Lab::new().expect("a lab");
    let pop = pop(&lab, PopSetup::default());
    let answer = pop.send("GET", "probe", "/", Outgoing::new()).expect("an answer");
    let headers = answer.json()["headers"].to_string();
    assert!(headers.contains("user-agent") && !headers.contains("blob"), "{headers}");
}
