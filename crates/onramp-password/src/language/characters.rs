//! The characters of a candidate that a sentence names.

use core::fmt::{self, Write};

use crate::verdict::{Code, Violation};

/// The number of different characters that are named.
const NAMED: usize = 5;

/// Writes the characters that are not allowed, in parentheses; nothing for other violations and without a candidate.
pub(super) fn name(violation: &Violation, candidate: Option<&str>, out: &mut dyn Write) -> fmt::Result {
    let Some(candidate) = candidate.filter(|_| violation.code == Code::CharacterNotAllowed) else {
        return Ok(());
    };
    let pieces = violation.spans.iter().filter_map(|span| candidate.get(span.start..span.end));
    let (mut known, mut count) = (['\0'; NAMED], 0);
    for c in pieces.flat_map(str::chars) {
        if known.iter().take(count).any(|&other| other == c) {
            continue;
        }
        let Some(slot) = known.get_mut(count) else { return out.write_str(", …)") };
        *slot = c;
        out.write_str(if count == 0 { " (" } else { ", " })?;
        // What has no picture of its own, or changes that of its neighbors, is told by its number.
        if c.is_alphanumeric() || ('!'..='~').contains(&c) || ('¡'..='ÿ').contains(&c) && c != '\u{AD}' {
            out.write_char(c)?;
        } else {
            write!(out, "U+{:04X}", u32::from(c))?;
        }
        count += 1;
    }
    if count > 0 { out.write_char(')') } else { Ok(()) }
}
