//! Stages 2 and 3: where the token stands, and the one signature that is ours (`spec/request.md`).

use super::fields::{self, Bare, Dictionary, Member, Parameters};
use super::framing::is_token;
use super::message::Message;
use super::{Faults, base64};

/// The signature's parameters; what was missing or malformed is absent.
#[derive(Clone, Debug, Default)]
pub(super) struct Signed {
    pub(super) components: Vec<String>,
    /// The member as it stands in the field.
    pub(super) text: String,
    pub(super) keyid: Option<String>,
    pub(super) nonce: Option<String>,
    /// The member of `Signature`.
    pub(super) signature: Option<Vec<u8>>,
}

/// What stages 2 and 3 find.
#[derive(Debug, Default)]
pub(super) struct Proof {
    pub(super) token: Option<Vec<u8>>,
    pub(super) digests: Option<Dictionary>,
    pub(super) signed: Option<Signed>,
}

/// Looks at the proof; stage 2, then stage 3.
pub(super) fn stages_2_and_3(message: &Message, now: i64, faults: &mut Faults) -> Proof {
    let (token, header) = token(message, faults);
    let inputs = dictionary(message, "signature-input", "RQ-23", faults, |member| matches!(member, Member::List(..)));
    let bytes = |member: &Member| matches!(member, Member::Item(Bare::Bytes(_), parameters) if parameters.is_empty());
    let signatures = dictionary(message, "signature", "RQ-24", faults, bytes);
    let digests = dictionary(message, "content-digest", "RQ-25", faults, bytes);
    // spec: RQ-26
    for (name, _) in digests.iter().flatten() {
        faults.need(name == "sha-256" || name == "sha-512", 2, "digest_alg_rejected", "RQ-26");
    }
    // A field that can't be read has no signature of ours to look at.
    let readable = |name: &str, read: &Option<Dictionary>| read.is_some() || !message.has(name);
    let mut signed = None;
    if readable("signature-input", &inputs) && readable("signature", &signatures) {
        signed =
            select(&inputs.unwrap_or_default(), &signatures.unwrap_or_default(), faults).map(|(text, list, p, s)| {
                let components = coverage(message, header, &list, faults);
                let mut signed = parameters(&p, now, faults);
                (signed.text, signed.components, signed.signature) = (text, components, s);
                signed
            });
    }
    Proof { token, digests, signed }
}

