//! Detached approvals: a person's consent to one operation (`spec/request.md`, Approvals).

use core::fmt;

use sha2::{Digest as _, Sha256};

use crate::code::Code;
use crate::encoding::{from_base64url, to_base64url};
use crate::json::{MAX_INTEGER, Value};
use crate::key::{KeyId, PublicKey, Signature, SigningKey};
use crate::time::{SKEW, UnixTime};

const DOMAIN: &[u8] = b"countersign-approval-v1\0";

/// How long an approval may last, in seconds.
pub const MAX_APPROVAL_SECONDS: u64 = 600;

/// How many approvals one request may carry.
const MAX_APPROVALS: usize = 16;

/// Bounds an approval's text before it is decoded: five members of known length, and a signature.
const MAX_TEXT: usize = 1024;

/// An approval, signed or not: what its payload says.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Payload {
    approver: String,
    created: i64,
    digest: [u8; 32],
    expires: i64,
    id: [u8; 16],
}

impl Payload {
    fn to_jcs(&self) -> String {
        Value::object([
            ("approver", Value::from(self.approver.as_str())),
            ("created", Value::Integer(self.created)),
            ("digest", Value::Str(to_base64url(&self.digest))),
            ("expires", Value::Integer(self.expires)),
            ("id", Value::Str(to_base64url(&self.id))),
        ])
        .to_jcs()
    }

    // spec: RQ-57
    fn read(bytes: &[u8]) -> Option<Self> {
        let value = Value::parse(bytes).ok()?;
        let object = value.as_object()?;
        let text = |name: &str| object.member(name)?.as_str();
        let time = |name: &str| object.member(name)?.as_integer().filter(|time| *time >= 0);
        let payload = Self {
            approver: text("approver")?.to_owned(),
            created: time("created")?,
            digest: from_base64url(text("digest")?)?.try_into().ok()?,
            expires: time("expires")?,
            id: from_base64url(text("id")?)?.try_into().ok()?,
        };
        // Equal bytes leave no room for another member, order or spelling.
        (payload.to_jcs().as_bytes() == bytes).then_some(payload)
    }
}

/// A signed approval as it travels.
#[derive(Clone, PartialEq, Eq)]
pub struct Approval {
    payload: Payload,
    bytes: Vec<u8>,
    signature: Signature,
}

impl Approval {
    /// Reads `<payload>.<signature>`. Nothing is verified.
    pub fn from_text(text: &str) -> Option<Self> {
        if text.len() > MAX_TEXT {
            return None;
        }
        let (payload, signature) = text.split_once('.')?;
        let bytes = from_base64url(payload)?;
        let signature = Signature::from_bytes(from_base64url(signature)?.try_into().ok()?);
        Some(Self { payload: Payload::read(&bytes)?, bytes, signature })
    }

    /// `<payload>.<signature>`, as it stands in `Countersign-Approval`.
    pub fn to_text(&self) -> String {
        [to_base64url(&self.bytes), to_base64url(self.signature.as_bytes())].join(".")
    }

    /// The key id of the approver that it names.
    pub fn approver(&self) -> &str {
        &self.payload.approver
    }

    /// The digest of the operation that it is for.
    pub fn digest(&self) -> [u8; 32] {
        self.payload.digest
    }

    /// The last second at which it holds.
    pub fn expires(&self) -> UnixTime {
        UnixTime(self.payload.expires.unsigned_abs())
    }

    /// Holds an approval by `key` against what it has to be.
    // spec: RQ-58
    fn check(&self, key: &PublicKey, digest: &[u8; 32], now: UnixTime) -> Result<ApprovalUse, &'static str> {
        let Payload { created, expires, .. } = self.payload;
        let now = i64::try_from(now.0).unwrap_or(MAX_INTEGER);
        let lasts = expires.saturating_sub(created);
        if self.payload.digest != *digest {
            return Err("approval is for another operation");
        }
        if lasts <= 0 || lasts.unsigned_abs() > MAX_APPROVAL_SECONDS {
            return Err("approval lasts too long or not at all");
        }
        if created > now.saturating_add_unsigned(SKEW) || now > expires {
            return Err("approval is past or future");
        }
        let signed = [DOMAIN, &self.bytes].concat();
        key.verify(&signed, &self.signature).map_err(|_| "signature of an approval does not verify")?;
        // spec: RQ-59
        let id = Sha256::new().chain_update(key.as_bytes()).chain_update(self.signature.as_bytes()).finalize().into();
        Ok(ApprovalUse { id, created: UnixTime(created.unsigned_abs()), keep_until: self.expires().plus(2 * SKEW + 1) })
    }
}

impl fmt::Debug for Approval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Approval").field("approver", &self.payload.approver).finish_non_exhaustive()
    }
}

