//! The byte examples of `spec/` are what this implementation makes, and the registry of codes is `spec/errors.md`.

use countersign::checks::Declarations;
use countersign::json::Value;
use countersign::jsonrpc::{Message, SignMessage};
use countersign::request::{BodyLength, Parts, SignRequest, UnsignedRequest};
use countersign::token::SealedToken;
use countersign::verify::{Operation, ReplayOutcome, Revocations, UnsignedApproval, Verifier};
use countersign::{Code, to_base64url, to_hex};
use countersign_testkit::raw_approval;
use sha2::{Digest as _, Sha256};

use crate::{NOW, TOKEN_MD, key, open_token, squeezed};

const REQUEST_MD: &str = include_str!("../../../../spec/request.md");
const JSONRPC_MD: &str = include_str!("../../../../spec/jsonrpc.md");
const VERIFY_MD: &str = include_str!("../../../../spec/verify.md");
const ERRORS_MD: &str = include_str!("../../../../spec/errors.md");

fn example_token() -> SealedToken {
    open_token().seal().unwrap()
}

#[test]
fn token_example_is_made_byte_for_byte() {
    let token = example_token();
    let text = token.to_text();
    assert_eq!(text.len(), 768);
    assert!(squeezed(TOKEN_MD).contains(&text), "spec/token.md lacks {text}");
    let id = to_hex(&token.claims().block_ids().next().unwrap());
    assert!(TOKEN_MD.contains(&id), "spec/token.md lacks the block id {id}");
}

// spec: JR-14
#[test]
fn message_example_is_made_byte_for_byte() {
    let text = r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"list_events","arguments":{"day":"2026-11-24"}}}"#;
    let message = Message::parse(text.as_bytes(), 1 << 20).unwrap();
    let nonce = Sha256::digest("countersign test nonce: example")[..16].to_vec();
    let token = example_token();
    let unsigned =
        SignMessage::new(message, "https://calendar.example.com", &token).created(NOW, nonce).prepare().unwrap();
    let payload = String::from_utf8(unsigned.payload().to_vec()).unwrap();
    let shown = payload.strip_prefix("countersign-jsonrpc-v1\0").unwrap().replace(&token.to_text(), "TOKEN");
    assert!(squeezed(JSONRPC_MD).contains(&shown), "spec/jsonrpc.md lacks {shown}");
    let digest = to_hex(&Sha256::digest(&payload));
    assert!(JSONRPC_MD.contains(&digest), "spec/jsonrpc.md lacks the digest {digest}");
    let signature = to_base64url(key("agent").sign(unsigned.payload()).as_bytes());
    assert!(squeezed(JSONRPC_MD).contains(&signature), "spec/jsonrpc.md lacks {signature}");
}

// spec: TK-48, TK-49, TK-51
#[test]
fn key_forms_are_those_of_the_example() {
    let agent = key("agent");
    for form in [agent.public().to_string(), agent.public().id().to_string(), agent.dangerous_text().to_string()] {
        assert!(TOKEN_MD.contains(&form), "spec/token.md lacks {form}");
    }
}

const BODY: &[u8] = br#"{"title":"Review"}"#;

fn example_request() -> UnsignedRequest {
    let url = "https://calendar.example.com/calendars/primary/events?notify=yes";
    SignRequest::new("POST", url, &example_token())
        .created(NOW, (0..16).collect())
        .field("content-type", "application/json")
        .body(BODY)
        .prepare()
        .unwrap()
}

