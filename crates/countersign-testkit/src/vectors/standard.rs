//! The valid token and the valid requests that the vectors change in one place.

use crate::clock::{EXPIRES, ISSUED};
use crate::format::{Agent, Config, Issuer, Operation};
use crate::keys::Key;
use crate::raw_checks::{Check, Predicate, Term, date, expiry, pred, string};
use crate::raw_request::{Request, Signature, digest_sha256};
use crate::raw_token::{Block, RawToken, Symbols};

/// The issuer.
pub const ISSUER: &str = "https://hub.example";
/// The service.
pub const SERVICE: &str = "https://calendar.example.com";
/// The service's authority.
pub const AUTHORITY: &str = "calendar.example.com";
/// The user.
pub const USER: &str = "alice@example.com";
/// The first holder's name.
pub const AGENT: &str = "calendar-bot";
/// The purpose.
pub const PURPOSE: &str = "scheduling";
/// The path of the standard request.
pub const PATH: &str = "/calendars/primary";

/// One issuer, one audience, one authority, the default mapping.
#[must_use]
pub fn config() -> Config {
    Config {
        audience: vec![SERVICE.into()],
        authorities: vec![AUTHORITY.into()],
        issuers: vec![Issuer { issuer: ISSUER.into(), keys: vec![Key::named("root").public_text()] }],
        operations: None,
        max_body_bytes: None,
    }
}

/// A row of the operation table.
#[must_use]
pub fn operation(method: &str, path: &str, kind: &str, resource: &str, action: &str) -> Operation {
    Operation::new(method, path, kind, resource, action)
}

/// `right(kind, location, action)`.
#[must_use]
pub fn right(kind: &str, location: &str, action: &str) -> Predicate {
    pred("right", [string(kind), string(location), string(action)])
}

/// The standard authority block without its checks: nine facts.
#[must_use]
pub fn facts() -> Vec<Predicate> {
    vec![
        pred("countersign", [Term::Int(1)]),
        pred("issuer", [string(ISSUER)]),
        pred("user", [string(USER)]),
        pred("agent", [string(AGENT), Term::Bytes(Key::named("agent").public().to_vec())]),
        pred("purpose", [string(PURPOSE)]),
        pred("audience", [string(SERVICE)]),
        pred("issued_at", [date(ISSUED)]),
        right("http", "/calendars", "GET"),
        right("http", "/calendars", "POST"),
    ]
}

/// A block after the authority block.
#[derive(Clone, Debug)]
pub enum Later {
    /// A first-party block of checks.
    Restriction(Block),
    /// A third-party block, with the holder who signs it.
    Delegation(Block, Box<Key>),
}

/// What a token is made of, before any signature.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The issuer's key.
    pub root: Key,
    /// The authority block.
    pub authority: Block,
    /// The blocks after it.
    pub later: Vec<Later>,
}

impl Plan {
    /// The standard token: one block, held by `agent`.
    #[must_use]
    pub fn standard() -> Self {
        let authority = Block { facts: facts(), checks: vec![expiry(EXPIRES)], ..Block::default() };
        Self { root: Key::named("root"), authority, later: Vec::new() }
    }

    /// The standard token with `hops` delegations allowed.
    #[must_use]
    pub fn deep(hops: i64) -> Self {
        Self::standard().fact(pred("delegation_depth", [Term::Int(hops)]))
    }

    /// One authority fact more.
    #[must_use]
    pub fn fact(mut self, fact: Predicate) -> Self {
        self.authority.facts.push(fact);
        self
    }

    /// The first authority fact of this name replaced.
    ///
    /// # Panics
    ///
    /// When there is none.
    #[must_use]
    pub fn replace(mut self, fact: Predicate) -> Self {
        let place = self.authority.facts.iter_mut().find(|known| known.name == fact.name);
        *place.expect("a fact to replace") = fact;
        self
    }

