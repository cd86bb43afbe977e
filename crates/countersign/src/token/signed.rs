//! The bytes that signatures of a token are made over (`spec/token.md`, Signatures).

use super::layout::{Block, Layout, Proof};
use super::wire::Span;
use crate::key::{PublicKey, Signature};

/// Ed25519, as a little-endian i32.
const ALGORITHM: [u8; 4] = 0_i32.to_le_bytes();
/// The signature payload version, as a little-endian u32.
const VERSION: [u8; 4] = 1_u32.to_le_bytes();

/// What the block's key signs. `previous` is the signature of the block before, none for the authority block.
// spec: TK-39, TK-40
pub(crate) fn block_payload(
    payload: &[u8],
    next_key: &PublicKey,
    previous: Option<&[u8]>,
    external: Option<&[u8]>,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(payload.len().saturating_add(256));
    for part in
        [b"\0BLOCK\0\0VERSION\0", &VERSION[..], b"\0PAYLOAD\0", payload, b"\0ALGORITHM\0", &ALGORITHM, b"\0NEXTKEY\0"]
    {
        out.extend_from_slice(part);
    }
    out.extend_from_slice(next_key.as_bytes());
    if let Some(previous) = previous {
        out.extend_from_slice(b"\0PREVSIG\0");
        out.extend_from_slice(previous);
    }
    if let Some(external) = external {
        out.extend_from_slice(b"\0EXTERNALSIG\0");
        out.extend_from_slice(external);
    }
    out
}

/// What the current holder signs to delegate.
// spec: TK-41
pub(crate) fn external_payload(payload: &[u8], previous: &[u8]) -> Vec<u8> {
    [b"\0EXTERNAL\0\0VERSION\0", &VERSION[..], b"\0PAYLOAD\0", payload, b"\0PREVSIG\0", previous].concat()
}

/// What the last next key signs to seal.
// spec: TK-42
pub(crate) fn seal_payload(payload: &[u8], next_key: &PublicKey, signature: &[u8]) -> Vec<u8> {
    [payload, &ALGORITHM, next_key.as_bytes(), signature].concat()
}

fn signature(bytes: &[u8], span: Span) -> Option<Signature> {
    span.of(bytes).try_into().ok().map(Signature)
}

/// What a key of the issuer has to have signed, and the signature: the authority block's.
// spec: TK-39
pub(crate) fn by_issuer(bytes: &[u8], layout: &Layout) -> Option<(Vec<u8>, Signature)> {
    let block = layout.blocks.first()?;
    Some((block_payload(block.payload.of(bytes), &block.next_key, None, None), signature(bytes, block.signature)?))
}

/// Verifies the blocks behind the authority block from `first` on, and the proof.
///
/// Says how many blocks hold on failure only by being false: what is told apart here is told to nobody.
// spec: TK-43
pub(crate) fn rest_holds(bytes: &[u8], layout: &Layout, first: usize) -> bool {
    let pairs = layout.blocks.iter().zip(layout.blocks.iter().skip(1));
    let mut pairs = pairs.skip(first.saturating_sub(1));
    pairs.all(|(previous, block)| block_holds(bytes, block, previous)) && proof_holds(bytes, layout)
}

fn block_holds(bytes: &[u8], block: &Block, previous: &Block) -> bool {
    let payload = block.payload.of(bytes);
    let previous_signature = previous.signature.of(bytes);
    let external = block.external.map(|external| external.signature.of(bytes));
    let Some(own) = signature(bytes, block.signature) else { return false };
    let signed = block_payload(payload, &block.next_key, Some(previous_signature), external);
    if previous.next_key.verify(&signed, &own).is_err() {
        return false;
    }
    block.external.is_none_or(|external| {
        signature(bytes, external.signature).is_some_and(|by_holder| {
            external.key.verify(&external_payload(payload, previous_signature), &by_holder).is_ok()
        })
    })
}

fn proof_holds(bytes: &[u8], layout: &Layout) -> bool {
    let Some(last) = layout.blocks.last() else { return false };
    match layout.proof {
        Proof::FinalSignature(span) => signature(bytes, span).is_some_and(|seal| {
            let signed = seal_payload(last.payload.of(bytes), &last.next_key, last.signature.of(bytes));
            last.next_key.verify(&signed, &seal).is_ok()
        }),
        Proof::NextSecret(span) => <&[u8; 32]>::try_from(span.of(bytes))
            .is_ok_and(|seed| crate::key::SigningKey::from_seed(seed).public() == last.next_key),
    }
}
