//! Whether two releases served at the same time is told from what clients have seen. Times are
//! made up: nothing here runs.

use std::time::{Duration, Instant};

use skewguard_lab::CodeFormat::{One, Two};
use skewguard_lab::{CodeFormat, Record, Step};

/// A step of a flow: which release served it, when it was sent, and when it was answered, in ms.
type Line = (u64, CodeFormat, u64, u64);

fn record(lines: &[Line]) -> Record {
    let start = Instant::now();
    let at = |ms| start + Duration::from_millis(ms);
    let step = |&(flow, format, sent, answered): &Line| Step {
        flow,
        format,
        sent: at(sent),
        answered: at(answered),
    };
    Record::new(lines.iter().map(step).collect())
}

/// The flows of pairs of steps.
fn flows(pairs: &[[Step; 2]]) -> Vec<u64> {
    pairs.iter().map(|[step, _]| step.flow).collect()
}

/// Holds a record against what is expected: the flows that are mixed, and those that crossed.
fn expect(record: &Record, mixed: &[u64], crossed: &[u64]) {
    assert_eq!(flows(&record.mixed()), mixed, "mixed");
    assert_eq!(flows(&record.crossed()), crossed, "crossed");
    assert_eq!(record.overlap().is_empty(), mixed.is_empty());
}

#[test]
fn an_empty_record_shows_nothing() {
    expect(&record(&[]), &[], &[]);
}

#[test]
fn flows_of_one_release_neither_mix_nor_cross() {
    expect(&record(&[(1, One, 0, 5), (2, One, 1, 4), (1, One, 6, 9), (2, One, 5, 8)]), &[], &[]);
}

#[test]
fn a_flow_that_is_under_way_at_the_cutover_has_crossed_it() {
    let steps = [(1, One, 0, 5), (2, One, 10, 15), (1, Two, 20, 25), (3, Two, 30, 35)];
    expect(&record(&steps), &[], &[1]);
}

#[test]
fn answers_that_are_under_way_at_the_cutover_may_come_in_any_order() {
    // The first answer of release 2 is there before the last one of release 1, which was sent
    // earlier: a cutover at 12 explains both.
    let steps = [(1, One, 0, 5), (2, One, 10, 30), (1, Two, 11, 15), (2, Two, 31, 35)];
    expect(&record(&steps), &[], &[1, 2]);
}

#[test]
fn a_step_of_the_old_release_sent_after_an_answer_of_the_new_one_proves_a_mix() {
    let steps = [(1, One, 0, 5), (1, Two, 10, 15), (2, One, 16, 20), (3, Two, 30, 35)];
    let record = record(&steps);
    expect(&record, &[1], &[]);
    let overlap = record.overlap();
    assert_eq!(overlap.iter().map(|step| step.flow).collect::<Vec<_>>(), [2]);
}

#[test]
fn a_step_sent_at_the_very_moment_of_that_answer_counts_as_after_it() {
    expect(&record(&[(1, One, 0, 5), (1, Two, 10, 15), (2, One, 15, 20)]), &[1], &[]);
    expect(&record(&[(1, One, 0, 5), (1, Two, 10, 15), (2, One, 14, 20)]), &[], &[1]);
}

#[test]
fn one_answer_of_the_new_release_too_early_is_enough() {
    let mut steps: Vec<Line> = (0..100).map(|flow| (flow, One, 10 * flow, 10 * flow + 5)).collect();
    steps.extend((0..100).map(|flow| (flow, Two, 1_000 + 10 * flow, 1_005 + 10 * flow)));
    let everyone: Vec<_> = (0..100).collect();
    expect(&record(&steps), &[], &everyone);
    steps.push((200, Two, 500, 503));
    assert_eq!(record(&steps).mixed().len(), 100);
}

#[test]
fn a_flow_that_goes_back_to_the_old_release_is_mixed() {
    let steps = [(1, One, 0, 5), (2, Two, 10, 15), (2, One, 20, 25)];
    expect(&record(&steps), &[2], &[]);
}

#[test]
fn with_two_releases_side_by_side_every_flow_of_both_is_mixed() {
    let steps = [
        (1, One, 0, 5),
        (1, One, 6, 9),
        (2, One, 10, 15),
        (2, Two, 16, 19),
        (3, Two, 20, 25),
        (3, One, 26, 29),
        (4, Two, 30, 35),
        (4, Two, 36, 39),
    ];
    expect(&record(&steps), &[2, 3], &[]);
}

/// A release, and its rollback, each with a flow under way.
const THERE_AND_BACK: [Line; 6] = [
    (1, One, 0, 5),
    (2, One, 10, 15),
    (2, Two, 20, 25),
    (3, Two, 30, 35),
    (3, One, 40, 45),
    (4, One, 50, 55),
];

#[test]
fn a_release_and_its_rollback_are_two_cutovers() {
    expect(&record(&THERE_AND_BACK).in_order(&[One, Two, One]), &[], &[2, 3]);
}

#[test]
fn a_release_that_comes_back_unannounced_is_a_mix() {
    expect(&record(&THERE_AND_BACK), &[2, 3], &[]);
    expect(&record(&THERE_AND_BACK).in_order(&[Two, One]), &[2, 3], &[]);
}

#[test]
fn a_rollback_explains_one_return_and_not_two() {
    let mut steps = THERE_AND_BACK.to_vec();
    steps.push((5, Two, 60, 65));
    expect(&record(&steps).in_order(&[One, Two, One]), &[2, 3], &[]);
    expect(&record(&steps).in_order(&[One, Two, One, Two]), &[], &[2, 3]);
}

#[test]
fn an_order_may_name_releases_that_never_served() {
    expect(&record(&[(1, One, 0, 5), (1, One, 6, 9)]).in_order(&[Two, One, Two]), &[], &[]);
}

#[test]
fn a_release_that_is_not_in_the_order_overlaps() {
    let record = record(&[(1, One, 0, 5), (1, Two, 10, 15)]).in_order(&[One]);
    expect(&record, &[1], &[]);
}

#[test]
fn the_order_in_which_clients_report_does_not_matter() {
    let mut steps = THERE_AND_BACK;
    steps.reverse();
    expect(&record(&steps).in_order(&[One, Two, One]), &[], &[2, 3]);
}
