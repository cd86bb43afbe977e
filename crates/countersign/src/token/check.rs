//! The decoder of checks: the bounded subset and nothing else (`spec/checks.md`).

use super::block::BlockDecoder;
use super::decode::{DecodeError, malformed, over, profile};
use super::layout::{CheckKind, limit};
use super::symbol::{QUERY, TIME, slot};
use super::term::{Op, Predicate, Repeated, Term, Terms, binary, unary};
use super::wire::{Fields, Span, once};
use crate::checks;
use crate::time::UnixTime;

/// Depth of an expression: the block is 1, the check 2, the query 3.
const EXPRESSION_DEPTH: usize = 4;
/// Depth of a term of a predicate: the block is 1, the check 2, the query 3, the predicate 4.
const PREDICATE_TERM_DEPTH: usize = 5;

/// What an expression leaves: something that only a Boolean operator or comparison can make, or any value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Boolean,
    Any,
}

pub(crate) struct CheckDecoder<'d, 'a, 's> {
    block: &'d mut BlockDecoder<'a, 's>,
    /// For each symbol, the query that bound it last as a variable; queries count from 1.
    bound: Vec<u16>,
    query: u16,
    /// Whether a query holds a predicate that only `reject if` may hold.
    rejects_only: bool,
}

impl<'d, 'a, 's> CheckDecoder<'d, 'a, 's> {
    pub(crate) fn new(block: &'d mut BlockDecoder<'a, 's>, table_len: usize) -> Self {
        Self { block, bound: vec![0; table_len], query: 0, rejects_only: false }
    }

    /// Reads one check; the date where it is an expiry.
    pub(crate) fn check(mut self, span: Span) -> Result<(CheckKind, Option<u64>), DecodeError> {
        let mut queries = 0_usize;
        let mut kind = None;
        let mut expiry = None;
        let mut fields = Fields::new(self.block.bytes, span);
        while let Some((number, value)) = fields.next()? {
            match number {
                1 => {
                    queries = queries.saturating_add(1);
                    // spec: CK-3
                    if queries > limit::QUERIES {
                        return Err(over("more than 16 queries in a check"));
                    }
                    expiry = self.query(value.bytes()?)?;
                }
                2 => once(&mut kind, value.int32()?)?,
                _ => return Err(malformed("unknown field of a check")),
            }
        }
        if queries == 0 {
            return Err(profile("check without a query"));
        }
        match kind {
            None if self.rejects_only => Err(profile("many-valued predicate in check if")),
            None => Ok((CheckKind::CheckIf, expiry.filter(|_| queries == 1))),
            Some(0) => Err(malformed("explicit default value")),
            // spec: CK-1, CK-2
            Some(2) if queries > 1 => Err(profile("reject if with more than one query")),
            Some(2) => {
                self.block.closure_or_reject = true;
                Ok((CheckKind::RejectIf, None))
            }
            Some(_) => Err(profile("check of another kind than check if and reject if")),
        }
    }

    fn query(&mut self, span: Span) -> Result<Option<u64>, DecodeError> {
        self.query = self.query.saturating_add(1);
        let (mut head, mut predicates, mut expressions) = (None, 0_usize, 0_usize);
        let (mut many, mut expiry_body, mut expiry) = (false, false, None);
        let mut fields = Fields::new(self.block.bytes, span);
        while let Some((number, value)) = fields.next()? {
            match number {
                1 => once(&mut head, self.head(value.bytes()?)?)?,
                2 => {
                    predicates = predicates.saturating_add(1);
                    let time;
                    (many, time) = self.predicate(value.bytes()?, many)?;
                    expiry_body = time && predicates == 1;
                }
                3 => {
                    expressions = expressions.saturating_add(1);
                    expiry = self.expression(value.bytes()?)?;
                }
                4 => return Err(profile("scope of a query")),
                _ => return Err(malformed("unknown field of a query")),
            }
        }
        head.ok_or(malformed("query without a head"))?;
        if predicates == 0 {
            return Err(profile("query without a predicate"));
        }
        Ok(expiry.filter(|_| expiry_body && expressions == 1))
    }

