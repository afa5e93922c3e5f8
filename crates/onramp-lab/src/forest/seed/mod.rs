//! A new forest: everything a directory has before anybody works with it, and the people.

use onramp_core::{DomainName, Password};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::forest::data::controller::{Controller, Shape};
use crate::forest::data::packed::{Packed, Packer};
use crate::forest::data::state::{Context, ContextKind, Domain, Id, Moment, NO_PARENT, Object, State};
use crate::forest::data::view::{FIRST_USN, View};
use crate::forest::schema::subschema;
use crate::forest::schema::{Attr, Class, Source};
use crate::people::{DEPARTMENTS, People, Person};

/// Every forest was built on 1 January 2024, so that the same seed gives the same forest.
const BUILT: Moment = 1_704_067_200_000_000_000;
/// The same in hundreds of nanoseconds since 1601, as `pwdLastSet` has it.
const BUILT_FILE_TIME: &str = "133485408000000000";
const NEVER: &str = "9223372036854775807";
/// Relative identifiers below are for what every domain has.
const FIRST_RID: u32 = 1104;

/// What a forest is made from.
#[derive(Debug, Clone)]
pub(super) struct Blueprint {
    /// The domain at the root.
    pub(super) root: DomainBlueprint,
    /// The others; a child comes after its parent.
    pub(super) others: Vec<DomainBlueprint>,
    pub(super) seed: u64,
    /// The controllers of each domain stand in these sites by turns.
    pub(super) sites: Vec<String>,
}

/// What a domain is made from.
#[derive(Debug, Clone)]
pub(super) struct DomainBlueprint {
    pub(super) domain: DomainName,
    pub(super) netbios: String,
    pub(super) people: People,
    pub(super) users: u64,
    pub(super) writable: usize,
    pub(super) read_only: usize,
    /// How many of the writable controllers are global catalogs.
    pub(super) catalogs: usize,
}

/// The objects that the rest of the lab needs to know.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Landmarks {
    pub(super) domain: Id,
    pub(super) configuration: Id,
    pub(super) schema: Id,
    pub(super) partitions: Id,
    pub(super) password_settings: Id,
    pub(super) administrator: Id,
    pub(super) domain_admins: Id,
}

/// Builds a forest.
pub(super) fn build(blueprint: Blueprint) -> (State, Landmarks) {
    let mut builder = Builder::new(&blueprint);
    builder.naming_contexts();
    builder.schema();
    builder.domain_containers();
    builder.configuration();
    let mut controllers = builder.controllers();
    builder.built_in_accounts();
    builder.people();
    for domain in &blueprint.others {
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
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    Password::new(format!("Lab-{:016x}-{:08X}", rng.next_u64(), rng.next_u32()))
}

struct Builder<'a> {
    blueprint: &'a Blueprint,
    /// The domain that is being built, its naming context and the head of it.
    domain: &'a DomainBlueprint,
    context: u8,
    head: Id,
    rng: ChaCha8Rng,
    state: State,
    marks: Landmarks,
    domain_sid: Vec<u8>,
    next_rid: u32,
    users: Id,
    computers: Id,
    domain_controllers: Id,
    site_servers: Vec<Id>,
}

/// A controller whose objects were made; the controller itself is made when everything else is there.
struct Planned {
    name: String,
    host: String,
    invocation: [u8; 16],
    dsa: Id,
    domain: u8,
    catalog: bool,
    writable: bool,
}

impl<'a> Builder<'a> {
    fn new(blueprint: &'a Blueprint) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(blueprint.seed);
        rng.set_stream(1);
        let domain_sid = domain_sid(&mut rng);
        Self {
            blueprint,
            domain: &blueprint.root,
            context: 0,
            head: 0,
            rng,
            state: State::built_at(BUILT),
            marks: Landmarks::default(),
            domain_sid,
            next_rid: FIRST_RID,
            users: 0,
            computers: 0,
            domain_controllers: 0,
            site_servers: Vec::new(),
        }
    }

    fn naming_contexts(&mut self) {
        self.marks.domain = self.domain_head(NO_PARENT);
        self.marks.configuration =
            self.insert(self.marks.domain, Class::Configuration, 1, named("Configuration"));
        self.marks.schema = self.insert(self.marks.configuration, Class::Dmd, 2, named("Schema"));
        let kinds = [ContextKind::Domain, ContextKind::Configuration, ContextKind::Schema];
        let heads = [self.marks.domain, self.marks.configuration, self.marks.schema];
        self.state.contexts =
            kinds.into_iter().zip(heads).map(|(kind, head)| Context { kind, head }).collect();
    }

