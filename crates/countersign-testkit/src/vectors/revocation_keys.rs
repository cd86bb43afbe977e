//! The part of `revocation/order.json` about keys that sign lists and are revoked.

use crate::format_revocation::ListRevoked;
use crate::keys::Key;

use super::revocation_case::{Case, List};

/// Whose signature counts, before and after a key is revoked.
pub(super) fn keys() -> Vec<Case> {
    let (both, three) = (["root", "root-2"], ["root", "root-2", "revocation"]);
    let root = |revoked: &mut ListRevoked| revoked.issuer_keys = vec![Key::named("root").public_text()];
    let by = |number: i64, signer, revoked: &[&str]| List::empty(number).issuer_keys(revoked).by(signer);
    vec![
        Case::accept("revokes-other-key", "one of two root keys revokes the other", &by(1, "root-2", &["root"]))
            .keys(&both)
            .req(&["RV-4", "RV-5"]),
        Case::refuse(
            "revokes-itself",
            "a list that revokes the key that signed it",
            &by(1, "root", &["root"]),
            "signer_revoked",
            "revokes-other-key",
        )
        .keys(&both)
        .req(&["RV-5"]),
        Case::accept("after-revoked", "the other key goes on", &by(2, "root-2", &["root"]))
            .keys(&both)
            .after(&by(1, "root-2", &["root"]))
            .req(&["RV-5"]),
        Case::refuse(
            "by-revoked",
            "the revoked key takes itself back",
            &by(2, "root", &[]),
            "signer_revoked",
            "after-revoked",
        )
        .keys(&both)
        .after(&by(1, "root-2", &["root"]))
        .req(&["RV-5", "RV-19"]),
        Case::accept(
            "same-by-other-key",
            "the list in force under the signature of another key",
            &by(2, "revocation", &[]),
        )
        .keys(&three)
        .after(&by(1, "root-2", &["root"]))
        .after(&by(2, "root-2", &[]))
        .revoked(root)
        .req(&["RV-16", "RV-18"]),
        Case::refuse(
            "same-by-revoked-key",
            "the list in force under the signature of a key that was revoked",
            &by(2, "root", &[]),
            "signer_revoked",
            "same-by-other-key",
        )
        .keys(&three)
        .after(&by(1, "root-2", &["root"]))
        .after(&by(2, "root-2", &[]))
        .revoked(root)
        .req(&["RV-5", "RV-16"]),
        Case::refuse(
            "by-revoked-restart",
            "the same after a restart",
            &by(2, "root", &[]),
            "signer_revoked",
            "after-revoked",
        )
        .keys(&both)
        .after(&by(1, "root-2", &["root"]))
        .restarted()
        .req(&["RV-5", "RV-20"]),
    ]
}
