//! `scripts/demo.sh`: the story of a deploy, on real workerd. Exits 0 only if every step showed
//! what it should, 1 if one did not, and 2 if the stage could not be set.

use std::process::ExitCode;

use skewguard_lab::story;

fn main() -> ExitCode {
    let json = match std::env::args().skip(1).collect::<Vec<_>>().as_slice() {
        [] => false,
        [option] if option == "--json" => true,
        _ => {
            eprintln!("usage: scripts/demo.sh [--json]");
            return ExitCode::from(2);
        }
    };
    // One JSON document is all that a machine finds on its standard output.
    let say = |line: &str| if json { eprintln!("{line}") } else { println!("{line}") };
    let report = match story::tell(&say) {
        Ok(report) => report,
        Err(problem) => {
            eprintln!("the demonstration could not run: {problem}");
            return ExitCode::from(2);
        }
    };
    say("");
    say(&report.table());
    for phase in &report.phases {
        for failure in &phase.failures {
            say(&format!("({}) did not show: {failure}", phase.phase));
        }
    }
    if json {
        match serde_json::to_string_pretty(&report) {
            Ok(document) => println!("{document}"),
            Err(error) => eprintln!("failed to write the report: {error}"),
        }
    }
    if report.passed { ExitCode::SUCCESS } else { ExitCode::from(1) }
}
