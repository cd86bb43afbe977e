//! The edges of what the interface takes and of what it says, where no vector goes.
#![expect(clippy::unwrap_used, reason = "tests say what went wrong by panicking")]

use core::fmt::Debug;

use countersign::key::SigningKey;
use countersign::request::{Message, Parts, SignError, SignRequest, fuzzing};
use countersign::time::UnixTime;
use countersign::token::{
    Check, CheckKind, Delegation, ErrorKind, Expression, Grant, OpenToken, Predicate, Query, Restriction, Right, Term,
    TokenError, UnverifiedToken, binary_op,
};
use countersign::verify::{
    ConfigError, IssuerKeysError, OperationEntry, OperationError, Operations, Revocations, Verifier,
};
use countersign::{Code, from_base64url};
use countersign_testkit::keys::Key;
use countersign_testkit::raw_checks::{self as raw, pred, string};
use countersign_testkit::raw_token::{Block, RawToken, Symbols};

const NOW: UnixTime = UnixTime(1_795_453_200);

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32])
}

fn grant() -> Grant {
    Grant::new("https://hub.example", "alice@example.com", "calendar-bot", key(2).public())
        .purpose("scheduling")
        .audience("https://calendar.example.com")
        .valid(NOW, NOW.plus(3600))
        .right(Right { r#type: "http", location: "/", action: "GET" })
        .delegation_depth(1)
}

fn open() -> OpenToken {
    grant().sign(&key(1), &key(3)).unwrap()
}

/// All texts of these pieces, up to so many of them.
fn texts(pieces: &[&str], most: u32) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut last = all.clone();
    for _ in 0..most {
        last = last.iter().flat_map(|text| pieces.iter().map(move |piece| [text, *piece].concat())).collect();
        all.extend(last.iter().cloned());
    }
    all
}

/// Whether another RFC 9651 implementation writes a dictionary back as it was.
fn exact(text: &str, member: impl Fn(&sfv::ListEntry) -> bool) -> bool {
    use sfv::FieldType as _;
    let read = sfv::Parser::new(text).parse::<sfv::Dictionary>();
    read.is_ok_and(|read| read.values().all(member) && read.serialize().as_deref() == Some(text))
}

// spec: RQ-23, RQ-24, RQ-25
#[test]
fn short_fields_are_taken_exactly_when_another_parser_writes_them_back() {
    let list = |member: &sfv::ListEntry| matches!(member, sfv::ListEntry::InnerList(_));
    let bytes = |member: &sfv::ListEntry| {
        matches!(member, sfv::ListEntry::Item(item)
            if item.params.is_empty() && matches!(item.bare_item, sfv::BareItem::ByteSequence(_)))
    };
    let (mut taken, mut refused) = (0, 0);
    let mut count = |took: bool| if took { taken += 1 } else { refused += 1 };
    let values = texts(&["0", "1", "-", ".", "?", "@", "a", "*", ":", "/", "\"", "\\", "%", " ", "~"], 4);
    let display = texts(&["a", "%c3%a9", "%c3", "%22", "%25", "%7f", "%00", "%61", "\"", "~", "!", "\u{7f}"], 3);
    let display = display.iter().map(|text| format!("%\"{text}\""));
    let digits = ["12345678901234", "123456789012345", "123456789012.123", "123456789012.1234", "0000000000000000"];
    let long = digits.iter().flat_map(|number| [(*number).to_owned(), format!("1{number}"), format!("-{number}")]);
    for value in values.into_iter().chain(display).chain(long) {
        let text = format!("a=();b={value}");
        let took = fuzzing::is_exact_inner_lists(&text);
        assert_eq!(took, exact(&text, list), "{text:?}");
        count(took);
    }
    for items in texts(&["\"a\"", "a", " ", ";b", "1", "(", ")", "=", ",", "\t"], 4) {
        for text in [format!("a=({items})"), format!("a={items}")] {
            let took = fuzzing::is_exact_inner_lists(&text);
            assert_eq!(took, exact(&text, list), "{text:?}");
            count(took);
        }
    }
    for value in texts(&["A", "B", "E", "/", "+", "=", "-", ":"], 5) {
        let text = format!("a=:{value}:");
        let took = fuzzing::is_exact_byte_sequences(&text);
        assert_eq!(took, exact(&text, bytes), "{text:?}");
        count(took);
    }
    assert!(taken > 1_000 && refused > 50_000, "{taken} {refused}");
}

#[test]
fn chunks_and_lengths_are_read_in_one_way() {
    let chunked = |rest: &str| {
        let text = format!("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{rest}");
        Message::parse(text.as_bytes()).ok().map(|message| (message.body().to_vec(), message.has_trailers()))
    };
    assert_eq!(chunked("0\r\n\r\n"), Some((Vec::new(), false)));
    assert_eq!(chunked("00000002\r\nhi\r\nA\r\n0123456789\r\n0\r\n\r\n"), Some((b"hi0123456789".to_vec(), false)));
    for bad in [
        "\r\n",
        "000000002\r\nhi\r\n0\r\n\r\n",
        " 2\r\nhi\r\n0\r\n\r\n",
        "2;x\r\nhi\r\n0\r\n\r\n",
        "+2\r\nhi\r\n0\r\n\r\n",
        "2\r\nhi0\r\n\r\n",
        "2\r\nhi\r\n0\r\n",
        "2\r\nhi\r\n",
        "0\r\n\r\nmore",
    ] {
        assert_eq!(chunked(bad), None, "{bad:?}");
    }
    // What a verifier refuses is handed on, and nothing is left out of it.
    for fields in [
        "Content-Length: 2\r\nContent-Length: 2",
        "Content-Length: x",
        "Content-Length: 1x",
        "Content-Length: 2\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: gzip",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    ] {
        let text = format!("POST / HTTP/1.1\r\n{fields}\r\n\r\nhi, all of it");
        let message = Message::parse(text.as_bytes()).unwrap();
        assert_eq!(message.body(), b"hi, all of it", "{fields}");
    }
    assert_eq!(Message::parse(b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n").unwrap().body(), b"");
    assert!(format!("{:?}", Message::parse(b"GET /secret HTTP/1.1\r\nhost: h\r\n\r\n").unwrap()).contains("host"));
}

// spec: RQ-40
#[test]
fn a_signer_refuses_what_it_could_not_sign_well() {
    let sealed = open().seal().unwrap();
    let signed = |url: &str| SignRequest::new("GET", url, &sealed).created(NOW, vec![1; 16]).sign(&key(2)).map(|_| ());
    for good in [
        "https://calendar.example.com/a?b",
        "http://calendar.example.com/a",
        "HTTPS://calendar.example.com",
        "https://calendar.example.com:8443/a",
        "https://[::1]/a",
        "https://calendar.example.com/~!a",
    ] {
        assert_eq!(signed(good), Ok(()), "{good}");
    }
    for bad in [
        "calendar.example.com/a",
        "ftp://calendar.example.com/a",
        "https:///a",
        "https://calendar.example.com?b",
        "https://calendar.example.com/a?",
        "https://calendar.example.com/a#b",
        "https://calendar.example.com/a b",
        "https://calendar.example.com/a\u{7f}",
        "https://calendar.example.com/\u{e9}",
        "https://user@calendar.example.com/a",
    ] {
        assert_eq!(signed(bad), Err(SignError::Url), "{bad}");
    }
    let with = |nonce: usize, lifetime: u64| {
        let request = SignRequest::new("GET", "https://calendar.example.com/", &sealed);
        request.created(NOW, vec![1; nonce]).lifetime(lifetime).sign(&key(2)).map(|_| ())
    };
    for (nonce, lifetime) in [(16, 60), (64, 60), (16, 1), (16, 300)] {
        assert_eq!(with(nonce, lifetime), Ok(()), "{nonce} {lifetime}");
    }
    for (nonce, lifetime) in [(15, 60), (65, 60), (16, 0), (16, 301)] {
        assert_eq!(with(nonce, lifetime), Err(SignError::Parameters), "{nonce} {lifetime}");
    }
    let request = || SignRequest::new("POST", "https://calendar.example.com/", &sealed).created(NOW, vec![1; 16]);
    assert_eq!(request().body(b"x").field("x-other", "y").sign(&key(2)).map(|_| ()), Err(SignError::ContentType));
    assert_eq!(request().body(b"x").field("Content-Type", "y").sign(&key(2)).map(|_| ()), Ok(()));
    assert_eq!(request().sign(&key(9)).map(|_| ()), Err(SignError::NotTheHolder));
}

// spec: RQ-35, RQ-36, RQ-39
#[test]
fn a_signer_covers_what_reaches_the_application() {
    let sealed = open().seal().unwrap();
    let covered = |body: &[u8]| {
        let request = SignRequest::new("POST", "https://calendar.example.com/", &sealed).created(NOW, vec![1; 16]);
        let request = request.field("content-type", "text/plain").field("accept", "*/*").field("x-own", "a");
        let fields = request.field("idempotency-key", "k").body(body).sign(&key(2)).unwrap();
        let input = fields.iter().find(|(name, _)| *name == "signature-input").unwrap().1.to_owned();
        ["content-type", "accept", "x-own", "idempotency-key"].map(|name| input.contains(&format!("\"{name}\"")))
    };
    assert_eq!(covered(b"x"), [true, false, true, true]);
    assert_eq!(covered(b""), [false, false, true, true]);
}

#[test]
fn a_configuration_is_held_to_the_text() {
    let build = |audiences: &[&str]| {
        let builder = audiences.iter().fold(Verifier::builder(), |builder, audience| builder.audience(audience));
        builder.authority("a.example").issuer("https://hub.example", [key(1).public()]).build().map(|_| ())
    };
    for good in [&["https://a.example"][..], &["HTTP://a.example/x"], &["https://a.example/x", "https://a.example/y"]] {
        assert_eq!(build(good), Ok(()), "{good:?}");
    }
    for bad in
        ["", "https://", "https:///x", "https://a.example?b", "https://a.example#b", "https://#", "ftp://a.example/"]
    {
        assert_eq!(build(&[bad]), Err(ConfigError::Audience), "{bad}");
    }
    for bad in [["https://a.example/x", "https://b.example/x"], ["https://a.example/x", "http://a.example/y"]] {
        assert_eq!(build(&bad), Err(ConfigError::Audiences), "{bad:?}");
    }
    assert_eq!(build(&[]), Err(ConfigError::NoAudience));
    // Room for nothing is no memory, and no mistake.
    for room in [0, 1, 1_000] {
        let builder = Verifier::builder().audience("https://calendar.example.com").authority("calendar.example.com");
        let verifier = builder.issuer("https://hub.example", [key(1).public()]).cache(room).build().unwrap();
        let sealed = open().seal().unwrap();
        for nonce in [1, 2] {
            let request = SignRequest::new("GET", "https://calendar.example.com/", &sealed);
            let fields = request.created(NOW, vec![nonce; 16]).sign(&key(2)).unwrap();
            let mut parts = Parts::new("GET", fields.target());
            parts.extend(fields.iter().map(|(name, value)| (name, value.as_bytes())));
            assert!(verifier.check(&parts, NOW, &Revocations::default()).is_ok());
        }
    }
}

/// A message begins in lower case and has no full stop.
fn is_sentence(text: &str) -> bool {
    text.len() > 10 && !text.starts_with(char::is_uppercase) && !text.ends_with('.')
}

#[test]
fn errors_say_what_went_wrong() {
    let refused = UnverifiedToken::from_text("").unwrap_err();
    assert_eq!(refused.detail(), "no proof");
    assert_eq!(refused.to_string(), "token_malformed: no proof");
    let (sealed, stranger) = (open().seal().unwrap(), key(9));
    let delegation = Delegation::to("sub", key(4).public());
    let not_the_holder = open().delegate(&delegation).unwrap().sign(&stranger, &key(5)).unwrap_err();
    let unsealed = UnverifiedToken::from_bytes(countersign::from_base64url(&open().dangerous_text()).unwrap());
    let unsealed = unsealed.unwrap().into_sealed().unwrap_err();
    let signature = UnverifiedToken::from_text(&sealed.to_text()).unwrap().verify(&[stranger.public()]).unwrap_err();
    let empty = open().restrict(&[], &key(5)).unwrap_err();
    for (error, kind, code) in [
        (not_the_holder, ErrorKind::NotTheHolder, Some(Code::DelegationInvalid)),
        (unsealed, ErrorKind::Unsealed, Some(Code::TokenUnsealed)),
        (signature, ErrorKind::Signature, Some(Code::TokenSignature)),
        (empty, ErrorKind::Empty, None),
    ] {
        assert_eq!((error.kind(), error.code()), (kind, code));
        assert!(is_sentence(&error.to_string()), "{error}");
    }
    for text in [
        SignError::Url.to_string(),
        SignError::Refused(Code::HeaderMalformed).to_string(),
        ConfigError::NoAudience.to_string(),
        IssuerKeysError::TooMany.to_string(),
        Message::parse(b"GET /").err().unwrap().to_string(),
        Operations::table([OperationEntry::new("GET", "no", "t", "/r", "a")]).err().unwrap().to_string(),
    ] {
        assert!(is_sentence(&text), "{text:?}");
    }
    assert_ne!(OperationError::Declaration.to_string(), OperationError::Resource.to_string());
}

#[test]
fn no_token_and_no_value_is_logged() {
    let sealed = open().seal().unwrap();
    let unverified = || UnverifiedToken::from_text(&sealed.to_text()).unwrap();
    let chain = unverified().verify(&[key(1).public()]).unwrap();
    let request = SignRequest::new("GET", "https://calendar.example.com/a?secret", &sealed);
    let request = request.created(NOW, vec![1; 16]).field("x-own", "secret");
    let unsigned = request.clone().prepare().unwrap();
    let all: [(&dyn Debug, &str); 6] = [
        (&open(), "OpenToken"),
        (&sealed, "SealedToken"),
        (&unverified(), "UnverifiedToken"),
        (&chain, "VerifiedChain"),
        (&request, "SignRequest"),
        (&unsigned, "UnsignedRequest"),
    ];
    let text = sealed.to_text();
    for (value, name) in all {
        let shown = format!("{value:?}");
        assert!(shown.starts_with(name) && shown.len() > name.len(), "{shown}");
        assert!(!shown.contains("secret") && !shown.contains(&text[..40]), "{shown}");
    }
    assert_eq!(unverified().issuer(), "https://hub.example");
}

#[test]
fn printed_checks_have_nothing_that_acts_on_a_terminal() {
    let check = |variable: &str, text: &str| {
        let x = Term::Variable(variable.to_owned());
        let expression = Expression::binary(x.clone(), binary_op::EQUAL, text.into());
        let query = Query { predicates: vec![Predicate::new("user", [x])], expressions: vec![expression] };
        let check = Check { kind: CheckKind::CheckIf, queries: vec![query] };
        let token = open().restrict(&[Restriction::Check(check)], &key(5)).unwrap();
        token.claims().checks(1).concat()
    };
    assert_eq!(check("x", "a"), r#"check if user($x), $x === "a""#);
    for plain in ["x1", "a_b", "a:b", "X"] {
        assert!(check(plain, "a").contains(&format!("user(${plain})")), "{}", check(plain, "a"));
    }
    for quoted in ["a b", "a-b", "a)", "\u{e9}"] {
        assert!(check(quoted, "a").contains(&format!("user($\"{quoted}\")")), "{}", check(quoted, "a"));
    }
    for (text, shown) in [
        ("a\"b\\", r#""a\"b\\""#),
        ("\u{7}\u{1b}[2J", r#""\u{7}\u{1b}[2J""#),
        ("\u{85}", r#""\u{85}""#),
        ("a\u{202e}b", r#""a\u{202e}b""#),
        ("\u{200b}\u{feff}\u{e0041}", r#""\u{200b}\u{feff}\u{e0041}""#),
        ("\u{e9}\u{1f600}", "\"\u{e9}\u{1f600}\""),
    ] {
        assert!(check("x", text).ends_with(&format!("$x === {shown}")), "{}", check("x", text));
    }
}

/// Restrictions that take this many bytes of text, in strings that a token may have. They hold for the token of `open`.
fn filler(bytes: usize) -> Vec<Restriction> {
    let purpose = |(number, length)| {
        let other = char::from_digit(number, 10).unwrap().to_string().repeat(length);
        Restriction::Purposes(vec!["scheduling".into(), other])
    };
    [900, 900, 900, 900, bytes.checked_sub(3600).unwrap()]
        .into_iter()
        .zip(0..)
        .map(|(n, at)| purpose((at, n)))
        .collect()
}

/// The greatest token of `make`, which is given ever more text; what made it refuse.
fn greatest(make: impl Fn(Vec<Restriction>) -> Result<OpenToken, TokenError>) -> (OpenToken, TokenError) {
    let mut last = make(filler(3800)).unwrap();
    for bytes in 3801.. {
        match make(filler(bytes)) {
            Ok(token) => last = token,
            Err(error) => return (last, error),
        }
    }
    unreachable!()
}

// spec: TK-53
#[test]
fn every_open_token_can_be_sealed() {
    let length = |text: &str| from_base64url(text).unwrap().len();
    let minted = |restrictions: Vec<Restriction>| {
        restrictions.into_iter().fold(grant(), Grant::restriction).sign(&key(1), &key(3))
    };
    let restricted = |restrictions: Vec<Restriction>| open().restrict(&restrictions, &key(4));
    let delegated = |restrictions: Vec<Restriction>| {
        let delegation = Delegation::to("summary-bot", key(5).public());
        let delegation = restrictions.into_iter().fold(delegation, Delegation::restriction);
        open().delegate(&delegation)?.sign(&key(2), &key(4))
    };
    for (token, error) in [greatest(minted), greatest(restricted), greatest(delegated)] {
        assert_eq!(length(&token.dangerous_text()), 5088);
        assert_eq!(length(&token.seal().unwrap().to_text()), 5120);
        assert_eq!(error.code(), Some(Code::LimitExceeded));
    }
}

// spec: TK-53
#[test]
fn an_open_token_that_could_not_be_sealed_is_not_taken_over() {
    let open = |text: usize| {
        let mut facts: Vec<_> = ["issuer", "user"].map(|name| pred(name, [string("https://hub.example")])).into();
        facts.push(pred("countersign", [raw::Term::Int(1)]));
        facts.push(pred("agent", [string("calendar-bot"), raw::Term::Bytes(key(2).public().as_bytes().to_vec())]));
        facts.push(pred("purpose", [string("scheduling")]));
        facts.push(pred("audience", [string("https://calendar.example.com")]));
        facts.push(pred("issued_at", [raw::Term::Date(NOW.0)]));
        facts.push(pred("right", ["http", "/", "GET"].map(string)));
        let other = |(length, number): (usize, u32)| {
            let other = char::from_digit(number, 10).unwrap().to_string().repeat(length);
            raw::check_one("purpose", |p| p.ne(raw::lit(&other)))
        };
        let fill = [900, 900, 900, 900, text].into_iter().zip(0..).map(other);
        let checks = core::iter::once(raw::expiry(NOW.0 as i64 + 60)).chain(fill).collect();
        let block = Block { facts, checks, ..Block::default() }.first_party(&mut Symbols::default());
        let token = RawToken::authority(&Key::named("root"), block.encode());
        token.message(&token.open()).encode()
    };
    let of = |bytes: usize| (200..1000).map(open).find(|token| token.len() == bytes).unwrap();
    let taken = |bytes: usize| {
        let token = UnverifiedToken::from_bytes(of(bytes)).unwrap();
        token.into_open().map(|open| open.seal().is_ok()).map_err(|error| error.code())
    };
    assert_eq!(taken(5088), Ok(true));
    assert_eq!(taken(5089), Err(Some(Code::LimitExceeded)));
    assert_eq!(taken(5120), Err(Some(Code::LimitExceeded)));
}
