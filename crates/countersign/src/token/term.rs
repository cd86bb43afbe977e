//! Terms, predicates and operations as they stand in a token's bytes.

use super::wire::{Fields, Malformed, Span, once};

/// A term, its strings still numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Term {
    Variable(u32),
    Integer(i64),
    Str(u64),
    Date(u64),
    Bytes(Span),
    Bool(bool),
    Set(Span),
    /// In the schema, outside the profile.
    Null,
    /// In the schema, outside the profile.
    Array(Span),
    /// In the schema, outside the profile.
    Map(Span),
}

impl Term {
    pub(crate) fn read(bytes: &[u8], span: Span) -> Result<Self, Malformed> {
        let mut fields = Fields::new(bytes, span);
        let (number, value) = fields.next()?.ok_or(Malformed)?;
        let term = match number {
            1 => Self::Variable(value.uint32()?),
            2 => Self::Integer(value.varint()?.cast_signed()),
            3 => Self::Str(value.varint()?),
            4 => Self::Date(value.varint()?),
            5 => Self::Bytes(value.bytes()?),
            6 => Self::Bool(match value.varint()? {
                0 => false,
                1 => true,
                _ => return Err(Malformed),
            }),
            7 => Self::Set(value.bytes()?),
            8 => value.bytes().map(|_| Self::Null)?,
            9 => Self::Array(value.bytes()?),
            10 => Self::Map(value.bytes()?),
            _ => return Err(Malformed),
        };
        // A oneof has one member.
        match fields.next()? {
            None => Ok(term),
            Some(_) => Err(Malformed),
        }
    }
}

/// The terms of a repeated field: of a set, or behind the name of a predicate.
#[derive(Clone, Copy)]
pub(crate) struct Terms<'a> {
    bytes: &'a [u8],
    fields: Fields<'a>,
    number: u64,
}

impl<'a> Terms<'a> {
    /// The elements of a `TermSet`.
    pub(crate) fn of_set(bytes: &'a [u8], span: Span) -> Self {
        Self { bytes, fields: Fields::new(bytes, span), number: 1 }
    }

    pub(crate) fn next(&mut self) -> Result<Option<Term>, Malformed> {
        match self.fields.next()? {
            None => Ok(None),
            Some((number, value)) if number == self.number => Term::read(self.bytes, value.bytes()?).map(Some),
            Some(_) => Err(Malformed),
        }
    }
}

/// A predicate's name, and its terms to be read.
#[derive(Clone, Copy)]
pub(crate) struct Predicate<'a> {
    pub(crate) name: u64,
    pub(crate) terms: Terms<'a>,
}

impl<'a> Predicate<'a> {
    pub(crate) fn read(bytes: &'a [u8], span: Span) -> Result<Self, Malformed> {
        let mut fields = Fields::new(bytes, span);
        let name = match fields.next()? {
            Some((1, value)) => value.varint()?,
            _ => return Err(Malformed),
        };
        Ok(Self { name, terms: Terms { bytes, fields, number: 2 } })
    }
}

/// One operation of an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Value(Span),
    Unary { kind: i32, ffi: bool },
    Binary { kind: i32, ffi: bool },
    Closure(Span),
}

impl Op {
    pub(crate) fn read(bytes: &[u8], span: Span) -> Result<Self, Malformed> {
        let mut fields = Fields::new(bytes, span);
        let (number, value) = fields.next()?.ok_or(Malformed)?;
        let span = value.bytes()?;
        if fields.next()?.is_some() {
            return Err(Malformed);
        }
        match number {
            1 => Ok(Self::Value(span)),
            2 => kind(bytes, span).map(|(kind, ffi)| Self::Unary { kind, ffi }),
            3 => kind(bytes, span).map(|(kind, ffi)| Self::Binary { kind, ffi }),
            4 => Ok(Self::Closure(span)),
            _ => Err(Malformed),
        }
    }
}

fn kind(bytes: &[u8], span: Span) -> Result<(i32, bool), Malformed> {
    let (mut kind, mut ffi) = (None, None);
    let mut fields = Fields::new(bytes, span);
    while let Some((number, value)) = fields.next()? {
        match number {
            1 => once(&mut kind, value.int32()?)?,
            2 => once(&mut ffi, value.varint()?)?,
            _ => return Err(Malformed),
        }
    }
    Ok((kind.ok_or(Malformed)?, ffi.is_some()))
}

/// Walks over a repeated message field, such as the operations of an expression.
#[derive(Clone, Copy)]
pub(crate) struct Repeated<'a> {
    fields: Fields<'a>,
    number: u64,
}

impl<'a> Repeated<'a> {
    pub(crate) fn new(bytes: &'a [u8], span: Span, number: u64) -> Self {
        Self { fields: Fields::new(bytes, span), number }
    }

    /// The next message of this field, other fields skipped: for bytes that the decoder let in.
    pub(crate) fn next(&mut self) -> Result<Option<Span>, Malformed> {
        while let Some((number, value)) = self.fields.next()? {
            if number == self.number {
                return value.bytes().map(Some);
            }
        }
        Ok(None)
    }
}

pub(crate) use super::datalog::{binary_op as binary, unary_op as unary};
