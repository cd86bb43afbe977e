//! JSON texts of every shape and spelling.

use arbitrary::{Result, Unstructured};
use serde_json::Value;

/// Names that collide, and whose order differs between UTF-8 and UTF-16.
const NAMES: [&str; 10] =
    ["", "a", "b", "aa", "\u{20ac}", "\u{fb33}", "\u{ffff}", "\u{10000}", "\u{1f600}", "\u{7f}\r"];

/// Numbers at the edges of what is read, and some that are none.
const NUMBERS: [&str; 24] = [
    "-0",
    "-0.0",
    "0e5",
    "1e400",
    "-1E400",
    "0.1e-400",
    "1E+2",
    "5e-324",
    "2.4703282292062327e-324",
    "2.4703282292062328e-324",
    "1.7976931348623157e308",
    "1.7976931348623159e308",
    "9007199254740991",
    "-9007199254740992",
    "9007199254740991.0",
    "9.007199254740992e15",
    "1e21",
    "999999999999999999999",
    "1e-7",
    "0.000001",
    "01",
    "1.",
    "+1",
    "1e",
];

/// A text, most of which are JSON.
pub fn text(u: &mut Unstructured<'_>) -> Result<String> {
    let mut text = String::new();
    // Now and then as deep as a text may be, and deeper.
    let deep = if u.ratio(1, 6)? { u.int_in_range(50..=66)? } else { 0 };
    let arrays: Vec<bool> = (0..deep).map(|_| u.ratio(1, 2)).collect::<Result<_>>()?;
    arrays.iter().for_each(|array| text.push_str(if *array { "[" } else { "{\"a\":" }));
    value(u, &mut text, 4)?;
    arrays.iter().rev().for_each(|array| text.push(if *array { ']' } else { '}' }));
    Ok(text)
}

fn value(u: &mut Unstructured<'_>, text: &mut String, room: u8) -> Result<()> {
    space(u, text)?;
    match u.int_in_range(0..=if room == 0 { 5 } else { 9 })? {
        0 | 1 => string(u, text)?,
        2..=4 => number(u, text)?,
        5 if u.ratio(1, 32)? => text.push_str(u.choose(&["True", "nul", "truee"])?),
        5 => text.push_str(u.choose(&["null", "true", "false"])?),
        6 | 7 => {
            let array = u.arbitrary()?;
            text.push(if array { '[' } else { '{' });
            for at in 0..u.int_in_range(0..=5)? {
                if at > 0 {
                    text.push(',');
                }
                if !array {
                    space(u, text)?;
                    name(u, text)?;
                    space(u, text)?;
                    text.push(':');
                }
                value(u, text, room - 1)?;
            }
            if u.ratio(1, 64)? {
                text.push(',');
            }
            text.push(if array { ']' } else { '}' });
        }
        _ => {
            text.push('[');
            value(u, text, room - 1)?;
            text.push(']');
        }
    }
    space(u, text)
}

fn space(u: &mut Unstructured<'_>, text: &mut String) -> Result<()> {
    space_only(u, text)?;
    if u.ratio(1, 512)? {
        text.push(*u.choose(&['\u{a0}', '\u{feff}', '\u{b}', '/'])?);
    }
    Ok(())
}

fn name(u: &mut Unstructured<'_>, text: &mut String) -> Result<()> {
    if u.ratio(1, 4)? {
        return string(u, text);
    }
    let name = *u.choose(&NAMES)?;
    quote(u, name, text)
}

fn string(u: &mut Unstructured<'_>, text: &mut String) -> Result<()> {
    text.push('"');
    for _ in 0..u.int_in_range(0..=6)? {
        match u.int_in_range(0..=8)? {
            0 | 1 => text.push(char::from(u.int_in_range(b'a'..=b'z')?)),
            2 => text.push_str(u.choose(&["\\\"", "\\\\", "\\/", "\\b", "\\f", "\\n", "\\r", "\\t"])?),
            3 => text.push_str(&format!("\\u{:04x}", u.arbitrary::<u8>()?)),
            4 => text.push_str(&format!("\\u{:04X}", u.arbitrary::<u16>()?)),
            5 => {
                text.push_str(&format!("\\u{:04x}", u.int_in_range(0xd800..=0xdbff)?));
                text.push_str(&format!("\\u{:04X}", u.int_in_range(0xdc00..=0xdfff)?));
            }
            6 if u.ratio(1, 16)? => text.push_str(u.choose(&["\\ud800", "\\udc00", "\\u12", "\\x41", "\\", "\u{1}"])?),
            _ => {
                let any = u.arbitrary::<char>()?;
                if !matches!(any, '"' | '\\' | '\0'..='\u{1f}') || u.ratio(1, 64)? {
                    text.push(any);
                }
            }
        }
    }
    text.push('"');
    Ok(())
}

