//! A token and a signature go to the token's service and nowhere else.

use countersign_tower::client::{ErrorKind, ReqwestSigning, Signer, SigningLayer, client_error};
use http::StatusCode;
use reqwest::redirect::Policy;
use tower::{Layer as _, ServiceExt as _};
use tower_http::follow_redirect::FollowRedirectLayer;

use crate::support::{EVENTS, Server, get_request, hyper, post_request, send};

/// Fields that prove something to somebody.
const PROOFS: [&str; 4] = ["authorization", "countersign-token", "signature", "signature-input"];

/// All ways to be sent on, the ones that keep method and body among them.
const REDIRECTS: [StatusCode; 5] = [
    StatusCode::MOVED_PERMANENTLY,
    StatusCode::FOUND,
    StatusCode::SEE_OTHER,
    StatusCode::TEMPORARY_REDIRECT,
    StatusCode::PERMANENT_REDIRECT,
];

#[tokio::test]
async fn a_redirect_to_another_origin_leaks_nothing() {
    for status in REDIRECTS {
        let stranger = Server::redirecting(StatusCode::NO_CONTENT, "").await;
        let service = Server::redirecting(status, &stranger.url(EVENTS)).await;
        let signer = service.signer().build().unwrap();
        let tower = SigningLayer::new(signer.clone()).layer(hyper(false));
        // The builder's own policy would follow.
        let follows = reqwest::Client::builder().redirect(Policy::limited(10));
        let reqwest = ReqwestSigning::new(signer).client(follows).unwrap();

        assert_eq!(send(&tower, post_request(&service.url(EVENTS), "{}")).await.0, status.as_u16());
        let post = |url: String| {
            let request = reqwest.post(url).header("content-type", "application/json").body("{}");
            // Where `authorization` is taken the token stands where reqwest would not take it away.
            request.header("authorization", "Bearer other").send()
        };
        let answer = post(service.url(EVENTS)).await.unwrap();
        assert_eq!((answer.status(), answer.headers()["location"].to_str().unwrap()), (status, &*stranger.url(EVENTS)));
        let heads = service.heads();
        assert!(heads.len() == 2 && heads[1].contains_key("countersign-token") && heads[1].contains_key("signature"));

        // Whoever follows by hand is stopped as well.
        let error = tower.clone().oneshot(get_request(&stranger.url(EVENTS))).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::OtherOrigin));
        let error = post(stranger.url(EVENTS)).await.unwrap_err();
        assert!(matches!(client_error(&error).unwrap().kind(), ErrorKind::OtherOrigin));
        assert!(stranger.heads().is_empty(), "{status}: {:?}", stranger.heads());
    }
}

/// What the policy of a signing client is there for. If reqwest ever takes these away itself, this test says so.
#[tokio::test]
async fn reqwest_by_itself_takes_proofs_along() {
    let stranger = Server::redirecting(StatusCode::NO_CONTENT, "").await;
    let service = Server::redirecting(StatusCode::TEMPORARY_REDIRECT, &stranger.url(EVENTS)).await;
    let mut request = reqwest::Client::new().get(service.url(EVENTS));
    for name in PROOFS {
        request = request.header(name, "x");
    }
    assert_eq!(request.send().await.unwrap().status(), 204);
    let head = stranger.heads().remove(0);
    let arrived = PROOFS.map(|name| head.contains_key(name));
    assert_eq!(arrived, [false, true, true, true]);
}

#[tokio::test]
async fn a_redirect_within_the_service_is_signed_for_its_own_url() {
    let server = Server::start().await;
    let old = Server::redirecting(StatusCode::PERMANENT_REDIRECT, &server.url(EVENTS)).await;
    // The service goes by two names, and its old one points to the new one.
    let signer = server.signer().also_at(&old.url("")).build().unwrap();
    let client = SigningLayer::new(signer.clone()).layer(hyper(false));
    let answer = client.clone().oneshot(get_request(&old.url("/events"))).await.unwrap();
    let location = answer.headers()["location"].to_str().unwrap().to_owned();
    assert_eq!(send(&client, get_request(&location)).await.0, 200);
    assert_ne!(old.heads()[0]["signature"], server.heads()[0]["signature"]);
    let reqwest = ReqwestSigning::new(signer).client(reqwest::Client::builder()).unwrap();
    assert_eq!(reqwest.get(old.url("/events")).send().await.unwrap().status(), 308);
    assert_eq!(server.codes(), ["allow"]);
}

#[tokio::test]
async fn a_layer_around_the_client_follows_within_the_service_and_stops_at_its_border() {
    let stranger = Server::redirecting(StatusCode::NO_CONTENT, "").await;
    let server = Server::start().await;
    let inside = Server::redirecting(StatusCode::FOUND, &server.url(EVENTS)).await;
    let outside = Server::redirecting(StatusCode::FOUND, &stranger.url(EVENTS)).await;
    let signer = server.signer().also_at(&inside.url("")).also_at(&outside.url("")).build().unwrap();
    let client = FollowRedirectLayer::new().layer(SigningLayer::new(signer).layer(hyper(false)));
    let followed = client.clone().oneshot(get_request(&inside.url("/events"))).await.unwrap();
    assert_eq!((followed.status().as_u16(), server.codes()), (200, vec!["allow".to_owned()]));
    let error = client.oneshot(get_request(&outside.url("/events"))).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::OtherOrigin));
    assert!(stranger.heads().is_empty());
}

#[tokio::test]
async fn a_token_without_an_origin_goes_where_it_is_told_to() {
    let server = Server::start().await;
    let token = crate::support::mint(&server.grant().audience("urn:example:calendar"));
    let builder = || Signer::builder(token.clone(), crate::support::key("agent")).clock(|| crate::support::NOW);
    let lost = SigningLayer::new(builder().build().unwrap()).layer(hyper(false));
    let error = lost.oneshot(get_request(&server.url(EVENTS))).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::OtherOrigin));
    let told = SigningLayer::new(builder().also_at(&server.url("")).build().unwrap()).layer(hyper(false));
    assert_eq!(send(&told, get_request(&server.url(EVENTS))).await.1["code"], "invalid_token");
    for bad in ["calendar", "/", "ftp://a", "http://a@b"] {
        assert!(matches!(builder().also_at(bad).build().unwrap_err().kind(), ErrorKind::Url), "{bad}");
    }
}