    fn head(&mut self, span: Span) -> Result<(), DecodeError> {
        let mut head = Predicate::read(self.block.bytes, span)?;
        if head.name != QUERY || head.terms.next()?.is_some() {
            return Err(profile("query with another head than query()"));
        }
        Ok(())
    }

    /// Reads a predicate; whether the query has a many-valued one by now, and whether this one is `time($time)`.
    fn predicate(&mut self, span: Span, many: bool) -> Result<(bool, bool), DecodeError> {
        let Predicate { name, mut terms } = Predicate::read(self.block.bytes, span)?;
        let text = self.block.text(name)?;
        let known =
            checks::Predicate::named(text.of(self.block.bytes)).ok_or(profile("predicate that checks may not name"))?;
        let mut shape = [None; 2];
        let mut count = 0_usize;
        while let Some(term) = terms.next()? {
            let place = shape.get_mut(count).ok_or(profile("predicate of a wrong arity"))?;
            *place = Some(term);
            count = count.saturating_add(1);
            self.predicate_term(term)?;
        }
        if count != known.arity() {
            return Err(profile("predicate of a wrong arity"));
        }
        // spec: CK-10, CK-11
        let spreads = match (known, shape) {
            (
                checks::Predicate::Arg | checks::Predicate::ArgHost | checks::Predicate::ArgPath,
                [Some(name), Some(value)],
            ) => {
                if !matches!((name, value), (Term::Str(_), Term::Variable(_))) {
                    return Err(profile("argument predicate whose name is no constant or whose value is no variable"));
                }
                true
            }
            (checks::Predicate::ArgPresent, [Some(Term::Variable(_)), None]) => true,
            (checks::Predicate::ArgPresent, [Some(Term::Str(_)), None]) => false,
            (checks::Predicate::ArgPresent, _) => return Err(profile("argument name that is no string")),
            _ => false,
        };
        if spreads {
            if many {
                return Err(profile("two many-valued predicates in a query"));
            }
            self.rejects_only = true;
        }
        let time = known == checks::Predicate::Time && shape == [Some(Term::Variable(TIME as u32)), None];
        Ok((many || spreads, time))
    }

    fn predicate_term(&mut self, term: Term) -> Result<(), DecodeError> {
        if let Term::Variable(number) = term {
            self.block.text(u64::from(number))?;
            let query = self.query;
            let bound =
                slot(number).and_then(|slot| self.bound.get_mut(slot)).ok_or(malformed("symbol outside the table"))?;
            if *bound == query {
                return Err(profile("variable that stands twice among the predicates"));
            }
            *bound = query;
            return Ok(());
        }
        match term {
            Term::Set(_) => {
                shallow(self.block.bytes, term, PREDICATE_TERM_DEPTH)?;
                Err(profile("set as a constant of a predicate"))
            }
            other => self.constant(other, PREDICATE_TERM_DEPTH),
        }
    }

    /// A literal at some depth: strings resolved, sizes and dates held to the profile.
    fn constant(&mut self, term: Term, depth: usize) -> Result<(), DecodeError> {
        match term {
            Term::Integer(_) | Term::Bool(_) => Ok(()),
            Term::Str(number) => self.block.text(number).map(drop),
            Term::Date(date) if date > UnixTime::MAX_DATE.0 => Err(profile("date after the year 9999")),
            Term::Date(_) => Ok(()),
            Term::Bytes(span) if span.len() > limit::STRING_BYTES => Err(profile("bytes longer than 1 KiB")),
            Term::Bytes(_) => Ok(()),
            Term::Set(span) => self.set(span, depth),
            Term::Variable(_) | Term::Null => Err(profile("term that is no constant of the profile")),
            Term::Array(_) | Term::Map(_) => {
                shallow(self.block.bytes, term, depth)?;
                Err(profile("array or map"))
            }
        }
    }

