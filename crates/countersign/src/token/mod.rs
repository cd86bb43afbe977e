//! The delegation token: a Biscuit in a closed profile (`spec/token.md`).
//!
//! | type | what is known of it |
//! | --- | --- |
//! | [`UnverifiedToken`] | canonical, inside the profile; no signature looked at |
//! | [`OpenToken`] | the same, and it carries the next secret: it can be narrowed, handed on and sealed |
//! | [`SealedToken`] | the same, and closed: the only form that travels in a request |
//! | [`VerifiedChain`] | every signature holds under a configured issuer's key |
//!
//! Issuers start at [`Grant`], agents at [`OpenToken::restrict`], [`OpenToken::delegate`] and [`OpenToken::seal`].

mod block;
mod chain;
mod check;
mod datalog;
mod decode;
mod delegate;
mod encode;
pub(crate) mod layout;
mod mint;
mod print;
mod recognise;
mod restriction;
mod signed;
pub(crate) mod symbol;
pub(crate) mod term;
mod values;
pub(crate) mod wire;

use core::fmt;

use zeroize::Zeroizing;

pub use self::chain::{Agent, Budget, Claims, Right, VerifiedChain};
pub use self::datalog::{Check, CheckKind, Expression, Op, Predicate, Query, Term, binary_op, unary_op};
pub use self::decode::DecodeError;
pub use self::delegate::{Delegation, UnsignedDelegation};
use self::layout::{Layout, Proof, limit};
pub use self::mint::{Grant, UnsignedGrant};
pub use self::recognise::{Condition, Recognised, recognise};
pub use self::restriction::{ArgValue, Restriction};
pub(crate) use self::signed::{by_issuer, rest_holds};
use crate::code::Code;
use crate::encoding::{from_base64url, to_base64url};
use crate::key::{PublicKey, SigningKey};
use crate::time::UnixTime;

/// The greatest length of a token's text, in characters.
pub const MAX_TEXT_LEN: usize = limit::TOKEN_CHARS;

/// A token's bytes and what was found in them. Wiped when dropped: an open token's bytes hold a secret.
#[derive(Clone)]
pub(crate) struct Decoded {
    pub(crate) bytes: Zeroizing<Vec<u8>>,
    pub(crate) layout: Layout,
}

impl Decoded {
    fn new(bytes: Zeroizing<Vec<u8>>) -> Result<Self, DecodeError> {
        let layout = decode::decode(&bytes)?;
        Ok(Self { bytes, layout })
    }
}

/// A token that decodes and fits the profile. Nothing in it is verified: do not act on what it says.
#[derive(Clone)]
pub struct UnverifiedToken(pub(crate) Decoded);

impl UnverifiedToken {
    /// Reads the text form: base64url without padding.
    pub fn from_text(text: &str) -> Result<Self, DecodeError> {
        if text.len() > limit::TOKEN_CHARS {
            return Err(decode::over("token longer than 6,827 characters"));
        }
        // spec: TK-1
        let bytes = from_base64url(text).ok_or(decode::malformed("token is not base64url"))?;
        Self::from_bytes(bytes)
    }

    /// Reads the binary form.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, DecodeError> {
        Decoded::new(Zeroizing::new(bytes)).map(Self)
    }

    /// Whether the token is closed. Only then it may travel in a request.
    pub fn is_sealed(&self) -> bool {
        matches!(self.0.layout.proof, Proof::FinalSignature(_))
    }

    /// The claimed issuer, to choose keys by.
    pub fn issuer(&self) -> &str {
        self.0.layout.issuer.of(&self.0.bytes)
    }

    /// What the token claims, for people to read. Nothing of it is verified.
    pub fn claims(&self) -> Claims<'_> {
        Claims::new(&self.0)
    }

    /// The token as one that can be narrowed, handed on and sealed.
    pub fn into_open(self) -> Result<OpenToken, TokenError> {
        match self.0.layout.proof {
            Proof::NextSecret(_) => Ok(OpenToken::new(self.0)?),
            Proof::FinalSignature(_) => Err(TokenError::new(ErrorKind::Sealed)),
        }
    }

    /// The token as one that can travel.
    pub fn into_sealed(self) -> Result<SealedToken, TokenError> {
        match self.0.layout.proof {
            Proof::FinalSignature(_) => Ok(SealedToken(self.0)),
            Proof::NextSecret(_) => Err(TokenError::new(ErrorKind::Unsealed)),
        }
    }

    /// Verifies every signature, the first under one of `roots`: the keys of the issuer that the token names.
    ///
    /// Says nothing about expiry, audience or revocation: those are [`crate::verify`]'s.
    pub fn verify(self, roots: &[PublicKey]) -> Result<VerifiedChain, TokenError> {
        let root = by_issuer(&self.0.bytes, &self.0.layout).and_then(|(signed, signature)| {
            roots.iter().find(|root| root.verify(&signed, &signature).is_ok()).copied()
        });
        match root.filter(|_| rest_holds(&self.0.bytes, &self.0.layout, 1)) {
            Some(root) => Ok(VerifiedChain::new(self.0, root)),
            None => Err(TokenError::new(ErrorKind::Signature)),
        }
    }
}

