//! `countersign inspect`: what a token says, in sentences or as JSON. It verifies nothing and shows no secret.

use countersign::time::UnixTime;
use countersign::to_hex;
use countersign::token::{Claims, UnverifiedToken};
use serde::Serialize;

use crate::args::Inspect;
use crate::text::{quoted, visible};
use crate::{input, output};

pub(crate) fn run(args: &Inspect, now: UnixTime) -> anyhow::Result<()> {
    let token = input::token(&args.token, "TOKEN")?;
    if args.json { output::json(&Record::of(&token)) } else { output::line(&sentences(&token, now).join("\n")) }
}

/// The sentences, a line each. Every text that comes from the token is quoted or made visible.
pub(super) fn sentences(token: &UnverifiedToken, now: UnixTime) -> Vec<String> {
    let claims = token.claims();
    let mut lines = vec![
        "Nothing here is verified: anybody can write a token that says this.".to_owned(),
        String::new(),
        format!("{} says:", quoted(claims.issuer())),
    ];
    let agents: Vec<_> = claims.agents().collect();
    let first = agents.first().map(|agent| quoted(agent.name)).unwrap_or_default();
    lines.push(format!(
        "  {first} may act for {}, for the purpose {},",
        quoted(claims.user()),
        quoted(claims.purpose())
    ));
    lines.push(format!("  at the service {} and no other,", quoted(claims.audience())));
    let over = if now > claims.expires() { " (that is over)" } else { "" };
    lines.push(format!("  from {} until {}{over}:", claims.issued_at(), claims.expires()));
    for right in claims.rights() {
        let (r#type, location, action) = (quoted(right.r#type), quoted(right.location), quoted(right.action));
        // A location that ends with a slash covers no resource of its own name.
        let place = match right.location.ends_with('/') {
            true => format!("what is beneath {location}"),
            false => format!("{location} and what is beneath it"),
        };
        lines.push(format!("  - {action} on {place}, in operations of type {type}"));
    }
    lines.push(String::new());
    chain(claims, &mut lines);
    lines.push(String::new());
    checks(claims, &mut lines);
    conditions(claims, &mut lines);
    lines.push(String::new());
    lines.push(match token.is_sealed() {
        true => {
            "The token is sealed: it can be used by the current holder's key alone, and narrowed by no one.".to_owned()
        }
        false => {
            "The token is open: whoever has this text can narrow it, and seal it for use. Keep it secret.".to_owned()
        }
    });
    lines
}

fn chain(claims: Claims<'_>, lines: &mut Vec<String>) {
    lines.push("Holders, in the order in which it was handed on:".to_owned());
    let mut holders = claims.agents().zip(1_u32..).peekable();
    while let Some((agent, number)) = holders.next() {
        let whose = match agent.claimed_by {
            None => "by the issuer's word".to_owned(),
            Some(key) => format!("by the word of the holder of {}", key.id()),
        };
        let current = if holders.peek().is_none() { "; signs the requests now" } else { "" };
        lines.push(format!("  {number}. {}, {whose}; key id {}{current}", quoted(agent.name), agent.key.id()));
    }
    lines.push(match claims.delegation_depth() {
        0 => "It may not be handed on any more.".to_owned(),
        1 => "It may be handed on once more.".to_owned(),
        times => format!("It may be handed on {times} more times."),
    });
}

fn checks(claims: Claims<'_>, lines: &mut Vec<String>) {
    lines.push("Checks, of which all must pass:".to_owned());
    for block in 0..claims.block_count() {
        let whose = match (block, claims.delegated_by(block)) {
            (0, _) => "of the issuer".to_owned(),
            (_, Some(key)) => format!("of the holder of {}, who handed it on", key.id()),
            (_, None) => "of whoever narrowed it".to_owned(),
        };
        for check in claims.checks(block) {
            lines.push(format!("  - {whose} (block {block}): {}", visible(&check)));
        }
    }
}

/// Budgets, approvals, and what it ends with.
fn conditions(claims: Claims<'_>, lines: &mut Vec<String>) {
    for budget in claims.budgets() {
        let window = match budget.window {
            0 => "in all".to_owned(),
            seconds => format!("in each window of {seconds} seconds"),
        };
        let whose = if budget.block == 0 { "the user" } else { "what follows the delegation" };
        lines.push(format!(
            "Budget {} of {whose} (block {}): at most {} {} {window}.",
            quoted(budget.account),
            budget.block,
            budget.amount,
            quoted(budget.unit)
        ));
    }
    for (account, r#type, action) in claims.metered() {
        lines.push(format!(
            "Budget {} of the user counts operations of type {} with the action {}.",
            quoted(account),
            quoted(r#type),
            quoted(action)
        ));
    }
    for (r#type, action, key) in claims.approvals() {
        let (r#type, action) = (quoted(r#type), quoted(action));
        lines.push(format!("Each {action} in operations of type {type} needs an approval by the key {}.", key.id()));
    }
    if let Some(grant) = claims.grant() {
        lines.push(format!("It ends when the grant {} is revoked.", quoted(grant)));
    }
    if let Some(conversation) = claims.conversation() {
        lines.push(format!("It ends with the conversation {}.", quoted(conversation)));
    }
}

#[derive(Serialize)]
struct Record<'a> {
    /// Always false: a reader of this JSON must not take it for a verified chain.
    verified: bool,
    sealed: bool,
    issuer: &'a str,
    user: &'a str,
    agents: Vec<Holder<'a>>,
    purpose: &'a str,
    audience: &'a str,
    issued_at: String,
    expires: String,
    rights: Vec<Right<'a>>,
    delegation_depth: u8,
    budgets: Vec<Budget<'a>>,
    metered: Vec<Metered<'a>>,
    approvals: Vec<Approval<'a>>,
    grant: Option<&'a str>,
    conversation: Option<&'a str>,
    blocks: Vec<Block>,
}

#[derive(Serialize)]
struct Holder<'a> {
    name: &'a str,
    public_key: String,
    key_id: String,
    claimed_by: String,
}

#[derive(Serialize)]
struct Right<'a> {
    r#type: &'a str,
    location: &'a str,
    action: &'a str,
}

