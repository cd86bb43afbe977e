//! What is allowed, what is covered, and what is not even sent.

use countersign::request::SignError;
use countersign::token::{ErrorKind as TokenErrorKind, Restriction};
use countersign_tower::client::{ErrorKind, ReqwestSigning, Signer, SigningLayer, client_error};
use tower::{Layer as _, ServiceExt as _};

use crate::support::{Chunks, EVENTS, Server, get_request, hyper, key, layer, post_request, send};

const EVENT: &str = r#"{"title":"Review"}"#;

#[tokio::test]
async fn a_get_and_a_post_with_its_body_are_allowed() {
    let server = Server::start().await;
    let url = server.url("/calendars/primary/events?from=today");
    let (status, seen) = send(&server.client(), get_request(&url)).await;
    assert_eq!((status, &seen["user"], &seen["version"]), (200, &"alice@example.com".into(), &"HTTP/1.1".into()));
    let (status, seen) = send(&server.client(), post_request(&url, EVENT)).await;
    assert_eq!((status, seen["body"].as_str()), (200, Some(EVENT)));
    assert_eq!(server.codes(), ["allow", "allow"]);
}

#[tokio::test]
async fn the_same_over_http_2() {
    let server = Server::start().await;
    let client = layer(server.signer().build().unwrap()).layer(hyper(true));
    let (status, seen) = send(&client, post_request(&server.url(EVENTS), EVENT)).await;
    assert_eq!((status, &seen["version"], seen["body"].as_str()), (200, &"HTTP/2.0".into(), Some(EVENT)));
}

