//! `verify/revocation.json`: what is revoked, and what is not.

use crate::clock::ISSUED;
use crate::format::{Revoked, RevokedConversation, RevokedGrant, RevokedUser};
use crate::keys::Key;
use crate::raw_checks::{expiry, pred, string};
use crate::text::hex;

use super::case::{Case, File};
use super::standard::{ISSUER, Plan, USER, first_agent, get, get_by, later_agent};

fn user(issuer: &str, user: &str, before: i64) -> impl FnOnce(&mut Revoked) {
    let entry = RevokedUser { issuer: issuer.into(), user: user.into(), before };
    |revoked| revoked.users.push(entry)
}

/// The file.
#[must_use]
pub fn file() -> File {
    let mut file = File::new("verify", "revocation", "what is revoked, and what only resembles it");
    let plan = Plan::deep(1)
        .fact(pred("grant", [string("g-19c2")]))
        .fact(pred("conversation", [string("conv-7f3a")]))
        .delegate("agent", "summary-bot", "sub-agent", None)
        .restrict([expiry(crate::clock::EXPIRES + 1)]);
    let token = plan.sign();
    let case = |slug: &str, comment: &str| {
        Case::new(slug, comment, &get_by("sub-agent", &token.sealed_text()))
            .agents([first_agent(), later_agent("summary-bot", "sub-agent", "agent")])
    };
    file.push(
        case("nothing-revoked", "three blocks, a grant and a conversation; nothing is revoked")
            .req("VF-11")
            .req("VF-12")
            .req("VF-14")
            .req("VF-15"),
    );
    let twin = "verify/nothing-revoked";
    for (index, name) in ["authority", "delegation", "restriction"].into_iter().enumerate() {
        let id = hex(&token.blocks[index].id());
        file.push(
            case(&format!("block-{name}"), &format!("the id of block {index} is revoked"))
                .req("VF-11")
                .attack(47)
                .revoked(|r| r.blocks.push(id))
                .deny(6, "token_revoked", twin),
        );
    }
    let other = hex(&Plan::standard().sign().blocks[0].id());
    file.push(
        case("block-other", "the id of another token's block is revoked")
            .req("VF-11")
            .revoked(|r| r.blocks.push(other)),
    );
    for (slug, comment, key) in [
        ("holder-current", "the current holder's key is revoked", "sub-agent"),
        ("holder-former", "the key of a holder before is revoked", "agent"),
    ] {
        file.push(case(slug, comment).req("VF-12").attack(47).revoked(|r| r.holders.push(Key::named(key).id())).deny(
            6,
            "token_revoked",
            twin,
        ));
    }
    file.push(
        case("holder-other", "the key of somebody else is revoked")
            .req("VF-12")
            .revoked(|r| r.holders.push(Key::named("third-agent").id())),
    );
    file.push(
        case("user-at-time", "the user's tokens issued up to this very second are revoked")
            .req("VF-13")
            .attack(47)
            .revoked(user(ISSUER, USER, ISSUED))
            .deny(6, "token_revoked", "verify/user-before-time"),
    );
    file.push(
        case("user-after-time", "the user's tokens issued until later are revoked")
            .req("VF-13")
            .attack(47)
            .revoked(user(ISSUER, USER, ISSUED + 100))
            .deny(6, "token_revoked", "verify/user-before-time"),
    );
    file.push(
        case("user-before-time", "the user's tokens issued up to the second before are revoked")
            .req("VF-13")
            .revoked(user(ISSUER, USER, ISSUED - 1)),
    );
    file.push(case("user-other", "another user's tokens are revoked").req("VF-13").revoked(user(
        ISSUER,
        "bob@example.com",
        ISSUED,
    )));
    file.push(
        case("user-of-other-issuer", "the tokens of a user of the same name at another issuer are revoked")
            .req("VF-13")
            .revoked(user("https://other.example", USER, ISSUED)),
    );
    let grant = |issuer: &str, grant: &str| RevokedGrant { issuer: issuer.into(), grant: grant.into() };
    file.push(
        case("grant", "the grant is revoked")
            .req("VF-14")
            .attack(47)
            .revoked(|r| r.grants.push(grant(ISSUER, "g-19c2")))
            .deny(6, "token_revoked", "verify/grant-other"),
    );
    file.push(
        case("grant-other", "another grant is revoked")
            .req("VF-14")
            .revoked(|r| r.grants.push(grant(ISSUER, "g-19c3"))),
    );
    file.push(
        case("grant-of-other-issuer", "a grant of the same name by another issuer is revoked")
            .req("VF-14")
            .revoked(|r| r.grants.push(grant("https://other.example", "g-19c2"))),
    );
    let conversation = |user: &str, name: &str| RevokedConversation {
        issuer: ISSUER.into(),
        user: user.into(),
        conversation: name.into(),
    };
    file.push(
        case("conversation", "the conversation has ended")
            .req("VF-15")
            .attack(47)
            .revoked(|r| r.conversations.push(conversation(USER, "conv-7f3a")))
            .deny(6, "conversation_ended", "verify/conversation-other"),
    );
    file.push(
        case("conversation-other", "another conversation has ended")
            .req("VF-15")
            .revoked(|r| r.conversations.push(conversation(USER, "conv-7f3b"))),
    );
    file.push(
        case("conversation-of-other-user", "a conversation of the same name of another user has ended")
            .req("VF-15")
            .revoked(|r| r.conversations.push(conversation("bob@example.com", "conv-7f3a"))),
    );

    let mut wrapped = plan.clone();
    wrapped.later.truncate(1);
    let first = wrapped.sign();
    let mut again = Plan { later: Vec::new(), ..plan.clone() }.sign();
    let block = first.blocks[1].clone();
    again.append(block.payload, block.external, Key::named("next-again"));
    let rewrapped = get_by("sub-agent", &again.sealed_text());
    let agents = [first_agent(), later_agent("summary-bot", "sub-agent", "agent")];
    file.push(
        Case::new("rewrapped", "a delegation wrapped again under another next key", &rewrapped)
            .req("VF-11")
            .agents(agents),
    );
    let id = hex(&first.blocks[1].id());
    file.push(
        Case::new(
            "rewrapped-revoked",
            "the same, and the delegation was revoked as it was wrapped first: its id is the same",
            &rewrapped,
        )
        .req("VF-11")
        .attack(47)
        .revoked(|r| r.blocks.push(id))
        .deny(6, "token_revoked", "verify/rewrapped"),
    );

    let by = |root: &str| Plan { root: Key::named(root), ..Plan::standard() }.text();
    let keys = |case: Case| {
        case.config(|config| config.issuers[0].keys.push(Key::named("root-2").public_text()))
            .revoked(|r| r.issuer_keys.push(Key::named("root").public_text()))
    };
    file.push(keys(
        Case::new(
            "issuer-key-other",
            "one of the issuer's two keys is revoked, the other one signed",
            &get(&by("root-2")),
        )
        .req("VF-16"),
    ));
    file.push(keys(
        Case::new("issuer-key", "the key that signed is revoked", &get(&by("root"))).req("VF-16").attack(47).deny(
            7,
            "token_signature",
            "verify/issuer-key-other",
        ),
    ));
    file.push(
        Case::new("issuer-key-last", "the issuer's only key is revoked: the issuer is still known", &get(&by("root")))
            .req("VF-16")
            .attack(47)
            .revoked(|r| r.issuer_keys.push(Key::named("root").public_text()))
            .deny(7, "token_signature", "request/get"),
    );
    file
}
