//! The operation digest, and approvals (`spec/verify.md`, Operation digest and Approvals; `spec/request.md`, Approvals).

use sha2::{Digest as _, Sha256};

use super::chain::{Chain, Holder};
use super::json::{self, Json};
use super::message::trim;
use super::request::Asked;
use super::{Faults, base64, ed25519};

/// The digest that an approver signs.
// spec: VF-44
pub(super) fn digest(asked: &Asked<'_>, chain: &Chain) -> Option<[u8; 32]> {
    let text = |text: &str| Json::Text(text.to_owned());
    let maybe = |value: Option<&str>| value.map_or(Json::Null, text);
    let claims = &chain.claims;
    let object = [
        ("issuer", text(claims.issuer.as_ref()?)),
        ("user", text(claims.user.as_ref()?)),
        ("purpose", text(claims.purpose.as_ref()?)),
        ("grant", maybe(claims.grant.as_deref())),
        ("conversation", maybe(claims.conversation.as_deref())),
        ("agents", Json::Array(chain.holders.iter().map(agent).collect())),
        ("holder", text(&ed25519::key_id(&chain.holders.last()?.key))),
        ("service", maybe(asked.service.as_deref())),
        ("authority", maybe(asked.authority.as_deref())),
        ("method", maybe(asked.method.as_deref())),
        ("path", maybe(asked.path.as_deref())),
        ("query", maybe(asked.query.as_deref())),
        ("type", text(&asked.operation.kind)),
        ("resource", text(&asked.operation.resource)),
        ("action", text(&asked.operation.action)),
        ("tool", maybe(asked.operation.tool.as_deref())),
        ("args", asked.args.cloned().unwrap_or(Json::Null)),
        ("content_sha256", maybe(asked.content_sha256.as_deref())),
        ("fields", if asked.fields.is_empty() { Json::Null } else { Json::Object(asked.fields.clone()) }),
        ("meta", asked.meta.clone().unwrap_or(Json::Null)),
    ];
    let object = Json::Object(object.map(|(name, value)| (name.to_owned(), value)).into());
    Some(Sha256::digest([b"countersign-operation-v1\0", json::jcs(&object).as_bytes()].concat()).into())
}

fn agent(holder: &Holder) -> Json {
    let members = [("key_id", ed25519::key_id(&holder.key)), ("name", holder.name.clone())];
    Json::Object(members.map(|(name, text)| (name.to_owned(), Json::Text(text))).into())
}

/// An approval of the form of RQ-57.
struct Approval {
    payload: Vec<u8>,
    approver: String,
    created: i64,
    expires: i64,
    digest: Vec<u8>,
    signature: [u8; 64],
}

/// Reads one approval.
fn read(text: &[u8]) -> Option<Approval> {
    let dot = text.iter().position(|byte| *byte == b'.').filter(|_| text.len() <= 1_024)?;
    let (payload, signature) = (base64::from_url(&text[..dot])?, base64::from_url(&text[dot + 1..])?);
    let object = json::read(&payload).ok()?;
    let exact = json::jcs(&object).as_bytes() == payload;
    let names: Vec<&str> = object.members()?.iter().map(|(name, _)| name.as_str()).collect();
    if !exact || names != ["approver", "created", "digest", "expires", "id"] {
        return None;
    }
    let time = |name: &str| object.get(name)?.integer().filter(|time| *time >= 0);
    let bytes = |name: &str, length: usize| {
        base64::from_url(object.get(name)?.text()?.as_bytes()).filter(|bytes| bytes.len() == length)
    };
    bytes("id", 16)?;
    Some(Approval {
        approver: object.get("approver")?.text()?.to_owned(),
        created: time("created")?,
        expires: time("expires")?,
        digest: bytes("digest", 32)?,
        signature: signature.try_into().ok()?,
        payload,
    })
}

/// Looks at the approvals that the operation needs; the use ids of those that are there.
pub(super) fn stage_11(
    field: Option<&[u8]>,
    asked: &Asked<'_>,
    chain: &Chain,
    now: i64,
    faults: &mut Faults,
) -> Vec<[u8; 32]> {
    const INVALID: &str = "approval_invalid";
    let mut needed: Vec<&Vec<u8>> = Vec::new();
    for (kind, action, key) in &chain.claims.approvals {
        if *kind == asked.operation.kind && *action == asked.operation.action && !needed.contains(&key) {
            needed.push(key);
        }
    }
    // spec: VF-33
    if needed.is_empty() {
        return Vec::new();
    }
    // spec: RQ-57 (of approvals that it does not need, too)
    let mut texts: Vec<&[u8]> = field.into_iter().flat_map(|field| field.split(|byte| *byte == b',')).collect();
    for text in &mut texts {
        *text = trim(text);
    }
    faults.need(texts.len() <= 16, 11, INVALID, "RQ-57");
    let mut approvals = Vec::new();
    for text in texts {
        match read(text) {
            Some(approval) => approvals.push(approval),
            None => {
                // What it should have been can't be told, so nothing is said to be missing.
                faults.refuse(11, INVALID, "RQ-57");
                return Vec::new();
            }
        }
    }
    let Some(digest) = digest(asked, chain) else { return Vec::new() };
    let mut used = Vec::new();
    for key in needed {
        let id = ed25519::key_id(key);
        let by_key: Vec<&Approval> = approvals.iter().filter(|approval| approval.approver == id).collect();
        faults.need(by_key.len() < 2, 11, INVALID, "RQ-57");
        // spec: VF-32
        let [approval] = by_key[..] else {
            faults.need(!by_key.is_empty(), 11, "approval_required", "VF-32");
            continue;
        };
        // spec: RQ-58
        let holds = chain.holders.iter().all(|holder| holder.key != *key);
        let times = approval.created < approval.expires
            && approval.expires - approval.created <= 600
            && approval.created <= now + 30
            && now <= approval.expires;
        let signed = [b"countersign-approval-v1\0", approval.payload.as_slice()].concat();
        let verified = match <&[u8; 32]>::try_from(key.as_slice()) {
            Ok(key) => ed25519::verify(key, &signed, &approval.signature),
            Err(_) => Err("TK-32"),
        };
        if approval.digest != digest {
            faults.refuse_for(11, INVALID, &["RQ-58", "VF-44", "VF-32"]);
        }
        if !holds || !times || verified.is_err() {
            faults.refuse_for(11, INVALID, &["RQ-58", verified.err().unwrap_or("RQ-58"), "VF-32"]);
        }
        // spec: RQ-59
        used.push(ed25519::sha256(&[key.as_slice(), approval.signature.as_slice()].concat()));
    }
    used
}
