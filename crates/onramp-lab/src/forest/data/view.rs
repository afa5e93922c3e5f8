//! The forest as one domain controller sees it.

use std::ops::ControlFlow;

use time::OffsetDateTime;

use super::controller::Controller;
use super::dn::{Rdn, Target, escape_rdn_value};
use super::object::{Id, NO_PARENT, Object, UnixNanos};
use super::state::{Context, ContextKind, Domain, State};
use super::text::{Short, fold};
use crate::forest::schema::{Attr, Class};

/// Update sequence number of the first object of a new database.
pub(crate) const FIRST_USN: u64 = 3000;

/// The part of the forest that is visible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DirectoryScope {
    /// Everything there is, for the lab itself.
    Whole,
    /// The naming contexts that the controller holds in full: what its directory serves.
    Directory,
    /// Every domain, with the attributes of the partial attribute set: what a global catalog serves.
    Catalog,
}

/// One controller's view. Copying it copies two references.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) state: &'a State,
    pub(crate) at: usize,
    pub(crate) directory_scope: DirectoryScope,
}

impl<'a> View<'a> {
    /// Everything, as one controller has it.
    pub(crate) fn new(state: &'a State, at: usize) -> Self {
        Self { state, at, directory_scope: DirectoryScope::Whole }
    }

    /// Returns true if the controller holds a naming context in full.
    pub(crate) fn holds(self, context: u8) -> bool {
        let of_a_domain = self.state.domains.iter().any(|domain| domain.context == context);
        !of_a_domain || self.controller().is_none_or(|controller| controller.domain == context)
    }

    /// Returns true if an object can be seen from here.
    pub(crate) fn shows(self, object: &Object) -> bool {
        self.directory_scope != DirectoryScope::Directory || self.holds(object.context)
    }

