//! The domain controllers: their objects in the directory, and in the end they themselves.

use super::{BUILT, Builder, WellKnownObjects, named};
use crate::forest::data::controller::{Controller, Shape};
use crate::forest::data::object::Id;
use crate::forest::data::state::State;
use crate::forest::data::view::FIRST_USN;
use crate::forest::schema::{Attr, Class};

/// A controller whose objects were made; the controller itself is made when everything else is there.
pub(super) struct Planned {
    name: String,
    host: String,
    invocation: [u8; 16],
    dsa: Id,
    domain: u8,
    catalog: bool,
    writable: bool,
}

impl Builder<'_> {
    pub(super) fn controllers(&mut self) -> Vec<Planned> {
        let count = self.domain.writable + self.domain.read_only;
        (0..count).map(|at| self.controller(at + 1, at < self.domain.writable)).collect()
    }

    fn controller(&mut self, number: usize, writable: bool) -> Planned {
        let name = format!("DC{number}");
        let host = format!("dc{number}.{}", self.domain.domain);
        let catalog = !writable || number <= self.domain.catalogs;
        let contexts = [self.head, self.well_known.configuration, self.well_known.schema];
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

    pub(super) fn finish(mut self, planned: Vec<Planned>) -> (State, WellKnownObjects) {
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
        let forest = [(self.well_known.partitions, 0), (self.well_known.schema, 0)];
        let roles: Vec<_> = heads.chain(forest).chain(self.role_objects.iter().copied()).collect();
        for (id, context) in roles {
            let mut controllers = self.state.controllers.iter();
            let Some(first) = controllers.find(|controller| controller.domain == context) else { continue };
            let owner = self.dn(first.dsa);
            let Some(mut object) = self.state.object(id).cloned() else { continue };
            object.attrs = object.attrs.with(Attr::FSMO_ROLE_OWNER, &[&owner]);
            self.state.replace(id, object);
        }
        (self.state, self.well_known)
    }
}
