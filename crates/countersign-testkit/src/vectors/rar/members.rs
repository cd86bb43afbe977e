//! The array, its members and their values.

use super::{Case, RESOURCE, STANDARD, reading, standard, token};

#[expect(clippy::too_many_lines, reason = "a list of cases, of which none is long")]
pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        Case::new("standard", "One detail that says all, at a resource: one token.", STANDARD)
            .req("RA-20")
            .req("RA-18")
            .req("RA-25")
            .req("RA-31")
            .ok([standard()]),
    ];
    let mut refused = |slug: &str, comment: &str, details: String, id: &str, member: Option<&str>| {
        cases.push(Case::new(slug, comment, &details).req(id).refused(member, "standard"));
    };
    // The array.
    for (slug, comment, details, id) in [
        ("not-json", "A comma behind the last element.", STANDARD.replace("}]", "},]"), "RA-1"),
        ("two-texts", "Two JSON texts.", [STANDARD, STANDARD].concat(), "RA-1"),
        ("byte-order-mark", "A byte order mark.", ["\u{feff}", STANDARD].concat(), "RA-1"),
        ("half-surrogate", "Half a surrogate pair.", STANDARD.replace("scheduling", "\\ud83d"), "RA-1"),
        ("name-twice", "A name twice.", STANDARD.replace("{\"type", "{\"purpose\":\"other\",\"type"), "RA-1"),
        (
            "name-twice-escaped",
            "A name twice, once with an escape.",
            STANDARD.replace("{\"type", "{\"typ\\u0065\":\"mail\",\"type"),
            "RA-1",
        ),
        ("no-array", "One object, not in an array.", STANDARD[1..STANDARD.len() - 1].into(), "RA-3"),
        ("empty-array", "An array of nothing.", "[]".into(), "RA-3"),
        ("not-an-object", "An element that is no object.", STANDARD.replace("}]", "},\"calendar\"]"), "RA-3"),
        ("details-129", "129 details.", many(129), "RA-3"),
    ] {
        refused(slug, comment, details, id, None);
    }
    // Members that are not known.
    for name in ["datatypes", "identifier", "privileges"] {
        for (slug, value) in [("", "[\"contacts\"]"), ("-empty", "[]"), ("-null", "null")] {
            let comment = format!("`{name}` of RFC 9396: no right can say it, whatever its value.");
            let details = STANDARD.replace("}]", &format!(",\"{name}\":{value}}}]"));
            refused(&format!("{name}{slug}"), &comment, details, "RA-4", Some(name));
        }
    }
    for (slug, name) in [("unknown-member", "budget"), ("type-in-capitals", "Type"), ("location", "location")] {
        let details = STANDARD.replace("}]", &format!(",\"{name}\":\"x\"}}]"));
        refused(slug, "A member that is not known.", details, "RA-4", Some(name));
    }
    // Values.
    for (slug, comment, from, to, id, member) in [
        ("type-missing", "No type.", "\"type\":\"calendar\",", "", "RA-5", "type"),
        ("type-number", "A type that is no string.", "\"calendar\"", "7", "RA-5", "type"),
        ("type-null", "A type of null.", "\"calendar\"", "null", "RA-5", "type"),
        ("type-empty", "An empty type.", "\"calendar\"", "\"\"", "RA-8", "type"),
        ("purpose-list", "Two purposes.", "\"scheduling\"", "[\"scheduling\",\"billing\"]", "RA-5", "purpose"),
        ("purpose-null", "A purpose of null.", "\"scheduling\"", "null", "RA-5", "purpose"),
        ("purpose-empty", "An empty purpose.", "\"scheduling\"", "\"\"", "RA-8", "purpose"),
        ("purpose-line-break", "A purpose in two lines.", "\"scheduling\"", "\"a\\nb\"", "RA-8", "purpose"),
        ("purpose-c1", "A purpose with U+0085.", "\"scheduling\"", "\"a\u{85}b\"", "RA-8", "purpose"),
        ("actions-missing", "No actions.", "\"actions\":[\"read\",\"write\"],", "", "RA-6", "actions"),
        ("actions-string", "Actions that are no array.", "[\"read\",\"write\"]", "\"read\"", "RA-6", "actions"),
        ("actions-empty", "No action.", "[\"read\",\"write\"]", "[]", "RA-6", "actions"),
        ("action-number", "An action that is no string.", "\"write\"", "7", "RA-6", "actions"),
        ("action-empty", "An empty action.", "\"write\"", "\"\"", "RA-8", "actions"),
        ("locations-missing", "No locations.", "\"locations\":[\"/calendars/primary\"],", "", "RA-7", "locations"),
        (
            "locations-string",
            "Locations that are no array.",
            "[\"/calendars/primary\"]",
            "\"/calendars/primary\"",
            "RA-7",
            "locations",
        ),
        ("locations-empty", "No location: none is assumed.", "[\"/calendars/primary\"]", "[]", "RA-7", "locations"),
        ("location-null", "A location of null.", "\"/calendars/primary\"", "null", "RA-7", "locations"),
    ] {
        cases.push(Case::changed(slug, comment, from, to).req(id).refused(Some(member), "standard"));
    }
    let long = |len| "t".repeat(len);
    let mut longest = standard();
    longest.rights = ["read", "write"].map(|action| [long(1_024), "/calendars/primary".into(), action.into()]).into();
    longest.details = longest.details.replace("\"calendar\"", &format!("\"{}\"", long(1_024)));
    let comment = "A string as long as a symbol can be.";
    cases.push(
        Case::changed("type-1024", comment, "\"calendar\"", &format!("\"{}\"", long(1_024))).req("RA-8").ok([longest]),
    );
    let comment = "One byte longer than a symbol can be.";
    let longer = Case::changed("type-1025", comment, "\"calendar\"", &format!("\"{}\"", long(1_025)));
    cases.push(longer.req("RA-8").refused(Some("type"), "type-1024"));
    cases.push(
        Case::new("details-128", "As many details as there may be, all alike: one token.", &many(128))
            .req("RA-3")
            .req("RA-20")
            .ok([standard()]),
    );
    cases.push(
        Case::changed(
            "twice-in-a-list",
            "What stands twice counts once.",
            "\"read\",\"write\"",
            "\"read\",\"write\",\"read\"",
        )
        .req("RA-9")
        .ok([standard()]),
    );
    cases.push(
        Case::changed(
            "location-twice",
            "A path, and the URL of the same path: one right.",
            "\"/calendars/primary\"",
            "\"/calendars/primary\",\"https://calendar.example.com/calendars/primary\",\"/calendars/primary\"",
        )
        .req("RA-9")
        .req("RA-20")
        .ok([standard()]),
    );
    defaults(&mut cases);
    cases
}

