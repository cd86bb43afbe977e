//! Authorization details from arbitrary bytes, and what they ask for by another reading.

use std::collections::BTreeSet;

use arbitrary::{Result, Unstructured};
use serde_json::{Map, Value, json};

/// Resources that details are asked for, by number; the first is none.
pub const RESOURCES: [Option<&str>; 4] = [
    None,
    Some("https://calendar.example.com"),
    Some("https://api.example.com/v1"),
    Some("https://calendar.example.com/"),
];

/// What holds for details without a purpose and a duration.
pub const DEFAULT: (&str, u64) = ("default", 600);

const ORIGINS: [&str; 9] = [
    "",
    "https://calendar.example.com",
    "https://api.example.com",
    "http://127.0.0.1:8600",
    "https://[::1]",
    "https://Calendar.example.com",
    "https://calendar.example.com:443",
    "https://user@calendar.example.com",
    "https://calendar.example.com.",
];
const PATHS: [&str; 12] =
    ["", "/", "/v1", "/v1/", "/v1/a", "/v1-old", "/a%20b", "/%61", "/..", "//a", "name/of", "/a?b#c"];
const WORDS: [&str; 8] = ["calendar", "read", "write", "", "a\nb", "\"\\/", "\u{202e}", "\u{1f916}"];
const DURATIONS: [&str; 10] = ["PT1H", "1h", "60m", "P1D", "PT24H", "PT0S", "P1M", "P1DT", "253402300800s", "10m"];
const NAMES: [&str; 7] = [
    "datatypes",
    "identifier",
    "privileges",
    "Type",
    "x",
    "\u{1b}[2J",
    "a name that is longer than thirty-two characters",
];

/// A text of details, of which most are taken.
pub fn text(u: &mut Unstructured<'_>) -> Result<String> {
    let mut details = Vec::new();
    for _ in 0..u.int_in_range(1..=6)? {
        details.push(detail(u)?);
    }
    Ok(Value::from(details).to_string())
}

fn detail(u: &mut Unstructured<'_>) -> Result<Value> {
    let mut members = Map::new();
    let mut locations = Vec::new();
    let mut actions = Vec::new();
    for _ in 0..u.int_in_range(1..=4)? {
        locations.push([mostly(u, &ORIGINS, 3)?, mostly(u, &PATHS[1..], 4)?].concat());
        actions.push(word(u)?);
    }
    members.insert("type".into(), word(u)?.into());
    members.insert("locations".into(), locations.into());
    members.insert("actions".into(), actions.into());
    if u.arbitrary()? {
        members.insert("purpose".into(), word(u)?.into());
    }
    if u.arbitrary()? {
        members.insert("max_duration".into(), mostly(u, &DURATIONS, 5)?.into());
    }
    if u.ratio(1, 16)? {
        let name = if u.arbitrary()? { (*u.choose(&NAMES)?).to_owned() } else { u.arbitrary()? };
        members.insert(name, json!(1));
    }
    if u.ratio(1, 16)? {
        members.remove(*u.choose(&["type", "locations", "actions"])?);
    }
    Ok(members.into())
}

fn word(u: &mut Unstructured<'_>) -> Result<String> {
    if u.ratio(1, 8)? { u.arbitrary() } else { mostly(u, &WORDS, 3).map(str::to_owned) }
}

/// One of the first `good`, or now and then one of all.
fn mostly<'a>(u: &mut Unstructured<'_>, all: &[&'a str], good: usize) -> Result<&'a str> {
    if u.ratio(7, 8)? { u.choose(&all[..good]).copied() } else { u.choose(all).copied() }
}

/// Audience, purpose, seconds, and a right: what is asked for, entry by entry.
pub type Asked = BTreeSet<(String, String, u64, [String; 3])>;

/// What a text that was taken asks for, by the plainest reading of `spec/rar.md` over another JSON parser.
pub fn asked(text: &[u8], resource: Option<&str>) -> Asked {
    let details: Vec<Map<String, Value>> = serde_json::from_slice(text).expect("another parser reads it");
    let mut asked = Asked::new();
    for detail in &details {
        let known = ["type", "locations", "actions", "purpose", "max_duration"];
        assert!(detail.keys().all(|name| known.contains(&name.as_str())), "a member was dropped: {detail:?}");
        let purpose = detail.get("purpose").map_or(DEFAULT.0, |purpose| purpose.as_str().unwrap());
        let duration = detail.get("max_duration").map_or(DEFAULT.1, |text| seconds(text.as_str().unwrap()));
        for location in detail["locations"].as_array().unwrap() {
            let location = location.as_str().unwrap();
            let (origin, right) = match location.find("://") {
                Some(scheme) => location.split_at(scheme + 3 + location[scheme + 3..].find('/').unwrap()),
                None => ("", location),
            };
            for action in detail["actions"].as_array().unwrap() {
                let right = [detail["type"].as_str().unwrap(), right, action.as_str().unwrap()].map(str::to_owned);
                asked.insert((resource.unwrap_or(origin).to_owned(), purpose.to_owned(), duration, right));
            }
        }
    }
    asked
}

/// The length of a duration that was taken: each number times its unit.
fn seconds(text: &str) -> u64 {
    let mut number = 0;
    let mut sum = 0;
    for c in text.chars() {
        let unit = match c {
            '0'..='9' => {
                number = number * 10 + u64::from(c.to_digit(10).unwrap());
                continue;
            }
            'P' | 'T' => continue,
            's' | 'S' => 1,
            'm' | 'M' => 60,
            'h' | 'H' => 3_600,
            'd' | 'D' => 86_400,
            _ => panic!("{text} is a duration?"),
        };
        sum += number * unit;
        number = 0;
    }
    assert_eq!(number, 0, "{text} is a duration?");
    sum
}
