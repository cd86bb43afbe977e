//! The part of `verifier.toml` that is about revocation: which lists, and under which keys.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use countersign::key::PublicKey;
use countersign::time::UnixTime;
use countersign::verify::{RevocationView, Verifier};
use countersign_tower::FileRevocations;
use serde::Deserialize;

use crate::input;

/// What of the file matters here; `config` has refused what it does not know.
#[derive(Deserialize)]
struct File {
    issuers: Vec<Issuer>,
    revocations_state: Option<PathBuf>,
    #[serde(default)]
    safe_when_stale: Vec<Safe>,
}

#[derive(Deserialize)]
struct Issuer {
    issuer: String,
    revocations: Option<PathBuf>,
    revocation_keys: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Safe {
    method: String,
    path: String,
}

/// The view that a configuration file asks for, whose verifier is at hand. `option` names the file in complaints. A list
/// that would be refused is misuse; one that is no longer fresh is not: requests are denied for it.
pub(crate) fn of_config(
    path: &Path,
    option: &str,
    verifier: &Verifier,
    now: UnixTime,
) -> anyhow::Result<Box<dyn RevocationView>> {
    let named = || format!("{option} {}", path.display());
    let text = input::file(path, input::SMALL).and_then(input::text).with_context(named)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    parse(&text, folder, verifier, now).with_context(named)
}

fn parse(text: &str, folder: &Path, verifier: &Verifier, now: UnixTime) -> anyhow::Result<Box<dyn RevocationView>> {
    let file: File = toml::from_str(text).map_err(|error| {
        let place = crate::config::place(text, error.span().map_or(0, |span| span.start));
        anyhow!("{place}: {}", error.message().trim().replace('\n', ", "))
    })?;
    let mut builder = FileRevocations::builder().clock(move || now);
    let mut places = Vec::new();
    for (number, issuer) in file.issuers.iter().enumerate() {
        let place = format!("issuers[{number}].revocations");
        let Some(list) = &issuer.revocations else {
            if issuer.revocation_keys.is_some() {
                bail!("issuers[{number}].revocation_keys: keys for lists, and no revocations that name a list");
            }
            continue;
        };
        // spec: RV-4
        let key = |(place, key): (usize, &String)| {
            // spec: TK-49
            key.parse::<PublicKey>().map_err(|_| {
                anyhow!("issuers[{number}].revocation_keys[{place}]: not ed25519/ and 64 lower-case hexadecimal digits")
            })
        };
        let keys = match &issuer.revocation_keys {
            Some(keys) if keys.is_empty() => bail!("issuers[{number}].revocation_keys: no key"),
            Some(keys) => keys.iter().enumerate().map(key).collect::<anyhow::Result<Vec<_>>>()?,
            // Those that the verifier has now, wherever they came from.
            None => {
                let own = verifier.issuers().find(|(name, _)| *name == issuer.issuer);
                own.map(|(_, keys)| keys.public()).unwrap_or_default()
            }
        };
        builder = builder.issuer(&issuer.issuer, keys, folder.join(list));
        places.push((place, list));
    }
    for (number, safe) in file.safe_when_stale.iter().enumerate() {
        // One at a time, to tell which.
        if let Err(error) = FileRevocations::builder().safe_when_stale(&[(&safe.method, &safe.path)]) {
            bail!("safe_when_stale[{number}]: {error}");
        }
    }
    let safe: Vec<_> = file.safe_when_stale.iter().map(|safe| (safe.method.as_str(), safe.path.as_str())).collect();
    builder = builder.safe_when_stale(&safe)?;
    if let Some(state) = &file.revocations_state {
        builder = builder.state(folder.join(state));
    }
    let view = builder.build().context("revocations_state")?;
    for (status, (place, list)) in view.status().into_iter().zip(places) {
        if let Some(error) = status.error {
            bail!("{place} {}: {error}", list.display());
        }
    }
    Ok(Box::new(view))
}
