//! Parts of one token in another one, each sent by a holder of what comes out.

use super::base::Base;
use super::bench::Bench;
use super::chain::{Pieces, resign, second_form};
use super::draft::Asked;

/// A base with a delegation, and another one with the same holders in front of it.
fn delegated<'w>(bench: &mut Bench<'w>) -> (&'w Base, &'w Base) {
    let base = bench.find(|base| base.holders.len() > 1);
    (base, &bench.world.pool[base.number ^ 4])
}

/// The first blocks of one token before the later ones of another, with that one's seal.
pub fn blocks(bench: &mut Bench<'_>) -> Asked {
    let (base, other) = delegated(bench);
    let (to, from) = if bench.random.once_in(2) {
        // The same number of blocks, so that symbols fit where they can.
        let at = 1 + bench.random.below(base.links.len().min(other.links.len()) - 1);
        (at, at)
    } else {
        (1 + bench.random.below(base.links.len()), 1 + bench.random.below(other.links.len() - 1))
    };
    let mut blocks = base.pieces.blocks[..to].to_vec();
    blocks.extend_from_slice(&other.pieces.blocks[from..]);
    let holder = match other.links[from..].iter().any(|link| link.by.is_some()) {
        true => other.holder(),
        false => base.holder_after(to),
    };
    bench.with_token(base, &Pieces { blocks, seal: other.pieces.seal.clone() }.text(), holder)
}

/// The signature of a block of another token.
pub fn signature(bench: &mut Bench<'_>) -> Asked {
    let (base, other) = delegated(bench);
    let at = bench.random.below(base.links.len().min(other.links.len()));
    let mut pieces = base.pieces.clone();
    pieces.blocks[at].signature.clone_from(&other.pieces.blocks[at].signature);
    bench.with_token(base, &pieces.text(), base.holder())
}

/// The external signature of another token's delegation.
pub fn external(bench: &mut Bench<'_>) -> Asked {
    let (base, other) = delegated(bench);
    let to = *bench.random.of(&base.places(true));
    let from = *bench.random.of(&other.places(true));
    let mut pieces = base.pieces.clone();
    let taken = other.pieces.blocks[from].external.as_ref().unwrap().signature.clone();
    pieces.blocks[to].external.as_mut().unwrap().signature = taken;
    if bench.random.once_in(2) {
        // By somebody who has all secrets but the holder's key: everything behind it is signed as it should be.
        sign_from(base, &mut pieces, to);
    }
    bench.with_token(base, &pieces.text(), base.holder())
}

/// The seal of another token.
pub fn seal(bench: &mut Bench<'_>) -> Asked {
    let base = bench.any();
    let other = bench.find(|other| other.number != base.number);
    let pieces = Pieces { seal: other.pieces.seal.clone(), ..base.pieces.clone() };
    bench.with_token(base, &pieces.text(), base.holder())
}

/// A key of the forger in place of a block's next key, and all behind it signed by the forger.
pub fn next_key(bench: &mut Bench<'_>) -> Asked {
    let base = bench.any();
    let at = bench.random.below(base.links.len());
    let key = bench.fresh_key();
    let mut pieces = base.pieces.clone();
    pieces.blocks[at].next = key.public().to_vec();
    let last = base.links.len() - 1;
    if at == last {
        pieces = Pieces::sealed(pieces.blocks, &key);
    } else {
        resign(&mut pieces.blocks, at + 1, &key);
        // Without the holders' keys, delegations behind it keep signatures over what was there before.
        for later in at + 2..=last {
            resign(&mut pieces.blocks, later, &base.links[later - 1].next);
        }
        pieces = Pieces::sealed(pieces.blocks, &base.links[last].next);
    }
    bench.with_token(base, &pieces.text(), base.holder())
}

/// The second form of a signature in the token.
pub fn second_form_of(bench: &mut Bench<'_>) -> Asked {
    let base = bench.any();
    let mut pieces = base.pieces.clone();
    let at = bench.random.below(base.links.len());
    match bench.random.below(3) {
        0 => pieces.seal = second_form(&pieces.seal),
        1 if pieces.blocks[at].external.is_some() => {
            let external = pieces.blocks[at].external.as_mut().unwrap();
            external.signature = second_form(&external.signature);
            sign_from(base, &mut pieces, at);
        }
        _ => {
            pieces.blocks[at].signature = second_form(&pieces.blocks[at].signature);
            for later in at + 1..base.links.len() {
                resign_all(base, &mut pieces, later);
            }
            pieces = Pieces::sealed(pieces.blocks, &base.links.last().unwrap().next);
        }
    }
    bench.with_token(base, &pieces.text(), base.holder())
}

/// Signs the blocks from this one on, and the seal, with the secrets of the chain; external signatures stay.
fn sign_from(base: &Base, pieces: &mut Pieces, from: usize) {
    for at in from..base.links.len() {
        if at == 0 {
            resign(&mut pieces.blocks, 0, &base.root);
        } else if at == from {
            resign(&mut pieces.blocks, at, &base.links[at - 1].next);
        } else {
            resign_all(base, pieces, at);
        }
    }
    *pieces = Pieces::sealed(core::mem::take(&mut pieces.blocks), &base.links.last().unwrap().next);
}

/// Signs one block with the secret of the chain, its external signature first, by the holder.
fn resign_all(base: &Base, pieces: &mut Pieces, at: usize) {
    if let Some(by) = &base.links[at].by {
        let previous = pieces.blocks[at - 1].signature.clone();
        let payload = crate::raw_token::external_payload(&pieces.blocks[at].payload, &previous);
        pieces.blocks[at].external.as_mut().unwrap().signature = by.key.sign(&payload);
    }
    resign(&mut pieces.blocks, at, &base.links[at - 1].next);
}
