//! Any message is refused without a panic, unless it says the same as a request that was signed.
//!
//! Input is a message; behind a zero byte, changes to a valid one.
#![no_main]

use std::sync::LazyLock;

use arbitrary::{Result, Unstructured};
use countersign::request::Message;
use countersign::verify::{Decision, Verifier};
use countersign_fuzz::{mutate, requests};
use libfuzzer_sys::fuzz_target;

static VERIFIER: LazyLock<Verifier> = LazyLock::new(requests::verifier);
static SENT: LazyLock<Vec<(requests::Sent, Decision)>> = LazyLock::new(|| {
    requests::sent()
        .into_iter()
        .map(|sent| {
            let decision = sent.decision(&VERIFIER);
            (sent, decision)
        })
        .collect()
});

fuzz_target!(|data: &[u8]| {
    match data.split_first() {
        Some((0, rest)) => {
            if let Ok(message) = changed(&mut Unstructured::new(rest)) {
                run(&message);
            }
        }
        _ => run(data),
    }
});

fn changed(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let mut message = u.choose(&SENT)?.0.message.clone();
    if u.arbitrary()? {
        message = mutate::lines(u, &message)?;
    }
    if u.arbitrary()? {
        mutate::bytes(u, &mut message)?;
    }
    Ok(message)
}

fn run(bytes: &[u8]) {
    let Ok(message) = Message::parse(bytes) else { return };
    match requests::verify(&VERIFIER, &message) {
        Ok(authorized) => assert!(
            SENT.iter().any(|(sent, decision)| {
                sent.says_the_same(bytes, &message, &authorized) && authorized.decision() == *decision
            }),
            "allowed what nobody signed: {}",
            String::from_utf8_lossy(bytes)
        ),
        Err(denial) => assert!((1..=12).contains(&denial.stage())),
    }
}
