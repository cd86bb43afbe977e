//! Numbers that are no integers, by their digits.

use super::MAX_INTEGER;

/// How many decimal digits come through a double unchanged.
const SIGNIFICANT_DIGITS: usize = 15;

/// A number spelled with `.`, `e` or `E`. Equal spellings are equal; compare values by [`Fraction::scaled`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fraction(Box<str>);

impl Fraction {
    /// Takes a spelling that the grammar of RFC 8259 allows. `None` where its value is beyond every double.
    pub(super) fn new(spelling: &str) -> Option<Self> {
        spelling.parse::<f64>().is_ok_and(f64::is_finite).then(|| Self(spelling.into()))
    }

    /// The nearest double.
    pub fn to_f64(&self) -> f64 {
        self.0.parse().unwrap_or(f64::NAN)
    }

    /// As it was spelled.
    pub fn spelling(&self) -> &str {
        &self.0
    }

    /// The value times 10^`scale`, exactly. `None` where that is no integer, or one beyond ±(2^53 − 1); and where the value has
    /// more significant digits than a double keeps, since JCS writes another value then.
    // spec: CK-35, CK-36
    pub fn scaled(&self, scale: u8) -> Option<i64> {
        let (negative, rest) = match self.0.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, &*self.0),
        };
        let (mantissa, exponent) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
        let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = [whole, part].concat();
        let significant = digits.trim_end_matches('0');
        match significant.trim_start_matches('0').len() {
            0 => return Some(0),
            1..=SIGNIFICANT_DIGITS => {}
            _ => return None,
        }
        // An exponent too long for i64 is one that no shift below brings back.
        let exponent: i64 = exponent.parse().ok()?;
        let dropped = i64::try_from(digits.len().checked_sub(significant.len())?).ok()?;
        let shift = exponent
            .checked_sub(i64::try_from(part.len()).ok()?)?
            .checked_add(dropped)?
            .checked_add(i64::from(scale))?;
        let significant: i64 = significant.parse().ok()?;
        let value = significant.checked_mul(10_i64.checked_pow(u32::try_from(shift).ok()?)?)?;
        let value = if negative { value.checked_neg()? } else { value };
        (-MAX_INTEGER..=MAX_INTEGER).contains(&value).then_some(value)
    }
}

/// An integer times 10^`scale`. `None` beyond ±(2^53 − 1).
pub(crate) fn scaled(integer: i64, scale: u8) -> Option<i64> {
    let value = integer.checked_mul(10_i64.checked_pow(u32::from(scale))?)?;
    (-MAX_INTEGER..=MAX_INTEGER).contains(&value).then_some(value)
}
