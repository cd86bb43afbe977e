//! What is sent once more, and what is not.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use countersign::time::UnixTime;
use countersign::verify::{MemoryReplay, NonceEntry, ReplayOutcome, ReplayStore};
use countersign_tower::client::{ErrorKind, ReqwestSigning, RetryPolicy, SignerBuilder, SigningLayer};
use tower::{Layer as _, ServiceExt as _};

use crate::support::{EVENTS, NOW, Server, get_request, hyper, layer, parameter, post_request, send};

const EVENT: &str = r#"{"title":"Review"}"#;

/// The second nonce is the first once more; all others are new.
fn colliding(signer: SignerBuilder) -> SignerBuilder {
    let drawn = AtomicU8::new(0);
    signer.randomness(move |bytes| {
        bytes.fill(drawn.fetch_add(1, Ordering::SeqCst).saturating_sub(1));
        Ok(())
    })
}

#[tokio::test]
async fn a_replayed_get_is_signed_anew() {
    let server = Server::start().await;
    let ticks = AtomicU64::new(0);
    let signer = colliding(server.signer()).clock(move || NOW.plus(ticks.fetch_add(1, Ordering::SeqCst)));
    let client = layer(signer.build().unwrap()).layer(hyper(false));
    for _ in 0..2 {
        assert_eq!(send(&client, get_request(&server.url(EVENTS))).await.0, 200);
    }
    assert_eq!(server.codes(), ["allow", "replayed", "allow"]);
    let [first, second, third] = server.heads().try_into().unwrap();
    assert_eq!(parameter(&first, "nonce"), parameter(&second, "nonce"));
    assert_ne!(parameter(&second, "nonce"), parameter(&third, "nonce"));
    let created = [first, second, third].map(|head| parameter(&head, "created").parse::<u64>().unwrap() - NOW.0);
    assert_eq!(created, [0, 1, 2]);
}

#[tokio::test]
async fn a_replayed_get_of_reqwest_is_signed_anew() {
    let server = Server::start().await;
    let signer = colliding(server.signer()).build().unwrap();
    let client = ReqwestSigning::new(signer).client(reqwest::Client::builder()).unwrap();
    for _ in 0..2 {
        assert_eq!(client.get(server.url(EVENTS)).send().await.unwrap().status(), 200);
    }
    assert_eq!(server.codes(), ["allow", "replayed", "allow"]);
}

#[tokio::test]
async fn a_replayed_post_is_sent_again_only_where_that_does_no_harm() {
    for (keyed, status, codes) in
        [(false, 401, &["allow", "replayed"][..]), (true, 200, &["allow", "replayed", "allow"])]
    {
        let server = Server::start().await;
        let client = layer(colliding(server.signer()).build().unwrap()).layer(hyper(false));
        let post = || {
            let mut request = post_request(&server.url(EVENTS), EVENT);
            if keyed {
                request.headers_mut().insert("idempotency-key", http::HeaderValue::from_static("k1"));
            }
            send(&client, request)
        };
        assert_eq!(post().await.0, 200);
        assert_eq!((post().await.0, server.codes()), (status, codes.iter().map(|code| (*code).to_owned()).collect()));
    }
}

/// A store that does not answer for a while.
struct Down(AtomicUsize, MemoryReplay);

impl ReplayStore for Down {
    fn record(&self, entry: &NonceEntry, now: UnixTime) -> ReplayOutcome {
        let left = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if left.is_ok() { ReplayOutcome::Unavailable } else { self.1.record(entry, now) }
    }
}

async fn down(times: usize) -> Server {
    let store = Down(AtomicUsize::new(times), MemoryReplay::insecure_without_epoch());
    Server::start_with(|layer| layer.replay(store)).await
}

#[tokio::test]
async fn a_post_is_sent_again_after_a_store_was_down_once() {
    let server = down(1).await;
    let (status, seen) = send(&server.client(), post_request(&server.url(EVENTS), EVENT)).await;
    assert_eq!((status, seen["body"].as_str()), (200, Some(EVENT)));
    assert_eq!((server.codes(), server.hits()), (["store_unavailable", "allow"].map(str::to_owned).to_vec(), 1));
    let heads = server.heads();
    assert_ne!(parameter(&heads[0], "nonce"), parameter(&heads[1], "nonce"));
    assert_eq!(heads[0]["content-digest"], heads[1]["content-digest"]);

    let server = down(1).await;
    let policy = RetryPolicy::default().wait(Duration::from_millis(1));
    let client = ReqwestSigning::new(server.signer().build().unwrap()).retry(policy);
    let client = client.client(reqwest::Client::builder()).unwrap();
    let post = client.post(server.url(EVENTS)).header("content-type", "application/json").body(EVENT);
    assert_eq!(post.send().await.unwrap().status(), 200);
    assert_eq!((server.codes().len(), server.hits()), (2, 1));
}

#[tokio::test]
async fn retries_end() {
    let server = down(usize::MAX).await;
    assert_eq!(send(&server.client(), get_request(&server.url(EVENTS))).await.0, 503);
    assert_eq!(server.heads().len(), 2);
    let policy = RetryPolicy::default().retries(3).wait(Duration::from_millis(1));
    let client = SigningLayer::new(server.signer().build().unwrap()).retry(policy).layer(hyper(false));
    assert_eq!(send(&client, get_request(&server.url(EVENTS))).await.0, 503);
    assert_eq!(server.heads().len(), 6);
    let never = SigningLayer::new(server.signer().build().unwrap()).retry(RetryPolicy::never()).layer(hyper(false));
    assert_eq!(send(&never, get_request(&server.url(EVENTS))).await.0, 503);
    assert_eq!(server.heads().len(), 7);
}

#[tokio::test]
async fn what_the_application_answered_is_not_retried() {
    let server = Server::start().await;
    assert_eq!(send(&server.client(), get_request(&server.url("/down"))).await.0, 503);
    assert_eq!((server.hits(), server.codes()), (1, vec!["allow".to_owned()]));
    let client = ReqwestSigning::new(server.signer().build().unwrap()).client(reqwest::Client::builder()).unwrap();
    assert_eq!(client.get(server.url("/down")).send().await.unwrap().status(), 503);
    assert_eq!(server.hits(), 2);
}

#[tokio::test]
async fn a_failure_of_the_transport_is_not_retried() {
    // A port that nobody listens on any more.
    let server = Server::start().await;
    let attempts = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&attempts);
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", gone.local_addr().unwrap());
    drop(gone);
    let inner = tower::util::MapRequest::new(hyper(false), move |request| {
        counted.fetch_add(1, Ordering::SeqCst);
        request
    });
    let signer = server.signer().also_at(&origin).build().unwrap();
    let error = layer(signer).layer(inner).oneshot(get_request(&format!("{origin}/"))).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Transport));
    assert_eq!(attempts.load(Ordering::SeqCst), 1);
}
