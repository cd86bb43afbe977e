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
        ("sealed token of 1 block, 2 rights", sealed(Scenario::OneBlock), 0),
        ("its text", Scenario::OneBlock.sealed().to_text().len(), 0),
        ("open token of 1 block, 2 rights", open(&authority()), 0),
        ("restriction block with one expiry check", restriction, 0),
        ("delegation block with one expiry check", hop, 0),
        ("sealed token of 3 blocks", sealed(Scenario::ThreeBlocks), 0),
        ("sealed token of 3 blocks, one a delegation", sealed(Scenario::ThreeBlocksDelegated), 0),
        ("sealed token with a rule over 24 rights", len(&rule_token()), 0),
        ("sealed token with a rule over 24 numbers", len(&bare_rule_token()), 0),
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
            println!("{size:?}");
        }
    }
}
