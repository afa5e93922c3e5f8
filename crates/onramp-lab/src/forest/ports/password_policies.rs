//! The port of password policies, directly on the model.

use std::time::Duration;

use async_trait::async_trait;
use onramp_core::forest::{
    DomainPasswordPolicy, EffectivePasswordPolicy, FineGrainedPolicy, Lockout, PasswordPolicies,
    PasswordSettings,
};
use onramp_core::{DistinguishedName, Error, ErrorKind, ObjectGuid, Result};

use super::Ports;
use crate::forest::LabForest;
use crate::forest::data::dn::Target;
use crate::forest::data::object::{Id, Object};
use crate::forest::data::packed::Packer;
use crate::forest::data::state::{Domain, State};
use crate::forest::data::text::fold;
use crate::forest::data::view::View;
use crate::forest::fault::Operation as Faulty;
use crate::forest::reading::constructed;
use crate::forest::schema::{Attr, Class};

/// Units of ages: hundreds of nanoseconds.
const TICKS_PER_SECOND: u64 = 10_000_000;

#[async_trait]
impl PasswordPolicies for Ports {
    async fn domain_policies(&self) -> Result<Vec<DomainPasswordPolicy>> {
        self.available("read the password policies of", Faulty::Search)?;
        let domains = self.lab.with(|state| state.domains.clone());
        let read = |domain: Domain| {
            self.lab.read(self.lab.home(domain.context), |view| domain_policy(view, &domain))
        };
        Ok(domains.into_iter().map(read).collect())
    }

    async fn fine_grained_policies(&self) -> Result<Vec<FineGrainedPolicy>> {
        const ACTION: &str = "read the fine-grained password policies of";
        self.available(ACTION, Faulty::Search)?;
        if !self.principal.may_read(Class::PasswordSettings) {
            return Err(Error::new(ErrorKind::Forbidden, ACTION)
                .with_object(self.lab.domain())
                .with_detail("they are hidden from this account")
                .with_hint(
                    "Sign in as an administrator, or let the account read the Password Settings Container.",
                ));
        }
        self.lab.read(0, |view| {
            let is_policy = |id: &Id| {
                view.object(*id)
                    .is_some_and(|object| object.class == Class::PasswordSettings && !object.deleted)
            };
            (0..view.state.objects.len() as Id).filter(is_policy).map(|id| policy(view, id)).collect()
        })
    }

    async fn effective(&self, user: &ObjectGuid) -> Result<EffectivePasswordPolicy> {
        const ACTION: &str = "read the password policy of";
        self.available(ACTION, Faulty::Search)?;
        let target = Target::Guid(*user.as_bytes());
        let at = self.lab.read(0, |view| self.lab.home_of(view, &target));
        self.lab.read(at, |view| {
            let id = view.resolve(&target);
            let id = id.filter(|&id| view.object(id).is_some_and(|object| object.class.is_account()));
            let id = id.ok_or_else(|| Error::new(ErrorKind::NotFound, ACTION).with_object(user))?;
            let named = constructed::resultant_pso(view, id);
            if self.principal.may_read(Class::PasswordSettings) {
                return Ok(match named {
                    Some(pso) => EffectivePasswordPolicy::FineGrained(policy(view, pso)?),
                    None => {
                        let domain = view.object(id).and_then(|object| view.domain_of(object));
                        let missing = || Error::new(ErrorKind::NotFound, ACTION).with_object(user);
                        let domain = domain.ok_or_else(missing)?;
                        EffectivePasswordPolicy::Domain(domain_policy(view, domain))
                    }
                });
            }
            let reason = "fine-grained policies are hidden from this account".to_owned();
            let named = named.map(|pso| DistinguishedName::parse(&view.dn(pso))).transpose()?;
            Ok(EffectivePasswordPolicy::Unknown { named, reason })
        })
    }
}

