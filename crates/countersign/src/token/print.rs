//! Checks in Biscuit's Datalog notation, for people. Nothing is decided by this text.

use core::fmt::Write as _;

use super::Decoded;
use super::layout::{Block, CheckKind};
use super::term::{Op, Predicate, Repeated, Term, Terms, binary, unary};
use super::wire::{Malformed, Span};
use crate::encoding::to_hex;
use crate::time::UnixTime;

/// The checks of one block, a line each.
pub(crate) fn checks(decoded: &Decoded, block: usize) -> Vec<String> {
    let Some(block) = decoded.layout.blocks.get(block) else { return Vec::new() };
    let printer = Printer { decoded, block };
    // The decoder let only readable checks in.
    block.checks.iter().map(|check| printer.check(check.kind, check.span).unwrap_or_default()).collect()
}

struct Printer<'a> {
    decoded: &'a Decoded,
    block: &'a Block,
}

impl Printer<'_> {
    fn bytes(&self) -> &[u8] {
        &self.decoded.bytes
    }

    fn check(&self, kind: CheckKind, span: Span) -> Result<String, Malformed> {
        let mut queries = Vec::new();
        let mut spans = Repeated::new(self.bytes(), span, 1);
        while let Some(query) = spans.next()? {
            queries.push(self.query(query)?);
        }
        let word = match kind {
            CheckKind::CheckIf => "check if",
            CheckKind::RejectIf => "reject if",
        };
        Ok(format!("{word} {}", queries.join(" or ")))
    }

    fn query(&self, span: Span) -> Result<String, Malformed> {
        let mut parts = Vec::new();
        let mut predicates = Repeated::new(self.bytes(), span, 2);
        while let Some(predicate) = predicates.next()? {
            let Predicate { name, terms } = Predicate::read(self.bytes(), predicate)?;
            parts.push(format!("{}({})", self.text(name), self.terms(terms)?));
        }
        let mut expressions = Repeated::new(self.bytes(), span, 3);
        while let Some(expression) = expressions.next()? {
            parts.push(self.operations(expression, 1)?);
        }
        Ok(parts.join(", "))
    }

    fn terms(&self, mut terms: Terms<'_>) -> Result<String, Malformed> {
        let mut out = Vec::new();
        while let Some(term) = terms.next()? {
            out.push(self.term(term)?);
        }
        Ok(out.join(", "))
    }

    fn text(&self, number: u64) -> &str {
        self.decoded.layout.symbols.text(self.block.scope, number).map_or("?", |text| text.of(self.bytes()))
    }

    fn term(&self, term: Term) -> Result<String, Malformed> {
        Ok(match term {
            Term::Variable(number) => format!("${}", escaped(self.text(u64::from(number)))),
            Term::Integer(value) => value.to_string(),
            Term::Str(number) => quoted(self.text(number)),
            Term::Date(date) => UnixTime(date).to_string(),
            Term::Bytes(span) => format!("hex:{}", to_hex(span.of(self.bytes()))),
            Term::Bool(value) => value.to_string(),
            Term::Set(span) if span.len() == 0 => "{,}".to_owned(),
            Term::Set(span) => format!("{{{}}}", self.terms(Terms::of_set(self.bytes(), span))?),
            Term::Null | Term::Array(_) | Term::Map(_) => return Err(Malformed),
        })
    }

    fn operations(&self, span: Span, number: u64) -> Result<String, Malformed> {
        let mut stack: Vec<String> = Vec::new();
        let mut ops = Repeated::new(self.bytes(), span, number);
        while let Some(op) = ops.next()? {
            let text = match Op::read(self.bytes(), op)? {
                Op::Value(term) => self.term(Term::read(self.bytes(), term)?)?,
                Op::Closure(inner) => self.operations(inner, 2)?,
                Op::Unary { kind, .. } => {
                    let operand = stack.pop().ok_or(Malformed)?;
                    match kind {
                        unary::NEGATE => format!("!{operand}"),
                        unary::PARENS => format!("({operand})"),
                        unary::LENGTH => format!("{operand}.length()"),
                        _ => return Err(Malformed),
                    }
                }
                Op::Binary { kind, .. } => {
                    let (right, left) = (stack.pop().ok_or(Malformed)?, stack.pop().ok_or(Malformed)?);
                    binary_text(kind, &left, &right).ok_or(Malformed)?
                }
            };
            stack.push(text);
        }
        stack.pop().ok_or(Malformed)
    }
}

fn binary_text(kind: i32, left: &str, right: &str) -> Option<String> {
    let infix = |op: &str| Some(format!("{left} {op} {right}"));
    let method = |name: &str| Some(format!("{left}.{name}({right})"));
    match kind {
        binary::LESS_THAN => infix("<"),
        binary::GREATER_THAN => infix(">"),
        binary::LESS_OR_EQUAL => infix("<="),
        binary::GREATER_OR_EQUAL => infix(">="),
        binary::EQUAL => infix("==="),
        binary::NOT_EQUAL => infix("!=="),
        binary::LAZY_AND => infix("&&"),
        binary::LAZY_OR => infix("||"),
        binary::CONTAINS => method("contains"),
        binary::PREFIX => method("starts_with"),
        binary::SUFFIX => method("ends_with"),
        _ => None,
    }
}

/// A string in quotes.
fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

/// A text with whatever a terminal could act on escaped.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() || steers_direction(c) => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

/// Characters that are not seen but move what is: a name must not rewrite the line that it stands in.
fn steers_direction(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{e0000}'..='\u{e007f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}
