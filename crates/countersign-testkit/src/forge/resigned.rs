//! Signed again by a key that has no say there: the request, and the blocks of the token.

use super::base::Base;
use super::bench::Bench;
use super::chain::{Link, Pieces, Signer, build, second_form};
use super::draft::Asked;
use super::service::{ISSUERS, issuer_key};
use crate::keys::Key;
use crate::raw_checks::{pred, string};

/// A request of the base signed by this key. Mostly under the holder's key id; its own would be found at stage 5.
fn by(bench: &mut Bench<'_>, base: &Base, key: &Key) -> Asked {
    let mut draft = bench.plain(base);
    draft.signature.key = key.clone();
    if bench.random.once_in(4) {
        draft.signature.set("keyid", format!("\"{}\"", key.id()));
    }
    draft.sign()
}

/// By a key that nobody knows.
pub fn fresh(bench: &mut Bench<'_>) -> Asked {
    let (base, key) = (bench.any(), bench.fresh_key());
    by(bench, base, &key)
}

/// By a holder of another chain.
pub fn other_holder(bench: &mut Bench<'_>) -> Asked {
    let base = bench.any();
    let right = base.holder().public();
    let other = bench.find(|other| other.holder().public() != right);
    by(bench, base, other.holder())
}

/// By an earlier holder of this chain.
pub fn former_holder(bench: &mut Bench<'_>) -> Asked {
    let base = bench.find(|base| base.holders.len() > 1);
    let key = &base.holders[bench.random.below(base.holders.len() - 1)];
    by(bench, base, key)
}

/// By the issuer.
pub fn issuer(bench: &mut Bench<'_>) -> Asked {
    let base = bench.any();
    by(bench, base, &base.root)
}

/// By an approver of this chain.
pub fn approver(bench: &mut Bench<'_>) -> Asked {
    let base = bench.find(|base| !base.approvers.is_empty());
    by(bench, base, &base.approvers[0])
}

/// By the secret of the open token: who may add blocks is not who may send.
pub fn next_secret(bench: &mut Bench<'_>) -> Asked {
    let base = bench.any();
    let link = bench.random.of(&base.links);
    by(bench, base, &link.next)
}

/// The second form of the request's own signature.
pub fn second_form_of(bench: &mut Bench<'_>) -> Asked {
    let base = bench.any();
    let draft = bench.plain(base);
    let signature = draft.signature.key.sign(&draft.signature.base(&draft.request));
    let (input, signature) = draft.signature.parts_with(&second_form(&signature));
    draft.signed(&input, &signature)
}

/// A token out of a request that was seen, in a new request that a thief signs.
pub fn stolen(bench: &mut Bench<'_>) -> Asked {
    let place = bench.random.below(bench.sent.len());
    let base = &bench.world.pool[bench.sent[place].base];
    let thief = bench.fresh_key();
    by(bench, base, &thief)
}

/// A key that is none of this issuer's.
fn not_the_issuers(bench: &mut Bench<'_>, base: &Base) -> Key {
    let other = ISSUERS.iter().position(|(name, _)| *name != base.issuer).unwrap();
    match bench.random.below(4) {
        0 => issuer_key(bench.world.seed, other, 0),
        1 => base.holders[0].clone(),
        2 => base.links[0].next.clone(),
        _ => bench.fresh_key(),
    }
}

/// The authority block signed by another key; all behind it as it should be.
pub fn authority(bench: &mut Bench<'_>) -> Asked {
    let base = bench.any();
    let root = not_the_issuers(bench, base);
    bench.with_token(base, &Pieces::of(&root, &base.links).text(), base.holder())
}

/// More rights in the authority block, under the issuer's old signature or a wrong one; all behind it as it should be.
pub fn more_rights(bench: &mut Bench<'_>) -> Asked {
    let base = bench.any();
    let mut links = base.links.clone();
    let right = pred("right", [string("admin"), string(format!("/{}", bench.random.word())), string("all")]);
    links[0].block.facts.push(right);
    let root = not_the_issuers(bench, base);
    if bench.random.once_in(2) {
        links[0].kept = Some(base.pieces.blocks[0].signature.clone());
    }
    bench.with_token(base, &Pieces::of(&root, &links).text(), base.holder())
}

/// A later block signed by another key than the one before names; all behind it as it should be.
pub fn block(bench: &mut Bench<'_>) -> Asked {
    let base = bench.longer(1);
    let at = 1 + bench.random.below(base.links.len() - 1);
    let mut links = base.links.clone();
    let key = bench.wrong_key(&links[at - 1].next);
    links[at].signed_with = Some(key);
    bench.with_token(base, &Pieces::of(&base.root, &links).text(), base.holder())
}

/// The chain with another signer of one of its delegations; all else as it should be.
fn external_by(bench: &mut Bench<'_>, claimed: bool) -> Asked {
    let base = bench.find(|base| base.holders.len() > 1);
    let at = *bench.random.of(&base.places(true));
    let right = base.holder_after(at);
    let key = bench.wrong_key(right);
    let mut links = base.links.clone();
    links[at].by = Some(Signer { key, claimed: claimed.then(|| right.public()), kept: None });
    bench.with_token(base, &Pieces::of(&base.root, &links).text(), base.holder())
}

/// A delegation signed by another key, under the name of the holder's.
pub fn external(bench: &mut Bench<'_>) -> Asked {
    external_by(bench, true)
}

/// A delegation signed by another key, under its own name.
pub fn delegation(bench: &mut Bench<'_>) -> Asked {
    external_by(bench, false)
}

/// The seal made by another key.
pub fn seal(bench: &mut Bench<'_>) -> Asked {
    let base = bench.any();
    let right = &base.links.last().unwrap().next;
    let key = if bench.random.once_in(2) {
        let link: &Link = bench.random.of(&base.links);
        if link.next.public() == right.public() { base.holder().clone() } else { link.next.clone() }
    } else {
        bench.wrong_key(right)
    };
    let pieces = Pieces::sealed(build(&base.root, &base.links), &key);
    bench.with_token(base, &pieces.text(), base.holder())
}
