//! The decoder takes only what biscuit-auth reads too and writes back alike, and verifies what it verifies.
//!
//! Input is a token; behind a zero byte, changes to a valid one.
#![no_main]

use arbitrary::{Result, Unstructured};
use biscuit_auth::error::{Format, Token};
use countersign::token::UnverifiedToken;
use countersign::{from_base64url, to_base64url};
use countersign_datalog::oracle;
use countersign_fuzz::{checks, keys, mutate};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    match data.split_first() {
        Some((0, rest)) => {
            if let Ok(Some(token)) = changed(&mut Unstructured::new(rest)) {
                run(token);
            }
        }
        _ => run(data.to_vec()),
    }
});

fn changed(u: &mut Unstructured<'_>) -> Result<Option<Vec<u8>>> {
    let Ok(token) = checks::token(u)? else { return Ok(None) };
    let text = if u.arbitrary()? { token.seal().unwrap().to_text() } else { token.dangerous_text().to_string() };
    let mut bytes = from_base64url(&text).unwrap();
    if u.ratio(15, 16)? {
        mutate::bytes(u, &mut bytes)?;
    }
    Ok(Some(bytes))
}

fn run(bytes: Vec<u8>) {
    let decoded = UnverifiedToken::from_bytes(bytes.clone());
    assert_eq!(decoded.is_ok(), UnverifiedToken::from_text(&to_base64url(&bytes)).is_ok());
    let Ok(token) = decoded else { return };
    let claims = token.claims();
    assert_eq!(claims.block_ids().count(), claims.block_count());
    for block in 0..claims.block_count() {
        assert!(claims.checks(block).iter().all(|check| !check.is_empty()));
    }
    assert_eq!(oracle::encoded_anew(&bytes).unwrap(), bytes, "another encoding");
    match oracle::read(&bytes) {
        Ok(biscuit) => assert_eq!(biscuit.to_vec().unwrap(), bytes, "another encoding"),
        // Whether a key is a point of the curve shows at stage 7; biscuit-auth looks at once.
        Err(error) => assert!(matches!(error, Token::Format(Format::InvalidKey(_))), "{error:?}"),
    }
    let root = keys::root().public();
    let sealed = token.is_sealed();
    assert_eq!(token.verify(&[root]).is_ok(), oracle::verify(&bytes, &root).is_ok(), "sealed: {sealed}");
}
