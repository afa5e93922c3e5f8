//! The charts of a report: the timeline of a run, the replication to each domain controller, and the UPN suffixes before and
//! after. Each is drawn as SVG and told again in a table.

use std::collections::BTreeMap;

use time::OffsetDateTime;

use crate::observed_run::{ObservedChange, ObservedRun};
use crate::outcome::Outcome;
use crate::plan::Plan;
use crate::replication::{ControllerStatus, ReplicationState, ReplicationSubject};

/// The width of a chart in its own units.
const WIDTH: f64 = 600.0;
/// The height of a row of a chart.
const ROW: usize = 22;
/// The minimum width of a bar, so that it can be seen.
const MIN_BAR: f64 = 2.0;

/// A row of a chart and of its table.
pub(super) struct Bar {
    pub(super) name: String,
    pub(super) class: &'static str,
    /// The place and the size of the bar.
    pub(super) x: String,
    pub(super) y: usize,
    pub(super) width: String,
    /// The cells of the table after the name.
    pub(super) cells: Vec<String>,
}

/// A chart with its table.
pub(super) struct Chart {
    pub(super) title: String,
    /// The chart in words, for screen readers.
    pub(super) label: String,
    pub(super) columns: Vec<&'static str>,
    pub(super) bars: Vec<Bar>,
}

impl Chart {
    pub(super) fn height(&self) -> usize {
        self.bars.len() * ROW
    }
}

fn bar(row: usize, name: String, class: &'static str, from: f64, share: f64, cells: Vec<String>) -> Bar {
    let (x, width) = (from.clamp(0.0, 1.0) * WIDTH, share.clamp(0.0, 1.0) * WIDTH);
    let x = x.min(WIDTH - MIN_BAR);
    let width = width.clamp(MIN_BAR, WIDTH - x);
    Bar { name, class, x: format!("{x:.1}"), y: row * ROW, width: format!("{width:.1}"), cells }
}

/// Returns the timeline of a run: every change from its start to its end.
pub(super) fn timeline(run: &ObservedRun) -> Option<Chart> {
    let (begin, end) = (run.changes.values().map(|change| change.started_at).min()?, run.last_at?);
    let whole = (end - begin).as_seconds_f64().max(0.001);
    let bars = run.changes.iter().enumerate().map(|(row, (number, change))| {
        let until = change.ended_at.unwrap_or(end);
        let (from, lasted) =
            ((change.started_at - begin).as_seconds_f64(), (until - change.started_at).as_seconds_f64());
        let cells = vec![clock(change.started_at), seconds(lasted), outcome(change)];
        bar(row, format!("{number} {}", change.title), class(change), from / whole, lasted / whole, cells)
    });
    let bars: Vec<Bar> = bars.collect();
    Some(Chart {
        title: "Timeline".into(),
        label: format!("{} changes from {} to {}", bars.len(), clock(begin), clock(end)),
        columns: vec!["Change", "Start (UTC)", "Time", "Outcome"],
        bars,
    })
}

fn outcome(change: &ObservedChange) -> String {
    change.outcome.map_or_else(|| "no end was observed".to_owned(), |outcome| outcome.to_string())
}

fn class(change: &ObservedChange) -> &'static str {
    match change.outcome {
        Some(Outcome::Done | Outcome::Unchanged) => "good",
        Some(Outcome::Cancelled | Outcome::Unknown) | None => "warn",
        Some(_) => "bad",
    }
}

/// Returns a chart for each value, or group of values, whose replication was observed.
pub(super) fn replication(run: &ObservedRun) -> Vec<Chart> {
    let charts = run.replication.iter().map(|(subject, report)| {
        let expected = match &report.subject {
            ReplicationSubject::Attribute { expected, .. } => *expected,
            ReplicationSubject::Value { .. } => 1,
        };
        let has = report.controllers.iter().filter(|one| one.state == ReplicationState::Converged).count();
        let bars = report.controllers.iter().enumerate().map(|(row, controller)| {
            let (share, class) = share(controller, expected);
            let told = controller.to_string();
            let state = told.strip_prefix(&controller.host).unwrap_or(&told).trim().to_owned();
            bar(row, controller.host.clone(), class, 0.0, share, vec![controller.site.clone(), state])
        });
        Chart {
            title: format!("Replication: {subject}"),
            label: format!("{has} of {} domain controllers have it", report.controllers.len()),
            columns: vec!["Domain controller", "Site", "State at the end of the wait"],
            bars: bars.collect(),
        }
    });
    charts.collect()
}

/// Returns the share of the values that a domain controller has, as far as known.
fn share(controller: &ControllerStatus, expected: u64) -> (f64, &'static str) {
    match (&controller.state, controller.missing) {
        (ReplicationState::Converged, _) => (1.0, "good"),
        (ReplicationState::Lagging | ReplicationState::Behind { .. }, Some(missing)) if expected > 0 => {
            (1.0 - missing as f64 / expected as f64, "warn")
        }
        (ReplicationState::Lagging | ReplicationState::Behind { .. }, _) => (0.0, "warn"),
        _ => (0.0, "bad"),
    }
}

/// Returns the numbers of users by UPN suffix, before the plan and after it.
pub(super) fn suffixes(plan: &Plan, is_complete: bool) -> Option<Chart> {
    let mut counts: BTreeMap<String, [u64; 2]> = BTreeMap::new();
    let suffix = |upn: Option<&str>| match upn {
        Some(upn) => upn.rsplit_once('@').map_or("(no suffix)", |(_, suffix)| suffix).to_lowercase(),
        None => "(no UPN)".to_owned(),
    };
    for values in plan.changes().iter().filter_map(|planned| planned.change.of_user()) {
        let [before, after] = [suffix(values.before), suffix(values.after)];
        counts.entry(before).or_default()[0] += 1;
        counts.entry(after).or_default()[1] += 1;
    }
    let most = counts.values().flatten().copied().max().filter(|most| *most > 0)?;
    let mut bars = Vec::new();
    for (suffix, [before, after]) in counts {
        for (count, when, class) in [(before, "before", "soft"), (after, "after", "good")] {
            let share = count as f64 / most as f64;
            bars.push(bar(
                bars.len(),
                suffix.clone(),
                class,
                0.0,
                share,
                vec![when.into(), count.to_string()],
            ));
        }
    }
    Some(Chart {
        title: match is_complete {
            true => "Changed users by UPN suffix".into(),
            false => "Users to change by UPN suffix".into(),
        },
        label: format!("{} users", plan.users_changed()),
        columns: vec!["UPN suffix", "", "Users"],
        bars,
    })
}

fn clock(at: OffsetDateTime) -> String {
    let at = at.to_offset(time::UtcOffset::UTC);
    let (hour, minute, second) = at.time().as_hms();
    format!("{} {hour:02}:{minute:02}:{second:02}", at.date())
}

fn seconds(time: f64) -> String {
    match time {
        ..60.0 => format!("{time:.1} s"),
        60.0..3600.0 => format!("{:.1} min", time / 60.0),
        _ => format!("{:.1} h", time / 3600.0),
    }
}
