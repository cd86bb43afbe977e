use super::*;
use crate::code::Code;
use crate::json::Value;
use crate::key::SigningKey;
use crate::time::UnixTime;
use crate::token::{Grant, Right, SealedToken};

const NOW: UnixTime = UnixTime(1_795_453_200);
const CALL: &str =
    r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"_meta":{"progressToken":1,"x":2},"name":"a"}}"#;

fn token(agent: &SigningKey) -> SealedToken {
    let right = Right { r#type: "mcp_tool", location: "calendar", action: "call" };
    let grant = Grant::new("https://hub.example", "alice", "bot", agent.public()).valid(NOW, NOW.plus(60)).right(right);
    grant.sign(agent, agent).unwrap().seal().unwrap()
}

fn message(text: &str) -> Message {
    Message::parse(text.as_bytes(), 1 << 20).unwrap()
}

// spec: JR-1, JR-2, JR-3, JR-4
#[test]
fn takes_requests_and_notifications_only() {
    let fault =
        |text: &str| Message::parse(text.as_bytes(), 80).map(drop).map_err(|denial| (denial.stage(), denial.code()));
    for good in [
        r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#,
        r#" {"jsonrpc":"2.0","id":"a","method":"ping","params":{}} "#,
        r#"{"method":"ping","jsonrpc":"2.0"}"#,
    ] {
        assert_eq!(fault(good), Ok(()), "{good}");
    }
    for (bad, code) in [
        (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, Code::BatchRejected),
        ("[]", Code::BatchRejected),
        ("1", Code::BodyAmbiguous),
        ("", Code::BodyAmbiguous),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"ping"}"#, Code::BodyAmbiguous),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","extra":1}"#, Code::BodyAmbiguous),
        (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, Code::BodyAmbiguous),
        (r#"{"jsonrpc":"2.0","id":1.0,"method":"ping"}"#, Code::BodyAmbiguous),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}"#, Code::BodyAmbiguous),
        (r#"{"jsonrpc":2.0,"id":1,"method":"ping"}"#, Code::BodyAmbiguous),
        (r#"{"id":1,"method":"ping"}"#, Code::BodyAmbiguous),
        (r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, Code::BodyAmbiguous),
        (r#"{"jsonrpc":"2.0","id":1,"method":"a method with a name that makes the text long"}"#, Code::BodyTooLarge),
    ] {
        assert_eq!(fault(bad), Err((1, code)), "{bad}");
    }
}

// spec: JR-14
#[test]
fn covers_all_but_what_relays_change() {
    let agent = SigningKey::from_seed(&[2; 32]);
    let token = token(&agent);
    let sign = |text: &str| {
        let unsigned = SignMessage::new(message(text), "https://a.example", &token).created(NOW, vec![0; 16]).prepare();
        unsigned.unwrap().payload().to_vec()
    };
    let base = sign(CALL);
    let text = String::from_utf8(base.clone()).unwrap();
    assert!(text.starts_with(
        "countersign-jsonrpc-v1\0{\"method\":\"tools/call\",\"params\":{\"_meta\":{\"dev.countersign/request\":"
    ));
    assert!(text.ends_with(r#""v":1},"x":2},"name":"a"}}"#), "{text}");
    for same in [("\"id\":7,", ""), ("\"progressToken\":1", "\"traceparent\":\"t\""), ("\"name\"", "\"n\\u0061me\"")] {
        assert!(sign(&CALL.replacen(same.0, same.1, 1)) == base, "{same:?}");
    }
    for other in [("tools/call", "tools/list"), ("\"x\":2", "\"x\":3"), ("\"name\":\"a\"", "\"name\":\"b\"")] {
        assert!(sign(&CALL.replacen(other.0, other.1, 1)) != base, "{other:?}");
    }
}

#[test]
fn a_signed_message_carries_its_envelope_and_can_be_signed_again() {
    let agent = SigningKey::from_seed(&[2; 32]);
    let token = token(&agent);
    let sign = |message: Message| {
        SignMessage::new(message, "https://a.example", &token).created(NOW, vec![1; 16]).sign(&agent).unwrap()
    };
    let signed = sign(message(CALL));
    let envelope = Envelope::read(&signed, NOW).unwrap();
    assert_eq!((envelope.service, envelope.created, envelope.expires), ("https://a.example", NOW, NOW.plus(60)));
    let signature = crate::key::Signature::from_bytes(envelope.signature.unwrap());
    assert!(agent.public().verify(&signed.payload(), &signature).is_ok());
    assert!(sign(signed.clone()).to_text() == signed.to_text());
    assert!(message(&signed.to_text()).to_text() == signed.to_text());
}

/// The canonical form of `1e20` is an integer that RQ-55 refuses: a message is not written in it.
#[test]
fn what_is_written_is_read_again() {
    for number in ["1e20", "-9007199254740992.0", "1e21", "12.50", "-0.0", "9007199254740991"] {
        let text = format!(
            r#"{{"jsonrpc":"2.0","method":"tools/call","params":{{"arguments":{{"n":{number}}},"name":"a"}}}}"#
        );
        let written = message(&text).to_text();
        let again = Message::parse(written.as_bytes(), 1 << 20).map_err(|denial| (denial.code(), written.clone()));
        assert!(again.unwrap().payload() == message(&text).payload(), "{written}");
    }
}

#[test]
fn refuses_to_sign_what_no_verifier_takes() {
    let (agent, other) = (SigningKey::from_seed(&[2; 32]), SigningKey::from_seed(&[3; 32]));
    let token = token(&agent);
    let sign = |text: &str, nonce: usize, key: &SigningKey| {
        SignMessage::new(message(text), "https://a.example", &token).created(NOW, vec![0; nonce]).sign(key).map(drop)
    };
    assert_eq!(sign(CALL, 16, &agent), Ok(()));
    assert_eq!(sign(CALL, 15, &agent), Err(SignError::Parameters));
    assert_eq!(sign(CALL, 16, &other), Err(SignError::NotTheHolder));
    let bad = r#"{"jsonrpc":"2.0","method":"ping","params":{"_meta":1}}"#;
    assert_eq!(sign(bad, 16, &agent), Err(SignError::Meta));
}

#[test]
fn debug_shows_no_token_and_no_argument() {
    let agent = SigningKey::from_seed(&[2; 32]);
    let token = token(&agent);
    let sign = SignMessage::new(message(CALL), "https://a.example", &token).created(NOW, vec![0; 16]);
    let signed = sign.clone().sign(&agent).unwrap();
    for text in [format!("{sign:?}"), format!("{signed:?}"), format!("{:?}", sign.prepare().unwrap())] {
        assert!(!text.contains(&token.to_text()) && !text.contains("tools"), "{text}");
    }
}

// spec: JR-6, JR-7, JR-8, JR-9, JR-10, JR-11
#[test]
fn envelopes_have_one_form() {
    let agent = SigningKey::from_seed(&[2; 32]);
    let token = token(&agent);
    let signed = SignMessage::new(message(CALL), "https://a.example", &token).created(NOW, vec![0; 16]).sign(&agent);
    let signed = signed.unwrap();
    let with = |name: &str, value: Option<Value>| {
        let mut envelope = signed.meta(ENVELOPE).and_then(Value::as_object).cloned().unwrap();
        match value {
            Some(value) => envelope.set(name, value),
            None => drop(envelope.remove(name)),
        }
        let message = message(CALL).with_meta(ENVELOPE, Value::Object(envelope)).unwrap();
        Envelope::read(&message, NOW).map(drop).map_err(|denial| (denial.stage(), denial.code()))
    };
    let integer = |seconds: u64| Some(Value::Integer(i64::try_from(seconds).unwrap()));
    assert_eq!(with("v", integer(1)), Ok(()));
    for (name, value, stage, code) in [
        ("token", None, 2, Code::TokenMissing),
        ("token", Some(Value::from("")), 2, Code::TokenMissing),
        ("token", Some(Value::Null), 3, Code::ParamsInvalid),
        ("nonce", None, 3, Code::ParamsIncomplete),
        ("v", None, 3, Code::ParamsIncomplete),
        ("v", integer(2), 3, Code::ParamsInvalid),
        ("v", Some(Value::from("1")), 3, Code::ParamsInvalid),
        ("alg", Some(Value::from("ed25519")), 3, Code::ParamsInvalid),
        ("created", Some(Value::parse(b"1795453200.0").unwrap()), 3, Code::ParamsInvalid),
        ("nonce", Some(Value::from("AAAAAAAAAAAAAAAAAAAA")), 3, Code::ParamsInvalid),
        ("nonce", Some(Value::from("AAAAAAAAAAAAAAAAAAAAAA==")), 3, Code::ParamsInvalid),
        ("sig", Some(Value::from("AA=")), 3, Code::ParamsInvalid),
        ("expires", integer(NOW.0), 3, Code::WindowInvalid),
        ("expires", integer(NOW.0 + 301), 3, Code::WindowInvalid),
        ("created", Some(Value::Integer(-1)), 3, Code::WindowInvalid),
    ] {
        assert_eq!(with(name, value.clone()), Err((stage, code)), "{name} {value:?}");
    }
    // A signature of another length is one that does not verify.
    assert_eq!(with("sig", Some(Value::from("AAAA"))), Ok(()));
    let unsigned = Envelope::read(&message(CALL), NOW).map(drop).map_err(|denial| (denial.stage(), denial.code()));
    assert_eq!(unsigned, Err((3, Code::SignatureRequired)));
}
