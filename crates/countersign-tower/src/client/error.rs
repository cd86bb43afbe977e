//! What keeps a signed request from being sent, or from being answered.

use std::error::Error;
use std::fmt;

use countersign::jsonrpc;
use countersign::request::SignError;
use countersign::token::TokenError;

use super::key::BoxError;
use super::refusal::Refusal;

/// A request was not signed, not sent, or refused.
///
/// Up to and including [`ErrorKind::Key`] nothing was sent.
#[derive(Debug)]
pub struct ClientError {
    kind: ErrorKind,
    source: Option<BoxError>,
}

/// What kind of thing went wrong.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The token can't be narrowed or sealed.
    Token(TokenError),
    /// The signer was made from a sealed token, which no one can narrow.
    Sealed,
    /// The key is not the one that the token names as its current holder.
    NotTheHolder,
    /// A URL that is not absolute `http` or `https`, or that carries user information.
    Url,
    /// The token is for another origin: the request would hand it to a stranger.
    OtherOrigin,
    /// The field `Host` and the URL name different authorities.
    Host,
    /// A field value that is not UTF-8 text.
    Field,
    /// Every verifier would refuse the request.
    Sign(SignError),
    /// Every verifier would refuse the JSON-RPC message.
    Message(jsonrpc::SignError),
    /// The body is longer than the client's limit.
    BodyTooLarge,
    /// The request's body broke off while it was read.
    Body,
    /// The source of randomness failed.
    Random,
    /// The key could not sign, or what it gave is no signature by the holder.
    Key,
    /// The inner client failed. Whether the request arrived is not known.
    Transport,
    /// The service refused, and the client is set to make errors of refusals.
    Refused(Box<Refusal>),
}

impl ClientError {
    pub(crate) const fn new(kind: ErrorKind) -> Self {
        Self { kind, source: None }
    }

    pub(crate) fn by(kind: ErrorKind, source: impl Into<BoxError>) -> Self {
        Self { kind, source: Some(source.into()) }
    }

    /// What kind of thing went wrong.
    pub const fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// The refusal, where it is one.
    pub fn refusal(&self) -> Option<&Refusal> {
        match &self.kind {
            ErrorKind::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }
}

impl From<TokenError> for ClientError {
    fn from(error: TokenError) -> Self {
        Self::new(ErrorKind::Token(error))
    }
}

impl From<SignError> for ClientError {
    fn from(error: SignError) -> Self {
        Self::new(ErrorKind::Sign(error))
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.kind {
            ErrorKind::Token(error) => return error.fmt(f),
            ErrorKind::Sign(error) => return error.fmt(f),
            ErrorKind::Message(error) => return error.fmt(f),
            ErrorKind::Refused(refusal) => return refusal.fmt(f),
            ErrorKind::Sealed => "the token is sealed and can't be narrowed",
            ErrorKind::NotTheHolder => "the key is not the one that the token names as its current holder",
            ErrorKind::Url => "not an absolute http or https url without user information",
            ErrorKind::OtherOrigin => "the token is for another origin than the request's",
            ErrorKind::Host => "the host field and the url name different authorities",
            ErrorKind::Field => "a field value is not utf-8 text",
            ErrorKind::BodyTooLarge => "the body is longer than the client's limit",
            ErrorKind::Body => "the request's body broke off",
            ErrorKind::Random => "the source of randomness failed",
            ErrorKind::Key => "the key did not give a signature by the token's holder",
            ErrorKind::Transport => "the request could not be sent, or its answer not be received",
        })
    }
}

impl Error for ClientError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}
