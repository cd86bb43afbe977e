//! Values of terms while a check is evaluated.

use crate::key::PublicKey;

/// A value of an argument.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scalar {
    /// A string.
    Str(String),
    /// An integer.
    Integer(i64),
    /// A Boolean.
    Bool(bool),
}

/// Where the elements of a set stand among those of its query.
#[derive(Clone, Copy)]
pub(super) struct Elements {
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Elements {
    pub(super) fn len(self) -> usize {
        self.end.saturating_sub(self.start)
    }
}

/// A value on the stack: borrowed from the token, from the facts, or a number.
#[derive(Clone, Copy)]
pub(super) enum Value<'a> {
    Integer(i64),
    Str(&'a str),
    Date(u64),
    Bytes(&'a [u8]),
    Bool(bool),
    /// Elements `start..end` of the query's sets.
    Set(Elements),
}

impl<'a> Value<'a> {
    pub(super) fn str(text: &'a str) -> Self {
        Self::Str(text)
    }

    pub(super) fn key(key: &'a PublicKey) -> Self {
        Self::Bytes(key.as_bytes())
    }

    pub(super) fn scalar(scalar: &'a Scalar) -> Self {
        match scalar {
            Scalar::Str(text) => Self::str(text),
            Scalar::Integer(value) => Self::Integer(*value),
            Scalar::Bool(value) => Self::Bool(*value),
        }
    }

    /// Whether two scalars are the same fact: other types are other facts.
    pub(super) fn same(self, other: Self) -> bool {
        match (self, other) {
            (Self::Integer(a), Self::Integer(b)) => a == b,
            (Self::Date(a), Self::Date(b)) => a == b,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Str(a), Self::Str(b)) => a == b,
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            _ => false,
        }
    }
}
