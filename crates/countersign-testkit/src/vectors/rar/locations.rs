//! Locations and the resource.

use serde_json::json;

use super::{Case, RESOURCE, token};
use crate::format_rar::Token;

const LONG_LABEL: &str = "https://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example";

const HOUR: (u64, &str) = (3_600, "PT1H");

/// One action, at these locations.
fn reading(slug: &str, comment: &str, locations: &[&str]) -> Case {
    let detail = json!({
        "type": "calendar", "locations": locations, "actions": ["read"], "purpose": "scheduling", "max_duration": "PT1H",
    });
    Case::new(slug, comment, &json!([detail]).to_string())
}

/// The token of one action at one location, whose details write it as `written`.
fn read(audience: &str, location: &str, written: &str) -> Token {
    let rights = [["calendar", location, "read"]];
    token(audience, "scheduling", HOUR, &rights, &[("calendar", &[written], &["read"])])
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    urls(&mut cases);
    paths(&mut cases);
    at_a_resource(&mut cases);
    resources(&mut cases);
    cases
}

/// Origins, without a resource.
fn urls(cases: &mut Vec<Case>) {
    for (slug, comment, origin) in [
        ("url", "A URL, and no resource: its origin is the audience.", "https://calendar.example.com"),
        ("url-port", "A port that is not the scheme's own.", "https://calendar.example.com:8443"),
        ("url-http", "Plain HTTP.", "http://127.0.0.1:8600"),
        ("url-other-default-port", "The port of the other scheme.", "http://calendar.example.com:443"),
        ("url-ipv6", "An IPv6 address in its one form.", "https://[2001:db8::1]:8443"),
        ("url-digits", "Labels of digits, but for the last.", "https://1.2.example"),
        ("url-ipv6-mapped", "An IPv4 address as IPv6, with its four numbers.", "https://[::ffff:192.0.2.1]"),
        ("url-ipv6-compatible", "An IPv6 address that only resembles one.", "https://[::c000:201]"),
        ("url-label-64", "A label of 64 characters: only the whole host has a limit.", LONG_LABEL),
        ("url-name-0x", "A last label that begins with `0x`, and is no number.", "https://a.0xyz"),
    ] {
        let url = format!("{origin}/calendars/primary");
        let case = reading(slug, comment, &[&url]).resource(None).req("RA-14").req("RA-19").req("RA-26");
        cases.push(case.ok([read(origin, "/calendars/primary", &url)]));
    }
    for (slug, comment, location) in [
        ("scheme-upper-case", "A scheme in upper case.", "HTTPS://calendar.example.com/calendars/primary"),
        ("host-upper-case", "A host in upper case.", "https://Calendar.example.com/calendars/primary"),
        ("default-port", "The scheme's own port.", "https://calendar.example.com:443/calendars/primary"),
        ("default-port-http", "The scheme's own port.", "http://calendar.example.com:80/calendars/primary"),
        ("empty-port", "A colon without a port.", "https://calendar.example.com:/calendars/primary"),
        ("port-zero-in-front", "A port with a zero in front.", "https://calendar.example.com:08443/calendars/primary"),
        ("port-too-great", "A port past the last.", "https://calendar.example.com:65536/calendars/primary"),
        ("userinfo", "A user.", "https://alice@calendar.example.com/calendars/primary"),
        (
            "userinfo-host",
            "A user that looks like a host.",
            "https://calendar.example.com:443@mail.example.com/calendars",
        ),
        ("last-dot", "A dot at the end of the host.", "https://calendar.example.com./calendars/primary"),
        ("empty-label", "An empty label.", "https://calendar..example.com/calendars/primary"),
        ("underscore", "A host with `_`.", "https://calendar_1.example.com/calendars/primary"),
        ("escaped-host", "A host with an escape.", "https://calendar%2Eexample.com/calendars/primary"),
        ("unicode-host", "A host that is not ASCII.", "https://kalender\u{fc}.example/calendars/primary"),
        ("ipv4-short", "An IPv4 address in a short form.", "http://127.1/calendars/primary"),
        ("ipv4-octal", "An IPv4 address with a zero in front.", "http://127.0.0.01/calendars/primary"),
        ("ipv4-hexadecimal", "An IPv4 address in hexadecimal.", "http://0x7f000001/calendars/primary"),
        ("ipv6-long", "An IPv6 address in another form.", "https://[2001:db8:0::1]:8443/calendars/primary"),
        ("ipv6-upper-case", "An IPv6 address in upper case.", "https://[2001:DB8::1]:8443/calendars/primary"),
        ("no-host", "No host.", "https:///calendars/primary"),
        ("no-path", "No path: `/` is not assumed.", "https://calendar.example.com"),
        ("query", "A query.", "https://calendar.example.com/calendars/primary?from=today"),
        ("query-empty", "An empty query.", "https://calendar.example.com/calendars/primary?"),
        ("query-no-path", "A query where the path is.", "https://calendar.example.com?/calendars/primary"),
        ("fragment", "A fragment.", "https://calendar.example.com/calendars/primary#today"),
        ("backslash", "A backslash for a slash.", "https://calendar.example.com\\calendars/primary"),
    ] {
        // The first is no URL at all, the others have a good origin: it is the path that does not match.
        let by_path = ["scheme-upper-case", "query", "query-empty", "fragment"].contains(&slug);
        let rule = if by_path { "RA-15" } else { "RA-14" };
        let case = reading(&format!("url-{slug}"), comment, &[location]).resource(None).req(rule);
        cases.push(case.refused(Some("locations"), "url"));
    }
    for (slug, comment, location, twin) in [
        (
            "ipv6-mapped-groups",
            "An IPv4 address as IPv6, without them.",
            "https://[::ffff:c000:201]/a",
            "url-ipv6-mapped",
        ),
        ("ipv6-mapped-upper", "The same in upper case.", "https://[::FFFF:192.0.2.1]/a", "url-ipv6-mapped"),
        ("ipv6-compatible-numbers", "Four numbers elsewhere.", "https://[::192.0.2.1]/a", "url-ipv6-compatible"),
        ("ipv6-one-group", "One group of zeros, shortened.", "https://[2001:db8::1:1:1:1:1]/a", "url-ipv6"),
        ("name-0x-alone", "A last label of `0x` alone, which browsers read as 0.", "https://a.0x/a", "url-name-0x"),
        ("name-0x-digits", "A last label that is a hexadecimal number.", "https://a.0xab/a", "url-name-0x"),
    ] {
        let case = reading(&format!("url-{slug}"), comment, &[location]).resource(None).req("RA-14");
        cases.push(case.refused(Some("locations"), twin));
    }
    let slash = reading(
        "url-slash",
        "A path of `/`: a right to all; the audience has none.",
        &["https://calendar.example.com/"],
    );
    let all = read(RESOURCE, "/", "https://calendar.example.com/");
    cases.push(slash.resource(None).req("RA-19").req("RA-26").ok([all]));
    for (slug, location) in [("path", "/calendars/primary"), ("name", "calendars/primary")] {
        let comment = "A location that is no URL, and no resource.";
        let case = reading(&format!("no-resource-{slug}"), comment, &[location]).resource(None).req("RA-19");
        cases.push(case.bad_target(Some("locations"), if slug == "path" { "url" } else { "name" }));
    }
    let urls = ["https://mail.example.com/inbox", "https://calendar.example.com/calendars/primary"];
    let comment = "One detail at two services: two tokens.";
    let tokens = [
        read(RESOURCE, "/calendars/primary", "https://calendar.example.com/calendars/primary"),
        read("https://mail.example.com", "/inbox", "https://mail.example.com/inbox"),
    ];
    cases.push(
        reading("url-two-services", comment, &urls).resource(None).req("RA-19").req("RA-20").req("RA-23").ok(tokens),
    );
}

