//! A run: batches, each with a clock and stores of its own, on as many threads as there are.
//!
//! Batches know nothing of each other, so what comes of one depends on seed and number alone, and never on threads.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::bench::Bench;
use super::classes::CLASSES;
use super::draft::Asked;
use super::judge::{Judge, Verdict};
use super::report::{Accepted, Report};
use super::world::World;

/// How many forged requests share a clock and stores.
pub const BATCH: u64 = 5_000;

/// How many valid requests a batch begins with, and after how many forged ones another one follows.
const FIRST: u64 = 8;
const EVERY: u64 = 16;

/// What is to be run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How many forged requests.
    pub count: u64,
    /// The place of the only class, where it is to be one.
    pub only: Option<usize>,
    /// How many threads.
    pub threads: usize,
}

impl Plan {
    /// The class of a forged request: all by turns, or the only one.
    #[must_use]
    pub fn class(&self, index: u64) -> usize {
        self.only.unwrap_or((index % CLASSES.len() as u64) as usize)
    }
}

/// What comes of one batch, request by request.
enum Turn {
    Valid,
    Forged(u64),
}

/// Makes the requests of a batch in order and gives each to `see`, until that says no.
fn batch(world: &World, plan: &Plan, number: u64, mut see: impl FnMut(Turn, &Asked) -> bool) {
    let mut bench = Bench::new(world, number);
    let from = number * BATCH;
    for index in from..plan.count.min(from + BATCH) {
        let valid = if index == from { FIRST } else { u64::from(index % EVERY == 0) };
        for _ in 0..valid {
            let asked = bench.valid();
            if !see(Turn::Valid, &asked) {
                return;
            }
        }
        bench.tick();
        let asked = (CLASSES[plan.class(index)].make)(&mut bench);
        if !see(Turn::Forged(index), &asked) {
            return;
        }
    }
}

/// Runs everything; `fresh` makes a judge that has seen nothing, one for each batch.
#[must_use]
pub fn run<J: Judge>(world: &World, plan: &Plan, fresh: &(impl Fn() -> J + Sync)) -> Report {
    let next = AtomicU64::new(0);
    let whole = Mutex::new(Report::default());
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number * BATCH >= plan.count {
                return;
            }
            let (mut judge, mut report) = (fresh(), Report::default());
            batch(world, plan, number, |turn, asked| {
                let verdict = judge.judge(asked);
                match turn {
                    Turn::Valid => report.valid(number, verdict, asked),
                    Turn::Forged(index) => report.forged(plan.class(index), index, verdict, asked),
                }
                true
            });
            whole.lock().unwrap().add(report);
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..plan.threads.max(1) {
            scope.spawn(work);
        }
        work();
    });
    whole.into_inner().unwrap().sorted()
}

/// Makes one forged request again, and all of its batch that comes before it, and judges them.
///
/// `None` where the plan has no such request.
#[must_use]
pub fn again(world: &World, plan: &Plan, wanted: u64, judge: &mut impl Judge) -> Option<Accepted> {
    let mut found = None;
    batch(world, plan, wanted / BATCH, |turn, asked| {
        let verdict = judge.judge(asked);
        if let Turn::Forged(index) = turn
            && index == wanted
        {
            found = Some(Accepted { class: Some(plan.class(index)), index, verdict, dump: asked.dump() });
            return false;
        }
        true
    });
    found
}

impl Verdict {
    /// Whether the request is let through.
    #[must_use]
    pub fn is_allowed(self) -> bool {
        self == Self::Allowed
    }
}
