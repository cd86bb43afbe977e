//! JSON that every parser reads alike, and its canonical form (`spec/request.md`, JSON; RFC 8259, RFC 8785).
//!
//! What two parsers could read differently is refused: a name twice in one object, an unpaired surrogate, a byte order
//! mark, an integer that a double can't hold. A number that is spelled with `.`, `e` or `E` is a [`Fraction`], whatever its
//! value, and keeps its spelling until somebody says how many digits count.

mod number;
mod read;
mod write;

use core::fmt;

pub use self::number::Fraction;
pub(crate) use self::number::scaled;

/// How deep arrays and objects may nest.
pub const MAX_DEPTH: usize = 64;

/// The greatest integer that every parser holds exactly; its negative is the least.
pub const MAX_INTEGER: i64 = (1 << 53) - 1;

/// A JSON value.
///
/// ```
/// use countersign::json::Value;
///
/// let value = Value::parse(br#"{"to":["b@example.com"],"n":1}"#)?;
/// assert_eq!(value.to_jcs(), r#"{"n":1,"to":["b@example.com"]}"#);
/// assert!(Value::parse(br#"{"to":1,"to":2}"#).is_err());
/// # Ok::<(), countersign::json::JsonError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number without `.`, `e` and `E`, at most [`MAX_INTEGER`] away from 0.
    Integer(i64),
    /// Any other number.
    Fraction(Fraction),
    /// A string.
    Str(String),
    /// An array.
    Array(Vec<Value>),
    /// An object.
    Object(Object),
}

impl Value {
    /// Reads one JSON text in UTF-8, all of it.
    pub fn parse(text: &[u8]) -> Result<Self, JsonError> {
        read::parse(text)
    }

    /// The canonical form of RFC 8785 (JCS), to be hashed or signed. [`Value::parse`] refuses that of a fraction such as
    /// `1e20`, which is an integer beyond [`MAX_INTEGER`].
    pub fn to_jcs(&self) -> String {
        write::jcs(self)
    }

    /// A text that is read again as the same value by [`Value::parse`], in canonical form as far as that is.
    pub(crate) fn to_readable(&self) -> String {
        write::readable(self)
    }

    /// An object of these members. Of equal names the last one counts.
    pub fn object<'n>(members: impl IntoIterator<Item = (&'n str, Self)>) -> Self {
        let mut object = Object::default();
        for (name, value) in members {
            object.set(name, value);
        }
        Self::Object(object)
    }

    /// The string, where it is one.
    pub fn as_str(&self) -> Option<&str> {
        if let Self::Str(text) = self { Some(text) } else { None }
    }

    /// The integer, where it is one.
    pub fn as_integer(&self) -> Option<i64> {
        if let Self::Integer(integer) = self { Some(*integer) } else { None }
    }

    /// The members, where it is an object.
    pub fn as_object(&self) -> Option<&Object> {
        if let Self::Object(object) = self { Some(object) } else { None }
    }

    /// The elements, where it is an array.
    pub fn as_array(&self) -> Option<&[Self]> {
        if let Self::Array(elements) = self { Some(elements) } else { None }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Str(text.to_owned())
    }
}

/// The members of an object, in the order of the text. No name stands twice.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object(Vec<(String, Value)>);

impl Object {
    /// The value under a name.
    pub fn member(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// The members in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> + Clone {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no member.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sets a member: in its place where the name is there, else at the end.
    pub fn set(&mut self, name: &str, value: Value) {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    /// Takes a member out.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        let at = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.remove(at).1)
    }

    /// Members of a text, as they stood there. `None` where a name stands twice.
    fn unique(members: Vec<(String, Value)>) -> Option<Self> {
        let mut names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        let twice = names.iter().zip(names.iter().skip(1)).any(|(one, next)| one == next);
        (!twice).then_some(Self(members))
    }
}

impl serde::Serialize for Value {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Integer(value) => serializer.serialize_i64(*value),
            Self::Fraction(value) => serializer.serialize_f64(value.to_f64()),
            Self::Str(value) => serializer.serialize_str(value),
            Self::Array(elements) => serializer.collect_seq(elements),
            Self::Object(object) => serializer.collect_map(object.iter()),
        }
    }
}

/// A text that is no JSON, or one that two parsers could read differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JsonError {
    /// Not one JSON value by RFC 8259.
    Syntax,
    /// Not UTF-8, or with a byte order mark.
    Encoding,
    /// A surrogate escape without its other half.
    Surrogate,
    /// A name twice in one object.
    NameTwice,
    /// An integer beyond ±(2^53 − 1), or a number that no double can hold.
    Number,
    /// Nested deeper than [`MAX_DEPTH`].
    Depth,
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Syntax => "not one JSON value",
            Self::Encoding => "not UTF-8, or with a byte order mark",
            Self::Surrogate => "a surrogate escape without its other half",
            Self::NameTwice => "a name twice in one object",
            Self::Number => "a number that not every parser can hold",
            Self::Depth => "nested too deep",
        })
    }
}

impl core::error::Error for JsonError {}

#[cfg(test)]
mod tests;
