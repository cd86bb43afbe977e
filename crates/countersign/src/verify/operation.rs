//! Operations, and how HTTP requests map to them (`spec/verify.md`, Operation).

use core::fmt;
use std::collections::BTreeMap;

use crate::checks::{Arguments, Body, Declarations, Scalar, extract};
use crate::json::{MAX_INTEGER, Object};

/// What a request asks for: one action of one type on one resource.
#[derive(Clone, PartialEq)]
pub struct Operation {
    pub(crate) r#type: String,
    pub(crate) resource: String,
    pub(crate) action: String,
    pub(crate) tool: Option<String>,
    pub(crate) cost: BTreeMap<String, u64>,
    pub(crate) arguments: Arguments,
    /// The strict JSON object that the arguments came from.
    pub(crate) args: Option<Object>,
    /// Whether what is here says all that the body says, so that the body's own digest says nothing more.
    pub(crate) whole_body: bool,
    /// What the message of MCP says in `_meta`, its proof apart.
    pub(crate) meta: Option<Object>,
}

// Arguments may hold secrets, and whoever logs a decision does not log the body with it.
impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operation")
            .field("type", &self.r#type)
            .field("resource", &self.resource)
            .field("action", &self.action)
            .field("tool", &self.tool)
            .field("cost", &self.cost)
            .field("arguments", &self.arguments)
            .finish_non_exhaustive()
    }
}

impl Operation {
    /// An operation that costs one call, and whose arguments were not extracted.
    pub fn new(r#type: &str, resource: &str, action: &str) -> Self {
        Self {
            r#type: r#type.to_owned(),
            resource: resource.to_owned(),
            action: action.to_owned(),
            tool: None,
            cost: BTreeMap::from([("calls".to_owned(), 1)]),
            arguments: Arguments::not_extracted(),
            args: None,
            whole_body: false,
            meta: None,
        }
    }

    /// The operation without parameters and without a body: its arguments are extracted, and there are none.
    #[must_use]
    pub fn without_arguments(mut self) -> Self {
        (self.arguments, self.args, self.whole_body) = (Arguments::none(), None, false);
        self
    }

    /// The object that the arguments are read from, such as `params.arguments` of a call of MCP; it stands for the whole
    /// body.
    #[must_use]
    pub fn with_args(mut self, args: Object, declared: &Declarations) -> Self {
        // There are no parameters, so nothing that could be ambiguous.
        self.arguments =
            extract([], None, Body::Object(&args), declared).unwrap_or_else(|_| Arguments::not_extracted());
        (self.args, self.whole_body) = (Some(args), true);
        self
    }

    /// The operation of a message of MCP: its arguments, where it takes some, and what else it says.
    pub(crate) fn of_message(self, args: Option<Object>, declared: &Declarations, meta: Option<Object>) -> Self {
        let operation = match args {
            Some(args) => self.with_args(args, declared),
            None => self.without_arguments(),
        };
        Self { whole_body: true, meta, ..operation }
    }

    pub(crate) fn not_extracted(mut self) -> Self {
        (self.arguments, self.args, self.whole_body) = (Arguments::not_extracted(), None, false);
        self
    }

    /// The tool that is called.
    #[must_use]
    pub fn tool(mut self, tool: &str) -> Self {
        self.tool = Some(tool.to_owned());
        self
    }

    /// How much of `unit` the operation costs, at most 2^53 − 1.
    #[must_use]
    pub fn cost(mut self, unit: &str, amount: u64) -> Self {
        self.cost.insert(unit.to_owned(), amount.min(MAX_COST));
        self
    }

    /// An operation that costs nothing, not even a call.
    #[must_use]
    pub fn free(mut self) -> Self {
        self.cost.clear();
        self
    }

    /// The facts about the arguments.
    pub fn arguments(&self) -> &Arguments {
        &self.arguments
    }

    /// The JSON object that was verified, where the arguments came from one. Use it rather than the body's bytes.
    pub fn args(&self) -> Option<&Object> {
        self.args.as_ref()
    }

    /// What it costs, by unit.
    pub fn costs(&self) -> impl Iterator<Item = (&str, u64)> {
        self.cost.iter().map(|(unit, amount)| (unit.as_str(), *amount))
    }

