//! A request through all twelve stages (`spec/verify.md`).

use sha2::{Digest as _, Sha256, Sha512};

use super::arguments::{self, Arguments, Body};
use super::block::Term;
use super::chain::{self, Chain};
use super::evaluate::{self, World};
use super::fields::{Bare, Member};
use super::json::{self, Json};
use super::message::Message;
use super::operation::{self, Operation};
use super::proof::{self, Proof, Signed};
use super::service::{Judgement, Service, judgement};
use super::{Faults, approvals, base64, charges, ed25519, framing, mcp, media};

/// What is asked, for the rules of stages 11 and 12.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    pub(super) service: Option<String>,
    pub(super) method: Option<String>,
    pub(super) authority: Option<String>,
    pub(super) path: Option<String>,
    pub(super) query: Option<String>,
    pub(super) binding: &'static str,
    pub(super) operation: &'a Operation,
    pub(super) args: Option<&'a Json>,
    pub(super) content_sha256: Option<String>,
    /// The other fields of the request.
    pub(super) fields: Vec<(String, Json)>,
    /// What `_meta` says besides the proof.
    pub(super) meta: Option<Json>,
    /// The value of `Countersign-Approval`.
    pub(super) approvals: Option<Vec<u8>>,
}

/// Decides a request.
pub(super) fn decide(message: &Message, service: &mut Service<'_>) -> Judgement {
    let mut faults = Faults::default();
    let authority = framing::stage_1(message, &service.limits(), &mut faults);
    let proof = proof::stages_2_and_3(message, service.now, &mut faults);
    // spec: TK-2 (a token that is too long is not decoded)
    let fits = !faults.0.iter().any(|fault| fault.rules == ["TK-2"]);
    let chain = proof.token.as_ref().filter(|_| fits).and_then(|token| chain::stage_4(token, &mut faults));
    let Some(chain) = chain else {
        body(message, service, &proof, &mut faults);
        return judgement(faults, None, "ed25519", None);
    };
    // A target that is no path is of no service and no operation.
    let has_path = !faults.0.iter().any(|fault| fault.rules == ["RQ-5"] || fault.rules == ["RQ-6"]);
    let of_path = has_path.then(|| service.of_path(message.path()));
    // spec: VF-6
    faults.need(of_path != Some(None), 5, "audience_mismatch", "VF-6");
    let keyid = proof.signed.as_ref().and_then(|signed| signed.keyid.as_ref());
    let keys = service.stage_5(&chain, (of_path.as_ref(), "VF-6"), keyid, "RQ-45", &mut faults);
    service.stage_6(&chain, &mut faults);
    if let Some(keys) = keys {
        chain::stage_7(&chain, &service.not_revoked(&keys), keys.len(), &mut faults);
    }
    stage_8(message, authority.as_deref(), proof.signed.as_ref(), &chain, &mut faults);
    body(message, service, &proof, &mut faults);
    let nonce = proof.signed.as_ref().and_then(|signed| signed.nonce.as_ref());
    service.stage_10(&chain, nonce, &mut faults);
    if !has_path {
        return judgement(faults, Some(&chain), "ed25519", None);
    }
    let components = proof.signed.as_ref().map_or(&[][..], |signed| &signed.components);
    let context = Http { message, authority, service: of_path.flatten(), keyid, nonce, components };
    let at_endpoint = service.mcp.is_some_and(|mcp| mcp.path.as_bytes() == message.path());
    let right = if at_endpoint {
        mcp::over_http(&context, &chain, service, &mut faults)
    } else {
        plain(&context, &chain, service, &mut faults)
    };
    judgement(faults, Some(&chain), "ed25519", right.as_ref())
}

/// A request whose proof was looked at.
#[derive(Debug)]
pub(super) struct Http<'a> {
    pub(super) message: &'a Message,
    pub(super) authority: Option<Vec<u8>>,
    pub(super) service: Option<String>,
    pub(super) keyid: Option<&'a String>,
    pub(super) nonce: Option<&'a String>,
    /// What the signature covers.
    pub(super) components: &'a [String],
}

