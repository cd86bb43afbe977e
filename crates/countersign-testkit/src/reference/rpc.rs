//! A signed JSON-RPC message through all stages (`spec/jsonrpc.md`).

use super::chain::{self, Chain};
use super::json::{self, Json};
use super::message::Message;
use super::proof::{in_window, is_nonce};
use super::request::{self, Asked};
use super::service::{Judgement, Service, judgement};
use super::{Faults, base64, ed25519, mcp};
use crate::format_rpc::{RpcVector, Sent};

const ENVELOPE: &str = "dev.countersign/request";

/// The envelope's members; what was missing or malformed is absent.
#[derive(Clone, Debug, Default)]
pub(super) struct Envelope {
    pub(super) token: Option<String>,
    pub(super) service: Option<String>,
    pub(super) nonce: Option<String>,
    pub(super) keyid: Option<String>,
    pub(super) sig: Option<Vec<u8>>,
}

/// Reads the one value, and looks at the root (JR-2 to JR-4).
pub(super) fn root(text: &[u8], stage: u8, faults: &mut Faults) -> Option<Json> {
    // spec: JR-2
    let Ok(root) = json::read(text) else {
        faults.refuse_for(stage, "body_ambiguous", &["JR-2", "RQ-55"]);
        return None;
    };
    // spec: JR-3
    if root.elements().is_some() {
        faults.refuse(stage, "batch_rejected", "JR-3");
        return None;
    }
    // spec: JR-4
    let fits = |(name, value): &(String, Json)| match name.as_str() {
        "jsonrpc" => value.text() == Some("2.0"),
        "method" => value.text().is_some(),
        "id" => value.text().is_some() || value.integer().is_some(),
        "params" => value.members().is_some(),
        _ => false,
    };
    let whole = root.members().is_some_and(|members| members.iter().all(fits))
        && root.get("jsonrpc").is_some()
        && root.get("method").is_some();
    faults.need(whole, stage, "body_ambiguous", "JR-4");
    whole.then_some(root)
}

/// The envelope of a message, by stages 1 to 3.
pub(super) fn envelope(root: &Json, now: i64, faults: &mut Faults) -> Option<Envelope> {
    let found = root.get("params").and_then(|params| params.get("_meta")).and_then(|meta| meta.get(ENVELOPE));
    // spec: JR-7
    let Some(object) = found else {
        faults.refuse(3, "signature_required", "JR-7");
        return None;
    };
    // spec: JR-9
    let Some(members) = object.members() else {
        faults.refuse(3, "params_invalid", "JR-9");
        return None;
    };
    // spec: JR-5
    let text = |name: &str| object.get(name).and_then(Json::text).map(str::to_owned);
    let integer = |name: &str| object.get(name).and_then(Json::integer);
    let token = text("token");
    faults.need(token.as_ref().is_none_or(|token| token.len() <= 6_827), 1, "limit_exceeded", "JR-5");
    // spec: JR-6 (the one member whose absence is of an earlier stage than JR-8)
    let present = object.get("token").is_some() && token.as_deref() != Some("");
    faults.need(present, 2, "token_missing", "JR-6");
    // spec: JR-8
    for name in ["v", "service", "created", "expires", "nonce", "keyid", "sig"] {
        faults.need(object.get(name).is_some(), 3, "params_incomplete", "JR-8");
    }
    // spec: JR-9
    for (name, value) in members {
        let fits = match name.as_str() {
            "v" | "created" | "expires" => value.integer().is_some(),
            "token" | "service" | "nonce" | "keyid" | "sig" => value.text().is_some(),
            _ => false,
        };
        faults.need(fits, 3, "params_invalid", "JR-9");
    }
    // spec: JR-10
    let sig = text("sig").map(|sig| base64::from_url(sig.as_bytes()));
    let good =
        integer("v").is_none_or(|v| v == 1) && text("nonce").is_none_or(|nonce| is_nonce(&nonce)) && sig != Some(None);
    faults.need(good, 3, "params_invalid", "JR-10");
    // spec: JR-11
    if let (Some(created), Some(expires)) = (integer("created"), integer("expires")) {
        faults.need(in_window(created, expires, now), 3, "window_invalid", "JR-11");
    }
    Some(Envelope { token, service: text("service"), nonce: text("nonce"), keyid: text("keyid"), sig: sig.flatten() })
}