    // spec: CK-17, CK-18, CK-19, TK-20
    fn set(&mut self, span: Span, depth: usize) -> Result<(), DecodeError> {
        let element_depth = deeper(deeper(depth)?)?;
        let mut elements = Terms::of_set(self.block.bytes, span);
        let mut last: Option<Term> = None;
        let mut last_new: Option<u64> = None;
        let mut count = 0_usize;
        while let Some(element) = elements.next()? {
            count = count.saturating_add(1);
            if count > limit::SET {
                return Err(over("set of more than 128 elements"));
            }
            if matches!(element, Term::Set(_)) {
                shallow(self.block.bytes, element, element_depth)?;
                return Err(profile("set inside a set"));
            }
            let ascends = match (last, element) {
                (None, _) => true,
                (Some(Term::Integer(a)), Term::Integer(b)) => a < b,
                (Some(Term::Date(a)), Term::Date(b)) => a < b,
                (Some(Term::Str(a)), Term::Str(b)) => a < b,
                (Some(Term::Bool(a)), Term::Bool(b)) => !a & b,
                (Some(Term::Bytes(a)), Term::Bytes(b)) => a.of(self.block.bytes) < b.of(self.block.bytes),
                _ => return Err(profile("set of mixed types")),
            };
            if !ascends {
                return Err(malformed("set that does not ascend"));
            }
            if let Term::Str(number) = element
                && self.block.is_new(number)
            {
                let text = self.block.text(number)?.of(self.block.bytes);
                if let Some(before) = last_new
                    && self.block.text(before)?.of(self.block.bytes) >= text
                {
                    return Err(malformed("new strings of a set that are not in byte order"));
                }
                last_new = Some(number);
            } else {
                self.constant(element, element_depth)?;
            }
            last = Some(element);
        }
        Ok(())
    }

    /// Reads an expression; the date where it is `$time <= date`.
    fn expression(&mut self, span: Span) -> Result<Option<u64>, DecodeError> {
        let mut operations = 0_usize;
        self.operations(span, 1, EXPRESSION_DEPTH, &mut operations)?;
        Ok(expiry_date(self.block.bytes, span))
    }

    /// Reads a list of operations in `span` under field `number`; what it leaves on the stack.
    fn operations(&mut self, span: Span, number: u64, depth: usize, count: &mut usize) -> Result<Form, DecodeError> {
        let op_depth = deeper(depth)?;
        let mut stack: Vec<Form> = Vec::with_capacity(4);
        let mut closure: Option<Form> = None;
        let mut fields = Fields::new(self.block.bytes, span);
        while let Some((field, value)) = fields.next()? {
            if field != number {
                // In a closure, field 1 would be parameters.
                let parameters = number == 2 && field == 1;
                return Err(if parameters {
                    profile("closure with parameters")
                } else {
                    malformed("unknown field of an expression")
                });
            }
            *count = count.saturating_add(1);
            // spec: CK-12
            if *count > limit::OPERATIONS {
                return Err(over("more than 64 operations in an expression"));
            }
            let content_depth = deeper(op_depth)?;
            let op = Op::read(self.block.bytes, value.bytes()?)?;
            let lazy = matches!(op, Op::Binary { kind: binary::LAZY_AND | binary::LAZY_OR, .. });
            if closure.is_some() && !lazy {
                return Err(profile("closure that is not directly before && or ||"));
            }
            match op {
                Op::Value(term) => stack.push(self.value(term, content_depth)?),
                Op::Unary { ffi: true, .. } | Op::Binary { ffi: true, .. } => return Err(profile("foreign function")),
                Op::Unary { kind, .. } => {
                    let operand = pop(&mut stack)?;
                    stack.push(match kind {
                        unary::NEGATE if operand == Form::Boolean => Form::Boolean,
                        unary::NEGATE => return Err(profile("operand of ! that is no Boolean expression")),
                        unary::PARENS => operand,
                        unary::LENGTH => Form::Any,
                        _ => return Err(profile("unary operation outside the profile")),
                    });
                }
                Op::Binary { kind: binary::LAZY_AND | binary::LAZY_OR, .. } => {
                    let (left, right) =
                        (pop(&mut stack)?, closure.take().ok_or(profile("&& or || without a closure"))?);
                    if (left, right) != (Form::Boolean, Form::Boolean) {
                        return Err(profile("operand of && or || that is no Boolean expression"));
                    }
                    stack.push(Form::Boolean);
                }
                Op::Binary { kind, .. } => {
                    match kind {
                        binary::LESS_THAN..=binary::SUFFIX => {}
                        binary::NOT_EQUAL => self.block.not_equal = true,
                        _ => return Err(profile("binary operation outside the profile")),
                    }
                    pop(&mut stack)?;
                    pop(&mut stack)?;
                    stack.push(Form::Boolean);
                }
                Op::Closure(inner) => {
                    closure = Some(self.operations(inner, 2, content_depth, count)?);
                    self.block.closure_or_reject = true;
                }
            }
        }
        match (stack.as_slice(), closure) {
            ([form], None) => Ok(*form),
            _ => Err(profile("expression that does not leave one value")),
        }
    }