    /// Goes on with another domain.
    fn begin_domain(&mut self, domain: &'a DomainBlueprint) {
        self.domain = domain;
        self.context = u8::try_from(self.state.contexts.len()).unwrap_or(u8::MAX);
        self.domain_sid = domain_sid(&mut self.rng);
        self.next_rid = FIRST_RID;
        let above = |known: &&Domain| known.dns != domain.domain && domain.domain.is_within(&known.dns);
        let parents = self.state.domains.iter().filter(above);
        let parent = parents
            .max_by_key(|known| known.dns.labels().count())
            .map(|known| (known.head, known.netbios.clone()));
        let head = self.domain_head(parent.as_ref().map_or(NO_PARENT, |(head, _)| *head));
        self.state.contexts.push(Context { kind: ContextKind::Domain, head });
        let reference = |name: &str| self.state.find_child(self.marks.partitions, "cn", &name.to_lowercase());
        let root = reference(&self.blueprint.root.netbios).map(|id| self.dn(id)).unwrap_or_default();
        let trust = match &parent {
            Some((_, netbios)) => {
                (Attr::TRUST_PARENT, reference(netbios).map(|id| self.dn(id)).unwrap_or_default())
            }
            None => (Attr::ROOT_TRUST, root),
        };
        self.cross_reference(&domain.netbios, head, "3", Some(trust));
    }

    fn domain_head(&mut self, parent: Id) -> Id {
        let domain = &self.domain.domain;
        let first_label = domain.labels().next().unwrap_or_default().to_owned();
        let mut attrs = Packer::default();
        attrs.push(Attr::DC, &first_label);
        attrs.push(Attr::DNS_ROOT, domain.as_str());
        attrs.push(Attr::OBJECT_SID, &self.domain_sid);
        attrs.push(Attr::MS_DS_BEHAVIOR_VERSION, "7");
        attrs.push(Attr::MIN_PWD_LENGTH, "7");
        attrs.push(Attr::PWD_HISTORY_LENGTH, "24");
        attrs.push(Attr::PWD_PROPERTIES, "1");
        attrs.push(Attr::MAX_PWD_AGE, "-36288000000000");
        attrs.push(Attr::MIN_PWD_AGE, "-864000000000");
        attrs.push(Attr::LOCKOUT_THRESHOLD, "0");
        attrs.push(Attr::LOCKOUT_DURATION, "-18000000000");
        attrs.push(Attr::LOCKOUT_OBSERVATION_WINDOW, "-18000000000");
        self.head = self.insert(parent, Class::DomainDns, self.context, attrs);
        self.state.domains.push(Domain {
            context: self.context,
            head: self.head,
            dns: self.domain.domain.clone(),
            netbios: self.domain.netbios.clone(),
            administrator: NO_PARENT,
        });
        self.head
    }

    fn schema(&mut self) {
        for class in Class::ALL {
            // Several classes share a category; the one that has its name comes first.
            let taken = self.state.find_child(self.marks.schema, "cn", &class.category().to_lowercase());
            let common_name = if taken.is_some() { class.name() } else { class.category() };
            let mut attrs = named(common_name);
            attrs.push(Attr::LDAP_DISPLAY_NAME, class.name());
            self.insert(self.marks.schema, Class::ClassSchema, 2, attrs);
        }
        for attr in Attr::all().filter(|attr| attr.info().source != Source::Constructed) {
            let name = attr.name();
            if self.state.find_child(self.marks.schema, "cn", &name.to_lowercase()).is_some() {
                continue;
            }
            let mut attrs = named(name);
            attrs.push(Attr::LDAP_DISPLAY_NAME, name);
            attrs.push(Attr::IS_SINGLE_VALUED, if attr.info().single { "TRUE" } else { "FALSE" });
            self.insert(self.marks.schema, Class::AttributeSchema, 2, attrs);
        }
        self.insert(self.marks.schema, Class::SubSchema, 2, named(subschema::COMMON_NAME));
    }

