//! The two proofs, over sockets.

use crate::support::{EVENTS, NOW, Server, grant, key, mint, sign, sign_with};
use countersign::token::{Delegation, Restriction};

#[tokio::test]
async fn lets_signed_requests_through() {
    let server = Server::start().await;
    let answer = server.expect(&sign("GET", &format!("{EVENTS}?from=today"), b"").bytes(), 200, None).await;
    assert_eq!(answer.json()["user"], "alice@example.com");
    assert_eq!(answer.json()["body"], "");
    let post = sign("POST", EVENTS, br#"{"title":"Tea"}"#);
    let answer = server.expect(&post.bytes(), 200, None).await;
    assert_eq!(answer.json()["body"], r#"{"title":"Tea"}"#);
    assert_eq!(server.hits(), 2);
}

#[tokio::test]
async fn lets_a_delegate_through_and_names_the_chain() {
    let server = Server::start().await;
    let delegation = Delegation::to("summary-bot", key("sub-agent").public())
        .restriction(Restriction::Actions(vec!["read".to_owned()]));
    let token = mint(&grant()).delegate(&delegation).unwrap().sign(&key("agent"), &key("next-1")).unwrap();
    let read = sign_with(&token, &key("sub-agent"), "GET", EVENTS, b"");
    let answer = server.expect(&read.bytes(), 200, None).await;
    assert_eq!(answer.json()["agents"], serde_json::json!(["calendar-bot", "summary-bot"]));
    let write = sign_with(&token, &key("sub-agent"), "POST", EVENTS, b"{}");
    server.expect(&write.bytes(), 403, Some("check_failed")).await;
    assert_eq!(server.hits(), 1);
}

#[tokio::test]
async fn refuses_the_same_request_twice() {
    let server = Server::start().await;
    let request = sign("GET", EVENTS, b"").bytes();
    server.expect(&request, 200, None).await;
    server.expect(&request, 401, Some("replayed")).await;
    assert_eq!(server.hits(), 1);
}

#[tokio::test]
async fn lets_one_of_64_racing_replays_through() {
    let server = Server::start().await;
    let request = sign("POST", EVENTS, b"{}").bytes();
    let clients: Vec<_> = (0..64)
        .map(|_| {
            let (address, request) = (server.address, request.clone());
            tokio::spawn(async move { crate::support::exchange(address, &request).await.status })
        })
        .collect();
    let mut statuses = Vec::new();
    for client in clients {
        statuses.push(client.await.unwrap());
    }
    let count = |wanted| statuses.iter().filter(|status| **status == wanted).count();
    // Those that came while the body of another was read are refused before theirs is.
    assert_eq!((count(200), count(401) + count(503)), (1, 63));
    assert_eq!(server.hits(), 1);
    let records = server.records();
    let codes = |code: Option<&str>| {
        records.iter().filter(|record| record.decision.as_ref().unwrap().code.as_deref() == code).count()
    };
    assert_eq!((codes(None), codes(Some("replayed")) + codes(Some("store_unavailable"))), (1, 63));
}

#[tokio::test]
async fn refuses_what_was_altered_after_signing() {
    let server = Server::start().await;
    let mut method = sign("GET", EVENTS, b"");
    method.method = "DELETE".to_owned();
    let mut path = sign("GET", EVENTS, b"");
    path.target = path.target.replace("primary", "work");
    let mut query = sign("GET", EVENTS, b"");
    query.target.push_str("?all=1");
    let mut added = sign("GET", EVENTS, b"");
    added.body = b"{}".to_vec();
    let mut body = sign("POST", EVENTS, br#"{"title":"Tea"}"#);
    body.body = br#"{"title":"Pub"}"#.to_vec();
    let digest = countersign::request::content_digest(countersign::request::DigestAlgorithm::Sha256, &body.body);
    let both = body.clone().set("content-digest", &digest);
    for (request, code) in [
        (method, "signature_invalid"),
        (path, "signature_invalid"),
        (query, "signature_invalid"),
        (added, "body_uncovered"),
        (body, "digest_mismatch"),
        (both, "signature_invalid"),
    ] {
        server.expect(&request.bytes(), 401, Some(code)).await;
    }
    assert_eq!(server.hits(), 0);
}

#[tokio::test]
async fn refuses_tokens_without_the_holders_key() {
    let server = Server::start().await;
    let request = sign("GET", EVENTS, b"");
    let stolen = |name: &str| {
        let mut request = request.clone();
        request.fields.retain(|(known, _)| !known.starts_with(name));
        request
    };
    server.expect(&stolen("signature").bytes(), 401, Some("signature_required")).await;
    server.expect(&stolen("authorization").bytes(), 401, Some("token_missing")).await;
    let bearer = request.field("authorization").replace("Countersign ", "Bearer ");
    server.expect(&request.clone().set("authorization", &bearer).bytes(), 401, Some("token_missing")).await;
    let other = sign_with(&mint(&grant().purpose("else")), &key("agent"), "GET", EVENTS, b"");
    let spliced = request.clone().set("authorization", other.field("authorization"));
    server.expect(&spliced.bytes(), 401, Some("signature_invalid")).await;
    let expired = grant().valid(NOW, countersign::time::UnixTime(NOW.0 - 1));
    let expired = sign_with(&mint(&expired), &key("agent"), "GET", EVENTS, b"");
    server.expect(&expired.bytes(), 401, Some("token_expired")).await;
    assert_eq!(server.hits(), 0);
    // None of them spent the nonce.
    server.expect(&request.bytes(), 200, None).await;
}
