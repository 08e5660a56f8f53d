use std::{fmt, sync::Arc, time::Duration};

use crate::Failure;

/// How often, and how patiently, a step that fails is tried again.
///
/// ```
/// use std::time::Duration;
/// use durable_api::RetryPolicy;
///
/// let policy = RetryPolicy::new(5)
///     .base(Duration::from_millis(200))
///     .cap(Duration::from_secs(10))
///     .retry_if(|failure| failure.code() != Some("card_declined"));
/// assert_eq!(policy.max_attempts(), 5);
/// ```
#[derive(Clone)]
pub struct RetryPolicy {
    max_attempts: u32,
    base: Duration,
    factor: f64,
    cap: Duration,
    jitter: f64,
    retry_if: Option<Arc<Predicate>>,
}

type Predicate = dyn Fn(&Failure) -> bool + Send + Sync;

impl RetryPolicy {
    /// One attempt, no retry.
    pub fn none() -> Self {
        Self::new(1)
    }

    /// At most `max_attempts` attempts, the first one included (0 counts as 1), waiting 100 ms after the
    /// first, twice as long after each further one, up to 30 s, give or take a fifth.
    pub fn new(max_attempts: u32) -> Self {
        Self {
            max_attempts: max_attempts.max(1),
            base: Duration::from_millis(100),
            factor: 2.0,
            cap: Duration::from_secs(30),
            jitter: 0.2,
            retry_if: None,
        }
    }

    /// How long to wait after the first attempt.
    #[must_use]
    pub fn base(mut self, base: Duration) -> Self {
        self.base = base;
        self
    }

    /// By how much each wait is longer than the one before. Below 1 (or not a number) counts as 1.
    #[must_use]
    pub fn factor(mut self, factor: f64) -> Self {
        self.factor = factor.max(1.0);
        self
    }

    /// The longest wait.
    #[must_use]
    pub fn cap(mut self, cap: Duration) -> Self {
        self.cap = cap;
        self
    }

    /// By which fraction a wait is lengthened or shortened at random: 0 for none, 1 for anything
    /// between nothing and twice as long.
    #[must_use]
    pub fn jitter(mut self, fraction: f64) -> Self {
        self.jitter = if fraction.is_nan() {
            0.0
        } else {
            fraction.clamp(0.0, 1.0)
        };
        self
    }

    /// Retries only failures for which this holds.
    #[must_use]
    pub fn retry_if(mut self, holds: impl Fn(&Failure) -> bool + Send + Sync + 'static) -> Self {
        self.retry_if = Some(Arc::new(holds));
        self
    }

    /// At most so many attempts.
    pub fn max_attempts(&self) -> u32 {
        self.max_attempts
    }

    /// Whether there is another attempt after attempt number `attempt` (from 1) ended in `failure`.
    pub fn retries(&self, attempt: u32, failure: &Failure) -> bool {
        attempt < self.max_attempts
            && !failure.is_permanent()
            && self.retry_if.as_ref().is_none_or(|holds| holds(failure))
    }

    /// How long to wait after attempt number `attempt` (from 1). `random` is between 0 and 1.
    pub fn delay(&self, attempt: u32, random: f64) -> Duration {
        let exponent = i32::try_from(attempt.saturating_sub(1)).unwrap_or(i32::MAX);
        let millis = self.base.as_secs_f64() * self.factor.powi(exponent);
        let capped = millis.min(self.cap.as_secs_f64());
        let spread = 1.0 + self.jitter * (2.0 * random - 1.0);
        Duration::try_from_secs_f64(capped * spread).unwrap_or(self.cap)
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self::none()
    }
}

impl fmt::Debug for RetryPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryPolicy")
            .field("max_attempts", &self.max_attempts)
            .field("base", &self.base)
            .field("factor", &self.factor)
            .field("cap", &self.cap)
            .field("jitter", &self.jitter)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_the_cap() {
        let policy = RetryPolicy::new(9)
            .base(Duration::from_millis(100))
            .cap(Duration::from_millis(350))
            .jitter(0.0);
        let waits: Vec<_> = (1..=4).map(|n| policy.delay(n, 0.9).as_millis()).collect();
        assert_eq!(waits, [100, 200, 350, 350]);
        assert_eq!(policy.delay(u32::MAX, 0.5).as_millis(), 350);
    }

    #[test]
    fn jitter_spreads_to_both_sides() {
        let policy = RetryPolicy::new(2)
            .base(Duration::from_millis(100))
            .jitter(0.5);
        assert_eq!(policy.delay(1, 0.0).as_millis(), 50);
        assert_eq!(policy.delay(1, 1.0).as_millis(), 150);
    }

    #[test]
    fn permanent_failures_and_refused_ones_are_not_retried() {
        let policy = RetryPolicy::new(3).retry_if(|failure| failure.code() != Some("no"));
        assert!(policy.retries(1, &Failure::msg("x")));
        assert!(!policy.retries(3, &Failure::msg("x")));
        assert!(!policy.retries(1, &Failure::permanent("x")));
        assert!(!policy.retries(1, &Failure::msg("x").with_code("no")));
    }
}