/// An approval that waits for its signature, wherever the approver's key lives.
///
/// Whoever signs has to have computed the digest from the token and the operation, and shown every field to the person.
#[derive(Debug)]
pub struct UnsignedApproval {
    approver: PublicKey,
    payload: Payload,
    bytes: Vec<u8>,
    signed: Vec<u8>,
}

impl UnsignedApproval {
    /// Approves the operation with this digest, from `created` for `seconds` (at most 600); `id` is fresh randomness.
    ///
    /// `None` where the times are not such.
    pub fn new(approver: PublicKey, digest: [u8; 32], created: UnixTime, seconds: u64, id: [u8; 16]) -> Option<Self> {
        let integer = |time: UnixTime| i64::try_from(time.0).ok().filter(|time| *time <= MAX_INTEGER);
        if seconds == 0 || seconds > MAX_APPROVAL_SECONDS {
            return None;
        }
        let payload = Payload {
            approver: approver.id().to_string(),
            created: integer(created)?,
            digest,
            expires: integer(created.plus(seconds))?,
            id,
        };
        let bytes = payload.to_jcs().into_bytes();
        let signed = [DOMAIN, &bytes].concat();
        Some(Self { approver, payload, bytes, signed })
    }

    /// The bytes to sign with Ed25519.
    pub fn payload(&self) -> &[u8] {
        &self.signed
    }

    /// Takes the signature. `None` where it is not the approver's.
    pub fn complete(self, signature: Signature) -> Option<Approval> {
        self.approver.verify(&self.signed, &signature).ok()?;
        Some(Approval { payload: self.payload, bytes: self.bytes, signature })
    }

    /// Signs with a key at hand. `None` where it is another key than the approver's.
    pub fn sign(self, key: &SigningKey) -> Option<Approval> {
        let signature = key.sign(&self.signed);
        self.complete(signature)
    }
}

/// A use of an approval, to be recorded together with the charges: a second use is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovalUse {
    /// SHA-256 of the approver's public key and the signature.
    pub id: [u8; 32],
    /// When it was signed.
    pub created: UnixTime,
    /// Until when the use has to be remembered.
    pub keep_until: UnixTime,
}

/// Approvals that a service has on record, besides those that a request carries.
#[derive(Clone, Debug, Default)]
pub struct Approvals(Vec<Approval>);

impl Approvals {
    /// No approvals.
    pub fn none() -> Self {
        Self::default()
    }

    /// Approvals from the service's own records.
    pub fn recorded(approvals: impl IntoIterator<Item = Approval>) -> Self {
        Self(approvals.into_iter().collect())
    }
}

/// What is asked of approvals: by which keys, for what.
pub(crate) struct Needed<'n> {
    /// Each key once, in the order of the token.
    pub(crate) keys: &'n [PublicKey],
    pub(crate) holders: &'n [PublicKey],
    pub(crate) digest: &'n [u8; 32],
    pub(crate) now: UnixTime,
}

/// The uses of the approvals that an operation needs.
// spec: VF-32, VF-33
pub(crate) fn uses(
    needed: &Needed<'_>,
    field: Option<&str>,
    recorded: &Approvals,
) -> Result<Vec<ApprovalUse>, (Code, &'static str)> {
    let invalid = |detail| (Code::ApprovalInvalid, detail);
    let mut approvals: Vec<Approval> = Vec::new();
    // spec: RQ-57
    if let Some(field) = field {
        for (index, part) in field.split(',').enumerate() {
            if index >= MAX_APPROVALS {
                return Err(invalid("more than 16 approvals"));
            }
            let approval = Approval::from_text(part.trim_matches([' ', '\t']));
            approvals.push(approval.ok_or(invalid("approval that is not in its one form"))?);
        }
    }
    approvals.extend(recorded.0.iter().cloned());
    let ids: Vec<KeyId> = needed.keys.iter().map(PublicKey::id).collect();
    let by = |id: &KeyId| {
        let id = id.to_string();
        approvals.iter().filter(move |approval| approval.payload.approver == id).collect::<Vec<_>>()
    };
    if ids.iter().any(|id| by(id).len() > 1) {
        return Err(invalid("two approvals by one key"));
    }
    let mut uses = Vec::new();
    for (key, id) in needed.keys.iter().zip(&ids) {
        let Some(approval) = by(id).first().copied() else {
            return Err((Code::ApprovalRequired, "operation needs an approval"));
        };
        if needed.holders.contains(key) {
            return Err(invalid("approval by a holder of the token"));
        }
        uses.push(approval.check(key, needed.digest, needed.now).map_err(invalid)?);
    }
    Ok(uses)
}
