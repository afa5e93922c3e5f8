//! Profiles: which rules apply to which objects, as data.

use std::collections::BTreeMap;

use onramp_core::{AttributeName, DomainName};
use serde::{Deserialize, Serialize};

use crate::{RuleId, Severity};

/// The settings of one rule. What is absent is as the rule has it.
///
/// ```
/// use onramp_readiness::{RuleSettings, Severity};
/// let settings = RuleSettings::default().with_severity(Severity::Note).with_limit(40);
/// assert_eq!(settings.limit, Some(40));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct RuleSettings {
    /// False to switch the rule off.
    pub enabled: Option<bool>,
    /// The weight of its findings.
    pub severity: Option<Severity>,
    /// The limit of a rule about length or number.
    pub limit: Option<usize>,
    /// The object classes that it judges; empty is all.
    pub classes: Vec<String>,
    /// The distinguished names of containers at and below which it judges; empty is everywhere.
    pub below: Vec<String>,
    /// The distinguished names of containers at and below which it does not judge.
    pub not_below: Vec<String>,
}

impl RuleSettings {
    /// The settings that switch a rule off.
    pub fn off() -> Self {
        Self { enabled: Some(false), ..Self::default() }
    }

    /// Sets the weight.
    #[must_use]
    pub fn with_severity(mut self, severity: Severity) -> Self {
        self.severity = Some(severity);
        self
    }

    /// Sets the limit.
    #[must_use]
    pub fn with_limit(mut self, limit: usize) -> Self {
        self.limit = Some(limit);
        self
    }
}

/// The rules to apply, and what is known about the tenant.
///
/// The file is TOML:
///
/// ```
/// use onramp_readiness::Profile;
/// let profile = Profile::parse(r#"
///     name = "contoso"
///     verified-domains = ["contoso.com"]
///     skip = ["name"]
///     [rules.upn-prefix-length]
///     limit = 40
///     [rules.mail-not-primary]
///     not-below = ["OU=Shared,DC=corp,DC=local"]
/// "#)?;
/// assert_eq!(profile.name, "contoso");
/// # Ok::<(), onramp_readiness::ProfileError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Profile {
    /// The name, for reports.
    pub name: String,
    /// The domains that the tenant has verified; `None` where nobody knows, and no rule about them finds anything then.
    pub verified_domains: Option<Vec<DomainName>>,
    /// The domain that users are going to have as UPN suffix. Suggestions for a missing or unusable suffix use it.
    pub upn_suffix: Option<DomainName>,
    /// The attribute by which users sign in: `userPrincipalName`, or another where an alternate login ID is configured.
    /// The rules of UPNs judge its values.
    pub login_attribute: AttributeName,
    /// The tags of rules that apply; empty is all.
    pub tags: Vec<String>,
    /// The tags and IDs of rules that do not apply.
    pub skip: Vec<String>,
    /// The settings of single rules.
    pub rules: BTreeMap<RuleId, RuleSettings>,
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            name: "entra".to_owned(),
            verified_domains: None,
            upn_suffix: None,
            login_attribute: crate::attributes::USER_PRINCIPAL_NAME,
            tags: Vec::new(),
            skip: Vec::new(),
            rules: BTreeMap::new(),
        }
    }
}

/// The reason why a profile cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// The text is no TOML, or has a key that profiles do not have.
    #[error("could not read the profile: {0}")]
    Syntax(String),
    /// A rule or tag that does not exist.
    #[error("the profile names the rule or tag “{name}”, which does not exist{}", nearest.as_ref().map(|near| format!("; did you mean “{near}”?")).unwrap_or_default())]
    UnknownRule {
        /// The name.
        name: String,
        /// The existing name that is most like it.
        nearest: Option<String>,
    },
    /// A container that is no distinguished name: the rule would judge nothing, or everything.
    #[error("“{value}” in the scope of the rule “{rule}” is no distinguished name: {reason}")]
    NoDistinguishedName {
        /// The rule.
        rule: RuleId,
        /// The text.
        value: String,
        /// The reason.
        reason: String,
    },
    /// An object class that looks like a mistyped one: the rule would judge nothing.
    #[error(
        "no object class is called “{class}” in the scope of the rule “{rule}”; did you mean “{nearest}”?"
    )]
    UnknownClass {
        /// The rule.
        rule: RuleId,
        /// The text.
        class: String,
        /// The class that is most like it.
        nearest: &'static str,
    },
    /// An attribute for signing in whose values are secret, and would stand in reports.
    #[error("the values of {0} are secret; users do not sign in by it")]
    SecretLogin(AttributeName),
    /// Every rule is switched off: whatever is scanned would be clean.
    #[error("the profile switches every rule off; nothing would be judged")]
    NoRules,
    /// A limit for a rule that has none.
    #[error("the rule “{0}” has no limit to set")]
    NoLimit(RuleId),
}

impl Profile {
    /// The rules of Entra with their own settings.
    pub fn entra() -> Self {
        Self::default()
    }

    /// Parses a file.
    ///
    /// # Errors
    /// [`ProfileError::Syntax`] with line and column. Names of rules are looked at when the rules are made.
    pub fn parse(text: &str) -> Result<Self, ProfileError> {
        toml::from_str(text).map_err(|error| ProfileError::Syntax(error.to_string()))
    }

    /// Sets the domains that the tenant has verified.
    #[must_use]
    pub fn with_verified_domains(mut self, domains: impl IntoIterator<Item = DomainName>) -> Self {
        self.verified_domains = Some(domains.into_iter().collect());
        self
    }

    /// Sets the domain that users are going to have as UPN suffix.
    #[must_use]
    pub fn with_upn_suffix(mut self, suffix: DomainName) -> Self {
        self.upn_suffix = Some(suffix);
        self
    }

    /// Sets the tags of the rules that apply.
    #[must_use]
    pub fn with_tags(mut self, tags: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.tags = tags.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the tags and IDs of rules that do not apply.
    #[must_use]
    pub fn with_skip(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.skip = names.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the settings of one rule.
    #[must_use]
    pub fn with_rule(mut self, rule: RuleId, settings: RuleSettings) -> Self {
        self.rules.insert(rule, settings);
        self
    }
}
