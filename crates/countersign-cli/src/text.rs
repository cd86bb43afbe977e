//! What strangers wrote, made safe to look at: nothing that a terminal acts on, nothing that cannot be seen.

/// How many marks may stand on one letter: more reach into the lines above and below.
const MARKS: usize = 4;

/// What the standard library takes for printable and yet shows nothing: of the code points that Unicode calls
/// default-ignorable, those that are letters or marks; fillers and blanks.
const BLANK: [(char, char); 14] = [
    ('\u{34f}', '\u{34f}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{2065}', '\u{2065}'),
    ('\u{2800}', '\u{2800}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fff8}'),
    ('\u{13441}', '\u{13442}'),
    ('\u{16fe4}', '\u{16fe4}'),
    ('\u{1d159}', '\u{1d159}'),
    ('\u{e0000}', '\u{e0fff}'),
];

/// Marks that strike out or enclose what stands before them.
const OVERLAY: [(char, char); 9] = [
    ('\u{334}', '\u{338}'),
    ('\u{488}', '\u{489}'),
    ('\u{1abe}', '\u{1abe}'),
    ('\u{20d2}', '\u{20d3}'),
    ('\u{20d8}', '\u{20da}'),
    ('\u{20dd}', '\u{20e0}'),
    ('\u{20e2}', '\u{20e6}'),
    ('\u{20ea}', '\u{20eb}'),
    ('\u{a670}', '\u{a672}'),
];

/// A string in quotes. Control characters, characters that steer the direction of text, and all others that show
/// nothing are escaped, so that a name can't rewrite the line that it stands in.
pub(crate) fn quoted(text: &str) -> String {
    quoted_within(text, usize::MAX).0
}

/// The same, of at most so many characters between the quotes; and how many of the text's were left out.
pub(crate) fn quoted_within(text: &str, limit: usize) -> (String, usize) {
    let (text, left) = escaped(text, &['\''], limit);
    (["\"", &text, "\""].concat(), left)
}

/// A line of text that has its own quotes and escapes.
pub(crate) fn visible(text: &str) -> String {
    visible_within(text, usize::MAX).0
}

/// The same, of at most so many characters; and how many of the text's were left out.
pub(crate) fn visible_within(text: &str, limit: usize) -> (String, usize) {
    escaped(text, &['\'', '"', '\\'], limit)
}

fn escaped(text: &str, kept: &[char], limit: usize) -> (String, usize) {
    let (mut out, mut len, mut sight) = (String::with_capacity(text.len().min(limit)), 0_usize, Sight::default());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let start = out.len();
        match sight.sees(c) {
            false if !c.is_control() => out.extend(c.escape_unicode()),
            true if kept.contains(&c) || !matches!(c, '\'' | '"' | '\\') => out.push(c),
            _ => out.extend(c.escape_debug()),
        }
        let added = out.get(start..).map_or(0, |added| added.chars().count());
        len = len.saturating_add(added);
        if len > limit {
            out.truncate(start);
            return (out, chars.count().saturating_add(1));
        }
    }
    (out, 0)
}

/// Tells, character by character, whether a reader sees it as what it is.
#[derive(Default)]
struct Sight {
    /// How many more marks may stand here: none but on a letter.
    marks: usize,
    /// Whether a space stands before: of a row of them nobody sees how many they are, nor where a terminal breaks the line.
    space: bool,
}

impl Sight {
    fn sees(&mut self, c: char) -> bool {
        let within = |ranges: &[(char, char)]| ranges.iter().any(|(first, last)| (*first..=*last).contains(&c));
        let left = std::mem::take(&mut self.marks);
        if std::mem::replace(&mut self.space, c == ' ') && c == ' ' {
            return false;
        }
        if c.is_ascii() {
            self.marks = if c.is_ascii_alphanumeric() { MARKS } else { 0 };
            return !c.is_ascii_control();
        }
        if within(&BLANK) || within(&OVERLAY) {
            return false;
        }
        if c.escape_debug().count() == 1 {
            self.marks = if c.is_alphanumeric() { MARKS } else { 0 };
            return true;
        }
        // In front of a text all marks are escaped, behind a letter those are not that can be seen.
        let mark = String::from_iter(['a', c]).escape_debug().count() == 2;
        match left.checked_sub(1).filter(|_| mark) {
            None => false,
            Some(rest) => {
                self.marks = rest;
                true
            }
        }
    }
}

