//! The tenant: its state behind one lock, its faults and limits behind another.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use onramp_core::{Clock, Error, ErrorKind, ObjectId, Password, Result, Upn};

use super::data::state::State;
use super::data::users;
use super::limits::consistency::Consistency;
use super::limits::faults::Fault;
use super::limits::gate::Gate;
use super::limits::rate_limit::WriteLimit;
use super::limits::request_log::LoggedRequest;
use super::limits::throttling::Throttling;
use super::sign_in::tokens::{Audience, Caller};

/// A tenant in memory. Clones are the same tenant.
#[derive(Clone)]
pub struct LabTenant {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) state: Mutex<State>,
    pub(super) gate: Mutex<Gate>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) credentials: LabCredentials,
}

/// The credentials for a lab tenant, made from the seed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LabCredentials {
    /// The tenant.
    pub tenant_id: ObjectId,
    /// An application that may do everything an application may.
    pub client_id: ObjectId,
    /// The secret of the application.
    pub client_secret: Password,
    /// An application without a secret, for signing in users.
    pub public_client_id: ObjectId,
    /// A Global Administrator without a second factor.
    pub admin: Upn,
    /// The administrator's password.
    pub admin_password: Password,
    /// The emergency account, also a Global Administrator.
    pub break_glass: Upn,
}

impl LabTenant {
    /// Returns the credentials.
    pub fn credentials(&self) -> &LabCredentials {
        &self.inner.credentials
    }

    /// Returns the tenant's first domain, such as `contoso.onmicrosoft.com`.
    pub fn initial_domain(&self) -> String {
        self.with_state(|state| state.initial_domain.clone())
    }

    /// Returns the number of users without the deleted ones.
    pub fn user_count(&self) -> usize {
        self.with_state(|state| state.users.len())
    }

    /// Returns the ids of the tenant's Azure subscriptions.
    pub fn subscription_ids(&self) -> Vec<ObjectId> {
        self.with_state(|state| {
            state.subscriptions.iter().filter_map(|s| ObjectId::parse(&s.id).ok()).collect()
        })
    }

    /// Lets something go wrong.
    pub fn add_fault(&self, fault: Fault) {
        self.with_gate(|gate| gate.faults.add(fault));
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        self.with_gate(|gate| gate.faults.clear());
    }

    /// Sets the time on the tenant's clock after which every request is answered.
    pub fn set_latency(&self, latency: Option<Duration>) {
        self.with_gate(|gate| gate.latency = latency);
    }

    /// Throttles by token buckets, which begin full, or no longer does.
    pub fn set_throttling(&self, limits: Option<Throttling>) {
        self.with_gate(|gate| gate.limit_by(limits));
    }

    /// Forgets every place in a list of changes that was given out so far: the next delta query with one gets 410.
    pub fn expire_delta_tokens(&self) {
        self.with_state(|state| state.delta_generation += 1);
    }

    /// Limits writes, or no longer does.
    pub fn set_write_limit(&self, limit: Option<WriteLimit>) {
        self.with_gate(|gate| gate.limit_writes(limit));
    }

    /// Sets how soon new objects are seen from now on.
    pub fn set_consistency(&self, consistency: Consistency) {
        self.with_state(|state| state.consistency = consistency);
    }

    /// Records that synchronization could not give a user a value, because another object has it. `property` is
    /// `UserPrincipalName` or `ProxyAddresses`.
    pub fn report_conflict(&self, upn: &Upn, property: &str, value: &str) -> Result<()> {
        let occurred = self.inner.clock.now();
        self.with_state(|state| {
            let seq = state.users.with_upn(upn.as_str()).map(|user| user.seq);
            let user = seq.and_then(|seq| state.users.touch(seq));
            let user =
                user.ok_or_else(|| Error::new(ErrorKind::NotFound, "report a conflict of").with_object(upn))?;
            let (property, value) = (property.to_owned(), value.to_owned());
            user.conflicts.push(users::Conflict { property, value, occurred });
            Ok(())
        })
    }

    /// Makes every token issued so far void: the next request with one gets 401.
    pub fn revoke_tokens(&self) {
        self.with_state(|state| state.tokens.revoke_all());
    }

    /// Enters the code that a program showed (device code) as a person does, and signs in as that user.
    ///
    /// # Errors
    /// `NotFound` if there is no such user, or no program that waits for that code.
    pub fn enter_device_code(&self, code: &str, upn: &Upn) -> Result<()> {
        let missing = |what: &str| {
            Error::new(ErrorKind::NotFound, "enter the device code").with_object(code).with_detail(what)
        };
        self.with_state(|state| {
            let user = state.users.with_upn(upn.as_str()).map(|user| user.id.clone());
            let user = user.ok_or_else(|| missing("there is no such user"))?;
            if state.enter_device_code(code, Ok(user)) { Ok(()) } else { Err(missing("nobody waits for it")) }
        })
    }

    /// Enters the code that a program showed as a person does, and declines.
    ///
    /// # Errors
    /// `NotFound` if no program waits for that code.
    pub fn decline_device_code(&self, code: &str) -> Result<()> {
        let known = self.with_state(|state| state.enter_device_code(code, Err(())));
        if known {
            Ok(())
        } else {
            Err(Error::new(ErrorKind::NotFound, "decline the device code").with_object(code))
        }
    }

    /// Ends the sign-ins of all people: what renews their tokens is refused from now on.
    pub fn end_sign_ins(&self) {
        self.with_state(State::forget_refresh_tokens);
    }

    /// Issues a token for the lab's own application, without a visit to the token endpoint.
    pub fn application_token(&self, audience: Audience) -> Password {
        let caller = Caller::Application(self.inner.credentials.client_id.to_string());
        self.with_state(|state| state.issue(caller, audience, self.inner.clock.now()))
    }

    /// Issues a token for a user, without a visit to the token endpoint and without a look at its password or second factor.
    pub fn user_token(&self, upn: &Upn, audience: Audience) -> Result<Password> {
        self.with_state(|state| {
            let user = state.users.with_upn(upn.as_str()).map(|user| user.id.clone());
            let id =
                user.ok_or_else(|| Error::new(ErrorKind::NotFound, "issue a token for").with_object(upn))?;
            Ok(state.issue(Caller::User(id), audience, self.inner.clock.now()))
        })
    }

    /// Returns every request so far, oldest first: over HTTP, in batches, and through the ports.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.with_gate(|gate| gate.log.all())
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        self.with_gate(|gate| gate.log.clear());
    }

    pub(super) fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.clock
    }

    pub(super) fn with_state<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        // A panic of another thread leaves the model as it was after that thread's last whole step.
        work(&mut self.inner.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn with_gate<T>(&self, work: impl FnOnce(&mut Gate) -> T) -> T {
        work(&mut self.inner.gate.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn record(&self, method: &str, path: &str, query: &str, status: Option<u16>) {
        let at = self.inner.clock.now();
        let request = LoggedRequest {
            at,
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            status,
        };
        self.with_gate(|gate| gate.log.record(request));
    }
}

impl fmt::Debug for LabTenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LabTenant")
            .field("tenant_id", &self.inner.credentials.tenant_id)
            .finish_non_exhaustive()
    }
}
