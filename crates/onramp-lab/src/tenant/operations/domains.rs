//! Domains: added, verified, changed, removed.

use crate::tenant::data::domains::Domain;
use crate::tenant::data::domains::DomainPatch;
use crate::tenant::data::domains::RECORD_MISSING;
use crate::tenant::data::domains::canonical;
use crate::tenant::data::refusal::{Outcome, Refusal};
use crate::tenant::data::state::State;
use time::OffsetDateTime;

impl State {
    pub(crate) fn domain(&mut self, name: &str, now: OffsetDateTime) -> Outcome<&mut Domain> {
        let domain = self.domains.get_mut(&canonical(name)).ok_or_else(|| Refusal::not_found(name))?;
        if domain.seen.graph(now) { Ok(domain) } else { Err(Refusal::not_yet(name)) }
    }

    /// Returns every domain that is in sight, by name.
    pub(crate) fn visible_domains(&mut self, now: OffsetDateTime) -> Vec<&Domain> {
        self.domains.values_mut().filter_map(|domain| domain.seen.graph(now).then_some(&*domain)).collect()
    }

    pub(crate) fn add_domain(&mut self, name: &str, now: OffsetDateTime) -> Outcome<&Domain> {
        let name = canonical(name);
        if !is_domain_name(&name) {
            return Err(Refusal::invalid_property(
                "id",
                format!("Invalid value specified for property 'id': '{name}' is not a domain name."),
            ));
        }
        if self.domains.contains_key(&name) {
            return Err(Refusal::conflict("id", None));
        }
        // A child of a proven domain needs no proof of its own.
        let is_verified = self.root_of(&name).is_some();
        let domain = self.new_domain(&name, is_verified, now);
        Ok(self.domains.entry(name).or_insert(domain))
    }

    /// Returns the proven domain that `name` is a child of.
    pub(crate) fn root_of(&self, name: &str) -> Option<&Domain> {
        self.domains.values().filter(|domain| domain.is_verified).find(|domain| is_child(name, &domain.name))
    }

    pub(crate) fn is_root(&self, domain: &Domain) -> bool {
        domain.is_verified && self.root_of(&domain.name).is_none()
    }

    pub(crate) fn verify_domain(&mut self, name: &str, now: OffsetDateTime) -> Outcome<&Domain> {
        let proven = {
            let domain = self.domain(name, now)?.clone();
            if domain.is_verified {
                return Err(Refusal::bad_request("Domain is already verified."));
            }
            self.dns.proves(&domain, now)
        };
        if !proven {
            return Err(Refusal::bad_request(format!(
                "Domain verification failed with the following error: '{RECORD_MISSING} of domain {}.'. \
                 Add the TXT or MX record at the domain's registrar and try again later.",
                canonical(name)
            )));
        }
        let name = canonical(name);
        if let Some(wording) = self.foreign_domains.get(&name) {
            return Err(wording.refusal(&name));
        }
        // Children of a domain that has just been proven are proven with it.
        for child in self.domains.values_mut().filter(|child| is_child(&child.name, &name)) {
            child.is_verified = true;
        }
        let domain = self.domains.get_mut(&name).ok_or_else(|| Refusal::not_found(&name))?;
        domain.is_verified = true;
        domain.supported_services = default_services();
        Ok(domain)
    }

    /// Says who checks the passwords of a domain's users: another identity provider, or the tenant itself.
    pub(crate) fn federate_domain(&mut self, name: &str, federated: bool) -> Outcome<()> {
        let domain = self.domains.get_mut(&canonical(name)).ok_or_else(|| Refusal::not_found(name))?;
        if federated && (domain.is_initial || !domain.is_verified) {
            return Err(Refusal::bad_request(
                "Only a verified domain that is not the initial one can be federated.",
            ));
        }
        domain.federated = federated;
        Ok(())
    }

    /// Returns true if the users of that name sign in at another identity provider.
    pub(crate) fn is_federated(&self, upn: &str) -> bool {
        let domain = upn.rsplit_once('@').map(|(_, domain)| canonical(domain));
        domain.and_then(|domain| self.domains.get(&domain)).is_some_and(|domain| domain.federated)
    }

