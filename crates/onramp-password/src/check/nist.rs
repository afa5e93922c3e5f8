//! The rules of NIST SP 800-63B-4: a length, and passwords that are refused as a whole.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;

use unicode_normalization::UnicodeNormalization;

use super::directory::length;
use crate::case::fold_case;
use crate::context::Context;
use crate::policy::NistPolicy;
use crate::target::Target;
use crate::text::Text;
use crate::verdict::{Code, Spans, Verdict, Violation};

/// Passwords that are refused as a whole, whatever their case.
#[derive(Clone, Debug, Default)]
pub(crate) struct Blocklist(Vec<Box<str>>);

impl Blocklist {
    pub(crate) fn new<'a>(passwords: impl Iterator<Item = &'a str>) -> Self {
        let mut all: Vec<Box<str>> = passwords
            .filter(|password| !password.is_empty())
            .map(|password| password.nfc().map(fold_case).collect::<String>().into_boxed_str())
            .collect();
        all.sort_unstable();
        all.dedup();
        Self(all)
    }

    /// Creates the list of the passwords that the context makes predictable.
    pub(crate) fn expected(context: &Context) -> Self {
        let names = [
            &context.account_name,
            &context.display_name,
            &context.given_name,
            &context.surname,
            &context.tenant_name,
        ];
        let whole = names.into_iter().flatten().chain(&context.words).map(String::as_str);
        Self::new(whole.chain(context.display_name_pieces()))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    fn contains(&self, text: &Text<'_>) -> bool {
        let order = |entry: &str| -> Ordering {
            if text.ascii {
                entry.bytes().cmp(text.text.bytes().map(|byte| byte.to_ascii_lowercase()))
            } else {
                entry.chars().cmp(text.text.nfc().map(fold_case))
            }
        };
        self.0.binary_search_by(|entry| order(entry)).is_ok()
    }
}

pub(super) fn check(
    policy: &NistPolicy,
    blocklists: [&Blocklist; 2],
    text: &Text<'_>,
    verdict: &mut Verdict,
) {
    let longest = policy.max_length.map_or(usize::MAX, usize::from);
    length(Target::Nist, text.nfc_length(), policy.needed_length().into(), longest, verdict);
    if blocklists.into_iter().any(|blocklist| blocklist.contains(text)) {
        let whole = Spans::one(0, text.text.len());
        verdict.push(Violation::new(Target::Nist, Code::Blocklisted).at(whole));
    }
}
