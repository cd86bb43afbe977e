//! An agent that signs what it sends, from token to refusal.
//!
//!     cargo run -p countersign-tower --example agent
//!
//! Three parties play in this one program: an issuer, who grants; a service, which checks; and the agent, which is the
//! part to read. Elsewhere they are three programs, and only tokens and requests pass between them.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use countersign::key::{PublicKey, SigningKey};
use countersign::token::{Grant, OpenToken, Restriction, Right};
use countersign::verify::{MemoryReplay, OperationEntry, Operations, Verifier};
use countersign_tower::client::{Remedy, ReqwestSigning, Signer, admitted_reqwest};
use countersign_tower::{AnyOperation, CountersignLayer, system_clock};
use tokio::net::TcpListener;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The agent: has a token from its user, and a key that never leaves it.
async fn agent(service: SocketAddr, token: OpenToken, key: SigningKey) -> Result<()> {
    // A signer holds both. It signs for the token's audience only, so the token can't be lured elsewhere.
    let signer = Signer::new(token, key)?;
    // Any reqwest client can sign; use the client as ever. Redirects are not followed, they come back as answers.
    let client = ReqwestSigning::new(signer.clone()).client(reqwest::Client::builder())?;

    let events = format!("http://{service}/calendars/primary/events");
    let answer = client.post(&events).header("content-type", "text/plain").body("Review").send().await?;
    println!("the user's agent adds:   {}", answer.text().await?);

    // Before the agent acts on words that it read somewhere, it gives up what the task does not need. Whatever those
    // words talk it into, the service refuses anything but reading.
    let reading = signer.for_call(&[Restriction::Actions(vec!["read".into()])])?;
    let answer = client.get(&events).with_extension(reading.clone()).send().await?;
    println!("a task may read:         {}", answer.text().await?);

    let tricked = client.post(&events).header("content-type", "text/plain").body("Wire money");
    let answer = tricked.with_extension(reading).send().await?;
    // An answer of the application is handed on, whatever its status; a refusal of the verifier becomes an error.
    match admitted_reqwest(answer).await {
        Ok(answer) => return Err(format!("allowed, and should not be: {answer:?}").into()),
        Err(refusal) => println!("but it may not write:    {refusal}"),
    }

    // The refusal says what to do next. Here the token does not reach far enough, and the service says what would.
    let answer = client.get(format!("http://{service}/calendars/work/events")).send().await?;
    let Err(refusal) = admitted_reqwest(answer).await else { return Err("allowed, and should not be".into()) };
    match (refusal.remedy(), &refusal.authorization_details) {
        (Remedy::AskForAuthority, Some(details)) => println!("ask the user for this:   {details}"),
        (remedy, _) => return Err(format!("another remedy: {remedy:?}").into()),
    }
    Ok(())
}

/// The issuer: lets the agent read and write one calendar of Alice's for ten minutes.
fn grant(issuer: &SigningKey, agent: PublicKey, service: SocketAddr) -> Result<OpenToken> {
    let now = system_clock();
    let right = |action| Right { r#type: "calendar", location: "/calendars/primary", action };
    let grant = Grant::new("https://hub.example", "alice@example.com", "calendar-bot", agent)
        .purpose("scheduling")
        .audience(&format!("http://{service}"))
        .valid(now, now.plus(600))
        .right(right("read"))
        .right(right("write"));
    Ok(grant.sign(issuer, &fresh_key()?)?)
}

/// The service: a calendar behind the layer. See the example `calendar` of `countersign-cli` for more of it.
fn serve(listener: TcpListener, issuer: PublicKey) -> Result<()> {
    let address = listener.local_addr()?;
    let verifier = Verifier::builder()
        .audience(&format!("http://{address}"))
        .authority(&address.to_string())
        .issuer("https://hub.example", [issuer])
        .build()?;
    let operation = |method: &str, action: &str| OperationEntry {
        method: method.into(),
        path: "/calendars/{id}/events".into(),
        r#type: "calendar".into(),
        resource: "/calendars/{id}".into(),
        action: action.into(),
    };
    let operations = Operations::table([operation("GET", "read"), operation("POST", "write")])?;
    // No key of this program is older than it, so nobody can have used a nonce before. A real service leaves this out.
    let layer =
        CountersignLayer::builder(Arc::new(verifier), operations).replay(MemoryReplay::insecure_without_epoch());
    let read = async |_: AnyOperation| "Review";
    let write = async |_: AnyOperation, event: String| format!("added {event}");
    let app = Router::new().route("/calendars/{id}/events", get(read).post(write)).layer(layer.build());
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(())
}

fn fresh_key() -> Result<SigningKey> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)?;
    Ok(SigningKey::from_seed(&seed))
}

#[tokio::main]
async fn main() -> Result<()> {
    let (issuer, key) = (fresh_key()?, fresh_key()?);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let service = listener.local_addr()?;
    serve(listener, issuer.public())?;
    let token = grant(&issuer, key.public(), service)?;
    agent(service, token, key).await
}
