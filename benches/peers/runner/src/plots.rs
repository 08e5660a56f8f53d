//! Bars, for the README.
use std::path::Path;

use plotters::prelude::*;

use crate::{
    Result,
    results::Results,
    stores::{
        Library::{self, Bare, Dbos, Durable, Durare},
        Store::{self, Memory, Postgres, RedisAlways, RedisEverysec, SqliteFull, SqliteNormal},
    },
};

/// A plot: groups of bars, each bar a library's.
struct Plot {
    file: &'static str,
    title: &'static str,
    unit: &'static str,
    groups: &'static [Group],
}

/// The label of a group, and whose bars are in it.
struct Group {
    label: &'static str,
    bars: &'static [(Library, &'static str, Store, &'static str)],
}

const PLOTS: &[Plot] = &[
    Plot {
        file: "postgres-throughput.svg",
        title: "Postgres, every commit synced",
        unit: "steps or workflows a second",
        groups: &[
            Group {
                label: "workflows/s, 1 step, 100 in flight",
                bars: &[
                    (Durable, "c", Postgres, "workflows_per_s"),
                    (Dbos, "c", Postgres, "workflows_per_s"),
                    (Durare, "c", Postgres, "workflows_per_s"),
                ],
            },
            Group {
                label: "steps/s, 100 in flight",
                bars: &[
                    (Durable, "d-100", Postgres, "steps_per_s"),
                    (Dbos, "d-100", Postgres, "steps_per_s"),
                    (Durare, "d-100", Postgres, "steps_per_s"),
                ],
            },
            Group {
                label: "steps/s, 1,000 in flight",
                bars: &[
                    (Durable, "d-1000", Postgres, "steps_per_s"),
                    (Dbos, "d-1000", Postgres, "steps_per_s"),
                    (Durare, "d-1000", Postgres, "steps_per_s"),
                    (Bare, "insert-32", Postgres, "per_second"),
                ],
            },
            Group {
                label: "workflows/s from a queue, 1 process",
                bars: &[
                    (Durable, "e-1", Postgres, "workflows_per_s"),
                    (Dbos, "e-1", Postgres, "workflows_per_s"),
                    (Durare, "e-1", Postgres, "workflows_per_s"),
                ],
            },
            Group {
                label: "workflows/s from a queue, 4 processes",
                bars: &[
                    (Durable, "e-4", Postgres, "workflows_per_s"),
                    (Dbos, "e-4", Postgres, "workflows_per_s"),
                    (Durare, "e-4", Postgres, "workflows_per_s"),
                ],
            },
        ],
    },
    Plot {
        file: "postgres-latency.svg",
        title: "Postgres, one at a time: the median",
        unit: "microseconds",
        groups: &[
            Group {
                label: "1 step, start to result",
                bars: &[
                    (Durable, "a", Postgres, "p50_us"),
                    (Dbos, "a", Postgres, "p50_us"),
                    (Durare, "a", Postgres, "p50_us"),
                ],
            },
            Group {
                label: "a bare INSERT commit",
                bars: &[(Bare, "insert-1", Postgres, "p50_us")],
            },
        ],
    },
    Plot {
        file: "other-stores.svg",
        title: "Steps a second, 100 workflows in flight",
        unit: "steps a second",
        groups: &[
            Group {
                label: "SQLite, synced",
                bars: &[(Durable, "d-100", SqliteFull, "steps_per_s")],
            },
            Group {
                label: "SQLite, not synced",
                bars: &[
                    (Durable, "d-100", SqliteNormal, "steps_per_s"),
                    (Durare, "d-100", SqliteNormal, "steps_per_s"),
                ],
            },
            Group {
                label: "Redis, everysec",
                bars: &[
                    (Durable, "d-100", RedisEverysec, "steps_per_s"),
                    (Bare, "set-50", RedisEverysec, "per_second"),
                ],
            },
            Group {
                label: "Redis, always",
                bars: &[
                    (Durable, "d-100", RedisAlways, "steps_per_s"),
                    (Bare, "set-50", RedisAlways, "per_second"),
                ],
            },
            Group {
                label: "memory",
                bars: &[
                    (Durable, "d-100", Memory, "steps_per_s"),
                    (Durare, "d-100", Memory, "steps_per_s"),
                ],
            },
        ],
    },
];

const ROW: i32 = 22;
const LABELS: i32 = 290;
const WIDTH: i32 = 860;
const HEAD: i32 = 64;

/// All plots whose numbers a run has.
pub(crate) fn draw(results: &Results, folder: &Path) -> Result<()> {
    for plot in PLOTS {
        plot.draw(results, &folder.join(plot.file))?;
    }
    Ok(())
}

impl Plot {
    fn draw(&self, results: &Results, file: &Path) -> Result<()> {
        let groups: Vec<_> = self
            .groups
            .iter()
            .map(|group| (group.label, group.values(results)))
            .collect();
        let groups: Vec<_> = groups
            .into_iter()
            .filter(|(_, values)| !values.is_empty())
            .collect();
        let rows: usize = groups.iter().map(|(_, values)| values.len()).sum();
        let Some(most) = groups
            .iter()
            .flat_map(|(_, values)| values)
            .map(|(_, value)| *value)
            .reduce(f64::max)
        else {
            return Ok(());
        };
        let height = HEAD + rows as i32 * ROW + groups.len() as i32 * ROW / 2;
        let area = SVGBackend::new(file, (WIDTH as u32, height as u32)).into_drawing_area();
        area.fill(&WHITE)?;
        let text = |size: i32| ("sans-serif", size).into_font();
        let put =
            |words: &str, size, x, y| area.draw(&Text::new(words.to_owned(), (x, y), text(size)));
        put(self.title, 18, 12, 10)?;
        put(self.unit, 13, 12, 36)?;
        let mut y = HEAD;
        for (label, values) in groups {
            put(label, 13, 12, y + 3)?;
            for (library, value) in values {
                let length = (value / most * f64::from(WIDTH - LABELS - 150)) as i32;
                let bar = [(LABELS, y), (LABELS + length.max(1), y + ROW - 5)];
                area.draw(&Rectangle::new(bar, color(library).filled()))?;
                let words = format!("{} {value:.0}", library.name());
                put(&words, 12, LABELS + length + 6, y + 3)?;
                y += ROW;
            }
            y += ROW / 2;
        }
        Ok(area.present()?)
    }
}

impl Group {
    fn values(&self, results: &Results) -> Vec<(Library, f64)> {
        let bars = self.bars.iter();
        bars.filter_map(|&(library, workload, store, metric)| {
            Some((library, results.median(workload, store, library, metric)?))
        })
        .collect()
    }
}

fn color(library: Library) -> RGBColor {
    match library {
        Durable => RGBColor(31, 119, 180),
        Dbos => RGBColor(255, 127, 14),
        Durare => RGBColor(44, 160, 44),
        Bare => RGBColor(150, 150, 150),
    }
}
