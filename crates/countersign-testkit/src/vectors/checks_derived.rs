//! `checks/derived.json`: which host a URL has and what a path is, and which spellings have none.

use serde_json::json;

use crate::raw_checks::{lit, pred, query, reject_if, string, v, var};

use super::case::File;
use super::mail::{Mail, has};

/// The file.
#[must_use]
pub fn file() -> File {
    let comment = "the host of a URL and the path of a path, and the spellings that have none since two parsers differ";
    let mut file = File::new("checks", "derived", comment);
    hosts(&mut file);
    paths(&mut file);
    file
}

/// Every host of `/url` is this one.
fn host(url: &str, host: &str) -> Mail {
    let other = v("host").ne(lit(host));
    let check = reject_if(query([pred("arg_host", [string("/url"), var("host")])], [other]));
    Mail::json(json!({ "url": url }).to_string()).url("/url").checks([has("/url"), check])
}

/// Every path under `/file` is this one.
fn path(text: &str, path: &str) -> Mail {
    let other = v("path").ne(lit(path));
    let check = reject_if(query([pred("arg_path", [string("/file"), var("path")])], [other]));
    Mail::json(json!({ "file": text }).to_string()).path("/file").checks([has("/file"), check])
}

fn hosts(file: &mut File) {
    let label = "a".repeat(63);
    let longest = [label.as_str(), &label, &label, &"a".repeat(61)].join(".");
    let (long_url, label_url) = (format!("https://{longest}/"), format!("https://{label}.example/"));
    for (slug, url, expected) in [
        ("plain", "https://a.example/", "a.example"),
        ("bare", "https://a.example", "a.example"),
        ("http", "http://a.example/", "a.example"),
        ("scheme-case", "HttpS://a.example/", "a.example"),
        ("host-case", "https://A.Example/", "a.example"),
        ("port", "https://a.example:8443/", "a.example"),
        ("port-empty", "https://a.example:/", "a.example"),
        ("port-zeros", "https://a.example:00080/", "a.example"),
        ("port-greatest", "https://a.example:65535", "a.example"),
        ("query", "https://a.example?x=y@z", "a.example"),
        ("fragment", "https://a.example#@b.example", "a.example"),
        ("at-in-path", "https://a.example/@b.example", "a.example"),
        ("slashes-in-path", "https://a.example//b.example/..", "a.example"),
        ("one-label", "https://localhost/", "localhost"),
        ("underscore", "https://a_b.example/", "a_b.example"),
        ("punycode", "https://xn--bcher-kva.example/", "xn--bcher-kva.example"),
        ("number-first", "https://1.example/", "1.example"),
        ("hexadecimal-first", "https://0x1.example/", "0x1.example"),
        ("four-numbers", "https://127.0.0.1/", "127.0.0.1"),
        ("four-numbers-greatest", "https://255.255.255.255/", "255.255.255.255"),
        ("brackets", "https://[2001:DB8::1]:443/", "[2001:db8::1]"),
        ("brackets-dots", "https://[::ffff:127.0.0.1]", "[::ffff:127.0.0.1]"),
        ("label-63", &label_url, &format!("{label}.example")),
        ("host-253", &long_url, &longest),
        ("rest-plain", "https://a.example/%zz?%#[]{}|^`\"<>", "a.example"),
    ] {
        let slug = format!("url-{slug}");
        file.push(host(url, expected).case(&slug, "a URL with one host").req("CK-38"));
        let case = host(url, "b.example").case(&format!("{slug}-other"), "it is no other host");
        file.push(case.req("CK-38").deny(11, "check_failed", &format!("checks/{slug}")));
    }
    let over_label = format!("https://{}.example/", "a".repeat(64));
    let over_host = format!("https://{longest}a/");
    for (slug, url, twin) in [
        ("empty", "", "plain"),
        ("no-scheme", "a.example/", "plain"),
        ("scheme-relative", "//a.example/", "plain"),
        ("no-slashes", "https:a.example/", "plain"),
        ("one-slash", "https:/a.example/", "plain"),
        ("three-slashes", "https:///a.example/", "plain"),
        ("backslashes", "https:\\\\a.example/", "plain"),
        ("other-scheme", "ftp://a.example/", "http"),
        ("javascript", "javascript://a.example/", "http"),
        ("scheme-suffix", "xhttps://a.example/", "http"),
        ("no-host", "https://", "bare"),
        ("no-host-port", "https://:443/", "port"),
        ("space-before", " https://a.example/", "plain"),
        ("space-behind", "https://a.example/ ", "plain"),
        ("space-in-path", "https://a.example/a b", "plain"),
        ("tab", "https://a.exa\tmple/", "plain"),
        ("line-feed", "https://a.example/\n", "plain"),
        ("nul", "https://a.example\0.b.example/", "plain"),
        ("delete", "https://a.example/\u{7f}", "plain"),
        ("not-ascii", "https://b\u{fc}cher.example/", "punycode"),
        ("full-width-dot", "https://a\u{ff0e}example/", "plain"),
        ("not-ascii-in-path", "https://a.example/\u{e4}", "plain"),
        ("user", "https://user@a.example/", "at-in-path"),
        ("user-password", "https://user:word@a.example/", "at-in-path"),
        ("user-like-host", "https://a.example@b.example/", "at-in-path"),
        ("user-like-port", "https://a.example:443@b.example/", "at-in-path"),
        ("user-empty", "https://@a.example/", "at-in-path"),
        ("backslash-at", "https://a.example\\@b.example/", "plain"),
        ("backslash-in-path", "https://a.example/\\b", "plain"),
        ("last-dot", "https://a.example./", "plain"),
        ("first-dot", "https://.a.example/", "plain"),
        ("two-dots", "https://a..example/", "plain"),
        ("escape-in-host", "https://a%2Eexample/", "plain"),
        ("comma", "https://a,example/", "plain"),
        ("semicolon", "https://a.example;b.example/", "plain"),
        ("port-too-great", "https://a.example:65536/", "port-greatest"),
        ("port-six-digits", "https://a.example:000080/", "port-zeros"),
        ("port-letter", "https://a.example:8a/", "port"),
        ("port-sign", "https://a.example:+80/", "port"),
        ("two-ports", "https://a.example:80:80/", "port"),
        ("one-number", "https://2130706433/", "four-numbers"),
        ("two-numbers", "https://127.1/", "four-numbers"),
        ("three-numbers", "https://127.0.1/", "four-numbers"),
        ("five-numbers", "https://127.0.0.0.1/", "four-numbers"),
        ("octal", "https://0177.0.0.1/", "four-numbers"),
        ("two-zeros", "https://127.0.00.1/", "four-numbers"),
        ("hexadecimal", "https://0x7f000001/", "four-numbers"),
        ("hexadecimal-capital", "https://0X7F000001/", "four-numbers"),
        ("hexadecimal-part", "https://127.0.0.0x1/", "four-numbers"),
        ("hexadecimal-nothing", "https://a.0x/", "four-numbers"),
        ("number-too-great", "https://127.0.0.256/", "four-numbers-greatest"),
        ("name-then-number", "https://a.1/", "number-first"),
        ("brackets-empty", "https://[]/", "brackets"),
        ("brackets-open", "https://[::1/", "brackets"),
        ("brackets-then-text", "https://[::1]a/", "brackets"),
        ("brackets-zone", "https://[fe80::1%25eth0]/", "brackets"),
        ("brackets-name", "https://[a.example]/", "brackets"),
        ("brackets-number", "https://[::1]:65536/", "brackets"),
        ("label-64", &over_label, "label-63"),
        ("host-254", &over_host, "host-253"),
    ] {
        let case = host(url, "a.example").case(&format!("url-{slug}"), "a URL without one host that all agree on");
        let case = case.req("CK-38").req("CK-36").attack(67);
        file.push(case.deny(11, "check_error", &format!("checks/url-{twin}")));
    }
}

