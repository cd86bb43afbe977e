//! Used twice, used up, and approved by nobody: what only a service that remembers can refuse.

use super::base::Base;
use super::bench::{Bench, Sent, find};
use super::chain::{Link, Pieces};
use super::draft::{Asked, Draft, nonce};
use crate::raw_approval::{Approval, Json};
use crate::raw_checks::{Term, pred, string};
use crate::raw_token::Block;

/// A valid request that was sent, once more, soon or late.
pub fn replay(bench: &mut Bench<'_>) -> Asked {
    let recent = bench.sent.len().saturating_sub(8);
    let from = if bench.random.once_in(2) { recent } else { 0 };
    let place = from + bench.random.below(bench.sent.len() - from);
    let mut asked = bench.sent[place].asked.clone();
    asked.now = bench.clock;
    asked
}

/// The base and the nonce of a valid request that was sent so lately that its nonce has to be known.
fn known_nonce<'w>(bench: &mut Bench<'w>) -> (&'w Base, String) {
    let recent = bench.sent.len().saturating_sub(16);
    let place = recent + bench.random.below(bench.sent.len() - recent);
    let parameters = &bench.sent[place].draft.signature.parameters;
    let nonce = parameters.iter().find(|(name, _)| name == "nonce").unwrap().1.clone();
    (&bench.world.pool[bench.sent[place].base], nonce)
}

/// Another request of the same chain with a nonce that was used.
pub fn used_nonce(bench: &mut Bench<'_>) -> Asked {
    let (base, nonce) = known_nonce(bench);
    let mut draft = bench.whole(base);
    draft.signature.set("nonce", nonce);
    draft.sign()
}

/// Another request of the same holder with a nonce that was used, under a chain that began with another agent.
pub fn used_nonce_elsewhere(bench: &mut Bench<'_>) -> Asked {
    let (base, nonce) = known_nonce(bench);
    let (agent, holder) = (base.holders[0].public(), base.holder());
    let other = bench.find(|other| other.left > 0 && other.holders[0].public() != agent);
    let next = bench.fresh_key();
    let mut links = other.links.clone();
    links.push(Link::delegation(Block::delegation("child", holder, []), other.holder(), next));
    let errand = bench.errand(other);
    let mut draft = bench.draft(&Pieces::of(&other.root, &links).text(), holder, &errand);
    bench.approve(&mut draft, other, holder);
    draft.signature.set("nonce", nonce);
    draft.sign()
}

/// A request of a base that needs approvals, before they are added.
fn unapproved<'w>(bench: &mut Bench<'w>) -> (&'w Base, Draft) {
    let base = bench.find(|base| !base.approvers.is_empty());
    (base, bench.plain(base))
}

