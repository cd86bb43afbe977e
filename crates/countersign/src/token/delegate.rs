//! Delegation: the current holder hands the token on to another key.

use super::datalog::{Predicate, Term};
use super::encode;
use super::restriction::Restriction;
use super::signed::external_payload;
use super::{ErrorKind, OpenToken, TokenError};
use crate::key::{PublicKey, Signature, SigningKey};

/// To whom a token is handed on, and under which restrictions.
#[derive(Clone, Debug)]
pub struct Delegation {
    name: String,
    key: PublicKey,
    depth: u8,
    budgets: Vec<Predicate>,
    restrictions: Vec<Restriction>,
}

impl Delegation {
    /// Hands on to `key`. The name is the delegator's claim and is shown as such.
    pub fn to(name: &str, key: PublicKey) -> Self {
        Self { name: name.to_owned(), key, depth: 0, budgets: Vec::new(), restrictions: Vec::new() }
    }

    /// How many times the new holder may hand it on: less than what is left, 0 unless said.
    #[must_use]
    pub fn delegation_depth(mut self, depth: u8) -> Self {
        self.depth = depth;
        self
    }

    /// An amount of `unit` that the new holder and those behind it may spend, at least 1, per `window` seconds.
    #[must_use]
    pub fn budget(mut self, account: &str, unit: &str, amount: i64, window: i64) -> Self {
        let terms = [account.into(), unit.into(), Term::Integer(amount), Term::Integer(window)];
        self.budgets.push(Predicate::new("budget", terms));
        self
    }

    /// A restriction on the new holder. It stands in the delegation block itself.
    #[must_use]
    pub fn restriction(mut self, restriction: Restriction) -> Self {
        self.restrictions.push(restriction);
        self
    }
}

/// A delegation block that waits for the current holder's signature, wherever that key lives.
#[derive(Debug)]
pub struct UnsignedDelegation {
    token: OpenToken,
    block: Vec<u8>,
    payload: Vec<u8>,
}

impl UnsignedDelegation {
    pub(crate) fn new(token: &OpenToken, delegation: &Delegation) -> Result<Self, TokenError> {
        let key = Term::Bytes(delegation.key.as_bytes().to_vec());
        let mut facts = vec![Predicate::new("delegate", [delegation.name.as_str().into(), key])];
        if delegation.depth > 0 {
            facts.push(Predicate::new("delegation_depth", [Term::Integer(i64::from(delegation.depth))]));
        }
        facts.extend(delegation.budgets.iter().cloned());
        let checks = Restriction::all_checks(&delegation.restrictions)?;
        let payload = encode::third_party(&facts, &checks);
        let last = token.0.layout.blocks.last().ok_or(TokenError::new(ErrorKind::Unreachable))?;
        let signed = external_payload(&payload, last.signature.of(&token.0.bytes));
        Ok(Self { token: token.clone(), block: payload, payload: signed })
    }

    /// The bytes that the current holder signs with Ed25519.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Takes the current holder's signature. `next` is a fresh key of one use: its secret goes into the token.
    pub fn complete(self, signature: Signature, next: &SigningKey) -> Result<OpenToken, TokenError> {
        let holder = self.token.holder();
        holder.verify(&self.payload, &signature).map_err(|_| TokenError::new(ErrorKind::NotTheHolder))?;
        self.token.append(self.block, Some((signature, holder)), next)
    }

    /// Signs with a key at hand.
    pub fn sign(self, holder: &SigningKey, next: &SigningKey) -> Result<OpenToken, TokenError> {
        let signature = holder.sign(&self.payload);
        self.complete(signature, next)
    }
}
