//! `jsonrpc/mcp.json` and `jsonrpc/http.json`: what messages of MCP ask for, and MCP over Streamable HTTP.

use crate::format_rpc::Sent;
use crate::keys::Key;
use crate::raw_request::nonce;
use crate::raw_rpc::{Envelope, Json, Rpc};
use crate::text::b64u;

use super::rpc_case::{ENDPOINT, RpcCase, RpcCases, TOOL_RIGHT, call, envelope, envelope_of, over_http, plan, signed};
use super::standard::{SERVICE, get_target, unsigned};

/// Methods and their operations: stage 11.
#[must_use]
pub fn mcp() -> RpcCases {
    let mut file = RpcCases::new("mcp", "what messages of MCP ask for");
    let arguments = || Json::object([("day", Json::text("2026-11-24"))]);
    let tool = |name: Json| Rpc::new("tools/call", Json::object([("name", name), ("arguments", arguments())]));
    let read = |uri: &str| Rpc::new("resources/read", Json::object([("uri", Json::text(uri))]));
    let prompt =
        |name: &str| Rpc::new("prompts/get", Json::object([("name", Json::text(name)), ("arguments", arguments())]));
    let none = || Json::Object(Vec::new());

    let mut allow = |slug: &str, comment: &str, message: Rpc, id: &str, right: Option<&str>| {
        file.push(RpcCase::new(slug, comment, &signed(message)).req([id]).right(right));
    };
    let without = Rpc::new("tools/call", Json::object([("name", Json::text("list_events"))]));
    allow("tool-without-arguments", "a call without arguments", without, "JR-20", Some(TOOL_RIGHT));
    let notes = Some("mcp_resource:calendar/file/-/notes:read");
    allow("resource", "a resource beneath the right's location", read("file:///notes/a.md"), "JR-22", notes);
    allow("resource-itself", "the resource that the right names", read("file:///notes"), "JR-22", notes);
    allow(
        "resource-host",
        "a resource without a path",
        read("memo://today"),
        "JR-22",
        Some("mcp_resource:calendar/memo/today:read"),
    );
    allow("prompt", "a prompt", prompt("brief"), "JR-18", Some("mcp_prompt:brief:get"));
    for method in [
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
    ] {
        let slug = format!("idle-{}", method.replace(['/', '_'], "-"));
        let comment = format!("{method}, which acts on nothing");
        file.push(RpcCase::new(&slug, &comment, &signed(Rpc::new(method, none()))).req(["JR-23"]).right(None));
    }
    let no_rights = envelope_of(&plan().rights([super::standard::right("mcp_prompt", "brief", "get")]).text());
    let list = Rpc::new("tools/list", none());
    file.push(
        RpcCase::new("idle-without-right", "a list, by a token without a right for any tool", &no_rights.sign(list))
            .req(["JR-23"])
            .right(None),
    );

    let mut deny = |slug: &str, comment: &str, message: Rpc, id: &str, code: &str, twin: &str| {
        file.push(RpcCase::new(slug, comment, &signed(message)).req([id]).deny(11, code, twin));
    };
    deny(
        "name-absent",
        "a call that names no tool",
        Rpc::new("tools/call", Json::object([("arguments", arguments())])),
        "JR-18",
        "operation_unmapped",
        "call",
    );
    deny("name-number", "a call of the tool 1", tool(Json::int(1)), "JR-18", "operation_unmapped", "call");
    deny(
        "uri-absent",
        "a read that names no resource",
        Rpc::new("resources/read", none()),
        "JR-18",
        "operation_unmapped",
        "resource",
    );
    let mut more = call();
    more.params.set("inputResponses", Json::object([("to", Json::text("mallory@example.com"))]));
    deny(
        "parameter-more",
        "a call with input that stands outside its arguments",
        more,
        "JR-19",
        "operation_unmapped",
        "call",
    );
    let mut more = read("file:///notes/a.md");
    more.params.set("arguments", arguments());
    deny("resource-arguments", "a read with arguments", more, "JR-19", "operation_unmapped", "resource");
    for (slug, value) in [("null", Json::word("null")), ("array", Json::Array(Vec::new())), ("text", Json::text("{}"))]
    {
        let message = Rpc::call("list_events", value);
        deny(&format!("arguments-{slug}"), "arguments that are no object", message, "JR-20", "body_ambiguous", "call");
    }
    for (slug, name) in [
        ("empty", ""),
        ("slash", "list_events/x"),
        ("slash-end", "list_events/"),
        ("dots", ".."),
        ("space", "list events"),
        ("escape", "list%5Fevents"),
        ("not-ascii", "list_\u{e9}vents"),
    ] {
        let comment = format!("a tool whose name is no segment of a resource ({slug})");
        deny(&format!("tool-{slug}"), &comment, tool(Json::text(name)), "JR-21", "resource_invalid", "call");
    }
    deny("prompt-slash", "a prompt whose name has a slash", prompt("brief/x"), "JR-21", "resource_invalid", "prompt");
    for (slug, uri) in [
        ("query", "file:///notes/a.md?x"),
        ("fragment", "file:///notes/a.md#x"),
        ("dots", "file:///notes/../secret"),
        ("escaped-dots", "file:///notes/%2E%2E/secret"),
        ("lower-escape", "file:///notes/%c3%bc"),
        ("empty-segment", "file:////notes/a.md"),
        ("no-slashes", "file:/notes/a.md"),
        ("scheme-upper", "FILE:///notes/a.md"),
        ("host-upper", "memo://Today"),
        ("host-dash", "file://-/notes/a.md"),
        ("user", "memo://a@today"),
        ("backslash", "file:///notes\\a.md"),
        ("relative", "notes/a.md"),
    ] {
        let comment = format!("a URI without a resource of its own ({slug})");
        deny(&format!("uri-{slug}"), &comment, read(uri), "JR-22", "resource_invalid", "resource");
    }
    for method in [
        "completion/complete",
        "logging/setLevel",
        "resources/subscribe",
        "subscriptions/listen",
        "tasks/get",
        "notifications/tasks",
        "tools/Call",
        "",
    ] {
        let slug = format!(
            "unmapped-{}",
            if method.is_empty() { "empty".into() } else { method.to_lowercase().replace('/', "-") }
        );
        let comment = format!("the method \"{method}\"");
        deny(&slug, &comment, Rpc::new(method, none()), "JR-24", "operation_unmapped", "idle-ping");
    }
    deny(
        "tool-without-right",
        "a tool that no right covers",
        Rpc::call("send_email", none()),
        "VF-29",
        "right_missing",
        "call",
    );
    deny(
        "resource-without-right",
        "a resource beside the right's location",
        read("file:///notes-old/a.md"),
        "VF-29",
        "right_missing",
        "resource",
    );
    file
}

