//! The pool of chains that valid requests are made with and forged ones begin from.

use super::chain::{Link, Pieces};
use super::errand::Errand;
use super::limits::Limit;
use super::random::Random;
use super::service::{ISSUERS, REVOKED_ISSUER_KEY, ROWS, SERVICES, covers, issuer_key};
use crate::clock::NOW;
use crate::keys::Key;
use crate::raw_approval::{Json, agent};
use crate::raw_checks::{Predicate, Term, date, expiry, pred, string};
use crate::raw_token::Block;

/// A right.
pub type Right = [String; 3];

/// A budget that counts what its base is for.
#[derive(Clone, Debug)]
pub struct Budget {
    /// `calls` or `cents`.
    pub unit: &'static str,
    /// How much there is, within any window: those of the forger do not end while it runs.
    pub amount: i64,
}

/// A chain, and what is known of it.
#[derive(Clone, Debug)]
pub struct Base {
    /// Its number in the pool: bases of one family share the keys of agents and delegates.
    pub number: usize,
    /// The issuer's name.
    pub issuer: String,
    /// The user.
    pub user: String,
    /// The purpose.
    pub purpose: String,
    /// The audience.
    pub audience: String,
    /// The issuer's key.
    pub root: Key,
    /// The blocks.
    pub links: Vec<Link>,
    /// The blocks, signed and sealed.
    pub pieces: Pieces,
    /// The token.
    pub text: String,
    /// The holders, the agent first.
    pub holders: Vec<Key>,
    /// Their names.
    pub names: Vec<String>,
    /// Its rights.
    pub rights: Vec<Right>,
    /// All its restrictions.
    pub limits: Vec<Limit>,
    /// What it is for.
    pub errand: Errand,
    /// Whose approval that needs.
    pub approvers: Vec<Key>,
    /// The budgets that count it.
    pub budgets: Vec<Budget>,
    /// How many delegations may follow.
    pub left: i64,
    /// When it was issued.
    pub issued: i64,
    /// Its effective expiry.
    pub expires: i64,
}

impl Base {
    /// The holders up to this one, as an approver signs them.
    #[must_use]
    pub fn agents(&self, holder: &Key) -> Json {
        let last = self.holders.iter().position(|known| known.id() == holder.id());
        let held = self.names.iter().zip(&self.holders).take(last.map_or(usize::MAX, |last| last + 1));
        Json::Array(held.map(|(name, key)| agent(name, key)).collect())
    }

    /// The current holder.
    #[must_use]
    pub fn holder(&self) -> &Key {
        self.holders.last().unwrap()
    }

    /// The holder after the first `blocks` blocks.
    #[must_use]
    pub fn holder_after(&self, blocks: usize) -> &Key {
        &self.holders[self.links[..blocks].iter().filter(|link| link.by.is_some()).count()]
    }

    /// The places of the restriction blocks, or of the delegation blocks.
    #[must_use]
    pub fn places(&self, delegations: bool) -> Vec<usize> {
        (1..self.links.len()).filter(|at| self.links[*at].by.is_some() == delegations).collect()
    }

    /// Whether a right covers this errand.
    #[must_use]
    pub fn covers(&self, errand: &Errand) -> bool {
        let (row, resource) = (errand.entry(), errand.resource());
        self.rights
            .iter()
            .any(|[kind, location, action]| kind == row.kind() && action == row.action() && covers(location, &resource))
    }
}

/// What a base differs in from others on purpose.
#[derive(Clone, Debug, Default)]
pub struct Spec {
    /// Its number.
    pub number: usize,
    /// A word in the names of its user and keys, so that what is revoked of it is nobody else's.
    pub apart: &'static str,
    /// An audience that is not the service's.
    pub audience: Option<String>,
    /// An issuer that is not configured.
    pub stranger: bool,
    /// Signed by the issuer's key that is revoked.
    pub revoked_key: bool,
    /// More facts of the authority block.
    pub facts: Vec<Predicate>,
}

