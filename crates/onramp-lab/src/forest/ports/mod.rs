//! The forest ports, directly on the model: no network, no waiting.

mod object_writer;
mod objects;
mod password_policies;
mod replication;
mod suffixes;

use std::collections::VecDeque;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use ldap3_proto::LdapResultCode;
use onramp_core::forest::{
    AccountKind, ForestUser, ForestUsers, ObjectChange, UpnChange, UpnChanged, UpnHolder, UpnOutcome,
    UserQuery,
};
use onramp_core::{
    BoxStream, DistinguishedName, Error, ErrorKind, Forest, ObjectGuid, Result, ServerReply, Sid,
};

use crate::forest::data::controller::Controller;
use crate::forest::data::dn::Target;
use crate::forest::data::state::{Id, State};
use crate::forest::data::view::View;
use crate::forest::fault::{Fault, Operation as Faulty};
use crate::forest::reading::filter::Filter;
use crate::forest::reading::matching::Test;
use crate::forest::reading::search::{Query, Scope, Search};
use crate::forest::schema::Attr;
use crate::forest::security::access::Principal;
use crate::forest::security::bind;
use crate::forest::security::refusal::Refusal;
use crate::forest::writing::modify::{Change, modify};
use crate::forest::{LabForest, Login};

/// Users are read this many at a time, as a directory gives them.
const PAGE: usize = 1000;

impl LabForest {
    /// The forest ports as the built-in administrator, changes going to the first domain controller.
    #[must_use]
    pub fn forest(&self) -> Forest {
        self.ports(self.as_administrator())
    }

    /// The forest ports as somebody else.
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
        Forest {
            suffixes: ports.clone(),
            users: ports.clone(),
            object_writer: ports.clone(),
            replication: ports.clone(),
            password_policies: ports.clone(),
            objects: ports,
        }
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
        Error::new(kind, action).object(object).reply(reply)
    }
}

/// Searches under way, each with the controller it runs on.
pub(super) type Searches = VecDeque<(usize, Search)>;

/// Whether a change that was made was heard of.
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

#[async_trait]
impl ForestUsers for Ports {
    fn search(&self, query: UserQuery) -> BoxStream<'static, Result<ForestUser>> {
        let ports = self.clone();
        let filter = "(&(objectCategory=person)(objectClass=user))";
        match self.start(&query, filter) {
            Ok(search) => ports.stream("search for users in", search, user),
            Err(error) => stream::once(async { Err(error) }).boxed(),
        }
    }

    fn upn_holders(&self) -> BoxStream<'static, Result<UpnHolder>> {
        let ports = self.clone();
        match self.start(&UserQuery::all(), "(|(userPrincipalName=*)(sAMAccountName=*))") {
            Ok(search) => ports.stream("search for users in", search, holder),
            Err(error) => stream::once(async { Err(error) }).boxed(),
        }
    }

    async fn get(&self, guid: &ObjectGuid) -> Result<ForestUser> {
        self.available("read the user", Faulty::Search)?;
        self.read_user(guid)
    }

    async fn change_upn(&self, change: &UpnChange) -> Result<UpnChanged> {
        self.read_user(&change.guid)?;
        self.change_object(&ObjectChange::from(change), "change the UPN of")
    }

    fn change_upns(&self, changes: BoxStream<'static, UpnChange>) -> BoxStream<'static, UpnOutcome> {
        let ports = self.clone();
        changes
            .then(move |change| {
                let ports = ports.clone();
                async move {
                    let result = ports.change_upn(&change).await;
                    UpnOutcome { change, result }
                }
            })
            .boxed()
    }
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

    pub(super) fn read_user(&self, guid: &ObjectGuid) -> Result<ForestUser> {
        let target = Target::Guid(*guid.as_bytes());
        let at = self.lab.read(0, |view| self.lab.home_of(view, &target));
        self.reachable(at, "read the user")?;
        self.lab.read(at, |view| {
            let id = view.resolve(&target);
            let id = id.filter(|&id| view.object(id).is_some_and(|object| object.class.is_account()));
            user(view, id.ok_or_else(|| Error::new(ErrorKind::NotFound, "read the user").object(guid))?)
        })
    }

    pub(super) fn available(&self, action: &str, operation: Faulty) -> Result<()> {
        self.reachable(0, action)?;
        match self.lab.0.faults.next(operation) {
            Some(_) => Err(Error::new(ErrorKind::Unavailable, action).object(self.lab.domain())),
            None => Ok(()),
        }
    }

    pub(super) fn reachable(&self, at: usize, action: &str) -> Result<()> {
        let stopped = self.lab.with(|state| {
            state.controllers.get(at).filter(|controller| controller.stopped).map(|c| c.host.clone())
        });
        match stopped {
            Some(host) => Err(Error::new(ErrorKind::Unavailable, action)
                .object(host)
                .detail("the domain controller does not answer")),
            None => Ok(()),
        }
    }

    pub(super) fn start(&self, query: &UserQuery, filter: &str) -> Result<Searches> {
        let action = "search the forest for users";
        let invalid = || Error::new(ErrorKind::Invalid, action);
        let mut filters = vec![Filter::parse(filter).ok_or_else(invalid)?];
        if let Some(filter) = &query.filter {
            filters.push(Filter::parse(filter.as_str()).ok_or_else(|| invalid().object(filter))?);
        }
        let test = Test::compile(&Filter::And(filters));
        self.searches(query.base.as_ref(), |base| Query {
            base: Some(base),
            scope: Scope::Subtree,
            test: test.clone(),
            deleted: false,
            principal: self.principal,
        })
    }

    /// A search below a base, or in each domain without one, each on the controller that the ports use there.
    pub(super) fn searches(
        &self,
        base: Option<&DistinguishedName>,
        query: impl Fn(Id) -> Query,
    ) -> Result<Searches> {
        let places: Vec<(u8, Id)> = self.lab.read(0, |view| match base {
            None => Ok(view.state.domains.iter().map(|domain| (domain.context, domain.head)).collect()),
            Some(base) => {
                let missing = || Error::new(ErrorKind::NotFound, "search the forest below").object(base);
                let id = Target::parse(base.as_str()).and_then(|target| view.resolve(&target));
                let id = id.ok_or_else(missing)?;
                Ok::<_, Error>(vec![(view.object(id).ok_or_else(missing)?.context, id)])
            }
        })?;
        let searches = places.into_iter().map(|(context, base)| {
            let at = self.lab.home(context);
            (at, self.lab.read(at, |view| Search::new(view, query(base))))
        });
        Ok(searches.collect())
    }

    /// Gives out what searches find, read a page at a time.
    pub(super) fn stream<T: Send + 'static>(
        self,
        action: &'static str,
        searches: Searches,
        read: impl Fn(View<'_>, Id) -> Result<T> + Send + 'static,
    ) -> BoxStream<'static, Result<T>> {
        struct Under<T, R> {
            ports: Ports,
            searches: Searches,
            read: R,
            page: VecDeque<Result<T>>,
        }
        let under = Under { ports: self, searches, read, page: VecDeque::new() };
        stream::unfold(under, move |mut under| async move {
            while under.page.is_empty() {
                let Under { ports, searches, read, page } = &mut under;
                let Some((at, search)) = searches.front_mut() else { break };
                let reachable = ports.reachable(*at, action);
                if let Err(error) = reachable.and_then(|()| ports.available(action, Faulty::Search)) {
                    searches.clear();
                    return Some((Err(error), under));
                }
                let done = ports.lab.read(*at, |view| {
                    let found = search.advance(view, PAGE, PAGE * 20);
                    page.extend(found.ids.into_iter().map(|id| read(view, id)));
                    found.done
                });
                if done {
                    searches.pop_front();
                }
            }
            under.page.pop_front().map(|item| (item, under))
        })
        .boxed()
    }
}

