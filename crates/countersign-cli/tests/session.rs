//! A whole session in a shell, from keys to decisions; then every byte of what was signed, altered.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests say what went wrong by panicking"
)]

mod common;

use std::ops::Range;

use common::{Keys, Shell};
use serde_json::{Value, json};

const URL: &str = "https://calendar.example.com/calendars/primary";

/// keygen ×3, mint, restrict, delegate; leaves `narrow` for agent.pem and `handed-on` for sub.pem.
fn session() -> (Shell, Keys) {
    let (shell, keys) = Shell::service();
    let narrow = shell.at_now(&["restrict", "@token", "--expires-in", "10m"]);
    shell.write("narrow", narrow.ok());
    let to = format!("summary-bot={}", keys.sub);
    let restrictions = ["--action", "GET", "--action", "POST", "--resource-under", "/calendars/primary/"];
    let delegate = ["delegate", "@narrow", "--holder-key", "agent.pem", "--to", &to, "--depth", "0"];
    let handed_on = shell.at_now(&[delegate.as_slice(), &restrictions].concat());
    shell.write("handed-on", handed_on.ok());
    (shell, keys)
}

fn sign(shell: &Shell, key: &str, token: &str, rest: &[&str]) -> Vec<u8> {
    let ran = shell.at_now(&[&["sign", "--key", key, "--token", token], rest].concat());
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    ran.stdout
}

/// A GET with a token of two blocks.
fn get(shell: &Shell) -> Vec<u8> {
    sign(shell, "agent.pem", "@narrow", &["GET", URL])
}

