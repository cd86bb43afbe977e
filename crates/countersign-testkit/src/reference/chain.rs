//! Stage 4: a token from its text, its blocks and holders; stage 7: its signatures (`spec/token.md`).

use super::block::{self, Block, Check, Op, Term};
use super::facts::{self, Claims};
use super::proto::{self, Node};
use super::schema::BISCUIT;
use super::symbols::Table;
use super::{Faults, base64, ed25519};

/// A block with its signatures.
#[derive(Debug)]
pub(super) struct Signed {
    bytes: Vec<u8>,
    next: Vec<u8>,
    signature: Vec<u8>,
    /// Signature and key.
    external: Option<(Vec<u8>, Vec<u8>)>,
    /// What it says, where that can be told.
    pub(super) block: Option<Block>,
}

/// Somebody who has or had the token.
#[derive(Clone, Debug)]
pub(super) struct Holder {
    pub(super) name: String,
    pub(super) key: Vec<u8>,
    pub(super) claimed_by: String,
}

/// A token.
#[derive(Debug)]
pub(super) struct Chain {
    pub(super) blocks: Vec<Signed>,
    seal: Option<Vec<u8>>,
    /// Whether stage 7 has payloads for all blocks.
    signed_as_here: bool,
    pub(super) claims: Claims,
    pub(super) holders: Vec<Holder>,
    pub(super) expires: Option<u64>,
}

impl Signed {
    fn read(node: &Node) -> Option<Self> {
        let external = match node.node(4) {
            Some(external) => Some((external.bytes(1)?.to_vec(), external.node(2)?.bytes(2)?.to_vec())),
            None => None,
        };
        Some(Self {
            bytes: node.bytes(1)?.to_vec(),
            next: node.node(2)?.bytes(2)?.to_vec(),
            signature: node.bytes(3)?.to_vec(),
            external,
            block: None,
        })
    }

    /// SHA-256 of the external signature where there is one, else of the signature.
    pub(super) fn id(&self) -> [u8; 32] {
        ed25519::sha256(self.external.as_ref().map_or(&self.signature, |(signature, _)| signature))
    }

    /// What the signatures of this block are over, up to what the block before it adds.
    fn payload(&self) -> Vec<u8> {
        [
            b"\0BLOCK\0\0VERSION\0".as_slice(),
            &1_u32.to_le_bytes(),
            b"\0PAYLOAD\0",
            &self.bytes,
            b"\0ALGORITHM\0",
            &0_u32.to_le_bytes(),
            b"\0NEXTKEY\0",
            &self.next,
        ]
        .concat()
    }
}

/// Stage 4: a token from its text.
pub(super) fn stage_4(text: &[u8], faults: &mut Faults) -> Option<Chain> {
    // spec: TK-1
    let Some(bytes) = base64::from_url(text) else {
        faults.refuse(4, "token_malformed", "TK-1");
        return None;
    };
    let container = proto::read(&bytes, &BISCUIT, 0, faults)?;
    let nodes: Vec<&Node> = container.nodes(2).chain(container.nodes(3)).collect();
    let mut signed_as_here = true;
    for (index, node) in nodes.iter().enumerate() {
        // spec: TK-11 (0 is TK-7)
        let version = node.number(5);
        faults.need(matches!(version, Some(0 | 1)), 4, "token_profile", "TK-11");
        signed_as_here &= version == Some(1);
        // spec: TK-12
        let keys = node.nodes(2).chain(node.nodes(4).filter_map(|external| external.node(2)));
        for key in keys {
            let good = key.number(1) == Some(0) && key.bytes(2).is_some_and(|key| key.len() == 32);
            faults.need(good, 4, "token_profile", "TK-12");
            signed_as_here &= good;
        }
        // spec: TK-14
        faults.need(index > 0 || node.node(4).is_none(), 4, "token_profile", "TK-14");
    }
    // spec: TK-13
    faults.need(nodes.len() <= 12, 4, "limit_exceeded", "TK-13");
    // spec: TK-15 (TK-16 is for who takes over an open token)
    let proof = container.node(4)?;
    faults.need(proof.bytes(1).is_none(), 4, "token_unsealed", "TK-15");
    let seal = proof.bytes(2).map(<[u8]>::to_vec);
    let mut blocks = nodes.into_iter().map(Signed::read).collect::<Option<Vec<_>>>()?;
    let mut table = Table::default();
    for (index, signed) in blocks.iter_mut().enumerate() {
        let delegation = index > 0 && signed.external.is_some();
        let mut own = Table::default();
        let table = if delegation { &mut own } else { &mut table };
        signed.block = block::read(&signed.bytes, table, delegation, faults);
    }
    let claims = facts::authority(blocks.first()?.block.as_ref()?, faults)?;
    let holders = holders(&blocks, &claims, faults)?;
    // spec: TK-35
    let expiries = blocks.iter().filter_map(|signed| signed.block.as_ref()).flat_map(|block| &block.checks);
    let expires = expiries.filter_map(expiry).min();
    Some(Chain { blocks, seal, signed_as_here, claims, holders, expires })
}

