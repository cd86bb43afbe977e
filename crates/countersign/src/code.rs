//! The registry of denial codes (`spec/errors.md`).
//!
//! One list serves the verifier, the vectors, the audit records and the spec; a test compares it with the table in
//! `spec/errors.md`.

use core::fmt;

/// A verification stage, 1 to 12 (`spec/verify.md`).
pub type Stage = u8;

/// What a stranger is told: a class coarse enough to act on, without the facts that a code would give away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Class {
    /// The token is not usable here; get another one.
    InvalidToken,
    /// The signature or its coverage is not right; sign again.
    InvalidRequestProof,
    /// The nonce was used before; sign again with a new one.
    Replayed,
    /// The proof holds, the authority is not enough.
    InsufficientAuthorization,
    /// A fresh approval is needed.
    ApprovalRequired,
    /// A budget of the chain is spent.
    BudgetExceeded,
    /// The service can't decide now.
    Unavailable,
}

impl Class {
    /// The word on the wire: the `error` of `WWW-Authenticate: Countersign`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidToken => "invalid_token",
            Self::InvalidRequestProof => "invalid_request_proof",
            Self::Replayed => "replayed",
            Self::InsufficientAuthorization => "insufficient_authorization",
            Self::ApprovalRequired => "approval_required",
            Self::BudgetExceeded => "budget_exceeded",
            Self::Unavailable => "unavailable",
        }
    }

    /// The HTTP status that goes with the class.
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidToken | Self::InvalidRequestProof | Self::Replayed => 401,
            Self::InsufficientAuthorization | Self::ApprovalRequired => 403,
            Self::BudgetExceeded => 429,
            Self::Unavailable => 503,
        }
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal, $class:ident, [$($stage:literal),+];)+) => {
        /// Why a request was denied.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Code { $($(#[$doc])* $variant,)+ }

        impl Code {
            /// Every code of the registry.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The stable word of the registry.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The stages that may report this code.
            pub const fn stages(self) -> &'static [Stage] {
                match self { $(Self::$variant => &[$($stage),+],)+ }
            }

            /// What a stranger is told instead of the code.
            pub const fn class(self) -> Class {
                match self { $(Self::$variant => Class::$class,)+ }
            }
        }
    };
}

