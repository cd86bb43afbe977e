//! The evaluator, over the bytes that the decoder let in.

use super::facts::{Argument, Facts};
use super::predicate::Predicate;
use super::value::Value;
use crate::code::Code;
use crate::token::layout::{Block, CheckKind};
use crate::token::symbol::{Symbols, slot};
use crate::token::term::{self, Op, Repeated, Term, Terms, binary, unary};
use crate::token::wire::{Malformed, Span};
use crate::token::{Decoded, VerifiedChain};

/// Work done so far, in units.
#[derive(Clone, Copy, Debug)]
pub struct Work {
    done: u64,
    limit: u64,
}

impl Work {
    /// No work done, and `limit` units to do.
    pub const fn new(limit: u64) -> Self {
        Self { done: 0, limit }
    }

    /// Units done.
    pub const fn done(&self) -> u64 {
        self.done
    }

    // spec: CK-31
    fn charge(&mut self, units: u64) -> Result<(), Stop> {
        self.done = self.done.saturating_add(units);
        if self.done > self.limit { Err(Stop::Limit) } else { Ok(()) }
    }
}

/// Which check did not pass, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckDenial {
    /// `check_failed`, `check_error` or `limit_exceeded`.
    pub code: Code,
    /// The block, 0 for the authority block.
    pub block: usize,
    /// The check in it, from 0.
    pub check: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    Error,
    Limit,
}

impl From<Malformed> for Stop {
    fn from(_: Malformed) -> Self {
        Self::Error
    }
}

/// Evaluates all checks of a chain, blocks in order, checks in order; the first that does not pass decides.
// spec: CK-20
pub fn evaluate(chain: &VerifiedChain, facts: &Facts<'_>, work: &mut Work) -> Result<(), CheckDenial> {
    let chain: &Decoded = chain.decoded();
    let mut machine = Machine {
        bytes: &chain.bytes,
        symbols: &chain.layout.symbols,
        block: None,
        facts,
        work,
        bindings: Vec::new(),
        stack: Vec::with_capacity(8),
    };
    for (block_index, block) in chain.layout.blocks.iter().enumerate() {
        machine.block = Some(block);
        for (index, check) in block.checks.iter().enumerate() {
            let code = match machine.check(check.kind, check.span) {
                Ok(true) => continue,
                Ok(false) => Code::CheckFailed,
                Err(Stop::Error) => Code::CheckError,
                Err(Stop::Limit) => Code::LimitExceeded,
            };
            return Err(CheckDenial { code, block: block_index, check: index });
        }
    }
    Ok(())
}

struct Machine<'a, 'w> {
    bytes: &'a [u8],
    symbols: &'a Symbols,
    block: Option<&'a Block>,
    facts: &'a Facts<'a>,
    work: &'w mut Work,
    /// By symbol: the decoder saw to it that each use follows a binding of the same query.
    bindings: Vec<Option<Value<'a>>>,
    stack: Vec<Value<'a>>,
}