/// The token, and the name of its field.
fn token(message: &Message, faults: &mut Faults) -> (Option<Vec<u8>>, Option<&'static str>) {
    let authorizations = message.values("authorization");
    // spec: RQ-18
    if authorizations.len() > 1 {
        faults.refuse(2, "token_ambiguous", "RQ-18");
        return (None, None);
    }
    let own = message.values("countersign-token");
    let mut found: Vec<(Vec<u8>, &'static str)> = Vec::new();
    if let Some(value) = authorizations.first() {
        let space = value.iter().position(|byte| *byte == b' ');
        let scheme = &value[..space.unwrap_or(value.len())];
        // spec: RQ-19
        if scheme == b"Countersign" {
            found.push((space.map_or(Vec::new(), |at| value[at + 1..].to_vec()), "authorization"));
        } else if scheme == b"Countersign-Session" {
            // spec: RQ-20
            faults.refuse(2, "binding_not_accepted", "RQ-20");
            return (None, None);
        } else if scheme.eq_ignore_ascii_case(b"countersign") || scheme.eq_ignore_ascii_case(b"countersign-session") {
            faults.refuse(2, "header_malformed", "RQ-19");
            return (None, None);
        }
    }
    // spec: RQ-21
    found.extend(own.iter().map(|value| (value.to_vec(), "countersign-token")));
    if found.len() > 1 {
        faults.refuse(2, "token_ambiguous", "RQ-21");
        return (None, None);
    }
    // spec: RQ-22
    match found.pop() {
        Some((token, header)) if !token.is_empty() => (Some(token), Some(header)),
        other => {
            faults.refuse(2, "token_missing", "RQ-22");
            (None, other.map(|(_, header)| header))
        }
    }
}

/// A field as an exact dictionary of such members.
// spec: RQ-23, RQ-24, RQ-25
fn dictionary(
    message: &Message,
    name: &str,
    rule: &'static str,
    faults: &mut Faults,
    fits: impl Fn(&Member) -> bool,
) -> Option<Dictionary> {
    // What is too long (RQ-2) is not opened.
    let most = if name == "content-digest" { 1_024 } else { 4_096 };
    let value = message.value(name).filter(|value| value.len() <= most)?;
    let read = fields::exact(&value).filter(|members| members.iter().all(|(_, member)| fits(member)));
    faults.need(read.is_some(), 2, "header_malformed", rule);
    read
}

type Selected = (String, Vec<(Bare, Parameters)>, Parameters, Option<Vec<u8>>);

fn select(inputs: &Dictionary, signatures: &Dictionary, faults: &mut Faults) -> Option<Selected> {
    let tagged = |tag: &str| -> Vec<(&String, &Member)> {
        let has = |member: &Member| {
            let Member::List(_, parameters) = member else { return false };
            parameters.iter().any(|(name, value)| name == "tag" && *value == Bare::String(tag.into()))
        };
        inputs.iter().filter(|(_, member)| has(member)).map(|(label, member)| (label, member)).collect()
    };
    // spec: RQ-27
    let session = !tagged("countersign-session-v1").is_empty();
    if session {
        faults.refuse(3, "tag_invalid", "RQ-27");
    }
    let ours = tagged("countersign-request-v1");
    // spec: RQ-28
    if ours.is_empty() && !session {
        faults.refuse(3, "signature_required", "RQ-28");
    }
    // spec: RQ-29
    faults.need(ours.len() <= 1, 3, "signature_ambiguous", "RQ-29");
    let [(label, member @ Member::List(items, parameters))] = ours[..] else { return None };
    let signature = signatures.iter().find(|(other, _)| other == label).and_then(|(_, member)| match member {
        Member::Item(Bare::Bytes(bytes), _) => Some(bytes.clone()),
        _ => None,
    });
    // spec: RQ-30
    faults.need(signature.is_some(), 3, "signature_required", "RQ-30");
    Some((fields::write_member(member), items.clone(), parameters.clone(), signature))
}

/// The covered components.
fn coverage(message: &Message, header: Option<&str>, items: &[(Bare, Parameters)], faults: &mut Faults) -> Vec<String> {
    let (mut covered, mut with_parameters): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    for (item, parameters) in items {
        // spec: RQ-31
        let Bare::String(name) = item else {
            faults.refuse(3, "components_invalid", "RQ-31");
            continue;
        };
        if !parameters.is_empty() {
            faults.refuse(3, "components_invalid", "RQ-31");
            with_parameters.push(name.clone());
        }
        // spec: RQ-33
        faults.need(!covered.contains(name), 3, "components_invalid", "RQ-33");
        covered.push(name.clone());
    }
    let derived = ["@method", "@authority", "@path", "@query"];
    let is_field = |name: &str| is_token(name.as_bytes()) && !name.bytes().any(|byte| byte.is_ascii_uppercase());
    // A name with parameters was refused as what it is.
    for name in covered.iter().filter(|name| !with_parameters.contains(name)) {
        // spec: RQ-32
        faults.need(derived.contains(&name.as_str()) || is_field(name), 3, "components_invalid", "RQ-32");
    }
    let covers = |name: &str| covered.iter().any(|known| known == name);
    // spec: RQ-34
    let complete = derived.iter().copied().chain(header).all(covers);
    faults.need(complete, 3, "components_incomplete", "RQ-34");
    // spec: RQ-35
    let announced = message.announced && !message.body.is_empty();
    let body_covered = covers("content-digest") && covers("content-type");
    faults.need(!announced || body_covered, 3, "body_uncovered", "RQ-35");
    for line in &message.lines {
        let name = String::from_utf8_lossy(&line.name).to_ascii_lowercase();
        let protected =
            ["content-digest", "content-encoding", "authorization", "countersign-token", "countersign-approval"];
        let protected = protected.contains(&name.as_str()) || name == "idempotency-key" || name.starts_with("mcp-");
        let elsewhere = Some(name.as_str()) == header || (announced && name == "content-digest");
        // spec: RQ-36
        faults.need(!protected || elsewhere || covers(&name), 3, "header_uncovered", "RQ-36");
    }
    for name in covered.iter().filter(|name| is_field(name)) {
        // spec: RQ-37
        let Some(value) = message.value(name) else {
            faults.refuse(3, "component_unresolvable", "RQ-37");
            continue;
        };
        // spec: RQ-38
        faults.need(value.is_ascii(), 3, "header_malformed", "RQ-38");
    }
    covered
}

/// The parameters by the table.
fn parameters(parameters: &Parameters, now: i64, faults: &mut Faults) -> Signed {
    let find = |name: &str| parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value);
    // spec: RQ-40
    for name in ["created", "expires", "nonce", "keyid"] {
        faults.need(find(name).is_some(), 3, "params_incomplete", "RQ-40");
    }
    // spec: RQ-41
    for (name, value) in parameters {
        let fits = match name.as_str() {
            "created" | "expires" => matches!(value, Bare::Integer(_)),
            "nonce" | "keyid" | "tag" | "alg" => matches!(value, Bare::String(_)),
            _ => false,
        };
        faults.need(fits, 3, "params_invalid", "RQ-41");
    }
    let text = |name: &str| match find(name) {
        Some(Bare::String(text)) => Some(text.clone()),
        _ => None,
    };
    let integer = |name: &str| match find(name) {
        Some(Bare::Integer(value)) => Some(*value),
        _ => None,
    };
    // spec: RQ-42
    if let Some(nonce) = text("nonce") {
        faults.need(is_nonce(&nonce), 3, "params_invalid", "RQ-42");
    }
    // spec: RQ-43
    if let Some(alg) = text("alg") {
        faults.need(alg == "ed25519", 3, "alg_rejected", "RQ-43");
    }
    // spec: RQ-44
    if let (Some(created), Some(expires)) = (integer("created"), integer("expires")) {
        faults.need(in_window(created, expires, now), 3, "window_invalid", "RQ-44");
    }
    Signed { keyid: text("keyid"), nonce: text("nonce"), ..Signed::default() }
}

/// Base64url of 16 to 64 bytes.
pub(super) fn is_nonce(text: &str) -> bool {
    base64::from_url(text.as_bytes()).is_some_and(|bytes| (16..=64).contains(&bytes.len()))
}

/// The window of RQ-44.
pub(super) fn in_window(created: i64, expires: i64, now: i64) -> bool {
    created < expires && expires - created <= 300 && created <= now + 30 && now <= expires + 30
}

/// The signature base.
// spec: RQ-46, RQ-47
pub(super) fn base(message: &Message, authority: &[u8], signed: &Signed) -> Option<Vec<u8>> {
    let mut base = Vec::new();
    for component in &signed.components {
        let value = match component.as_str() {
            "@method" => message.method.clone(),
            "@authority" => authority.to_vec(),
            "@path" => message.path().to_vec(),
            "@query" => [b"?", message.query().unwrap_or_default()].concat(),
            field => message.value(field)?,
        };
        base.extend_from_slice(format!("\"{component}\": ").as_bytes());
        base.extend_from_slice(&value);
        base.push(b'\n');
    }
    base.extend_from_slice(format!("\"@signature-params\": {}", signed.text).as_bytes());
    Some(base)
}
