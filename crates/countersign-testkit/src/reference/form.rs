//! The form of checks (`spec/checks.md`, Form): part of stage 4.

use super::Faults;
use super::block::{Check, Op, Predicate, Query, Term};
use super::proto::Node;

const PROFILE: &str = "token_profile";

/// The predicates of a body, each with its number of terms.
const PREDICATES: [(&str, usize); 19] = [
    ("time", 1),
    ("service", 1),
    ("type", 1),
    ("resource", 1),
    ("action", 1),
    ("method", 1),
    ("authority", 1),
    ("path", 1),
    ("tool", 1),
    ("binding", 1),
    ("holder", 1),
    ("user", 1),
    ("purpose", 1),
    ("issuer", 1),
    ("agent", 2),
    ("arg", 2),
    ("arg_host", 2),
    ("arg_path", 2),
    ("arg_present", 1),
];

/// Looks at the order of a set's elements.
pub(super) fn set_order(set: &Node, faults: &mut Faults) {
    let elements: Vec<&Node> = set.nodes(1).collect();
    // spec: CK-18
    faults.need(elements.len() <= 128, 4, "limit_exceeded", "CK-18");
    // spec: CK-19
    let ascends = |one: &Node, next: &Node| {
        let numbers = |kind| one.number(kind).zip(next.number(kind));
        if let Some((one, next)) = numbers(2) {
            return (one as i64) < next as i64;
        }
        if let Some((one, next)) = one.bytes(5).zip(next.bytes(5)) {
            return one < next;
        }
        // Elements of two kinds are CK-17's affair.
        [3, 4, 6].into_iter().filter_map(numbers).all(|(one, next)| one < next)
    };
    let in_order = elements.windows(2).all(|pair| ascends(pair[0], pair[1]));
    faults.need(in_order, 4, "token_malformed", "CK-19");
}

/// Looks at a check.
pub(super) fn check(check: &Check, faults: &mut Faults) {
    // spec: CK-1 (0 falls under TK-7)
    let reject = match check.kind {
        None | Some(0) => false,
        Some(2) => true,
        Some(_) => return faults.refuse(4, PROFILE, "CK-1"),
    };
    // spec: CK-2
    let fits = if reject { check.queries.len() == 1 } else { !check.queries.is_empty() };
    faults.need(fits, 4, PROFILE, "CK-2");
    // spec: CK-3
    faults.need(check.queries.len() <= 16, 4, "limit_exceeded", "CK-3");
    check.queries.iter().for_each(|it| query(it, reject, faults));
}

fn query(query: &Query, reject: bool, faults: &mut Faults) {
    // spec: CK-4
    faults.need(query.head.name == "query" && query.head.terms.is_empty(), 4, PROFILE, "CK-4");
    // spec: CK-5
    faults.need(!query.body.is_empty(), 4, PROFILE, "CK-5");
    let mut variables: Vec<&String> = Vec::new();
    for predicate in &query.body {
        // spec: CK-6
        let known = PREDICATES.contains(&(predicate.name.as_str(), predicate.terms.len()));
        faults.need(known, 4, PROFILE, "CK-6");
        for term in &predicate.terms {
            match term {
                // spec: CK-7
                Term::Set(_) => faults.refuse(4, PROFILE, "CK-7"),
                // spec: CK-8
                Term::Variable(name) => {
                    faults.need(!variables.contains(&name), 4, PROFILE, "CK-8");
                    variables.push(name);
                }
                _ => {}
            }
        }
        arguments(predicate, faults);
    }
    // spec: CK-10
    let over_all = |predicate: &&Predicate| match predicate.name.as_str() {
        "arg" | "arg_host" | "arg_path" => true,
        "arg_present" => matches!(predicate.terms[..], [Term::Variable(_)]),
        _ => false,
    };
    let over_all = query.body.iter().filter(over_all).count();
    faults.need(over_all == 0 || (reject && over_all == 1), 4, PROFILE, "CK-10");
    for expression in &query.expressions {
        let known = values(expression, &variables, faults);
        // spec: CK-12
        faults.need(count(expression) <= 64, 4, "limit_exceeded", "CK-12");
        // What another operation would take and give can't be told.
        if known {
            stack(expression, faults);
        }
    }
}