#[tokio::test]
async fn reqwest_signs_alike() {
    let server = Server::start().await;
    let signer = server.signer().build().unwrap();
    let client = ReqwestSigning::new(signer).client(reqwest::Client::builder()).unwrap();
    let get = client.get(server.url("/calendars/primary/events?from=a%20b#top")).send().await.unwrap();
    assert_eq!(get.status(), 200);
    let json = |body: reqwest::Body| {
        client.post(server.url(EVENTS)).header("content-type", "application/json").body(body).send()
    };
    for body in [reqwest::Body::from(EVENT), reqwest::Body::wrap(Chunks([r#"{"title":"#, r#""Review"}"#].into()))] {
        let answer = json(body).await.unwrap();
        let seen: serde_json::Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        assert_eq!(seen["body"], EVENT);
    }
    assert_eq!(server.codes(), ["allow"; 3]);
}

#[tokio::test]
async fn covers_what_the_agent_sets_and_nothing_of_transport() {
    let server = Server::start().await;
    let request = http::Request::post(server.url(EVENTS))
        .header("content-type", "application/json")
        .header("idempotency-key", "k1")
        .header("countersign-approval", "a.b")
        .header("mcp-session-id", "s")
        .header("x-note", "one")
        .header("x-note", "two")
        .header("authorization", "Bearer other")
        .header("user-agent", "bot")
        .header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        // What follows from the body is written anew.
        .header("content-digest", "sha-256=:AAAA:")
        .header("content-length", "999")
        .header("transfer-encoding", "chunked")
        .body(http_body_util::Full::<bytes::Bytes>::from(EVENT));
    let (status, seen) = send(&server.client(), request.unwrap()).await;
    assert_eq!(status, 200, "{seen}");
    let covered: Vec<&str> = seen["covered"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    for name in [
        "@method",
        "@authority",
        "@path",
        "@query",
        "content-type",
        "content-digest",
        "idempotency-key",
        "countersign-approval",
        "mcp-session-id",
        "x-note",
        "authorization",
        "countersign-token",
    ] {
        assert!(covered.contains(&name), "{name} is not covered");
    }
    assert_eq!(covered.len(), 12, "{covered:?}");
}

#[tokio::test]
async fn a_narrowed_call_is_refused_what_it_gave_up_and_the_client_keeps_the_rest() {
    let server = Server::start().await;
    let client = server.client();
    let reader = client.for_call(&[Restriction::Actions(vec!["read".into()])]).unwrap();
    let url = server.url(EVENTS);
    let (status, seen) = send(&reader, get_request(&url)).await;
    assert_eq!((status, &seen["blocks"]), (200, &2.into()));
    let (status, problem) = send(&reader, post_request(&url, EVENT)).await;
    assert_eq!((status, &problem["code"]), (403, &"insufficient_authorization".into()));
    assert_eq!(send(&client, post_request(&url, EVENT)).await.0, 200);
    // A narrowed call can be narrowed again.
    let post = vec!["POST".to_owned()];
    let nothing = reader.for_call(&[Restriction::Methods(post)]).unwrap();
    assert_eq!(send(&nothing, get_request(&url)).await.0, 403);
    // By way of an extension, for a client that is shared.
    let mut request = post_request(&url, EVENT);
    request.extensions_mut().insert(reader.signer().clone());
    assert_eq!(send(&client, request).await.0, 403);
    let shared = ReqwestSigning::new(client.signer().clone()).client(reqwest::Client::builder()).unwrap();
    let post = || shared.post(&url).header("content-type", "application/json").body(EVENT);
    assert_eq!(post().with_extension(reader.signer().clone()).send().await.unwrap().status(), 403);
    assert_eq!(post().send().await.unwrap().status(), 200);
    assert_eq!((server.hits(), server.codes().last().map(String::as_str)), (3, Some("allow")));
}

#[tokio::test]
async fn seals_once_for_many_requests() {
    let server = Server::start().await;
    let reader = server.client().for_call(&[Restriction::Actions(vec!["read".into()])]).unwrap();
    for _ in 0..2 {
        assert_eq!(send(&reader, get_request(&server.url(EVENTS))).await.0, 200);
    }
    let heads = server.heads();
    assert_eq!(heads[0]["authorization"], heads[1]["authorization"]);
    assert_ne!(heads[0]["signature-input"], heads[1]["signature-input"]);
}

#[tokio::test]
async fn a_sealed_token_signs_and_is_not_narrowed() {
    let server = Server::start().await;
    let signer = Signer::builder_sealed(server.token().seal().unwrap(), key("agent")).clock(|| crate::support::NOW);
    let client = layer(signer.build().unwrap()).layer(hyper(false));
    assert_eq!(send(&client, get_request(&server.url(EVENTS))).await.0, 200);
    let narrowed = client.for_call(&[Restriction::Actions(vec!["read".into()])]);
    assert!(matches!(narrowed.unwrap_err().kind(), ErrorKind::Sealed));
    let empty = server.client().for_call(&[]);
    assert!(matches!(empty.unwrap_err().kind(), ErrorKind::Token(error) if error.kind() == TokenErrorKind::Empty));
}

#[tokio::test]
async fn what_every_verifier_would_refuse_is_not_sent() {
    let server = Server::start().await;
    let url = server.url(EVENTS);
    let build = |method: &str, url: &str, field: (&str, &str), body: &'static str| {
        let request = http::Request::builder().method(method).uri(url).header(field.0, field.1);
        request.body(http_body_util::Full::<bytes::Bytes>::from(body)).unwrap()
    };
    let failed = async |request| server.client().oneshot(request).await.unwrap_err().kind().clone();
    let note = ("x-note", "a");
    assert!(matches!(failed(build("POST", &url, note, EVENT)).await, ErrorKind::Sign(SignError::ContentType)));
    let upgrade = build("GET", &url, ("upgrade", "h2c"), "");
    assert!(matches!(failed(upgrade).await, ErrorKind::Sign(SignError::Refused(_))));
    let twice = build("GET", &url, ("countersign-token", "x"), "");
    assert!(matches!(failed(twice).await, ErrorKind::Sign(SignError::Refused(_))));
    assert!(matches!(failed(build("GET", EVENTS, note, "")).await, ErrorKind::Url));
    let user = url.replace("http://", "http://bob@");
    assert!(matches!(failed(build("GET", &user, note, "")).await, ErrorKind::Url));
    let host = build("GET", &url, ("host", "mail.example.com"), "");
    assert!(matches!(failed(host).await, ErrorKind::Host));
    let same = build("GET", &url, ("host", &server.address.to_string()), "");
    assert_eq!(send(&server.client(), same).await.0, 200);
    assert_eq!(server.heads().len(), 1);
}

#[tokio::test]
async fn a_body_is_read_up_to_a_limit() {
    let server = Server::start().await;
    let small = SigningLayer::new(server.signer().build().unwrap()).max_body(8).layer(hyper(false));
    let too_large = small.clone().oneshot(post_request(&server.url(EVENTS), "123456789")).await.unwrap_err();
    assert!(matches!(too_large.kind(), ErrorKind::BodyTooLarge));
    let chunks = |last| {
        let request = http::Request::post(server.url(EVENTS)).header("content-type", "text/plain");
        request.body(Chunks(["1234", last].into())).unwrap()
    };
    let too_large = small.clone().oneshot(chunks("56789")).await.unwrap_err();
    assert!(matches!(too_large.kind(), ErrorKind::BodyTooLarge));
    assert_eq!(send(&small, chunks("5678")).await.1["body"], "12345678");
    let reqwest = ReqwestSigning::new(server.signer().build().unwrap()).max_body(8);
    let reqwest = reqwest.client(reqwest::Client::builder()).unwrap();
    for body in [reqwest::Body::from("123456789"), reqwest::Body::wrap(Chunks(["1234", "56789"].into()))] {
        let sent = reqwest.post(server.url(EVENTS)).header("content-type", "text/plain").body(body).send().await;
        assert!(matches!(client_error(&sent.unwrap_err()).unwrap().kind(), ErrorKind::BodyTooLarge));
    }
    assert_eq!(server.heads().len(), 1);
}
