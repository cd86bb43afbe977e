//! Core's evaluator against biscuit-auth's engine, over tokens that core makes.
#![no_main]

use arbitrary::{Result, Unstructured};
use countersign::checks::{WORK_LIMIT, Work, evaluate};
use countersign::token::{ErrorKind, OpenToken, UnverifiedToken};
use countersign::{Code, from_base64url};
use countersign_datalog::oracle;
use countersign_fuzz::{checks, keys};
use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|data: &[u8]| -> Corpus { run(&mut Unstructured::new(data)).unwrap_or(Corpus::Reject) });

fn run(u: &mut Unstructured<'_>) -> Result<Corpus> {
    let token = match checks::token(u)? {
        Ok(token) => token,
        Err(error) => {
            // What the encoder writes may be outside the profile, never in another spelling.
            let ErrorKind::Decode(error) = error.kind() else { panic!("{error}") };
            assert!(matches!(error.code(), Code::TokenProfile | Code::LimitExceeded), "{error}");
            return Ok(Corpus::Keep);
        }
    };
    let (arguments, plain) = checks::arguments(u)?;
    let facts = checks::facts(u, &token, &arguments)?;
    let (root, bytes) = (keys::root().public(), from_base64url(&token.dangerous_text()).unwrap());
    let chain = UnverifiedToken::from_bytes(bytes.clone()).unwrap().verify(&[root]).unwrap();
    let (mut work, mut again) = (Work::new(WORK_LIMIT), Work::new(WORK_LIMIT));
    let verdict = evaluate(&chain, &facts, &mut work);
    assert_eq!((verdict, work.done()), (evaluate(&chain, &facts, &mut again), again.done()), "not deterministic");
    if plain && verdict.err().map(|denial| denial.code) != Some(Code::LimitExceeded) {
        let engine = oracle::outcome(&bytes, &root, &facts);
        assert_eq!(verdict.is_ok(), engine.is_allow(), "{verdict:?} {engine:?}\n{}", describe(&token));
        // Of several values an engine may see the one that fails before the one that is an error.
        let ordered = arguments.iter().count() < 2;
        let error = verdict.is_err_and(|denial| denial.code == Code::CheckError);
        assert!(!(ordered && error && engine == oracle::Outcome::Deny), "{verdict:?} {engine:?}\n{}", describe(&token));
        // What people read means what was evaluated.
        let texts: Vec<String> =
            (0..token.claims().block_count()).flat_map(|block| token.claims().checks(block)).collect();
        if let Some(read) = oracle::outcome_of_text(texts.iter().map(String::as_str), &facts) {
            assert_eq!(read.is_allow(), engine.is_allow(), "{read:?} {engine:?}\n{}", describe(&token));
        }
    }
    Ok(Corpus::Keep)
}

fn describe(token: &OpenToken) -> String {
    (0..token.claims().block_count())
        .map(|block| token.claims().checks(block).join(";\n"))
        .collect::<Vec<_>>()
        .join("\n--\n")
}
