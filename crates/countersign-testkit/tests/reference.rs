//! The reference verifier over every vector, and what each refused one breaks.
use std::path::Path;
use countersign_testkit::{reference, runner};

#[test]
fn dump() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../test-vectors");
    let mut bad = 0;
    let mut many = 0;
    for v in runner::load(&dir).unwrap() {
        match reference::decide_request(&v) {
            Err(e) => { bad += 1; println!("BEFORE {} {e}", v.id); }
            Ok(j) => {
                if let Err(e) = runner::compare(&v, &j.decision) { bad += 1; println!("DIFF {e} {:?}", j.faults.0); }
                let f = &j.faults.0;
                if v.expect.stage.is_some() && (f.len() != 1 || !f[0].is_of(&v.req)) { many += 1; println!("MANY {} cites {:?}: {:?}", v.id, v.req, f.iter().map(|f| (f.stage, f.code, f.rules.clone())).collect::<Vec<_>>()); }
            }
        }
    }
    for v in runner::load_rpc(&dir).unwrap() {
        match reference::decide_message(&v) {
            Err(e) => { bad += 1; println!("BEFORE {} {e}", v.id); }
            Ok(j) => {
                if let Err(e) = runner::compare_with(&v.id, &v.expect, &j.decision) { bad += 1; println!("DIFF {e} {:?}", j.faults.0); }
                let f = &j.faults.0;
                if v.expect.stage.is_some() && (f.len() != 1 || !f[0].is_of(&v.req)) { many += 1; println!("MANY {} cites {:?}: {:?}", v.id, v.req, f.iter().map(|f| (f.stage, f.code, f.rules.clone())).collect::<Vec<_>>()); }
            }
        }
    }
    println!("bad {bad} many {many}");
}
