//! The numbers of a report: findings by severity, rule, attribute and OU, and the values that several objects hold.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::Hash;

use super::place::container;
use super::{Report, SEVERITIES};
use crate::RuleInfo;
use crate::{Finding, Severity};

/// A name with the findings that it has, by severity in the order of [`SEVERITIES`].
#[derive(Debug, Clone)]
pub(super) struct Count<'a> {
    pub(super) name: &'a str,
    pub(super) severities: [u64; 3],
}

impl Count<'_> {
    pub(super) fn total(&self) -> u64 {
        self.severities.iter().sum()
    }

    /// The severities with findings, each with its number.
    pub(super) fn by_severity(&self) -> impl Iterator<Item = (Severity, u64)> {
        let counts = SEVERITIES.iter().zip(self.severities);
        counts.filter(|(_, count)| *count > 0).map(|(severity, count)| (*severity, count))
    }

    fn add(&mut self, severity: Severity) {
        let counts = SEVERITIES.iter().zip(&mut self.severities);
        counts.filter(|(each, _)| **each == severity).for_each(|(_, count)| *count += 1);
    }
}

/// A value that several objects hold.
#[derive(Debug, Clone)]
pub(super) struct DuplicateGroup<'a> {
    pub(super) value: &'a str,
    pub(super) attributes: Vec<&'a str>,
    pub(super) objects: u64,
}

/// The numbers of a report.
#[derive(Debug)]
pub(super) struct Counts<'a> {
    pub(super) all: Count<'a>,
    /// The rules with findings, those with most findings first.
    pub(super) rules: Vec<Count<'a>>,
    /// The OUs and containers; the empty name stands for objects without one.
    pub(super) ous: Vec<Count<'a>>,
    /// The largest groups first.
    pub(super) duplicates: Vec<DuplicateGroup<'a>>,
    /// The number of objects with a finding.
    pub(super) objects: u64,
    /// The reasons of exclusions, the most frequent first.
    pub(super) excluded: Vec<(&'a str, u64)>,
}

impl<'a> Counts<'a> {
    pub(super) fn of(report: &Report<'a>) -> Self {
        let findings = report.findings;
        let mut all = Count { name: "", severities: [0; 3] };
        findings.iter().for_each(|finding| all.add(finding.severity));
        let objects: HashSet<_> = findings.iter().map(|finding| &finding.object).collect();
        let mut reasons: BTreeMap<&str, u64> = BTreeMap::new();
        report
            .excluded
            .iter()
            .for_each(|(_, excluded)| *reasons.entry(excluded.reason.as_str()).or_default() += 1);
        let mut excluded: Vec<_> = reasons.into_iter().collect();
        excluded.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        Self {
            all,
            rules: counts(findings, |finding| finding.rule.as_str(), str::to_owned),
            ous: counts(
                findings,
                |finding| container(&finding.object.dn).unwrap_or_default(),
                str::to_lowercase,
            ),
            duplicates: duplicates(findings),
            objects: objects.len() as u64,
            excluded,
        }
    }
}

/// Counts findings by a name; names whose keys are equal are one, in the spelling that comes first.
fn counts<'a, K: Hash + Eq>(
    findings: &'a [Finding],
    name: impl Fn(&'a Finding) -> &'a str,
    key: impl Fn(&str) -> K,
) -> Vec<Count<'a>> {
    let mut found: HashMap<K, Count<'a>> = HashMap::new();
    for finding in findings {
        let name = name(finding);
        let count = found.entry(key(name)).or_insert(Count { name, severities: [0; 3] });
        count.add(finding.severity);
    }
    let mut found: Vec<_> = found.into_values().collect();
    found.sort_by(|a, b| b.total().cmp(&a.total()).then_with(|| a.name.cmp(b.name)));
    found
}

/// Returns the groups of holders, each once, although each of its holders may have a finding.
fn duplicates(findings: &[Finding]) -> Vec<DuplicateGroup<'_>> {
    let mut seen = HashSet::new();
    let mut groups = Vec::new();
    for finding in findings.iter().filter(|finding| finding.holders.len() > 1) {
        let holders = finding.holders.iter();
        let first =
            holders.clone().map(|holder| (&holder.object, holder.attribute.as_str(), &holder.value)).min();
        if !seen.insert((finding.rule.as_str(), first)) {
            continue;
        }
        let mut attributes: Vec<&str> = holders.clone().map(|holder| holder.attribute.as_str()).collect();
        attributes.sort_unstable();
        attributes.dedup();
        let objects: HashSet<_> = holders.map(|holder| &holder.object).collect();
        let value = finding.value.as_deref().or(finding.holders.first().map(|holder| holder.value.as_str()));
        groups.push(DuplicateGroup {
            value: value.unwrap_or_default(),
            attributes,
            objects: objects.len() as u64,
        });
    }
    groups.sort_by(|a, b| b.objects.cmp(&a.objects).then_with(|| a.value.cmp(b.value)));
    groups
}

/// Returns the rules of the catalog, then those that only findings name, in the order of their IDs.
pub(super) fn rules_of<'a>(report: &Report<'a>) -> Vec<(&'a str, Option<&'a RuleInfo>)> {
    let mut rules: Vec<_> = report.rules.iter().map(|rule| (rule.id.as_str(), Some(rule))).collect();
    let known: HashSet<&str> = rules.iter().map(|(id, _)| *id).collect();
    let mut others: Vec<&str> = report.findings.iter().map(|finding| finding.rule.as_str()).collect();
    others.sort_unstable();
    others.dedup();
    rules.extend(others.into_iter().filter(|id| !known.contains(id)).map(|id| (id, None)));
    rules
}
