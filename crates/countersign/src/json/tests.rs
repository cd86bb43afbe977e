//! What is read, what is refused, and the canonical form against the examples of RFC 8785.

use super::number::scaled;
use super::{Fraction, JsonError, MAX_DEPTH, Value};

fn jcs(text: &str) -> String {
    Value::parse(text.as_bytes()).unwrap().to_jcs()
}

#[test]
fn reads_what_every_parser_reads_alike() {
    let text = " {\"a\" : [ 1 , -2.50 , true,false,null , \"\\u20ac\\\\\\/\\ud83d\\ude00\" ] , \"\" : { } }\r\n";
    assert_eq!(jcs(text), "{\"\":{},\"a\":[1,-2.5,true,false,null,\"€\\\\/😀\"]}");
    assert_eq!(Value::parse(b"-0").unwrap(), Value::Integer(0));
    assert_eq!(Value::parse(b"9007199254740991").unwrap(), Value::Integer(9_007_199_254_740_991));
    assert_eq!(Value::parse(b"1.0").unwrap(), Value::Fraction(Fraction::new("1.0").unwrap()));
}

// spec: RQ-55
#[test]
fn refuses_what_two_parsers_could_read_differently() {
    for (text, error) in [
        (&b"{\"a\":1,\"b\":2,\"a\":1}"[..], JsonError::NameTwice),
        (b"{\"a\":1,\"\\u0061\":2}", JsonError::NameTwice),
        (b"[{\"b\":{\"c\":1,\"c\":1}}]", JsonError::NameTwice),
        (b"\xef\xbb\xbf{}", JsonError::Encoding),
        (b"\"\xed\xa0\x80\"", JsonError::Encoding),
        (b"\"\xc0\xaf\"", JsonError::Encoding),
        (b"\"\\ud800\"", JsonError::Surrogate),
        (b"\"\\udc00\"", JsonError::Surrogate),
        (b"\"\\ud800\\ud800\"", JsonError::Surrogate),
        (b"\"\\ud800\\u0041\"", JsonError::Surrogate),
        (b"\"\\udc00\\ud800\"", JsonError::Surrogate),
        (b"9007199254740992", JsonError::Number),
        (b"-9007199254740992", JsonError::Number),
        (b"123456789012345678901234567890", JsonError::Number),
        (b"1e400", JsonError::Number),
        (b"-1.0e999999999999999999999", JsonError::Number),
    ] {
        assert_eq!(Value::parse(text), Err(error), "{}", String::from_utf8_lossy(text));
    }
}

#[test]
fn refuses_what_is_no_json() {
    for text in [
        "",
        " ",
        "{",
        "[",
        "]",
        "{]",
        "[1,]",
        "{\"a\":1,}",
        "{a:1}",
        "{'a':1}",
        "{\"a\" 1}",
        "[1 2]",
        "1 2",
        "01",
        "-",
        "+1",
        ".5",
        "1.",
        "1.e1",
        "1e",
        "1e+",
        "0x1",
        "NaN",
        "Infinity",
        "-Infinity",
        "tru",
        "True",
        "nul",
        "\"",
        "\"\\x41\"",
        "\"\\u12\"",
        "\"\\u+123\"",
        "\"\u{1}\"",
        "\"\n\"",
        "\"\\",
        "// c\n1",
        "[1]x",
        "\u{a0}1",
        "{\"a\":}",
        "{\"a\"}",
        "{1:2}",
        "[,]",
    ] {
        assert_eq!(Value::parse(text.as_bytes()), Err(JsonError::Syntax), "{text}");
    }
}

#[test]
fn nests_to_a_count() {
    let nested = |depth: usize| ["[".repeat(depth), "]".repeat(depth)].concat();
    assert!(Value::parse(nested(MAX_DEPTH).as_bytes()).is_ok());
    assert_eq!(Value::parse(nested(MAX_DEPTH + 1).as_bytes()), Err(JsonError::Depth));
    assert_eq!(Value::parse("[".repeat(1 << 20).as_bytes()), Err(JsonError::Depth));
    assert_eq!(Value::parse("{\"a\":".repeat(1 << 16).as_bytes()), Err(JsonError::Depth));
}

