//! The evaluator, over the bytes that the decoder let in.

use memchr::memmem::Finder;

use super::arguments::Given;
use super::facts::Facts;
use super::predicate::Predicate;
use super::program::{Instruction, Operand, Program, Source, Step};
use super::value::{Elements, Value};
use crate::code::Code;
use crate::token::layout::CheckKind;
use crate::token::term::{Repeated, binary, unary};
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
    #[inline]
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
    /// An error because of what is not known about an argument.
    Argument,
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
    let mut program = Program::default();
    let mut machine = Machine { facts, work, bindings: Vec::new(), stack: Vec::with_capacity(8), finder: None };
    for (block_index, block) in chain.layout.blocks.iter().enumerate() {
        let source = Source { bytes: &chain.bytes, symbols: &chain.layout.symbols, block };
        for (index, check) in block.checks.iter().enumerate() {
            let code = match machine.check(&mut program, source, check.kind, check.span) {
                Ok(true) => continue,
                Ok(false) => Code::CheckFailed,
                Err(Stop::Error | Stop::Argument) => Code::CheckError,
                Err(Stop::Limit) => Code::LimitExceeded,
            };
            return Err(CheckDenial { code, block: block_index, check: index });
        }
    }
    Ok(())
}

/// Whether no check fails but for what is not known about arguments: each by itself, with work of its own.
// spec: JR-25
pub(crate) fn may_pass(chain: &VerifiedChain, facts: &Facts<'_>, limit: u64) -> bool {
    let chain: &Decoded = chain.decoded();
    let mut program = Program::default();
    chain.layout.blocks.iter().all(|block| {
        let source = Source { bytes: &chain.bytes, symbols: &chain.layout.symbols, block };
        block.checks.iter().all(|check| {
            let mut work = Work::new(limit);
            let (bindings, stack) = (Vec::new(), Vec::new());
            let mut machine = Machine { facts, work: &mut work, bindings, stack, finder: None };
            matches!(machine.check(&mut program, source, check.kind, check.span), Ok(true) | Err(Stop::Argument))
        })
    })
}

struct Machine<'a, 'w> {
    facts: &'a Facts<'a>,
    work: &'w mut Work,
    /// By slot: the decoder saw to it that each use follows a binding of the same query.
    bindings: Vec<Option<Value<'a>>>,
    stack: Vec<Value<'a>>,
    /// The last needle that was searched for, prepared: mostly the next search is for the same.
    finder: Option<(&'a str, Finder<'a>)>,
}