/// The standard detail so many times.
fn many(count: usize) -> String {
    format!("[{}]", vec![&STANDARD[1..STANDARD.len() - 1]; count].join(","))
}

fn defaults(cases: &mut Vec<Case>) {
    let (purpose, duration) = (",\"purpose\":\"scheduling\"", ",\"max_duration\":\"PT1H\"");
    let comment = "A purpose by default.";
    let by_default = |slug: &str, comment: &str| Case::changed(slug, comment, purpose, "").req("RA-12");
    let given = by_default("default-purpose", comment).input(|input| input.purpose = Some("billing".into()));
    cases.push(given.ok([reading(RESOURCE, "billing", (3_600, "PT1H"))]));
    cases.push(
        by_default("purpose-missing", "No purpose, nor one by default.").refused(Some("purpose"), "default-purpose"),
    );
    let empty = by_default("default-purpose-empty", "An empty purpose by default.").req("RA-8");
    cases.push(empty.input(|input| input.purpose = Some(String::new())).refused(Some("purpose"), "default-purpose"));
    let by_default = |slug: &str, comment: &str| Case::changed(slug, comment, duration, "").req("RA-13");
    let given =
        by_default("default-duration", "A duration by default.").input(|input| input.max_duration = Some("10m".into()));
    cases.push(given.ok([reading(RESOURCE, "scheduling", (600, "PT10M"))]));
    let missing = by_default("duration-missing", "No duration, nor one by default.");
    cases.push(missing.refused(Some("max_duration"), "default-duration"));
    for (slug, comment, default, rule) in [
        ("default-duration-form", "A duration by default that is none.", "1 hour", "RA-10"),
        ("default-duration-long", "A duration by default that is too long.", "PT253402300800S", "RA-11"),
    ] {
        let case = Case::changed(slug, comment, duration, "").req(rule).req("RA-29");
        let case = case.input(|input| input.max_duration = Some(default.into()));
        cases.push(case.refused(Some("max_duration"), "default-duration"));
    }
    let both = Case::new("defaults-unused", "A detail's own purpose and duration come before the defaults.", STANDARD);
    let both = both.req("RA-12").req("RA-13").input(|input| {
        input.purpose = Some("billing".into());
        input.max_duration = Some("10m".into());
    });
    cases.push(both.ok([standard()]));
}

