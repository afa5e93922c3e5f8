//! The port of the users, directly on the model.

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use onramp_core::forest::{AccountKind, ForestUser, ForestUsers, UpnOwner, UserQuery};
use onramp_core::{BoxStream, DistinguishedName, Error, ErrorKind, ObjectGuid, Result, Sid};

use super::Ports;
use super::searches::Searches;
use crate::forest::data::dn::Target;
use crate::forest::data::object::Id;
use crate::forest::data::view::View;
use crate::forest::fault::Operation as Faulty;
use crate::forest::reading::filter::Filter;
use crate::forest::reading::matching::Test;
use crate::forest::reading::search::{Query, Scope};
use crate::forest::schema::Attr;

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

    fn upn_owners(&self) -> BoxStream<'static, Result<UpnOwner>> {
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
}

impl Ports {
    pub(super) fn read_user(&self, guid: &ObjectGuid) -> Result<ForestUser> {
        let target = Target::Guid(*guid.as_bytes());
        let at = self.lab.read(0, |view| self.lab.home_of(view, &target));
        self.reachable(at, "read the user")?;
        self.lab.read(at, |view| {
            let id = view.resolve(&target);
            let id = id.filter(|&id| view.object(id).is_some_and(|object| object.class.is_account()));
            user(view, id.ok_or_else(|| Error::new(ErrorKind::NotFound, "read the user").with_object(guid))?)
        })
    }

    pub(super) fn start(&self, query: &UserQuery, filter: &str) -> Result<Searches> {
        let action = "search the forest for users";
        let invalid = || Error::new(ErrorKind::Invalid, action);
        let mut filters = vec![Filter::parse(filter).ok_or_else(invalid)?];
        if let Some(filter) = &query.filter {
            filters.push(Filter::parse(filter.as_str()).ok_or_else(|| invalid().with_object(filter))?);
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
}

fn user(view: View<'_>, id: Id) -> Result<ForestUser> {
    let object = view.object(id).ok_or_else(|| Error::new(ErrorKind::NotFound, "read the user"))?;
    let text = |attr| view.text(id, attr);
    let number = |attr| text(attr).and_then(|text| text.parse::<u32>().ok()).unwrap_or_default();
    let guid = ObjectGuid::from_bytes(object.guid);
    let mut user = ForestUser::new(
        guid,
        name(view, id)?,
        readable(view, id, Attr::SAM_ACCOUNT_NAME)?.unwrap_or_default(),
    );
    user.upn = readable(view, id, Attr::USER_PRINCIPAL_NAME)?;
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

pub(super) fn holder(view: View<'_>, id: Id) -> Result<UpnOwner> {
    let object = view.object(id).ok_or_else(|| Error::new(ErrorKind::NotFound, "read the account"))?;
    Ok(UpnOwner::new(
        ObjectGuid::from_bytes(object.guid),
        name(view, id)?,
        readable(view, id, Attr::SAM_ACCOUNT_NAME)?.unwrap_or_default(),
        readable(view, id, Attr::USER_PRINCIPAL_NAME)?,
    ))
}

fn name(view: View<'_>, id: Id) -> Result<DistinguishedName> {
    let dn = view.dn(id);
    DistinguishedName::parse(&dn).map_err(|error| unreadable(&dn, "its name").with_source(error))
}

/// Returns the value of an attribute that is text, or an error that does not end the list.
fn readable(view: View<'_>, id: Id, attr: Attr) -> Result<Option<String>> {
    let text = view.value(id, attr).map(String::from_utf8).transpose();
    text.map_err(|error| unreadable(&view.dn(id), attr.name()).with_source(error))
}

fn unreadable(dn: &str, what: &str) -> Error {
    Error::new(ErrorKind::Unreadable, "read the account")
        .with_object(dn)
        .with_detail(format!("{what} is no text"))
}
