//! The comparison of a forecast with the errors that synchronization reported.

use std::collections::{HashMap, HashSet};

use onramp_core::tenant::ProvisioningError;
use serde::{Deserialize, Serialize};

use super::findings::CLOUD_CONFLICT;
use crate::{Finding, attributes as a};
use crate::{address_key, smtp_address};

/// The rules that foretell a value that another object has.
const RULES: [&str; 4] = [CLOUD_CONFLICT, "duplicate-upn", "duplicate-address", "address-repeated"];

/// The errors that synchronization reported, held against the findings before it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AfterSync {
    /// The errors that a finding had told.
    pub predicted: Vec<ProvisioningError>,
    /// The errors that no finding had told.
    pub not_predicted: Vec<ProvisioningError>,
    /// The findings about conflicts with cloud objects that did not become such an error: repaired since, rejected as a
    /// whole, or not synchronized yet.
    pub not_seen: Vec<Finding>,
}

impl AfterSync {
    /// Compares the findings of a report before synchronization with the `onPremisesProvisioningErrors` of the tenant
    /// after it. The order of either does not count.
    ///
    /// ```
    /// use onramp_core::ObjectId;
    /// use onramp_core::tenant::ProvisioningError;
    /// use onramp_readiness::forecast::AfterSync;
    /// let error = ProvisioningError::new(ObjectId::from_u128(1), "ProxyAddresses", "SMTP:anna@contoso.com");
    /// let compared = AfterSync::compare(&[], [error]);
    /// assert_eq!(compared.not_predicted.len(), 1);
    /// ```
    pub fn compare(findings: &[Finding], errors: impl IntoIterator<Item = ProvisioningError>) -> Self {
        let mut told: HashMap<(bool, String), Vec<&Finding>> = HashMap::new();
        for finding in findings.iter().filter(|finding| RULES.contains(&finding.rule.as_str())) {
            let is_upn = finding.attribute == a::USER_PRINCIPAL_NAME;
            if let Some(value) = &finding.value {
                told.entry((is_upn, key(value))).or_default().push(finding);
            }
        }
        let mut compared = Self::default();
        let mut seen: HashSet<(bool, String)> = HashSet::new();
        for error in errors {
            let place = (error.property.eq_ignore_ascii_case("UserPrincipalName"), key(&error.value));
            match told.contains_key(&place) {
                true => compared.predicted.push(error),
                false => compared.not_predicted.push(error),
            }
            seen.insert(place);
        }
        let unseen = told.into_iter().filter(|(place, _)| !seen.contains(place));
        let conflicts = unseen.flat_map(|(_, findings)| findings);
        let conflicts = conflicts.filter(|finding| finding.rule.as_str() == CLOUD_CONFLICT);
        compared.not_seen = conflicts.cloned().collect();
        for errors in [&mut compared.predicted, &mut compared.not_predicted] {
            errors.sort_by(|one, other| {
                (one.object, &one.property, &one.value).cmp(&(other.object, &other.property, &other.value))
            });
        }
        compared.not_seen.sort_by(|one, other| {
            (&one.object, &one.attribute, &one.value).cmp(&(&other.object, &other.attribute, &other.value))
        });
        compared
    }
}

fn key(value: &str) -> String {
    address_key(smtp_address(value).unwrap_or(value.trim()))
}
