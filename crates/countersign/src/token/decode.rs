//! The strict decoder: bytes to a [`Layout`], or the code of what is wrong (`spec/token.md`).
//!
//! One pass, no signature verified. What it lets in is canonical and inside the profile, so that all later stages read
//! the bytes without a question left.

use core::fmt;

use super::block::{AuthorityFacts, BlockDecoder, Facts};
use super::layout::{Block, External, Holder, Layout, Proof, limit};
use super::symbol::{Scope, Symbols};
use super::wire::{Fields, Malformed, Span, Value, once};
use crate::code::Code;
use crate::encoding::sha256;
use crate::key::PublicKey;

/// A token was refused before any signature was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError {
    code: Code,
    detail: &'static str,
}

impl DecodeError {
    pub(crate) const fn new(code: Code, detail: &'static str) -> Self {
        Self { code, detail }
    }

    /// `token_malformed`, `token_profile`, `limit_exceeded`, `delegation_invalid` or `delegation_depth`.
    pub const fn code(&self) -> Code {
        self.code
    }

    /// What was found, without a byte of the token.
    pub const fn detail(&self) -> &'static str {
        self.detail
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)
    }
}

impl core::error::Error for DecodeError {}

impl From<Malformed> for DecodeError {
    fn from(_: Malformed) -> Self {
        Self::new(Code::TokenMalformed, "not the canonical encoding of a token")
    }
}

pub(crate) const fn malformed(detail: &'static str) -> DecodeError {
    DecodeError::new(Code::TokenMalformed, detail)
}

pub(crate) const fn profile(detail: &'static str) -> DecodeError {
    DecodeError::new(Code::TokenProfile, detail)
}

pub(crate) const fn over(detail: &'static str) -> DecodeError {
    DecodeError::new(Code::LimitExceeded, detail)
}

/// Decodes the binary form of a token.
pub(crate) fn decode(bytes: &[u8]) -> Result<Layout, DecodeError> {
    // spec: TK-2
    if bytes.len() > limit::TOKEN_BYTES {
        return Err(over("token longer than 5 KiB"));
    }
    let mut state = State { bytes, symbols: Symbols::default(), blocks: Vec::with_capacity(4), chain: None };
    let mut proof = None;
    let mut fields = Fields::new(bytes, Span::whole(bytes));
    while let Some((number, value)) = fields.next()? {
        match number {
            1 => return Err(profile("root key id")),
            2 if state.blocks.is_empty() => state.authority(value)?,
            3 if !state.blocks.is_empty() => state.later(value)?,
            4 => once(&mut proof, read_proof(bytes, value.bytes()?)?)?,
            _ => return Err(malformed("unknown, repeated or misplaced field of the token")),
        }
    }
    let proof = proof.ok_or(malformed("no proof"))?;
    let State { symbols, blocks, chain, .. } = state;
    let Chain { facts, holders, depth_left, expires } = chain.ok_or(malformed("no authority block"))?;
    Ok(Layout {
        symbols,
        blocks,
        proof,
        issuer: facts.issuer,
        user: facts.user,
        purpose: facts.purpose,
        audience: facts.audience,
        issued_at: facts.issued_at,
        expires,
        rights: facts.rights,
        holders,
        depth_left,
        budgets: facts.budgets,
        metered: facts.metered,
        approvals: facts.approvals,
        grant: facts.grant,
        conversation: facts.conversation,
    })
}

/// What the blocks read so far amount to.
struct Chain {
    facts: AuthorityFacts,
    holders: Vec<Holder>,
    depth_left: u8,
    expires: u64,
}

struct State<'a> {
    bytes: &'a [u8],
    symbols: Symbols,
    blocks: Vec<Block>,
    chain: Option<Chain>,
}

impl State<'_> {
    fn authority(&mut self, value: Value) -> Result<(), DecodeError> {
        let signed = SignedBlock::read(self.bytes, value.bytes()?)?;
        // spec: TK-14
        if signed.external.is_some() {
            return Err(profile("authority block with an external signature"));
        }
        let (block, facts, expires) = self.block(signed)?;
        self.blocks.push(block);
        let facts = facts.authority()?;
        self.chain = Some(Chain {
            holders: vec![facts.agent],
            depth_left: facts.depth,
            // spec: TK-34
            expires: expires.ok_or(profile("no expiry check in the authority block"))?,
            facts,
        });
        Ok(())
    }

    fn later(&mut self, value: Value) -> Result<(), DecodeError> {
        // spec: TK-13
        if self.blocks.len() >= limit::BLOCKS {
            return Err(over("more than 12 blocks"));
        }
        let signed = SignedBlock::read(self.bytes, value.bytes()?)?;
        let index = self.blocks.len();
        let external = signed.external;
        let (block, facts, _) = self.block(signed)?;
        let chain = self.chain.as_mut().ok_or(malformed("no authority block"))?;
        match external {
            None if block.checks.is_empty() => return Err(profile("restriction block without a check")),
            None => facts.none()?,
            Some(external) => {
                // spec: TK-37
                // The holder moves by the current holder's signature alone.
                if chain.holders.last().is_none_or(|holder| holder.key != external.key) {
                    return Err(DecodeError::new(
                        Code::DelegationInvalid,
                        "third-party block not by the current holder",
                    ));
                }
                let delegation = facts.delegation(index)?;
                // spec: TK-47
                if delegation.depth >= chain.depth_left {
                    return Err(DecodeError::new(Code::DelegationDepth, "more delegations than allowed"));
                }
                chain.depth_left = delegation.depth;
                chain.holders.push(delegation.delegate);
                chain.facts.budgets.extend(delegation.budgets);
            }
        }
        chain.expires = block.expires;
        self.blocks.push(block);
        Ok(())
    }

    fn block(&mut self, signed: SignedBlock) -> Result<(Block, Facts, Option<u64>), DecodeError> {
        let mut decoder = BlockDecoder::new(self.bytes, &mut self.symbols, signed.external.is_some());
        decoder.read(signed.payload)?;
        let (scope, facts, checks, expires) = decoder.finish();
        let identity = signed.external.map_or(signed.signature, |external| external.signature);
        let block = Block {
            payload: signed.payload,
            scope,
            next_key: signed.next_key,
            signature: signed.signature,
            external: signed.external,
            id: sha256(&[identity.of(self.bytes)]),
            prefix_end: signed.end,
            checks,
            // spec: TK-35
            expires: expires.unwrap_or(u64::MAX).min(self.chain.as_ref().map_or(u64::MAX, |chain| chain.expires)),
        };
        Ok((block, facts, expires))
    }
}

