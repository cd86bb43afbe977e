//! A block: its facts and checks, and the rules for blocks of every kind (`spec/token.md`, Blocks).

use super::Faults;
use super::form;
use super::proto::{self, Node};
use super::schema::BLOCK;
use super::symbols::Table;

/// A term.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Term {
    Variable(String),
    Integer(i64),
    Text(String),
    Date(u64),
    Bytes(Vec<u8>),
    Bool(bool),
    Set(Vec<Term>),
}

/// A predicate, and a fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Predicate {
    pub(super) name: String,
    pub(super) terms: Vec<Term>,
}

/// An operation of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Op {
    Value(Term),
    Unary(i64),
    Binary(i64),
    Closure(Vec<Op>),
}

/// A query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) head: Predicate,
    pub(super) body: Vec<Predicate>,
    pub(super) expressions: Vec<Vec<Op>>,
}

/// A check. `kind` is absent for a `check if`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Check {
    pub(super) kind: Option<i64>,
    pub(super) queries: Vec<Query>,
}

/// A block.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub(super) facts: Vec<Predicate>,
    pub(super) checks: Vec<Check>,
}

/// Reads a block under a table, to which its strings are added.
pub(super) fn read(bytes: &[u8], table: &mut Table, external: bool, faults: &mut Faults) -> Option<Block> {
    let node = proto::read(bytes, &BLOCK, 1, faults)?;
    if !table.add(&node, faults) {
        return None;
    }
    let facts: Option<Vec<Predicate>> = node.nodes(4).map(|fact| predicate(fact.node(1)?, table, faults)).collect();
    let checks: Option<Vec<Check>> = node.nodes(6).map(|it| check(it, table, faults)).collect();
    let block = Block { facts: facts?, checks: checks? };
    counts(&block, faults);
    version(&node, &block, external, faults);
    // spec: TK-27
    block.checks.iter().for_each(|check| form::check(check, faults));
    Some(block)
}

fn counts(block: &Block, faults: &mut Faults) {
    // spec: TK-24
    let twice = |at: usize| block.facts[..at].contains(&block.facts[at]);
    faults.need(!(0..block.facts.len()).any(twice), 4, "token_malformed", "TK-24");
    // spec: TK-25
    let few = block.facts.len() <= 200 && block.checks.len() <= 64;
    faults.need(few, 4, "limit_exceeded", "TK-25");
}

// spec: TK-26
fn version(node: &Node, block: &Block, external: bool, faults: &mut Faults) {
    fn any(operations: &[Op], wanted: &dyn Fn(&Op) -> bool) -> bool {
        operations.iter().any(|op| wanted(op) || matches!(op, Op::Closure(inner) if any(inner, wanted)))
    }
    let expressions: Vec<&Vec<Op>> =
        block.checks.iter().flat_map(|check| &check.queries).flat_map(|query| &query.expressions).collect();
    let stands = |wanted: &dyn Fn(&Op) -> bool| expressions.iter().any(|operations| any(operations, wanted));
    let reject = block.checks.iter().any(|check| check.kind == Some(2));
    let applies = if reject || stands(&|op| matches!(op, Op::Closure(_))) {
        6
    } else if external {
        5
    } else if stands(&|op| *op == Op::Binary(20)) {
        4
    } else {
        3
    };
    // `version` 0 falls under TK-7.
    let found = node.number(3);
    faults.need(found == Some(applies) || found == Some(0), 4, "token_profile", "TK-26");
}

fn predicate(node: &Node, table: &Table, faults: &mut Faults) -> Option<Predicate> {
    let terms: Option<Vec<Term>> = node.nodes(2).map(|it| term(it, table, faults)).collect();
    Some(Predicate { name: table.get(node.number(1)?)?.to_owned(), terms: terms? })
}

fn term(node: &Node, table: &Table, faults: &mut Faults) -> Option<Term> {
    let text = |index: u64| table.get(index).map(str::to_owned);
    if let Some(elements) = node.node(7) {
        form::set_order(elements, faults);
        let elements: Option<Vec<Term>> = elements.nodes(1).map(|it| term(it, table, faults)).collect();
        return Some(Term::Set(elements?));
    }
    if let Some(bytes) = node.bytes(5) {
        // spec: TK-22
        faults.need(bytes.len() <= 1_024, 4, "token_profile", "TK-22");
        return Some(Term::Bytes(bytes.to_vec()));
    }
    let (kind, number) = (1..=6).find_map(|kind| Some((kind, node.number(kind)?)))?;
    Some(match kind {
        1 => Term::Variable(text(number)?),
        2 => Term::Integer(number as i64),
        3 => Term::Text(text(number)?),
        4 => {
            // spec: TK-23
            faults.need(number <= 253_402_300_799, 4, "token_profile", "TK-23");
            Term::Date(number)
        }
        _ => Term::Bool(number == 1),
    })
}

fn check(node: &Node, table: &Table, faults: &mut Faults) -> Option<Check> {
    let queries: Option<Vec<Query>> = node.nodes(1).map(|it| query(it, table, faults)).collect();
    Some(Check { kind: node.number(2).map(|kind| kind as i64), queries: queries? })
}

fn query(node: &Node, table: &Table, faults: &mut Faults) -> Option<Query> {
    let body: Option<Vec<Predicate>> = node.nodes(2).map(|it| predicate(it, table, faults)).collect();
    let expressions: Option<Vec<Vec<Op>>> = node.nodes(3).map(|it| operations(it, 1, table, faults)).collect();
    Some(Query { head: predicate(node.node(1)?, table, faults)?, body: body?, expressions: expressions? })
}

fn operations(node: &Node, number: u64, table: &Table, faults: &mut Faults) -> Option<Vec<Op>> {
    node.nodes(number)
        .map(|op| {
            if let Some(value) = op.node(1) {
                return Some(Op::Value(term(value, table, faults)?));
            }
            if let Some(closure) = op.node(4) {
                return Some(Op::Closure(operations(closure, 2, table, faults)?));
            }
            let kind = |number: u64| Some(op.node(number)?.number(1)? as i64);
            kind(2).map(Op::Unary).or(kind(3).map(Op::Binary))
        })
        .collect()
}
