//! Structured fields (RFC 9651): parsing by section 4.2, serialising by section 4.1, and "exact", which is both
//! (`spec/request.md`, Structured fields).

use super::base64;

/// A bare item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Bare {
    Integer(i64),
    /// Thousandths.
    Decimal(i64),
    String(String),
    Token(String),
    Bytes(Vec<u8>),
    Boolean(bool),
    Date(i64),
    Display(String),
}

/// Parameters in order.
pub(super) type Parameters = Vec<(String, Bare)>;

/// A member of a dictionary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Member {
    Item(Bare, Parameters),
    List(Vec<(Bare, Parameters)>, Parameters),
}

/// A dictionary in order.
pub(super) type Dictionary = Vec<(String, Member)>;

struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.0 = &self.0[1..];
        }
        found
    }

    fn take_while(&mut self, accepts: impl Fn(u8) -> bool) -> String {
        let end = self.0.iter().position(|byte| !accepts(*byte)).unwrap_or(self.0.len());
        let (taken, rest) = self.0.split_at(end);
        self.0 = rest;
        String::from_utf8(taken.to_vec()).expect("only ASCII is accepted")
    }

    fn blanks(&mut self, tabs: bool) {
        self.take_while(|byte| byte == b' ' || (tabs && byte == b'\t'));
    }

    fn key(&mut self) -> Option<String> {
        let first = self.peek()?;
        if !first.is_ascii_lowercase() && first != b'*' {
            return None;
        }
        Some(self.take_while(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-' | b'.' | b'*')
        }))
    }

    fn dictionary(&mut self) -> Option<Dictionary> {
        let mut members = Vec::new();
        while self.peek().is_some() {
            let key = self.key()?;
            let member =
                if self.eat(b'=') { self.member()? } else { Member::Item(Bare::Boolean(true), self.parameters()?) };
            put(&mut members, key, member);
            self.blanks(true);
            if self.peek().is_none() {
                return Some(members);
            }
            if !self.eat(b',') {
                return None;
            }
            self.blanks(true);
            self.peek()?;
        }
        Some(members)
    }

    fn member(&mut self) -> Option<Member> {
        if self.peek() == Some(b'(') { self.inner_list() } else { Some(Member::Item(self.bare()?, self.parameters()?)) }
    }

    fn inner_list(&mut self) -> Option<Member> {
        self.next();
        let mut items = Vec::new();
        loop {
            self.blanks(false);
            if self.eat(b')') {
                return Some(Member::List(items, self.parameters()?));
            }
            items.push((self.bare()?, self.parameters()?));
            if !matches!(self.peek()?, b' ' | b')') {
                return None;
            }
        }
    }

    fn parameters(&mut self) -> Option<Parameters> {
        let mut parameters = Vec::new();
        while self.eat(b';') {
            self.blanks(false);
            let key = self.key()?;
            let value = if self.eat(b'=') { self.bare()? } else { Bare::Boolean(true) };
            put(&mut parameters, key, value);
        }
        Some(parameters)
    }

    fn bare(&mut self) -> Option<Bare> {
        match self.peek()? {
            b'-' | b'0'..=b'9' => self.number(),
            b'"' => self.string(),
            b'*' | b'A'..=b'Z' | b'a'..=b'z' => Some(Bare::Token(
                self.take_while(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:/".contains(&byte)),
            )),
            b':' => {
                self.next();
                let text = self.take_while(|byte| byte.is_ascii() && byte != b':');
                self.eat(b':').then_some(())?;
                Some(Bare::Bytes(base64::from_padded(text.as_bytes())?))
            }
            b'?' => {
                self.next();
                match self.next()? {
                    b'0' => Some(Bare::Boolean(false)),
                    b'1' => Some(Bare::Boolean(true)),
                    _ => None,
                }
            }
            b'@' => {
                self.next();
                match self.number()? {
                    Bare::Integer(seconds) => Some(Bare::Date(seconds)),
                    _ => None,
                }
            }
            b'%' => self.display(),
            _ => None,
        }
    }

    fn number(&mut self) -> Option<Bare> {
        let sign = if self.eat(b'-') { -1 } else { 1 };
        let whole = self.take_while(|byte| byte.is_ascii_digit());
        if whole.is_empty() || whole.len() > 15 {
            return None;
        }
        if !self.eat(b'.') {
            return Some(Bare::Integer(sign * whole.parse::<i64>().ok()?));
        }
        let fraction = self.take_while(|byte| byte.is_ascii_digit());
        if whole.len() > 12 || fraction.is_empty() || fraction.len() > 3 {
            return None;
        }
        Some(Bare::Decimal(sign * format!("{whole}{fraction:0<3}").parse::<i64>().ok()?))
    }

    fn string(&mut self) -> Option<Bare> {
        self.next();
        let mut text = String::new();
        loop {
            match self.next()? {
                b'"' => return Some(Bare::String(text)),
                b'\\' => match self.next()? {
                    escaped @ (b'"' | b'\\') => text.push(char::from(escaped)),
                    _ => return None,
                },
                plain @ 0x20..=0x7e => text.push(char::from(plain)),
                _ => return None,
            }
        }
    }

    fn display(&mut self) -> Option<Bare> {
        self.next();
        self.eat(b'"').then_some(())?;
        let mut bytes = Vec::new();
        loop {
            match self.next()? {
                b'"' => return String::from_utf8(bytes).ok().map(Bare::Display),
                b'%' => {
                    let mut digit = || match self.next()? {
                        digit @ b'0'..=b'9' => Some(digit - b'0'),
                        digit @ b'a'..=b'f' => Some(digit - b'a' + 10),
                        _ => None,
                    };
                    bytes.push(digit()? << 4 | digit()?);
                }
                plain @ 0x20..=0x7e => bytes.push(plain),
                _ => return None,
            }
        }
    }
}

