//! A query, read once: its strings found, its names looked up, its operations in a row.
//!
//! A query with an `arg` predicate is run for each argument. Reading it anew each time would cost more than what it says,
//! and that cost would not be counted.

use super::arguments::{Arguments, Given};
use super::predicate::Predicate;
use super::value::{Elements, Value};
use crate::token::layout::Block;
use crate::token::symbol::{Symbols, slot};
use crate::token::term::{self, Op, Repeated, Term, Terms, binary};
use crate::token::wire::{Malformed, Span};

/// Where the strings of a block come from.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) symbols: &'a Symbols,
    pub(super) block: &'a Block,
}

/// A term of a predicate.
#[derive(Clone, Copy)]
pub(super) enum Operand<'a> {
    /// To be bound.
    Slot(usize),
    Constant(Value<'a>),
}

/// A predicate of a body. Where the arguments make it an error to ask, there are no facts.
#[derive(Clone, Copy)]
pub(super) enum Step<'a> {
    Single(Predicate, Operand<'a>, Option<Operand<'a>>),
    /// `arg`, `arg_host` or `arg_path`: the facts offered, the index of the name that matches, and the variable's slot.
    Each(Option<(&'a [Given], Option<usize>)>, usize),
    /// `arg_present` of a constant.
    Present(Option<(&'a [usize], Option<usize>)>),
    /// `arg_present` of a variable.
    EachPresent(Option<&'a [usize]>, usize),
    /// `arg_present` of a constant that is no string never matches; the decoder lets none in.
    Never,
}

/// One operation. Each costs a unit but those that only mark a place.
#[derive(Clone, Copy)]
pub(super) enum Instruction<'a> {
    Push(Value<'a>),
    Load(usize),
    Unary(i32),
    Binary(i32),
    /// A closure as a value; its operations stand behind the operator that takes it.
    Closure,
    /// `&&` (false) or `||` (true): the closure's operations end before `end`.
    Lazy {
        or: bool,
        end: usize,
    },
    /// What a closure left must be a Boolean. No operation.
    ClosureEnd,
    /// An expression is over: it must have left true, or the query fails here. No operation.
    ExpressionEnd,
}

/// A query, ready to run. Buffers are used again for the next.
#[derive(Default)]
pub(super) struct Program<'a> {
    pub(super) body: Vec<Step<'a>>,
    pub(super) code: Vec<Instruction<'a>>,
    pub(super) elements: Vec<Value<'a>>,
    /// One more than the greatest slot.
    pub(super) slots: usize,
}

impl<'a> Program<'a> {
    /// Reads a query. Everything in it passed the decoder, so nothing fails here but by a defect.
    pub(super) fn read(&mut self, source: Source<'a>, query: Span, arguments: &'a Arguments) -> Result<(), Malformed> {
        self.body.clear();
        self.code.clear();
        self.elements.clear();
        self.slots = 0;
        let mut body = Repeated::new(source.bytes, query, 2);
        while let Some(span) = body.next()? {
            let step = self.step(source, span, arguments)?;
            self.body.push(step);
        }
        let mut expressions = Repeated::new(source.bytes, query, 3);
        while let Some(expression) = expressions.next()? {
            self.operations(source, Repeated::new(source.bytes, expression, 1))?;
            self.code.push(Instruction::ExpressionEnd);
        }
        Ok(())
    }

    fn step(&mut self, source: Source<'a>, span: Span, arguments: &'a Arguments) -> Result<Step<'a>, Malformed> {
        let term::Predicate { name, mut terms } = term::Predicate::read(source.bytes, span)?;
        let predicate = Predicate::named(source.text(name)?).ok_or(Malformed)?;
        let (first, second) = (terms.next()?.ok_or(Malformed)?, terms.next()?);
        let facts = match predicate {
            Predicate::Arg => Arguments::values_of,
            Predicate::ArgHost => Arguments::hosts_of,
            Predicate::ArgPath => Arguments::paths_of,
            Predicate::ArgPresent => {
                return Ok(match self.operand(source, first)? {
                    Operand::Slot(slot) => Step::EachPresent(arguments.all_present(), slot),
                    Operand::Constant(Value::Str(name)) => Step::Present(arguments.present_for(name)),
                    Operand::Constant(_) => Step::Never,
                });
            }
            _ => {
                let second = second.map(|term| self.operand(source, term)).transpose()?;
                return Ok(Step::Single(predicate, self.operand(source, first)?, second));
            }
        };
        let (Operand::Constant(Value::Str(name)), Operand::Slot(slot)) =
            (self.operand(source, first)?, self.operand(source, second.ok_or(Malformed)?)?)
        else {
            return Err(Malformed);
        };
        Ok(Step::Each(facts(arguments, name), slot))
    }

    fn operand(&mut self, source: Source<'a>, term: Term) -> Result<Operand<'a>, Malformed> {
        Ok(match term {
            Term::Variable(number) => Operand::Slot(self.slot(number)?),
            constant => Operand::Constant(self.constant(source, constant)?),
        })
    }

    fn slot(&mut self, number: u32) -> Result<usize, Malformed> {
        let slot = slot(number).ok_or(Malformed)?;
        self.slots = self.slots.max(slot.saturating_add(1));
        Ok(slot)
    }

    fn operations(&mut self, source: Source<'a>, mut operations: Repeated<'a>) -> Result<(), Malformed> {
        let mut closure = None;
        while let Some(operation) = operations.next()? {
            match Op::read(source.bytes, operation)? {
                Op::Value(term) => {
                    let instruction = match Term::read(source.bytes, term)? {
                        Term::Variable(number) => Instruction::Load(self.slot(number)?),
                        constant => Instruction::Push(self.constant(source, constant)?),
                    };
                    self.code.push(instruction);
                }
                Op::Closure(inner) => {
                    closure = Some(inner);
                    self.code.push(Instruction::Closure);
                }
                Op::Unary { kind, .. } => self.code.push(Instruction::Unary(kind)),
                Op::Binary { kind: kind @ (binary::LAZY_AND | binary::LAZY_OR), .. } => {
                    let inner = closure.take().ok_or(Malformed)?;
                    let at = self.code.len();
                    let or = kind == binary::LAZY_OR;
                    self.code.push(Instruction::Lazy { or, end: at });
                    self.operations(source, Repeated::new(source.bytes, inner, 2))?;
                    self.code.push(Instruction::ClosureEnd);
                    let end = self.code.len();
                    if let Some(lazy) = self.code.get_mut(at) {
                        *lazy = Instruction::Lazy { or, end };
                    }
                }
                Op::Binary { kind, .. } => self.code.push(Instruction::Binary(kind)),
            }
        }
        Ok(())
    }

    fn constant(&mut self, source: Source<'a>, term: Term) -> Result<Value<'a>, Malformed> {
        Ok(match term {
            Term::Integer(value) => Value::Integer(value),
            Term::Str(number) => Value::Str(source.text(number)?),
            Term::Date(date) => Value::Date(date),
            Term::Bytes(span) => Value::Bytes(span.of(source.bytes)),
            Term::Bool(value) => Value::Bool(value),
            Term::Set(span) => {
                let start = self.elements.len();
                let mut terms = Terms::of_set(source.bytes, span);
                while let Some(element) = terms.next()? {
                    let element = match element {
                        Term::Set(_) => return Err(Malformed),
                        scalar => self.constant(source, scalar)?,
                    };
                    self.elements.push(element);
                }
                Value::Set(Elements { start, end: self.elements.len() })
            }
            Term::Variable(_) | Term::Null | Term::Array(_) | Term::Map(_) => return Err(Malformed),
        })
    }
}

impl<'a> Source<'a> {
    fn text(self, number: u64) -> Result<&'a str, Malformed> {
        self.symbols.text(self.block.scope, number).map(|text| text.of(self.bytes)).ok_or(Malformed)
    }
}
