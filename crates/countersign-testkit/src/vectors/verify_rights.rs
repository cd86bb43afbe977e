//! `verify/rights.json`, `verify/resources.json`, `verify/operations.json`.

use crate::keys::Key;
use crate::raw_checks::Predicate;

use super::case::{Case, File};
use super::standard::{BODY, Plan, get_target, operation, post, right};

fn target(path: &str, rights: impl IntoIterator<Item = Predicate>) -> crate::raw_request::Request {
    get_target(path, &Plan::standard().rights(rights).text())
}

/// `verify/rights.json`.
#[must_use]
pub fn rights() -> File {
    let mut file = File::new("verify", "rights", "what a right covers");
    let covered: [(&str, &str, &str, &str); 10] = [
        ("right-equal", "the location itself", "/project/docs", "/project/docs"),
        ("right-equal-slash", "the location with a slash at the end of the path", "/project/docs", "/project/docs/"),
        ("right-below", "beneath the location", "/project/docs", "/project/docs/a.md"),
        ("right-far-below", "far beneath the location", "/project/docs", "/project/docs/a/b/c"),
        ("right-slash-below", "beneath a location that ends in a slash", "/project/docs/", "/project/docs/a.md"),
        ("right-slash-equal", "a location that ends in a slash, itself", "/project/docs/", "/project/docs/"),
        ("right-root", "everything", "/", "/anything/at/all"),
        ("right-root-itself", "the root itself", "/", "/"),
        ("right-escapes", "escapes are compared as they stand", "/caf%C3%A9", "/caf%C3%A9/menu"),
        ("right-query", "a query is no part of the resource", "/project/docs", "/project/docs?x=/other"),
    ];
    for (slug, comment, location, path) in covered {
        file.push(
            Case::new(slug, comment, &target(path, [right("http", location, "GET")]))
                .right(&format!("http:{location}:GET"))
                .req("VF-29")
                .req("VF-30")
                .attack(59),
        );
    }
    let missing: [(&str, &str, &str, &str, &str); 11] = [
        (
            "right-sibling",
            "a path that starts like the location and goes on in the same segment",
            "/project/docs",
            "/project/docs-old",
            "right-below",
        ),
        (
            "right-sibling-file",
            "the same with a file beneath",
            "/project/docs",
            "/project/docs-old/a.md",
            "right-below",
        ),
        ("right-above", "the path above the location", "/project/docs", "/project", "right-equal"),
        (
            "right-slash-above",
            "a location that ends in a slash does not cover the path without it",
            "/project/docs/",
            "/project/docs",
            "right-slash-equal",
        ),
        ("right-case", "the location in another case", "/project/Docs", "/project/docs", "right-equal"),
        ("right-empty-location", "an empty location covers nothing", "", "/project/docs", "right-root"),
        (
            "right-without-first-slash",
            "a location without its first slash",
            "project/docs",
            "/project/docs",
            "right-equal",
        ),
        ("right-star", "a star is a letter like any other", "/project/*", "/project/docs", "right-below"),
        (
            "right-letter-below",
            "a location that ends in the middle of a segment",
            "/project/do",
            "/project/docs",
            "right-equal",
        ),
        (
            "right-query-instead",
            "a query that names the location",
            "/project/docs",
            "/other?/project/docs",
            "right-query",
        ),
        (
            "right-double-dot-location",
            "a location with .. covers by its letters alone",
            "/project/docs/../secret",
            "/project/secret",
            "right-below",
        ),
    ];
    for (slug, comment, location, path, twin) in missing {
        file.push(
            Case::new(slug, comment, &target(path, [right("http", location, "GET")])).req("VF-29").attack(59).deny(
                11,
                "right_missing",
                &format!("verify/{twin}"),
            ),
        );
    }
    let path = "/project/docs";
    for (slug, comment, given) in [
        ("right-other-action", "a right for another action", right("http", path, "POST")),
        ("right-action-case", "a right for the action in another case", right("http", path, "get")),
        ("right-action-star", "a right for the action *", right("http", path, "*")),
        ("right-other-type", "a right of another type", right("calendar", path, "GET")),
        ("right-empty-action", "a right for an empty action", right("http", path, "")),
    ] {
        file.push(Case::new(slug, comment, &target(path, [given])).req("VF-29").deny(
            11,
            "right_missing",
            "verify/right-equal",
        ));
    }
    let many = [
        right("http", "/other", "GET"),
        right("http", "/project", "POST"),
        right("http", "/project", "GET"),
        right("http", path, "GET"),
    ];
    file.push(
        Case::new(
            "right-first",
            "two rights cover the operation: the first in the block is named",
            &target(path, many),
        )
        .right("http:/project:GET")
        .req("VF-30"),
    );
    let split = [right("http", path, "POST"), right("http", "/other", "GET"), right("calendar", path, "GET")];
    file.push(
        Case::new("right-from-parts", "three rights that each lack one thing do not make one", &target(path, split))
            .req("VF-29")
            .deny(11, "right_missing", "verify/right-first"),
    );
    file.push(
        Case::new(
            "right-post",
            "the action follows the method",
            &post(&Plan::standard().rights([right("http", "/calendars", "GET")]).text(), BODY),
        )
        .req("VF-24")
        .req("VF-29")
        .deny(11, "right_missing", "request/post"),
    );
    file
}

