//! A terminal to watch a run on: lines for what happened, a bar for what goes on, a table for what is true.

use std::fmt::Display;
use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use onramp::{ApplyOutcome, Change, CheckStatus, Event, Outcome, Plan, Verification};

/// Writes events to standard error. Clone it freely: all clones are one terminal.
#[derive(Clone, Debug)]
pub struct Terminal {
    bar: ProgressBar,
    colour: bool,
    shown: Arc<std::sync::Mutex<String>>,
}

impl Default for Terminal {
    fn default() -> Self {
        Self::new()
    }
}

impl Terminal {
    /// With colours and moving bars where standard error is a terminal, else plain lines.
    pub fn new() -> Self {
        let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { bar: ProgressBar::new_spinner(), colour, shown: Arc::default() }
    }

    /// A heading.
    pub fn heading(&self, text: impl Display) {
        self.line(format!("\n{}", self.paint("1", text)));
    }

    /// A line.
    pub fn line(&self, text: impl Display) {
        if self.colour {
            self.bar.suspend(|| eprintln!("{text}"));
        } else {
            eprintln!("{text}");
        }
    }

    /// An event of a run.
    pub fn event(&self, event: &Event) {
        match event {
            Event::Reading { .. } => self.spin(event),
            Event::ChangeStarted { title, .. } => self.spin(title),
            Event::Users { done, total, failed, per_second } => {
                self.bar.set_style(style("  {bar:32} {pos}/{len} users {msg}"));
                self.bar.set_length(*total);
                self.bar.set_position(*done);
                self.bar.set_message(format!(
                    "{per_second:.0}/s{}",
                    if *failed > 0 { format!(", {failed} failed") } else { String::new() }
                ));
            }
            Event::ChangeEnded { number, total, outcome, detail } => {
                self.rest();
                let (mark, paint) = match outcome {
                    Outcome::Done => ("✓", "32"),
                    Outcome::AlreadySo => ("=", "36"),
                    Outcome::Cancelled => ("–", "33"),
                    _ => ("✗", "31"),
                };
                let title = self.shown.lock().map(|shown| shown.clone()).unwrap_or_default();
                let detail = if detail.is_empty() { String::new() } else { format!(": {detail}") };
                let place = self.paint("2", format!("{number:>5}/{total}"));
                self.line(format!("{place} {} {title}{}", self.paint(paint, mark), self.paint("2", detail)));
            }
            Event::DnsRecordNeeded { .. } => self.line(format!("      {}", self.paint("33", event))),
            Event::Waiting { .. } | Event::Replication { .. } | Event::BulkReplication { .. } => {
                self.spin(event);
            }
            Event::SecretStored { .. } => self.line(format!("      {}", self.paint("2", event))),
            _ => {}
        }
        if let Event::ChangeStarted { title, .. } = event
            && let Ok(mut shown) = self.shown.lock()
        {
            shown.clone_from(title);
        }
    }

    /// What a plan does, and what stands in its way.
    pub fn plan(&self, plan: &Plan) {
        let header = plan.header();
        self.line(format!("  {} users of the forest were read", header.users_read));
        for (reason, count) in &header.users_skipped {
            self.line(format!("  {count:>7} left as they are: {reason}"));
        }
        let mut users_shown = 0;
        for planned in plan.changes() {
            if matches!(planned.change, Change::ChangeUpn { .. }) {
                users_shown += 1;
                if users_shown == 4 {
                    self.line(format!("        … and {} more users", plan.users_changed() - 3));
                }
                if users_shown > 3 {
                    continue;
                }
            }
            let reason = self.paint("2", format!("({})", planned.reason));
            self.line(format!("  {:>5} {} {reason}", planned.number, planned.change));
        }
        if plan.is_empty() {
            self.line("  nothing has to be changed");
        }
        let blocked = plan.blockers();
        if !blocked.is_empty() {
            self.line(self.paint("33", format!("  {} blocked, left as they are:", blocked.len())));
            blocked.iter().take(6).for_each(|blocker| self.line(format!("      {blocker}")));
            if blocked.len() > 6 {
                self.line(format!("      … and {} more, each in the plan file", blocked.len() - 6));
            }
        }
    }

    /// What accepting a plan means.
    pub fn consequences(&self, plan: &Plan) {
        for consequence in plan.consequences() {
            self.line(format!("  {} {consequence}", self.paint("33", "!")));
            if let onramp::Consequence::CloudUsersOverwritten { matches } = consequence {
                for found in matches.iter().take(5) {
                    self.line(format!("      {} by {}: {}", found.cloud_upn, found.user, found.kind));
                }
                if matches.len() > 5 {
                    self.line(format!("      … and {} more, each in the plan file", matches.len() - 5));
                }
            }
        }
    }

    /// How applying ended.
    pub fn outcome(&self, outcome: &ApplyOutcome) {
        self.rest();
        self.line(format!(
            "  {} done, {} already so, {} stale, {} failed, {} unknown, {} not tried",
            outcome.done,
            outcome.already_so,
            outcome.stale,
            outcome.failed,
            outcome.unknown,
            outcome.not_tried()
        ));
        for (what, why) in outcome.failures.iter().take(10) {
            self.line(format!("  {} {what}: {why}", self.paint("31", "✗")));
        }
    }

    /// What is true now, as a table.
    pub fn verification(&self, verification: &Verification) {
        self.rest();
        let width = verification.checks.iter().map(|c| c.name.chars().count()).max().unwrap_or_default();
        for check in &verification.checks {
            let (mark, paint) = match check.status {
                CheckStatus::True => ("✓", "32"),
                CheckStatus::TrueButForBlocked => ("✓", "33"),
                CheckStatus::Unknown => ("?", "33"),
                _ => ("✗", "31"),
            };
            self.line(format!(
                "  {} {:width$}  {}",
                self.paint(paint, mark),
                check.name,
                self.paint("2", &check.detail)
            ));
        }
    }

    /// Takes the moving line away.
    pub fn rest(&self) {
        self.bar.disable_steady_tick();
        self.bar.set_style(style("{msg}"));
        self.bar.set_message("");
        self.bar.tick();
    }

    fn spin(&self, text: impl Display) {
        self.bar.set_style(style("{spinner} {msg}"));
        self.bar.set_message(text.to_string());
        self.bar.enable_steady_tick(Duration::from_millis(100));
    }

    fn paint(&self, code: &str, text: impl Display) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_string() }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
