//! The UPN that is suggested for a user whose new one is not accepted: the first repaired form that passes every rule.

use onramp_core::forest::ForestUser;
use onramp_core::{DomainName, Upn};
use onramp_readiness::{DirectoryObject, EntraRules, Profile, ReadinessRules, attributes};

use crate::plan::BlockerKind;

/// The rules that repair a UPN on the custom domain.
pub(super) struct Suggestions {
    domain: DomainName,
    rules: Option<EntraRules>,
}

impl Suggestions {
    pub(super) fn new(domain: &DomainName) -> Self {
        let profile =
            Profile::entra().with_verified_domains([domain.clone()]).with_upn_suffix(domain.clone());
        Self { domain: domain.clone(), rules: EntraRules::new(&profile).ok() }
    }

    /// Returns a UPN on the custom domain that Entra accepts, as near to the one that was made as possible; `None` if no
    /// repair is safe, or if the problem is none of the UPN's spelling.
    pub(super) fn of(&self, user: &ForestUser, problem: &BlockerKind) -> Option<Upn> {
        let wanted = match problem {
            BlockerKind::BreaksEntraRules { upn, .. } if self.is_on_domain(upn) => upn.as_str().to_owned(),
            BlockerKind::NotAUpn { value, .. } if !value.is_empty() => self.on_domain(value),
            BlockerKind::NotAUpn { .. } => self.on_domain(&user.sam_account_name),
            // The name that the user signs in with today is the next best one.
            BlockerKind::NoMail | BlockerKind::MailElsewhere { .. } => {
                self.on_domain(user.upn.as_deref().unwrap_or(&user.sam_account_name))
            }
            _ => return None,
        };
        let accepted = |text: &str| {
            let upn = Upn::parse(text).ok()?;
            (self.is_on_domain(&upn) && upn.entra_violations().is_empty()).then_some(upn)
        };
        accepted(&wanted).or_else(|| self.repaired(&wanted).iter().find_map(|text| accepted(text)))
    }

    fn is_on_domain(&self, upn: &Upn) -> bool {
        upn.domain().is_ok_and(|domain| domain == self.domain)
    }

    /// The text with the custom domain in place of what follows its only `@`.
    fn on_domain(&self, text: &str) -> String {
        let name =
            text.split_once('@').filter(|(_, suffix)| !suffix.contains('@')).map_or(text, |(name, _)| name);
        format!("{}@{}", name, self.domain.ascii())
    }

    fn repaired(&self, wanted: &str) -> Vec<String> {
        let Some(rules) = &self.rules else { return Vec::new() };
        let object = DirectoryObject::new("CN=user")
            .with_text(attributes::OBJECT_CLASS, "user")
            .with_text(attributes::USER_PRINCIPAL_NAME, wanted);
        let mut findings = rules.check(&object);
        findings.retain(|finding| finding.attribute == attributes::USER_PRINCIPAL_NAME);
        rules.suggest(&object, &mut findings);
        findings
            .into_iter()
            .flat_map(|finding| finding.fixes)
            .flat_map(|fix| fix.changes)
            .filter(|change| change.attribute == attributes::USER_PRINCIPAL_NAME)
            .flat_map(|change| change.add)
            .collect()
    }
}
