//! The lab as other administrators and failing machines change it, behind the clients' backs.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use onramp_core::{DistinguishedName, Error, ErrorKind, ObjectGuid, Result};

use super::data::controller::{Controller, NewValues};
use super::data::dn::Target;
use super::data::object::nanoseconds;
use super::data::object::{Id, Meta, Object, UnixNanos};
use super::data::packed::Packer;
use super::data::state::State;
use super::data::view::View;
use super::schema::{Attr, Class};
use super::writing::values::relink;
use super::{Fault, LabForest, Operation, Overload};
use crate::tls::{LabCa, LabClientCertificate};

impl LabForest {
    /// Returns the object with that `sAMAccountName`, in any case.
    #[must_use]
    pub fn find_account(&self, sam_account_name: &str) -> Option<ObjectGuid> {
        self.read(0, |view| {
            let id = *view.with_value(Attr::SAM_ACCOUNT_NAME, sam_account_name.as_bytes()).first()?;
            view.object(id).map(|object| ObjectGuid::from_bytes(object.guid))
        })
    }

    /// Returns the object with that distinguished name.
    #[must_use]
    pub fn find(&self, dn: &DistinguishedName) -> Option<ObjectGuid> {
        self.read(0, |view| {
            let id = view.resolve(&Target::parse(dn.as_str())?)?;
            view.object(id).map(|object| ObjectGuid::from_bytes(object.guid))
        })
    }

    /// Returns the distinguished name of an object.
    #[must_use]
    pub fn dn_of(&self, guid: &ObjectGuid) -> Option<DistinguishedName> {
        self.read(0, |view| {
            let id = view.resolve(&Target::Guid(*guid.as_bytes()))?;
            DistinguishedName::parse(&view.dn(id)).ok()
        })
    }

    /// Returns the values of an attribute of an object as one domain controller has them, as text where they are text.
    ///
    /// # Errors
    /// `NotFound` if there is no such controller, object or attribute.
    pub fn values_on(&self, host: &str, guid: &ObjectGuid, attribute: &str) -> Result<Vec<String>> {
        let at = self.position(host)?;
        let attr = known(attribute)?;
        self.read(at, |view| {
            let id = view.resolve(&Target::Guid(*guid.as_bytes())).ok_or_else(|| not_found(guid))?;
            let text = |value: Vec<u8>| String::from_utf8_lossy(&value).into_owned();
            Ok(view.values(id, attr).into_iter().map(text).collect())
        })
    }

    /// Sets the values of an attribute on one domain controller, as another administrator would, without any check. It
    /// replicates like any other change.
    ///
    /// # Errors
    /// `NotFound` if there is no such controller, object or attribute.
    pub fn set_on(&self, host: &str, guid: &ObjectGuid, attribute: &str, values: &[&str]) -> Result<()> {
        let values: Vec<&[u8]> = values.iter().map(|value| value.as_bytes()).collect();
        self.set_bytes_on(host, guid, attribute, &values)
    }

    /// Sets values of any bytes, as [`set_on`](Self::set_on) does, also values that are not text, which a client cannot
    /// read.
    ///
    /// # Errors
    /// `NotFound` if there is no such controller, object or attribute.
    pub fn set_bytes_on(
        &self,
        host: &str,
        guid: &ObjectGuid,
        attribute: &str,
        values: &[&[u8]],
    ) -> Result<()> {
        let at = self.position(host)?;
        let attr = known(attribute)?;
        let values = values.iter().map(|value| value.to_vec()).collect();
        self.write(|state, now| {
            let target = Target::Guid(*guid.as_bytes());
            let id = View::new(state, at).resolve(&target).ok_or_else(|| not_found(guid))?;
            let change = NewValues { attr, values, raises: 1 };
            state.originate(at, id, vec![change.clone()], now);
            relink(state, at, id, &change);
            Ok(())
        })
    }

    /// Makes a certificate that signs in as an account, as one that is mapped to it does.
    ///
    /// # Errors
    /// `NotFound` if there is no such account.
    pub fn client_certificate(&self, ca: &LabCa, account: &ObjectGuid) -> Result<LabClientCertificate> {
        let dn = self.dn_of(account).ok_or_else(|| not_found(account))?;
        let certificate = ca.client_certificate(dn.as_str())?;
        let mut known = self.0.certificates.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(certificate.certificate_der.to_vec(), *account.as_bytes());
        Ok(certificate)
    }

