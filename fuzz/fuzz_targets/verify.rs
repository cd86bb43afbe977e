//! A request is allowed exactly when it says what somebody signed, while that lasts: every change of a valid one, splices of
//! two, and other times, over tokens that were handed on, with budgets, approvals and restrictions of arguments.
#![no_main]

use std::sync::LazyLock;

use arbitrary::{Result, Unstructured};
use countersign::time::UnixTime;
use countersign_fuzz::keys::NOW;
use countersign_fuzz::{mutate, requests};
use libfuzzer_sys::{Corpus, fuzz_target};

static JUDGE: LazyLock<requests::Judge> = LazyLock::new(requests::Judge::default);

fuzz_target!(|data: &[u8]| -> Corpus { run(&mut Unstructured::new(data)).unwrap_or(Corpus::Reject) });

fn run(u: &mut Unstructured<'_>) -> Result<Corpus> {
    let sent = &u.choose(&JUDGE.sent)?.0;
    let now = time(u)?;
    let message = match u.int_in_range(0..=5)? {
        0 => {
            let message = mutate::harmless(u, &sent.message)?;
            let allowed = JUDGE.judge(&message, now);
            assert_eq!(allowed.is_some(), sent.lasts(now), "{}", String::from_utf8_lossy(&message));
            assert!(allowed.is_none_or(|allowed| std::ptr::eq(allowed, sent)), "allowed as another request");
            return Ok(Corpus::Keep);
        }
        1 => mutate::lines(u, &sent.message)?,
        2 => mutate::body(u, &sent.message)?,
        3 => {
            let mut message = mutate::lines(u, &sent.message)?;
            mutate::bytes(u, &mut message)?;
            message
        }
        4 => {
            let mut message = sent.message.clone();
            mutate::bytes(u, &mut message)?;
            message
        }
        _ => {
            let other = &u.choose(&JUDGE.sent)?.0;
            mutate::splice(u, &sent.message, &other.message)?
        }
    };
    let message = if u.ratio(1, 4)? { mutate::harmless(u, &message)? } else { message };
    JUDGE.judge(&message, now);
    Ok(Corpus::Keep)
}

/// Mostly the time of signing, else one close to where something ends.
fn time(u: &mut Unstructured<'_>) -> Result<UnixTime> {
    if u.ratio(2, 3)? {
        return Ok(NOW);
    }
    let near = *u.choose(&[-30_i64, 0, 20, 40, 60, 90, 330, 3_600, 3_630])?;
    Ok(UnixTime(NOW.0.saturating_add_signed(near + u.int_in_range(-1..=1)?)))
}
