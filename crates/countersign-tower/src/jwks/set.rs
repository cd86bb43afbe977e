//! JWK Sets (RFC 7517) of Ed25519 keys (RFC 8037; `spec/token.md`, Keys).

use std::fmt;

use countersign::json::{Object, Value};
use countersign::key::PublicKey;
use countersign::verify::IssuerKeys;
use countersign::{from_base64url, to_base64url};
use serde_json::json;

/// The public keys of a JWK Set that can sign tokens, each once, in the set's order.
///
/// ```
/// use countersign_tower::jwks::JwkSet;
///
/// let set = JwkSet::parse(br#"{"keys":[
///     {"kty":"OKP","crv":"Ed25519","x":"_cQd4QuqcZcEGA1qeI-q08vo6VaY88axmhykruVwZvg","use":"sig"},
///     {"kty":"RSA","n":"0vx7ago","e":"AQAB"}
/// ]}"#)?;
/// assert_eq!(set.keys().len(), 1);
/// # Ok::<(), countersign_tower::jwks::JwkSetError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JwkSet(Vec<PublicKey>);

impl JwkSet {
    /// The longest document that is read, in bytes.
    pub const MAX_BYTES: usize = 64 * 1024;

    /// Reads a set.
    ///
    /// Keys of other types, curves, uses and algorithms are passed over, as RFC 7517 section 5 asks. A set with a private or
    /// symmetric key anywhere is refused as a whole: whoever published it has more to mend than one key. `kid` is not read:
    /// tokens name no key, and thumbprints are computed. A set without any key of ours is a set of no keys.
    // spec: TK-52
    pub fn parse(document: &[u8]) -> Result<Self, JwkSetError> {
        if document.len() > Self::MAX_BYTES {
            return Err(JwkSetError::TooLong);
        }
        // What two parsers could read differently is refused, wherever in the document it stands.
        let document = Value::parse(document).map_err(|_| JwkSetError::Malformed)?;
        let keys = document.as_object().and_then(|set| set.member("keys")).and_then(Value::as_array);
        let keys = keys.ok_or(JwkSetError::Malformed)?;
        let mut set: Vec<PublicKey> = Vec::new();
        for key in keys {
            let key = key.as_object().ok_or(JwkSetError::Malformed)?;
            // Private halves of OKP, EC and RSA keys; of symmetric keys; of those of RFC 9964.
            if ["d", "k", "priv"].iter().any(|name| key.member(name).is_some()) {
                return Err(JwkSetError::Private);
            }
            if let Some(key) = usable(key)?
                && !set.contains(&key)
            {
                set.push(key);
            }
        }
        if set.len() > IssuerKeys::LIMIT {
            return Err(JwkSetError::TooMany);
        }
        Ok(Self(set))
    }

    /// A set of these keys, for publishing.
    pub fn of(keys: impl IntoIterator<Item = PublicKey>) -> Self {
        Self(keys.into_iter().collect())
    }

    /// The keys.
    pub fn keys(&self) -> &[PublicKey] {
        &self.0
    }

    /// The document: for each key `kty`, `crv`, `x`, `use`, and as `kid` its thumbprint.
    // `alg` is left out: readers differ in whether it is `EdDSA` (RFC 8037) or `Ed25519` (RFC 9864).
    pub fn to_json(&self) -> String {
        let keys: Vec<serde_json::Value> = self.0.iter().map(jwk).collect();
        json!({ "keys": keys }).to_string()
    }
}

fn jwk(key: &PublicKey) -> serde_json::Value {
    let (x, kid) = (to_base64url(key.as_bytes()), key.id().to_string());
    json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid, "use": "sig" })
}

/// The key, where it is one of ours.
fn usable(key: &Object) -> Result<Option<PublicKey>, JwkSetError> {
    let text = |name| match key.member(name) {
        None => Ok(None),
        Some(value) => value.as_str().map(Some).ok_or(JwkSetError::Malformed),
    };
    let kty = text("kty")?.ok_or(JwkSetError::Malformed)?;
    let (crv, r#use, alg) = (text("crv")?, text("use")?, text("alg")?);
    let verifies = match key.member("key_ops").map(Value::as_array) {
        None => true,
        Some(Some(uses)) => uses.iter().any(|r#use| r#use.as_str() == Some("verify")),
        Some(None) => return Err(JwkSetError::Malformed),
    };
    let ours = (kty, crv) == ("OKP", Some("Ed25519"))
        && matches!(r#use, None | Some("sig"))
        && matches!(alg, None | Some("EdDSA" | "Ed25519"))
        && verifies;
    if !ours {
        return Ok(None);
    }
    let x = text("x")?.and_then(from_base64url).and_then(|x| x.try_into().ok());
    x.map(|x| Some(PublicKey::from_bytes(x))).ok_or(JwkSetError::Malformed)
}

/// A document that is no set of public keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JwkSetError {
    /// Longer than [`JwkSet::MAX_BYTES`].
    TooLong,
    /// Not JSON, a member twice in an object, not the form of RFC 7517, or an Ed25519 key whose `x` is not the base64url of
    /// 32 bytes.
    Malformed,
    /// A private or symmetric key stands in it.
    Private,
    /// More than [`IssuerKeys::LIMIT`] keys that can sign tokens.
    TooMany,
}

impl fmt::Display for JwkSetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the key set is longer than 64 KiB",
            Self::Malformed => "not a JWK Set in the form of RFC 7517",
            Self::Private => "the key set has a private key in it",
            Self::TooMany => "the key set has more than 8 Ed25519 keys",
        })
    }
}

