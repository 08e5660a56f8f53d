use std::time::{Duration, Instant};

use super::{generator::Faults, program::Step, replay::replay};
use crate::Backend;

/// For how long a sequence is made shorter.
const PATIENCE: Duration = Duration::from_secs(120);

/// Leaves out steps as long as the stores still differ; answers what is left, and how they differ by it.
pub(super) async fn shrink(
    reference: &impl Backend,
    subject: &impl Backend,
    faults: Faults,
    mut steps: Vec<Step>,
) -> (Vec<Step>, Option<String>) {
    let began = Instant::now();
    let mut chunk = steps.len().div_ceil(2);
    loop {
        let mut from = 0;
        let before = steps.len();
        while from < steps.len() && began.elapsed() < PATIENCE {
            let mut fewer = steps.clone();
            fewer.drain(from..(from + chunk).min(steps.len()));
            match replay(reference, subject, faults, &fewer, false).await {
                Some((at, _)) => {
                    fewer.truncate(at + 1);
                    steps = fewer;
                }
                None => from += chunk,
            }
        }
        let is_done = chunk == 1 && steps.len() == before;
        if is_done || began.elapsed() >= PATIENCE {
            break;
        }
        chunk = chunk.div_ceil(2);
    }
    let last = replay(reference, subject, faults, &steps, true).await;
    if let Some((at, _)) = &last {
        steps.truncate(at + 1);
    }
    (steps, last.map(|(_, text)| text))
}