/// JSON with the same value, in which all that [`visible`] escapes is written as `\u….`
pub(crate) fn visible_json(json: &str) -> String {
    let (mut out, mut sight) = (String::with_capacity(json.len()), Sight::default());
    for c in json.chars() {
        // JSON itself escapes what is below a space in strings, and only they hold anything but ASCII.
        if !sight.sees(c) && c >= '\u{7f}' {
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

    /// Unicode's own properties, by another implementation of them.
    #[test]
    fn nothing_that_shows_nothing_is_left() {
        // Unassigned code points are not compared: the two may know different versions.
        let unseen = r"^[\p{Cc}\p{Cf}\p{Co}\p{Z}\p{Default_Ignorable_Code_Point}\u{2800}&&[^ ]]$";
        let unseen = regex::Regex::new(unseen).unwrap();
        let mut found = 0;
        for c in '\0'..=char::MAX {
            if unseen.is_match(c.encode_utf8(&mut [0; 4])) {
                found += 1;
                let text = format!("a{c}b");
                for shown in [quoted(&text), visible(&text), visible_json(&text)] {
                    assert!(!shown.contains(c) || (c.is_ascii_control() && c < ' '), "U+{:04x}: {shown}", u32::from(c));
                }
                assert!(!quoted(&text).contains(c) && !visible(&text).contains(c), "U+{:04x}", u32::from(c));
            }
        }
        assert!(found > 100_000, "{found}");
        for c in ['\u{378}', '\u{fffff}', '\u{10ffff}', '\u{d7ff}', '\u{4ffff}', '\u{fdd0}'] {
            assert_eq!(quoted(&c.to_string()), format!("\"{}\"", c.escape_unicode()));
        }
        assert_eq!(quoted("a\u{fe0f}b\u{e0101}\u{3164}"), r#""a\u{fe0f}b\u{e0101}\u{3164}""#);
        assert_eq!(visible_json("\"a\u{e0101}\""), r#""a\udb40\udd01""#);
    }

    #[test]
    fn what_is_shown_tells_what_was_written() {
        // An escape that was written out is not one that was put in.
        assert_ne!(quoted("a\\u{fe0f}"), quoted("a\u{fe0f}"));
        let jcs = |text: &str| visible(&serde_json::to_string(text).unwrap());
        assert_ne!(jcs("a\\u{fe0f}"), jcs("a\u{fe0f}"));
        assert_eq!(jcs("a\u{fe0f}\""), r#""a\u{fe0f}\"""#);
    }

    #[test]
    fn marks_stand_on_letters_and_not_in_towers() {
        assert_eq!(quoted("e\u{301}"), "\"e\u{301}\"");
        assert_eq!(quoted("\u{301}e-\u{301}"), r#""\u{301}e-\u{301}""#);
        assert_eq!(quoted("a\u{200d}\u{301}"), r#""a\u{200d}\u{301}""#);
        assert_eq!(quoted("n\u{336}o\u{20e0}"), r#""n\u{336}o\u{20e0}""#);
        let tower = ["a", &"\u{301}".repeat(6)].concat();
        assert_eq!(quoted(&tower), ["\"a", &"\u{301}".repeat(4), r#"\u{301}\u{301}""#].concat());
    }

    #[test]
    fn a_row_of_spaces_is_told_as_one() {
        assert_eq!(quoted("a b  c"), r#""a b \u{20}c""#);
        assert_eq!(quoted("    "), r#"" \u{20}\u{20}\u{20}""#);
        assert_eq!(visible_json(r#"{"a":"b  c"}"#), r#"{"a":"b  c"}"#);
    }

    #[test]
    fn cuts_between_characters_and_escapes() {
        assert_eq!(quoted_within("abc", 3), ("\"abc\"".to_owned(), 0));
        assert_eq!(quoted_within("abcd", 3), ("\"abc\"".to_owned(), 1));
        assert_eq!(visible_within("a\u{fe0f}b", 8), ("a".to_owned(), 2));
        assert_eq!(visible_within("a\u{fe0f}b", 9), (r"a\u{fe0f}".to_owned(), 1));
    }

    #[test]
    fn words_of_all_scripts_stay_readable() {
        for name in ["Zoë's bot", "календарь", "日程", "हिन्दी", "עוזר", "Tiê\u{301}ng", "العربية", "ไทยที่"]
        {
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