/// The resource grammar.
fn paths(cases: &mut Vec<Case>) {
    for (slug, comment, location) in [
        ("slash", "The path `/`.", "/"),
        ("slash-at-end", "A slash at the end is part of the location.", "/calendars/"),
        ("escape", "An escape in its one form.", "/calendars/my%20own"),
        ("plain", "All that stands for itself.", "/-._~!$&'()*+,=:@"),
    ] {
        let case = reading(&format!("path-{slug}"), comment, &[location]).req("RA-15").req("RA-18");
        cases.push(case.ok([read(RESOURCE, location, &format!("{RESOURCE}{location}"))]));
    }
    for (slug, comment, location) in [
        ("name", "A name: a location that is no path.", "calendars/primary"),
        ("name-colon", "A name with a colon is no URL.", "mailto:alice@example.com"),
    ] {
        let case = reading(slug, comment, &[location]).req("RA-15").req("RA-26");
        cases.push(case.ok([read(RESOURCE, location, location)]));
    }
    for (slug, comment, location) in [
        ("empty", "An empty location.", ""),
        ("empty-segment", "An empty segment.", "/calendars//primary"),
        ("network-path", "Two slashes in front.", "//calendar.example.com/calendars/primary"),
        ("dots", "A segment `..`.", "/calendars/../mail"),
        ("dot", "A segment `.`.", "/calendars/./primary"),
        ("escaped-dots", "Dots in escapes.", "/calendars/%2E%2E/mail"),
        ("escaped-plain", "An escape of what stands for itself.", "/calendars/%70rimary"),
        ("escaped-slash", "An escaped slash.", "/calendars%2Fprimary"),
        ("lower-case-escape", "A lower-case escape.", "/calendars/my%c3%bc"),
        ("half-escape", "Half an escape.", "/calendars/%2"),
        ("semicolon", "A semicolon.", "/calendars;v=1/primary"),
        ("query", "A query.", "/calendars/primary?from=today"),
        ("fragment", "A fragment.", "/calendars/primary#today"),
        ("space", "A space.", "/calendars/my own"),
        ("wildcard-scheme", "Another scheme.", "ftp://calendar.example.com/calendars/primary"),
    ] {
        let case = reading(&format!("path-{slug}"), comment, &[location]).req("RA-15");
        cases.push(case.refused(Some("locations"), "path-slash"));
    }
    let url = "https://calendar.example.com/calendars/../mail";
    let case = reading("url-dots", "A segment `..` in a URL.", &[url]).resource(None).req("RA-15");
    cases.push(case.refused(Some("locations"), "url"));
    let long = |len: usize| format!("/{}", "a".repeat(len));
    let (longest, longer) = (long(1_023), long(1_024));
    let case = reading("path-1024", "A location as long as a symbol can be.", &[&longest]).req("RA-16");
    cases.push(case.ok([read(RESOURCE, &longest, &format!("{RESOURCE}{longest}"))]));
    let case = reading("path-1025", "One byte longer than a symbol can be.", &[&longer]).req("RA-16");
    cases.push(case.refused(Some("locations"), "path-1024"));
}

