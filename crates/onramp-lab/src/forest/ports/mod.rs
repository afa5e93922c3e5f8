//! The forest ports, directly on the model: no network, no waiting.

mod controller_probe;
mod object_writer;
mod objects;
mod password_policies;
mod replication;
mod searches;
mod suffixes;
mod users;

use std::sync::Arc;

use ldap3_proto::LdapResultCode;
use onramp_core::{Error, ErrorKind, Forest, Result, ServerReply};

use crate::forest::data::controller::Controller;
use crate::forest::data::dn::Target;
use crate::forest::data::state::State;
use crate::forest::data::view::View;
use crate::forest::fault::{Fault, Operation as Faulty};
use crate::forest::security::access::Principal;
use crate::forest::security::bind;
use crate::forest::security::refusal::Refusal;
use crate::forest::writing::change::Change;
use crate::forest::writing::modify::modify;
use crate::forest::{LabForest, Login};

impl LabForest {
    /// Returns the forest ports as the built-in administrator, changes going to the first domain controller.
    #[must_use]
    pub fn forest(&self) -> Forest {
        self.ports(self.as_administrator())
    }

    /// Returns the forest ports as somebody else.
    ///
    /// # Errors
    /// `Unauthenticated` if the name or the password is wrong.
    pub fn forest_as(&self, login: &Login) -> Result<Forest> {
        let bound = self
            .read(0, |view| bind::simple(view, &self.0.credentials, &login.name, login.password.expose()));
        let bound = bound.map_err(|refusal| self.error(refusal, "sign in to the forest as", &login.name));
        Ok(self.ports(bound?))
    }

    fn ports(&self, principal: Principal) -> Forest {
        let ports = Arc::new(Ports { lab: self.clone(), principal });
        Forest::from_ports(ports)
    }

    pub(super) fn error(&self, refusal: Refusal, action: &str, object: &impl std::fmt::Display) -> Error {
        let kind = match refusal.code {
            LdapResultCode::NoSuchObject => ErrorKind::NotFound,
            LdapResultCode::NoSuchAttribute => ErrorKind::Stale,
            LdapResultCode::AttributeOrValueExists
            | LdapResultCode::ConstraintViolation
            | LdapResultCode::EntryAlreadyExists => ErrorKind::AlreadyExists,
            LdapResultCode::InsufficentAccessRights => ErrorKind::Forbidden,
            LdapResultCode::InvalidCredentials | LdapResultCode::OperationsError => {
                ErrorKind::Unauthenticated
            }
            LdapResultCode::Busy | LdapResultCode::AdminLimitExceeded => {
                ErrorKind::Throttled { retry_after: None }
            }
            LdapResultCode::Unavailable => ErrorKind::Unavailable,
            LdapResultCode::Referral => ErrorKind::Unsupported,
            _ => ErrorKind::Invalid,
        };
        let mut reply = ServerReply::from_server(self.controllers().into_iter().next().unwrap_or_default());
        reply.ldap_code = u32::try_from(refusal.code as i64).ok();
        reply.diagnostic = Some(refusal.message);
        Error::new(kind, action).with_object(object).with_reply(reply)
    }
}

/// The arrival of the answer to a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reply {
    Received,
    Lost,
}

/// The ports as somebody.
#[derive(Debug, Clone)]
pub(super) struct Ports {
    pub(super) lab: LabForest,
    pub(super) principal: Principal,
}

impl Ports {
    /// Makes a change on the first writable controller of the object's domain. Says whether its reply was lost; a lost
    /// request never arrived.
    pub(super) fn modify(&self, change: &Change) -> std::result::Result<Reply, Refusal> {
        let at = self.lab.read(0, |view| {
            Target::parse(&change.target).map_or(0, |target| self.lab.home_of(view, &target))
        });
        if self.reachable(at, "change").is_err() {
            return Err(Refusal::new(LdapResultCode::Unavailable, "the domain controller does not answer"));
        }
        self.lab.run_concurrent_changes();
        let fault = self.lab.0.faults.next(Faulty::Modify);
        if let Some(refusal) = fault.and_then(Fault::refusal) {
            return Err(refusal);
        }
        if fault == Some(Fault::LostRequest) {
            return Err(Refusal::new(LdapResultCode::Unavailable, "0000200F: unavailable"));
        }
        self.lab.write(|state, now| modify(state, at, self.principal, change, now))?;
        let is_lost = matches!(fault, Some(Fault::LostReply | Fault::Disconnection));
        Ok(if is_lost { Reply::Lost } else { Reply::Received })
    }

    pub(super) fn available(&self, action: &str, operation: Faulty) -> Result<()> {
        self.reachable(0, action)?;
        match self.lab.0.faults.next(operation) {
            Some(_) => Err(Error::new(ErrorKind::Unavailable, action).with_object(self.lab.domain())),
            None => Ok(()),
        }
    }

    pub(super) fn reachable(&self, at: usize, action: &str) -> Result<()> {
        let stopped = self.lab.with(|state| {
            state.controllers.get(at).filter(|controller| controller.stopped).map(|c| c.host.clone())
        });
        match stopped {
            Some(host) => Err(Error::new(ErrorKind::Unavailable, action)
                .with_object(host)
                .with_detail("the domain controller does not answer")),
            None => Ok(()),
        }
    }
}

impl LabForest {
    /// Returns the controller that the ports use for a naming context: the first writable one of the domain.
    pub(super) fn home(&self, context: u8) -> usize {
        self.with(|state| home(state, context))
    }

    /// Returns the controller that the ports use for an object, wherever it stands.
    pub(super) fn home_of(&self, view: View<'_>, target: &Target) -> usize {
        let object = view.resolve(target).and_then(|id| view.object(id));
        object.map_or(0, |object| home(view.state, object.context))
    }
}

fn home(state: &State, context: u8) -> usize {
    let serves = |controller: &Controller| controller.writable && controller.domain == context;
    state.controllers.iter().position(serves).unwrap_or_default()
}
