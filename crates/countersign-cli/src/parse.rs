//! Values of options.

use countersign::from_hex;
use countersign::key::{KeyId, PublicKey};
use countersign::time::UnixTime;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// `NAME=ed25519/…`: a holder that is named.
#[derive(Clone, Debug)]
pub(crate) struct Holder {
    pub(crate) name: String,
    pub(crate) key: PublicKey,
}

/// `TYPE:LOCATION:ACTION`.
#[derive(Clone, Debug)]
pub(crate) struct RightText {
    pub(crate) r#type: String,
    pub(crate) location: String,
    pub(crate) action: String,
}

/// A length of time in whole seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seconds(pub(crate) u64);

/// A field line of a request.
#[derive(Clone, Debug)]
pub(crate) struct FieldLine {
    pub(crate) name: String,
    pub(crate) value: String,
}

/// A user, and up to when its tokens are revoked; now, where it is not said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UserUntil {
    pub(crate) user: String,
    pub(crate) until: Option<UnixTime>,
}

/// A conversation of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UserConversation {
    pub(crate) user: String,
    pub(crate) conversation: String,
}

/// An RFC 3339 time, rounded down to a second.
pub(crate) fn time(text: &str) -> Result<UnixTime, &'static str> {
    let time = OffsetDateTime::parse(text, &Rfc3339)
        .map_err(|_| "not a time in the form of RFC 3339, such as 2026-11-23T17:00:00Z")?;
    u64::try_from(time.unix_timestamp()).map(UnixTime).map_err(|_| "a time before 1970")
}

/// `90s`, `10m`, `1h` or `30d`.
pub(crate) fn duration(text: &str) -> Result<Seconds, &'static str> {
    const FORM: &str = "not a duration such as 90s, 10m, 1h or 30d";
    let unit = match text.chars().last() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 3_600,
        Some('d') => 86_400,
        _ => return Err(FORM),
    };
    // The unit is one byte.
    let digits = text.get(..text.len().saturating_sub(1)).unwrap_or_default();
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(FORM);
    }
    let seconds = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    match seconds {
        Some(seconds @ 1..) if seconds <= UnixTime::MAX_DATE.0 => Ok(Seconds(seconds)),
        Some(0) => Err("a duration of nothing"),
        _ => Err("a duration beyond the year 9999"),
    }
}

/// `NAME=KEY`; a name may have `=` in it, a key never has.
pub(crate) fn holder(text: &str) -> Result<Holder, &'static str> {
    const FORM: &str = "not NAME=ed25519/ and 64 lower-case hexadecimal digits, such as calendar-bot=ed25519/4295…";
    let (name, key) = text.rsplit_once('=').ok_or(FORM)?;
    if name.is_empty() {
        return Err(FORM);
    }
    let key = key.parse().map_err(|_| FORM)?;
    Ok(Holder { name: name.to_owned(), key })
}

/// `ed25519/` and 64 lower-case hexadecimal digits.
// spec: TK-49
pub(crate) fn public_key(text: &str) -> Result<PublicKey, &'static str> {
    text.parse().map_err(|_| "not ed25519/ and 64 lower-case hexadecimal digits, such as ed25519/4295…")
}

/// A key id, or a public key whose id is meant.
pub(crate) fn key_id(text: &str) -> Result<KeyId, &'static str> {
    let id = text.parse().ok().or_else(|| text.parse::<PublicKey>().ok().map(|key| key.id()));
    id.ok_or("neither a key id of 43 characters nor ed25519/ and 64 lower-case hexadecimal digits")
}

/// The first 16 bytes of a block's id, which is given as 64 hexadecimal digits.
pub(crate) fn block_id(text: &str) -> Result<[u8; 16], &'static str> {
    let id = from_hex::<32>(text).ok_or("not a block's id: 64 hexadecimal digits, as `inspect --json` shows them")?;
    let (short, _) = id.split_first_chunk().ok_or("not a block's id")?;
    Ok(*short)
}

/// `USER` or `USER@RFC3339`. A user may have `@` in it.
pub(crate) fn user_until(text: &str) -> Result<UserUntil, &'static str> {
    let (user, until) = match text.rsplit_once('@').map(|(user, until)| (user, time(until))) {
        Some((user, Ok(until))) => (user, Some(until)),
        _ => (text, None),
    };
    if user.is_empty() {
        return Err("not USER or USER@RFC3339, such as alice@example.com@2026-11-23T17:00:00Z");
    }
    Ok(UserUntil { user: user.to_owned(), until })
}

