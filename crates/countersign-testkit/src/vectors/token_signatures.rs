//! `token/signatures.json`: every signature of a token, each broken alone.

use crate::clock::{EXPIRES, NOW};
use crate::keys::Key;
use crate::raw_checks::{expiry, pred, string};
use crate::raw_token::{Block, RawToken, Symbols, block_payload, seal_payload};
use crate::text::b64u;
use crate::wire::Message;

use super::case::{Case, File};
use super::standard::{Plan, get, get_by};

#[expect(clippy::too_many_arguments, reason = "one argument for each thing that a vector says")]
fn bad(file: &mut File, slug: &str, comment: &str, req: &str, attack: u8, token: &RawToken, signer: &str, twin: &str) {
    sealed(file, slug, comment, req, attack, &token.sealed_text(), signer, twin);
}

#[expect(clippy::too_many_arguments, reason = "one argument for each thing that a vector says")]
fn sealed(file: &mut File, slug: &str, comment: &str, req: &str, attack: u8, text: &str, signer: &str, twin: &str) {
    file.push(Case::new(slug, comment, &get_by(signer, text)).req(req).attack(attack).deny(7, "token_signature", twin));
}

/// The seal that `keeper` bears, on the blocks of `token`.
fn with_seal(token: &RawToken, keeper: &RawToken) -> String {
    b64u(&token.message(&keeper.seal()).encode())
}

fn flip(bytes: &mut [u8]) {
    bytes[0] ^= 1;
}

/// Two restrictions without new strings, so that they may stand in any order.
fn two() -> Plan {
    Plan::standard().restrict([expiry(EXPIRES + 1)]).restrict([expiry(EXPIRES + 2)])
}

