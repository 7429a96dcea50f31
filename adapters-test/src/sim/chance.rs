//! Scenarios at random: a small network, somebody who deploys, and faults.

use fastrand::Rng;
use skewguard_domain::{CachePolicy, Intent, MaxAge, Strictness, Style};

use super::agenda::Millis;
use super::managing::duration;
use super::scenario::{Action, Design, Fault, Plan, Restart, Scenario, Size, Trouble};

impl Scenario {
    /// The scenario of a seed: any number.
    #[must_use]
    pub fn at_random(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5EED);
        let size = Size { pops: 6, workers: 3, isolates: rng.usize(1..=4) };
        let mut scenario = Self::quiet(seed, size, Design::Skewguard);
        scenario.counted_from = 0;
        scenario.length = rng.i64(150_000..280_000);
        scenario.rate = [0.25, 0.5, 1.0][rng.usize(0..3)];
        scenario.skew = rng.i64(0..=400);
        scenario.life = rng.i64(20_000..120_000);
        let own = [5_000, 5_000, 10_000][rng.usize(0..3)];
        let max_age = MaxAge::new(duration(own)).expect("a lease");
        scenario.policy = CachePolicy::builder().max_age(max_age).build().expect("a policy");
        if rng.u8(0..4) == 0 {
            scenario.closed.push(rng.usize(0..size.workers));
        }
        scenario.deploys_at_random(&mut rng);
        if rng.u8(0..4) == 0 {
            let length = [1_000, 2_000, 4_000, 8_000][rng.usize(0..4)];
            let starts_at = rng.i64(20_000..90_000);
            let mut steps = vec![Action::SetLease { length }];
            if rng.bool() {
                steps.push(Action::Pause { length: rng.i64(100..20_000) });
                steps.push(Action::SetLease { length: 5_000 });
            }
            scenario.plans.push(Plan { starts_at, steps });
        }
        for _ in 0..rng.usize(0..=4) {
            let fault = scenario.fault_at_random(&mut rng);
            scenario.faults.push(fault);
        }
        if rng.u8(0..6) == 0 {
            // Nobody keeps copies, and so every guard asks the manager.
            let during = 0..scenario.length;
            let trouble = Trouble::Forgets(1.0);
            scenario.faults.push(Fault { during, pops: 0..size.pops, trouble });
        }
        if rng.u8(0..3) == 0 {
            for _ in 0..rng.usize(1..=2) {
                scenario.restarts.push(Restart {
                    at: rng.i64(20_000..150_000),
                    takes: rng.i64(0..3_000),
                    offset: rng.i64(-250..=250),
                });
            }
        }
        scenario
    }

    fn deploys_at_random(&mut self, rng: &mut Rng) {
        let starts_at = rng.i64(15_000..40_000);
        let steps = match rng.u8(0..10) {
            0 => self.registers(starts_at, rng),
            1 | 2 => self.releases_at_once(Style::Plain, starts_at, rng),
            3 | 4 => self.releases_at_once(Style::Strict, starts_at, rng),
            5 => self.shares(starts_at, rng),
            6 => self.rolls_back(starts_at, rng),
            7 => self.fails_half_way(starts_at, rng),
            8 => {
                let other = match rng.u8(0..3) {
                    0 => self.registers(starts_at, rng),
                    1 => self.releases_at_once(Style::Plain, starts_at, rng),
                    _ => self.releases_at_once(Style::Strict, starts_at, rng),
                };
                let at_the_same_time = starts_at + rng.i64(0..25);
                self.plans.push(Plan { starts_at: at_the_same_time, steps: other });
                self.releases_at_once(Style::Plain, starts_at, rng)
            }
            _ => self.goes_behind_the_back(starts_at, rng),
        };
        self.plans.push(Plan { starts_at, steps });
    }

    /// Some of the Workers, in some order.
    fn some_workers(&self, rng: &mut Rng) -> Vec<usize> {
        let mut workers: Vec<_> = (0..self.size.workers).collect();
        rng.shuffle(&mut workers);
        workers.truncate(rng.usize(1..=self.size.workers));
        workers
    }

    /// Uploads and registers one Worker after the other.
    fn registers(&mut self, at: Millis, rng: &mut Rng) -> Vec<Action> {
        let workers = self.some_workers(rng);
        let release = self.release(Style::Plain, workers.clone(), at);
        let mut steps = Vec::new();
        for worker in workers {
            steps.push(Action::Upload { release, worker, share: 100 });
            steps.push(Action::Pause { length: rng.i64(0..30_000) });
            steps.push(Action::Register { release, worker, intent: Intent::Deploy });
        }
        steps
    }

    fn releases_at_once(&mut self, style: Style, at: Millis, rng: &mut Rng) -> Vec<Action> {
        let workers = self.some_workers(rng);
        let release = self.release(style, workers.clone(), at);
        let mut steps = vec![Action::Announce { release }];
        let share = 100;
        steps.extend(workers.into_iter().map(|worker| Action::Upload { release, worker, share }));
        match rng.u8(0..3) {
            0 => {}
            1 => steps.push(Action::AwaitSighted { release, at_most: 20_000 }),
            _ => steps.push(Action::Pause { length: rng.i64(0..15_000) }),
        }
        if rng.u8(0..6) == 0 {
            // Longer leases are still about when the cutover is decided.
            steps.push(Action::SetLease { length: rng.i64(300..4_000) });
        }
        steps.push(Action::Activate { release, after: delay(rng) });
        if rng.u8(0..6) == 0 {
            // The manager moves while guards wait for the cutover.
            steps.push(Action::Pause { length: rng.i64(0..7_000) });
            let (takes, offset) = (rng.i64(0..1_500), rng.i64(-250..=250));
            steps.push(Action::Restart { takes, offset });
        }
        steps
    }

    fn shares(&mut self, at: Millis, rng: &mut Rng) -> Vec<Action> {
        let workers = self.some_workers(rng);
        let release = self.release(Style::Canary, workers.clone(), at);
        let share = rng.u8(5..60);
        let upload = |share| {
            let uploads = workers.clone().into_iter();
            uploads.map(move |worker| Action::Upload { release, worker, share })
        };
        let mut steps = vec![Action::Announce { release }];
        steps.extend(upload(share));
        steps.push(Action::Activate { release, after: None });
        steps.push(Action::Pause { length: rng.i64(5_000..60_000) });
        if rng.bool() {
            steps.extend(upload(100));
            steps.push(Action::Promote { release, after: delay(rng) });
        } else {
            steps.push(Action::Abort { release });
            let back =
                workers.iter().map(|&worker| Action::Upload { release: 0, worker, share: 100 });
            steps.extend(back);
        }
        steps
    }

    /// Releases, and thinks better of it: after a while, or before the cutover has come.
    fn rolls_back(&mut self, at: Millis, rng: &mut Rng) -> Vec<Action> {
        let style = if rng.bool() { Style::Strict } else { Style::Plain };
        let mut steps = self.releases_at_once(style, at, rng);
        let length = if rng.bool() { rng.i64(0..6_000) } else { rng.i64(6_000..60_000) };
        steps.push(Action::Pause { length });
        let strictness = if rng.bool() { Strictness::Strict } else { Strictness::Relaxed };
        steps.push(Action::RollBack { release: 0, after: delay(rng), strictness });
        let release = self.releases.len() - 1;
        let workers: Vec<_> = self.releases[release].builds.iter().map(|(w, _)| *w).collect();
        for &worker in &workers {
            steps.push(Action::Upload { release: 0, worker, share: 100 });
        }
        if rng.u8(0..3) == 0 {
            // And better of that.
            steps.push(Action::Pause { length: rng.i64(0..20_000) });
            steps.push(Action::RollBack { release, after: delay(rng), strictness });
            for worker in workers {
                steps.push(Action::Upload { release, worker, share: 100 });
            }
        }
        steps
    }

    fn fails_half_way(&mut self, at: Millis, rng: &mut Rng) -> Vec<Action> {
        let style = [Style::Plain, Style::Strict, Style::Canary][rng.usize(0..3)];
        let release = self.release(style, 0..self.size.workers, at);
        let done = rng.usize(0..self.size.workers);
        let mut steps = vec![Action::Announce { release }];
        steps.extend((0..done).map(|worker| Action::Upload { release, worker, share: 100 }));
        steps.push(Action::Pause { length: rng.i64(0..30_000) });
        steps.push(Action::Abort { release });
        if rng.u8(0..4) > 0 {
            let back = |worker| Action::Upload { release: 0, worker, share: 100 };
            steps.extend((0..done).map(back));
        }
        steps
    }

    /// Releases; then somebody rolls a Worker back in the dashboard, and the manager is not told.
    fn goes_behind_the_back(&mut self, at: Millis, rng: &mut Rng) -> Vec<Action> {
        let mut steps = self.releases_at_once(Style::Plain, at, rng);
        steps.push(Action::Pause { length: rng.i64(5_000..20_000) });
        let release = self.releases.len() - 1;
        let worker = self.releases[release].builds[0].0;
        steps.push(Action::Upload { release: 0, worker, share: 100 });
        if rng.bool() {
            steps.push(Action::Pause { length: rng.i64(30_000..80_000) });
            steps.push(Action::Upload { release, worker, share: 100 });
        }
        steps
    }

    fn fault_at_random(&self, rng: &mut Rng) -> Fault {
        let begins = rng.i64(0..self.length * 3 / 4);
        let lasts = if rng.bool() { rng.i64(500..10_000) } else { rng.i64(10_000..100_000) };
        let pops = if rng.bool() {
            0..self.size.pops
        } else {
            let first = rng.usize(0..self.size.pops);
            first..rng.usize(first..self.size.pops) + 1
        };
        let trouble = match rng.u8(0..7) {
            0 => Trouble::Hangs,
            1 => Trouble::Errs,
            2 => Trouble::LosesAnswers(rng.f64()),
            3 => Trouble::Slow(rng.i64(50..200)),
            4 => Trouble::Slow(rng.i64(200..1_500)),
            5 => Trouble::Forgets(rng.f64()),
            _ => Trouble::Unreached,
        };
        Fault { during: begins..begins + lasts, pops, trouble }
    }
}

/// The cutover's default, at once, or some time.
fn delay(rng: &mut Rng) -> Option<Millis> {
    match rng.u8(0..4) {
        0 | 1 => None,
        2 => Some(0),
        _ => Some(rng.i64(0..12_000)),
    }
}
