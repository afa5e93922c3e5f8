//! A new forest: everything a directory has before anybody works with it, and the people.

use onramp_core::{DomainName, Password};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::controller::{Controller, Shape};
use super::packed::{Packed, Packer};
use super::schema::{Attr, Class, Source};
use super::state::{Context, ContextKind, Id, Moment, NO_PARENT, Object, State};
use super::view::{FIRST_USN, View};
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
    pub(super) domain: DomainName,
    pub(super) netbios: String,
    pub(super) people: People,
    pub(super) users: u64,
    pub(super) seed: u64,
    pub(super) writable: usize,
    pub(super) read_only: usize,
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
    let controllers = builder.controllers();
    builder.built_in_accounts();
    builder.people();
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
    rng: ChaCha8Rng,
    state: State,
    marks: Landmarks,
    domain_sid: Vec<u8>,
    next_rid: u32,
    users: Id,
    computers: Id,
    domain_controllers: Id,
    site_servers: Id,
}

/// A controller whose objects were made; the controller itself is made when everything else is there.
struct Planned {
    name: String,
    host: String,
    invocation: [u8; 16],
    dsa: Id,
    writable: bool,
}

impl<'a> Builder<'a> {
    fn new(blueprint: &'a Blueprint) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(blueprint.seed);
        rng.set_stream(1);
        let [a, b, c] = [rng.next_u32(), rng.next_u32(), rng.next_u32()];
        // S-1-5-21 and three numbers; a relative identifier follows in each account's.
        let mut domain_sid = vec![1, 4, 0, 0, 0, 0, 0, 5];
        [21, a, b, c].iter().for_each(|part: &u32| domain_sid.extend(part.to_le_bytes()));
        Self {
            blueprint,
            rng,
            state: State::built_at(BUILT),
            marks: Landmarks::default(),
            domain_sid,
            next_rid: FIRST_RID,
            users: 0,
            computers: 0,
            domain_controllers: 0,
            site_servers: 0,
        }
    }

    fn naming_contexts(&mut self) {
        let domain = &self.blueprint.domain;
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
        self.marks.domain = self.insert(NO_PARENT, Class::DomainDns, 0, attrs);
        self.marks.configuration =
            self.insert(self.marks.domain, Class::Configuration, 1, named("Configuration"));
        self.marks.schema = self.insert(self.marks.configuration, Class::Dmd, 2, named("Schema"));
        let kinds = [ContextKind::Domain, ContextKind::Configuration, ContextKind::Schema];
        let heads = [self.marks.domain, self.marks.configuration, self.marks.schema];
        self.state.contexts =
            kinds.into_iter().zip(heads).map(|(kind, head)| Context { kind, head }).collect();
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
    }

    fn domain_containers(&mut self) {
        let domain = self.marks.domain;
        self.users = self.container(domain, "Users");
        self.computers = self.container(domain, "Computers");
        self.container(domain, "Builtin");
        self.domain_controllers = self.unit(domain, "Domain Controllers");
        let system = self.container(domain, "System");
        let settings = named("Password Settings Container");
        self.marks.password_settings = self.insert(system, Class::PasswordSettingsContainer, 0, settings);
    }

