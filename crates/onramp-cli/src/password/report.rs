//! The report on a candidate: one JSON object, or lines for a person. The candidate itself is never written.

use std::fmt::Display;
use std::io::{self, Write};

use onramp_password::check::Advice;
use onramp_password::language::Key;
use onramp_password::policy::Target;
use onramp_password::protection::AllInterpretations;
use onramp_password::strength::{Attack, Score, Strength};
use onramp_password::{Messages, Verdict};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::texts::Texts;

/// The overall result of a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(clippy::exhaustive_enums)] // every case of a headline
pub(super) enum Headline {
    /// Accepted by every target, with no open question.
    Accepted,
    /// Accepted as far as is documented; Microsoft's global list is not public.
    PassesDocumentedRules,
    /// Accepted by some readings of Microsoft's documentation.
    MayBeRefused,
    /// Refused by a target, or weaker than required.
    Rejected,
}

impl Headline {
    /// Returns the headline of a verdict.
    #[must_use]
    pub(super) fn of(verdict: &Verdict, strong_enough: bool) -> Self {
        let readings = verdict.protection().and_then(|protection| protection.interpretations);
        match () {
            () if !verdict.is_accepted() || !strong_enough => Self::Rejected,
            () if readings.is_some_and(|readings| readings.every != AllInterpretations::Accepted) => {
                Self::MayBeRefused
            }
            () if verdict.advice().any(|advice| advice == Advice::GlobalListUnknown) => {
                Self::PassesDocumentedRules
            }
            () => Self::Accepted,
        }
    }

    /// Returns true if the headline counts as accepted.
    #[must_use]
    pub(super) fn is_accepted(self) -> bool {
        self != Self::Rejected
    }

    fn text(self, texts: &Texts) -> &'static str {
        match self {
            Self::Accepted => texts.accepted,
            Self::PassesDocumentedRules => texts.documented,
            Self::MayBeRefused => texts.depends,
            Self::Rejected => texts.rejected,
        }
    }
}

/// A strength that is too low, and the minimum.
#[derive(Clone, Copy, Debug)]
pub(super) struct TooWeak(pub(super) u8, pub(super) u8);

