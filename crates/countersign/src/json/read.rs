//! The reader.

use super::{Fraction, JsonError, MAX_DEPTH, MAX_INTEGER, Object, Value};

// spec: RQ-55
pub(super) fn parse(text: &[u8]) -> Result<Value, JsonError> {
    let text = core::str::from_utf8(text).map_err(|_| JsonError::Encoding)?;
    if text.starts_with('\u{feff}') {
        return Err(JsonError::Encoding);
    }
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(0)?;
    reader.space();
    if reader.at == text.len() { Ok(value) } else { Err(JsonError::Syntax) }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn step(&mut self) {
        self.at = self.at.saturating_add(1);
    }

    fn take(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        if there {
            self.step();
        }
        there
    }

    fn expect(&mut self, byte: u8) -> Result<(), JsonError> {
        if self.take(byte) { Ok(()) } else { Err(JsonError::Syntax) }
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.step();
        }
    }

    fn since(&self, start: usize) -> Result<&'a str, JsonError> {
        self.text.get(start..self.at).ok_or(JsonError::Syntax)
    }

    /// A value inside `depth` arrays and objects.
    fn value(&mut self, depth: usize) -> Result<Value, JsonError> {
        self.space();
        match self.peek().ok_or(JsonError::Syntax)? {
            b'{' | b'[' if depth >= MAX_DEPTH => Err(JsonError::Depth),
            b'{' => self.object(depth.saturating_add(1)),
            b'[' => self.array(depth.saturating_add(1)),
            b'"' => self.string().map(Value::Str),
            b'-' | b'0'..=b'9' => self.number(),
            b't' => self.word("true", Value::Bool(true)),
            b'f' => self.word("false", Value::Bool(false)),
            b'n' => self.word("null", Value::Null),
            _ => Err(JsonError::Syntax),
        }
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, JsonError> {
        let end = self.at.saturating_add(word.len());
        if self.text.get(self.at..end) != Some(word) {
            return Err(JsonError::Syntax);
        }
        self.at = end;
        Ok(value)
    }

    fn object(&mut self, depth: usize) -> Result<Value, JsonError> {
        self.expect(b'{')?;
        let mut members = Vec::new();
        self.space();
        if self.take(b'}') {
            return Ok(Value::Object(Object::default()));
        }
        loop {
            self.space();
            let name = self.string()?;
            self.space();
            self.expect(b':')?;
            members.push((name, self.value(depth)?));
            self.space();
            if !self.take(b',') {
                break;
            }
        }
        self.expect(b'}')?;
        Object::unique(members).map(Value::Object).ok_or(JsonError::NameTwice)
    }

    fn array(&mut self, depth: usize) -> Result<Value, JsonError> {
        self.expect(b'[')?;
        let mut elements = Vec::new();
        self.space();
        if self.take(b']') {
            return Ok(Value::Array(elements));
        }
        loop {
            elements.push(self.value(depth)?);
            self.space();
            if !self.take(b',') {
                break;
            }
        }
        self.expect(b']')?;
        Ok(Value::Array(elements))
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.step();
        }
        if self.at > start { Ok(()) } else { Err(JsonError::Syntax) }
    }

    fn number(&mut self) -> Result<Value, JsonError> {
        let start = self.at;
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        let mut integer = true;
        if self.take(b'.') {
            integer = false;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            integer = false;
            self.step();
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.step();
            }
            self.digits()?;
        }
        let text = self.since(start)?;
        if !integer {
            return Fraction::new(text).map(Value::Fraction).ok_or(JsonError::Number);
        }
        let value: i64 = text.parse().map_err(|_| JsonError::Number)?;
        if !(-MAX_INTEGER..=MAX_INTEGER).contains(&value) {
            return Err(JsonError::Number);
        }
        Ok(Value::Integer(value))
    }

    fn string(&mut self) -> Result<String, JsonError> {
        self.expect(b'"')?;
        let mut string = String::new();
        let mut start = self.at;
        loop {
            match self.peek().ok_or(JsonError::Syntax)? {
                b'"' => {
                    string.push_str(self.since(start)?);
                    self.step();
                    return Ok(string);
                }
                b'\\' => {
                    string.push_str(self.since(start)?);
                    self.step();
                    string.push(self.escape()?);
                    start = self.at;
                }
                0..0x20 => return Err(JsonError::Syntax),
                _ => self.step(),
            }
        }
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        let escape = self.peek().ok_or(JsonError::Syntax)?;
        self.step();
        Ok(match escape {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = self.hex4()?;
                let second = match first {
                    0xd800..=0xdbff if self.take(b'\\') && self.take(b'u') => Some(self.hex4()?),
                    _ => None,
                };
                let units = core::iter::once(first).chain(second);
                let mut decoded = char::decode_utf16(units);
                let decoded = (decoded.next(), decoded.next());
                match decoded {
                    (Some(Ok(character)), None) => character,
                    _ => return Err(JsonError::Surrogate),
                }
            }
            _ => return Err(JsonError::Syntax),
        })
    }

    fn hex4(&mut self) -> Result<u16, JsonError> {
        let end = self.at.saturating_add(4);
        let digits = self.text.get(self.at..end).ok_or(JsonError::Syntax)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(JsonError::Syntax);
        }
        self.at = end;
        u16::from_str_radix(digits, 16).map_err(|_| JsonError::Syntax)
    }
}
