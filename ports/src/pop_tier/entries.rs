//! What isolates of a PoP leave for one another, as text. There is a version in the entries' names:
//! isolates of different bundles meet here.

use core::fmt::Write as _;
use core::time::Duration;

use skewguard_domain::{Breaker, Bundle, CopyInfo, MaxAge, Sighting, Tally, Timestamp};

/// An entry of the cache that the isolates of a PoP share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Entry {
    /// What the manager said last, and when.
    Copy,
    /// Since when somebody asks for a new copy.
    Asking,
    /// What was sighted since the manager was told last.
    Sightings,
}

impl Entry {
    /// Its name, unique among all entries of all versions.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Copy => "1/copy",
            Self::Asking => "1/asking",
            Self::Sightings => "1/sightings",
        }
    }
}

pub(super) fn write_instant(instant: Timestamp) -> String {
    instant.as_unix_millis().to_string()
}

pub(super) fn read_instant(text: &str) -> Option<Timestamp> {
    text.parse().ok().map(Timestamp::from_unix_millis)
}

/// One line on the copy, and then what the manager said.
pub(super) fn write_copy(copy: &CopyInfo, text: &str) -> String {
    format!(
        "{} {} {} {}\n{text}",
        copy.asked_at.as_unix_millis(),
        copy.answered_at.as_unix_millis(),
        copy.max_age.get().as_millis() as u64,
        copy.age_tolerance.as_millis() as u64,
    )
}

pub(super) fn read_copy(entry: &str) -> Option<(CopyInfo, &str)> {
    let (line, text) = entry.split_once('\n')?;
    let mut words = line.split(' ').map(|word| word.parse::<i64>().ok());
    let mut number = || words.next().flatten();
    let asked_at = Timestamp::from_unix_millis(number()?);
    let answered_at = Timestamp::from_unix_millis(number()?);
    let mut length = || u64::try_from(number()?).ok().map(Duration::from_millis);
    let max_age = MaxAge::new(length()?).ok()?;
    Some((CopyInfo { asked_at, answered_at, max_age, age_tolerance: length()? }, text))
}

/// A line for each: Worker, UUID, breaker, tally, reports, and the deploy time if there is one.
pub(super) fn write_sightings(sightings: &[Sighting]) -> String {
    let mut lines = String::new();
    for Sighting { worker, bundle, breaker, tally, reports } in sightings {
        let breaker = breaker.as_str();
        let Tally { refused, failed_open, breaker_open } = tally;
        // Writing to a text does not fail.
        let _ = write!(
            lines,
            "{worker} {} {breaker} {refused} {failed_open} {breaker_open} {reports}",
            bundle.id.reveal(),
        );
        if let Some(deploy_time) = bundle.deploy_time {
            let _ = write!(lines, " {}", deploy_time.as_timestamp().as_unix_millis());
        }
        lines.push('\n');
    }
    lines
}

/// A line of another make is left out.
pub(super) fn read_sightings(lines: &str) -> Vec<Sighting> {
    lines.lines().filter_map(read_sighting).collect()
}

fn read_sighting(line: &str) -> Option<Sighting> {
    let mut words = line.split(' ');
    let worker = words.next()?.parse().ok()?;
    let id = words.next()?.parse().ok()?;
    let breaker = if words.next()? == "open" { Breaker::Open } else { Breaker::Closed };
    let mut number = || u32::try_from(words.next()?.parse::<i64>().ok()?).ok();
    let (refused, failed_open, breaker_open) = (number()?, number()?, number()?);
    let reports = number()?;
    let deployed = words.next().and_then(|millis| millis.parse().ok());
    let deploy_time = deployed.map(Timestamp::from_unix_millis);
    Some(Sighting {
        worker,
        bundle: Bundle { id, deploy_time: deploy_time.and_then(|time| time.try_into().ok()) },
        breaker,
        tally: Tally { refused, failed_open, breaker_open },
        reports,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sighting(breaker: Breaker, deploy_time: Option<&str>) -> Sighting {
        Sighting {
            worker: "op-auth".parse().expect("a name"),
            bundle: Bundle {
                id: "6f1c1d5e-3b0a-4c57-9a43-0d1f5a7a2b10".parse().expect("a UUID"),
                deploy_time: deploy_time.map(|time| time.parse().expect("a time")),
            },
            breaker,
            tally: Tally { refused: 3, failed_open: 2, breaker_open: 1 },
            reports: 4,
        }
    }

    #[test]
    fn what_a_pop_gathers_is_read_as_it_was_written() {
        let gathered = [
            sighting(Breaker::Open, Some("2026-03-01T12:00:00.123Z")),
            sighting(Breaker::Closed, Some("0007-03-01T12:00:00Z")),
            sighting(Breaker::Closed, None),
        ];
        assert_eq!(read_sightings(&write_sightings(&gathered)), gathered);
        assert_eq!(read_sightings(&write_sightings(&[])), []);
    }

    #[test]
    fn a_copy_keeps_what_is_known_of_its_age_and_all_that_was_said() {
        let copy = CopyInfo {
            asked_at: Timestamp::from_unix_millis(1_772_366_405_000),
            answered_at: Timestamp::from_unix_millis(1_772_366_405_087),
            max_age: MaxAge::DEFAULT,
            age_tolerance: Duration::from_millis(500),
        };
        for text in ["{}", "", "{\n}\n"] {
            assert_eq!(read_copy(&write_copy(&copy, text)), Some((copy, text)));
        }
    }

    #[test]
    fn an_instant_is_read_as_it_was_written() {
        let instant = Timestamp::from_unix_millis(1_772_366_405_000);
        assert_eq!(read_instant(&write_instant(instant)), Some(instant));
    }

    #[test]
    fn an_entry_of_another_make_is_nothing() {
        for text in
            ["", "x", "1 2 3\n{}", "1 2 5000 x\n{}", "1 2 99 0\n{}", "1 2 5000 -1\n{}", "op-auth"]
        {
            assert_eq!(read_copy(text), None, "{text}");
            assert_eq!(read_sightings(text), [], "{text}");
        }
        assert_eq!(read_sightings("op-auth x open 1 1 1 1"), []);
        assert_eq!(read_instant("soon"), None);
    }
}
