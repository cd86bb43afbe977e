//! Time as the formats write it: whole seconds since the Unix epoch.

/// Seconds since 1970-01-01T00:00:00Z, leap seconds not counted (the NumericDate of RFC 7519, without fractions).
///
/// Core has no clock; callers round down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct UnixTime(pub u64);

impl UnixTime {
    /// The last second of the year 9999: no date in a token is later.
    pub const MAX_DATE: Self = Self(253_402_300_799);

    /// This time and `seconds` more, held at the last representable second.
    pub const fn plus(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds))
    }
}

impl core::fmt::Display for UnixTime {
    /// RFC 3339 in UTC, for the years that tokens may name.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let date = self.0.min(Self::MAX_DATE.0);
        let (days, seconds) = (date / 86_400, date % 86_400);
        // Days from civil, reversed: eras of 400 years start on 0000-03-01.
        let z = days.saturating_add(719_468);
        let (era, doe) = (z / 146_097, z % 146_097);
        let yoe = doe.saturating_sub(doe / 1_460).saturating_add(doe / 36_524).saturating_sub(doe / 146_096) / 365;
        let doy = doe.saturating_sub(yoe.saturating_mul(365).saturating_add(yoe / 4).saturating_sub(yoe / 100));
        let mp = doy.saturating_mul(5).saturating_add(2) / 153;
        let day = doy.saturating_sub(mp.saturating_mul(153).saturating_add(2) / 5).saturating_add(1);
        let month = if mp < 10 { mp.saturating_add(3) } else { mp.saturating_sub(9) };
        let year = era.saturating_mul(400).saturating_add(yoe).saturating_add(u64::from(month <= 2));
        let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

/// How far two clocks may disagree, in seconds.
pub const SKEW: u64 = 30;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_rfc_3339() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (1_795_453_200, "2026-11-23T17:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(UnixTime(seconds).to_string(), text);
        }
    }
}
