//! The structured fields of RFC 9651 that the profile reads, in their one serialisation (`spec/request.md`, Fields).
//!
//! The parser takes exactly what section 4.1 of RFC 9651 writes: what it accepts equals its own re-serialisation, so two
//! parsers, however kind, read the same. It borrows; strings keep their escapes, since no value that the profile
//! compares has any.

use crate::encoding::from_base64;

/// A field that is not in its one form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// A bare item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BareItem<'a> {
    Integer(i64),
    Decimal,
    /// The text between the quotes, escapes and all.
    String(&'a str),
    Token,
    /// The base64 text between the colons.
    Bytes(&'a str),
    Boolean,
    Date,
    DisplayString,
}

/// An item of an inner list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Item<'a> {
    pub(crate) value: BareItem<'a>,
    pub(crate) has_parameters: bool,
}

/// A member of a dictionary of inner lists, such as Signature-Input.
///
/// It is known to be in its one form. Its items and parameters are read again from its text whenever they are asked for: a
/// field of 4 KiB can hold more than a thousand, which would take many times its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InnerList<'a> {
    pub(crate) label: &'a str,
    /// The whole value: what `@signature-params` is.
    pub(crate) text: &'a str,
    /// Where its parameters begin in the text.
    parameters: usize,
}

impl<'a> InnerList<'a> {
    /// The items, in order.
    pub(crate) fn items(&self) -> impl Iterator<Item = Item<'a>> + use<'a> {
        let mut parser = Parser { text: self.text, at: 1 };
        core::iter::from_fn(move || {
            parser.take(b' ');
            if parser.peek()? == b')' {
                return None;
            }
            let value = parser.bare_item().ok()?;
            let has_parameters = parser.peek() == Some(b';');
            while parser.parameter().ok()?.is_some() {}
            Some(Item { value, has_parameters })
        })
    }

    /// The parameters, in order.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = (&'a str, BareItem<'a>)> + use<'a> {
        let mut parser = Parser { text: self.text, at: self.parameters };
        core::iter::from_fn(move || parser.parameter().ok().flatten())
    }

    /// The value of a parameter.
    pub(crate) fn parameter(&self, name: &str) -> Option<BareItem<'a>> {
        self.parameters().find(|(key, _)| *key == name).map(|(_, value)| value)
    }
}

