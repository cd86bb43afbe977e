//! The core and the reference verifier over requests that no vector has: made at random, each with a few things changed.
//!
//! Most are refused, a tenth at stage 11 or later by checks and charges. The seed is fixed. `COUNTERSIGN_AGREE=N` makes N requests in place of the usual number.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "numbers and lists of this file, which fails by panicking"
)]

use countersign::from_base64url;
use countersign::request::Message;
use countersign_testkit::format::{Cost, Operation, Vector};
use countersign_testkit::keys::Key;
use countersign_testkit::raw_checks::{
    Check, Expr, Op, Predicate, Term, check_if, pred, query, reject_if, string, strings, var,
};
use countersign_testkit::raw_request::{Request, Signature, digest_sha256};
use countersign_testkit::raw_token::{RawToken, Symbols};
use countersign_testkit::reference;
use countersign_testkit::runner::Answer;
use countersign_testkit::vectors::case::{Case, File};
use countersign_testkit::vectors::standard::{Plan, operation, right};

/// Xorshift: a test that repeats itself needs no better randomness.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % bound
    }

    fn of<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.below(all.len())]
    }

    fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

const NAMES: &[&str] = &["/a", "/b", "/a/b", "/t", "query.q", "path.id", "/none"];
const TEXTS: &[&str] =
    &["", "x", "a", "https://a.example/x", "https://A.example:443", "http://1.2.3.4", "/docs/a", "/docs", "..", "1"];
const PATHS: &[&str] = &[
    "/calendars/x",
    "/calendars/x",
    "/calendars/x",
    "/calendars/x/y",
    "/calendars/a",
    "/calendars/%3F",
    "/calendars/x",
    "/calendars/x",
    "/calendars/x",
    "/calendars/a",
    "/calendars/x",
    "/calendars/x",
    "/calendars/x",
    "/calendars/x",
    "/calendars",
    "/calendars/",
    "/calendars/x",
    "/calendars/x/y",
    "/calendars/%C3%BC",
    "/calendars/%41",
    "/calendars//x",
    "/calendars/.",
    "/other",
    "/",
    "/calendars/x;y",
    "/calendars/a%2Fb",
    "/calendars/%00",
    "/calendars/é",
    "/calendars/%e4",
];
const QUERIES: &[&str] =
    &["", "", "", "?q=x", "?q=a&q=a", "?q=%41+b", "?q=%zz", "?q", "?", "?=1&&x=%C3", "?%71=x", "??q=1", "?q=a=b"];
const VALUES: &[&str] = &[
    "1",
    "-0",
    "1.0",
    "1.5",
    "1e2",
    "100",
    "9007199254740991",
    "9007199254740992",
    "1e400",
    "1e-400",
    "0.1e1",
    "true",
    "null",
    "\"x\"",
    "\"a\"",
    "\"\\u0061\"",
    "\"\\ud83d\"",
    "\"https://a.example/x\"",
    "\"/docs/a\"",
    "[]",
    "[1,2]",
    "[1,[2]]",
    "[\"a\",\"a\"]",
    "{}",
    "{\"b\":1}",
    "{\"b\":\"x\",\"c\":{\"d\":null}}",
    "[{\"b\":1}]",
    "[null]",
    "[true,\"x\"]",
];

fn body(random: &mut Random) -> String {
    if random.once_in(25) {
        return random
            .of(&[
                "[1]",
                "{} ",
                " {\"a\":1}",
                "{\"a\":1}x",
                "{\"a\":1,\"a\":1}",
                "\"x\"",
                "\u{feff}{}",
                "{\"a\":01}",
                "nul",
                "{\"a\" :\t1}",
            ])
            .to_owned();
    }
    let names = ["a", "a", "b", "t", "a~b", "", "ü"];
    let members: Vec<String> =
        (0..random.below(4)).map(|_| format!("\"{}\":{}", random.of(&names), random.of(VALUES))).collect();
    format!("{{{}}}", members.join(","))
}

