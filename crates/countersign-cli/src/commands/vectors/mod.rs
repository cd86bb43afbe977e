//! `countersign vectors run`: this implementation against a folder of vectors.

mod format;
mod lists;
mod messages;
mod rar;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, anyhow, bail};
use countersign::key::PublicKey;
use countersign::request::Message;
use countersign::time::UnixTime;
use countersign::verify::{Decision, Revocations, Verifier};
use countersign::{from_base64url, from_hex};

use self::format::{Config, Expect, Input, Revoked, Vector};
use crate::judge::Judge;
use crate::output;

pub(crate) fn run(folder: &Path) -> anyhow::Result<ExitCode> {
    let mut files = Vec::new();
    collect(folder, &mut files)?;
    let (mut passed, mut failed) = (0_u32, 0_u32);
    let mut ids = BTreeSet::new();
    for path in files {
        let text = fs::read_to_string(&path).with_context(|| format!("DIR {}", path.display()))?;
        for (id, outcome) in outcomes(&path, &text)? {
            if !ids.insert(id.clone()) {
                bail!("DIR {}: the id {id} stands twice", path.display());
            }
            match outcome {
                Ok(()) => passed = passed.saturating_add(1),
                Err(error) => {
                    failed = failed.saturating_add(1);
                    output::line(&crate::text::visible(&format!("{id}: {error:#}")))?;
                }
            }
        }
    }
    output::line(&format!("{passed} passed, {failed} failed"))?;
    Ok(ExitCode::from(u8::from(failed > 0)))
}

fn read<F: serde::de::DeserializeOwned>(text: &str, path: &Path) -> anyhow::Result<F> {
    serde_json::from_str(text).with_context(|| format!("DIR {}: no file of vectors", path.display()))
}

/// Runs the vectors of a file: what became of each, by its id.
fn outcomes(path: &Path, text: &str) -> anyhow::Result<Vec<(String, anyhow::Result<()>)>> {
    let outcomes: Vec<_> = if path.parent().is_some_and(|folder| folder.ends_with(lists::FOLDER)) {
        let file: lists::File = read(text, path)?;
        file.vectors.into_iter().map(|vector| (vector.id.clone(), lists::check(&vector))).collect()
    } else if path.parent().is_some_and(|folder| folder.ends_with(messages::FOLDER)) {
        let file: messages::File = read(text, path)?;
        file.vectors.into_iter().map(|vector| (vector.id.clone(), messages::check(&vector))).collect()
    } else if path.parent().is_some_and(|folder| folder.ends_with(rar::FOLDER)) {
        let file: rar::File = read(text, path)?;
        file.vectors.into_iter().map(|vector| (vector.id.clone(), rar::check(&vector))).collect()
    } else {
        let file: format::File = read(text, path)?;
        file.vectors.into_iter().map(|vector| (vector.id.clone(), check(&vector))).collect()
    };
    if outcomes.is_empty() {
        bail!("DIR {}: a file without vectors", path.display());
    }
    Ok(outcomes)
}

/// All files of vectors beneath a folder, in the order of their names. A folder without any is an error.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let before = files.len();
    let entries = fs::read_dir(folder).with_context(|| format!("DIR {}", folder.display()))?;
    let mut paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()?;
    paths.sort();
    for path in paths {
        let json = path.extension().is_some_and(|extension| extension == "json");
        if ["checkers", "knockout", "mutants"].iter().any(|tool| path.ends_with(tool)) {
            // Verifiers by others, the knock-out and the mutants, which bring files of their own.
            continue;
        }
        if path.is_dir() {
            collect(&path, files)?;
        } else if json && path.file_name().is_some_and(|name| name != "schema.json") {
            files.push(path);
        }
    }
    if files.len() == before {
        bail!("DIR {}: a folder without vectors", folder.display());
    }
    Ok(())
}

