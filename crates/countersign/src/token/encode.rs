//! The canonical encoder (`spec/token.md`, Encoding).

use zeroize::Zeroizing;

use super::Decoded;
use super::datalog::{Check, CheckKind, Op, Predicate, Query, Term, binary_op};
use super::symbol::{DEFAULT, OFFSET, QUERY};
use super::wire::Writer;
use crate::key::{PublicKey, Signature, SigningKey};

/// Gives numbers to strings in order of first use.
struct Table<'a> {
    known: Vec<&'a str>,
    own: Vec<String>,
}

impl Table<'_> {
    fn find(&self, text: &str) -> Option<u64> {
        if let Some(index) = DEFAULT.iter().position(|symbol| *symbol == text) {
            return Some(index as u64);
        }
        let known = self.known.iter().copied().chain(self.own.iter().map(String::as_str));
        known.zip(OFFSET..).find(|(symbol, _)| *symbol == text).map(|(_, number)| number)
    }

    fn number(&mut self, text: &str) -> u64 {
        self.find(text).unwrap_or_else(|| {
            self.own.push(text.to_owned());
            let len = self.known.len().saturating_add(self.own.len());
            OFFSET.saturating_add(len as u64).saturating_sub(1)
        })
    }
}

/// What a block's version depends on.
#[derive(Default)]
struct Features {
    not_equal: bool,
    closure_or_reject: bool,
}

/// A first-party block behind those of `token`.
pub(crate) fn first_party(
    token: &Decoded,
    facts: &[Predicate],
    checks: &[Check],
) -> Result<Vec<u8>, super::DecodeError> {
    let known =
        token.layout.symbols.shared.iter().map(|span| super::symbol::Text::At(*span).of(&token.bytes)).collect();
    Ok(block(known, facts, checks, 3))
}

/// The authority block.
pub(crate) fn authority(facts: &[Predicate], checks: &[Check]) -> Vec<u8> {
    block(Vec::new(), facts, checks, 3)
}

/// A third-party block: it starts from the default table.
pub(crate) fn third_party(facts: &[Predicate], checks: &[Check]) -> Vec<u8> {
    block(Vec::new(), facts, checks, 5)
}

fn block(known: Vec<&str>, facts: &[Predicate], checks: &[Check], least: u64) -> Vec<u8> {
    let mut table = Table { known, own: Vec::new() };
    let mut features = Features::default();
    let mut body = Writer::default();
    for fact in facts {
        body.message(4, |w| w.message(1, |w| predicate(w, &mut table, fact)));
    }
    for one in checks {
        body.message(6, |w| check(w, &mut table, &mut features, one));
    }
    let version = match features {
        Features { closure_or_reject: true, .. } => 6,
        Features { not_equal: true, .. } => least.max(4),
        Features { .. } => least,
    };
    let mut head = Writer::default();
    for symbol in &table.own {
        head.bytes(1, symbol.as_bytes());
    }
    head.varint(3, version);
    let mut bytes = head.into_bytes();
    bytes.extend(body.into_bytes());
    bytes
}

fn predicate(w: &mut Writer, table: &mut Table<'_>, predicate: &Predicate) {
    w.varint(1, table.number(&predicate.name));
    for one in &predicate.terms {
        w.message(2, |w| term(w, table, one));
    }
}

fn term(w: &mut Writer, table: &mut Table<'_>, term: &Term) {
    match term {
        Term::Variable(name) => w.varint(1, table.number(name)),
        Term::Integer(value) => w.varint(2, value.cast_unsigned()),
        Term::Str(text) => w.varint(3, table.number(text)),
        Term::Date(date) => w.varint(4, *date),
        Term::Bytes(bytes) => w.bytes(5, bytes),
        Term::Bool(value) => w.varint(6, u64::from(*value)),
        Term::Set(elements) => w.message(7, |w| set(w, table, elements)),
    }
}

fn set(w: &mut Writer, table: &mut Table<'_>, elements: &[Term]) {
    // New strings of one set enter the table in byte order.
    let mut new: Vec<&str> = elements
        .iter()
        .filter_map(|element| match element {
            Term::Str(text) if table.find(text).is_none() => Some(text.as_str()),
            _ => None,
        })
        .collect();
    new.sort_unstable();
    for text in new {
        table.number(text);
    }
    let mut encoded: Vec<(SetKey, Vec<u8>)> = elements
        .iter()
        .map(|element| {
            let mut inner = Writer::default();
            term(&mut inner, table, element);
            (SetKey::of(element, table), inner.into_bytes())
        })
        .collect();
    encoded.sort();
    encoded.dedup();
    for (_, bytes) in encoded {
        w.bytes(1, &bytes);
    }
}

/// What the elements of a set are ordered by.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum SetKey {
    Integer(i64),
    Number(u64),
    Bytes(Vec<u8>),
    Other,
}

