//! JSON by RQ-55, and its canonical form, JCS (RFC 8785).

/// A value. Numbers keep their text, objects their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// What is not the one value of RQ-55.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotJson;

type Read<T> = Result<T, NotJson>;

/// The greatest integer.
pub(super) const GREATEST: i64 = 9_007_199_254_740_991;

struct Input<'a> {
    text: std::iter::Peekable<std::str::Chars<'a>>,
    depth: usize,
}

impl Json {
    /// The member of an object.
    pub(super) fn get(&self, name: &str) -> Option<&Json> {
        self.members()?.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    pub(super) fn members(&self) -> Option<&[(String, Json)]> {
        if let Self::Object(members) = self { Some(members) } else { None }
    }

    pub(super) fn elements(&self) -> Option<&[Json]> {
        if let Self::Array(elements) = self { Some(elements) } else { None }
    }

    pub(super) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// An Integer: a number written without `.`, `e` and `E`.
    pub(super) fn integer(&self) -> Option<i64> {
        if let Self::Number(text) = self { text.parse().ok() } else { None }
    }
}

/// Reads a text.
// spec: RQ-55
pub(super) fn read(bytes: &[u8]) -> Read<Json> {
    let text = std::str::from_utf8(bytes).map_err(|_| NotJson)?;
    let mut input = Input { text: text.chars().peekable(), depth: 0 };
    let value = input.value()?;
    input.blanks();
    if input.text.next().is_some() { Err(NotJson) } else { Ok(value) }
}

impl Input<'_> {
    /// A byte order mark is none of these, and so refused.
    fn blanks(&mut self) {
        while self.text.next_if(|letter| matches!(letter, ' ' | '\t' | '\n' | '\r')).is_some() {}
    }

    fn eat(&mut self, wanted: char) -> bool {
        self.text.next_if_eq(&wanted).is_some()
    }

    fn need(&mut self, wanted: char) -> Read<()> {
        if self.eat(wanted) { Ok(()) } else { Err(NotJson) }
    }

