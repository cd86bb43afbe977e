//! `rar/knockout.json`: found missing by `test-vectors/knockout`.

use super::{Case, STANDARD, token};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let defaults = |case: Case| {
        case.input(|input| {
            input.purpose = Some("billing".into());
            input.max_duration = Some("10m".into());
        })
    };
    for (slug, comment, from, to, req, member) in [
        (
            "purpose-number-beside-default",
            "A purpose that is a number, with one by default.",
            "\"scheduling\"",
            "1",
            "RA-5",
            "purpose",
        ),
        (
            "duration-number-beside-default",
            "A number of seconds, with a duration by default.",
            "\"PT1H\"",
            "3600",
            "RA-10",
            "max_duration",
        ),
    ] {
        cases.push(defaults(Case::changed(slug, comment, from, to).req(req)).refused(Some(member), "defaults-unused"));
    }
    let rights = ["read", "write"].map(|action| ["calendar", "/calendars/primary", action]);
    let resource = |length: usize| format!("{:a<length$}", "https://calendar.example.com/");
    let asked = |slug: &str, comment: &str, length: usize| {
        Case::new(slug, comment, STANDARD).resource(Some(&resource(length))).req("RA-17")
    };
    let details = [("calendar", &["/calendars/primary"][..], &["read", "write"][..])];
    let longest = token(&resource(1_024), "scheduling", (3_600, "PT1H"), &rights, &details);
    cases.push(asked("resource-long", "A resource of 1,024 bytes.", 1_024).ok([longest]));
    cases.push(asked("resource-too-long", "A resource of 1,025 bytes.", 1_025).bad_target(None, "resource-long"));
    let origin = |host: &str| format!("https://{host}");
    let at = |slug: &str, comment: &str, host: &str| {
        let url = format!("\"{}/calendars/primary\"", origin(host));
        Case::changed(slug, comment, "\"/calendars/primary\"", &url).resource(None).req("RA-14")
    };
    let host = ["a"; 127].join(".");
    let url = format!("{}/calendars/primary", origin(&host));
    let details = [("calendar", &[url.as_str()][..], &["read", "write"][..])];
    let longest = token(&origin(&host), "scheduling", (3_600, "PT1H"), &rights, &details);
    cases.push(at("host-long", "A host of 253 characters.", &host).ok([longest]));
    let case = at("host-too-long", "A host of 254 characters.", &format!("a{host}"));
    cases.push(case.refused(Some("locations"), "host-long"));
    cases
}