impl<'a> Machine<'a, '_> {
    fn check(
        &mut self,
        program: &mut Program<'a>,
        source: Source<'a>,
        kind: CheckKind,
        span: Span,
    ) -> Result<bool, Stop> {
        let mut queries = Repeated::new(source.bytes, span, 1);
        while let Some(query) = queries.next()? {
            program.read(source, query, self.facts.arguments)?;
            if self.bindings.len() < program.slots {
                self.bindings.resize(program.slots, None);
            }
            let matched = self.body(program, 0)?;
            match kind {
                CheckKind::CheckIf if matched => return Ok(true),
                CheckKind::CheckIf => {}
                CheckKind::RejectIf => return Ok(!matched),
            }
        }
        Ok(false)
    }

    /// Matches the body from a step on in nested loops, then the expressions. One predicate at most spreads.
    // spec: CK-21
    fn body(&mut self, program: &Program<'a>, from: usize) -> Result<bool, Stop> {
        if from >= program.body.len() {
            return self.expressions(program);
        }
        // Facts that a loop still offers after its one match, when what stands inside it did not succeed.
        let mut pending = 0_u64;
        let matched = self.rest_of_body(program, from, &mut pending)?;
        if !matched {
            self.work.charge(pending)?;
        }
        Ok(matched)
    }

    fn rest_of_body(&mut self, program: &Program<'a>, from: usize, pending: &mut u64) -> Result<bool, Stop> {
        for (index, step) in program.body.iter().enumerate().skip(from) {
            let next = index.saturating_add(1);
            let matches = match *step {
                Step::Single(predicate, first, second) => self.single(predicate, first, second)?,
                // spec: CK-33, CK-36, CK-37
                Step::Each(facts, slot) => {
                    let (facts, name) = facts.ok_or(Stop::Argument)?;
                    return self.each(program, next, facts, name, slot);
                }
                Step::Present(facts) => {
                    let (facts, name) = facts.ok_or(Stop::Argument)?;
                    self.is_present(facts, name, pending)?
                }
                Step::EachPresent(facts, slot) => {
                    return self.each_present(program, next, facts.ok_or(Stop::Argument)?, slot);
                }
                Step::Never => false,
            };
            if !matches {
                return Ok(false);
            }
        }
        self.expressions(program)
    }

    /// Offers the one fact of a single-valued predicate.
    fn single(&mut self, predicate: Predicate, first: Operand<'a>, second: Option<Operand<'a>>) -> Result<bool, Stop> {
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
    fn unify(&mut self, operand: Operand<'a>, value: Value<'a>) -> Result<bool, Stop> {
        match operand {
            Operand::Slot(slot) => self.bind(slot, value),
            Operand::Constant(constant) => Ok(constant.same(value)),
        }
    }

    fn bind(&mut self, slot: usize, value: Value<'a>) -> Result<bool, Stop> {
        *self.bindings.get_mut(slot).ok_or(Stop::Error)? = Some(value);
        Ok(true)
    }

    /// Offers every fact of `arg`, `arg_host` or `arg_path`.
    fn each(
        &mut self,
        program: &Program<'a>,
        next: usize,
        facts: &'a [Given],
        name: Option<usize>,
        slot: usize,
    ) -> Result<bool, Stop> {
        for (index, value) in facts {
            self.work.charge(1)?;
            if Some(*index) == name && self.bind(slot, Value::scalar(value))? && self.body(program, next)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn each_present(
        &mut self,
        program: &Program<'a>,
        next: usize,
        facts: &'a [usize],
        slot: usize,
    ) -> Result<bool, Stop> {
        for index in facts {
            self.work.charge(1)?;
            let name = self.facts.arguments.name(*index);
            if self.bind(slot, Value::str(name))? && self.body(program, next)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Offers names up to the one that matches; those behind it are left to `pending`.
    fn is_present(&mut self, facts: &[usize], name: Option<usize>, pending: &mut u64) -> Result<bool, Stop> {
        let all = facts.len() as u64;
        let found = facts.iter().position(|known| Some(*known) == name);
        let offered = found.map_or(all, |at| (at as u64).saturating_add(1));
        self.work.charge(offered)?;
        *pending = pending.saturating_add(all.saturating_sub(offered));
        Ok(found.is_some())
    }

    /// Runs the expressions up to the first that is false.
    fn expressions(&mut self, program: &Program<'a>) -> Result<bool, Stop> {
        let mut at = 0;
        while let Some(instruction) = program.code.get(at) {
            at = at.saturating_add(1);
            match *instruction {
                Instruction::ClosureEnd => {
                    let value = self.pop_bool()?;
                    self.stack.push(Value::Bool(value));
                    continue;
                }
                Instruction::ExpressionEnd => {
                    // spec: CK-26
                    if self.pop_bool()? {
                        continue;
                    }
                    return Ok(false);
                }
                _ => self.work.charge(1)?,
            }
            match *instruction {
                Instruction::Push(value) => self.stack.push(value),
                Instruction::Load(slot) => {
                    let value = self.bindings.get(slot).copied().flatten().ok_or(Stop::Error)?;
                    self.stack.push(value);
                }
                Instruction::Unary(kind) => {
                    let operand = self.pop()?;
                    let value = unary(kind, operand)?;
                    self.stack.push(value);
                }
                Instruction::Binary(kind) => {
                    let (right, left) = (self.pop()?, self.pop()?);
                    let value = self.binary(&program.elements, kind, left, right)?;
                    self.stack.push(Value::Bool(value));
                }
                Instruction::Lazy { or, end } => {
                    let left = self.pop_bool()?;
                    if left == or {
                        self.stack.push(Value::Bool(left));
                        at = end;
                    }
                }
                Instruction::Closure | Instruction::ClosureEnd | Instruction::ExpressionEnd => {}
            }
        }
        Ok(true)
    }

    fn pop(&mut self) -> Result<Value<'a>, Stop> {
        self.stack.pop().ok_or(Stop::Error)
    }

    fn pop_bool(&mut self) -> Result<bool, Stop> {
        match self.pop()? {
            Value::Bool(value) => Ok(value),
            _ => Err(Stop::Error),
        }
    }

    fn binary(&mut self, elements: &[Value<'a>], kind: i32, left: Value<'a>, right: Value<'a>) -> Result<bool, Stop> {
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
            (binary::EQUAL, left, right) => self.equal(elements, left, right),
            (binary::NOT_EQUAL, left, right) => self.equal(elements, left, right).map(|equal| !equal),
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
                Ok(self.find(text, needle))
            }
            (binary::CONTAINS, Set(set), Set(needles)) => {
                self.work.charge((set.len() as u64).saturating_mul(needles.len() as u64))?;
                let set = of(elements, set)?;
                Ok(of(elements, needles)?.iter().all(|needle| among(set, *needle)))
            }
            (binary::CONTAINS, Set(set), needle @ (Integer(_) | Date(_) | Bool(_) | Str(_) | Bytes(_))) => {
                self.work.charge(set.len() as u64)?;
                Ok(among(of(elements, set)?, needle))
            }
            _ => Err(Stop::Error),
        }
    }

    fn equal(&mut self, elements: &[Value<'a>], left: Value<'a>, right: Value<'a>) -> Result<bool, Stop> {
        use Value::{Bool, Bytes, Date, Integer, Set, Str};
        match (left, right) {
            (Integer(a), Integer(b)) => Ok(a == b),
            (Date(a), Date(b)) => Ok(a == b),
            (Bool(a), Bool(b)) => Ok(a == b),
            (Str(a), Str(b)) => {
                self.scan(a.len().min(b.len()))?;
                Ok(a == b)
            }
            (Bytes(a), Bytes(b)) => {
                self.scan(a.len().min(b.len()))?;
                Ok(a == b)
            }
            (Set(a), Set(b)) => {
                self.work.charge(a.len().min(b.len()) as u64)?;
                // Both are literals of one block in ascending order, so equal sets are equal term by term.
                let (a, b) = (of(elements, a)?, of(elements, b)?);
                Ok(a.len() == b.len() && a.iter().zip(b).all(|(one, other)| one.same(*other)))
            }
            _ => Err(Stop::Error),
        }
    }

    /// Searches in linear time, whatever the needle. In UTF-8 the bytes of a string are found where the string is.
    fn find(&mut self, text: &str, needle: &'a str) -> bool {
        // A needle is read before it is looked for, and only the text was charged.
        if needle.len() > text.len() {
            return false;
        }
        if self.finder.as_ref().is_none_or(|(known, _)| !core::ptr::eq(*known, needle)) {
            self.finder = Some((needle, Finder::new(needle)));
        }
        self.finder.as_ref().is_some_and(|(_, finder)| finder.find(text.as_bytes()).is_some())
    }

    /// Charges what a string operation scans.
    // spec: CK-27
    fn scan(&mut self, bytes: usize) -> Result<(), Stop> {
        self.work.charge((bytes / 64) as u64)
    }
}

fn unary(kind: i32, operand: Value<'_>) -> Result<Value<'_>, Stop> {
    let length = |len: usize| i64::try_from(len).map(Value::Integer).map_err(|_| Stop::Error);
    match (kind, operand) {
        (unary::PARENS, value) => Ok(value),
        (unary::NEGATE, Value::Bool(value)) => Ok(Value::Bool(!value)),
        (unary::LENGTH, Value::Str(text)) => length(text.len()),
        (unary::LENGTH, Value::Bytes(bytes)) => length(bytes.len()),
        (unary::LENGTH, Value::Set(set)) => length(set.len()),
        _ => Err(Stop::Error),
    }
}

fn of<'e, 'a>(elements: &'e [Value<'a>], set: Elements) -> Result<&'e [Value<'a>], Stop> {
    elements.get(set.start..set.end).ok_or(Stop::Error)
}

fn among(set: &[Value<'_>], needle: Value<'_>) -> bool {
    set.iter().any(|element| element.same(needle))
}