/// How many bases there are that valid requests are made with.
pub const POOL: usize = 320;

/// Makes a base. The number decides what every pool has to have; the rest is drawn.
#[must_use]
pub fn base(seed: u64, spec: Spec, random: &mut Random) -> Base {
    let Spec { number, apart, .. } = spec;
    let family = number / 8;
    let depth = number % 4;
    let key = |name: String| Key::named(&format!("forge {seed} {apart}{name}"));
    let issuer = if spec.revoked_key { REVOKED_ISSUER_KEY.0 } else { family % ISSUERS.len() };
    let usable = if issuer == REVOKED_ISSUER_KEY.0 { REVOKED_ISSUER_KEY.1 } else { ISSUERS[issuer].1 };
    let root = match (spec.stranger, spec.revoked_key) {
        (true, _) => key("stranger".into()),
        (_, true) => issuer_key(seed, issuer, REVOKED_ISSUER_KEY.1),
        _ => issuer_key(seed, issuer, random.below(usable)),
    };
    let issuer = if spec.stranger { "https://stranger.example".to_owned() } else { ISSUERS[issuer].0.to_owned() };
    let user = format!("user-{apart}{}@example.com", random.below(24) + 24 * (family % 4));
    let purpose = (*random.of(&["scheduling", "billing", "support", "research"])).to_owned();
    let errand = Errand::of(random.below(ROWS.len()), random);
    let row = errand.entry();
    let audience = spec.audience.unwrap_or_else(|| SERVICES[row.service].to_owned());
    let holders: Vec<Key> = (0..=depth).map(|at| key(format!("family {family} holder {at}"))).collect();
    let (issued, expires) = (NOW - random.between(0, 3000), NOW + random.between(3600, 12_000));

    let mut rights = vec![[row.kind().to_owned(), location(&errand, random), row.action().to_owned()]];
    if let Some(sibling) = row.sibling {
        rights.push([row.kind().into(), rights[0][1].clone(), ROWS[sibling].action().into()]);
    }
    for _ in 0..random.below(4) {
        let other = random.of(&ROWS);
        rights.push([other.kind().into(), format!("/{}", random.word()), other.action().into()]);
    }
    random.shuffle(&mut rights);
    let approvers: Vec<Key> = match (number / 4) % 3 {
        0 => (0..1 + random.below(2)).map(|at| key(format!("approver {}", family % 5 + 7 * at))).collect(),
        _ => Vec::new(),
    };
    let left = if depth > 0 || random.once_in(2) { depth as i64 + random.between(1, 2) } else { 0 };

    let mut facts = vec![
        pred("countersign", [Term::Int(1)]),
        pred("issuer", [string(&*issuer)]),
        pred("user", [string(&*user)]),
        pred("agent", [string(format!("agent-{family}")), Term::Bytes(holders[0].public().to_vec())]),
        pred("purpose", [string(&*purpose)]),
        pred("audience", [string(&*audience)]),
        pred("issued_at", [date(issued)]),
    ];
    facts.extend(rights.iter().map(|right| pred("right", right.iter().map(string))));
    facts.extend(approvers.iter().map(|approver| {
        pred("approval", [string(row.kind()), string(row.action()), Term::Bytes(approver.public().to_vec())])
    }));
    facts.extend((left > 0).then(|| pred("delegation_depth", [Term::Int(left)])));
    let mut budgets = Vec::new();
    facts.extend(budget_facts(number, &errand, &mut budgets, random));
    facts.extend(spec.facts);
    random.shuffle(&mut facts);

    let mut limits: Vec<Limit> = (0..random.below(5)).map(|_| Limit::around(&errand, &user, random)).collect();
    let mut links = Vec::new();
    let next = |at: usize| key(format!("base {number} next {at}"));
    // A restriction in every second base of a depth, and others by chance.
    let restrictions = usize::from((number / 4).is_multiple_of(2)) + random.below(2);
    // What the later blocks have no room for stands in the first.
    let mut checks = vec![expiry(expires)];
    checks.extend(limits.iter().skip(depth + restrictions).flat_map(Limit::checks));
    if random.once_in(2) {
        checks.extend(limits.first().map(Limit::checks).into_iter().flatten());
    }
    links.push(Link::own(Block { facts, checks, ..Block::default() }, next(0)));
    let mut steps: Vec<bool> = (0..depth + restrictions).map(|at| at < depth).collect();
    random.shuffle(&mut steps);
    let (mut holder, mut left) = (0, left);
    let mut later = limits.clone().into_iter();
    for (at, delegates) in steps.into_iter().enumerate() {
        let limit = later.next().unwrap_or_else(|| {
            let until = Limit::Until(expires - random.between(0, 300));
            limits.push(until.clone());
            until
        });
        if !delegates {
            links.push(Link::own(Block::restriction(limit.checks()), next(at + 1)));
            continue;
        }
        let to = &holders[holder + 1];
        let mut block = Block::delegation(&format!("delegate-{family}-{holder}"), to, limit.checks());
        left -= 1;
        block.facts.extend((left > 0).then(|| pred("delegation_depth", [Term::Int(left)])));
        if random.once_in(4) {
            budgets.push(Budget { unit: "calls", amount: 1_000_000 });
            let terms = [string("handed-on"), string("calls"), Term::Int(1_000_000), Term::Int(3600)];
            block.facts.push(pred("budget", terms));
        }
        links.push(Link::delegation(block, &holders[holder], next(at + 1)));
        holder += 1;
    }
    let delegates = (0..depth).map(|at| format!("delegate-{family}-{at}"));
    let names = core::iter::once(format!("agent-{family}")).chain(delegates).collect();
    let pieces = Pieces::of(&root, &links);
    let ends = limits.iter().filter_map(|limit| if let Limit::Until(date) = limit { Some(*date) } else { None });
    let expires = ends.chain([expires]).min().unwrap();
    let text = pieces.text();
    Base {
        number,
        issuer,
        user,
        purpose,
        audience,
        root,
        links,
        pieces,
        text,
        holders,
        names,
        rights,
        limits,
        errand,
        approvers,
        budgets,
        left,
        issued,
        expires,
    }
}

