//! Denials of a real verifier, as agents get to see them.

use std::sync::Arc;

use countersign::Class;
use countersign::time::UnixTime;
use countersign::verify::{Charge, Revocations};
use countersign_tower::client::{
    Refusal, Remedy, ReqwestSigning, Signer, SigningLayer, admitted, admitted_reqwest, client_error,
};
use countersign_tower::{AsyncChargeStore, ChargeAnswer, StoreFuture};
use serde_json::json;
use tower::{Layer as _, ServiceExt as _};

use crate::support::{EVENTS, NOW, Server, get_request, hyper, key, layer, mint};

/// Everything is spent.
struct Spent;

impl AsyncChargeStore for Spent {
    fn charge<'a>(&'a self, _: &'a [Charge], _: UnixTime) -> StoreFuture<'a, ChargeAnswer> {
        Box::pin(std::future::ready(ChargeAnswer::Exceeded(0)))
    }
}

async fn refused(server: &Server, signer: Signer, target: &str) -> Box<Refusal> {
    let answer = layer(signer).layer(hyper(false)).oneshot(get_request(&server.url(target))).await.unwrap();
    admitted(answer).await.unwrap_err()
}

#[tokio::test]
async fn tells_which_authority_would_be_enough() {
    let server = Server::start().await;
    let refusal = refused(&server, server.signer().build().unwrap(), "/calendars/work/events").await;
    assert_eq!((refusal.class, refusal.status.as_u16()), (Class::InsufficientAuthorization, 403));
    assert_eq!(refusal.remedy(), Remedy::AskForAuthority);
    let enough = json!([{"type": "calendar", "locations": ["/calendars/work"], "actions": ["read"]}]);
    assert_eq!(refusal.authorization_details, Some(enough));
    assert_eq!(refusal.title.as_deref(), Some(countersign_tower::title(refusal.class)));
    assert!(refusal.trace_id.is_some() && refusal.detail.is_some());
}

#[tokio::test]
async fn tells_when_a_budget_is_there_again() {
    let server = Server::start_with(|layer| layer.charges(Arc::new(Spent))).await;
    let token = mint(&server.grant().budget("mail", "calls", 1, 3600));
    let signer = Signer::builder(token, key("agent")).clock(|| NOW).build().unwrap();
    let refusal = refused(&server, signer, EVENTS).await;
    assert_eq!((refusal.remedy(), refusal.status.as_u16()), (Remedy::WaitForBudget, 429));
    let budget = refusal.budget.unwrap();
    assert_eq!((budget.unit.as_deref(), budget.resets_at), (Some("calls"), Some(UnixTime(1_795_456_800))));
}

#[tokio::test]
async fn tells_a_dead_token_from_a_wrong_clock() {
    let mut revoked = Revocations::default();
    revoked.revoke_user("https://hub.example", "alice@example.com", NOW);
    let server = Server::start_with(|layer| layer.revocations(Arc::new(revoked))).await;
    let refusal = refused(&server, server.signer().build().unwrap(), EVENTS).await;
    assert_eq!(refusal.remedy(), Remedy::AnotherToken);
    let server = Server::start().await;
    let late = server.signer().clock(|| NOW.plus(600)).build().unwrap();
    let refusal = refused(&server, late, EVENTS).await;
    assert_eq!((refusal.class, refusal.remedy()), (Class::InvalidRequestProof, Remedy::CorrectRequest));
    assert_eq!(server.codes(), ["window_invalid"]);
}

#[tokio::test]
async fn refusals_are_errors_where_that_is_asked_for() {
    let server = Server::start().await;
    let url = server.url("/calendars/work/events");
    let signer = server.signer().build().unwrap();
    let strict = SigningLayer::new(signer.clone()).refusals_are_errors(true).layer(hyper(false));
    let error = strict.clone().oneshot(get_request(&url)).await.unwrap_err();
    assert_eq!(error.refusal().unwrap().class, Class::InsufficientAuthorization);
    assert_eq!(strict.oneshot(get_request(&server.url(EVENTS))).await.unwrap().status(), 200);

    let strict = ReqwestSigning::new(signer.clone()).refusals_are_errors(true);
    let strict = strict.client(reqwest::Client::builder()).unwrap();
    let error = strict.get(&url).send().await.unwrap_err();
    assert_eq!(client_error(&error).unwrap().refusal().unwrap().remedy(), Remedy::AskForAuthority);
    assert_eq!(strict.get(server.url(EVENTS)).send().await.unwrap().status(), 200);

    let lenient = ReqwestSigning::new(signer).client(reqwest::Client::builder()).unwrap();
    let refusal = admitted_reqwest(lenient.get(&url).send().await.unwrap()).await.unwrap_err();
    assert!(refusal.authorization_details.is_some());
    // What is handed on is whole.
    let allowed = admitted_reqwest(lenient.get(server.url(EVENTS)).send().await.unwrap()).await.unwrap();
    assert_eq!(allowed.url().path(), EVENTS);
    assert!(allowed.text().await.unwrap().contains("alice@example.com"));
}
