//! Files of IdFix: its CSV exports, in which edits were prepared, and its undo files `Update ….ldf`.
//!
//! IdFix escapes next to nothing, so both readers accept what it writes and refuse what cannot be told:
//!
//! - In its CSV a field stands in quotes if it holds a comma, quotes inside of it are not doubled, and a line break
//!   stands as it is. A row in which more than one reading fits is an error. Files that a spreadsheet or PowerShell saved
//!   again, with doubled quotes, semicolons or a byte order mark, are read as well. Columns may stand in any order, and
//!   others may be among them.
//! - An undo file is not LDIF, in spite of its name: nothing in it is encoded, and values may hold line breaks.
//!
//! White space of values stays, which IdFix itself loses when it reads its CSV. Only the attributes that IdFix handles
//! ([`ATTRIBUTES`]) are accepted: IdFix would write whatever the file names.
//!
//! Nothing tells a value with line breaks that looks like rows from rows, so look at the changes before they are applied, and
//! more so if the file has errors.
//!
//! ```
//! use onramp_readiness::source::idfix_files::{CsvReader, IdfixAction};
//!
//! let text = "DISTINGUISHEDNAME,COMMONNAME,OBJECTCLASS,ATTRIBUTE,ERROR,VALUE,UPDATE,PROPOSEDACTION,ACTION\r\n\
//!             \"CN=Anna,DC=x\",Anna,user,proxyAddresses,Character,smtp:a nna@x.de,smtp:anna@x.de,EDIT,EDIT\r\n";
//! let edit = CsvReader::new(text.as_bytes()).next().expect("a row")?;
//! assert_eq!((edit.dn.as_str(), edit.action), ("CN=Anna,DC=x", Some(IdfixAction::Edit)));
//! let change = edit.apply().expect("an edit");
//! assert_eq!((change.remove, change.add), (vec!["smtp:a nna@x.de".to_owned()], vec!["smtp:anna@x.de".to_owned()]));
//! # Ok::<(), onramp_readiness::source::SourceError>(())
//! ```

mod csv;
mod update;

pub use csv::CsvReader;
pub use update::UpdateReader;

use onramp_core::AttributeName;

use crate::{FixChange, attributes};

/// The attributes that IdFix handles.
pub const ATTRIBUTES: [AttributeName; 8] = [
    attributes::DISPLAY_NAME,
    attributes::GIVEN_NAME,
    attributes::MAIL,
    attributes::MAIL_NICKNAME,
    attributes::PROXY_ADDRESSES,
    attributes::SAM_ACCOUNT_NAME,
    attributes::TARGET_ADDRESS,
    attributes::USER_PRINCIPAL_NAME,
];

/// The action of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IdfixAction {
    /// `EDIT`: the update takes the place of the value.
    Edit,
    /// `REMOVE`: the value goes.
    Remove,
    /// `COMPLETE`: the value is right as it is.
    Complete,
    /// `UNDO`: the value takes the place of the update.
    Undo,
    /// `FAIL`: IdFix could not write the row.
    Fail,
}

impl IdfixAction {
    /// Parses the word, in any case.
    fn parse(word: &str) -> Option<Self> {
        [
            ("EDIT", Self::Edit),
            ("REMOVE", Self::Remove),
            ("COMPLETE", Self::Complete),
            ("UNDO", Self::Undo),
            ("FAIL", Self::Fail),
        ]
        .into_iter()
        .find_map(|(name, action)| name.eq_ignore_ascii_case(word).then_some(action))
    }
}

/// A row: one value of one attribute of an object, and what was to be done with it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct IdfixEdit {
    /// Line of the file in which the row begins, from 1.
    pub line: u64,
    /// Distinguished name.
    pub dn: String,
    /// Object class, if the file has it.
    pub class: Option<String>,
    /// The attribute, one of [`ATTRIBUTES`].
    pub attribute: AttributeName,
    /// Names of the errors, as the file has them.
    pub errors: String,
    /// The value that IdFix found; empty if there was none.
    pub value: String,
    /// The value that was to come; empty if none.
    pub update: String,
    /// The action; `None` for a row that nothing was decided for.
    pub action: Option<IdfixAction>,
}

impl IdfixEdit {
    /// The change that the action asks for; `None` if it changes nothing.
    ///
    /// `EDIT` replaces the value by the update, and removes it if that is empty; `REMOVE` removes it; `UNDO` is
    /// [`undo`](Self::undo). `COMPLETE`, `FAIL` and no action change nothing. Unlike IdFix, which replaces whatever is
    /// there, the change removes exactly the value that was found.
    pub fn apply(&self) -> Option<FixChange> {
        match self.action? {
            IdfixAction::Edit => self.change(&self.value, &self.update),
            IdfixAction::Remove => self.change(&self.value, ""),
            IdfixAction::Undo => self.change(&self.update, &self.value),
            IdfixAction::Complete | IdfixAction::Fail => None,
        }
    }

    /// The change that takes the row back, after IdFix applied it; `None` if there is nothing to take back.
    ///
    /// The update goes and the value comes. After `REMOVE` only the value comes: IdFix logs an update there that it never
    /// wrote, and stumbles over it when it undoes. A row that was an `UNDO` itself, or was never written, gives `None`.
    pub fn undo(&self) -> Option<FixChange> {
        match self.action? {
            IdfixAction::Edit => self.change(&self.update, &self.value),
            IdfixAction::Remove => self.change("", &self.value),
            IdfixAction::Undo | IdfixAction::Complete | IdfixAction::Fail => None,
        }
    }

    fn change(&self, old: &str, new: &str) -> Option<FixChange> {
        let one = |value: &str| if value.is_empty() { Vec::new() } else { vec![value.to_owned()] };
        (old != new).then(|| FixChange { attribute: self.attribute.clone(), remove: one(old), add: one(new) })
    }
}

/// The attribute of a row, if IdFix handles it.
fn attribute_of(name: &str) -> Option<AttributeName> {
    ATTRIBUTES.into_iter().find(|attribute| attribute.as_str().eq_ignore_ascii_case(name.trim()))
}

fn unknown_attribute(name: &str) -> String {
    format!(
        "“{}” is not an attribute that IdFix handles, so the row is not accepted; those are {}",
        super::shortened(name),
        ATTRIBUTES.map(|attribute| attribute.to_string()).join(", ")
    )
}

fn unknown_action(word: &str) -> String {
    format!("“{}” is not an action; those are EDIT, REMOVE, COMPLETE, UNDO and FAIL", super::shortened(word))
}
