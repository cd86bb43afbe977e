//! What outlives a restart: numbers and digests of the lists accepted last, and what no list may take back.

use core::fmt;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::view::{Feed, Short};
use super::{MAX_NUMBER, RevocationLists};
use crate::encoding::{from_base64url, to_base64url};
use crate::json::{Object, Value};
use crate::key::PublicKey;

/// The text is no state of revocation lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateError;

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a state of revocation lists")
    }
}

impl core::error::Error for StateError {}

impl RevocationLists {
    /// Which list of each issuer was accepted last, for [`Self::restore`] after a restart: one line of JSON, without
    /// secrets. Whoever can change it can roll the lists back.
    // spec: RV-20
    pub fn state(&self) -> String {
        let issuers = self.feeds.iter().filter_map(|(issuer, feed)| {
            let (number, digest) = feed.last?;
            let number = Value::Integer(i64::try_from(number).unwrap_or(i64::MAX));
            let holders = feed.kept_holders.iter().map(|id| Value::Str(to_base64url(id))).collect();
            let keys = feed.revoked_keys().iter().map(|key| Value::Str(key.to_string())).collect();
            Some(Value::object([
                ("issuer", issuer.as_str().into()),
                ("number", number),
                ("sha256", Value::Str(to_base64url(&digest))),
                ("holders", Value::Array(holders)),
                ("issuer_keys", Value::Array(keys)),
            ]))
        });
        let elsewhere = self.elsewhere.iter().filter(|(issuer, _)| !self.feeds.contains_key(*issuer));
        let issuers = issuers.chain(elsewhere.map(|(_, saved)| saved.clone())).collect();
        Value::object([("v", Value::Integer(1)), ("issuers", Value::Array(issuers))]).to_jcs()
    }

    /// Takes up a state. Lists have to be applied anew, and older ones than were accepted before are refused.
    ///
    /// What it says of an issuer that was not added counts for nothing until it is, and is part of the next [`Self::state`].
    /// To be called before a list is applied.
    pub fn restore(&mut self, state: &str) -> Result<(), StateError> {
        let value = Value::parse(state.trim_end().as_bytes()).map_err(|_| StateError)?;
        let object = value.as_object().ok_or(StateError)?;
        if object.member("v").and_then(Value::as_integer) != Some(1) {
            return Err(StateError);
        }
        let issuers = object.member("issuers").and_then(Value::as_array).ok_or(StateError)?;
        // All of it is read before any of it counts.
        let saved: Vec<Saved<'_>> = issuers.iter().map(Saved::read).collect::<Option<_>>().ok_or(StateError)?;
        for (saved, value) in saved.into_iter().zip(issuers) {
            match self.feeds.get_mut(saved.issuer) {
                Some(feed) => feed.restored(saved),
                None => {
                    self.elsewhere.insert(saved.issuer.to_owned(), value.clone());
                }
            }
        }
        Ok(())
    }
}

impl Feed {
    fn restored(&mut self, saved: Saved<'_>) {
        self.last = Some(saved.last);
        (self.kept_holders, self.kept_keys) = (saved.holders, saved.keys);
    }

    /// Takes up what [`RevocationLists::restore`] read before.
    pub(super) fn restore(&mut self, value: &Value) {
        if let Some(saved) = Saved::read(value) {
            self.restored(saved);
        }
    }
}

/// An issuer of a state.
struct Saved<'v> {
    issuer: &'v str,
    last: (u64, [u8; 32]),
    holders: Arc<[Short]>,
    keys: Arc<[PublicKey]>,
}

impl<'v> Saved<'v> {
    fn read(value: &'v Value) -> Option<Self> {
        let object = value.as_object()?;
        let number = object.member("number")?.as_integer().and_then(|number| u64::try_from(number).ok())?;
        let digest = from_base64url(object.member("sha256")?.as_str()?)?.try_into().ok()?;
        // Looked up by halves, so whoever wrote the file does not decide on the order.
        let holders = strings(object, "holders")?.map(|id| from_base64url(id?)?.try_into().ok());
        let holders = holders.collect::<Option<BTreeSet<Short>>>()?.into_iter().collect();
        let keys = strings(object, "issuer_keys")?.map(|key| key?.parse().ok()).collect::<Option<_>>()?;
        let issuer = object.member("issuer")?.as_str()?;
        (1..=MAX_NUMBER).contains(&number).then_some(Self { issuer, last: (number, digest), holders, keys })
    }
}

fn strings<'v>(object: &'v Object, name: &str) -> Option<impl Iterator<Item = Option<&'v str>>> {
    Some(object.member(name)?.as_array()?.iter().map(Value::as_str))
}