/// Runs one vector. What it says that is no input at all is its failure too.
fn check(vector: &Vector) -> anyhow::Result<()> {
    let input = &vector.input;
    let judge = judge(input)?;
    let now = UnixTime(input.now);
    let decide = |request: &str, authority: Option<&str>| {
        let bytes = from_base64url(request).context("a request that is not base64url")?;
        let message = Message::parse(&bytes)?;
        let message = match authority {
            Some(authority) => message.with_authority(authority),
            None => message,
        };
        anyhow::Ok(judge.decide(&message, now))
    };
    for (requests, wanted) in [(&input.before, "allow"), (&input.before_denied, "deny")] {
        for (number, request) in requests.iter().enumerate() {
            let decision = decide(request, None)?;
            if decision.decision != wanted {
                bail!("request {number} before it: not {wanted} but {}", brief(&decision));
            }
        }
    }
    let decision = decide(&input.request_b64u, input.authority.as_deref())?;
    hold(&vector.expect, &decision)
}

/// Holds a decision against what is expected.
fn hold(expected: &Expect, decision: &Decision) -> anyhow::Result<()> {
    let found = expectation(decision);
    if found != *expected {
        bail!("{}", difference(expected, &found, decision));
    }
    Ok(())
}

/// A decision in the form that vectors expect: on a denial they name no one, although a decision from stage 9 on does.
fn expectation(decision: &Decision) -> Expect {
    let allowed = decision.decision == "allow";
    let text = |member: &Option<String>| member.clone().filter(|_| allowed);
    Expect {
        result: decision.decision.clone(),
        stage: decision.stage,
        code: decision.code.clone(),
        issuer: text(&decision.issuer),
        user: text(&decision.user),
        agents: decision.agents.clone().filter(|_| allowed),
        purpose: text(&decision.purpose),
        expires: text(&decision.expires),
        right: text(&decision.right),
        binding: text(&decision.binding),
    }
}

fn difference(wanted: &Expect, found: &Expect, decision: &Decision) -> String {
    let outcome = |expect: &Expect| (expect.result.clone(), expect.stage, expect.code.clone());
    if outcome(wanted) == outcome(found) {
        return format!("not {wanted:?} but {found:?}");
    }
    let stage = wanted.stage.map_or_else(String::new, |stage| format!(" at {stage}"));
    let code = wanted.code.as_deref().map_or_else(String::new, |code| format!(" with {code}"));
    format!("not {}{stage}{code} but {}", wanted.result, brief(decision))
}

fn brief(decision: &Decision) -> String {
    match (&decision.stage, &decision.code) {
        (Some(stage), Some(code)) => format!("{} at {stage} with {code}", decision.decision),
        _ => decision.decision.clone(),
    }
}

fn judge(input: &Input) -> anyhow::Result<Judge> {
    judge_of(&input.config, &input.revoked)
}

fn judge_of(config: &Config, revoked: &Revoked) -> anyhow::Result<Judge> {
    let mut builder = Verifier::builder();
    for audience in &config.audience {
        builder = builder.audience(audience);
    }
    for authority in &config.authorities {
        builder = builder.authority(authority);
    }
    for issuer in &config.issuers {
        builder = builder.issuer(&issuer.issuer, public_keys(&issuer.keys)?);
    }
    if let Some(bytes) = config.max_body_bytes {
        builder = builder.max_body(bytes);
    }
    let operations = crate::config::operations(config.operations.clone())?;
    Ok(Judge::new(builder.build()?, operations, Box::new(revocations(revoked, config)?)))
}

fn revocations(revoked: &Revoked, config: &Config) -> anyhow::Result<Revocations> {
    let mut view = Revocations::default();
    for block in &revoked.blocks {
        view.revoke_block(&from_hex::<32>(block).context("a revoked block that is no id")?);
    }
    for holder in &revoked.holders {
        view.revoke_holder(holder.parse().map_err(|_| anyhow!("a revoked holder that is no key id"))?);
    }
    for user in &revoked.users {
        view.revoke_user(&user.issuer, &user.user, UnixTime(user.before));
    }
    for grant in &revoked.grants {
        view.revoke_grant(&grant.issuer, &grant.grant);
    }
    for ended in &revoked.conversations {
        view.end_conversation(&ended.issuer, &ended.user, &ended.conversation);
    }
    for key in public_keys(&revoked.issuer_keys)? {
        // A vector names the key alone; a view has it for each issuer.
        for issuer in &config.issuers {
            view.revoke_issuer_key(&issuer.issuer, key);
        }
    }
    Ok(view)
}

fn public_keys(keys: &[String]) -> anyhow::Result<Vec<PublicKey>> {
    keys.iter().map(|key| key.parse().map_err(|_| anyhow!("a key that is no public key"))).collect()
}
