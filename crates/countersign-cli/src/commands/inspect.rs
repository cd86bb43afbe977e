//! `countersign inspect`: what a token says, as a tree of who may do what until when, or as JSON. It verifies nothing
//! and shows no secret.

use countersign::time::UnixTime;
use countersign::to_hex;
use countersign::token::{Claims, UnverifiedToken};
use serde::Serialize;

use crate::args::Inspect;
use crate::sentences::{Sentence, Sentences, counted, sentences, validity};
use crate::style::Styles;
use crate::text::quoted;
use crate::{input, output};

pub(crate) fn run(args: &Inspect, now: UnixTime) -> anyhow::Result<()> {
    let token = input::token(&args.token, "TOKEN")?;
    if args.json {
        return output::json(&Record::of(&token, now));
    }
    output::line(&tree(&token, now, Styles::stdout()).join("\n"))
}

/// The tree, a line each. Every text that comes from the token is quoted or made visible.
pub(super) fn tree(token: &UnverifiedToken, now: UnixTime, styles: Styles) -> Vec<String> {
    let claims = token.claims();
    let said = sentences(claims);
    let mut tree = Tree { lines: Vec::new(), depth: 0, styles };
    tree.line(&styles.warning("Nothing here is verified: anybody can write a token that says this."));
    tree.line("");
    tree.line(&format!("issuer {}", styles.strong(&quoted(claims.issuer()))));
    let user = styles.strong(&quoted(claims.user()));
    tree.branch(&format!("user {user}, for the purpose {}", quoted(claims.purpose())));
    tree.line(&format!("at the service {} and no other", quoted(claims.audience())));
    let state = validity(claims, now);
    let state = if now > claims.expires() { styles.bad(&state) } else { styles.good(&state) };
    tree.line(&format!("from {} until {}: {state}", claims.issued_at(), claims.expires()));
    for end in &said.ends {
        tree.line(end);
    }
    blocks(claims, &said, &mut tree);
    tree.depth = 0;
    tree.line("");
    tree.line(&said.handing_on);
    tree.line(match token.is_sealed() {
        true => "The token is sealed: it can be used by the current holder's key alone, and narrowed by no one.",
        false => "The token is open: whoever has this text can narrow it, and seal it for use. Keep it secret.",
    });
    tree.lines
}

/// Each block beneath the holder that it speaks of.
fn blocks(claims: Claims<'_>, said: &Sentences, tree: &mut Tree) {
    let mut agents = claims.agents().peekable();
    for (block, id) in claims.block_ids().enumerate() {
        let by = claims.delegated_by(block);
        let id = tree.styles.faint(&to_hex(&id));
        if block == 0 || by.is_some() {
            let Some(agent) = agents.next() else { continue };
            let (what, whose, done) = match by {
                None => ("agent", "by the issuer's word".to_owned(), "issued"),
                Some(key) => ("delegate", format!("by the word of the holder of {}", key.id()), "handed on"),
            };
            let current = if agents.peek().is_none() { "; signs the requests now" } else { "" };
            let name = tree.styles.strong(&quoted(agent.name));
            tree.branch(&format!("{what} {name}, {whose}; key id {}{current}", agent.key.id()));
            tree.line(&format!("{done} in block {block}, id {id}"));
        } else {
            tree.line(&format!("narrowed by whoever held it, in block {block}, id {id}"));
        }
        if block == 0 {
            tree.list("may:", said.may.iter());
        }
        let restrictions = said.blocks.get(block).map(Vec::as_slice).unwrap_or_default();
        tree.list("on condition of all of these:", restrictions.iter().map(|Sentence { text, .. }| text));
        tree.list("within:", said.budgets.get(block).into_iter().flatten());
        if block == 0 {
            tree.list("with approvals:", said.approvals.iter());
        }
    }
}

struct Tree {
    lines: Vec<String>,
    depth: usize,
    styles: Styles,
}

impl Tree {
    /// A line at the present depth.
    fn line(&mut self, text: &str) {
        let indent = if text.is_empty() { String::new() } else { "   ".repeat(self.depth) };
        self.lines.push(format!("{indent}{text}"));
    }

    /// A line one deeper; what follows stands beneath it.
    fn branch(&mut self, text: &str) {
        self.line(&format!("└─ {text}"));
        self.depth = self.depth.saturating_add(1);
    }

    fn list<'s>(&mut self, title: &str, items: impl Iterator<Item = &'s String>) {
        let mut items = items.peekable();
        if items.peek().is_some() {
            self.line(title);
        }
        items.for_each(|item| self.line(&format!("- {item}")));
    }
}

#[derive(Serialize)]
struct Record<'a> {
    /// Always false: a reader of this JSON must not take it for a verified chain.
    verified: bool,
    sealed: bool,
    /// The time that `expired` speaks of.
    now: String,
    expired: bool,
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
    /// The operations that it counts; null for all of them.
    counts: Option<Vec<Counted<'a>>>,
}

#[derive(Serialize)]
struct Counted<'a> {
    r#type: &'a str,
    action: &'a str,
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
    /// `authority`, `restriction` or `delegation`.
    kind: &'static str,
    delegated_by: Option<String>,
    checks: Vec<String>,
    /// The same checks, put together and in words.
    restrictions: Vec<Restriction>,
}

#[derive(Serialize)]
struct Restriction {
    /// Its name in `spec/checks.md`; null where the checks have none.
    name: Option<&'static str>,
    sentence: String,
    /// The places of its checks.
    checks: Vec<usize>,
}

impl<'a> Record<'a> {
    fn of(token: &'a UnverifiedToken, now: UnixTime) -> Self {
        let claims = token.claims();
        let mut said = sentences(claims).blocks.into_iter();
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
            counts: counted(claims, &budget)
                .map(|operations| operations.into_iter().map(|(r#type, action)| Counted { r#type, action }).collect()),
        });
        let approvals = claims.approvals();
        let approvals =
            approvals.map(|(r#type, action, key)| Approval { r#type, action, key_id: key.id().to_string() });
        let blocks = claims.block_ids().enumerate().map(|(block, id)| Block {
            id: to_hex(&id),
            kind: match (block, claims.delegated_by(block)) {
                (0, _) => "authority",
                (_, None) => "restriction",
                (_, Some(_)) => "delegation",
            },
            delegated_by: claims.delegated_by(block).map(|key| key.id().to_string()),
            checks: claims.checks(block),
            restrictions: said
                .next()
                .unwrap_or_default()
                .into_iter()
                .map(|Sentence { text, name, checks }| Restriction { name, sentence: text, checks: checks.collect() })
                .collect(),
        });
        Self {
            verified: false,
            sealed: token.is_sealed(),
            now: now.to_string(),
            expired: now > claims.expires(),
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
