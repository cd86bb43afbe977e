//! Fields of one valid request in another one.

use super::base::Base;
use super::bench::Bench;
use super::draft::{Asked, Draft, nonce};
use crate::raw_request::digest_sha256;

/// Two requests of one base, whose queries differ; half of them cover the same fields.
fn two(bench: &mut Bench<'_>) -> (Draft, Draft) {
    let base = bench.any();
    let draft = |bench: &mut Bench<'_>| {
        let mut errand = bench.errand(base);
        errand.refer(&mut bench.random);
        bench.draft(&base.text, base.holder(), &errand)
    };
    let (one, mut other) = (draft(bench), draft(bench));
    if bench.random.once_in(2) {
        (other.request, other.signature) = (one.request.clone(), one.signature.clone());
        other.request.target = other.errand.target();
        other.signature.set("nonce", nonce(&mut bench.random));
    }
    other.signature.label.clone_from(&one.signature.label);
    (one, other)
}

/// The `Signature` of another request of the same holder.
pub fn signature(bench: &mut Bench<'_>) -> Asked {
    let (one, other) = two(bench);
    let ((input, _), (_, signature)) = (one.parts(), other.parts());
    one.signed(&input, &signature)
}

/// The `Signature-Input` of another request.
pub fn input(bench: &mut Bench<'_>) -> Asked {
    let (one, other) = two(bench);
    let ((_, signature), (input, _)) = (one.parts(), other.parts());
    one.signed(&input, &signature)
}

/// Both of another request, which covers the same fields.
pub fn both(bench: &mut Bench<'_>) -> Asked {
    let (one, _) = two(bench);
    let mut other = one.clone();
    other.errand.refer(&mut bench.random);
    other.request.target = other.errand.target();
    let (input, signature) = other.parts();
    one.signed(&input, &signature)
}

/// The token of another base, mostly one with the same holder.
pub fn token(bench: &mut Bench<'_>) -> Asked {
    let base = bench.any();
    let other = if bench.random.once_in(4) {
        bench.find(|other| other.number != base.number)
    } else {
        // Of the same family and depth, so of the same holder.
        &bench.world.pool[base.number ^ 4]
    };
    let mut draft = bench.plain(base);
    let (input, signature) = draft.parts();
    draft.set_token(&other.text);
    draft.signed(&input, &signature)
}

/// A request with a body, and a body that is not its own.
fn with_body(bench: &mut Bench<'_>) -> (Draft, Vec<u8>) {
    let has_body = |base: &Base| base.errand.content().is_some();
    let (one, other) = (bench.find(has_body), bench.find(has_body));
    let (one, mut other) = (bench.plain(one), bench.plain(other).request.body);
    if other == one.request.body {
        other.push(b' ');
    }
    (one, other)
}

/// The body of another request, and not its digest.
pub fn body(bench: &mut Bench<'_>) -> Asked {
    let (one, body) = with_body(bench);
    let mut asked = one.sign();
    asked.request.remove("content-length");
    asked.request.body = body;
    asked
}

/// The digest of another body, and not the body.
pub fn digest(bench: &mut Bench<'_>) -> Asked {
    let (one, body) = with_body(bench);
    let mut asked = one.sign();
    asked.request.set("content-digest", digest_sha256(&body));
    asked
}

/// Another body together with its digest.
pub fn body_and_digest(bench: &mut Bench<'_>) -> Asked {
    let (one, body) = with_body(bench);
    let mut asked = one.sign();
    asked.request.remove("content-length");
    asked.request.set("content-digest", digest_sha256(&body));
    asked.request.body = body;
    asked
}

/// A parameter changed behind the signer's back: a later end, a new nonce, another key id.
pub fn parameter(bench: &mut Bench<'_>) -> Asked {
    let base = bench.any();
    let mut draft = bench.plain(base);
    let signature = draft.parts().1;
    let now = draft.now;
    match bench.random.below(4) {
        0 => draft.signature.set("expires", (now + bench.random.between(201, 270)).to_string()),
        1 => draft.signature.set("created", (now - bench.random.between(21, 60)).to_string()),
        2 => draft.signature.parameters.reverse(),
        _ => draft.signature.set("nonce", nonce(&mut bench.random)),
    }
    let input = draft.parts().0;
    draft.signed(&input, &signature)
}

/// The list of components changed behind the signer's back: one that may be left out taken away, or the order.
pub fn coverage(bench: &mut Bench<'_>) -> Asked {
    let base = bench.any();
    let mut draft = bench.plain(base);
    if !draft.covered_fields().iter().any(|name| name == "x-note") {
        draft.covered("X-Note", "to be left out");
    }
    let signature = draft.parts().1;
    match bench.random.below(3) {
        0 => draft.signature.components.reverse(),
        _ => {
            draft.signature.uncover("x-note");
            draft.request.set("x-note", "for somebody else");
        }
    }
    let input = draft.parts().0;
    draft.signed(&input, &signature)
}
