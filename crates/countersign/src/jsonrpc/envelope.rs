//! The proof inside a message: stages 2 and 3.

use super::{ENVELOPE, Message};
use crate::code::{Code, Stage};
use crate::denial::Denial;
use crate::encoding::from_base64url;
use crate::json::{Object, Value};
use crate::time::{SKEW, UnixTime};

/// What the envelope of a message says.
pub(crate) struct Envelope<'m> {
    pub(crate) token: &'m str,
    pub(crate) service: &'m str,
    pub(crate) created: UnixTime,
    pub(crate) expires: UnixTime,
    pub(crate) nonce: Vec<u8>,
    pub(crate) keyid: &'m str,
    /// 64 bytes where the signature can be one at all.
    pub(crate) signature: Option<[u8; 64]>,
}

const MEMBERS: [&str; 8] = ["v", "token", "service", "created", "expires", "nonce", "keyid", "sig"];

impl<'m> Envelope<'m> {
    pub(crate) fn read(message: &'m Message, now: UnixTime) -> Result<Self, Denial> {
        let deny = |stage: Stage, code, detail| Err(Denial::new(stage, code, detail));
        // spec: JR-7
        let Some(envelope) = message.meta(ENVELOPE) else {
            return deny(3, Code::SignatureRequired, "no envelope");
        };
        // spec: JR-9
        let Some(envelope) = envelope.as_object() else {
            return deny(3, Code::ParamsInvalid, "envelope is no object");
        };
        // spec: JR-6
        if envelope.member("token").is_none_or(|token| token.as_str() == Some("")) {
            return deny(2, Code::TokenMissing, "no token");
        }
        // spec: JR-8
        if MEMBERS.iter().any(|name| envelope.member(name).is_none()) {
            return deny(3, Code::ParamsIncomplete, "a member of the envelope is missing");
        }
        let Some((read, created, expires)) = typed(envelope) else {
            return deny(3, Code::ParamsInvalid, "an unknown member of the envelope, or one of another type or form");
        };
        // spec: JR-11
        let window = created < expires
            && expires.saturating_sub(created) <= 300
            && created <= signed(now.plus(SKEW))
            && signed(now) <= expires.saturating_add(signed(UnixTime(SKEW)));
        let time = |seconds: i64| u64::try_from(seconds).map(UnixTime);
        match (time(created), time(expires)) {
            (Ok(created), Ok(expires)) if window => Ok(Self { created, expires, ..read }),
            _ => deny(3, Code::WindowInvalid, "created and expires are no window around now"),
        }
    }
}

/// The members, each of its type and form; the times beside them, since they may be negative.
// spec: JR-9, JR-10
fn typed(envelope: &Object) -> Option<(Envelope<'_>, i64, i64)> {
    let text = |name| envelope.member(name).and_then(Value::as_str);
    let integer = |name| envelope.member(name).and_then(Value::as_integer);
    if integer("v")? != 1 || envelope.len() != MEMBERS.len() {
        return None;
    }
    let nonce = from_base64url(text("nonce")?).filter(|nonce| (16..=64).contains(&nonce.len()))?;
    let signature = from_base64url(text("sig")?)?;
    let read = Envelope {
        token: text("token")?,
        service: text("service")?,
        created: UnixTime(0),
        expires: UnixTime(0),
        nonce,
        keyid: text("keyid")?,
        signature: signature.try_into().ok(),
    };
    Some((read, integer("created")?, integer("expires")?))
}

fn signed(time: UnixTime) -> i64 {
    i64::try_from(time.0).unwrap_or(i64::MAX)
}
