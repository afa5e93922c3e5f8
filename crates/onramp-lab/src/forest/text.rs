//! How a directory compares text: without regard to case and to how many spaces stand in a row.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hasher};

/// `text` brought to the form in which two values that match are equal.
pub(super) fn fold(text: &str) -> Cow<'_, str> {
    let plain = text.bytes().all(|b| b.is_ascii() && !b.is_ascii_uppercase())
        && !text.starts_with(' ')
        && !text.ends_with(' ')
        && !text.contains("  ");
    if plain {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.trim_matches(' ').chars().flat_map(char::to_lowercase) {
        if !(c == ' ' && out.ends_with(' ')) {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// [`fold`] for bytes that may not be text; those stay as they are.
pub(super) fn fold_bytes(bytes: &[u8]) -> Cow<'_, [u8]> {
    match std::str::from_utf8(bytes).map(fold) {
        Ok(Cow::Borrowed(text)) => Cow::Borrowed(text.as_bytes()),
        Ok(Cow::Owned(text)) => Cow::Owned(text.into_bytes()),
        Err(_) => Cow::Borrowed(bytes),
    }
}

/// Whether two values match as text.
pub(super) fn same_text(left: &[u8], right: &[u8]) -> bool {
    left == right || fold_bytes(left) == fold_bytes(right)
}

/// A hash of `parts` that is the same in every run.
pub(super) fn hash(parts: &[&[u8]]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for part in parts {
        hasher.write_usize(part.len());
        hasher.write(part);
    }
    hasher.finish()
}