/// `USER:CONVERSATION`. A user may have colons in it.
pub(crate) fn conversation(text: &str) -> Result<UserConversation, &'static str> {
    match text.rsplit_once(':') {
        Some((user, conversation)) if !user.is_empty() && !conversation.is_empty() => {
            Ok(UserConversation { user: user.to_owned(), conversation: conversation.to_owned() })
        }
        _ => Err("not USER:CONVERSATION, such as alice@example.com:conv-7f3a"),
    }
}

/// Splits at the first and at the last colon, so a location may have some.
pub(crate) fn right(text: &str) -> Result<RightText, &'static str> {
    const FORM: &str = "not TYPE:LOCATION:ACTION, such as calendar:/calendars/primary:read";
    let (r#type, rest) = text.split_once(':').ok_or(FORM)?;
    let (location, action) = rest.rsplit_once(':').ok_or(FORM)?;
    if [r#type, location, action].contains(&"") {
        return Err(FORM);
    }
    Ok(RightText { r#type: r#type.to_owned(), location: location.to_owned(), action: action.to_owned() })
}

/// `ACCOUNT:UNIT:AMOUNT:WINDOW`.
#[derive(Clone, Debug)]
pub(crate) struct BudgetText {
    pub(crate) account: String,
    pub(crate) unit: String,
    pub(crate) amount: i64,
    pub(crate) window: i64,
}

/// Splits at the last three colons, so an account may have some.
pub(crate) fn budget(text: &str) -> Result<BudgetText, &'static str> {
    const FORM: &str = "not ACCOUNT:UNIT:AMOUNT:WINDOW, such as daily:calls:100:1d";
    let mut parts = text.rsplitn(4, ':');
    let (Some(window), Some(amount), Some(unit), Some(account)) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(FORM);
    };
    let amount = amount.parse().ok().filter(|amount| *amount >= 1).ok_or("an amount is an integer of at least 1")?;
    let window = match window {
        "0" => 0,
        window => {
            let Seconds(seconds) =
                duration(window).map_err(|_| "a window is a duration such as 1h or 1d, or 0 for good")?;
            i64::try_from(seconds).map_err(|_| FORM)?
        }
    };
    if account.is_empty() || unit.is_empty() {
        return Err(FORM);
    }
    Ok(BudgetText { account: account.to_owned(), unit: unit.to_owned(), amount, window })
}

/// `TYPE:ACTION:KEY`.
#[derive(Clone, Debug)]
pub(crate) struct ApprovalText {
    pub(crate) r#type: String,
    pub(crate) action: String,
    pub(crate) key: PublicKey,
}

/// Splits at the last two colons.
pub(crate) fn approval(text: &str) -> Result<ApprovalText, &'static str> {
    const FORM: &str =
        "not TYPE:ACTION:ed25519/ and 64 lower-case hexadecimal digits, such as email:send:ed25519/4295…";
    let mut parts = text.rsplitn(3, ':');
    let (Some(key), Some(action), Some(r#type)) = (parts.next(), parts.next(), parts.next()) else { return Err(FORM) };
    if action.is_empty() || r#type.is_empty() {
        return Err(FORM);
    }
    Ok(ApprovalText { r#type: r#type.to_owned(), action: action.to_owned(), key: key.parse().map_err(|_| FORM)? })
}

/// The fields that `sign` writes itself.
const OWN_FIELDS: &[&str] = &[
    "host",
    "content-length",
    "content-digest",
    "transfer-encoding",
    "trailer",
    "countersign-token",
    "signature",
    "signature-input",
];

/// `name: value`.
pub(crate) fn field(text: &str) -> Result<FieldLine, &'static str> {
    let (name, value) = text.split_once(':').ok_or("not 'name: value', such as 'content-type: application/json'")?;
    if !is_token(name) {
        return Err("a field name that HTTP does not allow");
    }
    if OWN_FIELDS.iter().any(|own| own.eq_ignore_ascii_case(name)) {
        return Err("a field that follows from URL, body, token or signature and is written for you");
    }
    if !value.bytes().all(|b| matches!(b, b'\t' | b' '..=b'~')) {
        return Err("a field value with characters other than visible ASCII, spaces and tabs");
    }
    Ok(FieldLine { name: name.to_owned(), value: value.to_owned() })
}

/// An HTTP method.
pub(crate) fn method(text: &str) -> Result<String, &'static str> {
    match text {
        "CONNECT" => Err("CONNECT requests are not signed"),
        _ if text.len() <= 32 && is_token(text) => Ok(text.to_owned()),
        _ => Err("not an HTTP method, such as GET"),
    }
}

