//! Valid signed JSON-RPC messages, changes to them, and what an accepted message must share with one of them.

use arbitrary::{Result, Unstructured};
use countersign::Denial;
use countersign::jsonrpc::mcp::Server;
use countersign::jsonrpc::{ENVELOPE, Message, SignMessage, UNCOVERED};
use countersign::token::{Delegation, Grant, Right, SealedToken};
use countersign::verify::{
    Approvals, Decision, McpCharges, MemoryReplay, Operation, ReplayStore as _, Revocations, Verifier,
};
use serde_json::{Map, Value, json};

use crate::json::{self, Tree};
use crate::keys::{NOW, agent, delegate, next, root};

const SERVICE: &str = "https://calendar.example.com";
/// As long as a message may be.
pub const MAX: u64 = 1 << 20;

/// A valid message, and what becomes of it.
pub struct Sent {
    /// The message, to be changed.
    pub value: Value,
    /// What the signature covers, and the signature.
    covered: Tree,
    /// What is decided about it.
    pub verdict: Verdict,
}

/// A decision, and the operation where there is one.
pub type Verdict = (Decision, Option<Operation>);

const CALLS: [&str; 7] = [
    r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"list_events","arguments":{"day":"2026-11-24","n":3,
        "deep":{"yes":true,"none":null},"all":[1,-2.50,1.5e-7]},"_meta":{"progressToken":1,"x":{"y":2}}}}"#,
    r#"{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"send_email","arguments":{"to":"a"}}}"#,
    r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"send_email","arguments":{"to":"b"},
        "_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#,
    r#"{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"file:///notes/a.md"}}"#,
    r#"{"jsonrpc":"2.0","id":2,"method":"prompts/get","params":{"name":"brief","arguments":{"\ud83d\ude00":"","\uff5e":""}}}"#,
    r#"{"jsonrpc":"2.0","id":3,"method":"tools/list","params":{"cursor":"x","_meta":{"traceparent":"00-1-2-01","baggage":1}}}"#,
    r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
];

