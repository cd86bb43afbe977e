//! Any message is refused without a panic, unless it says the same as one that was signed; one that a relay wrote anew
//! is allowed, and asks for the same operation.
//!
//! Input is a text; behind a byte 0 to 3: changes to members of valid messages, changes to their bytes, the same in
//! other words, and fields beside a message.
#![no_main]

use std::sync::LazyLock;

use arbitrary::{Result, Unstructured};
use countersign::Code;
use countersign::jsonrpc::{Message, mcp};
use countersign::verify::Verifier;
use countersign_fuzz::messages::{self, MAX, Sent, Verdict};
use countersign_fuzz::mutate;
use libfuzzer_sys::fuzz_target;

static VERIFIER: LazyLock<Verifier> = LazyLock::new(messages::verifier);
static SENT: LazyLock<Vec<Sent>> = LazyLock::new(|| messages::sent(&VERIFIER));

fuzz_target!(|data: &[u8]| {
    let Some((kind, rest)) = data.split_first() else { return };
    let u = &mut Unstructured::new(rest);
    // Too few bytes for what was begun are no input.
    let _ = match kind {
        0 => messages::changed(u, &SENT).map(|text| run(text.as_bytes())),
        1 => bytes(u).map(|text| run(&text)),
        2 => relayed(u),
        3 => beside(u),
        _ => {
            run(data);
            Ok(())
        }
    };
});

fn bytes(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let mut text = u.choose(&SENT)?.value.to_string().into_bytes();
    if u.ratio(1, 4)? {
        // Two halves of two messages.
        let other = u.choose(&SENT)?.value.to_string().into_bytes();
        let (end, start) = (u.choose_index(text.len())?, u.choose_index(other.len())?);
        text.truncate(end);
        text.extend(&other[start..]);
    } else {
        mutate::bytes(u, &mut text)?;
    }
    Ok(text)
}

fn run(text: &[u8]) {
    let message = match Message::parse(text, MAX) {
        Ok(message) => message,
        Err(denial) => return assert_eq!(denial.stage(), 1),
    };
    match messages::verify(&VERIFIER, &message) {
        Ok(verdict) => {
            let covered = messages::covered(text).expect("what is taken here, another reader takes");
            assert!(
                SENT.iter().any(|sent| sent.says_the_same(&covered) && sent.leads_to(&verdict)),
                "allowed what nobody signed: {}",
                String::from_utf8_lossy(text)
            );
        }
        Err(denial) => {
            assert!((1..=12).contains(&denial.stage()));
            // What says the same is allowed, but for times and versions that are no integers any more, and for what no
            // relay may write.
            let covered = messages::covered(text).expect("what is taken here, another reader takes");
            let number = denial.stage() == 3 && denial.code() == Code::ParamsInvalid;
            let relay = denial.stage() == 11 && !messages::is_relayed_well(text);
            assert!(number || relay || !SENT.iter().any(|sent| sent.says_the_same(&covered)), "{denial}");
        }
    }
}

fn relayed(u: &mut Unstructured<'_>) -> Result<()> {
    let sent = u.choose(&SENT)?;
    let text = messages::relayed(u, sent)?;
    let message = Message::parse(text.as_bytes(), MAX).unwrap_or_else(|denial| panic!("{denial}: {text}"));
    let verdict = messages::verify(&VERIFIER, &message).unwrap_or_else(|denial| panic!("{denial}: {text}"));
    assert!(sent.leads_to(&verdict), "another operation: {text}");
    // The numbers are spelled as they were, so checks see the same facts; their order is that of the text.
    let arguments = |verdict: &Verdict| {
        let operation = verdict.1.as_ref()?;
        let mut facts: Vec<String> = operation.arguments().iter().map(|fact| format!("{fact:?}")).collect();
        facts.sort();
        Some((facts, operation.arguments().has_unreadable()))
    };
    assert!(arguments(&verdict) == arguments(&sent.verdict), "other arguments: {text}");
    let covered = messages::covered(text.as_bytes()).expect("what is taken here, another reader takes");
    assert!(sent.says_the_same(&covered));
    Ok(())
}

const NAMES: [&str; 6] =
    ["Mcp-Method", "mcp-name", "MCP-Protocol-Version", "mcp-param-x", "Mcp-Param-", "Mcp-Session-Id"];

/// Fields of any value, and fields that say what the message says.
fn beside(u: &mut Unstructured<'_>) -> Result<()> {
    let sent = u.choose(&SENT)?;
    let message = Message::parse(sent.value.to_string().as_bytes(), MAX).expect("it is valid");
    let params = &sent.value["params"];
    let named = params["name"].as_str().or(params["uri"].as_str());
    let mut fields: Vec<(&str, Vec<u8>)> = Vec::new();
    for _ in 0..u.int_in_range(1..=3)? {
        let name = *u.choose(&NAMES)?;
        let value = match u.int_in_range(0..=6)? {
            0 => message.method().into(),
            1 => named.unwrap_or_default().into(),
            2 => u.choose(&["2026-07-28", "2026-11-24", "3", "true", "null", "-2.5", ""])?.as_bytes().to_vec(),
            3 => u.choose(&["=?base64?YQ==?=", "=?base64?YQ?=", "=?base64??=", "=?base64?="])?.as_bytes().to_vec(),
            4 => [b"=?base64?", u.arbitrary::<&[u8]>()?, b"?="].concat(),
            _ => u.arbitrary::<&[u8]>()?.to_vec(),
        };
        fields.push((name, value));
    }
    let agree = mcp::fields_agree(fields.iter().map(|(name, value)| (*name, value.as_slice())), &message).is_ok();
    let plain = |value: &[u8]| value.trim_ascii().to_vec();
    for (name, value) in &fields {
        let said = match name.to_ascii_lowercase().as_str() {
            "mcp-method" => Some(message.method()),
            "mcp-name" => named,
            _ => continue,
        };
        if agree && !plain(value).starts_with(b"=?base64?") {
            assert_eq!(Some(plain(value)), said.map(|said| said.as_bytes().to_vec()), "a field agrees that does not");
        }
    }
    if let [(name, value)] = &fields[..]
        && *name == "Mcp-Method"
        && plain(value) == message.method().as_bytes()
    {
        assert!(agree, "a field that agrees does not");
    }
    Ok(())
}
