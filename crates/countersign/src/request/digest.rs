//! Content-Digest (RFC 9530): sha-256 and sha-512, nothing else.

use sha2::{Digest as _, Sha256, Sha512};

use super::fields::{Malformed, byte_sequences, sized};
use crate::encoding::to_base64;

/// A digest algorithm of the profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DigestAlgorithm {
    /// `sha-256`.
    Sha256,
    /// `sha-512`.
    Sha512,
}

impl DigestAlgorithm {
    /// Its key in Content-Digest.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha-256",
            Self::Sha512 => "sha-512",
        }
    }
}

/// What a Content-Digest field promises. A value of a wrong length promises what no body has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Expected {
    sha256: Option<Option<[u8; 32]>>,
    sha512: Option<Option<Box<[u8; 64]>>>,
}

/// Why a Content-Digest field was refused.
pub(crate) enum FieldError {
    Malformed,
    Algorithm,
}

impl From<Malformed> for FieldError {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

impl Expected {
    // spec: RQ-25, RQ-26
    pub(crate) fn parse(text: &str) -> Result<Self, FieldError> {
        let mut expected = Self::default();
        for (key, value) in byte_sequences(text, |_| true)? {
            match key {
                "sha-256" => expected.sha256 = Some(sized(value)),
                "sha-512" => expected.sha512 = Some(sized(value).map(Box::new)),
                _ => return Err(FieldError::Algorithm),
            }
        }
        Ok(expected)
    }

    /// A hasher for the algorithms that the field lists, and for SHA-256, which the operation's digest names.
    pub(crate) fn hasher(&self) -> BodyHasher {
        BodyHasher { sha256: Sha256::new(), sha512: self.sha512.is_some().then(Sha512::new), len: 0 }
    }

    /// Whether every listed digest is the body's.
    // spec: RQ-49, RQ-50
    pub(crate) fn matches(&self, body: &BodyDigest) -> bool {
        let sha256 = match &self.sha256 {
            None => true,
            Some(expected) => expected.as_ref() == Some(&body.sha256),
        };
        let sha512 = match (&self.sha512, &body.sha512) {
            (None, _) => true,
            (Some(Some(expected)), Some(found)) => expected.as_ref() == found,
            (Some(_), _) => false,
        };
        sha256 && sha512
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sha256.is_none() && self.sha512.is_none()
    }
}

/// Hashes a body as it is received, content codings still on.
#[derive(Clone, Debug)]
pub struct BodyHasher {
    sha256: Sha256,
    sha512: Option<Sha512>,
    len: u64,
}

impl BodyHasher {
    /// Takes the next bytes of the body.
    pub fn update(&mut self, bytes: &[u8]) {
        self.len = self.len.saturating_add(bytes.len() as u64);
        self.sha256.update(bytes);
        if let Some(hasher) = &mut self.sha512 {
            hasher.update(bytes);
        }
    }

    /// The whole body was taken.
    pub fn finish(self) -> BodyDigest {
        BodyDigest {
            sha256: self.sha256.finalize().into(),
            sha512: self.sha512.map(|hasher| hasher.finalize().into()),
            len: self.len,
        }
    }
}

/// The digests of a whole body.
#[derive(Clone, Debug)]
pub struct BodyDigest {
    pub(crate) sha256: [u8; 32],
    sha512: Option<[u8; 64]>,
    pub(crate) len: u64,
}

/// The value of a Content-Digest field for `body`.
pub fn content_digest(algorithm: DigestAlgorithm, body: &[u8]) -> String {
    let digest = match algorithm {
        DigestAlgorithm::Sha256 => to_base64(&Sha256::digest(body)),
        DigestAlgorithm::Sha512 => to_base64(&Sha512::digest(body)),
    };
    format!("{}=:{digest}:", algorithm.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_digest_must_match() {
        let good = [DigestAlgorithm::Sha256, DigestAlgorithm::Sha512].map(|algorithm| content_digest(algorithm, b"{}"));
        let other = content_digest(DigestAlgorithm::Sha512, b"[]");
        let holds = |field: &str| {
            let Ok(expected) = Expected::parse(field) else { panic!("{field} is a digest field") };
            let mut hasher = expected.hasher();
            hasher.update(b"{");
            hasher.update(b"}");
            expected.matches(&hasher.finish())
        };
        assert!(holds(&good[0]));
        assert!(holds(&good.join(", ")));
        assert!(!holds(&[good[0].as_str(), other.as_str()].join(", ")));
        assert!(!holds("sha-256=:AAAA:"));
        assert!(matches!(Expected::parse("sha-256=:AA==:, md5=:AA==:"), Err(FieldError::Algorithm)));
        assert!(matches!(Expected::parse("sha-256=AA"), Err(FieldError::Malformed)));
    }
}
