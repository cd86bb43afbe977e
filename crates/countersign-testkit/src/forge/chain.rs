//! Tokens as the parts that a forger exchanges: links to be signed, and signed blocks.

use crate::keys::Key;
use crate::raw_token::{Block, External, SignedBlock, Symbols, block_payload, external_payload, seal_payload};
use crate::text::b64u;
use crate::wire::Message;

/// The external signature of a delegation block, in the making.
#[derive(Clone, Debug)]
pub struct Signer {
    /// Whose key signs.
    pub key: Key,
    /// The public key that stands beside the signature, where it is not the signer's.
    pub claimed: Option<[u8; 32]>,
    /// A signature that is there already, in place of one that is made.
    pub kept: Option<Vec<u8>>,
}

/// A block in the making.
#[derive(Clone, Debug)]
pub struct Link {
    /// What it says.
    pub block: Block,
    /// Who hands the token on by it; none for authority and restriction blocks.
    pub by: Option<Signer>,
    /// The throw-away key that it names for the block after it.
    pub next: Key,
    /// Who signs it in place of the key that should.
    pub signed_with: Option<Key>,
    /// A signature that is there already, in place of one that is made.
    pub kept: Option<Vec<u8>>,
}

impl Link {
    /// A block of the token's own: authority or restriction.
    #[must_use]
    pub fn own(block: Block, next: Key) -> Self {
        Self { block, by: None, next, signed_with: None, kept: None }
    }

    /// A delegation block that this holder signs.
    #[must_use]
    pub fn delegation(block: Block, holder: &Key, next: Key) -> Self {
        let by = Signer { key: holder.clone(), claimed: None, kept: None };
        Self { by: Some(by), ..Self::own(block, next) }
    }
}

/// Signs the links one after the other, the first under `root`, as issuer and holders do.
#[must_use]
pub fn build(root: &Key, links: &[Link]) -> Vec<SignedBlock> {
    let mut symbols = Symbols::default();
    let mut blocks: Vec<SignedBlock> = Vec::new();
    for (index, link) in links.iter().enumerate() {
        let message = if link.by.is_some() { link.block.third_party() } else { link.block.first_party(&mut symbols) };
        let payload = message.encode();
        let previous = blocks.last().map(|block| block.signature.clone());
        let external = link.by.as_ref().map(|by| {
            let sign = || by.key.sign(&external_payload(&payload, previous.as_deref().unwrap_or_default()));
            let public = by.claimed.unwrap_or_else(|| by.key.public()).to_vec();
            External { signature: by.kept.clone().unwrap_or_else(sign), public }
        });
        let next = link.next.public().to_vec();
        let block = SignedBlock { payload, next, signature: Vec::new(), external, version: Some(1) };
        blocks.push(block);
        let usual = if index == 0 { root } else { &links[index - 1].next };
        match &link.kept {
            Some(kept) => blocks[index].signature.clone_from(kept),
            None => resign(&mut blocks, index, link.signed_with.as_ref().unwrap_or(usual)),
        }
    }
    blocks
}

/// Signs one block anew, over what stands there and before it.
pub fn resign(blocks: &mut [SignedBlock], index: usize, key: &Key) {
    let previous = index.checked_sub(1).map(|before| blocks[before].signature.as_slice());
    let block = &blocks[index];
    let external = block.external.as_ref().map(|external| external.signature.as_slice());
    let signature = key.sign(&block_payload(&block.payload, &block.next, previous, external));
    blocks[index].signature = signature;
}

/// A token whose parts can be exchanged.
#[derive(Clone, Debug)]
pub struct Pieces {
    /// The blocks.
    pub blocks: Vec<SignedBlock>,
    /// The final signature.
    pub seal: Vec<u8>,
}

impl Pieces {
    /// Seals blocks with this key.
    #[must_use]
    pub fn sealed(blocks: Vec<SignedBlock>, key: &Key) -> Self {
        let seal = key.sign(&seal_payload(blocks.last().unwrap()));
        Self { blocks, seal }
    }

    /// Builds and seals as everybody does who obeys.
    #[must_use]
    pub fn of(root: &Key, links: &[Link]) -> Self {
        Self::sealed(build(root, links), &links.last().unwrap().next)
    }

    fn bytes_with(&self, proof: &Message) -> Vec<u8> {
        let mut message = Message::new();
        for (index, block) in self.blocks.iter().enumerate() {
            message = message.message(if index == 0 { 2 } else { 3 }, &block.message());
        }
        message.message(4, proof).encode()
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        self.bytes_with(&Message::new().bytes(2, &self.seal))
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> String {
        b64u(&self.bytes())
    }

    /// The text of the open token with this secret.
    #[must_use]
    pub fn open_text(&self, secret: &Key) -> String {
        b64u(&self.bytes_with(&Message::new().bytes(1, &secret.seed())))
    }
}

/// The same signature with L added to S: what a verifier takes that does not compare S with L.
#[must_use]
pub fn second_form(signature: &[u8]) -> Vec<u8> {
    const L: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut out = signature.to_vec();
    let mut carry = 0;
    for (byte, add) in out[32..].iter_mut().zip(L) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        *byte = sum as u8;
        carry = sum >> 8;
    }
    out
}