    fn domain_containers(&mut self) {
        let domain = self.head;
        self.users = self.container(domain, "Users");
        self.computers = self.container(domain, "Computers");
        self.container(domain, "Builtin");
        self.domain_controllers = self.unit(domain, "Domain Controllers");
        let system = self.container(domain, "System");
        let settings = named("Password Settings Container");
        let container = self.insert(system, Class::PasswordSettingsContainer, self.context, settings);
        if self.context == 0 {
            self.marks.password_settings = container;
        }
        // It is deleted itself, so that only who asks for deleted objects sees it.
        let graves = self.container(domain, "Deleted Objects");
        if let Some(mut container) = self.state.object(graves).cloned() {
            container.deleted = true;
            self.state.replace(graves, container);
        }
    }

    fn configuration(&mut self) {
        let configuration = self.marks.configuration;
        self.marks.partitions = self.insert(configuration, Class::CrossRefContainer, 1, named("Partitions"));
        let netbios = self.domain.netbios.clone();
        let contexts = [
            ("Enterprise Configuration", self.marks.configuration, "1"),
            ("Enterprise Schema", self.marks.schema, "1"),
            (netbios.as_str(), self.marks.domain, "3"),
        ];
        for (name, head, flags) in contexts {
            self.cross_reference(name, head, flags, None);
        }
        let sites = self.insert(configuration, Class::SitesContainer, 1, named("Sites"));
        for name in &self.blueprint.sites {
            let site = self.insert(sites, Class::Site, 1, named(name));
            let servers = self.insert(site, Class::ServersContainer, 1, named("Servers"));
            self.site_servers.push(servers);
        }
        let services = self.insert(configuration, Class::Container, 1, named("Services"));
        let windows = self.insert(services, Class::Container, 1, named("Windows NT"));
        let service = self.insert(windows, Class::NtdsService, 1, named("Directory Service"));
        let policies = self.insert(service, Class::Container, 1, named("Query-Policies"));
        let mut limits = named("Default Query Policy");
        limits.push_all(
            Attr::LDAP_ADMIN_LIMITS,
            &["MaxPageSize=1000", "MaxValRange=1500", "MaxConnIdleTime=900", "MaxReceiveBuffer=10485760"],
        );
        self.insert(policies, Class::QueryPolicy, 1, limits);
    }

    fn cross_reference(&mut self, name: &str, head: Id, flags: &str, trust: Option<(Attr, String)>) {
        let mut attrs = named(name);
        attrs.push(Attr::N_C_NAME, self.dn(head));
        attrs.push(Attr::DNS_ROOT, self.domain.domain.as_str());
        attrs.push(Attr::SYSTEM_FLAGS, flags);
        if head == self.head {
            attrs.push(Attr::NETBIOS_NAME, &self.domain.netbios);
        }
        if let Some((attr, reference)) = trust {
            attrs.push(attr, reference);
        }
        self.insert(self.marks.partitions, Class::CrossRef, 1, attrs);
    }

    fn controllers(&mut self) -> Vec<Planned> {
        let count = self.domain.writable + self.domain.read_only;
        (0..count).map(|at| self.controller(at + 1, at < self.domain.writable)).collect()
    }

