use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use serde::{Deserialize, Serialize};

use crate::{
    Result,
    environment::Environment,
    stores::{Library, Store},
};

/// What is measured, by its unit.
pub(crate) type Metrics = BTreeMap<String, f64>;

/// How busy the machine was just before a measurement.
pub(crate) const FOREIGN_LOAD: &str = "foreign_load";

/// Everything that a run measured.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct Results {
    pub(crate) environment: Environment,
    /// The medians over the rounds.
    pub(crate) medians: Vec<Figures>,
    /// Each measurement, in the order of the run.
    pub(crate) samples: Vec<Sample>,
}

/// One measurement.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Sample {
    pub(crate) round: u32,
    #[serde(flatten)]
    pub(crate) figures: Figures,
}

/// What one library did at one workload on one store.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Figures {
    pub(crate) workload: String,
    pub(crate) store: Store,
    pub(crate) library: Library,
    pub(crate) metrics: Metrics,
}

impl Results {
    /// Writes everything into a folder.
    pub(crate) fn save(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder)?;
        let json = serde_json::to_string_pretty(self)?;
        Ok(fs::write(folder.join("results.json"), json)?)
    }

    /// Computes the medians.
    pub(crate) fn summarise(&mut self) {
        let mut groups = Vec::<Vec<&Figures>>::new();
        for sample in &self.samples {
            let figures = &sample.figures;
            match groups.iter_mut().find(|group| group[0].is_like(figures)) {
                Some(group) => group.push(figures),
                None => groups.push(vec![figures]),
            }
        }
        self.medians = groups.into_iter().map(|group| median_of(&group)).collect();
    }

    /// How many rounds were completed.
    pub(crate) fn rounds(&self) -> u32 {
        self.samples
            .iter()
            .map(|sample| sample.round + 1)
            .max()
            .unwrap_or(0)
    }

    /// How busy the machine was with other things: the median of what it was before each measurement.
    pub(crate) fn foreign_load(&self) -> f64 {
        let loads = self
            .samples
            .iter()
            .filter_map(|sample| sample.figures.metrics.get(FOREIGN_LOAD));
        let loads: Vec<_> = loads.copied().collect();
        if loads.is_empty() { 0.0 } else { median(loads) }
    }

    /// The median of one metric.
    pub(crate) fn median(
        &self,
        workload: &str,
        store: Store,
        library: Library,
        metric: &str,
    ) -> Option<f64> {
        let mut all = self.medians.iter();
        let figures = all.find(|figures| {
            figures.workload == workload && figures.store == store && figures.library == library
        })?;
        figures.metrics.get(metric).copied()
    }
}

impl Figures {
    fn is_like(&self, other: &Self) -> bool {
        self.workload == other.workload
            && self.store == other.store
            && self.library == other.library
    }
}

fn median_of(group: &[&Figures]) -> Figures {
    let names: BTreeSet<_> = group.iter().flat_map(|one| one.metrics.keys()).collect();
    let metrics = names.into_iter().map(|name| {
        let values = group.iter().filter_map(|one| one.metrics.get(name));
        (name.clone(), median(values.copied().collect()))
    });
    Figures {
        metrics: metrics.collect(),
        ..group[0].clone()
    }
}

/// The middle; of an even number, the mean of the two.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() % 2 {
        1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 3.0, 2.0]), 2.5);
    }
}
