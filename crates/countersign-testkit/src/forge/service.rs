//! The service that forged requests are made for: its names, its issuers, its table of operations.
//!
//! Plain data. What is judged by reads it as its own configuration; the model of what is allowed reads it here.

use crate::keys::Key;

/// Its audiences; the second one has the paths under `/files`.
pub const SERVICES: [&str; 2] = ["https://api.example.com", "https://api.example.com/files"];
/// Its authorities.
pub const AUTHORITIES: [&str; 2] = ["api.example.com", "api.example.com:8443"];
/// Its issuers, each with how many keys: the last key of the third is revoked.
pub const ISSUERS: [(&str, usize); 3] =
    [("https://hub.example", 2), ("https://login.example/tenant", 1), ("https://third.example", 2)];
/// The key that is revoked.
pub const REVOKED_ISSUER_KEY: (usize, usize) = (2, 1);

/// A key of an issuer.
#[must_use]
pub fn issuer_key(seed: u64, issuer: usize, key: usize) -> Key {
    Key::named(&format!("forge {seed} issuer {issuer} key {key}"))
}

/// A row of the table of operations.
#[derive(Debug)]
pub struct Row {
    /// The audience that its paths belong to.
    pub service: usize,
    /// Method, path, type, resource and action, as in a table entry.
    pub entry: [&'static str; 5],
    /// Whether it costs `cents`, as many as its argument `amount`, besides a call.
    pub cents: bool,
    /// Whether a JSON body is read.
    pub read_body: bool,
    /// A row of the same type and parameters, with another action, that takes no body.
    pub sibling: Option<usize>,
}

const fn row(service: usize, entry: [&'static str; 5], sibling: Option<usize>) -> Row {
    Row { service, entry, cents: false, read_body: true, sibling }
}

/// The table.
pub const ROWS: [Row; 9] = [
    row(0, ["GET", "/calendars/{calendar}", "calendar", "/calendars/{calendar}", "read"], Some(1)),
    row(0, ["GET", "/calendars/{calendar}/events", "calendar", "/calendars/{calendar}", "list"], Some(0)),
    row(0, ["POST", "/calendars/{calendar}/events", "calendar", "/calendars/{calendar}", "create"], Some(1)),
    row(
        0,
        ["DELETE", "/calendars/{calendar}/events/{event}", "calendar", "/calendars/{calendar}/{event}", "delete"],
        None,
    ),
    Row { cents: true, ..row(0, ["POST", "/payments/{account}", "payment", "/accounts/{account}", "transfer"], None) },
    row(0, ["POST", "/mail", "mail", "/outbox", "send"], None),
    row(1, ["GET", "/files/{folder}/{name}", "file", "/{folder}/{name}", "read"], None),
    Row { read_body: false, ..row(1, ["PUT", "/files/{folder}/{name}", "file", "/{folder}/{name}", "write"], None) },
    row(1, ["POST", "/files/{folder}", "file", "/{folder}", "rename"], None),
];

impl Row {
    /// The method.
    #[must_use]
    pub fn method(&self) -> &'static str {
        self.entry[0]
    }

    /// The type.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        self.entry[2]
    }

    /// The action.
    #[must_use]
    pub fn action(&self) -> &'static str {
        self.entry[4]
    }

    /// The names of the parameters of the path, in order.
    pub fn parameters(&self) -> impl Iterator<Item = &'static str> {
        self.entry[1].split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
    }

    /// The path with these parameters.
    #[must_use]
    pub fn path(&self, values: &[String]) -> String {
        self.filled(self.entry[1], values)
    }

    /// The resource with these parameters.
    #[must_use]
    pub fn resource(&self, values: &[String]) -> String {
        self.filled(self.entry[3], values)
    }

    fn filled(&self, template: &str, values: &[String]) -> String {
        self.parameters()
            .zip(values)
            .fold(template.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
    }
}

/// Whether a location covers a resource (`spec/verify.md`, Right).
#[must_use]
pub fn covers(location: &str, resource: &str) -> bool {
    match resource.strip_prefix(location) {
        None => false,
        Some(rest) => !location.is_empty() && (location.ends_with('/') || rest.is_empty() || rest.starts_with('/')),
    }
}
