//! The checks of a token as values: the inverse of [`super::encode`], for tools that explain (`spec/checks.md`, Form).

use super::datalog::{Check, CheckKind, Expression, Op, Predicate, Query, Term};
use super::layout::{Block, CheckKind as Kind};
use super::term::{self, Repeated, Terms};
use super::wire::{Malformed, Span};
use super::{Decoded, layout};

/// The checks of one block, in order.
pub(crate) fn checks(decoded: &Decoded, block: usize) -> Vec<Check> {
    let Some(block) = decoded.layout.blocks.get(block) else { return Vec::new() };
    let reader = Reader { decoded, block };
    // The decoder let only readable checks in.
    block.checks.iter().filter_map(|check| reader.check(check).ok()).collect()
}

struct Reader<'a> {
    decoded: &'a Decoded,
    block: &'a Block,
}

impl Reader<'_> {
    fn bytes(&self) -> &[u8] {
        &self.decoded.bytes
    }

    fn check(&self, check: &layout::Check) -> Result<Check, Malformed> {
        let mut queries = Vec::new();
        let mut spans = Repeated::new(self.bytes(), check.span, 1);
        while let Some(query) = spans.next()? {
            queries.push(self.query(query)?);
        }
        let kind = match check.kind {
            Kind::CheckIf => CheckKind::CheckIf,
            Kind::RejectIf => CheckKind::RejectIf,
        };
        Ok(Check { kind, queries })
    }

    fn query(&self, span: Span) -> Result<Query, Malformed> {
        let mut query = Query { predicates: Vec::new(), expressions: Vec::new() };
        let mut predicates = Repeated::new(self.bytes(), span, 2);
        while let Some(predicate) = predicates.next()? {
            let term::Predicate { name, terms } = term::Predicate::read(self.bytes(), predicate)?;
            query.predicates.push(Predicate { name: self.text(name)?, terms: self.terms(terms)? });
        }
        let mut expressions = Repeated::new(self.bytes(), span, 3);
        while let Some(expression) = expressions.next()? {
            query.expressions.push(Expression(self.operations(expression, 1)?));
        }
        Ok(query)
    }

    fn text(&self, number: u64) -> Result<String, Malformed> {
        let text = self.decoded.layout.symbols.text(self.block.scope, number).ok_or(Malformed)?;
        Ok(text.of(self.bytes()).to_owned())
    }

    fn terms(&self, mut terms: Terms<'_>) -> Result<Vec<Term>, Malformed> {
        let mut out = Vec::new();
        while let Some(term) = terms.next()? {
            out.push(self.term(term)?);
        }
        Ok(out)
    }

    fn term(&self, term: term::Term) -> Result<Term, Malformed> {
        Ok(match term {
            term::Term::Variable(number) => Term::Variable(self.text(u64::from(number))?),
            term::Term::Integer(value) => Term::Integer(value),
            term::Term::Str(number) => Term::Str(self.text(number)?),
            term::Term::Date(date) => Term::Date(date),
            term::Term::Bytes(span) => Term::Bytes(span.of(self.bytes()).to_vec()),
            term::Term::Bool(value) => Term::Bool(value),
            term::Term::Set(span) => Term::Set(self.terms(Terms::of_set(self.bytes(), span))?),
            term::Term::Null | term::Term::Array(_) | term::Term::Map(_) => return Err(Malformed),
        })
    }

    fn operations(&self, span: Span, number: u64) -> Result<Vec<Op>, Malformed> {
        let mut out = Vec::new();
        let mut ops = Repeated::new(self.bytes(), span, number);
        while let Some(op) = ops.next()? {
            out.push(match term::Op::read(self.bytes(), op)? {
                term::Op::Value(value) => Op::Value(self.term(term::Term::read(self.bytes(), value)?)?),
                term::Op::Unary { kind, .. } => Op::Unary(kind),
                term::Op::Binary { kind, .. } => Op::Binary(kind),
                term::Op::Closure(inner) => Op::Closure(self.operations(inner, 2)?),
            });
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::super::datalog::{binary_op, unary_op};
    use super::super::{Grant, Restriction, Right};
    use super::*;
    use crate::key::SigningKey;
    use crate::time::UnixTime;

    /// One check of each shape that the profile has: both kinds, every term, unary, binary and lazy operations.
    fn shapes() -> Vec<Check> {
        let variable = |name: &str| Term::Variable(name.to_owned());
        let value = |term: Term| Op::Value(term);
        let one = |kind, predicates, expressions| Check { kind, queries: vec![Query { predicates, expressions }] };
        vec![
            one(
                CheckKind::CheckIf,
                vec![Predicate::new("agent", [variable("n"), variable("k")])],
                vec![
                    Expression::binary(variable("k"), binary_op::EQUAL, Term::Bytes(vec![7; 32])),
                    Expression(vec![
                        value(variable("n")),
                        Op::Unary(unary_op::LENGTH),
                        value(Term::Integer(-3)),
                        Op::Binary(binary_op::GREATER_THAN),
                    ]),
                ],
            ),
            one(
                CheckKind::RejectIf,
                vec![Predicate::new("type", ["http".into()]), Predicate::new("arg", ["/to".into(), variable("value")])],
                vec![Expression(vec![
                    value(Term::Set(vec!["read".into(), "zoë".into()])),
                    value(variable("value")),
                    Op::Binary(binary_op::CONTAINS),
                    Op::Closure(vec![
                        value(variable("value")),
                        value(Term::Bool(true)),
                        Op::Binary(binary_op::NOT_EQUAL),
                    ]),
                    Op::Binary(binary_op::LAZY_OR),
                    Op::Unary(unary_op::PARENS),
                    Op::Unary(unary_op::NEGATE),
                ])],
            ),
            Check {
                kind: CheckKind::CheckIf,
                queries: vec![
                    Query {
                        predicates: vec![Predicate::new("time", [variable("time")])],
                        expressions: vec![Expression::binary(
                            variable("time"),
                            binary_op::LESS_THAN,
                            Term::Date(1_795_453_200),
                        )],
                    },
                    Query { predicates: vec![Predicate::new("user", ["alice".into()])], expressions: vec![] },
                ],
            },
        ]
    }

    #[test]
    fn reads_back_what_was_written_in_every_kind_of_block() {
        let [issuer, agent, next] = [[1; 32], [2; 32], [3; 32]].map(|seed| SigningKey::from_seed(&seed));
        let restrictions: Vec<Restriction> = shapes().into_iter().map(Restriction::Check).collect();
        let mut grant = Grant::new("https://hub.example", "alice", "bot", agent.public())
            .purpose("p")
            .audience("https://calendar.example.com")
            .valid(UnixTime(1_795_453_200), UnixTime(1_795_456_800))
            .delegation_depth(1)
            .right(Right { r#type: "http", location: "/", action: "GET" });
        for restriction in &restrictions {
            grant = grant.restriction(restriction.clone());
        }
        let mut delegation = super::super::Delegation::to("sub", issuer.public());
        for restriction in &restrictions {
            delegation = delegation.restriction(restriction.clone());
        }
        let token = grant.sign(&issuer, &next).unwrap().restrict(&restrictions, &next).unwrap();
        let token = token.delegate(&delegation).unwrap().sign(&agent, &next).unwrap();
        for block in 0..3 {
            let read = token.claims().check_values(block);
            let own = read.len() - shapes().len();
            assert_eq!(read[own..], shapes()[..], "block {block}");
            // The authority block has its expiry besides.
            assert_eq!(own, usize::from(block == 0));
            assert_eq!(read.len(), token.claims().checks(block).len());
        }
        // Written again, they are the same bytes.
        let again = token.claims().check_values(1).into_iter().map(Restriction::Check).collect::<Vec<_>>();
        let payload = |token: &super::super::OpenToken| {
            let block = &token.0.layout.blocks[1];
            block.payload.of(&token.0.bytes).to_vec()
        };
        let mut grant = Grant::new("https://hub.example", "alice", "bot", agent.public())
            .purpose("p")
            .audience("https://calendar.example.com")
            .valid(UnixTime(1_795_453_200), UnixTime(1_795_456_800))
            .delegation_depth(1)
            .right(Right { r#type: "http", location: "/", action: "GET" });
        for restriction in &restrictions {
            grant = grant.restriction(restriction.clone());
        }
        let twin = grant.sign(&issuer, &next).unwrap().restrict(&again, &next).unwrap();
        assert_eq!(payload(&token), payload(&twin));
        assert!(token.claims().check_values(9).is_empty());
    }
}
