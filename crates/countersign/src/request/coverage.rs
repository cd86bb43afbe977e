//! Stage 3: the one signature of ours, what it covers, and its parameters (`spec/request.md`, Coverage, Parameters).

use super::base;
use super::fields::{BareItem, InnerList, byte_sequences, inner_lists, sized};
use super::framing::Framed;
use super::parts::{BodyLength, Parts};
use super::{REQUEST_TAG, SESSION_TAG, is_protected_field};
use crate::code::Code;
use crate::denial::Denial;
use crate::encoding::from_base64url;
use crate::key::Signature;
use crate::time::{SKEW, UnixTime};

/// How long a signature may be valid, in seconds.
const WINDOW: i64 = 300;

/// What was signed, ready for the key.
#[derive(Debug)]
pub(crate) struct Selected<'a> {
    pub(crate) base: Vec<u8>,
    /// `None` where it has another length than 64 bytes, which stage 8 tells.
    pub(crate) signature: Option<Signature>,
    /// Names of covered fields and components.
    pub(crate) covered: Vec<&'a str>,
    pub(crate) created: UnixTime,
    pub(crate) expires: UnixTime,
    pub(crate) nonce: Vec<u8>,
    pub(crate) keyid: &'a str,
    /// Whether `content-digest` and `content-type` are covered.
    pub(crate) body_covered: bool,
}

fn deny(code: Code, detail: &'static str) -> Denial {
    Denial::new(3, code, detail)
}

pub(crate) fn select<'a>(parts: &Parts<'a>, framed: &'a Framed<'a>, now: UnixTime) -> Result<Selected<'a>, Denial> {
    let malformed = |detail| Denial::new(2, Code::HeaderMalformed, detail);
    let tagged = match &framed.signature_input {
        None => Vec::new(),
        Some(text) => inner_lists(text, |list| matches!(tag(list), Some(REQUEST_TAG | SESSION_TAG)))
            .map_err(|_| malformed("Signature-Input is not in its one form"))?,
    };
    let label = tagged.first().map(|list| list.label);
    let signatures = match &framed.signature {
        None => Vec::new(),
        Some(text) => byte_sequences(text, |known| Some(known) == label)
            .map_err(|_| malformed("Signature is not in its one form"))?,
    };
    let ours = ours(&tagged)?;
    let signature = signatures.first().map(|(_, bytes)| *bytes);
    // spec: RQ-30
    let signature = signature.ok_or(deny(Code::SignatureRequired, "Signature has no member of our label"))?;
    let covered = covered(parts, framed, &ours)?;
    // spec: RQ-35
    let body_covered = covered.contains(&"content-digest") && covered.contains(&"content-type");
    if parts.body != BodyLength::Known(0) && parts.body != BodyLength::Unknown && !body_covered {
        return Err(deny(Code::BodyUncovered, "there is a body and its digest or type is not covered"));
    }
    // spec: RQ-36
    for field in &parts.fields {
        if is_protected_field(field.name) && !covered.iter().any(|name| name.eq_ignore_ascii_case(field.name)) {
            return Err(deny(Code::HeaderUncovered, "protected field that is not covered"));
        }
    }
    let base = base::build(parts, framed, &covered, ours.text)?;
    let parameters = Parameters::read(&ours, now)?;
    Ok(Selected {
        base,
        signature: sized(signature).map(Signature),
        covered,
        created: parameters.created,
        expires: parameters.expires,
        nonce: parameters.nonce,
        keyid: parameters.keyid,
        body_covered,
    })
}

fn tag<'a>(list: &InnerList<'a>) -> Option<&'a str> {
    match list.parameter("tag") {
        Some(BareItem::String(tag)) => Some(tag),
        _ => None,
    }
}

/// Selected by tag, never by label.
// spec: RQ-27, RQ-28, RQ-29
fn ours<'a>(tagged: &[InnerList<'a>]) -> Result<InnerList<'a>, Denial> {
    if tagged.iter().any(|list| tag(list) == Some(SESSION_TAG)) {
        return Err(deny(Code::TagInvalid, "session tag outside a session"));
    }
    match tagged {
        [] => Err(deny(Code::SignatureRequired, "no signature with our tag")),
        [ours] => Ok(*ours),
        _ => Err(deny(Code::SignatureAmbiguous, "two signatures with our tag")),
    }
}

