//! The core and the reference verifier, which is the text of `spec/` line by line, decide alike about any change of a vector's
//! request, and any splice of two, at its time and around it.
#![no_main]

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use arbitrary::{Result, Unstructured};
use countersign::request::Message;
use countersign::verify::{Approvals, Decision, MemoryCharges, MemoryReplay, ReplayStore as _};
use countersign::{Denial, from_base64url, to_base64url};
use countersign_fuzz::mutate;
use countersign_testkit::format::{Vector, VectorFile};
use countersign_testkit::reference;
use countersign_testkit::setup::Setup;
use libfuzzer_sys::{Corpus, fuzz_target};
use serde_json::Value;

/// Vectors of one request each: what comes before would have to be decided anew each time.
static VECTORS: LazyLock<Vec<Vector>> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../test-vectors");
    let mut vectors = Vec::new();
    for folder in ["chain", "checks", "replay", "request", "token", "verify"] {
        let mut paths: Vec<_> = fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        for path in paths {
            let file: VectorFile = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
            vectors.extend(file.vectors.into_iter().filter(|vector| {
                let input = &vector.input;
                input.before.is_empty() && input.before_denied.is_empty() && input.authority.is_none()
            }));
        }
    }
    vectors
});

fuzz_target!(|data: &[u8]| -> Corpus { run(&mut Unstructured::new(data)).unwrap_or(Corpus::Reject) });

fn run(u: &mut Unstructured<'_>) -> Result<Corpus> {
    let mut vector = u.choose(&VECTORS)?.clone();
    let original = from_base64url(&vector.input.request_b64u).unwrap();
    let changed = match u.int_in_range(0..=4)? {
        0 => original,
        1 => mutate::lines(u, &original)?,
        2 => mutate::body(u, &original)?,
        3 => {
            let mut changed = original;
            mutate::bytes(u, &mut changed)?;
            changed
        }
        _ => {
            let other = from_base64url(&u.choose(&VECTORS)?.input.request_b64u).unwrap();
            mutate::splice(u, &original, &other)?
        }
    };
    vector.input.now += *u.choose(&[0, 0, 0, 0, -31, -30, 30, 31, 90, 91, 1_800, 3_600, 3_601])?;
    // What is no message no verifier gets; and bodies in chunks are taken apart by whoever receives them.
    let Ok(message) = Message::parse(&changed) else { return Ok(Corpus::Reject) };
    let chunked = |(name, value): (&str, &[u8])| name.eq_ignore_ascii_case("transfer-encoding") && !value.is_empty();
    if message.parts().fields().iter().any(|field| chunked((field.name, field.value))) {
        return Ok(Corpus::Reject);
    }
    let core = core(&Setup::of(&vector), &message);
    vector.input.request_b64u = to_base64url(&changed);
    let judged = reference::decide_request(&vector).unwrap();
    if let Some(difference) = judged.difference(&core) {
        panic!("{difference}\n{}\n{}", vector.id, String::from_utf8_lossy(&changed));
    }
    Ok(Corpus::Keep)
}

fn core(setup: &Setup, message: &Message<'_>) -> Value {
    let decision = match verify(setup, message) {
        Ok(decision) => decision,
        Err(denial) => Decision::from(&denial),
    };
    serde_json::to_value(decision).unwrap()
}

fn verify(setup: &Setup, message: &Message<'_>) -> std::result::Result<Decision, Denial> {
    let proven = setup.verifier.check(message.parts(), setup.now, &setup.revocations)?;
    let mut hasher = proven.hasher();
    hasher.update(message.body());
    let claim = proven.body(hasher.finish())?;
    let outcome = MemoryReplay::insecure_without_epoch().record(claim.entry(), setup.now);
    let charges = claim.recorded(outcome)?.map(&setup.operations, message.body(), &Approvals::none())?;
    Ok(charges.charge_with(&MemoryCharges::insecure_without_epoch(), setup.now)?.decision())
}
