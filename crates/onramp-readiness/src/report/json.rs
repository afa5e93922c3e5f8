//! JSON and JSON Lines: the findings as they are.

use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};

use super::Report;
use crate::Finding;

/// Writes the findings as one array, a finding a line, so that tools that compare lines are of use, too. Nothing but one
/// finding is held in memory.
///
/// A finding has at least `dn`, `rule`, `severity`, `attribute`, `explanation` and `fixes`, and `object_guid` and `value`
/// where there are some; one of the profile `idfix` has `idfix_error`, and `idfix_update` where IdFix suggests a value.
///
/// # Errors
/// An error of the writer.
pub fn write_json(report: &Report<'_>, out: impl Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    out.write_all(b"[")?;
    for (number, finding) in report.findings.iter().enumerate() {
        out.write_all(if number == 0 { b"\n" } else { b",\n" })?;
        serde_json::to_writer(&mut out, finding)?;
    }
    out.write_all(b"\n]\n")?;
    out.flush()
}

/// Writes the findings as JSON Lines: one object a line, and no array.
///
/// # Errors
/// An error of the writer.
pub fn write_json_lines(report: &Report<'_>, out: impl Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    for finding in report.findings {
        serde_json::to_writer(&mut out, finding)?;
        out.write_all(b"\n")?;
    }
    out.flush()
}

/// Reads the findings that [`write_json`] wrote.
///
/// # Errors
/// An error of the reader, or text that is no array of findings.
pub fn read_json(input: impl Read) -> io::Result<Vec<Finding>> {
    Ok(serde_json::from_reader(BufReader::new(input))?)
}

/// Reads the findings that [`write_json_lines`] wrote, one at a time. Empty lines are skipped.
///
/// ```
/// let line = r#"{"dn":"CN=A","rule":"r","severity":"note","attribute":"mail","explanation":"","fixes":[]}"#;
/// let findings: Vec<_> = onramp_readiness::report::read_json_lines(line.as_bytes()).collect::<Result<_, _>>()?;
/// assert_eq!(findings[0].object.dn, "CN=A");
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn read_json_lines(input: impl Read) -> impl Iterator<Item = io::Result<Finding>> {
    let lines =
        BufReader::new(input).lines().filter(|line| !matches!(line, Ok(line) if line.trim().is_empty()));
    lines.map(|line| Ok(serde_json::from_str(&line?)?))
}
