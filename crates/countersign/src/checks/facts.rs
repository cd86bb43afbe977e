//! The facts that a request gives to checks.

use super::arguments::Arguments;
use crate::key::PublicKey;
use crate::time::UnixTime;

/// What the verifier knows of one request, by predicate.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// `time`.
    pub time: UnixTime,
    /// `service`: the configured audience that the request is for.
    pub service: &'a str,
    /// `type` of the operation.
    pub r#type: &'a str,
    /// `resource` of the operation.
    pub resource: &'a str,
    /// `action` of the operation.
    pub action: &'a str,
    /// `method`; absent outside HTTP.
    pub method: Option<&'a str>,
    /// `authority`, normalised; absent outside HTTP.
    pub authority: Option<&'a str>,
    /// `path` as received; absent outside HTTP.
    pub path: Option<&'a str>,
    /// `tool`, where the operation is a tool's.
    pub tool: Option<&'a str>,
    /// `binding`.
    pub binding: &'a str,
    /// `holder`: the current holder's key.
    pub holder: PublicKey,
    /// `user`, from the authority block.
    pub user: &'a str,
    /// `agent`, from the authority block: name and key.
    pub agent: (&'a str, PublicKey),
    /// `purpose`, from the authority block.
    pub purpose: &'a str,
    /// `issuer`, from the authority block.
    pub issuer: &'a str,
    /// `arg`, `arg_host`, `arg_path`, `arg_present`.
    pub arguments: &'a Arguments,
}