fn constant(random: &mut Random) -> Term {
    match random.below(7) {
        0 => Term::Int(random.below(3) as i64),
        1 => Term::Bool(random.once_in(2)),
        2 => Term::Date(1_795_453_200),
        3 => Term::Bytes(Key::named("agent").public().to_vec()),
        4 => strings(&["a", "x"]),
        _ => string(random.of(TEXTS)),
    }
}

/// Operations of every kind, in any order.
fn wild(random: &mut Random) -> Vec<Op> {
    let mut ops = vec![Op::Value(var("v"))];
    for _ in 0..random.below(4) {
        match random.below(4) {
            0 => ops.push(Op::Unary(random.below(5) as u64)),
            1 => ops.extend([Op::Closure(Vec::new(), wild(random)), Op::Binary(22 + random.below(4) as u64)]),
            2 => ops.push(Op::Value(constant(random))),
            _ => ops.extend([Op::Value(constant(random)), Op::Binary(random.below(31) as u64)]),
        }
    }
    ops
}

/// A comparison, and what can be made of it.
fn expression(random: &mut Random, depth: usize) -> Vec<Op> {
    let operand = |random: &mut Random| Op::Value(if random.once_in(2) { var("v") } else { constant(random) });
    let binary = *random.of(&[&0, &3, &4, &4, &5, &5, &6, &7, &20, &20]);
    let mut ops = vec![operand(random)];
    if random.once_in(8) {
        ops.push(Op::Unary(2));
    }
    ops.extend([operand(random), Op::Binary(binary)]);
    if depth < 2 && random.once_in(3) {
        let inner = expression(random, depth + 1);
        ops.extend([Op::Closure(Vec::new(), inner), Op::Binary(23 + random.below(2) as u64)]);
    }
    if random.once_in(3) {
        ops.extend([Op::Unary(1), Op::Unary(0)]);
    }
    ops
}

fn of_arguments(random: &mut Random) -> Predicate {
    match random.below(5) {
        0 | 1 => pred("arg", [string(random.of(NAMES)), var("v")]),
        2 => pred("arg_host", [string(random.of(NAMES)), var("v")]),
        3 => pred("arg_path", [string(random.of(NAMES)), var("v")]),
        _ => pred("arg_present", [var("v")]),
    }
}

fn of_the_verifier(random: &mut Random, variable: &str) -> Predicate {
    let name = random
        .of(&["time", "type", "resource", "action", "method", "path", "tool", "holder", "user", "service", "binding"]);
    match random.below(8) {
        0 => pred("agent", [var(variable), constant(random)]),
        1 => pred("arg_present", [string(random.of(NAMES))]),
        2 => pred(name, [constant(random)]),
        3 => pred(random.of(&["type", "action"]), [string(random.of(&["http", "t", "GET", "a"]))]),
        _ => pred(name, [var(variable)]),
    }
}

fn check(random: &mut Random) -> Check {
    let reject = random.once_in(2);
    let one = |random: &mut Random| {
        let mut body = vec![of_the_verifier(random, "w")];
        let argument = if reject { !random.once_in(4) } else { random.once_in(40) };
        body.push(if argument { of_arguments(random) } else { of_the_verifier(random, "v") });
        let bound = body.iter().flat_map(|it| &it.terms).any(|term| *term == var("v")) || random.once_in(40);
        let count = if bound { random.below(3) } else { 0 };
        let one = |random: &mut Random| Expr(if random.once_in(40) { wild(random) } else { expression(random, 0) });
        query(body, (0..count).map(|_| one(random)).collect::<Vec<_>>())
    };
    if reject {
        reject_if(one(random))
    } else {
        check_if((0..=random.below(2)).map(|_| one(random)).collect::<Vec<_>>())
    }
}