    /// Returns the domain that an object stands in.
    pub(crate) fn domain_of(self, object: &Object) -> Option<&'a Domain> {
        self.state.domains.iter().find(|domain| domain.context == object.context)
    }

    /// Returns the domain of the controller.
    pub(crate) fn domain(self) -> Option<&'a Domain> {
        let context = self.controller()?.domain;
        self.state.domains.iter().find(|domain| domain.context == context)
    }

    pub(crate) fn controller(self) -> Option<&'a Controller> {
        self.state.controllers.get(self.at)
    }

    pub(crate) fn object(self, id: Id) -> Option<&'a Object> {
        self.state.seen_by(self.at, id)
    }

    pub(crate) fn context_of(self, object: &Object) -> Option<&'a Context> {
        self.state.contexts.get(usize::from(object.context))
    }

    /// Returns the object that a client means.
    pub(crate) fn resolve(self, target: &Target) -> Option<Id> {
        self.named(target).filter(|&id| self.object(id).is_some_and(|object| !object.deleted))
    }

    /// Returns the object that a client means who also sees deleted ones.
    pub(crate) fn resolve_deleted(self, target: &Target) -> Option<Id> {
        self.named(target)
    }

    fn named(self, target: &Target) -> Option<Id> {
        match target {
            Target::Root => None,
            Target::Guid(guid) => self.state.find_guid(guid),
            Target::Sid(sid) => self.state.find_sid(sid),
            Target::Dn(rdns) => self.resolve_dn(rdns),
        }
        .filter(|&id| self.object(id).is_some_and(|object| self.shows(object)))
    }

    fn resolve_dn(self, rdns: &[Rdn]) -> Option<Id> {
        // The head of a domain is one object whose name has several components. That of a child domain is below its
        // parent's, so the longest name that fits is the right one.
        let is_label = |rdn: &Rdn, label: &str| rdn.kind == "dc" && rdn.folded() == label;
        let fits = |domain: &&Domain| {
            let labels: Vec<String> =
                domain.dns.as_str().split('.').map(|label| fold(label).into_owned()).collect();
            let tail = rdns.len().checked_sub(labels.len()).and_then(|start| rdns.get(start..));
            tail.is_some_and(|tail| tail.iter().zip(&labels).all(|(rdn, label)| is_label(rdn, label)))
        };
        let depth = |domain: &Domain| domain.dns.as_str().split('.').count();
        let domain = self.state.domains.iter().filter(fits).max_by_key(|domain| depth(domain))?;
        let below = rdns.get(..rdns.len().checked_sub(depth(domain))?)?;
        below
            .iter()
            .rev()
            .try_fold(domain.head, |parent, rdn| self.state.find_child(parent, &rdn.kind, &rdn.folded()))
    }

    /// Returns the DNS name of the controller's domain.
    pub(crate) fn domain_dns_name(self) -> Option<String> {
        Some(self.domain()?.dns.as_str().to_owned())
    }

    /// Returns the distinguished name of an object.
    pub(crate) fn dn(self, id: Id) -> String {
        let mut out = String::with_capacity(64);
        let mut at = id;
        while let Some(object) = self.object(at) {
            if !out.is_empty() {
                out.push(',');
            }
            let value = String::from_utf8_lossy(object.rdn_value());
            if object.class == Class::DomainDns {
                // The head of a domain has one component for each label of its DNS name.
                let domain = object.attrs.values(Attr::DNS_ROOT).next().unwrap_or_default();
                let domain = String::from_utf8_lossy(domain);
                let labels: Vec<String> = domain.split('.').map(|label| format!("DC={label}")).collect();
                out.push_str(&labels.join(","));
                break;
            }
            out.push_str(match object.class.naming_attribute() {
                Attr::OU => "OU=",
                _ => "CN=",
            });
            escape_rdn_value(&value, &mut out);
            if object.parent == NO_PARENT {
                break;
            }
            at = object.parent;
        }
        out
    }

    /// Returns true if `id` is `base` or below it.
    pub(crate) fn is_within(self, id: Id, base: Id) -> bool {
        let mut at = id;
        loop {
            if at == base {
                return true;
            }
            match self.object(at) {
                Some(object) if object.parent != NO_PARENT => at = object.parent,
                _ => return false,
            }
        }
    }

    /// Update sequence number of the object's last change here, and its time.
    pub(crate) fn changed(self, id: Id) -> (u64, UnixNanos) {
        let changed = self.controller().and_then(|c| c.overlay.changed.get(&id)).copied();
        changed.unwrap_or((FIRST_USN + u64::from(id), self.state.built))
    }

    /// Returns the objects that have `value` of an indexed attribute.
    pub(crate) fn with_value(self, attr: Attr, value: &[u8]) -> Vec<Id> {
        let overlay = self.controller().map(|c| &c.overlay);
        let unsettled = |id: &Id| overlay.is_some_and(|overlay| overlay.objects.contains_key(id));
        let mut ids: Vec<Id> = self.state.settled_with(attr, value).filter(|id| !unsettled(id)).collect();
        ids.extend(overlay.map(|overlay| overlay.with_value(attr, value)).unwrap_or_default());
        let has =
            |object: &Object| object.attrs.values(attr).any(|held| self.state.comparison.same(held, value));
        ids.retain(|&id| self.object(id).is_some_and(|object| !object.deleted && has(object)));
        ids
    }

    /// Calls `visit` with each value of an attribute until it breaks. Constructed attributes have values here too.
    pub(crate) fn each_value<B>(
        self,
        id: Id,
        attr: Attr,
        visit: &mut dyn FnMut(&[u8]) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        let Some(object) = self.object(id) else { return ControlFlow::Continue(()) };
        if self.directory_scope == DirectoryScope::Catalog
            && !attr.is_in_global_catalog()
            && self.domain_of(object).is_some()
        {
            return ControlFlow::Continue(());
        }
        match attr {
            Attr::OBJECT_CLASS | Attr::STRUCTURAL_OBJECT_CLASS => {
                object.class.chain().iter().try_for_each(|name| visit(name.as_bytes()))
            }
            Attr::NAME => visit(object.rdn_value()),
            Attr::DISTINGUISHED_NAME => visit(self.dn(id).as_bytes()),
            Attr::OBJECT_GUID => visit(&object.guid),
            Attr::OBJECT_CATEGORY if object.deleted => ControlFlow::Continue(()),
            Attr::OBJECT_CATEGORY => visit(self.category(object).as_bytes()),
            Attr::INSTANCE_TYPE => {
                let head = self.context_of(object).is_some_and(|context| context.head == id);
                visit(if head { b"5" } else { b"4" })
            }
            Attr::WHEN_CREATED => visit(generalized_time(self.state.built).as_bytes()),
            Attr::WHEN_CHANGED => visit(generalized_time(self.changed(id).1).as_bytes()),
            Attr::USN_CREATED => visit(Short::of(FIRST_USN + u64::from(id)).as_bytes()),
            Attr::USN_CHANGED => visit(Short::of(self.changed(id).0).as_bytes()),
            Attr::DNS_ROOT if object.class == Class::DomainDns => ControlFlow::Continue(()),
            Attr::IS_DELETED if object.deleted => visit(b"TRUE"),
            Attr::MEMBER_OF => self.each_link(id, Attr::MEMBER, visit),
            Attr::PSO_APPLIED => self.each_link(id, Attr::PSO_APPLIES_TO, visit),
            Attr::SERVER_REFERENCE_BL => self.each_link(id, Attr::SERVER_REFERENCE, visit),
            _ => object.attrs.values(attr).try_for_each(visit),
        }
    }

    /// Returns the first value of an attribute.
    pub(crate) fn value(self, id: Id, attr: Attr) -> Option<Vec<u8>> {
        let found = self.each_value(id, attr, &mut |value| ControlFlow::Break(value.to_vec()));
        found.break_value()
    }

    /// Returns the first value of an attribute as text.
    pub(crate) fn text(self, id: Id, attr: Attr) -> Option<String> {
        self.value(id, attr).and_then(|value| String::from_utf8(value).ok())
    }

    /// Returns all values of an attribute.
    pub(crate) fn values(self, id: Id, attr: Attr) -> Vec<Vec<u8>> {
        let mut values = Vec::new();
        let _: ControlFlow<()> = self.each_value(id, attr, &mut |value| {
            values.push(value.to_vec());
            ControlFlow::Continue(())
        });
        values
    }

    fn each_link<B>(
        self,
        id: Id,
        attr: Attr,
        visit: &mut dyn FnMut(&[u8]) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        let from = self.state.links.get(&(id, attr)).map(Vec::as_slice).unwrap_or_default();
        from.iter().try_for_each(|&from| visit(self.dn(from).as_bytes()))
    }

    fn category(self, object: &Object) -> String {
        let schema = self.state.contexts.iter().find(|context| context.kind == ContextKind::Schema);
        let schema = schema.map(|schema| self.dn(schema.head)).unwrap_or_default();
        format!("CN={},{schema}", object.class.category())
    }
}

/// A moment as directories write it: `20260101000000.0Z`.
pub(crate) fn generalized_time(moment: UnixNanos) -> Short {
    let Ok(time) = OffsetDateTime::from_unix_timestamp_nanos(i128::from(moment)) else {
        return Short::of("16010101000000.0Z");
    };
    let (year, month, day) = (time.year(), u8::from(time.month()), time.day());
    let (hour, minute, second) = time.to_hms();
    Short::of(format_args!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}.0Z"))
}
