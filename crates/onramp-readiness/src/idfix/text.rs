//! Text as .NET Framework sees it: UTF-16 units, white space, case.

/// Returns true for the white space of .NET, `\s` in a regular expression as well as `Char.IsWhiteSpace`: U+0009 to U+000D,
/// U+0020, U+0085, U+00A0, U+1680, U+2000 to U+200A, U+2028, U+2029, U+202F, U+205F and U+3000. Zero-width characters
/// (U+200B, U+FEFF) are none, and the Mongolian vowel separator (U+180E) is none since .NET Framework 4.6.2.
pub(super) fn is_white_space(c: char) -> bool {
    matches!(
        c,
        '\u{9}'..='\u{d}'
            | ' '
            | '\u{85}'
            | '\u{a0}'
            | '\u{1680}'
            | '\u{2000}'..='\u{200a}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{202f}'
            | '\u{205f}'
            | '\u{3000}'
    )
}

/// Returns true for a letter of `[a-z]` in a regular expression that ignores case in the invariant culture: the Kelvin sign
/// is one, because its small letter is `k`.
pub(super) fn is_letter(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '\u{212a}'
}

/// Returns true for a character of `[a-z0-9]`, case ignored.
pub(super) fn is_alphanumeric(c: char) -> bool {
    is_letter(c) || c.is_ascii_digit()
}

/// Returns the length in UTF-16 units, as `String.Length` has it.
pub(super) fn length(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// Returns the first UTF-16 units, as `String.Substring` cuts them. Of a character that is cut in half, U+FFFD remains.
pub(super) fn cut(text: &str, units: usize) -> String {
    let mut rest = units;
    let mut kept = String::new();
    for c in text.chars() {
        if c.len_utf16() > rest {
            if rest > 0 {
                kept.push(char::REPLACEMENT_CHARACTER);
            }
            break;
        }
        rest -= c.len_utf16();
        kept.push(c);
    }
    kept
}

/// Returns the text in small letters, unit by unit (`ToLowerInvariant`): its length does not change.
pub(super) fn lower(text: &str) -> String {
    text.chars().map(|c| if c == 'İ' { c } else { one(c, c.to_lowercase()) }).collect()
}

/// Returns the text in the form in which equal texts of the invariant culture, case ignored, are the same.
pub(super) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars().filter(|c| !is_ignorable(*c)) {
        match c {
            'ß' | 'ẞ' => folded.push_str("SS"),
            // Windows leaves the dotless i alone in the invariant culture.
            'ı' => folded.push(c),
            _ => folded.push(one(c, c.to_uppercase())),
        }
    }
    folded
}

/// The mapped character, where it and the character are one unit each. Windows maps no others.
fn one(c: char, mut mapped: impl Iterator<Item = char>) -> char {
    match (mapped.next(), mapped.next()) {
        (Some(only), None) if c.len_utf16() == 1 => only,
        _ => c,
    }
}

/// Returns true for a character without weight in linguistic comparison.
fn is_ignorable(c: char) -> bool {
    matches!(
        c,
        '\0'..='\u{8}'
            | '\u{e}'..='\u{1f}'
            | '\u{7f}'..='\u{84}'
            | '\u{86}'..='\u{9f}'
            | '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{180b}'..='\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
    )
}

/// Returns true if `smtp:` stands anywhere in the text, in any case (`Constants.SMTPRegex`).
pub(super) fn has_smtp(text: &str) -> bool {
    text.as_bytes().windows(5).any(|part| part.eq_ignore_ascii_case(b"smtp:"))
}

/// Returns true if the text starts with an ASCII prefix, in any case.
pub(super) fn starts_with(text: &str, prefix: &str) -> bool {
    text.as_bytes().get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
}
