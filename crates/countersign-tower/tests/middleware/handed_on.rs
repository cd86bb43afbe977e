//! What a handler gets of the fields.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use http::HeaderMap;
use serde_json::json;

use crate::support::{EVENTS, Hits, Raw, Server, grant, key, layer, mint, sign_fields};

/// The values of the fields of these tests, line by line.
async fn lines(State(_): State<Hits>, headers: HeaderMap) -> Json<serde_json::Value> {
    let of = |name: &str| headers.get_all(name).iter().map(|line| line.to_str().unwrap()).collect::<Vec<_>>();
    Json(
        json!({"x-recipient": of("x-recipient"), "cookie": of("cookie"), "accept": of("accept"), "x-late": of("x-late")}),
    )
}

async fn serve(pass: bool) -> Server {
    let app = |hits: &Hits, layer| {
        Router::new().route("/calendars/{id}/events", get(lines)).with_state(Arc::clone(hits)).layer(layer)
    };
    Server::start_with(layer().pass_uncovered_fields(pass), app).await
}

fn signed() -> Raw {
    let fields = [("x-recipient", "Smith, Bob"), ("cookie", "a=1; b=2, c=3")];
    sign_fields(&mint(&grant()), &key("agent"), "GET", EVENTS, b"", &fields)
}

/// The same request with two lines for each of these fields, as somebody on the way may write it.
fn split(request: Raw, names: &[&str]) -> Raw {
    names.iter().fold(request, |request, name| {
        let (first, second) = request.field(name).split_once(", ").unwrap();
        let (first, second) = (format!("{first} \t"), second.to_owned());
        request.set(name, &first).push(name, &second)
    })
}

// spec: RQ-60
#[tokio::test]
async fn two_lines_of_a_covered_field_arrive_as_one() {
    for pass in [false, true] {
        let server = serve(pass).await;
        let whole = server.expect(&signed().bytes(), 200, None).await.json();
        assert_eq!(
            whole,
            json!({"x-recipient": ["Smith, Bob"], "cookie": ["a=1; b=2, c=3"], "accept": [], "x-late": []})
        );
        let request = split(signed(), &["x-recipient", "cookie"]);
        assert_eq!(server.expect(&request.bytes(), 200, None).await.json(), whole);
        // In another order they are another value.
        let turned = signed().set("x-recipient", "Bob").push("x-recipient", "Smith");
        server.expect(&turned.bytes(), 401, Some("signature_invalid")).await;
    }
}

// spec: RQ-39, RQ-60
#[tokio::test]
async fn lines_that_are_not_covered_are_taken_away_or_stay_as_they_are() {
    let late = || signed().push("x-late", "1").push("x-late", "2");
    let answer = serve(false).await.expect(&late().bytes(), 200, None).await;
    assert_eq!(answer.json()["x-late"], json!([]));
    let answer = serve(true).await.expect(&late().bytes(), 200, None).await;
    assert_eq!(answer.json()["x-late"], json!(["1", "2"]));
    // One of the transport set that nobody signed is nobody's value.
    let uncovered = sign_fields(&mint(&grant()), &key("agent"), "GET", EVENTS, b"", &[]);
    let uncovered = uncovered.push("accept", "text/html").push("accept", "text/plain");
    let answer = serve(false).await.expect(&uncovered.bytes(), 200, None).await;
    assert_eq!(answer.json()["accept"], json!(["text/html", "text/plain"]));
}
