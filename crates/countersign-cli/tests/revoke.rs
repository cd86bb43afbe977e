//! Taking back, from a shell: `revoke` writes lists, `verify` and a running service hold to them.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests say what went wrong by panicking")]

mod common;

#[path = "../examples/calendar.rs"]
#[expect(dead_code, unreachable_pub, reason = "it is a program of its own, whose main is not used here")]
mod calendar;

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;

use base64::Engine as _;
use common::{Keys, NOW, Ran, Shell};
use countersign::key::SigningKey;
use countersign::time::UnixTime;
use countersign::token::{Grant, Right};
use countersign::verify::{MemoryReplay, Verifier};
use countersign_tower::{CountersignLayer, FileRevocations};
use serde_json::{Value, json};

const HUB: &str = "https://hub.example";
const TIME: UnixTime = UnixTime(1_795_453_200);

/// A key that `keygen` wrote.
fn private(shell: &Shell, name: &str) -> SigningKey {
    let pem = String::from_utf8(shell.read(&format!("{name}.pem"))).unwrap();
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = base64::engine::general_purpose::STANDARD.decode(base64).unwrap();
    SigningKey::from_seed(der.last_chunk().unwrap())
}

/// A token of grant g-1 and conversation conv-1 in `token`, handed on in `child`; and a key that signs lists.
fn session(audience: &str, issued: UnixTime) -> (Shell, Keys, String) {
    let (shell, keys) = Shell::service();
    let revocation = shell.keygen("revocation");
    let grant = Grant::new(HUB, "alice@example.com", "calendar-bot", keys.agent.parse().unwrap())
        .purpose("scheduling")
        .audience(audience)
        .valid(issued, issued.plus(3600))
        .right(Right { r#type: "http", location: "/calendars", action: "GET" })
        .right(Right { r#type: "calendar", location: "/calendars", action: "read" })
        .delegation_depth(1)
        .grant("g-1")
        .conversation("conv-1");
    let token = grant.sign(&private(&shell, "hub"), &SigningKey::from_seed(&[7; 32])).unwrap();
    shell.write("token", token.dangerous_text().as_bytes());
    let to = format!("summary-bot={}", keys.sub);
    let child = shell.run(&["delegate", "@token", "--holder-key", "agent.pem", "--to", &to]);
    shell.write("child", child.ok());
    let toml = String::from_utf8(shell.read("verifier.toml")).unwrap();
    let lists = format!("revocations = \"list\"\nrevocation_keys = [\"{revocation}\"]\n");
    shell.write("verifier.toml", format!("revocations_state = \"state\"\n{toml}{lists}"));
    (shell, keys, revocation)
}

fn here() -> (Shell, Keys, String) {
    let (shell, keys, revocation) = session("https://calendar.example.com", TIME);
    for (key, token) in [("agent", "token"), ("sub", "child")] {
        let url = "https://calendar.example.com/calendars/primary";
        let pem = format!("{key}.pem");
        let signed = shell.at_now(&["sign", "--key", &pem, "--token", &format!("@{token}"), "GET", url]);
        signed.ok();
        shell.write(&format!("{token}-request"), signed.stdout);
    }
    (shell, keys, revocation)
}

fn revoke(shell: &Shell, what: &[&str]) -> Ran {
    let usual = ["--now", NOW, "revoke", "--issuer-key", "revocation.pem", "--issuer", HUB, "--list", "list"];
    shell.run(&[&usual, what].concat())
}

/// The codes for the parent's request and the child's.
fn codes(shell: &Shell, now: &str) -> [Option<String>; 2] {
    let requests = ["token-request", "child-request"];
    let ran = shell.run(&[&["--now", now, "verify", "--config", "verifier.toml"][..], &requests].concat());
    assert_eq!(ran.stderr, "");
    let code = |line| serde_json::from_str::<Value>(line).unwrap()["code"].as_str().map(str::to_owned);
    let codes: Vec<Option<String>> = ran.text().lines().map(code).collect();
    assert_eq!(ran.code, i32::from(codes.iter().any(Option::is_some)));
    codes.try_into().unwrap()
}

fn both(code: &str) -> [Option<String>; 2] {
    [Some(code.to_owned()), Some(code.to_owned())]
}

/// What `revoke` alone with these options makes of the two requests.
fn after(shell: &Shell, what: &[&str]) -> [Option<String>; 2] {
    for file in ["list", "state"] {
        let _ = std::fs::remove_file(shell.path(file));
    }
    revoke(shell, what).ok();
    codes(shell, NOW)
}

// spec: VF-11, VF-12, VF-13, VF-14, VF-15, VF-16
#[test]
fn each_kind_of_revocation_is_held_to() {
    let (shell, keys, revocation) = here();
    let inspected: Value = serde_json::from_str(shell.run(&["inspect", "@child", "--json"]).ok()).unwrap();
    let block = |index: usize| inspected["blocks"][index]["id"].as_str().unwrap().to_owned();
    let agent_id = inspected["agents"][0]["key_id"].as_str().unwrap();
    let (free, revoked) = ([None, None], both("token_revoked"));
    let child_alone = [None, Some("token_revoked".to_owned())];
    assert_eq!(after(&shell, &[]), free);
    assert_eq!(after(&shell, &["--block", &block(0)]), revoked);
    assert_eq!(after(&shell, &["--block", &block(1)]), child_alone);
    assert_eq!(after(&shell, &["--token", "@token"]), revoked);
    assert_eq!(after(&shell, &["--token", "@child"]), child_alone);
    assert_eq!(after(&shell, &["--holder", agent_id]), revoked);
    assert_eq!(after(&shell, &["--holder", &keys.agent]), revoked);
    assert_eq!(after(&shell, &["--holder", &keys.sub]), child_alone);
    assert_eq!(after(&shell, &["--user", "alice@example.com"]), revoked);
    assert_eq!(after(&shell, &["--user", "alice@example.com@2026-11-23T17:00:00Z"]), revoked);
    assert_eq!(after(&shell, &["--user", "alice@example.com@2026-11-23T16:59:59Z"]), free);
    assert_eq!(after(&shell, &["--user", "bob@example.com"]), free);
    assert_eq!(after(&shell, &["--grant", "g-1"]), revoked);
    assert_eq!(after(&shell, &["--grant", "g-2", "--grant", "g-3"]), free);
    assert_eq!(after(&shell, &["--conversation", "alice@example.com:conv-1"]), both("conversation_ended"));
    assert_eq!(after(&shell, &["--conversation", "alice@example.com:conv-2"]), free);
    assert_eq!(after(&shell, &["--issuer-key-revoked", &keys.hub]), both("token_signature"));
    // A key that is none of the issuer's; and the key that signs the list.
    assert_eq!(after(&shell, &["--issuer-key-revoked", &keys.agent]), free);
    let own = revoke(&shell, &["--issuer-key-revoked", &revocation]);
    assert_eq!(own.code, 2);
    assert!(own.stderr.contains("--issuer-key: "), "{}", own.stderr);
}

// spec: RV-15, RV-20, RV-21
#[test]
fn lists_go_on_from_each_other_and_never_back() {
    let (shell, _, _) = here();
    assert_eq!(revoke(&shell, &[]).ok(), "list 1, 0 entries, fresh until 2026-11-23T18:00:00Z\n");
    let first = shell.read("list");
    assert_eq!(codes(&shell, NOW), [None, None]);
    assert_eq!(revoke(&shell, &["--grant", "g-1"]).ok(), "list 2, 1 entry, fresh until 2026-11-23T18:00:00Z\n");
    assert_eq!(codes(&shell, NOW), both("token_revoked"));
    // What was revoked stays revoked in the next list, and twice is once.
    let third: Value =
        serde_json::from_str(revoke(&shell, &["--json", "--grant", "g-1", "--fresh-for", "10m"]).ok()).unwrap();
    let expected = json!({
        "issuer": HUB, "number": 3, "entries": 1,
        "created": "2026-11-23T17:00:00Z", "next": "2026-11-23T17:10:00Z",
    });
    assert_eq!(third, expected);
    assert_eq!(codes(&shell, NOW), both("token_revoked"));
    let third = shell.read("list");
    shell.write("list", &first);
    let misused = |text: &str| {
        let ran = shell.at_now(&["verify", "--config", "verifier.toml", "token-request"]);
        assert_eq!((ran.code, ran.text()), (2, ""));
        assert!(ran.stderr.contains("issuers[0].revocations list: ") && ran.stderr.contains(text), "{}", ran.stderr);
    };
    misused("rolled_back");
    let mut tampered = third.clone();
    tampered[20] ^= 1;
    shell.write("list", &tampered);
    misused("signature_invalid");
    assert_eq!(revoke(&shell, &[]).code, 2, "a list is not built on one that does not hold");
    assert_eq!(shell.read("list"), tampered);
    std::fs::remove_file(shell.path("list")).unwrap();
    misused("can't be read");
    shell.write("list", &third);
    assert_eq!(codes(&shell, "2026-11-23T17:00:20Z"), both("token_revoked"));
    // Nothing half-written is left behind.
    let names = std::fs::read_dir(shell.path("")).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(names.map(|name| name.into_string().unwrap()).all(|name| !name.starts_with('.')));
}

// spec: VF-10
#[test]
fn a_stale_list_denies_but_for_what_is_safe() {
    let (shell, _, _) = here();
    revoke(&shell, &["--fresh-for", "20s"]).ok();
    assert_eq!(codes(&shell, "2026-11-23T17:00:20Z"), [None, None]);
    assert_eq!(codes(&shell, "2026-11-23T17:00:21Z"), both("revocation_stale"));
    let toml = String::from_utf8(shell.read("verifier.toml")).unwrap();
    for (path, outcome) in [("/calendars/{id}", [None, None]), ("/other", both("revocation_stale"))] {
        let safe = format!("safe_when_stale = [{{ method = \"GET\", path = \"{path}\" }}]\n");
        shell.write("verifier.toml", safe + &toml);
        assert_eq!(codes(&shell, "2026-11-23T17:00:21Z"), outcome);
    }
    for (line, named) in [
        ("safe_when_stale = [{ method = \"GET\", path = \"other\" }]\n", "safe_when_stale[0]"),
        ("safe_when_stale = 1\n", "safe_when_stale"),
        ("revocations_stat = \"x\"\n", "revocations_stat"),
    ] {
        shell.write("verifier.toml", line.to_owned() + &toml);
        let ran = shell.at_now(&["verify", "--config", "verifier.toml", "token-request"]);
        assert_eq!((ran.code, ran.text()), (2, ""));
        assert!(ran.stderr.contains(named), "{}", ran.stderr);
    }
    let seven = revoke(&shell, &["--fresh-for", "8d"]);
    assert!(seven.code == 2 && seven.stderr.contains("--fresh-for"), "{}", seven.stderr);
}

// spec: RV-5
#[test]
fn a_stolen_root_key_is_revoked_by_another() {
    let (shell, keys, _) = here();
    let second = shell.keygen("hub-2");
    let sign = |key: &str, more: &[&str]| {
        let usual = ["--now", NOW, "revoke", "--issuer-key", key, "--issuer", HUB, "--list", "list"];
        shell.run(&[&usual, more].concat())
    };
    let toml = String::from_utf8(shell.read("verifier.toml")).unwrap();
    let (before, _) = toml.split_once("keys = ").unwrap();
    let both_keys = format!("keys = [\"{}\", \"{second}\"]\nrevocations = \"list\"\n", keys.hub);
    shell.write("verifier.toml", before.to_owned() + &both_keys);
    sign("hub.pem", &[]).ok();
    assert_eq!(codes(&shell, NOW), [None, None]);
    let unknown = sign("hub-2.pem", &["--issuer-key-revoked", &keys.hub]);
    assert!(unknown.code == 2 && unknown.stderr.contains("--signed-by"), "{}", unknown.stderr);
    sign("hub-2.pem", &["--issuer-key-revoked", &keys.hub, "--signed-by", &keys.hub]).ok();
    assert_eq!(codes(&shell, NOW), both("token_signature"));
    // The thief takes it back, in vain.
    std::fs::remove_file(shell.path("list")).unwrap();
    for _ in 0..3 {
        sign("hub.pem", &[]).ok();
    }
    let ran = shell.at_now(&["verify", "--config", "verifier.toml", "token-request"]);
    assert!(ran.code == 2 && ran.stderr.contains("signer_revoked"), "{}", ran.stderr);
}

#[test]
fn revocations_verify_tells_what_a_list_revokes_and_whether_it_holds() {
    let (shell, keys, revocation) = here();
    let all = ["--holder", &keys.agent, "--user", "Zo\u{202e}e", "--grant", "g-1", "--conversation", "alice:conv-1"];
    revoke(&shell, &[&all[..], &["--issuer-key-revoked", &keys.hub, "--token", "@child"]].concat()).ok();
    let verify = |now: &str, more: &[&str]| {
        shell.run(&[&["--now", now, "revocations", "verify", "list", "--key", &revocation], more].concat())
    };
    let ran = verify(NOW, &[]);
    let text = ran.ok();
    assert!(text.starts_with("List 1 of \"https://hub.example\", signed by ed25519/"), "{text}");
    assert!(text.contains("\"Zo\\u{202e}e\"") && text.ends_with("It holds.\n"), "{text}");
    assert_eq!(text.lines().filter(|line| line.starts_with("- ")).count(), 6);
    let ran = verify(NOW, &["--json", "--issuer", HUB, "--above", "0"]);
    let record: Value = serde_json::from_str(ran.ok()).unwrap();
    assert_eq!(
        (&record["holds"], &record["error"], &record["list"]["number"]),
        (&json!(true), &json!(null), &json!(1))
    );
    assert_eq!(record["list"]["users"], json!([{"user": "Zo\u{202e}e", "until": NOW}]));
    assert_eq!(record["list"]["issuer_keys"], json!([keys.hub]));
    let fails = |ran: Ran, word: &str| {
        let record: Value = serde_json::from_slice(&ran.stdout).unwrap();
        assert_eq!((ran.code, &record["holds"], &record["error"]), (1, &json!(false), &json!(word)), "{record}");
    };
    fails(verify(NOW, &["--json", "--above", "1"]), "rolled_back");
    fails(verify(NOW, &["--json", "--issuer", "https://other.example"]), "issuer_mismatch");
    fails(verify("2026-11-23T18:00:01Z", &["--json"]), "stale");
    fails(verify("2026-11-23T16:59:29Z", &["--json"]), "not_yet_valid");
    fails(shell.at_now(&["revocations", "verify", "list", "--key", &keys.hub, "--json"]), "signature_invalid");
    shell.write("list", "nothing of the kind");
    fails(verify(NOW, &["--json"]), "malformed");
    assert_eq!(shell.at_now(&["revocations", "verify", "missing", "--key", &revocation]).code, 2);
}

fn status(address: SocketAddr, request: &[u8]) -> u16 {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    core::str::from_utf8(&answer[9..]).unwrap().parse().unwrap()
}

#[test]
fn a_running_service_refuses_from_the_next_reload_on() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).unwrap();
    let address = listener.local_addr().unwrap();
    let origin = format!("http://{address}");
    let now = countersign_tower::system_clock();
    let (shell, keys, revocation) = session(&origin, now);
    let revoke = |what: &[&str]| {
        let usual = ["revoke", "--issuer-key", "revocation.pem", "--issuer", HUB, "--list", "list"];
        shell.run(&[&usual, what].concat()).ok();
    };
    revoke(&[]);
    let view = FileRevocations::builder().issuer(HUB, [revocation.parse().unwrap()], shell.path("list"));
    let view = Arc::new(view.build().unwrap());
    let verifier = Verifier::builder().audience(&origin).authority(&address.to_string());
    let verifier = verifier.issuer(HUB, [keys.hub.parse().unwrap()]).build().unwrap();
    let layer = CountersignLayer::builder(Arc::new(verifier), calendar::operations().unwrap())
        .replay(MemoryReplay::insecure_without_epoch())
        .revocations(Arc::clone(&view) as Arc<_>)
        .build();
    runtime.spawn(async move { axum::serve(listener, calendar::app(layer)).await });
    let ask = |key: &str, token: &str| {
        let url = format!("{origin}/calendars/primary/events");
        let signed = shell.run(&["sign", "--key", key, "--token", token, "GET", &url]);
        signed.ok();
        status(address, &signed.stdout)
    };
    assert_eq!([ask("agent.pem", "@token"), ask("sub.pem", "@child")], [200, 200]);
    revoke(&["--token", "@child"]);
    view.reload_changed();
    assert_eq!([ask("agent.pem", "@token"), ask("sub.pem", "@child")], [200, 401]);
    revoke(&["--user", "alice@example.com"]);
    view.reload_changed();
    assert_eq!([ask("agent.pem", "@token"), ask("sub.pem", "@child")], [401, 401]);
}
