//! The terminal of a run: results on standard output, progress and questions on standard error.

use std::fmt::Display;
use std::io::{BufRead, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::dns;
use indicatif::{ProgressBar, ProgressStyle};
use onramp::preflight::{CheckItem, ItemStatus, Preflight};
use onramp::replication::{ControllerStatus, ReplicationState};
use onramp::{ApplyOutcome, Change, CheckStatus, Event, Outcome, Plan, PolicyViolation, Verification};
use onramp_core::visible;

/// The number of lines of a list that are shown; the plan file has all.
const SHOWN: usize = 5;
/// The number of users of a plan that are shown.
const USERS_SHOWN: usize = 3;

/// The least number of users whose progress is shown without a terminal. The end of the change tells the total anyway.
const FEW_USERS: u64 = 20;

/// The terminal that shows a run. All clones are the same terminal.
///
/// The items of a preflight that are shown one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Those that fail or warn.
    Brief,
    /// Those that do not pass.
    Attention,
    /// All.
    All,
}

/// Text from a directory or a service is shown with its control characters escaped.
#[derive(Clone, Debug)]
pub struct Terminal {
    bar: ProgressBar,
    /// True if standard error is a terminal, so that progress can be redrawn.
    is_live: bool,
    state: Arc<Mutex<State>>,
    is_asking: Arc<AtomicBool>,
}

#[derive(Debug, Default)]
struct State {
    /// The title of the change under way.
    title: String,
    /// The number of users of the change, if it concerns users.
    users: u64,
    /// The subject and the minute of waiting in the last line about it.
    waiting: Option<(String, u64)>,
    /// The last tenth of the users that was reported.
    tenth: u64,
}

impl Default for Terminal {
    fn default() -> Self {
        Self::new()
    }
}

impl Terminal {
    /// Makes a terminal with colors and moving bars where the streams are terminals, else with plain lines.
    pub fn new() -> Self {
        Self {
            bar: ProgressBar::new_spinner(),
            is_live: std::io::stderr().is_terminal(),
            state: Arc::default(),
            is_asking: Arc::default(),
        }
    }

    /// Shows a heading.
    pub fn heading(&self, text: impl Display) {
        self.result(format!("\n{}", self.paint("1", text)));
    }

    /// Shows a result: a line on standard output.
    pub fn line(&self, text: impl Display) {
        self.result(visible(&text.to_string()));
    }

    /// Shows a note about progress: a line on standard error.
    pub fn note(&self, text: impl Display) {
        let text = text.to_string();
        let text = text.split('\n').map(visible).collect::<Vec<_>>().join("\n");
        let write = || {
            // A standard error that is closed must not end a run.
            let _ = writeln!(anstream::stderr(), "{text}");
        };
        if self.is_live { self.bar.suspend(write) } else { write() }
    }

    /// Asks a question and returns the answer, or an empty text if there is none.
    pub fn ask(&self, question: &str) -> String {
        self.is_asking.store(true, Ordering::Relaxed);
        let mut stream = std::io::stderr();
        let _ = write!(stream, "{}", visible(question)).and_then(|()| stream.flush());
        let mut answer = String::new();
        let read = std::io::stdin().lock().read_line(&mut answer);
        self.is_asking.store(false, Ordering::Relaxed);
        read.map(|_| answer).unwrap_or_default()
    }

    /// Returns true while a question waits for its answer.
    pub fn is_asking(&self) -> bool {
        self.is_asking.load(Ordering::Relaxed)
    }

