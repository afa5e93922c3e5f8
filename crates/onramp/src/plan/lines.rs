//! Plans as JSON Lines: the header first, then one blocker, consequence, skipped user or change a line.

use std::fmt;
use std::io::{BufRead, Write};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Blocker, Consequence, Plan, PlanHeader, PlannedChange};
use crate::steps::users::Skipped;

pub(crate) const FORMAT: &str = "onramp-plan/2";

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "line")]
enum Line<'a> {
    Header {
        digest: String,
        #[serde(flatten)]
        header: PlanHeader,
    },
    Consequence {
        #[serde(flatten)]
        consequence: std::borrow::Cow<'a, Consequence>,
    },
    Blocker {
        #[serde(flatten)]
        blocker: std::borrow::Cow<'a, Blocker>,
    },
    Warning {
        text: std::borrow::Cow<'a, str>,
    },
    Skipped {
        #[serde(flatten)]
        skipped: std::borrow::Cow<'a, Skipped>,
    },
    Change {
        #[serde(flatten)]
        change: std::borrow::Cow<'a, PlannedChange>,
    },
}

/// Why a plan cannot be read back.
#[derive(Debug)]
#[non_exhaustive]
pub enum PlanError {
    /// The file cannot be read.
    Io(std::io::Error),
    /// A line is not what a plan holds.
    Line {
        /// Which, from 1.
        number: usize,
        /// What is wrong with it.
        message: String,
    },
    /// The digest in the header does not fit the lines: the plan was changed or cut short.
    Digest,
}

impl Plan {
    /// The digest of everything in the plan but the time of its survey: SHA-256 in hexadecimal. Two surveys between
    /// which nothing changed give plans of the same digest, so that what was reviewed can be told from what is run.
    pub fn digest(&self) -> String {
        let mut digest = Sha256::new();
        let timeless = PlanHeader { surveyed_at: time::OffsetDateTime::UNIX_EPOCH, ..self.header.clone() };
        digest.update(serde_json::to_vec(&timeless).unwrap_or_default());
        for line in self.lines() {
            digest.update(serde_json::to_vec(&line).unwrap_or_default());
        }
        digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Writes the plan as JSON Lines, header first.
    ///
    /// # Errors
    /// As of the writer.
    pub fn write(&self, mut to: impl Write) -> std::io::Result<()> {
        let header = Line::Header { digest: self.digest(), header: self.header.clone() };
        for line in std::iter::once(header).chain(self.lines()) {
            serde_json::to_writer(&mut to, &line)?;
            to.write_all(b"\n")?;
        }
        to.flush()
    }

    /// Writes the plan to a file that only its owner can read, and makes it durable: it is on disk whole or not at all.
    ///
    /// # Errors
    /// As of the file system.
    pub fn save(&self, path: impl AsRef<std::path::Path>) -> std::io::Result<()> {
        let mut file = onramp_files::NewFile::create(path)?;
        self.write(&mut file)?;
        file.commit()
    }

    /// Reads a plan back.
    ///
    /// # Errors
    /// A line that is not what a plan holds, or a digest that does not fit.
    pub fn read(from: impl BufRead) -> Result<Self, PlanError> {
        let mut plan: Option<(Plan, String)> = None;
        for (index, text) in from.lines().enumerate() {
            let wrong = |message: String| PlanError::Line { number: index + 1, message };
            let text = text.map_err(PlanError::Io)?;
            let line: Line<'_> = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
            match (line, &mut plan) {
                (Line::Header { digest, header }, None) => {
                    if header.format != FORMAT {
                        return Err(wrong(format!("the format is {}, not {FORMAT}", header.format)));
                    }
                    let empty = Plan {
                        header,
                        changes: Vec::new(),
                        consequences: Vec::new(),
                        blockers: Vec::new(),
                        warnings: Vec::new(),
                        skipped: Vec::new(),
                    };
                    plan = Some((empty, digest));
                }
                (Line::Header { .. }, Some(_)) => return Err(wrong("a second header".into())),
                (_, None) => return Err(wrong("the header is missing".into())),
                (Line::Consequence { consequence }, Some((plan, _))) => {
                    plan.consequences.push(consequence.into_owned());
                }
                (Line::Blocker { blocker }, Some((plan, _))) => plan.blockers.push(blocker.into_owned()),
                (Line::Warning { text }, Some((plan, _))) => plan.warnings.push(text.into_owned()),
                (Line::Skipped { skipped }, Some((plan, _))) => plan.skipped.push(skipped.into_owned()),
                (Line::Change { change }, Some((plan, _))) => plan.changes.push(change.into_owned()),
            }
        }
        match plan {
            Some((plan, digest)) if plan.digest() == digest => Ok(plan),
            Some(_) => Err(PlanError::Digest),
            None => Err(PlanError::Line { number: 1, message: "the plan is empty".into() }),
        }
    }

    fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        use std::borrow::Cow::Borrowed;
        let consequences = self.consequences.iter().map(|c| Line::Consequence { consequence: Borrowed(c) });
        let blockers = self.blockers.iter().map(|b| Line::Blocker { blocker: Borrowed(b) });
        let skipped = self.skipped.iter().map(|s| Line::Skipped { skipped: Borrowed(s) });
        let changes = self.changes.iter().map(|c| Line::Change { change: Borrowed(c) });
        let warnings = self.warnings.iter().map(|text| Line::Warning { text: Borrowed(text) });
        consequences.chain(blockers).chain(warnings).chain(skipped).chain(changes)
    }
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "the plan cannot be read: {error}"),
            Self::Line { number, message } => write!(f, "line {number} of the plan: {message}"),
            Self::Digest => {
                f.write_str("the plan was changed or cut short: its digest does not fit. Make a new one.")
            }
        }
    }
}

impl std::error::Error for PlanError {}
