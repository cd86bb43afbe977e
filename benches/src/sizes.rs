//! Sizes of tokens, to the byte: what a change of the format costs every request shows here.

use countersign::from_base64url;
use countersign::token::{OpenToken, Restriction};

use crate::fixture::{NOW, Scenario, authority, delegated, restricted};
use crate::rejected::{bare_rule_token, rule_token};

/// One size: what it is of, what it is, what it has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// What is measured.
    pub name: &'static str,
    /// Bytes found.
    pub bytes: usize,
    /// Bytes expected.
    pub expected: usize,
}

/// All sizes that are held.
#[must_use]
pub fn all() -> Vec<Size> {
    let sealed = |scenario: Scenario| len(&scenario.sealed().to_text());
    let hop = open(&delegated(&authority(), 1)) - open(&authority());
    let expiry = [Restriction::ExpiresBy(NOW.plus(300))];
    let restriction = open(&restricted(&authority(), &expiry, 1)) - open(&authority());
    [
        ("sealed token of 1 block, 2 rights", sealed(Scenario::OneBlock), 605),
        ("its text", Scenario::OneBlock.sealed().to_text().len(), 807),
        ("open token of 1 block, 2 rights", open(&authority()), 573),
        ("restriction block with one expiry check", restriction, 153),
        ("delegation block with one expiry check", hop, 330),
        ("sealed token of 3 blocks", sealed(Scenario::ThreeBlocks), 1012),
        ("sealed token of 3 blocks, one a delegation", sealed(Scenario::ThreeBlocksDelegated), 1136),
        ("sealed token with a rule over 24 rights", len(&rule_token()), 1561),
        ("sealed token with a rule over 24 numbers", len(&bare_rule_token()), 577),
    ]
    .map(|(name, bytes, expected)| Size { name, bytes, expected })
    .into()
}

fn open(token: &OpenToken) -> usize {
    len(&token.dangerous_text())
}

fn len(text: &str) -> usize {
    from_base64url(text).unwrap().len()
}

#[cfg(test)]
mod tests {
    #[test]
    fn sizes_are_the_known_ones() {
        for size in super::all() {
            assert_eq!(size.bytes, size.expected, "{}", size.name);
        }
    }
}
