//! The style and the script of the page.

use crate::Severity;

/// The hashes of the style and of the script in the template: nothing else may style the page, or run in it. A test
/// calculates them.
pub(super) const STYLE_HASH: &str = "sha256-69v3QDhOlWJvCUzOUr+PhtZ6Hb9ChKgVaYeTyqainW4=";
pub(super) const SCRIPT_HASH: &str = "sha256-TIs/1H1GceuwC61KoeY5PI1YQ4H2ruA4gPVNS4+FFso=";

/// The class of the style for a severity.
pub(super) fn class(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "bad",
        Severity::Warning => "warn",
        Severity::Note => "soft",
    }
}