fn token(random: &mut Random) -> String {
    let mut plan = Plan::standard();
    for _ in 0..random.below(3) {
        plan = plan.check(check(random));
    }
    if random.once_in(4) {
        let amount = Term::Int(1 + random.below(4) as i64);
        let unit = random.of(&["calls", "EUR"]);
        plan = plan.fact(pred("budget", [string("x"), string(unit), amount, Term::Int(random.below(20) as i64)]));
        if random.once_in(2) {
            plan = plan.fact(pred("metered", [string("x"), string("http"), string(random.of(&["GET", "POST"]))]));
        }
    }
    if random.once_in(3) {
        plan = plan.fact(right(random.of(&["http", "t"]), random.of(PATHS), random.of(&["GET", "POST", "a"])));
    }
    let mut agent_signs = plan.clone();
    if random.once_in(4) {
        agent_signs = agent_signs.restrict([check(random)]);
    }
    if !random.once_in(7) {
        return agent_signs.text();
    }
    // The block's bytes changed, then signed as they are.
    let mut bytes = plan.authority.first_party(&mut Symbols::default()).encode();
    for _ in 0..=random.below(2) {
        let at = random.below(bytes.len());
        match random.below(4) {
            0 => bytes[at] = random.below(256) as u8,
            1 => bytes[at] ^= 1 << random.below(8),
            2 => drop(bytes.remove(at)),
            _ => bytes.insert(at, *random.of(&[&0, &1, &8, &10, &0x80, &0xff])),
        }
    }
    RawToken::authority(&Key::named("root"), bytes).sealed_text()
}

fn request(random: &mut Random) -> Request {
    let post = random.once_in(2);
    let target = format!("{}{}", random.of(PATHS), random.of(QUERIES));
    let method = if random.once_in(30) {
        random.of(&["get", "CONNECT", "PUT", "G T"])
    } else if post {
        "POST"
    } else {
        "GET"
    };
    let mut request = Request::new(method, &target);
    request.set(
        "host",
        if random.once_in(30) { "x" } else { random.of(&["calendar.example.com", "Calendar.Example.Com:443"]) },
    );
    request.add("Authorization", format!("Countersign {}", token(random)));
    let mut signature = Signature::new(&Key::named("agent"));
    if post {
        let body = body(random);
        let types = [
            "application/json",
            "application/json",
            "application/json; charset=utf-8",
            "text/plain",
            "application/x+json;charset=\"UTF-8\"",
            "application/json;charset=latin1",
            "application/json, text/plain",
            "application/json;",
            "application/json; a=\"b",
        ];
        request.add("Content-Type", random.of(&types));
        request.add("Content-Length", body.len().to_string());
        request.add("Content-Digest", digest_sha256(body.as_bytes()));
        request.body = body.into_bytes();
        signature.cover("content-type");
        signature.cover("content-digest");
    }
    if random.once_in(6) {
        let names = [
            "X-Note",
            "Idempotency-Key",
            "Content-Encoding",
            "Mcp-Name",
            "Accept",
            "Trailer",
            "Cookie",
            "Countersign-Approval",
            "Upgrade",
        ];
        let name = random.of(&names);
        for _ in 0..=random.below(2) {
            request.add(name, random.of(&["1", "", "a, b", "ü", " x ", "a\tb", "a\rb"]));
        }
        if !random.once_in(3) {
            signature.cover(&name.to_ascii_lowercase());
        }
    }
    match random.below(60) {
        0 => signature.components.reverse(),
        1 => signature.uncover("@query"),
        2 => signature.cover("@path"),
        3 => signature.cover("accept-language"),
        4 => signature.set("alg", random.of(&["\"ed25519\"", "\"rsa\"", "ed25519"])),
        5 => signature
            .set("created", random.of(&["1795453230", "1795453231", "1795453261", "-1", "1.0", "999999999999999"])),
        6 => signature.set("expires", random.of(&["1795453169", "1795453170", "1795453500", "1795453501", "\"1\""])),
        7 => signature
            .set("nonce", random.of(&["\"AAAA\"", "\"AAAAAAAAAAAAAAAAAAAAAA\"", "\"AAAAAAAAAAAAAAAAAAAAAB\"", "x"])),
        8 => signature.set("extra", "1"),
        9 => signature.unset("keyid"),
        10 => signature.key = Key::named("stranger"),
        _ => {}
    }
    let mut request = signature.sign(request);
    // What is changed here was not signed.
    if random.once_in(12) {
        let fields = ["signature-input", "signature", "content-digest", "authorization", "host"];
        let name = random.of(&fields);
        if let Some(mut text) = request.field(name).and_then(|value| String::from_utf8(value).ok()) {
            let at = random.below(text.len());
            match random.below(3) {
                0 => text.insert_str(
                    at,
                    random
                        .of(&[" ", ",", ";", "\"", "(", ")", "=", "0", "a", ":", "\\", "?1", ";a", ", a=1", "-", "%"]),
                ),
                1 => drop(text.remove(at)),
                _ => {
                    text = format!(
                        "{text}{}",
                        random.of(&[", a=()", ", sig=()", ", b=:AA==:", ";x", ", a=1", " ", ",", "=", ":80"])
                    )
                }
            }
            request.set(name, text);
        }
    }
    request
}