impl LabForest {
    /// Makes a fine-grained password policy in the first domain that is linked to these users and groups, on all domain
    /// controllers at once.
    ///
    /// # Errors
    /// `AlreadyExists` if there is one of that name; `NotFound` if one of the users and groups does not exist.
    pub fn add_fine_grained_policy(
        &self,
        name: &str,
        precedence: u32,
        rules: &PasswordSettings,
        applies_to: &[ObjectGuid],
    ) -> Result<FineGrainedPolicy> {
        let truth = |is: bool| if is { "TRUE" } else { "FALSE" };
        let lockout = rules.lockout.unwrap_or(Lockout { threshold: 0, window: None, duration: None });
        let mut attrs = Packer::default();
        attrs.push(Attr::CN, name);
        attrs.push(Attr::PSO_PRECEDENCE, precedence.to_string());
        attrs.push(Attr::PSO_MINIMUM_LENGTH, rules.min_length.to_string());
        attrs.push(Attr::PSO_HISTORY_LENGTH, rules.history_length.to_string());
        attrs.push(Attr::PSO_COMPLEXITY, truth(rules.complexity));
        attrs.push(Attr::PSO_REVERSIBLE, truth(rules.reversible_encryption));
        attrs.push(Attr::PSO_MAXIMUM_AGE, ticks(rules.max_age).to_string());
        attrs.push(Attr::PSO_MINIMUM_AGE, ticks(Some(rules.min_age)).to_string());
        attrs.push(Attr::PSO_LOCKOUT_THRESHOLD, lockout.threshold.to_string());
        attrs.push(Attr::PSO_LOCKOUT_WINDOW, ticks(lockout.window).to_string());
        attrs.push(Attr::PSO_LOCKOUT_DURATION, ticks(lockout.duration).to_string());
        let (container, class) = (self.0.well_known.password_settings, Class::PasswordSettings);
        self.add_linked(container, class, attrs, Attr::PSO_APPLIES_TO, applies_to, policy)
    }

    /// Makes a global group with these members in the first domain, beside the users that every domain has, on all domain
    /// controllers at once.
    ///
    /// # Errors
    /// `AlreadyExists` if there is an object of that name; `NotFound` if one of the members does not exist.
    pub fn add_group(&self, name: &str, members: &[ObjectGuid]) -> Result<ObjectGuid> {
        let mut attrs = Packer::default();
        attrs.push(Attr::CN, name);
        attrs.push(Attr::SAM_ACCOUNT_NAME, name);
        attrs.push(Attr::GROUP_TYPE, "-2147483646");
        attrs.push(Attr::SAM_ACCOUNT_TYPE, "268435456");
        let users =
            self.with(|state| state.object(self.0.well_known.administrator).map(|object| object.parent));
        let parent = users.unwrap_or(self.0.well_known.domain);
        let guid = |view: View<'_>, id: Id| {
            let found = view.object(id).map(|object| ObjectGuid::from_bytes(object.guid));
            found.ok_or_else(|| Error::new(ErrorKind::NotFound, "find the group").with_object(name))
        };
        self.add_linked(parent, Class::Group, attrs, Attr::MEMBER, members, guid)
    }

    /// Adds an object that names others in one of its attributes.
    fn add_linked<T>(
        &self,
        parent: Id,
        class: Class,
        mut attrs: Packer,
        attr: Attr,
        named: &[ObjectGuid],
        read: impl FnOnce(View<'_>, Id) -> Result<T>,
    ) -> Result<T> {
        let id = self.write(|state, now| {
            let ids = named.iter().map(|guid| {
                let missing =
                    || Error::new(ErrorKind::NotFound, "find in the lab's forest").with_object(guid);
                state.find_guid(guid.as_bytes()).ok_or_else(missing)
            });
            let ids: Vec<Id> = ids.collect::<Result<_>>()?;
            let names: Vec<String> = self.names(state, &ids);
            attrs.push_all(attr, &names);
            let attrs = attrs.finish();
            let context = state.object(parent).map(|parent| parent.context).unwrap_or_default();
            let number = state.objects.len() as u128;
            let guid = (number << 64 | 0x4000_8000_0000_0000_0000).to_le_bytes();
            let object = Object { guid, parent, class, context, deleted: false, attrs };
            let name = String::from_utf8_lossy(object.rdn_value()).into_owned();
            if state.find_child(parent, "cn", &fold(&name)).is_some() {
                return Err(Error::new(ErrorKind::AlreadyExists, "add to the lab's forest").with_object(name));
            }
            let id = state.insert(object);
            for target in ids {
                state.links.entry((target, attr)).or_default().push(id);
            }
            for controller in &mut state.controllers {
                controller.usn += 1;
                controller.overlay.touch(id, controller.usn, now);
            }
            Ok(id)
        })?;
        self.read(0, |view| read(view, id))
    }

    fn names(&self, state: &State, ids: &[Id]) -> Vec<String> {
        ids.iter().map(|&id| View::new(state, 0).dn(id)).collect()
    }
}

