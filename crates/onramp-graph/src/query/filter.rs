//! OData text, as a pure function.

/// A string literal in an OData `$filter`: in apostrophes, and those inside doubled.
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apostrophes_are_doubled() {
        assert_eq!(literal("o'neil@contoso.com"), "'o''neil@contoso.com'");
        assert_eq!(literal(""), "''");
    }

    proptest::proptest! {
        /// Whatever the text, it cannot end the literal early: inside, apostrophes come in pairs only.
        #[test]
        fn a_literal_cannot_be_left(text in "\\PC{0,40}|[' ]{0,12}") {
            let quoted = literal(&text);
            let inner = &quoted[1..quoted.len() - 1];
            proptest::prop_assert_eq!(inner.replace("''", "").matches('\'').count(), 0);
            proptest::prop_assert_eq!(inner.replace("''", "'"), text);
        }
    }
}
