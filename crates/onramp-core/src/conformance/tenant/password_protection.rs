//! The suite of [`PasswordProtection`].

use crate::conformance::done;
use crate::tenant::PasswordProtection;

/// Everything that [`PasswordProtection`] promises.
pub async fn run(port: &dyn PasswordProtection) {
    let rules = done(port.read().await, "reading the tenant's password rules");
    assert!(rules.lockout_threshold > 0, "accounts are locked out after some tries: {rules:?}");
    assert!(rules.custom_terms.len() <= 1_000, "a tenant has at most 1,000 terms");
    assert!(rules.custom_terms.iter().all(|term| !term.is_empty()), "no term is empty: {rules:?}");
    assert_eq!(done(port.read().await, "reading them again"), rules, "rules stay the same");
}
