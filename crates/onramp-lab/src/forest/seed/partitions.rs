//! The naming contexts, and what stands in them before anybody works with them.

use super::{Builder, DomainLayout, FIRST_RID, domain_sid, named};
use crate::forest::data::object::{Id, NO_PARENT};
use crate::forest::data::packed::Packer;
use crate::forest::data::state::{Context, ContextKind, Domain};
use crate::forest::schema::{Attr, Class, Source, subschema};

/// The recycle bin, as an optional feature below the Configuration partition.
const RECYCLE_BIN: &str =
    "CN=Recycle Bin Feature,CN=Optional Features,CN=Directory Service,CN=Windows NT,CN=Services";

impl<'a> Builder<'a> {
    pub(super) fn naming_contexts(&mut self) {
        self.well_known.domain = self.domain_head(NO_PARENT);
        self.well_known.configuration =
            self.insert(self.well_known.domain, Class::Configuration, 1, named("Configuration"));
        let mut schema = named("Schema");
        // Windows Server 2019 and 2022.
        schema.push(Attr::OBJECT_VERSION, "88");
        self.well_known.schema = self.insert(self.well_known.configuration, Class::Dmd, 2, schema);
        let kinds = [ContextKind::Domain, ContextKind::Configuration, ContextKind::Schema];
        let heads = [self.well_known.domain, self.well_known.configuration, self.well_known.schema];
        self.state.contexts =
            kinds.into_iter().zip(heads).map(|(kind, head)| Context { kind, head }).collect();
    }

    /// Goes on with another domain.
    pub(super) fn begin_domain(&mut self, domain: &'a DomainLayout) {
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
        let reference =
            |name: &str| self.state.find_child(self.well_known.partitions, "cn", &name.to_lowercase());
        let root = reference(&self.layout.root.netbios).map(|id| self.dn(id)).unwrap_or_default();
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

    pub(super) fn schema(&mut self) {
        for class in Class::ALL {
            // Several classes share a category; the one that has its name comes first.
            let taken = self.state.find_child(self.well_known.schema, "cn", &class.category().to_lowercase());
            let common_name = if taken.is_some() { class.name() } else { class.category() };
            let mut attrs = named(common_name);
            attrs.push(Attr::LDAP_DISPLAY_NAME, class.name());
            self.insert(self.well_known.schema, Class::ClassSchema, 2, attrs);
        }
        for attr in Attr::all().filter(|attr| attr.info().source != Source::Constructed) {
            let name = attr.name();
            if self.state.find_child(self.well_known.schema, "cn", &name.to_lowercase()).is_some() {
                continue;
            }
            let mut attrs = named(name);
            attrs.push(Attr::LDAP_DISPLAY_NAME, name);
            attrs.push(Attr::IS_SINGLE_VALUED, if attr.info().single { "TRUE" } else { "FALSE" });
            self.insert(self.well_known.schema, Class::AttributeSchema, 2, attrs);
        }
        self.insert(self.well_known.schema, Class::SubSchema, 2, named(subschema::COMMON_NAME));
    }

    pub(super) fn domain_containers(&mut self) {
        let domain = self.head;
        self.users = self.container(domain, "Users");
        self.computers = self.container(domain, "Computers");
        self.container(domain, "Builtin");
        self.domain_controllers = self.unit(domain, "Domain Controllers");
        let system = self.container(domain, "System");
        let settings = named("Password Settings Container");
        let container = self.insert(system, Class::PasswordSettingsContainer, self.context, settings);
        if self.context == 0 {
            self.well_known.password_settings = container;
        }
        let rids = self.insert(system, Class::RidManager, self.context, named("RID Manager$"));
        let infrastructure =
            self.insert(domain, Class::InfrastructureUpdate, self.context, named("Infrastructure"));
        self.role_objects.extend([(rids, self.context), (infrastructure, self.context)]);
        // It is deleted itself, so that only who asks for deleted objects sees it.
        let graves = self.container(domain, "Deleted Objects");
        if let Some(mut container) = self.state.object(graves).cloned() {
            container.deleted = true;
            self.state.replace(graves, container);
        }
    }

    pub(super) fn configuration(&mut self) {
        let configuration = self.well_known.configuration;
        let mut partitions = named("Partitions");
        partitions.push(Attr::MS_DS_BEHAVIOR_VERSION, "7");
        partitions.push(Attr::MS_DS_ENABLED_FEATURE, format!("{RECYCLE_BIN},{}", self.dn(configuration)));
        self.well_known.partitions = self.insert(configuration, Class::CrossRefContainer, 1, partitions);
        let netbios = self.domain.netbios.clone();
        let contexts = [
            ("Enterprise Configuration", self.well_known.configuration, "1"),
            ("Enterprise Schema", self.well_known.schema, "1"),
            (netbios.as_str(), self.well_known.domain, "3"),
        ];
        for (name, head, flags) in contexts {
            self.cross_reference(name, head, flags, None);
        }
        let sites = self.insert(configuration, Class::SitesContainer, 1, named("Sites"));
        for name in &self.layout.sites {
            let site = self.insert(sites, Class::Site, 1, named(name));
            let servers = self.insert(site, Class::ServersContainer, 1, named("Servers"));
            self.site_servers.push(servers);
        }
        let services = self.insert(configuration, Class::Container, 1, named("Services"));
        let windows = self.insert(services, Class::Container, 1, named("Windows NT"));
        let mut service = named("Directory Service");
        service.push(Attr::TOMBSTONE_LIFETIME, "180");
        let service = self.insert(windows, Class::NtdsService, 1, service);
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
        self.insert(self.well_known.partitions, Class::CrossRef, 1, attrs);
    }
}
