//! A service's own policies in Datalog, over requests that the verifier allowed.
//!
//!     cargo run -p countersign-datalog --example policies
//!
//! The token says what its issuer and its holders let the agent do. A service has rules besides: who works here, what is
//! done by the first agent alone, how much is too much. They stand in a text that the operator trusts, are checked when
//! they are loaded, and can refuse more than the token, never allow more.

use countersign::key::SigningKey;
use countersign::request::{BodyLength, Parts, SignRequest};
use countersign::time::UnixTime;
use countersign::token::{Delegation, Grant, OpenToken, Right};
use countersign::verify::{MemoryReplay, OperationEntry, Operations, Revocations, Verifier};
use countersign_datalog::Policies;

const POLICIES: &str = r#"
    staff("alice@example.com");
    staff("bob@example.com");

    // Mail leaves the house by the first agent alone, and to colleagues only.
    deny if type("mail"), delegations($hops), $hops > 0;
    check all arg("/to", $to), $to.ends_with("@example.com");

    allow if user($user), staff($user);
"#;

const NOW: UnixTime = UnixTime(1_795_453_200);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A mistake in the text is told here, and not by the first request that meets it.
    let policies = Policies::parse(POLICIES)?;

    // Keys of fixed seeds, for this example only.
    let [issuer, agent, helper, next] = [1, 2, 3, 4].map(|seed| SigningKey::from_seed(&[seed; 32]));
    let grant = |user: &str| {
        Grant::new("https://hub.example", user, "mail-bot", agent.public())
            .purpose("correspondence")
            .audience("https://mail.example.com")
            .valid(NOW, NOW.plus(3600))
            .right(Right { r#type: "mail", location: "/", action: "send" })
            .delegation_depth(1)
            .sign(&issuer, &next)
    };
    let (alice, mallory) = (grant("alice@example.com")?, grant("mallory@example.com")?);
    let handed_on = alice.delegate(&Delegation::to("helper", helper.public()))?.sign(&agent, &next)?;

    let verifier = Verifier::builder()
        .audience("https://mail.example.com")
        .authority("mail.example.com")
        .issuer("https://hub.example", [issuer.public()])
        .build()?;
    let operations = Operations::table([OperationEntry::new("POST", "/outbox", "mail", "/outbox", "send")])?;
    let replay = MemoryReplay::insecure_without_epoch();

    let mut nonces = 1..;
    let mut ask = |token: &OpenToken, key: &SigningKey, body: &str| -> Result<String, Box<dyn std::error::Error>> {
        let nonce = nonces.next().ok_or("more requests than nonces")?;
        let sealed = token.seal()?;
        let fields = SignRequest::new("POST", "https://mail.example.com/outbox", &sealed)
            .created(NOW, vec![nonce; 16])
            .field("content-type", "application/json")
            .body(body.as_bytes())
            .sign(key)?;
        let mut parts = Parts::new("POST", fields.target()).body(BodyLength::Known(body.len() as u64));
        parts.extend(fields.iter().map(|(name, value)| (name, value.as_bytes())));
        // First the verifier: both proofs, the right, the checks of every block.
        let authorized =
            verifier.verify(&parts, body.as_bytes(), NOW, &Revocations::default(), &replay, &operations)?;
        // Then the service's own word.
        Ok(match policies.evaluate(&authorized) {
            Ok(_) => "allowed".to_owned(),
            Err(denial) => format!("refused: {denial}"),
        })
    };
    let colleague = r#"{"to":["bob@example.com"],"text":"Lunch?"}"#;
    println!("Alice's agent writes to a colleague: {}", ask(&alice, &agent, colleague)?);
    println!("Alice's agent writes elsewhere: {}", ask(&alice, &agent, r#"{"to":["eve@evil.example"]}"#)?);
    println!("her agent's helper writes: {}", ask(&handed_on, &helper, colleague)?);
    println!("somebody's agent writes who is no staff: {}", ask(&mallory, &agent, colleague)?);
    Ok(())
}
