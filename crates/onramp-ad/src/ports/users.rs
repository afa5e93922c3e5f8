//! [`ForestUsers`]: users and UPN owners.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use onramp_core::forest::{AccountKind, ForestUser, ForestUsers, UpnOwner, UserQuery};
use onramp_core::{
    AttributeName, BoxStream, DistinguishedName, Error, ErrorKind, LdapFilter, ObjectGuid, ParseError,
    Result, Sid,
};

use crate::ldap::base::explain_base;
use crate::ldap::connection_handle::ConnectionHandle;
use crate::ldap::exchange_error::ExchangeError;
use crate::search::entry::Entry;
use crate::search::object::{identity, invalid_value};
use crate::search::{
    paged::until_error,
    request::{Search, of_class},
};
use crate::topology::Topology;

const OBJECT_CATEGORY: AttributeName = AttributeName::from_static("objectCategory");
const UPN: AttributeName = AttributeName::from_static("userPrincipalName");
const SAM_ACCOUNT_NAME: AttributeName = AttributeName::from_static("sAMAccountName");
const USER_ATTRIBUTES: &[&str] = &[
    "objectGUID",
    "sAMAccountName",
    "userPrincipalName",
    "mail",
    "displayName",
    "proxyAddresses",
    "objectSid",
    "userAccountControl",
    "accountExpires",
    "servicePrincipalName",
    "objectClass",
    "isCriticalSystemObject",
    "adminCount",
    "mS-DS-ConsistencyGuid",
];
const HOLDER_ATTRIBUTES: &[&str] = &["objectGUID", "sAMAccountName", "userPrincipalName"];

/// [`ForestUsers`] over LDAP.
#[derive(Debug)]
pub(crate) struct DirectoryUsers(pub(crate) Topology);

#[async_trait]
impl ForestUsers for DirectoryUsers {
    fn search(&self, query: UserQuery) -> BoxStream<'static, Result<ForestUser>> {
        let topology = self.0.clone();
        let filter = query.filter.map_or_else(is_user, |more| is_user().and(&more));
        let places = async move {
            let bases = match query.base {
                Some(base) => vec![base],
                None => topology.domains().await?.into_iter().map(|domain| domain.naming_context).collect(),
            };
            let found = bases.into_iter().map(move |base| {
                let (topology, filter) = (topology.clone(), filter.clone());
                stream::once(users_below(topology, base, filter)).try_flatten()
            });
            Ok::<_, Error>(stream::iter(found).flatten())
        };
        until_error(stream::once(places).try_flatten()).boxed()
    }

    fn upn_owners(&self) -> BoxStream<'static, Result<UpnOwner>> {
        let topology = self.0.clone();
        let places = async move {
            let named = LdapFilter::present(&UPN).or(&LdapFilter::present(&SAM_ACCOUNT_NAME));
            let domains = topology.domains().await?;
            let found = domains.into_iter().map(move |domain| {
                stream::once(holders_of(topology.clone(), domain.naming_context, named.clone())).try_flatten()
            });
            Ok::<_, Error>(stream::iter(found).flatten())
        };
        until_error(stream::once(places).try_flatten()).boxed()
    }

    async fn get(&self, guid: &ObjectGuid) -> Result<ForestUser> {
        const ACTION: &str = "read the user";
        let search = Search::object(guid, USER_ATTRIBUTES).matching(of_class("user"));
        let read = async |handle: Arc<ConnectionHandle>| {
            let found =
                handle.read(search.clone()).await.map_err(|error| error.during(ACTION).with_object(guid))?;
            found.as_ref().map(user).transpose()
        };
        if let Some(found) = read(self.0.bootstrap_dc().await?.handle).await? {
            return Ok(found);
        }
        for domain in self.0.domains().await? {
            if self.0.root_dse().await?.holds(&domain.naming_context) {
                continue;
            }
            if let Some(found) = read(self.0.writable_dc(&domain.naming_context).await?).await? {
                return Ok(found);
            }
        }
        Err(Error::new(ErrorKind::NotFound, ACTION)
            .with_object(guid)
            .with_hint("It may have been deleted, or this account may not see it."))
    }
}

/// Returns a filter for users. Computers are of class user too, but of another category.
fn is_user() -> LdapFilter {
    LdapFilter::equal(&OBJECT_CATEGORY, "person").and(&of_class("user"))
}

