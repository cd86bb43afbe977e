//! One batch of a run: a clock, the valid requests that were sent, and what they spent.

use std::collections::BTreeMap;

use super::base::Base;
use super::draft::{Asked, Draft};
use super::errand::Errand;
use super::random::Random;
use super::world::World;
use crate::clock::NOW;
use crate::keys::Key;

/// A valid request that was sent.
#[derive(Clone, Debug)]
pub struct Sent {
    /// It.
    pub asked: Asked,
    /// What it was made from, with its approvals.
    pub draft: Draft,
    /// The place of its base in the pool.
    pub base: usize,
    /// The approvals that it used up end at this time; 0 where it needed none.
    pub approved_until: i64,
}

/// One batch: whatever a forger needs while it works.
#[derive(Debug)]
pub struct Bench<'w> {
    /// The world.
    pub world: &'w World,
    /// The batch's own stream.
    pub random: Random,
    /// The time. It goes on slowly, and stays within one window of every budget.
    pub clock: i64,
    /// What was sent.
    pub sent: Vec<Sent>,
    /// What is spent, by base and place of the budget.
    pub spent: BTreeMap<(usize, usize), i64>,
    turns: i64,
}

impl<'w> Bench<'w> {
    /// An empty one.
    #[must_use]
    pub fn new(world: &'w World, batch: u64) -> Self {
        let mut random = Random::new(world.seed, batch);
        let clock = NOW + random.between(0, 600);
        Self { world, random, clock, sent: Vec::new(), spent: BTreeMap::new(), turns: 0 }
    }

    /// Time goes on.
    pub fn tick(&mut self) {
        self.turns += 1;
        self.clock += i64::from(self.turns % 16 == 0);
    }

    /// A base of the pool for which this holds.
    ///
    /// # Panics
    ///
    /// When the pool has none.
    pub fn find(&mut self, holds: impl Fn(&Base) -> bool) -> &'w Base {
        find(&self.world.pool, &mut self.random, |base| holds(base))
    }

    /// Any base of the pool.
    pub fn any(&mut self) -> &'w Base {
        self.random.of(&self.world.pool)
    }

    /// A base with at least so many blocks after the first.
    pub fn longer(&mut self, blocks: usize) -> &'w Base {
        self.find(|base| base.links.len() > blocks)
    }

    /// The errand of a base, as it is at this turn.
    pub fn errand(&mut self, base: &Base) -> Errand {
        let mut errand = base.errand.clone();
        errand.vary(&mut self.random);
        errand
    }

    /// A request with this token, without approvals.
    pub fn draft(&mut self, token: &str, holder: &Key, errand: &Errand) -> Draft {
        Draft::new(token, holder, errand, self.clock, &mut self.random)
    }

    /// A request of the base, without approvals.
    pub fn plain(&mut self, base: &Base) -> Draft {
        let errand = self.errand(base);
        self.draft(&base.text, base.holder(), &errand)
    }

    /// A request with a token of this text in place of the base's, signed by this holder.
    pub fn with_token(&mut self, base: &Base, token: &str, holder: &Key) -> Asked {
        let errand = self.errand(base);
        self.draft(token, holder, &errand).sign()
    }

    /// Adds the approvals that the base's errand needs.
    pub fn approve(&mut self, draft: &mut Draft, base: &Base, holder: &Key) -> i64 {
        let operation = draft.operation(base, holder);
        let approvals: Vec<_> =
            base.approvers.iter().map(|key| draft.approval(&operation, key, &mut self.random)).collect();
        draft.approve(&approvals);
        let ends = approvals.iter().map(|approval| {
            let (_, expires) = approval.members.iter().find(|(name, _)| name == "expires").unwrap();
            expires.parse().unwrap()
        });
        ends.min().unwrap_or(0)
    }

    /// A request of the base that is right in every way.
    pub fn whole(&mut self, base: &Base) -> Draft {
        let mut draft = self.plain(base);
        self.approve(&mut draft, base, base.holder());
        draft
    }

    /// How much is left of the base's budgets that count this unit.
    #[must_use]
    pub fn left(&self, base: &Base, unit: &str) -> i64 {
        let budgets = base.budgets.iter().enumerate().filter(|(_, budget)| budget.unit == unit);
        let left = budgets.map(|(at, budget)| budget.amount - self.spent.get(&(base.number, at)).unwrap_or(&0));
        left.min().unwrap_or(i64::MAX)
    }

    fn affords(&self, base: &Base, errand: &Errand) -> bool {
        self.left(base, "calls") >= 1 && self.left(base, "cents") >= errand.cents()
    }

    /// A valid request. The first of a batch use up small budgets and approvals, for those who come for more.
    pub fn valid(&mut self) -> Asked {
        let turn = self.sent.len();
        let small = |base: &Base| base.budgets.iter().any(|budget| budget.amount == 1);
        loop {
            let base = match turn {
                0..4 => self.find(|base| !base.approvers.is_empty()),
                4..8 => self.find(small),
                _ => self.any(),
            };
            let errand = self.errand(base);
            if !self.affords(base, &errand) {
                continue;
            }
            let mut draft = self.draft(&base.text, base.holder(), &errand);
            let approved_until = self.approve(&mut draft, base, base.holder());
            for (at, budget) in base.budgets.iter().enumerate() {
                let cost = if budget.unit == "calls" { 1 } else { errand.cents() };
                *self.spent.entry((base.number, at)).or_default() += cost;
            }
            let asked = draft.clone().sign();
            self.sent.push(Sent { asked: asked.clone(), draft, base: base.number, approved_until });
            return asked;
        }
    }

    /// A key that nobody else has.
    pub fn fresh_key(&mut self) -> Key {
        let word = self.random.word();
        self.world.key(&format!("fresh {word}"))
    }

    /// A key that is not that of this holder, and none that a token or a configuration trusts with its place.
    pub fn wrong_key(&mut self, right: &Key) -> Key {
        loop {
            let key = match self.random.below(4) {
                0 => {
                    let base = self.any();
                    self.random.of(&base.holders).clone()
                }
                1 => {
                    let base = self.find(|base| !base.approvers.is_empty());
                    base.approvers[0].clone()
                }
                2 => self.any().root.clone(),
                _ => self.fresh_key(),
            };
            if key.public() != right.public() {
                return key;
            }
        }
    }
}

/// One of these for which this holds, from a random one on.
///
/// # Panics
///
/// When there is none.
pub fn find<'a, T>(all: &'a [T], random: &mut Random, holds: impl Fn(&T) -> bool) -> &'a T {
    let start = random.below(all.len());
    let mut turned = all[start..].iter().chain(&all[..start]);
    turned.find(|one| holds(one)).expect("every world has one of these")
}
