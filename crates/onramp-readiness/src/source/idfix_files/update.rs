//! The reader of undo files.

use std::fmt;
use std::io::Read;
use std::iter::FusedIterator;

use super::super::physical::PhysicalLines;
use super::super::{Limits, SourceError, SourceErrorKind, TextReader};
use super::{IdfixAction, IdfixEdit, attribute_of, unknown_action, unknown_attribute};

/// The fields of a record, in their order.
const FIELDS: [&str; 7] =
    ["distinguishedName", "objectClass", "attribute", "error", "value", "update", "action"];

/// An iterator over the records of an undo file `Update ….ldf`: the changes that IdFix made, to be
/// [undone](IdfixEdit::undo).
///
/// ```
/// use onramp_readiness::source::idfix_files::UpdateReader;
///
/// let text = "distinguishedName: CN=Anna,DC=x\r\nobjectClass: user\r\nattribute: displayName\r\nerror: Character\r\n\
///             value: An\r\nna\r\nupdate: Anna\r\naction: Edit\r\n-\r\n\r\n";
/// let edit = UpdateReader::new(text.as_bytes()).next().expect("a record")?;
/// let change = edit.undo().expect("something to undo");
/// assert_eq!((change.remove, change.add), (vec!["Anna".to_owned()], vec!["An\r\nna".to_owned()]));
/// # Ok::<(), onramp_readiness::source::SourceError>(())
/// ```
pub struct UpdateReader<R> {
    lines: PhysicalLines<TextReader<R>>,
    limits: Limits,
    has_ended: bool,
}

impl<R: Read> UpdateReader<R> {
    /// Creates a reader.
    pub fn new(input: R) -> Self {
        let limits = Limits::default();
        let lines = PhysicalLines::new(TextReader::new(input)).with_limit(limits.value);
        Self { lines, limits, has_ended: false }
    }

    /// Sets the limits on the size of records.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self.lines = self.lines.with_limit(limits.value);
        self
    }

    fn record(&mut self) -> Result<Option<IdfixEdit>, SourceError> {
        let mut fields: [Vec<u8>; FIELDS.len()] = Default::default();
        // Number of fields that began.
        let mut begun = 0;
        let mut first = 0;
        let mut size = 0_usize;
        let mut failure = None;
        loop {
            let line = self.lines.next().map_err(|error| {
                self.has_ended = true;
                SourceError::io(self.lines.number() + 1, error)
            })?;
            let Some(line) = line else {
                self.has_ended = true;
                if first == 0 {
                    return Ok(None);
                }
                break;
            };
            let text = without_end(&line.octets);
            if first == 0 {
                if text.trim_ascii().is_empty() {
                    continue;
                }
                first = line.number;
            }
            size = size.saturating_add(line.octets.len());
            if line.is_cut || size > self.limits.record {
                failure.get_or_insert((
                    SourceErrorKind::TooLong,
                    line.number,
                    "the record is longer than the limit".to_owned(),
                ));
            }
            // A value may hold a line like the end of a record, but no action is missing then.
            if text == b"-" && (begun == FIELDS.len() || failure.is_some()) {
                break;
            }
            if failure.is_some() {
                continue;
            }
            let field = FIELDS.iter().position(|name| {
                text.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.starts_with(b": ") || rest == b":")
            });
            match field {
                Some(field) if field == begun => {
                    begun += 1;
                    let start = FIELDS.get(field).map_or(0, |name| name.len() + 1);
                    let rest = line.octets.get(start..).unwrap_or_default();
                    if let Some(slot) = fields.get_mut(field) {
                        slot.extend_from_slice(rest.strip_prefix(b" ").unwrap_or(rest));
                    }
                }
                Some(field) => {
                    let name = FIELDS.get(field).copied().unwrap_or_default();
                    let detail = format!(
                        "`{name}:` stands here where it is not expected: the record was cut short, or a value holds a line \
                         that looks like a field, and nothing tells them apart"
                    );
                    failure = Some((SourceErrorKind::Syntax, line.number, detail));
                }
                None if begun == 0 => {
                    let detail = "a record of an undo file begins with `distinguishedName:`".to_owned();
                    failure = Some((SourceErrorKind::Syntax, line.number, detail));
                }
                None => {
                    if let Some(slot) = fields.get_mut(begun - 1) {
                        slot.extend_from_slice(&line.octets);
                    }
                }
            }
        }
        let texts = fields.map(|octets| String::from_utf8(without_end(&octets).to_vec()));
        let [Ok(dn), Ok(class), Ok(attribute), Ok(errors), Ok(value), Ok(update), Ok(action)] = texts else {
            return Err(SourceError::new(
                SourceErrorKind::Syntax,
                first,
                "the record is not UTF-8, as IdFix writes it",
            ));
        };
        let fail = |kind, line, detail: String| {
            let error = SourceError::new(kind, line, detail);
            Err(if dn.is_empty() { error } else { error.about(dn.clone()) })
        };
        if let Some((kind, line, mut detail)) = failure {
            let last = self.lines.number();
            if last > line {
                detail.push_str(&format!("; skipped to line {last}"));
            }
            return fail(kind, line, detail);
        }
        if begun < FIELDS.len() {
            let detail = "the file ends inside of a record: it was cut short".to_owned();
            return fail(SourceErrorKind::Syntax, first, detail);
        }
        if dn.trim().is_empty() {
            return fail(SourceErrorKind::Syntax, first, "the record names no object".to_owned());
        }
        let Some(known) = attribute_of(&attribute) else {
            return fail(SourceErrorKind::Refused, first, unknown_attribute(&attribute));
        };
        let Some(action) = IdfixAction::parse(action.trim()) else {
            return fail(SourceErrorKind::Syntax, first, unknown_action(&action));
        };
        let class = Some(class).filter(|class| !class.is_empty());
        Ok(Some(IdfixEdit {
            line: first,
            dn,
            class,
            attribute: known,
            errors,
            value,
            update,
            action: Some(action),
        }))
    }
}

impl<R: Read> Iterator for UpdateReader<R> {
    type Item = Result<IdfixEdit, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.has_ended { None } else { self.record().transpose() }
    }
}

impl<R: Read> FusedIterator for UpdateReader<R> {}

impl<R> fmt::Debug for UpdateReader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpdateReader").field("limits", &self.limits).finish_non_exhaustive()
    }
}

fn without_end(octets: &[u8]) -> &[u8] {
    let line = octets.strip_suffix(b"\n").unwrap_or(octets);
    line.strip_suffix(b"\r").unwrap_or(line)
}
