//! The ports of replication and of its metadata, directly on the model.

use std::collections::VecDeque;

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use onramp_core::forest::{
    AttributeValue, ChangedObject, ChangesQuery, DomainController, InvocationId, OriginatingWrite,
    ReplicatedValue, Replication, ReplicationCursor, ReplicationMetadata, ReplicationPosition, ValueStamp,
};
use onramp_core::{
    AttributeName, BoxStream, DistinguishedName, Error, ErrorKind, LdapFilter, ObjectGuid, Result,
};
use time::OffsetDateTime;

use super::Ports;
use crate::forest::data::dn::Target;
use crate::forest::data::object::{Id, UnixNanos};
use crate::forest::data::view::View;
use crate::forest::fault::Operation as Faulty;
use crate::forest::reading::constructed::{cursors, written};
use crate::forest::reading::filter::Filter;
use crate::forest::reading::matching::Test;
use crate::forest::reading::search::{Query, Scope, Search};
use crate::forest::schema::{Attr, Class};

/// Changes are read this many at a time.
const PAGE: usize = 1000;

#[async_trait]
impl Replication for Ports {
    async fn controllers(&self) -> Result<Vec<DomainController>> {
        self.available("list the domain controllers of", Faulty::Search)?;
        self.lab.read(0, |view| (0..view.state.controllers.len()).map(|at| describe(view, at)).collect())
    }

    async fn holds(&self, controller: &DomainController, value: &ReplicatedValue) -> Result<bool> {
        if !controller.has_host_name() {
            return Err(Error::new(ErrorKind::Unavailable, "look at")
                .with_object(&controller.host)
                .with_detail("the Configuration partition has no host name for it"));
        }
        let at = self.lab.position(&controller.host)?;
        self.reachable(at, "look at")?;
        self.lab.read(at, |view| match value {
            ReplicatedValue::Suffix { suffix } => {
                Ok(self.explicit_suffixes(view).any(|held| held.is_same_as(suffix)))
            }
            ReplicatedValue::UserUpn { guid, upn, .. } => {
                let id = view.resolve(&Target::Guid(*guid.as_bytes()));
                let value = id.and_then(|id| view.text(id, Attr::USER_PRINCIPAL_NAME));
                Ok(value.as_deref() == Some(upn.as_str()))
            }
            _ => Err(Error::new(ErrorKind::Unsupported, "look for").with_object(value)),
        })
    }
}

#[async_trait]
impl ReplicationMetadata for Ports {
    async fn writer(&self, context: &DistinguishedName) -> Result<DomainController> {
        let controllers = self.controllers().await?;
        let found = controllers.into_iter().find(|one| !one.is_read_only && one.holds(context));
        found.ok_or_else(|| {
            Error::new(ErrorKind::Unavailable, "find a writable domain controller of").with_object(context)
        })
    }

    async fn position(
        &self,
        controller: &DomainController,
        context: &DistinguishedName,
    ) -> Result<ReplicationPosition> {
        const ACTION: &str = "read the replication state of";
        let at = self.lab.position(&controller.host)?;
        self.reachable(at, ACTION)?;
        self.lab.read(at, |view| {
            let missing = || Error::new(ErrorKind::NotFound, ACTION).with_object(context);
            let head = Target::parse(context.as_str()).and_then(|target| view.resolve(&target));
            let head = head.ok_or_else(missing)?;
            view.object(head).filter(|head| view.holds(head.context)).ok_or_else(missing)?;
            let own = view.controller().ok_or_else(missing)?;
            let identity = own.writable.then(|| InvocationId::from_bytes(own.invocation));
            let vector = (!view.state.vectors_hidden).then(|| cursors(view, head)).flatten().map(|cursors| {
                let cursors = cursors.into_iter().map(|cursor| ReplicationCursor {
                    invocation_id: InvocationId::from_bytes(cursor.invocation),
                    usn: cursor.usn,
                    last_sync: cursor.in_step.and_then(time),
                });
                cursors.collect()
            });
            Ok(ReplicationPosition::new(identity, own.usn, vector))
        })
    }

    fn changes(
        &self,
        controller: &DomainController,
        query: ChangesQuery,
    ) -> BoxStream<'static, Result<ChangedObject>> {
        match self.start_changes(controller, query) {
            Ok(under) => stream::unfold(under, Changes::next).boxed(),
            Err(error) => stream::once(async { Err(error) }).boxed(),
        }
    }

    async fn stamp(
        &self,
        controller: &DomainController,
        object: &ObjectGuid,
        attribute: &AttributeName,
    ) -> Result<ValueStamp> {
        const ACTION: &str = "read who wrote a value of";
        let at = self.lab.position(&controller.host)?;
        self.reachable(at, ACTION)?;
        let attr = known(attribute)?;
        self.lab.read(at, |view| {
            let id = view.resolve(&Target::Guid(*object.as_bytes()));
            let id = id.ok_or_else(|| Error::new(ErrorKind::NotFound, ACTION).with_object(object))?;
            let write = written(view, id, attr).and_then(|meta| {
                let by = view.state.controllers.get(meta.origin)?.invocation;
                Some(OriginatingWrite {
                    version: meta.version,
                    at: time(meta.time)?,
                    by: InvocationId::from_bytes(by),
                    usn: meta.usn,
                })
            });
            Ok(ValueStamp::new(view.value(id, attr).map(AttributeValue::bytes), write))
        })
    }
}