    fn value(&mut self, span: Span, depth: usize) -> Result<Form, DecodeError> {
        match Term::read(self.block.bytes, span)? {
            Term::Variable(number) => {
                self.block.text(u64::from(number))?;
                let bound = slot(number).and_then(|slot| self.bound.get(slot));
                if bound != Some(&self.query) {
                    return Err(profile("variable that no predicate binds"));
                }
                Ok(Form::Any)
            }
            term => {
                self.constant(term, depth)?;
                Ok(if matches!(term, Term::Bool(_)) { Form::Boolean } else { Form::Any })
            }
        }
    }
}

fn pop(stack: &mut Vec<Form>) -> Result<Form, DecodeError> {
    stack.pop().ok_or(profile("operation without its operands"))
}

// spec: TK-10
fn deeper(depth: usize) -> Result<usize, DecodeError> {
    if depth >= limit::NESTING {
        return Err(malformed("messages nested deeper than 64"));
    }
    Ok(depth.saturating_add(1))
}

/// Follows a set, an array or a map down, for the one fault that is told before what they mean.
pub(crate) fn shallow(bytes: &[u8], term: Term, depth: usize) -> Result<(), DecodeError> {
    match term {
        Term::Set(span) | Term::Array(span) | Term::Map(span) => nesting(bytes, span, depth),
        _ => Ok(()),
    }
}

/// Takes every field with a length for a message: what is refused anyway may be refused for its depth.
fn nesting(bytes: &[u8], span: Span, depth: usize) -> Result<(), DecodeError> {
    let depth = deeper(depth)?;
    let mut fields = Fields::new(bytes, span);
    while let Ok(Some((_, value))) = fields.next() {
        if let Ok(inner) = value.bytes()
            && inner.len() > 0
        {
            nesting(bytes, inner, depth)?;
        }
    }
    Ok(())
}

/// The date of `$time <= date`, in exactly that form.
// spec: TK-35
fn expiry_date(bytes: &[u8], span: Span) -> Option<u64> {
    let mut ops = Repeated::new(bytes, span, 1);
    let mut next = || Op::read(bytes, ops.next().ok()??).ok();
    let (variable, date, operation) = (next()?, next()?, next()?);
    if next().is_some() {
        return None;
    }
    match (variable, date, operation) {
        (Op::Value(variable), Op::Value(date), Op::Binary { kind: binary::LESS_OR_EQUAL, .. }) => {
            match (Term::read(bytes, variable).ok()?, Term::read(bytes, date).ok()?) {
                (Term::Variable(number), Term::Date(date)) if u64::from(number) == TIME => Some(date),
                _ => None,
            }
        }
        _ => None,
    }
}
