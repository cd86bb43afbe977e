//! What each bomb of `work` does, and how long it takes.

fn main() {
    for bomb in countersign_benches::work::bombs() {
        let (outcome, units) = bomb.run();
        println!("{:<75} {outcome:?} after {units} units in {:?}", bomb.name, bomb.time(21));
    }
}
