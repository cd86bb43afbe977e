//! Tokens from primitives: symbols, blocks, signatures, proof.
//!
//! A token is made in three steps, and each can be tampered with: a [`Block`] becomes a protobuf
//! [`Message`], a [`RawToken`] signs the bytes of messages into a chain, and [`RawToken::message`]
//! gives the outer message.

use sha2::{Digest as _, Sha256};

use crate::keys::Key;
use crate::raw_checks::{Check, Expr, Op, Predicate, Query, Term, binary, unary};
use crate::text::b64u;
use crate::wire::Message;

/// The strings that every Biscuit implementation knows, by number.
pub const DEFAULT_SYMBOLS: [&str; 28] = [
    "read",
    "write",
    "resource",
    "operation",
    "right",
    "time",
    "role",
    "owner",
    "tenant",
    "namespace",
    "user",
    "team",
    "service",
    "admin",
    "email",
    "group",
    "member",
    "ip_address",
    "client",
    "client_ip",
    "domain",
    "path",
    "version",
    "cluster",
    "node",
    "hostname",
    "nonce",
    "query",
];

/// The number of the first string that a token adds itself.
pub const SYMBOL_OFFSET: u64 = 1024;

/// The strings of a token, in order of first use.
#[derive(Clone, Debug, Default)]
pub struct Symbols {
    added: Vec<String>,
    /// How many of `added` earlier blocks brought.
    inherited: usize,
}

impl Symbols {
    /// The number of a string, which is added when it is new.
    pub fn number(&mut self, text: &str) -> u64 {
        if let Some(place) = DEFAULT_SYMBOLS.iter().position(|known| *known == text) {
            return place as u64;
        }
        let place = self.added.iter().position(|known| known == text).unwrap_or_else(|| {
            self.added.push(text.into());
            self.added.len() - 1
        });
        SYMBOL_OFFSET + place as u64
    }

    /// The strings that the current block brings.
    #[must_use]
    pub fn new_strings(&self) -> &[String] {
        &self.added[self.inherited..]
    }

    /// Ends a block: its strings now count as known.
    pub fn end_block(&mut self) {
        self.inherited = self.added.len();
    }

    /// Encodes a term.
    pub fn term(&mut self, term: &Term) -> Message {
        let message = Message::new();
        match term {
            Term::Var(name) => message.uint(1, self.number(name)),
            Term::Int(value) => message.int(2, *value),
            Term::Str(text) => message.uint(3, self.number(text)),
            Term::Symbol(number) => message.uint(3, *number),
            Term::Date(seconds) => message.uint(4, *seconds),
            Term::Bytes(bytes) => message.bytes(5, bytes),
            Term::Bool(value) => message.uint(6, u64::from(*value)),
            Term::Set(elements) => {
                // New strings of one set are numbered in byte order, wherever they stand.
                let mut texts: Vec<&str> = elements
                    .iter()
                    .filter_map(|term| if let Term::Str(text) = term { Some(&**text) } else { None })
                    .collect();
                texts.sort_unstable();
                for text in texts {
                    self.number(text);
                }
                message.message(7, &self.repeated(1, elements))
            }
            Term::Strings(texts) => {
                let mut sorted = texts.clone();
                sorted.sort_unstable();
                let mut numbers: Vec<u64> = sorted.iter().map(|text| self.number(text)).collect();
                numbers.sort_unstable();
                let elements: Vec<Term> = numbers.into_iter().map(Term::Symbol).collect();
                message.message(7, &self.repeated(1, &elements))
            }
            Term::Null => message.message(8, &Message::new()),
            Term::Array(elements) => message.message(9, &self.repeated(1, elements)),
            Term::Map(entries) => {
                let map = entries.iter().fold(Message::new(), |map, (key, value)| {
                    let key = Message::new().uint(2, self.number(key));
                    let entry = Message::new().message(1, &key).message(2, &self.term(value));
                    map.message(1, &entry)
                });
                message.message(10, &map)
            }
            Term::Raw(bytes) => Message { fields: vec![crate::wire::Field { number: 0, bytes: bytes.clone() }] },
        }
    }

