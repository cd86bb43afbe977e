//! Test data by others, through the public interface: Wycheproof, C2SP CCTV, Biscuit samples, structured-field-tests,
//! RFC 9421.
//!
//! `COUNTERSIGN_UPSTREAM_VECTORS` names the folder that holds their files; without it these tests say so and pass.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests say what went wrong by panicking"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use countersign::key::{PublicKey, Signature};
use countersign::request::fuzzing;
use countersign::token::UnverifiedToken;
use countersign::{Code, from_base64url};
use serde_json::Value;

fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("COUNTERSIGN_UPSTREAM_VECTORS").map(PathBuf::from);
    if folder.is_none() {
        // Past the test harness's capture: a test that did not run has to be seen.
        use std::io::Write as _;
        let mut stderr = std::io::stderr();
        writeln!(stderr, "not run: COUNTERSIGN_UPSTREAM_VECTORS is not set").unwrap();
    }
    folder
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn hex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap().as_bytes();
    text.chunks(2).map(|pair| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// Whether core verifies it; a key or a signature of another length verifies nothing.
fn verifies(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let (Ok(key), Ok(signature)) = (key.try_into(), signature.try_into()) else { return false };
    PublicKey::from_bytes(key).verify(message, &Signature::from_bytes(signature)).is_ok()
}

#[test]
fn agrees_with_every_ed25519_case_of_wycheproof() {
    let Some(folder) = folder() else { return };
    let file = json(&folder.join("wycheproof/ed25519_test.json"));
    let mut cases = 0;
    for group in file["testGroups"].as_array().unwrap() {
        let key = hex(&group["publicKey"]["pk"]);
        for case in group["tests"].as_array().unwrap() {
            let expected = match case["result"].as_str().unwrap() {
                "valid" => true,
                "invalid" => false,
                other => panic!("case {}: what is {other}?", case["tcId"]),
            };
            assert_eq!(verifies(&key, &hex(&case["msg"]), &hex(&case["sig"])), expected, "case {}", case["tcId"]);
            cases += 1;
        }
    }
    assert_eq!(cases, file["numberOfTests"].as_u64().unwrap());
    assert_eq!(cases, 151);
}

#[test]
fn accepts_the_same_43_edge_cases_as_verify_strict() {
    let Some(folder) = folder() else { return };
    let file = json(&folder.join("cctv/ed25519vectors.json"));
    let cases = file.as_array().unwrap();
    assert_eq!(cases.len(), 914);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for case in cases {
        let (number, message) = (case["number"].as_u64().unwrap(), case["msg"].as_str().unwrap().as_bytes());
        let key: [u8; 32] = hex(&case["key"]).try_into().unwrap();
        let signature: [u8; 64] = hex(&case["sig"]).try_into().unwrap();
        if verifies(&key, message, &signature) {
            ours.push(number);
        }
        let strict = ed25519_dalek::VerifyingKey::from_bytes(&key)
            .and_then(|key| key.verify_strict(message, &ed25519_dalek::Signature::from_bytes(&signature)));
        if strict.is_ok() {
            theirs.push(number);
        }
    }
    assert_eq!(ours, theirs);
    assert_eq!(ours.len(), 43);
}

/// All samples are Biscuits and none is a token of the profile: the first stage that could read them refuses them.
#[test]
fn refuses_all_38_biscuit_samples_as_outside_the_profile() {
    let Some(folder) = folder() else { return };
    let mut refused: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder.join("biscuit")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "bc"));
    files.sort();
    for path in files {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let error = UnverifiedToken::from_bytes(std::fs::read(&path).unwrap()).unwrap_err();
        let decoding = [
            Code::TokenMalformed,
            Code::TokenProfile,
            Code::LimitExceeded,
            Code::DelegationInvalid,
            Code::DelegationDepth,
        ];
        assert!(decoding.contains(&error.code()), "{name}: {error}");
        refused.entry(error.code().as_str()).or_default().push(name);
    }
    println!("{refused:#?}");
    assert_eq!(refused.values().map(Vec::len).sum::<usize>(), 38);
}

