//! The operations of a server, by kind of request.

use ldap3_proto::LdapResultCode;
use ldap3_proto::proto::{
    LdapBindCred, LdapBindRequest, LdapBindResponse, LdapCompareRequest, LdapExtendedRequest,
    LdapExtendedResponse, LdapModifyRequest, LdapModifyType, LdapOp, LdapResult,
};
use tokio::io::AsyncWrite;

use super::answers::{Answers, Next};
use super::root_dse::{PERMISSIVE_MODIFY, START_TLS, WHO_AM_I};
use super::session::{Session, check_controls, failed, result_of};
use super::wire::{Control, Incoming, Request};
use crate::forest::data::dn::Target;
use crate::forest::data::view::DirectoryScope;
use crate::forest::fault::{Fault, Operation as Faulty};
use crate::forest::reading::filter::Filter;
use crate::forest::reading::matching::Test;
use crate::forest::schema::Attr;
use crate::forest::security::access::Principal;
use crate::forest::security::bind;
use crate::forest::security::refusal::Refusal;
use crate::forest::writing::change::{Change, Operation, Step};
use crate::forest::writing::modify::modify;

impl Session {
    pub(super) async fn handle<S: AsyncWrite>(
        &mut self,
        request: Request,
        answers: &mut Answers<'_, S>,
    ) -> Next {
        let Request { id, operation, controls } = request;
        let operation = match operation {
            Incoming::Search(search) => return self.search(id, search, &controls, answers).await,
            Incoming::Other(operation) => operation,
        };
        let known = check_controls(&controls);
        let answer = match operation {
            LdapOp::UnbindRequest => return Next::Close,
            LdapOp::BindRequest(request) => {
                return match self.fault(Faulty::Bind, answers).await {
                    Err(fault) => self.break_off(id, fault, LdapOp::BindResponse, bind_response, answers),
                    Ok(()) => {
                        let result = known.and_then(|()| self.bind(&request));
                        answers.push(id, LdapOp::BindResponse(bind_response(result_of(result))));
                        Next::Continue
                    }
                };
            }
            LdapOp::ModifyRequest(request) => {
                return self.modify(id, request, &controls, known, answers).await;
            }
            LdapOp::CompareRequest(request) => {
                LdapOp::CompareResult(known.and_then(|()| self.compare(&request)).unwrap_or_else(failed))
            }
            LdapOp::AddRequest(_) => LdapOp::AddResponse(failed(fixed())),
            LdapOp::DelRequest(_) => LdapOp::DelResponse(failed(fixed())),
            LdapOp::ModifyDNRequest(_) => LdapOp::ModifyDNResponse(failed(fixed())),
            LdapOp::ExtendedRequest(request) => return self.extended(id, &request, answers),
            // Answers and abandoned requests need none.
            _ => return Next::Continue,
        };
        answers.push(id, answer);
        Next::Continue
    }

    fn bind(&mut self, request: &LdapBindRequest) -> Result<(), Refusal> {
        // Whatever comes of it, who was bound before is no more.
        self.principal = Principal::Anonymous;
        if request.version != 3 {
            return Err(Refusal::new(
                LdapResultCode::ProtocolError,
                "00002021: only version 3 is spoken here",
            ));
        }
        let password = match &request.cred {
            LdapBindCred::Simple(password) => password,
            LdapBindCred::SASL(sasl) if sasl.mechanism == "EXTERNAL" && self.encrypted_from_the_start => {
                let message = "LDAPS has signed the client in by its certificate already";
                return Err(Refusal::unwilling(message));
            }
            LdapBindCred::SASL(sasl) if sasl.mechanism == "EXTERNAL" => {
                self.principal = self.of_certificate()?;
                return Ok(());
            }
            _ => {
                let message = "00002027: only simple bind and EXTERNAL are offered here";
                return Err(Refusal::new(LdapResultCode::AuthMethodNotSupported, message));
            }
        };
        if !self.encrypted && !password.is_empty() {
            let message = "BindSimple: Transport encryption required.";
            return Err(Refusal::new(LdapResultCode::StrongerAuthRequired, message));
        }
        let lab = &self.lab.0;
        self.principal =
            self.lab.read(self.at, |view| bind::simple(view, &lab.credentials, &request.dn, password))?;
        Ok(())
    }

