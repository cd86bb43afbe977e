//! Stage 12: what an operation costs, and the end.

use crate::code::Code;
use crate::denial::Denial;
use crate::encoding::to_hex;
use crate::key::KeyId;
use crate::time::{SKEW, UnixTime};
use crate::token::{Budget, Right, VerifiedChain};

use super::Binding;
use super::approval::ApprovalUse;
use super::decision::Decision;
use super::operation::Operation;
use super::replay::NonceEntry;
use super::stages::{Authenticated, HttpFacts, Request};
use super::store::ChargeStore;

/// One counter to be raised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// What names the counter: issuer and user for a budget of the authority block, the block's id for a later one; then
    /// account, unit and window.
    pub counter: Vec<String>,
    /// How much of the unit the operation costs.
    pub cost: u64,
    /// How much the counter may reach within a window.
    pub amount: u64,
    /// Length of a window in seconds, aligned to the Unix epoch; 0: for good.
    pub window: u64,
    /// What bounds the counter of a delegation block; `None` for one of the authority block.
    pub delegated: Option<Delegated>,
}

/// A counter that whoever holds a token can make, by delegating to itself.
// spec: VF-51
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delegated {
    /// The first holder of the token: all its delegates' counters are its own.
    pub agent: KeyId,
    /// When the counter may be forgotten: no token that raises it holds any more, by any clock.
    pub ends: UnixTime,
}

impl Charge {
    /// When the present window ends; `None` where it never does.
    pub fn resets_at(&self, now: UnixTime) -> Option<UnixTime> {
        let window = now.0.checked_div(self.window)?;
        window.checked_add(1)?.checked_mul(self.window).map(UnixTime)
    }

    /// When the counter may be forgotten, if not raised again; `None` where it never may.
    // spec: VF-51
    pub fn ends(&self, now: UnixTime) -> Option<UnixTime> {
        let delegated = self.delegated.map(|delegated| delegated.ends);
        self.resets_at(now).into_iter().chain(delegated).min()
    }
}

/// What a request takes at its end: everything in it or nothing, in one atomic step.
// spec: VF-45
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChargeSet {
    /// Counters to be raised.
    pub charges: Vec<Charge>,
    /// Approvals to be used up.
    pub approvals: Vec<ApprovalUse>,
    /// The nonce to be recorded, where stage 10 was put off ([`super::NonceClaim::defer`]). It is recorded also when the
    /// rest is refused, so after every answer but [`ChargeOutcome::Unavailable`].
    pub nonce: Option<NonceEntry>,
}

impl ChargeSet {
    /// Whether there is nothing to take.
    pub fn is_empty(&self) -> bool {
        self.charges.is_empty() && self.approvals.is_empty() && self.nonce.is_none()
    }
}

/// The operation is allowed, once its charges are taken, all of them or none.
#[derive(Debug)]
#[must_use]
pub struct Charges {
    request: Request,
    chain: VerifiedChain,
    operation: Operation,
    right: usize,
    set: ChargeSet,
    unit_missing: bool,
}

/// What a store says to a set of charges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChargeOutcome {
    /// All were taken, in one atomic step.
    Charged,
    /// The charge at this index is more than its counter has left; nothing was taken.
    Exceeded(usize),
    /// An approval was used before; nothing was taken.
    ApprovalUsed,
    /// The nonce of the set was used before; nothing was taken.
    Replayed,
    /// The store can't tell; nothing was taken.
    Unavailable,
}

impl Charges {
    pub(crate) fn new(
        authenticated: Authenticated,
        operation: Operation,
        right: usize,
        uses: Vec<ApprovalUse>,
    ) -> Self {
        let Authenticated { request, chain, deferred } = authenticated;
        let (charges, unit_missing) = counted(&chain, &operation);
        // Nothing is taken for a request that is refused in any case.
        let (charges, approvals) = if unit_missing { (Vec::new(), Vec::new()) } else { (charges, uses) };
        let set = ChargeSet { charges, approvals, nonce: deferred };
        Self { request, chain, operation, right, set, unit_missing }
    }

    /// What the store has to take, all or nothing.
    pub fn set(&self) -> &ChargeSet {
        &self.set
    }

    /// What was allowed.
    pub fn operation(&self) -> &Operation {
        &self.operation
    }

    /// Whether there is nothing to take.
    pub fn is_empty(&self) -> bool {
        self.set.is_empty()
    }

    /// Whether a budget counts a unit that the operation's cost does not name: refused, with nothing charged.
    // spec: VF-34
    pub fn unit_missing(&self) -> bool {
        self.unit_missing
    }

    /// Stage 12 for a service without a store: what costs anything is refused.
    // spec: VF-35
    pub fn uncharged(self) -> Result<Authorized, Denial> {
        let outcome = if self.is_empty() { ChargeOutcome::Charged } else { ChargeOutcome::Unavailable };
        self.charged(outcome)
    }

