//! `countersign revoke`: the next of an issuer's revocation lists (`spec/revocation.md`).

use std::fs::File;
use std::io;
use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use countersign::key::PublicKey;
use countersign::revocation::{Entries, MAX_LIST_TEXT, RevocationErrorKind, RevocationList, UnsignedList};
use countersign::time::UnixTime;
use serde::Serialize;

use crate::args::Revoke;
use crate::{input, keyfile, output};

pub(crate) fn run(args: &Revoke, now: UnixTime) -> anyhow::Result<()> {
    let key = keyfile::read(&args.issuer_key, "--issuer-key")?;
    let named = || format!("--list {}", args.list.display());
    // Two at a time would make two lists of one number.
    let _alone = alone(&args.list).with_context(named)?;
    let keys: Vec<PublicKey> = std::iter::once(key.public()).chain(args.signed_by.iter().copied()).collect();
    let (number, mut entries) = match present(&args.list, args, &keys).with_context(named)? {
        Some(list) => (list.number().saturating_add(1), list.entries().clone()),
        None => (1, Entries::default()),
    };
    add(&mut entries, args, now)?;
    let next = now.plus(args.fresh_for.0);
    let list = UnsignedList::new(&args.issuer, number, now, next, entries).and_then(|list| list.sign(&key));
    let list = list.map_err(|error| match error.kind() {
        RevocationErrorKind::Time => anyhow!("--fresh-for: at most 7d, and not beyond the year 9999"),
        RevocationErrorKind::SignerRevoked => anyhow!("--issuer-key: the list revokes this key; sign with another one"),
        RevocationErrorKind::Entry => anyhow!("--user, --conversation or --grant: more than 1,024 bytes"),
        _ => anyhow!("--list: {error}"),
    })?;
    countersign_tower::replace_file(&args.list, [list.text(), "\n"].concat().as_bytes()).with_context(named)?;
    tell(&list, args.json)
}

/// Holds the folder of the list for this run.
fn alone(list: &Path) -> io::Result<Option<File>> {
    let folder = list.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Not every system opens a folder or locks it; there the operator runs one at a time.
    if cfg!(not(unix)) {
        return Ok(None);
    }
    let folder = File::open(folder)?;
    match folder.lock() {
        Err(error) if error.kind() != io::ErrorKind::Unsupported => Err(error),
        _ => Ok(Some(folder)),
    }
}

/// The list that is there now.
fn present(path: &Path, args: &Revoke, keys: &[PublicKey]) -> anyhow::Result<Option<RevocationList>> {
    match text(path) {
        Ok(text) => match RevocationList::verify(&text, &args.issuer, keys) {
            Ok(list) => Ok(Some(list)),
            Err(error) if error.kind() == RevocationErrorKind::Signature => {
                bail!("{error}; if another key signed it, give that as --signed-by")
            }
            Err(error) => bail!("{error}"),
        },
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_missing(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::NotFound)
}

/// The text in a list's file.
// spec: RV-1
pub(super) fn text(path: &Path) -> anyhow::Result<String> {
    let bytes = input::file(path, MAX_LIST_TEXT.saturating_add(1))?;
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    Ok(core::str::from_utf8(bytes).context("not UTF-8 text")?.to_owned())
}

fn add(entries: &mut Entries, args: &Revoke, now: UnixTime) -> anyhow::Result<()> {
    args.blocks.iter().for_each(|id| entries.revoke_block(*id));
    for token in &args.tokens {
        let token = input::token(token, "--token")?;
        if token.issuer() != args.issuer {
            bail!("--token: the token names another issuer than --issuer");
        }
        let last = token.claims().block_ids().last().context("--token: a token without blocks")?;
        entries.revoke_block(last.first_chunk().copied().context("--token: a short block id")?);
    }
    args.holders.iter().for_each(|key| entries.revoke_holder(*key));
    args.users.iter().for_each(|entry| entries.revoke_user(&entry.user, entry.until.unwrap_or(now)));
    args.conversations.iter().for_each(|entry| entries.end_conversation(&entry.user, &entry.conversation));
    args.grants.iter().for_each(|grant| entries.revoke_grant(grant));
    args.issuer_keys.iter().for_each(|key| entries.revoke_issuer_key(*key));
    Ok(())
}

fn tell(list: &RevocationList, json: bool) -> anyhow::Result<()> {
    #[derive(Serialize)]
    struct Record<'a> {
        issuer: &'a str,
        number: u64,
        created: String,
        next: String,
        entries: usize,
    }
    let (issuer, number, entries) = (list.issuer(), list.number(), list.entries().len());
    let (created, next) = (list.created().to_string(), list.next().to_string());
    if json {
        return output::json(&Record { issuer, number, created, next, entries });
    }
    let noun = if entries == 1 { "entry" } else { "entries" };
    output::line(&format!("list {number}, {entries} {noun}, fresh until {next}"))
}
