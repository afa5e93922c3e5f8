//! The report: an HTML page with the changes of a run and the result of its verification.

mod charts;

use std::collections::BTreeMap;

use askama::Template;
use onramp_core::{Result, visible};

use charts::Chart;

use crate::canary::Canary;
use crate::observed_run::ObservedRun;
use crate::outcome::{ApplyOutcome, Failure, Outcome};
use crate::plan::SkipReason;
use crate::plan::{BlockerKind, Consequence, Plan, PlanReview};
use crate::policy::PolicyViolation;
use crate::steps::attributes;
use crate::verify::{CheckStatus, REPORT_FORMAT_VERSION, Verification};

/// The maximum number of rows in a table; the plan and the journal have all of them.
const ROWS: usize = 200;

/// A report on a plan, its changes and its verification.
///
/// The page is self-contained, without scripts, and fits the screen of a phone and paper.
#[derive(Debug)]
pub struct Report<'a> {
    plan: &'a Plan,
    outcome: Option<&'a ApplyOutcome>,
    verification: Option<&'a Verification>,
    is_started: bool,
    written_at: String,
    operator: Option<&'a str>,
    review: Option<&'a PlanReview>,
    run: Option<&'a ObservedRun>,
    violations: &'a [PolicyViolation],
}

impl<'a> Report<'a> {
    /// Creates the report on a plan that was not applied yet.
    pub fn new(plan: &'a Plan) -> Self {
        Self {
            plan,
            outcome: None,
            verification: None,
            is_started: false,
            written_at: String::new(),
            operator: None,
            review: None,
            run: None,
            violations: &[],
        }
    }

    /// Adds that the plan is being applied: the report to write before, in case the run is interrupted.
    #[must_use]
    pub fn started(mut self) -> Self {
        self.is_started = true;
        self
    }

    /// Adds the outcome of applying the plan.
    #[must_use]
    pub fn with_outcome(mut self, outcome: &'a ApplyOutcome) -> Self {
        self.outcome = Some(outcome);
        self
    }

    /// Adds the verification.
    #[must_use]
    pub fn with_verification(mut self, verification: &'a Verification) -> Self {
        self.verification = Some(verification);
        self
    }

    /// Adds the name of the person or program that runs the plan.
    #[must_use]
    pub fn with_operator(mut self, name: &'a str) -> Self {
        self.operator = Some(name);
        self
    }

    /// Adds the people who made and approved the plan: [`ApprovedPlan::review`](crate::ApprovedPlan::review).
    #[must_use]
    pub fn with_review(mut self, review: Option<&'a PlanReview>) -> Self {
        self.review = review;
        self
    }

    /// Adds the events of the run, for its timeline and its replication.
    #[must_use]
    pub fn with_run(mut self, run: &'a ObservedRun) -> Self {
        self.run = Some(run);
        self
    }

    /// Adds the rules of the policy that the plan breaks.
    #[must_use]
    pub fn with_violations(mut self, violations: &'a [PolicyViolation]) -> Self {
        self.violations = violations;
        self
    }

    /// Adds the time of writing.
    #[must_use]
    pub fn written_at(mut self, now: time::OffsetDateTime) -> Self {
        self.written_at = minute(now);
        self
    }

    /// Returns the page.
    ///
    /// # Errors
    /// An error of the template engine, which does not occur in practice.
    pub fn to_html(&self) -> Result<String> {
        // The template escapes HTML; this escapes invisible characters.
        let page =
            Page::of(self).render().map(|html| html.lines().map(visible).collect::<Vec<_>>().join("\n"));
        page.map_err(|error| {
            onramp_core::Error::new(onramp_core::ErrorKind::Invalid, "write the report")
                .with_detail(error.to_string())
        })
    }
}

