//! `verifier.toml`: what a verifier is told about its service (`spec/verify.md`, Configuration).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use countersign::checks::Declarations;
use countersign::jsonrpc::mcp::Server;
use countersign::key::PublicKey;
use countersign::verify::{Endpoint, OperationEntry, Operations, Verifier, VerifierBuilder};
use countersign_tower::jwks::{JwkSet, JwksConfigError, JwksSource};
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
    mcp: Option<Mcp>,
    #[serde(default, rename = "revocations_state")]
    _revocations_state: IgnoredAny,
    #[serde(default, rename = "safe_when_stale")]
    _safe_when_stale: IgnoredAny,
}

/// The server of MCP behind the service (`spec/jsonrpc.md`, MCP).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mcp {
    server: String,
    #[serde(default = "mcp_path")]
    path: String,
    #[serde(default)]
    envelope: bool,
    #[serde(default)]
    tools: BTreeMap<String, Declared>,
}

fn mcp_path() -> String {
    "/mcp".to_owned()
}

/// What is declared of a tool's arguments.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Declared {
    urls: Vec<String>,
    paths: Vec<String>,
    scales: BTreeMap<String, u8>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Issuer {
    issuer: String,
    keys: Option<Vec<String>>,
    /// Relative to the folder of the configuration file.
    jwks_file: Option<PathBuf>,
    jwks_url: Option<String>,
    #[serde(default)]
    allow_private_addresses: bool,
    #[serde(default)]
    insecure_http_loopback: bool,
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

/// What a configuration file says.
pub(crate) struct Config {
    pub(crate) verifier: Verifier,
    pub(crate) operations: Operations,
    /// Where MCP is spoken.
    pub(crate) mcp: Option<Endpoint>,
    /// The keys that are fetched, with the place of each in the file. They last as long as these do.
    pub(crate) sources: Vec<(String, JwksSource)>,
}

impl Config {
    /// Fetches the keys that stand at a URL, once.
    fn fetch(&self) -> anyhow::Result<()> {
        if self.sources.is_empty() {
            return Ok(());
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        for (place, source) in &self.sources {
            runtime.block_on(source.refresh()).with_context(|| place.clone())?;
        }
        Ok(())
    }
}

/// Reads the configuration file that `--config` names, and fetches the keys that it has at a URL.
pub(crate) fn read(path: &Path) -> anyhow::Result<Config> {
    read_named(path, "--config")
}

/// The same; `option` names the file in complaints.
pub(crate) fn read_named(path: &Path, option: &str) -> anyhow::Result<Config> {
    let named = || format!("{option} {}", path.display());
    let text = input::file(path, input::SMALL).and_then(input::text).with_context(named)?;
    let config = parse(&text, path.parent().unwrap_or(Path::new(""))).with_context(named)?;
    config.fetch().with_context(named)?;
    Ok(config)
}

fn parse(text: &str, folder: &Path) -> anyhow::Result<Config> {
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
    let mut sources = Vec::new();
    for (number, entry) in file.issuers.iter().enumerate() {
        builder = issuer(builder, entry, &format!("issuers[{number}]"), folder, &mut sources)?;
    }
    if let Some(bytes) = file.limits.max_body_bytes {
        builder = builder.max_body(bytes);
    }
    if let Some(entries) = file.limits.cache_entries {
        builder = builder.cache(entries);
    }
    let verifier = builder.build()?;
    let mcp = file.mcp.map(endpoint).transpose()?;
    Ok(Config { verifier, operations: operations(file.operations)?, mcp, sources })
}

fn endpoint(mcp: Mcp) -> anyhow::Result<Endpoint> {
    let mut server = Server::new(&mcp.server).context("mcp.server")?;
    for (tool, Declared { urls, paths, scales }) in mcp.tools {
        let declared = Declarations { urls, paths, scales };
        server = server.declare(&tool, declared).with_context(|| format!("mcp.tools.{tool}"))?;
    }
    if !mcp.path.starts_with('/') {
        bail!("mcp.path: a path begins with /");
    }
    Ok(Endpoint { path: mcp.path, server, envelope: mcp.envelope })
}

/// Adds an issuer, whose keys stand in one of three places.
fn issuer(
    builder: VerifierBuilder,
    entry: &Issuer,
    place: &str,
    folder: &Path,
    sources: &mut Vec<(String, JwksSource)>,
) -> anyhow::Result<VerifierBuilder> {
    if entry.jwks_url.is_none() && (entry.allow_private_addresses || entry.insecure_http_loopback) {
        bail!("{place}: allow_private_addresses and insecure_http_loopback stand beside jwks_url only");
    }
    match (&entry.keys, &entry.jwks_file, &entry.jwks_url) {
        (Some(texts), None, None) => {
            let mut keys = Vec::new();
            for (number, key) in texts.iter().enumerate() {
                // spec: TK-49
                keys.push(key.parse::<PublicKey>().map_err(|_| {
                    anyhow!("{place}.keys[{number}]: not ed25519/ and 64 lower-case hexadecimal digits")
                })?);
            }
            Ok(builder.issuer(&entry.issuer, keys))
        }
        (None, Some(path), None) => {
            let named = || format!("{place}.jwks_file {}", path.display());
            let document = input::file(&folder.join(path), JwkSet::MAX_BYTES).with_context(named)?;
            let set = JwkSet::parse(&document).with_context(named)?;
            if set.keys().is_empty() {
                return Err(anyhow!("no Ed25519 key for signatures in it").context(named()));
            }
            Ok(builder.issuer(&entry.issuer, set.keys().iter().copied()))
        }
        (None, None, Some(url)) => {
            let mut options = JwksSource::url(url);
            if entry.allow_private_addresses {
                options = options.allow_private_addresses();
            }
            if entry.insecure_http_loopback {
                options = options.insecure_http_loopback();
            }
            let place = format!("{place}.jwks_url");
            let source = options.build().map_err(|error| {
                let hint = match error {
                    JwksConfigError::Address => "; allow_private_addresses = true lets it through",
                    _ => "",
                };
                anyhow!("{place}: {error}{hint}")
            })?;
            let builder = builder.live_issuer(&entry.issuer, source.keys());
            sources.push((place, source));
            Ok(builder)
        }
        (None, None, None) => bail!("{place}: one of keys, jwks_file and jwks_url is needed"),
        _ => bail!("{place}: more than one of keys, jwks_file and jwks_url"),
    }
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
        format!("{:#}", parse(text, Path::new("")).map(drop).unwrap_err())
    }

    #[test]
    fn the_example_is_a_configuration() {
        let Config { verifier, operations, sources, .. } = parse(EXAMPLE, Path::new("")).unwrap();
        assert_eq!(verifier.max_body(), 1_048_576);
        assert!(sources.is_empty());
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
            (example("\nkeys =", "\n# keys ="), "issuers[0]: one of keys, jwks_file and jwks_url"),
            (example("\nkeys =", "\njwks_file = \"hub.jwks.json\"\nkeys ="), "issuers[0]: more than one of"),
            (example("\nkeys =", "\njwks_url = \"https://hub.example/\"\nkeys ="), "issuers[0]: more than one of"),
            (example("\nkeys =", "\nallow_private_addresses = true\nkeys ="), "allow_private_addresses"),
            (example("\nkeys =", "\njwks_file = \"missing\"\n# keys ="), "issuers[0].jwks_file missing"),
            (example("\nkeys =", "\njwks_url = \"hub.example\"\n# keys ="), "issuers[0].jwks_url: not an absolute"),
            (example("\nkeys =", "\njwks_url = \"http://hub.example\"\n# keys ="), "issuers[0].jwks_url: the URL"),
            (example("\nkeys =", "\njwks_url = \"https://10.0.0.1\"\n# keys ="), "allow_private_addresses = true"),
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
