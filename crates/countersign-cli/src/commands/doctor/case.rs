//! What a request, its token and the service's configuration say, put where each explanation finds it.

use countersign::Stage;
use countersign::request::{BodyLength, Message, SignatureClaims, digest_algorithms, signature_claims};
use countersign::time::UnixTime;
use countersign::token::{Claims, UnverifiedToken, VerifiedChain};
use countersign::verify::{Authorized, Endpoint, Operations, Verifier};
use countersign_tower::mcp::Caller;

use crate::judge::Judge;
use crate::sentences::{list, span};
use crate::text::{quoted_within, visible_within, without_secrets};

/// The tag of signatures that a request outside a session has.
pub(super) const TAG: &str = countersign::request::REQUEST_TAG;

/// How much of a text that the sender wrote is shown.
const SHOWN: usize = 160;

/// One request, before one service.
pub(super) struct Case<'a> {
    pub(super) verifier: &'a Verifier,
    pub(super) operations: &'a Operations,
    /// The server of MCP, where the request goes to its endpoint.
    pub(super) mcp: Option<&'a Endpoint>,
    pub(super) message: &'a Message<'a>,
    pub(super) now: UnixTime,
    /// The token, where it can be read.
    pub(super) token: Option<UnverifiedToken>,
    /// The length of the token's text, where there is one.
    pub(super) token_chars: Option<usize>,
    /// The field that carries the token.
    pub(super) token_field: &'static str,
    /// The members of Signature-Input, where they can be read.
    pub(super) signatures: Vec<SignatureClaims>,
}

impl<'a> Case<'a> {
    pub(super) fn new(judge: &'a Judge, message: &'a Message<'a>, now: UnixTime) -> Self {
        let mut case = Self {
            verifier: &judge.verifier,
            operations: &judge.operations,
            mcp: judge.endpoint(message),
            message,
            now,
            token: None,
            token_chars: None,
            token_field: "authorization",
            signatures: signature_claims(message.parts()).unwrap_or_default(),
        };
        let own = case.lines("countersign-token").next();
        let credentials = case.lines("authorization").find_map(|line| line.strip_prefix(b"Countersign "));
        if credentials.is_none() && own.is_some() {
            case.token_field = "countersign-token";
        }
        let text = credentials.or(own).and_then(|text| core::str::from_utf8(text).ok());
        case.token_chars = text.map(str::len);
        case.token = text.and_then(|text| UnverifiedToken::from_text(text).ok());
        case
    }

