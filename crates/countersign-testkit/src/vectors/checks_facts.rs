//! `checks/facts.json`: what the verifier states, and how predicates match it.

use crate::clock::NOW;
use crate::keys::Key;
use crate::raw_checks::{
    Check, Expr, Term, check_if, check_one, date, lit, num, pred, query, reject_if, string, strings, v, var,
};
use crate::raw_request::{Request, digest_sha256};

use super::case::{Case, File};
use super::checks_order::{case, error, method};
use super::standard::{
    AGENT, AUTHORITY, ISSUER, PATH, PURPOSE, Plan, SERVICE, USER, get_target, post_signature, unsigned,
};

/// `checks/facts.json`.
#[must_use]
pub fn facts() -> File {
    let mut file = File::new("checks", "facts", "what the verifier states, and how predicates match it");
    let key = || Term::Bytes(Key::named("agent").public().to_vec());
    let facts: [(&str, Term, Term); 13] = [
        ("time", date(NOW), date(NOW + 1)),
        ("service", string(SERVICE), string("https://calendar.example.com/")),
        ("type", string("http"), string("calendar")),
        ("resource", string(PATH), string("/calendars")),
        ("action", string("GET"), string("read")),
        ("method", string("GET"), string("POST")),
        ("authority", string(AUTHORITY), string("Calendar.example.com")),
        ("path", string(PATH), string("/calendars/primary?all=1")),
        ("binding", string("ed25519"), string("hmac")),
        ("holder", key(), Term::Bytes(Key::named("stranger").public().to_vec())),
        ("user", string(USER), string("bob@example.com")),
        ("purpose", string(PURPOSE), string("billing")),
        ("issuer", string(ISSUER), string("https://other.example")),
    ];
    for (name, value, other) in facts {
        let slug = format!("fact-{name}");
        file.push(
            case(
                &slug,
                &format!("`{name}` as the verifier states it"),
                vec![check_one(name, |x| Expr::from(value.clone()).eq(x))],
            )
            .req("CK-6")
            .req("CK-21"),
        );
        file.push(
            case(
                &format!("{slug}-other"),
                &format!("`{name}` compared with another value"),
                vec![check_one(name, |x| Expr::from(other.clone()).eq(x))],
            )
            .req("CK-22")
            .deny(11, "check_failed", &format!("checks/{slug}")),
        );
        file.push(
            case(
                &format!("{slug}-constant"),
                &format!("`{name}` with its value as a constant: matches without an expression"),
                vec![check_if([query([pred(name, [value])], [])])],
            )
            .req("CK-7")
            .req("CK-21"),
        );
        file.push(
            case(
                &format!("{slug}-constant-other"),
                &format!("`{name}` with another constant: does not match"),
                vec![check_if([query([pred(name, [other])], [])])],
            )
            .req("CK-7")
            .req("CK-22")
            .deny(11, "check_failed", &format!("checks/{slug}-constant")),
        );
    }
    let agent =
        |name: Term, key: Term, expressions: Vec<Expr>| check_if([query([pred("agent", [name, key])], expressions)]);
    file.push(
        case(
            "fact-agent",
            "`agent` with its two terms",
            vec![agent(var("name"), var("key"), vec![v("name").eq(lit(AGENT)), v("key").eq(Expr::from(key()))])],
        )
        .req("CK-6"),
    );
    file.push(
        case(
            "fact-agent-constant",
            "`agent` with a constant and a variable",
            vec![agent(string(AGENT), var("key"), vec![v("key").length().eq(num(32))])],
        )
        .req("CK-7"),
    );
    file.push(
        case("fact-agent-other", "`agent` with another name", vec![agent(string("other-bot"), var("key"), vec![])])
            .req("CK-22")
            .deny(11, "check_failed", "checks/fact-agent-constant"),
    );
    file.push(
        case(
            "fact-tool-absent",
            "`tool` has no fact outside MCP: `check if` fails",
            vec![check_one("tool", |t| t.ne(lit("x")))],
        )
        .req("CK-22")
        .deny(11, "check_failed", "checks/fact-method"),
    );
    for (slug, comment, constant) in [
        ("constant-integer", "`method` with an integer: never matches, without error", Term::Int(1)),
        ("constant-bytes", "`method` with bytes: never matches, without error", Term::Bytes(b"GET".to_vec())),
        ("constant-boolean", "`method` with a Boolean: never matches, without error", Term::Bool(true)),
        ("constant-date", "`method` with a date: never matches, without error", Term::Date(1)),
    ] {
        file.push(
            case(slug, comment, vec![check_if([query([pred("method", [constant.clone()])], [])])]).req("CK-7").deny(
                11,
                "check_failed",
                "checks/fact-method-constant",
            ),
        );
        file.push(
            case(&format!("reject-{slug}"), comment, vec![reject_if(query([pred("method", [constant])], []))])
                .req("CK-7")
                .req("CK-23"),
        );
    }
    file.push(
        case(
            "two-predicates",
            "two predicates, an expression over both",
            vec![check_if([query(
                [method(), pred("type", [var("type")])],
                [v("method").eq(lit("GET")).and(v("type").eq(lit("http")))],
            )])],
        )
        .req("CK-21"),
    );
    file.push(
        case(
            "two-predicates-one-unmatched",
            "two predicates, of which the second does not match",
            vec![check_if([query([method(), pred("type", [string("email")])], [])])],
        )
        .req("CK-21")
        .req("CK-22")
        .deny(11, "check_failed", "checks/two-predicates"),
    );
    file.push(
        case(
            "unmatched-hides-error",
            "a predicate that does not match in front of an expression that would err",
            vec![reject_if(query([pred("type", [string("email")]), method()], [error()]))],
        )
        .req("CK-21")
        .req("CK-24"),
    );
    let query_fact = |path: &str| check_one("path", |p| p.eq(lit(path)));
    let with = |check: Check, target: &str| get_target(target, &Plan::standard().check(check).text());
    file.push(
        Case::new(
            "path-without-query",
            "`path` leaves the query out",
            &with(query_fact(PATH), "/calendars/primary?all=1"),
        )
        .req("CK-6"),
    );
    file.push(
        Case::new(
            "path-raw",
            "`path` and `resource` keep escapes as they are",
            &with(check_one("resource", |r| r.eq(lit("/calendars/caf%C3%A9"))), "/calendars/caf%C3%A9"),
        )
        .req("CK-6"),
    );
    file.push(
        Case::new(
            "path-decoded",
            "they are never decoded",
            &with(check_one("resource", |r| r.eq(lit("/calendars/caf\u{e9}"))), "/calendars/caf%C3%A9"),
        )
        .req("CK-22")
        .deny(11, "check_failed", "checks/path-raw"),
    );
    let mut upper =
        unsigned("GET", PATH, &Plan::standard().check(check_one("authority", |a| a.eq(lit(AUTHORITY)))).text());
    upper.set("host", "CALENDAR.example.com:443");
    file.push(
        Case::new(
            "authority-normalised",
            "`authority` is the normalised one",
            &crate::raw_request::Signature::new(&Key::named("agent")).sign(upper),
        )
        .req("CK-6")
        .req("RQ-16"),
    );
    arguments(&mut file);
    file
}

