//! One bit of a valid request flipped, in everything that a signature covers.

use super::bench::Bench;
use super::draft::{Asked, Draft};
use super::random::Random;
use crate::text::{b64, b64u};

/// Flips a bit of a text that stays ASCII.
fn flip_text(text: &str, from: usize, random: &mut Random) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let at = from + random.below(bytes.len() - from);
    bytes[at] ^= 1 << random.below(7);
    String::from_utf8(bytes).unwrap()
}

/// A bit of the token, under the signature that was made with the right one.
pub fn token(bench: &mut Bench<'_>) -> Asked {
    let base = bench.any();
    let draft = bench.plain(base);
    let (input, signature) = draft.parts();
    with_flipped_token(bench, base.pieces.bytes(), draft).signed(&input, &signature)
}

/// The same, with the request signed by the holder afterwards: no bit of a token is free.
pub fn token_resigned(bench: &mut Bench<'_>) -> Asked {
    let base = bench.any();
    let draft = bench.plain(base);
    with_flipped_token(bench, base.pieces.bytes(), draft).sign()
}

fn with_flipped_token(bench: &mut Bench<'_>, mut bytes: Vec<u8>, mut draft: Draft) -> Draft {
    bench.random.flip(&mut bytes);
    draft.set_token(&b64u(&bytes));
    draft
}

/// A bit of the request's signature.
pub fn signature(bench: &mut Bench<'_>) -> Asked {
    let base = bench.any();
    let draft = bench.plain(base);
    let mut signature = draft.signature.key.sign(&draft.signature.base(&draft.request));
    bench.random.flip(&mut signature);
    let (input, signature) = draft.signature.parts_with(&signature);
    draft.signed(&input, &signature)
}

/// A bit of the field that says what is signed: components, parameters, our label.
pub fn signature_input(bench: &mut Bench<'_>) -> Asked {
    let base = bench.any();
    let draft = bench.plain(base);
    let (input, signature) = draft.parts();
    let nonce = input.find("nonce=").unwrap() + "nonce=\"".len();
    let input = if bench.random.once_in(2) {
        flip_text(&input, 0, &mut bench.random)
    } else {
        // One that is a nonce again, as often as not.
        let (before, after) = (&input[..nonce], &input[nonce..]);
        let (nonce, after) = after.split_at(after.find('"').unwrap());
        format!("{before}{}{after}", flip_text(nonce, 0, &mut bench.random))
    };
    draft.signed(&input, &signature)
}

/// A bit of the value of a covered field.
pub fn covered_field(bench: &mut Bench<'_>) -> Asked {
    let base = bench.any();
    let mut asked = bench.whole(base);
    let (input, signature) = asked.parts();
    let fields = asked.covered_fields();
    let name = bench.random.of(&fields);
    let mut value = asked.request.field(name).unwrap();
    bench.random.flip(&mut value);
    asked.request.set(name, value);
    asked.signed(&input, &signature)
}

/// A bit of the method.
pub fn method(bench: &mut Bench<'_>) -> Asked {
    let base = bench.any();
    let mut asked = bench.plain(base).sign();
    asked.request.method = flip_text(&asked.request.method, 0, &mut bench.random);
    asked
}

/// A bit of the path.
pub fn path(bench: &mut Bench<'_>) -> Asked {
    let base = bench.any();
    let mut asked = bench.plain(base).sign();
    let target = asked.request.target.clone();
    let (path, query) = target.split_at(target.find('?').unwrap_or(target.len()));
    asked.request.target = flip_text(path, 0, &mut bench.random) + query;
    asked
}

/// A bit of the query.
pub fn query(bench: &mut Bench<'_>) -> Asked {
    let base = bench.any();
    let mut errand = bench.errand(base);
    errand.refer(&mut bench.random);
    let mut asked = bench.draft(&base.text, base.holder(), &errand).sign();
    let target = asked.request.target;
    asked.request.target = flip_text(&target, target.find('?').unwrap() + 1, &mut bench.random);
    asked
}

/// A bit of the authority, but never the one that only changes the case of a letter: case is no part of an authority.
pub fn authority(bench: &mut Bench<'_>) -> Asked {
    let base = bench.any();
    let mut asked = bench.plain(base).sign();
    let text = match &asked.authority {
        Some(authority) => authority.clone(),
        None => asked.request.field_text("host"),
    };
    let flipped = loop {
        let flipped = flip_text(&text, 0, &mut bench.random);
        if !flipped.eq_ignore_ascii_case(&text) {
            break flipped;
        }
    };
    match &mut asked.authority {
        Some(authority) => *authority = flipped,
        None => asked.request.set("host", flipped),
    }
    asked
}

/// A bit of the body.
pub fn body(bench: &mut Bench<'_>) -> Asked {
    let base = bench.find(|base| base.errand.content().is_some());
    let mut asked = bench.plain(base).sign();
    bench.random.flip(&mut asked.request.body);
    asked
}

/// A character of the signature's base64 exchanged for another one of the alphabet.
pub fn signature_text(bench: &mut Bench<'_>) -> Asked {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let base = bench.any();
    let draft = bench.plain(base);
    let signature = draft.signature.key.sign(&draft.signature.base(&draft.request));
    let mut text = b64(&signature).into_bytes();
    let at = bench.random.below(86);
    loop {
        let other = *bench.random.of(ALPHABET);
        if other != text[at] {
            text[at] = other;
            break;
        }
    }
    let (input, _) = draft.parts();
    let value = format!("{}=:{}:", draft.signature.label, String::from_utf8(text).unwrap());
    draft.signed(&input, &value)
}
