use std::fmt;

/// How often a [`Trial`](super::Trial) ran its program.
///
/// ```
/// # async fn example(trial: durable_testing::Trial<'static, u32>) -> Result<(), durable_testing::Broken> {
/// let report = trial.await?;
/// println!("{report}");
/// assert_eq!(report.missed(), 0);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    runs: usize,
    stops: usize,
    missed: usize,
}

impl Report {
    pub(super) fn add(&mut self, planned: usize, met: usize) {
        self.runs += 1;
        self.stops += met;
        self.missed += planned - met;
    }

    /// How many runs there were, besides the one without crashes.
    ///
    /// ```
    /// # fn example(report: durable_testing::Report) {
    /// assert!(report.runs() > 10);
    /// # }
    /// ```
    pub fn runs(&self) -> usize {
        self.runs
    }

    /// How many crashes or pauses there were in them.
    ///
    /// ```
    /// # fn example(report: durable_testing::Report) {
    /// assert!(report.stops() >= report.runs());
    /// # }
    /// ```
    pub fn stops(&self) -> usize {
        self.stops
    }

    /// How many were planned at a call that was not made: with real I/O, what looks at the store may look more or less often.
    ///
    /// ```
    /// # fn example(report: durable_testing::Report) {
    /// assert_eq!(report.missed(), 0);
    /// # }
    /// ```
    pub fn missed(&self) -> usize {
        self.missed
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            runs,
            stops,
            missed,
        } = self;
        write!(
            f,
            "{runs} runs with {stops} stops; {missed} calls were not met"
        )
    }
}
