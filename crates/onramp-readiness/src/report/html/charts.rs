//! The charts of the page. A chart is a column of its table, so that each bar stands beside its numbers.

use std::borrow::Cow;

use onramp_core::visible;

use super::super::counts::{Count, Counts, rules_of};
use super::super::{Report, SEVERITIES, grouped};
use super::style::class;

/// The maximum number of bars.
const BARS: usize = 15;
/// The minimum width of a part of a bar, so that it can be seen.
const MIN_WIDTH: f64 = 0.8;

/// A chart with its table.
pub(super) struct Chart<'a> {
    pub(super) title: &'static str,
    pub(super) caption: String,
    pub(super) first: &'static str,
    pub(super) columns: Vec<&'static str>,
    pub(super) bars: Vec<Bar<'a>>,
    /// The number of bars that are left out.
    pub(super) more: usize,
}

/// A row of a chart.
pub(super) struct Bar<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) note: Cow<'a, str>,
    pub(super) parts: Vec<Part>,
    pub(super) cells: Vec<String>,
}

/// A part of a bar. Severities differ in height, too, so that they can be told apart without colors.
pub(super) struct Part {
    pub(super) class: &'static str,
    pub(super) x: String,
    pub(super) y: u8,
    pub(super) width: String,
    pub(super) height: u8,
}

/// Returns the charts that have something to show.
pub(super) fn charts<'a>(report: &Report<'a>, counts: &Counts<'a>) -> Vec<Chart<'a>> {
    let catalog = rules_of(report);
    let title = |id: &str| {
        let rule = catalog.iter().find(|(each, _)| *each == id).and_then(|(_, rule)| *rule);
        rule.map(|rule| visible(&rule.title)).unwrap_or_default()
    };
    let duplicates = &counts.duplicates;
    let most = duplicates.iter().map(|group| group.objects).max().unwrap_or_default();
    let duplicate_bars = duplicates.iter().map(|group| Bar {
        name: if group.value.is_empty() { Cow::Borrowed("(empty)") } else { visible(group.value) },
        note: Cow::Owned(group.attributes.join(", ")),
        parts: parts(&[(group.objects, "plain", 0)], most),
        cells: vec![grouped(group.objects)],
    });
    let forecast = report.forecast;
    let largest = forecast.iter().map(|(_, count)| *count).max().unwrap_or_default();
    let forecast_bars = forecast.iter().map(|(outcome, count)| Bar {
        name: visible(outcome),
        note: Cow::Borrowed(""),
        parts: parts(&[(*count, "plain", 0)], largest),
        cells: vec![grouped(*count)],
    });
    let charts = [
        by_severity("Findings by rule", "Rule", "Rules with findings", &counts.rules, title),
        by_severity(
            "Findings by OU",
            "OU or container",
            "OUs and containers with findings",
            &counts.ous,
            |_| Cow::Borrowed(""),
        ),
        Chart {
            title: "Duplicate values",
            caption: match duplicates.len() {
                1 => "1 value that several objects hold".to_owned(),
                count => format!("{} values that several objects hold", grouped(count as u64)),
            },
            first: "Value",
            columns: vec!["Objects"],
            bars: duplicate_bars.take(BARS).collect(),
            more: duplicates.len().saturating_sub(BARS),
        },
        Chart {
            title: "Forecast of synchronization",
            caption: "Objects by the outcome that synchronization will have for them".to_owned(),
            first: "Outcome",
            columns: vec!["Objects"],
            bars: forecast_bars.take(BARS).collect(),
            more: forecast.len().saturating_sub(BARS),
        },
    ];
    charts.into_iter().filter(|chart| !chart.bars.is_empty()).collect()
}

fn by_severity<'a>(
    title: &'static str,
    first: &'static str,
    things: &str,
    counts: &[Count<'a>],
    note: impl Fn(&str) -> Cow<'a, str>,
) -> Chart<'a> {
    let most = counts.iter().map(Count::total).max().unwrap_or_default();
    let bars = counts.iter().take(BARS).map(|count| {
        let mut from = 0;
        let by_severity = SEVERITIES.iter().zip(count.severities).map(|(severity, number)| {
            let part = (number, class(*severity), from);
            from += number;
            part
        });
        Bar {
            name: if count.name.is_empty() { Cow::Borrowed("(none)") } else { visible(count.name) },
            note: note(count.name),
            parts: parts(&by_severity.collect::<Vec<_>>(), most),
            cells: count.severities.into_iter().map(grouped).collect(),
        }
    });
    Chart {
        title,
        caption: format!("{things}: {}", grouped(counts.len() as u64)),
        first,
        columns: vec!["Errors", "Warnings", "Notes"],
        bars: bars.collect(),
        more: counts.len().saturating_sub(BARS),
    }
}

/// Returns the parts of a bar: each has its number, its class, and the sum of the numbers before it.
fn parts(numbers: &[(u64, &'static str, u64)], most: u64) -> Vec<Part> {
    let share = |number: u64| number as f64 / most.max(1) as f64 * 100.0;
    let parts = numbers.iter().filter(|(number, _, _)| *number > 0).map(|(number, class, from)| {
        let (y, height) = match *class {
            "warn" => (2, 6),
            "soft" => (4, 2),
            _ => (0, 10),
        };
        let x = share(*from).min(100.0 - MIN_WIDTH);
        let width = share(*number).clamp(MIN_WIDTH, 100.0 - x);
        Part { class, x: format!("{x:.1}"), y, width: format!("{width:.1}"), height }
    });
    parts.collect()
}
