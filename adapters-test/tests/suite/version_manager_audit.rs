//! The audit trail of a manager.

use futures::executor::block_on;
use serde_json::Value;
use skewguard_domain::{Command, Delay, Epoch, Intent, MaxAge, Strictness, Style};
use skewguard_ports::wire::AuditAnswer;
use skewguard_ports::{AuditEntry, AuditPage, Clock, Precondition, Principal};
use skewguard_test::StorageFault;

use crate::fixtures::{
    abort, activate, announce, assert_only_8_characters_are_told, id, ms, promote, register,
    release, roll_back, secs,
};
use crate::world::{TestManager, World, change};

fn change_by(manager: &TestManager, command: Command, by: Principal) {
    block_on(manager.change(command, &Precondition::None, by)).expect("a legal change");
}

/// What an entry says besides when, by whom, and from where to where.
fn says(entry: &AuditEntry) -> (&str, Option<&str>, &str) {
    (&entry.action, entry.release.as_deref(), &entry.detail)
}

/// What a bundle is called in the trail.
fn short(number: u8) -> String {
    id(number).to_string()
}

/// Every kind of change, one after the other, 7 s apart.
fn everything() -> Vec<Command> {
    let both = |number| [("op-auth", number), ("op-token", number)];
    vec![
        register("op-auth", 1, Intent::Deploy),
        register("op-token", 2, Intent::Deploy),
        register("op-token", 1, Intent::Rollback),
        announce("plain", Style::Plain, &both(3)),
        activate("plain"),
        announce("strict", Style::Strict, &both(4)),
        Command::Activate { release: release("strict"), after: Delay::new(ms(1_500)) },
        announce("canary", Style::Canary, &[("op-auth", 5)]),
        activate("canary"),
        promote("canary"),
        roll_back("plain"),
        Command::RollBack {
            release: release("strict"),
            after: Delay::new(secs(8)),
            strictness: Strictness::Strict,
        },
        announce("given-up", Style::Canary, &both(9)),
        abort("given-up"),
        Command::SetLease(MaxAge::new(secs(2)).expect("a lease")),
    ]
}

/// A world in which everything has happened, each by another token.
fn eventful() -> (World, TestManager) {
    let world = World::default();
    let manager = world.manager();
    let tokens = [Principal::Current, Principal::Previous, Principal::Settings];
    for (command, by) in everything().into_iter().zip(tokens.into_iter().cycle()) {
        change_by(&manager, command, by);
        world.clock.advance(secs(20));
    }
    (world, manager)
}

#[test]
fn an_entry_says_when_by_whom_and_from_where_to_where() {
    let world = World::default();
    let begin = world.clock.now();
    drop(world);
    let (world, _) = eventful();
    let trail = world.store.trail();
    assert_eq!(trail.len(), everything().len());
    let tokens = [Principal::Current, Principal::Previous, Principal::Settings];
    for ((number, entry), by) in (0_u32..).zip(&trail).zip(tokens.into_iter().cycle()) {
        assert_eq!((entry.at, entry.by), (begin.after(secs(20) * number), by));
        let (from, to) = (Epoch::new(number.into()), Epoch::new(u64::from(number) + 1));
        assert_eq!((entry.from, entry.to), (from, to));
    }
}

#[test]
fn an_entry_says_what_was_asked_for() {
    let (world, _) = eventful();
    let trail = world.store.trail();
    let said: Vec<_> = trail.iter().map(says).collect();
    let both = |style: &str, number| {
        format!("{style}: op-auth {}, op-token {}", short(number), short(number))
    };
    let expected = [
        ("register", Some("@1"), format!("op-auth {}", short(1))),
        ("register", Some("@2"), format!("op-token {}", short(2))),
        ("register", Some("@3"), format!("op-token {}, rollback", short(1))),
        ("announce", Some("plain"), both("plain", 3)),
        ("activate", Some("plain"), String::new()),
        ("announce", Some("strict"), both("strict", 4)),
        ("activate", Some("strict"), "after 1500 ms".to_owned()),
        ("announce", Some("canary"), format!("canary: op-auth {}", short(5))),
        ("activate", Some("canary"), String::new()),
        ("promote", Some("canary"), String::new()),
        ("roll_back", Some("plain"), String::new()),
        ("roll_back", Some("strict"), "strict after 8000 ms".to_owned()),
        ("announce", Some("given-up"), both("canary", 9)),
        ("abort", Some("given-up"), String::new()),
        ("set_lease", None, "2000 ms".to_owned()),
    ];
    let expected: Vec<_> =
        expected.iter().map(|(action, of, detail)| (*action, *of, detail.as_str())).collect();
    assert_eq!(said, expected);
}

