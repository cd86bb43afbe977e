//! The facts of authority and delegation blocks (`spec/token.md`, Authority block and Delegation blocks).

use super::Faults;
use super::block::{Block, Predicate, Term};
use super::chain::expiry;

/// An account, a unit, an amount and a window.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    pub(super) account: String,
    pub(super) unit: String,
    pub(super) amount: i64,
    pub(super) window: i64,
}

/// What the authority block says. What is missing was refused.
#[derive(Clone, Debug, Default)]
pub(super) struct Claims {
    pub(super) issuer: Option<String>,
    pub(super) user: Option<String>,
    pub(super) agent: Option<(String, Vec<u8>)>,
    pub(super) purpose: Option<String>,
    pub(super) audience: Option<String>,
    pub(super) issued_at: Option<u64>,
    /// Type, location, action.
    pub(super) rights: Vec<[String; 3]>,
    pub(super) delegation_depth: Option<i64>,
    pub(super) budgets: Vec<Budget>,
    /// Account, type, action.
    pub(super) metered: Vec<[String; 3]>,
    /// Type, action, key.
    pub(super) approvals: Vec<(String, String, Vec<u8>)>,
    pub(super) grant: Option<String>,
    pub(super) conversation: Option<String>,
}

/// What a delegation block says.
#[derive(Clone, Debug, Default)]
pub(super) struct Delegation {
    pub(super) delegate: Option<(String, Vec<u8>)>,
    pub(super) depth: Option<i64>,
}

/// The table of the authority block: name, kinds of the terms, least and greatest count.
const AUTHORITY: [(&str, &str, usize, usize); 14] = [
    ("countersign", "i", 1, 1),
    ("issuer", "s", 1, 1),
    ("user", "s", 1, 1),
    ("agent", "sb", 1, 1),
    ("purpose", "s", 1, 1),
    ("audience", "s", 1, 1),
    ("issued_at", "d", 1, 1),
    ("right", "sss", 1, 128),
    ("delegation_depth", "i", 0, 1),
    ("budget", "ssii", 0, 8),
    ("metered", "sss", 0, 16),
    ("approval", "ssb", 0, 16),
    ("grant", "s", 0, 1),
    ("conversation", "s", 0, 1),
];

/// The table of delegation blocks.
const DELEGATION: [(&str, &str, usize, usize); 3] =
    [("delegate", "sb", 1, 1), ("delegation_depth", "i", 0, 1), ("budget", "ssii", 0, 8)];

/// The kinds of a fact's terms, a letter each.
fn kinds(fact: &Predicate) -> String {
    let kind = |term: &Term| match term {
        Term::Integer(_) => 'i',
        Term::Text(_) => 's',
        Term::Date(_) => 'd',
        Term::Bytes(_) => 'b',
        Term::Bool(_) | Term::Variable(_) | Term::Set(_) => '?',
    };
    fact.terms.iter().map(kind).collect()
}

/// The facts of this name that have the terms of the table.
fn of<'a>(block: &'a Block, name: &str, form: &str) -> Vec<&'a [Term]> {
    let fits = |fact: &&Predicate| fact.name == name && kinds(fact) == form;
    block.facts.iter().filter(fits).map(|fact| fact.terms.as_slice()).collect()
}

fn text(term: &Term) -> String {
    if let Term::Text(text) = term { text.clone() } else { unreachable!("a string by the table") }
}

fn integer(term: &Term) -> i64 {
    if let Term::Integer(value) = term { *value } else { unreachable!("an integer by the table") }
}

fn bytes(term: &Term) -> Vec<u8> {
    if let Term::Bytes(bytes) = term { bytes.clone() } else { unreachable!("bytes by the table") }
}

