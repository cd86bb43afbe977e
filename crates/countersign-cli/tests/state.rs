//! Approvals, budgets and arguments, from the command line: against the example service where it has to remember, else
//! against `verify`.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests say what went wrong by panicking")]

#[expect(dead_code, unreachable_pub, reason = "it is a program of its own, whose main is not used here")]
#[path = "../examples/calendar.rs"]
mod calendar;
mod common;

use std::sync::{Arc, Mutex};

use common::{Ran, Shell};
use countersign::time::UnixTime;
use countersign::verify::{MemoryCharges, MemoryReplay, Verifier};
use countersign_tower::{AuditRecord, AuditSink, CountersignLayer};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// [`common::NOW`].
const NOW: UnixTime = UnixTime(1_795_453_200);

/// The exact codes, which answers do not tell.
#[derive(Clone, Default)]
struct Codes(Arc<Mutex<Vec<String>>>);

impl AuditSink for Codes {
    fn record(&self, record: &AuditRecord) {
        let code = record.decision.as_ref().map(|decision| decision.code.clone().unwrap_or_else(|| "allow".to_owned()));
        self.0.lock().unwrap().extend(code);
    }
}

/// The example calendar on loopback, its present that of the tests.
struct Service {
    origin: String,
    codes: Codes,
    // Ends the service when it goes.
    _runtime: Runtime,
}

impl Service {
    fn start(hub: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let origin = format!("http://{address}");
        let verifier = Verifier::builder().audience(&origin).authority(&address.to_string());
        let verifier = verifier.issuer("https://hub.example", [hub.parse().unwrap()]).build().unwrap();
        let codes = Codes::default();
        let layer = CountersignLayer::builder(Arc::new(verifier), calendar::operations().unwrap())
            .clock(|| NOW)
            .replay(MemoryReplay::insecure_without_epoch())
            .charges(MemoryCharges::insecure_without_epoch())
            .audit(Arc::new(codes.clone()));
        let app = calendar::app(layer.build());
        runtime.spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { origin, codes, _runtime: runtime }
    }

    fn events(&self) -> String {
        format!("{}/calendars/primary/events", self.origin)
    }

    /// The code of the last request.
    fn last(&self) -> String {
        self.codes.0.lock().unwrap().last().unwrap().clone()
    }
}

/// Mints for a user at a service into a file.
fn mint(shell: &Shell, to: &str, user: &str, agent: &str, audience: &str, rest: &[&str]) {
    let agent = format!("calendar-bot={agent}");
    let who = ["mint", "--issuer-key", "hub.pem", "--issuer", "https://hub.example", "--user", user, "--agent", &agent];
    let what = ["--purpose", "scheduling", "--audience", audience, "--expires-in", "1h"];
    let rights = ["--right", "calendar:/calendars/primary:read", "--right", "calendar:/calendars/primary:write"];
    shell.write(to, shell.at_now(&[&who[..], &what, &rights, rest].concat()).ok());
}

fn send(shell: &Shell, key: &str, token: &str, rest: &[&str]) -> Ran {
    shell.at_now(&[&["send", "--key", key, "--token", token], rest].concat())
}

/// Posts a body; what the command said.
fn post(shell: &Shell, service: &Service, token: &str, body: &str, rest: &[&str]) -> Ran {
    shell.write("body.json", body);
    let events = service.events();
    let what = ["POST", &events, "-H", "content-type: application/json", "--body", "body.json", "--json"];
    send(shell, "agent.pem", token, &[&what[..], rest].concat())
}

fn is_refused(ran: &Ran, service: &Service, class: &str, code: &str) {
    assert_eq!((ran.code, service.last().as_str()), (1, code), "{ran:?}");
    assert_eq!(ran.lines()[0]["refusal"]["class"], class, "{ran:?}");
}

