//! What a test does to the tenant behind the clients' backs: other people's changes, records that are published, locks.

use std::time::Duration;

use onramp_core::tenant::SubscriptionState;
use onramp_core::{DomainName, Error, ErrorKind, ObjectId, Result};

use super::LabTenant;
use super::data::domains;
use super::data::refusal::{Outcome, Refusal};
use super::data::state::State;
use super::data::subscriptions::AzureLock;

impl LabTenant {
    /// Publishes a TXT record in the simulated DNS.
    pub fn publish_txt(&self, name: &str, text: &str) {
        self.with_state(|state| state.dns.publish_txt(name, text));
    }

    /// Publishes an MX record in the simulated DNS.
    pub fn publish_mx(&self, name: &str, exchange: &str) {
        self.with_state(|state| state.dns.publish_mx(name, exchange));
    }

    /// Publishes the TXT record that proves a domain of the tenant, and returns its text.
    ///
    /// # Errors
    /// `NotFound` if the tenant does not have the domain.
    pub fn publish_dns(&self, domain: &str) -> Result<String> {
        let text = self.verification_text(domain).ok_or_else(|| {
            let error = Error::new(ErrorKind::NotFound, "publish the verification record of").object(domain);
            error.detail("the tenant does not have this domain").hint("Add the domain to the tenant first.")
        })?;
        self.publish_txt(domain, &text);
        Ok(text)
    }

    /// Takes every record of this name out of the simulated DNS.
    pub fn withdraw_dns(&self, name: &str) {
        self.with_state(|state| state.dns.withdraw(name));
    }

    /// From now on every verification record counts as published, or no longer does.
    pub fn auto_publish_dns(&self, on: bool) {
        self.with_state(|state| state.dns.auto_publish = on);
    }

    /// From now on every verification record counts as published so long after its domain was added, or no longer does.
    pub fn publish_dns_after(&self, time: Option<Duration>) {
        self.with_state(|state| state.dns.publish_after(time));
    }

    /// The text that proves a domain of this tenant, if it has the domain.
    pub fn verification_text(&self, domain: &str) -> Option<String> {
        self.with_state(|state| state.domains.get(&domains::canonical(domain)).map(domains::Domain::txt))
    }

    /// Lets the users of a domain sign in at another identity provider, as after its federation was set up. The tenant
    /// knows no password of them any more, and takes no new one of the domain without a source anchor.
    ///
    /// # Errors
    /// `NotFound` if the tenant does not have the domain; `Invalid` if it is the initial one or not verified.
    pub fn federate(&self, domain: &str) -> Result<()> {
        self.change("federate the domain", domain, |state| state.federate_domain(domain, true))
    }

    /// Lets the tenant itself check the passwords of a domain's users again.
    ///
    /// # Errors
    /// `NotFound` if the tenant does not have the domain.
    pub fn end_federation(&self, domain: &str) -> Result<()> {
        self.change("end the federation of the domain", domain, |state| state.federate_domain(domain, false))
    }

    /// Lets another tenant have verified a domain, or no longer have it. It can still be added here.
    pub fn use_elsewhere(&self, domain: &DomainName, words: Option<domains::UsedElsewhere>) {
        let name = domains::canonical(domain.as_str());
        self.with_state(|state| match words {
            Some(words) => state.foreign_domains.insert(name, words),
            None => state.foreign_domains.remove(&name),
        });
    }

    /// Locks an Azure scope such as `/subscriptions/<id>` and all below it, or takes its lock away. Role assignments that
    /// the lock bars are refused with 409 `ScopeLocked`.
    ///
    /// # Errors
    /// `NotFound` if there is no such subscription, `Invalid` if it is no scope.
    pub fn lock_scope(&self, scope: &str, lock: Option<AzureLock>) -> Result<()> {
        self.change("lock the scope", scope, |state| state.set_azure_lock(scope, lock))
    }

    /// Refuses changes of role assignments at an Azure scope and below with 403 `AuthorizationFailed`, or takes them again.
    ///
    /// # Errors
    /// `NotFound` if there is no such subscription, `Invalid` if it is no scope.
    pub fn deny_scope(&self, scope: &str, denied: bool) -> Result<()> {
        self.change("deny the scope", scope, |state| state.deny_azure_scope(scope, denied))
    }

    /// Sets the state of an Azure subscription. One that is disabled refuses role assignments with 409
    /// `ReadOnlyDisabledSubscription`.
    ///
    /// # Errors
    /// `NotFound` if there is no such subscription.
    pub fn set_subscription_state(&self, id: &ObjectId, to: SubscriptionState) -> Result<()> {
        self.change("set the state of the subscription", id, |state| {
            state.set_subscription_state(&id.to_string(), to)
        })
    }

    /// Changes the model as somebody else, without a request.
    pub(super) fn change<T>(
        &self,
        action: &str,
        object: impl std::fmt::Display,
        change: impl FnOnce(&mut State) -> Outcome<T>,
    ) -> Result<T> {
        self.with_state(change).map_err(|refusal| {
            let Refusal { status, message, .. } = refusal;
            let kind = if status == 404 { ErrorKind::NotFound } else { ErrorKind::Invalid };
            Error::new(kind, action).object(object).detail(message)
        })
    }
}
