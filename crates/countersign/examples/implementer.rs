//! For whoever implements the format: what a verifier finds on its way through each vector of a file.
//!
//!     cargo run -p countersign --example implementer -- test-vectors/chain/delegation.json
//!
//! Prints the claims, ids and checks of the token, and where the verifier stops; beside what the vector expects. For the
//! rest, `countersign doctor` explains a request that you made yourself.

use std::process::ExitCode;

use countersign::request::Message;
use countersign::token::UnverifiedToken;
use countersign::verify::{Approvals, Decision, MemoryCharges, MemoryReplay, ReplayStore as _};
use countersign::{Denial, from_base64url, to_hex};
use countersign_testkit::format::{Vector, VectorFile};
use countersign_testkit::setup::Setup;

fn main() -> ExitCode {
    let Some(path) = std::env::args().nth(1) else {
        eprintln!("the argument is a file of vectors, such as test-vectors/chain/delegation.json");
        return ExitCode::from(2);
    };
    let read = || -> Result<VectorFile, Box<dyn std::error::Error>> {
        Ok(serde_json::from_str(&std::fs::read_to_string(&path)?)?)
    };
    match read() {
        Ok(file) => file.vectors.iter().for_each(explain),
        Err(error) => {
            eprintln!("{path}: {error}");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

fn explain(vector: &Vector) {
    println!("\n{} ({})\n  {}", vector.id, vector.req.join(", "), vector.comment);
    let bytes = from_base64url(&vector.input.request_b64u).unwrap_or_default();
    let Ok(message) = Message::parse(&bytes) else {
        println!("  not an HTTP message: no decision");
        return;
    };
    let message = match vector.input.authority.as_deref() {
        Some(authority) => message.with_authority(authority),
        None => message,
    };
    match message.parts().token().map(UnverifiedToken::from_text) {
        None => println!("  no token"),
        Some(Err(error)) => println!("  no token of the profile: {error}"),
        Some(Ok(token)) => {
            let claims = token.claims();
            for (block, id) in claims.block_ids().enumerate() {
                println!("  block {block}, id {}", to_hex(&id));
                claims.checks(block).iter().for_each(|check| println!("    {check}"));
            }
            let holder = claims.holder();
            println!("  holder {holder}, key id {}", holder.id());
        }
    }
    let found = decide(&Setup::of(vector), vector, &message);
    let decision = found.unwrap_or_else(|denial| Decision::from(&denial));
    let told = |stage: Option<u8>, code: Option<&str>| match (stage, code) {
        (Some(stage), Some(code)) => format!("denied at stage {stage} with {code}"),
        _ => "allowed".to_owned(),
    };
    println!("  this verifier: {}", told(decision.stage, decision.code.as_deref()));
    println!("  the vector:    {}", told(vector.expect.stage, vector.expect.code.as_deref()));
}

fn decide(setup: &Setup, vector: &Vector, message: &Message<'_>) -> Result<Decision, Denial> {
    let (replay, charges) = (MemoryReplay::insecure_without_epoch(), MemoryCharges::insecure_without_epoch());
    let one = |message: &Message<'_>| -> Result<Decision, Denial> {
        let proven = setup.verifier.check(message.parts(), setup.now, &setup.revocations)?;
        if message.has_trailers() {
            return Err(proven.trailers());
        }
        let mut hasher = proven.hasher();
        hasher.update(message.body());
        let claim = proven.body(hasher.finish())?;
        let outcome = replay.record(claim.entry(), setup.now);
        let charged = claim.recorded(outcome)?.map(&setup.operations, message.body(), &Approvals::none())?;
        Ok(charged.charge_with(&charges, setup.now)?.decision())
    };
    // What comes before leaves its traces in the stores.
    for earlier in vector.input.before.iter().chain(&vector.input.before_denied) {
        if let Some(bytes) = from_base64url(earlier)
            && let Ok(message) = Message::parse(&bytes)
        {
            let _ = one(&message);
        }
    }
    one(message)
}