fn number(u: &mut Unstructured<'_>, text: &mut String) -> Result<()> {
    match u.int_in_range(0..=5)? {
        0 => text.push_str(u.choose(&NUMBERS)?),
        1 => text.push_str(&u.arbitrary::<i16>()?.to_string()),
        2 => text.push_str(&u.arbitrary::<i64>()?.to_string()),
        3 | 4 => {
            // Of any exponent, and close to a power of two or of ten, where spellings of doubles are hard to get right.
            let float = match u.int_in_range(0..=2)? {
                0 => f64::from_bits(u.arbitrary()?),
                1 => f64::from_bits(
                    (u64::from(u.arbitrary::<u16>()?) << 52).wrapping_add_signed(u.int_in_range(-3..=3)?),
                ),
                _ => 10_f64.powi(u.int_in_range(-30..=30)?) * f64::from(u.arbitrary::<u16>()?),
            };
            text.push_str(&match u.int_in_range(0..=2)? {
                _ if !float.is_finite() => "1e999".to_owned(),
                0 => format!("{float:e}"),
                1 => format!("{float:.25e}"),
                _ => format!("{float:?}"),
            });
        }
        _ => {
            let digits = |u: &mut Unstructured<'_>, most| -> Result<String> {
                (0..u.int_in_range(1..=most)?).map(|_| Ok(char::from(u.int_in_range(b'0'..=b'9')?))).collect()
            };
            if u.arbitrary()? {
                text.push('-');
            }
            let whole = digits(u, 20)?;
            let whole = whole.trim_start_matches('0');
            text.push_str(if whole.is_empty() { "0" } else { whole });
            if u.arbitrary()? {
                text.push('.');
                text.push_str(&digits(u, 24)?);
            }
            if u.arbitrary()? {
                text.push_str(u.choose(&["e", "E", "e+", "E-", "e-"])?);
                text.push_str(&digits(u, 3)?);
            }
        }
    }
    Ok(())
}

/// A string in one of its spellings.
fn quote(u: &mut Unstructured<'_>, string: &str, text: &mut String) -> Result<()> {
    text.push('"');
    let escaped = u.ratio(1, 4)?;
    for character in string.chars() {
        if matches!(character, '"' | '\\' | '\0'..='\u{1f}') || (escaped && u.ratio(1, 4)?) {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                text.push_str(&if u.arbitrary()? { format!("\\u{unit:04x}") } else { format!("\\u{unit:04X}") });
            }
        } else {
            text.push(character);
        }
    }
    text.push('"');
    Ok(())
}

/// A value in one of its spellings: spaces, the order of members and escapes vary; with `numbers` those do too.
pub fn spell(u: &mut Unstructured<'_>, value: &Value, numbers: bool, text: &mut String) -> Result<()> {
    space_only(u, text)?;
    match value {
        Value::Null | Value::Bool(_) => text.push_str(&value.to_string()),
        Value::Number(number) => {
            let plain = number.to_string();
            let integer = number.as_i64();
            text.push_str(&match (integer, if numbers { u.int_in_range(0..=3)? } else { 0 }) {
                (Some(integer), 1) => format!("{integer}.0"),
                (Some(integer), 2) => format!("{integer}0e-1"),
                (Some(integer), 3) => format!("{integer}E+00"),
                (None, 1) => format!("{:e}", number.as_f64().unwrap_or_default()),
                (None, 2) => format!("{:.20e}", number.as_f64().unwrap_or_default()),
                _ => plain,
            });
        }
        Value::String(string) => quote(u, string, text)?,
        Value::Array(elements) => {
            text.push('[');
            for (at, element) in elements.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                spell(u, element, numbers, text)?;
            }
            text.push(']');
        }
        Value::Object(object) => {
            let mut members: Vec<_> = object.iter().collect();
            text.push('{');
            while !members.is_empty() {
                let (name, value) = members.swap_remove(u.choose_index(members.len())?);
                quote(u, name, text)?;
                space_only(u, text)?;
                text.push(':');
                spell(u, value, numbers, text)?;
                if !members.is_empty() {
                    text.push(',');
                }
            }
            text.push('}');
        }
    }
    space_only(u, text)
}

fn space_only(u: &mut Unstructured<'_>, text: &mut String) -> Result<()> {
    if u.ratio(1, 16)? {
        text.push(*u.choose(&[' ', '\t', '\n', '\r'])?);
    }
    Ok(())
}
