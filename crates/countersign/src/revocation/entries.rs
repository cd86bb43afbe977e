//! What a list revokes, and its JSON form.

use super::{MAX_ENTRIES, RevocationError, RevocationErrorKind as Kind};
use crate::encoding::{from_base64url, to_base64url};
use crate::json::{Object, Value};
use crate::key::{KeyId, PublicKey};
use crate::time::UnixTime;
use crate::token::layout::limit;

/// All tokens of a user that were issued at a time or before.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UserTokens {
    /// The user, as the issuer names it.
    pub user: String,
    /// The last second of issue that is revoked.
    pub until: UnixTime,
}

/// A conversation of a user that has ended.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Conversation {
    /// The user, as the issuer names it.
    pub user: String,
    /// The conversation.
    pub conversation: String,
}

/// What an issuer took back. Entries of a verified list stand in its order; new ones may be added in any.
///
/// ```
/// use countersign::revocation::Entries;
/// use countersign::time::UnixTime;
///
/// let mut entries = Entries::default();
/// entries.revoke_grant("g-19c2");
/// entries.revoke_user("alice@example.com", UnixTime(1_795_453_200));
/// assert_eq!(entries.len(), 2);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entries {
    pub(super) blocks: Vec<[u8; 16]>,
    pub(super) holders: Vec<KeyId>,
    pub(super) users: Vec<UserTokens>,
    pub(super) grants: Vec<String>,
    pub(super) conversations: Vec<Conversation>,
    pub(super) issuer_keys: Vec<PublicKey>,
}

impl Entries {
    /// Revokes a block by the first 16 bytes of its id. It may be left out again once its token has expired.
    pub fn revoke_block(&mut self, id: [u8; 16]) {
        self.blocks.push(id);
    }

    /// Revokes a holder's key, wherever in a chain it stands. It is never left out again.
    pub fn revoke_holder(&mut self, key: KeyId) {
        self.holders.push(key);
    }

    /// Revokes all tokens of a user issued at `until` or before.
    pub fn revoke_user(&mut self, user: &str, until: UnixTime) {
        self.users.push(UserTokens { user: user.to_owned(), until });
    }

    /// Revokes all tokens of a grant.
    pub fn revoke_grant(&mut self, grant: &str) {
        self.grants.push(grant.to_owned());
    }

    /// Ends a conversation.
    pub fn end_conversation(&mut self, user: &str, conversation: &str) {
        self.conversations.push(Conversation { user: user.to_owned(), conversation: conversation.to_owned() });
    }

    /// Revokes a key of the issuer, one that signs tokens or one that signs lists. It is never left out again.
    pub fn revoke_issuer_key(&mut self, key: PublicKey) {
        self.issuer_keys.push(key);
    }

    /// The blocks, by the first 16 bytes of their ids.
    pub fn blocks(&self) -> &[[u8; 16]] {
        &self.blocks
    }

    /// The key ids of the holders.
    pub fn holders(&self) -> &[KeyId] {
        &self.holders
    }

    /// The users, and up to when their tokens are revoked.
    pub fn users(&self) -> &[UserTokens] {
        &self.users
    }

    /// The grants.
    pub fn grants(&self) -> &[String] {
        &self.grants
    }

    /// The conversations.
    pub fn conversations(&self) -> &[Conversation] {
        &self.conversations
    }

    /// The issuer's keys.
    pub fn issuer_keys(&self) -> &[PublicKey] {
        &self.issuer_keys
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        [
            self.blocks.len(),
            self.holders.len(),
            self.users.len(),
            self.grants.len(),
            self.conversations.len(),
            self.issuer_keys.len(),
        ]
        .into_iter()
        .fold(0, usize::saturating_add)
    }

    /// Whether nothing is revoked.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Puts the entries in the order of a list, each once. Of a user's times the latest stays.
    // spec: RV-13
    pub(super) fn sort(&mut self) {
        // Base64url is not ordered as its bytes are.
        self.blocks.sort_by_cached_key(|id| to_base64url(id));
        self.blocks.dedup();
        self.holders.sort_by_cached_key(KeyId::to_string);
        self.holders.dedup();
        self.users.sort_by(|one, other| one.user.cmp(&other.user).then(other.until.cmp(&one.until)));
        self.users.dedup_by(|later, kept| later.user == kept.user);
        self.grants.sort();
        self.grants.dedup();
        self.conversations.sort();
        self.conversations.dedup();
        self.issuer_keys.sort();
        self.issuer_keys.dedup();
    }

    /// Whether each entry is one that a list may have.
    pub(super) fn check(&self) -> Result<(), RevocationError> {
        if self.len() > MAX_ENTRIES {
            return Err(Kind::Limit.into());
        }
        let names = self.users.iter().map(|entry| &entry.user).chain(&self.grants);
        let mut names = names.chain(self.conversations.iter().flat_map(|entry| [&entry.user, &entry.conversation]));
        names.try_for_each(|name| name_fits(name))?;
        if self.users.iter().any(|entry| entry.until > UnixTime::MAX_DATE) {
            return Err(Kind::Entry.into());
        }
        Ok(())
    }

