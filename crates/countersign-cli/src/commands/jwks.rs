//! `countersign jwks`.

use std::path::Path;

use anyhow::{anyhow, bail};
use countersign::key::PublicKey;
use countersign::verify::IssuerKeys;
use countersign_tower::jwks::JwkSet;

use crate::args::Jwks;
use crate::{keyfile, output};

pub(crate) fn run(args: &Jwks) -> anyhow::Result<()> {
    let mut keys = Vec::new();
    for text in &args.keys {
        let key = public(text)?;
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    // spec: VF-43
    if keys.len() > IssuerKeys::LIMIT {
        bail!("KEY: an issuer has at most {} keys", IssuerKeys::LIMIT);
    }
    output::line(&JwkSet::of(keys).to_json())
}

/// A public key, or the public half of a key file.
fn public(text: &str) -> anyhow::Result<PublicKey> {
    match text.strip_prefix('@') {
        Some(path) => keyfile::read(Path::new(path), "KEY").map(|key| key.public()),
        None => text.parse().map_err(|_| {
            anyhow!("KEY: not ed25519/ and 64 lower-case hexadecimal digits (a key file is given as @FILE)")
        }),
    }
}