    fn repeated(&mut self, number: u32, terms: &[Term]) -> Message {
        terms.iter().fold(Message::new(), |list, term| list.message(number, &self.term(term)))
    }

    /// Encodes a predicate: its name is numbered before its terms.
    pub fn predicate(&mut self, predicate: &Predicate) -> Message {
        let start = Message::new().uint(1, self.number(&predicate.name));
        predicate.terms.iter().fold(start, |message, term| message.message(2, &self.term(term)))
    }

    /// Encodes a fact.
    pub fn fact(&mut self, fact: &Predicate) -> Message {
        Message::new().message(1, &self.predicate(fact))
    }

    fn op(&mut self, op: &Op) -> Message {
        let message = Message::new();
        match op {
            Op::Value(term) => message.message(1, &self.term(term)),
            Op::Unary(kind) => message.message(2, &Message::new().uint(1, *kind)),
            Op::Binary(kind) => message.message(3, &Message::new().uint(1, *kind)),
            Op::Foreign(two, name) => {
                let (field, kind) = if *two { (3, binary::FFI) } else { (2, unary::FFI) };
                message.message(field, &Message::new().uint(1, kind).uint(2, self.number(name)))
            }
            Op::Closure(parameters, ops) => {
                let mut closure = Message::new();
                for parameter in parameters {
                    closure = closure.uint(1, self.number(parameter));
                }
                for op in ops {
                    closure = closure.message(2, &self.op(op));
                }
                message.message(4, &closure)
            }
        }
    }

    /// Encodes an expression.
    pub fn expression(&mut self, expression: &Expr) -> Message {
        expression.0.iter().fold(Message::new(), |message, op| message.message(1, &self.op(op)))
    }

    /// Encodes a query (or a rule, which has the same shape).
    pub fn query(&mut self, query: &Query) -> Message {
        let mut message = Message::new().message(1, &self.predicate(&query.head));
        for predicate in &query.body {
            message = message.message(2, &self.predicate(predicate));
        }
        for expression in &query.expressions {
            message = message.message(3, &self.expression(expression));
        }
        for scope in &query.scope {
            message = message.bytes(4, scope);
        }
        message
    }

    /// Encodes a check.
    pub fn check(&mut self, check: &Check) -> Message {
        let mut message = Message::new();
        for query in &check.queries {
            message = message.message(1, &self.query(query));
        }
        match check.kind {
            Some(kind) => message.uint(2, kind),
            None => message,
        }
    }
}

/// What a block says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Block {
    /// Its facts.
    pub facts: Vec<Predicate>,
    /// Its checks.
    pub checks: Vec<Check>,
    /// Rules, which the profile refuses.
    pub rules: Vec<Query>,
    /// The `version` field, where it is not the one that the content asks for.
    pub version: Option<u64>,
}

impl Block {
    /// A block of checks.
    #[must_use]
    pub fn restriction(checks: impl IntoIterator<Item = Check>) -> Self {
        Self { checks: checks.into_iter().collect(), ..Self::default() }
    }

    /// A block that hands the token on, with further checks.
    #[must_use]
    pub fn delegation(name: &str, to: &Key, checks: impl IntoIterator<Item = Check>) -> Self {
        use crate::raw_checks::{pred, string};
        let delegate = pred("delegate", [string(name), Term::Bytes(to.public().to_vec())]);
        Self { facts: vec![delegate], checks: checks.into_iter().collect(), ..Self::default() }
    }

    /// The version that the profile asks for.
    #[must_use]
    pub fn least_version(&self, third_party: bool) -> u64 {
        fn any(ops: &[Op], test: &dyn Fn(&Op) -> bool) -> bool {
            ops.iter().any(|op| test(op) || matches!(op, Op::Closure(_, inner) if any(inner, test)))
        }
        let has = |test: &dyn Fn(&Op) -> bool| {
            let queries = self.checks.iter().flat_map(|check| &check.queries);
            queries.flat_map(|query| &query.expressions).any(|expression| any(&expression.0, test))
        };
        let reject = self.checks.iter().any(|check| check.kind == Some(2));
        if reject || has(&|op| matches!(op, Op::Closure(..))) {
            6
        } else if third_party {
            5
        } else if has(&|op| *op == Op::Binary(binary::NOT_EQUAL)) {
            4
        } else {
            3
        }
    }

