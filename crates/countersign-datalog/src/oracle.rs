//! Test support: reads any token of the profile with biscuit-auth, and runs its checks over given facts.
//!
//! A service does not need this module: core decides alone. Tests and fuzz targets hold core to it.

use core::time::Duration;

use biscuit_auth::builder::Fact;
use biscuit_auth::error::{Logic, Token};
use biscuit_auth::format::schema;
use biscuit_auth::{Algorithm, AuthorizerBuilder, AuthorizerLimits, Biscuit, UnverifiedBiscuit};
use countersign::checks::Facts;
use countersign::key::PublicKey;
use prost::{DecodeError, Message as _};

use crate::terms;

/// What biscuit-auth's engine says to the checks of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every check passes.
    Allow,
    /// A check fails, and none is an error.
    Deny,
    /// The token does not verify, or evaluating a check is an error.
    Error(String),
}

impl Outcome {
    /// Whether the request would be let through.
    pub fn is_allow(&self) -> bool {
        *self == Self::Allow
    }
}

/// Reads a token in its binary form, every fact and check of it, and verifies nothing.
pub fn read(token: &[u8]) -> Result<UnverifiedBiscuit, Token> {
    let token = UnverifiedBiscuit::from(token)?;
    // Blocks are read when they are asked for.
    (0..token.block_count()).try_for_each(|block| token.block_version(block).map(drop))?;
    Ok(token)
}

/// Decodes a token by Biscuit's schema, blocks too, and encodes what was understood.
pub fn encoded_anew(token: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let mut token = schema::Biscuit::decode(token)?;
    for block in core::iter::once(&mut token.authority).chain(&mut token.blocks) {
        block.block = schema::Block::decode(&*block.block)?.encode_to_vec();
    }
    Ok(token.encode_to_vec())
}

/// Reads a token in its binary form and verifies every signature, the first under `root`.
pub fn verify(token: &[u8], root: &PublicKey) -> Result<Biscuit, Token> {
    let root = biscuit_auth::PublicKey::from_bytes(root.as_bytes(), Algorithm::Ed25519)?;
    Biscuit::from(token, root)
}

/// Verifies a token and runs its checks over the facts that a verifier gives.
///
/// `user`, `agent`, `purpose` and `issuer` are the token's own: those of `facts` are not read. Poison and missing
/// extraction of arguments are unknown to an engine, and so is the limit of work.
pub fn outcome(token: &[u8], root: &PublicKey, facts: &Facts<'_>) -> Outcome {
    let run = || builder(terms::of_the_verifier(facts))?.build(&verify(token, root)?)?.authorize();
    judged(run())
}

/// Runs checks that are given as text, over all of `facts`; `None` where biscuit-auth's parser can't read them, as it
/// can't the escapes of what core prints, nor empty bytes.
pub fn outcome_of_text<'c>(checks: impl IntoIterator<Item = &'c str>, facts: &Facts<'_>) -> Option<Outcome> {
    let run = || {
        let all = [terms::of_the_verifier(facts), terms::of_the_authority_block(facts)].concat();
        let builder = checks.into_iter().try_fold(builder(all)?, AuthorizerBuilder::check)?;
        builder.build_unauthenticated()?.authorize()
    };
    match run() {
        Err(Token::Language(_)) => None,
        result => Some(judged(result)),
    }
}

fn judged(result: Result<usize, Token>) -> Outcome {
    match result {
        Ok(_) => Outcome::Allow,
        Err(Token::FailedLogic(Logic::Unauthorized { .. })) => Outcome::Deny,
        Err(error) => Outcome::Error(error.to_string()),
    }
}

fn builder(facts: Vec<Fact>) -> Result<AuthorizerBuilder, Token> {
    // Far from what a token of the profile can need, so that no verdict depends on a clock.
    let limits = AuthorizerLimits { max_facts: 100_000, max_iterations: 10_000, max_time: Duration::from_secs(10) };
    let builder = AuthorizerBuilder::new().set_limits(limits).policy("allow if true")?;
    facts.into_iter().try_fold(builder, AuthorizerBuilder::fact)
}