/// URLs at the resource, and elsewhere.
fn at_a_resource(cases: &mut Vec<Case>) {
    let url = "https://calendar.example.com/calendars/primary";
    let case = reading("url-at-resource", "A URL at the resource is its path.", &[url]).req("RA-18");
    cases.push(case.ok([read(RESOURCE, "/calendars/primary", url)]));
    for (slug, comment, location) in [
        ("host", "A URL of another host.", "https://mail.example.com/calendars/primary"),
        ("host-longer", "A host that begins with the resource's.", "https://calendar.example.com.example/calendars"),
        ("scheme", "A URL of the other scheme.", "http://calendar.example.com/calendars/primary"),
        ("port", "A URL of another port.", "https://calendar.example.com:8443/calendars/primary"),
    ] {
        let case = reading(&format!("url-other-{slug}"), comment, &[location]).req("RA-18");
        cases.push(case.refused(Some("locations"), "url-at-resource"));
    }
    let case = reading(
        "url-one-of-two-elsewhere",
        "One URL at the resource and one elsewhere: no token at all.",
        &[url, "https://mail.example.com/inbox"],
    );
    cases.push(case.req("RA-18").refused(Some("locations"), "url-at-resource"));
    let v1 = "https://api.example.com/v1";
    for (slug, comment, location, right) in [
        ("url", "A URL beneath the resource's path.", "https://api.example.com/v1/calendars", "/v1/calendars"),
        ("itself", "The resource itself.", "https://api.example.com/v1", "/v1"),
        ("path", "A path is a location at the resource, wherever it leads.", "/calendars", "/calendars"),
    ] {
        let case = reading(&format!("resource-path-{slug}"), comment, &[location]).resource(Some(v1));
        cases.push(case.req("RA-18").req("RA-26").ok([read(v1, right, right)]));
    }
    for (slug, comment, location) in [
        ("beside", "A URL beside the resource's path.", "https://api.example.com/v1-old/calendars"),
        ("above", "A URL above the resource's path.", "https://api.example.com/"),
        ("other", "A URL under another path.", "https://api.example.com/mail"),
    ] {
        let case = reading(&format!("resource-path-{slug}"), comment, &[location]).resource(Some(v1)).req("RA-18");
        cases.push(case.refused(Some("locations"), "resource-path-url"));
    }
}

/// The resource itself.
fn resources(cases: &mut Vec<Case>) {
    for (slug, comment, resource) in [
        ("slash", "A resource with the path `/` is another audience.", "https://calendar.example.com/"),
        ("slash-at-end", "A slash at the end of the resource.", "https://calendar.example.com/v1/"),
        ("loopback", "A service on loopback.", "http://127.0.0.1:8600/v1"),
    ] {
        let case = reading(&format!("resource-{slug}"), comment, &["/calendars/primary"]).resource(Some(resource));
        cases.push(case.req("RA-17").req("RA-26").ok([read(resource, "/calendars/primary", "/calendars/primary")]));
    }
    for (slug, comment, resource) in [
        ("empty", "An empty resource.", ""),
        ("host", "No URL.", "calendar.example.com"),
        ("urn", "Another scheme.", "urn:example:calendar"),
        ("query", "A query.", "https://calendar.example.com/?v=1"),
        ("fragment", "A fragment.", "https://calendar.example.com/#v1"),
        ("userinfo", "A user.", "https://alice@calendar.example.com/"),
        ("scheme-upper-case", "A scheme in upper case.", "HTTPS://calendar.example.com/"),
        ("host-upper-case", "A host in upper case.", "https://Calendar.example.com/"),
        ("default-port", "The scheme's own port.", "https://calendar.example.com:443/"),
        ("dots", "A segment `..`.", "https://calendar.example.com/v1/../v2"),
        ("escape", "An escape of what stands for itself.", "https://calendar.example.com/%761"),
    ] {
        let case = reading(&format!("resource-{slug}"), comment, &["/calendars/primary"]).resource(Some(resource));
        cases.push(case.req("RA-17").bad_target(None, "resource-slash"));
    }
}