impl Ports {
    fn start_changes(&self, controller: &DomainController, query: ChangesQuery) -> Result<Changes> {
        const ACTION: &str = "read the changes in";
        let ChangesQuery { context, from_usn, attribute, filter, .. } = query;
        let at = self.lab.position(&controller.host)?;
        let attr = known(&attribute)?;
        let filter = filter.as_ref().map_or("(objectClass=*)", LdapFilter::as_str);
        let filter = format!("(&(uSNChanged>={from_usn}){filter})");
        let invalid = || Error::new(ErrorKind::Invalid, ACTION).with_object(&filter);
        let test = Test::compile(&Filter::parse(&filter).ok_or_else(invalid)?);
        let search = self.lab.read(at, |view| {
            let base = Target::parse(context.as_str()).and_then(|target| view.resolve(&target));
            let base = base.ok_or_else(|| Error::new(ErrorKind::NotFound, ACTION).with_object(&context))?;
            let principal = self.principal;
            let query = Query { base: Some(base), scope: Scope::Subtree, test, deleted: false, principal };
            Ok::<_, Error>(Search::new(view, query))
        })?;
        Ok(Changes { ports: self.clone(), at, attr, search, page: VecDeque::new(), done: false })
    }
}

/// Changes being read.
struct Changes {
    ports: Ports,
    at: usize,
    attr: Attr,
    search: Search,
    page: VecDeque<Result<ChangedObject>>,
    done: bool,
}

impl Changes {
    async fn next(mut self) -> Option<(Result<ChangedObject>, Self)> {
        while self.page.is_empty() && !self.done {
            if let Err(error) = self.ports.reachable(self.at, "read the changes on") {
                self.done = true;
                return Some((Err(error), self));
            }
            let Self { ports, at, attr, search, page, done } = &mut self;
            ports.lab.read(*at, |view| {
                let found = search.advance(view, PAGE, PAGE * 20);
                page.extend(found.ids.into_iter().map(|id| changed(view, id, *attr)));
                *done = found.done;
            });
        }
        self.page.pop_front().map(|item| (item, self))
    }
}

fn changed(view: View<'_>, id: Id, attr: Attr) -> Result<ChangedObject> {
    let object = view.object(id).ok_or_else(|| Error::new(ErrorKind::NotFound, "read the object"))?;
    Ok(ChangedObject::new(
        ObjectGuid::from_bytes(object.guid),
        DistinguishedName::parse(&view.dn(id))?,
        view.changed(id).0,
        view.value(id, attr).map(AttributeValue::bytes),
    ))
}

fn known(attribute: &AttributeName) -> Result<Attr> {
    let found = Attr::named(attribute.as_str());
    found.ok_or_else(|| {
        Error::new(ErrorKind::NotFound, "find in the schema the attribute").with_object(attribute)
    })
}

/// Directories count these times in whole seconds.
fn time(moment: UnixNanos) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp(moment.div_euclid(1_000_000_000)).ok()
}

/// A controller, from what the Configuration partition says of it.
fn describe(view: View<'_>, at: usize) -> Result<DomainController> {
    let missing = || Error::new(ErrorKind::NotFound, "read the settings of a domain controller");
    let controller = view.state.controllers.get(at).ok_or_else(missing)?;
    let settings = view.object(controller.dsa).ok_or_else(missing)?;
    let server = view.object(settings.parent).ok_or_else(missing)?;
    let site = view.object(server.parent).and_then(|servers| view.object(servers.parent));
    let contexts = [Attr::MS_DS_HAS_MASTER_NCS, Attr::MS_DS_HAS_FULL_REPLICA_NCS];
    let contexts = contexts.into_iter().flat_map(|attr| view.values(controller.dsa, attr));
    let contexts = contexts.map(|dn| DistinguishedName::parse(&String::from_utf8_lossy(&dn)));
    let options: u32 =
        view.text(controller.dsa, Attr::OPTIONS).and_then(|text| text.parse().ok()).unwrap_or_default();
    let name = || String::from_utf8_lossy(server.rdn_value()).into_owned();
    let mut described = DomainController::new(
        view.text(settings.parent, Attr::DNS_HOST_NAME).unwrap_or_else(name),
        DistinguishedName::parse(&view.dn(controller.dsa))?,
        site.map(|site| String::from_utf8_lossy(site.rdn_value()).into_owned()).unwrap_or_default(),
        contexts.collect::<std::result::Result<_, _>>()?,
    );
    described.is_global_catalog = options & 1 != 0;
    described.is_read_only = settings.class == Class::NtdsDsaRo;
    described.inbound_disabled = options & 2 != 0;
    let identity = view.value(controller.dsa, Attr::INVOCATION_ID);
    described.invocation_id = identity.and_then(|bytes| InvocationId::from_slice(&bytes).ok());
    Ok(described)
}
