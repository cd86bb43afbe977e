//! The evaluation of checks, with its work counted (`spec/checks.md`, Evaluation).

use std::collections::BTreeMap;
use std::rc::Rc;

use super::Faults;
use super::arguments::{Arguments, Of};
use super::block::{Check, Op, Predicate, Query, Term};

/// What checks look at.
#[derive(Debug)]
pub(super) struct World<'a> {
    /// The facts of the verifier, each under its predicate.
    pub(super) facts: Vec<(&'static str, Vec<Term>)>,
    pub(super) arguments: &'a Arguments,
    pub(super) urls: &'a [String],
    pub(super) paths: &'a [String],
}

/// Why evaluation ended.
enum Stop {
    /// An error, by this rule.
    Error(&'static str),
    /// No work left.
    Limit,
}

type Bindings = Vec<(String, Term)>;

/// Facts of one name, in order.
type Facts = Rc<Vec<Vec<Term>>>;

struct Machine<'a> {
    world: &'a World<'a>,
    facts: BTreeMap<&'static str, Facts>,
    units: u64,
}

/// The facts of every name.
fn facts(world: &World<'_>) -> BTreeMap<&'static str, Facts> {
    let mut facts: BTreeMap<&'static str, Facts> =
        world.facts.iter().map(|(name, terms)| (*name, Rc::new(vec![terms.clone()]))).collect();
    let arguments = world.arguments;
    let pair = |(name, value): &(String, Term)| vec![Term::Text(name.clone()), value.clone()];
    let present = |name: &String| vec![Term::Text(name.clone())];
    let all = [
        ("arg", arguments.values.iter().map(pair).collect()),
        ("arg_host", arguments.hosts.iter().map(pair).collect()),
        ("arg_path", arguments.paths.iter().map(pair).collect()),
        ("arg_present", arguments.present.iter().map(present).collect::<Vec<_>>()),
    ];
    for (name, all) in all {
        // spec: CK-32 (of equal facts only the first counts)
        let mut first: Vec<Vec<Term>> = Vec::new();
        for fact in all {
            if !first.contains(&fact) {
                first.push(fact);
            }
        }
        facts.insert(name, Rc::new(first));
    }
    facts
}

/// Evaluates all checks; the units that they cost.
pub(super) fn all<'c>(checks: impl Iterator<Item = &'c Check>, world: &World<'_>, faults: &mut Faults) -> u64 {
    let mut machine = Machine { world, facts: facts(world), units: 0 };
    // spec: CK-20 (the first that does not pass decides; going on shows whether it is the only one)
    for check in checks {
        match machine.check(check) {
            Ok(true) => {}
            // spec: CK-22, CK-23
            Ok(false) => {
                let rule = if check.kind.is_some() { "CK-23" } else { "CK-22" };
                faults.refuse_for(11, "check_failed", &[rule, "VF-31"]);
            }
            // spec: CK-24
            Err(Stop::Error(rule)) => faults.refuse_for(11, "check_error", &["CK-24", rule, "VF-31"]),
            // spec: CK-31
            Err(Stop::Limit) => {
                faults.refuse_for(11, "limit_exceeded", &["CK-31", "CK-27", "VF-31"]);
                break;
            }
        }
    }
    machine.units
}