impl fmt::Debug for UnverifiedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        redacted(f, "UnverifiedToken", &self.0)
    }
}

/// A token that carries its next secret. Agents keep this form; it never travels in a request.
#[derive(Clone)]
pub struct OpenToken(pub(crate) Decoded);

impl OpenToken {
    /// Every open token is short enough to be sealed.
    // spec: TK-53
    fn new(decoded: Decoded) -> Result<Self, DecodeError> {
        if decoded.bytes.len() > limit::OPEN_TOKEN_BYTES {
            return Err(decode::over("open token longer than 5,088 bytes"));
        }
        Ok(Self(decoded))
    }

    /// Reads the text form of an open token.
    pub fn from_text(text: &str) -> Result<Self, TokenError> {
        UnverifiedToken::from_text(text)?.into_open()
    }

    /// The text form. It carries a secret: whoever holds it can narrow the token and seal it.
    pub fn dangerous_text(&self) -> Zeroizing<String> {
        Zeroizing::new(to_base64url(&self.0.bytes))
    }

    /// The public key of the current holder: the one that requests are signed with.
    pub fn holder(&self) -> PublicKey {
        holder(&self.0.layout)
    }

    /// What the token claims.
    pub fn claims(&self) -> Claims<'_> {
        Claims::new(&self.0)
    }

    /// Appends a restriction block. `next` is a fresh key of one use: its secret goes into the token.
    ///
    /// Fails with `limit_exceeded` where the result is no token any more (12 blocks, 5 KiB when sealed).
    pub fn restrict(&self, restrictions: &[Restriction], next: &SigningKey) -> Result<Self, TokenError> {
        let checks = Restriction::all_checks(restrictions)?;
        if checks.is_empty() {
            return Err(TokenError::new(ErrorKind::Empty));
        }
        let payload = encode::first_party(&self.0, &[], &checks)?;
        self.append(payload, None, next)
    }

    /// Hands the token on. The result is signed in two halves, so that the holder's key may live elsewhere.
    pub fn delegate(&self, delegation: &Delegation) -> Result<UnsignedDelegation, TokenError> {
        UnsignedDelegation::new(self, delegation)
    }

    /// Closes the token.
    pub fn seal(&self) -> Result<SealedToken, TokenError> {
        let last = self.0.layout.blocks.last().ok_or(TokenError::new(ErrorKind::Unreachable))?;
        let bytes = &self.0.bytes;
        let signed = signed::seal_payload(last.payload.of(bytes), &last.next_key, last.signature.of(bytes));
        let seal = self.next_secret()?.sign(&signed);
        let sealed = encode::seal(bytes, last.prefix_end, &seal);
        UnverifiedToken::from_bytes(sealed)?.into_sealed()
    }

    fn next_secret(&self) -> Result<SigningKey, TokenError> {
        let Proof::NextSecret(span) = self.0.layout.proof else { return Err(TokenError::new(ErrorKind::Sealed)) };
        let seed = span.of(&self.0.bytes).try_into().map_err(|_| TokenError::new(ErrorKind::Unreachable))?;
        let secret = SigningKey::from_seed(seed);
        // A token whose secret is not the one that the last block names was spliced.
        if self.0.layout.blocks.last().is_none_or(|last| last.next_key != secret.public()) {
            return Err(TokenError::new(ErrorKind::Signature));
        }
        Ok(secret)
    }

    fn append(
        &self,
        payload: Vec<u8>,
        external: Option<(crate::key::Signature, PublicKey)>,
        next: &SigningKey,
    ) -> Result<Self, TokenError> {
        let last = self.0.layout.blocks.last().ok_or(TokenError::new(ErrorKind::Unreachable))?;
        let previous = last.signature.of(&self.0.bytes);
        let by_holder = external.as_ref().map(|(signature, _)| signature.as_bytes().as_slice());
        let signed = signed::block_payload(&payload, &next.public(), Some(previous), by_holder);
        let signature = self.next_secret()?.sign(&signed);
        let block = encode::SignedBlock { payload: &payload, next_key: next.public(), signature, external };
        let bytes = encode::append(&self.0.bytes, last.prefix_end, &block, next);
        Ok(Self::new(Decoded::new(bytes)?)?)
    }
}

