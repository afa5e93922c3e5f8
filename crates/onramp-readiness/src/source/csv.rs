//! CSV exports of directories: `Export-Csv` of `Get-ADUser`, `csvde`, and spreadsheets.
//!
//! The first row names the columns. Names are compared without regard to case, and these are taken for attributes:
//!
//! | column | attribute |
//! |---|---|
//! | `DN`, `DistinguishedName` | the object's name, and `distinguishedName` for the second one |
//! | `EmailAddress` | `mail` |
//! | `Surname` | `sn` |
//! | `EmailAddresses`, `Alias`, `ExternalEmailAddress` (Exchange) | `proxyAddresses`, `mailNickname`, `targetAddress` |
//! | `SID` | `objectSid` |
//! | `OfficePhone`, `MobilePhone`, `Fax`, `Office`, `City`, `State`, `Country`, `POBox`, `Organization`, `OtherName`, `HomePage` | as `Get-ADUser` names what it reads |
//! | every other name of an attribute | that attribute |
//!
//! A column whose name no attribute can have, such as `Account status`, is [reported](Header::ignored) and not read.
//! Without a column for the DN the UPN, `sAMAccountName`, `mail` or `displayName` names the object.
//!
//! Cells of attributes that have several values ([`MULTI_VALUED`] unless set) are split at `;`, `|` and line ends; `\;` is no
//! end, and a `;` in an X.400 address neither. White space inside a value stays. An empty cell is a missing attribute:
//! CSV does not tell it from an empty value. `X'0aff'` of `csvde`, GUIDs and SIDs in text become octets.
//!
//! A first line `#TYPE …` or `sep=;`, and a delimiter of comma, semicolon or tab, are recognized; so are the encodings of
//! [`TextReader`]. `Export-Csv` writes the name of a type instead of several values unless they are joined: such a cell is an
//! error once per column, and the rows are read without it.
//!
//! ```
//! use onramp_readiness::attributes::{MAIL, PROXY_ADDRESSES};
//! use onramp_readiness::source::csv::Reader;
//!
//! let text = "DistinguishedName;EmailAddress;proxyAddresses\r\n\"CN=Anna,DC=x\";anna@x.de;SMTP:anna@x.de|smtp:a@x.de\r\n";
//! let mut rows = Reader::new(text.as_bytes());
//! assert_eq!(rows.header()?.delimiter, b';');
//! let anna = rows.next().expect("a row")?;
//! assert_eq!((anna.dn(), anna.text(&MAIL)), ("CN=Anna,DC=x", Some("anna@x.de")));
//! assert_eq!(anna.values(&PROXY_ADDRESSES).len(), 2);
//! # Ok::<(), onramp_readiness::source::SourceError>(())
//! ```

use std::collections::VecDeque;
use std::fmt;
use std::io::Read;
use std::iter::FusedIterator;
use std::sync::Arc;

use onramp_core::AttributeName;
use onramp_core::forest::AttributeValue;

use super::rows::{Row, Rows};
use super::{Limits, SourceError, SourceErrorKind, TextReader, columns};
use crate::{DirectoryObject, attributes};

/// The attributes whose cells hold several values, unless others are set.
pub const MULTI_VALUED: [AttributeName; 10] = [
    attributes::PROXY_ADDRESSES,
    attributes::OBJECT_CLASS,
    attributes::MEMBER,
    AttributeName::from_static("memberOf"),
    AttributeName::from_static("otherMailbox"),
    AttributeName::from_static("otherTelephone"),
    AttributeName::from_static("servicePrincipalName"),
    AttributeName::from_static("showInAddressBook"),
    AttributeName::from_static("publicDelegates"),
    AttributeName::from_static("sIDHistory"),
];

/// The attributes that name an object without a DN, the best one first.
const NAMES: [AttributeName; 4] = [
    attributes::USER_PRINCIPAL_NAME,
    attributes::SAM_ACCOUNT_NAME,
    attributes::MAIL,
    attributes::DISPLAY_NAME,
];

/// Most columns of a file.
const MOST_COLUMNS: usize = 10_000;