/// RFC 8785, appendix B.
#[test]
fn writes_numbers_as_ecmascript_does() {
    for (bits, text) in [
        (0x0000_0000_0000_0000_u64, "0"),
        (0x8000_0000_0000_0000, "0"),
        (0x0000_0000_0000_0001, "5e-324"),
        (0x8000_0000_0000_0001, "-5e-324"),
        (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
        (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
        (0x4340_0000_0000_0000, "9007199254740992"),
        (0xc340_0000_0000_0000, "-9007199254740992"),
        (0x4430_0000_0000_0000, "295147905179352830000"),
        (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
        (0x44b5_2d02_c7e1_4af6, "1e+23"),
        (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
        (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
        (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
        (0x444b_1ae4_d6e2_ef50, "1e+21"),
        (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
        (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
        (0x41b3_de43_5555_5553, "333333333.3333332"),
        (0x41b3_de43_5555_5554, "333333333.33333325"),
        (0x41b3_de43_5555_5555, "333333333.3333333"),
        (0x41b3_de43_5555_5556, "333333333.3333334"),
        (0x41b3_de43_5555_5557, "333333333.33333343"),
        (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
        (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
    ] {
        let spelled = format!("{:e}", f64::from_bits(bits));
        let fraction = Fraction::new(&spelled).unwrap();
        assert_eq!(Value::Fraction(fraction).to_jcs(), text, "{bits:x}");
    }
}

/// RFC 8785, section 3.2.
#[test]
fn orders_names_by_utf16_and_escapes_the_least() {
    let text = r#"{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One",
        "\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}"#;
    let values: Vec<String> =
        jcs(text).split("\":\"").skip(1).map(|part| part.split('"').next().unwrap().into()).collect();
    assert_eq!(
        values,
        [
            "Carriage Return",
            "One",
            "Control",
            "Latin Small Letter O With Diaeresis",
            "Euro Sign",
            "Emoji: Grinning Face",
            "Hebrew Letter Dalet With Dagesh"
        ]
    );
    assert_eq!(
        jcs(r#""\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"\/\b\u007f""#),
        "\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\\b\u{7f}\""
    );
}

// spec: CK-35
#[test]
fn scales_by_value_and_exactly() {
    let fraction = |text: &str, scale| Fraction::new(text).unwrap().scaled(scale);
    for (text, scale, value) in [
        ("99999.5", 2, Some(9_999_950)),
        ("99999.5", 0, None),
        ("1.50", 1, Some(15)),
        ("1.05", 1, None),
        ("1e2", 0, Some(100)),
        ("15e-1", 1, Some(15)),
        ("15e-1", 0, None),
        ("-0.0", 0, Some(0)),
        ("0e999999999999999999999", 0, Some(0)),
        ("1e-400", 2, None),
        ("1E15", 0, Some(1_000_000_000_000_000)),
        ("1e16", 0, None),
        ("90071992547409.9", 2, Some(9_007_199_254_740_990)),
        ("90071992547409.91", 2, None),
        ("-90071992547409.9", 2, Some(-9_007_199_254_740_990)),
        ("95000000000000.5", 2, None),
        ("123456789012345.0", 0, Some(123_456_789_012_345)),
        ("1234567890123456.0", 0, None),
        ("00.00", 0, Some(0)),
        ("0.000000000000000000000000000001e30", 0, Some(1)),
        ("100000000000000000000000000000.0e-28", 0, Some(10)),
    ] {
        assert_eq!(fraction(text, scale), value, "{text} at {scale}");
    }
    assert_eq!(
        [scaled(100, 2), scaled(MAX, 1), scaled(MAX, 0), scaled(-3, 3)],
        [Some(10_000), None, Some(MAX), Some(-3000)]
    );
}

const MAX: i64 = super::MAX_INTEGER;