impl Http<'_> {
    /// What it asks for, but for its arguments.
    pub(super) fn asks<'o>(&self, operation: &'o Operation) -> Asked<'o> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Asked {
            service: self.service.clone(),
            method: Some(text(&self.message.method)),
            authority: self.authority.as_deref().map(text),
            path: Some(text(self.message.path())),
            query: self.message.query().map(text),
            binding: "ed25519",
            operation,
            args: None,
            content_sha256: None,
            fields: self.other_fields(),
            meta: None,
            approvals: self.message.value("countersign-approval"),
        }
    }

    /// "Operation digest", the other fields.
    fn other_fields(&self) -> Vec<(String, Json)> {
        // "Token field": the scheme of ours stands in Authorization, or the token in a field of its own.
        let of_scheme = |value: Vec<u8>| value == b"Countersign" || value.starts_with(b"Countersign ");
        let token_header = if self.message.value("authorization").is_some_and(of_scheme) {
            "authorization"
        } else {
            "countersign-token"
        };
        let other = |name: &str| {
            name == "content-type"
                || !(name.starts_with('@') || TRANSPORT_SET.split_whitespace().any(|known| known == name))
        };
        let mut fields = Vec::new();
        for name in self.components {
            if !other(name) || name == token_header || name == "countersign-approval" {
                continue;
            }
            let Some(value) = self.message.value(name) else { continue };
            let shown = match name.as_str() {
                "authorization" | "proxy-authorization" | "cookie" => base64::hex(&ed25519::sha256(&value)),
                _ => String::from_utf8_lossy(&value).into_owned(),
            };
            fields.push((name.clone(), Json::Text(shown)));
        }
        fields
    }
}

/// "Uncovered fields and the application".
const TRANSPORT_SET: &str = "
    accept accept-charset accept-encoding accept-language baggage cache-control cdn-loop connection content-digest
    content-length content-type date expect forwarded host keep-alive max-forwards pragma priority proxy-connection
    signature signature-input te traceparent tracestate transfer-encoding user-agent via x-forwarded-for x-forwarded-host
    x-forwarded-port x-forwarded-prefix x-forwarded-proto x-forwarded-server x-real-ip x-request-id
";

// spec: RQ-46, RQ-47, RQ-48, VF-18
fn stage_8(message: &Message, authority: Option<&[u8]>, signed: Option<&Signed>, chain: &Chain, faults: &mut Faults) {
    // Without one of these there is no base, or nothing to hold against it.
    let no_base = ["RQ-31", "RQ-32", "RQ-33", "RQ-37"];
    if faults.0.iter().any(|fault| no_base.contains(&fault.rules[0])) {
        return;
    }
    let (Some(signed), Some(authority), Some(holder)) = (signed, authority, chain.holders.last()) else { return };
    let (Some(signature), Some(base)) = (&signed.signature, proof::base(message, authority, signed)) else { return };
    let Ok(key) = <&[u8; 32]>::try_from(holder.key.as_slice()) else { return };
    let verified = match <&[u8; 64]>::try_from(signature.as_slice()) {
        Ok(signature) => ed25519::verify(key, &base, signature),
        Err(_) => Err("RQ-48"),
    };
    if let Err(rule) = verified {
        faults.refuse_for(8, "signature_invalid", &["RQ-48", rule, "RQ-46", "RQ-47", "VF-18"]);
    }
}

/// Stage 9.
fn body(message: &Message, service: &Service<'_>, proof: &Proof, faults: &mut Faults) {
    // A message whose framing is refused has no one body.
    let framing = ["RQ-3", "RQ-10", "RQ-11"];
    if faults.0.iter().any(|fault| framing.contains(&fault.rules[0])) {
        return;
    }
    for (name, member) in proof.digests.iter().flatten() {
        let Member::Item(Bare::Bytes(given), _) = member else { continue };
        let computed = match name.as_str() {
            "sha-256" => Sha256::digest(&message.body).to_vec(),
            "sha-512" => Sha512::digest(&message.body).to_vec(),
            _ => continue,
        };
        // spec: RQ-49, RQ-50
        let rule = if message.body.is_empty() { "RQ-50" } else { "RQ-49" };
        faults.need(*given == computed, 9, "digest_mismatch", rule);
    }
    // spec: RQ-52
    let fits = message.announced || message.body.len() as u64 <= service.limits().max_body;
    faults.need(fits, 9, "body_too_large", "RQ-52");
    // spec: RQ-53
    faults.need(!message.trailers, 9, "trailer_rejected", "RQ-53");
    // spec: RQ-54
    if let Some(signed) = &proof.signed
        && !message.announced
        && !message.body.is_empty()
    {
        let covers = |name: &str| signed.components.iter().any(|known| known == name);
        faults.need(covers("content-digest") && covers("content-type"), 9, "body_uncovered", "RQ-54");
    }
}

