use super::column::Column;
use super::duplicates::Duplicates;
use super::entry::{Entry, text_of};
use super::exclusion::{IdfixExclusion, exclusion, is_outside_filter};
use super::mode::IdfixMode;
use super::primitive::{Context, Primitive};
use super::row::Row;
use super::rules::{more, primitives};
use super::top_level_domains::TopLevelDomains;
use crate::{DirectoryObject, Finding};

/// A run of IdFix: the objects go through it one after the other, in the order of the search.
///
/// ```
/// use onramp_readiness::attributes::{CN, DISPLAY_NAME, MAIL};
/// use onramp_readiness::DirectoryObject;
/// use onramp_readiness::idfix::{IdfixCheck, IdfixMode, IdfixScan};
/// let object = |dn: &str| {
///     DirectoryObject::new(dn).with_text(CN, "x").with_text(DISPLAY_NAME, "x").with_text(MAIL, "x@contoso.com")
/// };
/// let mut scan = IdfixScan::new(IdfixMode::MultiTenant);
/// assert_eq!(scan.check(&object("CN=first")), IdfixCheck::Findings(vec![]));
/// let IdfixCheck::Findings(findings) = scan.check(&object("CN=second")) else { panic!("not excluded") };
/// // The row of the first holder stands before that of the second.
/// assert_eq!(findings.iter().map(|finding| &*finding.object.dn).collect::<Vec<_>>(), ["CN=first", "CN=second"]);
/// ```
#[derive(Debug, Clone, Default)]
pub struct IdfixScan {
    mode: IdfixMode,
    has_alternate_login_id: bool,
    has_default_filter: bool,
    domains: TopLevelDomains,
    duplicates: Duplicates,
}

/// The result of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // IdFix knows no third case
pub enum IdfixCheck {
    /// IdFix skips the object.
    Excluded(IdfixExclusion),
    /// The rows of IdFix, in its order; none if it finds no error.
    Findings(Vec<Finding>),
}

impl IdfixScan {
    /// Creates a scan that has seen no object.
    #[must_use]
    pub fn new(mode: IdfixMode) -> Self {
        Self { mode, ..Self::default() }
    }

    /// Sets "Use alternate login ID": `userPrincipalName` is not checked. Whether an object has one still decides about
    /// duplicates of `sAMAccountName`.
    #[must_use]
    pub fn with_alternate_login_id(mut self, is_used: bool) -> Self {
        self.has_alternate_login_id = is_used;
        self
    }

    /// Sets the list of top-level domains.
    #[must_use]
    pub fn with_top_level_domains(mut self, domains: TopLevelDomains) -> Self {
        self.domains = domains;
        self
    }

    /// Excludes what the default filter of IdFix does not return: anything but persons, contacts and groups, by
    /// `objectCategory` or else by `objectClass`, and, in dedicated mode, objects without `mail`. Off by default: then each
    /// object is taken as one that the search returned.
    #[must_use]
    pub fn with_default_filter(mut self, is_used: bool) -> Self {
        self.has_default_filter = is_used;
        self
    }

    /// The mode.
    #[must_use]
    pub fn mode(&self) -> IdfixMode {
        self.mode
    }

    /// Checks the next object (`RulesRunner.ExecuteRuleCollection`). Its values are remembered, unless it is excluded.
    pub fn check(&mut self, object: &DirectoryObject) -> IdfixCheck {
        if self.has_default_filter && is_outside_filter(object, self.mode) {
            return IdfixCheck::Excluded(IdfixExclusion::OutsideFilter);
        }
        let entry = Entry::new(object, self.mode);
        if let Some(reason) = exclusion(entry) {
            return IdfixCheck::Excluded(reason);
        }
        self.duplicates.next_object();
        let mut findings = Vec::new();
        for column in Column::all(self.mode) {
            if *column == Column::UserPrincipalName && self.has_alternate_login_id {
                continue;
            }
            self.check_attribute(entry, *column, &mut findings);
        }
        IdfixCheck::Findings(findings)
    }

    /// Checks an attribute (`ComposedRule.Execute`): each value of `proxyAddresses`, the first value of any other, and only
    /// that a value is there if there is none.
    fn check_attribute(&mut self, entry: Entry<'_>, column: Column, findings: &mut Vec<Finding>) {
        let values = entry.values(&column.attribute());
        if values.is_empty() {
            let mut row = Row::new(None);
            let blanks = primitives(column, self.mode).iter().filter_map(|primitive| match primitive {
                Primitive::Blank(blank) => blank.check(None, entry),
                _ => None,
            });
            blanks.for_each(|failure| row.add(failure));
            if row.has_failed() {
                findings.push(row.finding(entry, column, None));
            }
            return;
        }
        let count = if column == Column::ProxyAddresses { values.len() } else { 1 };
        for (index, value) in values.iter().take(count).enumerate() {
            let value = text_of(value);
            let row = self.check_value(entry, column, value);
            if !row.has_failed() {
                continue;
            }
            if let Some(value) = row.value_of_first_holder()
                && let Some(first) = self.duplicates.first_holder(column, value)
            {
                findings.push(row.finding_of_first_holder(first.clone(), entry, column));
            }
            findings.push(row.finding(entry, column, Some(index)));
        }
    }

    /// Checks a value: each check sees what the one before suggests.
    fn check_value<'a>(&mut self, entry: Entry<'_>, column: Column, value: &'a str) -> Row<'a> {
        let mut row = Row::new(Some(value));
        let mut context = Context { entry, column, domains: &self.domains, duplicates: &mut self.duplicates };
        for primitive in primitives(column, self.mode).iter().chain(more(column, self.mode, value)) {
            if let Some(failure) = primitive.check(row.current(), &mut context) {
                row.add(failure);
            }
        }
        row
    }
}
