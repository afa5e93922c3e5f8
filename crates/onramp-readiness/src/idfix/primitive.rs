//! The checks of one value (`Rule`), and their suggestions.

use super::address;
use super::column::Column;
use super::duplicates::Duplicates;
use super::entry::Entry;
use super::text::{cut, has_smtp, is_white_space, length, starts_with};
use super::top_level_domains::TopLevelDomains;
use crate::IdfixError;
use crate::attributes::{
    GIVEN_NAME, HOME_MDB, MAIL, MAIL_NICKNAME, SAM_ACCOUNT_NAME, SN, USER_PRINCIPAL_NAME,
};

/// A check.
#[derive(Debug, Clone, Copy)]
pub(super) enum Primitive {
    /// `StringMaxLengthRule`: at most so many UTF-16 units; the rest is cut off.
    Length(usize),
    /// `SamAccountNameMaxLengthRule`: at most 20 units for a user, 256 for anything else.
    LengthOfAccountName,
    /// `RegexRule`: no such characters; they are deleted, and the common name stands in for a value of nothing else.
    Characters(fn(char) -> bool),
    /// `RegexRule` with `^[.]+`: no dots at the start.
    LeadingDots,
    /// `RegexRule` with `^[\s]+|[\s]+$`: no white space at start and end.
    OuterWhiteSpace,
    /// `FixProxyTargetAddressRule`: after a first colon that is not the first character, no other; they are deleted.
    SecondColon,
    /// `NoDuplicatesRule`: no value that was seen before in the attribute; the value itself is suggested.
    Duplicate,
    /// `SamAccountNameDuplicateRule`: the same, for objects without `userPrincipalName` only.
    DuplicateWithoutUpn,
    /// `RFC2822Rule`.
    Address,
    /// `BlankStringRule`.
    Blank(Blank),
}

/// A check that a value is there.
#[derive(Debug, Clone, Copy)]
pub(super) enum Blank {
    /// A value of any object; the common name is suggested.
    CommonName,
    /// `DisplayNameBlankRule`: a group's; the first 255 units of the common name are suggested.
    OfGroup,
    /// `MailNicknameBlankRule`: a contact's; a name is composed.
    NicknameOfContact,
    /// `TargetAddressBlankRule`: that of a contact or user without `homeMDB`; for a contact, `mail` is suggested.
    TargetAddress,
}

/// The proposed action of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Edit,
    Complete,
    Remove,
}

impl Action {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Edit => "EDIT",
            Self::Complete => "COMPLETE",
            Self::Remove => "REMOVE",
        }
    }
}

/// The part that a suggestion takes away from a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Loss {
    End,
    Characters,
    Everything,
    Domain,
    LocalPart,
}

/// The result of a check that failed.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) errors: Vec<IdfixError>,
    /// The suggestion: the next check sees it. `None` for .NET's null.
    pub(super) update: Option<String>,
    pub(super) action: Action,
    pub(super) losses: Vec<Loss>,
    /// The limit that the value exceeds.
    pub(super) limit: Option<usize>,
}

impl Failure {
    fn new(error: IdfixError, update: impl Into<String>) -> Self {
        Self {
            errors: vec![error],
            update: Some(update.into()),
            action: Action::Edit,
            losses: Vec::new(),
            limit: None,
        }
    }

    fn losing(mut self, loss: Loss) -> Self {
        self.losses.push(loss);
        self
    }
}

/// The surroundings of the checks of one attribute of one object.
#[derive(Debug)]
pub(super) struct Context<'a> {
    pub(super) entry: Entry<'a>,
    pub(super) column: Column,
    pub(super) domains: &'a TopLevelDomains,
    pub(super) duplicates: &'a mut Duplicates,
}

impl Primitive {
    /// Checks a value; `None` if it passes.
    pub(super) fn check(self, value: &str, context: &mut Context<'_>) -> Option<Failure> {
        match self {
            Self::Length(limit) => longer_than(limit, value),
            Self::LengthOfAccountName => longer_than(if context.entry.is("user") { 20 } else { 256 }, value),
            Self::Characters(is_bad) => value
                .contains(is_bad)
                .then(|| without(value.chars().filter(|c| !is_bad(*c)).collect(), context.entry)),
            Self::LeadingDots => value
                .starts_with('.')
                .then(|| without(value.trim_start_matches('.').to_owned(), context.entry)),
            Self::OuterWhiteSpace => {
                let trimmed = value.trim_matches(is_white_space);
                (trimmed != value).then(|| without(trimmed.to_owned(), context.entry))
            }
            Self::SecondColon => second_colon(value),
            Self::Duplicate => duplicate(value, context),
            Self::DuplicateWithoutUpn => {
                if context.entry.has(&USER_PRINCIPAL_NAME) {
                    None
                } else {
                    duplicate(value, context)
                }
            }
            Self::Address => invalid_address(value, context.domains),
            Self::Blank(blank) => value.is_empty().then(|| blank.check(Some(value), context.entry))?,
        }
    }
}