/// Reads the UPN of an object on one domain controller: `None` without the object, `Some(None)` without a
/// UPN.
pub(crate) async fn read_upn(
    handle: &Arc<ConnectionHandle>,
    guid: &ObjectGuid,
) -> Result<Option<Option<String>>, ExchangeError> {
    let found = handle.read(Search::object(guid, &["userPrincipalName"])).await?;
    Ok(found.map(|entry| entry.text("userPrincipalName")))
}

/// Streams the users at and below a base, from a domain controller with a full replica.
async fn users_below(
    topology: Topology,
    base: DistinguishedName,
    filter: LdapFilter,
) -> Result<BoxStream<'static, Result<ForestUser>>> {
    let context = topology.context_of(&base).await?.ok_or_else(|| {
        Error::new(ErrorKind::NotFound, "read the users below")
            .with_object(&base)
            .with_detail("it is in none of the forest's domains")
            .with_hint("Check the distinguished name.")
    })?;
    let handle = topology.writable_dc(&context).await?;
    let entries = handle.entries(Search::below(&base, filter, USER_ATTRIBUTES));
    Ok(entries
        .map(move |entry| match entry {
            Ok(entry) => user(&entry),
            Err(error) => Err(explain_base(error).during("read the users below").with_object(&base)),
        })
        .boxed())
}

/// Streams the matching security principals of a domain: from the bootstrap domain controller if it has a
/// full replica, else from a global catalog, which has the names of every domain of the forest.
pub(crate) async fn holders_of(
    topology: Topology,
    domain: DistinguishedName,
    filter: LdapFilter,
) -> Result<BoxStream<'static, Result<UpnOwner>>> {
    let bootstrap_dc = topology.bootstrap_dc().await?;
    let handle = if bootstrap_dc.root_dse.holds(&domain) {
        bootstrap_dc.handle
    } else {
        topology.global_catalog(&domain).await?
    };
    let entries = handle.entries(Search::below(&domain, filter, HOLDER_ATTRIBUTES));
    Ok(entries
        .map(move |entry| match entry {
            Ok(entry) => holder(&entry),
            Err(error) => Err(error.during("read the principals of the domain").with_object(&domain)),
        })
        .boxed())
}
fn user(entry: &Entry) -> Result<ForestUser> {
    let (guid, dn) = identity(entry)?;
    // Values that decide about an account are read without loss; values for display need not be.
    let invalid = |error: ParseError| invalid_value(entry, &error);
    let name = entry.exact_text("sAMAccountName").map_err(invalid)?.unwrap_or_default();
    let mut user = ForestUser::new(guid, dn, name);
    user.upn = entry.exact_text("userPrincipalName").map_err(invalid)?;
    user.mail = entry.exact_text("mail").map_err(invalid)?;
    user.display_name = entry.text("displayName");
    user.proxy_addresses = entry.exact_texts("proxyAddresses").collect::<Result<_, _>>().map_err(invalid)?;
    let sid = |entry: &Entry| Sid::from_slice(entry.bytes("objectSid")?).ok();
    user.sid = entry.exact("objectSid", sid).map_err(invalid)?;
    let flags =
        entry.exact("userAccountControl", |entry| entry.flags("userAccountControl")).map_err(invalid)?;
    user.user_account_control = flags.unwrap_or(user.user_account_control);
    let classes: Vec<String> = entry.all_texts("objectClass").collect();
    user.kind = AccountKind::of(classes.iter().map(String::as_str), user.user_account_control);
    user.expires = entry.integer("accountExpires").and_then(ForestUser::expiry_of);
    user.service_principal_names = entry.all_texts("servicePrincipalName").collect();
    user.is_critical = entry.is_true("isCriticalSystemObject");
    let count = entry.exact("adminCount", |entry| entry.integer("adminCount")).map_err(invalid)?;
    user.is_protected = count.is_some_and(|count| count > 0);
    user.consistency_guid = entry.bytes("mS-DS-ConsistencyGuid").map(<[u8]>::to_vec);
    Ok(user)
}

fn holder(entry: &Entry) -> Result<UpnOwner> {
    let (guid, dn) = identity(entry)?;
    let invalid = |error: ParseError| invalid_value(entry, &error);
    let sam_account_name = entry.exact_text("sAMAccountName").map_err(invalid)?.unwrap_or_default();
    Ok(UpnOwner::new(guid, dn, sam_account_name, entry.exact_text("userPrincipalName").map_err(invalid)?))
}
