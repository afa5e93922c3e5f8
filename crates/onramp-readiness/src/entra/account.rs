//! The rules of accounts and groups: `sAMAccountName`, members, source anchor.

use super::catalog::Rule;
use super::judge::{Judge, named, spans_of};
use crate::attributes as a;
use crate::{ObjectKind, Span};

/// The longest `sAMAccountName` of a group (schema `rangeUpper`).
const GROUP_SAM_LIMIT: usize = 256;

/// The characters that no `sAMAccountName` can have (\[MS-SAMR\] 3.1.1.6 and Microsoft's list).
pub(super) fn is_forbidden_in_sam(c: char) -> bool {
    c.is_control() || "\"[]:;|=+*?<>/\\,".contains(c)
}

pub(super) fn check(judge: &mut Judge<'_>) {
    let kind = judge.kind;
    judge.each(&a::SAM_ACCOUNT_NAME, |judge, value| {
        let length = value.text.chars().count();
        if kind == ObjectKind::User || length > GROUP_SAM_LIMIT {
            judge.length(Rule::SamLength, value, value.text, "the sAMAccountName", None);
        }
        let mut spans = spans_of(value.text, value.text, is_forbidden_in_sam);
        if value.text.ends_with('.') {
            spans.push(Span { start: value.text.len() - 1, end: value.text.len() });
        }
        if !spans.is_empty() {
            let explanation = format!("a sAMAccountName cannot have {}", named(value.text, &spans));
            judge.value(Rule::SamCharacter, value, spans, explanation);
        }
    });
    if kind == ObjectKind::Group {
        members(judge);
    }
    let anchor = judge.object.values(&a::CONSISTENCY_GUID);
    for (index, value) in anchor.iter().enumerate().filter(|(_, value)| value.as_bytes().len() != 16) {
        let octets = value.as_bytes().len();
        judge.add(
            Rule::SourceAnchorFormat,
            &a::CONSISTENCY_GUID,
            Some((value.to_string(), index)),
            Vec::new(),
            format!("the source anchor has {octets} octets; synchronization needs 16"),
        );
    }
}

fn members(judge: &mut Judge<'_>) {
    let members = judge.object.values(&a::MEMBER).len();
    let limit = judge.rules.limit(Rule::GroupMembers);
    if members > limit {
        judge.add(
            Rule::GroupMembers,
            &a::MEMBER,
            None,
            Vec::new(),
            format!("the group has {members} members; synchronization takes {limit}"),
        );
    }
}
