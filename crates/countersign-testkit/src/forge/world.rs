//! What a run has from its seed: the pool of chains, and what was taken back.

use super::base::{Base, POOL, Spec, base};
use super::random::Random;
use crate::keys::Key;
use crate::raw_checks::{pred, string};

/// Why a chain is refused at stage 6, or at 7.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// The block at this place.
    Block(usize),
    /// The key of the holder at this place.
    Holder(usize),
    /// The user, up to now.
    User,
    /// The grant.
    Grant,
    /// The conversation.
    Conversation,
    /// The issuer's key.
    IssuerKey,
}

/// The grant that is revoked of a user.
pub const GRANT: &str = "grant-revoked";
/// The conversation that has ended of a user.
pub const CONVERSATION: &str = "conversation-over";

/// The pool and what else a run has from its seed.
#[derive(Debug)]
pub struct World {
    /// The seed.
    pub seed: u64,
    /// The chains that valid requests are made with.
    pub pool: Vec<Base>,
    /// Chains of which something was revoked.
    pub revoked: Vec<(Base, Revoked)>,
    /// Chains for another service.
    pub elsewhere: Vec<Base>,
    /// Chains of an issuer that is not configured.
    pub strangers: Vec<Base>,
}

impl World {
    /// The world of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut random = Random::new(seed, u64::MAX);
        let pool = (0..POOL).map(|number| base(seed, Spec { number, ..Spec::default() }, &mut random)).collect();
        let revoked = (0..96).map(|number| taken_back(seed, number, &mut random)).collect();
        let apart = |apart, number| Spec { number, apart, ..Spec::default() };
        let audiences = [
            "https://other.example.com",
            "https://api.example.com/",
            "https://api.example.com/file",
            "http://api.example.com",
            "https://api.example.com:8443",
        ];
        let elsewhere = (0..40)
            .map(|number| {
                let audience = Some((*random.of(&audiences)).to_owned());
                base(seed, Spec { audience, ..apart("elsewhere-", number) }, &mut random)
            })
            .collect();
        let strangers = (0..24)
            .map(|number| base(seed, Spec { stranger: true, ..apart("stranger-", number) }, &mut random))
            .collect();
        Self { seed, pool, revoked, elsewhere, strangers }
    }

    /// A test key of this world.
    #[must_use]
    pub fn key(&self, name: &str) -> Key {
        Key::named(&format!("forge {} {name}", self.seed))
    }
}

/// A chain of which something is revoked, by turns.
fn taken_back(seed: u64, number: usize, random: &mut Random) -> (Base, Revoked) {
    let family = number / 8;
    // Users and holders are shared in a family, so what is revoked in one family is one thing.
    let (apart, facts) = match family % 6 {
        0 => ("revoked-block-", Vec::new()),
        1 => ("revoked-holder-", Vec::new()),
        2 => ("revoked-user-", Vec::new()),
        3 => ("revoked-grant-", vec![pred("grant", [string(GRANT)])]),
        4 => ("revoked-conversation-", vec![pred("conversation", [string(CONVERSATION)])]),
        _ => ("revoked-issuer-key-", Vec::new()),
    };
    let revoked_key = family % 6 == 5;
    let base = base(seed, Spec { number, apart, facts, revoked_key, ..Spec::default() }, random);
    let why = match family % 6 {
        0 if base.holders.len() > 2 => Revoked::Block(*random.of(&base.places(true))),
        0 => Revoked::Block(random.below(base.links.len())),
        1 => Revoked::Holder(random.below(base.holders.len())),
        2 => Revoked::User,
        3 => Revoked::Grant,
        4 => Revoked::Conversation,
        _ => Revoked::IssuerKey,
    };
    (base, why)
}
