//! The comparison of findings with the errors of synchronization.

use onramp_core::tenant::ProvisioningError;
use onramp_readiness::forecast::AfterSync;
use onramp_readiness::{Finding, RuleId, Severity};

use crate::*;

fn finding(rule: &'static str, attribute: AttributeName, value: &str) -> Finding {
    Finding::new(anna().key(), RuleId::from_static(rule), Severity::Error, attribute, "…")
        .with_value(value, 0)
}

fn error(number: u8, property: &str, value: &str) -> ProvisioningError {
    ProvisioningError::new(id(number), property, value)
}

#[test]
fn errors_are_predicted_by_the_same_value_of_the_same_property() {
    let findings = [
        finding("cloud-conflict", a::PROXY_ADDRESSES, "SMTP:Anna.Reed@contoso.com"),
        finding("cloud-conflict", a::USER_PRINCIPAL_NAME, "anna@contoso.com"),
        finding("duplicate-address", a::MAIL, "info@contoso.com"),
        finding("cloud-conflict", a::PROXY_ADDRESSES, "smtp:gone@contoso.com"),
        finding("upn-character", a::USER_PRINCIPAL_NAME, "other@contoso.com"),
    ];
    let predicted = [
        error(1, "ProxyAddresses", "SMTP:anna.reed@contoso.com"),
        error(1, "UserPrincipalName", "anna@contoso.com"),
        error(2, "ProxyAddresses", "smtp:info@contoso.com"),
    ];
    let others = [
        // The same text, of another property.
        error(3, "ProxyAddresses", "SMTP:anna@contoso.com"),
        error(4, "UserPrincipalName", "other@contoso.com"),
    ];
    for reverse in [false, true] {
        let mut errors: Vec<_> = predicted.iter().chain(&others).cloned().collect();
        if reverse {
            errors.reverse();
        }
        let compared = AfterSync::compare(&findings, errors);
        assert_eq!(compared.predicted, predicted);
        assert_eq!(compared.not_predicted, others);
        let values: Vec<_> =
            compared.not_seen.iter().filter_map(|finding| finding.value.as_deref()).collect();
        assert_eq!(values, ["smtp:gone@contoso.com"]);
    }
}
