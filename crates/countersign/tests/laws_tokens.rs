//! Laws over generated tokens (`spec/token.md`, Why narrowing cannot widen).
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests say what went wrong by panicking"
)]

use countersign::checks::{Arguments, Facts, WORK_LIMIT, Work, evaluate};
use countersign::key::SigningKey;
use countersign::request::{Parts, SignRequest};
use countersign::time::UnixTime;
use countersign::token::{
    Check, CheckKind, Delegation, ErrorKind, Expression, Grant, OpenToken, Predicate, Query, Restriction, Right, Term,
    UnverifiedToken, VerifiedChain, binary_op,
};
use countersign::verify::{MemoryReplay, Operations, Revocations, Verifier};
use countersign::{Code, from_base64url, to_base64url};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

const NOW: UnixTime = UnixTime(1_795_453_200);

fn key(number: u8) -> SigningKey {
    SigningKey::from_seed(&[number; 32])
}

fn grant(expires: UnixTime) -> Grant {
    Grant::new("https://hub.example", "alice", "bot", key(2).public())
        .purpose("work")
        .audience("https://service.example")
        .valid(UnixTime(0), expires)
        .right(Right { r#type: "http", location: "/", action: "GET" })
        .delegation_depth(6)
}

const WORDS: [&str; 6] = ["alice", "bot", "/a", "/a/b", "GET", "work"];

fn word() -> impl Strategy<Value = String> {
    select(&WORDS[..]).prop_map(str::to_owned)
}

fn near_now() -> impl Strategy<Value = UnixTime> {
    (0..200_u64).prop_map(|offset| UnixTime(NOW.0 - 100 + offset))
}

/// A check of one predicate that does not read the holder, and one comparison that may err.
fn raw_check() -> impl Strategy<Value = Restriction> {
    let predicate = select(&["user", "resource", "action", "method", "tool", "time", "agent"][..]);
    let op = select(&[binary_op::EQUAL, binary_op::NOT_EQUAL, binary_op::PREFIX, binary_op::LESS_THAN][..]);
    (any::<bool>(), predicate, op, word(), any::<bool>()).prop_map(|(reject, name, op, word, negate)| {
        let x = Term::Variable("x".to_owned());
        let second = (name == "agent").then(|| Term::Variable("k".to_owned()));
        let expression = Expression::binary(x.clone(), op, Term::Str(word));
        let expression = if negate { expression.negated() } else { expression };
        let predicates = vec![Predicate::new(name, core::iter::once(x).chain(second))];
        let kind = if reject { CheckKind::RejectIf } else { CheckKind::CheckIf };
        Restriction::Check(Check { kind, queries: vec![Query { predicates, expressions: vec![expression] }] })
    })
}

fn restriction() -> impl Strategy<Value = Restriction> {
    let words = || vec(word(), 1..4);
    prop_oneof![
        near_now().prop_map(Restriction::ExpiresBy),
        near_now().prop_map(Restriction::NotBefore),
        words().prop_map(Restriction::Users),
        words().prop_map(Restriction::Actions),
        words().prop_map(Restriction::Methods),
        words().prop_map(Restriction::Tools),
        words().prop_map(Restriction::Purposes),
        select(&["/a", "/a/b", "/"][..]).prop_map(|location| Restriction::ResourceUnder(location.to_owned())),
        word().prop_map(Restriction::ResourceIs),
        raw_check(),
        raw_check(),
    ]
}

/// A step of a chain: a restriction block, or a delegation to the next key.
#[derive(Clone, Debug)]
struct Step {
    delegates: bool,
    restrictions: Vec<Restriction>,
}

fn step() -> impl Strategy<Value = Step> {
    (any::<bool>(), vec(restriction(), 1..3)).prop_map(|(delegates, restrictions)| Step { delegates, restrictions })
}

/// An open token and the keys of its holders, the current one last.
struct Held {
    token: OpenToken,
    holders: Vec<SigningKey>,
}

impl Held {
    fn start(expires: UnixTime) -> Self {
        Self { token: grant(expires).sign(&key(1), &key(100)).unwrap(), holders: vec![key(2)] }
    }

    fn holder(&self) -> &SigningKey {
        self.holders.last().unwrap()
    }

    fn take(&mut self, step: &Step) {
        let blocks = u8::try_from(self.token.claims().block_count()).unwrap();
        let next = key(100 + blocks);
        if !step.delegates || self.token.claims().delegation_depth() == 0 {
            self.token = self.token.restrict(&step.restrictions, &next).unwrap();
            return;
        }
        let to = key(10 + blocks);
        let delegation =
            Delegation::to("sub", to.public()).delegation_depth(self.token.claims().delegation_depth() - 1);
        let delegation = step.restrictions.iter().cloned().fold(delegation, Delegation::restriction);
        self.token = self.token.delegate(&delegation).unwrap().sign(self.holder(), &next).unwrap();
        self.holders.push(to);
    }

    fn after(steps: &[Step], expires: UnixTime) -> Self {
        let mut held = Self::start(expires);
        steps.iter().for_each(|step| held.take(step));
        held
    }

    fn sealed(&self) -> Vec<u8> {
        from_base64url(&self.token.seal().unwrap().to_text()).unwrap()
    }

    fn chain(&self) -> VerifiedChain {
        UnverifiedToken::from_bytes(self.sealed()).unwrap().verify(&[key(1).public()]).unwrap()
    }
}

#[derive(Clone, Debug)]
struct Asked {
    time: UnixTime,
    resource: String,
    action: String,
    tool: Option<String>,
}

fn asked() -> impl Strategy<Value = Asked> {
    (near_now(), word(), word(), proptest::option::of(word())).prop_map(|(time, resource, action, tool)| Asked {
        time,
        resource,
        action,
        tool,
    })
}

fn allowed(chain: &VerifiedChain, asked: &Asked) -> bool {
    let claims = chain.claims();
    let agent = claims.agents().next().unwrap();
    let facts = Facts {
        time: asked.time,
        service: claims.audience(),
        r#type: "http",
        resource: &asked.resource,
        action: &asked.action,
        method: Some(&asked.action),
        authority: None,
        path: Some(&asked.resource),
        tool: asked.tool.as_deref(),
        binding: "ed25519",
        holder: claims.holder(),
        user: claims.user(),
        agent: (agent.name, agent.key),
        purpose: claims.purpose(),
        issuer: claims.issuer(),
        arguments: &Arguments::none(),
    };
    evaluate(chain, &facts, &mut Work::new(WORK_LIMIT)).is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    /// A block more never turns a denial into an allow: a restriction, nor a delegation, as long as no check reads the
    /// holder (none here does).
    #[test]
    fn a_block_more_never_allows_more(steps in vec(step(), 0..4), last in step(), asked in vec(asked(), 1..8)) {
        let mut held = Held::after(&steps, NOW.plus(50));
        let before = held.chain();
        held.take(&last);
        let after = held.chain();
        for asked in asked {
            prop_assert!(allowed(&before, &asked) || !allowed(&after, &asked), "{asked:?}");
        }
    }

    /// Restrictions commute: in whatever order they were appended, one block each or all in one, the same is allowed.
    #[test]
    fn the_order_of_restrictions_says_nothing(
        (restrictions, shuffled) in vec(restriction(), 1..6).prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
        asked in vec(asked(), 1..8),
    ) {
        let block = |restrictions: &[Restriction]| Step { delegates: false, restrictions: restrictions.to_vec() };
        let each = |restrictions: &[Restriction]| -> Vec<Step> { restrictions.iter().map(|one| block(core::slice::from_ref(one))).collect() };
        let chains = [each(&restrictions), each(&shuffled), vec![block(&restrictions)], vec![block(&shuffled)]]
            .map(|steps| Held::after(&steps, NOW.plus(50)).chain());
        for asked in asked {
            let verdicts = chains.each_ref().map(|chain| allowed(chain, &asked));
            prop_assert_eq!(verdicts, [verdicts[0]; 4], "{:?}", asked);
        }
        prop_assert!(chains.iter().all(|chain| chain.claims().expires() == chains[0].claims().expires()));
    }

    #[test]
    fn the_expiry_is_the_least_of_all_blocks(steps in vec(step(), 0..5), expires in near_now()) {
        let held = Held::after(&steps, expires);
        let dates = steps.iter().flat_map(|step| &step.restrictions).filter_map(|restriction| match restriction {
            Restriction::ExpiresBy(date) => Some(*date),
            _ => None,
        });
        let least = dates.chain([expires]).min().unwrap();
        prop_assert_eq!(held.token.claims().expires(), least);
        prop_assert_eq!(held.chain().claims().expires(), least);
    }

    #[test]
    fn only_the_current_holder_hands_on(steps in vec(step(), 0..4), stranger in 0..4_usize) {
        let held = Held::after(&steps, NOW);
        prop_assume!(held.token.claims().delegation_depth() > 0);
        let delegation = Delegation::to("thief", key(66).public());
        let last = held.token.claims().block_count();
        // Former holders, the issuer and strangers.
        let mut others: Vec<SigningKey> = held.holders[..held.holders.len() - 1].to_vec();
        others.extend([key(1), key(66), key(100)]);
        let other = &others[stranger % others.len()];
        let refused = held.token.delegate(&delegation).unwrap().sign(other, &key(99)).unwrap_err();
        prop_assert_eq!(refused.kind(), ErrorKind::NotTheHolder);
        // The holder can, and then it is the delegate.
        let handed = held.token.delegate(&delegation).unwrap().sign(held.holder(), &key(99)).unwrap();
        prop_assert_eq!(handed.holder(), key(66).public());
        prop_assert_eq!(handed.claims().delegated_by(last), Some(held.holder().public()));
        // A restriction never moves the holder.
        let restricted = held.token.restrict(&[Restriction::NotBefore(NOW)], &key(99)).unwrap();
        prop_assert_eq!(restricted.holder(), held.token.holder());
    }

    #[test]
    fn a_token_has_one_encoding(steps in vec(step(), 0..4), at in any::<prop::sample::Index>(), flip in 1..=255_u8) {
        let held = Held::after(&steps, NOW);
        let text = held.token.dangerous_text();
        prop_assert_eq!(&*OpenToken::from_text(&text).unwrap().dangerous_text(), &*text);
        let sealed = held.sealed();
        let again = UnverifiedToken::from_bytes(sealed.clone()).unwrap().into_sealed().unwrap().to_text();
        prop_assert_eq!(from_base64url(&again).unwrap(), sealed.clone());
        // Another byte anywhere is no token of this issuer.
        let mut altered = sealed;
        altered[at.index(again.len() * 3 / 4)] ^= flip;
        if let Ok(token) = UnverifiedToken::from_bytes(altered) {
            prop_assert!(token.verify(&[key(1).public()]).is_err());
        }
    }

    #[test]
    fn a_sealed_token_can_not_be_narrowed(steps in vec(step(), 0..4), secret in any::<[u8; 32]>()) {
        let held = Held::after(&steps, NOW);
        let sealed = held.sealed();
        let refused = UnverifiedToken::from_bytes(sealed.clone()).unwrap().into_open().unwrap_err();
        prop_assert_eq!(refused.kind(), ErrorKind::Sealed);
        // A made-up next secret in place of the seal: field 4, a message with field 1 of 32 bytes.
        let mut spliced = sealed[..sealed.len() - 68].to_vec();
        prop_assert_eq!(&sealed[sealed.len() - 68..sealed.len() - 64], &[0x22, 0x42, 0x12, 0x40]);
        spliced.extend([0x22, 0x22, 0x0a, 0x20]);
        spliced.extend(secret);
        let open = OpenToken::from_text(&to_base64url(&spliced)).unwrap();
        let restrictions = [Restriction::NotBefore(NOW)];
        prop_assert_eq!(open.restrict(&restrictions, &key(99)).unwrap_err().kind(), ErrorKind::Signature);
        prop_assert_eq!(open.seal().unwrap_err().kind(), ErrorKind::Signature);
        prop_assert!(UnverifiedToken::from_bytes(spliced).unwrap().verify(&[key(1).public()]).is_err());
    }

    /// A right covers whole segments: what is compared is lists of segments, never prefixes of text.
    #[test]
    fn a_right_covers_by_whole_segments(
        rights in vec((vec(select(&["a", "ab", "b"][..]), 0..3), any::<bool>()), 1..4),
        path in vec(select(&["a", "ab", "b", "a-b"][..]), 0..4),
        slash in any::<bool>(),
    ) {
        let join = |segments: &[&str], slash: bool| match segments {
            [] => "/".to_owned(),
            segments => format!("/{}{}", segments.join("/"), if slash { "/" } else { "" }),
        };
        let mut locations: Vec<String> = rights.iter().map(|(segments, slash)| join(segments, *slash)).collect();
        locations.sort();
        locations.dedup();
        let mut grant = Grant::new("https://hub.example", "alice", "bot", key(2).public())
            .purpose("work").audience("https://service.example").valid(NOW, NOW.plus(60));
        for location in &locations {
            grant = grant.right(Right { r#type: "http", location, action: "GET" });
        }
        let target = join(&path, slash);
        // With a slash at its end the location is what lies beneath; without one, it is itself too.
        let expected = rights.iter().any(|(segments, below)| {
            let beneath = path.len() > segments.len() || slash || path.is_empty();
            path.starts_with(segments) && (!below || segments.is_empty() || beneath)
        });
        let sealed = grant.sign(&key(1), &key(100)).unwrap().seal().unwrap();
        let url = format!("https://service.example{target}");
        let fields = SignRequest::new("GET", &url, &sealed).created(NOW, vec![7; 16]).sign(&key(2)).unwrap();
        let verifier = Verifier::builder().audience("https://service.example").authority("service.example")
            .issuer("https://hub.example", [key(1).public()]).build().unwrap();
        let mut parts = Parts::new("GET", fields.target());
        parts.extend(fields.iter().map(|(name, value)| (name, value.as_bytes())));
        let replay = MemoryReplay::insecure_without_epoch();
        let verdict = verifier.verify(&parts, b"", NOW, &Revocations::default(), &replay, &Operations::http());
        match verdict {
            Ok(_) => prop_assert!(expected, "{locations:?} covers {target}"),
            Err(denial) => {
                prop_assert_eq!(denial.code(), Code::RightMissing);
                prop_assert!(!expected, "{locations:?} does not cover {target}");
            }
        }
    }
}

/// A chain built without core: what core would not make, it does not take.
#[test]
fn a_stranger_moves_no_holder() {
    use countersign_testkit::keys::Key;
    use countersign_testkit::raw_token::{Block, External, RawToken};
    let open = grant(NOW).sign(&key(1), &key(100)).unwrap();
    // The authority block anew under the raw builder's throw-away key.
    let bytes = from_base64url(&open.dangerous_text()).unwrap();
    let biscuit = countersign_datalog::oracle::verify(&bytes, &key(1).public()).unwrap();
    let (stranger, thief) = (Key::named("stranger"), Key::named("third-agent"));
    let base = || RawToken::authority(&Key::named("root"), biscuit.container().to_proto().authority.block.clone());
    let delegation = Block::delegation("thief", &thief, []).third_party().encode();
    let verify = |token: &RawToken| {
        let token = UnverifiedToken::from_bytes(token.sealed())?;
        let root = Key::named("root").public();
        token.verify(&[countersign::key::PublicKey::from_bytes(root)]).map(drop)
    };
    assert!(verify(&base()).is_ok());
    // Signed by a stranger under its own key.
    let mut token = base();
    token.delegate(delegation.clone(), &stranger);
    assert_eq!(verify(&token).unwrap_err().code(), Some(Code::DelegationInvalid));
    // Signed by a stranger under the holder's name.
    let mut token = base();
    let signature = token.external(&delegation, &stranger).signature;
    let public = key(2).public().as_bytes().to_vec();
    token.append(delegation, Some(External { signature, public }), Key::next(1));
    assert_eq!(verify(&token).unwrap_err().kind(), ErrorKind::Signature);
}

/// Exhaustive for one short chain: no byte has another value.
#[test]
fn every_other_byte_value_at_every_place_is_refused() {
    let steps = [Step { delegates: true, restrictions: vec![Restriction::ResourceUnder("/a".to_owned())] }];
    let sealed = Held::after(&steps, NOW).sealed();
    let root = key(1).public();
    let mut decoded = 0_u32;
    for at in 0..sealed.len() {
        // All single bits, and a few other values: decoding is quick, verifying what decodes is not.
        for flip in (0..8).map(|bit| 1 << bit).chain([0x55, 0xff]) {
            let mut altered = sealed.clone();
            altered[at] ^= flip;
            if let Ok(token) = UnverifiedToken::from_bytes(altered) {
                decoded += 1;
                assert!(token.verify(&[root]).is_err(), "byte {at} ^ {flip:#x}");
            }
        }
    }
    assert!(decoded > 1_000, "{decoded} altered tokens decode");
}
