//! The profile `entra`: today's rules of synchronization to Microsoft Entra.

mod account;
mod address;
mod catalog;
mod exclusion;
mod judge;
mod name;
mod repair;
mod settings;
mod text;
mod upn;

use judge::Judge;
use onramp_core::AttributeName;
use settings::Settings;

use crate::attributes as a;
use crate::{
    DirectoryObject, Exclusion, Finding, ObjectKind, Profile, ProfileError, ReadinessRules, RuleId, RuleInfo,
};

/// Today's rules of Entra, as a profile sets them.
///
/// ```
/// use onramp_readiness::{DirectoryObject, EntraRules, Profile, ReadinessRules, attributes};
/// let rules = EntraRules::new(&Profile::entra())?;
/// let jürgen = DirectoryObject::new("CN=Jürgen,DC=corp,DC=local")
///     .with_text(attributes::OBJECT_CLASS, "user")
///     .with_text(attributes::USER_PRINCIPAL_NAME, "jürgen@contoso.com");
/// let mut findings = rules.check(&jürgen);
/// rules.suggest(&jürgen, &mut findings);
/// let fix = &findings[0].fixes[0];
/// assert_eq!(findings[0].rule.as_str(), "upn-character");
/// assert_eq!(fix.changes[0].add, ["juergen@contoso.com"]);
/// # Ok::<(), onramp_readiness::ProfileError>(())
/// ```
#[derive(Debug, Clone)]
pub struct EntraRules {
    settings: Settings,
}

impl EntraRules {
    /// Makes the rules that a profile asks for.
    ///
    /// # Errors
    /// [`ProfileError::UnknownRule`] if it names a rule or a tag that does not exist, [`ProfileError::NoLimit`] if it
    /// sets a limit for a rule without one.
    pub fn new(profile: &Profile) -> Result<Self, ProfileError> {
        Ok(Self { settings: Settings::new(profile)? })
    }
}

impl ReadinessRules for EntraRules {
    fn catalog(&self) -> Vec<RuleInfo> {
        self.settings.states.iter().filter(|state| state.is_enabled).map(|state| state.info.clone()).collect()
    }

    fn attributes(&self) -> Vec<AttributeName> {
        let mut attributes = vec![
            a::OBJECT_CLASS,
            a::OBJECT_SID,
            a::CN,
            a::USER_PRINCIPAL_NAME,
            a::PROXY_ADDRESSES,
            a::MAIL,
            a::MAIL_NICKNAME,
            a::TARGET_ADDRESS,
            a::SAM_ACCOUNT_NAME,
            a::DISPLAY_NAME,
            a::GIVEN_NAME,
            a::SN,
            a::COMPANY,
            a::DEPARTMENT,
            a::TITLE,
            a::GROUP_TYPE,
            a::MEMBER,
            a::HOME_MDB,
            a::IS_CRITICAL_SYSTEM_OBJECT,
            a::USER_ACCOUNT_CONTROL,
            a::WHEN_CREATED,
            a::CONSISTENCY_GUID,
            a::HIDE_FROM_ADDRESS_LISTS,
            a::RECIPIENT_TYPE_DETAILS,
        ];
        if !attributes.contains(&self.settings.login) {
            attributes.push(self.settings.login.clone());
        }
        attributes
    }

    fn exclusion(&self, object: &DirectoryObject) -> Option<Exclusion> {
        exclusion::of(object)
    }

    fn check(&self, object: &DirectoryObject) -> Vec<Finding> {
        let kind = ObjectKind::of(object);
        let mut judge = Judge { rules: &self.settings, object, kind, findings: Vec::new() };
        upn::check(&mut judge);
        address::check(&mut judge);
        account::check(&mut judge);
        name::check(&mut judge);
        judge.findings
    }

    fn out_of_scope(&self, object: &DirectoryObject) -> Vec<RuleId> {
        self.settings.out_of_scope(object)
    }

    fn suggest(&self, object: &DirectoryObject, findings: &mut [Finding]) {
        repair::suggest(&self.settings, &|object| self.check(object), object, findings);
    }
}
