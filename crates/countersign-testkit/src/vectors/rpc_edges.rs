//! `jsonrpc/edges.json`: what is left over for the fields, the query, the facts and the costs of MCP.

use crate::format_rpc::Sent;
use crate::raw_checks::{Check, Predicate, Term, check_if, lit, num, pred, query, reject_if, string, strings, v, var};
use crate::raw_request::{Request, nonce};
use crate::raw_rpc::{Json, Rpc};
use crate::text::b64u;

use super::rpc_case::{RpcCase, RpcCases, call, envelope, envelope_of, over_http, over_http_to, plan};
use super::standard::{Plan, right};

/// The file.
#[must_use]
pub fn file() -> RpcCases {
    let mut file = RpcCases::new("edges", "fields, query, facts and costs of MCP where a reader could guess");
    media(&mut file);
    queries(&mut file);
    facts(&mut file);
    fields(&mut file);
    numbers(&mut file);
    costs(&mut file);
    order(&mut file);
    file
}

fn list() -> Rpc {
    Rpc::new("tools/list", Json::Object(Vec::new()))
}

fn post(plan: &Plan, fields: &[(&str, &str)], body: &str) -> Request {
    over_http("POST", &plan.text(), fields, body)
}

/// JR-28 and JR-29: the type first, then the form of the field.
fn media(file: &mut RpcCases) {
    let of = |media: &str| post(&plan(), &[("Content-Type", media)], &call().wire());
    let twin = "media-parameter";
    let comment = "a media type in upper case, spaces, and an empty parameter";
    file.push(RpcCase::http(twin, comment, &of("Application/JSON ;; charset=UTF-8")).req(["JR-28", "RQ-56"]));
    for (slug, comment, media, code, id) in [
        ("two", "two media types", "application/json, text/plain", "operation_unmapped", "JR-28"),
        ("twice", "the media type twice", "application/json, application/json", "operation_unmapped", "JR-28"),
        ("broken", "a parameter without a value", "application/json; charset", "body_ambiguous", "JR-29"),
        (
            "comma",
            "a comma behind a parameter",
            "application/json; charset=utf-8, text/plain",
            "body_ambiguous",
            "JR-29",
        ),
        ("charsets", "two charsets", "application/json; charset=utf-8; charset=latin1", "body_ambiguous", "JR-29"),
    ] {
        file.push(RpcCase::http(&format!("media-{slug}"), comment, &of(media)).req([id]).deny(11, code, twin));
    }
    let empty = over_http("POST", &plan().text(), &[("Content-Type", "application/json")], "");
    let case = RpcCase::http("media-empty", "a POST of application/json without a body", &empty).req(["JR-29"]);
    file.push(case.deny(11, "body_ambiguous", twin));
}

/// The query of the endpoint gives no arguments.
fn queries(file: &mut RpcCases) {
    let only_day = reject_if(query(
        [pred("arg_present", [var("name")])],
        [crate::raw_checks::Expr::from(strings(&["/day"])).contains(v("name")).not()],
    ));
    let plan = plan().check(only_day);
    let to = |target: &str, body: &Rpc| over_http_to("POST", target, &plan.text(), &[], &body.wire());
    for (slug, comment, target) in [
        ("query", "a query is no argument", "/mcp?x=1"),
        ("query-escape", "nor is it decoded", "/mcp?x=%4"),
        ("query-none", "without a query", "/mcp"),
    ] {
        file.push(RpcCase::http(slug, comment, &to(target, &call())).req(["JR-18"]));
    }
    let more = Rpc::call("list_events", Json::object([("day", Json::text("2026-11-24")), ("x", Json::int(1))]));
    file.push(RpcCase::http("query-argument", "an argument in its place", &to("/mcp?x=1", &more)).req(["CK-23"]).deny(
        11,
        "check_failed",
        "query",
    ));
}

fn is(name: &str, value: &str) -> Check {
    check_if([query([pred(name, [var("x")])], [v("x").eq(lit(value))])])
}

/// What checks see.
fn facts(file: &mut RpcCases) {
    let of = |check: Check, message: &Rpc| post(&plan().check(check), &[], &message.wire());
    for (name, value) in [
        ("method", "POST"),
        ("authority", "calendar.example.com"),
        ("path", "/mcp"),
        ("binding", "ed25519"),
        ("tool", "list_events"),
    ] {
        let slug = format!("fact-{name}");
        let comment = format!("`{name}` of a call by HTTP");
        file.push(RpcCase::http(&slug, &comment, &of(is(name, value), &call())).req(["CK-6"]));
        let case = RpcCase::http(&format!("{slug}-other"), &comment, &of(is(name, "other"), &call())).req(["CK-22"]);
        file.push(case.deny(11, "check_failed", &slug));
    }
    // Nothing is declared.
    let value = |name: &str| reject_if(query([pred(name, [string("/day"), var("x")])], [v("x").eq(lit("other"))]));
    file.push(RpcCase::http("undeclared-arg", "an argument's value", &of(value("arg"), &call())).req(["CK-30"]));
    for name in ["arg_host", "arg_path"] {
        let slug = format!("undeclared-{}", name.replace('_', "-"));
        let case = RpcCase::http(&slug, "of an argument that is not declared", &of(value(name), &call()));
        file.push(case.req(["CK-37"]).deny(11, "check_error", "undeclared-arg"));
    }
    // A read has no arguments, which is not the same as arguments that were not extracted.
    let read = Rpc::new("resources/read", Json::object([("uri", Json::text("memo://today"))]));
    let present = || query([pred("arg_present", [string("/uri")])], []);
    let resource = Some("mcp_resource:calendar/memo/today:read");
    let case = RpcCase::http("read-arguments", "a read has none", &of(reject_if(present()), &read));
    file.push(case.req(["CK-34"]).right(resource));
    let case = RpcCase::http("read-arguments-asked", "a read is asked for one", &of(check_if([present()]), &read));
    file.push(case.req(["CK-22"]).deny(11, "check_failed", "read-arguments"));
}

