//! Vectors of authorization details (`test-vectors/README.md`, Authorization details).

use anyhow::bail;
use countersign::rar::{AuthorizationDetails, RarError, Request, Requested, Resource};
use serde::Deserialize;

use super::format::Vector;

/// The folder of these vectors.
pub(super) const FOLDER: &str = "rar";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    details: String,
    resource: Option<String>,
    purpose: Option<String>,
    max_duration: Option<String>,
}

#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(tag = "result", rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum Expect {
    Ok { tokens: Vec<Token> },
    Refused { error: String, member: Option<String> },
}

#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(super) struct Token {
    audience: String,
    purpose: String,
    duration: u64,
    rights: Vec<[String; 3]>,
    details: String,
}

/// Runs one vector: what comes of the details, and what comes of the expected details of each token.
pub(super) fn check(vector: &Vector<Input, Expect>) -> anyhow::Result<()> {
    let found = match read(&vector.input) {
        Ok(requested) => Expect::Ok { tokens: requested.iter().map(said).collect::<Result<_, _>>()? },
        Err(error) => {
            Expect::Refused { error: error.oauth_error().to_owned(), member: error.member().map(str::to_owned) }
        }
    };
    if found != vector.expect {
        bail!("not {:?} but {found:?}", vector.expect);
    }
    let Expect::Ok { tokens } = &vector.expect else { return Ok(()) };
    for token in tokens {
        let back = AuthorizationDetails::parse(token.details.as_bytes())?;
        let back = back.grants(&Request::for_resource(Resource::parse(&token.audience)?))?;
        let back = back.iter().map(said).collect::<Result<Vec<_>, _>>()?;
        if back.as_slice() != core::slice::from_ref(token) {
            bail!("its details, read again, are not {token:?} but {back:?}");
        }
    }
    Ok(())
}

fn read(input: &Input) -> Result<Vec<Requested>, RarError> {
    let mut request = match &input.resource {
        Some(resource) => Request::for_resource(Resource::parse(resource)?),
        None => Request::default(),
    };
    if let Some(purpose) = &input.purpose {
        request = request.purpose(purpose);
    }
    if let Some(duration) = &input.max_duration {
        request = request.max_duration(duration.parse()?);
    }
    AuthorizationDetails::parse(input.details.as_bytes())?.grants(&request)
}

/// A token in the form of a vector.
fn said(requested: &Requested) -> Result<Token, RarError> {
    Ok(Token {
        audience: requested.audience().to_owned(),
        purpose: requested.purpose().to_owned(),
        duration: requested.max_duration().seconds(),
        rights: requested
            .rights()
            .map(|right| [right.r#type, right.location, right.action].map(str::to_owned))
            .collect(),
        details: requested.details()?.to_json(),
    })
}
