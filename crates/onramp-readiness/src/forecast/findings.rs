//! Findings about forecasts, so that reports of every format have them.

use onramp_core::AttributeName;

use super::{Forecast, Outcome};
use crate::{Finding, RuleInfo, attributes as a};

/// The ID of the rule about cloud objects that are overwritten.
pub const CLOUD_OVERWRITE: &str = "cloud-overwrite";
/// The ID of the rule about values that cloud objects have.
pub const CLOUD_CONFLICT: &str = "cloud-conflict";
/// The ID of the rule about matches that may be made or not.
pub const CLOUD_UNKNOWN: &str = "cloud-unknown";

/// The rules that apply only with a forecast.
pub(crate) const CLOUD_RULES: [&str; 3] = [CLOUD_OVERWRITE, CLOUD_CONFLICT, CLOUD_UNKNOWN];

impl Forecast {
    /// Returns the findings of this forecast, by the rules of a catalog: one about the match, and one about each value that
    /// another cloud object has. A rule that the catalog does not have finds nothing.
    pub fn findings(&self, catalog: &[RuleInfo]) -> Vec<Finding> {
        let rule = |id: &str| catalog.iter().find(|rule| rule.id.as_str() == id);
        let mut findings = Vec::new();
        let of_match = match self.outcome {
            Outcome::Match => rule(CLOUD_OVERWRITE).map(|rule| {
                (rule, "if it is another person's or object's, give one of the two another address and UPN first")
            }),
            Outcome::Unknown => {
                rule(CLOUD_UNKNOWN).map(|rule| (rule, "somebody who may read it in the tenant has to look"))
            }
            _ => None,
        };
        if let Some((rule, no_fix)) = of_match {
            let (attribute, value) =
                self.matched_value.clone().unwrap_or((a::DISTINGUISHED_NAME, self.object.dn.clone()));
            findings.push(self.finding(rule, attribute, value, None, self.explanation(), no_fix));
        }
        if let Some(rule) = rule(CLOUD_CONFLICT) {
            let no_fix = "who keeps the value is for a person to decide";
            findings.extend(self.conflicts.iter().map(|conflict| {
                let value = conflict.value.clone();
                let attribute = conflict.attribute.clone();
                self.finding(rule, attribute, value, conflict.value_index, conflict.to_string(), no_fix)
            }));
        }
        findings
    }

    fn finding(
        &self,
        rule: &RuleInfo,
        attribute: AttributeName,
        value: String,
        index: Option<usize>,
        explanation: String,
        no_fix: &'static str,
    ) -> Finding {
        let mut finding =
            Finding::new(self.object.clone(), rule.id.clone(), rule.severity, attribute, explanation);
        finding.class.clone_from(&self.class);
        finding.tags.clone_from(&rule.tags);
        finding.rule_source = Some(rule.source.clone());
        finding.value = Some(value);
        finding.value_index = index;
        finding.no_fix = Some(no_fix.into());
        finding
    }
}
