//! Minting: what an issuer puts into an authority block, and its signature in two halves.

use super::chain::Right;
use super::datalog::{Predicate, Term};
use super::encode;
use super::restriction::Restriction;
use super::signed::block_payload;
use super::{Decoded, ErrorKind, OpenToken, TokenError};
use crate::key::{PublicKey, Signature, SigningKey};
use crate::time::UnixTime;

/// What an issuer grants to an agent on a user's behalf: the content of an authority block.
///
/// ```
/// use countersign::key::SigningKey;
/// use countersign::time::UnixTime;
/// use countersign::token::{Grant, Right};
///
/// // Seeds come from the caller; these are visibly for tests.
/// let (issuer, agent, next) = (SigningKey::from_seed(&[1; 32]), SigningKey::from_seed(&[2; 32]), SigningKey::from_seed(&[3; 32]));
/// let token = Grant::new("https://hub.example", "alice@example.com", "calendar-bot", agent.public())
///     .purpose("scheduling")
///     .audience("https://calendar.example.com")
///     .valid(UnixTime(1_795_453_200), UnixTime(1_795_456_800))
///     .right(Right { r#type: "calendar", location: "/calendars/primary", action: "read" })
///     .sign(&issuer, &next)?;
/// assert_eq!(token.claims().user(), "alice@example.com");
/// # Ok::<(), countersign::token::TokenError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Grant {
    issuer: String,
    user: String,
    agent: (String, PublicKey),
    purpose: String,
    audience: String,
    issued_at: UnixTime,
    expires: UnixTime,
    rights: Vec<[String; 3]>,
    depth: u8,
    extra: Vec<Predicate>,
    restrictions: Vec<Restriction>,
}

impl Grant {
    /// Starts with who grants, for whom, and to which agent's key.
    pub fn new(issuer: &str, user: &str, agent: &str, key: PublicKey) -> Self {
        Self {
            issuer: issuer.to_owned(),
            user: user.to_owned(),
            agent: (agent.to_owned(), key),
            purpose: String::new(),
            audience: String::new(),
            issued_at: UnixTime(0),
            expires: UnixTime(0),
            rights: Vec::new(),
            depth: 0,
            extra: Vec::new(),
            restrictions: Vec::new(),
        }
    }

    /// Why: one token has one purpose.
    #[must_use]
    pub fn purpose(mut self, purpose: &str) -> Self {
        purpose.clone_into(&mut self.purpose);
        self
    }

    /// The one service, an RFC 8707 resource identifier.
    #[must_use]
    pub fn audience(mut self, audience: &str) -> Self {
        audience.clone_into(&mut self.audience);
        self
    }

    /// From when, and up to and including which second.
    #[must_use]
    pub fn valid(mut self, issued_at: UnixTime, expires: UnixTime) -> Self {
        (self.issued_at, self.expires) = (issued_at, expires);
        self
    }

    /// One right more, 1 to 128.
    #[must_use]
    pub fn right(mut self, right: Right<'_>) -> Self {
        self.rights.push([right.r#type, right.location, right.action].map(str::to_owned));
        self
    }

    /// How many times the token may be handed on, 0 to 6.
    #[must_use]
    pub fn delegation_depth(mut self, depth: u8) -> Self {
        self.depth = depth;
        self
    }

    /// An amount of `unit` on `account`, at least 1, per `window` seconds (0: for good).
    #[must_use]
    pub fn budget(mut self, account: &str, unit: &str, amount: i64, window: i64) -> Self {
        let terms = [account.into(), unit.into(), Term::Integer(amount), Term::Integer(window)];
        self.extra.push(Predicate::new("budget", terms));
        self
    }

    /// `account` counts operations of this type and action only.
    #[must_use]
    pub fn metered(mut self, account: &str, r#type: &str, action: &str) -> Self {
        self.extra.push(Predicate::new("metered", [account.into(), r#type.into(), action.into()]));
        self
    }

    /// Operations of this type and action need a fresh approval by this key.
    #[must_use]
    pub fn approval(mut self, r#type: &str, action: &str, key: PublicKey) -> Self {
        self.extra
            .push(Predicate::new("approval", [r#type.into(), action.into(), Term::Bytes(key.as_bytes().to_vec())]));
        self
    }

    /// The permission behind the token, to revoke all of its tokens by.
    #[must_use]
    pub fn grant(mut self, grant: &str) -> Self {
        self.extra.push(Predicate::new("grant", [grant.into()]));
        self
    }

    /// The conversation that the token ends with.
    #[must_use]
    pub fn conversation(mut self, conversation: &str) -> Self {
        self.extra.push(Predicate::new("conversation", [conversation.into()]));
        self
    }

    /// A check of the authority block besides expiry.
    #[must_use]
    pub fn restriction(mut self, restriction: Restriction) -> Self {
        self.restrictions.push(restriction);
        self
    }

    /// Fixes the bytes to be signed. `next` is a fresh key of one use: its secret goes into the token.
    pub fn prepare(&self, next: &SigningKey) -> Result<UnsignedGrant, TokenError> {
        let mut facts = vec![
            Predicate::new("countersign", [Term::Integer(1)]),
            Predicate::new("issuer", [self.issuer.as_str().into()]),
            Predicate::new("user", [self.user.as_str().into()]),
            Predicate::new("agent", [self.agent.0.as_str().into(), Term::Bytes(self.agent.1.as_bytes().to_vec())]),
            Predicate::new("purpose", [self.purpose.as_str().into()]),
            Predicate::new("audience", [self.audience.as_str().into()]),
            Predicate::new("issued_at", [Term::Date(self.issued_at.0)]),
        ];
        facts.extend(self.rights.iter().map(|right| Predicate::new("right", right.iter().map(|s| s.as_str().into()))));
        if self.depth > 0 {
            facts.push(Predicate::new("delegation_depth", [Term::Integer(i64::from(self.depth))]));
        }
        facts.extend(self.extra.iter().cloned());
        let expiry = Restriction::ExpiresBy(self.expires);
        let checks = Restriction::all_checks(core::iter::once(&expiry).chain(&self.restrictions))?;
        let payload = encode::authority(&facts, &checks);
        let signed = block_payload(&payload, &next.public(), None, None);
        Ok(UnsignedGrant { block: payload, payload: signed, next: next.clone() })
    }

    /// Signs with a key at hand.
    pub fn sign(&self, issuer: &SigningKey, next: &SigningKey) -> Result<OpenToken, TokenError> {
        let unsigned = self.prepare(next)?;
        let signature = issuer.sign(unsigned.payload());
        unsigned.complete(signature, issuer.public())
    }
}

/// An authority block that waits for its issuer's signature, wherever that key lives.
#[derive(Debug)]
pub struct UnsignedGrant {
    block: Vec<u8>,
    payload: Vec<u8>,
    next: SigningKey,
}

impl UnsignedGrant {
    /// The bytes to sign with Ed25519.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Takes the signature, which must verify under `issuer`.
    pub fn complete(self, signature: Signature, issuer: PublicKey) -> Result<OpenToken, TokenError> {
        issuer.verify(&self.payload, &signature).map_err(|_| TokenError::new(ErrorKind::Signature))?;
        let block =
            encode::SignedBlock { payload: &self.block, next_key: self.next.public(), signature, external: None };
        Ok(OpenToken::new(Decoded::new(encode::start(&block, &self.next))?)?)
    }
}
