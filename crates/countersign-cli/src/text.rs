//! What strangers wrote, made safe to look at: nothing that a terminal acts on, nothing that cannot be seen.

/// A string in quotes. Control characters, characters that steer the direction of text, and all others that show
/// nothing are escaped, so that a name can't rewrite the line that it stands in.
pub(crate) fn quoted(text: &str) -> String {
    ["\"", &escaped(text, &['\'']), "\""].concat()
}

/// A line of text that has its own quotes and escapes.
pub(crate) fn visible(text: &str) -> String {
    escaped(text, &['\'', '"', '\\'])
}

fn escaped(text: &str, kept: &[char]) -> String {
    let mut out = String::with_capacity(text.len());
    for piece in text.split_inclusive(kept) {
        let body = piece.strip_suffix(kept).unwrap_or(piece);
        out.extend(body.escape_debug());
        out.extend(piece.get(body.len()..));
    }
    out
}

/// JSON with the same value, in which all that [`visible`] escapes is written as `\u….`
pub(crate) fn visible_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        // JSON itself escapes what is below a space, and only strings hold anything but ASCII.
        if c == '\u{7f}' || (!c.is_ascii() && c.escape_debug().next() == Some('\\')) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// A message without what looks like the text of a token or of a private key: a message may repeat an argument, and
/// these have no place in a log of errors.
pub(crate) fn without_secrets(message: &str) -> String {
    let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let mut out = String::with_capacity(message.len());
    // No key id, public key or digest has as many letters in a row as the shortest token.
    for run in message.split_inclusive(|c| !inside(c)) {
        let word = run.trim_end_matches(|c| !inside(c));
        let secret = word.len() >= 100 || word.contains("cs_sk_");
        out.push_str(if secret { "…" } else { word });
        out.extend(run.get(word.len()..));
    }
    out
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests say what went wrong by panicking")]
    use super::*;

    const NASTY: &str = "\u{1b}[2J\r\n\u{7f}\u{85}\u{9b}\u{200b}\u{202e}\u{2066}\u{61c}\u{feff}\u{ad}\u{e0041}\u{2028}";

    fn acts_on_a_terminal(text: &str) -> bool {
        text.chars().any(|c| c.is_control() || NASTY.chars().skip(4).any(|nasty| nasty == c))
    }

    #[test]
    fn nothing_that_steers_a_terminal_is_left() {
        assert!(acts_on_a_terminal(NASTY));
        assert!(!acts_on_a_terminal(&quoted(NASTY)));
        assert!(!acts_on_a_terminal(&visible(NASTY)));
        assert_eq!(quoted("a\"b\\c'd\u{202e}"), r#""a\"b\\c'd\u{202e}""#);
        assert_eq!(visible("\"a\\\u{7}'\""), "\"a\\\\u{7}'\"");
    }

    #[test]
    fn words_of_all_scripts_stay_readable() {
        for name in ["Zoë's bot", "календарь", "日程", "हिन्दी", "עוזר"] {
            assert_eq!(quoted(name), format!("\"{name}\""));
        }
    }

    #[test]
    fn messages_do_not_repeat_tokens_and_private_keys() {
        let token = "Ab9_-".repeat(24);
        let key = format!("ed25519/{}", "0".repeat(64));
        let private = "cs_sk_I5M5PzAEuUxnL5F6Qg-f5eZXu05iP8T43mkedOKF6JY";
        let message = format!("--key {token}: '--token=@{token}' a/{private}, {key}: no");
        assert_eq!(without_secrets(&message), format!("--key …: '--token=@…' a/…, {key}: no"));
    }

    #[test]
    fn json_keeps_its_value() {
        let json = serde_json::to_string(&[NASTY, "Zoë \u{1f916}"]).unwrap();
        let safe = visible_json(&json);
        assert!(!acts_on_a_terminal(&safe));
        assert_eq!(serde_json::from_str::<Vec<String>>(&safe).unwrap(), [NASTY, "Zoë \u{1f916}"]);
    }
}
