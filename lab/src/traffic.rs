//! Traffic: OAuth flows through the PoPs, and what became of them.

use std::ops::AddAssign;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::{Answer, CodeFormat, Entrance, Pop, Record, Step};

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
    /// Flows of two releases that served at the same time: see [`Record::mixed`].
    pub mixed: u64,
    /// Flows that were under way when one release took over from another: see
    /// [`Record::crossed`].
    pub crossed: u64,
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
        self.crossed += other.crossed;
        self.longest_ms = self.longest_ms.max(other.longest_ms);
    }
}

/// Flows through some PoPs, in both directions and across.
#[derive(Clone)]
pub struct Traffic {
    pops: Vec<Entrance>,
    affinity: bool,
    order: Option<Vec<CodeFormat>>,
}

impl Traffic {
    /// Traffic through these PoPs.
    #[must_use]
    pub fn through(pops: &[&Pop<'_>]) -> Self {
        let pops = pops.iter().map(|pop| pop.entrance().clone()).collect();
        Self { pops, affinity: false, order: None }
    }

    /// Keeps each flow at the PoP that has answered its first step, as Cloudflare's version
    /// affinity keeps a session at one version.
    #[must_use]
    pub fn with_affinity(mut self) -> Self {
        self.affinity = true;
        self
    }

    /// Says in which order releases are to serve, if one of them comes back: see
    /// [`Record::in_order`].
    #[must_use]
    pub fn in_order(mut self, order: &[CodeFormat]) -> Self {
        self.order = Some(order.to_vec());
        self
    }

    /// Runs flows for `length`, and counts.
    ///
    /// # Panics
    /// If a client does.
    #[must_use]
    pub fn run_for(&self, length: Duration) -> Counts {
        self.start(length).finish().0
    }

    /// Starts flows in the background. They end by themselves after `at_most`.
    #[must_use]
    pub fn start(&self, at_most: Duration) -> Running {
        let run = Arc::new(Run {
            traffic: self.clone(),
            until: Instant::now() + at_most,
            stopped: AtomicBool::new(false),
            flows: AtomicU64::new(0),
        });
        let clients = (0..CLIENTS).map(|client| {
            let run = Arc::clone(&run);
            thread::spawn(move || run.client(client))
        });
        Running { clients: clients.collect(), run }
    }
}

/// Traffic in the background. Dropping it ends it.
pub struct Running {
    run: Arc<Run>,
    clients: Vec<JoinHandle<Tally>>,
}

impl Running {
    /// Ends it, once the flows that are under way have ended.
    ///
    /// # Panics
    /// If a client does.
    #[must_use]
    pub fn stop(self) -> (Counts, Record) {
        self.run.stopped.store(true, Ordering::Relaxed);
        self.finish()
    }

    /// Waits until it ends by itself.
    ///
    /// # Panics
    /// If a client does.
    #[must_use]
    pub fn finish(mut self) -> (Counts, Record) {
        let mut total = Tally::default();
        for client in self.clients.drain(..) {
            let tally = client.join().expect("no client panics");
            total.counts += tally.counts;
            total.steps.extend(tally.steps);
        }
        let Tally { mut counts, steps } = total;
        let mut record = Record::new(steps);
        if let Some(order) = &self.run.traffic.order {
            record = record.in_order(order);
        }
        counts.mixed = record.mixed().len() as u64;
        counts.crossed = record.crossed().len() as u64;
        (counts, record)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.run.stopped.store(true, Ordering::Relaxed);
        for client in self.clients.drain(..) {
            // A client that panicked has said so, and nobody asks for its counts any more.
            let _ = client.join();
        }
    }
}

/// What the clients of a run share.
struct Run {
    traffic: Traffic,
    until: Instant,
    stopped: AtomicBool,
    /// How many flows have begun.
    flows: AtomicU64,
}

/// What a client has seen.
#[derive(Default)]
struct Tally {
    counts: Counts,
    steps: Vec<Step>,
}

/// A step that was served.
struct Served {
    answer: Answer,
    pop: usize,
    format: CodeFormat,
}

impl Run {
    /// Runs flow after flow, each through another pair of PoPs.
    fn client(&self, client: usize) -> Tally {
        let mut tally = Tally::default();
        let mut turn = client;
        while Instant::now() < self.until && !self.stopped.load(Ordering::Relaxed) {
            self.flow(turn, &mut tally);
            turn += 1;
            thread::sleep(REST);
        }
        tally
    }

    /// Runs one flow. Whether it was mixed can be told only when the run is over.
    fn flow(&self, turn: usize, tally: &mut Tally) {
        let flow = self.flows.fetch_add(1, Ordering::Relaxed);
        tally.counts.flows += 1;
        let pops = self.traffic.pops.len();
        let refused_before = tally.counts.refused;
        let authorized = self.step(flow, turn % pops, tally, Entrance::authorize);
        let Some(authorized) = authorized else { return };
        let body = authorized.answer.json();
        let Some(code) = body["code"].as_str() else {
            tally.counts.failed += 1;
            return;
        };
        let redeem_at = if self.traffic.affinity { authorized.pop } else { turn / pops % pops };
        let redeemed = self.step(flow, redeem_at, tally, |pop| pop.redeem(code));
        let Some(redeemed) = redeemed else { return };
        if redeemed.answer.status == 200 {
            tally.counts.passed += 1;
            tally.counts.retried += u64::from(tally.counts.refused > refused_before);
        } else if redeemed.format == authorized.format {
            // A release has to understand its own codes.
            tally.counts.failed += 1;
        }
    }

    /// Asks as a client does that honours a 503: it tries again, and its connection then ends at
    /// the next PoP.
    fn step(
        &self,
        flow: u64,
        first: usize,
        tally: &mut Tally,
        ask: impl Fn(&Entrance) -> Result<Answer, String>,
    ) -> Option<Served> {
        let Tally { counts, steps } = tally;
        let pops = &self.traffic.pops;
        for attempt in 0..pops.len().max(2) {
            let pop = (first + attempt) % pops.len();
            counts.requests += 1;
            let sent = Instant::now();
            let answer = ask(&pops[pop]);
            let answered = Instant::now();
            let Ok(answer) = answer else {
                counts.failed += 1;
                return None;
            };
            let took = u64::try_from(answer.took.as_millis()).unwrap_or(u64::MAX);
            counts.longest_ms = counts.longest_ms.max(took);
            let refused = answer.status == 503 && answer.header("Retry-After").is_some();
            if refused {
                counts.refused += 1;
                continue;
            }
            let served = match (answer.status, answer.code().as_str()) {
                (200, _) | (400, "invalid_grant") => CodeFormat::of(&answer),
                _ => None,
            };
            let Some(format) = served else {
                counts.failed += 1;
                return None;
            };
            counts.served += 1;
            steps.push(Step { flow, format, sent, answered });
            return Some(Served { answer, pop, format });
        }
        None
    }
}
