//! Blocks dropped, reordered, repeated, moved, and widened.
//!
//! Whoever had a token before a block was added may go on without it; so these forgers never have an earlier secret, or
//! not the keys of holders and issuers.

use super::base::Base;
use super::bench::Bench;
use super::chain::{Link, Pieces, Signer, build, resign};
use super::draft::Asked;
use super::limits::Limit;
use crate::keys::Key;
use crate::raw_checks::{Term, pred, string};
use crate::raw_token::{Block, SignedBlock};

/// Whoever a chain of these blocks of the base names last.
fn holder_of(base: &Base, places: impl IntoIterator<Item = usize>) -> &Key {
    let delegations = base.places(true);
    let last = places.into_iter().filter(|place| delegations.contains(place)).max();
    &base.holders[last.map_or(0, |last| delegations.iter().position(|place| *place == last).unwrap() + 1)]
}

/// The blocks that are left, sealed as a forger can: with the old seal, the last secret, or a key of the forger that has
/// signed what follows the gap.
fn sealed(bench: &mut Bench<'_>, base: &Base, mut blocks: Vec<SignedBlock>, gap: usize) -> Pieces {
    let last = &base.links.last().unwrap().next;
    match bench.random.below(3) {
        0 => Pieces { blocks, seal: base.pieces.seal.clone() },
        1 => Pieces::sealed(blocks, last),
        _ => {
            let key = bench.fresh_key();
            if gap < blocks.len() {
                resign(&mut blocks, gap, &key);
                Pieces::sealed(blocks, last)
            } else {
                Pieces::sealed(blocks, &key)
            }
        }
    }
}

fn dropped(bench: &mut Bench<'_>, delegations: bool) -> Asked {
    let base = bench.find(|base| !base.places(delegations).is_empty());
    let at = *bench.random.of(&base.places(delegations));
    let mut blocks = base.pieces.blocks.clone();
    blocks.remove(at);
    let holder = holder_of(base, (0..base.links.len()).filter(|place| *place != at));
    let pieces = sealed(bench, base, blocks, at);
    bench.with_token(base, &pieces.text(), holder)
}

/// Without one of its restriction blocks.
pub fn drop_restriction(bench: &mut Bench<'_>) -> Asked {
    dropped(bench, false)
}

/// Without one of its delegation blocks.
pub fn drop_delegation(bench: &mut Bench<'_>) -> Asked {
    dropped(bench, true)
}

/// The first blocks alone.
pub fn truncate(bench: &mut Bench<'_>) -> Asked {
    let base = bench.longer(1);
    let keep = 1 + bench.random.below(base.links.len() - 1);
    let pieces = sealed(bench, base, base.pieces.blocks[..keep].to_vec(), keep);
    bench.with_token(base, &pieces.text(), holder_of(base, 0..keep))
}

/// Two later blocks in the place of each other.
pub fn reorder(bench: &mut Bench<'_>) -> Asked {
    let base = bench.longer(2);
    let later = base.links.len() - 1;
    let one = 1 + bench.random.below(later);
    let other = 1 + (one + bench.random.below(later - 1)) % later;
    let mut blocks = base.pieces.blocks.clone();
    blocks.swap(one, other);
    let pieces = Pieces { blocks, seal: base.pieces.seal.clone() };
    bench.with_token(base, &pieces.text(), base.holder())
}

/// A later block twice.
pub fn repeat(bench: &mut Bench<'_>) -> Asked {
    let base = bench.longer(1);
    let at = 1 + bench.random.below(base.links.len() - 1);
    let mut blocks = base.pieces.blocks.clone();
    blocks.insert(at, blocks[at].clone());
    let pieces = sealed(bench, base, blocks, at + 1);
    bench.with_token(base, &pieces.text(), base.holder())
}

/// A block behind a sealed token, by somebody without its last secret.
pub fn extend(bench: &mut Bench<'_>) -> Asked {
    let base = bench.any();
    let (key, next, thief) = (bench.fresh_key(), bench.fresh_key(), bench.fresh_key());
    let mut links = base.links.clone();
    let mut holder = base.holder();
    if base.left > 0 && bench.random.once_in(2) {
        let block = Block::delegation("thief", &thief, []);
        links.push(Link { signed_with: Some(key), ..Link::delegation(block, base.holder(), next) });
        holder = &thief;
    } else {
        let block = Block::restriction(Limit::Until(base.expires).checks());
        links.push(Link { signed_with: Some(key), ..Link::own(block, next) });
    }
    bench.with_token(base, &Pieces::of(&base.root, &links).text(), holder)
}

