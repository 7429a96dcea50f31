//! Traffic: OAuth flows through the PoPs, and what became of them.

use std::ops::AddAssign;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::{Answer, Pop};

/// How many clients run flows at the same time.
const CLIENTS: usize = 4;

/// How long a client rests between two flows: real traffic, not a load test.
const REST: Duration = Duration::from_millis(10);

/// What happened to requests and flows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Requests.
    pub requests: u64,
    /// Requests that a Worker has answered.
    pub served: u64,
    /// Requests that a guard has refused.
    pub refused: u64,
    /// Requests without an answer, or with one that nobody expects.
    pub failed: u64,
    /// Flows.
    pub flows: u64,
    /// Flows that ended with a token.
    pub passed: u64,
    /// Of these, flows that had to retry.
    pub retried: u64,
    /// Flows whose code one release wrote and another one did not understand.
    pub mixed: u64,
    /// The longest that a request took, in ms.
    pub longest_ms: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.requests += other.requests;
        self.served += other.served;
        self.refused += other.refused;
        self.failed += other.failed;
        self.flows += other.flows;
        self.passed += other.passed;
        self.retried += other.retried;
        self.mixed += other.mixed;
        self.longest_ms = self.longest_ms.max(other.longest_ms);
    }
}

/// The way of one flow.
#[derive(Clone, Copy)]
struct Flow {
    /// The PoP that is asked for a code.
    authorize_at: usize,
    /// The PoP that is to redeem it.
    redeem_at: usize,
}

/// Flows through some PoPs, in both directions and across.
pub struct Traffic<'a> {
    pops: Vec<&'a Pop<'a>>,
}

impl<'a> Traffic<'a> {
    /// Traffic through these PoPs.
    #[must_use]
    pub fn through(pops: &[&'a Pop<'a>]) -> Self {
        Self { pops: pops.to_vec() }
    }

    /// Runs flows for `length`, and counts.
    ///
    /// # Panics
    /// If a client does.
    #[must_use]
    pub fn run_for(&self, length: Duration) -> Counts {
        let until = Instant::now() + length;
        let total = Mutex::new(Counts::default());
        thread::scope(|scope| {
            for client in 0..CLIENTS {
                let total = &total;
                scope.spawn(move || {
                    let mut counts = Counts::default();
                    let mut turn = client;
                    while Instant::now() < until {
                        let pops = self.pops.len();
                        let flow =
                            Flow { authorize_at: turn % pops, redeem_at: turn / pops % pops };
                        counts += run_flow(&self.pops, flow);
                        turn += 1;
                        thread::sleep(REST);
                    }
                    *total.lock().expect("no client panics") += counts;
                });
            }
        });
        total.into_inner().expect("no client panics")
    }
}

/// Runs one flow, as a client does that honours a 503: it tries again, and its connection then
/// ends at the next PoP.
fn run_flow(pops: &[&Pop<'_>], flow: Flow) -> Counts {
    let mut counts = Counts { flows: 1, ..Counts::default() };
    let authorized =
        with_retry(pops.len(), flow.authorize_at, &mut counts, |at| pops[at].authorize());
    let code = authorized.and_then(|answer| answer.json()["code"].as_str().map(str::to_owned));
    let Some(code) = code else { return counts };
    let redeem = |at: usize| pops[at].redeem(&code);
    let Some(answer) = with_retry(pops.len(), flow.redeem_at, &mut counts, redeem) else {
        return counts;
    };
    match answer.status {
        200 => {
            counts.passed += 1;
            counts.retried += u64::from(counts.refused > 0);
        }
        _ => counts.mixed += 1,
    }
    counts
}

fn with_retry(
    pops: usize,
    first: usize,
    counts: &mut Counts,
    ask: impl Fn(usize) -> Result<Answer, String>,
) -> Option<Answer> {
    for attempt in 0..pops.max(2) {
        counts.requests += 1;
        let answer = ask((first + attempt) % pops);
        let Ok(answer) = answer else {
            counts.failed += 1;
            return None;
        };
        let took = u64::try_from(answer.took.as_millis()).unwrap_or(u64::MAX);
        counts.longest_ms = counts.longest_ms.max(took);
        let mixed = answer.status == 400 && answer.code() == "invalid_grant";
        if answer.status == 200 || mixed {
            counts.served += 1;
            return Some(answer);
        }
        if answer.status != 503 || answer.header("Retry-After").is_none() {
            counts.failed += 1;
            return None;
        }
        counts.refused += 1;
    }
    None
}