/// Values in base64 in all four kinds of fields.
fn fields(file: &mut RpcCases) {
    let mut message = call();
    message.meta(|meta| meta.set("io.modelcontextprotocol/protocolVersion", Json::text("2026-07-28")));
    let encoded = |text: &str| format!("=?base64?{}?=", crate::text::b64(text.as_bytes()));
    for (name, id, value, other) in [
        ("Mcp-Method", "JR-30", "tools/call", "tools/list"),
        ("Mcp-Protocol-Version", "JR-32", "2026-07-28", "2025-11-25"),
        ("Mcp-Param-Day", "JR-33", "2026-11-24", "2026-11-25"),
    ] {
        let slug = format!("base64-{}", name[4..].to_lowercase());
        let of = |value: &str| post(&plan(), &[(name, &encoded(value))], &message.wire());
        file.push(RpcCase::http(&slug, &format!("{name} in base64"), &of(value)).req([id]));
        let case = RpcCase::http(&format!("{slug}-other"), &format!("{name} in base64, of another text"), &of(other));
        file.push(case.req([id]).attack(49).deny(11, "header_body_mismatch", &slug));
    }
    let named = |value: &str| post(&plan(), &[("Mcp-Name", value)], &call().wire());
    for (slug, comment, value) in [
        ("bits", "unused bits that are not zero", "=?base64?bGlzdF9ldmVudHN=?="),
        ("marker", "the marker in upper case", "=?BASE64?bGlzdF9ldmVudHM=?="),
        ("quoted-printable", "another encoding", "=?q?list_events?="),
        ("end", "without the end of the marker", "=?base64?bGlzdF9ldmVudHM="),
    ] {
        let case = RpcCase::http(&format!("base64-name-{slug}"), &format!("Mcp-Name with {comment}"), &named(value));
        file.push(case.req(["JR-31"]).attack(49).deny(11, "header_body_mismatch", "name-base64"));
    }
    texts(file);
    // Integers in decimal.
    let zero = Rpc::call("list_events", Json::object([("n", Json::word("-0"))])).wire();
    let of = |value: &str| post(&plan(), &[("Mcp-Param-N", value)], &zero);
    file.push(RpcCase::http("param-zero", "the Integer -0 is `0`", &of("0")).req(["JR-33"]));
    let case = RpcCase::http("param-minus-zero", "the Integer -0 is not `-0`", &of("-0")).req(["JR-33"]);
    file.push(case.attack(49).deny(11, "header_body_mismatch", "param-zero"));
    // Both proofs are asked of what acts on nothing, too.
    let envelope = envelope().with("nonce", Json::text(&nonce("inner")));
    let both = |message: &Rpc| post(&plan(), &[], &message.wire());
    let case = RpcCase::http("both-list", "both proofs of a list", &both(&envelope.sign(list())));
    file.push(case.both().req(["JR-34"]).right(None));
    let case = RpcCase::http("both-list-absent", "a list without an envelope, where one is asked for", &both(&list()));
    file.push(case.both().req(["JR-34"]).deny(11, "header_body_mismatch", "both-list"));
}

/// What a field is compared with is a String, but for arguments; and a field has to be readable whatever it stands beside.
fn texts(file: &mut RpcCases) {
    const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
    let versioned = |version: Json| {
        let mut message = call();
        message.meta(|meta| meta.set(VERSION, version));
        post(&plan(), &[("Mcp-Protocol-Version", "2026")], &message.wire())
    };
    let case = RpcCase::http("version-text", "a version that is a String", &versioned(Json::text("2026")));
    file.push(case.req(["JR-32"]));
    let mismatch =
        |case: RpcCase, id: &str, twin: &str| case.req([id]).attack(49).deny(11, "header_body_mismatch", twin);
    for (slug, comment, version) in [
        ("integer", "a version that is an Integer", Json::int(2026)),
        ("null", "a version that is null", Json::word("null")),
    ] {
        let case = RpcCase::http(&format!("version-{slug}"), comment, &versioned(version));
        file.push(mismatch(case, "JR-32", "version-text"));
    }
    let alone = post(&plan(), &[("Mcp-Protocol-Version", "=?base64?MjAyNg?=")], &call().wire());
    let comment = "a version in base64 without padding, the body without a version";
    file.push(mismatch(RpcCase::http("version-alone-unpadded", comment, &alone), "JR-32", "version-alone"));
    let named = |name: Json| {
        let message = Rpc::new("tools/call", Json::object([("name", name)]));
        post(&plan().rights([right("mcp_tool", "calendar/7", "call")]), &[("Mcp-Name", "7")], &message.wire())
    };
    let case = RpcCase::http("name-text", "the name `7`", &named(Json::text("7")));
    file.push(case.req(["JR-31"]).right(Some("mcp_tool:calendar/7:call")));
    // A field that differs comes before a name that is none.
    let case = RpcCase::http("order-name-integer", "the field `7` and the Integer 7", &named(Json::int(7)));
    file.push(case.req(["JR-31", "JR-18"]).deny(11, "header_body_mismatch", "name-text"));
}