    /// Encodes the block as a first-party block: its strings join the table.
    pub fn first_party(&self, symbols: &mut Symbols) -> Message {
        let message = self.encode(symbols, false);
        symbols.end_block();
        message
    }

    /// Encodes the block as a third-party block: a table of its own, from the default one.
    #[must_use]
    pub fn third_party(&self) -> Message {
        self.encode(&mut Symbols::default(), true)
    }

    fn encode(&self, symbols: &mut Symbols, third_party: bool) -> Message {
        let facts: Vec<_> = self.facts.iter().map(|fact| symbols.fact(fact)).collect();
        let rules: Vec<_> = self.rules.iter().map(|rule| symbols.query(rule)).collect();
        let checks: Vec<_> = self.checks.iter().map(|check| symbols.check(check)).collect();
        let mut message = Message::new();
        for text in symbols.new_strings() {
            message = message.bytes(1, text.as_bytes());
        }
        message = message.uint(3, self.version.unwrap_or_else(|| self.least_version(third_party)));
        for fact in &facts {
            message = message.message(4, fact);
        }
        for rule in &rules {
            message = message.message(5, rule);
        }
        for check in &checks {
            message = message.message(6, check);
        }
        message
    }
}

/// The external signature of a third-party block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct External {
    /// The signature.
    pub signature: Vec<u8>,
    /// The signer's public key.
    pub public: Vec<u8>,
}

/// A block with its signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedBlock {
    /// The bytes of the `Block` message.
    pub payload: Vec<u8>,
    /// The public key that signs the next block.
    pub next: Vec<u8>,
    /// The block signature.
    pub signature: Vec<u8>,
    /// The external signature, in a third-party block.
    pub external: Option<External>,
    /// The version of the signature payload.
    pub version: Option<u64>,
}

impl SignedBlock {
    /// The id of the block: what revocation knows it by.
    #[must_use]
    pub fn id(&self) -> [u8; 32] {
        let external = self.external.as_ref().map(|external| &external.signature);
        Sha256::digest(external.unwrap_or(&self.signature)).into()
    }

    /// The `SignedBlock` message.
    #[must_use]
    pub fn message(&self) -> Message {
        let mut message =
            Message::new().bytes(1, &self.payload).message(2, &public_key(&self.next)).bytes(3, &self.signature);
        if let Some(external) = &self.external {
            message = message.message(4, &external_signature(external));
        }
        match self.version {
            Some(version) => message.uint(5, version),
            None => message,
        }
    }
}

/// The `ExternalSignature` message.
#[must_use]
pub fn external_signature(external: &External) -> Message {
    Message::new().bytes(1, &external.signature).message(2, &public_key(&external.public))
}

/// The `PublicKey` message of an Ed25519 key.
#[must_use]
pub fn public_key(public: &[u8]) -> Message {
    Message::new().uint(1, 0).bytes(2, public)
}

/// What a block signature signs, in version 1.
#[must_use]
pub fn block_payload(payload: &[u8], next: &[u8], previous: Option<&[u8]>, external: Option<&[u8]>) -> Vec<u8> {
    let mut out = b"\0BLOCK\0\0VERSION\0".to_vec();
    out.extend(1_u32.to_le_bytes());
    out.extend(b"\0PAYLOAD\0");
    out.extend(payload);
    out.extend(b"\0ALGORITHM\0");
    out.extend(0_u32.to_le_bytes());
    out.extend(b"\0NEXTKEY\0");
    out.extend(next);
    if let Some(previous) = previous {
        out.extend(b"\0PREVSIG\0");
        out.extend(previous);
    }
    if let Some(external) = external {
        out.extend(b"\0EXTERNALSIG\0");
        out.extend(external);
    }
    out
}