    fn configuration(&mut self) {
        let configuration = self.marks.configuration;
        self.marks.partitions = self.insert(configuration, Class::CrossRefContainer, 1, named("Partitions"));
        let partitions = self.marks.partitions;
        let domain = self.blueprint.domain.as_str().to_owned();
        let netbios = self.blueprint.netbios.clone();
        let contexts = [
            ("Enterprise Configuration", self.marks.configuration, "1"),
            ("Enterprise Schema", self.marks.schema, "1"),
            (netbios.as_str(), self.marks.domain, "3"),
        ];
        for (name, head, flags) in contexts {
            let mut attrs = named(name);
            attrs.push(Attr::N_C_NAME, self.dn(head));
            attrs.push(Attr::DNS_ROOT, &domain);
            attrs.push(Attr::SYSTEM_FLAGS, flags);
            if head == self.marks.domain {
                attrs.push(Attr::NETBIOS_NAME, &netbios);
            }
            self.insert(partitions, Class::CrossRef, 1, attrs);
        }
        let sites = self.insert(configuration, Class::SitesContainer, 1, named("Sites"));
        let site = self.insert(sites, Class::Site, 1, named("Default-First-Site-Name"));
        self.site_servers = self.insert(site, Class::ServersContainer, 1, named("Servers"));
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

    fn controllers(&mut self) -> Vec<Planned> {
        let count = self.blueprint.writable + self.blueprint.read_only;
        (0..count).map(|at| self.controller(at + 1, at < self.blueprint.writable)).collect()
    }

    fn controller(&mut self, number: usize, writable: bool) -> Planned {
        let name = format!("DC{number}");
        let host = format!("dc{number}.{}", self.blueprint.domain);
        let contexts = [self.marks.domain, self.marks.configuration, self.marks.schema];
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
        let account = self.insert(self.domain_controllers, Class::Computer, 0, account);

        let mut server = named(&name);
        server.push(Attr::DNS_HOST_NAME, &host);
        server.push(Attr::SERVER_REFERENCE, self.dn(account));
        let server = self.insert(self.site_servers, Class::Server, 1, server);
        self.state.links.entry((account, Attr::SERVER_REFERENCE)).or_default().push(server);

        let invocation = self.guid();
        let mut settings = named("NTDS Settings");
        // Bit 1 is a global catalog; a read-only controller also has the bits of one that sends nothing out.
        settings.push(Attr::OPTIONS, if writable { "1" } else { "37" });
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
        Planned { name, host, invocation, dsa, writable }
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
            self.insert(self.users, Class::Group, 0, attrs);
        }
        let administrator = self.account("Administrator", 500, "512", true);
        self.marks.administrator = administrator;
        self.account("Guest", 501, "66082", false);
        self.account("krbtgt", 502, "514", true);
        let member = self.dn(administrator);
        for (name, rid) in [("Domain Admins", 512), ("Schema Admins", 518), ("Enterprise Admins", 519)] {
            let mut attrs = group(self, name, rid, true);
            attrs.push(Attr::MEMBER, &member);
            let id = self.insert(self.users, Class::Group, 0, attrs);
            self.state.links.entry((administrator, Attr::MEMBER)).or_default().push(id);
            if rid == 512 {
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
        self.insert(self.users, Class::User, 0, attrs)
    }

    fn people(&mut self) {
        let domain = self.marks.domain;
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
            self.insert(computers, Class::Computer, 0, attrs);
        }
        let count = usize::try_from(self.blueprint.users).unwrap_or(usize::MAX);
        for person in self.blueprint.people.clone().take(count) {
            let department = person.department.and_then(|name| DEPARTMENTS.iter().position(|d| *d == name));
            let parent = department.and_then(|at| units.get(at)).copied().unwrap_or(services);
            let attrs = self.person(&person);
            self.insert(parent, Class::User, 0, attrs);
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
        let shape = Shape { controllers: planned.len(), contexts: self.state.contexts.len(), usn };
        for Planned { name, host, invocation, dsa, writable } in planned {
            let mut controller = Controller::new(&name, host, invocation, dsa, shape);
            controller.writable = writable;
            self.state.controllers.push(controller);
        }
        if let Some(first) = self.state.controllers.first().map(|first| first.dsa) {
            let owner = self.dn(first);
            for id in [self.marks.domain, self.marks.partitions, self.marks.schema] {
                let Some(mut object) = self.state.object(id).cloned() else { continue };
                object.attrs = object.attrs.with(Attr::FSMO_ROLE_OWNER, &[&owner]);
                self.state.replace(id, object);
            }
        }
        (self.state, self.marks)
    }

    fn container(&mut self, parent: Id, name: &str) -> Id {
        self.insert(parent, Class::Container, 0, named(name))
    }

    fn unit(&mut self, parent: Id, name: &str) -> Id {
        let mut attrs = Packer::default();
        attrs.push(Attr::OU, name);
        self.insert(parent, Class::OrganizationalUnit, 0, attrs)
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
        View { state: &self.state, at: 0 }.dn(id)
    }
}

fn named(common_name: &str) -> Packer {
    let mut attrs = Packer::default();
    attrs.push(Attr::CN, common_name);
    attrs
}
