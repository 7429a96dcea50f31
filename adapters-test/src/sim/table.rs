//! A comparison as a table.

use core::fmt;

use super::agenda::Millis;
use super::compare::{Comparison, WithoutCopies};
use super::measure::Measure;
use super::scenario::DEPLOY;

/// How wide the names of the rows are, and the columns.
const WIDTHS: (usize, usize) = (52, 16);

type Row = (&'static str, fn(&Measure) -> String);

const ROWS: [Row; 21] = [
    ("questions to the manager, a second on average", |m| format!("{:.0}", m.load().0)),
    ("  and in the busiest second", |m| grouped(m.load().1.into())),
    ("requests", |m| grouped(m.requests)),
    ("  that waited for more than 20 ms", |m| grouped(m.waited_long)),
    ("  the longest wait", |m| format!("{} ms", grouped(m.longest_wait.unsigned_abs()))),
    ("requests refused", |m| grouped(m.refused)),
    ("  by mistake: nothing had taken over", |m| grouped(m.refused_by_mistake)),
    ("  held back until a strict cutover", |m| grouped(m.held)),
    ("  replaced, but the PoP had nothing newer yet", |m| grouped(m.refused_in_the_dark)),
    ("  within the round trip around their cutover", |m| grouped(m.refused_early)),
    ("  replaced, and something newer was there", |m| grouped(m.refused_for_good())),
    ("served by the old after it was replaced", |m| grouped(m.stale)),
    ("  for how long at most", |m| format!("{} ms", grouped(m.longest_stale.unsigned_abs()))),
    ("  on purpose: breaker open, or nothing known", |m| grouped(m.stale_on_purpose)),
    ("flows of two requests, both served", |m| grouped(m.flows)),
    ("  mixed: old and new, side by side", |m| grouped(m.mixed)),
    ("  mixed on purpose: breaker open, or nothing known", |m| grouped(m.mixed_on_purpose)),
    ("  crossed: old before a strict cutover, new after", |m| grouped(m.crossed)),
    ("the release takes over, after the deploy began", |m| since_deploy(m.took_over)),
    ("the old serves last", |m| since_deploy(m.old_served_last)),
    ("Workers that the release has taken over", |m| m.taken_over().to_string()),
];

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.size;
        let isolates = size.pops * size.workers * size.isolates;
        writeln!(
            f,
            "{} PoPs, {} Workers, {} isolates",
            size.pops,
            size.workers,
            grouped(isolates as u64)
        )?;
        let columns = [&self.equality, &self.equality_at_its_best, &self.plain, &self.strict];
        let (name, column) = WIDTHS;
        let heads = [
            ["one UUID each,", "one UUID each,", "Skewguard,", "Skewguard,"],
            ["one object", "no limit", "plain", "strict"],
        ];
        for head in heads {
            write!(f, "{:name$}", "")?;
            for head in head {
                write!(f, "{head:>column$}")?;
            }
            writeln!(f)?;
        }
        for (row, tell) in ROWS {
            write!(f, "{row:name$}")?;
            for measure in columns {
                write!(f, "{:>column$}", tell(measure))?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for WithoutCopies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = [
            ("copies, one object", &self.with_copies),
            ("no copies, one object", &self.one_object),
            ("no copies, no limit", &self.unlimited),
        ];
        writeln!(f, "a strict release, until it has taken over:")?;
        for (name, measure) in columns {
            let (mean, peak) = measure.load_of_deploy();
            writeln!(
                f,
                "{name:>24}: {mean:.0} questions to the manager a second, {} in the busiest; \
                 takes over after {}; {} flows mixed by failing open",
                grouped(peak.into()),
                since_deploy(measure.took_over),
                grouped(measure.mixed_on_purpose),
            )?;
        }
        Ok(())
    }
}

fn since_deploy(at: Option<Millis>) -> String {
    at.map_or("never".to_owned(), |at| format!("{:.1} s", (at - DEPLOY) as f64 / 1000.0))
}

/// A number with commas.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