    fn value(&mut self) -> Read<Json> {
        self.blanks();
        match self.text.peek().ok_or(NotJson)? {
            '{' => self.nested(Self::object),
            '[' => self.nested(Self::array),
            '"' => self.string().map(Json::Text),
            '-' | '0'..='9' => self.number(),
            _ => {
                let mut word = String::new();
                while let Some(letter) = self.text.next_if(char::is_ascii_lowercase) {
                    word.push(letter);
                }
                match word.as_str() {
                    "null" => Ok(Json::Null),
                    "true" => Ok(Json::Bool(true)),
                    "false" => Ok(Json::Bool(false)),
                    _ => Err(NotJson),
                }
            }
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Read<Json>) -> Read<Json> {
        self.text.next();
        self.depth += 1;
        if self.depth > 64 {
            return Err(NotJson);
        }
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn object(&mut self) -> Read<Json> {
        let mut members: Vec<(String, Json)> = Vec::new();
        self.blanks();
        if self.eat('}') {
            return Ok(Json::Object(members));
        }
        loop {
            self.blanks();
            let name = self.string()?;
            if members.iter().any(|(known, _)| *known == name) {
                return Err(NotJson);
            }
            self.blanks();
            self.need(':')?;
            members.push((name, self.value()?));
            self.blanks();
            if self.eat('}') {
                return Ok(Json::Object(members));
            }
            self.need(',')?;
        }
    }

    fn array(&mut self) -> Read<Json> {
        let mut elements = Vec::new();
        self.blanks();
        if self.eat(']') {
            return Ok(Json::Array(elements));
        }
        loop {
            elements.push(self.value()?);
            self.blanks();
            if self.eat(']') {
                return Ok(Json::Array(elements));
            }
            self.need(',')?;
        }
    }

    fn digits(&mut self) -> Read<String> {
        let mut digits = String::new();
        while let Some(digit) = self.text.next_if(char::is_ascii_digit) {
            digits.push(digit);
        }
        if digits.is_empty() { Err(NotJson) } else { Ok(digits) }
    }

    fn number(&mut self) -> Read<Json> {
        let mut text = String::from(if self.eat('-') { "-" } else { "" });
        let whole = self.digits()?;
        if whole.len() > 1 && whole.starts_with('0') {
            return Err(NotJson);
        }
        text.push_str(&whole);
        let mut integer = true;
        if self.eat('.') {
            integer = false;
            text = format!("{text}.{}", self.digits()?);
        }
        if self.eat('e') || self.eat('E') {
            integer = false;
            let sign = if self.eat('-') { "-" } else { "" };
            if sign.is_empty() {
                self.eat('+');
            }
            text = format!("{text}e{sign}{}", self.digits()?);
        }
        let in_range = if integer {
            text.parse::<i64>().is_ok_and(|value| (-GREATEST..=GREATEST).contains(&value))
        } else {
            text.parse::<f64>().is_ok_and(f64::is_finite)
        };
        if in_range { Ok(Json::Number(text)) } else { Err(NotJson) }
    }

    fn unit(&mut self) -> Read<u32> {
        (0..4).try_fold(0, |unit, _| Ok(unit * 16 + self.text.next().and_then(|it| it.to_digit(16)).ok_or(NotJson)?))
    }

    fn string(&mut self) -> Read<String> {
        self.need('"')?;
        let mut text = String::new();
        loop {
            let letter = match self.text.next().ok_or(NotJson)? {
                '"' => return Ok(text),
                '\0'..='\x1f' => return Err(NotJson),
                '\\' => match self.text.next().ok_or(NotJson)? {
                    letter @ ('"' | '\\' | '/') => letter,
                    'b' => '\x08',
                    'f' => '\x0c',
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    'u' => {
                        let mut unit = self.unit()?;
                        if (0xd800..0xdc00).contains(&unit) {
                            self.need('\\')?;
                            self.need('u')?;
                            let low = self.unit()?;
                            if !(0xdc00..0xe000).contains(&low) {
                                return Err(NotJson);
                            }
                            unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
                        }
                        // A low surrogate by itself is no letter.
                        char::from_u32(unit).ok_or(NotJson)?
                    }
                    _ => return Err(NotJson),
                },
                plain => plain,
            };
            text.push(letter);
        }
    }
}

/// The canonical form.
pub(super) fn jcs(value: &Json) -> String {
    match value {
        Json::Null => "null".into(),
        Json::Bool(value) => value.to_string(),
        Json::Number(text) => ecmascript(text.parse().expect("a number")),
        Json::Text(text) => quoted(text),
        Json::Array(elements) => format!("[{}]", elements.iter().map(jcs).collect::<Vec<_>>().join(",")),
        Json::Object(members) => {
            let mut members: Vec<&(String, Json)> = members.iter().collect();
            members.sort_by_key(|(name, _)| name.encode_utf16().collect::<Vec<u16>>());
            let one = |(name, value): &(String, Json)| format!("{}:{}", quoted(name), jcs(value));
            format!("{{{}}}", members.into_iter().map(one).collect::<Vec<_>>().join(","))
        }
    }
}

fn quoted(text: &str) -> String {
    let letter = |letter: char| match letter {
        '"' => "\\\"".into(),
        '\\' => "\\\\".into(),
        '\x08' => "\\b".into(),
        '\t' => "\\t".into(),
        '\n' => "\\n".into(),
        '\x0c' => "\\f".into(),
        '\r' => "\\r".into(),
        '\0'..='\x1f' => format!("\\u{:04x}", u32::from(letter)),
        plain => plain.to_string(),
    };
    format!("\"{}\"", text.chars().map(letter).collect::<String>())
}

/// `Number::toString` of ECMA-262: the shortest digits s that give the double, as 0.s times 10^n.
fn ecmascript(value: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    if value < 0.0 {
        return format!("-{}", ecmascript(-value));
    }
    let shortest = format!("{value:e}");
    let (mantissa, exponent) = shortest.split_once('e').expect("an exponent");
    let s = mantissa.replace('.', "");
    let k = s.len() as i32;
    let n = exponent.parse::<i32>().expect("an exponent") + 1;
    let zeros = |count: i32| "0".repeat(count as usize);
    if k <= n && n <= 21 {
        return format!("{s}{}", zeros(n - k));
    }
    if 0 < n && n <= 21 {
        return format!("{}.{}", &s[..n as usize], &s[n as usize..]);
    }
    if -6 < n && n <= 0 {
        return format!("0.{}{s}", zeros(-n));
    }
    let sign = if n > 0 { '+' } else { '-' };
    let exponent = (n - 1).abs();
    if k == 1 { format!("{s}e{sign}{exponent}") } else { format!("{}.{}e{sign}{exponent}", &s[..1], &s[1..]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_the_numbers_of_rfc_8785_appendix_b() {
        for (bits, text) in [
            (0x0000_0000_0000_0000, "0"),
            (0x8000_0000_0000_0000, "0"),
            (0x0000_0000_0000_0001, "5e-324"),
            (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
            (0x4340_0000_0000_0000, "9007199254740992"),
            (0x4430_0000_0000_0000, "295147905179352830000"),
            (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
            (0x44b5_2d02_c7e1_4af6, "1e+23"),
            (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
            (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
            (0x41b3_de43_5555_5553, "333333333.3333332"),
            (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
        ] {
            assert_eq!(ecmascript(f64::from_bits(bits)), text);
        }
    }

    #[test]
    fn refuses_what_two_parsers_could_read_differently() {
        for good in ["{}", " [1, -0, 1.5e3] ", r#"{"a":"\ud83d\ude00"}"#, "9007199254740991"] {
            assert!(read(good.as_bytes()).is_ok(), "{good}");
        }
        for bad in [
            "",
            "{} {}",
            r#"{"a":1,"\u0061":2}"#,
            "\u{feff}{}",
            r#""\ud83d""#,
            "9007199254740992",
            "1e400",
            "01",
            "[1,]",
        ] {
            assert_eq!(read(bad.as_bytes()), Err(NotJson), "{bad}");
        }
        assert!(read(("[".repeat(64) + &"]".repeat(64)).as_bytes()).is_ok());
        assert!(read(("[".repeat(65) + &"]".repeat(65)).as_bytes()).is_err());
    }
}