    /// RFC 9396 `type`.
    pub fn r#type(&self) -> &str {
        &self.r#type
    }

    /// The resource that is acted on.
    pub fn resource(&self) -> &str {
        &self.resource
    }

    /// RFC 9396 action.
    pub fn action(&self) -> &str {
        &self.action
    }

    /// The tool that is called, where it is one's.
    pub fn tool_name(&self) -> Option<&str> {
        self.tool.as_deref()
    }
}

/// The greatest cost: integers up to here are exact in JSON everywhere.
const MAX_COST: u64 = MAX_INTEGER.unsigned_abs();

/// One line of a service's operation table.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperationEntry {
    /// The HTTP method, in its case.
    pub method: String,
    /// A template such as `/calendars/{id}/events`; `{name}` stands for one segment that is not empty.
    pub path: String,
    /// The operation's type.
    pub r#type: String,
    /// The operation's resource; `{name}` stands for what it stood for in the path.
    pub resource: String,
    /// The operation's action.
    pub action: String,
    /// The operation's tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// Names of arguments that are URLs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
    /// Names of arguments that are paths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
    /// How many digits behind the point the numbers under a name have, 0 to 15.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub scales: BTreeMap<String, u8>,
    /// What the operation costs, by unit; one call unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<BTreeMap<String, CostEntry>>,
    /// Whether a JSON body is read for arguments; it is unless this says false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_body: Option<bool>,
}

/// An amount in a table.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(untagged)]
pub enum CostEntry {
    /// This much, 0 to 2^53 − 1.
    Amount(u64),
    /// As much as the integer under this name of an argument says.
    Argument(String),
}

impl OperationEntry {
    /// A row with nothing but what every row has.
    pub fn new(method: &str, path: &str, r#type: &str, resource: &str, action: &str) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            r#type: r#type.to_owned(),
            resource: resource.to_owned(),
            action: action.to_owned(),
            tool: None,
            urls: Vec::new(),
            paths: Vec::new(),
            scales: BTreeMap::new(),
            cost: None,
            read_body: None,
        }
    }
}

/// How requests map to operations.
#[derive(Clone, Debug, Default)]
pub struct Operations(Option<Vec<Rule>>);

#[derive(Clone, Debug)]
struct Rule {
    method: String,
    path: Vec<Piece>,
    r#type: String,
    resource: Vec<Piece>,
    action: String,
    tool: Option<String>,
    declared: Declarations,
    cost: Option<BTreeMap<String, CostEntry>>,
    read_body: bool,
}

/// A request's operation, before its arguments are known.
pub(crate) struct Mapped<'o> {
    operation: Operation,
    rule: Option<&'o Rule>,
    parameters: Vec<(&'o str, String)>,
}

#[derive(Clone, Debug)]
enum Piece {
    Text(String),
    Name(String),
}

impl Operations {
    /// Every request is of type `http`, its resource the path, its action the method.
    pub fn http() -> Self {
        Self(None)
    }

    /// The table of a service; the first entry that matches decides, and nothing else is mapped.
    pub fn table(entries: impl IntoIterator<Item = OperationEntry>) -> Result<Self, OperationError> {
        entries.into_iter().map(Rule::new).collect::<Result<_, _>>().map(|rules| Self(Some(rules)))
    }

    /// The operation of a request, by its method and its path as received; its arguments are not extracted.
    pub fn map(&self, method: &str, path: &str) -> Option<Operation> {
        self.find(method, path).map(|mapped| mapped.operation)
    }

    // spec: VF-23, VF-24
    pub(crate) fn find(&self, method: &str, path: &str) -> Option<Mapped<'_>> {
        match &self.0 {
            None => {
                let operation = Operation::new("http", path, method);
                Some(Mapped { operation, rule: None, parameters: Vec::new() })
            }
            Some(rules) => rules.iter().find_map(|rule| rule.map(method, path)),
        }
    }

    /// The methods and path templates of the table, in order; `None` for the default mapping, which maps everything.
    pub fn routes(&self) -> Option<impl Iterator<Item = (&str, String)>> {
        let template = |rule: &Rule| {
            rule.path.iter().fold(String::new(), |path, piece| match piece {
                Piece::Text(text) => [&path, "/", text].concat(),
                Piece::Name(name) => [&path, "/{", name, "}"].concat(),
            })
        };
        self.0.as_ref().map(|rules| rules.iter().map(move |rule| (rule.method.as_str(), template(rule))))
    }
}