/// 16 to 64 bytes in hexadecimal.
pub(crate) fn nonce(text: &str) -> Result<Vec<u8>, &'static str> {
    const FORM: &str = "not 16 to 64 bytes in hexadecimal digits";
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !(16..=64).contains(&pairs.len()) || !rest.is_empty() {
        return Err(FORM);
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect::<Option<_>>().ok_or(FORM)
}

/// An audience that a verifier can be configured with (RFC 8707).
pub(crate) fn audience(text: &str) -> Result<String, &'static str> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or_default();
    if rest.is_empty() || rest.starts_with('/') || rest.contains(['?', '#']) {
        return Err(
            "not an absolute https or http URL without query and fragment, such as https://calendar.example.com",
        );
    }
    Ok(text.to_owned())
}

/// An RFC 9110 token.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests say what went wrong by panicking")]
    use super::*;

    #[test]
    fn durations_have_one_unit() {
        for (text, seconds) in [("90s", 90), ("10m", 600), ("1h", 3_600), ("30d", 2_592_000)] {
            assert_eq!(duration(text).unwrap().0, seconds);
        }
        for bad in
            ["", "s", "0s", "10", "1.5h", "-1h", "+1h", "1h30m", "1 h", "1w", "99999999999999999999d", "1H", "1µ"]
        {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_location_may_have_colons() {
        let right = right("email:mailto:alice@example.com:send").unwrap();
        assert_eq!([right.r#type, right.location, right.action], ["email", "mailto:alice@example.com", "send"]);
        for bad in ["", "a", "a:b", "a::b", ":b:c", "a:b:", "::"] {
            assert!(super::right(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_user_may_have_at_signs_and_colons() {
        let until = |text| user_until(text).map(|entry| (entry.user, entry.until));
        assert_eq!(until("alice@example.com"), Ok(("alice@example.com".into(), None)));
        assert_eq!(until("alice"), Ok(("alice".into(), None)));
        let at = Some(UnixTime(1_795_453_200));
        assert_eq!(until("alice@example.com@2026-11-23T17:00:00Z"), Ok(("alice@example.com".into(), at)));
        assert!(until("").is_err() && until("@2026-11-23T17:00:00Z").is_err());
        let ended = conversation("acct:alice:conv-7f3a").unwrap();
        assert_eq!((ended.user.as_str(), ended.conversation.as_str()), ("acct:alice", "conv-7f3a"));
        assert!(["", "alice", ":c", "alice:"].iter().all(|bad| conversation(bad).is_err()));
    }

    #[test]
    fn times_are_rounded_down_to_a_second() {
        assert_eq!(time("2026-11-23T17:00:00Z"), Ok(UnixTime(1_795_453_200)));
        assert_eq!(time("2026-11-23T18:00:00.999+01:00"), Ok(UnixTime(1_795_453_200)));
        for bad in ["", "2026-11-23", "1795453200", "1969-12-31T23:59:59Z", "2026-11-23T17:00:00"] {
            assert!(time(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn refuses_fields_that_the_command_writes_and_lines_that_smuggle() {
        assert_eq!(field("x-a: b: c").unwrap().value, " b: c");
        for bad in
            ["x-a", "@method: GET", "x a: b", "Host: other", "Signature: x=:AA==:", "x-a: b\r\nx-b: c", "x: \u{e4}"]
        {
            assert!(field(bad).is_err(), "{bad:?}");
        }
        for bad in ["", "GET /", "G\r\nX", "CONNECT"] {
            assert!(method(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn nonces_are_16_to_64_bytes() {
        assert_eq!(nonce(&"0aF0".repeat(8)).unwrap().first(), Some(&0x0a));
        for bad in [String::new(), "00".repeat(15), "00".repeat(65), "0".repeat(33), "0g".repeat(16)] {
            assert!(nonce(&bad).is_err(), "{bad}");
        }
    }
}
