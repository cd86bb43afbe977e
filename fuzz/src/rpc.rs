//! Valid signed messages, the server that they are for, and what an accepted message must share with one of them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use arbitrary::{Result, Unstructured};
use countersign::checks::Declarations;
use countersign::jsonrpc::mcp::{Mapped, Server, map};
use countersign::jsonrpc::{ENVELOPE, Message, SignMessage, UNCOVERED};
use countersign::time::UnixTime;
use countersign::token::{Delegation, Grant, Restriction, Right, SealedToken};
use countersign::verify::{
    Approvals, Decision, McpCharges, MemoryCharges, MemoryReplay, ReplayStore as _, Revocations, Verifier,
};
use serde_json::{Map, Value, json};

use crate::json;
use crate::json_oracle::alike;
use crate::keys::{NOW, agent, delegate, next, root};

const SERVICE: &str = "https://calendar.example.com";

/// The server of all messages.
pub static SERVER: LazyLock<Server> = LazyLock::new(|| {
    let declared = Declarations { scales: BTreeMap::from([("/price".to_owned(), 2)]), ..Declarations::default() };
    Server::new("calendar").unwrap().declare("book", declared)
});

static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| {
    Verifier::builder()
        .audience(SERVICE)
        .authority("calendar.example.com")
        .issuer("https://hub.example", [root().public()])
        .build()
        .unwrap()
});

/// What is allowed of a message: the decision, and the operation with the values of its arguments.
#[derive(Debug, PartialEq)]
pub struct Allowed {
    decision: Decision,
    operation: Option<[String; 4]>,
    arguments: Option<String>,
}

/// A valid message.
pub struct Sent {
    /// What was signed, with its signature.
    pub value: Value,
    allowed: Allowed,
}

fn token(handed_on: bool) -> SealedToken {
    let right = |r#type, location, action| Right { r#type, location, action };
    let open = Grant::new("https://hub.example", "alice@example.com", "calendar-bot", agent().public())
        .purpose("scheduling")
        .audience(SERVICE)
        .valid(NOW, NOW.plus(3600))
        .right(right("mcp_tool", "calendar", "call"))
        .right(right("mcp_resource", "calendar", "read"))
        .right(right("mcp_prompt", "brief", "get"))
        .budget("calls", "calls", 5, 60)
        .delegation_depth(1)
        .sign(&root(), &next(0))
        .unwrap();
    if !handed_on {
        return open.seal().unwrap();
    }
    let delegation = Delegation::to("summary-bot", delegate().public())
        .restriction(Restriction::When("mcp_tool".into(), "call".into(), Box::new(Restriction::Tools(vec!["book".into()]))));
    open.delegate(&delegation).unwrap().sign(&agent(), &next(1)).unwrap().seal().unwrap()
}

/// Methods and parameters.
fn plain() -> [Value; 7] {
    let message = |id: Value, method: &str, params: Value| json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
    let meta = json!({"progressToken": 1, "io.modelcontextprotocol/protocolVersion": "2025-06-18", "x": [1, null]});
    [
        message(json!(7), "tools/call", json!({"name": "list_events", "arguments": {"day": "2026-11-24"}})),
        message(json!("a"), "tools/call", json!({
            "name": "book", "_meta": meta,
            "arguments": {"price": 12.5, "n": 3, "to": ["a", "b"], "\u{fb33}": {"\u{1f600}": true, "": -1e-7}, "note": "a\n\"\u{1}é"},
        })),
        message(json!(-1), "resources/read", json!({"uri": "file:///notes/a.md", "_meta": meta})),
        message(json!(0), "prompts/get", json!({"name": "brief", "arguments": {}})),
        message(json!(""), "tools/list", json!({"_meta": {"traceparent": "00-0"}})),
        json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progress": 0.25, "total": 4}}),
        message(json!(9), "tools/call", json!({"name": "book", "_meta": {"baggage": "a=b"}})),
    ]
}

fn sign(value: &Value, number: u8) -> Value {
    let handed_on = number % 2 == 1;
    let (token, key) = (token(handed_on), if handed_on { delegate() } else { agent() });
    let message = Message::parse(value.to_string().as_bytes(), 1 << 20).unwrap();
    let signed = SignMessage::new(message, SERVICE, &token).created(NOW, vec![number; 16]).sign(&key).unwrap();
    serde_json::from_str(&signed.to_text()).unwrap()
}

