//! `checks/restrictions.json`, the part over arguments, tools and operations: each typed restriction in its exact text.

use crate::clock::NOW;
use crate::raw_checks::{
    Check, Expr, Predicate, Query, Term, check_if, check_one, expiry, integers, lit, num, pred, query, reject_if,
    string, strings, v, var,
};

use super::case::{Case, File};
use super::checks_arguments::args_only;
use super::mail::{Mail, arg, has, has_not};
use super::standard::SERVICE;

/// What becomes of a request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    Allowed,
    Failed,
    Error,
}

use Then::{Allowed, Error, Failed};

/// A restriction over `/n`, and what it does to bodies; the first of these is allowed, and the twin of the refused.
struct Typed {
    slug: &'static str,
    text: &'static str,
    checks: Vec<Check>,
    declared: fn(Mail) -> Mail,
    bodies: Vec<(&'static str, &'static str, Then)>,
}

/// Adds them to the file.
pub fn extend(file: &mut File) {
    for typed in typed() {
        over_argument(file, &typed);
    }
    tools(file);
    not_arguments(file);
}

/// `reject if arg("/n", $value), EXPRESSION`, behind `check if arg_present("/n")`.
fn over(expression: impl FnOnce(Expr) -> Expr) -> Vec<Check> {
    vec![has("/n"), reject_if(query([arg("/n")], [expression(v("value"))]))]
}

/// The same over `arg_path` or `arg_host`.
fn over_derived(name: &str, variable: &str, expression: Expr) -> Vec<Check> {
    vec![has("/n"), reject_if(query([pred(name, [string("/n"), var(variable)])], [expression]))]
}

/// `!{…}.contains($variable)`.
fn outside(set: Term, variable: &str) -> Expr {
    Expr::from(set).contains(v(variable)).not()
}