/// The approvals that it needs, one of them changed.
fn approved(
    bench: &mut Bench<'_>,
    base: &Base,
    draft: &Draft,
    change: impl FnOnce(&mut Approval, &mut Bench<'_>),
) -> Vec<Approval> {
    let operation = draft.operation(base, base.holder());
    let mut approvals: Vec<_> =
        base.approvers.iter().map(|key| draft.approval(&operation, key, &mut bench.random)).collect();
    let at = bench.random.below(approvals.len());
    change(&mut approvals[at], bench);
    approvals
}

/// Without one of the approvals.
pub fn missing(bench: &mut Bench<'_>) -> Asked {
    let (base, mut draft) = unapproved(bench);
    let mut approvals = approved(bench, base, &draft, |_, _| {});
    approvals.remove(bench.random.below(approvals.len()));
    draft.approve(&approvals);
    draft.sign()
}

/// With an approval that is over, that is to come, or that lasts longer than any may.
pub fn expired(bench: &mut Bench<'_>) -> Asked {
    let (base, mut draft) = unapproved(bench);
    let now = draft.now;
    let approvals = approved(bench, base, &draft, |approval, bench| {
        let by = bench.random.between(1, 500);
        let (created, expires) = match bench.random.below(4) {
            0 => (now + 30 + by, now + 60 + by),
            1 => (now - by, now - by + 601),
            2 => (now + 10, now + 10),
            _ => (now - by - 99, now - by),
        };
        *approval = approval.clone().times(created, expires);
    });
    draft.approve(&approvals);
    draft.sign()
}

/// With an approval of another operation: one member differs of all that an approver signs.
pub fn other_operation(bench: &mut Bench<'_>) -> Asked {
    let (base, mut draft) = unapproved(bench);
    let approvals = approved(bench, base, &draft.clone(), |approval, bench| {
        let operation = draft.operation(base, base.holder());
        let (name, old) = bench.random.of(&operation.0).clone();
        let other = if old == Json::Null { Json::Text(bench.random.word()) } else { Json::Null };
        let operation =
            operation.with(&name, if bench.random.once_in(2) { bench.random.word().as_str().into() } else { other });
        let key = approval.key.clone();
        *approval = draft.approval(&operation, &key, &mut bench.random);
    });
    draft.approve(&approvals);
    draft.sign()
}

/// With an approval signed by another key, under the approver's name or its own.
pub fn other_approver(bench: &mut Bench<'_>) -> Asked {
    let (base, mut draft) = unapproved(bench);
    let approvals = approved(bench, base, &draft, |approval, bench| {
        let key = if bench.random.once_in(3) { base.holder().clone() } else { bench.wrong_key(&approval.key) };
        if bench.random.once_in(4) && base.approvers.iter().all(|other| other.public() != key.public()) {
            *approval = approval.clone().with("approver", format!("\"{}\"", key.id()));
        }
        approval.key = key;
    });
    draft.approve(&approvals);
    draft.sign()
}

/// With a bit of an approval flipped, in a request that the holder signed afterwards.
pub fn flipped(bench: &mut Bench<'_>) -> Asked {
    let (base, mut draft) = unapproved(bench);
    let approvals = approved(bench, base, &draft, |_, _| {});
    let mut texts: Vec<String> = approvals.iter().map(Approval::text).collect();
    let at = bench.random.below(texts.len());
    let (payload, signature) = texts[at].split_once('.').unwrap();
    let (mut payload, mut signature) = (crate::text::from_b64u(payload), crate::text::from_b64u(signature));
    let half = if bench.random.once_in(2) { &mut payload } else { &mut signature };
    bench.random.flip(half);
    texts[at] = format!("{}.{}", crate::text::b64u(&payload), crate::text::b64u(&signature));
    draft.covered("Countersign-Approval", &texts.join(", "));
    draft.sign()
}

/// An approved request again, signed anew with another nonce, under the approval that was used.
pub fn used_approval(bench: &mut Bench<'_>) -> Asked {
    let now = bench.clock;
    let fits = |sent: &Sent| sent.approved_until > 0;
    let lasting = |sent: &Sent| sent.approved_until >= now;
    let sent = if bench.sent.iter().any(lasting) {
        find(&bench.sent, &mut bench.random, lasting)
    } else {
        find(&bench.sent, &mut bench.random, fits)
    };
    let mut draft = sent.draft.clone();
    draft.now = now;
    draft.signature.set("nonce", nonce(&mut bench.random));
    draft.signature.set("created", now.to_string());
    draft.signature.set("expires", (now + 60).to_string());
    draft.sign()
}

/// A budget that is used up.
pub fn spent(bench: &mut Bench<'_>) -> Asked {
    let world = bench.world;
    let used_up: Vec<&Base> = {
        let of = |(number, _): &(usize, usize)| &world.pool[*number];
        let all = bench.spent.keys().map(of);
        all.filter(|base| bench.left(base, "calls") < 1).collect()
    };
    let base = *bench.random.of(&used_up);
    bench.whole(base).sign()
}

/// A budget that has less left than the operation costs.
pub fn beyond(bench: &mut Bench<'_>) -> Asked {
    let base = bench.find(|base| base.errand.entry().cents);
    let mut errand = bench.errand(base);
    let more = bench.random.between(1, 1 << 40);
    let most = if bench.random.once_in(4) { (1 << 53) - 1 } else { bench.left(base, "cents") + more };
    errand.set_member("amount", Json::from(most));
    let mut draft = bench.draft(&base.text, base.holder(), &errand);
    bench.approve(&mut draft, base, base.holder());
    draft.sign()
}

/// A budget of a unit that the operation does not name: no request of its holder is within it.
pub fn other_unit(bench: &mut Bench<'_>) -> Asked {
    let base = bench.find(|base| base.left > 0 && !base.errand.entry().cents);
    let (next, child) = (bench.fresh_key(), bench.fresh_key());
    let mut block = Block::delegation("child", &child, []);
    let unit = if bench.random.once_in(2) { "cents".to_owned() } else { bench.random.word() };
    block.facts.push(pred("budget", [string("c"), string(unit), Term::Int(1 << 50), Term::Int(0)]));
    let mut links = base.links.clone();
    links.push(Link::delegation(block, base.holder(), next));
    let errand = bench.errand(base);
    let mut draft = bench.draft(&Pieces::of(&base.root, &links).text(), &child, &errand);
    bench.approve(&mut draft, base, &child);
    draft.sign()
}
