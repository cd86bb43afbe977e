//! `jsonrpc/approvals.json`: approvals of calls of MCP over HTTP (`spec/verify.md`, Operation digest). A message alone has no
//! place for an approval.

use crate::keys::Key;
use crate::raw_approval::{Approval, Json as Approved, OperationObject, agent, object};
use crate::raw_rpc::{ENVELOPE, Json, Rpc, UNCOVERED};

use super::rpc_case::{ENDPOINT, RpcCase, RpcCases, call, envelope_of, over_http, plan, signed};
use super::standard::{AGENT, AUTHORITY, ISSUER, PURPOSE, Plan, SERVICE, USER};
use super::verify_approvals::needs;

const GOOD: &str = "approval";

fn token() -> Plan {
    plan().fact(needs("mcp_tool", "call", "approver")).fact(needs("mcp_resource", "read", "approver"))
}

/// What an approver of the standard call signs, with this as `_meta`.
fn operation(meta: Approved) -> OperationObject {
    let members = [
        ("issuer", ISSUER.into()),
        ("user", USER.into()),
        ("purpose", PURPOSE.into()),
        ("grant", Approved::Null),
        ("conversation", Approved::Null),
        ("agents", Approved::Array(vec![agent(AGENT, &Key::named("agent"))])),
        ("holder", Approved::Text(Key::named("agent").id())),
        ("service", SERVICE.into()),
        ("authority", AUTHORITY.into()),
        ("method", "POST".into()),
        ("path", ENDPOINT.into()),
        ("query", Approved::Null),
        ("type", "mcp_tool".into()),
        ("resource", "calendar/list_events".into()),
        ("action", "call".into()),
        ("tool", "list_events".into()),
        ("args", object([("day", "2026-11-24".into())])),
        ("content_sha256", Approved::Null),
        ("fields", object([("content-type", "application/json".into())])),
        ("meta", meta),
    ];
    OperationObject(members.map(|(name, value)| (name.to_owned(), value)).to_vec())
}

fn with(operation: OperationObject, member: &str, value: Approved) -> OperationObject {
    operation.with(member, value)
}

/// The call over HTTP with an approval of this operation, and these fields.
fn sent(message: &Rpc, operation: &OperationObject, fields: &[(&str, &str)]) -> crate::raw_request::Request {
    let approval = Approval::new(&Key::named("approver"), &operation.digest()).text();
    let fields: Vec<(&str, &str)> = fields.iter().copied().chain([("Countersign-Approval", &*approval)]).collect();
    over_http("POST", &token().text(), &fields, &message.wire())
}

fn with_meta(members: &[(&str, Json)]) -> Rpc {
    let mut message = call();
    for (name, value) in members {
        message.meta(|meta| meta.set(name, value.clone()));
    }
    message
}

/// The file.
#[must_use]
pub fn file() -> RpcCases {
    let mut file = RpcCases::new("approvals", "what an approver of a call of MCP consented to");
    let none = || operation(Approved::Null);
    let required = over_http("POST", &token().text(), &[], &call().wire());
    file.push(RpcCase::http(GOOD, "an approved call", &sent(&call(), &none(), &[])).req(["VF-32", "VF-44"]));
    file.push(
        RpcCase::http("approval-missing", "a call without the approval that it needs", &required)
            .req(["VF-32"])
            .attack(56)
            .deny(11, "approval_required", GOOD),
    );
    let message = envelope_of(&token().text()).sign(call());
    file.push(
        RpcCase::new("approval-message", "a message has no place for an approval", &message)
            .req(["VF-32", "JR-16"])
            .attack(56)
            .deny(11, "approval_required", GOOD),
    );
    meta(&mut file);
    fields(&mut file);
    members(&mut file);
    file
}

fn good(file: &mut RpcCases, slug: &str, comment: &str, message: &Rpc, operation: &OperationObject) {
    file.push(RpcCase::http(slug, comment, &sent(message, operation, &[])).req(["VF-44"]));
}

fn bad(file: &mut RpcCases, slug: &str, comment: &str, message: &Rpc, operation: &OperationObject, twin: &str) {
    let case = RpcCase::http(slug, comment, &sent(message, operation, &[])).req(["VF-44", "RQ-58"]);
    file.push(case.attack(56).deny(11, "approval_invalid", twin));
}