codes! {
    /// A message or structured field is not in its one allowed form.
    HeaderMalformed = "header_malformed", InvalidRequestProof, [1, 2, 3];
    /// No signature with our tag.
    SignatureRequired = "signature_required", InvalidRequestProof, [3];
    /// More than one signature with our tag.
    SignatureAmbiguous = "signature_ambiguous", InvalidRequestProof, [3];
    /// A component that must always be covered is not.
    ComponentsIncomplete = "components_incomplete", InvalidRequestProof, [3];
    /// A covered component identifier is not allowed.
    ComponentsInvalid = "components_invalid", InvalidRequestProof, [3];
    /// A covered field is absent.
    ComponentUnresolvable = "component_unresolvable", InvalidRequestProof, [3];
    /// A protected field is present and not covered.
    HeaderUncovered = "header_uncovered", InvalidRequestProof, [3];
    /// A field that rewrites or upgrades the request.
    HeaderRefused = "header_refused", InvalidRequestProof, [1];
    /// A required signature parameter is missing.
    ParamsIncomplete = "params_incomplete", InvalidRequestProof, [3];
    /// A signature parameter is unknown, of a wrong type or of a wrong length.
    ParamsInvalid = "params_invalid", InvalidRequestProof, [3];
    /// `created` and `expires` are not a window around now.
    WindowInvalid = "window_invalid", InvalidRequestProof, [3];
    /// A tag that does not belong to this binding.
    TagInvalid = "tag_invalid", InvalidRequestProof, [3];
    /// `alg` is not the key's.
    AlgRejected = "alg_rejected", InvalidRequestProof, [3];
    /// `keyid` is not the current holder's key.
    KeyMismatch = "key_mismatch", InvalidRequestProof, [5];
    /// The request signature does not verify.
    SignatureInvalid = "signature_invalid", InvalidRequestProof, [8];
    /// The body is not the one that was signed.
    DigestMismatch = "digest_mismatch", InvalidRequestProof, [9];
    /// A digest algorithm other than sha-256 and sha-512.
    DigestAlgRejected = "digest_alg_rejected", InvalidRequestProof, [2];
    /// There is a body and its components are not covered.
    BodyUncovered = "body_uncovered", InvalidRequestProof, [3, 9];
    /// The body is longer than the service reads.
    BodyTooLarge = "body_too_large", InvalidRequestProof, [1, 9];
    /// Two parties could read the arguments differently.
    BodyAmbiguous = "body_ambiguous", InsufficientAuthorization, [1, 11];
    /// The message announces or carries trailers.
    TrailerRejected = "trailer_rejected", InvalidRequestProof, [1, 9];
    /// The authority is none of the service's names.
    AuthorityMismatch = "authority_mismatch", InvalidRequestProof, [1];
    /// The authority is missing, repeated, malformed or given twice differently.
    AuthorityAmbiguous = "authority_ambiguous", InvalidRequestProof, [1];
    /// No token.
    TokenMissing = "token_missing", InvalidToken, [2];
    /// More than one place or line that may carry the token.
    TokenAmbiguous = "token_ambiguous", InvalidToken, [2];
    /// The token is not canonical.
    TokenMalformed = "token_malformed", InvalidToken, [4];
    /// The token carries its next secret.
    TokenUnsealed = "token_unsealed", InvalidToken, [4];
    /// The token is a Biscuit outside the profile.
    TokenProfile = "token_profile", InvalidToken, [4];
    /// A signature of the token does not verify.
    TokenSignature = "token_signature", InvalidToken, [7];
    /// The token has expired.
    TokenExpired = "token_expired", InvalidToken, [5];
    /// The token is not valid yet.
    TokenNotYetValid = "token_not_yet_valid", InvalidToken, [5];
    /// Something of the chain was revoked.
    TokenRevoked = "token_revoked", InvalidToken, [6];
    /// The issuer is not configured.
    IssuerUnknown = "issuer_unknown", InvalidToken, [5];
    /// The token is for another service.
    AudienceMismatch = "audience_mismatch", InvalidToken, [5];
    /// A third-party block that is no delegation by the current holder.
    DelegationInvalid = "delegation_invalid", InvalidToken, [4];
    /// More delegations than were allowed.
    DelegationDepth = "delegation_depth", InvalidToken, [4];
    /// The service has no operation for this request.
    OperationUnmapped = "operation_unmapped", InsufficientAuthorization, [11];
    /// The resource or the request path is not in the resource grammar.
    ResourceInvalid = "resource_invalid", InsufficientAuthorization, [11];
    /// No right covers the operation.
    RightMissing = "right_missing", InsufficientAuthorization, [11];
    /// A check did not pass.
    CheckFailed = "check_failed", InsufficientAuthorization, [11];
    /// A check could not be evaluated.
    CheckError = "check_error", InsufficientAuthorization, [11];
    /// The operation needs an approval.
    ApprovalRequired = "approval_required", ApprovalRequired, [11];
    /// An approval is not valid for this operation.
    ApprovalInvalid = "approval_invalid", ApprovalRequired, [11, 12];
    /// The nonce was used before.
    Replayed = "replayed", Replayed, [10];
    /// A budget of the chain is spent.
    BudgetExceeded = "budget_exceeded", BudgetExceeded, [12];
    /// The conversation that the token is tied to has ended.
    ConversationEnded = "conversation_ended", InvalidToken, [6];
    /// The session is not known here.
    SessionUnknown = "session_unknown", InvalidToken, [4];
    /// The session has ended.
    SessionEnded = "session_ended", InvalidToken, [6];
    /// The revocation view is older than the service accepts.
    RevocationStale = "revocation_stale", Unavailable, [6];
    /// A store can't answer, is full, or forgot what it knew.
    StoreUnavailable = "store_unavailable", Unavailable, [9, 10, 12];
    /// A size, a count or the amount of work is over its limit.
    LimitExceeded = "limit_exceeded", InvalidRequestProof, [1, 4, 11];
    /// A header and the body say different things.
    HeaderBodyMismatch = "header_body_mismatch", InsufficientAuthorization, [11];
    /// A JSON-RPC batch.
    BatchRejected = "batch_rejected", InsufficientAuthorization, [1, 11];
    /// The service does not take this binding.
    BindingNotAccepted = "binding_not_accepted", InvalidRequestProof, [2];
}

impl Code {
    /// The code with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == word)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_unique_and_found_again() {
        for code in Code::ALL {
            assert_eq!(Code::from_word(code.as_str()), Some(*code));
            assert!(!code.stages().is_empty());
        }
        assert_eq!(Code::from_word("no_such_code"), None);
    }
}
