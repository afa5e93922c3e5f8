//! The reader of CSV exports.

use std::collections::HashMap;
use std::fmt;
use std::io::Read;
use std::iter::FusedIterator;

use super::super::physical::{Physical, PhysicalLines};
use super::super::{Limits, SourceError, SourceErrorKind, TextReader};
use super::{IdfixAction, IdfixEdit, attribute_of, unknown_action, unknown_attribute};

/// Most lines of one row.
const MOST_LINES: usize = 20;
/// Most octets of one row: the search for its readings looks at them many times.
const MOST_OCTETS: usize = 1 << 20;
/// Most columns.
const MOST_COLUMNS: usize = 200;
/// Octets that are looked at for each octet of a row, at most.
const MOST_WORK: usize = 100;

/// An iterator over the rows of a CSV export. The [module](super) says what it accepts.
///
/// A row that cannot be read is an error that names its line, and the next one follows.
pub struct CsvReader<R> {
    lines: PhysicalLines<TextReader<R>>,
    limits: Limits,
    /// Lines that were read and belong to the next row.
    ahead: Vec<Physical>,
    header: Option<Header>,
    has_ended: bool,
}

#[derive(Debug, Clone, Default)]
struct Header {
    delimiter: u8,
    width: usize,
    /// True if the names of the columns stand in quotes, as PowerShell writes them.
    is_quoted: bool,
    dn: usize,
    class: Option<usize>,
    attribute: usize,
    errors: Option<usize>,
    value: usize,
    update: usize,
    action: Option<usize>,
    contents: Vec<Content>,
}

/// The text that a column may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    /// Without line breaks, which a distinguished name escapes as it does quotes.
    Dn,
    Word,
    /// Words, commas and spaces.
    Words,
    Anything,
}

/// The readings of a row.
enum Readings {
    None,
    One(Vec<String>),
    Several,
}

impl<R: Read> CsvReader<R> {
    /// Creates a reader.
    pub fn new(input: R) -> Self {
        let limits = Limits::default();
        let lines = PhysicalLines::new(TextReader::new(input)).with_limit(MOST_OCTETS);
        Self { lines, limits, ahead: Vec::new(), header: None, has_ended: false }
    }