pub(super) fn durations() -> Vec<Case> {
    let mut cases = Vec::new();
    for (slug, text, seconds, iso) in [
        ("iso-minutes", "PT10M", 600, "PT10M"),
        ("iso-days", "P1D", 86_400, "P1D"),
        ("iso-hours-minutes", "PT1H30M", 5_400, "PT1H30M"),
        ("iso-hours-seconds", "PT1H1S", 3_601, "PT1H1S"),
        ("iso-all", "P2DT3H4M5S", 183_845, "P2DT3H4M5S"),
        ("iso-carried", "PT90M", 5_400, "PT1H30M"),
        ("iso-carried-days", "PT49H", 176_400, "P2DT1H"),
        ("short-seconds", "90s", 90, "PT1M30S"),
        ("short-minutes", "10m", 600, "PT10M"),
        ("short-hours", "1h", 3_600, "PT1H"),
        ("short-days", "30d", 2_592_000, "P30D"),
    ] {
        let case = Case::changed(&format!("duration-{slug}"), &format!("{text} is {seconds} seconds."), "PT1H", text);
        cases.push(case.req("RA-10").ok([reading(RESOURCE, "scheduling", (seconds, iso))]));
    }
    for (slug, comment, text) in [
        ("year", "A year has no fixed length.", "P1Y"),
        ("month", "A month has no fixed length.", "P1M"),
        ("week", "Weeks are not of the form.", "P1W"),
        ("fraction", "A fraction.", "PT1.5H"),
        ("sign", "A sign.", "-PT1H"),
        ("zero-in-front", "A zero in front.", "PT01H"),
        ("zero-component", "A component of zero.", "PT1H0M"),
        ("zero", "No time at all.", "PT0S"),
        ("zero-short", "No time at all, in the short form.", "0s"),
        ("order", "Minutes before hours.", "PT1M1H"),
        ("twice", "Hours twice.", "PT1H1H"),
        ("no-t", "Hours without T.", "P1H"),
        ("nothing-behind-t", "Nothing behind T.", "P1DT"),
        ("nothing", "No component.", "P"),
        ("lower-case", "Lower case.", "pt1h"),
        ("short-upper-case", "The short form in upper case.", "1H"),
        ("short-two-units", "Two units in the short form.", "1h30m"),
        ("no-unit", "No unit.", "3600"),
        ("space", "A space.", "PT1H "),
        ("empty", "An empty text.", ""),
    ] {
        let case = Case::changed(&format!("duration-{slug}"), comment, "PT1H", text).req("RA-10");
        cases.push(case.refused(Some("max_duration"), "standard"));
    }
    let overflow = "More seconds than 64 bits hold.";
    let overflow = Case::changed("duration-overflow", overflow, "PT1H", "P213503982334602D").req("RA-11");
    cases.push(overflow.refused(Some("max_duration"), "standard"));
    let number = Case::changed("duration-number", "A number of seconds.", "\"PT1H\"", "3600").req("RA-10");
    cases.push(number.refused(Some("max_duration"), "standard"));
    let text = "One second more than up to the last date.";
    let case = Case::changed("duration-too-long", text, "PT1H", "253402300800s").req("RA-11");
    cases.push(case.refused(Some("max_duration"), "duration-long"));
    // The longest of all has no token: it would end after the year 9999.
    let century = token(
        RESOURCE,
        "scheduling",
        (3_153_600_000, "P36500D"),
        &[["calendar", "/calendars/primary", "read"], ["calendar", "/calendars/primary", "write"]],
        &[("calendar", &["https://calendar.example.com/calendars/primary"], &["read", "write"])],
    );
    cases.push(Case::changed("duration-long", "Long, and in range.", "PT1H", "36500d").req("RA-11").ok([century]));
    cases
}