// spec: RQ-31, RQ-32, RQ-33
fn covered<'a>(parts: &Parts<'_>, framed: &Framed<'_>, ours: &InnerList<'a>) -> Result<Vec<&'a str>, Denial> {
    let mut covered: Vec<&str> = Vec::with_capacity(8);
    let mut lines = vec![false; parts.fields.len()];
    for item in ours.items() {
        let BareItem::String(name) = item.value else {
            return Err(deny(Code::ComponentsInvalid, "component that is no string"));
        };
        let derived = matches!(name, "@method" | "@authority" | "@path" | "@query");
        let field =
            !name.is_empty() && name.bytes().all(|b| super::fields::is_token_byte(b) && !b.is_ascii_uppercase());
        if !derived && !field {
            return Err(deny(
                Code::ComponentsInvalid,
                "component that is no field name and none of the four derived ones",
            ));
        }
        if item.has_parameters {
            return Err(deny(Code::ComponentsInvalid, "component with parameters"));
        }
        // A field is known by its first line, so that neither the list nor what it costs grows past the message.
        // spec: RQ-37
        let line = if derived { None } else { Some(parts.position(name)) };
        let twice = match line {
            None => covered.contains(&name),
            Some(None) => return Err(deny(Code::ComponentUnresolvable, "covered field is absent")),
            Some(Some(line)) => lines.get_mut(line).is_none_or(|seen| core::mem::replace(seen, true)),
        };
        if twice {
            return Err(deny(Code::ComponentsInvalid, "component twice"));
        }
        covered.push(name);
    }
    // spec: RQ-34
    for required in ["@method", "@authority", "@path", "@query", framed.token_field] {
        if !covered.contains(&required) {
            return Err(deny(Code::ComponentsIncomplete, "component that must be covered is not"));
        }
    }
    Ok(covered)
}

struct Parameters<'a> {
    created: UnixTime,
    expires: UnixTime,
    nonce: Vec<u8>,
    keyid: &'a str,
}

impl<'a> Parameters<'a> {
    // spec: RQ-40, RQ-41, RQ-42, RQ-43
    fn read(ours: &InnerList<'a>, now: UnixTime) -> Result<Self, Denial> {
        let invalid = |detail| deny(Code::ParamsInvalid, detail);
        let (mut created, mut expires, mut nonce, mut keyid, mut alg) = (None, None, None, None, None);
        for (key, value) in ours.parameters() {
            match (key, value) {
                ("created", BareItem::Integer(at)) => created = Some(at),
                ("expires", BareItem::Integer(at)) => expires = Some(at),
                ("nonce", BareItem::String(text)) => nonce = Some(text),
                ("keyid", BareItem::String(text)) => keyid = Some(text),
                ("alg", BareItem::String(text)) => alg = Some(text),
                ("tag", _) => {}
                _ => return Err(invalid("signature parameter unknown or of a wrong type")),
            }
        }
        let missing = deny(Code::ParamsIncomplete, "signature parameter missing");
        let (Some(created), Some(expires), Some(nonce), Some(keyid)) = (created, expires, nonce, keyid) else {
            return Err(missing);
        };
        let nonce = from_base64url(nonce).filter(|nonce| (16..=64).contains(&nonce.len()));
        let nonce = nonce.ok_or(invalid("nonce that is not 16 to 64 bytes in base64url"))?;
        if alg.is_some_and(|alg| alg != "ed25519") {
            return Err(deny(Code::AlgRejected, "algorithm other than the key's"));
        }
        let (created, expires) = window(created, expires, now)?;
        Ok(Self { created, expires, nonce, keyid })
    }
}

// spec: RQ-44
fn window(created: i64, expires: i64, now: UnixTime) -> Result<(UnixTime, UnixTime), Denial> {
    let outside = deny(Code::WindowInvalid, "created and expires are no window around now");
    // RFC 9651 integers have 15 digits at most: nothing here overflows.
    let ordered = created < expires && expires.saturating_sub(created) <= WINDOW;
    let (Ok(created), Ok(expires)) = (u64::try_from(created), u64::try_from(expires)) else { return Err(outside) };
    if ordered && created <= now.plus(SKEW).0 && now.0 <= expires.saturating_add(SKEW) {
        Ok((UnixTime(created), UnixTime(expires)))
    } else {
        Err(outside)
    }
}
