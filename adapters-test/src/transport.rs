//! A manager that answers, delays, fails and hangs on demand.

use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use skewguard_domain::{Briefing, Epoch, Manifest, WorkerName};
use skewguard_ports::wire::BriefingAnswer;
use skewguard_ports::{Question, Timer, Told, Transport, TransportError};

use crate::ManualClock;

/// How the manager behaves.
#[derive(Clone, Debug)]
pub enum Behaviour {
    /// It answers after a while, and speaks of one Worker alone.
    Answer(Box<Manifest>, Duration),
    /// It answers after a while, and speaks of all Workers.
    Brief(Box<Briefing>, Duration),
    /// It fails after a while.
    Fail(TransportError, Duration),
    /// It never answers.
    Hang,
}

/// A [`Transport`] to a manager that behaves as it is told. Clones share the manager.
#[derive(Clone)]
pub struct FaultyTransport {
    clock: ManualClock,
    state: Arc<Mutex<State>>,
}

struct State {
    behaviour: Behaviour,
    questions: Vec<Question>,
}

impl FaultyTransport {
    /// A manager that takes its time from `clock`.
    #[must_use]
    pub fn new(clock: ManualClock, behaviour: Behaviour) -> Self {
        Self { clock, state: Arc::new(Mutex::new(State { behaviour, questions: Vec::new() })) }
    }

    /// Changes the manager's behaviour, for requests from now on.
    pub fn behave(&self, behaviour: Behaviour) {
        self.state().behaviour = behaviour;
    }

    /// How often the manager was asked.
    #[must_use]
    pub fn asked(&self) -> usize {
        self.state().questions.len()
    }

    /// What it was asked, first question first.
    #[must_use]
    pub fn questions(&self) -> Vec<Question> {
        self.state().questions.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Transport for FaultyTransport {
    async fn manifest(
        &self,
        question: &Question,
        timeout: Duration,
    ) -> Result<Told, TransportError> {
        let behaviour = {
            let mut state = self.state();
            state.questions.push(question.clone());
            state.behaviour.clone()
        };
        let (outcome, after) = match behaviour {
            Behaviour::Answer(manifest, after) => {
                (Ok(Told { manifest: *manifest, text: None }), after)
            }
            Behaviour::Brief(briefing, after) => (briefed(&briefing, &question.worker), after),
            Behaviour::Fail(error, after) => (Err(error), after),
            Behaviour::Hang => (Err(TransportError::Timeout), timeout),
        };
        self.clock.sleep(after.min(timeout)).await;
        if after < timeout { outcome } else { Err(TransportError::Timeout) }
    }

    fn read(&self, text: &str, worker: &WorkerName) -> Option<Manifest> {
        let answer: BriefingAnswer = serde_json::from_str(text).ok()?;
        answer.manifest(worker).ok()
    }
}

/// What a guard of `worker` reads in the answer that tells `briefing`.
fn briefed(briefing: &Briefing, worker: &WorkerName) -> Result<Told, TransportError> {
    let answer = BriefingAnswer::new(Epoch::default(), briefing);
    let text = serde_json::to_string(&answer).map_err(|_| TransportError::Malformed)?;
    Ok(Told { manifest: answer.manifest(worker)?, text: Some(text) })
}