    /// Shows an event of a run.
    pub fn event(&self, event: &Event) {
        match event {
            Event::Reading { .. } => self.spin(event),
            Event::ChangeStarted { title, .. } => {
                self.spin(title);
                let mut state = self.state();
                *state = State { title: title.clone(), ..State::default() };
            }
            Event::Users { done, total, failed, per_second } => {
                self.state().users = *total;
                self.users(*done, *total, *failed, *per_second);
            }
            Event::ChangeEnded { number, total, outcome, detail } => {
                self.rest();
                let (mark, color) = mark(*outcome);
                let state = self.state();
                // All users share one line, which shows the first and the last number.
                let last = number + state.users.saturating_sub(1);
                let place = match last > *number {
                    true => format!("{number}–{last}/{total}"),
                    false => format!("{number}/{total}"),
                };
                let title = visible(&state.title).into_owned();
                drop(state);
                let detail = if detail.is_empty() { String::new() } else { format!(": {}", visible(detail)) };
                let place = self.paint("2", format!("{place:>11}"));
                self.result(format!(
                    "{place} {} {title}{}",
                    self.paint(color, mark),
                    self.paint("2", detail)
                ));
            }
            Event::DnsRecordNeeded { domain, records } => {
                let text = format!("publish one of these DNS records for {domain}:");
                self.result(format!("      {}", self.paint("33", text)));
                for row in dns::record_lines(domain, records) {
                    self.line(format!("          {row}"));
                }
            }
            Event::Waiting { reason, waited, .. } => {
                self.wait(&reason.to_string(), waited.as_secs(), event.to_string());
            }
            Event::Replication { report } => {
                self.wait(&report.subject.to_string(), report.waited_ms / 1000, event.to_string());
            }
            Event::BulkReplication { report } => {
                let (behind, all) = (report.behind().count(), report.controllers.len());
                let mut text = format!("{}: on {} of {all} domain controllers", report.subject, all - behind);
                report.behind().for_each(|controller| text.push_str(&format!("; {}", in_words(controller))));
                self.wait("users", report.waited_ms / 1000, text);
            }
            // Its file gets another name once the tenant has the password. The end of the change tells the final one.
            Event::KeyStored { application, .. } => {
                let text =
                    format!("the new key of {application} is stored before the tenant gets its certificate");
                self.result(format!("      {}", self.paint("2", text)));
            }
            Event::SecretStored { upn, .. } => {
                let text = format!("the new password of {upn} is stored before the tenant gets it");
                self.result(format!("      {}", self.paint("2", text)));
            }
            _ => {}
        }
    }

    /// Shows the changes, warnings and blockers of a plan.
    pub fn plan(&self, plan: &Plan) {
        let header = plan.header();
        if let Some(canary) = &header.canary {
            self.line(format!("  {canary}: the others are left for a plan of their own"));
        }
        let (object, keeps) = match header.scope.attributes {
            true => ("object", "values"),
            false => ("user", "UPN"),
        };
        self.line(format!("  {} {object}s of the forest were read", header.users_read));
        for (reason, count) in &header.users_skipped {
            self.line(format!("  {count:>7} not changed: {reason}"));
        }
        if header.undoes.is_some() {
            for skipped in plan.skipped().iter().take(SHOWN) {
                self.line(format!("      {}: {}", skipped.user, skipped.reason));
            }
            self.more(plan.skipped().len(), SHOWN);
        }
        let mut users_shown = 0;
        for planned in plan.changes() {
            if matches!(
                planned.change,
                Change::ChangeUpn { .. }
                    | Change::RestoreUpn { .. }
                    | Change::ChangeUser { .. }
                    | Change::ChangeAttributes { .. }
            ) {
                users_shown += 1;
                if users_shown == USERS_SHOWN + 1 {
                    let more = plan.users_changed() + plan.objects_changed() - USERS_SHOWN as u64;
                    self.line(format!("        … and {more} more {object}s"));
                }
                if users_shown > USERS_SHOWN {
                    continue;
                }
            }
            let reason = self.paint("2", format!("({})", planned.reason));
            self.result(format!("  {:>5} {} {reason}", planned.number, visible(&planned.change.to_string())));
        }
        if plan.is_empty() {
            self.line("  nothing has to be changed");
        }
        for warning in plan.warnings() {
            self.result(format!("  {} {}", self.paint("33", "?"), visible(warning)));
        }
        let (fatal, users): (Vec<_>, Vec<_>) = plan.blockers().iter().partition(|blocker| blocker.is_fatal());
        if !users.is_empty() {
            let text = match users.len() {
                1 => format!("  1 {object} cannot be changed and keeps its current {keeps}:"),
                many => format!("  {many} {object}s cannot be changed and keep their current {keeps}:"),
            };
            self.result(self.paint("33", text));
            users.iter().take(SHOWN).for_each(|blocker| self.line(format!("      {blocker}")));
            self.more(users.len(), SHOWN);
        }
        if !fatal.is_empty() {
            self.result(self.paint("31", "  This plan cannot be applied:"));
            fatal.iter().for_each(|blocker| self.line(format!("      {blocker}")));
        }
    }