fn domain_policy(view: View<'_>, domain: &Domain) -> DomainPasswordPolicy {
    let number = |attr| number(view, domain.head, attr);
    let properties = number(Attr::PWD_PROPERTIES);
    let mut rules = PasswordSettings::windows_default();
    rules.min_length = small(number(Attr::MIN_PWD_LENGTH));
    rules.history_length = small(number(Attr::PWD_HISTORY_LENGTH));
    rules.complexity = properties & 1 != 0;
    rules.reversible_encryption = properties & 16 != 0;
    rules.max_age = age(number(Attr::MAX_PWD_AGE));
    rules.min_age = age(number(Attr::MIN_PWD_AGE)).unwrap_or_default();
    let times = [Attr::LOCKOUT_OBSERVATION_WINDOW, Attr::LOCKOUT_DURATION].map(number);
    rules.lockout = lockout(small(number(Attr::LOCKOUT_THRESHOLD)), times);
    DomainPasswordPolicy::new(domain.dns.clone(), rules)
}

fn policy(view: View<'_>, id: Id) -> Result<FineGrainedPolicy> {
    let number = |attr| number(view, id, attr);
    let is_true = |attr| view.value(id, attr).as_deref() == Some(b"TRUE");
    let mut rules = PasswordSettings::windows_default();
    rules.min_length = small(number(Attr::PSO_MINIMUM_LENGTH));
    rules.history_length = small(number(Attr::PSO_HISTORY_LENGTH));
    rules.complexity = is_true(Attr::PSO_COMPLEXITY);
    rules.reversible_encryption = is_true(Attr::PSO_REVERSIBLE);
    rules.max_age = age(number(Attr::PSO_MAXIMUM_AGE));
    rules.min_age = age(number(Attr::PSO_MINIMUM_AGE)).unwrap_or_default();
    let times = [Attr::PSO_LOCKOUT_WINDOW, Attr::PSO_LOCKOUT_DURATION].map(number);
    rules.lockout = lockout(small(number(Attr::PSO_LOCKOUT_THRESHOLD)), times);
    let links = view.values(id, Attr::PSO_APPLIES_TO);
    let links = links.iter().map(|link| DistinguishedName::parse(&String::from_utf8_lossy(link)));
    let dn = DistinguishedName::parse(&view.dn(id))?;
    let precedence = small(number(Attr::PSO_PRECEDENCE));
    Ok(FineGrainedPolicy::new(dn, precedence, rules)
        .with_applies_to(links.collect::<std::result::Result<_, _>>()?))
}

fn number(view: View<'_>, id: Id, attr: Attr) -> i64 {
    view.text(id, attr).and_then(|text| text.parse().ok()).unwrap_or_default()
}

fn small(number: i64) -> u32 {
    u32::try_from(number).unwrap_or_default()
}

fn lockout(threshold: u32, [window, duration]: [i64; 2]) -> Option<Lockout> {
    (threshold > 0).then(|| Lockout { threshold, window: age(window), duration: age(duration) })
}

/// An age as the directory has it: negative, in hundreds of nanoseconds; 0 and the lowest number are "never".
fn age(ticks: i64) -> Option<Duration> {
    match ticks {
        0 | i64::MIN => None,
        ticks => Some(Duration::from_secs(ticks.unsigned_abs() / TICKS_PER_SECOND)),
    }
}

/// The same back, for what the lab is given.
fn ticks(age: Option<Duration>) -> i64 {
    match age {
        None => i64::MIN,
        Some(age) => i64::try_from(age.as_nanos() / 100).map_or(i64::MIN + 1, |ticks| -ticks),
    }
}
