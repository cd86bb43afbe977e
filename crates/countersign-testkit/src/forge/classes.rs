//! The classes of forgeries.

use super::bench::Bench;
use super::draft::Asked;
use super::{blocks, charges, fields, flips, outside, recombined, resigned, revoked, splices};

/// A class of forgeries.
#[derive(Clone, Copy, Debug)]
pub struct Class {
    /// Its name.
    pub name: &'static str,
    /// Where it is meant to be refused. Some of its members look wrong before; [`REACH`] says how many may.
    pub stages: &'static [u8],
    /// Makes one.
    pub make: fn(&mut Bench<'_>) -> Asked,
}

/// How many of a hundred of a class have to get to a stage that it is meant for. Without this, a class could be refused
/// for a reason that has nothing to do with it, and say nothing.
pub const REACH: u64 = 20;

/// How many of a million forged requests are of one class at least.
pub const LEAST_OF_A_MILLION: u64 = 10_000;

const fn class(name: &'static str, stages: &'static [u8], make: fn(&mut Bench<'_>) -> Asked) -> Class {
    Class { name, stages, make }
}

const TOKEN_OR_REQUEST: &[u8] = &[7, 8];

/// All classes, in the order in which requests are forged by turns.
///
/// A class breaks signatures when it is meant for stage 7 or 8 and no other: see [`Class::breaks_signatures`].
pub const CLASSES: &[Class] = &[
    class("flip-token", TOKEN_OR_REQUEST, flips::token),
    class("flip-token-resigned", TOKEN_OR_REQUEST, flips::token_resigned),
    class("flip-signature", TOKEN_OR_REQUEST, flips::signature),
    class("flip-signature-text", TOKEN_OR_REQUEST, flips::signature_text),
    class("flip-signature-input", TOKEN_OR_REQUEST, flips::signature_input),
    class("flip-covered-field", TOKEN_OR_REQUEST, flips::covered_field),
    class("flip-method", TOKEN_OR_REQUEST, flips::method),
    class("flip-path", TOKEN_OR_REQUEST, flips::path),
    class("flip-query", TOKEN_OR_REQUEST, flips::query),
    class("flip-authority", &[1], flips::authority),
    class("flip-body", &[9], flips::body),
    class("splice-blocks", TOKEN_OR_REQUEST, splices::blocks),
    class("splice-block-signature", TOKEN_OR_REQUEST, splices::signature),
    class("splice-external-signature", TOKEN_OR_REQUEST, splices::external),
    class("splice-seal", TOKEN_OR_REQUEST, splices::seal),
    class("splice-next-key", TOKEN_OR_REQUEST, splices::next_key),
    class("second-form-in-token", TOKEN_OR_REQUEST, splices::second_form_of),
    class("second-form-of-request", TOKEN_OR_REQUEST, resigned::second_form_of),
    class("recombine-signature", TOKEN_OR_REQUEST, recombined::signature),
    class("recombine-signature-input", TOKEN_OR_REQUEST, recombined::input),
    class("recombine-both", TOKEN_OR_REQUEST, recombined::both),
    class("recombine-token", TOKEN_OR_REQUEST, recombined::token),
    class("recombine-digest", TOKEN_OR_REQUEST, recombined::digest),
    class("recombine-body-and-digest", TOKEN_OR_REQUEST, recombined::body_and_digest),
    class("recombine-body", &[9], recombined::body),
    class("alter-parameter", TOKEN_OR_REQUEST, recombined::parameter),
    class("alter-coverage", TOKEN_OR_REQUEST, recombined::coverage),
    class("resign-fresh-key", TOKEN_OR_REQUEST, resigned::fresh),
    class("resign-other-holder", TOKEN_OR_REQUEST, resigned::other_holder),
    class("resign-former-holder", TOKEN_OR_REQUEST, resigned::former_holder),
    class("resign-issuer", TOKEN_OR_REQUEST, resigned::issuer),
    class("resign-approver", TOKEN_OR_REQUEST, resigned::approver),
    class("resign-next-secret", TOKEN_OR_REQUEST, resigned::next_secret),
    class("stolen-token", TOKEN_OR_REQUEST, resigned::stolen),
    class("resign-authority", TOKEN_OR_REQUEST, resigned::authority),
    class("resign-block", TOKEN_OR_REQUEST, resigned::block),
    class("resign-delegation", TOKEN_OR_REQUEST, resigned::external),
    class("resign-seal", TOKEN_OR_REQUEST, resigned::seal),
    class("delegate-by-other", &[4], resigned::delegation),
    class("drop-restriction", TOKEN_OR_REQUEST, blocks::drop_restriction),
    class("drop-delegation", &[4, 7, 8], blocks::drop_delegation),
    class("truncate-chain", TOKEN_OR_REQUEST, blocks::truncate),
    class("reorder-blocks", &[4, 7, 8], blocks::reorder),
    class("repeat-block", &[4, 7, 8], blocks::repeat),
    class("extend-sealed", TOKEN_OR_REQUEST, blocks::extend),
    class("move-delegation", TOKEN_OR_REQUEST, blocks::move_delegation),
    class("open-token", &[4], blocks::open),
    class("smuggle-fact", &[4], blocks::smuggle),
    class("widen-rights", TOKEN_OR_REQUEST, resigned::more_rights),
    class("widen-depth", &[4], blocks::widen_depth),
    class("widen-delegation", TOKEN_OR_REQUEST, blocks::widen_delegation),
    class("widen-restriction", TOKEN_OR_REQUEST, blocks::widen_restriction),
    class("revoked-block", &[6], revoked::block),
    class("revoked-rewrapped", &[6], revoked::rewrapped),
    class("revoked-holder", &[6], revoked::holder),
    class("revoked-subject", &[6], revoked::subject),
    class("revoked-issuer-key", TOKEN_OR_REQUEST, revoked::issuer_key),
    class("clock-after-window", &[3], outside::after_window),
    class("clock-before-window", &[3], outside::before_window),
    class("clock-token-expired", &[5], outside::expired),
    class("clock-before-issue", &[5], outside::before_issue),
    class("outside-resource", &[11], outside::resource),
    class("outside-action", &[11], outside::action),
    class("outside-restriction", &[11], outside::restriction),
    class("outside-path-tricks", &[11], outside::path_tricks),
    class("outside-table", &[11], outside::unmapped),
    class("other-service", &[5], outside::other_service),
    class("other-audience", &[5], outside::other_audience),
    class("other-issuer", &[5], outside::unknown_issuer),
    class("other-authority", &[1], outside::other_authority),
    class("swapped-authority", TOKEN_OR_REQUEST, outside::swapped_authority),
    class("field-duplicated", &[1, 2, 8], fields::duplicated),
    class("field-second-signature", &[3], fields::second_signature),
    class("field-added", &[3], fields::added),
    class("field-removed", &[2, 3], fields::removed),
    class("field-uncovered", &[3], fields::uncovered),
    class("field-overriding", &[1], fields::overriding),
    class("replay", &[10], charges::replay),
    class("replay-nonce", &[10], charges::used_nonce),
    class("replay-nonce-elsewhere", &[10], charges::used_nonce_elsewhere),
    class("approval-missing", &[11], charges::missing),
    class("approval-expired", &[11], charges::expired),
    class("approval-other-operation", &[11], charges::other_operation),
    class("approval-other-key", &[11], charges::other_approver),
    class("approval-flipped", &[11], charges::flipped),
    class("approval-used", &[12], charges::used_approval),
    class("budget-spent", &[12], charges::spent),
    class("budget-beyond", &[12], charges::beyond),
    class("budget-other-unit", &[12], charges::other_unit),
];

impl Class {
    /// Whether every member fails a signature of the token or of the request, or is refused before these are looked at.
    #[must_use]
    pub fn breaks_signatures(&self) -> bool {
        self.stages == TOKEN_OR_REQUEST
    }
}

/// The place of the class of this name.
#[must_use]
pub fn place(name: &str) -> Option<usize> {
    CLASSES.iter().position(|class| class.name == name)
}
