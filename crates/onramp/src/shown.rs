//! Text from others, as it may be shown.

/// Text from a directory or a file with its control characters made visible: it may end on a terminal.
pub(crate) fn shown(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let is_hidden = c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
            let escaped: Vec<char> = if is_hidden { c.escape_unicode().collect() } else { vec![c] };
            escaped
        })
        .collect()
}