/// What is the same for every restriction that asks for a value. `empty` is what the empty string does.
fn usual(empty: Then, wrong: (&'static str, Then)) -> Vec<(&'static str, &'static str, Then)> {
    vec![
        ("absent", "{}", Failed),
        ("empty-string", r#"{"n":""}"#, empty),
        ("empty-array", r#"{"n":[]}"#, Error),
        ("empty-object", r#"{"n":{}}"#, Error),
        ("wrong-type", wrong.0, wrong.1),
        ("poisoned", r#"{"n":null}"#, Error),
        ("poisoned-object", r#"{"n":{"n":"x"}}"#, Error),
        ("poisoned-element", r#"{"n":[[1]]}"#, Error),
    ]
}

const NUMBER: &str = r#"{"n":5}"#;
const BOOLEAN: &str = r#"{"n":true}"#;
const TEXT: &str = r#"{"n":"5"}"#;

fn typed() -> Vec<Typed> {
    let with = |first: Vec<(&'static str, &'static str, Then)>, rest: Vec<(&'static str, &'static str, Then)>| {
        first.into_iter().chain(rest).collect::<Vec<_>>()
    };
    let plain: fn(Mail) -> Mail = |mail| mail;
    let url: fn(Mail) -> Mail = |mail| mail.url("/n");
    let path: fn(Mail) -> Mail = |mail| mail.path("/n");
    let mut all = Vec::new();
    let mut add = |slug, text, checks, declared, bodies| all.push(Typed { slug, text, checks, declared, bodies });
    add(
        "arg-is",
        "arg_is /n \"x\"",
        over(|n| n.ne(lit("x"))),
        plain,
        with(
            vec![
                ("same", r#"{"n":"x"}"#, Allowed),
                ("all-same", r#"{"n":["x","x"]}"#, Allowed),
                ("other", r#"{"n":"y"}"#, Failed),
                ("one-other", r#"{"n":["x","y"]}"#, Failed),
                ("longer", r#"{"n":"xx"}"#, Failed),
            ],
            usual(Failed, (NUMBER, Error)),
        ),
    );
    add(
        "arg-is-integer",
        "arg_is /n 5",
        over(|n| n.ne(num(5))),
        plain,
        with(
            vec![
                ("same", r#"{"n":5}"#, Allowed),
                ("other", r#"{"n":-5}"#, Failed),
                ("fraction", r#"{"n":5.0}"#, Error),
            ],
            usual(Error, (TEXT, Error)),
        ),
    );
    let truth: fn(Expr) -> Expr = |n| n.ne(Term::Bool(true));
    add(
        "arg-is-boolean",
        "arg_is /n true",
        over(truth),
        plain,
        with(
            vec![("same", r#"{"n":true}"#, Allowed), ("other", r#"{"n":false}"#, Failed)],
            usual(Error, (r#"{"n":1}"#, Error)),
        ),
    );
    let several = vec![has("/n"), reject_if(query([arg("/n")], [outside(strings(&["x", "y"]), "value")]))];
    add(
        "arg-in",
        "arg_in /n \"x\" \"y\"",
        several,
        plain,
        with(
            vec![
                ("one", r#"{"n":"y"}"#, Allowed),
                ("both", r#"{"n":["y","x"]}"#, Allowed),
                ("other", r#"{"n":"z"}"#, Failed),
                ("one-other", r#"{"n":["x","z"]}"#, Failed),
            ],
            // An element of another kind is no element, and that is no error.
            usual(Failed, (NUMBER, Failed)),
        ),
    );
    let single = vec![has("/n"), reject_if(query([arg("/n")], [outside(strings(&["x"]), "value")]))];
    add(
        "arg-in-single",
        "arg_in /n \"x\": still a set",
        single,
        plain,
        with(
            vec![("same", r#"{"n":"x"}"#, Allowed), ("other", r#"{"n":"y"}"#, Failed)],
            usual(Failed, (BOOLEAN, Failed)),
        ),
    );
    let numbers = vec![has("/n"), reject_if(query([arg("/n")], [outside(integers([-1, 5]), "value")]))];
    add(
        "arg-in-integers",
        "arg_in /n -1 5",
        numbers,
        plain,
        with(
            vec![("one", r#"{"n":-1}"#, Allowed), ("other", r#"{"n":6}"#, Failed), ("fraction", r#"{"n":5.0}"#, Error)],
            usual(Failed, (TEXT, Failed)),
        ),
    );
    add(
        "arg-starts-with",
        "arg_starts_with /n \"ab\"",
        over(|n| n.starts_with(lit("ab")).not()),
        plain,
        with(
            vec![
                ("more", r#"{"n":"abc"}"#, Allowed),
                ("itself", r#"{"n":"ab"}"#, Allowed),
                ("other", r#"{"n":"cab"}"#, Failed),
                ("case", r#"{"n":"Abc"}"#, Failed),
                ("one-other", r#"{"n":["abc","x"]}"#, Failed),
            ],
            usual(Failed, (NUMBER, Error)),
        ),
    );
    add(
        "arg-ends-with",
        "arg_ends_with /n \"@a.example\"",
        over(|n| n.ends_with(lit("@a.example")).not()),
        plain,
        with(
            vec![
                ("more", r#"{"n":"b@a.example"}"#, Allowed),
                ("itself", r#"{"n":"@a.example"}"#, Allowed),
                ("other", r#"{"n":"b@a.example.b.example"}"#, Failed),
                ("one-other", r#"{"n":["b@a.example","b@b.example"]}"#, Failed),
            ],
            usual(Failed, (NUMBER, Error)),
        ),
    );
    add(
        "arg-at-most",
        "arg_at_most /n 10",
        over(|n| n.gt(num(10))),
        plain,
        with(
            vec![
                ("limit", r#"{"n":10}"#, Allowed),
                ("negative", r#"{"n":-11}"#, Allowed),
                ("above", r#"{"n":11}"#, Failed),
                ("one-above", r#"{"n":[1,11]}"#, Failed),
                ("fraction", r#"{"n":9.5}"#, Error),
            ],
            usual(Error, (TEXT, Error)),
        ),
    );
    add(
        "arg-at-least",
        "arg_at_least /n 10",
        over(|n| n.lt(num(10))),
        plain,
        with(
            vec![
                ("limit", r#"{"n":10}"#, Allowed),
                ("above", r#"{"n":[11,9007199254740991]}"#, Allowed),
                ("below", r#"{"n":9}"#, Failed),
                ("negative", r#"{"n":-11}"#, Failed),
            ],
            usual(Error, (BOOLEAN, Error)),
        ),
    );
    let under = v("path").eq(lit("/docs")).or(v("path").starts_with(lit("/docs/"))).parens().not();
    add(
        "arg-under",
        "arg_under /n /docs",
        over_derived("arg_path", "path", under),
        path,
        with(
            vec![
                ("beneath", r#"{"n":"/docs/a.md"}"#, Allowed),
                ("itself", r#"{"n":"/docs"}"#, Allowed),
                ("slash", r#"{"n":"/docs/"}"#, Allowed),
                ("sibling", r#"{"n":"/docs-old"}"#, Failed),
                ("above", r#"{"n":"/"}"#, Failed),
                ("relative", r#"{"n":"docs/a.md"}"#, Failed),
                ("one-other", r#"{"n":["/docs/a.md","/other"]}"#, Failed),
                ("dots", r#"{"n":"/docs/../other"}"#, Error),
                ("dots-escaped", r#"{"n":"/docs/%2e%2e/other"}"#, Error),
            ],
            usual(Error, (NUMBER, Error)),
        ),
    );
    let root = v("path").starts_with(lit("/")).not();
    add(
        "arg-under-root",
        "arg_under /n /",
        over_derived("arg_path", "path", root),
        path,
        with(
            vec![("beneath", r#"{"n":"/docs"}"#, Allowed), ("relative", r#"{"n":"docs"}"#, Failed)],
            usual(Error, (BOOLEAN, Error)),
        ),
    );
    let hosts = outside(strings(&["a.example", "b.example"]), "host");
    add(
        "arg-host-in",
        "arg_host_in /n a.example b.example",
        over_derived("arg_host", "host", hosts),
        url,
        with(
            vec![
                ("one", r#"{"n":"https://B.example:8443/x"}"#, Allowed),
                ("both", r#"{"n":["https://a.example","http://b.example"]}"#, Allowed),
                ("other", r#"{"n":"https://c.example/"}"#, Failed),
                ("beneath", r#"{"n":"https://x.a.example/"}"#, Failed),
                ("in-path", r#"{"n":"https://c.example/a.example"}"#, Failed),
                ("user", r#"{"n":"https://a.example@c.example/"}"#, Error),
                ("no-url", r#"{"n":"a.example"}"#, Error),
            ],
            usual(Error, (NUMBER, Error)),
        ),
    );
    let one = outside(strings(&["a.example"]), "host");
    add(
        "arg-host-in-single",
        "arg_host_in /n a.example: still a set",
        over_derived("arg_host", "host", one),
        url,
        with(
            vec![
                ("same", r#"{"n":"https://a.example/"}"#, Allowed),
                ("other", r#"{"n":"https://b.example/"}"#, Failed),
            ],
            usual(Error, (BOOLEAN, Error)),
        ),
    );
    add(
        "arg-absent",
        "arg_absent /n",
        vec![has_not("/n")],
        plain,
        vec![
            ("absent", "{}", Allowed),
            ("another", r#"{"m":1,"N":1}"#, Allowed),
            ("there", r#"{"n":"x"}"#, Failed),
            ("empty-string", r#"{"n":""}"#, Failed),
            ("empty-array", r#"{"n":[]}"#, Failed),
            ("empty-object", r#"{"n":{}}"#, Failed),
            ("wrong-type", NUMBER, Failed),
            ("null", r#"{"n":null}"#, Failed),
            ("poisoned", r#"{"n":[[1]]}"#, Error),
        ],
    );
    add(
        "args-only",
        "args_only /n path.box",
        vec![args_only(&["/n", "path.box"])],
        plain,
        vec![
            ("listed", r#"{"n":"x"}"#, Allowed),
            ("absent", "{}", Allowed),
            ("empty-string", r#"{"n":""}"#, Allowed),
            ("empty-array", r#"{"n":[]}"#, Allowed),
            ("empty-object", r#"{"n":{}}"#, Allowed),
            ("null", r#"{"n":null}"#, Allowed),
            ("wrong-type", NUMBER, Allowed),
            ("another", r#"{"n":"x","m":1}"#, Failed),
            ("nested", r#"{"n":{"m":1}}"#, Failed),
            ("poisoned", r#"{"n":[{"m":1}]}"#, Error),
        ],
    );
    all
}

/// The checks behind `when TYPE ACTION`.
fn when(kind: &str, action: &str, checks: &[Check]) -> Vec<Check> {
    let other = |name: &str, value: &str| -> Query { query([pred(name, [var(name)])], [v(name).ne(lit(value))]) };
    checks
        .iter()
        .map(|check| {
            let mut guarded = check.clone();
            if check.kind == Some(2) {
                let guard: [Predicate; 2] = [pred("type", [string(kind)]), pred("action", [string(action)])];
                guarded.queries[0].body.splice(0..0, guard);
            } else {
                guarded.queries.splice(0..0, [other("type", kind), other("action", action)]);
            }
            guarded
        })
        .collect()
}

fn settle(case: Case, then: Then, twin: &str) -> Case {
    match then {
        Allowed => case,
        Failed => case.deny(11, "check_failed", &format!("checks/{twin}")),
        Error => case.attack(67).deny(11, "check_error", &format!("checks/{twin}")),
    }
}

fn over_argument(file: &mut File, typed: &Typed) {
    let Typed { slug, text, checks, declared, bodies } = typed;
    let asked = |body: &str, checks: &[Check]| declared(Mail::json(body)).checks(checks.iter().cloned());
    let first = bodies.first().map(|(name, ..)| format!("{slug}-{name}")).unwrap_or_default();
    for (name, body, then) in bodies {
        let case = asked(body, checks).case(&format!("{slug}-{name}"), &format!("{text}: {}", name.replace('-', " ")));
        file.push(settle(case.req("CK-40").req("CK-41"), *then, &first));
    }
    let text_body = declared(Mail::new().body("n=x", "text/plain"));
    let case = text_body.clone().checks(checks.iter().cloned());
    let case = case.case(&format!("{slug}-not-extracted"), &format!("{text}: a body that is not JSON"));
    file.push(settle(case.req("CK-40").req("CK-33"), Error, &first));

    // For another operation nothing of it is evaluated, poisoned or not extracted as the argument may be.
    let elsewhere = [("type", when("calendar", "send", checks)), ("action", when("email", "read", checks))];
    for (guard, guarded) in &elsewhere {
        for (name, body, _) in bodies.iter().filter(|(name, _, then)| *then == Error || *name == "absent") {
            let case = asked(body, guarded).case(
                &format!("when-other-{guard}-{slug}-{name}"),
                &format!("{text}, for another {guard}: {}", name.replace('-', " ")),
            );
            file.push(case.req("CK-42").attack(67));
        }
        let case = text_body.clone().checks(guarded.iter().cloned());
        let comment = format!("{text}, for another {guard}: a body that is not JSON");
        file.push(case.case(&format!("when-other-{guard}-{slug}-not-extracted"), &comment).req("CK-42").req("CK-33"));
    }
    let here = when("email", "send", checks);
    let twin = format!("when-{first}");
    for wanted in [Allowed, Failed, Error] {
        let Some((name, body, then)) = bodies.iter().find(|(.., then)| *then == wanted) else { continue };
        let comment = format!("{text}, for this operation: {}", name.replace('-', " "));
        file.push(settle(asked(body, &here).case(&format!("when-{slug}-{name}"), &comment).req("CK-42"), *then, &twin));
    }
}

fn tools(file: &mut File) {
    let with = |tool: Option<&str>, check: Check| {
        let tool = tool.map(str::to_owned);
        Mail::new().row(|row| row.tool = tool).check(check)
    };
    let one = || check_one("tool", |t| t.eq(lit("search")));
    let several = || check_one("tool", |t| Expr::from(strings(&["fetch", "search"])).contains(t));
    for (slug, check) in [("tools-one", one as fn() -> Check), ("tools-several", several)] {
        let (other, none, empty) = (format!("{slug}-other"), format!("{slug}-absent"), format!("{slug}-empty"));
        file.push(with(Some("search"), check()).case(slug, "tools: the operation's tool").req("CK-40"));
        for (name, tool, comment) in [
            (&other, Some("delete"), "tools: another tool"),
            (&none, None, "tools: the operation has none"),
            (&empty, Some(""), "tools: the empty name"),
        ] {
            file.push(settle(with(tool, check()).case(name, comment).req("CK-40"), Failed, slug));
        }
    }
    let guarded = when("calendar", "read", &[one()]);
    let case = with(None, guarded[0].clone()).case("when-other-tools", "tools, for another operation");
    file.push(case.req("CK-42"));
}

/// The restrictions that ask for no argument, for another operation and for this one.
fn not_arguments(file: &mut File) {
    let is = |name: &'static str, value: &'static str| check_one(name, move |x| x.eq(lit(value)));
    let under = |root: &str| {
        let beneath = v("resource").starts_with(lit(&format!("{root}/")));
        let resource = || pred("resource", [var("resource")]);
        check_if([query([resource()], [v("resource").eq(lit(root))]), query([resource()], [beneath])])
    };
    for (slug, good, bad) in [
        (
            "not-before",
            check_one("time", |t| t.ge(crate::raw_checks::date(NOW))),
            check_one("time", |t| t.ge(crate::raw_checks::date(NOW + 1))),
        ),
        ("services", is("service", SERVICE), is("service", "https://mail.example.com")),
        ("types", is("type", "email"), is("type", "calendar")),
        ("actions", is("action", "send"), is("action", "read")),
        ("methods", is("method", "POST"), is("method", "GET")),
        ("users", is("user", super::standard::USER), is("user", "bob@example.com")),
        ("purposes", is("purpose", super::standard::PURPOSE), is("purpose", "billing")),
        ("bindings", is("binding", "ed25519"), is("binding", "hmac")),
        ("resource-is", is("resource", "/mail/out"), is("resource", "/mail/in")),
        ("resource-under", under("/mail"), under("/mails")),
    ] {
        let asked = |kind: &str, action: &str, check: &Check| {
            Mail::new().checks(when(kind, action, std::slice::from_ref(check)))
        };
        let twin = format!("when-{slug}-good");
        let case = asked("email", "send", &good).case(&twin, &format!("{slug}, for this operation, which meets it"));
        file.push(case.req("CK-42").req("CK-40"));
        let case = asked("email", "send", &bad)
            .case(&format!("when-{slug}-bad"), &format!("{slug}, for this operation, which does not meet it"));
        file.push(settle(case.req("CK-42"), Failed, &twin));
        for (guard, kind, action) in [("type", "calendar", "send"), ("action", "email", "read")] {
            let comment = format!("{slug}, which this operation does not meet, for another {guard}");
            file.push(asked(kind, action, &bad).case(&format!("when-other-{guard}-{slug}"), &comment).req("CK-42"));
        }
    }
    let until = |date: i64| Mail::new().plan(|plan| plan.restrict([expiry(date)]));
    let case = until(NOW).case("expires-by", "expires_by: the date itself, and the expiry that is told");
    file.push(case.expires(NOW).req("CK-40").attack(65));
    file.push(
        until(NOW - 1)
            .case("expires-by-past", "expires_by: a second after it, told with the expiry at stage 5")
            .req("CK-40")
            .req("VF-9")
            .attack(65)
            .deny(5, "token_expired", "checks/expires-by"),
    );
    let late = when("calendar", "read", &[expiry(NOW - 1)]);
    let case = Mail::new().plan(|plan| plan.restrict(late)).case(
        "when-other-expires-by",
        "expires_by for another operation is no expiry of the token, but a check like others",
    );
    file.push(case.req("CK-42"));
    let late = when("email", "send", &[expiry(NOW - 1)]);
    let case =
        Mail::new().plan(|plan| plan.restrict(late)).case("when-expires-by", "expires_by for this operation, past");
    file.push(settle(case.req("CK-42"), Failed, "when-other-expires-by"));
}