fn vector(random: &mut Random) -> Vector {
    let mut case = Case::new("made", "made at random", &request(random));
    if random.once_in(2) {
        let mut row: Operation = operation(
            random.of(&["GET", "POST"]),
            random.of(&["/calendars/{id}", "/calendars/x", "/calendars/{id}/y"]),
            "t",
            random.of(&["/calendars", "/x/y", "n/m"]),
            random.of(&["a", "GET"]),
        );
        let declared: Vec<String> = NAMES.iter().filter(|_| random.once_in(3)).map(|name| (*name).to_owned()).collect();
        match random.below(4) {
            0 => row.urls = declared,
            1 => row.paths = declared,
            2 => row.scales = declared.into_iter().map(|name| (name, random.below(4) as u8)).collect(),
            _ => {}
        }
        if random.once_in(2) {
            let cost = if random.once_in(2) {
                Cost::Amount(random.below(3) as u64)
            } else {
                Cost::Argument(random.of(NAMES).to_owned())
            };
            row.cost = Some([(random.of(&["calls", "EUR"]).to_owned(), cost)].into());
        }
        row.read_body = random.once_in(6).then_some(false);
        case = case.operations([row]);
    }
    let mut file = File::new("request", "made", "");
    file.push(case);
    file.content().vectors.remove(0)
}

#[test]
fn core_and_reference_agree_on_requests_made_at_random() {
    let count = std::env::var("COUNTERSIGN_AGREE").ok().and_then(|count| count.parse().ok()).unwrap_or(1_500);
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let (mut failures, mut allowed) = (Vec::new(), 0);
    let mut stages = [0_usize; 13];
    for _ in 0..count {
        let vector = vector(&mut random);
        // A head that can't be taken apart is not a message, and no verifier gets it.
        if Message::parse(&from_base64url(&vector.input.request_b64u).unwrap()).is_err() {
            continue;
        }
        let judged = reference::decide_request(&vector).unwrap();
        let Answer::Decision(core) = super::requests::decide(&vector) else { unreachable!("nothing comes before") };
        allowed += usize::from(judged.is_allowed());
        stages[judged.faults.first().map_or(0, |fault| usize::from(fault.stage))] += 1;
        if let Some(difference) = judged.difference(&core) {
            failures.push(format!("{difference}\n{}", serde_json::to_string(&vector.input).unwrap()));
        }
    }
    println!("{count} requests made at random, {allowed} of them allowed; by stages: {stages:?}");
    assert!(failures.is_empty(), "{} differ:\n{}", failures.len(), failures.join("\n"));
}
