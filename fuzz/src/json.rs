//! JSON by another reader, and texts that say one value in many ways.
//!
//! The reader is serde_json behind a visitor that keeps what its own values lose: a name that stands twice, and whether
//! a number was an integer.

use std::fmt;

use arbitrary::{Result, Unstructured};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// What every parser holds exactly.
pub const MAX_INTEGER: i64 = (1 << 53) - 1;

/// What serde_json read.
#[derive(Clone, Debug)]
pub enum Tree {
    Null,
    Bool(bool),
    /// A number without fraction and exponent that an integer of 64 bits holds.
    Integer(i128),
    /// Any other; also an integer beyond 64 bits, and `-0`.
    Double(f64),
    Str(String),
    Array(Vec<Tree>),
    /// In the order of the text; a name may stand twice.
    Object(Vec<(String, Tree)>),
}

/// Reads a text, or says that serde_json refuses it.
pub fn read(text: &[u8]) -> Option<Tree> {
    serde_json::from_slice(text).ok()
}

impl Tree {
    /// A number as the double that JSON's own readers make of it.
    pub fn number(&self) -> Option<f64> {
        match self {
            // Within 64 bits; as a double it is rounded once.
            Self::Integer(integer) => Some(*integer as f64),
            Self::Double(double) => Some(*double),
            _ => None,
        }
    }

    /// Whether some value in it, itself among them, is so.
    pub fn any(&self, test: &impl Fn(&Self) -> bool) -> bool {
        test(self)
            || match self {
                Self::Array(elements) => elements.iter().any(|element| element.any(test)),
                Self::Object(members) => members.iter().any(|(_, value)| value.any(test)),
                _ => false,
            }
    }

    /// Whether it is an object with a name twice.
    pub fn has_name_twice(&self) -> bool {
        let Self::Object(members) = self else { return false };
        let names: std::collections::BTreeSet<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
        names.len() < members.len()
    }

    /// How deep arrays and objects nest.
    pub fn depth(&self) -> usize {
        match self {
            Self::Array(elements) => 1 + elements.iter().map(Self::depth).max().unwrap_or(0),
            Self::Object(members) => 1 + members.iter().map(|(_, value)| value.depth()).max().unwrap_or(0),
            _ => 0,
        }
    }