/// Reads an authority block.
pub(super) fn authority(block: &Block, faults: &mut Faults) -> Option<Claims> {
    for fact in &block.facts {
        // spec: TK-28
        let fits = AUTHORITY.iter().any(|(name, form, ..)| *name == fact.name && *form == kinds(fact));
        faults.need(fits, 4, "token_profile", "TK-28");
    }
    for (name, _, least, most) in AUTHORITY {
        let count = block.facts.iter().filter(|fact| fact.name == name).count();
        // spec: TK-29
        faults.need(count >= least && (most > 1 || count <= most), 4, "token_profile", "TK-29");
        // spec: TK-30
        faults.need(most == 1 || count <= most, 4, "limit_exceeded", "TK-30");
    }
    // spec: TK-31
    for terms in of(block, "countersign", "i") {
        faults.need(integer(&terms[0]) == 1, 4, "token_profile", "TK-31");
    }
    // spec: TK-34
    faults.need(block.checks.iter().any(|check| expiry(check).is_some()), 4, "token_profile", "TK-34");
    let one = |name: &str| of(block, name, "s").first().map(|terms| text(&terms[0]));
    let claims = Claims {
        issuer: one("issuer"),
        user: one("user"),
        agent: holder(block, "agent", faults),
        purpose: one("purpose"),
        audience: one("audience"),
        issued_at: of(block, "issued_at", "d").first().and_then(|terms| match terms[0] {
            Term::Date(date) => Some(date),
            _ => None,
        }),
        rights: three(block, "right"),
        delegation_depth: depth(block, 6, faults),
        budgets: budgets(block, faults),
        metered: three(block, "metered"),
        approvals: of(block, "approval", "ssb")
            .into_iter()
            .map(|terms| (text(&terms[0]), text(&terms[1]), key(&terms[2], faults)))
            .collect(),
        grant: one("grant"),
        conversation: one("conversation"),
    };
    Some(claims)
}

/// Reads a delegation block.
pub(super) fn delegation(block: &Block, faults: &mut Faults) -> Delegation {
    for fact in &block.facts {
        // spec: TK-38
        let fits = DELEGATION.iter().any(|(name, form, ..)| *name == fact.name && *form == kinds(fact));
        faults.need(fits, 4, "token_profile", "TK-38");
    }
    for (name, _, least, most) in DELEGATION {
        let count = block.facts.iter().filter(|fact| fact.name == name).count();
        let code = if most > 1 { "limit_exceeded" } else { "token_profile" };
        // spec: TK-38
        faults.need((least..=most).contains(&count), 4, code, "TK-38");
    }
    budgets(block, faults);
    // TK-47 bounds it from above.
    Delegation { delegate: holder(block, "delegate", faults), depth: depth(block, i64::MAX, faults) }
}

/// The budgets of a block.
pub(super) fn budgets(block: &Block, faults: &mut Faults) -> Vec<Budget> {
    of(block, "budget", "ssii")
        .into_iter()
        .filter_map(|terms| {
            let (amount, window) = (integer(&terms[2]), integer(&terms[3]));
            // spec: TK-33
            let in_range = amount >= 1 && window >= 0;
            faults.need(in_range, 4, "token_profile", "TK-33");
            in_range.then(|| Budget { account: text(&terms[0]), unit: text(&terms[1]), amount, window })
        })
        .collect()
}

fn three(block: &Block, name: &str) -> Vec<[String; 3]> {
    of(block, name, "sss").into_iter().map(|terms| [0, 1, 2].map(|at| text(&terms[at]))).collect()
}

fn depth(block: &Block, most: i64, faults: &mut Faults) -> Option<i64> {
    let depth = of(block, "delegation_depth", "i").first().map(|terms| integer(&terms[0]))?;
    // spec: TK-33
    faults.need((1..=most).contains(&depth), 4, "token_profile", "TK-33");
    Some(depth)
}

// spec: TK-32
fn key(term: &Term, faults: &mut Faults) -> Vec<u8> {
    let key = bytes(term);
    faults.need(key.len() == 32, 4, "token_profile", "TK-32");
    key
}

fn holder(block: &Block, name: &str, faults: &mut Faults) -> Option<(String, Vec<u8>)> {
    of(block, name, "sb").first().map(|terms| (text(&terms[0]), key(&terms[1], faults)))
}
