//! No more run at once than the queues let through.
use std::collections::HashMap;

use super::super::{
    evidence::{Body, Evidence},
    load::{EACH, GLOBAL, PARTS},
};

/// A stretch of a life in which it was taken for dead, though it lived.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Fence {
    pub(in super::super) life: usize,
    /// It was last seen registered then.
    pub(in super::super) from: u64,
    /// It was registered again by then, or had ended.
    pub(in super::super) until: u64,
}

/// From when until when a body ran.
type Stretch<'e> = (u64, u64, &'e Body);

/// All of them.
pub(in super::super) fn fences(evidence: &Evidence) -> Vec<Fence> {
    let mut fences = Vec::new();
    for (place, life) in evidence.lives.iter().enumerate() {
        let ended = life.ended.unwrap_or(u64::MAX);
        let of_life =
            |pid: u32, first: u64| pid == life.pid && first >= life.begun && first <= ended;
        for sighting in &evidence.sightings {
            let over = life.asked.unwrap_or(u64::MAX).min(ended);
            if let Some(gone) = sighting.gone
                && of_life(sighting.pid, sighting.first)
                && gone < over
            {
                let again = evidence
                    .sightings
                    .iter()
                    .filter(|next| of_life(next.pid, next.first) && next.first >= gone)
                    .map(|next| next.first)
                    .min();
                fences.push(Fence {
                    life: place,
                    from: sighting.last,
                    until: again.unwrap_or(ended),
                });
            }
        }
    }
    fences
}

/// The concurrency of queues, of their partitions, and of executors.
pub(super) fn concurrency(evidence: &Evidence) -> Vec<String> {
    let fences = fences(evidence);
    let mut crowds: HashMap<(String, u32), Vec<Stretch<'_>>> = HashMap::new();
    for body in &evidence.bodies {
        let Some(entry) = evidence.entries.get(&body.workflow) else {
            continue;
        };
        let crowd = match entry.queue {
            queue if queue == GLOBAL.0 => (queue.to_owned(), GLOBAL.1),
            queue if queue == PARTS.0 => (format!("{queue} {:?}", entry.partition), PARTS.1),
            queue if queue == EACH.0 => {
                let life = &evidence.lives[body.life].name;
                (format!("{queue} in {life}"), EACH.1)
            }
            _ => continue,
        };
        for (from, until) in stretches(evidence, &fences, body) {
            crowds
                .entry(crowd.clone())
                .or_default()
                .push((from, until, body));
        }
    }
    let mut violations = Vec::new();
    for ((name, limit), mut crowd) in crowds {
        crowd.sort_by_key(|(from, ..)| *from);
        let mut worst: Vec<&Body> = Vec::new();
        let mut running: Vec<(u64, &Body)> = Vec::new();
        for (from, until, body) in crowd {
            running.retain(|(until, _)| *until > from);
            running.push((until, body));
            if running.len() > limit as usize && running.len() > worst.len() {
                worst = running.iter().map(|(_, body)| *body).collect();
            }
        }
        if !worst.is_empty() {
            let bodies: Vec<String> = worst.iter().map(|body| tell(evidence, body)).collect();
            violations.push(format!(
                "queue {name}: {} ran at once, the limit is {limit}: {}",
                worst.len(),
                bodies.join("; ")
            ));
        }
    }
    violations
}

/// When a body ran as far as anybody can hold its queue to account: not while its process stood still, not after its death, and not after
/// it was taken for dead, since what it does then is what nobody can prevent.
fn stretches(evidence: &Evidence, fences: &[Fence], body: &Body) -> Vec<(u64, u64)> {
    let life = &evidence.lives[body.life];
    let mut until = body.ended.unwrap_or(u64::MAX);
    until = until.min(life.ended.unwrap_or(u64::MAX));
    for fence in fences.iter().filter(|fence| fence.life == body.life) {
        if (fence.from..fence.until).contains(&body.begun) {
            return Vec::new();
        }
        if fence.from > body.begun {
            until = until.min(fence.from);
        }
    }
    let mut stretches = Vec::new();
    let mut from = body.begun;
    let mut stops = life.stops.clone();
    stops.sort_unstable();
    for (stop, go_on) in stops {
        if go_on > from && stop < until {
            stretches.push((from, stop.max(from)));
            from = go_on;
        }
    }
    stretches.push((from, until));
    stretches.retain(|(from, until)| from < until);
    stretches
}

fn tell(evidence: &Evidence, body: &Body) -> String {
    let millis = |at: u64| at / 1_000_000;
    format!(
        "{} step {} in {} from {} to {:?}",
        body.workflow,
        body.step,
        evidence.lives[body.life].name,
        millis(body.begun),
        body.ended.map(millis),
    )
}
