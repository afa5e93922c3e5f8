//! The judgment of one object: what all rules share.

use onramp_core::AttributeName;

use super::catalog::Rule;
use super::settings::Settings;
use super::text;
use crate::{DirectoryObject, Finding, ObjectKind, Span};

/// The judgment of one object: collects findings of the rules that apply.
pub(super) struct Judge<'a> {
    pub(super) rules: &'a Settings,
    pub(super) object: &'a DirectoryObject,
    pub(super) kind: ObjectKind,
    pub(super) findings: Vec<Finding>,
}

/// The value that a finding is about.
#[derive(Clone, Copy)]
pub(super) struct Value<'a> {
    pub(super) attribute: &'a AttributeName,
    pub(super) text: &'a str,
    pub(super) index: usize,
}

impl<'a> Judge<'a> {
    pub(super) fn add(
        &mut self,
        rule: Rule,
        attribute: &AttributeName,
        value: Option<(String, usize)>,
        spans: Vec<Span>,
        explanation: impl Into<String>,
    ) {
        let Some(state) = self.rules.state(rule) else { return };
        if state.scope.as_ref().is_some_and(|scope| !scope.contains(self.object)) {
            return;
        }
        let mut finding = Finding::new(
            self.object.key(),
            state.info.id.clone(),
            state.info.severity,
            attribute.clone(),
            explanation,
        );
        finding.class = self.object.class().map(str::to_owned);
        finding.tags.clone_from(&state.info.tags);
        finding.rule_source = Some(state.info.source.clone());
        finding.spans = spans.into_iter().filter(|span| span.start < span.end).collect();
        if let Some((text, index)) = value {
            finding = finding.with_value(text, index);
        }
        self.findings.push(finding);
    }

    /// Adds a finding about a value.
    pub(super) fn value(
        &mut self,
        rule: Rule,
        value: Value<'_>,
        spans: Vec<Span>,
        explanation: impl Into<String>,
    ) {
        self.add(rule, value.attribute, Some((value.text.to_owned(), value.index)), spans, explanation);
    }

    /// Adds a finding about a part of a value that is longer than the rule's limit, in characters or as a domain in ASCII.
    pub(super) fn length(
        &mut self,
        rule: Rule,
        value: Value<'_>,
        part: &str,
        part_name: &str,
        as_ascii: Option<usize>,
    ) {
        let limit = self.rules.limit(rule);
        if part.len() <= limit && as_ascii.is_none() {
            return;
        }
        let length = as_ascii.unwrap_or_else(|| part.chars().count());
        if length <= limit {
            return;
        }
        let offset = offset_of(value.text, part);
        let cut = part.char_indices().nth(limit).map_or(part.len(), |(at, _)| at);
        let span = Span { start: offset + cut, end: offset + part.len() };
        self.value(
            rule,
            value,
            vec![span],
            format!("{part_name} has {length} characters; the limit is {limit}"),
        );
    }

    /// Calls a function for each value of an attribute that is text. Others are octets that no rule of text judges.
    pub(super) fn each(&mut self, attribute: &AttributeName, judge: impl Fn(&mut Self, Value<'_>)) {
        let object = self.object;
        for (index, value) in object.values(attribute).iter().enumerate() {
            if let Some(text) = value.as_text() {
                judge(self, Value { attribute, text, index });
            }
        }
    }
}

/// The offset of a part within the text that it is a slice of.
pub(super) fn offset_of(text: &str, part: &str) -> usize {
    (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize).min(text.len())
}

/// The spans of the characters of a part for which a condition holds; neighbors are one span.
pub(super) fn spans_of(text: &str, part: &str, is_wrong: impl Fn(char) -> bool) -> Vec<Span> {
    let offset = offset_of(text, part);
    let mut spans: Vec<Span> = Vec::new();
    for (at, c) in part.char_indices().filter(|(_, c)| is_wrong(*c)) {
        let (start, end) = (offset + at, offset + at + c.len_utf8());
        match spans.last_mut().filter(|last| last.end == start) {
            Some(last) => last.end = end,
            None => spans.push(Span { start, end }),
        }
    }
    spans
}

/// The characters at spans, for a sentence: each once, at most eight, invisible ones by number and name.
pub(super) fn named(text: &str, spans: &[Span]) -> String {
    let mut characters: Vec<char> = Vec::new();
    for c in spans.iter().filter_map(|span| text.get(span.start..span.end)).flat_map(str::chars) {
        if !characters.contains(&c) {
            characters.push(c);
        }
    }
    let more = characters.len().saturating_sub(8);
    let mut shown: Vec<String> = characters.into_iter().take(8).map(text::name_of).collect();
    if more > 0 {
        shown.push(format!("{more} more"));
    }
    shown.join(", ")
}
