//! MCP: messages to operations, and messages in the body of an HTTP request (`spec/jsonrpc.md`).

use super::arguments::{self, Body};
use super::chain::Chain;
use super::json::Json;
use super::operation::{self, Operation};
use super::request::{self, Asked, Http};
use super::service::Service;
use super::{Faults, base64, media, resource, rpc};

/// What a message asks for.
#[derive(Debug)]
pub(super) enum Mapped {
    /// Nothing.
    Idle,
    /// This, with these arguments.
    Operation(Box<Operation>, Option<Json>),
}

const UNMAPPED: &str = "operation_unmapped";

const CALLER: &str = "dev.countersign/caller";

const IDLE: [&str; 11] = [
    "initialize",
    "ping",
    "server/discover",
    "tools/list",
    "resources/list",
    "resources/templates/list",
    "prompts/list",
    "notifications/initialized",
    "notifications/cancelled",
    "notifications/progress",
    "notifications/roots/list_changed",
];

/// What relays change of `_meta`.
pub(super) const RELAYED: [&str; 4] = ["progressToken", "traceparent", "tracestate", "baggage"];

/// Maps a message that obeys JR-2 to JR-4.
pub(super) fn map(root: &Json, server: &str, faults: &mut Faults) -> Option<Mapped> {
    let nothing = Json::Object(Vec::new());
    let (method, params) = (root.get("method")?.text()?, root.get("params").unwrap_or(&nothing));
    // spec: JR-23
    if IDLE.contains(&method) {
        return Some(Mapped::Idle);
    }
    let (kind, action, member) = match method {
        "tools/call" => ("mcp_tool", "call", "name"),
        "resources/read" => ("mcp_resource", "read", "uri"),
        "prompts/get" => ("mcp_prompt", "get", "name"),
        // spec: JR-24
        _ => {
            faults.refuse(11, UNMAPPED, "JR-24");
            return None;
        }
    };
    // spec: JR-19
    let known = |name: &str| name == member || name == "_meta" || (member == "name" && name == "arguments");
    let members = params.members().unwrap_or_default();
    faults.need(members.iter().all(|(name, _)| known(name)), 11, UNMAPPED, "JR-19");
    // spec: JR-18
    let Some(name) = params.get(member).and_then(Json::text) else {
        faults.refuse(11, UNMAPPED, "JR-18");
        return None;
    };
    // spec: JR-20
    let meta = params.get("_meta").is_none_or(|meta| meta.members().is_some());
    faults.need(meta, 11, "body_ambiguous", "JR-20");
    // spec: JR-40
    let small = |name: &str| match params.get("_meta").and_then(|meta| meta.get(name)) {
        None => true,
        Some(Json::Text(text)) => text.len() <= 8_192,
        Some(value) => name == "progressToken" && value.integer().is_some(),
    };
    faults.need(RELAYED.iter().all(|name| small(name)), 11, "body_ambiguous", "JR-40");
    let arguments = params.get("arguments").unwrap_or(&nothing);
    let object = arguments.members().is_some();
    faults.need(object || member == "uri", 11, "body_ambiguous", "JR-20");
    let resource = if member == "uri" { of_uri(name, server, faults)? } else { of_name(name, kind, server, faults)? };
    let mut operation = Operation::plain(kind, &resource, action);
    operation.tool = (kind == "mcp_tool").then(|| name.to_owned());
    let args = (member == "name").then(|| arguments.clone());
    (object || member == "uri").then(|| Mapped::Operation(Box::new(operation), args))
}

/// What is covered of `_meta`, without an envelope that is a `proof`.
pub(super) fn meta(root: &Json, proof: bool) -> Option<Json> {
    let out = |name: &str| RELAYED.contains(&name) || (proof && name == "dev.countersign/request");
    let members = root.get("params")?.get("_meta")?.members()?.iter();
    let members: Vec<_> = members.filter(|(name, _)| !out(name)).cloned().collect();
    (!members.is_empty()).then_some(Json::Object(members))
}