#[test]
fn request_example_is_made_byte_for_byte() {
    let (token, unsigned) = (example_token(), example_request());
    let token_text = token.to_text();
    let ends = format!("{}…{}", &token_text[..8], &token_text[token_text.len() - 7..]);
    let short = |text: &str| text.replace(&token_text, &ends);
    let base = short(std::str::from_utf8(unsigned.base()).unwrap());
    let signature = key("agent").sign(unsigned.base());
    let fields = unsigned.complete(signature);
    let mut message = format!("POST {} HTTP/1.1\n", fields.target());
    for (name, value) in fields.iter() {
        message.push_str(&format!("{name}: {}\n", short(value)));
    }
    message.push_str("content-length: 18\n\n{\"title\":\"Review\"}");
    for part in [&base, &message] {
        let block: String = part.lines().map(|line| format!("    {line}").trim_end().to_owned() + "\n").collect();
        assert!(REQUEST_MD.contains(&block), "spec/request.md lacks this block:\n{block}");
    }
}

/// The operation of the example: its canonical form, and its digest.
fn example_operation() -> (String, [u8; 32]) {
    let unsigned = example_request();
    let signature = key("agent").sign(unsigned.base());
    let fields = unsigned.complete(signature);
    let mut parts = Parts::new("POST", fields.target()).body(BodyLength::Known(BODY.len() as u64));
    parts.extend(fields.iter().map(|(name, value)| (name, value.as_bytes())));
    let verifier = Verifier::builder()
        .audience("https://calendar.example.com")
        .authority("calendar.example.com")
        .issuer("https://hub.example", [key("root").public()])
        .build()
        .unwrap();
    let proven = verifier.check(&parts, NOW, &Revocations::default()).unwrap();
    let mut hasher = proven.hasher();
    hasher.update(BODY);
    let claim = proven.body(hasher.finish()).unwrap();
    let authenticated = claim.recorded(ReplayOutcome::New).unwrap();
    let Some(Value::Object(args)) = authenticated.json(BODY).unwrap() else { unreachable!("the body is an object") };
    let operation =
        Operation::new("calendar", "/calendars/primary", "create").with_args(args, &Declarations::default());
    let record = authenticated.record(&operation);
    (record.to_jcs(), record.digest())
}

// spec: VF-44
#[test]
fn operation_example_is_made_byte_for_byte() {
    let (jcs, digest) = example_operation();
    assert_eq!(digest[..], Sha256::digest([b"countersign-operation-v1\0", jcs.as_bytes()].concat())[..]);
    assert!(squeezed(VERIFY_MD).contains(&jcs), "spec/verify.md lacks {jcs}");
    assert!(VERIFY_MD.contains(&to_hex(&digest)), "spec/verify.md lacks {}", to_hex(&digest));
}

// spec: RQ-57
#[test]
fn approval_example_is_made_byte_for_byte() {
    let (_, digest) = example_operation();
    let id = core::array::from_fn(|n| u8::try_from(n).unwrap());
    let approver = key("approver");
    let unsigned = UnsignedApproval::new(approver.public(), digest, NOW, 300, id).unwrap();
    let payload = unsigned.payload().strip_prefix(b"countersign-approval-v1\0").unwrap();
    let payload = String::from_utf8(payload.to_vec()).unwrap();
    let text = unsigned.sign(&approver).unwrap().to_text();
    let raw = raw_approval::Approval::new(&countersign_testkit::keys::Key::named("approver"), &digest)
        .with("id", format!("\"{}\"", countersign::to_base64url(&id)));
    assert_eq!((raw.payload(), raw.text()), (payload.clone(), text.clone()));
    for part in [&payload, &text] {
        assert!(squeezed(REQUEST_MD).contains(part.as_str()), "spec/request.md lacks {part}");
    }
}

#[test]
fn codes_are_the_registry() {
    let mut rows = 0;
    for line in ERRORS_MD.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        let code = Code::from_word(cells[1]).unwrap_or_else(|| unreachable!("{} is no code", cells[1]));
        let stages: Vec<u8> = cells[2].split(", ").map(|stage| stage.parse().unwrap()).collect();
        assert_eq!(stages, code.stages(), "{code}");
        assert_eq!(cells[3], code.class().as_str(), "{code}");
        assert_eq!(cells[4], code.class().status().to_string(), "{code}");
        rows += 1;
    }
    assert_eq!(rows, Code::ALL.len());
}