#[test]
fn the_release_of_a_registration_is_called_as_its_entry_says() {
    let (world, _) = eventful();
    let stored = world.store.stored();
    for entry in world.store.trail().iter().filter(|entry| entry.action == "register") {
        let name = entry.release.as_deref().expect("a release");
        assert!(stored.release(&release(name)).is_some(), "{name}");
    }
}

#[test]
fn no_entry_tells_more_than_8_characters_of_a_uuid() {
    let (_, manager) = eventful();
    let page = AuditPage { before: None, limit: AuditPage::LARGEST };
    let entries = block_on(manager.audit(page)).expect("a page");
    let debugged = Value::from(format!("{entries:?}"));
    let answer = serde_json::to_value(AuditAnswer::new(entries, page.limit)).expect("JSON");
    let bundles = [1, 2, 3, 4, 5, 9].map(id);
    assert_only_8_characters_are_told(&[answer], &bundles);
    assert_only_8_characters_are_told(&[debugged], &bundles);
}

#[test]
fn what_changes_nothing_leaves_no_entry() {
    let (world, manager) = eventful();
    let before = world.store.trail();
    change(&manager, abort("given-up")).expect("it is so already");
    change(&manager, activate("unknown")).expect_err("there is no such release");
    world.store.inject([StorageFault::Unavailable]);
    change(&manager, register("op-code", 1, Intent::Deploy)).expect_err("the store fails");
    assert_eq!(world.store.trail(), before);
    block_on(manager.audit(AuditPage { before: None, limit: 1 })).expect("a page");
}

/// Reads the whole trail, page by page, as a client does.
fn read(manager: &TestManager, limit: u32) -> (Vec<Value>, usize) {
    let (mut entries, mut before, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = AuditPage { before, limit };
        let answer = AuditAnswer::new(block_on(manager.audit(page)).expect("a page"), limit);
        let answer = serde_json::to_value(answer).expect("JSON");
        entries.extend(answer["entries"].as_array().expect("a list").clone());
        pages += 1;
        match answer["next"].as_u64() {
            Some(next) => before = Some(Epoch::new(next)),
            None => return (entries, pages),
        }
    }
}

#[test]
fn the_pages_of_the_trail_make_the_whole_of_it_last_change_first() {
    let (world, manager) = eventful();
    let all = everything().len();
    for limit in 1..=20 {
        let (entries, pages) = read(&manager, limit);
        let epochs: Vec<_> = entries.iter().filter_map(|entry| entry["to"].as_u64()).collect();
        let expected: Vec<u64> = (1..=all as u64).rev().collect();
        assert_eq!(epochs, expected, "by {limit}");
        assert_eq!(pages, all.div_ceil(limit as usize), "by {limit}");
    }
    assert_eq!(read(&world.manager(), AuditPage::DEFAULT).1, 1);
    assert_eq!(read(&World::default().manager(), 50), (Vec::new(), 1));
}

#[test]
fn entries_that_come_while_the_trail_is_read_do_not_disturb_its_readers() {
    let (_, manager) = eventful();
    let to = |page| {
        let entries = block_on(manager.audit(page)).expect("a page");
        entries.iter().map(|entry| entry.to.get()).collect::<Vec<_>>()
    };
    assert_eq!(to(AuditPage { before: None, limit: 2 }), [15, 14]);
    change(&manager, register("op-code", 1, Intent::Deploy)).expect("a registration");
    assert_eq!(to(AuditPage { before: Some(Epoch::new(14)), limit: 2 }), [13, 12]);
}