    /// Sets the limits on the size of rows, which are not longer than 1 MiB in any case.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self.lines = self.lines.with_limit(limits.value.min(MOST_OCTETS));
        self
    }

    fn line(&mut self) -> Result<Option<Physical>, SourceError> {
        if let Some(line) = self.ahead.pop() {
            return Ok(Some(line));
        }
        self.lines.next().map_err(|error| {
            self.has_ended = true;
            SourceError::io(self.lines.number() + 1, error)
        })
    }

    fn row(&mut self) -> Result<Option<IdfixEdit>, SourceError> {
        let header = match &self.header {
            Some(header) => header.clone(),
            None => {
                let header = self.read_header()?;
                self.header = Some(header.clone());
                header
            }
        };
        let first = loop {
            match self.line()? {
                None => {
                    self.has_ended = true;
                    return Ok(None);
                }
                Some(line) if line.octets.trim_ascii().is_empty() => {}
                Some(line) => break line,
            }
        };
        let number = first.number;
        if first.is_cut {
            return Err(SourceError::new(
                SourceErrorKind::TooLong,
                number,
                "the row is longer than the limit",
            ));
        }
        let mut octets = first.octets;
        let mut more: Vec<Physical> = Vec::new();
        let readings = loop {
            let row = without_end(&octets);
            let readings = match header.readings(row) {
                Readings::None if header.goes_on(row) => None,
                readings => Some(readings),
            };
            let next = match &readings {
                Some(Readings::One(_)) if header.contents.last() != Some(&Content::Anything) => None,
                Some(Readings::One(_)) => self.line()?,
                Some(_) => None,
                None if more.len() < MOST_LINES => self.line()?,
                None => None,
            };
            let Some(next) = next else { break readings.unwrap_or(Readings::None) };
            // Behind a whole row only a line that cannot be one belongs to it.
            let belongs = readings.is_none()
                || (!next.octets.trim_ascii().is_empty() && header.count(&next.octets) + 1 < header.width);
            if !belongs
                || next.is_cut
                || octets.len() + next.octets.len() > self.limits.record.min(MOST_OCTETS)
            {
                self.ahead.push(next);
                break readings.unwrap_or(Readings::None);
            }
            octets.extend_from_slice(&next.octets);
            more.push(next);
        };
        match readings {
            Readings::One(cells) => header.edit(number, cells).map(Some),
            Readings::None => {
                // What was taken for a part of the row is read once more.
                self.ahead.extend(more.into_iter().rev());
                let detail = format!(
                    "the row has not the {} fields of the first row, however its quotes are read: correct it in the file, \
                     or leave it out",
                    header.width
                );
                Err(SourceError::new(SourceErrorKind::Syntax, number, detail))
            }
            Readings::Several => Err(SourceError::new(
                SourceErrorKind::Syntax,
                number,
                "a value holds quotes and delimiters, and the row can be read in more than one way: double the quotes \
                 inside of it",
            )),
        }
    }

    fn read_header(&mut self) -> Result<Header, SourceError> {
        let fail = |line: u64, detail: &str| SourceError::new(SourceErrorKind::Syntax, line, detail);
        let line = loop {
            match self.line()? {
                Some(line) if line.octets.trim_ascii().is_empty() => {}
                Some(line) => break line,
                None => {
                    self.has_ended = true;
                    return Err(fail(
                        1,
                        "the file is empty: the first row of an export of IdFix names its columns",
                    ));
                }
            }
        };
        let header = Header::parse(&line.octets);
        header.ok_or_else(|| {
            self.has_ended = true;
            fail(
                line.number,
                "the first row of an export of IdFix names the columns DISTINGUISHEDNAME, ATTRIBUTE, VALUE, UPDATE and \
                 ACTION, each once",
            )
        })
    }
}

impl<R: Read> Iterator for CsvReader<R> {
    type Item = Result<IdfixEdit, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.has_ended { None } else { self.row().transpose() }
    }
}

impl<R: Read> FusedIterator for CsvReader<R> {}

