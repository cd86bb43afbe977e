//! Authorization details there and back: asked for, minted, used at a running service, and asked for again where they
//! did not reach.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests say what went wrong by panicking")]

mod common;

#[path = "../examples/calendar.rs"]
#[expect(dead_code, unreachable_pub, reason = "it is a program of its own, whose main is not used here")]
mod calendar;

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use common::{Keys, Ran, Shell};
use countersign::verify::{MemoryReplay, Verifier};
use countersign_tower::CountersignLayer;
use serde_json::{Value, json};

const SERVICE: &str = "https://calendar.example.com";

/// Runs `mint --rar` with what it always needs.
fn mint(shell: &Shell, keys: &Keys, rest: &[&str], stdin: &[u8]) -> Ran {
    let agent = format!("calendar-bot={}", keys.agent);
    let usual = ["mint", "--issuer-key", "hub.pem", "--issuer", "https://hub.example", "--user", "alice@example.com"];
    shell.feed(&[&usual, &["--agent", &agent][..], rest].concat(), stdin)
}

/// Writes each line to a file of its own; how many there are.
fn keep(shell: &Shell, minted: &Ran, name: &str) -> usize {
    minted.ok().lines().enumerate().map(|(number, line)| shell.write(&format!("{name}-{number}"), line)).count()
}

fn details_of(shell: &Shell, token: &str) -> Value {
    serde_json::from_str(shell.run(&["rar", token]).ok()).unwrap()
}

fn rights(shell: &Shell, token: &str) -> Value {
    let inspected: Value = serde_json::from_str(shell.run(&["inspect", token, "--json"]).ok()).unwrap();
    json!([inspected["audience"], inspected["purpose"], inspected["rights"]])
}

// spec: RA-31
#[test]
fn details_become_tokens_and_tokens_the_same_details() {
    let (shell, keys) = Shell::service();
    let detail = |kind: &str, locations: &[&str], actions: &[&str], purpose: &str, duration: &str| {
        json!({
            "type": kind, "locations": locations, "actions": actions, "purpose": purpose, "max_duration": duration,
        })
    };
    let asked = json!([
        detail("calendar", &["/calendars/work", "/calendars/primary"], &["write", "read"], "scheduling", "1h"),
        detail("mail", &["https://calendar.example.com/inbox"], &["read"], "scheduling", "PT60M"),
        detail("calendar", &["/calendars/primary"], &["read"], "billing", "PT10M"),
    ]);
    shell.write("details.json", asked.to_string());
    let minted = mint(&shell, &keys, &["--rar", "details.json", "--resource", SERVICE, "--depth", "2"], b"");
    assert_eq!(keep(&shell, &minted, "token"), 2);
    let url = |path: &str| format!("{SERVICE}{path}");
    let (primary, work, inbox) = (url("/calendars/primary"), url("/calendars/work"), url("/inbox"));
    let billing = json!([detail("calendar", &[&primary], &["read"], "billing", "PT10M")]);
    let scheduling = json!([
        detail("calendar", &[&primary, &work], &["read", "write"], "scheduling", "PT1H"),
        detail("mail", &[&inbox], &["read"], "scheduling", "PT1H"),
    ]);
    assert_eq!(details_of(&shell, "@token-0"), billing);
    assert_eq!(details_of(&shell, "@token-1"), scheduling);
    let inspected: Value = serde_json::from_str(shell.run(&["inspect", "@token-1", "--json"]).ok()).unwrap();
    assert_eq!((&inspected["audience"], &inspected["delegation_depth"]), (&json!(SERVICE), &json!(2)));
    // What is printed is what mint reads: with the resource, and without.
    let mut printed = billing.as_array().unwrap().clone();
    printed.extend(scheduling.as_array().unwrap().iter().cloned());
    let printed = Value::from(printed).to_string();
    for rest in [&["--rar", "-", "--resource", SERVICE][..], &["--rar", "-"]] {
        assert_eq!(keep(&shell, &mint(&shell, &keys, rest, printed.as_bytes()), "again"), 2);
        for number in 0..2 {
            let (token, again) = (format!("@token-{number}"), format!("@again-{number}"));
            assert_eq!(rights(&shell, &again), rights(&shell, &token));
            let line = |token: &str| shell.run(&["rar", token, "--json"]).ok().to_owned();
            assert_eq!(line(&again), line(&token));
            assert_eq!(line(&token).lines().count(), 1);
        }
    }
    // Sealed tokens and those on standard input are told alike, and no secret is.
    let sealed = shell.run(&["seal", "@token-0"]);
    let told = shell.feed(&["rar", "-"], sealed.ok().as_bytes());
    assert_eq!(told.ok(), shell.run(&["rar", "@token-0"]).ok());
}