// spec: JR-21
fn of_name(name: &str, kind: &str, server: &str, faults: &mut Faults) -> Option<String> {
    let broken = if name.contains('/') { vec!["VF-25"] } else { resource::broken(name.as_bytes()) };
    if let Some(rule) = broken.first() {
        faults.refuse_for(11, "resource_invalid", &["JR-21", rule]);
        return None;
    }
    Some(if kind == "mcp_prompt" { name.to_owned() } else { format!("{server}/{name}") })
}

// spec: JR-22
fn of_uri(uri: &str, server: &str, faults: &mut Faults) -> Option<String> {
    let parts = || {
        let (scheme, rest) = uri.split_once("://")?;
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let lower = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let good_scheme = scheme.starts_with(|first: char| first.is_ascii_lowercase())
            && scheme.bytes().all(|byte| lower(byte) || b"+-.".contains(&byte));
        let good_host = host.is_empty()
            || (host.bytes().next().is_some_and(lower) && host.bytes().all(|it| lower(it) || b"-._:".contains(&it)));
        let host = if host.is_empty() { "-" } else { host };
        (good_scheme && good_host).then(|| format!("{server}/{scheme}/{host}{path}"))
    };
    let resource = parts();
    let rule = match &resource {
        Some(resource) => resource::broken(resource.as_bytes()).first().copied(),
        None => Some("JR-22"),
    };
    if let Some(rule) = rule {
        faults.refuse_for(11, "resource_invalid", &["JR-22", rule]);
    }
    resource.filter(|_| rule.is_none())
}

/// Right, checks and charges of an operation of a message. The right that it has.
pub(super) fn authorise(
    asked: &Asked<'_>,
    path: Option<&[u8]>,
    chain: &Chain,
    service: &mut Service<'_>,
    faults: &mut Faults,
) -> Option<[String; 3]> {
    operation::resource(asked.operation, path, faults);
    let right = operation::right(asked.operation, &chain.claims.rights, faults).cloned();
    // Arguments are those of the message alone, whatever query the endpoint was reached with.
    let arguments = arguments::extract(asked.operation, None, asked.args.map_or(Body::Absent, Body::Object));
    request::authorise(asked, &arguments.expect("no escapes"), chain, service, faults);
    right
}

/// Stages 11 and 12 of a request to an endpoint.
pub(super) fn over_http(
    context: &Http<'_>,
    chain: &Chain,
    service: &mut Service<'_>,
    faults: &mut Faults,
) -> Option<[String; 3]> {
    let mcp = service.mcp?;
    let message = context.message;
    // spec: JR-27
    if message.method != b"POST" {
        let idle = (message.method == b"GET" || message.method == b"DELETE") && message.body.is_empty();
        faults.need(idle, 11, UNMAPPED, "JR-27");
        return None;
    }
    // spec: JR-28
    let value = message.value("content-type").unwrap_or_default();
    let of_json = value.split(|byte| b"; \t".contains(byte)).next();
    if !of_json.is_some_and(|name| name.eq_ignore_ascii_case(b"application/json")) {
        faults.refuse(11, UNMAPPED, "JR-28");
        return None;
    }
    // spec: JR-29
    let media = media::read(&value).is_some_and(|media| media.is_utf_8());
    if !message.body.is_empty() && !media {
        faults.refuse_for(11, "body_ambiguous", &["JR-29", "RQ-56"]);
    }
    faults.need(!message.has("content-encoding"), 11, "body_ambiguous", "JR-29");
    let mut inside = Faults::default();
    let root = rpc::root(&message.body, 11, &mut inside);
    for fault in inside.0 {
        faults.refuse_for(11, fault.code, &[&["JR-29"], fault.rules.as_slice()].concat());
    }
    let root = root?;
    // spec: JR-37
    let caller = root.get("params").and_then(|params| params.get("_meta")).and_then(|meta| meta.get(CALLER));
    faults.need(caller.is_none(), 11, "body_ambiguous", "JR-37");
    fields(context, &root, faults);
    if mcp.envelope {
        both_proofs(context, &root, chain, service.now, faults);
    }
    let Some(Mapped::Operation(operation, args)) = map(&root, &mcp.server, faults) else { return None };
    let asked = Asked { args: args.as_ref(), meta: meta(&root, mcp.envelope), ..context.asks(&operation) };
    authorise(&asked, Some(message.path()), chain, service, faults)
}

