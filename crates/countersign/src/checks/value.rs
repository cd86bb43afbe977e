//! Values of terms while a check is evaluated.

use crate::key::PublicKey;
use crate::token::term::Terms;

/// A value of an argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scalar {
    /// A string.
    Str(String),
    /// An integer.
    Integer(i64),
    /// A Boolean.
    Bool(bool),
}

/// A value on the stack: borrowed from the token, from the facts, or a number.
#[derive(Clone, Copy)]
pub(super) enum Value<'a> {
    Integer(i64),
    /// UTF-8, by decoder or by type.
    Str(&'a [u8]),
    Date(u64),
    Bytes(&'a [u8]),
    Bool(bool),
    Set(Terms<'a>),
}

impl<'a> Value<'a> {
    pub(super) fn str(text: &'a str) -> Self {
        Self::Str(text.as_bytes())
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
            (Self::Str(a), Self::Str(b)) | (Self::Bytes(a), Self::Bytes(b)) => a == b,
            _ => false,
        }
    }
}
