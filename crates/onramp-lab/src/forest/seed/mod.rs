//! A new forest: everything a directory has before anybody works with it, and the people.

mod accounts;
mod controllers;
mod partitions;

use onramp_core::{DomainName, Password};

use crate::forest::data::object::{Id, Object, UnixNanos};
use crate::forest::data::packed::{Packed, Packer};
use crate::forest::data::state::State;
use crate::forest::data::view::View;
use crate::forest::schema::{Attr, Class};
use crate::people::People;
use crate::random::SeededNumbers;

/// Every forest was built on 1 January 2024, so that the same seed gives the same forest.
const BUILT: UnixNanos = 1_704_067_200_000_000_000;
/// Relative identifiers below are for what every domain has.
const FIRST_RID: u32 = 1104;

/// The layout of a forest to build.
#[derive(Debug, Clone)]
pub(super) struct ForestLayout {
    /// The domain at the root.
    pub(super) root: DomainLayout,
    /// The others; a child comes after its parent.
    pub(super) others: Vec<DomainLayout>,
    pub(super) seed: u64,
    /// The controllers of each domain stand in these sites by turns.
    pub(super) sites: Vec<String>,
}

/// The layout of a domain to build.
#[derive(Debug, Clone)]
pub(super) struct DomainLayout {
    pub(super) domain: DomainName,
    pub(super) netbios: String,
    pub(super) people: People,
    pub(super) users: u64,
    pub(super) writable: usize,
    pub(super) read_only: usize,
    /// The number of writable controllers that are global catalogs.
    pub(super) catalogs: usize,
}

/// The objects that the rest of the lab needs to know.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct WellKnownObjects {
    pub(super) domain: Id,
    pub(super) configuration: Id,
    pub(super) schema: Id,
    pub(super) partitions: Id,
    pub(super) password_settings: Id,
    pub(super) administrator: Id,
    pub(super) domain_admins: Id,
}

/// Builds a forest.
pub(super) fn build(layout: ForestLayout) -> (State, WellKnownObjects) {
    let mut builder = Builder::new(&layout);
    builder.naming_contexts();
    builder.schema();
    builder.domain_containers();
    builder.configuration();
    let mut controllers = builder.controllers();
    builder.built_in_accounts();
    builder.people();
    for domain in &layout.others {
        builder.begin_domain(domain);
        builder.domain_containers();
        controllers.extend(builder.controllers());
        builder.built_in_accounts();
        builder.people();
    }
    builder.finish(controllers)
}

/// A password that follows from the seed: long, with all kinds of characters.
pub(super) fn password(seed: u64, stream: u64) -> Password {
    let mut rng = SeededNumbers::of_stream(seed, stream);
    Password::new(format!("Lab-{:016x}-{:08X}", rng.next_u64(), rng.next_u32()))
}

struct Builder<'a> {
    layout: &'a ForestLayout,
    /// The domain that is being built, its naming context and the head of it.
    domain: &'a DomainLayout,
    context: u8,
    head: Id,
    rng: SeededNumbers,
    state: State,
    well_known: WellKnownObjects,
    domain_sid: Vec<u8>,
    next_rid: u32,
    users: Id,
    computers: Id,
    domain_controllers: Id,
    site_servers: Vec<Id>,
    /// The objects of the domains that name the holders of roles, each with the naming context of its domain.
    role_objects: Vec<(Id, u8)>,
}

impl<'a> Builder<'a> {
    fn new(layout: &'a ForestLayout) -> Self {
        let mut rng = SeededNumbers::of_stream(layout.seed, 1);
        let domain_sid = domain_sid(&mut rng);
        Self {
            layout,
            domain: &layout.root,
            context: 0,
            head: 0,
            rng,
            state: State::built_at(BUILT),
            well_known: WellKnownObjects::default(),
            domain_sid,
            next_rid: FIRST_RID,
            users: 0,
            computers: 0,
            domain_controllers: 0,
            site_servers: Vec::new(),
            role_objects: Vec::new(),
        }
    }

    fn container(&mut self, parent: Id, name: &str) -> Id {
        self.insert(parent, Class::Container, self.context, named(name))
    }

    fn unit(&mut self, parent: Id, name: &str) -> Id {
        let mut attrs = Packer::default();
        attrs.push(Attr::OU, name);
        self.insert(parent, Class::OrganizationalUnit, self.context, attrs)
    }

    fn insert(&mut self, parent: Id, class: Class, context: u8, attrs: Packer) -> Id {
        let attrs: Packed = attrs.finish();
        let guid = self.guid();
        self.state.insert(Object { guid, parent, class, context, deleted: false, attrs })
    }

    fn push_new_sid(&mut self, attrs: &mut Packer) {
        let rid = self.next_rid;
        self.next_rid += 1;
        self.push_sid(attrs, rid);
    }

    fn push_sid(&self, attrs: &mut Packer, rid: u32) {
        let mut sid = self.domain_sid.clone();
        sid.extend(rid.to_le_bytes());
        if let Some(count) = sid.get_mut(1) {
            *count += 1;
        }
        attrs.push(Attr::OBJECT_SID, sid);
    }

    fn guid(&mut self) -> [u8; 16] {
        let mut guid = self.rng.next_u128().to_be_bytes();
        // Version 4, as directories make them; the version stands in the high byte of the third number.
        let [.., seventh, variant, _, _, _, _, _, _, _] = &mut guid;
        *seventh = *seventh & 0x0f | 0x40;
        *variant = *variant & 0x3f | 0x80;
        guid
    }

    fn dn(&self, id: Id) -> String {
        View::new(&self.state, 0).dn(id)
    }
}

/// S-1-5-21 and three numbers; a relative identifier follows in each account's.
fn domain_sid(rng: &mut SeededNumbers) -> Vec<u8> {
    let mut sid = vec![1, 4, 0, 0, 0, 0, 0, 5];
    [21, rng.next_u32(), rng.next_u32(), rng.next_u32()]
        .iter()
        .for_each(|part: &u32| sid.extend(part.to_le_bytes()));
    sid
}

fn named(common_name: &str) -> Packer {
    let mut attrs = Packer::default();
    attrs.push(Attr::CN, common_name);
    attrs
}