/// The valid messages.
pub static SENT: LazyLock<Vec<Sent>> = LazyLock::new(|| {
    let signed = plain().iter().zip(0..).map(|(value, number)| sign(value, number)).collect::<Vec<_>>();
    signed
        .into_iter()
        .map(|value| {
            let message = Message::parse(value.to_string().as_bytes(), 1 << 20).unwrap();
            Sent { allowed: allowed(&message, NOW).unwrap(), value }
        })
        .collect()
});

/// What the signature is over, by another reading, and the signature.
fn covered(value: &Value) -> (Value, Value, Option<Value>) {
    let mut params = value.get("params").cloned().unwrap_or(json!({}));
    let mut signature = None;
    if let Some(meta) = params.get_mut("_meta").and_then(Value::as_object_mut) {
        UNCOVERED.iter().for_each(|name| drop(meta.remove(*name)));
        signature = meta.get_mut(ENVELOPE).and_then(Value::as_object_mut).and_then(|envelope| envelope.remove("sig"));
    }
    (value["method"].clone(), params, signature)
}

impl Sent {
    /// Whether a message says the same, what nobody covers aside.
    pub fn says_the_same(&self, other: &Value) -> bool {
        let (one, other) = (covered(&self.value), covered(other));
        one.0 == other.0 && alike(&one.1, &other.1) && one.2 == other.2
    }

    /// Whether it is allowed at this time.
    pub fn lasts(now: UnixTime) -> bool {
        now.plus(30) >= NOW && now <= NOW.plus(90)
    }
}

