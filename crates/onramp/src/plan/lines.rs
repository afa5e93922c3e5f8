//! Plans as JSON Lines: the header, then one line for each consequence, blocker, warning, skipped user and change.

use std::fmt;
use std::io::{BufRead, Write};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Blocker, Consequence, Plan, PlanHeader, PlannedChange, Skipped};

/// The version of the format of plan files that this version writes. It reads this one and older ones from 2 on.
pub const PLAN_FORMAT_VERSION: u32 = 7;

/// The name of the format in files of version 2.
const FORMAT_2: &str = "onramp-plan/2";

/// Reads a version, or the name that version 2 has in its place.
pub(super) fn version<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Version(u32),
        Name(String),
    }
    match Either::deserialize(deserializer)? {
        Either::Version(version) if (2..=PLAN_FORMAT_VERSION).contains(&version) => Ok(version),
        Either::Name(name) if name == FORMAT_2 => Ok(2),
        Either::Version(version) => Err(serde::de::Error::custom(format!(
            "the format version is {version}; this program reads versions 2 to {PLAN_FORMAT_VERSION}"
        ))),
        Either::Name(name) => Err(serde::de::Error::custom(format!("the format is {name}, not {FORMAT_2}"))),
    }
}

/// The header of version 2, for the digest of its files.
#[derive(Serialize)]
struct Header2<'a> {
    format: &'static str,
    #[serde(with = "time::serde::rfc3339")]
    surveyed_at: time::OffsetDateTime,
    tenant: onramp_core::ObjectId,
    tenant_name: &'a str,
    forest: &'a str,
    domain: &'a onramp_core::DomainName,
    scope: super::Scope,
    users_read: u64,
    users_skipped: &'a std::collections::BTreeMap<String, u64>,
    waits: crate::spec::Waits,
}

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

/// An error of reading a plan.
#[derive(Debug)]
#[non_exhaustive]
pub enum PlanError {
    /// An error of the file system.
    Io(std::io::Error),
    /// A line that is not part of a plan.
    Line {
        /// The number of the line, from 1.
        number: usize,
        /// The error.
        message: String,
    },
    /// A digest that does not fit the lines: the plan was changed, or is incomplete.
    Digest,
}

impl Plan {
    /// Returns the SHA-256 digest of the plan, except the time of its survey, in hexadecimal. Two surveys without a change
    /// between them give plans with the same digest: it shows that the reviewed plan is the one that is applied.
    pub fn digest(&self) -> String {
        let mut digest = Sha256::new();
        let header = PlanHeader { surveyed_at: time::OffsetDateTime::UNIX_EPOCH, ..self.header.clone() };
        digest.update(header.to_json());
        for line in self.lines() {
            digest.update(serde_json::to_vec(&line).unwrap_or_default());
        }
        digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Writes the plan as JSON Lines, header first.
    ///
    /// # Errors
    /// Errors of the writer.
    pub fn write(&self, mut to: impl Write) -> std::io::Result<()> {
        let header = Line::Header { digest: self.digest(), header: self.header.clone() };
        for line in std::iter::once(header).chain(self.lines()) {
            serde_json::to_writer(&mut to, &line)?;
            to.write_all(b"\n")?;
        }
        to.flush()
    }

    /// Writes the plan to a file that only its owner can read. The file is durable, and complete or absent.
    ///
    /// # Errors
    /// Errors of the file system.
    pub fn save(&self, path: impl AsRef<std::path::Path>) -> std::io::Result<()> {
        let mut file = onramp_files::NewFile::create(path)?;
        self.write(&mut file)?;
        file.commit()
    }

    /// Reads a plan of this format version or an older one.
    ///
    /// ```
    /// use onramp::Plan;
    /// let error = Plan::read("{}".as_bytes()).unwrap_err();
    /// assert!(error.to_string().starts_with("line 1 of the plan"), "{error}");
    /// ```
    ///
    /// # Errors
    /// A line that is not part of a plan, or a digest that does not fit.
    pub fn read(from: impl BufRead) -> Result<Self, PlanError> {
        let mut plan: Option<(Plan, String)> = None;
        for (index, text) in from.lines().enumerate() {
            let wrong = |message: String| PlanError::Line { number: index + 1, message };
            let text = text.map_err(PlanError::Io)?;
            let line: Line<'_> = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
            match (line, &mut plan) {
                (Line::Header { digest, header }, None) => {
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

impl PlanHeader {
    /// Returns the header as JSON, in the format version that it has.
    fn to_json(&self) -> Vec<u8> {
        let json = match self.format_version {
            2 => serde_json::to_vec(&Header2 {
                format: FORMAT_2,
                surveyed_at: self.surveyed_at,
                tenant: self.tenant,
                tenant_name: &self.tenant_name,
                forest: &self.forest,
                domain: &self.domain,
                scope: self.scope,
                users_read: self.users_read,
                users_skipped: &self.users_skipped,
                waits: self.waits,
            }),
            _ => serde_json::to_vec(self),
        };
        json.unwrap_or_default()
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