    /// Shows the rules of the policy that a plan breaks.
    pub fn violations(&self, violations: &[PolicyViolation]) {
        self.heading("Policy");
        violations.iter().for_each(|violation| self.line(format!("  not allowed: {violation}")));
    }

    /// Shows the consequences of a plan.
    pub fn consequences(&self, plan: &Plan) {
        for consequence in plan.consequences() {
            let name = self.paint("2", format!("[{}]", consequence.id()));
            self.result(format!("  {} {} {name}", self.paint("33", "!"), visible(&consequence.to_string())));
            let members = consequence.members();
            let shown = if consequence.names_members() { members.len() } else { SHOWN };
            members.iter().take(shown).for_each(|member| self.line(format!("      {member}")));
            self.more(members.len(), shown);
        }
    }

    /// Shows the outcome of applying a plan.
    pub fn outcome(&self, outcome: &ApplyOutcome) {
        self.rest();
        self.line(format!("  {}", outcome.counts()));
        for failure in outcome.failures.iter().take(10) {
            let text = format!("{}: {}", failure.object, failure.error);
            self.result(format!("  {} {}", self.paint("31", "✗"), visible(&text)));
        }
        // The outcome has only the first of them.
        let all = outcome.stale + outcome.failed + outcome.unknown;
        let more = all.max(outcome.failures.len() as u64).saturating_sub(10);
        if more > 0 {
            self.line(format!("      … and {more} more, each in the journal"));
        }
    }

    /// Shows the result of a verification as a table.
    pub fn verification(&self, verification: &Verification) {
        self.rest();
        let width = verification.checks.iter().map(|c| c.name.chars().count()).max().unwrap_or_default();
        for check in &verification.checks {
            let (mark, color) = match check.status {
                CheckStatus::True => ("✓", "32"),
                CheckStatus::TrueButForBlocked => ("✓", "33"),
                CheckStatus::NotChecked => ("–", "33"),
                CheckStatus::Unknown => ("?", "33"),
                _ => ("✗", "31"),
            };
            let name = visible(&check.name);
            self.result(format!(
                "  {} {name:width$}  {}",
                self.paint(color, mark),
                self.paint("2", &check.detail)
            ));
        }
    }

    /// Shows a preflight: the totals, then the items that need attention, the failing ones first.
    pub fn preflight(&self, preflight: &Preflight, detail: Detail) {
        let count = |status| preflight.with_status(status).count();
        self.line(format!(
            "  {} fail, {} warn, {} cannot be told, {} pass",
            count(ItemStatus::Fail),
            count(ItemStatus::Warn),
            count(ItemStatus::CannotTell),
            count(ItemStatus::Pass)
        ));
        let is_shown = |item: &CheckItem| match item.status {
            ItemStatus::Pass => detail == Detail::All,
            ItemStatus::CannotTell => detail != Detail::Brief,
            _ => true,
        };
        preflight
            .by_urgency()
            .into_iter()
            .filter(|item| is_shown(item))
            .for_each(|item| self.check_item(item));
        let unknown: Vec<&str> =
            preflight.with_status(ItemStatus::CannotTell).map(|item| item.id.as_ref()).collect();
        if detail == Detail::Brief && !unknown.is_empty() {
            self.line(format!(
                "  ? cannot be told (onramp check says why): {}",
                visible(&unknown.join(", "))
            ));
        }
    }

