//! What a message of the Model Context Protocol asks for (`spec/jsonrpc.md`, MCP).

mod http;
mod uri;

use core::fmt;
use std::collections::BTreeMap;

use super::{Message, PROGRESS, UNCOVERED};
use crate::checks::Declarations;
use crate::code::Code;
use crate::json::{Object, Value};
use crate::verify::{Operation, OperationError, declared_once, is_valid_resource};

pub use self::http::fields_agree;
use self::uri::resource;

/// The greatest text among [`UNCOVERED`], in bytes: `baggage` may be as long (W3C Baggage, section 3.3.2).
const MAX_RELAYED: usize = 8192;

/// The name under which rights know a server: one segment of the resource grammar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    name: String,
    /// What is declared of the arguments of a tool or a prompt, by its name.
    declared: BTreeMap<String, Declarations>,
}

impl Server {
    /// Takes a name such as `calendar`.
    pub fn new(name: &str) -> Result<Self, InvalidServer> {
        if is_segment(name) {
            Ok(Self { name: name.to_owned(), declared: BTreeMap::new() })
        } else {
            Err(InvalidServer)
        }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Which arguments of a tool or a prompt are URLs, paths or scaled numbers, by pointers into its `arguments`.
    ///
    /// Fails, as an operation table does, where a name is none that an argument can have: such a declaration would be
    /// without effect, and a limit that counts on it would allow more than it says.
    pub fn declare(mut self, tool: &str, declared: Declarations) -> Result<Self, OperationError> {
        declared_once(&declared)?;
        let mut names = declared.urls.iter().chain(&declared.paths).chain(declared.scales.keys());
        if !names.all(|name| name.starts_with('/')) {
            return Err(OperationError::Declaration);
        }
        self.declared.insert(tool.to_owned(), declared);
        Ok(self)
    }

    /// What is declared of what a message calls.
    pub(crate) fn declared(&self, message: &Message) -> Option<&Declarations> {
        self.declared.get(message.params()?.member("name")?.as_str()?)
    }
}

/// A server's name that is no segment of the resource grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvalidServer;

impl fmt::Display for InvalidServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a server's name is one segment of a resource, without a slash")
    }
}

impl core::error::Error for InvalidServer {}

/// What a message asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Mapped {
    /// An operation, and its arguments where it takes some.
    Operation(Box<Operation>, Option<Object>),
    /// Nothing that needs a right: lists, pings, the protocol's own affairs.
    Nothing,
}

/// Why a message maps to no operation: a code of stage 11, and a sentence without anything that the sender wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unmapped {
    /// The exact code.
    pub code: Code,
    /// What is wrong.
    pub detail: &'static str,
}

const fn refuse<T>(code: Code, detail: &'static str) -> Result<T, Unmapped> {
    Err(Unmapped { code, detail })
}

/// The methods that act on nothing, as clients send them to servers in the revisions 2025-06-18 to 2026-07-28.
// spec: JR-23
const IDLE: [&str; 11] = [
    "initialize",
    "ping",
    "server/discover",
    "tools/list",
    "resources/list",
    "resources/templates/list",
    "prompts/list",
    "notifications/initialized",
    "notifications/cancelled",
    "notifications/progress",
    "notifications/roots/list_changed",
];

/// Maps a message to its operation on a server.
///
/// ```
/// use countersign::jsonrpc::Message;
/// use countersign::jsonrpc::mcp::{Mapped, Server, map};
///
/// let text = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_events","arguments":{"day":"today"}}}"#;
/// let Mapped::Operation(operation, arguments) = map(&Message::parse(text, 1 << 20)?, &Server::new("calendar")?)? else { panic!() };
/// assert_eq!((operation.r#type(), operation.resource(), operation.action()), ("mcp_tool", "calendar/list_events", "call"));
/// let day = arguments.as_ref().and_then(|arguments| arguments.member("day"));
/// assert_eq!(day.and_then(|day| day.as_str()), Some("today"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn map(message: &Message, server: &Server) -> Result<Mapped, Unmapped> {
    let none = Object::default();
    let params = message.params().unwrap_or(&none);
    match message.method() {
        "tools/call" => {
            let (name, arguments) = named(params)?;
            Ok(Mapped::Operation(Box::new(tool(server, name)?), Some(arguments)))
        }
        "prompts/get" => {
            let (name, arguments) = named(params)?;
            Ok(Mapped::Operation(Box::new(prompt(name)?), Some(arguments)))
        }
        "resources/read" => {
            known(params, &["uri", "_meta"])?;
            meta(params)?;
            Ok(Mapped::Operation(Box::new(read(server, text(params, "uri")?)?), None))
        }
        method if IDLE.contains(&method) => Ok(Mapped::Nothing),
        // spec: JR-24
        _ => refuse(Code::OperationUnmapped, "no operation for this method"),
    }
}

