//! How long: `max_duration` (`spec/rar.md`, Duration).

use core::fmt;

use super::error::{ErrorKind, RarError};
use crate::time::UnixTime;

/// A length of time in whole seconds: at least one, at most [`MaxDuration::LONGEST`].
///
/// It is written as an ISO 8601 duration of days, hours, minutes and seconds (`PT1H30M`), or as one number and its unit
/// (`90s`, `10m`, `1h`, `30d`); printed it is always the former.
///
/// ```
/// use countersign::rar::MaxDuration;
///
/// let duration: MaxDuration = "90m".parse()?;
/// assert_eq!((duration.seconds(), duration.to_string().as_str()), (5_400, "PT1H30M"));
/// assert!("P1M".parse::<MaxDuration>().is_err(), "a month has no fixed length");
/// # Ok::<(), countersign::rar::RarError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MaxDuration(u64);

const MINUTE: u64 = 60;
const HOUR: u64 = 3_600;
const DAY: u64 = 86_400;

impl MaxDuration {
    /// A longer one is past the last date of a token, whenever it starts (TK-23).
    pub const LONGEST: Self = Self(UnixTime::MAX_DATE.0);

    /// So many seconds. `None` for 0, and beyond [`MaxDuration::LONGEST`].
    // spec: RA-11
    pub const fn from_seconds(seconds: u64) -> Option<Self> {
        if seconds == 0 || seconds > Self::LONGEST.0 { None } else { Some(Self(seconds)) }
    }

    /// The length in seconds.
    pub const fn seconds(self) -> u64 {
        self.0
    }
}

impl core::str::FromStr for MaxDuration {
    type Err = RarError;

    fn from_str(text: &str) -> Result<Self, RarError> {
        let seconds = match text.strip_prefix('P') {
            Some(iso) => iso_seconds(iso),
            None => short_seconds(text),
        };
        seconds.and_then(Self::from_seconds).ok_or(RarError::of(ErrorKind::Duration).at("max_duration"))
    }
}

/// A number and one unit.
// spec: RA-10
fn short_seconds(text: &str) -> Option<u64> {
    let (number, unit) = component(text)?;
    let unit = match unit {
        "s" => 1,
        "m" => MINUTE,
        "h" => HOUR,
        "d" => DAY,
        _ => return None,
    };
    number.checked_mul(unit)
}

/// What follows `P`: units in descending order, each at most once.
// spec: RA-10
fn iso_seconds(text: &str) -> Option<u64> {
    let (days, time) = match text.split_once('T') {
        Some((_, "")) => return None,
        Some((days, time)) => (days, time),
        None => (text, ""),
    };
    let mut seconds = 0_u64;
    let mut some = false;
    for (mut rest, units) in [(days, &[('D', DAY)][..]), (time, &[('H', HOUR), ('M', MINUTE), ('S', 1)])] {
        for (unit, length) in units {
            let Some((number, behind)) = component(rest) else { continue };
            let Some(behind) = behind.strip_prefix(*unit) else { continue };
            seconds = seconds.checked_add(number.checked_mul(*length)?)?;
            (rest, some) = (behind, true);
        }
        if !rest.is_empty() {
            return None;
        }
    }
    some.then_some(seconds)
}

/// A number without leading zeros, not 0, and what stands behind it.
fn component(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end)?;
    if digits.starts_with('0') {
        return None;
    }
    Some((digits.parse().ok()?, rest))
}

impl fmt::Display for MaxDuration {
    /// ISO 8601, each unit in its range, units of zero left out.
    // spec: RA-25
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, rest) = (self.0 / DAY, self.0 % DAY);
        f.write_str("P")?;
        if days > 0 {
            write!(f, "{days}D")?;
        }
        if rest > 0 {
            f.write_str("T")?;
        }
        for (number, unit) in [(rest / HOUR, 'H'), (rest % HOUR / MINUTE, 'M'), (rest % MINUTE, 'S')] {
            if number > 0 {
                write!(f, "{number}{unit}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_forms_and_prints_one() {
        for (text, seconds, printed) in [
            ("PT1H", 3_600, "PT1H"),
            ("PT10M", 600, "PT10M"),
            ("P1D", 86_400, "P1D"),
            ("PT1H30M", 5_400, "PT1H30M"),
            ("P2DT3H4M5S", 183_845, "P2DT3H4M5S"),
            ("PT90M", 5_400, "PT1H30M"),
            ("P1DT1S", 86_401, "P1DT1S"),
            ("90s", 90, "PT1M30S"),
            ("10m", 600, "PT10M"),
            ("1h", 3_600, "PT1H"),
            ("30d", 2_592_000, "P30D"),
            ("253402300799s", 253_402_300_799, "P2932896DT23H59M59S"),
        ] {
            let duration: MaxDuration = text.parse().unwrap();
            assert_eq!((duration.seconds(), duration.to_string().as_str()), (seconds, printed), "{text}");
            assert_eq!(printed.parse::<MaxDuration>().unwrap(), duration);
        }
    }

    #[test]
    fn refuses_what_has_no_fixed_length_and_other_spellings() {
        for text in [
            "",
            "P",
            "PT",
            "P1DT",
            "PTH",
            "P1",
            "PT1",
            "P1M",
            "P1Y",
            "P1W",
            "P1Y1D",
            "PT0S",
            "P0D",
            "PT1H0M",
            "PT01H",
            "pt1h",
            "PT1h",
            "P1H",
            "PT1D",
            "PT1M1H",
            "PT1H1H",
            "P1D1D",
            "PT1.5H",
            "PT1,5H",
            "-PT1H",
            "+PT1H",
            "P-1D",
            "PT1H ",
            " PT1H",
            "PTT1H",
            "P1DTT1H",
            "P1D2",
            "0s",
            "01h",
            "1",
            "h",
            "1H",
            "1w",
            "1y",
            "1M",
            "1h30m",
            "1 h",
            "1.5h",
            "-1h",
            "+1h",
            "١h",
            "253402300800s",
            "PT253402300800S",
            "2932897d",
            "99999999999999999999d",
            "P99999999999999999999D",
            "P213503982334602D",
            "18446744073709551615s",
        ] {
            assert!(text.parse::<MaxDuration>().is_err(), "{text}");
        }
    }
}