impl<R> fmt::Debug for CsvReader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CsvReader").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Header {
    fn parse(octets: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(octets).ok()?.trim();
        let delimiter =
            [b',', b';', b'\t'].into_iter().find(|&delimiter| text.as_bytes().contains(&delimiter))?;
        let names: Vec<String> = text
            .split(char::from(delimiter))
            .map(|name| name.trim().trim_matches('"').trim().to_ascii_uppercase())
            .collect();
        let place = |name: &str| {
            let mut places = names.iter().enumerate().filter(|(_, own)| *own == name);
            let (place, _) = places.next()?;
            places.next().is_none().then_some(place)
        };
        if names.len() > MOST_COLUMNS {
            return None;
        }
        let action = place("ACTION");
        Some(Self {
            delimiter,
            width: names.len(),
            is_quoted: text.starts_with('"'),
            dn: place("DISTINGUISHEDNAME")?,
            class: place("OBJECTCLASS"),
            attribute: place("ATTRIBUTE")?,
            errors: place("ERROR"),
            value: place("VALUE")?,
            update: place("UPDATE")?,
            contents: names
                .iter()
                .map(|name| match name.as_str() {
                    "DISTINGUISHEDNAME" => Content::Dn,
                    "OBJECTCLASS" | "ATTRIBUTE" | "PROPOSEDACTION" | "ACTION" => Content::Word,
                    "ERROR" => Content::Words,
                    _ => Content::Anything,
                })
                .collect(),
            action: Some(action?),
        })
    }

    fn count(&self, row: &[u8]) -> usize {
        row.iter().filter(|&&byte| byte == self.delimiter).count()
    }

    /// Returns true if a row without a reading may have one together with the next line.
    fn goes_on(&self, row: &[u8]) -> bool {
        self.count(row) + 1 < self.width || row.iter().filter(|&&byte| byte == b'"').count() % 2 == 1
    }

    fn readings(&self, row: &[u8]) -> Readings {
        let Ok(row) = std::str::from_utf8(row) else {
            // Told as such where the cells are looked at.
            return Readings::One(Vec::new());
        };
        if (self.is_quoted || row.contains("\"\""))
            && let Some(cells) = self.standard(row)
        {
            return Readings::One(cells);
        }
        let mut search = Search::new(self, row, false);
        match search.count(0, self.width) {
            0 if search.work > 0 => Readings::None,
            // A field that begins with a quote which does not enclose it is not accepted, since a value with line breaks
            // could be made to look like rows by it. It is a second reading, though.
            1 if Search::new(self, row, true).count(0, self.width) == 1 => Readings::One(search.cells()),
            _ => Readings::Several,
        }
    }

    /// The cells of a row in which quotes are doubled (RFC 4180), if it is one.
    fn standard(&self, row: &str) -> Option<Vec<String>> {
        let delimiter = char::from(self.delimiter);
        let mut cells = Vec::new();
        let mut rest = row;
        loop {
            let cell = match rest.strip_prefix('"') {
                Some(inside) => {
                    let mut cell = String::new();
                    let mut from = inside;
                    loop {
                        let (part, behind) = from.split_once('"')?;
                        cell.push_str(part);
                        match behind.strip_prefix('"') {
                            Some(behind) => {
                                cell.push('"');
                                from = behind;
                            }
                            None => {
                                rest = behind;
                                break;
                            }
                        }
                    }
                    cell
                }
                None => {
                    let end = rest.find(delimiter).unwrap_or(rest.len());
                    let (cell, behind) = rest.split_at_checked(end)?;
                    if cell.contains('"') {
                        return None;
                    }
                    rest = behind;
                    cell.to_owned()
                }
            };
            cells.push(cell);
            if rest.is_empty() {
                return (cells.len() == self.width).then_some(cells);
            }
            rest = rest.strip_prefix(delimiter)?;
        }
    }

    fn edit(&self, line: u64, mut cells: Vec<String>) -> Result<IdfixEdit, SourceError> {
        if cells.len() != self.width {
            return Err(SourceError::new(
                SourceErrorKind::Syntax,
                line,
                "the row is not UTF-8: save the file as \"CSV UTF-8\"; if a spreadsheet opened the export of IdFix and saved \
                 it, characters may be broken already",
            ));
        }
        let mut take =
            |place: Option<usize>| place.and_then(|place| cells.get_mut(place)).map(std::mem::take);
        let dn = take(Some(self.dn)).unwrap_or_default().trim().to_owned();
        let class = take(self.class).map(|class| class.trim().to_owned()).filter(|class| !class.is_empty());
        let name = take(Some(self.attribute)).unwrap_or_default();
        let errors = take(self.errors).unwrap_or_default().trim().to_owned();
        let value = take(Some(self.value)).unwrap_or_default();
        let update = take(Some(self.update)).unwrap_or_default();
        let word = take(self.action).unwrap_or_default();
        if dn.is_empty() {
            return Err(SourceError::new(SourceErrorKind::Syntax, line, "the row names no object"));
        }
        let fail = |kind, detail| Err(SourceError::new(kind, line, detail).about(dn.clone()));
        let Some(attribute) = attribute_of(&name) else {
            return fail(SourceErrorKind::Refused, unknown_attribute(&name));
        };
        let action = match word.trim() {
            "" => None,
            word => match IdfixAction::parse(word) {
                Some(action) => Some(action),
                None => return fail(SourceErrorKind::Syntax, unknown_action(word)),
            },
        };
        Ok(IdfixEdit { line, dn, class, attribute, errors, value, update, action })
    }
}

