//! The session of one connection: its principal, its searches in pages, and the faults that it meets.

use super::answers::{Answers, Next, notice};
use super::endpoint::Endpoint;
use super::paging::Paging;
use super::root_dse::CONTROLS;
use super::wire::Control;
use crate::forest::LabForest;
use crate::forest::data::view::{DirectoryScope, View};
use crate::forest::fault::{Fault, Operation as Faulty};
use crate::forest::security::access::Principal;
use crate::forest::security::bind;
use crate::forest::security::refusal::Refusal;
use ldap3_proto::LdapResultCode;
use ldap3_proto::proto::{LdapOp, LdapResult};
use std::sync::PoisonError;
use tokio::io::AsyncWrite;

/// The state of a connection between requests.
pub(super) struct Session {
    pub(super) lab: LabForest,
    /// The index of the connected controller.
    pub(super) at: usize,
    pub(super) principal: Principal,
    pub(super) paging: Paging,
    pub(super) encrypted: bool,
    /// The part of the forest that the port serves.
    pub(super) directory_scope: DirectoryScope,
    /// The client certificate of the TLS handshake.
    pub(super) certificate: Option<Vec<u8>>,
    /// TLS came with the connection, not by StartTLS.
    pub(super) encrypted_from_the_start: bool,
}

impl Session {
    pub(super) fn new(endpoint: &Endpoint, encrypted: bool) -> Self {
        Self {
            lab: endpoint.lab.clone(),
            at: endpoint.at,
            principal: Principal::Anonymous,
            paging: Paging::default(),
            encrypted,
            directory_scope: endpoint.directory_scope,
            certificate: None,
            encrypted_from_the_start: false,
        }
    }

    /// Sets the certificate that the client showed. On a port that has TLS from the start it signs the client in at once
    /// ([MS-ADTS] 5.1.1.1.2).
    pub(super) fn with_certificate(mut self, certificate: Option<Vec<u8>>, from_the_start: bool) -> Self {
        (self.certificate, self.encrypted_from_the_start) = (certificate, from_the_start);
        if from_the_start {
            self.principal = self.of_certificate().unwrap_or(Principal::Anonymous);
        }
        self
    }

    pub(super) fn of_certificate(&self) -> Result<Principal, Refusal> {
        let refuse = |why: &str| Refusal::new(LdapResultCode::InvalidCredentials, why);
        let shown =
            self.certificate.as_ref().ok_or_else(|| refuse("80090308: no client certificate was shown"))?;
        let known = self.lab.0.certificates.read().unwrap_or_else(PoisonError::into_inner);
        let guid =
            known.get(shown).ok_or_else(|| refuse("8009030C: the certificate is mapped to no account"))?;
        self.lab.read(self.at, |view| bind::proven(view, &self.lab.0.credentials, guid))
    }

    /// Reads the part of the forest that the port serves.
    pub(super) fn read<T>(&self, read: impl FnOnce(View<'_>) -> T) -> T {
        self.lab.read_in(self.directory_scope, self.at, read)
    }

    /// Refuses a change because there are too many at a time.
    pub(super) fn too_busy<S: AsyncWrite>(&self, id: i32, answers: &mut Answers<'_, S>) -> Next {
        self.break_off(id, Fault::Busy, LdapOp::ModifyResponse, |result| result, answers)
    }

    /// Returns the fault that an operation starting now has, if any.
    pub(super) async fn fault<S: AsyncWrite>(
        &self,
        operation: Faulty,
        answers: &mut Answers<'_, S>,
    ) -> Result<(), Fault> {
        match self.lab.0.faults.next(operation) {
            None => Ok(()),
            Some(Fault::Slow(time)) => {
                // What is answered already does not wait. A client that is gone is noticed with the next answer.
                let _ = answers.flush().await;
                self.lab.0.clock.sleep(time).await;
                Ok(())
            }
            Some(fault) => Err(fault),
        }
    }

    /// Answers, or does not answer, as a fault demands before an operation is carried out.
    pub(super) fn break_off<S: AsyncWrite, R>(
        &self,
        id: i32,
        fault: Fault,
        operation: fn(R) -> LdapOp,
        response: fn(LdapResult) -> R,
        answers: &mut Answers<'_, S>,
    ) -> Next {
        let Some(refusal) = fault.refusal() else { return self.hang_up(fault, answers) };
        answers.push(id, operation(response(failed(refusal))));
        Next::Continue
    }

    /// Closes the connection, with notice if the fault says so.
    pub(super) fn hang_up<S: AsyncWrite>(&self, fault: Fault, answers: &mut Answers<'_, S>) -> Next {
        answers.discard();
        if fault == Fault::Disconnection {
            answers.push(0, notice(LdapResultCode::Unavailable, "the domain controller shuts down"));
        }
        Next::Close
    }
}

/// Refuses controls that are not understood and must be.
pub(super) fn check_controls(controls: &[Control]) -> Result<(), Refusal> {
    let unknown =
        controls.iter().find(|control| control.critical && !CONTROLS.contains(&control.oid.as_str()));
    unknown.map_or(Ok(()), |control| Err(Refusal::critical_control(&control.oid)))
}

pub(super) fn result_of(result: Result<(), Refusal>) -> LdapResult {
    let success = LdapResult {
        code: LdapResultCode::Success,
        matcheddn: String::new(),
        message: String::new(),
        referral: Vec::new(),
    };
    result.map_or_else(failed, |()| success)
}

pub(super) fn failed(refusal: Refusal) -> LdapResult {
    let Refusal { code, message, referral } = refusal;
    LdapResult { code, matcheddn: String::new(), message, referral }
}
