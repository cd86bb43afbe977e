//! Stage 12: what an operation costs, and the end.

use crate::code::Code;
use crate::denial::Denial;
use crate::encoding::to_hex;
use crate::time::UnixTime;
use crate::token::{Budget, Right, VerifiedChain};

use super::Binding;
use super::decision::Decision;
use super::operation::Operation;
use super::stages::Request;

/// Approvals that came with a request. This version reads none: an operation that needs one is refused.
#[derive(Clone, Debug, Default)]
pub struct Approvals(());

impl Approvals {
    /// No approvals.
    pub fn none() -> Self {
        Self(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        true
    }
}

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
}

/// The operation is allowed, once its charges are taken, all of them or none.
#[derive(Debug)]
#[must_use]
pub struct Charges {
    request: Request,
    chain: VerifiedChain,
    operation: Operation,
    right: usize,
    charges: Vec<Charge>,
    unit_missing: bool,
}

/// What a store says to a set of charges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChargeOutcome {
    /// All were taken, in one atomic step.
    Charged,
    /// A budget has too little left; nothing was taken.
    Exceeded,
    /// The store can't answer; nothing was taken.
    Unavailable,
}

impl Charges {
    pub(crate) fn new(request: Request, chain: VerifiedChain, operation: Operation, right: usize) -> Self {
        let mut this = Self { request, chain, operation, right, charges: Vec::new(), unit_missing: false };
        let (charges, unit_missing) = this.counted();
        (this.charges, this.unit_missing) = (charges, unit_missing);
        this
    }

    /// The budgets that count this operation.
    fn counted(&self) -> (Vec<Charge>, bool) {
        let claims = self.chain.claims();
        let metered = |budget: &Budget<'_>| {
            let mut named = false;
            for (account, r#type, action) in claims.metered().filter(|(account, ..)| *account == budget.account) {
                debug_assert_eq!(account, budget.account);
                named = true;
                if r#type == self.operation.r#type && action == self.operation.action {
                    return true;
                }
            }
            !named
        };
        let mut charges: Vec<Charge> = Vec::new();
        let mut unit_missing = false;
        for budget in claims.budgets().filter(|budget| budget.block > 0 || metered(budget)) {
            let Some(cost) = self.operation.cost.get(budget.unit).copied() else {
                unit_missing = true;
                continue;
            };
            let owner = match budget.block {
                0 => vec![claims.issuer().to_owned(), claims.user().to_owned()],
                block => vec![claims.block_ids().nth(block).map(|id| to_hex(&id)).unwrap_or_default()],
            };
            let mut counter = owner;
            counter.extend([budget.account.to_owned(), budget.unit.to_owned(), budget.window.to_string()]);
            // One counter is charged once, against the least amount that names it.
            match charges.iter_mut().find(|known| known.counter == counter) {
                Some(known) => known.amount = known.amount.min(budget.amount),
                None => charges.push(Charge { counter, cost, amount: budget.amount, window: budget.window }),
            }
        }
        (charges, unit_missing)
    }

    /// What the store has to take, all or nothing.
    pub fn charges(&self) -> &[Charge] {
        &self.charges
    }

    /// Whether there is nothing to take.
    pub fn is_empty(&self) -> bool {
        self.charges.is_empty() && !self.unit_missing
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

    /// Stage 12: the store's answer.
    pub fn charged(self, outcome: ChargeOutcome) -> Result<Authorized, Denial> {
        let deny = |code, detail| {
            Err(Denial::new(12, code, detail).by(&self.chain).for_operation(&self.operation, &self.request.service))
        };
        match outcome {
            ChargeOutcome::Unavailable => deny(Code::StoreUnavailable, "no store can take the charges"),
            ChargeOutcome::Exceeded => deny(Code::BudgetExceeded, "a budget has too little left"),
            // spec: VF-34
            ChargeOutcome::Charged if self.unit_missing => {
                deny(Code::BudgetExceeded, "a budget counts what the operation does not name")
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

    /// The method as received.
    pub fn method(&self) -> &str {
        &self.request.method
    }

    /// The authority that the request was sent to, normalised.
    pub fn authority(&self) -> &str {
        &self.request.authority
    }

    /// The path as received.
    pub fn path(&self) -> &str {
        &self.request.path
    }

    /// Names of the components and fields that the signature covers.
    pub fn covered(&self) -> impl Iterator<Item = &str> {
        self.request.covered.iter().map(String::as_str)
    }

    /// The raw query, without its `?`.
    pub fn query(&self) -> Option<&str> {
        self.request.query.as_deref()
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