/// The columns of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Header {
    /// Character between cells.
    pub delimiter: u8,
    /// Attributes that are read, in the order of their columns.
    pub attributes: Vec<AttributeName>,
    /// Columns that are not read, because no attribute can have their name.
    pub ignored: Vec<String>,
}

/// An iterator over the objects of a CSV file. The [module](self) says what it accepts.
///
/// A row that cannot be read is an error that names its line, and the next row follows. Nothing can be read behind a row that
/// is longer than the limit, because its quotes cannot be told; the iterator ends there.
pub struct Reader<R> {
    input: Input<R>,
    delimiter: Option<u8>,
    separators: Vec<char>,
    multi_valued: Vec<AttributeName>,
    limits: Limits,
    source: Option<Arc<str>>,
    later: VecDeque<SourceError>,
}

enum Input<R> {
    Unread(TextReader<R>),
    Open(Box<Open<R>>),
    Ended,
}

struct Open<R> {
    rows: Rows<TextReader<R>>,
    header: Header,
    columns: Vec<Column>,
}

/// The purpose of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Purpose {
    Dn,
    Attribute(AttributeName),
    Nothing,
}

struct Column {
    title: String,
    purpose: Purpose,
    is_multi_valued: bool,
    /// True if a type's name in place of values was reported.
    is_reported: bool,
}

impl<R: Read> Reader<R> {
    /// Creates a reader.
    pub fn new(input: R) -> Self {
        Self {
            input: Input::Unread(TextReader::new(input)),
            delimiter: None,
            separators: vec![';', '|', '\n', '\r'],
            multi_valued: MULTI_VALUED.to_vec(),
            limits: Limits::default(),
            source: None,
            later: VecDeque::new(),
        }
    }

    /// Sets the character between cells instead of recognizing it. It must be set before the first row is read, as all that
    /// follows here.
    #[must_use]
    pub fn with_delimiter(mut self, delimiter: u8) -> Self {
        self.delimiter = Some(delimiter);
        self
    }

    /// Sets the characters between values in one cell.
    ///
    /// ```
    /// use onramp_readiness::attributes::PROXY_ADDRESSES;
    /// use onramp_readiness::source::csv::Reader;
    /// let text = "DN,proxyAddresses\nCN=Anna,SMTP:a@x.de smtp:b@x.de\n";
    /// let anna = Reader::new(text.as_bytes()).with_separators(&[' ']).next().expect("a row")?;
    /// assert_eq!(anna.values(&PROXY_ADDRESSES).len(), 2);
    /// # Ok::<(), onramp_readiness::source::SourceError>(())
    /// ```
    #[must_use]
    pub fn with_separators(mut self, separators: &[char]) -> Self {
        self.separators = separators.to_vec();
        self
    }

    /// Sets the attributes whose cells hold several values.
    #[must_use]
    pub fn with_multi_valued(mut self, attributes: impl IntoIterator<Item = AttributeName>) -> Self {
        self.multi_valued = attributes.into_iter().collect();
        self
    }

    /// Sets the limits on the size of rows.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the name of the source, which every object gets.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Arc<str>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Reads the first row, if it was not read yet, and returns the columns.
    ///
    /// # Errors
    /// Input that cannot be read, is empty, or has no column that names an object; and a reader that is at its end.
    pub fn header(&mut self) -> Result<&Header, SourceError> {
        self.open().map(|open| &open.header)
    }

    fn open(&mut self) -> Result<&mut Open<R>, SourceError> {
        match std::mem::replace(&mut self.input, Input::Ended) {
            Input::Unread(text) => {
                let mut rows = Rows::open(text, self.delimiter, self.limits)?;
                let titles = rows.header()?;
                let (header, columns) = columns_of(titles, rows.delimiter(), &self.multi_valued)?;
                self.input = Input::Open(Box::new(Open { rows, header, columns }));
            }
            other => self.input = other,
        }
        match &mut self.input {
            Input::Open(open) => Ok(open),
            _ => Err(SourceError::new(SourceErrorKind::Syntax, 1, "the reader is at its end")),
        }
    }

