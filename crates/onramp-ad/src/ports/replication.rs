//! [`Replication`] and [`ReplicationMetadata`]: the values on each domain controller, asked one by one.

use std::future::{Future, ready};
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream::{self, StreamExt};
use onramp_core::forest::{
    AttributeValue, ChangedObject, ChangesQuery, DomainController, InvocationId, ReplicatedValue,
    Replication, ReplicationCursor, ReplicationMetadata, ReplicationPosition, ValueStamp,
};
use onramp_core::{
    AttributeName, BoxStream, DistinguishedName, Error, ErrorKind, LdapFilter, ObjectGuid, Result, UpnSuffix,
};
use tokio::time::timeout;

use crate::ldap::base::Base;
use crate::ldap::connection_handle::ConnectionHandle;
use crate::ldap::exchange_error::ExchangeError;
use crate::ports::suffixes::explicit;
use crate::ports::up_to_dateness::{
    attribute_id, decode_cursor_xml, decode_partner, decode_property, decode_property_xml, decode_vector,
};
use crate::ports::users::read_upn;
use crate::search::entry::Entry;
use crate::search::object::{identity, unreadable};
use crate::search::request::{Search, anything};
use crate::topology::Topology;

const USN_CHANGED: AttributeName = AttributeName::from_static("uSNChanged");

/// [`Replication`] and [`ReplicationMetadata`] over LDAP.
#[derive(Debug)]
pub(crate) struct DirectoryReplication(pub(crate) Topology);

#[async_trait]
impl Replication for DirectoryReplication {
    async fn controllers(&self) -> Result<Vec<DomainController>> {
        self.0.controllers().await
    }

    async fn holds(&self, controller: &DomainController, value: &ReplicatedValue) -> Result<bool> {
        const ACTION: &str = "look on a domain controller for the";
        let handle = self.0.handle_of(controller).map_err(|error| error.during(ACTION).with_object(value))?;
        let partitions = self.0.root_dse().await?.partitions();
        let asking = async {
            match value {
                ReplicatedValue::Suffix { suffix } => {
                    let values = explicit(&handle, &partitions).await?;
                    let is_it =
                        |text: &String| UpnSuffix::parse(text).is_ok_and(|held| held.is_same_as(suffix));
                    Ok(values.iter().any(is_it))
                }
                ReplicatedValue::UserUpn { guid, upn, .. } => {
                    // Compared exactly: a change of case must arrive too. An object that is not there yet has
                    // no UPN.
                    let held = read_upn(&handle, guid).await?;
                    Ok(held.flatten().is_some_and(|held| held == upn.as_str()))
                }
                other => Err(ExchangeError::not_sent(
                    handle.host(),
                    ErrorKind::Unsupported,
                    format!("this topology cannot look for the {other}"),
                )),
            }
        };
        let answer = self.within_probe(&handle, asking).await;
        answer.map_err(|error| error.during(ACTION).with_object(value))
    }
}

#[async_trait]
impl ReplicationMetadata for DirectoryReplication {
    async fn writer(&self, context: &DistinguishedName) -> Result<DomainController> {
        let handle = self.0.writable_dc(context).await?;
        let bootstrap_dc = self.0.bootstrap_dc().await?;
        let controllers = self.0.controllers().await?;
        let found = if Arc::ptr_eq(&handle, &bootstrap_dc.handle) {
            // The caller may have named it by another name than its own.
            let settings = &bootstrap_dc.root_dse.settings;
            controllers.into_iter().find(|controller| controller.settings == *settings)
        } else {
            controllers.into_iter().find(|controller| controller.host.eq_ignore_ascii_case(handle.host()))
        };
        found.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "find among the domain controllers of the forest")
                .with_object(handle.host())
                .with_detail("it is not listed in the Configuration partition")
                .with_hint("It was just promoted or is being removed; try again later, or name another one.")
        })
    }

    async fn position(
        &self,
        controller: &DomainController,
        context: &DistinguishedName,
    ) -> Result<ReplicationPosition> {
        let named = |error: ExchangeError| {
            error
                .during(format!("read from {} the replication state of", controller.host))
                .with_object(context)
        };
        let handle = self.0.handle_of(controller).map_err(named)?;
        self.within_probe(&handle, position(&handle, context)).await.map_err(named)
    }

    fn changes(
        &self,
        controller: &DomainController,
        query: ChangesQuery,
    ) -> BoxStream<'static, Result<ChangedObject>> {
        let ChangesQuery { context, from_usn, attribute, filter, .. } = query;
        let others = filter.unwrap_or_else(anything);
        let filter = match from_usn {
            0 => others,
            from_usn => LdapFilter::at_least(&USN_CHANGED, from_usn).and(&others),
        };
        let wanted = ["objectGUID", "uSNChanged", attribute.as_str()];
        let named = |error: ExchangeError, context: &DistinguishedName| {
            error.during("read the changes in").with_object(context)
        };
        let handle = match self.0.handle_of(controller) {
            Ok(handle) => handle,
            Err(error) => return stream::once(ready(Err(named(error, &context)))).boxed(),
        };
        let entries = handle.entries(Search::below(&context, filter, &wanted));
        entries
            .map(move |entry| match entry {
                Ok(entry) => changed_object(&entry, &attribute),
                Err(error) => Err(named(error, &context)),
            })
            .boxed()
    }

    async fn stamp(
        &self,
        controller: &DomainController,
        object: &ObjectGuid,
        attribute: &AttributeName,
    ) -> Result<ValueStamp> {
        const ACTION: &str = "read the replication metadata of";
        let handle =
            self.0.handle_of(controller).map_err(|error| error.during(ACTION).with_object(object))?;
        let wanted = [attribute.as_str(), "replPropertyMetaData", "msDS-ReplAttributeMetaData"];
        let reading = handle.read(Search::object(object, &wanted));
        let found = self.within_probe(&handle, reading).await;
        let entry = found.map_err(|error| error.during(ACTION).with_object(object))?.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, ACTION)
                .with_object(object)
                .with_detail(format!("{} does not have the object", controller.host))
        })?;
        Ok(stamp(&entry, attribute.as_str()))
    }
}