    /// Moves an object into another container, on all domain controllers at once.
    ///
    /// # Errors
    /// `NotFound` if one of them does not exist.
    pub fn move_to(&self, guid: &ObjectGuid, container: &DistinguishedName) -> Result<()> {
        self.write(|state, now| {
            let view = View::new(state, 0);
            let target = Target::parse(container.as_str());
            let parent = target.and_then(|target| view.resolve(&target));
            let parent = parent.ok_or_else(|| not_found(container))?;
            change_everywhere(state, guid, now, Attr::CN, |object| object.parent = parent)
        })
    }

    /// Deletes an object, on all domain controllers at once. What is left of it stands in `CN=Deleted Objects`, with few
    /// attributes, for those who ask for deleted objects.
    ///
    /// # Errors
    /// `NotFound` if it does not exist.
    pub fn delete(&self, guid: &ObjectGuid) -> Result<()> {
        self.write(|state, now| {
            let view = View::new(state, 0);
            let id = view.resolve(&Target::Guid(*guid.as_bytes()));
            let object = id.and_then(|id| view.object(id)).ok_or_else(|| not_found(guid))?;
            let parent = view.dn(object.parent);
            let head = view.domain_of(object).map_or(0, |domain| domain.head);
            let grave = state.find_child(head, "cn", "deleted objects").ok_or_else(|| not_found(guid))?;
            change_everywhere(state, guid, now, Attr::IS_DELETED, |object| bury(object, grave, &parent))
        })
    }

    /// Keeps changes that were made elsewhere from a domain controller.
    ///
    /// # Errors
    /// `NotFound` if there is no such domain controller.
    pub fn hold_replication(&self, host: &str) -> Result<()> {
        self.change_controller(host, |state, at| set(state, at, |controller| controller.held = true))
    }

    /// Lets a domain controller have changes again.
    ///
    /// # Errors
    /// `NotFound` if there is no such domain controller.
    pub fn release_replication(&self, host: &str) -> Result<()> {
        self.change_controller(host, |state, at| set(state, at, |controller| controller.held = false))
    }

    /// Switches a domain controller off: it takes no connections, and existing ones end.
    ///
    /// # Errors
    /// `NotFound` if there is no such domain controller.
    pub fn stop_controller(&self, host: &str) -> Result<()> {
        self.change_controller(host, |state, at| set(state, at, |controller| controller.stopped = true))
    }

    /// Switches a domain controller on again.
    ///
    /// # Errors
    /// `NotFound` if there is no such domain controller.
    pub fn start_controller(&self, host: &str) -> Result<()> {
        self.change_controller(host, |state, at| set(state, at, |controller| controller.stopped = false))
    }

    /// Sets how far the clock of a domain controller is ahead of the right time; a negative time is behind it.
    ///
    /// # Errors
    /// `NotFound` if there is no such domain controller.
    pub fn set_clock_offset(&self, host: &str, offset: time::Duration) -> Result<()> {
        let offset = UnixNanos::try_from(offset.whole_nanoseconds()).unwrap_or_default();
        self.change_controller(host, |state, at| set(state, at, |one| one.clock_offset = offset))
    }

    /// Sets the replication delay from now on, changes in flight included.
    pub fn set_replication_delay(&self, delay: Duration) {
        self.0.delay.store(nanoseconds(delay), Ordering::Release);
        self.write(|_, _| ());
    }

    /// Gives the next `times` operations of a kind a fault, on whichever domain controller they happen. Several calls for
    /// one kind follow each other.
    pub fn inject(&self, operation: Operation, fault: Fault, times: u64) {
        self.0.faults.plan(operation, fault, 0, times);
    }

    /// Like [`inject`](Self::inject), after `after` operations of that kind that go well.
    pub fn inject_after(&self, after: u64, operation: Operation, fault: Fault, times: u64) {
        self.0.faults.plan(operation, fault, after, times);
    }