fn meta(file: &mut RpcCases) {
    let one = |value: &str| with_meta(&[("com.example/mode", Json::text(value))]);
    let seen = |value: &str| operation(object([("com.example/mode", value.into())]));
    let twin = "approval-meta";
    good(file, twin, "a member of `_meta` is approved", &one("dry"), &seen("dry"));
    bad(file, "approval-meta-changed", "another value of it", &one("wet"), &seen("dry"), twin);
    bad(
        file,
        "approval-meta-added",
        "it was not there when the approver looked",
        &one("wet"),
        &operation(Approved::Null),
        twin,
    );
    bad(file, "approval-meta-removed", "it was there when the approver looked", &call(), &seen("dry"), GOOD);
    bad(
        file,
        "approval-meta-empty",
        "an object without members where there is nothing",
        &call(),
        &operation(object([])),
        GOOD,
    );
    let empty = with_meta(&[("progressToken", Json::int(1))]);
    good(file, "approval-meta-progress", "what relays add is no part of it", &empty, &operation(Approved::Null));
    bad(
        file,
        "approval-meta-progress-there",
        "what relays add approved, too",
        &empty,
        &operation(object([("progressToken", 1.into())])),
        "approval-meta-progress",
    );
    let all = ["progressToken", "traceparent", "tracestate", "baggage"].map(|name| (name, Json::text("x")));
    let all: Vec<_> = all.into_iter().chain([("com.example/mode", Json::text("dry"))]).collect();
    good(
        file,
        "approval-meta-beside",
        "what relays add beside a member that is approved",
        &with_meta(&all),
        &seen("dry"),
    );
    let text = |meta: &str| call().wire().replace("\"params\":{", &format!("\"params\":{{\"_meta\":{meta},"));
    let request = |meta: &str| {
        let approval = Approval::new(&Key::named("approver"), &operation(Approved::Null).digest()).text();
        over_http("POST", &token().text(), &[("Countersign-Approval", &approval)], &text(meta))
    };
    file.push(RpcCase::http("approval-meta-object", "`_meta` without members", &request("{}")).req(["JR-20", "VF-44"]));
    for (slug, comment, meta) in [
        ("text", "`_meta` is a string", "\"wet\""),
        ("null", "`_meta` is null", "null"),
        ("array", "`_meta` is an array", "[]"),
    ] {
        let case = RpcCase::http(&format!("approval-meta-{slug}"), comment, &request(meta)).req(["JR-20"]);
        file.push(case.deny(11, "body_ambiguous", "approval-meta-object"));
    }
    // The envelope of both proofs is no part of it: it is made anew for each request.
    let proven = envelope_of(&token().text()).with("nonce", Json::text(&crate::raw_request::nonce("message")));
    let both = proven.sign(call());
    let case = RpcCase::http(
        "approval-both",
        "with both proofs, the envelope is no part of it",
        &sent(&both, &operation(Approved::Null), &[]),
    );
    file.push(case.both().req(["VF-44", "JR-34"]));
    // Where nobody asks for it, it is a member like any other, whatever stands in it.
    let unasked = with_meta(&[(ENVELOPE, Json::text("x"))]);
    let seen = operation(object([(ENVELOPE, "x".into())]));
    good(file, "approval-envelope", "an envelope that nobody asked for is approved", &unasked, &seen);
    bad(
        file,
        "approval-envelope-unseen",
        "it was not there when the approver looked",
        &unasked,
        &operation(Approved::Null),
        "approval-envelope",
    );
    relayed(file);
}