    /// Without the authority facts of this name.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.authority.facts.retain(|known| known.name != name);
        self
    }

    /// These rights instead of the standard ones.
    #[must_use]
    pub fn rights(mut self, rights: impl IntoIterator<Item = Predicate>) -> Self {
        self = self.without("right");
        self.authority.facts.extend(rights);
        self
    }

    /// One authority check more.
    #[must_use]
    pub fn check(mut self, check: Check) -> Self {
        self.authority.checks.push(check);
        self
    }

    /// A restriction block more.
    #[must_use]
    pub fn restrict(mut self, checks: impl IntoIterator<Item = Check>) -> Self {
        self.later.push(Later::Restriction(Block::restriction(checks)));
        self
    }

    /// A delegation block more, with an optional depth left.
    #[must_use]
    pub fn delegate(mut self, by: &str, name: &str, to: &str, depth: Option<i64>) -> Self {
        let mut block = Block::delegation(name, &Key::named(to), []);
        if let Some(depth) = depth {
            block.facts.push(pred("delegation_depth", [Term::Int(depth)]));
        }
        self.later.push(Later::Delegation(block, Box::new(Key::named(by))));
        self
    }

    /// The token, signed.
    #[must_use]
    pub fn sign(&self) -> RawToken {
        let mut symbols = Symbols::default();
        let payload = self.authority.first_party(&mut symbols).encode();
        let mut token = RawToken::authority(&self.root, payload);
        for later in &self.later {
            match later {
                Later::Restriction(block) => {
                    token.restrict(block.first_party(&mut symbols).encode());
                }
                Later::Delegation(block, holder) => {
                    token.delegate(block.third_party().encode(), holder);
                }
            }
        }
        token
    }

    /// The text of the token of the authority block alone, with strings numbered by this table.
    #[must_use]
    pub fn root_with(&self, symbols: &mut Symbols) -> String {
        RawToken::authority(&self.root, self.authority.first_party(symbols).encode()).sealed_text()
    }

    /// The sealed token's text.
    #[must_use]
    pub fn text(&self) -> String {
        self.sign().sealed_text()
    }
}

/// The standard sealed token.
#[must_use]
pub fn token() -> String {
    Plan::standard().text()
}

/// An unsigned request that carries a token.
#[must_use]
pub fn unsigned(method: &str, target: &str, token: &str) -> Request {
    Request::new(method, target).with("Authorization", format!("Countersign {token}"))
}

/// The standard GET with this token, signed by this key.
#[must_use]
pub fn get_by(key: &str, token: &str) -> Request {
    Signature::new(&Key::named(key)).sign(unsigned("GET", PATH, token))
}

/// The standard GET with this token, signed by `agent`.
#[must_use]
pub fn get(token: &str) -> Request {
    get_by("agent", token)
}

/// A GET of this target with this token, signed by `agent`.
#[must_use]
pub fn get_target(target: &str, token: &str) -> Request {
    Signature::new(&Key::named("agent")).sign(unsigned("GET", target, token))
}

/// The body of the standard POST.
pub const BODY: &[u8] = br#"{"title":"stand-up"}"#;

/// An unsigned POST with a body and its fields.
#[must_use]
pub fn unsigned_post(token: &str, body: &[u8]) -> Request {
    let mut request = unsigned("POST", PATH, token)
        .with("Content-Type", "application/json")
        .with("Content-Length", body.len().to_string())
        .with("Content-Digest", digest_sha256(body));
    request.body = body.to_vec();
    request
}

/// The signature of a POST by `agent`.
#[must_use]
pub fn post_signature() -> Signature {
    let mut signature = Signature::new(&Key::named("agent"));
    signature.cover("content-digest");
    signature.cover("content-type");
    signature
}

/// The standard POST with this token and this body, signed by `agent`.
#[must_use]
pub fn post(token: &str, body: &[u8]) -> Request {
    post_signature().sign(unsigned_post(token, body))
}

/// The first holder as a decision names it.
#[must_use]
pub fn first_agent() -> Agent {
    Agent { name: AGENT.into(), key_id: Key::named("agent").id(), claimed_by: ISSUER.into() }
}

/// A later holder as a decision names it.
#[must_use]
pub fn later_agent(name: &str, key: &str, by: &str) -> Agent {
    Agent { name: name.into(), key_id: Key::named(key).id(), claimed_by: Key::named(by).id() }
}