impl std::error::Error for JwkSetError {}

#[cfg(test)]
mod tests {
    use super::*;

    const X: &str = "_cQd4QuqcZcEGA1qeI-q08vo6VaY88axmhykruVwZvg";

    fn parse(text: &str) -> Result<usize, JwkSetError> {
        JwkSet::parse(text.as_bytes()).map(|set| set.keys().len())
    }

    /// A set with the one key, and these members more.
    fn with(members: &str) -> Result<usize, JwkSetError> {
        parse(&format!(r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","x":"{X}"{members}}}]}}"#))
    }

    // spec: TK-52
    #[test]
    fn reads_the_keys_that_can_sign_tokens_and_passes_over_others() {
        for good in [
            "",
            r#","use":"sig""#,
            r#","alg":"EdDSA""#,
            r#","alg":"Ed25519""#,
            r#","key_ops":["verify"]"#,
            r#","kid":"2026-11""#,
            r#","kid":7,"x5c":[],"unknown":{}"#,
        ] {
            assert_eq!(with(good), Ok(1), "{good}");
        }
        for other in [r#","use":"enc""#, r#","alg":"ES256""#, r#","alg":"Ed448""#, r#","key_ops":["sign"]"#] {
            assert_eq!(with(other), Ok(0), "{other}");
        }
        let keys = format!(
            r#"{{"keys":[{{"kty":"RSA","n":"AQ","e":"AQAB"}},{{"kty":"OKP","crv":"X25519","x":"{X}"}},
            {{"kty":"EC","crv":"Ed25519","x":"{X}"}},{{"kty":"OKP","x":"{X}"}},{{"kty":"OKP","crv":"Ed25519","x":"{X}"}},
            {{"kty":"OKP","crv":"Ed25519","x":"{X}","use":"sig"}}],"other":1}}"#
        );
        let set = JwkSet::parse(keys.as_bytes()).map(|set| set.to_json()).unwrap_or_default();
        // `x` and key id of the example in `spec/token.md`.
        let kid = "NxrCHrTq9apjqfecEvvPuRlom19Xo8yyeAGwaI3Mni0";
        let expected = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": X, "kid": kid, "use": "sig"}]});
        assert_eq!(serde_json::from_str(&set).ok(), Some(expected));
        assert_eq!(parse(r#"{"keys":[]}"#), Ok(0));
    }

    // spec: TK-52
    #[test]
    fn refuses_the_set_for_one_malformed_or_private_key() {
        for (members, error) in [
            (r#","d":"AA""#, JwkSetError::Private),
            (r#","k":"AA""#, JwkSetError::Private),
            (r#","use":1"#, JwkSetError::Malformed),
            (r#","key_ops":"verify""#, JwkSetError::Malformed),
            (r#","crv":"Ed25519""#, JwkSetError::Malformed),
        ] {
            assert_eq!(with(members), Err(error), "{members}");
        }
        assert_eq!(
            parse(&format!(r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","x":"{X}"}},{{"kty":"RSA","d":"AA"}}]}}"#)),
            Err(JwkSetError::Private)
        );
        for text in [
            "",
            "[]",
            "{}",
            r#"{"keys":{}}"#,
            r#"{"keys":[1]}"#,
            r#"{"keys":[{}]}"#,
            r#"{"keys":[],"keys":[]}"#,
            r#"{"keys":[],"\u006beys":[]}"#,
            r#"{"keys":[],"other":{"a":1,"a":1}}"#,
            r#"{"keys":[]} {}"#,
            "\u{feff}{\"keys\":[]}",
            r#"{"keys":[{"kty":"OKP","crv":"Ed25519"}]}"#,
        ] {
            assert_eq!(parse(text), Err(JwkSetError::Malformed), "{text}");
        }
        // Padding, stray pad bits, other alphabet, 31 and 33 bytes.
        for x in [
            format!("{X}="),
            X.replace("Zvg", "Zvh"),
            X.replace(['-', '_'], "+"),
            to_base64url(&[1; 31]),
            to_base64url(&[1; 33]),
        ] {
            let text = format!(r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","x":"{x}"}}]}}"#);
            assert_eq!(parse(&text), Err(JwkSetError::Malformed), "{x}");
        }
    }

    // spec: VF-43
    #[test]
    fn is_bounded() {
        let keys = |count: u8| JwkSet::of((0..count).map(|byte| PublicKey::from_bytes([byte; 32])));
        assert_eq!(JwkSet::parse(keys(8).to_json().as_bytes()), Ok(keys(8)));
        assert_eq!(JwkSet::parse(keys(9).to_json().as_bytes()), Err(JwkSetError::TooMany));
        let padded = |bytes: usize| format!("{{\"keys\":[]{}}}", " ".repeat(bytes - 11));
        assert_eq!(parse(&padded(JwkSet::MAX_BYTES)), Ok(0));
        assert_eq!(parse(&padded(JwkSet::MAX_BYTES + 1)), Err(JwkSetError::TooLong));
    }
}