/// A POST with a query and a body, over a delegated chain.
fn post(shell: &Shell) -> Vec<u8> {
    shell.write("event.json", br#"{"title":"Review","start":"2026-11-24T09:00:00Z"}"#);
    let url = format!("{URL}?notify=all&draft");
    let rest = ["POST", &url, "-H", "Content-Type: application/json", "-H", "x-note: a, b", "--body", "event.json"];
    sign(shell, "sub.pem", "@handed-on", &rest)
}

fn key_id(shell: &Shell, public_key: &str) -> String {
    let inspected: Value = serde_json::from_str(shell.run(&["inspect", "@handed-on", "--json"]).ok()).unwrap();
    let agents = inspected["agents"].as_array().unwrap();
    let agent = agents.iter().find(|agent| agent["public_key"] == public_key).unwrap();
    agent["key_id"].as_str().unwrap().to_owned()
}

#[test]
fn a_session_ends_in_allow_for_the_agent_and_for_its_delegate() {
    let (shell, keys) = session();
    shell.write("get", get(&shell));
    shell.write("post", post(&shell));
    let verified = shell.at_now(&["verify", "--config", "verifier.toml", "get", "post"]);
    let (agent, sub) = (key_id(&shell, &keys.agent), key_id(&shell, &keys.sub));
    let first = json!({"name": "calendar-bot", "key_id": agent, "claimed_by": "https://hub.example"});
    let decision = |agents: Value, right: &str| {
        json!({
            "decision": "allow", "stage": null, "code": null, "issuer": "https://hub.example",
            "user": "alice@example.com", "agents": agents, "purpose": "scheduling",
            "expires": "2026-11-23T17:10:00Z", "right": right, "binding": "ed25519",
        })
    };
    verified.ok();
    assert_eq!(
        verified.lines(),
        [
            decision(json!([first]), "http:/calendars/primary:GET"),
            decision(
                json!([first, {"name": "summary-bot", "key_id": sub, "claimed_by": agent}]),
                "http:/calendars/primary:POST"
            ),
        ]
    );
    // The members stand in the order of spec/verify.md.
    let order = ["decision", "stage", "code", "issuer", "user", "agents", "purpose", "expires", "right", "binding"];
    let places = order.map(|member| verified.text().find(&format!("\"{member}\":")).unwrap());
    assert!(places.is_sorted(), "{places:?}");
}

#[test]
fn requests_of_one_run_share_one_memory_of_nonces() {
    let (shell, _) = session();
    let request = get(&shell);
    shell.write("get", &request);
    let verified = shell.feed(&["--now", common::NOW, "verify", "--config", "verifier.toml", "-", "get"], &request);
    let codes: Vec<Value> = verified.lines().iter().map(|decision| decision["code"].clone()).collect();
    assert_eq!((verified.code, codes), (1, vec![Value::Null, json!("replayed")]));
    // Without a file it is standard input that is read.
    assert_eq!(shell.feed(&["--now", common::NOW, "verify", "--config", "verifier.toml"], &request).code, 0);
}

#[test]
fn the_same_nonce_and_time_sign_the_same_message() {
    let (shell, _) = session();
    let sealed = shell.run(&["seal", "@narrow"]);
    shell.write("sealed", sealed.ok());
    let nonce = "000102030405060708090a0b0c0d0e0f";
    let once = sign(&shell, "agent.pem", "@sealed", &["GET", URL, "--nonce", nonce]);
    assert_eq!(once, sign(&shell, "agent.pem", "@sealed", &["GET", URL, "--nonce", nonce]));
    assert!(String::from_utf8(once).unwrap().contains(";nonce=\"AAECAwQFBgcICQoLDA0ODw\";"));
    assert_ne!(get(&shell), get(&shell));
}

#[test]
fn narrower_tokens_allow_less() {
    let (shell, keys) = session();
    let to = format!("summary-bot={}", keys.sub);
    let narrowed = |extra: &[&str]| {
        let token = shell.at_now(&[&["restrict", "@token"], extra].concat());
        shell.write("narrowed", token.ok());
        shell.write("request", sign(&shell, "agent.pem", "@narrowed", &["GET", URL]));
        let verified = shell.at_now(&["verify", "--config", "verifier.toml", "request"]);
        (verified.code, verified.lines()[0]["code"].as_str().map(str::to_owned))
    };
    let check_failed = (1, Some("check_failed".to_owned()));
    for allowed in [
        &["--action", "GET"][..],
        &["--action", "read", "--action", "GET"],
        &["--expires-by", "2026-11-23T17:00:00Z"],
        &["--not-before", "2026-11-23T17:00:00Z"],
        &["--service", "https://calendar.example.com"],
        &["--type", "http", "--method", "GET", "--user", "alice@example.com", "--purpose", "scheduling"],
        &["--binding", "ed25519", "--resource-is", "/calendars/primary", "--resource-under", "/"],
    ] {
        assert_eq!(narrowed(allowed), (0, None), "{allowed:?}");
    }
    for refused in [
        &["--action", "POST"][..],
        &["--not-before", "2026-11-23T17:00:01Z"],
        &["--service", "https://calendar.example.com/"],
        &["--type", "mcp_tool"],
        &["--method", "get"],
        &["--tool", "search"],
        &["--user", "bob@example.com"],
        &["--purpose", "mail"],
        &["--binding", "bearer"],
        &["--resource-is", "/calendars"],
        &["--resource-under", "/calendars/primary/events"],
    ] {
        assert_eq!(narrowed(refused), check_failed, "{refused:?}");
    }
    assert_eq!(narrowed(&["--expires-by", "2026-11-23T16:59:59Z"]), (1, Some("token_expired".to_owned())));
    // What the delegator left out stays out of the delegate's reach, and the delegator's key is no use any more.
    let delegate = ["delegate", "@token", "--holder-key", "agent.pem", "--to", &to, "--action", "POST"];
    let token = shell.at_now(&delegate);
    shell.write("delegated", token.ok());
    shell.write("request", sign(&shell, "sub.pem", "@delegated", &["GET", URL]));
    let verified = shell.at_now(&["verify", "--config", "verifier.toml", "request"]);
    assert_eq!((verified.code, &verified.lines()[0]["code"]), (1, &json!("check_failed")));
    assert_eq!(shell.at_now(&["sign", "--key", "agent.pem", "--token", "@delegated", "GET", URL]).code, 2);
}

#[test]
fn a_request_with_its_own_authorization_carries_the_token_beside_it() {
    let (shell, _) = session();
    let request = sign(&shell, "agent.pem", "@narrow", &["GET", URL, "-H", "Authorization: Bearer of-another-kind"]);
    shell.write("request", &request);
    let text = String::from_utf8(request).unwrap();
    assert!(text.contains("\r\nauthorization: Bearer of-another-kind\r\n") && text.contains("\r\ncountersign-token: "));
    shell.at_now(&["verify", "--config", "verifier.toml", "request"]).ok();
}

#[test]
fn an_http_2_request_is_verified_by_its_pseudo_header() {
    let (shell, _) = session();
    let request = String::from_utf8(get(&shell)).unwrap();
    shell.write("request", request.replace("host: calendar.example.com\r\n", ""));
    let with = |authority: &[&str]| {
        let verified = shell.at_now(&[&["verify", "--config", "verifier.toml", "request"], authority].concat());
        (verified.code, verified.lines()[0]["code"].clone())
    };
    assert_eq!(with(&["--authority", "Calendar.example.com:443"]), (0, Value::Null));
    assert_eq!(with(&["--authority", "other.example.com"]), (1, json!("authority_mismatch")));
    assert_eq!(with(&["--authority", ""]), (1, json!("authority_ambiguous")));
    assert_eq!(with(&[]), (1, json!("authority_ambiguous")));
}

/// What of a message is covered by a signature: method, target, the values of its fields, the body.
fn covered(message: &[u8]) -> Vec<(String, Range<usize>)> {
    let end = message.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    let head = core::str::from_utf8(&message[..end]).unwrap();
    let mut at = 0;
    let mut spans = Vec::new();
    for (number, line) in head.split("\r\n").enumerate() {
        if number == 0 {
            let method = line.find(' ').unwrap();
            let target = line.rfind(' ').unwrap();
            spans.extend([("method".to_owned(), 0..method), ("target".to_owned(), method + 1..target)]);
        } else {
            let (name, value) = line.split_once(": ").unwrap();
            // Its value is the framing's, which no signature covers.
            if name != "content-length" {
                spans.push((name.to_owned(), at + line.len() - value.len()..at + line.len()));
            }
        }
        at += line.len() + 2;
    }
    spans.push(("body".to_owned(), end + 4..message.len()));
    spans
}

/// Flips the lowest bit of each covered byte, and runs `verify` over all of the altered messages. In each run the true
/// message comes last, and is allowed: nothing before it has spent its nonce.
fn no_flip_is_allowed(shell: &Shell, message: &[u8], names: &[&str]) {
    let spans = covered(message);
    assert_eq!(spans.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), names);
    let places: Vec<(&str, usize)> =
        spans.iter().flat_map(|(name, span)| span.clone().map(move |at| (name.as_str(), at))).collect();
    shell.write("true", message);
    let (mut denied, mut misused, mut alone) = (0, 0, 0);
    for batch in places.chunks(200) {
        let files: Vec<String> = batch.iter().map(|(_, at)| format!("flip-{at}")).collect();
        for ((_, at), file) in batch.iter().zip(&files) {
            let mut altered = message.to_vec();
            altered[*at] ^= 1;
            shell.write(file, altered);
        }
        let mut args = vec!["verify", "--config", "verifier.toml"];
        args.extend(files.iter().map(String::as_str));
        args.push("true");
        let verified = shell.at_now(&args);
        let decisions = verified.lines();
        let (last, altered) = decisions.split_last().unwrap();
        assert_eq!(last["decision"], "allow", "{last}");
        for decision in altered {
            assert_eq!(decision["decision"], "deny", "{batch:?} {decision}");
            assert!(decision["stage"].as_u64().expect("a stage") <= 9, "{decision}");
        }
        let complaints = verified.stderr.lines().count();
        assert_eq!(altered.len() + complaints, batch.len(), "{}", verified.stderr);
        assert_eq!(verified.code, if complaints > 0 { 2 } else { 1 });
        (denied, misused) = (denied + altered.len(), misused + complaints);
        // Some in a process of their own: the status alone must tell.
        for file in files.iter().step_by(40) {
            let code = shell.at_now(&["verify", "--config", "verifier.toml", file]).code;
            assert!(code == 1 || code == 2, "{file}: {code}");
            alone += 1;
        }
    }
    assert_eq!(denied + misused, places.len());
    println!(
        "{} bytes flipped: {denied} denied, {misused} no message any more, {alone} in runs of their own",
        places.len()
    );
}