/// What a field's value stands for; nothing where it equals nothing.
fn stands_for(value: &[u8]) -> Option<String> {
    let bytes = match value.strip_prefix(b"=?base64?").and_then(|rest| rest.strip_suffix(b"?=")) {
        Some(encoded) => base64::from_padded(encoded)?,
        None => value.to_vec(),
    };
    String::from_utf8(bytes).ok()
}

/// A value as text.
fn text_of(value: &Json) -> Option<String> {
    match value {
        Json::Text(text) => Some(text.clone()),
        Json::Number(_) => value.integer().map(|integer| integer.to_string()),
        Json::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}

fn anywhere(value: &Json, wanted: &str) -> bool {
    text_of(value).as_deref() == Some(wanted)
        || value.members().into_iter().flatten().any(|(_, member)| anywhere(member, wanted))
}

/// The fields beside the body.
fn fields(context: &Http<'_>, root: &Json, faults: &mut Faults) {
    const CODE: &str = "header_body_mismatch";
    let message = context.message;
    let method = root.get("method").and_then(Json::text).unwrap_or_default();
    let params = root.get("params");
    let equal = |name: &str, wanted: Option<&Json>| match message.value(name) {
        Some(value) => wanted.and_then(Json::text).is_some_and(|wanted| stands_for(&value).as_deref() == Some(wanted)),
        None => true,
    };
    // spec: JR-30
    faults.need(equal("mcp-method", root.get("method")), 11, CODE, "JR-30");
    // spec: JR-31
    let named = match method {
        "tools/call" | "prompts/get" => params.and_then(|params| params.get("name")),
        "resources/read" => params.and_then(|params| params.get("uri")),
        _ => None,
    };
    faults.need(equal("mcp-name", named), 11, CODE, "JR-31");
    // spec: JR-32
    let version = params
        .and_then(|params| params.get("_meta"))
        .and_then(|meta| meta.get("io.modelcontextprotocol/protocolVersion"));
    let readable = message.value("mcp-protocol-version").is_none_or(|value| stands_for(&value).is_some());
    let agrees = readable && (version.is_none() || equal("mcp-protocol-version", version));
    faults.need(agrees, 11, CODE, "JR-32");
    // spec: JR-33
    for line in &message.lines {
        let name = String::from_utf8_lossy(&line.name).to_ascii_lowercase();
        if !name.starts_with("mcp-param-") {
            continue;
        }
        let wanted = message.value(&name).and_then(|value| stands_for(&value));
        let arguments = params.and_then(|params| params.get("arguments"));
        let members = arguments.and_then(Json::members).unwrap_or_default();
        let found = wanted.is_some_and(|wanted| members.iter().any(|(_, value)| anywhere(value, &wanted)));
        faults.need(method == "tools/call" && found, 11, CODE, "JR-33");
    }
}

/// The envelope that a service may ask for besides.
// spec: JR-34
fn both_proofs(context: &Http<'_>, root: &Json, chain: &Chain, now: i64, faults: &mut Faults) {
    let mut inside = Faults::default();
    let envelope = rpc::envelope(root, now, &mut inside).unwrap_or_default();
    let carried = ["authorization", "countersign-token"].into_iter().any(|name| {
        let value = context.message.value(name).unwrap_or_default();
        let token = value.strip_prefix(b"Countersign ").unwrap_or(&value);
        envelope.token.as_ref().is_some_and(|known| known.as_bytes() == token)
    });
    let holds = inside.0.is_empty()
        && carried
        && envelope.keyid.as_ref() == context.keyid
        && envelope.service == context.service
        && envelope.nonce.as_ref() != context.nonce
        && envelope.sig.is_some_and(|sig| rpc::verify(root, &sig, chain).is_ok());
    let rules = inside.0.first().map(|fault| fault.rules[0]);
    if !holds {
        faults.refuse_for(11, "header_body_mismatch", &["JR-34", rules.unwrap_or("JR-34")]);
    }
}