/// A method whose result lists what may be asked for.
#[derive(Clone, Copy, Debug)]
pub struct Listing {
    member: &'static str,
    key: &'static str,
    operation: fn(&Server, &str) -> Result<Operation, Unmapped>,
}

impl Listing {
    /// The listing that a method asks for; `None` where its result is not filtered.
    // spec: JR-25
    pub fn of(method: &str) -> Option<Self> {
        let (member, key, operation): (_, _, fn(&Server, &str) -> _) = match method {
            "tools/list" => ("tools", "name", tool),
            "resources/list" => ("resources", "uri", read),
            "prompts/list" => ("prompts", "name", |_, name| prompt(name)),
            _ => return None,
        };
        Some(Self { member, key, operation })
    }

    /// The member of the result that has the items.
    pub const fn member(&self) -> &'static str {
        self.member
    }

    /// The member of an item that says which operation it stands for.
    pub const fn key(&self) -> &'static str {
        self.key
    }

    /// The operation of an item with this key; `None` where it maps to none.
    pub fn operation(&self, server: &Server, key: &str) -> Option<Operation> {
        (self.operation)(server, key).ok()
    }
}

fn tool(server: &Server, name: &str) -> Result<Operation, Unmapped> {
    Ok(Operation::new("mcp_tool", &[server.name(), "/", segment(name)?].concat(), "call").tool(name))
}

fn prompt(name: &str) -> Result<Operation, Unmapped> {
    Ok(Operation::new("mcp_prompt", segment(name)?, "get"))
}

fn read(server: &Server, uri: &str) -> Result<Operation, Unmapped> {
    match resource(server, uri) {
        Some(resource) => Ok(Operation::new("mcp_resource", &resource, "read")),
        None => refuse(Code::ResourceInvalid, "URI is not of the form that has one resource"),
    }
}

fn named(params: &Object) -> Result<(&str, Object), Unmapped> {
    known(params, &["name", "arguments", "_meta"])?;
    let name = text(params, "name")?;
    meta(params)?;
    // spec: JR-20
    match params.member("arguments") {
        None => Ok((name, Object::default())),
        Some(Value::Object(arguments)) => Ok((name, arguments.clone())),
        Some(_) => refuse(Code::BodyAmbiguous, "arguments are no object"),
    }
}

// spec: JR-20, JR-40
fn meta(params: &Object) -> Result<(), Unmapped> {
    let meta = match params.member("_meta") {
        None => return Ok(()),
        Some(Value::Object(meta)) => meta,
        Some(_) => return refuse(Code::BodyAmbiguous, "_meta is no object"),
    };
    let small = |name: &&'static str| match meta.member(name) {
        None => true,
        Some(Value::Str(text)) => text.len() <= MAX_RELAYED,
        Some(Value::Integer(_)) => *name == PROGRESS,
        Some(_) => false,
    };
    if UNCOVERED.iter().all(small) {
        Ok(())
    } else {
        refuse(Code::BodyAmbiguous, "a member of _meta that relays may change, and more than they need")
    }
}

// spec: JR-18
fn text<'p>(params: &'p Object, name: &str) -> Result<&'p str, Unmapped> {
    match params.member(name) {
        Some(Value::Str(text)) => Ok(text),
        _ => refuse(Code::OperationUnmapped, "message does not name what it is about"),
    }
}

// spec: JR-19
fn known(params: &Object, names: &[&str]) -> Result<(), Unmapped> {
    if params.iter().all(|(name, _)| names.contains(&name)) {
        Ok(())
    } else {
        refuse(Code::OperationUnmapped, "a parameter that no check would see")
    }
}

// spec: JR-21
fn segment(name: &str) -> Result<&str, Unmapped> {
    if is_segment(name) { Ok(name) } else { refuse(Code::ResourceInvalid, "name is no segment of a resource") }
}

fn is_segment(name: &str) -> bool {
    !name.is_empty() && !name.contains('/') && is_valid_resource(name)
}

impl fmt::Display for Unmapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)
    }
}

impl core::error::Error for Unmapped {}

#[cfg(test)]
mod tests;
