//! Characters: which are invisible, which look alike, and what they are called.

use unicode_security::MixedScript;

/// Returns true for a character that people do not see, or that changes the direction of what they see.
pub(super) fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}'
        )
}

/// Returns true if a text mixes scripts whose letters look alike, as Latin and Cyrillic "а" do.
pub(super) fn mixes_scripts(text: &str) -> bool {
    !text.is_ascii() && !text.is_single_script()
}

/// The name of a character in a sentence: the character itself in quotation marks, or what it is.
pub(super) fn name_of(c: char) -> String {
    match c {
        ' ' => "a blank".to_owned(),
        '\t' => "a tab".to_owned(),
        '\r' | '\n' => "a line break".to_owned(),
        '\u{a0}' => "a no-break space (U+00A0)".to_owned(),
        '\u{200b}' => "a zero-width space (U+200B)".to_owned(),
        '\u{feff}' => "a byte order mark (U+FEFF)".to_owned(),
        '\u{ad}' => "a soft hyphen (U+00AD)".to_owned(),
        c if is_invisible(c) || c.is_whitespace() => {
            format!("the invisible character U+{:04X}", u32::from(c))
        }
        c => format!("“{c}”"),
    }
}
