//! What the files under `test-vectors/` contain.
//!
//! Each refused vector departs in one place from an allowed one, its *twin*, and is refused for
//! that alone.

pub mod approval_fields;
pub mod case;
pub mod chain;
pub mod checks_arguments;
pub mod checks_derived;
pub mod checks_edges;
pub mod checks_facts;
pub mod checks_operators;
pub mod checks_order;
pub mod checks_poison;
pub mod checks_restrictions;
pub mod checks_work;
pub mod curve;
pub mod knockout;
pub mod mail;
pub mod rar;
pub mod replay;
pub mod request_altered;
pub mod request_coverage;
pub mod request_fields;
pub mod request_framing;
pub mod request_json;
pub mod request_parameters;
pub mod request_signature;
mod revocation_case;
mod revocation_keys;
pub mod revocation_lists;
pub mod rpc_approvals;
pub mod rpc_case;
pub mod rpc_edges;
pub mod rpc_mcp;
pub mod rpc_message;
pub mod standard;
pub mod token_content;
pub mod token_encoding;
pub mod token_forms;
pub mod token_limits;
pub mod token_profile;
pub mod token_signatures;
pub mod verify_approvals;
pub mod verify_charges;
pub mod verify_order;
pub mod verify_parties;
pub mod verify_revocation;
pub mod verify_rights;

use std::collections::BTreeMap;

use case::File;

/// The folders, each owned by the generator: what it did not write is an extra file.
pub const FOLDERS: [&str; 9] =
    ["chain", "checks", "jsonrpc", "rar", "replay", "request", "revocation", "token", "verify"];

/// All files.
#[must_use]
pub fn files() -> Vec<File> {
    vec![
        request_signature::file(),
        request_framing::file(),
        request_fields::file(),
        request_coverage::file(),
        request_parameters::file(),
        request_altered::file(),
        token_encoding::file(),
        token_content::file(),
        token_forms::file(),
        token_profile::file(),
        token_limits::file(),
        token_signatures::file(),
        verify_parties::file(),
        verify_revocation::file(),
        verify_rights::rights(),
        verify_rights::resources(),
        verify_rights::operations(),
        verify_charges::file(),
        chain::file(),
        replay::file(),
        checks_operators::file(),
        checks_order::order(),
        checks_facts::facts(),
        checks_order::restrictions(),
        checks_order::work(),
        request_json::file(),
        verify_approvals::file(),
        approval_fields::file(),
        checks_derived::file(),
        checks_poison::file(),
        checks_arguments::file(),
        checks_edges::file(),
        verify_order::file(),
        knockout::verify(),
        knockout::token(),
        knockout::checks(),
    ]
}

/// The files of `jsonrpc/`, which have a form of their own.
#[must_use]
pub fn rpc_files() -> Vec<rpc_case::RpcCases> {
    vec![
        rpc_message::message(),
        rpc_message::envelopes(),
        rpc_mcp::mcp(),
        rpc_mcp::http(),
        rpc_approvals::file(),
        rpc_edges::file(),
    ]
}

/// The text of all files, by path below `test-vectors/`.
///
/// # Panics
///
/// When a vector cannot be written as JSON.
#[must_use]
pub fn generate() -> BTreeMap<String, String> {
    fn text(content: &impl serde::Serialize) -> String {
        let mut text = serde_json::to_string_pretty(content).expect("vectors are JSON");
        text.push('\n');
        text
    }
    let requests =
        files().into_iter().map(|file| (format!("{}/{}.json", file.folder, file.name), text(&file.content())));
    let details = rar::files().into_iter().map(|(name, file)| (format!("rar/{name}.json"), text(&file)));
    let folder = revocation_lists::FOLDER;
    let lists =
        revocation_lists::files().into_iter().map(|(name, file)| (format!("{folder}/{name}.json"), text(&file)));
    let rpc = rpc_files().into_iter().map(|file| (format!("jsonrpc/{}.json", file.name), text(&file.content())));
    requests.chain(details).chain(lists).chain(rpc).collect()
}

#[cfg(test)]
mod tests;