/// Parses a dictionary whose members are inner lists, and gives those that `keep` wants.
// spec: RQ-23
pub(crate) fn inner_lists(text: &str, keep: impl Fn(&InnerList<'_>) -> bool) -> Result<Vec<InnerList<'_>>, Malformed> {
    let mut members = Vec::with_capacity(1);
    dictionary(text, |parser, label| {
        let list = parser.inner_list(label)?;
        if keep(&list) {
            members.push(list);
        }
        Ok(())
    })?;
    Ok(members)
}

/// Parses a dictionary whose members are byte sequences without parameters, and gives labels and base64 texts of those whose
/// label `keep` wants.
// spec: RQ-24, RQ-25
pub(crate) fn byte_sequences(text: &str, keep: impl Fn(&str) -> bool) -> Result<Vec<(&str, &str)>, Malformed> {
    let mut members: Vec<(&str, &str)> = Vec::with_capacity(1);
    dictionary(text, |parser, label| {
        if !parser.take(b'=') {
            return Err(Malformed);
        }
        let BareItem::Bytes(bytes) = parser.bare_item()? else { return Err(Malformed) };
        if keep(label) {
            members.push((label, bytes));
        }
        Ok(())
    })?;
    Ok(members)
}

/// Whether no key stands twice. Sorted where there are many: a field of 4 KiB can hold more than a thousand.
fn distinct(mut keys: Vec<&str>) -> bool {
    keys.sort_unstable();
    keys.is_sorted_by(|a, b| a < b)
}

fn dictionary<'a>(
    text: &'a str,
    mut member: impl FnMut(&mut Parser<'a>, &'a str) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    let mut parser = Parser { text, at: 0 };
    let mut labels = Vec::with_capacity(1);
    loop {
        let label = parser.key()?;
        labels.push(label);
        member(&mut parser, label)?;
        if parser.at == text.len() {
            return if distinct(labels) { Ok(()) } else { Err(Malformed) };
        }
        if !parser.take(b',') || !parser.take(b' ') {
            return Err(Malformed);
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn bump(&mut self) {
        self.at = self.at.saturating_add(1);
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.bump();
        }
        found
    }

    fn since(&self, start: usize) -> Result<&'a str, Malformed> {
        self.text.get(start..self.at).ok_or(Malformed)
    }

    fn while_in(&mut self, set: impl Fn(u8) -> bool) -> usize {
        let start = self.at;
        while self.peek().is_some_and(&set) {
            self.bump();
        }
        self.at.saturating_sub(start)
    }

    fn key(&mut self) -> Result<&'a str, Malformed> {
        let start = self.at;
        match self.peek() {
            Some(b'a'..=b'z' | b'*') => self.bump(),
            _ => return Err(Malformed),
        }
        self.while_in(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'.' | b'*'));
        self.since(start)
    }

    fn inner_list(&mut self, label: &'a str) -> Result<InnerList<'a>, Malformed> {
        if !self.take(b'=') {
            return Err(Malformed);
        }
        let start = self.at;
        if !self.take(b'(') {
            return Err(Malformed);
        }
        let mut first = true;
        while !self.take(b')') {
            if !first && !self.take(b' ') {
                return Err(Malformed);
            }
            first = false;
            self.bare_item()?;
            self.parameters()?;
        }
        let parameters = self.at.saturating_sub(start);
        self.parameters()?;
        Ok(InnerList { label, text: self.since(start)?, parameters })
    }

    /// Passes over parameters, none of which stands twice.
    fn parameters(&mut self) -> Result<(), Malformed> {
        let mut keys = Vec::new();
        while let Some((key, _)) = self.parameter()? {
            keys.push(key);
        }
        if distinct(keys) { Ok(()) } else { Err(Malformed) }
    }

    /// The parameter that begins here; `None` where none does.
    fn parameter(&mut self) -> Result<Option<(&'a str, BareItem<'a>)>, Malformed> {
        if !self.take(b';') {
            return Ok(None);
        }
        let key = self.key()?;
        if !self.take(b'=') {
            return Ok(Some((key, BareItem::Boolean)));
        }
        // A true Boolean is written as the key alone.
        if self.text.get(self.at..).is_some_and(|rest| rest.starts_with("?1")) {
            return Err(Malformed);
        }
        Ok(Some((key, self.bare_item()?)))
    }

    fn bare_item(&mut self) -> Result<BareItem<'a>, Malformed> {
        match self.peek().ok_or(Malformed)? {
            b'-' | b'0'..=b'9' => self.number(),
            b'"' => self.string(),
            b':' => self.bytes(),
            b'?' => {
                self.bump();
                if self.take(b'0') || self.take(b'1') { Ok(BareItem::Boolean) } else { Err(Malformed) }
            }
            b'@' => {
                self.bump();
                match self.number()? {
                    BareItem::Integer(_) => Ok(BareItem::Date),
                    _ => Err(Malformed),
                }
            }
            b'%' => self.display_string(),
            b'A'..=b'Z' | b'a'..=b'z' | b'*' => {
                self.while_in(|b| is_token_byte(b) || b == b':' || b == b'/');
                Ok(BareItem::Token)
            }
            _ => Err(Malformed),
        }
    }

    fn number(&mut self) -> Result<BareItem<'a>, Malformed> {
        let start = self.at;
        let negative = self.take(b'-');
        let whole_start = self.at;
        let whole = self.while_in(|b| b.is_ascii_digit());
        let leading_zero = whole > 1 && self.text.as_bytes().get(whole_start) == Some(&b'0');
        if whole == 0 || leading_zero {
            return Err(Malformed);
        }
        if !self.take(b'.') {
            let value: i64 = self.since(start)?.parse().map_err(|_| Malformed)?;
            // Zero has no sign, and 15 digits are the most.
            return if whole > 15 || (negative && value == 0) { Err(Malformed) } else { Ok(BareItem::Integer(value)) };
        }
        let fraction_start = self.at;
        let fraction = self.while_in(|b| b.is_ascii_digit());
        let digits = self.since(fraction_start)?;
        let zero = self.since(whole_start)?.bytes().all(|b| b == b'0' || b == b'.');
        let trailing_zero = fraction > 1 && digits.ends_with('0');
        if whole > 12 || !(1..=3).contains(&fraction) || trailing_zero || (negative && zero) {
            return Err(Malformed);
        }
        Ok(BareItem::Decimal)
    }

    fn string(&mut self) -> Result<BareItem<'a>, Malformed> {
        self.bump();
        let start = self.at;
        loop {
            match self.peek().ok_or(Malformed)? {
                b'"' => {
                    let text = self.since(start)?;
                    self.bump();
                    return Ok(BareItem::String(text));
                }
                b'\\' => {
                    self.bump();
                    if !self.take(b'"') && !self.take(b'\\') {
                        return Err(Malformed);
                    }
                }
                0x20..=0x7e => self.bump(),
                _ => return Err(Malformed),
            }
        }
    }

    fn bytes(&mut self) -> Result<BareItem<'a>, Malformed> {
        self.bump();
        let start = self.at;
        self.while_in(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'='));
        let text = self.since(start)?;
        if !self.take(b':') || !is_base64(text) {
            return Err(Malformed);
        }
        Ok(BareItem::Bytes(text))
    }

    fn display_string(&mut self) -> Result<BareItem<'a>, Malformed> {
        self.bump();
        if !self.take(b'"') {
            return Err(Malformed);
        }
        let mut decoded = Vec::new();
        loop {
            match self.peek().ok_or(Malformed)? {
                b'"' => {
                    self.bump();
                    return core::str::from_utf8(&decoded).map(|_| BareItem::DisplayString).map_err(|_| Malformed);
                }
                b'%' => {
                    self.bump();
                    let (high, low) = (self.lower_hex()?, self.lower_hex()?);
                    let byte = high << 4 | low;
                    // Only what can't stand for itself is escaped.
                    if matches!(byte, 0x20..=0x7e) && !matches!(byte, b'%' | b'"') {
                        return Err(Malformed);
                    }
                    decoded.push(byte);
                }
                byte @ 0x20..=0x7e => {
                    decoded.push(byte);
                    self.bump();
                }
                _ => return Err(Malformed),
            }
        }
    }

    fn lower_hex(&mut self) -> Result<u8, Malformed> {
        let digit = match self.peek().ok_or(Malformed)? {
            digit @ b'0'..=b'9' => digit.wrapping_sub(b'0'),
            digit @ b'a'..=b'f' => digit.wrapping_sub(b'a').wrapping_add(10),
            _ => return Err(Malformed),
        };
        self.bump();
        Ok(digit)
    }
}