    /// Stage 12 with a store that answers at once.
    pub fn charge_with<S: ChargeStore + ?Sized>(self, store: &S, now: UnixTime) -> Result<Authorized, Denial> {
        let outcome = if self.is_empty() { ChargeOutcome::Charged } else { store.charge(&self.set, now) };
        self.charged(outcome)
    }

    /// Stage 12: the store's answer.
    pub fn charged(self, outcome: ChargeOutcome) -> Result<Authorized, Denial> {
        let deny = |stage, code, detail| {
            let denial = Denial::new(stage, code, detail).by(&self.chain, self.request.binding);
            let denial = denial.for_operation(&self.operation, &self.request.service);
            // Every other answer came from a store that has the nonce.
            denial.owing(if outcome == ChargeOutcome::Unavailable { self.set.nonce.clone() } else { None })
        };
        match outcome {
            // spec: VF-47
            ChargeOutcome::Replayed => Err(deny(10, Code::Replayed, "nonce used before")),
            ChargeOutcome::Unavailable => Err(deny(12, Code::StoreUnavailable, "no store can take the charges")),
            ChargeOutcome::Exceeded(index) => {
                let denial = deny(12, Code::BudgetExceeded, "a budget has too little left");
                Err(denial.exceeding(self.set.charges.get(index).cloned(), self.request.now))
            }
            // spec: RQ-59
            ChargeOutcome::ApprovalUsed => Err(deny(12, Code::ApprovalInvalid, "approval used before")),
            // spec: VF-34
            ChargeOutcome::Charged if self.unit_missing => {
                Err(deny(12, Code::BudgetExceeded, "a budget counts what the operation does not name"))
            }
            ChargeOutcome::Charged => Ok(Authorized {
                request: self.request,
                chain: self.chain,
                operation: self.operation,
                right: self.right,
            }),
        }
    }
}

/// The budgets that count this operation, and whether one of them counts a unit without a cost.
fn counted(chain: &VerifiedChain, operation: &Operation) -> (Vec<Charge>, bool) {
    let claims = chain.claims();
    let metered = |budget: &Budget<'_>| {
        let mut named = false;
        for (_, r#type, action) in claims.metered().filter(|(account, ..)| *account == budget.account) {
            named = true;
            if r#type == operation.r#type && action == operation.action {
                return true;
            }
        }
        !named
    };
    let mut charges: Vec<Charge> = Vec::new();
    let mut unit_missing = false;
    for budget in claims.budgets().filter(|budget| budget.block > 0 || metered(budget)) {
        let Some(cost) = operation.cost.get(budget.unit).copied() else {
            unit_missing = true;
            continue;
        };
        let owner = match budget.block {
            0 => vec![claims.issuer().to_owned(), claims.user().to_owned()],
            block => vec![claims.block_ids().nth(block).map(|id| to_hex(&id)).unwrap_or_default()],
        };
        let mut counter = owner;
        counter.extend([budget.account.to_owned(), budget.unit.to_owned(), budget.window.to_string()]);
        let agent = claims.agents().next().filter(|_| budget.block > 0).map(|agent| agent.key.id());
        let delegated = agent.map(|agent| Delegated { agent, ends: budget.expires.plus(2 * SKEW + 1) });
        // One counter is charged once, against the least amount that names it.
        match charges.iter_mut().find(|known| known.counter == counter) {
            Some(known) => known.amount = known.amount.min(budget.amount),
            None => charges.push(Charge { counter, cost, amount: budget.amount, window: budget.window, delegated }),
        }
    }
    (charges, unit_missing)
}

/// The request may be served.
#[derive(Clone, Debug)]
#[must_use]
pub struct Authorized {
    request: Request,
    chain: VerifiedChain,
    operation: Operation,
    right: usize,
}

impl Authorized {
    /// Who asks, for whom, why and until when.
    pub fn chain(&self) -> &VerifiedChain {
        &self.chain
    }

    /// What was allowed.
    pub fn operation(&self) -> &Operation {
        &self.operation
    }

    /// The right that covers it.
    pub fn right(&self) -> Option<Right<'_>> {
        self.chain.claims().rights().nth(self.right)
    }

    /// How the request proved who asked.
    pub fn binding(&self) -> Binding {
        self.request.binding
    }

    /// The audience under which the service was addressed.
    pub fn service(&self) -> &str {
        &self.request.service
    }

    /// The HTTP request that was verified; `None` where the proof came another way.
    pub fn http(&self) -> Option<&HttpFacts> {
        self.request.http.as_ref()
    }

    /// Names of the components and fields that the signature covers.
    pub fn covered(&self) -> impl Iterator<Item = &str> {
        self.request.covered.iter().map(String::as_str)
    }

    /// When it was verified.
    pub fn at(&self) -> UnixTime {
        self.request.now
    }

    /// The decision, to be recorded.
    pub fn decision(&self) -> Decision {
        Decision::allow(self)
    }
}