impl Blank {
    /// Returns the failure of a value that is absent or empty; `None` if this object needs none.
    pub(super) fn check(self, value: Option<&str>, entry: Entry<'_>) -> Option<Failure> {
        let update = match self {
            Self::CommonName => Some(entry.common_name().to_owned()),
            Self::OfGroup if entry.is("group") => Some(cut(entry.common_name(), 255)),
            Self::NicknameOfContact if entry.is("contact") => Some(nickname(entry)),
            Self::TargetAddress if needs_target_address(entry) => match entry.text(&MAIL) {
                Some(mail) if entry.is("contact") => Some(cut(&format!("SMTP:{mail}"), 256)),
                _ => value.map(str::to_owned),
            },
            Self::OfGroup | Self::NicknameOfContact | Self::TargetAddress => return None,
        };
        Some(Failure { update, ..Failure::new(IdfixError::Blank, "") })
    }
}

fn longer_than(limit: usize, value: &str) -> Option<Failure> {
    (length(value) > limit).then(|| Failure {
        limit: Some(limit),
        ..Failure::new(IdfixError::Length, cut(value, limit)).losing(Loss::End)
    })
}

/// The failure of a value with characters that are deleted. If nothing is left, the common name takes its place.
fn without(rest: String, entry: Entry<'_>) -> Failure {
    if rest.is_empty() {
        Failure::new(IdfixError::Character, entry.common_name()).losing(Loss::Everything)
    } else {
        Failure::new(IdfixError::Character, rest).losing(Loss::Characters)
    }
}

fn second_colon(value: &str) -> Option<Failure> {
    let (kind, rest) = value.split_once(':')?;
    (!kind.is_empty() && rest.contains(':')).then(|| {
        Failure::new(IdfixError::Character, format!("{kind}:{}", rest.replace(':', "")))
            .losing(Loss::Characters)
    })
}

/// The failure of a value that was seen before (`NoDuplicatesRule.Execute`). An action other than EDIT needs a value that is,
/// unchanged, the first one of the attribute.
fn duplicate(value: &str, context: &mut Context<'_>) -> Option<Failure> {
    let entry = context.entry;
    if !context.duplicates.is_duplicate(context.column, value, entry.object()) {
        return None;
    }
    let is_first = entry.text(&context.column.attribute()) == Some(value);
    let action = match context.column {
        _ if !is_first => Action::Edit,
        Column::ProxyAddresses if !has_smtp(value) => Action::Edit,
        Column::ProxyAddresses if !entry.has(&MAIL_NICKNAME) => Action::Remove,
        Column::ProxyAddresses if starts_with(value, "smtp:") => Action::Complete,
        Column::UserPrincipalName | Column::Mail | Column::SamAccountName if entry.has(&MAIL_NICKNAME) => {
            Action::Complete
        }
        Column::MailNickname if entry.has(&HOME_MDB) => Action::Complete,
        _ => Action::Edit,
    };
    Some(Failure { action, ..Failure::new(IdfixError::Duplicate, value) })
}

fn invalid_address(value: &str, domains: &TopLevelDomains) -> Option<Failure> {
    let invalid = address::check(value, domains)?;
    let losses = [(invalid.loses_domain, Loss::Domain), (invalid.loses_local_part, Loss::LocalPart)];
    let losses = losses.into_iter().filter_map(|(is_lost, loss)| is_lost.then_some(loss)).collect();
    Some(Failure { errors: invalid.errors, losses, ..Failure::new(IdfixError::Format, invalid.update) })
}

/// The name that IdFix composes for a contact: given name and surname, else `sAMAccountName`, else the common name.
fn nickname(entry: Entry<'_>) -> String {
    let mut name = entry.text(&GIVEN_NAME).unwrap_or_default().to_owned();
    if let Some(surname) = entry.text(&SN) {
        if !name.is_empty() {
            name.push('.');
        }
        name.push_str(surname);
    }
    if name.is_empty() {
        name = entry.text(&SAM_ACCOUNT_NAME).unwrap_or(entry.common_name()).to_owned();
    }
    name
}

fn needs_target_address(entry: Entry<'_>) -> bool {
    let has_no_database = entry.text(&HOME_MDB).is_none_or(|database| database.chars().all(is_white_space));
    (entry.is("contact") || entry.is("user")) && has_no_database
}
