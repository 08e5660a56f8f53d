use std::{error::Error, fmt};

use super::points::Point;

/// What a [`Trial`](super::Trial) found: where the program was stopped, and what did not hold then.
///
/// ```
/// # async fn example(trial: durable_testing::Trial<'static, u32>) {
/// if let Err(broken) = trial.await {
///     // crash after call 17 (record_step, workflow `the-workflow`, step 3): the outcome is Ok(20); without, it is Ok(21)
///     println!("{broken}");
/// }
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    stops: Vec<String>,
    why: String,
}

impl Broken {
    pub(super) fn new(points: &[Point], why: String) -> Self {
        Self {
            stops: points.iter().map(Point::to_string).collect(),
            why,
        }
    }

    /// Where the program was stopped; empty when it does not even run without.
    ///
    /// ```
    /// # fn example(broken: durable_testing::Broken) {
    /// assert_eq!(broken.stops().len(), 1);
    /// # }
    /// ```
    pub fn stops(&self) -> &[String] {
        &self.stops
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.stops.is_empty() {
            write!(f, "without any crash: {}", self.why)
        } else {
            write!(f, "{}: {}", self.stops.join(", then "), self.why)
        }
    }
}

impl Error for Broken {}
