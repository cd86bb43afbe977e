//! Signing a message, in two halves.

use core::fmt;

use super::{ENVELOPE, Message};
use crate::encoding::to_base64url;
use crate::json::{MAX_INTEGER, Object, Value};
use crate::key::{Signature, SigningKey};
use crate::time::UnixTime;
use crate::token::SealedToken;

/// A message to be signed.
///
/// ```
/// use countersign::jsonrpc::{ENVELOPE, Message, SignMessage};
/// use countersign::key::SigningKey;
/// use countersign::time::UnixTime;
/// # use countersign::token::{Grant, Right};
/// # let (issuer, agent, next) = (SigningKey::from_seed(&[1; 32]), SigningKey::from_seed(&[2; 32]), SigningKey::from_seed(&[3; 32]));
/// # let now = UnixTime(1_795_453_200);
/// # let token = Grant::new("https://hub.example", "alice@example.com", "calendar-bot", agent.public()).purpose("scheduling")
/// #     .audience("https://calendar.example.com/mcp").valid(now, now.plus(3600))
/// #     .right(Right { r#type: "mcp_tool", location: "calendar", action: "call" }).sign(&issuer, &next)?;
/// let sealed = token.seal()?;
/// let message = Message::parse(br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_events"}}"#, 1 << 20)?;
/// let nonce = [7; 16]; // fresh randomness for each message
/// let signed = SignMessage::new(message, "https://calendar.example.com/mcp", &sealed)
///     .created(now, nonce.to_vec())
///     .sign(&agent)?;
/// assert!(signed.meta(ENVELOPE).is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct SignMessage<'a> {
    message: Message,
    service: &'a str,
    token: &'a SealedToken,
    created: UnixTime,
    lifetime: u64,
    nonce: Vec<u8>,
}

impl<'a> SignMessage<'a> {
    /// Starts with a message and the service that it is for. An envelope that the message has already is replaced.
    pub fn new(message: Message, service: &'a str, token: &'a SealedToken) -> Self {
        Self { message, service, token, created: UnixTime(0), lifetime: 60, nonce: Vec::new() }
    }

    /// When the signature is made, and its nonce: 16 to 64 fresh random bytes, never used twice.
    #[must_use]
    pub fn created(mut self, created: UnixTime, nonce: Vec<u8>) -> Self {
        (self.created, self.nonce) = (created, nonce);
        self
    }

    /// For how many seconds the signature holds, 1 to 300; 60 unless said.
    #[must_use]
    pub fn lifetime(mut self, seconds: u64) -> Self {
        self.lifetime = seconds;
        self
    }

    /// Fixes the bytes to be signed.
    pub fn prepare(self) -> Result<UnsignedMessage, SignError> {
        if !(16..=64).contains(&self.nonce.len()) || !(1..=300).contains(&self.lifetime) {
            return Err(SignError::Parameters);
        }
        let time = |time: UnixTime| i64::try_from(time.0).ok().filter(|seconds| *seconds <= MAX_INTEGER);
        let created = time(self.created).ok_or(SignError::Parameters)?;
        let expires = time(self.created.plus(self.lifetime)).ok_or(SignError::Parameters)?;
        let mut envelope = Object::default();
        envelope.set("v", Value::Integer(1));
        envelope.set("token", Value::Str(self.token.to_text()));
        envelope.set("service", Value::from(self.service));
        envelope.set("created", Value::Integer(created));
        envelope.set("expires", Value::Integer(expires));
        envelope.set("nonce", Value::Str(to_base64url(&self.nonce)));
        envelope.set("keyid", Value::Str(self.token.holder().id().to_string()));
        let message = self.message.with_meta(ENVELOPE, Value::Object(envelope.clone())).ok_or(SignError::Meta)?;
        Ok(UnsignedMessage { payload: message.payload(), message, envelope })
    }

    /// Signs with a key at hand.
    pub fn sign(self, holder: &SigningKey) -> Result<Message, SignError> {
        if self.token.holder() != holder.public() {
            return Err(SignError::NotTheHolder);
        }
        let unsigned = self.prepare()?;
        let signature = holder.sign(unsigned.payload());
        Ok(unsigned.complete(signature))
    }
}

/// A message that waits for the holder's key, wherever it lives.
pub struct UnsignedMessage {
    payload: Vec<u8>,
    message: Message,
    envelope: Object,
}

impl UnsignedMessage {
    /// The bytes to sign with Ed25519.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Takes the signature by the current holder's key.
    pub fn complete(mut self, signature: Signature) -> Message {
        self.envelope.set("sig", Value::Str(to_base64url(signature.as_bytes())));
        let unsigned = self.message.clone();
        // `prepare` found a `_meta` that can take it.
        self.message.with_meta(ENVELOPE, Value::Object(self.envelope)).unwrap_or(unsigned)
    }
}

// Tokens and arguments stay out of logs.
impl fmt::Debug for SignMessage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignMessage").field("message", &self.message).finish_non_exhaustive()
    }
}

impl fmt::Debug for UnsignedMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnsignedMessage").field("message", &self.message).finish_non_exhaustive()
    }
}

/// A message that can't be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignError {
    /// The nonce is not 16 to 64 bytes, the lifetime not 1 to 300 seconds, or the time beyond what JSON holds.
    Parameters,
    /// `params._meta` is there and no object.
    Meta,
    /// The key is not the current holder's.
    NotTheHolder,
}

impl fmt::Display for SignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Parameters => "the nonce needs 16 to 64 bytes and the lifetime 1 to 300 seconds",
            Self::Meta => "_meta of the message's parameters is no object",
            Self::NotTheHolder => "the key is not the one that the token names as its current holder",
        })
    }
}

impl core::error::Error for SignError {}
