//! `verifier.toml`: what a verifier is told about its service (`spec/verify.md`, Configuration).

use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use countersign::key::PublicKey;
use countersign::verify::{OperationEntry, Operations, Verifier};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::input;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    audience: Vec<String>,
    authorities: Vec<String>,
    issuers: Vec<Issuer>,
    #[serde(default)]
    limits: Limits,
    operations: Option<Vec<OperationEntry>>,
    #[serde(default, rename = "revocations_state")]
    _revocations_state: IgnoredAny,
    #[serde(default, rename = "safe_when_stale")]
    _safe_when_stale: IgnoredAny,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Issuer {
    issuer: String,
    keys: Vec<String>,
    /// These are [`crate::revocations`]'s.
    #[serde(default, rename = "revocations")]
    _revocations: IgnoredAny,
    #[serde(default, rename = "revocation_keys")]
    _revocation_keys: IgnoredAny,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Limits {
    max_body_bytes: Option<u64>,
    cache_entries: Option<usize>,
}

/// Reads the configuration file that `--config` names.
pub(crate) fn read(path: &Path) -> anyhow::Result<(Verifier, Operations)> {
    read_named(path, "--config")
}

/// Reads a configuration file; `option` names it in complaints.
pub(crate) fn read_named(path: &Path, option: &str) -> anyhow::Result<(Verifier, Operations)> {
    let named = || format!("{option} {}", path.display());
    let text = input::file(path, input::SMALL).and_then(input::text).with_context(named)?;
    parse(&text).with_context(named)
}

fn parse(text: &str) -> anyhow::Result<(Verifier, Operations)> {
    let file: File = toml::from_str(text).map_err(|error| {
        let place = place(text, error.span().map_or(0, |span| span.start));
        anyhow!("{place}: {}", error.message().trim().replace('\n', ", "))
    })?;
    let mut builder = Verifier::builder();
    for audience in &file.audience {
        builder = builder.audience(audience);
    }
    for authority in &file.authorities {
        builder = builder.authority(authority);
    }
    for (number, issuer) in file.issuers.iter().enumerate() {
        let mut keys = Vec::new();
        for (place, key) in issuer.keys.iter().enumerate() {
            // spec: TK-49
            keys.push(key.parse::<PublicKey>().map_err(|_| {
                anyhow!("issuers[{number}].keys[{place}]: not ed25519/ and 64 lower-case hexadecimal digits")
            })?);
        }
        builder = builder.issuer(&issuer.issuer, keys);
    }
    if let Some(bytes) = file.limits.max_body_bytes {
        builder = builder.max_body(bytes);
    }
    if let Some(entries) = file.limits.cache_entries {
        builder = builder.cache(entries);
    }
    let verifier = builder.build()?;
    Ok((verifier, operations(file.operations)?))
}

/// The line of a fault and the member that stands in it; the parser's own report would be several lines.
pub(crate) fn place(text: &str, at: usize) -> String {
    let before = text.get(..at).unwrap_or_default();
    let number = before.matches('\n').count().saturating_add(1);
    let line = text.lines().nth(number.saturating_sub(1)).unwrap_or_default();
    match line.split_once('=') {
        Some((member, _)) if !member.trim().is_empty() => format!("line {number}, {}", member.trim()),
        _ => format!("line {number}"),
    }
}

/// The operation table, or the default mapping where there is none.
pub(crate) fn operations(entries: Option<Vec<OperationEntry>>) -> anyhow::Result<Operations> {
    let Some(entries) = entries else { return Ok(Operations::http()) };
    for (number, entry) in entries.iter().enumerate() {
        // One at a time, to tell which.
        if let Err(error) = Operations::table([entry.clone()]) {
            bail!("operations[{number}]: {error}");
        }
    }
    Ok(Operations::table(entries)?)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests say what went wrong by panicking")]
    use super::*;

    const EXAMPLE: &str = include_str!("../examples/verifier.toml");

    fn fault(text: &str) -> String {
        format!("{:#}", parse(text).map(drop).unwrap_err())
    }

    #[test]
    fn the_example_is_a_configuration() {
        let (verifier, operations) = parse(EXAMPLE).unwrap();
        assert_eq!(verifier.max_body(), 1_048_576);
        let operation = operations.map("GET", "/calendars/primary/events").unwrap();
        assert_eq!(
            (operation.r#type(), operation.resource(), operation.action()),
            ("calendar", "/calendars/primary", "read")
        );
        assert_eq!(operations.map("DELETE", "/calendars/primary/events"), None);
    }

    #[test]
    fn faults_name_their_field() {
        let example = |from: &str, to: &str| {
            assert!(EXAMPLE.contains(from), "{from}");
            fault(&EXAMPLE.replacen(from, to, 1))
        };
        for (fault, named) in [
            (example("audience =", "audiance ="), "audiance"),
            (example("authorities =", "# authorities ="), "authorities"),
            (example("\nissuer =", "\nissuers ="), "issuers"),
            (example("max_body_bytes = 1", "max_body_bytes = \"1\" #"), "max_body_bytes"),
            (example("max_body_bytes", "max_body"), "max_body"),
            (example("cache_entries = ", "cache_entries = -"), "cache_entries"),
            (example("\"ed25519/", "\"ED25519/"), "issuers[0].keys[0]"),
            (example("https://calendar.example.com", "calendar.example.com"), "audience"),
            (example("\"calendar.example.com", "\"https://calendar.example.com"), "authority"),
            (example("path = \"/", "path = \""), "operations[0]"),
            (fault("audience = [\"https://a.example\"]\nauthorities = []\nissuers = []"), "authority"),
            (fault("audience = []\nauthorities = []\nissuers = []"), "audience"),
            (fault("audience = [\"https://a.example\"]\nauthorities = [\"a.example\"]\nissuers = []"), "issuer"),
            (fault("revoked = []\n"), "revoked"),
            (fault("= 1"), "line 1"),
        ] {
            assert!(fault.contains(named), "{named}: {fault}");
            assert!(!fault.contains('\n'), "{fault}");
        }
    }
}
