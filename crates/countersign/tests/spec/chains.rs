//! The examples of `spec/token.md` and `spec/rar.md` that have more than one step, made twice: by this implementation, and from
//! the testkit's primitives.

use countersign::rar::{AuthorizationDetails, Request, Resource};
use countersign::to_hex;
use countersign::token::{Delegation, Grant, Restriction};
use countersign_testkit::keys::Key;
use countersign_testkit::raw_checks::expiry;
use countersign_testkit::raw_token::{Block, RawToken, external_payload, seal_payload};
use sha2::{Digest as _, Sha256};

use crate::{NOW, TOKEN_MD, key, open_token, squeezed};

const RAR_MD: &str = include_str!("../../../../spec/rar.md");

// spec: TK-37, TK-40, TK-41, TK-42
#[test]
fn delegation_example_is_made_byte_for_byte() {
    let delegation =
        Delegation::to("summary-bot", key("sub-agent").public()).restriction(Restriction::ExpiresBy(NOW.plus(1800)));
    let unsigned = open_token().delegate(&delegation).unwrap();
    let signed = unsigned.payload().to_vec();
    let token = unsigned.sign(&key("agent"), &key("next-1")).unwrap().seal().unwrap();

    // The authority block is that of the first example, whose bytes the text has.
    let (_, example) = TOKEN_MD.split_once("## Example").unwrap();
    let hex = example.split("\n\n").find(|block| block.starts_with("    0a0b")).unwrap();
    let authority = squeezed(hex);
    let authority: Vec<u8> =
        (0..authority.len() / 2).map(|at| u8::from_str_radix(&authority[2 * at..2 * at + 2], 16).unwrap()).collect();
    let mut raw = RawToken::authority(&Key::named("root"), authority);
    let block = Block::delegation("summary-bot", &Key::named("sub-agent"), [expiry(1_795_455_000)]);
    let payload = block.third_party().encode();
    assert_eq!(signed, external_payload(&payload, &raw.last().signature));
    raw.delegate(payload.clone(), &Key::named("agent"));
    assert_eq!(raw.sealed_text(), token.to_text());

    let last = raw.last();
    let external = last.external.as_ref().unwrap();
    let seal = seal_payload(last);
    let parts = [
        ("block", to_hex(&payload)),
        ("external payload", to_hex(&signed)),
        ("external signature", to_hex(&external.signature)),
        ("signature", to_hex(&last.signature)),
        ("SHA-256 of the sealed bytes", to_hex(&Sha256::digest(&seal))),
        ("final signature", to_hex(&raw.secret.sign(&seal))),
        ("block id", to_hex(&last.id())),
        ("text", token.to_text()),
    ];
    assert_eq!(to_hex(&token.claims().block_ids().nth(1).unwrap()), parts[6].1);
    let text = squeezed(TOKEN_MD);
    let lacking: Vec<String> = parts
        .iter()
        .filter(|(_, part)| !text.contains(part.as_str()))
        .map(|(name, part)| format!("{name}: {part}"))
        .collect();
    assert!(lacking.is_empty(), "{} bytes sealed; spec/token.md lacks\n{}", seal.len(), lacking.join("\n"));
    let size = format!("{} bytes", raw.sealed().len());
    assert!(TOKEN_MD.contains(&size), "spec/token.md lacks {size}");
}

// spec: RA-20, RA-25, RA-26, RA-31
#[test]
fn details_example_goes_there_and_back() {
    let (_, example) = RAR_MD.split_once("## Example").unwrap();
    let mut blocks = example.split("\n\n").filter(|block| block.starts_with("    "));
    let mut joined = || blocks.next().unwrap().lines().map(str::trim).collect::<String>();
    let asked = joined();
    let service = Resource::parse("https://calendar.example.com").unwrap();
    let request = Request::for_resource(service.clone()).purpose("scheduling");
    let tokens = AuthorizationDetails::parse(asked.as_bytes()).unwrap().grants(&request).unwrap();
    assert_eq!(tokens.len(), 2);
    for requested in &tokens {
        let [facts, details] = [joined(), joined()];
        let grant = Grant::new("https://hub.example", "alice@example.com", "calendar-bot", key("agent").public());
        let token = requested.apply(grant, NOW).sign(&key("root"), &key("next-0")).unwrap();
        let claims = token.claims();
        let mut said = format!("purpose(\"{}\");audience(\"{}\");", claims.purpose(), claims.audience());
        for right in claims.rights() {
            said += &format!("right(\"{}\", \"{}\", \"{}\");", right.r#type, right.location, right.action);
        }
        said += &format!("check if time($time), $time <= {};", claims.expires());
        assert_eq!(facts, said);
        let back = AuthorizationDetails::of(claims).unwrap();
        assert_eq!(details, back.to_json());
        let again = back.grants(&Request::for_resource(service.clone())).unwrap();
        assert_eq!(again, core::slice::from_ref(requested));
    }
}
