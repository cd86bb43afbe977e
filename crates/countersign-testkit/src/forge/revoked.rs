//! Chains of which something was taken back, as they are and wrapped anew. All signatures hold.

use super::base::Base;
use super::bench::{Bench, find};
use super::chain::{Link, Pieces};
use super::draft::Asked;
use super::limits::Limit;
use super::world::Revoked;
use crate::keys::Key;
use crate::raw_token::Block;

fn taken<'w>(bench: &mut Bench<'w>, is: impl Fn(&Base, Revoked) -> bool) -> (&'w Base, Revoked) {
    let (base, why) = find(&bench.world.revoked, &mut bench.random, |(base, why)| is(base, *why));
    (base, *why)
}

/// The chain with what its holder can still do to it: nothing, a restriction more, a child.
fn descendant(bench: &mut Bench<'_>, base: &Base, mut links: Vec<Link>) -> Asked {
    let (next, child) = (bench.fresh_key(), bench.fresh_key());
    let mut holder: &Key = base.holder();
    match bench.random.below(3) {
        0 => links.push(Link::own(Block::restriction(Limit::Until(base.expires).checks()), next)),
        1 if base.left > 0 => {
            links.push(Link::delegation(Block::delegation("child", &child, []), base.holder(), next));
            holder = &child;
        }
        _ => {}
    }
    bench.with_token(base, &Pieces::of(&base.root, &links).text(), holder)
}

/// A block revoked: the token, and its descendants.
pub fn block(bench: &mut Bench<'_>) -> Asked {
    let (base, _) = taken(bench, |_, why| matches!(why, Revoked::Block(_)));
    descendant(bench, base, base.links.clone())
}

/// A revoked delegation wrapped again, under another next key and another block signature.
pub fn rewrapped(bench: &mut Bench<'_>) -> Asked {
    let (base, why) = taken(bench, |base, why| matches!(why, Revoked::Block(at) if base.places(true).contains(&at)));
    let Revoked::Block(at) = why else { unreachable!("looked for above") };
    // What follows it is by the holders themselves, who can sign again behind the new wrapping.
    let mut links = base.links.clone();
    links[at].next = bench.fresh_key();
    descendant(bench, base, links)
}

/// A holder's key revoked, first, last or between; children too.
pub fn holder(bench: &mut Bench<'_>) -> Asked {
    let (base, _) = taken(bench, |_, why| matches!(why, Revoked::Holder(_)));
    descendant(bench, base, base.links.clone())
}

/// User or grant revoked, or the conversation over.
pub fn subject(bench: &mut Bench<'_>) -> Asked {
    let subjects = [Revoked::User, Revoked::Grant, Revoked::Conversation];
    let wanted = *bench.random.of(&subjects);
    let (base, _) = taken(bench, |_, why| why == wanted);
    descendant(bench, base, base.links.clone())
}

/// Signed by the issuer's key that is revoked.
pub fn issuer_key(bench: &mut Bench<'_>) -> Asked {
    let (base, _) = taken(bench, |_, why| why == Revoked::IssuerKey);
    descendant(bench, base, base.links.clone())
}
