//! The table of findings, and the choices of its filter.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use onramp_core::visible;

use super::super::place::{container, own_name};
use super::super::{Report, SEVERITIES, confidence_word};
use super::style::class;
use crate::{Finding, Fix, Holder, Severity, Span};

/// The maximum number of holders of a value, and of fixes, in a row.
const HOLDERS: usize = 10;
const FIXES: usize = 5;

/// A choice of the filter.
pub(super) struct Filter {
    /// The name of the data attribute of a row.
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    /// Values of the data attribute, each with its name for people.
    pub(super) options: Vec<(String, String)>,
}

/// A finding.
pub(super) struct Row<'a> {
    pub(super) severity: &'static str,
    pub(super) class: &'static str,
    pub(super) mark: &'static str,
    pub(super) rule: Cow<'a, str>,
    pub(super) rule_index: usize,
    pub(super) name: Cow<'a, str>,
    pub(super) dn: Cow<'a, str>,
    /// Class, GUID and source.
    pub(super) identity: String,
    pub(super) ou_index: usize,
    pub(super) attribute: &'a str,
    pub(super) attribute_index: usize,
    pub(super) is_missing: bool,
    pub(super) value: Vec<Piece<'a>>,
    pub(super) explanation: Cow<'a, str>,
    pub(super) holders: Vec<String>,
    pub(super) holders_more: usize,
    pub(super) fixes: Vec<FixText<'a>>,
}

/// A piece of a value: what violates the rule, or what stands between.
#[derive(Debug, PartialEq)]
pub(super) struct Piece<'a> {
    pub(super) marked: bool,
    pub(super) text: Cow<'a, str>,
}

/// A fix in words.
pub(super) struct FixText<'a> {
    /// Verbs with their values.
    pub(super) changes: Vec<(String, Cow<'a, str>)>,
    pub(super) confidence: &'static str,
    pub(super) loses: Cow<'a, str>,
}

/// The different names of a column, each with its number: first collected, then numbered in their order.
struct Names(BTreeMap<String, (String, usize)>);

impl Names {
    fn of<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let mut found = BTreeMap::new();
        for name in names {
            // A name of another case is the same name.
            found.entry(name.to_lowercase()).or_insert_with(|| (name.to_owned(), 0));
        }
        found.values_mut().zip(0..).for_each(|((_, number), index)| *number = index);
        Self(found)
    }

    fn index(&self, name: &str) -> usize {
        self.0.get(&name.to_lowercase()).map_or(0, |(_, index)| *index)
    }

    fn filter(&self, id: &'static str, name: &'static str) -> Filter {
        let options = self.0.values().map(|(name, index)| {
            let name = if name.is_empty() { "(none)".into() } else { visible(name) };
            (index.to_string(), name.into_owned())
        });
        Filter { id, name, options: options.collect() }
    }
}

/// Returns the choices of the filter and the rows: the most severe findings if there are too many, in the order of the scan.
pub(super) fn table<'a>(report: &Report<'a>, max_rows: usize) -> (Vec<Filter>, Vec<Row<'a>>) {
    let findings = chosen(report, max_rows);
    let rules = Names::of(findings.iter().map(|finding| finding.rule.as_str()));
    let attributes = Names::of(findings.iter().map(|finding| finding.attribute.as_str()));
    let ous = Names::of(findings.iter().map(|finding| ou(finding)));
    let present: HashSet<Severity> = findings.iter().map(|finding| finding.severity).collect();
    let severities = SEVERITIES.iter().filter(|severity| present.contains(severity));
    let filters = vec![
        Filter {
            id: "severity",
            name: "Severity",
            options: severities.map(|severity| (severity.to_string(), severity.to_string())).collect(),
        },
        rules.filter("rule", "Rule"),
        attributes.filter("attribute", "Attribute"),
        ous.filter("ou", "OU or container"),
    ];
    let rows = findings.into_iter().map(|finding| {
        let indexes = [
            rules.index(finding.rule.as_str()),
            attributes.index(finding.attribute.as_str()),
            ous.index(ou(finding)),
        ];
        row(finding, indexes)
    });
    (filters, rows.collect())
}

fn chosen<'a>(report: &Report<'a>, max_rows: usize) -> Vec<&'a Finding> {
    let mut left = max_rows;
    let mut take = [0_usize; SEVERITIES.len()];
    for (take, severity) in take.iter_mut().zip(SEVERITIES) {
        *take = report.findings.iter().filter(|finding| finding.severity == severity).count().min(left);
        left -= *take;
    }
    let is_chosen = |finding: &&Finding| {
        let place = SEVERITIES.iter().position(|severity| *severity == finding.severity);
        match place.and_then(|place| take.get_mut(place)) {
            Some(left) if *left > 0 => {
                *left -= 1;
                true
            }
            _ => false,
        }
    };
    report.findings.iter().filter(is_chosen).collect()
}