    /// The lines of one field, in order.
    pub(super) fn lines(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        let fields = self.message.parts().fields().iter();
        fields.filter(move |field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.message.parts().fields().iter().any(|field| field.name.eq_ignore_ascii_case(name))
    }

    /// The path and the query of the target.
    pub(super) fn target(&self) -> (&'a str, Option<&'a str>) {
        let target = self.message.parts().target();
        target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)))
    }

    /// Where the request says that it goes: `:authority`, or Host.
    pub(super) fn authority(&self) -> Option<String> {
        let host = self.lines("host").next().map(|host| String::from_utf8_lossy(host).into_owned());
        self.message.parts().pseudo_authority().map(str::to_owned).or(host)
    }

    /// What the token claims, where it can be read.
    pub(super) fn claims(&self) -> Option<Claims<'_>> {
        self.token.as_ref().map(UnverifiedToken::claims)
    }

    /// The one signature of ours.
    pub(super) fn ours(&self) -> Option<&SignatureClaims> {
        self.signatures.iter().find(|signature| signature.tag.as_deref() == Some(TAG))
    }

    /// The length of the body, as announced or as it arrived.
    pub(super) fn body_size(&self) -> String {
        let bytes = match self.message.parts().body_length() {
            BodyLength::Known(bytes) => bytes,
            BodyLength::Unknown => self.message.body().len() as u64,
        };
        format!("{bytes} bytes")
    }

    fn body(&self) -> String {
        match self.message.parts().body_length() {
            BodyLength::Known(0) => "no body".to_owned(),
            BodyLength::Known(bytes) => format!("a body of {bytes} bytes"),
            BodyLength::Unknown => format!("a body of unannounced length, {} bytes", self.message.body().len()),
        }
    }

    /// What was seen of a stage that passed, in one line.
    pub(super) fn passed(&self, stage: Stage, chain: Option<&VerifiedChain>, caller: Option<&Caller>) -> String {
        let parts = self.message.parts();
        match stage {
            1 => {
                let (method, target) = (shown(parts.method()), shown(parts.target()));
                let authority = self.authority().map(|authority| shown(&authority)).unwrap_or_default();
                let (lines, body) = (parts.fields().len(), self.body());
                format!("{method} {target} at {authority}, {lines} field lines, {body}")
            }
            2 => {
                let digests = digest_algorithms(parts).unwrap_or_default();
                let digests = match digests.is_empty() {
                    true => "no Content-Digest".to_owned(),
                    false => format!("Content-Digest with {}", list(digests.into_iter(), "and")),
                };
                format!(
                    "a token in {}, {} in Signature-Input, {digests}",
                    self.token_field,
                    plural(self.signatures.len(), "signature")
                )
            }
            3 => self.ours().map(|ours| self.signature_line(ours)).unwrap_or_default(),
            4 => {
                let blocks = self.claims().map_or(0, Claims::block_count);
                format!("{}, sealed", plural(blocks, "block"))
            }
            5 => self.claims().map(|claims| self.claims_line(claims)).unwrap_or_default(),
            6 => "nothing of the token is revoked by a list that the configuration names".to_owned(),
            7 => match chain {
                Some(chain) => format!("all hold, the first under the issuer's key {}", chain.root().id()),
                None => "all hold, the first under a configured key of the issuer".to_owned(),
            },
            8 => {
                let holder = self.claims().map(|claims| claims.holder().id().to_string()).unwrap_or_default();
                format!("holds under the key {holder}")
            }
            9 if self.message.body().is_empty() => "no body".to_owned(),
            9 => format!("{} bytes, as they were signed", self.message.body().len()),
            10 => "new to this run, which remembers no other request; the service's store may know it".to_owned(),
            11 => match caller {
                Some(Caller::Operation(authorized)) => allowed_line(authorized),
                Some(Caller::Nothing(_)) => "it acts on nothing, so no right is asked for".to_owned(),
                None => "a right covers it and all checks pass".to_owned(),
            },
            _ => "nothing to charge".to_owned(),
        }
    }

    fn signature_line(&self, ours: &SignatureClaims) -> String {
        let covered = ours.components.iter().map(|name| shown_word(name));
        let expires = ours.expires.and_then(|at| u64::try_from(at).ok()).unwrap_or_default();
        let left = match expires.checked_sub(self.now.0) {
            Some(left) => format!("{} left", span(left)),
            None => "over, within the skew of clocks".to_owned(),
        };
        format!("covers {}; {left}", list(covered, "and"))
    }

    fn claims_line(&self, claims: Claims<'_>) -> String {
        let holder = claims.agents().last().map(|agent| shown(agent.name)).unwrap_or_default();
        let left = crate::sentences::validity(claims, self.now);
        let (issuer, audience) = (shown(claims.issuer()), shown(claims.audience()));
        format!("issuer {issuer}, for {audience}, until {} ({left}), held by {holder}", claims.expires())
    }
}

fn allowed_line(authorized: &Authorized) -> String {
    let claims = authorized.chain().claims();
    let right = authorized.right().map(|right| [right.r#type, right.location, right.action].join(":"));
    let checks: usize = (0..claims.block_count()).map(|block| claims.checks(block).len()).sum();
    let checks = match checks {
        1 => "its one check passes".to_owned(),
        checks => format!("all {checks} checks pass"),
    };
    format!(
        "{} is covered by the right {}; {checks}",
        operation(authorized.operation()),
        shown(&right.unwrap_or_default())
    )
}

/// An operation in words.
pub(super) fn operation(operation: &countersign::verify::Operation) -> String {
    let (r#type, resource, action) = (operation.r#type(), operation.resource(), operation.action());
    format!("{} on {} of type {}", shown(action), shown(resource), shown(r#type))
}

/// A count and its noun.
pub(super) fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// Text that anybody may have written: quoted, escaped, cut.
pub(super) fn shown(text: &str) -> String {
    cut(quoted_within(&without_secrets(text), SHOWN))
}

/// The same without quotes, for names of fields and of components.
pub(super) fn shown_word(text: &str) -> String {
    cut(visible_within(&without_secrets(text), SHOWN))
}

fn cut((shown, left): (String, usize)) -> String {
    match left {
        0 => shown,
        left => format!("{shown}… and {} more", plural(left, "character")),
    }
}

/// A key id, where a text is one: anything else that stands in its place may be a secret by mistake.
pub(super) fn key_id(text: &str) -> String {
    match text.parse::<countersign::key::KeyId>() {
        Ok(id) => id.to_string(),
        Err(_) => format!("a text of {} characters that is no key id", text.len()),
    }
}