/// A POST whose body no verifier takes arguments from.
fn opaque(check: Check) -> Request {
    let body = b"to=a@example.com";
    let token = Plan::standard().check(check).text();
    let mut request = unsigned("POST", PATH, &token)
        .with("Content-Type", "application/octet-stream")
        .with("Content-Length", body.len().to_string())
        .with("Content-Digest", digest_sha256(body));
    request.body = body.to_vec();
    post_signature().sign(request)
}

fn arguments(file: &mut File) {
    let present = |name: Term| pred("arg_present", [name]);
    let to = || pred("arg", [string("/to"), var("value")]);
    let guard = || [pred("type", [string("email")]), pred("action", [string("send")])];
    let allowed = |case: Case| case.right("http:/calendars:POST");
    file.push(
        allowed(Case::new(
            "arguments-guarded",
            "a predicate over arguments behind a type that does not match: not evaluated",
            &opaque(reject_if(query(guard().into_iter().chain([to()]), [v("value").ne(lit("a@example.com"))]))),
        ))
        .req("CK-33")
        .req("CK-42"),
    );
    file.push(
        allowed(Case::new(
            "arguments-behind-false-or",
            "`arg_present` in an alternative that is not reached",
            &opaque(check_if([query([method()], [v("method").eq(lit("POST"))]), query([present(string("/to"))], [])])),
        ))
        .req("CK-33"),
    );
    let twin = "checks/arguments-guarded";
    let errs: [(&str, &str, Check); 6] = [
        ("arguments-arg", "`arg` where no arguments were extracted", reject_if(query([to()], []))),
        (
            "arguments-present",
            "`arg_present` of a name where no arguments were extracted",
            check_if([query([present(string("/to"))], [])]),
        ),
        (
            "arguments-reject-present",
            "`reject if arg_present` of a name where no arguments were extracted",
            reject_if(query([present(string("/to"))], [])),
        ),
        (
            "arguments-any-present",
            "`arg_present` of every name where no arguments were extracted",
            reject_if(query([present(var("name"))], [Expr::from(strings(&["/to"])).contains(v("name")).not()])),
        ),
        (
            "arguments-host",
            "`arg_host` where no arguments were extracted",
            reject_if(query([pred("arg_host", [string("/url"), var("host")])], [])),
        ),
        (
            "arguments-path",
            "`arg_path` where no arguments were extracted",
            reject_if(query([pred("arg_path", [string("/file"), var("path")])], [])),
        ),
    ];
    for (slug, comment, check) in errs {
        file.push(Case::new(slug, comment, &opaque(check)).req("CK-28").req("CK-33").req("CK-10").attack(67).deny(
            11,
            "check_error",
            twin,
        ));
    }
}