/// The file.
#[must_use]
pub fn file() -> File {
    let mut file = File::new("token", "signatures", "each signature of a token broken alone");
    file.push(
        Case::new("two-restrictions", "a token with two restriction blocks", &get(&two().text()))
            .req("TK-40")
            .req("TK-42"),
    );
    let (one, many, far) = ("request/get", "token/two-restrictions", "chain/one-delegation");
    let delegated = || Plan::deep(1).delegate("agent", "summary-bot", "sub-agent", None).sign();

    let mut token = Plan::standard().sign();
    flip(&mut token.blocks[0].signature);
    bad(
        &mut file,
        "authority-bit",
        "a bit of the authority block's signature turned, then sealed again",
        "TK-39",
        43,
        &token,
        "agent",
        one,
    );
    let token = Plan { root: Key::named("stranger"), ..Plan::standard() }.sign();
    bad(
        &mut file,
        "authority-by-stranger",
        "an authority block signed by a key that is no issuer's",
        "TK-39",
        42,
        &token,
        "agent",
        one,
    );
    let token = Plan { root: Key::named("agent"), ..Plan::standard() }.sign();
    bad(
        &mut file,
        "authority-by-holder",
        "an authority block signed by the agent itself",
        "TK-39",
        42,
        &token,
        "agent",
        one,
    );
    for (slug, fact, attack) in [
        ("user", pred("user", [string("mallory@example.com")]), 42),
        ("purpose", pred("purpose", [string("everything")]), 42),
        ("right", super::standard::right("http", "/", "GET"), 42),
    ] {
        let mut token = Plan::standard().sign();
        let forged = Plan::standard().replace(fact);
        token.blocks[0].payload = forged.authority.first_party(&mut Symbols::default()).encode();
        bad(
            &mut file,
            &format!("authority-other-{slug}"),
            "an authority block changed after it was signed, then sealed again",
            "TK-39",
            attack,
            &token,
            "agent",
            one,
        );
    }
    let mut token = two().sign();
    flip(&mut token.blocks[1].signature);
    bad(
        &mut file,
        "block-bit",
        "a bit of a restriction's signature turned, then sealed again",
        "TK-40",
        43,
        &token,
        "agent",
        many,
    );
    let mut token = Plan::standard().sign();
    let block = Block::restriction([expiry(EXPIRES + 1)]).first_party(&mut Symbols::default()).encode();
    token.secret = Key::named("stranger");
    token.restrict(block.clone());
    bad(
        &mut file,
        "block-by-stranger",
        "a restriction signed by a key that the block before it does not name",
        "TK-40",
        43,
        &token,
        "agent",
        one,
    );
    let mut token = Plan::standard().sign();
    let next = Key::next(1).public();
    let unchained = token.secret.sign(&block_payload(&block, &next, None, None));
    token.restrict(block);
    token.blocks[1].signature = unchained;
    bad(
        &mut file,
        "block-without-previous",
        "a restriction signed without the signature before it",
        "TK-40",
        43,
        &token,
        "agent",
        one,
    );

    let whole = two().sign();
    let mut token = whole.clone();
    token.blocks.remove(1);
    sealed(
        &mut file,
        "block-removed",
        "the first of two restrictions removed",
        "TK-40",
        43,
        &with_seal(&token, &whole),
        "agent",
        many,
    );
    let mut token = whole.clone();
    token.blocks.pop();
    token.secret = Key::next(2);
    bad(
        &mut file,
        "last-block-removed",
        "the last restriction removed, and the rest sealed with the last key",
        "TK-42",
        43,
        &token,
        "agent",
        many,
    );
    let mut token = whole.clone();
    token.blocks.pop();
    let old_seal = Message::new().bytes(2, &whole.secret.sign(&seal_payload(whole.last())));
    sealed(
        &mut file,
        "last-block-removed-old-seal",
        "the last restriction removed, the seal of the whole kept",
        "TK-42",
        64,
        &b64u(&token.message(&old_seal).encode()),
        "agent",
        many,
    );
    let mut token = whole.clone();
    token.blocks.swap(1, 2);
    token.secret = Key::next(1);
    bad(
        &mut file,
        "blocks-swapped",
        "the two restrictions in the other order, sealed again",
        "TK-40",
        43,
        &token,
        "agent",
        many,
    );
    let mut token = whole.clone();
    token.blocks[2] =
        Plan::standard().restrict([expiry(EXPIRES + 3)]).restrict([expiry(EXPIRES + 4)]).sign().blocks[2].clone();
    bad(
        &mut file,
        "block-transplanted",
        "the second restriction of another token, whose keys are the same",
        "TK-40",
        43,
        &token,
        "agent",
        many,
    );
    let mut token = whole.clone();
    token.blocks[1].payload = Block::restriction([expiry(EXPIRES + 9)]).first_party(&mut Symbols::default()).encode();
    bad(
        &mut file,
        "restriction-loosened",
        "the date of a restriction changed after it was signed",
        "TK-40",
        43,
        &token,
        "agent",
        many,
    );
    let mut token = whole.clone();
    token.blocks[1].next = Key::named("stranger").public().to_vec();
    bad(
        &mut file,
        "next-key-replaced",
        "the next key of a restriction changed after it was signed",
        "TK-40",
        43,
        &token,
        "agent",
        many,
    );

    let mut token = delegated();
    flip(&mut token.blocks[1].external.as_mut().unwrap().signature);
    let payload = token.blocks[1].payload.clone();
    let external = token.blocks[1].external.clone();
    let mut broken = Plan::deep(1).sign();
    broken.append(payload.clone(), external, Key::next(1));
    bad(
        &mut file,
        "external-bit",
        "a bit of the external signature turned; the block's own signature is over that",
        "TK-41",
        55,
        &broken,
        "sub-agent",
        far,
    );
    let mut token = Plan::deep(1).sign();
    let forged = crate::raw_token::External {
        signature: token.external(&payload, &Key::named("stranger")).signature,
        public: Key::named("agent").public().to_vec(),
    };
    token.append(payload.clone(), Some(forged), Key::next(1));
    bad(
        &mut file,
        "external-by-stranger",
        "an external signature by a stranger that claims to be the holder's",
        "TK-41",
        45,
        &token,
        "sub-agent",
        far,
    );
    let mut token = Plan::deep(1).sign();
    let elsewhere = Plan::deep(2).sign().external(&payload, &Key::named("agent"));
    token.append(payload.clone(), Some(elsewhere), Key::next(1));
    bad(
        &mut file,
        "external-over-another-prefix",
        "the holder's signature over the same block at the end of another token",
        "TK-41",
        55,
        &token,
        "sub-agent",
        far,
    );
    let mut token = Plan::deep(1).restrict([expiry(NOW + 60)]).sign();
    let before = Plan::deep(1).sign().external(&payload, &Key::named("agent"));
    token.append(payload.clone(), Some(before), Key::next(2));
    bad(
        &mut file,
        "external-over-shorter-prefix",
        "the holder's signature from before a restriction was added",
        "TK-41",
        55,
        &token,
        "sub-agent",
        far,
    );
    let mut token = Plan::deep(1).sign();
    let external = token.external(&payload, &Key::named("agent"));
    let unbound =
        token.secret.sign(&block_payload(&payload, &Key::next(1).public(), Some(&token.last().signature), None));
    token.append(payload, Some(external), Key::next(1));
    token.blocks[1].signature = unbound;
    bad(
        &mut file,
        "block-without-external",
        "a delegation's block signature that leaves the external one out",
        "TK-40",
        55,
        &token,
        "sub-agent",
        far,
    );

    let token = Plan::standard().sign();
    let seal = |signature: &[u8]| b64u(&token.message(&Message::new().bytes(2, signature)).encode());
    let mut signature = token.secret.sign(&seal_payload(token.last()));
    flip(&mut signature);
    sealed(&mut file, "seal-bit", "a bit of the final signature turned", "TK-42", 64, &seal(&signature), "agent", one);
    sealed(
        &mut file,
        "seal-by-stranger",
        "a final signature by a key that the last block does not name",
        "TK-42",
        64,
        &seal(&Key::named("stranger").sign(&seal_payload(token.last()))),
        "agent",
        one,
    );
    sealed(
        &mut file,
        "seal-by-root",
        "a final signature by the issuer's key",
        "TK-42",
        64,
        &seal(&Key::named("root").sign(&seal_payload(token.last()))),
        "agent",
        one,
    );
    let other = Plan::standard().replace(pred("purpose", [string("billing")])).sign();
    sealed(
        &mut file,
        "seal-of-another-token",
        "the final signature of another token under the same next key",
        "TK-42",
        64,
        &with_seal(&token, &other),
        "agent",
        one,
    );
    let length = |change: fn(&mut Vec<u8>)| {
        let mut signature = token.secret.sign(&seal_payload(token.last()));
        change(&mut signature);
        seal(&signature)
    };
    sealed(
        &mut file,
        "seal-short",
        "a final signature of 63 bytes",
        "TK-43",
        64,
        &length(|s| {
            s.pop();
        }),
        "agent",
        one,
    );
    sealed(&mut file, "seal-long", "a final signature of 65 bytes", "TK-43", 64, &length(|s| s.push(0)), "agent", one);
    sealed(&mut file, "seal-empty", "a final signature of no bytes", "TK-43", 64, &length(Vec::clear), "agent", one);
    let mut short = Plan::standard().sign();
    short.blocks[0].signature.pop();
    bad(
        &mut file,
        "authority-short",
        "an authority signature of 63 bytes, then sealed again",
        "TK-43",
        43,
        &short,
        "agent",
        one,
    );
    let mut neutral = Plan::standard().sign();
    let first = &neutral.blocks[0];
    let signed = block_payload(&first.payload, &first.next, None, None);
    neutral.blocks[0].signature = super::curve::neutral_r(&Key::named("root"), &super::curve::NEUTRAL, &signed);
    bad(
        &mut file,
        "authority-r-neutral",
        "R of the authority's signature is the neutral element, then sealed again",
        "TK-45",
        39,
        &neutral,
        "agent",
        one,
    );
    let mut malleable = Plan::standard().sign();
    malleable.blocks[0].signature = super::curve::plus_order(&malleable.blocks[0].signature);
    bad(
        &mut file,
        "authority-s-plus-order",
        "the order of the group added to S of the authority's signature, then sealed again",
        "TK-44",
        39,
        &malleable,
        "agent",
        one,
    );
    file
}