#[derive(Template)]
#[template(path = "report.html")]
struct Page {
    format_version: u32,
    title: String,
    verdict: String,
    verdict_class: &'static str,
    domain: String,
    tenant: String,
    surveyed_at: String,
    written_at: String,
    digest: String,
    people: Vec<(&'static str, String)>,
    charts: Vec<Chart>,
    checks: Vec<Row>,
    steps: Vec<Row>,
    not_asked_for: Option<String>,
    warnings: Vec<String>,
    violations: Vec<String>,
    users_changed: u64,
    users_read: u64,
    users_verb: &'static str,
    users_title: &'static str,
    users_kept: &'static str,
    numbers: Vec<(String, u64)>,
    ending: Option<String>,
    consequences: Vec<(String, String, Vec<String>)>,
    blocked: Vec<(String, String, String)>,
    blocked_more: usize,
    skipped: BTreeMap<String, u64>,
    changed: Vec<(String, String, String)>,
    changed_more: usize,
    failures: Vec<Failure>,
}

struct Row {
    class: &'static str,
    mark: &'static str,
    name: String,
    detail: String,
}

impl Page {
    fn of(report: &Report<'_>) -> Self {
        let (plan, header) = (report.plan, report.plan.header());
        let (verdict, verdict_class) = match &header.canary {
            Some(canary) => verdict_of_canary(report, canary),
            None => {
                let (verdict, class) = verdict(report);
                (verdict.to_owned(), class)
            }
        };
        let users: Vec<_> = plan
            .changes()
            .iter()
            .filter_map(|planned| {
                if let Some(edit) = planned.change.of_attributes() {
                    let how = match planned.reason.as_str() {
                        "" => edit.dn.to_string(),
                        reason => format!("{}: {reason}", edit.dn),
                    };
                    return Some((edit.before().replace('\n', "; "), edit.after().replace('\n', "; "), how));
                }
                let values = planned.change.of_user()?;
                let word = |value: Option<&str>| value.unwrap_or("(none)").to_owned();
                Some((word(values.before), word(values.after), planned.reason.clone()))
            })
            .collect();
        let left_alone = plan.skipped().iter().filter(|_| header.undoes.is_some()).map(|skipped| {
            let present = match &skipped.reason {
                SkipReason::ChangedSince { present: Some(present), .. } => present.clone(),
                SkipReason::ValuesChangedSince { detail, .. } if !detail.is_empty() => detail.clone(),
                _ => "–".to_owned(),
            };
            (skipped.user.dn.to_string(), present, skipped.reason.to_string())
        });
        let blocked: Vec<_> = plan
            .blockers()
            .iter()
            .map(|b| {
                let who = match (&b.user, &b.problem) {
                    (Some(user), _) => user.dn.to_string(),
                    (None, BlockerKind::NoSuchObject { name }) => name.clone(),
                    (None, _) => "the whole plan".to_owned(),
                };
                (who, b.present_upn.clone().unwrap_or_else(|| "(none)".into()), b.reason())
            })
            .chain(left_alone)
            .collect();
        Self {
            format_version: REPORT_FORMAT_VERSION,
            title: match header.undoes {
                Some(_) => format!("Undo of a run: {} → {}", header.domain, header.tenant_name),
                None => format!("{} → {}", header.domain, header.tenant_name),
            },
            verdict,
            verdict_class,
            domain: header.domain.to_string(),
            tenant: format!("{} ({})", header.tenant_name, header.tenant),
            surveyed_at: minute(header.surveyed_at),
            written_at: report.written_at.clone(),
            digest: plan.digest(),
            people: people_of(report),
            charts: charts_of(report),
            checks: report.verification.map(checks).unwrap_or_default(),
            steps: steps(plan, report.outcome),
            not_asked_for: not_asked_for(plan),
            warnings: plan.warnings().to_vec(),
            violations: report.violations.iter().map(ToString::to_string).collect(),
            users_changed: plan.users_changed() + plan.objects_changed(),
            users_title: if header.scope.attributes { "Objects" } else { "Users" },
            users_kept: match header.scope.attributes {
                true => "these objects keep their current values",
                false => "these users keep their current UPN",
            },
            users_read: header.users_read,
            numbers: report.outcome.map(numbers).unwrap_or_default(),
            ending: report.outcome.filter(|o| !o.is_complete()).map(|o| o.status.to_string()),
            consequences: plan.consequences().iter().map(consequence).collect(),
            blocked_more: blocked.len().saturating_sub(ROWS),
            blocked: blocked.into_iter().take(ROWS).collect(),
            users_verb: match (&header.undoes, header.scope.attributes) {
                (Some(_), _) => "to be restored",
                (None, true) => "to be fixed",
                (None, false) => "to get a new UPN",
            },
            skipped: header.users_skipped.clone(),
            changed_more: users.len().saturating_sub(ROWS),
            changed: users.into_iter().take(ROWS).collect(),
            failures: report
                .outcome
                .map(|o| o.failures.iter().take(ROWS).cloned().collect())
                .unwrap_or_default(),
        }
    }
}

/// Returns the people of a run, each with their part in it.
fn people_of(report: &Report<'_>) -> Vec<(&'static str, String)> {
    let operator = report.operator.map(|name| ("Run by", name.to_owned()));
    let review = report.review.map(|review| {
        [("Plan made by", review.author.clone()), ("Plan approved by", review.approvers.join(", "))]
    });
    operator.into_iter().chain(review.into_iter().flatten()).filter(|(_, name)| !name.is_empty()).collect()
}

fn charts_of(report: &Report<'_>) -> Vec<Chart> {
    let is_complete = report.outcome.is_some_and(ApplyOutcome::is_complete);
    let mut charts: Vec<Chart> = report.run.and_then(charts::timeline).into_iter().collect();
    charts.extend(report.run.map(charts::replication).unwrap_or_default());
    charts.extend(charts::suffixes(report.plan, is_complete));
    charts
}

/// Returns the verdict on a canary: it is never the whole job.
fn verdict_of_canary(report: &Report<'_>, canary: &Canary) -> (String, &'static str) {
    let name = format!("Canary of {} of {} users", canary.users.len(), canary.of);
    let is_green = report.verification.is_some_and(Verification::is_green);
    if is_green && report.outcome.is_some_and(ApplyOutcome::is_complete) {
        return (format!("{name}, verified; the rest waits for approval"), "warn");
    }
    let (verdict, class) = verdict(report);
    (format!("{name}: {verdict}"), class)
}

fn verdict(report: &Report<'_>) -> (&'static str, &'static str) {
    let scope = report.plan.header().scope;
    let has_identity = scope.service_account || scope.application;
    let prepared = scope.users && scope.sync && has_identity;
    match (report.outcome, report.verification) {
        (Some(outcome), _) if !outcome.is_complete() => ("The plan was only partly applied", "bad"),
        (_, Some(verification)) if !verification.is_green() => ("Not everything is as it should be", "bad"),
        (_, Some(verification)) => {
            let is_excused = |c: &crate::verify::Check| {
                matches!(c.status, CheckStatus::TrueButForBlocked | CheckStatus::NotChecked)
            };
            let excused = verification.checks.iter().any(is_excused);
            match (prepared, excused) {
                (true, false) => ("Ready to synchronize", "good"),
                (true, true) => ("Ready to synchronize, except for what is listed below", "warn"),
                (false, false) => ("Everything that was asked for is so", "good"),
                (false, true) => {
                    ("Everything that was asked for is so, except for what is listed below", "warn")
                }
            }
        }
        (Some(_), None) => ("Applied, not verified yet", "warn"),
        (None, None) if report.is_started => {
            ("Applying it has begun, and no end was recorded here. The journal tells what was changed", "bad")
        }
        (None, None) if report.plan.is_blocked() => {
            ("A plan that cannot be applied. Nothing was changed", "bad")
        }
        (None, None) if !report.violations.is_empty() => {
            ("A plan that the policy does not allow. Nothing was changed", "bad")
        }
        (None, None) => ("A plan. Nothing was changed", "warn"),
    }
}

/// Returns the parts of the job that a plan leaves out, in words.
fn not_asked_for(plan: &Plan) -> Option<String> {
    if plan.header().undoes.is_some() || plan.header().scope.attributes {
        return None;
    }
    let scope = plan.header().scope;
    let parts = [
        (scope.users, "the UPNs of users"),
        (scope.sync, "directory synchronization"),
        (scope.service_account || scope.application, "a service account or an application"),
    ];
    let missing: Vec<&str> = parts.into_iter().filter(|(asked, _)| !asked).map(|(_, part)| part).collect();
    (!missing.is_empty()).then(|| missing.join(", "))
}

fn checks(verification: &Verification) -> Vec<Row> {
    let row = |check: &crate::verify::Check| {
        let (class, mark) = match check.status {
            CheckStatus::True => ("good", "✓"),
            CheckStatus::TrueButForBlocked => ("warn", "✓"),
            CheckStatus::NotChecked => ("warn", "–"),
            CheckStatus::Unknown => ("warn", "?"),
            CheckStatus::False => ("bad", "✗"),
        };
        Row { class, mark, name: check.name.clone(), detail: check.detail.clone() }
    };
    verification.checks.iter().map(row).collect()
}

/// Returns a row for every change, with its outcome if it was tried. All users together are one row.
fn steps(plan: &Plan, outcome: Option<&ApplyOutcome>) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut users_named = false;
    for planned in plan.changes() {
        let (name, reason) = match &planned.change {
            change if change.object().is_some() && users_named => continue,
            change if change.is_of_user() => {
                users_named = true;
                let verb = if plan.header().undoes.is_some() { "restore" } else { "change" };
                let has_addresses = plan.changes().iter().any(|other| other.change.of_attributes().is_some());
                let names = if has_addresses { "the UPN and the addresses" } else { "the UPN" };
                (format!("{verb} {names} of {}", people(plan.users_changed())), "each named below".to_owned())
            }
            change if change.of_attributes().is_some() => {
                users_named = true;
                (attributes::title(plan.objects_changed()), "each named below".to_owned())
            }
            other => (other.to_string(), planned.reason.clone()),
        };
        let tried = outcome.map(|outcome| outcome.steps.iter().find(|step| step.number == planned.number));
        let (class, mark, detail) = match tried {
            None => ("soft", "•", reason),
            Some(None) => ("soft", "–", "not attempted".to_owned()),
            Some(Some(step)) => {
                let (class, mark) = match step.outcome {
                    Outcome::Done => ("good", "✓"),
                    Outcome::Unchanged => ("good", "="),
                    Outcome::Cancelled => ("warn", "–"),
                    Outcome::Unknown => ("warn", "?"),
                    _ => ("bad", "✗"),
                };
                let detail = match step.detail.as_str() {
                    "" => step.outcome.to_string(),
                    detail => format!("{}: {detail}", step.outcome),
                };
                (class, mark, detail)
            }
        };
        rows.push(Row { class, mark, name, detail });
    }
    rows
}

/// `1 user`, `2 users`.
fn people(count: u64) -> String {
    if count == 1 { "1 user".into() } else { format!("{count} users") }
}

fn numbers(outcome: &ApplyOutcome) -> Vec<(String, u64)> {
    [
        ("changes done", outcome.done.saturating_sub(outcome.waits)),
        ("waits and tests done", outcome.waits),
        ("already correct", outcome.unchanged),
        ("skipped, changed by somebody else", outcome.stale),
        ("failed", outcome.failed),
        ("unknown result", outcome.unknown),
        ("not attempted", outcome.not_tried()),
    ]
    .into_iter()
    .filter(|(_, count)| *count > 0)
    .map(|(name, count)| (name.to_owned(), count))
    .collect()
}

fn consequence(consequence: &Consequence) -> (String, String, Vec<String>) {
    let shown = if consequence.names_members() { usize::MAX } else { ROWS };
    let named = consequence.members().into_iter().take(shown).collect();
    (consequence.id(), consequence.to_string(), named)
}

fn minute(at: time::OffsetDateTime) -> String {
    let at = at.to_offset(time::UtcOffset::UTC);
    let (hour, minute, _) = at.time().as_hms();
    format!("{} {hour:02}:{minute:02} UTC", at.date())
}
