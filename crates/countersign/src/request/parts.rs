//! What a verifier reads of one HTTP request.

/// A field line: one name, one value, as received.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// Its name, in any case.
    pub name: &'a str,
    /// Its value, without the optional white space around it.
    pub value: &'a [u8],
    /// What its name is told apart by at once.
    key: u64,
}

/// What the message's framing says of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyLength {
    /// So many bytes; 0 where there is no body.
    Known(u64),
    /// The end shows only when it is reached.
    Unknown,
}

/// A request's head, borrowed from whatever HTTP library holds it.
///
/// Give every field line, in the order received, with nothing rewritten: not the names of an intermediary, not a target
/// without the prefix that a router took off.
#[derive(Clone)]
pub struct Parts<'a> {
    pub(crate) method: &'a str,
    pub(crate) target: &'a str,
    pub(crate) authority: Option<&'a str>,
    pub(crate) body: BodyLength,
    pub(crate) fields: Vec<Field<'a>>,
}

impl<'a> Parts<'a> {
    /// Starts with the method and the request target as received, in origin-form.
    pub fn new(method: &'a str, target: &'a str) -> Self {
        Self { method, target, authority: None, body: BodyLength::Known(0), fields: Vec::with_capacity(16) }
    }

    /// The `:authority` pseudo-header of HTTP/2 and HTTP/3.
    #[must_use]
    pub fn authority(mut self, authority: &'a str) -> Self {
        self.authority = Some(authority);
        self
    }

    /// What the framing says of the body.
    #[must_use]
    pub fn body(mut self, body: BodyLength) -> Self {
        self.body = body;
        self
    }

    /// Adds a field line.
    pub fn push(&mut self, name: &'a str, value: &'a [u8]) {
        self.fields.push(Field { name, value: trim(value), key: name_key(name) });
    }

    /// The text of the token, from the field that carries it. For tools that show it: a verifier refuses what is ambiguous
    /// and looks no further.
    pub fn token(&self) -> Option<&'a str> {
        let own = self.lines("countersign-token").next();
        let bearer = self.lines("authorization").find_map(|value| value.strip_prefix(b"Countersign "));
        own.or(bearer).and_then(|token| core::str::from_utf8(token).ok())
    }

    /// The value of a field: its lines joined; `None` where there is none.
    pub(crate) fn value(&self, name: &str) -> Option<Vec<u8>> {
        let lines: Vec<&[u8]> = self.lines(name).collect();
        (!lines.is_empty()).then(|| lines.join(&b", "[..]))
    }

    /// The method as received.
    pub fn method(&self) -> &'a str {
        self.method
    }

    /// The request target as received.
    pub fn target(&self) -> &'a str {
        self.target
    }

    /// The `:authority` pseudo-header, where there is one.
    pub fn pseudo_authority(&self) -> Option<&'a str> {
        self.authority
    }

    /// What the framing says of the body.
    pub fn body_length(&self) -> BodyLength {
        self.body
    }

    /// The field lines, in the order received.
    pub fn fields(&self) -> &[Field<'a>] {
        &self.fields
    }

    /// The lines of all fields whose name begins so, in order; names in lower case.
    pub(crate) fn starting(&self, prefix: &str) -> Vec<(String, Vec<u8>)> {
        let lines = self.fields.iter().map(|field| (field.name.to_ascii_lowercase(), field.value));
        lines.filter(|(name, _)| name.starts_with(prefix)).map(|(name, value)| (name, value.to_vec())).collect()
    }

    /// Which line is the first of a field.
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        let key = name_key(name);
        self.fields.iter().position(|field| field.key == key && field.name.eq_ignore_ascii_case(name))
    }

    /// The lines of one field, in order.
    pub(crate) fn lines(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        // A hundred lines are asked for a hundred names: most are told apart without looking at the name.
        let key = name_key(name);
        let is_named = move |field: &&Field<'_>| field.key == key && field.name.eq_ignore_ascii_case(name);
        self.fields.iter().filter(is_named).map(|field| field.value)
    }
}

// Values may be tokens and cookies: they stay out of logs.
impl core::fmt::Debug for Field<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:?}: {} bytes", self.name, self.value.len())
    }
}

impl core::fmt::Debug for Parts<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Parts").field("method", &self.method).field("fields", &self.fields).finish_non_exhaustive()
    }
}

/// The length of a name and its last six bytes without their case: equal where names are equal but for their case.
fn name_key(name: &str) -> u64 {
    let last = name.bytes().rev().take(6).fold(0_u64, |key, byte| key << 8 | u64::from(byte | 0x20));
    last << 16 | u64::try_from(name.len() & 0xffff).unwrap_or_default()
}

/// Takes optional white space off both ends: spaces and tabs, nothing else.
fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

impl<'a> Extend<(&'a str, &'a [u8])> for Parts<'a> {
    fn extend<I: IntoIterator<Item = (&'a str, &'a [u8])>>(&mut self, lines: I) {
        for (name, value) in lines {
            self.push(name, value);
        }
    }
}