    /// The value under a name that stands once.
    pub fn member(&self, name: &str) -> Option<&Self> {
        let Self::Object(members) = self else { return None };
        members.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// Takes a member out, where there is such a one.
    pub fn remove(&mut self, name: &str) {
        if let Self::Object(members) = self {
            members.retain(|(known, _)| known != name);
        }
    }

    /// The canonical form of RFC 8785, numbers by ryu-js.
    pub fn to_jcs(&self) -> String {
        match self {
            Self::Array(elements) => {
                let elements: Vec<String> = elements.iter().map(Self::to_jcs).collect();
                format!("[{}]", elements.join(","))
            }
            Self::Object(members) => {
                let mut members: Vec<(Vec<u16>, String)> = members
                    .iter()
                    .map(|(name, value)| {
                        let text = format!("{}:{}", quoted(name), value.to_jcs());
                        (name.encode_utf16().collect(), text)
                    })
                    .collect();
                members.sort();
                let members: Vec<String> = members.into_iter().map(|(_, text)| text).collect();
                format!("{{{}}}", members.join(","))
            }
            Self::Str(text) => quoted(text),
            Self::Integer(integer) if integer.unsigned_abs() <= MAX_INTEGER as u128 => integer.to_string(),
            Self::Null => "null".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Integer(_) | Self::Double(_) => {
                let number = self.number().expect("both are numbers");
                ryu_js::Buffer::new().format_finite(number).to_owned()
            }
        }
    }
}

/// serde_json escapes as RFC 8785 does: what it must, in the short form where there is one, else in lower-case digits.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// Equal in meaning: numbers by value, objects without order.
impl PartialEq for Tree {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(one), Self::Bool(other)) => one == other,
            (Self::Str(one), Self::Str(other)) => one == other,
            (Self::Array(one), Self::Array(other)) => one == other,
            (Self::Object(one), Self::Object(members)) => {
                one.len() == members.len() && one.iter().all(|(name, value)| other.member(name) == Some(value))
            }
            _ => self.number().is_some() && self.number() == other.number(),
        }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> core::result::Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> core::result::Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E>(self, value: bool) -> core::result::Result<Tree, E> {
        Ok(Tree::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> core::result::Result<Tree, E> {
        Ok(Tree::Integer(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> core::result::Result<Tree, E> {
        Ok(Tree::Integer(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> core::result::Result<Tree, E> {
        Ok(Tree::Double(value))
    }

    fn visit_str<E>(self, value: &str) -> core::result::Result<Tree, E> {
        Ok(Tree::Str(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> core::result::Result<Tree, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = access.next_element()? {
            elements.push(element);
        }
        Ok(Tree::Array(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> core::result::Result<Tree, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = access.next_entry()? {
            members.push(member);
        }
        Ok(Tree::Object(members))
    }
}

const NUMBERS: [&str; 28] = [
    "0",
    "-0",
    "1",
    "-1",
    "01",
    "1.",
    ".5",
    "-",
    "+1",
    "9007199254740991",
    "9007199254740992",
    "-9007199254740991",
    "-9007199254740992",
    "18446744073709551616",
    "1.0",
    "-0.0",
    "1e0",
    "0e999999999999999999999",
    "1E+2",
    "1e400",
    "1e-400",
    "5e-324",
    "2.2250738585072011e-308",
    "1.7976931348623157e308",
    "1e20",
    "1e21",
    "0.000001",
    "1e23",
];
/// Half surrogates, pairs, and characters that sort otherwise by bytes than by UTF-16.
const PIECES: [&str; 20] = [
    "a",
    "b",
    "\u{e9}",
    "\u{ff5e}",
    "\u{1f600}",
    "\u{7f}",
    "\\u0061",
    "\\ud83d\\ude00",
    "\\uff5e",
    "\\u0000",
    "\\n",
    "\\/",
    "\\\"",
    "\\\\",
    "\\ud800",
    "\\udc00",
    "\\uD83D\\u0041",
    "\\x",
    "\\u12",
    "\u{feff}",
];

/// A JSON text, or nearly one.
pub fn text(u: &mut Unstructured<'_>) -> Result<String> {
    let mut text = String::new();
    // Around the limits of both readers.
    let depth = if u.ratio(1, 8)? { *u.choose(&[60, 63, 64, 65, 126, 127, 128])? } else { 0 };
    let mut ends = Vec::new();
    for _ in 0..depth {
        let (start, end) = *u.choose(&[("[", ']'), ("{\"a\":", '}')])?;
        text.push_str(start);
        ends.push(end);
    }
    value(u, &mut text, 5)?;
    text.extend(ends.into_iter().rev());
    if u.ratio(1, 32)? {
        text.push_str(u.choose(&[",", "]", "1", "\u{a0}", "\0"])?);
    }
    Ok(text)
}

fn value(u: &mut Unstructured<'_>, text: &mut String, depth: u8) -> Result<()> {
    space(u, text)?;
    match u.int_in_range(0..=if depth == 0 { 4 } else { 8 })? {
        0 => {
            let words = if u.ratio(1, 16)? { &["nul", "True"][..] } else { &["null", "true", "false"] };
            text.push_str(u.choose(words)?);
        }
        1 | 2 => number(u, text)?,
        3 | 4 => string(u, text)?,
        5 | 6 => {
            text.push('[');
            for index in 0..u.int_in_range(0..=4)? {
                text.push_str(if index > 0 { "," } else { "" });
                value(u, text, depth - 1)?;
            }
            text.push(']');
        }
        _ => {
            text.push('{');
            for index in 0..u.int_in_range(0..=4)? {
                text.push_str(if index > 0 { "," } else { "" });
                space(u, text)?;
                string(u, text)?;
                space(u, text)?;
                text.push(':');
                value(u, text, depth - 1)?;
            }
            text.push('}');
        }
    }
    space(u, text)
}

fn space(u: &mut Unstructured<'_>, text: &mut String) -> Result<()> {
    if u.ratio(1, 8)? {
        text.push_str(u.choose(&[" ", "\t", "\r\n", "  "])?);
    }
    Ok(())
}

fn number(u: &mut Unstructured<'_>, text: &mut String) -> Result<()> {
    match u.int_in_range(0..=4)? {
        0 | 1 => text.push_str(u.choose(&NUMBERS)?),
        2 => text.push_str(&u.arbitrary::<i64>()?.to_string()),
        3 => {
            let double = f64::from_bits(u.arbitrary()?);
            text.push_str(&if u.arbitrary()? { format!("{double:e}") } else { format!("{double:?}") });
        }
        _ => {
            let (whole, part): (u32, u64) = (u.arbitrary()?, u.arbitrary()?);
            text.push_str(&format!("{whole}.{part}e{}", u.int_in_range(-350..=350)?));
        }
    }
    Ok(())
}

fn string(u: &mut Unstructured<'_>, text: &mut String) -> Result<()> {
    text.push('"');
    for _ in 0..u.int_in_range(0..=4)? {
        // The last few are no part of any string.
        let pieces = if u.ratio(1, 32)? { &PIECES[..] } else { &PIECES[..14] };
        text.push_str(u.choose(pieces)?);
    }
    text.push('"');
    Ok(())
}

/// A text of the same value: other spaces, members in another order, characters as escapes.
pub fn spelled(u: &mut Unstructured<'_>, value: &Value) -> Result<String> {
    let mut text = String::new();
    spell(u, value, &mut text)?;
    Ok(text)
}

fn spell(u: &mut Unstructured<'_>, value: &Value, text: &mut String) -> Result<()> {
    space(u, text)?;
    match value {
        Value::String(string) => spell_string(u, string, text)?,
        Value::Array(elements) => {
            text.push('[');
            for (index, element) in elements.iter().enumerate() {
                text.push_str(if index > 0 { "," } else { "" });
                spell(u, element, text)?;
            }
            text.push(']');
        }
        Value::Object(members) => {
            let mut left: Vec<_> = members.iter().collect();
            text.push('{');
            while !left.is_empty() {
                let (name, value) = left.remove(u.choose_index(left.len())?);
                spell_string(u, name, text)?;
                space(u, text)?;
                text.push(':');
                spell(u, value, text)?;
                text.push_str(if left.is_empty() { "" } else { "," });
            }
            text.push('}');
        }
        other => text.push_str(&other.to_string()),
    }
    space(u, text)
}

fn spell_string(u: &mut Unstructured<'_>, string: &str, text: &mut String) -> Result<()> {
    // An input that is used up gives nothing but zeros, which would say yes each time.
    if u.is_empty() || !u.ratio(1, 4)? {
        text.push_str(&quoted(string));
        return Ok(());
    }
    text.push('"');
    for c in string.chars() {
        if (!u.is_empty() && u.ratio(1, 8)?) || matches!(c, '"' | '\\' | '\0'..='\u{1f}') {
            for unit in c.encode_utf16(&mut [0; 2]) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            text.push(c);
        }
    }
    text.push('"');
    Ok(())
}