    /// Lets somebody else change the forest after `after` changes of clients from now on, just before the next one is done:
    /// what happens between a client's look and its write. Changes over LDAP and through the ports count.
    ///
    /// ```
    /// use onramp_lab::forest::LabForest;
    /// # fn main() -> onramp_core::Result<()> {
    /// let lab = LabForest::builder().users(10).build()?;
    /// lab.before_write(0, |forest| {
    ///     if let Some(guest) = forest.find_account("Guest") {
    ///         let _ = forest.set_on("dc1.corp.local", &guest, "userPrincipalName", &["theirs@corp.local"]);
    ///     }
    /// });
    /// # Ok(()) }
    /// ```
    pub fn before_write(&self, after: u64, change: impl FnOnce(&Self) + Send + 'static) {
        self.0.faults.before_write(after, Box::new(change));
    }

    pub(super) fn run_concurrent_changes(&self) {
        // Outside of every lock, so that they can do whatever a test can.
        self.0.faults.changes().into_iter().for_each(|act| act(self));
    }

    /// Makes an enabled user in a container, on all domain controllers at once, as another administrator does. Names are
    /// not checked.
    ///
    /// # Errors
    /// `NotFound` if there is no such container.
    pub fn create_user(
        &self,
        container: &DistinguishedName,
        account: &str,
        upn: Option<&str>,
    ) -> Result<ObjectGuid> {
        self.write(|state, now| {
            let view = View::new(state, 0);
            let parent = Target::parse(container.as_str()).and_then(|target| view.resolve(&target));
            let parent = parent.ok_or_else(|| not_found(container))?;
            let place = view.object(parent).ok_or_else(|| not_found(container))?;
            let (context, head) = (place.context, view.domain_of(place).map(|domain| domain.head));
            let mut attrs = Packer::default();
            attrs.push(Attr::CN, account);
            attrs.push(Attr::SAM_ACCOUNT_NAME, account);
            attrs.push_all(Attr::USER_PRINCIPAL_NAME, upn.as_slice());
            attrs.push(Attr::USER_ACCOUNT_CONTROL, "512");
            attrs.push(Attr::SAM_ACCOUNT_TYPE, "805306368");
            attrs.push(Attr::PRIMARY_GROUP_ID, "513");
            attrs.push_all(Attr::OBJECT_SID, new_sid(view, head).as_slice());
            let guid = new_guid(state.objects.len());
            let object =
                Object { guid, parent, class: Class::User, context, deleted: false, attrs: attrs.finish() };
            let id = state.insert(object);
            let written =
                [Attr::CN, Attr::SAM_ACCOUNT_NAME, Attr::USER_PRINCIPAL_NAME, Attr::USER_ACCOUNT_CONTROL];
            for (origin, controller) in state.controllers.iter_mut().enumerate() {
                controller.usn += 1;
                let meta = Meta { version: 1, time: now, origin, usn: controller.usn };
                written.into_iter().for_each(|attr| controller.overlay.meta.set(id, attr, meta));
                controller.overlay.touch(id, controller.usn, now);
            }
            Ok(ObjectGuid::from_bytes(guid))
        })
    }

    /// Forgets the faults that did not happen yet, and the concurrent changes that were not made yet.
    pub fn clear_faults(&self) {
        self.0.faults.clear();
    }

    /// Sets the latency of each answer, besides the work, as of a distant server. Answers to several requests in
    /// flight on one connection take that long together, not one after the other.
    pub fn set_latency(&self, latency: Duration) {
        self.0.faults.set_latency(latency);
    }

    /// Sets the number of changes that each domain controller accepts at a time over LDAP, and its reaction to more.
    /// `None`, the default, is any number.
    pub fn set_write_capacity(&self, capacity: Option<(usize, Overload)>) {
        self.0.faults.set_capacity(capacity);
    }

    fn change_controller(&self, host: &str, change: impl FnOnce(&mut State, usize)) -> Result<()> {
        let at = self.position(host)?;
        self.write(|state, now| {
            // What was due arrives before the way is cut.
            self.replicate(state, now);
            change(state, at);
        });
        Ok(())
    }