    fn controller(&mut self, number: usize, writable: bool) -> Planned {
        let name = format!("DC{number}");
        let host = format!("dc{number}.{}", self.domain.domain);
        let catalog = !writable || number <= self.domain.catalogs;
        let contexts = [self.head, self.marks.configuration, self.marks.schema];
        let contexts = contexts.map(|head| self.dn(head));

        let mut account = named(&name);
        account.push(Attr::SAM_ACCOUNT_NAME, format!("{name}$"));
        account.push(Attr::USER_ACCOUNT_CONTROL, if writable { "532480" } else { "83890176" });
        account.push(Attr::DNS_HOST_NAME, &host);
        account.push(Attr::OPERATING_SYSTEM, "Windows Server 2022 Standard");
        account.push(Attr::IS_CRITICAL_SYSTEM_OBJECT, "TRUE");
        account.push(Attr::SAM_ACCOUNT_TYPE, "805306369");
        account.push(Attr::PRIMARY_GROUP_ID, if writable { "516" } else { "521" });
        self.push_new_sid(&mut account);
        let account = self.insert(self.domain_controllers, Class::Computer, self.context, account);

        // Servers of several domains can stand in one site.
        let server_name = match self.context {
            0 => name.clone(),
            _ => format!("{}-{name}", self.domain.netbios),
        };
        let mut server = named(&server_name);
        server.push(Attr::DNS_HOST_NAME, &host);
        server.push(Attr::SERVER_REFERENCE, self.dn(account));
        let sites = self.site_servers.len().max(1);
        let site = self.site_servers.get((number - 1) % sites).copied().unwrap_or_default();
        let server = self.insert(site, Class::Server, 1, server);
        self.state.links.entry((account, Attr::SERVER_REFERENCE)).or_default().push(server);

        let invocation = self.guid();
        let mut settings = named("NTDS Settings");
        // Bit 1 is a global catalog; a read-only controller also has the bits of one that sends nothing out.
        settings.push(
            Attr::OPTIONS,
            match (writable, catalog) {
                (true, true) => "1",
                (true, false) => "0",
                (false, _) => "37",
            },
        );
        settings.push(Attr::MS_DS_BEHAVIOR_VERSION, "7");
        settings.push_all(Attr::MS_DS_HAS_DOMAIN_NCS, contexts.get(..1).unwrap_or_default());
        if writable {
            settings.push(Attr::INVOCATION_ID, invocation);
            settings.push_all(Attr::MS_DS_HAS_MASTER_NCS, &contexts);
            settings.push_all(Attr::HAS_MASTER_NCS, &contexts);
        } else {
            settings.push_all(Attr::MS_DS_HAS_FULL_REPLICA_NCS, &contexts);
        }
        let class = if writable { Class::NtdsDsa } else { Class::NtdsDsaRo };
        let dsa = self.insert(server, class, 1, settings);
        Planned { name: server_name, host, invocation, dsa, domain: self.context, catalog, writable }
    }

    fn built_in_accounts(&mut self) {
        let group = |builder: &mut Self, name: &str, rid: u32, admin: bool| {
            let mut attrs = named(name);
            attrs.push(Attr::SAM_ACCOUNT_NAME, name);
            attrs.push(Attr::GROUP_TYPE, "-2147483646");
            attrs.push(Attr::SAM_ACCOUNT_TYPE, "268435456");
            attrs.push(Attr::IS_CRITICAL_SYSTEM_OBJECT, "TRUE");
            if admin {
                attrs.push(Attr::ADMIN_COUNT, "1");
            }
            builder.push_sid(&mut attrs, rid);
            attrs
        };
        for (name, rid) in [("Domain Users", 513), ("Domain Guests", 514), ("Domain Computers", 515)] {
            let attrs = group(self, name, rid, false);
            self.insert(self.users, Class::Group, self.context, attrs);
        }
        let administrator = self.account("Administrator", 500, "512", true);
        if let Some(domain) = self.state.domains.last_mut() {
            domain.administrator = administrator;
        }
        if self.context == 0 {
            self.marks.administrator = administrator;
        }
        self.account("Guest", 501, "66082", false);
        self.account("krbtgt", 502, "514", true);
        let member = self.dn(administrator);
        let groups = [("Domain Admins", 512), ("Schema Admins", 518), ("Enterprise Admins", 519)];
        // Those of the forest stand in its root domain.
        let groups = groups.into_iter().take(if self.context == 0 { 3 } else { 1 });
        for (name, rid) in groups {
            let mut attrs = group(self, name, rid, true);
            attrs.push(Attr::MEMBER, &member);
            let id = self.insert(self.users, Class::Group, self.context, attrs);
            self.state.links.entry((administrator, Attr::MEMBER)).or_default().push(id);
            if rid == 512 && self.context == 0 {
                self.marks.domain_admins = id;
            }
        }
    }

    fn account(&mut self, name: &str, rid: u32, control: &str, admin: bool) -> Id {
        let mut attrs = named(name);
        attrs.push(Attr::SAM_ACCOUNT_NAME, name);
        attrs.push(Attr::USER_ACCOUNT_CONTROL, control);
        attrs.push(Attr::SAM_ACCOUNT_TYPE, "805306368");
        attrs.push(Attr::PRIMARY_GROUP_ID, "513");
        attrs.push(Attr::IS_CRITICAL_SYSTEM_OBJECT, "TRUE");
        attrs.push(Attr::DESCRIPTION, format!("Built-in account {name}"));
        if admin {
            attrs.push(Attr::ADMIN_COUNT, "1");
        }
        self.push_sid(&mut attrs, rid);
        self.insert(self.users, Class::User, self.context, attrs)
    }

