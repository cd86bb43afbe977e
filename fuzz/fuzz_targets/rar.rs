//! Authorization details become tokens that grant exactly what was asked for, or are refused without a panic; and the
//! details of each token give it again.
//!
//! The first byte says resource and defaults, the rest is the text; where its highest bit is set, the text is generated.
#![no_main]

use std::collections::BTreeSet;

use arbitrary::Unstructured;
use countersign::rar::{
    AuthorizationDetails, MAX_RIGHTS, MAX_TOKENS, MaxDuration, RarError, Request, Requested, Resource,
};
use countersign::time::UnixTime;
use countersign::token::{Claims, ErrorKind, Grant};
use countersign::verify::is_valid_resource;
use countersign_fuzz::{details, keys};
use libfuzzer_sys::fuzz_target;

const NOW: UnixTime = UnixTime(1_795_453_200);

fuzz_target!(|data: &[u8]| {
    let Some((options, rest)) = data.split_first() else { return };
    let resource = details::RESOURCES[usize::from(options & 3)];
    let defaults = options & 4 == 0;
    if options & 0x80 == 0 {
        run(rest, resource, defaults);
    } else if let Ok(text) = details::text(&mut Unstructured::new(rest)) {
        run(text.as_bytes(), resource, defaults);
    }
});

fn run(text: &[u8], resource: Option<&str>, defaults: bool) {
    let parsed = match AuthorizationDetails::parse(text) {
        Ok(parsed) => parsed,
        Err(error) => return refused(&error),
    };
    assert_eq!(reread(&parsed), parsed, "another meaning");
    let mut request = at(resource);
    if defaults {
        request =
            request.purpose(details::DEFAULT.0).max_duration(MaxDuration::from_seconds(details::DEFAULT.1).unwrap());
    }
    let requested = match parsed.grants(&request) {
        Ok(requested) => requested,
        Err(error) => return refused(&error),
    };
    assert_eq!(reread(&parsed).grants(&request).unwrap(), requested);
    assert!((1..=MAX_TOKENS).contains(&requested.len()));
    let mut granted = details::Asked::new();
    let mut triples = BTreeSet::new();
    for token in &requested {
        let triple = (token.audience(), token.purpose(), token.max_duration());
        assert!(triples.insert(triple), "two tokens for one triple");
        assert!((1..=MAX_RIGHTS).contains(&token.rights().count()));
        for right in token.rights() {
            assert!(is_valid_resource(right.location), "{right:?}");
            let right = [right.r#type, right.location, right.action].map(str::to_owned);
            granted.insert((triple.0.to_owned(), triple.1.to_owned(), triple.2.seconds(), right));
        }
        there_and_back(token);
    }
    assert_eq!(granted, details::asked(text, resource), "another grant than was asked for");
}

fn at(resource: Option<&str>) -> Request {
    resource.map_or_else(Request::default, |text| Request::for_resource(Resource::parse(text).unwrap()))
}

fn reread(details: &AuthorizationDetails) -> AuthorizationDetails {
    AuthorizationDetails::parse(details.to_json().as_bytes()).expect("what was written is read")
}

fn there_and_back(requested: &Requested) {
    again(&requested.details().unwrap(), requested);
    let grant = Grant::new("https://hub.example", "alice", "bot", keys::root().public());
    match requested.apply(grant, NOW).sign(&keys::root(), &keys::root()) {
        Ok(token) => {
            says(token.claims(), requested);
            assert_eq!(AuthorizationDetails::of(token.claims()).unwrap(), requested.details().unwrap());
        }
        // Too long, or past the last date.
        Err(error) => assert!(matches!(error.kind(), ErrorKind::Decode(_)), "{error}"),
    }
}

fn says(claims: Claims<'_>, requested: &Requested) {
    assert_eq!((claims.audience(), claims.purpose()), (requested.audience(), requested.purpose()));
    assert_eq!(claims.expires().0 - claims.issued_at().0, requested.max_duration().seconds());
    assert!(claims.rights().eq(requested.rights()));
}

fn again(details: &AuthorizationDetails, requested: &Requested) {
    let read = reread(details);
    assert_eq!(read.grants(&at(Some(requested.audience()))).unwrap(), std::slice::from_ref(requested));
    if let Ok(alone) = read.grants(&Request::default()) {
        assert_eq!(alone, std::slice::from_ref(requested));
    }
}

/// A refusal shows nothing that acts on a terminal, and not much of anything.
fn refused(error: &RarError) {
    let told = error.to_string();
    assert!(told.len() < 600, "{told}");
    assert!(told.chars().all(|c| c == '…' || c == ' ' || c.is_ascii_graphic()), "{told:?}");
}
