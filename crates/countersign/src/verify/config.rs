//! What a verifier is told about its service.

use core::fmt;

use super::cache::ChainCache;
use crate::key::{PublicKey, VerifyingKey};
use crate::request::{Scheme, normalise};

/// Configures a [`super::Verifier`].
#[derive(Clone, Debug, Default)]
pub struct VerifierBuilder {
    audiences: Vec<String>,
    authorities: Vec<String>,
    issuers: Vec<(String, Vec<PublicKey>)>,
    max_body: Option<u64>,
    cache: Option<usize>,
    accept_unsigned: bool,
}

impl VerifierBuilder {
    /// The body limit unless told otherwise: 1 MiB.
    pub const DEFAULT_MAX_BODY: u64 = 1 << 20;

    /// A resource identifier of the service (RFC 8707): an absolute URL, path included, without query and fragment.
    #[must_use]
    pub fn audience(mut self, audience: &str) -> Self {
        self.audiences.push(audience.to_owned());
        self
    }

    /// A name under which the service is reached, as in `Host`.
    #[must_use]
    pub fn authority(mut self, authority: &str) -> Self {
        self.authorities.push(authority.to_owned());
        self
    }

    /// An issuer and its keys.
    #[must_use]
    pub fn issuer(mut self, issuer: &str, keys: impl IntoIterator<Item = PublicKey>) -> Self {
        self.issuers.push((issuer.to_owned(), keys.into_iter().collect()));
        self
    }

    /// The greatest body, in bytes.
    #[must_use]
    pub fn max_body(mut self, bytes: u64) -> Self {
        self.max_body = Some(bytes);
        self
    }

    /// Takes resumed requests that no key signed: the bindings `dpop` and `bearer`. For the issuer of the tokens itself.
    // spec: VF-48
    #[must_use]
    pub fn accept_unsigned(mut self, accept: bool) -> Self {
        self.accept_unsigned = accept;
        self
    }

    /// Remembers up to about `prefixes` token prefixes whose signatures hold; 0 remembers none.
    #[must_use]
    pub fn cache(mut self, prefixes: usize) -> Self {
        self.cache = Some(prefixes);
        self
    }

    /// Holds the configuration to the rules of `spec/verify.md`.
    pub fn build(self) -> Result<super::Verifier, ConfigError> {
        let first = self.audiences.first().ok_or(ConfigError::NoAudience)?;
        let scheme = Scheme::of(first);
        let mut services: Vec<Service> = Vec::new();
        for audience in self.audiences {
            let path = audience_path(&audience).ok_or(ConfigError::Audience)?.to_owned();
            if Scheme::of(&audience) != scheme || services.iter().any(|known| known.path == path) {
                return Err(ConfigError::Audiences);
            }
            services.push(Service { audience, path });
        }
        // The longest path that covers a request decides.
        services.sort_by_key(|service| core::cmp::Reverse(service.path.len()));
        if self.authorities.is_empty() {
            return Err(ConfigError::NoAuthority);
        }
        let authorities = self.authorities.iter().map(|name| normalise(name, scheme).ok_or(ConfigError::Authority));
        let authorities = authorities.collect::<Result<Vec<_>, _>>()?;
        let mut issuers: Vec<Issuer> = Vec::new();
        for (name, keys) in self.issuers {
            if keys.is_empty() || issuers.iter().any(|known| known.name == name) {
                return Err(ConfigError::Issuer);
            }
            let keys = keys.into_iter().map(|key| VerifyingKey::new(key).map(|verifying| (key, verifying)));
            issuers.push(Issuer { name, keys: keys.collect::<Option<_>>().ok_or(ConfigError::IssuerKey)? });
        }
        if issuers.is_empty() {
            return Err(ConfigError::NoIssuer);
        }
        let cache = self.cache.unwrap_or(super::DEFAULT_CACHE);
        Ok(super::Verifier::new(Config {
            scheme,
            services,
            authorities,
            issuers,
            max_body: self.max_body.unwrap_or(Self::DEFAULT_MAX_BODY),
            accept_unsigned: self.accept_unsigned,
            cache: (cache > 0).then(|| ChainCache::new(cache)),
        }))
    }
}

/// The path of an audience, `/` where it is empty.
fn audience_path(audience: &str) -> Option<&str> {
    let lower = audience.get(..8)?.to_ascii_lowercase();
    let rest = if lower.starts_with("https://") {
        audience.get(8..)?
    } else {
        audience.get(7..).filter(|_| lower.starts_with("http://"))?
    };
    if rest.contains(['?', '#']) || rest.starts_with('/') || rest.is_empty() {
        return None;
    }
    Some(rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/"))
}

#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) scheme: Scheme,
    /// The longest path first.
    pub(crate) services: Vec<Service>,
    pub(crate) authorities: Vec<String>,
    pub(crate) issuers: Vec<Issuer>,
    pub(crate) max_body: u64,
    pub(crate) accept_unsigned: bool,
    pub(crate) cache: Option<ChainCache>,
}

#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) audience: String,
    pub(crate) path: String,
}

#[derive(Debug)]
pub(crate) struct Issuer {
    pub(crate) name: String,
    pub(crate) keys: Vec<(PublicKey, VerifyingKey)>,
}

/// A configuration that no verifier can work by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// No audience.
    NoAudience,
    /// An audience that is no absolute http or https URL without query and fragment.
    Audience,
    /// Two audiences with one path, or of two schemes.
    Audiences,
    /// No authority.
    NoAuthority,
    /// An authority that is no host and port.
    Authority,
    /// No issuer.
    NoIssuer,
    /// An issuer twice, or without keys.
    Issuer,
    /// An issuer's key that is no point of the curve.
    IssuerKey,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoAudience => "no audience is configured",
            Self::Audience => "an audience is not an absolute http or https URL without query and fragment",
            Self::Audiences => "two audiences have the same path or different schemes",
            Self::NoAuthority => "no authority is configured",
            Self::Authority => "an authority is not a host name with an optional port",
            Self::NoIssuer => "no issuer is configured",
            Self::Issuer => "an issuer is configured twice or without keys",
            Self::IssuerKey => "a key of an issuer is not an Ed25519 public key",
        })
    }
}

impl core::error::Error for ConfigError {}
