//! Keys that live elsewhere.

use std::error::Error as _;
use std::sync::Mutex;
use std::time::Duration;

use countersign::key::{PublicKey, SigningKey};
use countersign_tower::client::{BoxError, ErrorKind, KeyFuture, RequestKey, Signer};
use tower::{Layer as _, ServiceExt as _};

use crate::support::{EVENTS, NOW, Server, get_request, hyper, key, layer, send};

/// A key behind a network: its answers take a while, and may be none.
struct Remote {
    claims: PublicKey,
    signs: Option<SigningKey>,
}

impl RequestKey for Remote {
    fn public(&self) -> PublicKey {
        self.claims
    }

    fn sign<'a>(&'a self, base: &'a [u8]) -> KeyFuture<'a> {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(5)).await;
            let key = self.signs.as_ref().ok_or_else(|| BoxError::from("the key store is closed"))?;
            Ok(key.sign(base))
        })
    }
}

fn remote(signs: Option<&str>) -> Remote {
    Remote { claims: key("agent").public(), signs: signs.map(key) }
}

#[tokio::test]
async fn a_key_may_live_elsewhere() {
    let server = Server::start().await;
    let signer = Signer::builder(server.token(), remote(Some("agent"))).clock(|| NOW).build().unwrap();
    assert_eq!(send(&layer(signer).layer(hyper(false)), get_request(&server.url(EVENTS))).await.0, 200);
}

#[tokio::test]
async fn nothing_is_sent_without_a_signature_by_the_holder() {
    let server = Server::start().await;
    for signs in [None, Some("other")] {
        let signer = Signer::builder(server.token(), remote(signs)).clock(|| NOW).build().unwrap();
        let client = layer(signer).layer(hyper(false));
        let error = client.oneshot(get_request(&server.url(EVENTS))).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Key));
        assert!(error.source().is_some());
    }
    let other = Signer::new(server.token(), key("other")).unwrap_err();
    assert!(matches!(other.kind(), ErrorKind::NotTheHolder));
    assert!(server.heads().is_empty());
}

#[tokio::test]
async fn nothing_is_sent_without_randomness() {
    let server = Server::start().await;
    let calls = Mutex::new(0);
    let none = move |_: &mut [u8]| {
        *calls.lock().unwrap() += 1;
        Err(BoxError::from("no entropy"))
    };
    let client = layer(server.signer().randomness(none).build().unwrap()).layer(hyper(false));
    let error = client.clone().oneshot(get_request(&server.url(EVENTS))).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Random));
    let narrowed = client.for_call(&[countersign::token::Restriction::NotBefore(NOW)]);
    assert!(matches!(narrowed.unwrap_err().kind(), ErrorKind::Random));
    assert!(server.heads().is_empty());
}

#[test]
fn debug_shows_neither_token_nor_key() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = runtime.block_on(Server::start());
    let (token, builder) = (server.token(), server.signer());
    let builder_text = format!("{builder:?}");
    let client = layer(builder.build().unwrap()).layer(hyper(false));
    let text = format!("{builder_text} {:?} {client:?}", client.signer());
    let secret = token.dangerous_text();
    assert!(text.contains("holder") && !text.contains(&secret[..40]) && !text.contains("cs_sk_"), "{text}");
}

#[tokio::test]
async fn logs_are_told_which_fields_are_secret() {
    let server = Server::start().await;
    let mut fields = http::HeaderMap::new();
    fields.insert("countersign-approval", http::HeaderValue::from_static("a.b"));
    fields.insert("x-note", http::HeaderValue::from_static("n"));
    let url = server.url(EVENTS).parse().unwrap();
    let signed = server.signer().build().unwrap().sign(&http::Method::GET, &url, &fields, &bytes::Bytes::new()).await;
    let signed = signed.unwrap();
    let sensitive = |name: &str| signed[name].is_sensitive();
    assert!(sensitive("authorization") && sensitive("countersign-approval") && !sensitive("x-note"));
    assert!(!format!("{signed:?}").contains("Countersign "));
}
