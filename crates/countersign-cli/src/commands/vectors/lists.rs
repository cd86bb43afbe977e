//! The vectors of `revocation/`: what becomes of a revocation list (`test-vectors/README.md`, Lists).

use anyhow::{Context as _, anyhow, bail};
use countersign::from_base64url;
use countersign::key::PublicKey;
use countersign::revocation::RevocationLists;
use countersign::time::UnixTime;
use countersign::verify::RevocationView as _;
use serde::Deserialize;

use super::format::Vector;

/// The folder whose files have this format.
pub(super) const FOLDER: &str = "revocation";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    issuer: String,
    keys: Vec<String>,
    now: u64,
    #[serde(default)]
    before: Vec<String>,
    #[serde(default)]
    restarted: bool,
    list: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expect {
    result: String,
    error: Option<String>,
    number: Option<u64>,
    fresh: bool,
    revoked: Revoked,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Revoked {
    blocks: Vec<String>,
    holders: Vec<String>,
    users: Vec<User>,
    grants: Vec<String>,
    conversations: Vec<Conversation>,
    issuer_keys: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct User {
    user: String,
    until: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Conversation {
    user: String,
    conversation: String,
}

/// Runs one vector.
pub(super) fn check(vector: &Vector<Input, Expect>) -> anyhow::Result<()> {
    let (input, expect) = (&vector.input, &vector.expect);
    let (issuer, now) = (input.issuer.as_str(), UnixTime(input.now));
    let keys: Vec<PublicKey> = super::public_keys(&input.keys)?;
    let start = || RevocationLists::default().issuer(issuer, keys.iter().copied());
    let mut view = start();
    for (number, list) in input.before.iter().enumerate() {
        view.apply(issuer, list, now).with_context(|| format!("list {number} before it"))?;
    }
    if input.restarted {
        let state = view.state();
        view = start();
        view.restore(&state)?;
    }
    let error = view.apply(issuer, &input.list, now).err().map(|error| error.kind().as_str());
    let result = if error.is_none() { "accept" } else { "refuse" };
    if (result, error) != (expect.result.as_str(), expect.error.as_deref()) {
        bail!("not {} {:?} but {result} {error:?}", expect.result, expect.error);
    }
    let status = view.status(issuer);
    let found = (status.map(|status| status.number), view.is_fresh(issuer, now));
    if found != (expect.number, expect.fresh) {
        bail!("number and freshness are {found:?} afterwards");
    }
    let wanted = revokes(&view, issuer, &expect.revoked)?;
    // With as many entries as are wanted there is nothing else.
    let held = status.map_or(0, |status| status.entries);
    if held != wanted { Err(anyhow!("{held} entries are held afterwards, not {wanted}")) } else { Ok(()) }
}

/// How many entries there are; an error where the view lacks one.
fn revokes(view: &RevocationLists, issuer: &str, revoked: &Revoked) -> anyhow::Result<usize> {
    let mut all = Vec::new();
    for id in &revoked.blocks {
        let id = from_base64url(id).and_then(|id| id.try_into().ok()).context("a block that is no id")?;
        all.push(view.block_revoked(issuer, &id));
    }
    for id in &revoked.holders {
        all.push(view.holder_revoked(issuer, &id.parse().map_err(|_| anyhow!("a holder that is no key id"))?));
    }
    let until = |user: &User| view.user_revoked_until(issuer, &user.user) == Some(UnixTime(user.until));
    all.extend(revoked.users.iter().map(until));
    all.extend(revoked.grants.iter().map(|grant| view.grant_revoked(issuer, grant)));
    all.extend(revoked.conversations.iter().map(|c| view.conversation_ended(issuer, &c.user, &c.conversation)));
    all.extend(super::public_keys(&revoked.issuer_keys)?.iter().map(|key| view.issuer_key_revoked(issuer, key)));
    match all.iter().position(|found| !found) {
        Some(index) => Err(anyhow!("entry {index} of those expected is not revoked")),
        None => Ok(all.len()),
    }
}