/// `verify/resources.json`.
#[must_use]
pub fn resources() -> File {
    let mut file =
        File::new("verify", "resources", "paths in the grammar and out of it, all under a right for everything");
    let all = |path: &str| target(path, [right("http", "/", "GET")]);
    for (slug, comment, path) in [
        ("path-plain", "every letter that stands for itself", "/AZaz09-._~!$&'()*+,=:@"),
        ("path-escapes", "upper-case escapes of letters outside ASCII", "/%C3%A9/%E2%82%AC/%F0%9F%98%80"),
        (
            "path-escaped-others",
            "upper-case escapes of ASCII letters that do not stand for themselves",
            "/%20%22%23%3C%3E%3F%5B%5D%5E%60%7B%7C%7D",
        ),
        ("path-last-slash", "a slash at the end", "/a/"),
        ("path-dots", "dots inside segments", "/.a/a./..a/a..b/..."),
        ("path-long", "a path of 2,000 letters", &format!("/{}", "a".repeat(1999))),
    ] {
        file.push(Case::new(slug, comment, &all(path)).right("http:/:GET").req("VF-25").req("VF-26").attack(59));
    }
    let invalid: [(&str, &str, &str, &str, u8); 33] = [
        ("path-dot", "a segment .", "/a/./b", "VF-26", 59),
        ("path-dot-dot", "a segment ..", "/a/../b", "VF-26", 59),
        ("path-dot-last", "a segment . at the end", "/a/.", "VF-26", 59),
        ("path-dot-dot-last", "a segment .. at the end", "/a/..", "VF-26", 59),
        ("path-dot-dot-slash", "a segment .. before a slash at the end", "/a/../", "VF-26", 59),
        ("path-escaped-dots", "escaped dots", "/a/%2E%2E/b", "VF-27", 59),
        ("path-half-escaped-dots", "dots of which one is escaped", "/a/.%2E/b", "VF-27", 59),
        ("path-empty-segment", "an empty segment", "/a//b", "VF-25", 59),
        ("path-empty-first", "an empty segment in front", "//a", "VF-25", 59),
        ("path-empty-last", "an empty segment at the end, before the slash", "/a//", "VF-25", 59),
        ("path-escaped-letter", "an escape of a letter that stands for itself", "/%73ecret", "VF-27", 17),
        ("path-escaped-at", "an escape of @", "/%40", "VF-27", 17),
        ("path-escaped-tilde", "an escape of ~", "/%7E", "VF-27", 17),
        ("path-escaped-hyphen", "an escape of -", "/%2D", "VF-27", 17),
        ("path-lower-case-escape", "an escape in lower case", "/caf%c3%a9", "VF-25", 17),
        ("path-mixed-case-escape", "an escape in mixed case", "/caf%C3%a9", "VF-25", 17),
        ("path-escaped-slash", "an escaped slash", "/a%2Fb", "VF-28", 17),
        ("path-escaped-backslash", "an escaped backslash", "/a%5Cb", "VF-28", 59),
        ("path-escaped-percent", "an escaped percent sign: escaping twice", "/a%252Fb", "VF-28", 59),
        ("path-escaped-semicolon", "an escaped semicolon", "/a%3Bb", "VF-28", 59),
        ("path-escaped-nul", "an escaped NUL", "/a%00b", "VF-28", 59),
        ("path-escaped-lf", "an escaped LF", "/a%0Ab", "VF-28", 59),
        ("path-escaped-delete", "an escaped DEL", "/a%7Fb", "VF-28", 59),
        ("path-escaped-c1", "an escaped U+0085", "/a%C2%85b", "VF-28", 59),
        ("path-not-utf8", "escapes that are not UTF-8", "/a%FFb", "VF-28", 59),
        ("path-overlong-utf8", "an over-long slash in UTF-8", "/a%C0%AFb", "VF-28", 59),
        ("path-surrogate", "a surrogate in UTF-8", "/a%ED%A0%80b", "VF-28", 59),
        ("path-cut-utf8", "a letter in UTF-8 that is cut off", "/a%C3/%A9", "VF-28", 59),
        ("path-semicolon", "a semicolon", "/a;b", "VF-25", 59),
        ("path-backslash", "a backslash", "/a\\b", "VF-25", 59),
        ("path-percent-alone", "a percent sign by itself", "/a%", "VF-25", 59),
        ("path-percent-one-digit", "a percent sign with one digit", "/a%4", "VF-25", 59),
        ("path-quote", "a quotation mark", "/a\"b", "VF-25", 59),
    ];
    for (slug, comment, path, req, attack) in invalid {
        file.push(Case::new(slug, comment, &all(path)).req(req).attack(attack).deny(
            11,
            "resource_invalid",
            "verify/path-plain",
        ));
    }
    for (slug, letter) in
        [("bracket", '['), ("caret", '^'), ("backtick", '`'), ("brace", '{'), ("bar", '|'), ("less-than", '<')]
    {
        file.push(
            Case::new(&format!("path-{slug}"), "a letter that has to be escaped", &all(&format!("/a{letter}b")))
                .req("VF-25")
                .attack(59)
                .deny(11, "resource_invalid", "verify/path-plain"),
        );
    }
    file
}