    async fn modify<S: AsyncWrite>(
        &mut self,
        id: i32,
        request: LdapModifyRequest,
        controls: &[Control],
        known: Result<(), Refusal>,
        answers: &mut Answers<'_, S>,
    ) -> Next {
        let permissive = controls.iter().any(|control| control.oid == PERMISSIVE_MODIFY);
        let change = change(request, permissive);
        let apply = || {
            if self.directory_scope == DirectoryScope::Catalog {
                return Err(Refusal::unwilling("modify forbidden on global catalog port"));
            }
            let (at, principal) = (self.at, self.principal);
            self.lab.run_concurrent_changes();
            self.lab.write(|state, now| modify(state, at, principal, &change, now))
        };
        let result = match self.fault(Faulty::Modify, answers).await {
            Err(fault @ (Fault::LostReply | Fault::Disconnection)) => {
                // Done or refused, nobody will know.
                let _ = known.and_then(|()| apply());
                return self.hang_up(fault, answers);
            }
            Err(fault) => {
                return self.break_off(id, fault, LdapOp::ModifyResponse, |result| result, answers);
            }
            Ok(()) => known.and_then(|()| apply()),
        };
        answers.push(id, LdapOp::ModifyResponse(result_of(result)));
        Next::Continue
    }

    fn compare(&self, request: &LdapCompareRequest) -> Result<LdapResult, Refusal> {
        if self.principal.is_anonymous() {
            return Err(Refusal::not_bound());
        }
        let target = Target::parse(&request.dn).ok_or_else(|| Refusal::invalid_dn(&request.dn))?;
        if Attr::named(&request.atype).is_none() {
            return Err(Refusal::new(LdapResultCode::UndefinedAttributeType, "0000200C: unknown attribute"));
        }
        let test = Test::compile(&Filter::Equal(request.atype.clone(), request.val.clone()));
        self.read(|view| {
            let id = view.resolve(&target).ok_or_else(|| Refusal::no_such_object(&request.dn))?;
            let code = match test.holds(view, id) {
                Some(true) => LdapResultCode::CompareTrue,
                _ => LdapResultCode::CompareFalse,
            };
            Ok(LdapResult { code, ..result_of(Ok(())) })
        })
    }

    fn extended<S: AsyncWrite>(
        &mut self,
        id: i32,
        request: &LdapExtendedRequest,
        answers: &mut Answers<'_, S>,
    ) -> Next {
        let (result, value, next) = match request.name.as_str() {
            START_TLS if self.encrypted => {
                let message = "00002020: TLS is established already";
                (Err(Refusal::new(LdapResultCode::OperationsError, message)), None, Next::Continue)
            }
            START_TLS => (Ok(()), None, Next::StartTls),
            WHO_AM_I => (Ok(()), Some(self.who_am_i()), Next::Continue),
            _ => {
                let message = "00002021: this extended operation is not offered";
                (Err(Refusal::new(LdapResultCode::ProtocolError, message)), None, Next::Continue)
            }
        };
        // "Who am I?" has an answer without a name.
        let name = (request.name == START_TLS).then(|| START_TLS.to_owned());
        let value = value.map(String::into_bytes);
        answers
            .push(id, LdapOp::ExtendedResponse(LdapExtendedResponse { res: result_of(result), name, value }));
        next
    }

    fn who_am_i(&self) -> String {
        let account = self.principal.id().and_then(|id| {
            self.lab.read(self.at, |view| {
                let domain = view.object(id).and_then(|object| view.domain_of(object))?;
                Some(format!("u:{}\\{}", domain.netbios, view.text(id, Attr::SAM_ACCOUNT_NAME)?))
            })
        });
        account.unwrap_or_default()
    }
}

fn bind_response(res: LdapResult) -> LdapBindResponse {
    LdapBindResponse { res, saslcreds: None }
}

fn fixed() -> Refusal {
    Refusal::unwilling("the lab's objects can be changed, but not made, moved or deleted over LDAP")
}

fn change(request: LdapModifyRequest, permissive: bool) -> Change {
    let steps = request.changes.into_iter().map(|change| Step {
        operation: match change.operation {
            LdapModifyType::Add => Operation::Add,
            LdapModifyType::Delete => Operation::Delete,
            _ => Operation::Replace,
        },
        attr: change.modification.atype,
        values: change.modification.vals,
    });
    Change { target: request.dn, steps: steps.collect(), permissive }
}