fn tokens() -> [SealedToken; 2] {
    let right = |kind, location, action| Right { r#type: kind, location, action };
    let open = Grant::new("https://hub.example", "alice@example.com", "calendar-bot", agent().public())
        .purpose("scheduling")
        .audience(SERVICE)
        .valid(NOW, NOW.plus(3600))
        .right(right("mcp_tool", "calendar/list_events", "call"))
        .right(right("mcp_tool", "calendar/send_email", "call"))
        .right(right("mcp_resource", "calendar/file/-/notes", "read"))
        .right(right("mcp_prompt", "brief", "get"))
        .delegation_depth(1)
        .sign(&root(), &next(0))
        .unwrap();
    let handed =
        open.delegate(&Delegation::to("summary-bot", delegate().public())).unwrap().sign(&agent(), &next(1)).unwrap();
    [open.seal().unwrap(), handed.seal().unwrap()]
}

/// The valid messages: each method by the first agent, and by the one that the token was handed on to.
pub fn sent(verifier: &Verifier) -> Vec<Sent> {
    let mut all = Vec::new();
    for (holder, (token, key)) in tokens().iter().zip([agent(), delegate()]).enumerate() {
        for (number, call) in CALLS.iter().enumerate() {
            let message = Message::parse(call.as_bytes(), MAX).unwrap();
            let nonce = vec![(holder * CALLS.len() + number) as u8; 16];
            let signed = SignMessage::new(message, SERVICE, token).created(NOW, nonce).sign(&key).unwrap();
            let text = signed.to_text();
            all.push(Sent {
                value: serde_json::from_str(&text).unwrap(),
                covered: covered(text.as_bytes()).unwrap(),
                verdict: verify(verifier, &signed).unwrap(),
            });
        }
    }
    all
}

/// The service of the valid messages.
pub fn verifier() -> Verifier {
    Verifier::builder()
        .audience(SERVICE)
        .authority("calendar.example.com")
        .issuer("https://hub.example", [root().public()])
        .build()
        .unwrap()
}

/// What core says to a message, its stores empty.
pub fn verify(verifier: &Verifier, message: &Message) -> core::result::Result<Verdict, Denial> {
    let claim = verifier.check_rpc(message, NOW, &Revocations::default())?;
    let replay = MemoryReplay::insecure_without_epoch();
    let outcome = replay.record(claim.entry(), NOW);
    let server = Server::new("calendar").expect("a segment");
    match claim.recorded(outcome)?.map_mcp(&server, message, &Approvals::none())? {
        McpCharges::Nothing(idle) => Ok((idle.decision(), None)),
        McpCharges::Operation(charges) => {
            let operation = charges.operation().clone();
            Ok((charges.uncharged()?.decision(), Some(operation)))
        }
    }
}

/// Method and parameters of a text by another reader, without what the signature leaves out. The signature stays in:
/// nobody but the holder can make another one.
pub fn covered(text: &[u8]) -> Option<Tree> {
    let mut tree = json::read(text)?;
    assert!(!tree.any(&Tree::has_name_twice), "a name twice in a message that was taken");
    for name in ["jsonrpc", "id"] {
        tree.remove(name);
    }
    if let Tree::Object(members) = &mut tree {
        let params = members.iter_mut().find(|(name, _)| name == "params");
        if let Some((_, Tree::Object(params))) = params
            && let Some((_, meta)) = params.iter_mut().find(|(name, _)| name == "_meta")
        {
            UNCOVERED.iter().for_each(|name| meta.remove(name));
        }
    }
    Some(tree)
}

impl Sent {
    /// Whether this is decided, about this operation. Arguments are apart: `3` and `3.0` are one number to a signature,
    /// and two kinds of argument to checks.
    pub fn leads_to(&self, (decision, operation): &Verdict) -> bool {
        let plain = |operation: &Option<Operation>| {
            operation.as_ref().map(|operation| {
                let words = [operation.r#type(), operation.resource(), operation.action()].map(str::to_owned);
                let costs: Vec<(String, u64)> = operation.costs().map(|(unit, cost)| (unit.to_owned(), cost)).collect();
                let args = operation.args().cloned().map(|args| countersign::json::Value::Object(args).to_jcs());
                (words, operation.tool_name().map(str::to_owned), costs, args)
            })
        };
        self.verdict.0 == *decision && plain(&self.verdict.1) == plain(operation)
    }

    /// Whether a text says what this message says.
    pub fn says_the_same(&self, covered: &Tree) -> bool {
        self.covered == *covered
    }
}

/// The same message as a relay may write it: another id, other members that are not covered, another spelling.
pub fn relayed(u: &mut Unstructured<'_>, sent: &Sent) -> Result<String> {
    let mut value = sent.value.clone();
    match u.int_in_range(0..=3)? {
        0 => drop(value.as_object_mut().map(|members| members.remove("id"))),
        1 => value["id"] = u.int_in_range(-json::MAX_INTEGER..=json::MAX_INTEGER)?.into(),
        2 => value["id"] = u.arbitrary::<&str>()?.into(),
        _ => {}
    }
    let meta = value["params"]["_meta"].as_object_mut().expect("the envelope is in it");
    for name in UNCOVERED {
        match u.int_in_range(0..=3)? {
            0 => drop(meta.remove(name)),
            1 => {
                let value = small(u)?;
                if is_relayed(name, &value) {
                    meta.insert(name.to_owned(), value);
                }
            }
            _ => {}
        }
    }
    json::spelled(u, &value)
}

/// Whether a relay may write this (JR-40).
fn is_relayed(name: &str, value: &Value) -> bool {
    match value {
        Value::String(text) => text.len() <= 8_192,
        Value::Number(number) => name == "progressToken" && number.is_i64(),
        _ => false,
    }
}

/// Whether all that relays may change is what they may write.
pub fn is_relayed_well(text: &[u8]) -> bool {
    let value: Value = serde_json::from_slice(text).unwrap_or_default();
    let meta = value["params"]["_meta"].as_object();
    UNCOVERED.iter().all(|name| meta.and_then(|meta| meta.get(*name)).is_none_or(|value| is_relayed(name, value)))
}

/// Members changed, moved, added, removed and renamed, also with those of another valid message.
pub fn changed(u: &mut Unstructured<'_>, all: &[Sent]) -> Result<String> {
    let mut value = u.choose(all)?.value.clone();
    for _ in 0..u.int_in_range(1..=3)? {
        let other = u.choose(all)?.value.clone();
        let (from, to) = (path(u, &other)?, path(u, &value)?);
        match u.int_in_range(0..=6)? {
            0 => set(&mut value, &to, small(u)?),
            1 => drop(take(&mut value, &to)),
            2 => {
                // The same place of another message.
                if let Some(piece) = other.pointer(&from) {
                    set(&mut value, &from, piece.clone());
                }
            }
            3 => {
                // Another place, of this message or of another one.
                if let Some(piece) =
                    if u.arbitrary()? { take(&mut value, &from) } else { other.pointer(&from).cloned() }
                {
                    set(&mut value, &to, piece);
                }
            }
            4 => {
                let (name, new) = (name(u)?, small(u)?);
                if let Some(members) = value.pointer_mut(&to).and_then(Value::as_object_mut) {
                    members.insert(name, new);
                }
            }
            5 => {
                let name = name(u)?;
                if let Some(piece) = take(&mut value, &to) {
                    let parent = to.rsplit_once('/').map_or("", |(parent, _)| parent);
                    if let Some(members) = value.pointer_mut(parent).and_then(Value::as_object_mut) {
                        members.insert(name, piece);
                    }
                }
            }
            _ => text(u, value.pointer_mut(&to))?,
        }
    }
    let text = json::spelled(u, &value)?;
    if u.ratio(1, 16)? {
        return twice(u, &text);
    }
    Ok(text)
}

/// A member a second time: the last one counts for some parsers, the first one for others.
fn twice(u: &mut Unstructured<'_>, text: &str) -> Result<String> {
    let starts: Vec<usize> = text.match_indices('{').map(|(at, _)| at + 1).collect();
    let Some(at) = (!starts.is_empty()).then(|| u.choose(&starts).copied()).transpose()? else {
        return Ok(text.to_owned());
    };
    let member = format!("{}:{},", Value::from(name(u)?), small(u)?);
    let (before, behind) = text.split_at(at);
    Ok([before, &member, behind].concat())
}

/// A text in another case, longer, or with a character changed.
fn text(u: &mut Unstructured<'_>, value: Option<&mut Value>) -> Result<()> {
    match value {
        Some(Value::String(text)) => match u.int_in_range(0..=3)? {
            0 => text.push_str(u.choose(&["=", "/", "A", "\0", " "])?),
            1 => drop(text.pop()),
            2 => *text = text.to_uppercase(),
            _ => {
                let mut chars: Vec<char> = text.chars().collect();
                if !chars.is_empty() {
                    let at = u.choose_index(chars.len())?;
                    chars[at] = *u.choose(&['A', 'B', '-', '_', '0', '/', '+', '\u{e9}'])?;
                }
                *text = chars.into_iter().collect();
            }
        },
        Some(Value::Number(number)) => {
            let integer = number.as_i64().unwrap_or(1);
            let new = [json!(integer + 1), json!(integer - 1), json!(integer as f64), json!(integer.to_string())];
            *value.expect("it is there") = u.choose(&new)?.clone();
        }
        _ => {}
    }
    Ok(())
}

/// A JSON pointer to some value below the root; no name of ours has `~` or `/` but the envelope's.
fn path(u: &mut Unstructured<'_>, value: &Value) -> Result<String> {
    let mut path = String::new();
    let mut at = value;
    loop {
        let step = match at {
            Value::Object(members) if !members.is_empty() => {
                let names: Vec<&String> = members.keys().collect();
                (*u.choose(&names)?).clone()
            }
            Value::Array(elements) if !elements.is_empty() => u.choose_index(elements.len())?.to_string(),
            _ => return Ok(path),
        };
        path.push('/');
        path.push_str(&step.replace('~', "~0").replace('/', "~1"));
        let Some(next) = value.pointer(&path) else { return Ok(path) };
        at = next;
        if u.ratio(1, 3)? {
            return Ok(path);
        }
    }
}

fn set(value: &mut Value, path: &str, new: Value) {
    let (parent, name) = path.rsplit_once('/').unwrap_or_default();
    let name = name.replace("~1", "/").replace("~0", "~");
    match value.pointer_mut(parent) {
        Some(Value::Object(members)) => drop(members.insert(name, new)),
        Some(Value::Array(elements)) => elements.push(new),
        _ => {}
    }
}

fn take(value: &mut Value, path: &str) -> Option<Value> {
    let (parent, name) = path.rsplit_once('/')?;
    let name = name.replace("~1", "/").replace("~0", "~");
    match value.pointer_mut(parent)? {
        Value::Object(members) => members.remove(&name),
        Value::Array(elements) => name.parse().ok().filter(|at| *at < elements.len()).map(|at| elements.remove(at)),
        _ => None,
    }
}

fn name(u: &mut Unstructured<'_>) -> Result<String> {
    Ok(u.choose(&[
        "jsonrpc",
        "id",
        "method",
        "params",
        "_meta",
        ENVELOPE,
        "name",
        "arguments",
        "uri",
        "progressToken",
        "traceparent",
        "tracestate",
        "baggage",
        "v",
        "token",
        "service",
        "created",
        "expires",
        "nonce",
        "keyid",
        "sig",
        "to",
        "x",
        "",
        "Method",
        "result",
    ])?
    .to_string())
}

fn small(u: &mut Unstructured<'_>) -> Result<Value> {
    Ok(match u.int_in_range(0..=8)? {
        0 => Value::Null,
        1 => u.arbitrary::<bool>()?.into(),
        2 => u.int_in_range(-2..=9)?.into(),
        3 => json!(NOW.0),
        4 => json!(0.5),
        5 => Map::new().into(),
        6 => json!([{}]),
        7 => (*u.choose(&["", "2.0", "tools/call", "tools/list", "send_email", SERVICE, "AAAAAAAAAAAAAAAAAAAAAA"])?)
            .into(),
        _ => u.arbitrary::<&str>()?.into(),
    })
}