/// `verify/operations.json`.
#[must_use]
pub fn operations() -> File {
    let mut file = File::new("verify", "operations", "requests mapped by a table of operations");
    let table = || {
        [
            operation("GET", "/calendars/primary", "calendar", "/calendars/primary", "read"),
            operation("GET", "/calendars/{id}", "calendar", "/shared/{id}", "read"),
            operation("POST", "/calendars/{id}/events", "event", "/calendars/{id}", "create"),
            operation("GET", "/files/{owner}/{name}", "file", "{name}/of/{owner}", "read"),
            operation("GET", "/plain/", "calendar", "/plain", "read"),
        ]
    };
    let given = || {
        [
            right("calendar", "/calendars/primary", "read"),
            right("calendar", "/shared/team", "read"),
            right("event", "/calendars/primary", "create"),
            right("file", "a.md/of", "read"),
            right("calendar", "/plain", "read"),
            right("http", "/", "GET"),
        ]
    };
    let at = |slug: &str, comment: &str, path: &str| {
        Case::new(slug, comment, &target(path, given())).operations(table()).req("VF-23")
    };
    file.push(
        at("operation-literal", "a path of literal segments", "/calendars/primary")
            .right("calendar:/calendars/primary:read"),
    );
    file.push(
        at("operation-template", "a template: the second entry", "/calendars/team").right("calendar:/shared/team:read"),
    );
    file.push(
        at("operation-name", "a resource that is a name and no path", "/files/ann/a.md").right("file:a.md/of:read"),
    );
    file.push(at("operation-last-slash", "a template that ends in a slash", "/plain/").right("calendar:/plain:read"));
    let mut created = post(&Plan::standard().rights(given()).text(), BODY);
    created.target = "/calendars/primary/events".into();
    created.remove("signature-input");
    created.remove("signature");
    let created = super::standard::post_signature().sign(created);
    file.push(
        Case::new("operation-post", "a template with a segment behind its variable", &created)
            .operations(table())
            .req("VF-23")
            .right("event:/calendars/primary:create"),
    );
    let unmapped: [(&str, &str, &str, &str); 8] = [
        ("operation-unmapped", "a path that no entry has", "/contacts", "operation-literal"),
        ("operation-root", "the root, which no entry has", "/", "operation-literal"),
        (
            "operation-more-segments",
            "a segment more than the template has",
            "/calendars/primary/x",
            "operation-template",
        ),
        ("operation-fewer-segments", "a segment less than the template has", "/calendars", "operation-template"),
        (
            "operation-slash-added",
            "a slash at the end: one empty segment more",
            "/calendars/primary/",
            "operation-literal",
        ),
        ("operation-slash-missing", "the slash at the end missing", "/plain", "operation-last-slash"),
        (
            "operation-empty-segment",
            "an empty segment where the template has a variable",
            "/calendars/",
            "operation-template",
        ),
        ("operation-case", "a literal segment in another case", "/Calendars/primary", "operation-literal"),
    ];
    for (slug, comment, path, twin) in unmapped {
        file.push(at(slug, comment, path).deny(11, "operation_unmapped", &format!("verify/{twin}")));
    }
    let method = {
        let mut request =
            super::standard::unsigned("HEAD", "/calendars/primary", &Plan::standard().rights(given()).text());
        request = crate::raw_request::Signature::new(&Key::named("agent")).sign(request);
        request
    };
    file.push(
        Case::new("operation-other-method", "a method that no entry has for this path", &method)
            .operations(table())
            .req("VF-23")
            .attack(13)
            .deny(11, "operation_unmapped", "verify/operation-literal"),
    );
    file.push(
        at("operation-right-missing", "mapped, and no right covers the operation's resource", "/calendars/private")
            .req("VF-29")
            .deny(11, "right_missing", "verify/operation-template"),
    );
    file.push(
        at(
            "operation-path-not-enough",
            "a right for the request's path says nothing about the operation",
            "/calendars/primary",
        )
        .operations([operation("GET", "/calendars/{id}", "calendar", "/shared/{id}", "read")])
        .req("VF-23")
        .req("VF-29")
        .deny(11, "right_missing", "verify/operation-template"),
    );
    file.push(
        at("operation-first-entry", "two entries match: the first one counts", "/calendars/primary")
            .operations([
                operation("GET", "/calendars/{id}", "http", "/calendars/{id}", "GET"),
                operation("GET", "/calendars/primary", "calendar", "/calendars/primary", "read"),
            ])
            .right("http:/:GET"),
    );
    file.push(
        at("operation-dots-in-variable", "a segment .. where the template has a variable", "/calendars/..")
            .req("VF-26")
            .attack(59)
            .deny(11, "resource_invalid", "verify/operation-template"),
    );
    file.push(
        at("operation-escape-in-variable", "an escaped slash where the template has a variable", "/calendars/a%2Fb")
            .req("VF-28")
            .attack(59)
            .deny(11, "resource_invalid", "verify/operation-template"),
    );
    let fixed = |path: &str| {
        at("", "", path).operations([operation("GET", "/fixed/{any}", "calendar", "/calendars/primary", "read")])
    };
    file.push(
        fixed("/fixed/a")
            .named("operation-unused-variable", "a variable that the resource does not use")
            .right("calendar:/calendars/primary:read"),
    );
    file.push(
        fixed("/fixed/a;b")
            .named("operation-path-outside-grammar", "a path outside the grammar, though the resource is not")
            .req("VF-25")
            .attack(59)
            .deny(11, "resource_invalid", "verify/operation-unused-variable"),
    );
    file.push(at("operation-empty-table", "an empty table maps nothing", "/calendars/primary").operations([]).deny(
        11,
        "operation_unmapped",
        "verify/operation-literal",
    ));
    file
}
