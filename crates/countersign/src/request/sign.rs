//! Signing a request, in two halves.

use core::fmt;

use super::authority::{Scheme, normalise};
use super::coverage::select;
use super::digest::{DigestAlgorithm, content_digest};
use super::framing::{Names, frame, split_target};
use super::parts::{BodyLength, Parts};
use super::{REQUEST_TAG, is_protected_field, is_transport_field};
use crate::code::Code;
use crate::denial::Denial;
use crate::encoding::{to_base64, to_base64url};
use crate::key::{Signature, SigningKey};
use crate::time::UnixTime;
use crate::token::SealedToken;

/// The label of our signature. Verifiers select by tag, never by label.
const LABEL: &str = "countersign";

/// Which field carries the token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenField {
    /// `Authorization: Countersign …`.
    #[default]
    Authorization,
    /// `Countersign-Token: …`, where `Authorization` is taken.
    CountersignToken,
}

/// A request to be signed.
///
/// ```
/// use countersign::key::SigningKey;
/// use countersign::request::SignRequest;
/// use countersign::time::UnixTime;
/// # use countersign::token::{Grant, Right};
/// # let (issuer, agent, next) = (SigningKey::from_seed(&[1; 32]), SigningKey::from_seed(&[2; 32]), SigningKey::from_seed(&[3; 32]));
/// # let now = UnixTime(1_795_453_200);
/// # let token = Grant::new("https://hub.example", "alice@example.com", "calendar-bot", agent.public()).purpose("scheduling")
/// #     .audience("https://calendar.example.com").valid(now, now.plus(3600))
/// #     .right(Right { r#type: "http", location: "/", action: "GET" }).sign(&issuer, &next)?;
/// let sealed = token.seal()?;
/// let nonce = [7; 16]; // fresh randomness for each request
/// let fields = SignRequest::new("GET", "https://calendar.example.com/calendars/primary?from=today", &sealed)
///     .created(now, nonce.to_vec())
///     .sign(&agent)?;
/// let names: Vec<_> = fields.iter().map(|(name, _)| name).collect();
/// assert_eq!(names, ["host", "authorization", "signature-input", "signature"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct SignRequest<'a> {
    method: &'a str,
    url: &'a str,
    token: &'a SealedToken,
    token_field: TokenField,
    fields: Vec<(String, String)>,
    body: Option<&'a [u8]>,
    digest: DigestAlgorithm,
    created: UnixTime,
    lifetime: u64,
    nonce: Vec<u8>,
    algorithm: bool,
}

