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
            parts.push(self.operations(expression, 1)?.text);
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
            Term::Variable(number) => variable(self.text(u64::from(number))),
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

    fn operations(&self, span: Span, number: u64) -> Result<Printed, Malformed> {
        let mut stack: Vec<Printed> = Vec::new();
        let mut ops = Repeated::new(self.bytes(), span, number);
        while let Some(op) = ops.next()? {
            let printed = match Op::read(self.bytes(), op)? {
                Op::Value(term) => Printed::new(Level::Operand, self.term(Term::read(self.bytes(), term)?)?),
                Op::Closure(inner) => self.operations(inner, 2)?,
                Op::Unary { kind, .. } => {
                    let operand = stack.pop().ok_or(Malformed)?;
                    match kind {
                        unary::NEGATE => Printed::new(Level::Not, format!("!{}", operand.at_least(Level::Operand))),
                        unary::PARENS => Printed::new(Level::Operand, format!("({})", operand.text)),
                        unary::LENGTH => {
                            Printed::new(Level::Operand, format!("{}.length()", operand.at_least(Level::Operand)))
                        }
                        _ => return Err(Malformed),
                    }
                }
                Op::Binary { kind, .. } => {
                    let (right, left) = (stack.pop().ok_or(Malformed)?, stack.pop().ok_or(Malformed)?);
                    binary_text(kind, left, right).ok_or(Malformed)?
                }
            };
            stack.push(printed);
        }
        stack.pop().ok_or(Malformed)
    }
}

/// How strongly a text holds together, the weakest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Or,
    And,
    Comparison,
    Not,
    Operand,
}

struct Printed {
    level: Level,
    text: String,
}

impl Printed {
    fn new(level: Level, text: String) -> Self {
        Self { level, text }
    }

    /// In parentheses where a reader would otherwise group it in another way than the bytes do.
    fn at_least(self, level: Level) -> String {
        if self.level < level { format!("({})", self.text) } else { self.text }
    }
}

fn binary_text(kind: i32, left: Printed, right: Printed) -> Option<Printed> {
    use Level::{And, Comparison, Not, Operand, Or};
    let (level, left_least, right_least, op) = match kind {
        binary::LESS_THAN => (Comparison, Not, Not, "<"),
        binary::GREATER_THAN => (Comparison, Not, Not, ">"),
        binary::LESS_OR_EQUAL => (Comparison, Not, Not, "<="),
        binary::GREATER_OR_EQUAL => (Comparison, Not, Not, ">="),
        binary::EQUAL => (Comparison, Not, Not, "==="),
        binary::NOT_EQUAL => (Comparison, Not, Not, "!=="),
        binary::LAZY_AND => (And, And, Comparison, "&&"),
        binary::LAZY_OR => (Or, Or, And, "||"),
        binary::CONTAINS => (Operand, Operand, Or, "contains"),
        binary::PREFIX => (Operand, Operand, Or, "starts_with"),
        binary::SUFFIX => (Operand, Operand, Or, "ends_with"),
        _ => return None,
    };
    let (left, right) = (left.at_least(left_least), right.at_least(right_least));
    let text = if level == Operand { format!("{left}.{op}({right})") } else { format!("{left} {op} {right}") };
    Some(Printed::new(level, text))
}

/// A variable; a name that would read as more than a name stands in quotes.
fn variable(name: &str) -> String {
    let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b':');
    if plain { format!("${name}") } else { format!("${}", quoted(name)) }
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