impl fmt::Debug for OpenToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        redacted(f, "OpenToken", &self.0)
    }
}

/// A closed token: it can be shown to anyone and narrowed by no one.
#[derive(Clone)]
pub struct SealedToken(pub(crate) Decoded);

impl SealedToken {
    /// The text form, as it stands in `Authorization: Countersign …`.
    pub fn to_text(&self) -> String {
        to_base64url(&self.0.bytes)
    }

    /// The public key of the current holder.
    pub fn holder(&self) -> PublicKey {
        holder(&self.0.layout)
    }

    /// What the token claims.
    pub fn claims(&self) -> Claims<'_> {
        Claims::new(&self.0)
    }
}

impl fmt::Debug for SealedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        redacted(f, "SealedToken", &self.0)
    }
}

fn holder(layout: &Layout) -> PublicKey {
    // The decoder put the agent there.
    layout.holders.last().map_or(PublicKey([0; 32]), |holder| holder.key)
}

fn redacted(f: &mut fmt::Formatter<'_>, name: &str, decoded: &Decoded) -> fmt::Result {
    f.debug_struct(name)
        .field("blocks", &decoded.layout.blocks.len())
        .field("expires", &UnixTime(decoded.layout.expires))
        .finish_non_exhaustive()
}

/// A token could not be made, narrowed, handed on, sealed or verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenError {
    kind: ErrorKind,
}

/// What kind of thing went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The bytes are no token of the profile; the result of an operation would be none.
    Decode(DecodeError),
    /// A signature does not hold.
    Signature,
    /// The token is sealed and an open one is needed.
    Sealed,
    /// The token is open and a sealed one is needed.
    Unsealed,
    /// A restriction block without a restriction.
    Empty,
    /// A value of a restriction is not usable, such as an empty list.
    Restriction,
    /// The key that signed is not the current holder's.
    NotTheHolder,
    /// A state that decoding rules out.
    Unreachable,
}

impl TokenError {
    pub(crate) const fn new(kind: ErrorKind) -> Self {
        Self { kind }
    }

    /// What kind of thing went wrong.
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The code of the registry, where there is one.
    pub const fn code(&self) -> Option<Code> {
        match self.kind {
            ErrorKind::Decode(error) => Some(error.code()),
            ErrorKind::Signature => Some(Code::TokenSignature),
            ErrorKind::Unsealed => Some(Code::TokenUnsealed),
            ErrorKind::NotTheHolder => Some(Code::DelegationInvalid),
            _ => None,
        }
    }
}

impl From<DecodeError> for TokenError {
    fn from(error: DecodeError) -> Self {
        Self::new(ErrorKind::Decode(error))
    }
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            ErrorKind::Decode(error) => error.fmt(f),
            ErrorKind::Signature => f.write_str("a signature of the token does not verify"),
            ErrorKind::Sealed => f.write_str("the token is sealed and can't be narrowed or handed on"),
            ErrorKind::Unsealed => f.write_str("the token is not sealed"),
            ErrorKind::Empty => f.write_str("a restriction block needs at least one restriction"),
            ErrorKind::Restriction => f.write_str("a restriction has a value that it can't have"),
            ErrorKind::NotTheHolder => f.write_str("the key is not the current holder's"),
            ErrorKind::Unreachable => f.write_str("the token is in a state that decoding rules out"),
        }
    }
}

impl core::error::Error for TokenError {}