/// A delegation behind other blocks than those it was signed for, by somebody who has every secret of those.
pub fn move_delegation(bench: &mut Bench<'_>) -> Asked {
    let base = bench.find(|base| base.holders.len() > 1);
    let at = *bench.random.of(&base.places(true));
    let delegator = base.holder_after(at);
    let other = &bench.world.pool[base.number ^ 4];
    let prefixes: Vec<usize> =
        (1..=other.links.len()).filter(|keep| other.holder_after(*keep).public() == delegator.public()).collect();
    let (root, mut links) = match bench.random.below(3) {
        // The same chain without the restriction in front of it, or with one more.
        0 if at > 1 && base.links[at - 1].by.is_none() => (&base.root, base.links[..at - 1].to_vec()),
        1 => {
            let mut links = base.links[..at].to_vec();
            let block = Block::restriction(Limit::Until(base.expires + 1).checks());
            links.push(Link::own(block, bench.fresh_key()));
            (&base.root, links)
        }
        _ => (&other.root, other.links[..*bench.random.of(&prefixes)].to_vec()),
    };
    let external = base.pieces.blocks[at].external.as_ref().unwrap().signature.clone();
    let by = Signer { key: delegator.clone(), claimed: None, kept: Some(external) };
    links.push(Link { by: Some(by), ..base.links[at].clone() });
    let base_of_errand = if root.public() == base.root.public() { base } else { other };
    bench.with_token(base_of_errand, &Pieces::of(root, &links).text(), base.holder_after(at + 1))
}

/// The open form, next secret and all.
pub fn open(bench: &mut Bench<'_>) -> Asked {
    let base = bench.any();
    let text = base.pieces.open_text(&base.links.last().unwrap().next);
    bench.with_token(base, &text, base.holder())
}

/// A right, a budget or another user in a block that may have none, signed by everybody who should.
pub fn smuggle(bench: &mut Bench<'_>) -> Asked {
    let base = bench.any();
    let word = bench.random.word();
    let fact = match bench.random.below(4) {
        0 => pred("right", [string("mail"), string("/"), string("send")]),
        1 => pred("user", [string(word)]),
        2 => pred("issued_at", [Term::Date(base.issued.unsigned_abs())]),
        _ => pred("audience", [string(word)]),
    };
    let (next, child) = (bench.fresh_key(), bench.fresh_key());
    let mut links = base.links.clone();
    let mut holder = base.holder();
    if base.left > 0 && bench.random.once_in(2) {
        let mut block = Block::delegation("child", &child, []);
        block.facts.push(fact);
        links.push(Link::delegation(block, base.holder(), next));
        holder = &child;
    } else {
        let mut block = Block::restriction(Limit::Until(base.expires).checks());
        block.facts.push(fact);
        links.push(Link::own(block, next));
    }
    bench.with_token(base, &Pieces::of(&base.root, &links).text(), holder)
}

/// A delegation more than is left, or one that leaves more than it may; signed by everybody who should.
pub fn widen_depth(bench: &mut Bench<'_>) -> Asked {
    let base = bench.any();
    let (next, child) = (bench.fresh_key(), bench.fresh_key());
    let mut block = Block::delegation("child", &child, []);
    if base.left > 0 || bench.random.once_in(2) {
        let depth = base.left.max(1) + bench.random.between(0, 3);
        block.facts.push(pred("delegation_depth", [Term::Int(depth)]));
    }
    let mut links = base.links.clone();
    links.push(Link::delegation(block, base.holder(), next));
    bench.with_token(base, &Pieces::of(&base.root, &links).text(), &child)
}

/// A delegation that says more than its delegator signed: without its restrictions, deeper, for another key.
pub fn widen_delegation(bench: &mut Bench<'_>) -> Asked {
    let base = bench.find(|base| base.holders.len() > 1);
    let places = base.places(true);
    let at = *bench.random.of(&places);
    let (delegator, own) = (base.holder_after(at), base.holder_after(at + 1));
    let mut links = base.links.clone();
    let thief = bench.fresh_key();
    let mut holder = base.holder();
    match bench.random.below(3) {
        0 if !links[at].block.checks.is_empty() => links[at].block.checks.clear(),
        // Another key only in the last one: the delegation behind it is by its own holder.
        1 if *places.last().unwrap() == at => {
            links[at].block.facts[0] = pred("delegate", [string("thief"), Term::Bytes(thief.public().to_vec())]);
            holder = &thief;
        }
        _ => {
            let terms = [string("wide"), string("calls"), Term::Int(1 << 40), Term::Int(0)];
            links[at].block.facts.push(pred("budget", terms));
        }
    }
    let external = base.pieces.blocks[at].external.as_ref().unwrap().signature.clone();
    // Under the delegator's old signature, or one of the new holder in the delegator's name.
    links[at].by = Some(match bench.random.once_in(2) {
        true => Signer { key: own.clone(), claimed: Some(delegator.public()), kept: None },
        false => Signer { key: delegator.clone(), claimed: None, kept: Some(external) },
    });
    bench.with_token(base, &Pieces::of(&base.root, &links).text(), holder)
}

/// A restriction block that says less, under its old signature; all behind it as it should be.
pub fn widen_restriction(bench: &mut Bench<'_>) -> Asked {
    let base = bench.find(|base| !base.places(false).is_empty());
    let at = *bench.random.of(&base.places(false));
    let mut links = base.links.clone();
    let until = Limit::Until(base.expires + bench.random.between(20_000, 40_000));
    links[at].block.checks = until.checks();
    links[at].kept = Some(base.pieces.blocks[at].signature.clone());
    let blocks = build(&base.root, &links);
    bench.with_token(base, &Pieces::sealed(blocks, &links.last().unwrap().next).text(), base.holder())
}