#[test]
fn no_flipped_bit_of_a_get_is_allowed() {
    let (shell, _) = session();
    let names = ["method", "target", "host", "authorization", "signature-input", "signature", "body"];
    no_flip_is_allowed(&shell, &get(&shell), &names);
}

#[test]
fn no_flipped_bit_of_a_delegated_post_is_allowed() {
    let (shell, _) = session();
    let fields = ["host", "content-type", "x-note", "authorization", "content-digest", "signature-input", "signature"];
    let names = [["method", "target"].as_slice(), &fields, &["body"]].concat();
    no_flip_is_allowed(&shell, &post(&shell), &names);
}

#[test]
fn what_is_no_message_is_reported_and_the_rest_decided() {
    let (shell, _) = session();
    shell.write("request", get(&shell));
    shell.write("junk", b"hello\r\n\r\n");
    let verified = shell.at_now(&["verify", "--config", "verifier.toml", "junk", "missing", "request"]);
    assert_eq!(verified.code, 2);
    let complaints: Vec<&str> = verified.stderr.lines().collect();
    assert_eq!(complaints.len(), 2);
    assert!(complaints[0].contains("junk: not an HTTP/1.1 request message"), "{}", complaints[0]);
    assert!(complaints[1].contains("missing: "), "{}", complaints[1]);
    assert_eq!(verified.lines()[0]["decision"], "allow");
}