impl Content {
    fn allows(self, cell: &str) -> bool {
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"-_ \t".contains(&byte);
        match self {
            Self::Dn => {
                let mut before = ' ';
                cell.chars().all(|character| {
                    let allowed = !matches!(character, '\n' | '\r') && (character != '"' || before == '\\');
                    before = character;
                    allowed
                })
            }
            Self::Word => cell.bytes().all(is_word),
            Self::Words => cell.bytes().all(|byte| is_word(byte) || byte == b','),
            Self::Anything => true,
        }
    }
}

/// The search for readings of a row as IdFix writes it: a field in quotes holds a delimiter and ends with a quote before a
/// delimiter or the end; every other one holds none.
struct Search<'a> {
    header: &'a Header,
    row: &'a str,
    /// True if a field may begin with a quote that does not enclose it.
    is_lenient: bool,
    /// Readings of the rest from a place with so many fields left, two at most, and the end of the first field in one.
    known: HashMap<(usize, usize), (u8, usize)>,
    /// Octets that may still be looked at.
    work: usize,
}

impl<'a> Search<'a> {
    fn new(header: &'a Header, row: &'a str, is_lenient: bool) -> Self {
        let work = (row.len() + 1_000).saturating_mul(MOST_WORK);
        Self { header, row, is_lenient, known: HashMap::new(), work }
    }

    fn count(&mut self, from: usize, fields: usize) -> u8 {
        if let Some((count, _)) = self.known.get(&(from, fields)) {
            return *count;
        }
        let mut count = 0_u8;
        let mut end_of_first = 0;
        self.work = self.work.saturating_sub(self.row.len().saturating_sub(from) + 1);
        let content = self.header.contents.get(self.header.width - fields).copied();
        for end in self.ends(from) {
            if !content.is_some_and(|content| content.allows(self.cell(from, end))) {
                continue;
            }
            if self.work == 0 {
                return 0;
            }
            let readings = match (fields, end == self.row.len()) {
                (1, true) => 1,
                (1, false) | (_, true) => 0,
                (_, false) => self.count(end + 1, fields - 1),
            };
            if readings > 0 && count == 0 {
                end_of_first = end;
            }
            count = count.saturating_add(readings).min(2);
            if count > 1 {
                break;
            }
        }
        self.known.insert((from, fields), (count, end_of_first));
        count
    }

    /// The places where a field that begins here may end.
    fn ends(&self, from: usize) -> Vec<usize> {
        let rest = self.row.as_bytes().get(from..).unwrap_or_default();
        let delimiter = self.header.delimiter;
        let mut ends = Vec::new();
        if rest.first() != Some(&b'"') || self.is_lenient {
            let length = rest.iter().position(|&byte| byte == delimiter).unwrap_or(rest.len());
            ends.push(from + length);
        }
        if rest.first() != Some(&b'"') {
            return ends;
        }
        let mut holds_delimiter = false;
        for (index, &byte) in rest.iter().enumerate().skip(1) {
            let closes = byte == b'"' && rest.get(index + 1).is_none_or(|&next| next == delimiter);
            if closes && holds_delimiter {
                ends.push(from + index + 1);
            }
            holds_delimiter |= byte == delimiter;
        }
        ends
    }

    /// The cells of the only reading.
    fn cells(&self) -> Vec<String> {
        let mut cells = Vec::new();
        let mut from = 0;
        for fields in (1..=self.header.width).rev() {
            let end = self.known.get(&(from, fields)).map_or(self.row.len(), |(_, end)| *end);
            cells.push(self.cell(from, end).to_owned());
            from = end + 1;
        }
        cells
    }

    fn cell(&self, from: usize, end: usize) -> &'a str {
        let cell = self.row.get(from..end).unwrap_or_default();
        cell.strip_prefix('"').and_then(|inside| inside.strip_suffix('"')).unwrap_or(cell)
    }
}

fn without_end(octets: &[u8]) -> &[u8] {
    let line = octets.strip_suffix(b"\n").unwrap_or(octets);
    line.strip_suffix(b"\r").unwrap_or(line)
}
