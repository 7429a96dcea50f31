//! Runs the simulator: see `skewguard_test::sim`.
//!
//! What was asked for goes to stdout. Exits with 0 if every promise was kept, with 1 if one was
//! broken, and with 2 if it was called wrongly.

#![forbid(unsafe_code)]

use core::fmt::Display;
use std::io::Write as _;
use std::process::ExitCode;

use skewguard_test::sim::{Comparison, Scenario, Size, Tracing, WithoutCopies, svg};

const USAGE: &str = "\
usage: skewguard-sim compare [--seed N] [--svg FILE]
                             a release around the world, guarded in four ways, as a table;
                             and as a chart
       skewguard-sim strict-without-copies [--seed N]
                             what the manager is asked if PoPs keep no copies in a strict release
       skewguard-sim replay SEED
                             what happens in one random scenario, line by line
       skewguard-sim sweep --seeds N [--from K]
                             random scenarios, and which of them break a promise";

/// What to do.
enum Command {
    Compare { seed: u64, svg: Option<String> },
    StrictWithoutCopies { seed: u64 },
    Replay { seed: u64 },
    Sweep { seeds: u64, from: u64 },
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let command = match parse(&arguments) {
        Ok(command) => command,
        Err(mistake) => {
            // Who does not listen any more has no use for an error either.
            let _ = writeln!(std::io::stderr(), "error: {mistake}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let kept = match command {
        Command::Compare { seed, svg } => compare(seed, svg.as_deref()),
        Command::StrictWithoutCopies { seed } => {
            say(&WithoutCopies::of(seed, Size::WORLD));
            true
        }
        Command::Replay { seed } => replay(seed),
        Command::Sweep { seeds, from } => sweep(seeds, from),
    };
    if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn compare(seed: u64, file: Option<&str>) -> bool {
    let comparison = Comparison::of(seed, Size::WORLD);
    say(&comparison);
    for broken in &comparison.broken {
        say(&format!("broken: {}\n", broken.how));
    }
    if let Some(file) = file
        && let Err(error) = std::fs::write(file, svg(&comparison))
    {
        let _ = writeln!(std::io::stderr(), "error: failed to write {file}: {error}");
        return false;
    }
    comparison.broken.is_empty()
}

fn replay(seed: u64) -> bool {
    let outcome = Scenario::at_random(seed).run(Tracing::On);
    for line in &outcome.trace {
        say(&format!("{line}\n"));
    }
    for broken in &outcome.broken {
        say(&format!("broken: {}\n", broken.how));
    }
    say(&format!("seed {seed}: {} promises broken\n", outcome.broken.len()));
    outcome.broken.is_empty()
}

fn sweep(seeds: u64, from: u64) -> bool {
    let mut failed = 0_u64;
    for seed in from..from.saturating_add(seeds) {
        let outcome = Scenario::at_random(seed).run(Tracing::Off);
        if let Some(broken) = outcome.broken.first() {
            failed += 1;
            say(&format!("seed {seed}: {}\n", broken.how));
        }
    }
    say(&format!("{failed} of {seeds} seeds broke a promise\n"));
    failed == 0
}

/// Tells what was asked for, as long as somebody listens.
fn say(told: &dyn Display) {
    if write!(std::io::stdout(), "{told}").is_err() {
        std::process::exit(1);
    }
}

fn parse(arguments: &[String]) -> Result<Command, String> {
    let Some((name, rest)) = arguments.split_first() else {
        return Err("a command is missing".to_owned());
    };
    match name.as_str() {
        "compare" => {
            let [seed, svg] = options(rest, ["--seed", "--svg"])?;
            Ok(Command::Compare { seed: number(seed)?.unwrap_or(1), svg: svg.map(str::to_owned) })
        }
        "strict-without-copies" => {
            let [seed] = options(rest, ["--seed"])?;
            Ok(Command::StrictWithoutCopies { seed: number(seed)?.unwrap_or(1) })
        }
        "replay" => match rest {
            [seed] => Ok(Command::Replay { seed: number(Some(seed))?.unwrap_or(0) }),
            _ => Err("replay takes one seed".to_owned()),
        },
        "sweep" => {
            let [seeds, from] = options(rest, ["--seeds", "--from"])?;
            let seeds = number(seeds)?.ok_or("sweep needs --seeds")?;
            Ok(Command::Sweep { seeds, from: number(from)?.unwrap_or(0) })
        }
        unknown => Err(format!("there is no command '{unknown}'")),
    }
}

/// The values of options, each at most once.
fn options<'a, const N: usize>(
    arguments: &'a [String],
    names: [&str; N],
) -> Result<[Option<&'a str>; N], String> {
    let mut values = [None; N];
    for pair in arguments.chunks(2) {
        let known = names.iter().position(|name| *name == pair[0]);
        let place = known.ok_or_else(|| format!("'{}' is no option here", pair[0]))?;
        let value = pair.get(1).ok_or_else(|| format!("{} needs a value", pair[0]))?;
        if values[place].replace(value.as_str()).is_some() {
            return Err(format!("{} is given twice", pair[0]));
        }
    }
    Ok(values)
}

fn number(text: Option<&str>) -> Result<Option<u64>, String> {
    let parse = |text: &str| text.parse().map_err(|_| format!("'{text}' is not a whole number"));
    text.map(parse).transpose()
}
