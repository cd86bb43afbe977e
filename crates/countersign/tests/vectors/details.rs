//! Authorization details through the core, by way of real tokens.

use countersign::key::SigningKey;
use countersign::rar::{AuthorizationDetails, RarError, Request, Requested, Resource};
use countersign::time::UnixTime;
use countersign::token::{Claims, Grant};
use countersign_testkit::format_rar::{Expect, Input, Token, Vector};

const NOW: UnixTime = UnixTime(1_795_453_200);

fn grants(input: &Input) -> Result<Vec<Requested>, RarError> {
    let mut request = Request::default();
    if let Some(resource) = &input.resource {
        request = Request::for_resource(Resource::parse(resource)?);
    }
    if let Some(purpose) = &input.purpose {
        request = request.purpose(purpose);
    }
    if let Some(duration) = &input.max_duration {
        request = request.max_duration(duration.parse()?);
    }
    AuthorizationDetails::parse(input.details.as_bytes())?.grants(&request)
}

/// What a token says, in the form of a vector. It also holds the round trip.
fn said(claims: Claims<'_>, requested: &Requested) -> Token {
    let details = AuthorizationDetails::of(claims).unwrap();
    let resource = Resource::parse(claims.audience()).unwrap();
    let read = AuthorizationDetails::parse(details.to_json().as_bytes()).unwrap();
    assert_eq!(read, details);
    assert_eq!(read.grants(&Request::for_resource(resource)).unwrap(), core::slice::from_ref(requested));
    Token {
        audience: claims.audience().to_owned(),
        purpose: claims.purpose().to_owned(),
        duration: claims.expires().0.checked_sub(claims.issued_at().0).unwrap(),
        rights: claims.rights().map(|right| [right.r#type, right.location, right.action].map(str::to_owned)).collect(),
        details: details.to_json(),
    }
}

pub(crate) fn read(vector: &Vector) -> Expect {
    match grants(&vector.input) {
        Ok(requested) => {
            let [issuer, agent, next] = [1, 2, 3].map(|seed| SigningKey::from_seed(&[seed; 32]));
            let grant = Grant::new("https://hub.example", "alice@example.com", "calendar-bot", agent.public());
            let tokens = requested.iter().map(|requested| {
                let token = requested.apply(grant.clone(), NOW).sign(&issuer, &next).unwrap();
                said(token.claims(), requested)
            });
            Expect::Ok { tokens: tokens.collect() }
        }
        Err(error) => {
            Expect::Refused { error: error.oauth_error().to_owned(), member: error.member().map(str::to_owned) }
        }
    }
}