/// What a block signature signs in version 0, which the profile refuses.
#[must_use]
pub fn block_payload_v0(payload: &[u8], next: &[u8]) -> Vec<u8> {
    [payload, &0_u32.to_le_bytes(), next].concat()
}

/// What an external signature signs, in version 1.
#[must_use]
pub fn external_payload(payload: &[u8], previous: &[u8]) -> Vec<u8> {
    let mut out = b"\0EXTERNAL\0\0VERSION\0".to_vec();
    out.extend(1_u32.to_le_bytes());
    out.extend(b"\0PAYLOAD\0");
    out.extend(payload);
    out.extend(b"\0PREVSIG\0");
    out.extend(previous);
    out
}

/// What the final signature of a sealed token signs.
#[must_use]
pub fn seal_payload(last: &SignedBlock) -> Vec<u8> {
    [&last.payload, &0_u32.to_le_bytes()[..], &last.next, &last.signature].concat()
}

/// A token whose blocks are signed and whose proof is not written yet.
#[derive(Clone, Debug)]
pub struct RawToken {
    /// The blocks, the authority block first.
    pub blocks: Vec<SignedBlock>,
    /// The secret of the last `next` key.
    pub secret: Key,
}

impl RawToken {
    /// Signs the authority block.
    #[must_use]
    pub fn authority(root: &Key, payload: Vec<u8>) -> Self {
        let secret = Key::next(0);
        let next = secret.public().to_vec();
        let signature = root.sign(&block_payload(&payload, &next, None, None));
        let block = SignedBlock { payload, next, signature, external: None, version: Some(1) };
        Self { blocks: vec![block], secret }
    }

    /// The last block.
    ///
    /// # Panics
    ///
    /// When a vector took all blocks away.
    #[must_use]
    pub fn last(&self) -> &SignedBlock {
        self.blocks.last().expect("a token has an authority block")
    }

    /// Appends a first-party block.
    pub fn restrict(&mut self, payload: Vec<u8>) {
        let next = Key::next(self.blocks.len());
        self.append(payload, None, next);
    }

    /// Appends a third-party block, signed by `holder` over the present end of the chain.
    pub fn delegate(&mut self, payload: Vec<u8>, holder: &Key) {
        let external = self.external(&payload, holder);
        let next = Key::next(self.blocks.len());
        self.append(payload, Some(external), next);
    }

    /// The external signature of `holder` over `payload` at the present end of the chain.
    #[must_use]
    pub fn external(&self, payload: &[u8], holder: &Key) -> External {
        let signature = holder.sign(&external_payload(payload, &self.last().signature));
        External { signature, public: holder.public().to_vec() }
    }

    /// Appends a block with this external signature and this next key.
    pub fn append(&mut self, payload: Vec<u8>, external: Option<External>, next: Key) {
        let public = next.public().to_vec();
        let signature = self.secret.sign(&block_payload(
            &payload,
            &public,
            Some(&self.last().signature),
            external.as_ref().map(|external| &*external.signature),
        ));
        self.secret = next;
        self.blocks.push(SignedBlock { payload, next: public, signature, external, version: Some(1) });
    }

    /// The outer message with this proof.
    #[must_use]
    pub fn message(&self, proof: &Message) -> Message {
        let mut message = Message::new();
        for (index, block) in self.blocks.iter().enumerate() {
            message = message.message(if index == 0 { 2 } else { 3 }, &block.message());
        }
        message.message(4, proof)
    }

    /// The proof of a sealed token.
    #[must_use]
    pub fn seal(&self) -> Message {
        Message::new().bytes(2, &self.secret.sign(&seal_payload(self.last())))
    }

    /// The proof of an open token: the next secret.
    #[must_use]
    pub fn open(&self) -> Message {
        Message::new().bytes(1, &self.secret.seed())
    }

    /// The sealed token's bytes.
    #[must_use]
    pub fn sealed(&self) -> Vec<u8> {
        self.message(&self.seal()).encode()
    }

    /// The sealed token as it stands in a header.
    #[must_use]
    pub fn sealed_text(&self) -> String {
        b64u(&self.sealed())
    }
}