/// The bytes that are signed.
fn signed_bytes(root: &Json) -> Vec<u8> {
    fn without(object: &Json, names: &[&str]) -> Vec<(String, Json)> {
        let kept = object.members().unwrap_or_default().iter().filter(|(name, _)| !names.contains(&name.as_str()));
        kept.cloned().collect()
    }
    let mut params = without(root.get("params").unwrap_or(&Json::Null), &[]);
    for (_, meta) in params.iter_mut().filter(|(name, _)| name == "_meta") {
        let mut members = without(meta, &mcp::RELAYED);
        for (_, envelope) in members.iter_mut().filter(|(name, _)| name == ENVELOPE) {
            *envelope = Json::Object(without(envelope, &["sig"]));
        }
        *meta = Json::Object(members);
    }
    let method = root.get("method").cloned().unwrap_or(Json::Null);
    let object = Json::Object(vec![("method".into(), method), ("params".into(), Json::Object(params))]);
    [b"countersign-jsonrpc-v1\0", json::jcs(&object).as_bytes()].concat()
}

/// Whether the signature holds under the current holder's key; the rule that it breaks otherwise.
// spec: JR-14
pub(super) fn verify(root: &Json, sig: &[u8], chain: &Chain) -> Result<(), &'static str> {
    let holder = chain.holders.last().ok_or("JR-14")?;
    let key: &[u8; 32] = holder.key.as_slice().try_into().map_err(|_| "JR-14")?;
    let sig: &[u8; 64] = sig.try_into().map_err(|_| "JR-14")?;
    ed25519::verify(key, &signed_bytes(root), sig)
}

/// Decides a message.
fn decide(text: &[u8], service: &mut Service<'_>) -> Judgement {
    const BINDING: &str = "jsonrpc";
    let mut faults = Faults::default();
    // spec: JR-1
    let fits = text.len() as u64 <= service.limits().max_body.min(1_048_576);
    faults.need(fits, 1, "body_too_large", "JR-1");
    let Some(root) = root(text, 1, &mut faults) else { return judgement(faults, None, BINDING, None) };
    let envelope = envelope(&root, service.now, &mut faults).unwrap_or_default();
    let token = envelope.token.as_ref().filter(|token| (1..=6_827).contains(&token.len()));
    let chain = token.and_then(|token| chain::stage_4(token.as_bytes(), &mut faults));
    let Some(chain) = chain else { return judgement(faults, None, BINDING, None) };
    // spec: JR-12
    let known = envelope.service.clone().filter(|name| service.config.audience.contains(name));
    faults.need(known.is_some() || envelope.service.is_none(), 5, "audience_mismatch", "JR-12");
    // spec: JR-13
    let keys = service.stage_5(&chain, (Some(&known), "JR-12"), envelope.keyid.as_ref(), "JR-13", &mut faults);
    service.stage_6(&chain, &mut faults);
    if let Some(keys) = keys {
        chain::stage_7(&chain, &service.not_revoked(&keys), keys.len(), &mut faults);
    }
    if let Some(Err(rule)) = envelope.sig.as_ref().map(|sig| verify(&root, sig, &chain)) {
        faults.refuse_for(8, "signature_invalid", &["JR-14", rule]);
    }
    // spec: JR-15
    service.stage_10(&chain, envelope.nonce.as_ref(), &mut faults);
    let mapped = mcp::map(&root, &service.mcp.expect("a vector of messages").server, &mut faults);
    let right = match mapped {
        Some(mcp::Mapped::Operation(operation, args)) => {
            // spec: JR-16
            let asked = Asked {
                service: known,
                method: None,
                authority: None,
                path: None,
                query: None,
                binding: BINDING,
                operation: &operation,
                args: args.as_ref(),
                content_sha256: None,
                fields: Vec::new(),
                meta: mcp::meta(&root, true),
                approvals: None,
            };
            mcp::authorise(&asked, None, &chain, service, &mut faults)
        }
        _ => None,
    };
    judgement(faults, Some(&chain), BINDING, right.as_ref())
}

/// Decides what a vector of messages sends, after what came before it.
///
/// # Errors
///
/// When one of those was denied.
pub fn decide_message(vector: &RpcVector) -> Result<Judgement, String> {
    let input = &vector.input;
    let mut service = Service::new(&input.config, input.revoked.as_ref(), Some(&input.mcp), input.now);
    let mut judge = |sent: &Sent| {
        let bytes = |text: &str| base64::from_url(text.as_bytes()).expect("base64url");
        match sent {
            Sent::Message(text) => decide(&bytes(text), &mut service),
            Sent::Request(text) => request::decide(&Message::read(&bytes(text), None), &mut service),
        }
    };
    for sent in &input.before {
        let judged = judge(sent);
        if !judged.is_allowed() {
            return Err(format!("what came before it: {}", judged.decision));
        }
    }
    Ok(judge(&input.sent))
}