/// A key that stands twice keeps its place and takes the later value.
fn put<T>(members: &mut Vec<(String, T)>, key: String, value: T) {
    match members.iter_mut().find(|(known, _)| *known == key) {
        Some((_, old)) => *old = value,
        None => members.push((key, value)),
    }
}

fn write_bare(bare: &Bare) -> String {
    match bare {
        Bare::Integer(value) => value.to_string(),
        Bare::Decimal(thousandths) => {
            let sign = if *thousandths < 0 { "-" } else { "" };
            let (whole, rest) = (thousandths.abs() / 1_000, thousandths.abs() % 1_000);
            let fraction = format!("{rest:03}");
            let fraction = fraction.trim_end_matches('0');
            format!("{sign}{whole}.{}", if fraction.is_empty() { "0" } else { fraction })
        }
        Bare::String(text) => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
        Bare::Token(text) => text.clone(),
        Bare::Bytes(bytes) => format!(":{}:", base64::padded(bytes)),
        Bare::Boolean(value) => format!("?{}", u8::from(*value)),
        Bare::Date(seconds) => format!("@{seconds}"),
        Bare::Display(text) => {
            let letter = |byte: u8| match byte {
                b'%' | b'"' | 0..=0x1f | 0x7f..=0xff => format!("%{byte:02x}"),
                plain => char::from(plain).to_string(),
            };
            format!("%\"{}\"", text.bytes().map(letter).collect::<String>())
        }
    }
}

fn write_parameters(parameters: &Parameters) -> String {
    let one = |(key, value): &(String, Bare)| match value {
        Bare::Boolean(true) => format!(";{key}"),
        other => format!(";{key}={}", write_bare(other)),
    };
    parameters.iter().map(one).collect()
}

/// A member as it is serialised.
pub(super) fn write_member(member: &Member) -> String {
    match member {
        Member::Item(bare, parameters) => write_bare(bare) + &write_parameters(parameters),
        Member::List(items, parameters) => {
            let items: Vec<String> =
                items.iter().map(|(bare, parameters)| write_bare(bare) + &write_parameters(parameters)).collect();
            format!("({}){}", items.join(" "), write_parameters(parameters))
        }
    }
}

fn write_dictionary(dictionary: &Dictionary) -> String {
    let one = |(key, member): &(String, Member)| match member {
        Member::Item(Bare::Boolean(true), parameters) => key.clone() + &write_parameters(parameters),
        other => format!("{key}={}", write_member(other)),
    };
    dictionary.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// The dictionary that a value is exactly. The empty value is none.
pub(super) fn exact(value: &[u8]) -> Option<Dictionary> {
    let mut input = Input(value);
    input.blanks(false);
    let dictionary = input.dictionary()?;
    (!dictionary.is_empty() && write_dictionary(&dictionary).as_bytes() == value).then_some(dictionary)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_one_spelling_of_each_value() {
        for good in
            ["a", "a=1, b=-15", "a=(\"x\" y);q=1.5", "a=:Zg==:;p", "a=?0", "a=@1", "a=%\"%c3%bc\"", "a=\"\\\"\""]
        {
            assert!(exact(good.as_bytes()).is_some(), "{good}");
        }
        for bad in
            ["", " a", "a ", "a=01", "a=-0", "a=1.50", "a,b", "a, a", "a=?1", "a=:Zg:", "a=:Zh==:", "A", "a=(x )", "a,"]
        {
            assert!(exact(bad.as_bytes()).is_none(), "{bad}");
        }
    }
}
