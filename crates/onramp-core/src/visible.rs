//! Text from a directory or a service, made safe to show.

use std::borrow::Cow;

/// Returns a text with its control characters and its invisible ones escaped, as `\u{1b}`.
///
/// A directory stores any character in most names. Shown as it is, such a name could move a terminal's cursor, make or hide
/// lines, or turn the direction of what follows.
///
/// ```
/// use onramp_core::visible;
/// assert_eq!(visible("Müller"), "Müller");
/// assert_eq!(visible("x\u{1b}[2K\r\u{202e}"), "x\\u{1b}[2K\\u{d}\\u{202e}");
/// ```
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_hidden(c) { shown.extend(c.escape_unicode()) } else { shown.push(c) }
    }
    Cow::Owned(shown)
}

/// Control characters, line and paragraph separators, and characters that are invisible or change the direction of others.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
        )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn nothing_hidden_is_left_and_the_rest_stays(text in "\\PC{0,20}", hidden in "[\\x00-\\x1f\\x7f-\\x9f\u{202a}-\u{202e}]{0,5}") {
            let both = format!("{hidden}{text}");
            let shown = visible(&both);
            prop_assert!(!shown.contains(is_hidden));
            prop_assert_eq!(shown.matches("\\u{").count() >= hidden.chars().count(), true);
        }
    }
}