#[derive(Serialize)]
struct Budget<'a> {
    block: usize,
    account: &'a str,
    unit: &'a str,
    amount: u64,
    window_seconds: u64,
}

#[derive(Serialize)]
struct Metered<'a> {
    account: &'a str,
    r#type: &'a str,
    action: &'a str,
}

#[derive(Serialize)]
struct Approval<'a> {
    r#type: &'a str,
    action: &'a str,
    key_id: String,
}

#[derive(Serialize)]
struct Block {
    id: String,
    delegated_by: Option<String>,
    checks: Vec<String>,
}

impl<'a> Record<'a> {
    fn of(token: &'a UnverifiedToken) -> Self {
        let claims = token.claims();
        let agents = claims.agents().map(|agent| Holder {
            name: agent.name,
            public_key: agent.key.to_string(),
            key_id: agent.key.id().to_string(),
            claimed_by: agent.claimed_by.map_or_else(|| claims.issuer().to_owned(), |key| key.id().to_string()),
        });
        let rights = claims.rights();
        let rights = rights.map(|right| Right { r#type: right.r#type, location: right.location, action: right.action });
        let budgets = claims.budgets().map(|budget| Budget {
            block: budget.block,
            account: budget.account,
            unit: budget.unit,
            amount: budget.amount,
            window_seconds: budget.window,
        });
        let approvals = claims.approvals();
        let approvals =
            approvals.map(|(r#type, action, key)| Approval { r#type, action, key_id: key.id().to_string() });
        let blocks = claims.block_ids().enumerate().map(|(block, id)| Block {
            id: to_hex(&id),
            delegated_by: claims.delegated_by(block).map(|key| key.id().to_string()),
            checks: claims.checks(block),
        });
        Self {
            verified: false,
            sealed: token.is_sealed(),
            issuer: claims.issuer(),
            user: claims.user(),
            agents: agents.collect(),
            purpose: claims.purpose(),
            audience: claims.audience(),
            issued_at: claims.issued_at().to_string(),
            expires: claims.expires().to_string(),
            rights: rights.collect(),
            delegation_depth: claims.delegation_depth(),
            budgets: budgets.collect(),
            metered: claims.metered().map(|(account, r#type, action)| Metered { account, r#type, action }).collect(),
            approvals: approvals.collect(),
            grant: claims.grant(),
            conversation: claims.conversation(),
            blocks: blocks.collect(),
        }
    }
}
