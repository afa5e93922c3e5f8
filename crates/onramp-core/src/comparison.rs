//! The comparison of text as Active Directory makes it when it looks for duplicates.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Returns the form of a text under which Active Directory on Windows takes two values for the same.
///
/// Values of the attribute syntax "Unicode string" compare without case, nonspacing marks, width and kana type
/// (\[MS-ADTS\] 3.1.1.2.2.4, the flags `NORM_IGNORECASE`, `NORM_IGNORENONSPACE`, `NORM_IGNOREWIDTH` and
/// `NORM_IGNOREKANATYPE`); KB 938447 shows it with Müller/Muller and Meißner/Meissner. Leading, trailing and repeated
/// blanks do not count (RFC 4518 section 2.6.1). Samba compares without case and blanks only, so two values of equal
/// keys may both be stored there; of two values with different keys no directory says that they are the same.
///
/// ```
/// use onramp_core::comparison_key;
/// assert_eq!(comparison_key("José@Contoso.com"), comparison_key("jose@contoso.com"));
/// assert_eq!(comparison_key("Meißner"), comparison_key("meissner"));
/// assert_eq!(comparison_key("ｱﾝﾅ"), comparison_key("あんな"));
/// assert_ne!(comparison_key("anna"), comparison_key("hanna"));
/// ```
pub fn comparison_key(text: &str) -> String {
    if text.bytes().all(|b| b.is_ascii() && b != b' ' && !b.is_ascii_control()) {
        return text.to_ascii_lowercase();
    }
    let mut key = String::with_capacity(text.len());
    for c in text.nfkd().flat_map(char::to_lowercase) {
        let is_blank_again = c == ' ' && (key.is_empty() || key.ends_with(' '));
        if is_combining_mark(c) || is_ignorable(c) || is_blank_again {
            continue;
        }
        match expansion(c) {
            Some(letters) => key.push_str(letters),
            None => key.push(katakana(c)),
        }
    }
    key.truncate(key.trim_end_matches(' ').len());
    key
}

/// Characters without weight in Windows' comparison: soft hyphen, joiners, directional marks, byte order mark.
fn is_ignorable(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

/// Letters that Windows compares as two others, or as another with a mark, and that do not decompose in Unicode.
fn expansion(c: char) -> Option<&'static str> {
    Some(match c {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'þ' => "th",
        'ø' => "o",
        'ł' => "l",
        'đ' | 'ð' => "d",
        'ħ' => "h",
        'ı' => "i",
        'ŧ' => "t",
        _ => return None,
    })
}

/// Hiragana as the katakana of the same sound.
fn katakana(c: char) -> char {
    match c {
        '\u{3041}'..='\u{3096}' => char::from_u32(u32::from(c) + 0x60).unwrap_or(c),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_that_windows_takes_for_the_same_have_one_key() {
        for (one, other) in [
            ("ANNA@contoso.com", "anna@CONTOSO.com"),
            ("josé@contoso.com", "jose@contoso.com"),
            ("jose\u{301}@contoso.com", "josé@contoso.com"),
            ("Müller", "Muller"),
            ("Meißner", "MEISSNER"),
            ("Ａｎｎａ", "anna"),
            ("ｱﾝﾅ", "アンナ"),
            ("あんな", "アンナ"),
            ("Søren", "Soren"),
            ("Łukasz", "lukasz"),
            (" anna  smith ", "anna smith"),
            ("an\u{200b}na", "anna"),
        ] {
            assert_eq!(comparison_key(one), comparison_key(other), "{one} {other}");
        }
        for (one, other) in
            [("muller", "mueller"), ("anna", "anne"), ("a b", "ab"), ("anna@a.com", "anna@b.com")]
        {
            assert_ne!(comparison_key(one), comparison_key(other), "{one} {other}");
        }
    }

    proptest! {
        #[test]
        fn a_key_is_its_own_key(text in ".{0,40}") {
            let key = comparison_key(&text);
            prop_assert_eq!(comparison_key(&key), key);
        }

        #[test]
        fn ascii_differs_in_case_only(text in "[!-~]{0,40}") {
            prop_assert_eq!(comparison_key(&text), text.to_ascii_lowercase());
        }
    }
}
