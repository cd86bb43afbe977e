//! `request/json_body.json`: JSON that two parsers could read differently, and media types that two programs could.

use super::case::{Case, File};
use super::mail::{JSON, Mail, has, only};
use crate::raw_checks::string;

/// The file.
#[must_use]
pub fn file() -> File {
    let comment = "JSON that two parsers could read differently, and media types that two programs could";
    let mut file = File::new("request", "json_body", comment);
    texts(&mut file);
    codings(&mut file);
    media(&mut file);
    file
}

fn ambiguous(case: Case, twin: &str) -> Case {
    case.attack(67).deny(11, "body_ambiguous", &format!("request/json-{twin}"))
}

fn nested(open: &str, inner: &str, close: &str, count: usize) -> Vec<u8> {
    format!("{}{inner}{}", open.repeat(count), close.repeat(count)).into_bytes()
}

fn texts(file: &mut File) {
    let text = |text: &str| text.as_bytes().to_vec();
    let marked = |text: &str| [b"\xef\xbb\xbf", text.as_bytes()].concat();
    let allowed: Vec<(&str, &str, Vec<u8>)> = vec![
        ("object", "an object", text(r#"{"n":1,"m":2}"#)),
        ("white-space", "the four kinds of white space", text(" \t\r\n{ \"n\" : 1 , \"m\" : [ ] } \n")),
        ("names-alike", "names in two cases", text(r#"{"n":1,"N":2}"#)),
        ("names-composed", "names that are equal when normalised", text(r#"{"\u00e9":1,"e\u0301":2}"#)),
        ("names-nested", "one name in two objects", text(r#"{"n":{"n":1},"m":{"n":1}}"#)),
        ("mark-inside", "a byte order mark within a string", text(r#"{"n":"\ufeff"}"#)),
        ("pair", "a surrogate pair", text(r#"{"n":"\ud83d\ude00"}"#)),
        ("escapes", "every escape", text(r#"{"n":"\"\\\/\b\f\n\r\t\u0000\u001f"}"#)),
        ("greatest", "the greatest integer", text(r#"{"n":9007199254740991}"#)),
        ("least", "the least integer", text(r#"{"n":-9007199254740991}"#)),
        ("great-fraction", "a greater number that is no integer by its spelling", text(r#"{"n":9007199254740993.0}"#)),
        ("greatest-double", "the greatest double", text(r#"{"n":1.7976931348623157e308}"#)),
        ("vanishing", "a number nearer to zero than any double", text(r#"{"n":1e-400}"#)),
        ("zero-exponent", "zero with a great exponent", text(r#"{"n":0e400}"#)),
        ("depth-64-arrays", "64 arrays", nested("[", "", "]", 64)),
        ("depth-64-objects", "64 objects", nested("{\"n\":", "1", "}", 64)),
        ("depth-64-both", "32 objects and 32 arrays", nested("{\"n\":[", "1", "]}", 32)),
        ("root-array", "an array", text(r#"[{"n":1}]"#)),
        ("root-string", "a string", text(r#""n""#)),
        ("root-number", "a number", text("-0.5E+1")),
        ("root-word", "a word", text("null")),
    ];
    for (slug, comment, body) in allowed {
        file.push(Mail::json(body).case(&format!("json-{slug}"), comment).req("RQ-55"));
    }
    let refused: Vec<(&str, &str, Vec<u8>, &str)> = vec![
        ("name-twice", "a name twice", text(r#"{"n":1,"n":2}"#), "object"),
        ("name-twice-equal", "a name twice with one value", text(r#"{"n":1,"n":1}"#), "object"),
        ("name-twice-escaped", "a name twice, once with an escape", text(r#"{"n":1,"\u006e":2}"#), "object"),
        ("name-twice-slash", "a name twice, once with an escaped slash", text(r#"{"a/b":1,"a\/b":2}"#), "object"),
        ("name-twice-far", "a name twice with another between", text(r#"{"n":1,"m":2,"n":3}"#), "object"),
        ("name-twice-nested", "a name twice in an inner object", text(r#"{"m":{"n":1,"n":2}}"#), "names-nested"),
        ("name-twice-in-array", "a name twice in an object in an array", text(r#"[{"n":1,"n":2}]"#), "root-array"),
        ("name-twice-empty", "the empty name twice", text(r#"{"":1,"":2}"#), "object"),
        ("mark", "a byte order mark", marked(r#"{"n":1,"m":2}"#), "object"),
        ("utf-16", "UTF-16 with a byte order mark", b"\xff\xfe{\0}\0".to_vec(), "object"),
        ("utf-16-unmarked", "UTF-16 without one", b"{\0}\0".to_vec(), "object"),
        ("latin-1", "a byte that is no UTF-8", b"{\"n\":\"\xe9\"}".to_vec(), "object"),
        ("overlong", "an overlong form", b"{\"n\":\"\xc0\xaf\"}".to_vec(), "object"),
        ("surrogate-bytes", "a surrogate as bytes", b"{\"n\":\"\xed\xa0\x80\"}".to_vec(), "object"),
        ("beyond", "a character beyond U+10FFFF", b"{\"n\":\"\xf4\x90\x80\x80\"}".to_vec(), "object"),
        ("high-alone", "a high surrogate alone", text(r#"{"n":"\ud83d"}"#), "pair"),
        ("low-alone", "a low surrogate alone", text(r#"{"n":"\ude00"}"#), "pair"),
        ("pair-turned", "a pair the wrong way round", text(r#"{"n":"\ude00\ud83d"}"#), "pair"),
        ("high-high", "two high surrogates", text(r#"{"n":"\ud83d\ud83d"}"#), "pair"),
        ("high-then-text", "a high surrogate before a letter", text(r#"{"n":"\ud83dx"}"#), "pair"),
        ("high-then-escape", "a high surrogate before another escape", text(r#"{"n":"\ud83d\n"}"#), "pair"),
        ("high-in-name", "a high surrogate in a name", text(r#"{"\ud83d":1}"#), "pair"),
        ("above-greatest", "one above the greatest integer", text(r#"{"n":9007199254740992}"#), "greatest"),
        ("below-least", "one below the least integer", text(r#"{"n":-9007199254740992}"#), "least"),
        ("i64", "the greatest of 64 bits", text(r#"{"n":9223372036854775807}"#), "greatest"),
        ("over-64-bits", "an integer of 30 digits", text(&format!(r#"{{"n":1{}}}"#, "0".repeat(29))), "greatest"),
        ("in-array-above", "one too great in an array", text(r#"[1,9007199254740992]"#), "root-array"),
        ("infinite", "a number beyond every double", text(r#"{"n":1e400}"#), "greatest-double"),
        ("infinite-negative", "its negative", text(r#"{"n":-1e400}"#), "greatest-double"),
        (
            "rounds-to-infinite",
            "one that rounds to infinity",
            text(r#"{"n":1.7976931348623159e308}"#),
            "greatest-double",
        ),
        ("depth-65-arrays", "65 arrays", nested("[", "", "]", 65), "depth-64-arrays"),
        ("depth-65-objects", "65 objects", nested("{\"n\":", "1", "}", 65), "depth-64-objects"),
        ("depth-65-both", "33 objects and 33 arrays", nested("{\"n\":[", "1", "]}", 33), "depth-64-both"),
        ("depth-great", "20,000 arrays", nested("[", "", "]", 20_000), "depth-64-arrays"),
        ("behind", "text behind the value", text(r#"{"n":1}x"#), "object"),
        ("two-values", "two values", text(r#"{"n":1}{"m":2}"#), "object"),
        ("nul-behind", "a zero byte behind the value", text("{\"n\":1}\0"), "object"),
        ("space-other", "a space of another kind", text("{\"n\":1}\u{a0}"), "white-space"),
        ("form-feed", "a form feed", text("{\"n\":\u{c}1}"), "white-space"),
        ("cut", "a value that does not end", text(r#"{"n":1"#), "object"),
        ("only-space", "white space alone", text(" "), "white-space"),
        ("comma-behind", "a comma behind the last member", text(r#"{"n":1,}"#), "object"),
        ("comma-in-array", "a comma behind the last element", text("[1,]"), "root-array"),
        ("comment", "a comment", text(r#"{"n":1/**/}"#), "object"),
        ("single-quotes", "single quotes", text("{'n':1}"), "object"),
        ("bare-name", "a name without quotes", text("{n:1}"), "object"),
        ("number-name", "a number as a name", text("{1:1}"), "object"),
        ("zero-first", "a zero in front", text(r#"{"n":01}"#), "object"),
        ("minus-zero-first", "a zero in front, and a sign", text(r#"{"n":-01}"#), "least"),
        ("plus", "a plus sign", text(r#"{"n":+1}"#), "object"),
        ("point-first", "a point in front", text(r#"{"n":.5}"#), "root-number"),
        ("point-last", "a point at the end", text(r#"{"n":5.}"#), "root-number"),
        ("exponent-empty", "an exponent of no digits", text(r#"{"n":5e}"#), "root-number"),
        ("hexadecimal", "a number in hexadecimal", text(r#"{"n":0x10}"#), "object"),
        ("nan", "not a number", text(r#"{"n":NaN}"#), "object"),
        ("infinity", "infinity by its name", text(r#"{"n":Infinity}"#), "object"),
        ("word-case", "a word in capitals", text("Null"), "root-word"),
        ("escape-other", "an escape that JSON does not have", text(r#"{"n":"\x41"}"#), "escapes"),
        ("escape-short", "an escape of three digits", text(r#"{"n":"\u041"}"#), "escapes"),
        ("escape-signed", "an escape with a sign", text(r#"{"n":"\u+041"}"#), "escapes"),
        ("control", "a control character in a string", text("{\"n\":\"\u{1}\"}"), "escapes"),
        ("line-feed", "a line feed in a string", text("{\"n\":\"\n\"}"), "escapes"),
    ];
    for (slug, comment, body, twin) in refused {
        file.push(ambiguous(Mail::json(body).case(&format!("json-{slug}"), comment).req("RQ-55"), twin));
    }
    let unread = |body: &str| Mail::json(body).row(|row| row.read_body = Some(false));
    for (slug, body) in [("name-twice", r#"{"n":1,"n":2}"#), ("cut", r#"{"n":1"#), ("great", r#"{"n":1e400}"#)] {
        let case = unread(body).case(&format!("json-unread-{slug}"), "a body that is not read is not judged");
        file.push(case.req("RQ-55").req("CK-28"));
        let case =
            Mail::new().body(body, "text/plain").case(&format!("json-text-{slug}"), "nor is a body of another type");
        file.push(case.req("RQ-55").req("CK-28"));
    }
}

fn codings(file: &mut File) {
    let zipped = |mail: Mail| mail.field("Content-Encoding", "gzip");
    // A member of gzip whose one block is stored, so that it can be read here.
    let gzip = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\x01\x02\x00\xfd\xff{}\x43\xbf\xa6\xa3\x02\x00\x00\x00";
    let json = |body: &[u8]| Mail::json(body);
    file.push(ambiguous(zipped(json(gzip)).case("json-gzip", "a coded body").req("RQ-55"), "object"));
    let case = zipped(json(br#"{"n":1,"m":2}"#)).case("json-gzip-not", "a coding that the body does not have");
    file.push(ambiguous(case.req("RQ-55"), "object"));
    let identity = json(br#"{"n":1,"m":2}"#).field("Content-Encoding", "identity");
    file.push(ambiguous(identity.case("json-identity", "a coding by name alone").req("RQ-55"), "object"));
    let empty = json(br#"{"n":1,"m":2}"#).field("Content-Encoding", "");
    file.push(ambiguous(empty.case("json-coding-empty", "a field without a coding").req("RQ-55"), "object"));
    let unread = zipped(json(gzip)).row(|row| row.read_body = Some(false));
    file.push(unread.case("json-gzip-unread", "a coded body where bodies are not read").req("RQ-55").req("CK-28"));
    let text = zipped(Mail::new().body(gzip, "text/plain"));
    file.push(text.case("json-gzip-text", "a coded body of another type").req("RQ-55").req("CK-28"));
    let none = zipped(Mail::json(""));
    file.push(none.case("json-gzip-none", "a coding of no bytes").req("RQ-55"));
}

fn media(file: &mut File) {
    let of = |media: &str| Mail::new().body(r#"{"to":"x"}"#, media).checks([has("/to"), only("/to", string("x"))]);
    for (slug, media) in [
        ("plain", JSON),
        ("charset", "application/json;charset=utf-8"),
        ("charset-case", "application/json; Charset=UTF-8"),
        ("charset-quoted", "application/json; charset=\"utf-8\""),
        ("charset-quoted-pair", "application/json; charset=\"\\utf-8\""),
        ("charset-twice", "application/json; charset=utf-8; charset=UTF-8"),
        ("spaces", "application/json ;\tcharset=utf-8 "),
        ("empty-parameters", "application/json;; charset=utf-8;"),
        ("other-parameter", "application/json; profile=\"a, b; charset=utf-16\""),
        ("quoted-quote", "application/json; profile=\"a\\\"; charset=utf-16\""),
        ("suffix", "application/vnd.api+json; charset=utf-8"),
    ] {
        file.push(of(media).case(&format!("json-media-{slug}"), &format!("the media type {media}")).req("RQ-56"));
    }
    for (slug, media, twin) in [
        ("utf-16", "application/json; charset=utf-16", "charset"),
        ("utf8", "application/json; charset=utf8", "charset"),
        ("latin-1", "application/json; charset=iso-8859-1", "charset"),
        ("charset-empty", "application/json; charset=\"\"", "charset-quoted"),
        ("charset-quoted-utf-16", "application/json; charset=\"utf-16\"", "charset-quoted"),
        ("charset-space", "application/json; charset=\" utf-8\"", "charset-quoted"),
        ("charset-second", "application/json; charset=utf-8; charset=utf-16", "charset-twice"),
        ("charset-first", "application/json; charset=utf-16; charset=utf-8", "charset-twice"),
        ("suffix-utf-16", "application/vnd.api+json; charset=utf-16", "suffix"),
        ("two", "application/json, text/plain", "plain"),
        ("two-equal", "application/json, application/json", "plain"),
        ("two-behind-parameter", "application/json; charset=utf-8, text/plain", "charset"),
        ("comma", "application/json,", "plain"),
        ("two-words", "application/json text/plain", "plain"),
        ("no-slash", "json", "plain"),
        ("two-slashes", "application/json/x", "plain"),
        ("no-type", "/json", "plain"),
        ("no-subtype", "application/", "plain"),
        ("space-inside", "application / json", "plain"),
        ("parameter-no-value", "application/json; charset", "charset"),
        ("parameter-empty", "application/json; charset=", "charset"),
        ("parameter-no-name", "application/json; =utf-8", "charset"),
        ("parameter-spaces", "application/json; charset = utf-8", "charset"),
        ("quote-open", "application/json; charset=\"utf-8", "charset-quoted"),
        ("quote-behind", "application/json; charset=\"utf-8\"x", "charset-quoted"),
        ("empty", "", "plain"),
    ] {
        let case = of(media).case(&format!("json-media-{slug}"), &format!("the media type {media}")).req("RQ-56");
        file.push(ambiguous(case, &format!("media-{twin}")));
    }
    let lines = |second: &str| {
        let mut mail = of(JSON);
        mail.fields.push(("Content-Type".into(), second.into()));
        mail
    };
    let case = lines("text/plain").case("json-media-lines", "two lines with two types").req("RQ-56");
    file.push(ambiguous(case, "media-plain"));
    let case = lines(JSON).case("json-media-lines-equal", "two lines with one type").req("RQ-56");
    file.push(ambiguous(case, "media-plain"));
    // Whether the body is read or not, its type is one.
    let text = |media: &str| Mail::new().body("n=1", media);
    file.push(text("text/plain").case("json-text", "a body that is not JSON").req("RQ-56"));
    file.push(
        text("text/plain; charset=utf-16").case("json-text-utf-16", "its charset is its own matter").req("RQ-56"),
    );
    let case = text("text/plain, text/html").case("json-text-two", "two types of a body that is not JSON").req("RQ-56");
    file.push(ambiguous(case, "text"));
    let unread = |media: &str| Mail::new().body(r#"{"to":"x"}"#, media).row(|row| row.read_body = Some(false));
    file.push(
        unread("application/json; charset=utf-16").case("json-unread-utf-16", "JSON that is not read").req("RQ-56"),
    );
    let case = unread("application/json, text/plain").case("json-unread-two", "two types of it").req("RQ-56");
    file.push(ambiguous(case, "unread-utf-16"));
    let none = Mail::new().body("", "application/json, text/plain");
    file.push(none.case("json-none-two", "two types of no body").req("RQ-56"));
}
