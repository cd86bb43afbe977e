//! Every vector of `test-vectors/` through the core.
#![expect(clippy::unwrap_used, reason = "tests say what went wrong by panicking")]

mod details;
mod lists;
mod messages;
mod requests;

use countersign_testkit::format::Vector;
use countersign_testkit::format_rar;
use countersign_testkit::format_revocation::ListVector;
use countersign_testkit::format_rpc::RpcVector;
use countersign_testkit::runner::{self, Answer, Implementation};

struct Core;

impl Implementation for Core {
    fn name(&self) -> &str {
        "core"
    }

    fn decide(&self, vector: &Vector) -> Answer {
        requests::decide(vector)
    }

    fn decide_message(&self, vector: &RpcVector) -> Answer {
        messages::decide(vector)
    }

    fn read_details(&self, vector: &format_rar::Vector) -> Answer {
        Answer::Details(details::read(vector))
    }

    fn take_list(&self, vector: &ListVector) -> Answer {
        lists::take(vector)
    }
}

// spec: VF-1, VF-4, RA-20, RA-29
#[test]
fn core_decides_every_vector_as_expected() {
    runner::run(&Core).all_pass();
}