// spec: RA-12, RA-13
#[test]
fn options_say_what_details_leave_open() {
    let (shell, keys) = Shell::service();
    let open = json!([{"type": "http", "locations": ["/calendars/primary"], "actions": ["GET"]}]).to_string();
    let rest = ["--rar", "-", "--resource", SERVICE, "--purpose", "scheduling", "--expires-in", "30m"];
    assert_eq!(keep(&shell, &mint(&shell, &keys, &rest, open.as_bytes()), "token"), 1);
    let told = details_of(&shell, "@token-0");
    assert_eq!((&told[0]["purpose"], &told[0]["max_duration"]), (&json!("scheduling"), &json!("PT30M")));
    // The token is one of `mint --right` by all that a service looks at.
    let request = |method: &str, path: &str| {
        let url = format!("{SERVICE}{path}");
        let signed = shell.run(&["sign", "--key", "agent.pem", "--token", "@token-0", method, &url]);
        assert_eq!(signed.code, 0);
        let verified = shell.feed(&["verify", "--config", "verifier.toml"], &signed.stdout);
        (verified.code, verified.lines()[0]["code"].clone())
    };
    assert_eq!(request("GET", "/calendars/primary/events"), (0, Value::Null));
    assert_eq!(request("GET", "/calendars/work"), (1, json!("right_missing")));
    assert_eq!(request("POST", "/calendars/primary"), (1, json!("right_missing")));
}

#[test]
fn misuse_is_named_and_no_token_is_printed() {
    let (shell, keys) = Shell::service();
    let whole = r#"{"type":"t","locations":["https://a.example/x"],"actions":["a"],"purpose":"p","max_duration":"1h"}"#;
    let with = |member: &str| format!("[{whole},{}]", whole.replace("\"type\"", &format!("{member},\"type\"")));
    let without = |member: &str| format!("[{}]", whole.replace(member, ""));
    for (stdin, rest, named) in [
        (with("\"datatypes\":[]"), &[][..], "\"datatypes\""),
        (with("\"priv\\u001bileges\":[]"), &[], "detail 1: \"priv\\u{1b}ileges\""),
        (with("\"purpose\":\"q\""), &[], "a name twice"),
        (without(",\"purpose\":\"p\""), &[], "--purpose gives one"),
        (without(",\"max_duration\":\"1h\""), &[], "--expires-in gives one"),
        (format!("[{}]", whole.replace("https://a.example/x", "/x")), &[], "--resource names one"),
        (format!("[{whole}]"), &["--resource", "https://b.example"], "not at the requested resource"),
        (format!("[{whole}]"), &["--resource", "https://A.example"], "--resource"),
        (format!("[{whole}]"), &["--right", "t:/x:a"], "--right"),
        (format!("[{whole}]"), &["--audience", "https://a.example"], "--audience"),
        (format!("[{}]", whole.replace("1h", "2932896d")), &[], "--rar, or another option"),
        (String::new(), &[], "--rar -"),
    ] {
        let ran = mint(&shell, &keys, &[&["--rar", "-"], rest].concat(), stdin.as_bytes());
        assert_eq!((ran.code, ran.text()), (2, ""), "{stdin}: {ran:?}");
        assert!(ran.stderr.contains(named), "{stdin}: {}", ran.stderr);
        assert!(!ran.stderr.contains('\u{1b}'));
    }
    for (rest, named) in [
        (&["--rar", "missing.json"][..], "--rar missing.json"),
        (&["--resource", SERVICE], "--rar"),
        (&["--purpose", "p", "--audience", SERVICE, "--right", "t:/x:a"], "--expires-in"),
        (&["--purpose", "p", "--expires-in", "1h", "--right", "t:/x:a"], "--audience"),
        (&["--expires-in", "1h", "--audience", SERVICE, "--right", "t:/x:a"], "--purpose"),
        (&["--purpose", "p", "--expires-in", "1h", "--audience", SERVICE], "--right"),
    ] {
        let ran = mint(&shell, &keys, rest, b"");
        assert_eq!((ran.code, ran.text()), (2, ""), "{rest:?}: {ran:?}");
        assert!(ran.stderr.contains(named), "{rest:?}: {}", ran.stderr);
    }
    // Rights that no details ask for.
    let odd = ["--purpose", "p", "--expires-in", "1h", "--audience", SERVICE, "--right", "t:/x?y:a"];
    keep(&shell, &mint(&shell, &keys, &odd, b""), "odd");
    let ran = shell.run(&["rar", "@odd-0"]);
    assert_eq!((ran.code, ran.text()), (2, ""));
    assert!(ran.stderr.starts_with("countersign: TOKEN: "), "{}", ran.stderr);
    assert_eq!(shell.run(&["rar", "nonsense"]).code, 2);
}