    /// The six arrays, by the names of their members.
    pub(super) fn to_members(&self) -> [(&'static str, Value); 6] {
        let user = |entry: &UserTokens| {
            let until = i64::try_from(entry.until.0).unwrap_or(i64::MAX);
            Value::object([("until", Value::Integer(until)), ("user", entry.user.as_str().into())])
        };
        let conversation = |entry: &Conversation| {
            let conversation = entry.conversation.as_str().into();
            Value::object([("conversation", conversation), ("user", entry.user.as_str().into())])
        };
        [
            ("blocks", Value::Array(self.blocks.iter().map(|id| Value::Str(to_base64url(id))).collect())),
            ("holders", Value::Array(self.holders.iter().map(|id| Value::Str(id.to_string())).collect())),
            ("users", Value::Array(self.users.iter().map(user).collect())),
            ("grants", Value::Array(self.grants.iter().map(|grant| grant.as_str().into()).collect())),
            ("conversations", Value::Array(self.conversations.iter().map(conversation).collect())),
            ("issuer_keys", Value::Array(self.issuer_keys.iter().map(|key| Value::Str(key.to_string())).collect())),
        ]
    }

    /// Reads the six arrays.
    // spec: RV-2, RV-7, RV-12, RV-13
    pub(super) fn from_members(object: &Object) -> Result<Self, RevocationError> {
        let array = |name| object.member(name).and_then(Value::as_array).ok_or(RevocationError(Kind::Member));
        let arrays = ["blocks", "holders", "users", "grants", "conversations", "issuer_keys"].map(array);
        let [blocks, holders, users, grants, conversations, issuer_keys] = arrays;
        let (blocks, holders, users) = (blocks?, holders?, users?);
        let (grants, conversations, issuer_keys) = (grants?, conversations?, issuer_keys?);
        let lengths = [blocks, holders, users, grants, conversations, issuer_keys].map(<[Value]>::len);
        if lengths.into_iter().fold(0, usize::saturating_add) > MAX_ENTRIES {
            return Err(Kind::Limit.into());
        }
        let text = |value| Value::as_str(value).ok_or(RevocationError(Kind::Member));
        let entry = RevocationError(Kind::Entry);
        Ok(Self {
            blocks: read(blocks, text, |id| from_base64url(id).and_then(|bytes| bytes.try_into().ok()).ok_or(entry))?,
            holders: read(holders, text, |id| id.parse().map_err(|_| entry))?,
            users: read(
                users,
                |value| {
                    let [until, user] = members(value, ["until", "user"])?;
                    Ok((text(user)?, until.as_integer().ok_or(RevocationError(Kind::Member))?))
                },
                |(user, until)| {
                    let until = u64::try_from(until).ok().map(UnixTime).filter(|until| *until <= UnixTime::MAX_DATE);
                    name_fits(user)?;
                    Ok(UserTokens { user: user.to_owned(), until: until.ok_or(entry)? })
                },
            )
            .and_then(by_user_alone)?,
            grants: read(grants, text, |grant| name_fits(grant).map(|()| grant.to_owned()))?,
            conversations: read(
                conversations,
                |value| {
                    let [conversation, user] = members(value, ["conversation", "user"])?;
                    Ok((text(user)?, text(conversation)?))
                },
                |(user, conversation)| {
                    name_fits(user)?;
                    name_fits(conversation)?;
                    Ok(Conversation { user: user.to_owned(), conversation: conversation.to_owned() })
                },
            )?,
            issuer_keys: read(issuer_keys, text, |key| key.parse().map_err(|_| entry))?,
        })
    }
}

/// Reads an array whose entries ascend by `order`.
fn read<'v, K: PartialOrd + Copy, T>(
    array: &'v [Value],
    order: impl Fn(&'v Value) -> Result<K, RevocationError>,
    entry: impl Fn(K) -> Result<T, RevocationError>,
) -> Result<Vec<T>, RevocationError> {
    let mut entries = Vec::with_capacity(array.len());
    let mut before = None;
    for value in array {
        let key = order(value)?;
        let one = entry(key)?;
        if before.is_some_and(|before| before >= key) {
            return Err(Kind::Order.into());
        }
        before = Some(key);
        entries.push(one);
    }
    Ok(entries)
}

/// A user stands once, whatever the time beside it.
fn by_user_alone(users: Vec<UserTokens>) -> Result<Vec<UserTokens>, RevocationError> {
    let twice = users.iter().zip(users.iter().skip(1)).any(|(one, next)| one.user == next.user);
    if twice { Err(Kind::Order.into()) } else { Ok(users) }
}

fn name_fits(name: &str) -> Result<(), RevocationError> {
    if name.len() <= limit::STRING_BYTES { Ok(()) } else { Err(Kind::Entry.into()) }
}

/// Exactly these members of an object.
fn members<'v, const N: usize>(value: &'v Value, names: [&str; N]) -> Result<[&'v Value; N], RevocationError> {
    let object = value.as_object().filter(|object| object.len() == N).ok_or(RevocationError(Kind::Member))?;
    let mut found = [value; N];
    for (to, name) in found.iter_mut().zip(names) {
        *to = object.member(name).ok_or(RevocationError(Kind::Member))?;
    }
    Ok(found)
}
