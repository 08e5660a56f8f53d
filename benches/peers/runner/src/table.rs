//! The results as Markdown.
use std::fmt::Write;

use crate::{
    bars::{self, Verdict},
    environment::Environment,
    results::{Figures, Results},
    stores::Library,
};

/// A column: its heading, the metric, and what divides that.
type Column = (&'static str, &'static str, f64);

/// What a workload is read by.
const FIGURES: &[Column] = &[
    ("workflows/s", "workflows_per_s", 1.0),
    ("steps/s", "steps_per_s", 1.0),
    ("operations/s", "per_second", 1.0),
    ("p50 ms", "p50_us", 1_000.0),
    ("p99 ms", "p99_us", 1_000.0),
    ("to start, p50 ms", "begun_p50_us", 1_000.0),
    ("to start, p99 ms", "begun_p99_us", 1_000.0),
    ("seconds", "seconds", 1.0),
];

/// What it costs.
const COSTS: &[Column] = &[
    ("statements per workflow", "statements_per_workflow", 1.0),
    ("commits per workflow", "commits_per_workflow", 1.0),
    ("WAL per workflow, KB", "wal_bytes_per_workflow", 1_000.0),
    ("statements/s", "statements_per_s", 1.0),
    ("peak RSS, MB", "peak_rss_mb", 1.0),
    (
        "RSS grown per workflow, KB",
        "rss_bytes_per_workflow",
        1_000.0,
    ),
    ("client CPU µs per workflow", "client_us_per_workflow", 1.0),
    ("client CPUs", "client_processors", 1.0),
    ("machine busy", "machine_busy", 1.0),
];

/// Everything.
pub(crate) fn render(results: &Results) -> String {
    let mut text = environment(&results.environment);
    load(&mut text, results.foreign_load());
    text.push_str("\n## What is to be reached\n\n");
    verdicts(&mut text, &bars::verdicts(results));
    text.push_str("\n## Figures\n\n");
    medians(&mut text, &results.medians, FIGURES);
    text.push_str("\n## Costs\n\n");
    let libraries = |figures: &&Figures| figures.library != Library::Bare;
    let costs: Vec<_> = results.medians.iter().filter(libraries).cloned().collect();
    medians(&mut text, &costs, COSTS);
    text
}

fn environment(environment: &Environment) -> String {
    let postgres: Vec<_> = environment
        .postgres
        .iter()
        .map(|(name, value)| format!("{name} {value}"))
        .collect();
    let mut text = format!(
        "{} processors ({}), Linux {}. Medians of {} rounds; pools of {} connections. Postgres: {}.\n",
        environment.processors,
        environment.processor,
        environment.kernel,
        environment.rounds,
        environment.pool,
        postgres.join(", "),
    );
    if environment.growth > 0 {
        let _ = writeln!(text, "For i, {} finished workflows.", environment.growth);
    }
    if environment.quick {
        text.push_str("A quick look: nothing here can be quoted.\n");
    }
    text
}

/// What else the machine did.
fn load(text: &mut String, load: f64) {
    let _ = write!(
        text,
        "Between the measurements it was {:.0} % busy with other things",
        load * 100.0
    );
    text.push_str(if load > 0.1 {
        ", so nothing here can be quoted.\n"
    } else {
        ".\n"
    });
}

fn verdicts(text: &mut String, verdicts: &[Verdict]) {
    text.push_str("| | durable | against | | ratio | bar | |\n|---|--:|---|--:|--:|--:|---|\n");
    for verdict in verdicts {
        let unit = verdict.unit;
        let _ = writeln!(
            text,
            "| {} | {} {unit} | {} | {} {unit} | {:.2} | {} | {} |",
            verdict.what,
            number(verdict.ours),
            verdict.against_what,
            number(verdict.against),
            verdict.ratio,
            verdict.bar,
            if verdict.met { "met" } else { "**missed**" },
        );
    }
}

fn medians(text: &mut String, medians: &[Figures], columns: &[Column]) {
    text.push_str("| workload | store | library |");
    columns
        .iter()
        .for_each(|column| *text += &format!(" {} |", column.0));
    text.push_str("\n|---|---|---|");
    columns.iter().for_each(|_| text.push_str("--:|"));
    text.push('\n');
    let mut sorted: Vec<_> = medians.iter().collect();
    sorted.sort_by_key(|figures| (figures.store, figures.workload.clone(), figures.library));
    for figures in sorted {
        let library = figures.library.name();
        let _ = write!(
            text,
            "| {} | {} | {library} |",
            figures.workload,
            figures.store.name()
        );
        for (_, metric, divisor) in columns {
            let value = figures.metrics.get(*metric).filter(|value| **value != 0.0);
            let shown = value.map_or_else(String::new, |value| number(value / divisor));
            let _ = write!(text, " {shown} |");
        }
        text.push('\n');
    }
}

/// Three digits that matter; thousands apart.
fn number(value: f64) -> String {
    let places = match value.abs() {
        value if value >= 100.0 => 0,
        value if value >= 10.0 => 1,
        value if value >= 1.0 => 2,
        _ => 3,
    };
    let text = format!("{value:.places$}");
    let (whole, rest) = text
        .split_once('.')
        .map_or((&*text, ""), |(whole, _)| (whole, &text[whole.len()..]));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 && whole.as_bytes()[index - 1] != b'-' {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + rest
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_are_short() {
        assert_eq!(number(1_234_567.8), "1,234,568");
        assert_eq!(number(12.34), "12.3");
        assert_eq!(number(1.234), "1.23");
        assert_eq!(number(0.1234), "0.123");
        assert_eq!(number(-1234.0), "-1,234");
    }
}