    pub(super) fn position(&self, host: &str) -> Result<usize> {
        let at = self.with(|state| {
            let same = |name: &str| name.eq_ignore_ascii_case(host);
            state.controllers.iter().position(|controller| same(&controller.host) || same(&controller.name))
        });
        at.ok_or_else(|| Error::new(ErrorKind::NotFound, "find the domain controller").with_object(host))
    }
}

fn set(state: &mut State, at: usize, change: impl FnOnce(&mut Controller)) {
    if let Some(controller) = state.controllers.get_mut(at) {
        change(controller);
    }
}

/// Reduces an object to what remains of a deleted one ([MS-ADTS] 3.1.1.5.5.1.1).
fn bury(object: &mut Object, grave: Id, last_known_parent: &str) {
    let naming = object.class.naming_attribute();
    let mut name = object.rdn_value().to_vec();
    name.extend(format!("\nDEL:{}", ObjectGuid::from_bytes(object.guid)).into_bytes());
    let mut left = Packer::default();
    left.push(naming, name);
    for attr in [Attr::OBJECT_SID, Attr::SAM_ACCOUNT_NAME, Attr::USER_ACCOUNT_CONTROL] {
        left.push_all(attr, &object.attrs.values(attr).collect::<Vec<_>>());
    }
    left.push(Attr::LAST_KNOWN_PARENT, last_known_parent);
    object.attrs = left.finish();
    object.parent = grave;
    object.deleted = true;
}

/// Changes what is the same for every controller: where an object is and whether it is deleted. On each it counts as a
/// change of that attribute.
fn change_everywhere(
    state: &mut State,
    guid: &ObjectGuid,
    now: UnixNanos,
    attr: Attr,
    change: impl Fn(&mut Object),
) -> Result<()> {
    let id = state.find_guid(guid.as_bytes()).ok_or_else(|| not_found(guid))?;
    let mut settled = state.object(id).cloned().ok_or_else(|| not_found(guid))?;
    change(&mut settled);
    state.replace(id, settled);
    for (origin, controller) in state.controllers.iter_mut().enumerate() {
        if let Some(object) = controller.overlay.take(id) {
            let mut object = std::sync::Arc::unwrap_or_clone(object);
            change(&mut object);
            controller.overlay.set(id, std::sync::Arc::new(object));
        }
        controller.usn += 1;
        let known = controller.overlay.meta.get(id, attr).or_else(|| state.meta.get(id, attr));
        let version = known.map_or(1, |meta| meta.version) + 1;
        controller.overlay.meta.set(id, attr, Meta { version, time: now, origin, usn: controller.usn });
        controller.overlay.touch(id, controller.usn, now);
    }
    Ok(())
}

/// A SID that nobody in the domain has: its own with the next relative identifier.
fn new_sid(view: View<'_>, head: Option<Id>) -> Option<Vec<u8>> {
    let mut sid = view.value(head?, Attr::OBJECT_SID)?;
    let rids = (0..view.state.objects.len() as Id).filter_map(|id| view.value(id, Attr::OBJECT_SID));
    let rids = rids.filter_map(|other| {
        let rid = other.get(sid.len()..)?.try_into().ok()?;
        Some(u32::from_le_bytes(rid))
    });
    let rid = rids.max().unwrap_or_default().max(1103).checked_add(1)?;
    sid.extend(rid.to_le_bytes());
    *sid.get_mut(1)? += 1;
    Some(sid)
}

/// A GUID that follows from how many objects there were, and that is no other's.
fn new_guid(objects: usize) -> [u8; 16] {
    let mut guid = *b"stranger\0\0\0\0\0\0\0\0";
    let [.., a, b, c, d, e, f, g, h] = &mut guid;
    [*a, *b, *c, *d, *e, *f, *g, *h] = (objects as u64).to_be_bytes();
    guid
}

fn known(attribute: &str) -> Result<Attr> {
    let found = Attr::named(attribute);
    found.ok_or_else(|| {
        Error::new(ErrorKind::NotFound, "find in the schema the attribute").with_object(attribute)
    })
}

fn not_found(object: &impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::NotFound, "find in the lab's forest").with_object(object)
}