/// A text is exact when a parser that is known to be right writes back what it read.
fn writes_back(text: &str, byte_sequences: bool) -> bool {
    use sfv::{BareItem, Dictionary, FieldType as _, ListEntry, Parser};
    let Ok(dictionary) = Parser::new(text).parse::<Dictionary>() else { return false };
    let fits = dictionary.values().all(|member| match member {
        ListEntry::InnerList(_) => !byte_sequences,
        ListEntry::Item(item) => {
            byte_sequences && item.params.is_empty() && matches!(item.bare_item, BareItem::ByteSequence(_))
        }
    });
    fits && dictionary.serialize().as_deref() == Some(text)
}

#[test]
fn takes_structured_fields_exactly_when_they_are_written_back_alike() {
    let Some(folder) = folder() else { return };
    let (mut texts, mut taken) = (0, 0);
    for entry in std::fs::read_dir(folder.join("structured-fields")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        for case in json(&path).as_array().unwrap() {
            let lines: Vec<&str> = case["raw"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
            let raw = lines.join(", ");
            // As it stands, and in every place of a field of ours where a case's item can stand.
            for text in [
                raw.clone(),
                format!("a={raw}"),
                format!("a=({raw})"),
                format!("a=();p={raw}"),
                format!("a=(\"x\";p={raw})"),
                format!("a=();{raw}=1"),
                format!("{raw}=()"),
                format!("a=(), {raw}"),
                format!("a=::, {raw}"),
            ] {
                let name = &case["name"];
                assert_eq!(fuzzing::is_exact_inner_lists(&text), writes_back(&text, false), "{name}: {text:?}");
                assert_eq!(fuzzing::is_exact_byte_sequences(&text), writes_back(&text, true), "{name}: {text:?}");
                texts += 1;
                taken += usize::from(writes_back(&text, false)) + usize::from(writes_back(&text, true));
            }
        }
    }
    println!("{texts} texts, {taken} taken");
    assert!(texts > 10_000 && taken > 900, "{texts} texts, {taken} taken");
}

// RFC 9421, appendix B.2.6 and the key of B.1.4.
const B26_KEY: &str = "JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs";
const B26_PARAMETERS: &str = "(\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" \"content-length\");created=1618884473;keyid=\"test-key-ed25519\"";
const B26_BASE: &str = "\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n\"@method\": POST\n\"@path\": /foo\n\"@authority\": example.com\n\"content-type\": application/json\n\"content-length\": 18\n\"@signature-params\": ";
const B26_SIGNATURE: &str = "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw";

fn from_base64(text: &str) -> Vec<u8> {
    from_base64url(&text.trim_end_matches('=').replace('+', "-").replace('/', "_")).unwrap()
}

#[test]
fn builds_and_verifies_the_ed25519_example_of_rfc_9421() {
    let fields = [
        ("Host", "example.com"),
        ("Date", "Tue, 20 Apr 2021 02:07:55 GMT"),
        ("Content-Type", "application/json"),
        ("Content-Length", "18"),
    ];
    let covered = ["date", "@method", "@path", "@authority", "content-type", "content-length"];
    let target = "/foo?param=Value&Pet=dog";
    let base = fuzzing::signature_base("POST", target, "example.com", &fields, &covered, B26_PARAMETERS).unwrap();
    assert_eq!(core::str::from_utf8(&base).unwrap(), [B26_BASE, B26_PARAMETERS].concat());
    assert!(verifies(&from_base64url(B26_KEY).unwrap(), &base, &from_base64(B26_SIGNATURE)));

    // The file of others says the same.
    let Some(folder) = folder() else { return };
    let file = json(&folder.join("rfc9421/b26-ed25519.json"));
    assert_eq!(file["expectedBase"].as_str().unwrap().as_bytes(), base);
    assert_eq!(from_base64(file["expectedSignature"].as_str().unwrap()), from_base64(B26_SIGNATURE));
    assert_eq!(file["expectedSignatureInput"].as_str().unwrap(), ["sig-b26=", B26_PARAMETERS].concat());
    let pem = std::fs::read_to_string(folder.join("rfc9421").join(file["pubKeyFile"].as_str().unwrap())).unwrap();
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    assert!(from_base64(&body).ends_with(&from_base64url(B26_KEY).unwrap()));
    // Every byte of the base counts.
    let key: [u8; 32] = from_base64url(B26_KEY).unwrap().try_into().unwrap();
    for at in 0..base.len() {
        let mut altered = base.clone();
        altered[at] ^= 1;
        assert!(!verifies(&key, &altered, &from_base64(B26_SIGNATURE)), "byte {at}");
    }
}
