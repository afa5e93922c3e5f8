//! A row of IdFix's grid, and the finding of it.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::column::Column;
use super::entry::{Entry, OCTETS};
use super::primitive::{Action, Failure, Loss};
use crate::{Confidence, Finding, Fix, IdfixError, IdfixRow, ObjectKey, Severity};

/// The failures of one value, joined (`ComposedRuleResult`).
#[derive(Debug)]
pub(super) struct Row<'a> {
    /// The original value; `None` if the attribute is absent.
    value: Option<&'a str>,
    errors: Vec<IdfixError>,
    update: Option<String>,
    action: Action,
    losses: Vec<Loss>,
    limit: Option<usize>,
    /// The value that is a duplicate, if a check before changed it.
    repaired: Option<String>,
}

impl<'a> Row<'a> {
    /// Creates the row of a value that failed no check yet.
    pub(super) fn new(value: Option<&'a str>) -> Self {
        Self {
            value,
            errors: Vec::new(),
            update: value.map(str::to_owned),
            action: Action::Edit,
            losses: Vec::new(),
            limit: None,
            repaired: None,
        }
    }

    /// The value that the next check sees.
    pub(super) fn current(&self) -> &str {
        self.update.as_deref().unwrap_or_default()
    }

    /// Adds a failure: update and action are those of the last one.
    pub(super) fn add(&mut self, failure: Failure) {
        if failure.errors.contains(&IdfixError::Duplicate) && failure.update.as_deref() != self.value {
            self.repaired = failure.update.clone();
        }
        self.errors.extend(failure.errors);
        self.losses.extend(failure.losses);
        self.update = failure.update;
        self.action = failure.action;
        self.limit = self.limit.or(failure.limit);
    }

    pub(super) fn has_failed(&self) -> bool {
        !self.errors.is_empty()
    }

    /// The value with which IdFix adds a row for the first holder: the original value of a duplicate whose action is EDIT.
    pub(super) fn value_of_first_holder(&self) -> Option<&'a str> {
        let is_listed = self.errors.contains(&IdfixError::Duplicate) && self.action == Action::Edit;
        if is_listed { self.value } else { None }
    }

    /// The finding of the row.
    pub(super) fn finding(&self, entry: Entry<'_>, column: Column, index: Option<usize>) -> Finding {
        let mut finding =
            self.new_finding(entry.object().key(), entry, column, self.explanation(column), &self.errors);
        finding.value =
            index.and_then(|index| entry.values(&column.attribute()).get(index)).map(ToString::to_string);
        finding.value_index = index;
        if self.value != Some(OCTETS)
            && let Some(update) = self.column_update()
            && self.value != Some(update.as_str())
        {
            let fix = Fix::replace(column.attribute(), self.value, Some(update));
            let fix = match self.loss(column) {
                Some(sentence) => fix.with_loss(sentence),
                None => fix,
            };
            finding.fixes.push(fix.with_confidence(Confidence::Low));
        }
        finding
    }

    /// The finding of the row that IdFix adds for the first holder of a duplicate (`RulesRunner.ExecuteRuleCollection`): with
    /// value, update and type of the later holder.
    pub(super) fn finding_of_first_holder(
        &self,
        first: ObjectKey,
        entry: Entry<'_>,
        column: Column,
    ) -> Finding {
        let explanation = format!(
            "IdFix lists this object as the first holder of a value of {} that {} has, too.",
            column.attribute(),
            entry.object().key(),
        );
        let mut finding = self.new_finding(first, entry, column, explanation, &[IdfixError::Duplicate]);
        finding.value = self.value.map(str::to_owned);
        finding
    }

    fn new_finding(
        &self,
        object: ObjectKey,
        entry: Entry<'_>,
        column: Column,
        explanation: String,
        errors: &[IdfixError],
    ) -> Finding {
        let mut finding =
            Finding::new(object, column.rule(), Severity::Error, column.attribute(), explanation);
        finding.class = entry.object_type().map(str::to_owned);
        finding.rule_source = Some(Cow::Borrowed(entry.mode().source()));
        for error in errors {
            let tag = Cow::Borrowed(tag(*error));
            if !finding.tags.contains(&tag) {
                finding.tags.push(tag);
            }
        }
        finding.idfix = Some(IdfixRow::new(errors.to_vec(), self.column_update(), self.action.as_str()));
        finding
    }

    /// The column UPDATE; `None` where it is empty.
    fn column_update(&self) -> Option<String> {
        self.update.clone().filter(|update| !update.is_empty())
    }

    /// A sentence that names each error.
    fn explanation(&self, column: Column) -> String {
        let parts: Vec<String> = self.errors.iter().map(|error| self.phrase(*error)).collect();
        let attribute = column.attribute();
        match parts.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{attribute} {} and {last}.", rest.join(", ")),
            _ => format!("{attribute} {}.", parts.concat()),
        }
    }

    fn phrase(&self, error: IdfixError) -> String {
        match (error, self.limit, &self.repaired) {
            (IdfixError::Character, ..) => "has characters that are not allowed".to_owned(),
            (IdfixError::Format, ..) => "is no address that IdFix can repair".to_owned(),
            (IdfixError::TopLevelDomain, ..) => "has a top-level domain that IdFix does not know".to_owned(),
            (IdfixError::DomainPart, ..) => "has an invalid part after the @".to_owned(),
            (IdfixError::LocalPart, ..) => "has an invalid part before the @".to_owned(),
            (IdfixError::Length, limit, _) => {
                let mut phrase = "is too long".to_owned();
                if let Some(limit) = limit {
                    // Writing to a string does not fail.
                    let _ = write!(phrase, " (more than {limit} characters)");
                }
                phrase
            }
            (IdfixError::Blank, ..) => "is missing or empty".to_owned(),
            (IdfixError::Duplicate, _, None) => "has a value that was read before".to_owned(),
            (IdfixError::Duplicate, _, Some(repaired)) => {
                format!(
                    "turns, as IdFix repairs it, into a value that was read before ({})",
                    onramp_core::visible(repaired)
                )
            }
        }
    }

    /// A sentence about what the update loses.
    fn loss(&self, column: Column) -> Option<String> {
        let is_address = column.holds_addresses();
        let mut parts: Vec<&str> = Vec::new();
        for loss in &self.losses {
            let part = match loss {
                Loss::End if is_address => "cuts the end off, and with it a part of the domain",
                Loss::End => "cuts the end off",
                Loss::Characters => "deletes characters instead of replacing them",
                Loss::Everything if is_address => {
                    "puts the common name, which is no address, in place of the value"
                }
                Loss::Everything => "puts the common name in place of the value",
                Loss::Domain => "deletes characters of the domain, so that it can become another domain",
                Loss::LocalPart => "deletes characters before the @",
            };
            if !parts.contains(&part) {
                parts.push(part);
            }
        }
        match parts.split_last()? {
            (last, []) => Some(format!("IdFix's update {last}.")),
            (last, rest) => Some(format!("IdFix's update {} and {last}.", rest.join(", "))),
        }
    }
}

fn tag(error: IdfixError) -> &'static str {
    match error {
        IdfixError::Character => "character",
        IdfixError::Format => "format",
        IdfixError::TopLevelDomain => "top-level-domain",
        IdfixError::DomainPart => "domain-part",
        IdfixError::LocalPart => "local-part",
        IdfixError::Length => "length",
        IdfixError::Blank => "blank",
        IdfixError::Duplicate => "duplicate",
    }
}