/// The JSON object of one candidate.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    accepted: bool,
    targets: Targets,
    codes: Vec<&'static str>,
    strength: Option<StrengthReport>,
    entra_password_protection: Option<ProtectionReport>,
    headline: Headline,
    /// The number of the line in a list, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
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
    /// Returns the report of a verdict and an estimate.
    #[must_use]
    pub(super) fn new(
        verdict: &Verdict,
        strength: &Strength,
        weak: Option<TooWeak>,
        line: Option<u64>,
    ) -> Self {
        let mut codes: Vec<&'static str> = Vec::new();
        for violation in verdict.violations() {
            if !codes.contains(&violation.code.as_str()) {
                codes.push(violation.code.as_str());
            }
        }
        if weak.is_some() {
            codes.push("too_weak");
        }
        let protection = verdict.protection().map(|protection| match protection.interpretations {
            Some(readings) => ProtectionReport {
                documented: answer(readings.documented),
                every_reading: readings.every.as_str(),
                score: [readings.low, readings.high],
            },
            // The candidate is longer than any directory accepts, so there are no readings.
            None => ProtectionReport {
                documented: answer(false),
                every_reading: AllInterpretations::Rejected.as_str(),
                score: [0, 0],
            },
        });
        let log10 = (strength.guesses_log10 * 1000.0).round() / 1000.0;
        let headline = Headline::of(verdict, weak.is_none());
        Self {
            accepted: headline.is_accepted(),
            targets: Targets(verdict.targets().map(|(target, ok)| (target, answer(ok))).collect()),
            codes,
            strength: Some(StrengthReport { score: u8::from(strength.score), guesses_log10: log10 }),
            entra_password_protection: protection,
            headline,
            line,
        }
    }

    /// Returns the report of a line that is no candidate.
    #[must_use]
    pub(super) fn unreadable(
        code: &'static str,
        targets: impl Iterator<Item = Target>,
        protected: bool,
        line: u64,
    ) -> Self {
        Self {
            accepted: false,
            targets: Targets(targets.map(|target| (target, answer(false))).collect()),
            codes: vec![code],
            strength: None,
            entra_password_protection: protected.then(|| ProtectionReport {
                documented: answer(false),
                every_reading: AllInterpretations::Rejected.as_str(),
                score: [0, 0],
            }),
            headline: Headline::Rejected,
            line: Some(line),
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

/// The language and colors of the report for a person.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner<'a> {
    /// The sentences about requirements.
    pub(super) messages: &'a Messages,
    /// The other sentences.
    pub(super) texts: &'a Texts,
    /// True if colors are used.
    pub(super) color: bool,
}

impl Manner<'_> {
    fn paint(&self, code: &str, text: &str) -> String {
        if self.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// Writes the report for a person: the headline after the line number, the answer of each target, and each fact
    /// once.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn tell(
        &self,
        out: &mut impl Write,
        (verdict, candidate): (&Verdict, &str),
        strength: &Strength,
        weak: Option<TooWeak>,
        line: Option<u64>,
    ) -> io::Result<Headline> {
        let texts = self.texts;
        let headline = Headline::of(verdict, weak.is_none());
        writeln!(out, "{}{}", numbered(line), headline.text(texts))?;
        for (target, accepted) in verdict.targets() {
            let mark = if accepted { self.paint("32", "✓") } else { self.paint("31", "✗") };
            writeln!(out, "  {mark} {}", self.messages.text(Key::Target(target)))?;
        }
        // The headline contains it already.
        let said = self.messages.text(Key::Advice(Advice::GlobalListUnknown));
        let known = |message: &String| message == said && headline == Headline::PassesDocumentedRules;
        for message in verdict.messages(self.messages, candidate).into_iter().filter(|one| !known(one)) {
            writeln!(out, "  {message}")?;
        }
        if let Some(TooWeak(found, limit)) = weak {
            writeln!(out, "  {}", filled(texts.too_weak, &[("found", &found), ("limit", &limit)]))?;
        }
        if let Some(readings) = verdict.protection().and_then(|protection| protection.interpretations) {
            let [one, several, range] = texts.points;
            let points = match (readings.low, readings.high) {
                (1, 1) => one,
                (low, high) if low == high => several,
                _ => range,
            };
            let points = filled(points, &[("low", &readings.low), ("high", &readings.high)]);
            let [accepted, depends, rejected] = texts.readings;
            let every = match readings.every {
                AllInterpretations::Accepted => accepted,
                AllInterpretations::Depends => depends,
                AllInterpretations::Rejected => rejected,
            };
            writeln!(out, "  Entra Password Protection: {points}, {every}")?;
        }
        if strength.score <= Score::One && weak.is_none() {
            writeln!(out, "  {}", self.paint("33", texts.weak))?;
        }
        let said: [(&str, &dyn Display); 3] = [
            ("found", &strength.score),
            ("guesses", &format!("{:.0}", strength.guesses_log10)),
            ("duration", &duration(strength.seconds(Attack::OfflineSlow), texts)),
        ];
        writeln!(out, "  {}", filled(texts.strength, &said))?;
        Ok(headline)
    }

    /// Writes that a line is no candidate.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn pass_over(&self, out: &mut impl Write, message: &str, line: u64) -> io::Result<()> {
        writeln!(out, "{}{}\n  {message}", numbered(Some(line)), self.texts.rejected)
    }
}

/// The counts of a list.
#[derive(Clone, Copy, Debug, Default)]
#[allow(clippy::exhaustive_structs)] // counters
pub(super) struct Summary {
    /// The number of accepted candidates.
    pub(super) accepted: u64,
    /// The number of accepted candidates that may be refused.
    pub(super) depends: u64,
    /// The number of all candidates.
    pub(super) all: u64,
    /// The number of empty lines.
    pub(super) empty: u64,
}

impl Summary {
    /// Counts a candidate.
    pub(super) fn count(&mut self, headline: Headline) {
        self.all += 1;
        self.accepted += u64::from(headline.is_accepted());
        self.depends += u64::from(headline == Headline::MayBeRefused);
    }

    /// Returns the counts as a sentence.
    #[must_use]
    pub(super) fn sentence(&self, texts: &Texts) -> String {
        let mut text = filled(texts.summary, &[("found", &self.accepted), ("all", &self.all)]);
        for (count, more) in [(self.depends, texts.of_these), (self.empty, texts.empty_lines)] {
            if count > 0 {
                text = format!("{text}; {}", filled(more, &[("n", &count)]));
            }
        }
        text
    }
}

fn numbered(line: Option<u64>) -> String {
    line.map_or_else(String::new, |line| format!("{line}: "))
}

/// Returns a sentence with its placeholders replaced by values.
fn filled(text: &str, with: &[(&str, &dyn Display)]) -> String {
    with.iter()
        .fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), &value.to_string()))
}

fn duration(seconds: f64, texts: &Texts) -> String {
    let [centuries, years, days, hours, minutes, moment, forever] = texts.durations;
    let units = [(3.156e9, centuries), (3.156e7, years), (86_400.0, days), (3600.0, hours), (60.0, minutes)];
    match units.into_iter().find(|&(unit, _)| seconds >= 2.0 * unit) {
        Some((unit, _)) if seconds / unit > 1e6 => forever.to_owned(),
        Some((unit, name)) => filled(name, &[("n", &format!("{:.0}", seconds / unit))]),
        None => moment.to_owned(),
    }
}