impl<'a> Machine<'a, '_> {
    fn check(&mut self, kind: CheckKind, span: Span) -> Result<bool, Stop> {
        let mut queries = Repeated::new(self.bytes, span, 1);
        while let Some(query) = queries.next()? {
            let body = Repeated::new(self.bytes, query, 2);
            let matched = self.body(body, query)?;
            match kind {
                CheckKind::CheckIf if matched => return Ok(true),
                CheckKind::CheckIf => {}
                CheckKind::RejectIf => return Ok(!matched),
            }
        }
        Ok(false)
    }

    /// Matches the rest of a body in nested loops, then the expressions. One predicate at most spreads.
    // spec: CK-21
    fn body(&mut self, mut body: Repeated<'a>, query: Span) -> Result<bool, Stop> {
        // Facts that a loop still offers after its one match, when what stands inside it did not succeed.
        let mut pending = 0_u64;
        let matched = self.rest_of_body(&mut body, query, &mut pending)?;
        if !matched {
            self.work.charge(pending)?;
        }
        Ok(matched)
    }

    fn rest_of_body(&mut self, body: &mut Repeated<'a>, query: Span, pending: &mut u64) -> Result<bool, Stop> {
        while let Some(span) = body.next()? {
            let term::Predicate { name, mut terms } = term::Predicate::read(self.bytes, span)?;
            let predicate = Predicate::named(self.text(name)?).ok_or(Stop::Error)?;
            let (first, second) = (terms.next()?.ok_or(Stop::Error)?, terms.next()?);
            let single = match predicate {
                Predicate::Arg | Predicate::ArgHost | Predicate::ArgPath => {
                    let variable = second.ok_or(Stop::Error)?;
                    return self.arguments(predicate, first, variable, *body, query);
                }
                Predicate::ArgPresent => match first {
                    Term::Variable(_) => return self.each_present(first, *body, query),
                    constant => self.is_present(constant, pending)?,
                },
                _ => self.single(predicate, first, second)?,
            };
            if !single {
                return Ok(false);
            }
        }
        self.expressions(query)
    }

    /// Offers the one fact of a single-valued predicate.
    fn single(&mut self, predicate: Predicate, first: Term, second: Option<Term>) -> Result<bool, Stop> {
        let facts = self.facts;
        let value = match predicate {
            Predicate::Time => Some(Value::Date(facts.time.0)),
            Predicate::Service => Some(Value::str(facts.service)),
            Predicate::Type => Some(Value::str(facts.r#type)),
            Predicate::Resource => Some(Value::str(facts.resource)),
            Predicate::Action => Some(Value::str(facts.action)),
            Predicate::Method => facts.method.map(Value::str),
            Predicate::Authority => facts.authority.map(Value::str),
            Predicate::Path => facts.path.map(Value::str),
            Predicate::Tool => facts.tool.map(Value::str),
            Predicate::Binding => Some(Value::str(facts.binding)),
            Predicate::Holder => Some(Value::key(&facts.holder)),
            Predicate::User => Some(Value::str(facts.user)),
            Predicate::Agent => Some(Value::str(facts.agent.0)),
            Predicate::Purpose => Some(Value::str(facts.purpose)),
            Predicate::Issuer => Some(Value::str(facts.issuer)),
            Predicate::Arg | Predicate::ArgHost | Predicate::ArgPath | Predicate::ArgPresent => {
                return Err(Stop::Error);
            }
        };
        let Some(value) = value else { return Ok(false) };
        self.work.charge(1)?;
        if !self.unify(first, value)? {
            return Ok(false);
        }
        match second {
            None => Ok(true),
            Some(second) => self.unify(second, Value::key(&facts.agent.1)),
        }
    }

    /// Binds a variable, or compares a constant.
    fn unify(&mut self, term: Term, value: Value<'a>) -> Result<bool, Stop> {
        if let Term::Variable(number) = term {
            let slot = slot(number).ok_or(Stop::Error)?;
            if slot >= self.bindings.len() {
                self.bindings.resize(slot.saturating_add(1), None);
            }
            *self.bindings.get_mut(slot).ok_or(Stop::Error)? = Some(value);
            return Ok(true);
        }
        Ok(self.value(term)?.same(value))
    }

    // spec: CK-33, CK-36, CK-37
    fn arguments(
        &mut self,
        predicate: Predicate,
        name: Term,
        variable: Term,
        rest: Repeated<'a>,
        query: Span,
    ) -> Result<bool, Stop> {
        let Term::Str(name) = name else { return Err(Stop::Error) };
        let name = self.text(name)?;
        let arguments = self.facts.arguments;
        let offered: &'a [Argument] = match predicate {
            Predicate::Arg => arguments.values_of(name),
            Predicate::ArgHost => arguments.hosts_of(name),
            _ => arguments.paths_of(name),
        }
        .ok_or(Stop::Error)?;
        for argument in offered {
            self.work.charge(1)?;
            if argument.name == name
                && self.unify(variable, Value::scalar(&argument.value))?
                && self.body(rest, query)?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn each_present(&mut self, variable: Term, rest: Repeated<'a>, query: Span) -> Result<bool, Stop> {
        let names: &'a [String] = self.facts.arguments.all_present().ok_or(Stop::Error)?;
        for name in names {
            self.work.charge(1)?;
            if self.unify(variable, Value::str(name))? && self.body(rest, query)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Offers names up to the one that matches; those behind it are left to `pending`.
    fn is_present(&mut self, name: Term, pending: &mut u64) -> Result<bool, Stop> {
        let Term::Str(name) = name else { return Err(Stop::Error) };
        let name = self.text(name)?;
        let names = self.facts.arguments.present_for(name).ok_or(Stop::Error)?;
        let all = names.len() as u64;
        let found = names.iter().position(|known| known == name);
        let offered = found.map_or(all, |at| (at as u64).saturating_add(1));
        self.work.charge(offered)?;
        *pending = pending.saturating_add(all.saturating_sub(offered));
        Ok(found.is_some())
    }

    fn expressions(&mut self, query: Span) -> Result<bool, Stop> {
        let mut expressions = Repeated::new(self.bytes, query, 3);
        while let Some(expression) = expressions.next()? {
            if !self.expression(expression, 1)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Runs a list of operations; what it leaves must be a Boolean.
    fn expression(&mut self, span: Span, number: u64) -> Result<bool, Stop> {
        let mut ops = Repeated::new(self.bytes, span, number);
        let mut closure = None;
        while let Some(op) = ops.next()? {
            self.work.charge(1)?;
            match Op::read(self.bytes, op)? {
                Op::Value(term) => {
                    let value = self.value(Term::read(self.bytes, term)?)?;
                    self.stack.push(value);
                }
                Op::Closure(inner) => closure = Some(inner),
                Op::Unary { kind, .. } => {
                    let operand = self.pop()?;
                    let value = self.unary(kind, operand)?;
                    self.stack.push(value);
                }
                Op::Binary { kind: kind @ (binary::LAZY_AND | binary::LAZY_OR), .. } => {
                    let (left, right) = (self.pop()?, closure.take().ok_or(Stop::Error)?);
                    let Value::Bool(left) = left else { return Err(Stop::Error) };
                    let decided = left == (kind == binary::LAZY_OR);
                    let value = if decided { left } else { self.expression(right, 2)? };
                    self.stack.push(Value::Bool(value));
                }
                Op::Binary { kind, .. } => {
                    let (right, left) = (self.pop()?, self.pop()?);
                    let value = self.binary(kind, left, right)?;
                    self.stack.push(Value::Bool(value));
                }
            }
        }
        match self.pop()? {
            Value::Bool(value) => Ok(value),
            _ => Err(Stop::Error),
        }
    }

    fn pop(&mut self) -> Result<Value<'a>, Stop> {
        self.stack.pop().ok_or(Stop::Error)
    }

    fn unary(&mut self, kind: i32, operand: Value<'a>) -> Result<Value<'a>, Stop> {
        let length = |len: u64| i64::try_from(len).map(Value::Integer).map_err(|_| Stop::Error);
        match (kind, operand) {
            (unary::PARENS, value) => Ok(value),
            (unary::NEGATE, Value::Bool(value)) => Ok(Value::Bool(!value)),
            (unary::LENGTH, Value::Str(bytes) | Value::Bytes(bytes)) => length(bytes.len() as u64),
            (unary::LENGTH, Value::Set(set)) => length(size(set)?),
            _ => Err(Stop::Error),
        }
    }

    fn binary(&mut self, kind: i32, left: Value<'a>, right: Value<'a>) -> Result<bool, Stop> {
        use Value::{Bool, Bytes, Date, Integer, Set, Str};
        match (kind, left, right) {
            (binary::LESS_THAN, Integer(a), Integer(b)) => Ok(a < b),
            (binary::GREATER_THAN, Integer(a), Integer(b)) => Ok(a > b),
            (binary::LESS_OR_EQUAL, Integer(a), Integer(b)) => Ok(a <= b),
            (binary::GREATER_OR_EQUAL, Integer(a), Integer(b)) => Ok(a >= b),
            (binary::LESS_THAN, Date(a), Date(b)) => Ok(a < b),
            (binary::GREATER_THAN, Date(a), Date(b)) => Ok(a > b),
            (binary::LESS_OR_EQUAL, Date(a), Date(b)) => Ok(a <= b),
            (binary::GREATER_OR_EQUAL, Date(a), Date(b)) => Ok(a >= b),
            (binary::EQUAL, left, right) => self.equal(left, right),
            (binary::NOT_EQUAL, left, right) => self.equal(left, right).map(|equal| !equal),
            (binary::PREFIX, Str(text), Str(prefix)) => {
                self.scan(text.len().min(prefix.len()))?;
                Ok(text.starts_with(prefix))
            }
            (binary::SUFFIX, Str(text), Str(suffix)) => {
                self.scan(text.len().min(suffix.len()))?;
                Ok(text.ends_with(suffix))
            }
            (binary::CONTAINS, Str(text), Str(needle)) => {
                self.scan(text.len())?;
                // `str` searches in linear time, whatever the needle.
                let text = core::str::from_utf8(text).map_err(|_| Stop::Error)?;
                let needle = core::str::from_utf8(needle).map_err(|_| Stop::Error)?;
                Ok(text.contains(needle))
            }
            (binary::CONTAINS, Set(set), Set(needles)) => self.superset(set, needles),
            (binary::CONTAINS, Set(set), needle @ (Integer(_) | Date(_) | Bool(_) | Str(_) | Bytes(_))) => {
                self.work.charge(size(set)?)?;
                self.among(set, needle)
            }
            _ => Err(Stop::Error),
        }
    }

    fn equal(&mut self, left: Value<'a>, right: Value<'a>) -> Result<bool, Stop> {
        use Value::{Bool, Bytes, Date, Integer, Set, Str};
        match (left, right) {
            (Integer(a), Integer(b)) => Ok(a == b),
            (Date(a), Date(b)) => Ok(a == b),
            (Bool(a), Bool(b)) => Ok(a == b),
            (Str(a), Str(b)) | (Bytes(a), Bytes(b)) => {
                self.scan(a.len().min(b.len()))?;
                Ok(a == b)
            }
            (Set(a), Set(b)) => {
                self.work.charge(size(a)?.min(size(b)?))?;
                self.equal_sets(a, b)
            }
            _ => Err(Stop::Error),
        }
    }

    /// Both sets are literals of one block in ascending order, so equal sets are equal term by term.
    fn equal_sets(&self, mut left: Terms<'a>, mut right: Terms<'a>) -> Result<bool, Stop> {
        loop {
            match (left.next()?, right.next()?) {
                (None, None) => return Ok(true),
                (Some(a), Some(b)) if self.value(a)?.same(self.value(b)?) => {}
                _ => return Ok(false),
            }
        }
    }

    /// Charges what a string operation scans.
    // spec: CK-27
    fn scan(&mut self, bytes: usize) -> Result<(), Stop> {
        self.work.charge((bytes / 64) as u64)
    }

    // spec: CK-27
    fn superset(&mut self, set: Terms<'a>, needles: Terms<'a>) -> Result<bool, Stop> {
        self.work.charge(size(set)?.saturating_mul(size(needles)?))?;
        self.subset(needles, set)
    }

    fn subset(&self, mut needles: Terms<'a>, set: Terms<'a>) -> Result<bool, Stop> {
        while let Some(needle) = needles.next()? {
            if !self.among(set, self.value(needle)?)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn among(&self, mut set: Terms<'a>, needle: Value<'a>) -> Result<bool, Stop> {
        while let Some(element) = set.next()? {
            if self.value(element)?.same(needle) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn utf8(&self, number: u64) -> Result<&'a [u8], Stop> {
        let block = self.block.ok_or(Stop::Error)?;
        self.symbols.text(block.scope, number).map(|text| text.utf8(self.bytes)).ok_or(Stop::Error)
    }

    fn text(&self, number: u64) -> Result<&'a str, Stop> {
        let block = self.block.ok_or(Stop::Error)?;
        self.symbols.text(block.scope, number).map(|text| text.of(self.bytes)).ok_or(Stop::Error)
    }

    fn value(&self, term: Term) -> Result<Value<'a>, Stop> {
        Ok(match term {
            Term::Variable(number) => {
                let bound = slot(number).and_then(|slot| self.bindings.get(slot)).copied().flatten();
                return bound.ok_or(Stop::Error);
            }
            Term::Integer(value) => Value::Integer(value),
            Term::Str(number) => Value::Str(self.utf8(number)?),
            Term::Date(date) => Value::Date(date),
            Term::Bytes(span) => Value::Bytes(span.of(self.bytes)),
            Term::Bool(value) => Value::Bool(value),
            Term::Set(span) => Value::Set(Terms::of_set(self.bytes, span)),
            Term::Null | Term::Array(_) | Term::Map(_) => return Err(Stop::Error),
        })
    }
}

fn size(mut set: Terms<'_>) -> Result<u64, Stop> {
    let mut size = 0_u64;
    while set.next()?.is_some() {
        size = size.saturating_add(1);
    }
    Ok(size)
}