impl Mapped<'_> {
    pub(crate) fn operation(&self) -> &Operation {
        &self.operation
    }

    pub(crate) fn reads_body(&self) -> bool {
        self.rule.is_none_or(|rule| rule.read_body)
    }

    /// The operation with its arguments. `object` is the root of the body, where that is a JSON object that was read;
    /// `body` says whether there is a body at all.
    pub(crate) fn complete(
        self,
        query: Option<&str>,
        object: Option<Object>,
        body: bool,
    ) -> Result<Operation, crate::checks::Ambiguous> {
        let none = Declarations::default();
        let mut operation = self.operation;
        let parameters = self.parameters.iter().map(|(name, segment)| (*name, segment.as_str()));
        let found = match (&object, body) {
            (Some(object), _) => Body::Object(object),
            (None, false) => Body::None,
            (None, true) => Body::Other,
        };
        operation.arguments = extract(parameters, query, found, self.rule.map_or(&none, |rule| &rule.declared))?;
        (operation.whole_body, operation.args) = (object.is_some(), object);
        if let Some(cost) = self.rule.and_then(|rule| rule.cost.as_ref()) {
            let amount = |cost: &CostEntry| match cost {
                CostEntry::Amount(amount) => Some(*amount),
                CostEntry::Argument(name) => match operation.arguments.only(name)? {
                    Scalar::Integer(amount) => u64::try_from(*amount).ok(),
                    Scalar::Str(_) | Scalar::Bool(_) => None,
                },
            };
            // spec: VF-34
            operation.cost =
                cost.iter().filter_map(|(unit, cost)| amount(cost).map(|amount| (unit.clone(), amount))).collect();
        }
        Ok(operation)
    }
}

impl Rule {
    fn new(entry: OperationEntry) -> Result<Self, OperationError> {
        let path = entry.path.strip_prefix('/').ok_or(OperationError::Path)?;
        let path: Vec<Piece> = path.split('/').map(segment).collect::<Result<_, _>>()?;
        let mut names: Vec<&str> = Vec::new();
        for piece in &path {
            if let Piece::Name(name) = piece {
                if names.contains(&name.as_str()) {
                    return Err(OperationError::NameTwice);
                }
                names.push(name);
            }
        }
        let resource = pieces(&entry.resource)?;
        let known = |piece: &Piece| match piece {
            Piece::Text(_) => true,
            Piece::Name(name) => names.contains(&name.as_str()),
        };
        if entry.resource.is_empty() || !resource.iter().all(known) {
            return Err(OperationError::Resource);
        }
        let declared = Declarations { urls: entry.urls, paths: entry.paths, scales: entry.scales };
        declared_once(&declared)?;
        let amounts = |cost: &CostEntry| match cost {
            CostEntry::Amount(amount) => *amount <= MAX_COST,
            CostEntry::Argument(name) => is_argument(name),
        };
        if !entry.cost.iter().flat_map(BTreeMap::values).all(amounts) {
            return Err(OperationError::Cost);
        }
        Ok(Self {
            method: entry.method,
            path,
            r#type: entry.r#type,
            resource,
            action: entry.action,
            tool: entry.tool,
            declared,
            cost: entry.cost,
            read_body: entry.read_body.unwrap_or(true),
        })
    }

    fn map(&self, method: &str, path: &str) -> Option<Mapped<'_>> {
        if method != self.method {
            return None;
        }
        let mut values: Vec<(&str, &str)> = Vec::new();
        let mut segments = path.strip_prefix('/')?.split('/');
        for piece in &self.path {
            let segment = segments.next()?;
            match piece {
                Piece::Text(text) if text == segment => {}
                Piece::Text(_) => return None,
                Piece::Name(_) if segment.is_empty() => return None,
                Piece::Name(name) => {
                    values.push((name, segment));
                }
            }
        }
        if segments.next().is_some() {
            return None;
        }
        let resource: String = self
            .resource
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => text.as_str(),
                Piece::Name(name) => values.iter().find(|(known, _)| known == name).map_or("", |(_, segment)| segment),
            })
            .collect();
        let mut operation = Operation::new(&self.r#type, &resource, &self.action);
        operation.tool.clone_from(&self.tool);
        let parameters = values.into_iter().map(|(name, segment)| (name, segment.to_owned())).collect();
        Some(Mapped { operation, rule: Some(self), parameters })
    }
}