impl LabForest {
    /// The controller that the ports use for a naming context: the first writable one of the domain.
    pub(super) fn home(&self, context: u8) -> usize {
        self.with(|state| home(state, context))
    }

    /// The controller that the ports use for an object, wherever it stands.
    pub(super) fn home_of(&self, view: View<'_>, target: &Target) -> usize {
        let object = view.resolve(target).and_then(|id| view.object(id));
        object.map_or(0, |object| home(view.state, object.context))
    }
}

fn home(state: &State, context: u8) -> usize {
    let serves = |controller: &Controller| controller.writable && controller.domain == context;
    state.controllers.iter().position(serves).unwrap_or_default()
}

fn user(view: View<'_>, id: Id) -> Result<ForestUser> {
    let object = view.object(id).ok_or_else(|| Error::new(ErrorKind::NotFound, "read the user"))?;
    let text = |attr| view.text(id, attr);
    let number = |attr| text(attr).and_then(|text| text.parse::<u32>().ok()).unwrap_or_default();
    let mut user = ForestUser::new(
        ObjectGuid::from_bytes(object.guid),
        DistinguishedName::parse(&view.dn(id))?,
        text(Attr::SAM_ACCOUNT_NAME).unwrap_or_default(),
    );
    user.upn = text(Attr::USER_PRINCIPAL_NAME);
    user.mail = text(Attr::MAIL);
    user.display_name = text(Attr::DISPLAY_NAME);
    let addresses = view.values(id, Attr::PROXY_ADDRESSES);
    user.proxy_addresses = addresses.into_iter().filter_map(|value| String::from_utf8(value).ok()).collect();
    user.sid = view.value(id, Attr::OBJECT_SID).map(|sid| Sid::from_slice(&sid)).transpose()?;
    user.user_account_control = number(Attr::USER_ACCOUNT_CONTROL);
    user.kind = AccountKind::of(object.class.chain().iter().copied(), user.user_account_control);
    user.expires =
        text(Attr::ACCOUNT_EXPIRES).and_then(|ticks| ticks.parse().ok()).and_then(ForestUser::expiry_of);
    let names = view.values(id, Attr::SERVICE_PRINCIPAL_NAME);
    user.service_principal_names =
        names.into_iter().filter_map(|value| String::from_utf8(value).ok()).collect();
    user.is_critical = text(Attr::IS_CRITICAL_SYSTEM_OBJECT).as_deref() == Some("TRUE");
    user.is_protected = number(Attr::ADMIN_COUNT) > 0;
    user.consistency_guid = view.value(id, Attr::MS_DS_CONSISTENCY_GUID);
    Ok(user)
}

pub(super) fn holder(view: View<'_>, id: Id) -> Result<UpnHolder> {
    let object = view.object(id).ok_or_else(|| Error::new(ErrorKind::NotFound, "read the account"))?;
    Ok(UpnHolder::new(
        ObjectGuid::from_bytes(object.guid),
        DistinguishedName::parse(&view.dn(id))?,
        view.text(id, Attr::SAM_ACCOUNT_NAME).unwrap_or_default(),
        view.text(id, Attr::USER_PRINCIPAL_NAME),
    ))
}