/// MCP over Streamable HTTP.
#[must_use]
pub fn http() -> RpcCases {
    let mut file = RpcCases::new("http", "MCP over Streamable HTTP, and both proofs in one request");
    let token = plan().text();
    let text = call().wire();
    let post = |fields: &[(&str, &str)], body: &str| over_http("POST", &token, fields, body);
    let read = Rpc::new("resources/read", Json::object([("uri", Json::text("file:///notes/\u{fc}"))])).wire();
    let list = Rpc::new("tools/list", Json::Object(Vec::new())).wire();
    let mut versioned = call();
    versioned.meta(|meta| meta.set("io.modelcontextprotocol/protocolVersion", Json::text("2026-07-28")));
    let versioned = versioned.wire();

    let mut allow = |slug: &str, comment: &str, fields: &[(&str, &str)], body: &str, id: &str| {
        let right = if body == list { None } else { Some(TOOL_RIGHT) };
        file.push(RpcCase::http(slug, comment, &post(fields, body)).req([id]).right(right));
    };
    allow("http-call", "a call by HTTP without an envelope", &[], &text, "JR-27");
    let charset = [("Content-Type", "application/json; charset=utf-8")];
    allow("http-charset", "with a charset in its media type", &charset, &text, "JR-28");
    let all = [("Mcp-Method", "tools/call"), ("Mcp-Name", "list_events"), ("Mcp-Session-Id", "1868a90c")];
    allow("fields", "with the fields of its method, name and session", &all, &text, "JR-31");
    allow("name-base64", "with its name in base64", &[("Mcp-Name", "=?base64?bGlzdF9ldmVudHM=?=")], &text, "JR-31");
    allow(
        "version",
        "with the version that its body names",
        &[("Mcp-Protocol-Version", "2026-07-28")],
        &versioned,
        "JR-32",
    );
    allow(
        "version-alone",
        "with a version, its body without one",
        &[("Mcp-Protocol-Version", "2025-11-25")],
        &text,
        "JR-32",
    );
    allow("param", "with a field for an argument", &[("Mcp-Param-Day", "2026-11-24")], &text, "JR-33");
    let day = || Json::text("2026-11-24");
    let nested = Rpc::call("list_events", Json::object([("when", Json::object([("day", day())]))])).wire();
    allow(
        "param-nested",
        "with a field for a member of an argument",
        &[("Mcp-Param-Day", "2026-11-24")],
        &nested,
        "JR-33",
    );
    allow("http-list", "a list", &[("Mcp-Method", "tools/list")], &list, "JR-30");
    let get = get_target(ENDPOINT, &token);
    file.push(RpcCase::http("http-get", "a GET, which opens a stream", &get).req(["JR-27"]).right(None));
    let delete = over_http("DELETE", &token, &[("Mcp-Session-Id", "1868a90c")], "");
    file.push(RpcCase::http("http-delete", "a DELETE, which ends a session", &delete).req(["JR-27"]).right(None));

    let mut deny = |slug: &str, comment: &str, fields: &[(&str, &str)], body: &str, id: &str, code: &str| {
        file.push(RpcCase::http(slug, comment, &post(fields, body)).req([id]).deny(11, code, "http-call"));
    };
    let plain = [("Content-Type", "text/plain")];
    deny("http-text", "a message of the media type text/plain", &plain, &text, "JR-28", "operation_unmapped");
    let other = [("Content-Type", "application/vnd.example+json")];
    deny("http-other-json", "a message of another JSON media type", &other, &text, "JR-28", "operation_unmapped");
    deny("http-batch", "a batch", &[], &format!("[{text}]"), "JR-29", "batch_rejected");
    let twice = text.replacen("\"name\":", "\"name\":\"create_event\",\"name\":", 1);
    deny("http-twice-name", "the tool's name twice", &[], &twice, "JR-29", "body_ambiguous");
    deny("http-response", "a response", &[], r#"{"jsonrpc":"2.0","id":7,"result":{}}"#, "JR-29", "body_ambiguous");
    let latin = [("Content-Type", "application/json; charset=iso-8859-1")];
    deny("http-latin", "a message in another charset", &latin, &text, "JR-29", "body_ambiguous");
    let coded = [("Content-Encoding", "identity")];
    deny("http-coded", "a message with a content coding", &coded, &text, "JR-29", "body_ambiguous");
    let caller = text.replacen("\"name\":", "\"_meta\":{\"dev.countersign/caller\":{}},\"name\":", 1);
    deny(
        "http-caller",
        "a message that says who asks, as only a verifier may",
        &[],
        &caller,
        "JR-37",
        "body_ambiguous",
    );
    let empty = unsigned("POST", ENDPOINT, &token);
    let empty = crate::raw_request::Signature::new(&Key::named("agent")).sign(empty);
    file.push(RpcCase::http("http-empty", "a POST without a body", &empty).req(["JR-28"]).deny(
        11,
        "operation_unmapped",
        "http-call",
    ));
    let put = over_http("PUT", &token, &[], &text);
    file.push(RpcCase::http("http-put", "a PUT", &put).req(["JR-27"]).deny(11, "operation_unmapped", "http-call"));
    let delete = over_http("DELETE", &token, &[], &text);
    file.push(RpcCase::http("http-delete-body", "a DELETE with a body", &delete).req(["JR-27"]).deny(
        11,
        "operation_unmapped",
        "http-delete",
    ));

    let mut mismatch = |slug: &str, comment: &str, fields: &[(&str, &str)], body: &str, id: &str, twin: &str| {
        let case = RpcCase::http(slug, comment, &post(fields, body)).req([id]).attack(49);
        file.push(case.deny(11, "header_body_mismatch", twin));
    };
    mismatch(
        "method-other",
        "Mcp-Method names a list, the body calls",
        &[("Mcp-Method", "tools/list")],
        &text,
        "JR-30",
        "fields",
    );
    let two = [("Mcp-Method", "tools/call"), ("Mcp-Method", "tools/call")];
    mismatch("method-twice", "Mcp-Method twice, both right", &two, &text, "JR-30", "fields");
    mismatch("method-case", "Mcp-Method in another case", &[("Mcp-Method", "Tools/Call")], &text, "JR-30", "fields");
    mismatch(
        "name-other",
        "Mcp-Name names another tool than the body",
        &[("Mcp-Name", "create_event")],
        &text,
        "JR-31",
        "fields",
    );
    mismatch("name-empty", "Mcp-Name is empty", &[("Mcp-Name", "")], &text, "JR-31", "fields");
    mismatch("name-of-list", "Mcp-Name beside a list", &[("Mcp-Name", "list_events")], &list, "JR-31", "http-list");
    let unpadded = [("Mcp-Name", "=?base64?bGlzdF9ldmVudHM?=")];
    mismatch("name-base64-unpadded", "Mcp-Name in base64 without padding", &unpadded, &text, "JR-31", "name-base64");
    mismatch(
        "protocol-version-other",
        "another version than the body's",
        &[("Mcp-Protocol-Version", "2025-11-25")],
        &versioned,
        "JR-32",
        "version",
    );
    mismatch(
        "param-other",
        "a field for an argument that is not there",
        &[("Mcp-Param-Day", "2026-11-25")],
        &text,
        "JR-33",
        "param",
    );
    let listed = Rpc::call("list_events", Json::object([("when", Json::Array(vec![day()]))])).wire();
    mismatch(
        "param-in-array",
        "a field for an element of an argument",
        &[("Mcp-Param-Day", "2026-11-24")],
        &listed,
        "JR-33",
        "param-nested",
    );
    mismatch(
        "param-of-list",
        "a field for an argument beside a list",
        &[("Mcp-Param-Day", "2026-11-24")],
        &list,
        "JR-33",
        "http-list",
    );
    let resource = Some("mcp_resource:calendar/file/-/notes:read");
    let escaped = Rpc::new("resources/read", Json::object([("uri", Json::text("file:///notes/%C3%BC"))])).wire();
    let name = [("Mcp-Name", "file:///notes/%C3%BC")];
    file.push(
        RpcCase::http("name-uri", "with the URI that is read", &post(&name, &escaped)).req(["JR-31"]).right(resource),
    );
    let raw = [("Mcp-Name", "=?base64?ZmlsZTovLy9ub3Rlcy/DvA==?=")];
    file.push(
        RpcCase::http("name-uri-raw", "with a URI that is not ASCII, which the field agrees with", &post(&raw, &read))
            .req(["JR-22"])
            .deny(11, "resource_invalid", "name-uri"),
    );

    // Both proofs.
    let inner = |envelope: Envelope| envelope.with("nonce", Json::text(&nonce("inner")));
    let both = |message: &Rpc| post(&[], &message.wire());
    let good = inner(envelope()).sign(call());
    file.push(RpcCase::http("both", "both proofs, as the service asks", &both(&good)).both().req(["JR-34"]));
    file.push(
        RpcCase::http(
            "envelope-unasked",
            "an envelope that proves nothing, where none is asked for",
            &both(&envelope().put(call(), "")),
        )
        .req(["JR-34"]),
    );
    let long = envelope_of(&"A".repeat(6_828)).put(call(), "");
    file.push(
        RpcCase::http("envelope-unasked-long", "the same with a token longer than any", &both(&long)).req(["JR-34"]),
    );
    file.push(
        RpcCase::new("envelope-later", "the envelope of a request by HTTP, verified behind the gateway", &good)
            .before(Sent::Request(b64u(&both(&good).to_bytes())))
            .req(["JR-34"]),
    );
    let mut differs = |slug: &str, comment: &str, message: &Rpc| {
        let case = RpcCase::http(slug, comment, &both(message)).both().req(["JR-34"]);
        let case = if slug.starts_with("both-token") { case.attack(53) } else { case };
        file.push(case.deny(11, "header_body_mismatch", "both"));
    };
    let other = plan().replace(crate::raw_checks::pred("purpose", [crate::raw_checks::string("billing")])).text();
    differs("both-token", "two tokens of one holder", &inner(envelope_of(&other)).sign(call()));
    let theirs = plan().replace(crate::raw_checks::pred(
        "agent",
        [
            crate::raw_checks::string("calendar-bot"),
            crate::raw_checks::Term::Bytes(Key::named("sub-agent").public().to_vec()),
        ],
    ));
    let theirs = Envelope::new(&Key::named("sub-agent"), SERVICE, &theirs.text());
    differs("both-token-holder", "two tokens of two holders", &inner(theirs).sign(call()));
    differs("both-nonce", "one nonce for both", &envelope().sign(call()));
    differs("both-absent", "no envelope", &call());
    let key = Key::named("stranger").id();
    differs("both-keyid", "another key id", &inner(envelope()).with("keyid", Json::text(&key)).sign(call()));
    let service = "https://mail.example.com";
    differs("both-service", "another service", &inner(envelope()).with("service", Json::text(service)).sign(call()));
    let mut moved = good.clone();
    moved.params.set("name", Json::text("create_event"));
    differs("both-moved", "the envelope of another call", &moved);
    differs(
        "both-window",
        "an envelope that has expired",
        &inner(envelope())
            .with("created", Json::int(crate::clock::NOW - 200))
            .with("expires", Json::int(crate::clock::NOW - 100))
            .sign(call()),
    );
    let long = "A".repeat(6_828);
    differs("both-token-long", "an envelope whose token is too long", &inner(envelope_of(&long)).sign(call()));
    differs("both-v", "an envelope of another version", &inner(envelope()).with("v", Json::int(2)).sign(call()));
    file
}