    pub(crate) fn update_domain(
        &mut self,
        name: &str,
        patch: DomainPatch,
        now: OffsetDateTime,
    ) -> Outcome<()> {
        let verified = self.domain(name, now)?.is_verified;
        if patch.is_default == Some(true) {
            if !verified {
                return Err(Refusal::bad_request("Only a verified domain can be the default domain."));
            }
            for domain in self.domains.values_mut() {
                domain.is_default = domain.name == canonical(name);
            }
        }
        let domain = self.domains.get_mut(&canonical(name)).ok_or_else(|| Refusal::not_found(name))?;
        if let Some(services) = patch.supported_services {
            domain.supported_services = services;
        }
        if let Some(days) = patch.password_validity_days {
            domain.password_validity_days = Some(days);
        }
        if let Some(days) = patch.password_notification_days {
            domain.password_notification_days = Some(days);
        }
        Ok(())
    }

    pub(crate) fn delete_domain(&mut self, name: &str, now: OffsetDateTime) -> Outcome<()> {
        let domain = self.domain(name, now)?.clone();
        if domain.is_initial || domain.is_default {
            return Err(Refusal::bad_request("The initial domain and the default domain cannot be deleted."));
        }
        if self.domain_references(&domain.name).next().is_some() {
            return Err(Refusal::bad_request(format!(
                "Domain '{}' cannot be deleted because users, groups or applications still refer to it.",
                domain.name
            )));
        }
        self.domains.remove(&domain.name);
        Ok(())
    }

    /// Deletes a domain and moves the users that refer to it to the initial domain.
    pub(crate) fn force_delete_domain(
        &mut self,
        name: &str,
        disable_users: bool,
        now: OffsetDateTime,
    ) -> Outcome<()> {
        let domain = self.domain(name, now)?.clone();
        if domain.is_initial || domain.is_default {
            return Err(Refusal::bad_request("The initial domain and the default domain cannot be deleted."));
        }
        let referring: Vec<u64> = self.domain_references(&domain.name).map(|user| user.seq).collect();
        if referring.len() > 1_000 {
            return Err(Refusal::bad_request(
                "The domain has more than 1000 references and cannot be force deleted.",
            ));
        }
        let initial = self.initial_domain.clone();
        for seq in referring {
            self.users.edit(seq, |user| {
                let prefix = user.upn.split('@').next().unwrap_or_default().to_owned();
                user.upn = format!("{prefix}@{initial}");
                user.account_enabled &= !disable_users;
            });
        }
        self.domains.remove(&domain.name);
        Ok(())
    }

    pub(crate) fn domain_references(
        &self,
        name: &str,
    ) -> impl Iterator<Item = &crate::tenant::data::users::User> {
        let suffix = format!("@{}", canonical(name));
        self.users.live().filter(move |user| {
            user.upn.to_ascii_lowercase().ends_with(&suffix)
                || user.proxy_addresses.iter().any(|address| address.to_ascii_lowercase().ends_with(&suffix))
        })
    }

    pub(crate) fn new_domain(&mut self, name: &str, is_verified: bool, now: OffsetDateTime) -> Domain {
        Domain {
            name: name.to_owned(),
            is_verified,
            is_initial: false,
            is_default: false,
            proof: format!("ms{:08}", self.draw.below(100_000_000)),
            txt_id: self.draw.guid(),
            mx_id: self.draw.guid(),
            federated: false,
            added: now,
            supported_services: if is_verified { default_services() } else { Vec::new() },
            password_validity_days: None,
            password_notification_days: None,
            seen: self.consistency.begin(now, &mut self.draw),
        }
    }
}

fn default_services() -> Vec<String> {
    vec!["Email".to_owned(), "OfficeCommunicationsOnline".to_owned()]
}

fn is_child(name: &str, parent: &str) -> bool {
    name.strip_suffix(parent).is_some_and(|rest| rest.ends_with('.'))
}

fn is_domain_name(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && name.contains('.') && name.split('.').all(label)
}