/// The example service on a free loopback port.
struct Service {
    address: SocketAddr,
    _runtime: tokio::runtime::Runtime,
}

impl Service {
    fn start(hub: &str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let verifier = Verifier::builder()
            .audience(&format!("http://{address}"))
            .authority(&address.to_string())
            .issuer("https://hub.example", [hub.parse().unwrap()])
            .build()
            .unwrap();
        let layer = CountersignLayer::builder(Arc::new(verifier), calendar::operations().unwrap())
            // All keys of this test are made anew, so nobody can have used a nonce before.
            .replay(MemoryReplay::insecure_without_epoch())
            .build();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, calendar::app(layer)).await
        });
        Self { address, _runtime: runtime }
    }

    /// Signs a GET by the command, sends it, and gives status and body.
    fn get(&self, shell: &Shell, token: &str, path: &str) -> (u16, Value) {
        let url = format!("http://{}{path}", self.address);
        let signed = shell.run(&["sign", "--key", "agent.pem", "--token", token, "GET", &url]);
        let message = signed.ok().replacen("\r\n", "\r\nconnection: close\r\n", 1);
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream.write_all(message.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head[9..12].parse().unwrap(), serde_json::from_str(body).unwrap())
    }
}

// spec: VF-41, RA-28
#[test]
fn what_a_refused_request_lacked_is_told_and_is_enough() {
    let (shell, keys) = Shell::service();
    let service = Service::start(&keys.hub);
    let origin = format!("http://{}", service.address);
    let read = json!([{
        "type": "calendar", "locations": [format!("{origin}/calendars/primary")], "actions": ["read"],
        "purpose": "scheduling", "max_duration": "PT10M",
    }]);
    keep(&shell, &mint(&shell, &keys, &["--rar", "-"], read.to_string().as_bytes()), "primary");
    assert_eq!(service.get(&shell, "@primary-0", "/calendars/primary/events"), (200, json!([])));
    let (status, problem) = service.get(&shell, "@primary-0", "/calendars/work/events");
    assert_eq!((status, &problem["code"]), (403, &json!("insufficient_authorization")));
    let lacked = &problem["authorization_details"];
    let location = format!("{origin}/calendars/work");
    assert_eq!(*lacked, json!([{"type": "calendar", "locations": [location], "actions": ["read"]}]));
    // The issuer makes a token of exactly that, for the service that said it; the purpose is the asker's to say.
    shell.write("lacked.json", lacked.to_string());
    let rest = ["--rar", "lacked.json", "--purpose", "scheduling", "--expires-in", "10m"];
    assert_eq!(keep(&shell, &mint(&shell, &keys, &rest, b""), "work"), 1);
    assert_eq!(service.get(&shell, "@work-0", "/calendars/work/events"), (200, json!([])));
    // And nothing more.
    assert_eq!(service.get(&shell, "@work-0", "/calendars/primary/events").0, 403);
    // A route that is no operation lacks nothing that could be asked for.
    let (status, problem) = service.get(&shell, "@work-0", "/export");
    assert_eq!((status, problem.get("authorization_details")), (403, None));
}
