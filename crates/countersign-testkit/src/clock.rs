//! The time at which all vectors are verified, and its text form.

/// The fixed present of the vectors: 2026-11-23T17:00:00Z.
pub const NOW: i64 = 1_795_453_200;

/// When the standard token was issued: five minutes before [`NOW`].
pub const ISSUED: i64 = NOW - 300;

/// When the standard token expires: an hour after [`NOW`].
pub const EXPIRES: i64 = NOW + 3_600;

/// RFC 3339 text in UTC with whole seconds, for the years 1970 to 9999.
///
/// # Panics
///
/// When `unix` lies before 1970.
#[must_use]
pub fn rfc3339(unix: i64) -> String {
    assert!(unix >= 0, "dates before 1970 have no place in a token");
    let (days, seconds) = (unix / 86_400, unix % 86_400);
    // Civil date from days, with eras of 400 years that start in March (so the leap day comes last).
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_known_dates() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(NOW), "2026-11-23T17:00:00Z");
        assert_eq!(rfc3339(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(rfc3339(253_402_300_799), "9999-12-31T23:59:59Z");
    }
}
