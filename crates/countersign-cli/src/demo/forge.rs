//! What an attacker writes without our library, which would refuse to.

use anyhow::Context as _;
use countersign::key::{PublicKey, SigningKey};
use countersign::token::{Delegation, OpenToken};
use countersign::{from_base64url, to_base64url};

use super::cast::{Cast, fresh_key, nonce};
use super::wire::Wire;

/// A GET whose signature says whatever is wanted.
pub(super) struct Draft {
    pub(super) target: String,
    pub(super) token: String,
    pub(super) keyid: String,
    pub(super) created: u64,
    pub(super) nonce: Vec<u8>,
}

impl Draft {
    /// As calendar-bot would write it.
    pub(super) fn new(cast: &Cast, target: &str) -> anyhow::Result<Self> {
        Ok(Self {
            target: target.to_owned(),
            token: cast.token.seal()?.to_text(),
            keyid: cast.agent.public().id().to_string(),
            created: cast.now.0,
            nonce: nonce()?.to_vec(),
        })
    }

    /// Signs it with any key (RFC 9421 section 2.5).
    pub(super) fn sign(self, authority: &str, key: &SigningKey) -> Wire {
        let (path, query) = self.target.split_once('?').unwrap_or((&self.target, ""));
        let authorization = format!("Countersign {}", self.token);
        let covered = [
            ("@method", "GET"),
            ("@authority", authority),
            ("@path", path),
            ("@query", &format!("?{query}")),
            ("authorization", &authorization),
        ];
        let names = covered.map(|(name, _)| format!("\"{name}\"")).join(" ");
        let parameters = format!(
            "({names});created={};expires={};nonce=\"{}\";keyid=\"{}\";tag=\"countersign-request-v1\"",
            self.created,
            self.created.saturating_add(60),
            to_base64url(&self.nonce),
            self.keyid
        );
        let lines = covered.map(|(name, value)| format!("\"{name}\": {value}\n")).concat();
        let signature = key.sign(format!("{lines}\"@signature-params\": {parameters}").as_bytes());
        let fields = [
            ("host", authority.to_owned()),
            ("authorization", authorization.clone()),
            ("signature-input", format!("sig={parameters}")),
            ("signature", format!("sig=:{}:", to_base64(signature.as_bytes()))),
        ];
        Wire {
            method: "GET".to_owned(),
            target: self.target.clone(),
            fields: fields.map(|(name, value)| (name.to_owned(), value)).to_vec(),
            body: String::new(),
            trailers: None,
        }
    }
}

/// base64 with padding: 64 bytes leave one over, so two signs of padding.
fn to_base64(signature: &[u8; 64]) -> String {
    format!("{}==", to_base64url(signature).replace('-', "+").replace('_', "/"))
}

/// The bytes that close an open token: one message around the next secret.
const OPEN_PROOF: usize = 36;
const SIGNATURE: usize = 64;

/// Hands a token on once more than it allows, by writing the bytes of `spec/token.md` by hand: every signature holds.
pub(super) fn hand_on_beyond_depth(token: &OpenToken, holder: &SigningKey, to: PublicKey) -> anyhow::Result<String> {
    const NO_TOKEN: &str = "the token is not of the form that it was minted in";
    let bytes = from_base64url(&token.dangerous_text()).context(NO_TOKEN)?;
    let (prefix, proof) = bytes.split_at_checked(bytes.len().saturating_sub(OPEN_PROOF)).context(NO_TOKEN)?;
    let secret = proof.last_chunk::<32>().context(NO_TOKEN)?;

    // What the holder signs tells the block and the signature before it.
    let unsigned = token.delegate(&Delegation::to("errand-bot", to))?;
    let external = holder.sign(unsigned.payload());
    let start = b"\0EXTERNAL\0\0VERSION\0\x01\0\0\0\0PAYLOAD\0";
    let rest = unsigned.payload().strip_prefix(start).context(NO_TOKEN)?;
    let (rest, previous) = rest.split_last_chunk::<SIGNATURE>().context(NO_TOKEN)?;
    let block = rest.strip_suffix(b"\0PREVSIG\0").context(NO_TOKEN)?;

    let next = fresh_key()?;
    let next_public = next.public();
    let tag: fn(&str) -> Vec<u8> = |word| [b"\0", word.as_bytes(), b"\0"].concat();
    let payload = [
        &tag("BLOCK"),
        &tag("VERSION"),
        &[1, 0, 0, 0][..],
        &tag("PAYLOAD"),
        block,
        &tag("ALGORITHM"),
        &[0; 4],
        &tag("NEXTKEY"),
        next_public.as_bytes(),
        &tag("PREVSIG"),
        previous,
        &tag("EXTERNALSIG"),
        external.as_bytes(),
    ]
    .concat();
    let signature = SigningKey::from_seed(secret).sign(&payload);
    let seal = next.sign(&[block, &[0; 4], next_public.as_bytes(), signature.as_bytes()].concat());

    let key = |key: &PublicKey| message(2, &[&[0x08, 0][..], &message(2, key.as_bytes())].concat());
    let by_holder = [message(1, external.as_bytes()), key(&holder.public())].concat();
    let signed =
        [message(1, block), key(&next_public), message(3, signature.as_bytes()), message(4, &by_holder), vec![0x28, 1]]
            .concat();
    let proof = message(4, &message(2, seal.as_bytes()));
    Ok(to_base64url(&[prefix, &message(3, &signed), &proof].concat()))
}

/// A length-delimited field of protobuf.
fn message(number: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    let mut length = content.len();
    while length > 0x7f {
        out.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend_from_slice(content);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::service::Place;
    use countersign::token::UnverifiedToken;

    /// So that what is refused about the deeper one is its depth alone.
    #[test]
    fn what_is_handed_on_by_hand_holds_where_it_is_allowed() -> anyhow::Result<()> {
        let cast = Cast::new(&Place::take()?)?;
        let text = hand_on_beyond_depth(&cast.token, &cast.agent, cast.mallory.public())?;
        let chain = UnverifiedToken::from_text(&text)?.verify(&[cast.issuer.public()])?;
        assert_eq!(chain.claims().holder(), cast.mallory.public());
        let deeper = hand_on_beyond_depth(&cast.handed_on, &cast.summary, cast.mallory.public())?;
        let refused = UnverifiedToken::from_text(&deeper).map_err(|error| error.code());
        assert_eq!(refused.err(), Some(countersign::Code::DelegationDepth));
        Ok(())
    }
}