/// A number in another spelling has the same signature, and is another argument.
fn numbers(file: &mut RpcCases) {
    let plan = plan().check(reject_if(query([pred("arg", [string("/n"), var("x")])], [v("x").gt(num(5))])));
    let of = |wire: &str| {
        let n = Json::Word(wire.into(), "1".into());
        envelope_of(&plan.text()).sign(Rpc::call("list_events", Json::object([("n", n)])))
    };
    file.push(RpcCase::new("number", "an Integer", &of("1")).req(["JR-14", "CK-30"]));
    for (slug, wire) in [("fraction", "1.0"), ("exponent", "1e0")] {
        let comment = format!("the same under the same signature, spelled {wire}");
        let case = RpcCase::new(&format!("number-{slug}"), &comment, &of(wire)).req(["CK-36", "CK-30"]);
        file.push(case.deny(11, "check_error", "number"));
    }
}

/// Each operation costs one call.
fn costs(file: &mut RpcCases) {
    let budget = |unit: &str, amount: i64| -> Predicate {
        pred("budget", [string("daily"), string(unit), Term::Int(amount), Term::Int(0)])
    };
    let message = |plan: &Plan, name: &str, message: Rpc| {
        envelope_of(&plan.text()).with("nonce", Json::text(&nonce(name))).sign(message)
    };
    let sent = |plan: &Plan, name: &str, it: Rpc| Sent::Message(b64u(message(plan, name, it).wire().as_bytes()));
    let by_http = |plan: &Plan| Sent::Request(b64u(&post(plan, &[], &call().wire()).to_bytes()));
    let of = |plan: &Plan, slug: &str, comment: &str| {
        RpcCase::new(slug, comment, &message(plan, "last", call())).req(["VF-34"])
    };
    let (one, two) = (plan().fact(budget("calls", 1)), plan().fact(budget("calls", 2)));
    file.push(of(&two, "cost", "the second of two calls").before(sent(&two, "first", call())));
    let denied = |case: RpcCase, twin: &str| case.attack(57).deny(12, "budget_exceeded", twin);
    file.push(denied(of(&one, "cost-over", "the second of one call").before(sent(&one, "first", call())), "cost"));
    file.push(of(&two, "cost-http", "the second of two, the first by HTTP").before(by_http(&two)));
    let case = of(&one, "cost-http-over", "the second of one, the first by HTTP").before(by_http(&one));
    file.push(denied(case, "cost-http"));
    file.push(of(&one, "cost-list", "the first call, behind a list, which costs nothing").before(sent(
        &one,
        "first",
        list(),
    )));
    let mails = plan().fact(budget("mails", 9));
    file.push(denied(of(&mails, "cost-unit", "a budget of a unit that a call does not name"), "cost"));
}

/// Which of two broken rules decides.
fn order(file: &mut RpcCases) {
    let elsewhere = || plan().rights([right("mcp_tool", "calendar/other", "call")]);
    let text = call().wire();
    let caller = text.replacen("\"name\":", "\"_meta\":{\"dev.countersign/caller\":{}},\"name\":", 1);
    let method = [("Mcp-Method", "tools/list")];
    for (slug, comment, request, code, ids) in [
        (
            "caller-fields",
            "a caller, and a field of another method",
            post(&plan(), &method, &caller),
            "body_ambiguous",
            ["JR-37", "JR-30"],
        ),
        (
            "fields-right",
            "a field of another method, and no right",
            post(&elsewhere(), &method, &text),
            "header_body_mismatch",
            ["JR-30", "VF-29"],
        ),
        (
            "body-right",
            "a text that is no message, and no right",
            post(&elsewhere(), &[], "{}"),
            "body_ambiguous",
            ["JR-29", "VF-29"],
        ),
    ] {
        let case = RpcCase::http(&format!("order-{slug}"), comment, &request).req(ids);
        file.push(case.deny(11, code, "http-call"));
    }
    let name = text.replacen("list_events", "list events", 1);
    let case = RpcCase::http(
        "order-fields-name",
        "a field of another method, and a name that is no segment",
        &post(&plan(), &method, &name),
    );
    file.push(case.req(["JR-30", "JR-21"]).deny(11, "header_body_mismatch", "http-call"));
}
