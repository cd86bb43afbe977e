//! The canonical form of RFC 8785.

use core::fmt::Write as _;

use super::Value;

pub(super) fn jcs(value: &Value) -> String {
    let mut text = String::new();
    write(&mut text, value, false);
    text
}

/// The canonical form, but for numbers that RQ-55 refuses in it, such as `1e20`: those stay as they were spelled.
pub(super) fn readable(value: &Value) -> String {
    let mut text = String::new();
    write(&mut text, value, true);
    text
}

fn write(text: &mut String, value: &Value, readable: bool) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(true) => text.push_str("true"),
        Value::Bool(false) => text.push_str("false"),
        Value::Integer(integer) => text.push_str(&integer.to_string()),
        Value::Fraction(fraction) => {
            let canonical = number(fraction.to_f64());
            let kept = readable && Value::parse(canonical.as_bytes()).is_err();
            text.push_str(if kept { fraction.spelling() } else { &canonical });
        }
        Value::Str(string) => quote(text, string),
        Value::Array(elements) => {
            text.push('[');
            for (index, element) in elements.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write(text, element, readable);
            }
            text.push(']');
        }
        Value::Object(object) => {
            let mut members: Vec<_> = object.iter().collect();
            // By UTF-16 code units, as RFC 8785 section 3.2.3 has it; that differs from the order of bytes.
            members.sort_by(|(one, _), (other, _)| one.encode_utf16().cmp(other.encode_utf16()));
            text.push('{');
            for (index, (name, value)) in members.into_iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                quote(text, name);
                text.push(':');
                write(text, value, readable);
            }
            text.push('}');
        }
    }
}

fn quote(text: &mut String, string: &str) {
    text.push('"');
    for character in string.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\0'..='\u{1f}' => {
                // Writing to a string doesn't fail.
                let _ = write!(text, "\\u{:04x}", u32::from(character));
            }
            other => text.push(other),
        }
    }
    text.push('"');
}

/// ECMAScript's `Number::toString`: the shortest digits that give the double back, of these the nearest.
fn number(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let spelled = format!("{:e}", value.abs());
    let (mantissa, exponent) = spelled.split_once('e').unwrap_or((&spelled, "0"));
    let digits = even(value.abs(), mantissa.chars().filter(char::is_ascii_digit).collect());
    // Doubles have exponents of three digits at most.
    let point = exponent.parse::<i64>().unwrap_or(0).saturating_add(1);
    let count = i64::try_from(digits.len()).unwrap_or(i64::MAX);
    let zeros = |n: i64| "0".repeat(usize::try_from(n).unwrap_or(0));
    let split = |at: i64| digits.split_at_checked(usize::try_from(at).unwrap_or(0)).unwrap_or((&digits, ""));
    let text = if count <= point && point <= 21 {
        [digits.as_str(), &zeros(point.saturating_sub(count))].concat()
    } else if 0 < point && point <= 21 {
        let (whole, part) = split(point);
        [whole, ".", part].concat()
    } else if -6 < point && point <= 0 {
        ["0.", &zeros(point.saturating_neg()), &digits].concat()
    } else {
        let (first, rest) = split(1);
        let dot = if rest.is_empty() { "" } else { "." };
        let exponent = point.saturating_sub(1);
        let sign = if exponent < 0 { "" } else { "+" };
        [first, dot, rest, "e", sign, &exponent.to_string()].concat()
    };
    if value < 0.0 { ["-", &text].concat() } else { text }
}

/// Whether a double may have 18 significant digits or fewer, as one midway between two spellings of 17 has. Looked at before
/// anything is formatted, since a text of a megabyte has room for hundreds of thousands of the longest.
fn may_tie(value: f64) -> bool {
    const FRACTION: u64 = (1 << 52) - 1;
    let bits = value.to_bits();
    let (exponent, fraction) = ((bits >> 52) & 0x7ff, bits & FRACTION);
    let (odd, power) = match exponent {
        0 => (fraction, -1074),
        _ => (fraction | (1 << 52), i64::try_from(exponent).unwrap_or(0).saturating_sub(1075)),
    };
    // It is m × 2^e with m odd. Below 1 that has all digits of m × 5^-e, and 5^26 has 19; as an integer it ends in no more
    // zeros than m has factors of 5, which are 22 at most.
    power.saturating_add(i64::from(odd.trailing_zeros())) >= -25 && value.abs() < 1e41
}

/// Where a double lies midway between two spellings of the shortest length, ECMAScript takes the even one.
fn even(value: f64, digits: String) -> String {
    // Up to 15 digits name one double each, so in the normal range none of them is shared by two spellings.
    let alone = digits.len() <= 15 && value.is_normal();
    if alone || !digits.ends_with(['1', '3', '5', '7', '9']) || !may_tie(value) {
        return digits;
    }
    let exact = |precision: usize| -> Option<String> {
        let spelled = format!("{value:.precision$e}");
        let all: String = spelled.split('e').next()?.chars().filter(char::is_ascii_digit).collect();
        let (before, behind) = all.split_at_checked(digits.len())?;
        let midway = behind.strip_prefix('5').is_some_and(|rest| rest.bytes().all(|digit| digit == b'0'));
        midway.then(|| before.to_owned())
    };
    // No double has more than 767 digits; hardly one that is no tie passes the first, cheap look.
    let Some(below) = exact(24).and_then(|_| exact(800)) else { return digits };
    if below != digits {
        return below;
    }
    let last = digits.chars().last().and_then(|last| last.to_digit(10)).unwrap_or(9);
    match (digits.get(..digits.len().saturating_sub(1)), char::from_digit(last.saturating_add(1), 10)) {
        (Some(front), Some(next)) => [front, &next.to_string()].concat(),
        _ => digits,
    }
}
