//! Readings of clocks: how they are compared, moved and shown.

use core::time::Duration;

use crate::fixtures::{at, ms};

#[test]
fn a_reading_gives_back_its_milliseconds() {
    for millis in [i64::MIN, -1, 0, 1_772_366_400_000, i64::MAX] {
        assert_eq!(at(millis).as_unix_millis(), millis);
    }
}

#[test]
fn the_time_since_an_earlier_reading_is_their_difference() {
    assert_eq!(at(1_500).since(at(1_000)), Some(ms(500)));
    assert_eq!(at(1_000).since(at(1_000)), Some(Duration::ZERO));
    assert_eq!(at(500).since(at(-500)), Some(ms(1_000)));
}

#[test]
fn there_is_no_time_since_a_later_reading() {
    assert_eq!(at(999).since(at(1_000)), None);
    assert_eq!(at(i64::MIN).since(at(i64::MAX)), None);
}

#[test]
fn the_whole_range_of_readings_can_be_spanned() {
    assert_eq!(at(i64::MAX).since(at(i64::MIN)), Some(ms(u64::MAX)));
}

#[test]
fn a_reading_moves_on_by_whole_milliseconds() {
    assert_eq!(at(1_000).after(ms(500)), at(1_500));
    assert_eq!(at(-1_000).after(ms(500)), at(-500));
    assert_eq!(at(1_000).after(Duration::from_micros(1_999)), at(1_001));
}

#[test]
fn a_reading_stops_at_the_last_one() {
    assert_eq!(at(i64::MAX - 1).after(ms(1)), at(i64::MAX));
    assert_eq!(at(i64::MAX).after(ms(1)), at(i64::MAX));
    assert_eq!(at(1).after(Duration::MAX), at(i64::MAX));
}

#[test]
fn a_reading_is_shown_in_utc_as_rfc_3339_has_it() {
    assert_eq!(at(1_772_366_400_000).to_string(), "2026-03-01T12:00:00Z");
    assert_eq!(at(1_772_366_400_123).to_string(), "2026-03-01T12:00:00.123Z");
    assert_eq!(at(-1).to_string(), "1969-12-31T23:59:59.999Z");
}

#[test]
fn a_reading_that_rfc_3339_cannot_write_is_shown_as_out_of_range() {
    // The years −1 and 10000, and the ends of the range.
    for millis in [-62_167_219_200_001, 253_402_300_800_000, i64::MIN, i64::MAX] {
        assert_eq!(at(millis).to_string(), "out of range");
    }
}
