//! The rules of names, and of characters that nobody sees in any text.

use onramp_core::AttributeName;

use super::catalog::Rule;
use super::text::{is_invisible, mixes_scripts};
use super::{Judge, Value, named, spans_of};
use crate::Span;
use crate::attributes as a;

/// The attributes of text whose characters are looked at.
const TEXTS: &[AttributeName] = &[
    a::USER_PRINCIPAL_NAME,
    a::PROXY_ADDRESSES,
    a::MAIL,
    a::MAIL_NICKNAME,
    a::TARGET_ADDRESS,
    a::SAM_ACCOUNT_NAME,
    a::DISPLAY_NAME,
    a::GIVEN_NAME,
    a::SN,
    a::CN,
    a::COMPANY,
    a::DEPARTMENT,
    a::TITLE,
];

const LENGTHS: &[(AttributeName, Rule, &str)] = &[
    (a::DISPLAY_NAME, Rule::DisplayNameLength, "the display name"),
    (a::GIVEN_NAME, Rule::GivenNameLength, "the given name"),
    (a::SN, Rule::SurnameLength, "the surname"),
    (a::CN, Rule::CommonNameLength, "the common name"),
    (a::COMPANY, Rule::CompanyLength, "the company name"),
    (a::DEPARTMENT, Rule::DepartmentLength, "the department"),
    (a::TITLE, Rule::TitleLength, "the job title"),
];

pub(super) fn check(judge: &mut Judge<'_>) {
    for (attribute, rule, name) in LENGTHS {
        judge.each(attribute, |judge, value| {
            judge.length(*rule, value, value.text, name, value.text.chars().count());
        });
    }
    judge.each(&a::DISPLAY_NAME, |judge, value| {
        if value.text.trim().is_empty() {
            let spans = vec![Span { start: 0, end: value.text.len() }];
            judge.value(Rule::DisplayNameMissing, value, spans, "the display name is blank");
        }
    });
    for attribute in TEXTS {
        judge.each(attribute, characters);
    }
}

fn characters(judge: &mut Judge<'_>, value: Value<'_>) {
    let text = value.text;
    let is_plain = |byte: u8| byte.is_ascii_graphic();
    if text.bytes().all(|byte| is_plain(byte) || byte == b' ')
        && text.bytes().next().is_none_or(is_plain)
        && text.bytes().last().is_none_or(is_plain)
    {
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
