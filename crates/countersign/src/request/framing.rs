//! Stages 1 and 2: sizes, framing and the fields that the profile reads (`spec/request.md`, Framing).

use std::borrow::Cow;

use super::authority::{Scheme, normalise};
use super::digest::{Expected, FieldError};
use super::fields::is_token_byte;
use super::limit;
use super::parts::{BodyLength, Parts};
use crate::code::{Code, Stage};
use crate::denial::Denial;
use crate::token::layout::limit::TOKEN_CHARS;

/// What stands before the token in `Authorization`.
const SCHEME: &[u8] = b"Countersign ";

/// Fields that ask a server to treat the request as another one.
const REFUSED_FIELDS: &[&str] = &[
    "x-http-method-override",
    "x-http-method",
    "x-method-override",
    "x-original-url",
    "x-original-uri",
    "x-original-method",
    "x-rewrite-url",
    "upgrade",
];

/// A head in its one reading.
#[derive(Debug)]
pub(crate) struct Framed<'a> {
    pub(crate) path: &'a str,
    /// What follows `?`, if there is one.
    pub(crate) query: Option<&'a str>,
    /// Normalised.
    pub(crate) authority: String,
    pub(crate) token: &'a [u8],
    /// The field that carries the token.
    pub(crate) token_field: &'static str,
    pub(crate) signature_input: Option<Cow<'a, str>>,
    pub(crate) signature: Option<Cow<'a, str>>,
    pub(crate) digest: Expected,
}

/// Where a request may be addressed to.
pub(crate) struct Names<'a> {
    pub(crate) scheme: Scheme,
    /// Normalised under the scheme.
    pub(crate) authorities: &'a [String],
    pub(crate) max_body: u64,
}

/// The path and the query of a target, without a judgement on either.
pub(crate) fn split_target(target: &str) -> (&str, Option<&str>) {
    match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    }
}

pub(crate) fn frame<'a>(parts: &Parts<'a>, names: &Names<'_>) -> Result<Framed<'a>, Denial> {
    sizes(parts, names.max_body)?;
    let (path, query) = target(parts)?;
    lines(parts)?;
    let authority = authority(parts, names)?;
    let (token, token_field) = token(parts)?;
    let signature_input = joined(parts, "signature-input")?;
    let signature = joined(parts, "signature")?;
    let digest = match joined(parts, "content-digest")? {
        None => Expected::default(),
        Some(text) => Expected::parse(&text).map_err(|error| match error {
            FieldError::Malformed => malformed(2, "Content-Digest is not in its one form"),
            FieldError::Algorithm => Denial::new(2, Code::DigestAlgRejected, "Content-Digest has an unknown algorithm"),
        })?,
    };
    Ok(Framed { path, query, authority, token, token_field, signature_input, signature, digest })
}

fn malformed(stage: Stage, detail: &'static str) -> Denial {
    Denial::new(stage, Code::HeaderMalformed, detail)
}

fn over(detail: &'static str) -> Denial {
    Denial::new(1, Code::LimitExceeded, detail)
}

// spec: RQ-1, RQ-2, RQ-3
fn sizes(parts: &Parts<'_>, max_body: u64) -> Result<(), Denial> {
    if parts.target.len() > limit::TARGET {
        return Err(over("target longer than 8 KiB"));
    }
    if parts.fields.len() > limit::FIELDS {
        return Err(over("more than 128 field lines"));
    }
    let fields: usize = parts.fields.iter().map(|field| field.name.len().saturating_add(field.value.len())).sum();
    if fields.saturating_add(parts.target.len()).saturating_add(parts.method.len()) > limit::HEAD {
        return Err(over("head longer than 32 KiB"));
    }
    for (name, most) in [
        ("signature-input", limit::SIGNATURE),
        ("signature", limit::SIGNATURE),
        ("content-digest", limit::CONTENT_DIGEST),
    ] {
        let joined: usize = parts.lines(name).map(|line| line.len().saturating_add(2)).sum();
        if joined > most.saturating_add(2) {
            return Err(over("a signature or digest field longer than its limit"));
        }
    }
    let authorizations = parts.lines("authorization").filter_map(|value| value.strip_prefix(SCHEME));
    // spec: TK-2
    if authorizations.chain(parts.lines("countersign-token")).any(|token| token.len() > TOKEN_CHARS) {
        return Err(over("token longer than 6,827 characters"));
    }
    match parts.body {
        BodyLength::Known(len) if len > max_body => {
            Err(Denial::new(1, Code::BodyTooLarge, "body longer than the service reads"))
        }
        _ => Ok(()),
    }
}

// spec: RQ-4, RQ-5, RQ-6, RQ-7
fn target<'a>(parts: &Parts<'a>) -> Result<(&'a str, Option<&'a str>), Denial> {
    if parts.method.is_empty() || parts.method.len() > limit::METHOD || !parts.method.bytes().all(is_token_byte) {
        return Err(malformed(1, "method that is no token of 1 to 32 bytes"));
    }
    if parts.method.eq_ignore_ascii_case("CONNECT") {
        return Err(Denial::new(1, Code::HeaderRefused, "CONNECT"));
    }
    let visible = |b: u8| matches!(b, 0x21..=0x7e) && b != b'#';
    if !parts.target.starts_with('/') || !parts.target.bytes().all(visible) {
        return Err(malformed(1, "target that is not in origin-form"));
    }
    let (path, query) = split_target(parts.target);
    if query == Some("") {
        return Err(malformed(1, "target with a bare question mark"));
    }
    Ok((path, query))
}

