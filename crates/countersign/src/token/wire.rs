//! Canonical protobuf, read and written (`spec/token.md`, Encoding).
//!
//! The reader takes only what the writer would give back: minimal varints, ascending fields, no groups and no fixed-size
//! numbers (the schema has none). It borrows and never allocates; positions are [`Span`]s of the whole token, so that
//! what was found once can be kept beside the bytes.

/// A range of bytes of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    start: u16,
    end: u16,
}

impl Span {
    /// The whole of `bytes`; more than a token can hold is cut, which no reader takes for a token.
    pub(crate) fn whole(bytes: &[u8]) -> Self {
        Self { start: 0, end: u16::try_from(bytes.len()).unwrap_or(u16::MAX) }
    }

    fn new(start: usize, end: usize) -> Option<Self> {
        Some(Self { start: u16::try_from(start).ok()?, end: u16::try_from(end).ok()? })
    }

    pub(crate) fn of(self, bytes: &[u8]) -> &[u8] {
        bytes.get(usize::from(self.start)..usize::from(self.end)).unwrap_or_default()
    }

    pub(crate) fn end(self) -> usize {
        usize::from(self.end)
    }

    pub(crate) fn len(self) -> usize {
        usize::from(self.end.saturating_sub(self.start))
    }
}

/// The bytes are not the canonical encoding of anything in the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// The value of one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Varint(u64),
    Bytes(Span),
}

impl Value {
    pub(crate) fn varint(self) -> Result<u64, Malformed> {
        match self {
            Self::Varint(value) => Ok(value),
            Self::Bytes(_) => Err(Malformed),
        }
    }

    pub(crate) fn bytes(self) -> Result<Span, Malformed> {
        match self {
            Self::Bytes(span) => Ok(span),
            Self::Varint(_) => Err(Malformed),
        }
    }

    /// The number of an enum: 32 bits, a negative one with its sign in all 64.
    pub(crate) fn int32(self) -> Result<i32, Malformed> {
        i32::try_from(self.varint()?.cast_signed()).map_err(|_| Malformed)
    }

    pub(crate) fn uint32(self) -> Result<u32, Malformed> {
        u32::try_from(self.varint()?).map_err(|_| Malformed)
    }
}

/// Walks over the fields of one message.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
    end: usize,
    last: u64,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(bytes: &'a [u8], span: Span) -> Self {
        Self { bytes, at: usize::from(span.start), end: span.end().min(bytes.len()), last: 0 }
    }

    /// The next field and its number; `None` at the end of the message.
    // spec: TK-3, TK-4, TK-5
    pub(crate) fn next(&mut self) -> Result<Option<(u64, Value)>, Malformed> {
        if self.at >= self.end {
            return Ok(None);
        }
        let key = self.varint()?;
        let (number, wire) = (key >> 3, key & 7);
        if number == 0 || number < self.last {
            return Err(Malformed);
        }
        self.last = number;
        let value = match wire {
            0 => Value::Varint(self.varint()?),
            2 => {
                let len = usize::try_from(self.varint()?).map_err(|_| Malformed)?;
                let end = self.at.checked_add(len).filter(|end| *end <= self.end).ok_or(Malformed)?;
                let span = Span::new(self.at, end).ok_or(Malformed)?;
                self.at = end;
                Value::Bytes(span)
            }
            _ => return Err(Malformed),
        };
        Ok(Some((number, value)))
    }

    fn varint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0_u64;
        for index in 0..10_u32 {
            let byte = *self.bytes.get(self.at).filter(|_| self.at < self.end).ok_or(Malformed)?;
            self.at = self.at.saturating_add(1);
            let bits = u64::from(byte & 0x7f);
            // The tenth byte holds the 64th bit alone.
            if index == 9 && byte > 1 {
                return Err(Malformed);
            }
            value |= bits << index.saturating_mul(7);
            if byte & 0x80 == 0 {
                // A last byte of zero adds nothing: a longer spelling of the same number.
                return if byte == 0 && index > 0 { Err(Malformed) } else { Ok(value) };
            }
        }
        Err(Malformed)
    }
}

/// Sets a field that stands at most once.
pub(crate) fn once<T>(slot: &mut Option<T>, value: T) -> Result<(), Malformed> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(Malformed),
    }
}

/// Appends canonical protobuf.
#[derive(Clone, Default)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    fn raw_varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    pub(crate) fn varint(&mut self, field: u32, value: u64) {
        self.raw_varint(u64::from(field) << 3);
        self.raw_varint(value);
    }

    pub(crate) fn bytes(&mut self, field: u32, value: &[u8]) {
        self.raw_varint(u64::from(field) << 3 | 2);
        self.raw_varint(value.len() as u64);
        self.bytes.extend_from_slice(value);
    }

    pub(crate) fn message(&mut self, field: u32, fill: impl FnOnce(&mut Self)) {
        let mut inner = Self::default();
        fill(&mut inner);
        self.bytes(field, &inner.bytes);
        zeroize::Zeroize::zeroize(&mut inner.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(bytes: &[u8]) -> Result<Vec<(u64, Value)>, Malformed> {
        let mut fields = Fields::new(bytes, Span::whole(bytes));
        let mut out = Vec::new();
        while let Some(field) = fields.next()? {
            out.push(field);
        }
        Ok(out)
    }

    #[test]
    fn reads_what_it_writes() {
        for value in [0, 1, 127, 128, 300, u64::from(u32::MAX), i64::MAX as u64, u64::MAX] {
            let mut writer = Writer::default();
            writer.varint(1, value);
            writer.bytes(2, b"ab");
            let bytes = writer.into_bytes();
            let read = fields(&bytes).unwrap();
            assert_eq!(read[0], (1, Value::Varint(value)));
            assert_eq!(read[1].1.bytes().unwrap().of(&bytes), b"ab");
        }
    }

    #[test]
    fn refuses_every_other_spelling() {
        for bad in [
            &[0x08, 0x80, 0x00][..],                                             // over-long varint
            &[0x08, 0x80],                                                       // truncated varint
            &[0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02], // past 64 bits
            &[0x88, 0x00, 0x01],                                                 // over-long key
            &[0x10, 0x01, 0x08, 0x01],                                           // descending fields
            &[0x00, 0x01],                                                       // field number zero
            &[0x0d, 0, 0, 0, 0],                                                 // fixed32
            &[0x0b, 0x0c],                                                       // group
            &[0x0a, 0x02, 0x61],                                                 // truncated bytes
        ] {
            assert_eq!(fields(bad), Err(Malformed), "{bad:02x?}");
        }
    }
}
