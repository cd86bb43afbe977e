//! Symbol tables: the strings that a token's numbers stand for (`spec/token.md`, Symbols).

use super::wire::Span;

/// The default symbols of Biscuit, numbers 0 to 27.
pub(crate) const DEFAULT: [&str; 28] = [
    "read",
    "write",
    "resource",
    "operation",
    "right",
    "time",
    "role",
    "owner",
    "tenant",
    "namespace",
    "user",
    "team",
    "service",
    "admin",
    "email",
    "group",
    "member",
    "ip_address",
    "client",
    "client_ip",
    "domain",
    "path",
    "version",
    "cluster",
    "node",
    "hostname",
    "nonce",
    "query",
];

/// The number of the first symbol that a token brings itself.
pub(crate) const OFFSET: u64 = 1024;

/// The number of the symbol `query`, the head of every query.
pub(crate) const QUERY: u64 = 27;

/// The number of the symbol `time`.
pub(crate) const TIME: u64 = 5;

/// A string of a token: a default symbol, or bytes of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Text {
    Default(u8),
    At(Span),
}

impl Text {
    pub(crate) fn of(self, bytes: &[u8]) -> &str {
        match self {
            Self::Default(number) => DEFAULT.get(usize::from(number)).copied().unwrap_or_default(),
            // The decoder let only UTF-8 in.
            Self::At(span) => core::str::from_utf8(span.of(bytes)).unwrap_or_default(),
        }
    }
}

/// Which strings the numbers of one block stand for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scope {
    /// A first-party block sees the first `n` of the symbols that first-party blocks brought.
    Shared(u16),
    /// A third-party block sees its own symbols only.
    Local { start: u16, end: u16 },
}

/// The symbols of all blocks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Symbols {
    pub(crate) shared: Vec<Span>,
    pub(crate) local: Vec<Span>,
}

impl Symbols {
    /// The strings beyond the default ones that a block sees.
    pub(crate) fn visible(&self, scope: Scope) -> &[Span] {
        match scope {
            Scope::Shared(len) => self.shared.get(..usize::from(len)),
            Scope::Local { start, end } => self.local.get(usize::from(start)..usize::from(end)),
        }
        .unwrap_or_default()
    }

    pub(crate) fn text(&self, scope: Scope, number: u64) -> Option<Text> {
        match number.checked_sub(OFFSET) {
            None => u8::try_from(number).ok().filter(|n| usize::from(*n) < DEFAULT.len()).map(Text::Default),
            Some(index) => self.visible(scope).get(usize::try_from(index).ok()?).copied().map(Text::At),
        }
    }
}

/// A dense index for a symbol number, for tables by variable.
pub(crate) fn slot(number: u32) -> Option<usize> {
    let number = u64::from(number);
    let index = match number.checked_sub(OFFSET) {
        None if number < DEFAULT.len() as u64 => number,
        None => return None,
        Some(index) => index.checked_add(DEFAULT.len() as u64)?,
    };
    usize::try_from(index).ok()
}