impl DirectoryReplication {
    /// Limits the time of one domain controller, with the time to connect.
    async fn within_probe<T>(
        &self,
        handle: &ConnectionHandle,
        asking: impl Future<Output = Result<T, ExchangeError>>,
    ) -> Result<T, ExchangeError> {
        let limit = self.0.settings().timeouts.probe;
        timeout(limit, asking).await.unwrap_or_else(|_| Err(ExchangeError::timed_out(handle.host(), limit)))
    }
}

async fn position(
    handle: &Arc<ConnectionHandle>,
    context: &DistinguishedName,
) -> Result<ReplicationPosition, ExchangeError> {
    let missing = |what: &str| ExchangeError::malformed(handle.host(), format!("its root DSE has no {what}"));
    let root = Search::object(Base::Root, &["dsServiceName", "highestCommittedUSN"]);
    let root = handle.read(root).await?.ok_or_else(|| missing("entry"))?;
    let highest = root.text("highestCommittedUSN").and_then(|text| text.parse().ok());
    let settings = root.text("dsServiceName").ok_or_else(|| missing("dsServiceName"))?;
    let settings = handle.read(Search::object(&handle.name(&settings)?, &["invocationId"])).await?;
    let identity = settings.as_ref().and_then(|entry| entry.bytes("invocationId"));
    let identity = identity.and_then(|bytes| InvocationId::from_slice(bytes).ok());
    let vector = vector(handle, context).await?;
    Ok(ReplicationPosition::new(identity, highest.ok_or_else(|| missing("highestCommittedUSN"))?, vector))
}

/// Reads the up-to-dateness vector; if that is denied, its XML form, for accounts that may monitor
/// replication.
async fn vector(
    handle: &Arc<ConnectionHandle>,
    context: &DistinguishedName,
) -> Result<Option<Vec<ReplicationCursor>>, ExchangeError> {
    let read = async |attributes: &[&str]| handle.read(Search::object(context, attributes)).await;
    let head = read(&["replUpToDateVector", "repsFrom"]).await?.ok_or_else(|| {
        ExchangeError::not_sent(handle.host(), ErrorKind::NotFound, format!("it does not hold {context}"))
    })?;
    if let Some(bytes) = head.bytes("replUpToDateVector") {
        let malformed =
            || ExchangeError::malformed(handle.host(), "an up-to-dateness vector of another shape");
        let mut cursors = decode_vector(bytes).ok_or_else(malformed)?;
        // The vectors of Samba have no times; its list of partners has.
        for (partner, at) in head.all_bytes("repsFrom").filter_map(decode_partner) {
            if let Some(cursor) = cursors.iter_mut().find(|cursor| cursor.invocation_id == partner) {
                cursor.last_sync = cursor.last_sync.max(Some(at));
            }
        }
        return Ok(Some(cursors));
    }
    // A refused read means that the account lacks the right.
    let Ok(Some(head)) = read(&["msDS-NCReplCursors"]).await else { return Ok(None) };
    let cursors: Vec<_> = head.all_texts("msDS-NCReplCursors").collect();
    let cursors: Vec<_> = cursors.iter().filter_map(|text| decode_cursor_xml(text)).collect();
    Ok(Some(cursors).filter(|cursors| !cursors.is_empty()))
}

fn changed_object(entry: &Entry, attribute: &AttributeName) -> Result<ChangedObject> {
    let (guid, dn) = identity(entry)?;
    let usn = entry.usn("uSNChanged").ok_or_else(|| {
        unreadable(entry, "its uSNChanged is not visible to this account")
            .with_hint("Sign in with an account that may read the directory.")
    })?;
    Ok(ChangedObject::new(guid, dn, usn, entry.bytes(attribute.as_str()).map(AttributeValue::bytes)))
}

fn stamp(entry: &Entry, attribute: &str) -> ValueStamp {
    let from_xml =
        entry.all_texts("msDS-ReplAttributeMetaData").find_map(|text| decode_property_xml(&text, attribute));
    let written =
        from_xml.or_else(|| decode_property(entry.bytes("replPropertyMetaData")?, attribute_id(attribute)?));
    ValueStamp::new(entry.bytes(attribute).map(AttributeValue::bytes), written)
}
