//! Text comparison of a directory: case and repeated spaces are ignored.

use std::borrow::Cow;
use std::fmt::{self, Write};
use std::hash::{DefaultHasher, Hasher};

use onramp_core::comparison_key;

/// `text` brought to the form in which two values that match are equal.
pub(crate) fn fold(text: &str) -> Cow<'_, str> {
    if is_folded(text.as_bytes()) { Cow::Borrowed(text) } else { Cow::Owned(folded(text).collect()) }
}

/// Returns true if the text is folded already; false negatives are possible.
fn is_folded(text: &[u8]) -> bool {
    text.iter().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase())
        && !text.starts_with(b" ")
        && !text.ends_with(b" ")
        && !text.windows(2).any(|pair| pair == b"  ")
}

/// Returns the characters of folded text.
fn folded(text: &str) -> impl Iterator<Item = char> + '_ {
    let mut after_space = false;
    text.trim_matches(' ').chars().flat_map(char::to_lowercase).filter(move |&c| {
        let one_more = c == ' ' && after_space;
        after_space = c == ' ';
        !one_more
    })
}

/// [`fold`] for bytes that may not be text; those stay as they are.
pub(crate) fn fold_bytes(bytes: &[u8]) -> Cow<'_, [u8]> {
    match std::str::from_utf8(bytes).map(fold) {
        Ok(Cow::Borrowed(text)) => Cow::Borrowed(text.as_bytes()),
        Ok(Cow::Owned(text)) => Cow::Owned(text.into_bytes()),
        Err(_) => Cow::Borrowed(bytes),
    }
}

/// Calls `read` with folded bytes. Those of usual length take no memory from the heap: a search looks at every object of the
/// forest.
pub(crate) fn with_folded<T>(bytes: &[u8], read: impl FnOnce(&[u8]) -> T) -> T {
    if is_folded(bytes) {
        return read(bytes);
    }
    let mut short = Short::default();
    let fits = std::str::from_utf8(bytes)
        .is_ok_and(|text| folded(text).try_for_each(|c| short.write_char(c)).is_ok());
    if fits { read(short.as_bytes()) } else { read(&fold_bytes(bytes)) }
}

/// Returns true if two values match as text.
pub(crate) fn same_text(left: &[u8], right: &[u8]) -> bool {
    left == right || with_folded(left, |left| with_folded(right, |right| left == right))
}

/// The comparison of the names of accounts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Comparison {
    /// Without regard to case and spaces, as Samba does.
    #[default]
    Case,
    /// Without regard to marks, width and kana either, as Windows does.
    Windows,
}

impl Comparison {
    /// Returns true if two values are the same.
    pub(crate) fn same(self, left: &[u8], right: &[u8]) -> bool {
        match self {
            Self::Case => same_text(left, right),
            Self::Windows => left == right || coarse(left) == coarse(right),
        }
    }
}

/// Returns the form in which two values that are the same under any [`Comparison`] are equal, and others may be.
pub(crate) fn coarse(bytes: &[u8]) -> Cow<'_, [u8]> {
    if is_folded(bytes) {
        return Cow::Borrowed(bytes);
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Owned(comparison_key(&fold(text)).into_bytes()),
        Err(_) => Cow::Borrowed(bytes),
    }
}

/// A short text that is not on the heap.
#[derive(Debug, Clone)]
pub(crate) struct Short {
    bytes: [u8; 160],
    len: usize,
}

impl Default for Short {
    fn default() -> Self {
        Self { bytes: [0; 160], len: 0 }
    }
}

impl Short {
    /// Creates a value as it is printed, as far as there is room.
    pub(crate) fn of(value: impl fmt::Display) -> Self {
        let mut short = Self::default();
        // What does not fit any more is left out.
        let _ = write!(short, "{value}");
        short
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Only whole characters are ever put in.
        f.write_str(std::str::from_utf8(self.as_bytes()).map_err(|_| fmt::Error)?)
    }
}

impl Write for Short {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.len + text.len();
        self.bytes.get_mut(self.len..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}

/// A hash of `parts` that is the same in every run.
pub(crate) fn hash(parts: &[&[u8]]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for part in parts {
        hasher.write_usize(part.len());
        hasher.write(part);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn case_and_spaces_in_a_row_do_not_count() {
        for (left, right) in [("  Anna   SMITH ", "anna smith"), ("ÄÖÜ", "äöü"), ("İ", "i\u{307}")] {
            assert!(same_text(left.as_bytes(), right.as_bytes()), "{left} {right}");
        }
        assert!(!same_text(b"annasmith", b"anna smith"));
    }

    proptest! {
        #[test]
        fn with_and_without_the_heap_is_the_same(text in "[ aB\u{130}\u{e4}]{0,200}|.*") {
            let on_heap = fold_bytes(text.as_bytes()).into_owned();
            prop_assert_eq!(with_folded(text.as_bytes(), <[u8]>::to_vec), on_heap);
        }

        #[test]
        fn what_is_the_same_for_samba_is_the_same_for_windows(text in "[ aB\u{130}\u{e4}ß]{0,20}|.*") {
            let (upper, lower) = (text.to_uppercase(), fold(&text).into_owned());
            prop_assert!(Comparison::Windows.same(text.as_bytes(), lower.as_bytes()));
            prop_assert_eq!(coarse(lower.as_bytes()), coarse(text.as_bytes()));
            if Comparison::Case.same(text.as_bytes(), upper.as_bytes()) {
                prop_assert!(Comparison::Windows.same(text.as_bytes(), upper.as_bytes()));
            }
        }

        #[test]
        fn bytes_that_are_no_text_stay_as_they_are(bytes in proptest::collection::vec(any::<u8>(), 0..20)) {
            prop_assume!(std::str::from_utf8(&bytes).is_err());
            prop_assert_eq!(with_folded(&bytes, <[u8]>::to_vec), bytes);
        }
    }
}