    fn object(&mut self) -> Option<Result<DirectoryObject, SourceError>> {
        if let Err(error) = self.open() {
            return Some(Err(error));
        }
        let Input::Open(open) = &mut self.input else { return None };
        let row = match open.rows.next()? {
            Ok(row) => row,
            Err(error) => return Some(Err(error)),
        };
        let columns = &mut open.columns;
        if row.cells.len() != columns.len() {
            return Some(Err(wrong_number(&row, columns.len())));
        }
        let mut dn = None;
        let mut read: Vec<(AttributeName, Vec<AttributeValue>)> = Vec::with_capacity(columns.len());
        for (cell, column) in row.cells.iter().zip(columns) {
            if cell.is_empty() {
                continue;
            }
            let attribute = match &column.purpose {
                Purpose::Dn => {
                    dn = Some(cell.to_owned());
                    continue;
                }
                Purpose::Attribute(attribute) => attribute,
                Purpose::Nothing => continue,
            };
            if is_type_name(cell) {
                if !column.is_reported {
                    column.is_reported = true;
                    let detail = format!(
                        "the column {0} holds the name of a type instead of values, here and perhaps in other rows: \
                         export it joined, as with @{{n='{0}';e={{$_.{0} -join ';'}}}}",
                        super::shortened(&column.title)
                    );
                    self.later.push_back(SourceError::new(SourceErrorKind::Incomplete, row.line, detail));
                }
                continue;
            }
            let separators = match column.is_multi_valued {
                true => cell.matches(self.separators.as_slice()).count(),
                false => 0,
            };
            if cell.len().saturating_add(separators.saturating_mul(64)) > self.limits.record {
                let detail = format!(
                    "a cell has {separators} values, which is over the limit; raise it if it is right"
                );
                return Some(Err(SourceError::new(SourceErrorKind::TooLong, row.line, detail)));
            }
            let values = match column.is_multi_valued {
                true => split(cell, &self.separators, attribute),
                false => vec![cell.to_owned()],
            };
            let mut converted = Vec::with_capacity(values.len());
            for value in values {
                let octets = columns::hexadecimal(&value).map(AttributeValue::bytes);
                match octets.or_else(|| columns::typed(attribute, &value)) {
                    Some(value) => converted.push(value),
                    None if *attribute != attributes::OBJECT_GUID => {
                        converted.push(AttributeValue::text(value))
                    }
                    None => {
                        let detail =
                            format!("{attribute} is no GUID such as 00112233-4455-6677-8899-aabbccddeeff");
                        return Some(Err(SourceError::new(SourceErrorKind::Syntax, row.line, detail)));
                    }
                }
            }
            read.push((attribute.clone(), converted));
        }
        let text = |name: &AttributeName| {
            let (_, values) = read.iter().find(|(attribute, _)| attribute == name)?;
            values.first()?.as_text().map(str::to_owned)
        };
        let name =
            dn.or_else(|| text(&attributes::DISTINGUISHED_NAME)).or_else(|| NAMES.iter().find_map(text));
        let Some(name) = name else {
            let detail = "the row has no distinguished name, nor a UPN or another name of its object";
            return Some(Err(SourceError::new(SourceErrorKind::Syntax, row.line, detail)));
        };
        let mut object = DirectoryObject::new(name);
        if let Some(source) = &self.source {
            object = object.with_source(Arc::clone(source));
        }
        for (attribute, values) in read {
            object.append(attribute, values);
        }
        Some(Ok(object))
    }
}

impl<R: Read> Iterator for Reader<R> {
    type Item = Result<DirectoryObject, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(error) = self.later.pop_front() {
            return Some(Err(error));
        }
        if matches!(self.input, Input::Ended) {
            return None;
        }
        let item = self.object();
        if item.is_none() {
            self.input = Input::Ended;
        }
        item
    }
}

impl<R: Read> FusedIterator for Reader<R> {}

impl<R> fmt::Debug for Reader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("limits", &self.limits)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

