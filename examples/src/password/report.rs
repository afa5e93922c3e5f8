//! What is said of a candidate: one JSON object, or lines for a person. Never the candidate.

use std::io::{self, Write};

use onramp_password::strength::{Attack, Strength};
use onramp_password::{Catalogue, EveryReading, Target, Verdict};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// The JSON object of one candidate.
#[derive(Debug, Serialize)]
pub struct Report {
    accepted: bool,
    targets: Targets,
    codes: Vec<&'static str>,
    strength: Option<StrengthReport>,
    entra_password_protection: Option<ProtectionReport>,
}

#[derive(Debug)]
struct Targets(Vec<(Target, &'static str)>);

#[derive(Debug, Serialize)]
struct StrengthReport {
    score: u8,
    guesses_log10: f64,
}

#[derive(Debug, Serialize)]
struct ProtectionReport {
    documented: &'static str,
    every_reading: &'static str,
    score: [u32; 2],
}

impl Report {
    /// The report of a verdict and an estimate.
    #[must_use]
    pub fn new(verdict: &Verdict, strength: &Strength) -> Self {
        let mut codes: Vec<&'static str> = Vec::new();
        for violation in verdict.violations() {
            if !codes.contains(&violation.code.as_str()) {
                codes.push(violation.code.as_str());
            }
        }
        let protection = verdict.protection().map(|protection| match protection.readings {
            Some(readings) => ProtectionReport {
                documented: answer(readings.documented),
                every_reading: readings.every.as_str(),
                score: [readings.low, readings.high],
            },
            // Longer than any directory takes, so that no reading says anything.
            None => ProtectionReport {
                documented: answer(false),
                every_reading: EveryReading::Rejected.as_str(),
                score: [0, 0],
            },
        });
        let log10 = (strength.guesses_log10 * 1000.0).round() / 1000.0;
        Self {
            accepted: verdict.is_accepted(),
            targets: Targets(verdict.targets().map(|(target, ok)| (target, answer(ok))).collect()),
            codes,
            strength: Some(StrengthReport { score: u8::from(strength.score), guesses_log10: log10 }),
            entra_password_protection: protection,
        }
    }

    /// The report of a line that is no candidate at all.
    #[must_use]
    pub fn unreadable(code: &'static str, targets: impl Iterator<Item = Target>, protected: bool) -> Self {
        Self {
            accepted: false,
            targets: Targets(targets.map(|target| (target, answer(false))).collect()),
            codes: vec![code],
            strength: None,
            entra_password_protection: protected.then(|| ProtectionReport {
                documented: answer(false),
                every_reading: EveryReading::Rejected.as_str(),
                score: [0, 0],
            }),
        }
    }
}

impl Serialize for Targets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (target, answer) in &self.0 {
            map.serialize_entry(target.as_str(), answer)?;
        }
        map.end()
    }
}

fn answer(accepted: bool) -> &'static str {
    if accepted { "accepted" } else { "rejected" }
}

/// Says it to a person.
///
/// # Errors
/// When it cannot be written.
pub fn tell(
    out: &mut impl Write,
    verdict: &Verdict,
    strength: &Strength,
    catalogue: &Catalogue,
    colour: bool,
) -> io::Result<()> {
    let paint = |code: &str, text: &str| match colour {
        true => format!("\x1b[{code}m{text}\x1b[0m"),
        false => text.to_owned(),
    };
    for (target, accepted) in verdict.targets() {
        let mark = if accepted { paint("32", "✓") } else { paint("31", "✗") };
        writeln!(out, "  {mark} {}", catalogue.text(onramp_password::Key::Target(target)))?;
        for violation in verdict.violations_for(target) {
            let message = catalogue.message(violation);
            // The target stands above.
            let prefix = catalogue.text(onramp_password::Key::Target(target));
            let message =
                message.strip_prefix(prefix).map_or(&*message, |rest| rest.trim_start_matches([':', ' ']));
            writeln!(out, "      {message}")?;
        }
    }
    for advice in verdict.advice() {
        writeln!(out, "  {}", catalogue.text(onramp_password::Key::Advice(advice)))?;
    }
    if let Some(readings) = verdict.protection().and_then(|protection| protection.readings) {
        let points = match (readings.low, readings.high) {
            (low, high) if low == high => format!("{low} points"),
            (low, high) => format!("{low} to {high} points"),
        };
        let every = match readings.every {
            EveryReading::Accepted => "accepted under every reading of Microsoft's documentation",
            EveryReading::Depends => "accepted or not, depending on how Microsoft's documentation is read",
            EveryReading::Rejected => "rejected under every reading of Microsoft's documentation",
        };
        writeln!(out, "  Entra Password Protection: {points}, {every}")?;
    }
    writeln!(
        out,
        "  Strength: {} of 4; about 10^{:.0} guesses, {} offline against a slow hash",
        u8::from(strength.score),
        strength.guesses_log10,
        duration(strength.seconds(Attack::OfflineSlow)),
    )?;
    Ok(())
}

fn duration(seconds: f64) -> String {
    let units = [
        (3.156e9, "centuries"),
        (3.156e7, "years"),
        (86_400.0, "days"),
        (3600.0, "hours"),
        (60.0, "minutes"),
    ];
    match units.into_iter().find(|&(unit, _)| seconds >= 2.0 * unit) {
        Some((unit, _)) if seconds / unit > 1e6 => "for ever".to_owned(),
        Some((unit, name)) => format!("{:.0} {name}", seconds / unit),
        None => "a moment".to_owned(),
    }
}
