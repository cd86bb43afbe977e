//! One list: reading it, and making it in two halves.

use core::fmt;

use super::{Entries, MAX_FRESHNESS, MAX_LIST_TEXT, MAX_NUMBER, RevocationError, RevocationErrorKind as Kind};
use crate::encoding::{from_base64url, sha256, to_base64url};
use crate::json::{Object, Value};
use crate::key::{PublicKey, Signature, SigningKey};
use crate::time::{SKEW, UnixTime};

/// What a signature of a list is made over, before the payload.
const DOMAIN: &[u8] = b"countersign-revocations-v1\0";

/// The version of the format.
const VERSION: i64 = 1;

/// How many members a payload has.
const MEMBERS: usize = 11;

/// A list whose signature and form hold. Whether it may take the place of an earlier one is
/// [`super::RevocationLists`]'s to say.
///
/// ```
/// use countersign::key::SigningKey;
/// use countersign::revocation::{Entries, RevocationList, UnsignedList};
/// use countersign::time::UnixTime;
///
/// let key = SigningKey::from_seed(&[9; 32]); // visibly for tests
/// let mut entries = Entries::default();
/// entries.revoke_grant("g-19c2");
/// let created = UnixTime(1_795_453_200);
/// let list = UnsignedList::new("https://hub.example", 1, created, created.plus(3600), entries)?.sign(&key)?;
///
/// let read = RevocationList::verify(list.text(), "https://hub.example", &[key.public()])?;
/// assert_eq!((read.number(), read.entries().grants()), (1, &["g-19c2".to_owned()][..]));
/// assert!(read.is_fresh(created.plus(3600)) && !read.is_fresh(created.plus(3601)));
/// # Ok::<(), countersign::revocation::RevocationError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct RevocationList {
    text: String,
    content: Content,
    digest: [u8; 32],
    signer: PublicKey,
}

#[derive(Clone, PartialEq, Eq)]
struct Content {
    issuer: String,
    number: u64,
    created: UnixTime,
    next: UnixTime,
    entries: Entries,
}

impl RevocationList {
    /// Reads a list of this issuer, signed by one of `keys`: the issuer's revocation keys, or its root keys where it has
    /// none.
    ///
    /// Looks at neither the present nor at earlier lists.
    pub fn verify(text: &str, issuer: &str, keys: &[PublicKey]) -> Result<Self, RevocationError> {
        let list = Self::verify_of_any_issuer(text, keys)?;
        // spec: RV-9
        if list.issuer() == issuer { Ok(list) } else { Err(Kind::Issuer.into()) }
    }

    /// Reads a list signed by one of `keys`, whichever issuer it names: for tools that show lists to people.
    pub fn verify_of_any_issuer(text: &str, keys: &[PublicKey]) -> Result<Self, RevocationError> {
        // spec: RV-2
        if text.len() > MAX_LIST_TEXT {
            return Err(Kind::Limit.into());
        }
        // spec: RV-1
        let malformed = RevocationError(Kind::Malformed);
        let (payload, signature) = text.split_once('.').ok_or(malformed)?;
        let payload = from_base64url(payload).ok_or(malformed)?;
        let signature = from_base64url(signature).and_then(|bytes| bytes.try_into().ok()).ok_or(malformed)?;
        let signature = Signature::from_bytes(signature);
        // spec: RV-3, RV-4
        let message = [DOMAIN, &payload].concat();
        let signer = keys.iter().find(|key| key.verify(&message, &signature).is_ok());
        let signer = *signer.ok_or(RevocationError(Kind::Signature))?;
        drop(message);
        let content = Content::from_payload(&payload)?;
        // spec: RV-5
        if content.entries.issuer_keys().contains(&signer) {
            return Err(Kind::SignerRevoked.into());
        }
        Ok(Self { text: text.to_owned(), content, digest: sha256(&[&payload]), signer })
    }

    /// The text, without a line feed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whose list it is.
    pub fn issuer(&self) -> &str {
        &self.content.issuer
    }

    /// Its number: greater in each later list.
    pub fn number(&self) -> u64 {
        self.content.number
    }

    /// When it was made.
    pub fn created(&self) -> UnixTime {
        self.content.created
    }

    /// Up to and including which second it counts as fresh.
    pub fn next(&self) -> UnixTime {
        self.content.next
    }

    /// What it revokes.
    pub fn entries(&self) -> &Entries {
        &self.content.entries
    }

    /// SHA-256 of the payload.
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// The key that it is signed by.
    pub fn signer(&self) -> PublicKey {
        self.signer
    }

    /// Whether it can be relied on at a time.
    pub fn is_fresh(&self, now: UnixTime) -> bool {
        is_fresh(self.created(), self.next(), now)
    }
}

impl fmt::Debug for RevocationList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RevocationList")
            .field("issuer", &self.issuer())
            .field("number", &self.number())
            .field("created", &self.created())
            .field("next", &self.next())
            .field("entries", &self.entries().len())
            .finish_non_exhaustive()
    }
}