fn columns_of(
    titles: Vec<String>,
    delimiter: u8,
    multi_valued: &[AttributeName],
) -> Result<(Header, Vec<Column>), SourceError> {
    let mut header = Header { delimiter, attributes: Vec::new(), ignored: Vec::new() };
    if titles.len() > MOST_COLUMNS {
        let detail = format!("the first row names more than {MOST_COLUMNS} columns");
        return Err(SourceError::new(SourceErrorKind::TooLong, 1, detail));
    }
    let mut columns = Vec::new();
    for title in titles {
        let purpose = purpose_of(title.trim());
        match &purpose {
            Purpose::Attribute(attribute) => header.attributes.push(attribute.clone()),
            Purpose::Nothing if !title.trim().is_empty() => header.ignored.push(title.trim().to_owned()),
            Purpose::Nothing | Purpose::Dn => {}
        }
        let is_multi_valued =
            matches!(&purpose, Purpose::Attribute(attribute) if multi_valued.contains(attribute));
        columns.push(Column { title, purpose, is_multi_valued, is_reported: false });
    }
    let named = columns.iter().any(|column| match &column.purpose {
        Purpose::Dn => true,
        Purpose::Attribute(attribute) => {
            *attribute == attributes::DISTINGUISHED_NAME || NAMES.contains(attribute)
        }
        Purpose::Nothing => false,
    });
    if !named {
        let detail = "the first row names no column DN or DistinguishedName, nor another one that names objects \
                      (userPrincipalName, sAMAccountName, mail, displayName): export with the names of the columns";
        return Err(SourceError::new(SourceErrorKind::Syntax, 1, detail));
    }
    Ok((header, columns))
}

fn purpose_of(title: &str) -> Purpose {
    if title.eq_ignore_ascii_case("dn") {
        return Purpose::Dn;
    }
    columns::attribute_of(title).map_or(Purpose::Nothing, Purpose::Attribute)
}

/// The name of a type that PowerShell writes for a collection.
fn is_type_name(cell: &str) -> bool {
    ["Microsoft.ActiveDirectory.Management.ADPropertyValueCollection", "System.Collections."]
        .iter()
        .any(|prefix| cell.starts_with(prefix))
        || (cell.starts_with("System.") && cell.ends_with("[]"))
}

/// Splits a cell into values.
fn split(cell: &str, separators: &[char], attribute: &AttributeName) -> Vec<String> {
    let mut values: Vec<String> = Vec::new();
    let mut value = String::new();
    // The separator before the value.
    let mut before = None;
    let mut characters = cell.chars().peekable();
    // A name has its own escapes, and they stay.
    let is_name = matches!(
        attribute.as_str().to_ascii_lowercase().as_str(),
        "member" | "memberof" | "publicdelegates" | "showinaddressbook"
    );
    loop {
        match characters.next() {
            Some('\\') if characters.peek().is_some_and(|next| separators.contains(next)) => {
                if is_name {
                    value.push('\\');
                }
                value.extend(characters.next());
            }
            Some(character) if !separators.contains(&character) => value.push(character),
            end => {
                let value = std::mem::take(&mut value);
                match values.last_mut() {
                    Some(last) if before == Some(';') && continues(last, &value, attribute) => {
                        last.push(';');
                        last.push_str(&value);
                    }
                    _ if value.is_empty() => {}
                    _ => values.push(value),
                }
                before = end;
                if end.is_none() {
                    return values;
                }
            }
        }
    }
}

/// Returns true if a piece behind a semicolon belongs to the X.400 address before it.
fn continues(last: &str, piece: &str, attribute: &AttributeName) -> bool {
    let starts =
        |prefix: &str| last.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    let is_address = piece.split_once(':').is_some_and(|(kind, _)| {
        !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.')
    });
    *attribute == attributes::PROXY_ADDRESSES && (starts("x400:") || starts("x.400:")) && !is_address
}

fn wrong_number(row: &Row, expected: usize) -> SourceError {
    let mut detail = format!("the row has {} cells, and the first row has {expected}", row.cells.len());
    if row.last_line > row.line {
        detail.push_str(&format!("; it goes on to line {}: is a quote not closed?", row.last_line));
    } else {
        detail.push_str(": a cell that holds the delimiter or a quote stands in quotes");
    }
    SourceError::new(SourceErrorKind::Syntax, row.line, detail)
}
