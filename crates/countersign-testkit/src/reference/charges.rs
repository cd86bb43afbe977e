//! Stage 12: budgets and used approvals (`spec/verify.md`, Stage 12).

use std::collections::BTreeMap;

use super::arguments::{Arguments, Of};
use super::block::Term;
use super::chain::Chain;
use super::facts::{Budget, budgets};
use super::json::GREATEST;
use super::operation::Operation;
use super::{Faults, base64};
use crate::format::Cost;

/// What a verifier remembers of charges.
#[derive(Clone, Debug, Default)]
pub(super) struct Store {
    counters: BTreeMap<String, i128>,
    used: Vec<[u8; 32]>,
}

/// The amount of a unit; nothing where the cost does not name it.
fn amount(unit: &str, operation: &Operation, arguments: &Arguments) -> Option<i128> {
    match operation.cost.get(unit)? {
        Cost::Amount(amount) => Some(i128::from(*amount)),
        Cost::Argument(name) => {
            let values: Vec<&Term> =
                arguments.values.iter().filter(|(known, _)| known == name).map(|(_, value)| value).collect();
            let poisoned = arguments.poisoned.iter().any(|(of, known)| *of == Of::Arg && known == name);
            match values[..] {
                [Term::Integer(value)] if (0..=GREATEST).contains(value) && !poisoned => Some(i128::from(*value)),
                _ => None,
            }
        }
    }
}

/// Charges an operation; takes nothing unless everything can be taken.
pub(super) fn stage_12(
    chain: &Chain,
    operation: &Operation,
    arguments: &Arguments,
    used: &[[u8; 32]],
    now: i64,
    store: &mut Store,
    faults: &mut Faults,
) {
    let claims = &chain.claims;
    // Counters in the order of the budgets, each with what it is raised by and the least amount that bounds it.
    let mut raised: Vec<(String, i128, i128)> = Vec::new();
    let mut count = |named: &[String], budget: &Budget, faults: &mut Faults| {
        // spec: VF-34
        let Some(cost) = amount(&budget.unit, operation, arguments) else {
            faults.refuse(12, "budget_exceeded", "VF-34");
            return;
        };
        let window = if budget.window > 0 { now.div_euclid(budget.window) } else { 0 };
        let rest = [budget.account.clone(), budget.unit.clone(), budget.window.to_string(), window.to_string()];
        let name = format!("{:?}", [named, &rest].concat());
        let most = i128::from(budget.amount);
        match raised.iter_mut().find(|(known, ..)| *known == name) {
            Some((_, _, least)) => *least = most.min(*least),
            None => raised.push((name, cost, most)),
        }
    };
    for budget in &claims.budgets {
        let metered: Vec<_> = claims.metered.iter().filter(|[account, ..]| *account == budget.account).collect();
        let named = metered.iter().any(|[_, kind, action]| *kind == operation.kind && *action == operation.action);
        if metered.is_empty() || named {
            let whose = [claims.issuer.clone().unwrap_or_default(), claims.user.clone().unwrap_or_default()];
            count(&whose, budget, faults);
        }
    }
    for signed in chain.blocks.iter().skip(1) {
        let Some(block) = &signed.block else { continue };
        for budget in budgets(block, &mut Faults::default()) {
            count(&[base64::hex(&signed.id())], &budget, faults);
        }
    }
    for (name, cost, most) in &raised {
        let spent = store.counters.get(name).copied().unwrap_or(0);
        // spec: VF-34
        faults.need(*cost == 0 || spent + cost <= *most, 12, "budget_exceeded", "VF-34");
    }
    // spec: RQ-59
    for id in used {
        faults.need(!store.used.contains(id), 12, "approval_invalid", "RQ-59");
    }
    // spec: VF-45
    if faults.none_to(12) {
        for (name, cost, _) in raised {
            *store.counters.entry(name).or_default() += cost;
        }
        store.used.extend(used);
    }
}