    fn people(&mut self) {
        let domain = self.head;
        let staff = self.unit(domain, "Staff");
        let units: Vec<Id> = DEPARTMENTS.iter().map(|name| self.unit(staff, name)).collect();
        let services = self.unit(domain, "Service Accounts");
        let computers = self.computers;
        for number in 1..=3 {
            let mut attrs = named(&format!("PC{number:04}"));
            attrs.push(Attr::SAM_ACCOUNT_NAME, format!("PC{number:04}$"));
            attrs.push(Attr::USER_ACCOUNT_CONTROL, "4096");
            attrs.push(Attr::SAM_ACCOUNT_TYPE, "805306369");
            attrs.push(Attr::PRIMARY_GROUP_ID, "515");
            self.push_new_sid(&mut attrs);
            self.insert(computers, Class::Computer, self.context, attrs);
        }
        let count = usize::try_from(self.domain.users).unwrap_or(usize::MAX);
        for person in self.domain.people.clone().take(count) {
            let department = person.department.and_then(|name| DEPARTMENTS.iter().position(|d| *d == name));
            let parent = department.and_then(|at| units.get(at)).copied().unwrap_or(services);
            let attrs = self.person(&person);
            self.insert(parent, Class::User, self.context, attrs);
        }
    }

    fn person(&mut self, person: &Person) -> Packer {
        let mut attrs = named(&person.common_name);
        attrs.push(Attr::SAM_ACCOUNT_NAME, &person.sam_account_name);
        let optional = [
            (Attr::USER_PRINCIPAL_NAME, person.user_principal_name.as_deref()),
            (Attr::GIVEN_NAME, person.given_name.as_deref()),
            (Attr::SN, person.surname.as_deref()),
            (Attr::DISPLAY_NAME, Some(person.display_name.as_str())),
            (Attr::MAIL, person.mail.as_deref()),
            (Attr::DEPARTMENT, person.department),
            (Attr::TITLE, person.title),
        ];
        for (attr, value) in optional {
            attrs.push_all(attr, value.as_slice());
        }
        attrs.push_all(Attr::PROXY_ADDRESSES, &person.proxy_addresses);
        let control = match (person.enabled, person.is_service()) {
            (_, true) => "66048",
            (true, false) => "512",
            (false, false) => "514",
        };
        attrs.push(Attr::USER_ACCOUNT_CONTROL, control);
        attrs.push(Attr::SAM_ACCOUNT_TYPE, "805306368");
        attrs.push(Attr::PRIMARY_GROUP_ID, "513");
        attrs.push(Attr::PWD_LAST_SET, BUILT_FILE_TIME);
        attrs.push(Attr::ACCOUNT_EXPIRES, NEVER);
        if person.index % 40 == 8 {
            // Synchronised once before: these have an anchor of their own.
            let anchor = self.guid();
            attrs.push(Attr::MS_DS_CONSISTENCY_GUID, anchor);
        }
        self.push_new_sid(&mut attrs);
        attrs
    }

    fn finish(mut self, planned: Vec<Planned>) -> (State, Landmarks) {
        let usn = FIRST_USN + self.state.objects.len() as u64;
        let contexts = self.state.contexts.len();
        let shape = Shape { controllers: planned.len(), contexts, usn, built: BUILT };
        for Planned { name, host, invocation, dsa, domain, catalog, writable } in planned {
            let mut controller = Controller::new(&name, host, invocation, dsa, shape);
            (controller.domain, controller.catalog, controller.writable) = (domain, catalog, writable);
            self.state.controllers.push(controller);
        }
        // The first controller of each domain has its roles; the first of the forest has the forest's too.
        let heads = self.state.domains.iter().map(|domain| (domain.head, domain.context));
        let forest = [(self.marks.partitions, 0), (self.marks.schema, 0)];
        for (id, context) in heads.chain(forest).collect::<Vec<_>>() {
            let mut controllers = self.state.controllers.iter();
            let Some(first) = controllers.find(|controller| controller.domain == context) else { continue };
            let owner = self.dn(first.dsa);
            let Some(mut object) = self.state.object(id).cloned() else { continue };
            object.attrs = object.attrs.with(Attr::FSMO_ROLE_OWNER, &[&owner]);
            self.state.replace(id, object);
        }
        (self.state, self.marks)
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
        let mut guid = [0; 16];
        self.rng.fill_bytes(&mut guid);
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
fn domain_sid(rng: &mut ChaCha8Rng) -> Vec<u8> {
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