/// The date of an expiry; nothing where the check is none.
pub(super) fn expiry(check: &Check) -> Option<u64> {
    let (None, [query]) = (check.kind, &check.queries[..]) else { return None };
    let ([predicate], [expression]) = (&query.body[..], &query.expressions[..]) else { return None };
    let time = Term::Variable("time".into());
    if predicate.name != "time" || predicate.terms != [time.clone()] {
        return None;
    }
    match &expression[..] {
        [Op::Value(variable), Op::Value(Term::Date(date)), Op::Binary(2)] if *variable == time => Some(*date),
        _ => None,
    }
}

/// The holders in their order, by the rules of restriction and delegation blocks.
fn holders(blocks: &[Signed], claims: &Claims, faults: &mut Faults) -> Option<Vec<Holder>> {
    // A key of another length is nobody's: TK-32.
    let (name, key) = claims.agent.clone().filter(|(_, key)| key.len() == 32)?;
    let mut holders = vec![Holder { name, key, claimed_by: claims.issuer.clone()? }];
    let mut left = claims.delegation_depth.unwrap_or(0);
    for signed in &blocks[1..] {
        let block = signed.block.as_ref()?;
        let Some((_, key)) = &signed.external else {
            // spec: TK-36
            let fits = block.facts.is_empty() && !block.checks.is_empty();
            faults.need(fits, 4, "token_profile", "TK-36");
            continue;
        };
        let holder = &holders[holders.len() - 1].key;
        // spec: TK-37
        faults.need(key == holder, 4, "delegation_invalid", "TK-37");
        let claimed_by = ed25519::key_id(holder);
        let delegation = facts::delegation(block, faults);
        // spec: TK-47
        let depth = delegation.depth.unwrap_or(0);
        faults.need(left > 0 && depth < left, 4, "delegation_depth", "TK-47");
        left = depth;
        let (name, key) = delegation.delegate.filter(|(_, key)| key.len() == 32)?;
        holders.push(Holder { name, key, claimed_by });
    }
    Some(holders)
}

/// Whether a signature of the token verifies; the rule that it breaks otherwise.
fn verify(key: &[u8], payload: &[u8], signature: &[u8]) -> Result<(), &'static str> {
    // spec: TK-43
    let signature: &[u8; 64] = signature.try_into().map_err(|_| "TK-43")?;
    let key: &[u8; 32] = key.try_into().map_err(|_| "TK-46")?;
    ed25519::verify(key, payload, signature)
}

/// Stage 7: the signatures of the token, under those of its issuer's keys that are not revoked.
// spec: VF-5, VF-17
pub(super) fn stage_7(chain: &Chain, keys: &[[u8; 32]], configured: usize, faults: &mut Faults) {
    const CODE: &str = "token_signature";
    if !chain.signed_as_here {
        return;
    }
    let Some((authority, later)) = chain.blocks.split_first() else { return };
    // spec: TK-39
    let tried: Vec<_> = keys.iter().map(|key| verify(key, &authority.payload(), &authority.signature)).collect();
    if !tried.contains(&Ok(())) {
        let rule = tried.into_iter().find_map(Result::err).unwrap_or("VF-17");
        let revoked = if keys.len() < configured { "VF-16" } else { "VF-17" };
        faults.refuse_for(7, CODE, &["TK-39", "VF-17", rule, revoked]);
    }
    let mut before = authority;
    for signed in later {
        // spec: TK-40
        let mut payload = signed.payload();
        payload.extend([b"\0PREVSIG\0".as_slice(), &before.signature].concat());
        if let Some((external, _)) = &signed.external {
            payload.extend([b"\0EXTERNALSIG\0".as_slice(), external].concat());
        }
        if let Err(rule) = verify(&before.next, &payload, &signed.signature) {
            faults.refuse_for(7, CODE, &["TK-40", "VF-17", rule]);
        }
        // spec: TK-41
        if let Some((external, key)) = &signed.external {
            let version = 1_u32.to_le_bytes();
            let head = [b"\0EXTERNAL\0\0VERSION\0".as_slice(), &version, b"\0PAYLOAD\0", &signed.bytes].concat();
            let payload = [&head, b"\0PREVSIG\0".as_slice(), &before.signature].concat();
            if let Err(rule) = verify(key, &payload, external) {
                faults.refuse_for(7, CODE, &["TK-41", "VF-17", rule]);
            }
        }
        before = signed;
    }
    // spec: TK-42
    if let Some(seal) = &chain.seal {
        let payload = [&before.bytes, 0_u32.to_le_bytes().as_slice(), &before.next, &before.signature].concat();
        if let Err(rule) = verify(&before.next, &payload, seal) {
            faults.refuse_for(7, CODE, &["TK-42", "VF-17", rule]);
        }
    }
}
