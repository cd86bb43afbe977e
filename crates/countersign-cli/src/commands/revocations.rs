//! `countersign revocations verify`: what a list revokes, and whether a service would rely on it.

use std::process::ExitCode;

use anyhow::Context as _;
use countersign::revocation::{RevocationErrorKind, RevocationList};
use countersign::time::{SKEW, UnixTime};
use countersign::to_base64url;
use serde::Serialize;

use super::revoke;
use crate::args::VerifyRevocations;
use crate::output;
use crate::text::quoted;

#[derive(Serialize)]
struct Record<'a> {
    holds: bool,
    /// Why not: a word of `spec/revocation.md`, or `stale`.
    error: Option<&'static str>,
    list: Option<Shown<'a>>,
}

#[derive(Serialize)]
struct Shown<'a> {
    issuer: &'a str,
    number: u64,
    created: String,
    next: String,
    fresh: bool,
    signed_by: String,
    sha256: String,
    blocks: Vec<String>,
    holders: Vec<String>,
    users: Vec<User<'a>>,
    grants: &'a [String],
    conversations: Vec<Conversation<'a>>,
    issuer_keys: Vec<String>,
}

#[derive(Serialize)]
struct User<'a> {
    user: &'a str,
    until: String,
}

#[derive(Serialize)]
struct Conversation<'a> {
    user: &'a str,
    conversation: &'a str,
}

pub(crate) fn run(args: &VerifyRevocations, now: UnixTime) -> anyhow::Result<ExitCode> {
    let text = revoke::text(&args.list).with_context(|| format!("FILE {}", args.list.display()))?;
    let list = match &args.issuer {
        Some(issuer) => RevocationList::verify(&text, issuer, &args.keys),
        None => RevocationList::verify_of_any_issuer(&text, &args.keys),
    };
    drop(text);
    let error = match &list {
        Err(error) => Some((error.kind().as_str(), error.to_string())),
        Ok(list) => doubt(list, args.above, now),
    };
    let (word, sentence) = error.unzip();
    if args.json {
        let list = list.as_ref().ok().map(|list| Shown::of(list, now));
        output::json(&Record { holds: word.is_none(), error: word, list })?;
    } else {
        let lines = list.iter().flat_map(sentences);
        let verdict = sentence.map_or("It holds.".to_owned(), |sentence| format!("It does not hold: {sentence}."));
        output::line(&lines.chain([verdict]).collect::<Vec<_>>().join("\n"))?;
    }
    Ok(ExitCode::from(u8::from(word.is_some())))
}

/// Why a service that accepted number `above` last would not rely on a well-formed list now.
fn doubt(list: &RevocationList, above: Option<u64>, now: UnixTime) -> Option<(&'static str, String)> {
    let told = |kind: RevocationErrorKind, sentence: String| Some((kind.as_str(), sentence));
    if list.created() > now.plus(SKEW) {
        return told(RevocationErrorKind::NotYetValid, "it was made in the future".to_owned());
    }
    if let Some(above) = above.filter(|above| list.number() <= *above) {
        return told(RevocationErrorKind::RolledBack, format!("its number is not above {above}"));
    }
    (!list.is_fresh(now)).then(|| ("stale", format!("it was fresh until {}", list.next())))
}

impl<'a> Shown<'a> {
    fn of(list: &'a RevocationList, now: UnixTime) -> Self {
        let entries = list.entries();
        let user =
            |entry: &'a countersign::revocation::UserTokens| User { user: &entry.user, until: entry.until.to_string() };
        let conversation = |entry: &'a countersign::revocation::Conversation| Conversation {
            user: &entry.user,
            conversation: &entry.conversation,
        };
        Self {
            issuer: list.issuer(),
            number: list.number(),
            created: list.created().to_string(),
            next: list.next().to_string(),
            fresh: list.is_fresh(now),
            signed_by: list.signer().to_string(),
            sha256: countersign::to_hex(list.digest()),
            blocks: entries.blocks().iter().map(|id| to_base64url(id)).collect(),
            holders: entries.holders().iter().map(ToString::to_string).collect(),
            users: entries.users().iter().map(user).collect(),
            grants: entries.grants(),
            conversations: entries.conversations().iter().map(conversation).collect(),
            issuer_keys: entries.issuer_keys().iter().map(ToString::to_string).collect(),
        }
    }
}

/// What a list says, a line each. Every text that comes from the list is quoted.
fn sentences(list: &RevocationList) -> Vec<String> {
    let entries = list.entries();
    let mut lines = vec![
        format!("List {} of {}, signed by {}", list.number(), quoted(list.issuer()), list.signer()),
        format!("made at {}, fresh until {}", list.created(), list.next()),
    ];
    lines.extend(
        entries.blocks().iter().map(|id| format!("- the block whose id begins with {}", countersign::to_hex(id))),
    );
    lines.extend(entries.holders().iter().map(|id| format!("- the holder with the key id {id}")));
    let users = entries.users().iter();
    lines.extend(users.map(|e| format!("- tokens of {} issued up to {}", quoted(&e.user), e.until)));
    lines.extend(entries.grants().iter().map(|grant| format!("- the grant {}", quoted(grant))));
    let ended = entries.conversations().iter();
    lines.extend(ended.map(|e| format!("- the conversation {} of {}", quoted(&e.conversation), quoted(&e.user))));
    lines.extend(entries.issuer_keys().iter().map(|key| format!("- the issuer's key {key}")));
    if entries.is_empty() {
        lines.push("Nothing is revoked.".to_owned());
    }
    lines
}