// spec: CK-11
fn arguments(predicate: &Predicate, faults: &mut Faults) {
    let fits = match (predicate.name.as_str(), &predicate.terms[..]) {
        ("arg" | "arg_host" | "arg_path", [name, value]) => {
            matches!((name, value), (Term::Text(_), Term::Variable(_)))
        }
        // A set is CK-7's affair.
        ("arg_present", [name]) => matches!(name, Term::Text(_) | Term::Variable(_) | Term::Set(_)),
        _ => true,
    };
    faults.need(fits, 4, PROFILE, "CK-11");
}

fn count(operations: &[Op]) -> usize {
    operations.iter().map(|op| if let Op::Closure(inner) = op { 1 + count(inner) } else { 1 }).sum()
}

/// Looks at values and kinds of operations; whether the profile has all of these.
fn values(operations: &[Op], variables: &[&String], faults: &mut Faults) -> bool {
    let mut all = true;
    for op in operations {
        match op {
            // spec: CK-9
            Op::Value(Term::Variable(name)) => faults.need(variables.contains(&name), 4, PROFILE, "CK-9"),
            // spec: CK-17
            Op::Value(Term::Set(elements)) => {
                let kind = |term: &Term| match term {
                    Term::Integer(_) => 1,
                    Term::Text(_) => 2,
                    Term::Date(_) => 3,
                    Term::Bytes(_) => 4,
                    Term::Bool(_) => 5,
                    Term::Variable(_) | Term::Set(_) => 0,
                };
                let first = elements.first().map_or(1, kind);
                let one_kind = first != 0 && elements.iter().all(|element| kind(element) == first);
                faults.need(one_kind, 4, PROFILE, "CK-17");
            }
            Op::Closure(inner) => all &= values(inner, variables, faults),
            // spec: CK-13
            Op::Unary(kind) => all &= (0..=2).contains(kind),
            Op::Binary(kind) => all &= (0..=7).contains(kind) || [20, 23, 24].contains(kind),
            Op::Value(_) => {}
        }
    }
    faults.need(all, 4, PROFILE, "CK-13");
    all
}

/// Goes through an expression with, for each value on the stack, whether CK-16 lets it be an operand of `!`, `&&` and
/// `||`. That of the value left; nothing where a rule about the stack is broken.
fn stack(operations: &[Op], faults: &mut Faults) -> Option<bool> {
    // spec: CK-15
    let logical = |op: Option<&Op>| matches!(op, Some(Op::Binary(23 | 24)));
    for at in 0..operations.len() {
        let closure = matches!(operations[at], Op::Closure(_));
        if closure != logical(operations.get(at + 1)) {
            faults.refuse(4, PROFILE, "CK-15");
            return None;
        }
    }
    if logical(operations.first()) {
        faults.refuse(4, PROFILE, "CK-15");
        return None;
    }
    let mut left: Vec<bool> = Vec::new();
    let mut held = true;
    for op in operations {
        let operands = match op {
            Op::Value(_) | Op::Closure(_) => 0,
            Op::Unary(_) => 1,
            Op::Binary(_) => 2,
        };
        // spec: CK-14
        if left.len() < operands {
            faults.refuse(4, PROFILE, "CK-14");
            return None;
        }
        let taken = left.split_off(left.len() - operands);
        let result = match op {
            Op::Value(value) => matches!(value, Term::Bool(_)),
            Op::Closure(inner) => match stack(inner, faults) {
                Some(boolean) => boolean,
                None => {
                    held = false;
                    true
                }
            },
            // spec: CK-16
            Op::Unary(0) | Op::Binary(23 | 24) => {
                faults.need(taken.iter().all(|operand| *operand), 4, PROFILE, "CK-16");
                true
            }
            Op::Unary(1) => taken[0],
            Op::Unary(2) => false,
            // Every other one gives a bool.
            Op::Unary(_) | Op::Binary(_) => true,
        };
        left.push(result);
    }
    // spec: CK-14
    if left.len() != 1 {
        faults.refuse(4, PROFILE, "CK-14");
        return None;
    }
    if held { left.pop() } else { None }
}
