use arbitrary::Unstructured;
use countersign::checks::*;
use countersign::token::*;
use countersign_datalog::oracle;
use countersign_fuzz::{checks, keys};
use std::collections::BTreeMap;
fn main() {
    let mut t: BTreeMap<String, u64> = BTreeMap::new();
    let mut x = 88172645463325252u64;
    for _ in 0..std::env::args().nth(1).unwrap().parse::<u64>().unwrap() {
        let data: Vec<u8> = (0..2048).map(|_| { x ^= x << 13; x ^= x >> 7; x ^= x << 17; (x >> 24) as u8 }).collect();
        let mut u = Unstructured::new(&data);
        let token = match checks::token(&mut u).unwrap() { Ok(t) => t, Err(e) => { *t.entry(format!("mint {e}")).or_default() += 1; continue } };
        let (arguments, plain) = checks::arguments(&mut u).unwrap();
        let facts = checks::facts(&mut u, &token, &arguments).unwrap();
        let root = keys::root().public();
        let bytes = countersign::from_base64url(&token.dangerous_text()).unwrap();
        let chain = UnverifiedToken::from_bytes(bytes.clone()).unwrap().verify(&[root]).unwrap();
        let mut work = Work::new(WORK_LIMIT);
        let v = evaluate(&chain, &facts, &mut work);
        let e = oracle::outcome(&bytes, &root, &facts);
        *t.entry(format!("{:?} {:?} {} {}", v.err().map(|d| d.code), e, plain, if v.is_ok() != e.is_allow() && plain {"DIFF"} else {""})).or_default() += 1;
    }
    for (k, v) in t { println!("{v} {k}"); }
}