/// One block as the container holds it.
struct SignedBlock {
    payload: Span,
    next_key: PublicKey,
    signature: Span,
    external: Option<External>,
    end: usize,
}

impl SignedBlock {
    fn read(bytes: &[u8], span: Span) -> Result<Self, DecodeError> {
        let (mut payload, mut next_key, mut signature, mut external, mut version) = (None, None, None, None, None);
        let mut fields = Fields::new(bytes, span);
        while let Some((number, value)) = fields.next()? {
            match number {
                1 => once(&mut payload, value.bytes()?)?,
                2 => once(&mut next_key, read_key(bytes, value.bytes()?)?)?,
                3 => once(&mut signature, value.bytes()?)?,
                4 => once(&mut external, read_external(bytes, value.bytes()?)?)?,
                5 => once(&mut version, value.uint32()?)?,
                _ => return Err(malformed("unknown field of a signed block")),
            }
        }
        // spec: TK-11
        match version {
            Some(1) => {}
            Some(0) => return Err(malformed("explicit default value")),
            _ => return Err(profile("signature payload version other than 1")),
        }
        Ok(Self {
            payload: payload.ok_or(Malformed)?,
            next_key: next_key.ok_or(Malformed)?,
            signature: signature.ok_or(Malformed)?,
            external,
            end: span.end(),
        })
    }
}

/// A key or a secret of 32 bytes. Signatures of a wrong length are stage 7's to tell.
// spec: TK-12, TK-16
fn sized(span: Span) -> Result<Span, DecodeError> {
    if span.len() == 32 { Ok(span) } else { Err(profile("key or secret that is not 32 bytes")) }
}

fn read_key(bytes: &[u8], span: Span) -> Result<PublicKey, DecodeError> {
    let (mut algorithm, mut key) = (None, None);
    let mut fields = Fields::new(bytes, span);
    while let Some((number, value)) = fields.next()? {
        match number {
            1 => once(&mut algorithm, value.int32()?)?,
            2 => once(&mut key, value.bytes()?)?,
            _ => return Err(malformed("unknown field of a public key")),
        }
    }
    let key = key.ok_or(Malformed)?;
    match algorithm.ok_or(Malformed)? {
        0 => {}
        _ => return Err(profile("key that is not Ed25519")),
    }
    sized(key)?;
    key.of(bytes).try_into().map(PublicKey).map_err(|_| malformed("key of a wrong length"))
}

fn read_external(bytes: &[u8], span: Span) -> Result<External, DecodeError> {
    let (mut signature, mut key) = (None, None);
    let mut fields = Fields::new(bytes, span);
    while let Some((number, value)) = fields.next()? {
        match number {
            1 => once(&mut signature, value.bytes()?)?,
            2 => once(&mut key, read_key(bytes, value.bytes()?)?)?,
            _ => return Err(malformed("unknown field of an external signature")),
        }
    }
    Ok(External { signature: signature.ok_or(Malformed)?, key: key.ok_or(Malformed)? })
}

fn read_proof(bytes: &[u8], span: Span) -> Result<Proof, DecodeError> {
    let mut fields = Fields::new(bytes, span);
    let proof = match fields.next()? {
        Some((1, value)) => Proof::NextSecret(sized(value.bytes()?)?),
        Some((2, value)) => Proof::FinalSignature(value.bytes()?),
        _ => return Err(malformed("proof without content")),
    };
    match fields.next()? {
        None => Ok(proof),
        Some(_) => Err(malformed("proof with two contents")),
    }
}

/// The scope of a block whose symbols end the table.
pub(crate) fn scope_of(symbols: &Symbols, third_party: bool, start: usize) -> Scope {
    // A token of 5 KiB holds fewer symbols than u16 counts.
    let small = |len: usize| u16::try_from(len).unwrap_or(u16::MAX);
    if third_party {
        Scope::Local { start: small(start), end: small(symbols.local.len()) }
    } else {
        Scope::Shared(small(symbols.shared.len()))
    }
}
