use super::{answer::Answer, generator::Faults, program::Step, side::Side, snapshot::Snapshot};
use crate::{Backend, Bench, Fault};

/// After how many steps all that is stored is compared.
const LOOK_EVERY: usize = 250;

/// The stores that are compared.
pub(super) struct Pair {
    pub(super) reference: Side,
    subject: Side,
    /// A second reference store that no call of fails: what is repeated must change nothing.
    plain: Option<Side>,
    taken: usize,
}

impl Pair {
    /// Lets something happen to two stores with nothing in them.
    pub(super) async fn run<T>(
        reference: &impl Backend,
        subject: &impl Backend,
        faults: Faults,
        use_them: impl AsyncFnOnce(Self) -> T,
    ) -> T {
        let mut answer = None;
        Bench::run(reference, async |reference| {
            Bench::run(subject, async |subject| {
                let mut pair = Self {
                    reference: Side::open(reference).await,
                    subject: Side::open(subject).await,
                    plain: None,
                    taken: 0,
                };
                pair.reference.adapt_to(&pair.subject);
                pair.subject.adapt_to(&pair.reference);
                if faults == Faults::RepeatedAtOnce {
                    reference
                        .elsewhere(async |elsewhere| {
                            let mut plain = Side::open(elsewhere).await;
                            plain.adapt_to(&pair.subject);
                            pair.plain = Some(plain);
                            answer = Some(use_them(pair).await);
                        })
                        .await;
                } else {
                    answer = Some(use_them(pair).await);
                }
            })
            .await;
        })
        .await;
        answer.expect("a bench runs what it is given")
    }

    /// Takes a step; answers how the stores differ.
    pub(super) async fn take(&mut self, step: &Step) -> Option<String> {
        let (expected, found) = futures::join!(self.reference.take(step), self.subject.take(step));
        for (expected, found) in expected.iter().zip(&found) {
            if !found.agrees_with(expected) {
                return Some(tell(expected, found));
            }
        }
        if let Some(plain) = &mut self.plain {
            let plain_step = Step {
                fault: Fault::PassThrough,
                ..step.clone()
            };
            plain.take(&plain_step).await;
        }
        self.taken += 1;
        match self.taken.is_multiple_of(LOOK_EVERY) {
            true => self.look().await,
            false => None,
        }
    }

    /// Compares all that is stored; answers how the stores differ.
    pub(super) async fn look(&mut self) -> Option<String> {
        let expected = self.reference.snapshot().await;
        let expected = expected.expect("the reference shows what it holds");
        let found = match self.subject.snapshot().await {
            Ok(found) => found,
            Err(error) => return Some(format!("what is stored cannot be read: {error}\n")),
        };
        if let Some(text) = differ("the reference (-) and the store (+)", &expected, &found) {
            return Some(text);
        }
        let plain = self.plain.as_mut()?.snapshot().await;
        let plain = plain.expect("the reference shows what it holds");
        differ("calls made once (-) and repeated (+)", &plain, &expected)
    }
}

fn differ(who: &str, one: &Snapshot, other: &Snapshot) -> Option<String> {
    let text = || format!("{who} hold different things\n{}", one.difference(other));
    (one != other).then(text)
}

fn tell(expected: &Answer, found: &Answer) -> String {
    format!("the reference answers\n  {expected:?}\nand the store\n  {found:?}\n")
}

/// Takes steps on stores with nothing in them; answers at which one they differ, and how. One that is past the last is a difference in what is
/// stored in the end.
pub(super) async fn replay(
    reference: &impl Backend,
    subject: &impl Backend,
    faults: Faults,
    steps: &[Step],
    look_always: bool,
) -> Option<(usize, String)> {
    Pair::run(reference, subject, faults, async |mut pair| {
        for (at, step) in steps.iter().enumerate() {
            let mut difference = pair.take(step).await;
            if difference.is_none() && look_always {
                difference = pair.look().await;
            }
            if let Some(text) = difference {
                return Some((at, text));
            }
        }
        let text = pair.look().await?;
        Some((steps.len(), text))
    })
    .await
}
