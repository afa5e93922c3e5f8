//! The port for objects of any class, directly on the model.

use std::collections::BTreeMap;

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use onramp_core::forest::{AttributeValue, ForestObject, ForestObjects, ObjectQuery, ObjectRef, SearchScope};
use onramp_core::{
    AttributeName, BoxStream, DistinguishedName, Error, ErrorKind, LdapFilter, ObjectGuid, Result,
};

use super::Ports;
use super::searches::Searches;
use crate::forest::data::dn::Target;
use crate::forest::data::object::Id;
use crate::forest::data::view::View;
use crate::forest::fault::Operation as Faulty;
use crate::forest::reading::constructed;
use crate::forest::reading::filter::Filter;
use crate::forest::reading::matching::Test;
use crate::forest::reading::search::{Query, Scope};
use crate::forest::schema::{Attr, Source};
use crate::forest::security::access::Principal;

const SEARCH: &str = "search the forest for objects";
const GET: &str = "read the object";

#[async_trait]
impl ForestObjects for Ports {
    fn search(&self, query: ObjectQuery) -> BoxStream<'static, Result<ForestObject>> {
        let principal = self.principal;
        match self.begin(&query) {
            Ok(search) => {
                let read = move |view: View<'_>, id| object(view, id, &query.attributes, principal);
                self.clone().stream(SEARCH, search, read)
            }
            Err(error) => stream::once(async { Err(error) }).boxed(),
        }
    }

    async fn get(&self, wanted: &ObjectRef, attributes: &[AttributeName]) -> Result<ForestObject> {
        self.available(GET, Faulty::Search)?;
        let context = self.lab.read(0, |view| {
            let found = self.find(view, wanted)?;
            Ok::<_, Error>(found.first().and_then(|&id| view.object(id)).map_or(0, |object| object.context))
        })?;
        self.lab.read(self.lab.home(context), |view| {
            let ids = self.find(view, wanted)?;
            match ids.as_slice() {
                [id] => object(view, *id, attributes, self.principal),
                [] => Err(Error::new(ErrorKind::NotFound, GET).with_object(wanted)),
                several => {
                    let names: Vec<String> = several.iter().map(|&id| view.dn(id)).collect();
                    Err(Error::new(ErrorKind::Invalid, GET)
                        .with_object(wanted)
                        .with_detail(format!("more than one object answers to it: {}", names.join("; "))))
                }
            }
        })
    }
}

impl Ports {
    fn begin(&self, query: &ObjectQuery) -> Result<Searches> {
        let everything = LdapFilter::present(&AttributeName::from_static("objectClass"));
        let filter = query.filter.as_ref().unwrap_or(&everything);
        let filter = Filter::parse(filter.as_str())
            .ok_or_else(|| Error::new(ErrorKind::Invalid, SEARCH).with_object(filter))?;
        let scope = match query.scope {
            SearchScope::OneLevel => Scope::One,
            _ => Scope::Subtree,
        };
        let test = Test::compile(&filter);
        self.searches(query.base.as_ref(), |base| Query {
            base: Some(base),
            scope,
            test: test.clone(),
            deleted: query.include_deleted,
            principal: self.principal,
        })
    }

    /// Returns the objects that answer to a reference.
    fn find(&self, view: View<'_>, wanted: &ObjectRef) -> Result<Vec<Id>> {
        let mut ids: Vec<Id> = match wanted {
            ObjectRef::Guid(guid) => view.resolve(&Target::Guid(*guid.as_bytes())).into_iter().collect(),
            ObjectRef::Sid(sid) => view.resolve(&Target::Sid(sid.to_bytes())).into_iter().collect(),
            ObjectRef::Dn(dn) => {
                Target::parse(dn.as_str()).and_then(|target| view.resolve(&target)).into_iter().collect()
            }
            ObjectRef::Upn(upn) => view.with_value(Attr::USER_PRINCIPAL_NAME, upn.as_str().as_bytes()),
            ObjectRef::SamAccountName { domain, name } => {
                let domain = view.state.domains.iter().find(|known| known.dns == *domain);
                let named = view.with_value(Attr::SAM_ACCOUNT_NAME, name.as_bytes()).into_iter();
                let stands_in = |id: &Id| view.object(*id).map(|object| object.context);
                named
                    .filter(|id| domain.is_some_and(|domain| stands_in(id) == Some(domain.context)))
                    .collect()
            }
            other => return Err(Error::new(ErrorKind::Unsupported, GET).with_object(other)),
        };
        ids.retain(|&id| view.object(id).is_some_and(|object| self.principal.may_read(object.class)));
        Ok(ids)
    }
}

fn object(
    view: View<'_>,
    id: Id,
    attributes: &[AttributeName],
    principal: Principal,
) -> Result<ForestObject> {
    let guid = view.object(id).map(|object| object.guid).unwrap_or_default();
    let mut object = ForestObject::new(ObjectGuid::from_bytes(guid), DistinguishedName::parse(&view.dn(id))?);
    let values = |name: &AttributeName| {
        let attr = Attr::named(name.as_str())?;
        let values = match attr.info().source {
            Source::Constructed => constructed::values(view, id, attr, principal),
            _ => view.values(id, attr),
        };
        let values: Vec<AttributeValue> = values.into_iter().map(AttributeValue::bytes).collect();
        (!values.is_empty()).then(|| (name.clone(), values))
    };
    object.attributes = attributes.iter().filter_map(values).collect::<BTreeMap<_, _>>();
    Ok(object)
}
