//! A message is allowed exactly when it says what somebody signed, however it is spelled and whatever stands where nobody
//! covers; then it is the same operation. Fields of MCP agree with a message only when they say what its body says.
//!
//! Input is a text; behind a zero byte, changes of a valid message.
#![no_main]

use arbitrary::{Result, Unstructured};
use countersign::jsonrpc::Message;
use countersign::jsonrpc::mcp::{fields_agree, map};
use countersign::time::UnixTime;
use countersign::to_base64url;
use countersign_fuzz::keys::NOW;
use countersign_fuzz::{mutate, rpc};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    match data.split_first() {
        Some((0, rest)) => drop(changed(&mut Unstructured::new(rest))),
        _ => run(data, NOW),
    }
});

fn run(text: &[u8], now: UnixTime) -> Option<usize> {
    if let Ok(message) = Message::parse(text, 1 << 20) {
        let _ = map(&message, &rpc::SERVER);
        let value = message.clone().into_value();
        assert!(Message::from_value(value).is_ok_and(|again| again == message));
    }
    rpc::judge(text, now)
}

fn changed(u: &mut Unstructured<'_>) -> Result<()> {
    let at = u.choose_index(rpc::SENT.len())?;
    let mut message = rpc::SENT[at].value.clone();
    let now = if u.ratio(3, 4)? { NOW } else { UnixTime(NOW.0.saturating_add_signed(u.int_in_range(-40..=100)?)) };
    rpc::harmless(u, &mut message)?;
    if u.ratio(1, 3)? {
        let text = rpc::spelled(u, &message)?;
        let found = run(text.as_bytes(), now);
        assert_eq!(found, rpc::Sent::lasts(now).then_some(at), "{text}");
        return fields(u, &message);
    }
    for _ in 0..u.int_in_range(1..=3)? {
        rpc::change(u, &mut message)?;
    }
    let mut text = rpc::spelled(u, &message)?.into_bytes();
    if u.ratio(1, 4)? {
        mutate::bytes(u, &mut text)?;
    }
    run(&text, now);
    fields(u, &message)
}