/// Stages 11 and 12 of a request by the operation table. The right that it has.
fn plain(context: &Http<'_>, chain: &Chain, service: &mut Service<'_>, faults: &mut Faults) -> Option<[String; 3]> {
    let message = context.message;
    let operation = operation::of(message, service.config.operations.as_deref(), faults)?;
    operation::resource(&operation, Some(message.path()), faults);
    let (content, root) = read_body(message, &operation, faults);
    let query = message.query().map(|query| String::from_utf8_lossy(query).into_owned());
    let body = match &content {
        Content::None => Body::Absent,
        Content::Object if root.is_some() => Body::Object(root.as_ref()?),
        _ => Body::Other,
    };
    let arguments = arguments::extract(&operation, query.as_deref(), body);
    // spec: CK-30
    faults.need(arguments.is_ok(), 11, "body_ambiguous", "CK-30");
    let right = operation::right(&operation, &chain.claims.rights, faults).cloned();
    // Without arguments that can be told there is nothing to evaluate.
    if matches!(content, Content::Ambiguous) {
        return right;
    }
    let arguments = arguments.ok()?;
    let args = root.as_ref();
    let sha256 = base64::hex(&ed25519::sha256(&message.body));
    let content_sha256 = (args.is_none() && !message.body.is_empty()).then_some(sha256);
    let asked = Asked { args, content_sha256, ..context.asks(&operation) };
    authorise(&asked, &arguments, chain, service, faults);
    right
}

enum Content {
    None,
    Object,
    Other,
    Ambiguous,
}

/// Reads a body for its arguments.
// spec: RQ-55, RQ-56, CK-28
fn read_body(message: &Message, operation: &Operation, faults: &mut Faults) -> (Content, Option<Json>) {
    const CODE: &str = "body_ambiguous";
    if message.body.is_empty() {
        return (Content::None, None);
    }
    // spec: RQ-56
    let Some(media) = message.value("content-type").and_then(|value| media::read(&value)) else {
        // A body without the field at all was refused by RQ-35 or RQ-54.
        faults.need(!message.has("content-type"), 11, CODE, "RQ-56");
        return (Content::Ambiguous, None);
    };
    // spec: CK-28
    if !media.is_json() || message.body.len() > 1_048_576 || !operation.read_body {
        return (Content::Other, None);
    }
    faults.need(media.is_utf_8(), 11, CODE, "RQ-56");
    // spec: RQ-55
    let root = json::read(&message.body).ok();
    if message.has("content-encoding") || root.is_none() {
        faults.refuse(11, CODE, "RQ-55");
        return (Content::Ambiguous, None);
    }
    match root {
        Some(object @ Json::Object(_)) => (Content::Object, Some(object)),
        _ => (Content::Other, None),
    }
}

/// Checks, approvals and charges: the same for every kind of proof.
pub(super) fn authorise(
    asked: &Asked<'_>,
    arguments: &Arguments,
    chain: &Chain,
    service: &mut Service<'_>,
    faults: &mut Faults,
) {
    let world = World {
        facts: facts(asked, chain, service.now),
        arguments,
        urls: &asked.operation.urls,
        paths: &asked.operation.paths,
    };
    let checks = chain.blocks.iter().filter_map(|signed| signed.block.as_ref()).flat_map(|block| &block.checks);
    // A check that stage 4 refused can't be evaluated.
    if faults.0.iter().all(|fault| fault.stage != 4) {
        evaluate::all(checks, &world, faults);
    }
    let used = approvals::stage_11(asked.approvals.as_deref(), asked, chain, service.now, faults);
    charges::stage_12(chain, asked.operation, arguments, &used, service.now, &mut service.charges, faults);
}

/// The facts of the verifier.
// spec: CK-6
pub(super) fn facts(asked: &Asked<'_>, chain: &Chain, now: i64) -> Vec<(&'static str, Vec<Term>)> {
    let claims = &chain.claims;
    let text = |text: &str| vec![Term::Text(text.to_owned())];
    let maybe = |value: &Option<String>| value.as_deref().map(text);
    let mut facts = vec![
        ("time", vec![Term::Date(now as u64)]),
        ("type", text(&asked.operation.kind)),
        ("resource", text(&asked.operation.resource)),
        ("action", text(&asked.operation.action)),
        ("binding", text(asked.binding)),
    ];
    let texts = [
        ("service", maybe(&asked.service)),
        ("method", maybe(&asked.method)),
        ("authority", maybe(&asked.authority)),
        ("path", maybe(&asked.path)),
        ("tool", maybe(&asked.operation.tool)),
        ("user", maybe(&claims.user)),
        ("purpose", maybe(&claims.purpose)),
        ("issuer", maybe(&claims.issuer)),
        ("holder", chain.holders.last().map(|holder| vec![Term::Bytes(holder.key.clone())])),
        ("agent", claims.agent.clone().map(|(name, key)| vec![Term::Text(name), Term::Bytes(key)])),
    ];
    facts.extend(texts.into_iter().filter_map(|(name, terms)| Some((name, terms?))));
    facts
}