/// What relays may change is small, and of the kinds that it has by MCP.
fn relayed(file: &mut RpcCases) {
    let request = |name: &str, value: Json| sent(&with_meta(&[(name, value)]), &operation(Approved::Null), &[]);
    let long = |bytes: usize| Json::text(&"x".repeat(bytes));
    for name in UNCOVERED {
        let slug = |end: &str| format!("relayed-{}-{end}", name.to_ascii_lowercase());
        let good = slug("most");
        let case = RpcCase::http(&good, &format!("8,192 bytes of `{name}`"), &request(name, long(8_192)));
        file.push(case.req(["JR-40"]));
        for (end, comment, value) in [
            ("more", "8,193 bytes", long(8_193)),
            ("null", "null", Json::word("null")),
            ("object", "an object", Json::object([("to", Json::text("x"))])),
            ("array", "an array", Json::Array(vec![Json::text("x")])),
            ("fraction", "a fraction", Json::word("1.5")),
            ("bool", "a boolean", Json::word("true")),
        ] {
            let case = RpcCase::http(&slug(end), &format!("`{name}`: {comment}"), &request(name, value));
            file.push(case.req(["JR-40"]).deny(11, "body_ambiguous", &good));
        }
        let integer = RpcCase::http(&slug("integer"), &format!("an integer as `{name}`"), &request(name, Json::int(7)));
        let integer = integer.req(["JR-40"]);
        file.push(if name == "progressToken" { integer } else { integer.deny(11, "body_ambiguous", &good) });
    }
    let message = |value: Json| {
        let mut message = signed(call());
        message.meta(|meta| meta.set("progressToken", value));
        message
    };
    let good = "relayed-message";
    file.push(
        RpcCase::new(good, "a text that a relay put into a message", &message(long(8_192))).req(["JR-40", "JR-14"]),
    );
    let case = RpcCase::new("relayed-message-object", "an object that a relay put there", &message(Json::object([])));
    file.push(case.req(["JR-40"]).deny(11, "body_ambiguous", good));
}

fn fields(file: &mut RpcCases) {
    let session = ("Mcp-Session-Id", "s-1");
    let seen = |value: &str| {
        let fields = object([("content-type", "application/json".into()), ("mcp-session-id", value.into())]);
        with(operation(Approved::Null), "fields", fields)
    };
    let twin = "approval-session";
    file.push(
        RpcCase::http(twin, "a field of MCP is approved", &sent(&call(), &seen("s-1"), &[session])).req(["VF-44"]),
    );
    for (slug, comment, operation, fields) in [
        ("other", "in another session", seen("s-2"), &[session][..]),
        ("added", "in a session that the approver did not see", operation(Approved::Null), &[session][..]),
    ] {
        let case = RpcCase::http(&format!("{twin}-{slug}"), comment, &sent(&call(), &operation, fields));
        file.push(case.req(["VF-44", "RQ-58"]).attack(56).deny(11, "approval_invalid", twin));
    }
}

fn members(file: &mut RpcCases) {
    let seen = || operation(Approved::Null);
    let digest = crate::raw_approval::content_sha256(call().wire().as_bytes());
    bad(
        file,
        "approval-content",
        "the digest of the message, too",
        &call(),
        &with(seen(), "content_sha256", digest),
        GOOD,
    );
    let other = with(seen(), "args", object([("day", "2026-11-25".into())]));
    bad(file, "approval-other-day", "for other arguments", &call(), &other, GOOD);
    bad(file, "approval-no-tool", "the tool is null", &call(), &with(seen(), "tool", Approved::Null), GOOD);
    let bare = Rpc::new("tools/call", Json::object([("name", Json::text("list_events"))]));
    let nothing = with(seen(), "args", object([]));
    good(file, "approval-no-arguments", "a call without arguments has an object without members", &bare, &nothing);
    let null = with(seen(), "args", Approved::Null);
    bad(file, "approval-arguments-null", "null where arguments are absent", &bare, &null, "approval-no-arguments");

    let read = Rpc::new("resources/read", Json::object([("uri", Json::text("memo://today"))]));
    let resource = with(with(null, "tool", Approved::Null), "type", "mcp_resource".into());
    let resource = with(with(resource, "resource", "calendar/memo/today".into()), "action", "read".into());
    let twin = "approval-resource";
    let case = RpcCase::http(twin, "a resource has no arguments: null", &sent(&read, &resource, &[]));
    file.push(case.req(["VF-44"]).right(Some("mcp_resource:calendar/memo/today:read")));
    let empty = with(resource, "args", object([]));
    bad(file, "approval-resource-arguments", "an object without members in their place", &read, &empty, twin);
}
