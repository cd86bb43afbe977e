//! A writer of protobuf messages, field by field.
//!
//! A [`Message`] is a list of encoded fields in the order written, so a vector can reorder, repeat
//! or damage fields after the fact. The first group of methods writes what the profile asks for;
//! the second group writes what it refuses.

/// Wire type of varints.
pub const VARINT: u8 = 0;
/// Wire type of eight fixed bytes.
pub const FIXED64: u8 = 1;
/// Wire type of length-prefixed bytes, strings and messages.
pub const LENGTH: u8 = 2;
/// Wire type of four fixed bytes.
pub const FIXED32: u8 = 5;

/// One encoded field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Field number.
    pub number: u32,
    /// The whole encoding: tag, length where there is one, and value.
    pub bytes: Vec<u8>,
}

/// A message as a list of encoded fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// The fields in writing order.
    pub fields: Vec<Field>,
}

/// The least varint of `value`.
#[must_use]
pub fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}

/// A varint of `value` with `extra` bytes more than it needs.
#[must_use]
pub fn overlong_varint(value: u64, extra: usize) -> Vec<u8> {
    let mut out = varint(value);
    for _ in 0..extra {
        *out.last_mut().expect("a varint has a byte") |= 0x80;
        out.push(0);
    }
    out
}

/// The tag of a field.
#[must_use]
pub fn tag(number: u32, wire_type: u8) -> Vec<u8> {
    varint(u64::from(number) << 3 | u64::from(wire_type))
}

impl Message {
    /// An empty message.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes a field from its parts: tag bytes, then value bytes.
    #[must_use]
    pub fn raw(mut self, number: u32, wire_type: u8, value: &[u8]) -> Self {
        let mut bytes = tag(number, wire_type);
        bytes.extend_from_slice(value);
        self.fields.push(Field { number, bytes });
        self
    }

    /// Writes an unsigned integer, an enum or a Boolean.
    #[must_use]
    pub fn uint(self, number: u32, value: u64) -> Self {
        self.raw(number, VARINT, &varint(value))
    }

    /// Writes an `int64`: two's complement, so a negative one takes ten bytes.
    #[must_use]
    pub fn int(self, number: u32, value: i64) -> Self {
        self.uint(number, value as u64)
    }

    /// Writes bytes or a string.
    #[must_use]
    pub fn bytes(self, number: u32, value: &[u8]) -> Self {
        let mut out = varint(value.len() as u64);
        out.extend_from_slice(value);
        self.raw(number, LENGTH, &out)
    }

    /// Writes a message.
    #[must_use]
    pub fn message(self, number: u32, value: &Message) -> Self {
        self.bytes(number, &value.encode())
    }

    /// The encoding: all fields in writing order.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.fields.iter().flat_map(|field| field.bytes.iter().copied()).collect()
    }

    // What follows is refused by the profile.

    /// Writes an integer as a varint that is longer than needed.
    #[must_use]
    pub fn overlong_uint(self, number: u32, value: u64) -> Self {
        self.raw(number, VARINT, &overlong_varint(value, 1))
    }

    /// Writes bytes whose length prefix is longer than needed.
    #[must_use]
    pub fn overlong_length(self, number: u32, value: &[u8]) -> Self {
        let mut out = overlong_varint(value.len() as u64, 1);
        out.extend_from_slice(value);
        self.raw(number, LENGTH, &out)
    }

    /// Writes a field whose tag is longer than needed.
    #[must_use]
    pub fn overlong_tag(mut self, number: u32, wire_type: u8, value: &[u8]) -> Self {
        let mut bytes = overlong_varint(u64::from(number) << 3 | u64::from(wire_type), 1);
        bytes.extend_from_slice(value);
        self.fields.push(Field { number, bytes });
        self
    }

    /// Writes an integer as eight fixed bytes, which no field of the schema is.
    #[must_use]
    pub fn fixed64(self, number: u32, value: u64) -> Self {
        self.raw(number, FIXED64, &value.to_le_bytes())
    }

    /// Swaps the first fields of these two numbers.
    ///
    /// # Panics
    ///
    /// When one of them is absent.
    pub fn swap(&mut self, first: u32, second: u32) {
        let place = |number| self.fields.iter().position(|field| field.number == number);
        let (a, b) = (place(first).expect("first field"), place(second).expect("second field"));
        self.fields.swap(a, b);
    }

    /// Removes all fields of this number.
    pub fn remove(&mut self, number: u32) {
        self.fields.retain(|field| field.number != number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_the_examples_of_the_protobuf_documentation() {
        assert_eq!(Message::new().uint(1, 150).encode(), [0x08, 0x96, 0x01]);
        assert_eq!(Message::new().bytes(2, b"testing").encode(), b"\x12\x07testing");
        assert_eq!(Message::new().int(1, -2).encode().len(), 11);
    }

    #[test]
    fn overlong_forms_differ_from_the_least_form() {
        assert_eq!(overlong_varint(3, 1), [0x83, 0x00]);
        assert_eq!(Message::new().overlong_uint(1, 0).encode(), [0x08, 0x80, 0x00]);
        assert_eq!(Message::new().overlong_tag(1, VARINT, &[1]).encode(), [0x88, 0x00, 0x01]);
    }
}
