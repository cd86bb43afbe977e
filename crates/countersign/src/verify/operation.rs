//! Operations, and how HTTP requests map to them (`spec/verify.md`, Operation).

use core::fmt;
use std::collections::BTreeMap;

/// What a request asks for: one action of one type on one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    pub(crate) r#type: String,
    pub(crate) resource: String,
    pub(crate) action: String,
    pub(crate) tool: Option<String>,
    pub(crate) cost: BTreeMap<String, u64>,
}

impl Operation {
    /// An operation that costs one call.
    pub fn new(r#type: &str, resource: &str, action: &str) -> Self {
        Self {
            r#type: r#type.to_owned(),
            resource: resource.to_owned(),
            action: action.to_owned(),
            tool: None,
            cost: BTreeMap::from([("calls".to_owned(), 1)]),
        }
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
const MAX_COST: u64 = (1 << 53) - 1;

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

    /// The operation of a request, by its method and its path as received.
    // spec: VF-23
    pub fn map(&self, method: &str, path: &str) -> Option<Operation> {
        match &self.0 {
            None => Some(Operation::new("http", path, method)),
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
        Ok(Self { method: entry.method, path, r#type: entry.r#type, resource, action: entry.action })
    }

    fn map(&self, method: &str, path: &str) -> Option<Operation> {
        if method != self.method {
            return None;
        }
        let mut values: BTreeMap<&str, &str> = BTreeMap::new();
        let mut segments = path.strip_prefix('/')?.split('/');
        for piece in &self.path {
            let segment = segments.next()?;
            match piece {
                Piece::Text(text) if text == segment => {}
                Piece::Text(_) => return None,
                Piece::Name(_) if segment.is_empty() => return None,
                Piece::Name(name) => {
                    values.insert(name, segment);
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
                Piece::Name(name) => values.get(name.as_str()).copied().unwrap_or_default(),
            })
            .collect();
        Some(Operation::new(&self.r#type, &resource, &self.action))
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
}

impl fmt::Display for OperationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Path => "the path of an operation is no template",
            Self::NameTwice => "a name stands twice in the path of an operation",
            Self::Resource => "the resource of an operation is empty or has a name that its path has not",
        })
    }
}

impl core::error::Error for OperationError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(method: &str, path: &str, resource: &str) -> OperationEntry {
        OperationEntry {
            method: method.into(),
            path: path.into(),
            r#type: "calendar".into(),
            resource: resource.into(),
            action: "read".into(),
        }
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
