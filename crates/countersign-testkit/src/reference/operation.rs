//! The operation of a request (`spec/verify.md`, Operation).

use std::collections::BTreeMap;

use super::message::Message;
use super::{Faults, resource};
use crate::format::{Cost, Operation as Row};

/// What a request asks for, and how its arguments are read.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) kind: String,
    pub(super) resource: String,
    pub(super) action: String,
    pub(super) tool: Option<String>,
    /// Path parameters in the order of the template, raw.
    pub(super) parameters: Vec<(String, String)>,
    pub(super) urls: Vec<String>,
    pub(super) paths: Vec<String>,
    pub(super) scales: BTreeMap<String, u8>,
    pub(super) cost: BTreeMap<String, Cost>,
    pub(super) read_body: bool,
}

impl Operation {
    /// One with nothing declared, at the cost of an entry without `cost`.
    pub(super) fn plain(kind: &str, resource: &str, action: &str) -> Self {
        Self {
            kind: kind.into(),
            resource: resource.into(),
            action: action.into(),
            tool: None,
            parameters: Vec::new(),
            urls: Vec::new(),
            paths: Vec::new(),
            scales: BTreeMap::new(),
            cost: BTreeMap::from([("calls".into(), Cost::Amount(1))]),
            read_body: true,
        }
    }
}

/// The parameters of a path under a template; nothing where it does not match.
fn matches(template: &str, path: &str) -> Option<Vec<(String, String)>> {
    let (wanted, found): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
    if wanted.len() != found.len() {
        return None;
    }
    let mut parameters = Vec::new();
    for (wanted, found) in wanted.into_iter().zip(found) {
        match wanted.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            Some(_) if found.is_empty() => return None,
            Some(name) => parameters.push((name.to_owned(), found.to_owned())),
            None if wanted != found => return None,
            None => {}
        }
    }
    Some(parameters)
}

/// Maps a request to its operation.
pub(super) fn of(message: &Message, table: Option<&[Row]>, faults: &mut Faults) -> Option<Operation> {
    let (method, path) = (String::from_utf8(message.method.clone()).ok()?, std::str::from_utf8(message.path()).ok()?);
    // spec: VF-24
    let Some(rows) = table else { return Some(Operation::plain("http", path, &method)) };
    // spec: VF-23
    let found = rows.iter().filter(|row| row.method == method).find_map(|row| Some((row, matches(&row.path, path)?)));
    let Some((row, parameters)) = found else {
        faults.refuse(11, "operation_unmapped", "VF-23");
        return None;
    };
    let mut resource = row.resource.clone();
    for (name, value) in &parameters {
        resource = resource.replace(&format!("{{{name}}}"), value);
    }
    let plain = Operation::plain(&row.kind, &resource, &row.action);
    Some(Operation {
        tool: row.tool.clone(),
        parameters,
        urls: row.urls.clone(),
        paths: row.paths.clone(),
        scales: row.scales.clone(),
        cost: row.cost.clone().unwrap_or(plain.cost.clone()),
        read_body: row.read_body.unwrap_or(true),
        ..plain
    })
}

/// Looks at the resource, and in HTTP at the raw path.
// spec: VF-25, VF-26, VF-27, VF-28
pub(super) fn resource(operation: &Operation, path: Option<&[u8]>, faults: &mut Faults) {
    let path = path.into_iter().flat_map(resource::broken);
    for rule in resource::broken(operation.resource.as_bytes()).into_iter().chain(path) {
        faults.refuse(11, "resource_invalid", rule);
    }
}

/// The first right that covers the operation.
// spec: VF-29, VF-30
pub(super) fn right<'a>(
    operation: &Operation,
    rights: &'a [[String; 3]],
    faults: &mut Faults,
) -> Option<&'a [String; 3]> {
    // No right at all is TK-29's affair, and no location covers what is no resource.
    if rights.is_empty() || !resource::broken(operation.resource.as_bytes()).is_empty() {
        return None;
    }
    let covering = rights.iter().find(|[kind, location, action]| {
        *kind == operation.kind
            && *action == operation.action
            && resource::covers(location.as_bytes(), operation.resource.as_bytes())
    });
    faults.need(covering.is_some(), 11, "right_missing", "VF-29");
    covering
}
