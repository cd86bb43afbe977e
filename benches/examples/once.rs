//! Runs one side of one scenario many times, for profilers: `once SIDE SCENARIO TIMES`.

use countersign_benches::fixture::Scenario;
use countersign_benches::service::Service;
use countersign_benches::verdicts::{body, stack};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let side = arguments.next().unwrap_or_default();
    let name = arguments.next().unwrap_or_default();
    let times: u32 = arguments.next().and_then(|times| times.parse().ok()).unwrap_or(1);
    let Some(scenario) = Scenario::ALL.into_iter().find(|scenario| scenario.name() == name) else {
        eprintln!(
            "once cold|warm|stack|httpsig|parse|authorize 1_block|1_block_body|3_blocks|3_blocks_delegated TIMES"
        );
        return;
    };
    let (request, body, stack) = (scenario.request(), body(scenario), stack(scenario));
    let service = if side == "warm" { Service::warm() } else { Service::cold() };
    let text = scenario.sealed().to_text();
    let biscuit = stack.parse(&text);
    let start = std::time::Instant::now();
    for _ in 0..times {
        let request = request.clone();
        let holds = match side.as_str() {
            "stack" => stack.verify(request, !body.is_empty()).is_ok(),
            "httpsig" => stack.request(&request).is_ok(),
            "parse" => stack.parse(&text).is_ok(),
            "authorize" => biscuit
                .as_ref()
                .is_ok_and(|b| stack.authorize(b, request.method().as_str(), request.uri().path()).is_ok()),
            _ => service.verify(&request, body).is_ok(),
        };
        assert!(holds, "a fixture is refused");
    }
    println!("{:.2} µs", start.elapsed().as_secs_f64() * 1e6 / f64::from(times.max(1)));
}