impl Machine<'_> {
    // spec: CK-27
    fn spend(&mut self, units: u64) -> Result<(), Stop> {
        self.units += units;
        if self.units > 100_000 { Err(Stop::Limit) } else { Ok(()) }
    }

    fn check(&mut self, check: &Check) -> Result<bool, Stop> {
        if check.kind == Some(2) {
            return Ok(!self.query(&check.queries[0])?);
        }
        for query in &check.queries {
            if self.query(query)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    // spec: CK-21
    fn query(&mut self, query: &Query) -> Result<bool, Stop> {
        self.nested(&query.body, &query.expressions, &Vec::new())
    }

    fn nested(&mut self, body: &[Predicate], expressions: &[Vec<Op>], bound: &Bindings) -> Result<bool, Stop> {
        let Some((predicate, rest)) = body.split_first() else {
            for expression in expressions {
                // spec: CK-26
                match self.expression(expression, bound)? {
                    Term::Bool(true) => {}
                    Term::Bool(false) => return Ok(false),
                    _ => return Err(Stop::Error("CK-26")),
                }
            }
            return Ok(true);
        };
        for fact in self.offered(predicate)?.iter() {
            self.spend(1)?;
            let pairs = || predicate.terms.iter().zip(fact);
            let matches = pairs().all(|(term, value)| matches!(term, Term::Variable(_)) || term == value);
            if !matches {
                continue;
            }
            let mut bound = bound.clone();
            for (term, value) in pairs() {
                if let Term::Variable(name) = term {
                    bound.push((name.clone(), value.clone()));
                }
            }
            if self.nested(rest, expressions, &bound)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The facts of a predicate's name, in order.
    fn offered(&self, predicate: &Predicate) -> Result<Facts, Stop> {
        let arguments = self.world.arguments;
        let facts = self.facts.get(predicate.name.as_str()).cloned().unwrap_or_default();
        let (of, declared) = match predicate.name.as_str() {
            "arg" => (Of::Arg, None),
            "arg_host" => (Of::Host, Some(self.world.urls)),
            "arg_path" => (Of::Path, Some(self.world.paths)),
            "arg_present" => (Of::Present, None),
            _ => return Ok(facts),
        };
        // spec: CK-33
        if !arguments.extracted {
            return Err(Stop::Error("CK-33"));
        }
        let name = match &predicate.terms[0] {
            Term::Text(name) => Some(name),
            _ => None,
        };
        // spec: CK-37
        if let (Some(declared), Some(name)) = (declared, name)
            && !declared.contains(name)
        {
            return Err(Stop::Error("CK-37"));
        }
        // spec: CK-36
        let poison = |(poisoned, other): &(Of, String)| *poisoned == of && name.is_none_or(|name| name == other);
        if arguments.poisoned.iter().any(poison) {
            return Err(Stop::Error("CK-36"));
        }
        Ok(facts)
    }

    fn expression(&mut self, operations: &[Op], bound: &Bindings) -> Result<Term, Stop> {
        let mut stack: Vec<Term> = Vec::new();
        for (at, op) in operations.iter().enumerate() {
            let result = match op {
                Op::Value(Term::Variable(name)) => {
                    self.spend(1)?;
                    bound.iter().find(|(known, _)| known == name).expect("CK-9").1.clone()
                }
                Op::Value(constant) => {
                    self.spend(1)?;
                    constant.clone()
                }
                // It counts as an operation; what is in it is executed, or not, by the one behind it.
                Op::Closure(_) => {
                    self.spend(1)?;
                    continue;
                }
                Op::Unary(kind) => {
                    let operand = stack.pop().expect("CK-14");
                    self.spend(1)?;
                    unary(*kind, operand)?
                }
                Op::Binary(kind @ (23 | 24)) => {
                    let left = stack.pop().expect("CK-14");
                    self.spend(1)?;
                    let (Op::Closure(inner), Term::Bool(left)) = (&operations[at - 1], left) else {
                        return Err(Stop::Error("CK-25"));
                    };
                    if left == (*kind == 24) { Term::Bool(left) } else { self.expression(inner, bound)? }
                }
                Op::Binary(kind) => {
                    let right = stack.pop().expect("CK-14");
                    let left = stack.pop().expect("CK-14");
                    match binary(*kind, &left, &right) {
                        Some((result, more)) => {
                            self.spend(1 + more)?;
                            Term::Bool(result)
                        }
                        None => {
                            self.spend(1)?;
                            return Err(Stop::Error("CK-25"));
                        }
                    }
                }
            };
            stack.push(result);
        }
        Ok(stack.pop().expect("CK-14"))
    }
}

// spec: CK-25
fn unary(kind: i64, operand: Term) -> Result<Term, Stop> {
    match (kind, operand) {
        (0, Term::Bool(value)) => Ok(Term::Bool(!value)),
        (1, any) => Ok(any),
        (2, Term::Text(text)) => Ok(Term::Integer(text.len() as i64)),
        (2, Term::Bytes(bytes)) => Ok(Term::Integer(bytes.len() as i64)),
        (2, Term::Set(elements)) => Ok(Term::Integer(elements.len() as i64)),
        _ => Err(Stop::Error("CK-25")),
    }
}

/// The result of a binary operation, and its units besides the one; nothing where it is an error.
// spec: CK-25
fn binary(kind: i64, left: &Term, right: &Term) -> Option<(bool, u64)> {
    let by_64 = |length: usize| (length / 64) as u64;
    match (kind, left, right) {
        (0..=3, Term::Integer(left), Term::Integer(right)) => Some((compare(kind, left, right), 0)),
        (0..=3, Term::Date(left), Term::Date(right)) => Some((compare(kind, left, right), 0)),
        (4 | 20, left, right) => {
            let more = match (left, right) {
                (Term::Text(left), Term::Text(right)) => by_64(left.len().min(right.len())),
                (Term::Bytes(left), Term::Bytes(right)) => by_64(left.len().min(right.len())),
                (Term::Set(left), Term::Set(right)) => left.len().min(right.len()) as u64,
                (Term::Integer(_), Term::Integer(_))
                | (Term::Date(_), Term::Date(_))
                | (Term::Bool(_), Term::Bool(_)) => 0,
                _ => return None,
            };
            Some(((left == right) == (kind == 4), more))
        }
        (5, Term::Text(left), Term::Text(right)) => Some((left.contains(right.as_str()), by_64(left.len()))),
        (5, Term::Set(left), Term::Set(right)) => {
            let all = right.iter().all(|element| left.contains(element));
            Some((all, (left.len() * right.len()) as u64))
        }
        (5, Term::Set(left), scalar) => Some((left.contains(scalar), left.len() as u64)),
        (6, Term::Text(left), Term::Text(right)) => {
            Some((left.starts_with(right.as_str()), by_64(left.len().min(right.len()))))
        }
        (7, Term::Text(left), Term::Text(right)) => {
            Some((left.ends_with(right.as_str()), by_64(left.len().min(right.len()))))
        }
        _ => None,
    }
}

fn compare<T: PartialOrd>(kind: i64, left: &T, right: &T) -> bool {
    match kind {
        0 => left < right,
        1 => left > right,
        2 => left <= right,
        _ => left >= right,
    }
}
