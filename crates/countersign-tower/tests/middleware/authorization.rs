//! Operations: mapped and decided before a handler is reached.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use countersign::rar::{AuthorizationDetails, MaxDuration, Request};
use countersign::token::{Grant, Right};

use crate::support::{
    EVENTS, Server, echo, entry, grant, key, layer, mint, routes, sign, sign_fields, sign_with, verifier,
};

// spec: VF-23
#[tokio::test]
async fn refuses_routes_that_map_to_no_operation() {
    let server = Server::start().await;
    for (method, target) in [("GET", "/unmapped"), ("GET", "/no/such/route"), ("PUT", EVENTS)] {
        let everything = grant().right(Right { r#type: "http", location: "/", action: method });
        let request = sign_with(&mint(&everything), &key("agent"), method, target, b"");
        server.expect(&request.bytes(), 403, Some("operation_unmapped")).await;
    }
    assert_eq!(server.hits(), 0);
}

// spec: VF-41, RA-28
#[tokio::test]
async fn refuses_what_no_right_covers_and_says_what_would() {
    let server = Server::start().await;
    let request = sign("GET", "/calendars/work/events", b"");
    let answer = server.expect(&request.bytes(), 403, Some("right_missing")).await;
    let details = &answer.json()["authorization_details"];
    let location = "https://calendar.example.com/calendars/work";
    assert_eq!(*details, serde_json::json!([{"type": "calendar", "locations": [location], "actions": ["read"]}]));
    // What is said is enough: a token with it passes, and says the service too.
    let details = AuthorizationDetails::parse(details.to_string().as_bytes()).unwrap();
    let asked = Request::default().purpose("scheduling").max_duration(MaxDuration::from_seconds(3_600).unwrap());
    let requested = details.grants(&asked).unwrap();
    assert_eq!((requested.len(), requested[0].audience()), (1, crate::support::SERVICE));
    let enough = requested[0].rights().fold(grant(), Grant::right);
    let request = sign_with(&mint(&enough), &key("agent"), "GET", "/calendars/work/events", b"");
    server.expect(&request.bytes(), 200, None).await;
    assert_eq!(server.hits(), 1);
}

#[tokio::test]
async fn refuses_path_tricks() {
    let server = Server::start().await;
    for target in [
        "/calendars/../events",
        "/calendars/primary%2Fwork/events",
        "/calendars/%70rimary/events",
        "/calendars/pri%6dary/events",
        "/calendars/primary;v=1/events",
    ] {
        let request = sign("GET", target, b"");
        server.expect(&request.bytes(), 403, Some("resource_invalid")).await;
    }
    for target in
        ["/calendars/primary/events/", "//calendars/primary/events", "/calendars//events", "/Calendars/primary/events"]
    {
        server.expect(&sign("GET", target, b"").bytes(), 403, Some("operation_unmapped")).await;
    }
    assert_eq!(server.hits(), 0);
}

#[tokio::test]
async fn sees_the_target_as_received_behind_nested_routers() {
    let nested = |hits: &_, layer| Router::new().nest("/v1", routes(hits).layer(layer));
    let server = Server::start_with(layer(), nested).await;
    server.expect(&sign("GET", &format!("/v1{EVENTS}?a=b"), b"").bytes(), 200, None).await;
    // Signed for the path that the inner router sees, and so for another request.
    let mut inner = sign("GET", EVENTS, b"");
    inner.target = format!("/v1{EVENTS}");
    server.expect(&inner.bytes(), 401, Some("signature_invalid")).await;
    server.expect(&sign("GET", "/v1/unmapped", b"").bytes(), 403, Some("operation_unmapped")).await;
    assert_eq!(server.hits(), 1);
}

#[tokio::test]
async fn protects_routes_alone_as_a_route_layer() {
    let app = |hits: &_, layer| {
        Router::new()
            .route("/calendars/{id}/events", get(echo))
            .route_layer(layer)
            .fallback(|| async { "open" })
            .with_state(Arc::clone(hits))
    };
    let server = Server::start_with(layer(), app).await;
    server.expect(&sign("GET", EVENTS, b"").bytes(), 200, None).await;
    let open = server.send(b"GET /elsewhere HTTP/1.1\r\nhost: h\r\n\r\n").await;
    assert_eq!((open.status, open.body.as_str()), (200, "open"));
    let closed = server.send(format!("GET {EVENTS} HTTP/1.1\r\nhost: calendar.example.com\r\n\r\n").as_bytes()).await;
    assert_eq!(closed.status, 401);
    assert_eq!(server.hits(), 1);
}

#[tokio::test]
async fn answers_500_where_the_target_was_rewritten_before() {
    let app = |hits: &_, layer| {
        let rewrite = |mut request: axum::extract::Request| async move {
            *request.uri_mut() = "/calendars/primary/events".parse().unwrap();
            request
        };
        let inner = routes(hits).layer(layer).layer(axum::middleware::map_request(rewrite));
        Router::new().nest("/v1", inner)
    };
    let server = Server::start_with(layer(), app).await;
    let answer = server.send(&sign("GET", "/v1/calendars/work/events", b"").bytes()).await;
    assert_eq!(answer.status, 500);
    assert_eq!(server.records()[0].decision, None);
    assert_eq!(server.hits(), 0);
}

// spec: RQ-39
#[tokio::test]
async fn takes_away_fields_that_nobody_signed() {
    let request = || {
        let extra = [("x-signed", "1"), ("accept", "*/*")];
        sign_fields(&mint(&grant()), &key("agent"), "GET", EVENTS, b"", &extra).push("x-user", "mallory")
    };
    let names = |answer: &crate::support::Answer, member: &str| -> Vec<String> {
        serde_json::from_value(answer.json()[member].clone()).unwrap()
    };
    let server = Server::start().await;
    let answer = server.expect(&request().bytes(), 200, None).await;
    let fields = names(&answer, "fields");
    assert!(!fields.contains(&"x-user".to_owned()), "{fields:?}");
    assert!(["x-signed", "accept", "host"].iter().all(|name| fields.contains(&(*name).to_owned())), "{fields:?}");

    let passing = layer().pass_uncovered_fields(true);
    let server = Server::start_with(passing, |hits, layer| routes(hits).layer(layer)).await;
    let answer = server.expect(&request().bytes(), 200, None).await;
    assert!(names(&answer, "fields").contains(&"x-user".to_owned()));
    let covered = names(&answer, "covered");
    assert!(covered.contains(&"x-signed".to_owned()) && !covered.contains(&"x-user".to_owned()), "{covered:?}");
}

#[tokio::test]
async fn maps_paths_and_methods_where_there_is_no_table() {
    let layer = countersign_tower::CountersignLayer::builder(verifier(), countersign::verify::Operations::http())
        .clock(|| crate::support::NOW)
        .replay(countersign::verify::MemoryReplay::insecure_without_epoch());
    let app = |hits: &_, layer| Router::new().fallback(echo).with_state(Arc::clone(hits)).layer(layer);
    let server = Server::start_with(layer, app).await;
    let token = |grant: Grant| mint(&grant.right(Right { r#type: "http", location: "/notes/", action: "GET" }));
    let request = |target| sign_with(&token(grant()), &key("agent"), "GET", target, b"");
    server.expect(&request("/notes/a").bytes(), 200, None).await;
    server.expect(&request("/notes").bytes(), 403, Some("right_missing")).await;
}

#[test]
fn refuses_a_table_before_it_serves() {
    let table = countersign::verify::Operations::table([entry("GET", "/a", "read")]);
    assert!(table.is_err(), "the resource names a segment that the path has not");
}