    fn check_item(&self, item: &CheckItem) {
        let (mark, color) = match item.status {
            ItemStatus::Pass => ("✓", "32"),
            ItemStatus::Warn => ("!", "33"),
            ItemStatus::Fail => ("✗", "31"),
            _ => ("?", "36"),
        };
        let (id, evidence) = (visible(&item.id), visible(&item.evidence));
        self.result(format!("  {} {id} ({}): {evidence}", self.paint(color, mark), item.side));
        if !item.remedy.is_empty() {
            self.line(format!("      → {} ({})", item.remedy, item.source));
        }
    }

    /// Removes the progress line.
    pub fn rest(&self) {
        self.bar.disable_steady_tick();
        self.bar.set_style(style("{msg}"));
        self.bar.set_message("");
        self.bar.tick();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a line of results that is already formatted.
    fn result(&self, text: impl Display) {
        let write = || {
            // A standard output that is closed must not end a run.
            let _ = writeln!(anstream::stdout(), "{text}");
        };
        if self.is_live { self.bar.suspend(write) } else { write() }
    }

    fn more(&self, all: usize, shown: usize) {
        if all > shown {
            self.line(format!("      … and {} more, each in the plan file", all - shown));
        }
    }

    /// Shows the progress of the users; without a terminal, at every tenth, and not for a few.
    fn users(&self, done: u64, total: u64, failed: u64, per_second: f64) {
        let failures = if failed > 0 { format!(", {failed} failed") } else { String::new() };
        let noun = if self.state().title.starts_with("change attributes") { "objects" } else { "users" };
        if self.is_live {
            self.bar.set_style(style(&format!("  {{bar:32}} {{pos}}/{{len}} {noun} {{msg}}")));
            self.bar.set_length(total);
            self.bar.set_position(done);
            self.bar.set_message(format!("{per_second:.0}/s{failures}"));
            return;
        }
        if total < FEW_USERS {
            return;
        }
        let tenth = done * 10 / total.max(1);
        let is_new = std::mem::replace(&mut self.state().tenth, tenth) != tenth;
        if is_new {
            self.note(format!("      {done}/{total} {noun}, {per_second:.0}/s{failures}"));
        }
    }

    /// Shows the reason for waiting; without a terminal, once a minute.
    fn wait(&self, what: &str, waited_s: u64, text: String) {
        if self.is_live {
            return self.spin(text);
        }
        let now = Some((what.to_owned(), waited_s / 60));
        let is_new = std::mem::replace(&mut self.state().waiting, now.clone()) != now;
        if is_new {
            self.note(format!("      {text}"));
        }
    }

    fn spin(&self, text: impl Display) {
        self.bar.set_style(style("{spinner} {msg}"));
        self.bar.set_message(visible(&text.to_string()).into_owned());
        self.bar.enable_steady_tick(Duration::from_millis(100));
    }

    fn paint(&self, code: &str, text: impl Display) -> String {
        let text = visible(&text.to_string()).into_owned();
        // The streams remove the codes where they are not supported: in files, on old consoles, and with NO_COLOR.
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

/// Returns the state of a domain controller without USNs, which mean nothing to most administrators.
fn in_words(controller: &ControllerStatus) -> String {
    if !matches!(controller.state, ReplicationState::Behind { .. }) {
        return controller.to_string();
    }
    let contact = controller.last_contact.as_ref().map(|contact| format!(" ({contact})")).unwrap_or_default();
    format!("{} does not have all of them yet{contact}", controller.host)
}

fn mark(outcome: Outcome) -> (&'static str, &'static str) {
    match outcome {
        Outcome::Done => ("✓", "32"),
        Outcome::Unchanged => ("=", "36"),
        Outcome::Cancelled => ("–", "33"),
        _ => ("✗", "31"),
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