impl SetKey {
    fn of(term: &Term, table: &Table<'_>) -> Self {
        match term {
            Term::Integer(value) => Self::Integer(*value),
            Term::Date(value) => Self::Number(*value),
            Term::Bool(value) => Self::Number(u64::from(*value)),
            Term::Str(text) => table.find(text).map_or(Self::Other, Self::Number),
            Term::Bytes(bytes) => Self::Bytes(bytes.clone()),
            Term::Variable(_) | Term::Set(_) => Self::Other,
        }
    }
}

fn check(w: &mut Writer, table: &mut Table<'_>, features: &mut Features, check: &Check) {
    for one in &check.queries {
        w.message(1, |w| query(w, table, features, one));
    }
    if check.kind == CheckKind::RejectIf {
        features.closure_or_reject = true;
        w.varint(2, 2);
    }
}

fn query(w: &mut Writer, table: &mut Table<'_>, features: &mut Features, query: &Query) {
    w.message(1, |w| w.varint(1, QUERY));
    for one in &query.predicates {
        w.message(2, |w| predicate(w, table, one));
    }
    for expression in &query.expressions {
        w.message(3, |w| {
            for op in &expression.0 {
                w.message(1, |w| operation(w, table, features, op));
            }
        });
    }
}

fn operation(w: &mut Writer, table: &mut Table<'_>, features: &mut Features, op: &Op) {
    match op {
        Op::Value(value) => w.message(1, |w| term(w, table, value)),
        Op::Unary(kind) => w.message(2, |w| w.varint(1, i64::from(*kind).cast_unsigned())),
        Op::Binary(kind) => {
            features.not_equal |= *kind == binary_op::NOT_EQUAL;
            w.message(3, |w| w.varint(1, i64::from(*kind).cast_unsigned()));
        }
        Op::Closure(ops) => {
            features.closure_or_reject = true;
            w.message(4, |w| {
                for op in ops {
                    w.message(2, |w| operation(w, table, features, op));
                }
            });
        }
    }
}

/// A block with its signatures, to be written.
pub(crate) struct SignedBlock<'a> {
    pub(crate) payload: &'a [u8],
    pub(crate) next_key: PublicKey,
    pub(crate) signature: Signature,
    pub(crate) external: Option<(Signature, PublicKey)>,
}

fn public_key(w: &mut Writer, field: u32, key: &PublicKey) {
    w.message(field, |w| {
        w.varint(1, 0);
        w.bytes(2, key.as_bytes());
    });
}

fn signed_block(w: &mut Writer, field: u32, block: &SignedBlock<'_>) {
    w.message(field, |w| {
        w.bytes(1, block.payload);
        public_key(w, 2, &block.next_key);
        w.bytes(3, block.signature.as_bytes());
        if let Some((signature, key)) = &block.external {
            w.message(4, |w| {
                w.bytes(1, signature.as_bytes());
                public_key(w, 2, key);
            });
        }
        w.varint(5, 1);
    });
}

fn with_proof(prefix: &[u8], written: Writer, field: u32, content: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut proof = Writer::default();
    proof.message(4, |w| w.bytes(field, content));
    let (written, proof) = (written.into_bytes(), Zeroizing::new(proof.into_bytes()));
    // Room for all at once: growing would leave a copy of the secret behind.
    let mut bytes =
        Zeroizing::new(Vec::with_capacity(prefix.len().saturating_add(written.len()).saturating_add(proof.len())));
    bytes.extend_from_slice(prefix);
    bytes.extend_from_slice(&written);
    bytes.extend_from_slice(&proof);
    bytes
}

/// A token of one block, open.
pub(crate) fn start(block: &SignedBlock<'_>, next: &SigningKey) -> Zeroizing<Vec<u8>> {
    let mut writer = Writer::default();
    signed_block(&mut writer, 2, block);
    with_proof(&[], writer, 1, next.dangerous_seed().as_ref())
}

/// The first `prefix_end` bytes of a token, one block more, open.
pub(crate) fn append(
    token: &[u8],
    prefix_end: usize,
    block: &SignedBlock<'_>,
    next: &SigningKey,
) -> Zeroizing<Vec<u8>> {
    let mut writer = Writer::default();
    signed_block(&mut writer, 3, block);
    with_proof(token.get(..prefix_end).unwrap_or_default(), writer, 1, next.dangerous_seed().as_ref())
}

/// The first `prefix_end` bytes of a token, closed by `seal`.
pub(crate) fn seal(token: &[u8], prefix_end: usize, seal: &Signature) -> Vec<u8> {
    with_proof(token.get(..prefix_end).unwrap_or_default(), Writer::default(), 2, seal.as_bytes()).to_vec()
}
