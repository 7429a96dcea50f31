//! Structured logs: one JSON document a line, on the console.

use serde::Serialize;
use skewguard_ports::{Level, Log, LogEntry};
use worker::{console_error, console_log, console_warn};

/// Workers Logs, `wrangler tail` and `wrangler dev` show what is written here.
pub(crate) struct Console;

#[derive(Serialize)]
struct Line<'a> {
    source: &'static str,
    level: &'static str,
    #[serde(flatten)]
    entry: &'a LogEntry<'a>,
}

impl Log for Console {
    fn record(&self, entry: &LogEntry<'_>) {
        let level = match entry.level() {
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
        };
        let line = Line { source: "skewguard", level, entry };
        let Ok(text) = serde_json::to_string(&line) else { return };
        match entry.level() {
            Level::Info => console_log!("{text}"),
            Level::Warn => console_warn!("{text}"),
            Level::Error => console_error!("{text}"),
        }
    }
}