fn ou(finding: &Finding) -> &str {
    container(&finding.object.dn).unwrap_or_default()
}

fn row(finding: &Finding, [rule_index, attribute_index, ou_index]: [usize; 3]) -> Row<'_> {
    let object = &finding.object;
    let guid = object.guid.map(|guid| guid.to_string());
    let identity = [finding.class.as_deref(), guid.as_deref(), object.source.as_deref()];
    let identity: Vec<_> = identity.into_iter().flatten().map(visible).collect();
    let name = own_name(&object.dn);
    let (severity, mark) = match finding.severity {
        Severity::Error => ("error", "✗"),
        Severity::Warning => ("warning", "!"),
        Severity::Note => ("note", "i"),
    };
    Row {
        severity,
        class: class(finding.severity),
        mark,
        rule: visible(finding.rule.as_str()),
        rule_index,
        name: visible(name),
        dn: if name == object.dn { Cow::Borrowed("") } else { visible(ou(finding)) },
        identity: identity.join(", "),
        ou_index,
        attribute: finding.attribute.as_str(),
        attribute_index,
        is_missing: finding.value.is_none(),
        value: pieces(finding.value.as_deref().unwrap_or_default(), &finding.spans),
        explanation: visible(&finding.explanation),
        holders: finding.holders.iter().take(HOLDERS).map(holder).collect(),
        holders_more: finding.holders.len().saturating_sub(HOLDERS),
        fixes: finding.fixes.iter().take(FIXES).map(|fix| fix_text(finding, fix)).collect(),
    }
}

/// Returns the pieces of a value. A span that does not fit the value is left out.
fn pieces<'a>(value: &'a str, spans: &[Span]) -> Vec<Piece<'a>> {
    let mut spans: Vec<Span> = spans.to_vec();
    spans.sort();
    let mut pieces = Vec::new();
    let mut done = 0;
    for span in spans {
        let start = span.start.max(done);
        let (Some(before), Some(marked)) = (value.get(done..start), value.get(start..span.end)) else {
            continue;
        };
        pieces.push(Piece { marked: false, text: visible(before) });
        pieces.push(Piece { marked: true, text: visible(marked) });
        done = span.end;
    }
    pieces.push(Piece { marked: false, text: visible(value.get(done..).unwrap_or_default()) });
    pieces.retain(|piece| !piece.text.is_empty());
    pieces
}

fn holder(holder: &Holder) -> String {
    let keeps = if holder.keeps { " (recommended to keep it)" } else { "" };
    let reasons = holder.reasons.join(", ");
    let because = if reasons.is_empty() { String::new() } else { format!(": {reasons}") };
    let Holder { object, attribute, value, .. } = holder;
    visible(&format!("{}: {attribute} {value}{keeps}{because}", object.dn)).into_owned()
}

fn fix_text<'a>(finding: &Finding, fix: &'a Fix) -> FixText<'a> {
    let mut changes = Vec::new();
    for change in &fix.changes {
        let of = if change.attribute == finding.attribute {
            String::new()
        } else {
            format!(" {}", change.attribute)
        };
        let replaces = change.remove.len() == 1 && change.add.len() == 1;
        let verb = if replaces { "change" } else { "add" };
        if !replaces {
            changes.extend(change.remove.iter().map(|value| (format!("remove{of}"), visible(value))));
        }
        let to = if replaces { " to" } else { "" };
        changes.extend(change.add.iter().map(|value| (format!("{verb}{of}{to}"), visible(value))));
    }
    FixText {
        changes,
        confidence: confidence_word(fix.confidence),
        loses: fix.loses.as_deref().map(visible).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(value: &str, spans: &[(usize, usize)]) -> String {
        let spans: Vec<Span> = spans.iter().map(|&(start, end)| Span { start, end }).collect();
        pieces(value, &spans)
            .iter()
            .map(|p| if p.marked { format!("[{}]", p.text) } else { p.text.to_string() })
            .collect()
    }

    #[test]
    fn the_parts_that_violate_the_rule_are_marked() {
        assert_eq!(marked("a b c", &[(1, 2), (3, 4)]), "a[ ]b[ ]c");
        assert_eq!(marked("a b c", &[(3, 5), (0, 1)]), "[a] b[ c]");
        assert_eq!(marked("abcd", &[(0, 2), (1, 3)]), "[ab][c]d");
        assert_eq!(marked("a\u{202e}", &[(1, 4)]), "a[\\u{202e}]");
    }

    #[test]
    fn a_span_outside_of_the_value_or_inside_of_a_character_is_left_out() {
        assert_eq!(marked("äb", &[(0, 1), (1, 9), (7, 3), (2, 3)]), "ä[b]");
        assert_eq!(marked("ab", &[(0, 2), (0, 1)]), "[a][b]");
    }
}