impl<'a> SignRequest<'a> {
    /// Starts with a method and an absolute `http` or `https` URL.
    pub fn new(method: &'a str, url: &'a str, token: &'a SealedToken) -> Self {
        Self {
            method,
            url,
            token,
            token_field: TokenField::default(),
            fields: Vec::new(),
            body: None,
            digest: DigestAlgorithm::Sha256,
            created: UnixTime(0),
            lifetime: 60,
            nonce: Vec::new(),
            algorithm: false,
        }
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

    /// A field of the request. All fields but those of transport are covered.
    #[must_use]
    pub fn field(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_ascii_lowercase(), value.trim_matches([' ', '\t']).to_owned()));
        self
    }

    /// The body as it will be sent. It needs a `content-type` field.
    #[must_use]
    pub fn body(mut self, body: &'a [u8]) -> Self {
        self.body = Some(body);
        self
    }

    /// The digest of the body; sha-256 unless said.
    #[must_use]
    pub fn digest(mut self, algorithm: DigestAlgorithm) -> Self {
        self.digest = algorithm;
        self
    }

    /// Where the token stands.
    #[must_use]
    pub fn token_field(mut self, field: TokenField) -> Self {
        self.token_field = field;
        self
    }

    /// Whether the optional `alg` parameter is written.
    #[must_use]
    pub fn with_alg(mut self, written: bool) -> Self {
        self.algorithm = written;
        self
    }

    /// Fixes the bytes to be signed.
    pub fn prepare(self) -> Result<UnsignedRequest, SignError> {
        let (scheme, authority, target) = split_url(self.url)?;
        let authority = normalise(authority, scheme).ok_or(SignError::Url)?;
        if !(16..=64).contains(&self.nonce.len()) || !(1..=300).contains(&self.lifetime) {
            return Err(SignError::Parameters);
        }
        let mut fields = vec![("host".to_owned(), authority.clone())];
        fields.extend(self.fields.into_iter().filter(|(name, _)| name != "host"));
        let token = self.token.to_text();
        fields.push(match self.token_field {
            TokenField::Authorization => ("authorization".to_owned(), ["Countersign ", &token].concat()),
            TokenField::CountersignToken => ("countersign-token".to_owned(), token),
        });
        let body = self.body.filter(|body| !body.is_empty());
        if let Some(body) = body {
            if !fields.iter().any(|(name, _)| name == "content-type") {
                return Err(SignError::ContentType);
            }
            fields.push(("content-digest".to_owned(), content_digest(self.digest, body)));
        }
        let mut covered = vec!["@method", "@authority", "@path", "@query"];
        for (name, _) in &fields {
            if covered.contains(&name.as_str()) || !covers(name, body.is_some()) {
                continue;
            }
            covered.push(name);
        }
        let mut parameters = String::from("(");
        for (index, name) in covered.iter().enumerate() {
            if index > 0 {
                parameters.push(' ');
            }
            parameters.extend(["\"", name, "\""]);
        }
        let expires = self.created.plus(self.lifetime);
        parameters.push_str(&format!(
            ");created={};expires={};nonce=\"{}\";keyid=\"{}\";tag=\"{REQUEST_TAG}\"{}",
            self.created.0,
            expires.0,
            to_base64url(&self.nonce),
            self.token.holder().id(),
            if self.algorithm { ";alg=\"ed25519\"" } else { "" },
        ));
        let names = Names { scheme, authorities: &[authority], max_body: u64::MAX };
        let body_length = BodyLength::Known(body.map_or(0, <[u8]>::len) as u64);
        let base = base_as_verified(&names, self.method, target, body_length, &fields, &parameters, self.created)?;
        Ok(UnsignedRequest { base, parameters, fields, target: target.to_owned() })
    }

    /// Signs with a key at hand.
    pub fn sign(self, holder: &SigningKey) -> Result<SignedFields, SignError> {
        if self.token.holder() != holder.public() {
            return Err(SignError::NotTheHolder);
        }
        let unsigned = self.prepare()?;
        let signature = holder.sign(unsigned.base());
        Ok(unsigned.complete(signature))
    }
}

/// The signature base as a verifier builds it: what no verifier would take is not signed either.
fn base_as_verified(
    names: &Names<'_>,
    method: &str,
    target: &str,
    body: BodyLength,
    fields: &[(String, String)],
    parameters: &str,
    created: UnixTime,
) -> Result<Vec<u8>, SignError> {
    let refused = |denial: Denial| SignError::Refused(denial.code());
    let input = [LABEL, "=", parameters].concat();
    let placeholder = format!("{LABEL}=:{}:", to_base64(&[0; 64]));
    let mut parts = Parts::new(method, target).body(body);
    parts.extend(fields.iter().map(|(name, value)| (name.as_str(), value.as_bytes())));
    parts.extend([("signature-input", input.as_bytes()), ("signature", placeholder.as_bytes())]);
    let framed = frame(&parts, names).map_err(refused)?;
    select(&parts, &framed, created).map(|selected| selected.base).map_err(refused)
}

/// Whether a signer covers a field: all but those that intermediaries may change, and what must be covered anyway.
fn covers(name: &str, has_body: bool) -> bool {
    !is_transport_field(name) || is_protected_field(name) || (has_body && name == "content-type")
}

fn split_url(url: &str) -> Result<(Scheme, &str, &str), SignError> {
    let (scheme, rest) = url.split_once("://").ok_or(SignError::Url)?;
    let scheme = match scheme.to_ascii_lowercase().as_str() {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        _ => return Err(SignError::Url),
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, target) = rest.split_at_checked(end).ok_or(SignError::Url)?;
    let target = if target.is_empty() { "/" } else { target };
    let visible = |b: u8| matches!(b, 0x21..=0x7e) && b != b'#';
    if !target.starts_with('/') || !target.bytes().all(visible) || split_target(target).1 == Some("") {
        return Err(SignError::Url);
    }
    Ok((scheme, authority, target))
}

/// A request whose signature base waits for the holder's key, wherever it lives.
pub struct UnsignedRequest {
    base: Vec<u8>,
    parameters: String,
    fields: Vec<(String, String)>,
    target: String,
}

impl UnsignedRequest {
    /// The signature base: the bytes to sign with Ed25519.
    pub fn base(&self) -> &[u8] {
        &self.base
    }