#[test]
fn an_approval_is_good_for_one_operation_of_one_user_once() {
    let shell = Shell::new();
    let [hub, agent, approver, other] = ["hub", "agent", "approver", "other"].map(|name| shell.keygen(name));
    let service = Service::start(&hub);
    let needed = ["--approval", &format!("calendar:write:{approver}")];
    mint(&shell, "alice", "alice@example.com", &agent, &service.origin, &needed);
    mint(&shell, "bob", "bob@example.com", &agent, &service.origin, &needed);
    let review = r#"{"title":"Review"}"#;

    // Asked for: the service says what has to be approved, and by whom.
    let asked = post(&shell, &service, "@alice", review, &[]);
    is_refused(&asked, &service, "approval_required", "approval_required");
    let refusal = &asked.lines()[0]["refusal"];
    assert_eq!(refusal["approval"]["operation"]["args"], json!({"title": "Review"}));
    shell.write("problem.json", refusal.to_string());
    let request = shell.at_now(&["approval", "request", "--denial", "problem.json", "--token", "@alice"]);
    shell.write("approval.json", request.ok());
    // The same comes of the request itself and the service's configuration.
    let (host, url) = (service.origin.trim_start_matches("http://"), service.events());
    let table = |method: &str, action: &str| {
        format!(
            "[[operations]]\nmethod = \"{method}\"\npath = \"/calendars/{{id}}/events\"\ntype = \"calendar\"\n\
             resource = \"/calendars/{{id}}\"\naction = \"{action}\"\n"
        )
    };
    shell.write(
        "verifier.toml",
        format!(
            "audience = [\"{}\"]\nauthorities = [\"{host}\"]\n[[issuers]]\nissuer = \"https://hub.example\"\nkeys = [\"{hub}\"]\n{}{}",
            service.origin,
            table("GET", "read"),
            table("POST", "write")
        ),
    );
    let sign = |approval: Option<&str>| {
        let body = ["POST", &url, "-H", "content-type: application/json", "--body", "body.json"];
        let key = ["sign", "--key", "agent.pem", "--token", "@alice"];
        let approval = approval.map(|value| vec!["--approval", value]).unwrap_or_default();
        let signed = shell.at_now(&[&key[..], &body, &approval].concat());
        assert_eq!(signed.code, 0, "{signed:?}");
        signed.stdout
    };
    shell.write("request", sign(None));
    let from_request = shell.at_now(&["approval", "request", "--request", "request", "--config", "verifier.toml"]);
    let digest = |ran: &Ran| ran.lines()[0]["digest"].clone();
    assert_eq!(digest(&from_request), digest(&request));

    // Granted: the approver sees every member and the token, and another key or another digest approves nothing.
    let grant = |key: &str, file: &str| {
        let issuer = ["--issuer-key", hub.as_str(), "--yes"];
        shell.at_now(&[&["approval", "grant", "--key", key, file][..], &issuer].concat())
    };
    let granted = grant("approver.pem", "approval.json");
    assert_eq!(granted.code, 0, "{granted:?}");
    for shown in
        ["alice@example.com", "\"title\":\"Review\"", "/calendars/primary/events", "write", "calendar-bot", "hold"]
    {
        assert!(granted.stderr.contains(shown), "{shown}: {}", granted.stderr);
    }
    let value = granted.text().trim().to_owned();
    assert_eq!(grant("other.pem", "approval.json").code, 1, "{other}");
    let mut altered: Value = serde_json::from_str(request.text()).unwrap();
    altered["operation"]["args"]["title"] = json!("Party");
    shell.write("altered.json", altered.to_string());
    let refused = grant("approver.pem", "altered.json");
    assert_eq!((refused.code, refused.text()), (1, ""));
    assert!(refused.stderr.contains("digest"), "{}", refused.stderr);

    // Used: for other arguments and for another user it is none, and those attempts do not use it up.
    let with = ["--approval", value.as_str()];
    is_refused(
        &post(&shell, &service, "@alice", r#"{"title":"Party"}"#, &with),
        &service,
        "approval_required",
        "approval_invalid",
    );
    is_refused(&post(&shell, &service, "@bob", review, &with), &service, "approval_required", "approval_invalid");
    assert_eq!(post(&shell, &service, "@alice", review, &with).code, 0);
    is_refused(&post(&shell, &service, "@alice", review, &with), &service, "approval_required", "approval_invalid");
    // Reading needs none.
    assert_eq!(send(&shell, "agent.pem", "@alice", &["GET", &url]).ok(), r#"[{"title":"Review"}]"#);

    // The same by sign and verify, in one run with one memory.
    shell.write("first", sign(Some(&value)));
    shell.write("second", sign(Some(&value)));
    let verified = shell.at_now(&["verify", "--config", "verifier.toml", "first", "second"]);
    let decisions: Vec<_> = verified.lines().iter().map(|line| (line["stage"].clone(), line["code"].clone())).collect();
    assert_eq!(decisions, [(Value::Null, Value::Null), (json!(12), json!("approval_invalid"))]);
}

#[test]
fn a_budget_of_three_is_spent_by_parent_and_sub_agent_together() {
    let shell = Shell::new();
    let [hub, agent, sub] = ["hub", "agent", "sub"].map(|name| shell.keygen(name));
    let service = Service::start(&hub);
    let url = service.events();
    let rest = ["--budget", "hourly:calls:3:1h", "--depth", "1"];
    mint(&shell, "token", "alice@example.com", &agent, &service.origin, &rest);
    let delegate = |to: &str, rest: &[&str]| {
        let summary = format!("summary-bot={sub}");
        let what = ["delegate", "@token", "--holder-key", "agent.pem", "--to", &summary];
        shell.write(to, shell.at_now(&[&what, rest].concat()).ok());
    };
    delegate("child", &[]);
    delegate("one", &["--budget", "hour:calls:1:1h"]);
    let parent = || send(&shell, "agent.pem", "@token", &["GET", &url, "--json"]);
    let child = |token: &str| send(&shell, "sub.pem", token, &["GET", &url, "--json"]);
    // What is refused before costs nothing.
    let outside = format!("{}/calendars/work/events", service.origin);
    assert_eq!(send(&shell, "agent.pem", "@token", &["GET", &outside]).code, 1);
    assert_eq!(service.last(), "right_missing");
    assert_eq!(parent().code, 0);
    assert_eq!(child("@one").code, 0);
    // The delegation's own budget of one is spent, and the refusal charges nothing to the user's.
    is_refused(&child("@one"), &service, "budget_exceeded", "budget_exceeded");
    assert_eq!(child("@child").code, 0);
    for spent in [parent(), child("@child")] {
        is_refused(&spent, &service, "budget_exceeded", "budget_exceeded");
        assert_eq!(spent.lines()[0]["refusal"]["budget"]["unit"], "calls");
    }
    // A fresh token of the same user does not start afresh; another user's does.
    mint(&shell, "token", "alice@example.com", &agent, &service.origin, &rest);
    is_refused(&parent(), &service, "budget_exceeded", "budget_exceeded");
    mint(&shell, "token", "bob@example.com", &agent, &service.origin, &rest);
    assert_eq!(parent().code, 0);
}

/// A service whose table declares arguments, by `verify`.
struct Payments {
    shell: Shell,
}

impl Payments {
    fn new() -> Self {
        let (shell, keys) = Shell::service();
        shell.write(
            "verifier.toml",
            format!(
                "audience = [\"https://calendar.example.com\"]\nauthorities = [\"calendar.example.com\"]\n\
                 [[issuers]]\nissuer = \"https://hub.example\"\nkeys = [\"{}\"]\n\
                 [[operations]]\nmethod = \"POST\"\npath = \"/pay/{{id}}\"\ntype = \"payment\"\nresource = \"/pay/{{id}}\"\n\
                 action = \"send\"\nurls = [\"/callback\"]\npaths = [\"/file\"]\nscales = {{ \"/amount\" = 2 }}\n\
                 cost = {{ calls = 1, cents = \"/amount\" }}\n\
                 [[operations]]\nmethod = \"POST\"\npath = \"/note/{{id}}\"\ntype = \"note\"\nresource = \"/note/{{id}}\"\n\
                 action = \"add\"\n",
                keys.hub
            ),
        );
        let agent = format!("bot={}", keys.agent);
        let who = [
            "mint",
            "--issuer-key",
            "hub.pem",
            "--issuer",
            "https://hub.example",
            "--user",
            "alice",
            "--agent",
            &agent,
        ];
        let what = ["--purpose", "p", "--audience", "https://calendar.example.com", "--expires-in", "1h"];
        let rights = ["--right", "payment:/pay:send", "--right", "note:/note:add", "--budget", "purse:cents:500000:0"];
        let rights = [&rights[..], &["--metered", "purse:payment:send"]].concat();
        shell.write("token", shell.at_now(&[&who[..], &what, &rights].concat()).ok());
        Self { shell }
    }

    /// The code of a request under a restriction; `allow` where there is none.
    fn code(&self, restriction: &[&str], target: &str, body: &str) -> String {
        let narrowed = self.shell.at_now(&[&["restrict", "@token"], restriction].concat());
        self.shell.write("narrow", narrowed.ok());
        self.shell.write("body", body);
        let url = format!("https://calendar.example.com{target}");
        let key = ["sign", "--key", "agent.pem", "--token", "@narrow", "POST", &url];
        let signed =
            self.shell.at_now(&[&key[..], &["-H", "content-type: application/json", "--body", "body"]].concat());
        assert_eq!(signed.code, 0, "{signed:?}");
        let verified = self.shell.feed(&["--now", common::NOW, "verify", "--config", "verifier.toml"], &signed.stdout);
        verified.lines()[0]["code"].as_str().unwrap_or("allow").to_owned()
    }
}

/// Attack 67.
#[test]
fn no_trick_with_arguments_passes_a_restriction() {
    let service = Payments::new();
    let cases: &[(&[&str], &str, &str, &str)] = &[
        (&["--arg-at-most", "/amount=100000"], "/pay/1", r#"{"amount":1000}"#, "allow"),
        (&["--arg-at-most", "/amount=100000"], "/pay/1", r#"{"amount":999.99}"#, "allow"),
        (&["--arg-at-most", "/amount=100000"], "/pay/1", r#"{"amount":1e3}"#, "allow"),
        (&["--arg-at-most", "/amount=100000"], "/pay/1", r#"{"amount":1000.01}"#, "check_failed"),
        (&["--arg-at-most", "/amount=100000"], "/pay/1", r#"{"amount":1001}"#, "check_failed"),
        (&["--arg-at-most", "/amount=100000"], "/pay/1", r#"{"amount":[1,1001]}"#, "check_failed"),
        (&["--arg-at-most", "/amount=100000"], "/pay/1", r#"{"amount":999.999}"#, "check_error"),
        (&["--arg-at-most", "/amount=100000"], "/pay/1", r#"{"amount":"1000"}"#, "check_error"),
        (&["--arg-at-most", "/amount=100000"], "/pay/1", r#"{"amount":null}"#, "check_error"),
        (&["--arg-at-most", "/amount=100000"], "/pay/1", r#"{"amount":{"value":1}}"#, "check_error"),
        (&["--arg-at-most", "/amount=100000"], "/pay/1", r#"{"amount":[]}"#, "check_error"),
        (&["--arg-at-most", "/amount=100000"], "/pay/1", r#"{"amount":[[1]]}"#, "check_error"),
        (&["--arg-at-most", "/amount=100000"], "/pay/1", r#"{"Amount":1}"#, "check_failed"),
        (&["--arg-at-most", "/amount=100000"], "/pay/1", "{}", "check_failed"),
        (&["--arg-at-most", "/amount=100000"], "/pay/1?amount=1", "{}", "check_failed"),
        (&["--arg-at-most", "/amount=100000"], "/pay/1", r#"{"amount":1,"amount":9999}"#, "body_ambiguous"),
        (&["--arg-at-most", "/amount=100000"], "/pay/1", r#"{"amount":1,"\u0061mount":9999}"#, "body_ambiguous"),
        (&["--arg-at-most", "/amount=100000"], "/pay/1", r#"{"amount":99999999999999999999}"#, "body_ambiguous"),
        (&["--arg-at-most", "/amount=100000"], "/pay/1", r#"[{"amount":1}]"#, "check_error"),
        (&["--arg-at-most", "/amount=5"], "/note/1", r#"{"amount":5.5}"#, "check_error"),
        (
            &["--arg-host-in", "/callback=ok.example"],
            "/pay/1",
            r#"{"amount":1,"callback":"https://OK.example/x"}"#,
            "allow",
        ),
        (
            &["--arg-host-in", "/callback=ok.example"],
            "/pay/1",
            r#"{"callback":"https://evil.example/ok.example"}"#,
            "check_failed",
        ),
        (
            &["--arg-host-in", "/callback=ok.example"],
            "/pay/1",
            r#"{"callback":"https://ok.example@evil.example/"}"#,
            "check_error",
        ),
        (
            &["--arg-host-in", "/callback=ok.example"],
            "/pay/1",
            r#"{"callback":"https://ok.example\\@evil.example/"}"#,
            "check_error",
        ),
        (&["--arg-host-in", "/callback=ok.example"], "/pay/1", r#"{"callback":"https://ok.example."}"#, "check_error"),
        (
            &["--arg-host-in", "/callback=ok.example"],
            "/pay/1",
            r#"{"callback":["https://ok.example","https://evil.example"]}"#,
            "check_failed",
        ),
        (&["--arg-host-in", "/callback=ok.example"], "/note/1", r#"{"callback":"https://ok.example"}"#, "check_error"),
        (&["--arg-under", "/file=/docs"], "/pay/1", r#"{"amount":1,"file":"/docs/a.md"}"#, "allow"),
        (&["--arg-under", "/file=/docs"], "/pay/1", r#"{"amount":1,"file":"/docs-old/a.md"}"#, "check_failed"),
        (&["--arg-under", "/file=/docs"], "/pay/1", r#"{"amount":1,"file":"/docs/../etc/passwd"}"#, "check_error"),
        (&["--arg-under", "/file=/docs"], "/pay/1", r#"{"amount":1,"file":"/docs/%2e%2e/etc"}"#, "check_error"),
        (&["--arg", "/to=a", "--args-only", "/to", "--args-only", "path.id"], "/note/1", r#"{"to":"a"}"#, "allow"),
        (
            &["--arg", "/to=a", "--args-only", "/to", "--args-only", "path.id"],
            "/note/1",
            r#"{"to":"a","bcc":"b"}"#,
            "check_failed",
        ),
        (
            &["--arg", "/to=a", "--args-only", "/to", "--args-only", "path.id"],
            "/note/1?bcc=b",
            r#"{"to":"a"}"#,
            "check_failed",
        ),
        (
            &["--arg", "/to=a", "--args-only", "/to", "--args-only", "path.id"],
            "/note/1",
            r#"{"to":"a","x":{"y":1}}"#,
            "check_failed",
        ),
        (&["--args-only", "path.id", "--args-only", "/to"], "/note/1", r#"{"to":[{"bcc":"b"}]}"#, "check_error"),
        (&["--arg", "/a~1b=1"], "/note/1", r#"{"a":{"b":"1"}}"#, "check_failed"),
        (&["--arg", "query.q=1"], "/note/1", r#"{"query.q":"1"}"#, "check_failed"),
        (&["--arg", "query.q=1"], "/note/1?q=1", "{}", "allow"),
        (&["--arg", "query.q=1"], "/note/1?q=1&q=2", "{}", "check_failed"),
        (&["--arg", "query.q=1"], "/note/1?q=%31", "{}", "allow"),
        (&["--arg", "query.q=1"], "/note/1?q=%3", "{}", "body_ambiguous"),
        (&["--arg", "path.id=1"], "/note/2", "{}", "check_failed"),
        (&["--arg", "/n:=1"], "/note/1", r#"{"n":"1"}"#, "check_error"),
        (&["--arg", "/n:=true"], "/note/1", r#"{"n":true}"#, "allow"),
        (&["--arg-in", "/n=a", "--arg-in", "/n=b"], "/note/1", r#"{"n":["a","b"]}"#, "allow"),
        (&["--arg-in", "/n=a", "--arg-in", "/n=b"], "/note/1", r#"{"n":["a","c"]}"#, "check_failed"),
        (&["--arg-starts-with", "/n=Re:"], "/note/1", r#"{"n":"Fwd: Re:"}"#, "check_failed"),
        (&["--arg-ends-with", "/n=@example.com"], "/note/1", r#"{"n":"a@example.com"}"#, "allow"),
        (&["--arg-at-least", "/n=2"], "/note/1", r#"{"n":1}"#, "check_failed"),
        (&["--arg-absent", "/bcc"], "/note/1", r#"{"bcc":null}"#, "check_failed"),
        (&["--arg-absent", "/bcc"], "/note/1", r#"{"cc":1}"#, "allow"),
        (&["--when", "payment:send", "--arg-at-most", "/amount=5"], "/note/1", r#"{"amount":null}"#, "allow"),
        (&["--when", "payment:send", "--arg-at-most", "/amount=500"], "/pay/1", r#"{"amount":5.01}"#, "check_failed"),
        // The purse: an amount that no argument says clearly is not covered by any budget.
        (&["--expires-in", "5m"], "/pay/1", r#"{"amount":5000}"#, "allow"),
        (&["--expires-in", "5m"], "/pay/1", r#"{"amount":5000.01}"#, "budget_exceeded"),
        (&["--expires-in", "5m"], "/pay/1", r#"{"amount":-1}"#, "budget_exceeded"),
        (&["--expires-in", "5m"], "/pay/1", r#"{"amount":[1,2]}"#, "budget_exceeded"),
        (&["--expires-in", "5m"], "/pay/1", "{}", "budget_exceeded"),
    ];
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|(restriction, target, body, expected)| {
            let code = service.code(restriction, target, body);
            (code != *expected).then(|| format!("{restriction:?} {target} {body}: {code}, not {expected}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