fn paths(file: &mut File) {
    for (slug, text) in [
        ("root", "/"),
        ("absolute", "/a"),
        ("slash-behind", "/a/"),
        ("relative", "a"),
        ("relative-two", "a/b/"),
        ("escape", "/a%20b"),
        ("escape-broken", "/a%zz"),
        ("escape-twice", "/%252e%252e/a"),
        ("three-dots", "/.../a"),
        ("three-dots-escaped", "/%2e%2E./a"),
        ("dot-in-name", "/a.b"),
        ("dot-first", "/.a"),
        ("dots-behind", "/a.."),
        ("space", "/a b"),
        ("not-ascii", "/\u{e4}"),
        ("tilde", "~/a"),
    ] {
        let slug = format!("path-{slug}");
        let case = path(text, text).case(&slug, "a path that means the same to everybody");
        file.push(case.req("CK-39"));
        let case = path(text, "/other").case(&format!("{slug}-other"), "it is no other path");
        file.push(case.req("CK-39").deny(11, "check_failed", &format!("checks/{slug}")));
    }
    for (slug, text, twin) in [
        ("empty", "", "root"),
        ("two-slashes", "//", "root"),
        ("two-slashes-first", "//a", "absolute"),
        ("two-slashes-inside", "/a//b", "absolute"),
        ("two-slashes-last", "/a//", "slash-behind"),
        ("relative-two-slashes", "a//b", "relative-two"),
        ("dot", ".", "relative"),
        ("dot-dot", "..", "relative"),
        ("dot-first-segment", "./a", "relative-two"),
        ("dot-dot-first-segment", "../a", "relative-two"),
        ("dot-segment", "/a/./b", "absolute"),
        ("dot-dot-segment", "/a/../b", "absolute"),
        ("dot-last", "/a/.", "absolute"),
        ("dot-dot-last", "/a/..", "absolute"),
        ("dot-escaped", "/%2e/a", "three-dots-escaped"),
        ("dot-dot-escaped", "/a/%2e%2e/b", "three-dots-escaped"),
        ("dot-dot-escaped-capital", "/a/%2E%2E/b", "three-dots-escaped"),
        ("dot-dot-half", "/a/.%2e/b", "three-dots-escaped"),
        ("dot-dot-other-half", "/a/%2E./b", "three-dots-escaped"),
        ("backslash", "/a\\b", "absolute"),
        ("backslash-dots", "/a\\..\\b", "absolute"),
        ("escaped-slash", "/a%2Fb", "escape"),
        ("escaped-slash-small", "/a%2fb", "escape"),
        ("escaped-backslash", "/a%5Cb", "escape"),
        ("escaped-backslash-small", "/a%5cb", "escape"),
        ("escaped-nul", "/a%00", "escape"),
        ("nul", "/a\0b", "absolute"),
        ("control", "/a\u{1}", "absolute"),
        ("unit-separator", "/a\u{1f}", "absolute"),
        ("tab", "/a\tb", "absolute"),
        ("line-feed", "/a\n", "absolute"),
        ("delete", "/a\u{7f}", "absolute"),
        // No part of a path is a query: its segments are segments.
        ("query-like", "/a?b=/../c", "absolute"),
    ] {
        let case = path(text, "/a").case(&format!("path-{slug}"), "a path that could mean another one");
        let case = case.req("CK-39").req("CK-36").attack(59).attack(67);
        file.push(case.deny(11, "check_error", &format!("checks/path-{twin}")));
    }
}
