//! URIs of resources, each with one resource of its own.

use super::Server;
use crate::verify::is_valid_resource;

/// `<server>/<scheme>/<host or ->/<path>`.
// spec: JR-22
pub(super) fn resource(server: &Server, uri: &str) -> Option<String> {
    let (scheme, rest) = uri.split_once("://")?;
    let lower = |c: char| c.is_ascii_lowercase();
    let plain = |c: char| lower(c) || c.is_ascii_digit();
    if !scheme.starts_with(lower) || !scheme.chars().all(|c| plain(c) || "+-.".contains(c)) {
        return None;
    }
    let (host, path) = match rest.find('/').and_then(|at| rest.split_at_checked(at)) {
        Some(parts) => parts,
        None => (rest, ""),
    };
    let host = match host {
        "" => "-",
        host if host.starts_with(plain) && host.chars().all(|c| plain(c) || "-._:".contains(c)) => host,
        _ => return None,
    };
    let resource = [server.name(), "/", scheme, "/", host, path].concat();
    is_valid_resource(&resource).then_some(resource)
}