/// What core says to a message, its stores empty; the stage where it denies.
pub fn allowed(message: &Message, now: UnixTime) -> core::result::Result<Allowed, u8> {
    let stage = |denial: countersign::Denial| denial.stage();
    let replay = MemoryReplay::insecure_without_epoch();
    let check = || VERIFIER.check_rpc(message, now, &Revocations::default());
    let claim = check().map_err(stage)?;
    let outcome = replay.record(claim.entry(), now);
    let mapped = claim.recorded(outcome).map_err(stage)?.map_mcp(&SERVER, message, &Approvals::none());
    let again = check().unwrap();
    let outcome = replay.record(again.entry(), now);
    assert_eq!(again.recorded(outcome).map_err(stage).err(), Some(10), "a nonce twice");
    match mapped.map_err(stage)? {
        McpCharges::Nothing(idle) => {
            assert_eq!(map(message, &SERVER), Ok(Mapped::Nothing));
            Ok(Allowed { decision: idle.decision(), operation: None, arguments: None })
        }
        McpCharges::Operation(charges) => {
            let authorized = charges.charge_with(&MemoryCharges::insecure_without_epoch(), now).map_err(stage)?;
            assert!(authorized.http().is_none());
            let operation = authorized.operation();
            let Ok(Mapped::Operation(plain, arguments)) = map(message, &SERVER) else { panic!("mapped otherwise") };
            assert_eq!((plain.resource(), Some(&arguments)), (operation.resource(), operation.args()));
            let tool = operation.tool_name().unwrap_or_default();
            let words = [operation.r#type(), operation.resource(), operation.action(), tool].map(str::to_owned);
            let arguments = operation.args().map(|args| countersign::json::Value::Object(args.clone()).to_jcs());
            Ok(Allowed { decision: authorized.decision(), operation: Some(words), arguments })
        }
    }
}

/// Judges a text: it is allowed exactly when it says what one of the valid messages says, while that lasts, and then it is
/// the same operation.
pub fn judge(text: &[u8], now: UnixTime) -> Option<usize> {
    let message = Message::parse(text, 1 << 20).ok()?;
    let value: Value = serde_json::from_slice(text).expect("another parser reads it");
    let says = SENT.iter().position(|sent| sent.says_the_same(&value));
    match (allowed(&message, now), says) {
        (Ok(allowed), Some(at)) => {
            assert!(Sent::lasts(now), "allowed too early or too late: {now}");
            assert_eq!(allowed, SENT[at].allowed);
            Some(at)
        }
        (Ok(_), None) => panic!("allowed what nobody signed: {value}"),
        (Err(stage), Some(_)) if Sent::lasts(now) => panic!("denied at {stage}: {value}"),
        (Err(stage), _) => {
            assert!((2..=12).contains(&stage));
            None
        }
    }
}

/// All places of a value, as pointers.
fn places(value: &Value, at: &str, places: &mut Vec<String>) {
    places.push(at.to_owned());
    let escaped = |name: &str| name.replace('~', "~0").replace('/', "~1");
    match value {
        Value::Object(object) => object.iter().for_each(|(name, value)| self::places(value, &format!("{at}/{}", escaped(name)), places)),
        Value::Array(elements) => elements.iter().enumerate().for_each(|(n, value)| self::places(value, &format!("{at}/{n}"), places)),
        _ => {}
    }
}

/// Changes a message anywhere: values, names, members more and less, or pieces of another valid message.
pub fn change(u: &mut Unstructured<'_>, message: &mut Value) -> Result<()> {
    let mut all = Vec::new();
    places(message, "", &mut all);
    let at = u.choose(&all[1..])?;
    let other = &u.choose(&SENT)?.value;
    let place = message.pointer_mut(at).unwrap();
    match u.int_in_range(0..=7)? {
        // What stands at the same place of another.
        0 | 1 => {
            if let Some(piece) = other.pointer(at) {
                place.clone_from(piece);
            }
        }
        2 => *place = any(u)?,
        3 => {
            if let Value::String(text) = place {
                let mut bytes = text.clone().into_bytes();
                crate::mutate::bytes(u, &mut bytes)?;
                *text = String::from_utf8_lossy(&bytes).into_owned();
            }
        }
        4 => match place {
            Value::Number(number) => *place = json!(number.as_f64().unwrap_or_default() + f64::from(u.int_in_range(-1..=1)?)),
            Value::Object(object) => drop(object.insert(name(u)?, any(u)?)),
            Value::Array(elements) => elements.push(any(u)?),
            _ => {}
        },
        5 => {
            let (parent, name) = at.rsplit_once('/').unwrap();
            if let Some(Value::Object(object)) = message.pointer_mut(parent) {
                object.remove(&name.replace("~1", "/").replace("~0", "~"));
            }
        }
        6 => {
            let envelope = other["params"]["_meta"][ENVELOPE].clone();
            message["params"]["_meta"][ENVELOPE] = envelope;
        }
        _ => {
            let sig = &other["params"]["_meta"][ENVELOPE]["sig"];
            if let Some(own) = message.pointer_mut("/params/_meta/dev.countersign~1request/sig") {
                own.clone_from(sig);
            }
        }
    }
    Ok(())
}

fn name(u: &mut Unstructured<'_>) -> Result<String> {
    u.choose(&["name", "arguments", "uri", "sig", "alg", "id", "result", "_meta", "x", "to", "baggage", ""]).map(|name| (*name).to_owned())
}

fn any(u: &mut Unstructured<'_>) -> Result<Value> {
    Ok(match u.int_in_range(0..=5)? {
        0 => Value::Null,
        1 => json!({}),
        2 => json!(u.int_in_range(-1..=2)?),
        3 => json!(u.choose(&["tools/call", "tools/list", "book", "calendar", "2.0", ""])?),
        4 => json!([1]),
        _ => json!(1.5),
    })
}

/// Changes what nobody covers: the id, and the four members of `_meta`.
pub fn harmless(u: &mut Unstructured<'_>, message: &mut Value) -> Result<()> {
    let members: &mut Map<String, Value> = message.as_object_mut().unwrap();
    match u.int_in_range(0..=2)? {
        0 => drop(members.remove("id")),
        1 => drop(members.insert("id".to_owned(), if u.arbitrary()? { json!(u.arbitrary::<i32>()?) } else { json!("é") })),
        _ => {}
    }
    for name in UNCOVERED {
        let meta = message["params"]["_meta"].as_object_mut().unwrap();
        match u.int_in_range(0..=3)? {
            0 => drop(meta.remove(name)),
            1 => drop(meta.insert(name.to_owned(), any(u)?)),
            _ => {}
        }
    }
    Ok(())
}

/// A message as text, in one of its spellings.
pub fn spelled(u: &mut Unstructured<'_>, message: &Value) -> Result<String> {
    // Core keeps fractions and integers apart in arguments and in the envelope, so numbers keep their kind here.
    let mut text = String::new();
    json::spell(u, message, false, &mut text)?;
    Ok(text)
}