// spec: RV-21
pub(super) fn is_fresh(created: UnixTime, next: UnixTime, now: UnixTime) -> bool {
    created <= now.plus(SKEW) && now <= next
}

impl Content {
    // spec: RV-6, RV-7, RV-8
    fn from_payload(payload: &[u8]) -> Result<Self, RevocationError> {
        let value = Value::parse(payload).map_err(|_| RevocationError(Kind::Json))?;
        if value.to_jcs().as_bytes() != payload {
            return Err(Kind::NotCanonical.into());
        }
        let member = RevocationError(Kind::Member);
        let object = value.as_object().ok_or(member)?;
        let integer = |name| object.member(name).and_then(Value::as_integer).ok_or(member);
        if integer("v")? != VERSION {
            return Err(Kind::Version.into());
        }
        let issuer = object.member("issuer").and_then(Value::as_str).ok_or(member)?;
        let [number, created, next] = ["number", "created", "next"].map(integer);
        let (number, created, next) = (number?, created?, next?);
        let entries = Entries::from_members(object)?;
        if object.len() != MEMBERS {
            return Err(member);
        }
        let number = u64::try_from(number).map_err(|_| RevocationError(Kind::Number))?;
        let time = |seconds| u64::try_from(seconds).map(UnixTime).map_err(|_| RevocationError(Kind::Time));
        let content = Self { issuer: issuer.to_owned(), number, created: time(created)?, next: time(next)?, entries };
        content.check().map(|()| content)
    }

    // spec: RV-10, RV-11
    fn check(&self) -> Result<(), RevocationError> {
        if !(1..=MAX_NUMBER).contains(&self.number) {
            return Err(Kind::Number.into());
        }
        let latest = self.created.plus(MAX_FRESHNESS).min(UnixTime::MAX_DATE);
        if self.created >= self.next || self.next > latest {
            return Err(Kind::Time.into());
        }
        Ok(())
    }

    fn to_payload(&self) -> Vec<u8> {
        // All of them are at most 2^53 - 1: `check` has seen them.
        let integer = |number: u64| Value::Integer(i64::try_from(number).unwrap_or(i64::MAX));
        let mut object = Object::default();
        object.set("v", Value::Integer(VERSION));
        object.set("issuer", self.issuer.as_str().into());
        object.set("number", integer(self.number));
        object.set("created", integer(self.created.0));
        object.set("next", integer(self.next.0));
        for (name, array) in self.entries.to_members() {
            object.set(name, array);
        }
        Value::Object(object).to_jcs().into_bytes()
    }
}

/// A list that waits for its signature, wherever that key lives.
#[derive(Clone)]
pub struct UnsignedList {
    content: Content,
    message: Vec<u8>,
}

impl UnsignedList {
    /// Fixes the bytes to be signed. Entries may stand in any order and more than once; of a user's times the latest
    /// counts.
    ///
    /// `number` is greater than that of the issuer's list before. From `created` to `next` are at most
    /// [`MAX_FRESHNESS`] seconds.
    pub fn new(
        issuer: &str,
        number: u64,
        created: UnixTime,
        next: UnixTime,
        mut entries: Entries,
    ) -> Result<Self, RevocationError> {
        entries.sort();
        entries.check()?;
        let content = Content { issuer: issuer.to_owned(), number, created, next, entries };
        content.check()?;
        let message = [DOMAIN, &content.to_payload()].concat();
        // Four characters for three bytes, a dot, and the signature's 86.
        if message.len().saturating_sub(DOMAIN.len()).saturating_mul(4).div_ceil(3) > MAX_LIST_TEXT.saturating_sub(87) {
            return Err(Kind::Limit.into());
        }
        Ok(Self { content, message })
    }

    /// The bytes to sign with Ed25519.
    pub fn payload(&self) -> &[u8] {
        &self.message
    }

    /// Takes the signature, which must verify under `signer`: a key that the list does not revoke.
    pub fn complete(self, signature: Signature, signer: PublicKey) -> Result<RevocationList, RevocationError> {
        signer.verify(&self.message, &signature).map_err(|_| RevocationError(Kind::Signature))?;
        // spec: RV-5
        if self.content.entries.issuer_keys().contains(&signer) {
            return Err(Kind::SignerRevoked.into());
        }
        let payload = self.message.get(DOMAIN.len()..).unwrap_or_default();
        let text = [to_base64url(payload).as_str(), ".", &to_base64url(signature.as_bytes())].concat();
        Ok(RevocationList { text, digest: sha256(&[payload]), content: self.content, signer })
    }

    /// Signs with a key at hand.
    pub fn sign(self, key: &SigningKey) -> Result<RevocationList, RevocationError> {
        let signature = key.sign(&self.message);
        self.complete(signature, key.public())
    }
}

impl fmt::Debug for UnsignedList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnsignedList").field("issuer", &self.content.issuer).finish_non_exhaustive()
    }
}
