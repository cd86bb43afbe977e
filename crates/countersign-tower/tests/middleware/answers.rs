//! What strangers are told, and what only the operator is.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex};

use countersign::verify::Revocations;
use countersign_tower::{AuditSink as _, JsonLines};

use crate::support::{EVENTS, Server, layer, routes, sign};

// spec: VF-38, VF-39, VF-40
#[tokio::test]
async fn tells_strangers_a_class_and_the_audit_the_code() {
    let mut revoked = Revocations::default();
    revoked.revoke_user("https://hub.example", "alice@example.com", crate::support::NOW);
    let revoked = layer().revocations(Arc::new(revoked));
    let server = Server::start_with(revoked, |hits, layer| routes(hits).layer(layer)).await;
    let answer = server.expect(&sign("GET", EVENTS, b"").bytes(), 401, Some("token_revoked")).await;
    let record = &server.records()[0];
    let problem = answer.json();
    let members: Vec<&str> = problem.as_object().unwrap().keys().map(String::as_str).collect();
    let mut expected = ["type", "title", "status", "code", "detail", "trace_id"];
    expected.sort_unstable();
    assert_eq!(members, expected);
    assert_eq!((&problem["type"], &problem["status"]), (&"about:blank".into(), &401.into()));
    assert_eq!(problem["code"], "invalid_token");
    assert_eq!(problem["trace_id"], record.trace_id.to_string());
    assert_eq!(answer.field("content-type"), Some("application/problem+json"));
    assert_eq!(answer.field("www-authenticate"), Some(r#"Countersign error="invalid_token""#));
    assert_eq!(answer.field("cache-control"), Some("no-store"));
    assert!(!answer.body.contains("revoked") && !answer.head.contains("revoked"));
    // Before stage 9 nobody is known, not even to the audit.
    assert_eq!(record.decision.as_ref().unwrap().user, None);
}

// spec: VF-38
#[tokio::test]
async fn answers_alike_for_every_code_of_a_class() {
    let server = Server::start().await;
    let mut by_class: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let request = || sign("GET", EVENTS, b"");
    let mut unsigned = request();
    unsigned.fields.retain(|(name, _)| !name.starts_with("signature"));
    for bytes in [
        unsigned.bytes(),
        request().set("host", "mail.example.com").bytes(),
        request().push("trailer", "x").bytes(),
        request().push("mcp-name", "x").bytes(),
    ] {
        let answer = server.send(&bytes).await;
        let mut problem = answer.json();
        problem["trace_id"].take();
        by_class.entry(answer.field("www-authenticate").unwrap().to_owned()).or_default().push(problem.to_string());
    }
    let codes: Vec<_> = server.records().iter().filter_map(|record| record.decision.clone()?.code).collect();
    assert_eq!(codes, ["signature_required", "authority_mismatch", "trailer_rejected", "header_uncovered"]);
    assert_eq!(by_class.len(), 1, "{by_class:?}");
    for mut answers in by_class.into_values() {
        answers.dedup();
        assert_eq!(answers.len(), 1, "{answers:?}");
    }
}

/// A `Write` that can be read while a sink holds it.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

// spec: VF-42
#[tokio::test]
async fn writes_no_token_and_no_strangers_text() {
    let out = Shared::default();
    let sink = Arc::new(JsonLines::new(out.clone()));
    let server = Server::start().await;
    let token_text = {
        let request = sign("GET", EVENTS, b"").push("x-note", "strangers-text");
        server.send(&request.bytes()).await;
        server.send(&request.bytes()).await;
        let mut altered = request.clone();
        altered.target.push_str("?strangers-text");
        let answer = server.send(&altered.set("user-agent", "strangers-text").bytes()).await;
        assert!(!answer.body.contains("strangers-text"));
        request.field("authorization").replace("Countersign ", "")
    };
    for record in server.records() {
        sink.record(&record);
    }
    let text = String::from_utf8(out.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let decisions: Vec<_> = lines.iter().map(|line| (&line["decision"], &line["code"])).collect();
    let deny = serde_json::Value::from("deny");
    assert_eq!(
        decisions,
        [(&"allow".into(), &().into()), (&deny, &"replayed".into()), (&deny, &"signature_invalid".into())]
    );
    assert_eq!(lines[0]["user"], "alice@example.com");
    assert_eq!(lines[0]["operation"]["resource"], "/calendars/primary");
    assert_eq!(lines[0]["time"], "2026-11-23T17:00:00Z");
    assert!(lines.iter().all(|line| line["micros"].is_u64() && line["trace_id"].is_string()));
    assert!(!text.contains("strangers-text"));
    assert!(!text.contains(&token_text[..64]));
    assert_eq!(sink.lost(), 0);
}

#[tokio::test]
async fn tells_the_handler_the_trace_id_of_the_record() {
    let server = Server::start().await;
    let answer = server.expect(&sign("GET", EVENTS, b"").bytes(), 200, None).await;
    assert_eq!(answer.json()["trace"], server.records()[0].trace_id.to_string());
}