/// A segment of a path template: all text, or one name.
fn segment(segment: &str) -> Result<Piece, OperationError> {
    match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        Some(name) if is_name(name) => Ok(Piece::Name(name.to_owned())),
        None if !segment.contains(['{', '}']) => Ok(Piece::Text(segment.to_owned())),
        _ => Err(OperationError::Path),
    }
}

/// A name has one kind, and is one that an argument can have.
pub(crate) fn declared_once(declared: &Declarations) -> Result<(), OperationError> {
    let both = declared.urls.iter().any(|name| declared.paths.contains(name));
    let names = declared.urls.iter().chain(&declared.paths).chain(declared.scales.keys());
    if both || declared.scales.values().any(|digits| *digits > 15) || !names.into_iter().all(|name| is_argument(name)) {
        return Err(OperationError::Declaration);
    }
    Ok(())
}

fn is_argument(name: &str) -> bool {
    ["/", "path.", "query."].iter().any(|start| name.starts_with(start))
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

fn pieces(text: &str) -> Result<Vec<Piece>, OperationError> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, behind) = after.split_once('}').ok_or(OperationError::Resource)?;
        if before.contains('}') || !is_name(name) {
            return Err(OperationError::Resource);
        }
        pieces.extend([Piece::Text(before.to_owned()), Piece::Name(name.to_owned())]);
        rest = behind;
    }
    if rest.contains('}') {
        return Err(OperationError::Resource);
    }
    pieces.push(Piece::Text(rest.to_owned()));
    Ok(pieces)
}

/// An entry that can't stand in an operation table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OperationError {
    /// The path is no template: it begins with `/`, and a segment is text or one `{name}` of a-z, 0-9 and `_`.
    Path,
    /// A name stands twice in the path.
    NameTwice,
    /// The resource is empty, or has a name that the path has not.
    Resource,
    /// A declared argument is no pointer, `path.…` or `query.…`, is both URL and path, or has a scale beyond 15.
    Declaration,
    /// A cost is beyond 2^53 − 1, or names what can be no argument.
    Cost,
}

impl fmt::Display for OperationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Path => "the path of an operation is no template",
            Self::NameTwice => "a name stands twice in the path of an operation",
            Self::Resource => "the resource of an operation is empty or has a name that its path has not",
            Self::Declaration => {
                "a declared argument of an operation is no /pointer, path.name or query.name, or is declared twice"
            }
            Self::Cost => "a cost of an operation is neither an amount up to 2^53 - 1 nor the name of an argument",
        })
    }
}

impl core::error::Error for OperationError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(method: &str, path: &str, resource: &str) -> OperationEntry {
        OperationEntry::new(method, path, "calendar", resource, "read")
    }

    #[test]
    fn maps_by_whole_segments() {
        let table = Operations::table([entry("GET", "/calendars/{id}/events", "/calendars/{id}")]).unwrap();
        assert_eq!(table.routes().unwrap().collect::<Vec<_>>(), [("GET", "/calendars/{id}/events".to_owned())]);
        let resource = |method, path| table.map(method, path).map(|operation| operation.resource);
        assert_eq!(resource("GET", "/calendars/primary/events").as_deref(), Some("/calendars/primary"));
        for (method, path) in [
            ("get", "/calendars/primary/events"),
            ("POST", "/calendars/primary/events"),
            ("GET", "/calendars//events"),
            ("GET", "/calendars/primary/events/"),
            ("GET", "/calendars/primary"),
            ("GET", "/calendars/a/b/events"),
            ("GET", "/Calendars/primary/events"),
        ] {
            assert_eq!(resource(method, path), None, "{method} {path}");
        }
    }

    #[test]
    fn refuses_tables_that_say_two_things() {
        for (path, resource, error) in [
            ("a", "/", OperationError::Path),
            ("/a{b}", "/", OperationError::Path),
            ("/{B}", "/", OperationError::Path),
            ("/{b}/{b}", "/", OperationError::NameTwice),
            ("/{b}", "/{c}", OperationError::Resource),
            ("/{b}", "/{b", OperationError::Resource),
            ("/{b}", "", OperationError::Resource),
        ] {
            assert_eq!(Operations::table([entry("GET", path, resource)]).unwrap_err(), error, "{path} {resource}");
        }
    }
}
