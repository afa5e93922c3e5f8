//! The tenant as other administrators change it, behind the clients' backs: users, roles, records, locks.

use std::time::Duration;

use onramp_core::dns::DnsRecord;
use onramp_core::tenant::{RoleTemplateId, SubscriptionState};
use onramp_core::{DomainName, Error, ErrorKind, ObjectId, Result, Upn};
use serde_json::Value;

use super::LabTenant;
use super::data::domains;
use super::data::organization::ConditionalAccess;
use super::data::refusal::{Outcome, Refusal};
use super::data::state::State;
use super::data::subscriptions::AzureLock;
use super::http::patch_of;
use super::limits::faults::{Fault, FaultAction};
use super::seed::seed_user::SeedUser;
use super::seed::users::add_user;

impl LabTenant {
    /// Lets somebody else change the tenant just before the first request of that kind from now on is done: `POST` and
    /// `/v1.0/users`, with `*` as in [`Fault::on`]. For a later request, or several, see [`FaultAction::meanwhile`].
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> onramp_core::Result<()> {
    /// use onramp_core::Upn;
    /// use onramp_lab::tenant::{LabTenant, SeedUser};
    /// let lab = LabTenant::builder().build()?;
    /// let mallory = Upn::parse("sync@contoso.onmicrosoft.com")?;
    /// let theirs = mallory.clone();
    /// lab.before("GET", "/v1.0/users", move |tenant| {
    ///     let _ = tenant.add_user(SeedUser::new(theirs.clone()));
    /// });
    /// assert!(lab.tenant().users.find(&mallory).await?.is_some());
    /// # Ok(()) }
    /// ```
    pub fn before(
        &self,
        method: impl Into<String>,
        path: impl Into<String>,
        change: impl Fn(&LabTenant) + Send + Sync + 'static,
    ) {
        self.add_fault(Fault::on(method, path, FaultAction::meanwhile(change)));
    }

    /// Adds a user as another administrator does. It is seen at once.
    ///
    /// # Errors
    /// `Invalid` if its domain is not verified, or another user has its UPN or one of its addresses.
    pub fn add_user(&self, user: SeedUser) -> Result<ObjectId> {
        let (now, upn) = (self.inner.clock.now(), user.upn.to_string());
        self.with_state(|state| {
            add_user(state, user, now)?;
            let id = state.users.with_upn(&upn).map(|user| user.id.clone()).unwrap_or_default();
            Ok(ObjectId::parse(&id)?)
        })
    }

    /// Deletes a user as another administrator does; it stands among the deleted ones then.
    ///
    /// # Errors
    /// `NotFound` if there is no such user.
    pub fn delete_user(&self, upn: &Upn) -> Result<()> {
        let now = self.inner.clock.now();
        self.change("delete the user", upn, |state| state.delete_user(upn.as_str(), now))
    }

    /// Removes a deleted user for good, as the service does after 30 days.
    ///
    /// # Errors
    /// `NotFound` if there is no such deleted user.
    pub fn purge_user(&self, id: &ObjectId) -> Result<()> {
        self.change("remove the deleted user", id, |state| state.purge_user(&id.to_string()))
    }

    /// Changes a user as another administrator does, by the properties that a PATCH of Graph takes.
    ///
    /// # Errors
    /// `NotFound` if there is no such user; `Invalid` if the service would refuse the change.
    pub fn change_user(&self, upn: &Upn, properties: &Value) -> Result<()> {
        let now = self.inner.clock.now();
        self.change("change the user", upn, |state| {
            let body = properties.as_object().cloned().unwrap_or_default();
            state.update_user(upn.as_str(), patch_of(body)?, now)
        })
    }

    /// Gives out a property of a user as this very JSON from now on, whatever the type of the property is: what a client
    /// meets that takes every user for well-formed. `Value::Null` is a value, too.
    ///
    /// # Errors
    /// `NotFound` if there is no such user.
    pub fn set_raw(&self, id: &ObjectId, property: impl Into<String>, value: Value) -> Result<()> {
        let property = property.into();
        self.change("set a property of the user", id, |state| {
            let seq = state.users.find(&id.to_string());
            let user = seq.and_then(|seq| state.users.touch(seq));
            let user = user.ok_or_else(|| Refusal::not_found(&id.to_string()))?;
            user.raw.retain(|(other, _)| *other != property);
            user.raw.push((property, value));
            Ok(())
        })
    }

    /// Takes a permission of Graph, such as `RoleManagement.ReadWrite.Directory`, from the lab's own application. Tokens
    /// issued from now on lack it, and so do the ports at once.
    ///
    /// # Errors
    /// `NotFound` if the application does not have it.
    pub fn take_permission(&self, permission: &str) -> Result<()> {
        let client = self.inner.credentials.client_id.to_string();
        self.change("take the permission", permission, |state| state.take_permission(&client, permission))
    }

    /// Gives a user a directory role as another administrator does.
    ///
    /// # Errors
    /// `NotFound` if there is no such user or role; `Invalid` if the user has it already.
    pub fn grant_role(&self, upn: &Upn, role: &RoleTemplateId) -> Result<()> {
        let now = self.inner.clock.now();
        self.change("grant the role to", upn, |state| {
            let id = state.user(upn.as_str(), now)?.id.clone();
            state.assign_role(&role.id().to_string(), &id, "/", now).map(drop)
        })
    }

    /// Adds a conditional access policy as another administrator does. Users that it names and that do not exist yet are
    /// not covered.
    pub fn add_policy(&self, policy: ConditionalAccess) {
        self.with_state(|state| {
            let policy = state.resolve_policy(policy);
            state.conditional_access.push(policy);
        });
    }

    /// Switches security defaults on or off.
    pub fn set_security_defaults(&self, on: bool) {
        self.with_state(|state| state.security_defaults = on);
    }

    /// Locks a user out for that time, as many wrong passwords do.
    ///
    /// # Errors
    /// `NotFound` if there is no such user.
    pub fn lock_out(&self, upn: &Upn, time: Duration) -> Result<()> {
        let until = self.inner.clock.now() + time;
        self.change("lock out the user", upn, |state| {
            let seq = state.users.with_upn(upn.as_str()).map(|user| user.seq);
            let user = seq.and_then(|seq| state.users.touch(seq));
            user.ok_or_else(|| Refusal::not_found(upn.as_str()))?.sign_in.locked_until = Some(until);
            Ok(())
        })
    }

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
            let error =
                Error::new(ErrorKind::NotFound, "publish the verification record of").with_object(domain);
            error
                .with_detail("the tenant does not have this domain")
                .with_hint("Add the domain to the tenant first.")
        })?;
        self.publish_txt(domain, &text);
        Ok(text)
    }

    /// Returns the verification records that stand at a name of the simulated DNS.
    pub(crate) fn dns_records(&self, name: &str) -> Vec<DnsRecord> {
        self.with_state(|state| state.dns.records(name))
    }

    /// Takes every record of this name out of the simulated DNS.
    pub fn withdraw_dns(&self, name: &str) {
        self.with_state(|state| state.dns.withdraw(name));
    }

    /// Lets every verification record count as published from now on, or no longer.
    pub fn auto_publish_dns(&self, on: bool) {
        self.with_state(|state| state.dns.auto_publish = on);
    }

    /// Lets every verification record count as published so long after its domain was added, or no longer.
    pub fn publish_dns_after(&self, time: Option<Duration>) {
        self.with_state(|state| state.dns.publish_after(time));
    }

    /// Returns the text that proves a domain of this tenant, if it has the domain.
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
            Error::new(kind, action).with_object(object).with_detail(message)
        })
    }
}