/// A location that covers the errand's resource.
fn location(errand: &Errand, random: &mut Random) -> String {
    let resource = errand.resource();
    let parent = &resource[..resource.rfind('/').unwrap_or(0)];
    match random.below(4) {
        0 => resource,
        1 if !parent.is_empty() => parent.into(),
        2 if !parent.is_empty() => format!("{parent}/"),
        3 if random.once_in(3) => "/".into(),
        _ => resource[..resource[1..].find('/').map_or(resource.len(), |at| at + 1)].into(),
    }
}

/// Budgets of the authority block: one that counts calls, small or great, one of cents, and one that counts nothing here.
fn budget_facts(number: usize, errand: &Errand, counted: &mut Vec<Budget>, random: &mut Random) -> Vec<Predicate> {
    let row = errand.entry();
    let mut facts = Vec::new();
    let mut budget = |account: &str, unit: &'static str, amount: i64, random: &mut Random| {
        let window = Term::Int(*random.of(&[0, 3600, 86_400]));
        facts.push(pred("budget", [string(account), string(unit), Term::Int(amount), window]));
        Budget { unit, amount }
    };
    let account = format!("account-{number}");
    let small = (number / 4) % 5 == 1;
    if small || random.once_in(4) {
        let amount = if small { random.between(1, 2) } else { 1_000_000 };
        counted.push(budget(&account, "calls", amount, random));
    }
    if row.cents {
        counted.push(budget(&account, "cents", random.between(2_000, 20_000), random));
    }
    let idle = format!("idle-{number}");
    if random.once_in(4) {
        let _ = budget(&idle, "calls", 1, random);
        facts.push(pred("metered", [string(idle), string(row.kind()), string("never")]));
    }
    if random.once_in(2) {
        facts.push(pred("metered", [string(account), string(row.kind()), string(row.action())]));
    }
    facts
}
