//! The rules of names, and of characters that nobody sees in any text.

use onramp_core::AttributeName;

use super::catalog::Rule;
use super::judge::{Judge, Value, named, spans_of};
use super::text::{is_invisible, mixes_scripts};
use crate::Span;
use crate::attributes as a;

/// The attributes of text whose characters are looked at, with the rule of their length where it is here.
const TEXTS: &[(AttributeName, Option<(Rule, &str)>)] = &[
    (a::USER_PRINCIPAL_NAME, None),
    (a::PROXY_ADDRESSES, None),
    (a::MAIL, None),
    (a::MAIL_NICKNAME, None),
    (a::TARGET_ADDRESS, None),
    (a::SAM_ACCOUNT_NAME, None),
    (a::DISPLAY_NAME, Some((Rule::DisplayNameLength, "the display name"))),
    (a::GIVEN_NAME, Some((Rule::GivenNameLength, "the given name"))),
    (a::SN, Some((Rule::SurnameLength, "the surname"))),
    (a::CN, Some((Rule::CommonNameLength, "the common name"))),
    (a::COMPANY, Some((Rule::CompanyLength, "the company name"))),
    (a::DEPARTMENT, Some((Rule::DepartmentLength, "the department"))),
    (a::TITLE, Some((Rule::TitleLength, "the job title"))),
];

pub(super) fn check(judge: &mut Judge<'_>) {
    let object = judge.object;
    for (attribute, length) in TEXTS {
        let limit = length.map_or(usize::MAX, |(rule, _)| judge.rules.limit(rule));
        for (index, value) in object.values(attribute).iter().enumerate() {
            let bytes = value.as_bytes();
            // Most values are plain and short, and need not be looked at character by character.
            if is_plain(bytes) && bytes.len() <= limit {
                continue;
            }
            let Some(text) = value.as_text() else {
                let explanation = format!("value {} of {attribute} is not UTF-8", index + 1);
                judge.add(Rule::TextEncoding, attribute, None, Vec::new(), explanation);
                continue;
            };
            let value = Value { attribute, text, index };
            if let Some((rule, name)) = length {
                judge.length(*rule, value, text, name, None);
            }
            if *attribute == a::DISPLAY_NAME && text.trim().is_empty() {
                let spans = vec![Span { start: 0, end: text.len() }];
                judge.value(Rule::DisplayNameMissing, value, spans, "the display name is blank");
            }
            characters(judge, value);
        }
    }
}

/// Returns true for text of ASCII characters that are seen, with blanks only between them.
fn is_plain(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ')
        && bytes.first().is_some_and(u8::is_ascii_graphic)
        && bytes.last().is_some_and(u8::is_ascii_graphic)
}

fn characters(judge: &mut Judge<'_>, value: Value<'_>) {
    let text = value.text;
    if is_plain(text.as_bytes()) {
        return;
    }
    let spans = edges(text);
    if !spans.is_empty() && !text.trim().is_empty() {
        let explanation = format!("the value begins or ends with {}", named(text, &spans));
        judge.value(Rule::EdgeWhiteSpace, value, spans, explanation);
    }
    let spans = spans_of(text, text.trim(), is_invisible);
    if !spans.is_empty() {
        let explanation = format!("the value has {}", named(text, &spans));
        judge.value(Rule::InvisibleCharacter, value, spans, explanation);
    }
    if mixes_scripts(text) {
        judge.value(
            Rule::ConfusableCharacter,
            value,
            Vec::new(),
            "the value mixes letters of several scripts that look alike; two such values cannot be told apart by eye",
        );
    }
}

/// The white space at the ends of a text.
fn edges(text: &str) -> Vec<Span> {
    let start = text.len() - text.trim_start().len();
    let end = text.trim_end().len();
    let mut spans = Vec::new();
    if start > 0 {
        spans.push(Span { start: 0, end: start });
    }
    if end < text.len() && end > start {
        spans.push(Span { start: end, end: text.len() });
    }
    spans
}
