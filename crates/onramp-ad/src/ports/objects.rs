//! [`ForestObjects`]: objects of any class, with any attributes.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use onramp_core::forest::{ForestObject, ForestObjects, ObjectQuery, ObjectRef, SearchScope};
use onramp_core::{AttributeName, BoxStream, DistinguishedName, Error, ErrorKind, LdapFilter, Result};

use crate::ldap::base::Base;
use crate::ldap::base::explain_base;
use crate::ldap::connection_handle::ConnectionHandle;
use crate::search::entry::Entry;
use crate::search::object::{names, object};
use crate::search::paged::until_error;
use crate::search::request::{Search, anything};
use crate::topology::Topology;

const SEARCH: &str = "read the objects below";
const GET: &str = "read the object";
const UPN: AttributeName = AttributeName::from_static("userPrincipalName");
const SAM_ACCOUNT_NAME: AttributeName = AttributeName::from_static("sAMAccountName");

/// [`ForestObjects`] over LDAP.
#[derive(Debug)]
pub(crate) struct DirectoryObjects(pub(crate) Topology);

#[async_trait]
impl ForestObjects for DirectoryObjects {
    fn search(&self, query: ObjectQuery) -> BoxStream<'static, Result<ForestObject>> {
        let topology = self.0.clone();
        let places = async move {
            let bases = match &query.base {
                Some(base) => vec![base.clone()],
                None => topology.domains().await?.into_iter().map(|domain| domain.naming_context).collect(),
            };
            let query = Arc::new(query);
            let found = bases.into_iter().map(move |base| {
                stream::once(objects_below(topology.clone(), base, Arc::clone(&query))).try_flatten()
            });
            Ok::<_, Error>(stream::iter(found).flatten())
        };
        until_error(stream::once(places).try_flatten()).boxed()
    }

    async fn get(&self, wanted: &ObjectRef, attributes: &[AttributeName]) -> Result<ForestObject> {
        let found = match wanted {
            ObjectRef::Guid(guid) => self.everywhere(wanted, &read(guid, attributes)).await?,
            ObjectRef::Sid(sid) => self.everywhere(wanted, &read(sid, attributes)).await?,
            ObjectRef::Dn(dn) => match self.0.context_of(dn).await? {
                Some(context) => {
                    let handle = self.0.writable_dc(&context).await?;
                    let found = handle.read(read(dn, attributes)).await;
                    found.map_err(|error| error.during(GET).with_object(wanted))?
                }
                None => None,
            },
            ObjectRef::Upn(upn) => {
                let filter = LdapFilter::equal(&UPN, upn.as_str());
                let domains = self.0.domains().await?.into_iter().map(|domain| domain.naming_context);
                self.only(wanted, domains.collect(), &filter, attributes).await?
            }
            ObjectRef::SamAccountName { domain, name } => {
                let filter = LdapFilter::equal(&SAM_ACCOUNT_NAME, name);
                let domains = self.0.domains().await?.into_iter().filter(|known| known.dns_name == *domain);
                let domains = domains.map(|domain| domain.naming_context).collect();
                self.only(wanted, domains, &filter, attributes).await?
            }
            other => return Err(Error::new(ErrorKind::Unsupported, GET).with_object(other)),
        };
        let found = found.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, GET)
                .with_object(wanted)
                .with_hint("It may have been deleted, or this account may not see it.")
        })?;
        object(found, attributes)
    }
}

impl DirectoryObjects {
    /// Reads an object by an identity without a base: from the bootstrap domain controller, then from one of
    /// each other domain.
    async fn everywhere(&self, wanted: &ObjectRef, search: &Search) -> Result<Option<Entry>> {
        let read = async |handle: Arc<ConnectionHandle>| {
            handle.read(search.clone()).await.map_err(|error| error.during(GET).with_object(wanted))
        };
        if let Some(found) = read(self.0.bootstrap_dc().await?.handle).await? {
            return Ok(Some(found));
        }
        for domain in self.0.domains().await? {
            if self.0.root_dse().await?.holds(&domain.naming_context) {
                continue;
            }
            if let Some(found) = read(self.0.writable_dc(&domain.naming_context).await?).await? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Reads the only object of some domains that matches a filter.
    async fn only(
        &self,
        wanted: &ObjectRef,
        domains: Vec<DistinguishedName>,
        filter: &LdapFilter,
        attributes: &[AttributeName],
    ) -> Result<Option<Entry>> {
        let mut found = Vec::new();
        for domain in domains {
            let handle = self.0.writable_dc(&domain).await?;
            let search = Search::below(&domain, filter.clone(), &names(attributes));
            found
                .extend(handle.collect(search).await.map_err(|error| error.during(GET).with_object(wanted))?);
        }
        if found.len() > 1 {
            let names: Vec<&str> = found.iter().map(|entry| entry.dn.as_str()).collect();
            return Err(Error::new(ErrorKind::Invalid, GET)
                .with_object(wanted)
                .with_detail(format!("more than one object has this name: {}", names.join("; ")))
                .with_hint(
                    "Name the object by its GUID or distinguished name, or give one of them another name.",
                ));
        }
        Ok(found.pop())
    }
}

/// Streams the objects at and below a base, from a domain controller with a full replica.
async fn objects_below(
    topology: Topology,
    base: DistinguishedName,
    query: Arc<ObjectQuery>,
) -> Result<BoxStream<'static, Result<ForestObject>>> {
    let context = topology.context_of(&base).await?.ok_or_else(|| {
        Error::new(ErrorKind::NotFound, SEARCH)
            .with_object(&base)
            .with_detail("it is in none of the forest's naming contexts")
            .with_hint("Check the distinguished name.")
    })?;
    let handle = topology.writable_dc(&context).await?;
    let filter = query.filter.clone().unwrap_or_else(anything);
    let search = match query.scope {
        SearchScope::OneLevel => Search::children(&base, filter, &names(&query.attributes)),
        _ => Search::below(&base, filter, &names(&query.attributes)),
    };
    let entries = handle.entries(search.with_deleted(query.include_deleted));
    Ok(entries
        .map(move |entry| match entry {
            Ok(entry) => object(entry, &query.attributes),
            Err(error) => Err(explain_base(error).during(SEARCH).with_object(&base)),
        })
        .boxed())
}

fn read(target: impl Into<Base>, attributes: &[AttributeName]) -> Search {
    Search::object(target, &names(attributes))
}