    /// Takes the signature by the current holder's key.
    pub fn complete(mut self, signature: Signature) -> SignedFields {
        self.fields.push(("signature-input".to_owned(), [LABEL, "=", &self.parameters].concat()));
        self.fields.push(("signature".to_owned(), format!("{LABEL}=:{}:", to_base64(signature.as_bytes()))));
        SignedFields { target: self.target, fields: self.fields }
    }
}

/// All fields of a signed request, the caller's own included; `content-length` is the transport's to add.
#[derive(Clone)]
pub struct SignedFields {
    target: String,
    fields: Vec<(String, String)>,
}

impl SignedFields {
    /// The request target in origin-form.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Names, lower-case, and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

// Tokens, cookies and bodies stay out of logs.
impl fmt::Debug for SignRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignRequest").field("method", &self.method).field("token", self.token).finish_non_exhaustive()
    }
}

impl fmt::Debug for UnsignedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnsignedRequest").field("parameters", &self.parameters).finish_non_exhaustive()
    }
}

impl fmt::Debug for SignedFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.iter().map(|(name, _)| name).collect();
        f.debug_struct("SignedFields").field("names", &names).finish_non_exhaustive()
    }
}

/// A request that can't be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignError {
    /// The URL is not an absolute http or https URL that a target can be made of.
    Url,
    /// The nonce is not 16 to 64 bytes, or the lifetime not 1 to 300 seconds.
    Parameters,
    /// A body without a content type.
    ContentType,
    /// The request is one that verifiers refuse, with this code: a field that rewrites it, a name or value with bytes that
    /// no message may have, a size over its limit.
    Refused(Code),
    /// The key is not the current holder's.
    NotTheHolder,
}

impl fmt::Display for SignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused(code) => return write!(f, "every verifier would refuse this request: {code}"),
            Self::Url => "not an absolute http or https URL without fragment and bare question mark",
            Self::Parameters => "the nonce needs 16 to 64 bytes and the lifetime 1 to 300 seconds",
            Self::ContentType => "a body needs a content-type field",
            Self::NotTheHolder => "the key is not the one that the token names as its current holder",
        })
    }
}

impl core::error::Error for SignError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::{Grant, Right};

    fn sign(method: &str, field: (&str, &str)) -> Result<SignedFields, SignError> {
        let (agent, now) = (SigningKey::from_seed(&[2; 32]), UnixTime(1_795_453_200));
        let token = Grant::new("https://hub.example", "alice@example.com", "calendar-bot", agent.public())
            .valid(now, now.plus(60))
            .right(Right { r#type: "http", location: "/", action: "GET" })
            .sign(&agent, &agent)
            .and_then(|token| token.seal())
            .unwrap();
        SignRequest::new(method, "https://a.example/", &token)
            .created(now, vec![0; 16])
            .field(field.0, field.1)
            .sign(&agent)
    }

    #[test]
    fn debug_shows_no_token_and_no_value() {
        let fields = sign("GET", ("cookie", "secret-cookie")).unwrap();
        let token = fields.iter().find(|(name, _)| *name == "authorization").unwrap().1.replace("Countersign ", "");
        let mut parts = Parts::new("GET", fields.target());
        parts.extend(fields.iter().map(|(name, value)| (name, value.as_bytes())));
        for text in [format!("{fields:?}"), format!("{parts:?}")] {
            assert!(
                text.contains("authorization") && !text.contains(&token) && !text.contains("secret-cookie"),
                "{text}"
            );
        }
    }

    #[test]
    fn signs_nothing_that_every_verifier_refuses() {
        assert!(sign("GET", ("x-note", "a")).is_ok());
        for (method, field, code) in [
            ("GET / HTTP/1.1\r\nx: y", ("x-note", "a"), Code::HeaderMalformed),
            ("CONNECT", ("x-note", "a"), Code::HeaderRefused),
            ("GET", ("x-a: b\r\nx-b", "a"), Code::HeaderMalformed),
            ("GET", ("x-note", "a\r\nb"), Code::HeaderMalformed),
            ("GET", ("x-note", "\u{fc}"), Code::HeaderMalformed),
            ("GET", ("x-original-url", "/"), Code::HeaderRefused),
            ("GET", ("trailer", "x"), Code::TrailerRejected),
            ("GET", ("signature", "a=:AA==:, a=:AA==:"), Code::HeaderMalformed),
            ("GET", ("authorization", "Bearer x"), Code::TokenAmbiguous),
            ("GET", ("content-digest", "md5=:AA==:"), Code::DigestAlgRejected),
        ] {
            assert_eq!(sign(method, field).map(|_| ()), Err(SignError::Refused(code)), "{method:?} {field:?}");
        }
    }
}
