//! A guard whose requests or background tasks are lost on the way.

use futures::FutureExt;
use skewguard_ports::{Background, Task};
use skewguard_test::Behaviour;

use crate::fixtures::{ms, secs};
use crate::isolate::{CURRENT, Isolate, OLDER, REQUEST, UNAVAILABLE, own_is_current, own_is_older};

/// Loses all work, as a platform does that ends a request's context early.
struct Lossy;

impl Background for Lossy {
    fn run(&self, task: Task) {
        drop(task);
    }
}

#[test]
fn the_flight_goes_on_when_the_client_of_the_request_that_started_it_leaves() {
    let mut isolate = Isolate::cold(own_is_older(ms(40)));
    let background = isolate.background();
    // Polled once, and dropped.
    assert!(isolate.guard.check(REQUEST, &background).now_or_never().is_none());
    let others: Vec<_> = (0..10).map(|_| isolate.send()).collect();
    isolate.pass(ms(48));
    assert!(others.into_iter().all(|other| other.try_take() == Some(OLDER)));
    assert_eq!(isolate.manager.asked(), 1);
}

#[test]
fn what_a_request_whose_client_left_asked_for_serves_those_that_come_later() {
    let mut isolate = Isolate::cold(own_is_older(ms(40)));
    let background = isolate.background();
    assert!(isolate.guard.check(REQUEST, &background).now_or_never().is_none());
    isolate.pass(ms(40));
    assert_eq!(isolate.at_once(), Some(OLDER));
    assert_eq!(isolate.manager.asked(), 1);
}

#[test]
fn a_waiting_request_whose_client_leaves_takes_nothing_from_the_others() {
    let mut isolate = Isolate::cold(own_is_current(ms(40)));
    let first = isolate.send();
    isolate.executor.run();
    let background = isolate.background();
    assert!(isolate.guard.check(REQUEST, &background).now_or_never().is_none());
    isolate.pass(ms(48));
    assert_eq!(first.try_take(), Some(CURRENT));
    assert_eq!(isolate.log.count("request_waited"), 1);
}

#[test]
fn when_the_background_task_is_lost_those_who_wait_go_on_after_the_timeout() {
    let mut isolate = Isolate::cold(own_is_older(ms(5)));
    let mut waiting = vec![isolate.send_with(Lossy)];
    isolate.executor.run();
    waiting.extend((0..10).map(|_| isolate.send()));
    isolate.pass(ms(250));
    assert!(waiting.into_iter().all(|request| request.try_take() == Some(UNAVAILABLE)));
    assert_eq!(isolate.manager.asked(), 0);
}

#[test]
fn when_the_background_task_is_lost_a_later_request_asks_again() {
    let mut isolate = Isolate::cold(own_is_older(ms(5)));
    let lost = isolate.send_with(Lossy);
    isolate.pass(ms(250));
    assert_eq!(lost.try_take(), Some(UNAVAILABLE));
    let mut refused_after = None;
    isolate.traffic(secs(2), ms(10), |passed, _, decision| {
        if decision == OLDER {
            refused_after.get_or_insert(passed);
        }
    });
    assert!(refused_after.is_some_and(|after| after <= secs(1) + ms(30)), "{refused_after:?}");
    assert_eq!(isolate.manager.asked(), 1);
}

#[test]
fn a_guard_that_loses_every_task_holds_up_one_request_and_serves_the_others_at_once() {
    let mut isolate = Isolate::cold(Behaviour::Hang);
    let first = isolate.send_with(Lossy);
    isolate.pass(ms(250));
    assert_eq!(first.try_take(), Some(UNAVAILABLE));
    for _ in 0..1_000 {
        let request = isolate.send_with(Lossy);
        isolate.executor.run();
        assert_eq!(request.try_take(), Some(UNAVAILABLE));
        isolate.clock.advance(ms(50));
    }
    assert_eq!(isolate.log.count("request_waited"), 1);
}

#[test]
fn a_lost_refresh_leaves_the_guard_with_what_it_knows_and_is_tried_again() {
    let mut isolate = Isolate::warm(own_is_older(ms(0)));
    isolate.clock.advance(ms(4_600));
    let refreshing = isolate.send_with(Lossy);
    isolate.executor.run();
    assert_eq!(refreshing.try_take(), Some(OLDER));
    isolate.traffic(secs(20), ms(10), |_, _, decision| assert_eq!(decision, OLDER));
    assert!(isolate.manager.asked() >= 4);
}