// spec: RQ-8, RQ-9, RQ-10, RQ-11, RQ-12, RQ-13
fn lines(parts: &Parts<'_>) -> Result<(), Denial> {
    for field in &parts.fields {
        if field.name.is_empty() || !field.name.bytes().all(is_token_byte) {
            return Err(malformed(1, "field name that is no token"));
        }
        // Without an early end: so it goes many bytes at a time, and nothing is gained by ending early but by whoever sends it.
        if field.value.iter().fold(false, |found, b| found | matches!(b, 0..=8 | 10..=31 | 127)) {
            return Err(malformed(1, "control byte in a field value"));
        }
        if field.name.eq_ignore_ascii_case("trailer") {
            return Err(Denial::new(1, Code::TrailerRejected, "trailers announced"));
        }
        if REFUSED_FIELDS.iter().any(|refused| refused.eq_ignore_ascii_case(field.name)) {
            return Err(Denial::new(1, Code::HeaderRefused, "field that rewrites or upgrades the request"));
        }
    }
    let mut lengths = parts.lines("content-length");
    let length = lengths.next();
    if lengths.next().is_some() {
        return Err(malformed(1, "Content-Length twice"));
    }
    if length.is_some_and(|length| length.is_empty() || !length.iter().all(u8::is_ascii_digit)) {
        return Err(malformed(1, "Content-Length that is no number"));
    }
    let mut codings = parts.lines("transfer-encoding");
    match (codings.next(), codings.next()) {
        (None, _) => Ok(()),
        (Some(_), _) if length.is_some() => Err(malformed(1, "Content-Length beside Transfer-Encoding")),
        (Some(coding), None) if coding.eq_ignore_ascii_case(b"chunked") => Ok(()),
        (Some(_), _) => Err(malformed(1, "Transfer-Encoding other than chunked")),
    }
}

// spec: RQ-14, RQ-15, RQ-16, RQ-17
fn authority(parts: &Parts<'_>, names: &Names<'_>) -> Result<String, Denial> {
    let ambiguous = |detail| Denial::new(1, Code::AuthorityAmbiguous, detail);
    let one = |text: &str| normalise(text, names.scheme).ok_or(ambiguous("authority that is no host and port"));
    let mut hosts = parts.lines("host");
    let host = hosts.next();
    if hosts.next().is_some() {
        return Err(ambiguous("Host twice"));
    }
    let host = match host {
        None => None,
        Some(host) => Some(one(core::str::from_utf8(host).unwrap_or_default())?),
    };
    let pseudo = parts.authority.map(one).transpose()?;
    let authority = match (pseudo, host) {
        (Some(pseudo), Some(host)) if pseudo != host => return Err(ambiguous("Host and :authority differ")),
        (Some(authority), _) | (None, Some(authority)) => authority,
        (None, None) => return Err(ambiguous("neither Host nor :authority")),
    };
    if names.authorities.contains(&authority) {
        Ok(authority)
    } else {
        Err(Denial::new(1, Code::AuthorityMismatch, "authority of another service"))
    }
}

// spec: RQ-18, RQ-19, RQ-20, RQ-21, RQ-22
fn token<'a>(parts: &Parts<'a>) -> Result<(&'a [u8], &'static str), Denial> {
    let ambiguous = |detail| Denial::new(2, Code::TokenAmbiguous, detail);
    let mut authorizations = parts.lines("authorization");
    let authorization = authorizations.next();
    if authorizations.next().is_some() {
        return Err(ambiguous("Authorization twice"));
    }
    let mut tokens = parts.lines("countersign-token");
    let own = tokens.next();
    if tokens.next().is_some() {
        return Err(ambiguous("Countersign-Token twice"));
    }
    let authorization = match authorization {
        None => None,
        Some(value) => authorization_token(value)?,
    };
    let (token, field) = match (authorization, own) {
        (Some(_), Some(_)) => return Err(ambiguous("Authorization and Countersign-Token")),
        (Some(token), None) => (token, "authorization"),
        (None, Some(token)) => (token, "countersign-token"),
        (None, None) => return Err(Denial::new(2, Code::TokenMissing, "no token")),
    };
    // What is in it is for stage 4: even bytes that are no text.
    if token.is_empty() { Err(Denial::new(2, Code::TokenMissing, "empty token")) } else { Ok((token, field)) }
}

/// The credentials after our scheme; `None` under another scheme.
fn authorization_token(value: &[u8]) -> Result<Option<&[u8]>, Denial> {
    let end = value.iter().position(|b| *b == b' ').unwrap_or(value.len());
    let (scheme, rest) = value.split_at_checked(end).unwrap_or((value, &[]));
    if scheme == b"Countersign" {
        return Ok(Some(rest.get(1..).unwrap_or_default()));
    }
    if scheme == b"Countersign-Session" {
        return Err(Denial::new(2, Code::BindingNotAccepted, "sessions are not accepted here"));
    }
    let almost = [&b"countersign"[..], b"countersign-session"].iter().any(|ours| scheme.eq_ignore_ascii_case(ours));
    if almost { Err(malformed(2, "authorization scheme in another spelling")) } else { Ok(None) }
}

/// All lines of a field, joined as RFC 9110 says.
fn joined<'a>(parts: &Parts<'a>, name: &str) -> Result<Option<Cow<'a, str>>, Denial> {
    let text =
        |line: &'a [u8]| core::str::from_utf8(line).map_err(|_| malformed(2, "structured field that is not ASCII"));
    let mut lines = parts.lines(name);
    let Some(first) = lines.next() else { return Ok(None) };
    let mut all = Cow::Borrowed(text(first)?);
    for line in lines {
        let all = all.to_mut();
        all.push_str(", ");
        all.push_str(text(line)?);
    }
    Ok(Some(all))
}