/// RFC 9110 `tchar`.
pub(crate) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Whether `text` is padded base64 with zero pad bits: the one text of its bytes.
fn is_base64(text: &str) -> bool {
    let (quads, rest) = text.as_bytes().as_chunks::<4>();
    let Some((last, whole)) = quads.split_last() else { return rest.is_empty() };
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => Some(byte.wrapping_sub(b'A')),
        b'a'..=b'z' => Some(byte.wrapping_sub(b'a').wrapping_add(26)),
        b'0'..=b'9' => Some(byte.wrapping_sub(b'0').wrapping_add(52)),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let digits = |bytes: &[u8]| bytes.iter().all(|b| value(*b).is_some());
    let ends_well = match last {
        [a, b, b'=', b'='] => digits(&[*a]) && value(*b).is_some_and(|v| v & 0x0f == 0),
        [a, b, c, b'='] => digits(&[*a, *b]) && value(*c).is_some_and(|v| v & 0x03 == 0),
        last => digits(last),
    };
    rest.is_empty() && whole.iter().all(|quad| digits(quad)) && ends_well
}

/// The 64 bytes of a signature, if the byte sequence has that length.
pub(crate) fn sized<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut buffer = [0; 72];
    from_base64(text.as_bytes(), &mut buffer)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_signature_input() {
        let text = r#"a=("@method" "x-y";sf);created=1;tag="t", b=();nonce="\"q\\";flag;n=-7;d=1.5;t=tok;y=:AA==:;z=@5;s=%"%c3%bc""#;
        let lists = inner_lists(text, |_| true).unwrap();
        assert_eq!(lists.len(), 2);
        assert_eq!(lists[0].text, r#"("@method" "x-y";sf);created=1;tag="t""#);
        let item = |name, has_parameters| Item { value: BareItem::String(name), has_parameters };
        assert!(lists[0].items().eq([item("@method", false), item("x-y", true)]));
        assert_eq!((lists[1].items().count(), lists[1].parameters().count()), (0, 8));
        assert_eq!(lists[0].parameter("tag"), Some(BareItem::String("t")));
        assert_eq!(inner_lists(text, |list| list.label == "b").unwrap(), lists[1..]);
    }

    #[test]
    fn refuses_what_would_be_written_differently() {
        for bad in [
            "",
            "a",
            "a=1",
            "a=(",
            "a=( )",
            r#"a=("x"  "y")"#,
            r#"a=("x" )"#,
            "a=(),b=()",
            "a=() , b=()",
            "a=(), a=()",
            "a=(), ",
            "A=()",
            "a=();B=1",
            "a=(); b=1",
            "a=();b=?1",
            "a=();b=1;b=1",
            "a=();b=01",
            "a=();b=-0",
            "a=();b=1.",
            "a=();b=1.10",
            "a=();b=-0.0",
            "a=();b=1.2345",
            "a=();b=1234567890123456",
            "a=();b=:AA:",
            "a=();b=:AB==:",
            "a=();b=:A-==:",
            "a=();b=%\"%C3%BC\"",
            "a=();b=%\"%61\"",
            "a=();b=%\"%c3\"",
            "a=();b=\"\\n\"",
            "a=();b=@1.0",
            "a=();b=",
            "a=();b=\u{fc}",
            "a=()\t",
            " a=()",
            "a= ()",
        ] {
            assert_eq!(inner_lists(bad, |_| false), Err(Malformed), "{bad:?}");
        }
        for bad in
            ["a=:AA==:;x", "a=(:AA==:)", "a", "a=1", "a=:AA==:, a=:AA==:", "a=:A A==:", "a=:====:", "a=:AAA=AA==:"]
        {
            assert_eq!(byte_sequences(bad, |_| false), Err(Malformed), "{bad:?}");
        }
        assert_eq!(byte_sequences("a=::, b=:AAE=:", |_| true), Ok(vec![("a", ""), ("b", "AAE=")]));
        assert_eq!(byte_sequences("a=::, b=:AAE=:", |label| label == "b"), Ok(vec![("b", "AAE=")]));
    }
}
