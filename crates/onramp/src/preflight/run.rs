//! Reading of the facts, all at the same time, and their judgment.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, join, join_all};
use futures_util::stream::{self, StreamExt};
use onramp_core::dns::{Dns, DnsRecord, DnsRecordType};
use onramp_core::forest::{DomainController, ForestObject, ObjectRef, UserQuery};
use onramp_core::tenant::RoleTemplateId;
use onramp_core::{AttributeName, Clock, DistinguishedName, Error, ErrorKind, Forest, Result, Tenant};
use tokio::time::timeout;

use super::Preflight;
use super::catalog;
use super::item::{CheckItem, Judged, Verdict};
use super::judges::{
    accounts, controllers, credentials, directory, dns_records, forest_rights, replication, sign_in,
    sync_settings, tenant_rights,
};
use super::scope::{PreflightScope, RightsSample};

/// The time limit of the facts of one item, with all attempts.
const LIMIT: Duration = Duration::from_secs(60);
/// The number of domain controllers, objects and names that are asked for at a time.
const CONCURRENT: usize = 16;
/// The number of users on which rights are tested.
const SAMPLE: usize = 20;

/// The reader of a preflight: both sides, DNS and the clock.
///
/// ```no_run
/// # async fn example(tenant: onramp::Tenant, forest: onramp::Forest) {
/// use std::sync::Arc;
/// use onramp::preflight::{PreflightRunner, PreflightScope};
/// use onramp::{Spec, SystemClock};
///
/// let spec = Spec::new("contoso.com".parse().expect("a domain")).with_sync();
/// let runner = PreflightRunner::new(tenant, forest, None, Arc::new(SystemClock::new()));
/// for item in runner.run(&PreflightScope::from(&spec)).await.by_urgency() {
///     println!("{item}");
/// }
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct PreflightRunner {
    tenant: Tenant,
    forest: Forest,
    dns: Option<Arc<dyn Dns>>,
    clock: Arc<dyn Clock>,
}

impl PreflightRunner {
    /// Creates a reader. Without `dns`, what stands in DNS cannot be told.
    pub fn new(tenant: Tenant, forest: Forest, dns: Option<Arc<dyn Dns>>, clock: Arc<dyn Clock>) -> Self {
        Self { tenant, forest, dns, clock }
    }

    /// Reads and judges everything about a job. Facts that cannot be read make their item one that cannot be told.
    pub async fn run(&self, scope: &PreflightScope) -> Preflight {
        self.run_where(scope, &|_| true).await
    }

    /// Reads and judges the items of those names only.
    pub async fn run_only(&self, scope: &PreflightScope, ids: &[String]) -> Preflight {
        self.run_where(scope, &|id| ids.iter().any(|wanted| wanted == id)).await
    }

    async fn run_where(
        &self,
        scope: &PreflightScope,
        wants: &(dyn Fn(&str) -> bool + Send + Sync),
    ) -> Preflight {
        let mut preflight = Preflight::new(self.clock.now());
        let reading = Reading { runner: self, scope, wants };
        let (tenant, forest) = Box::pin(join(reading.tenant(), reading.forest())).await;
        let mut judged: Vec<Judged> = tenant.into_iter().chain(forest).filter(|(id, _)| wants(id)).collect();
        for definition in catalog::catalog() {
            let at = judged.iter().position(|(id, _)| *id == definition.id);
            if let Some((_, verdict)) = at.map(|at| judged.swap_remove(at)) {
                preflight.items.push(CheckItem::of(definition, verdict));
            }
        }
        preflight
    }
}

/// One preflight under way.
struct Reading<'a> {
    runner: &'a PreflightRunner,
    scope: &'a PreflightScope,
    wants: &'a (dyn Fn(&str) -> bool + Send + Sync),
}

type Part<'a> = BoxFuture<'a, Vec<Judged>>;

impl<'a> Reading<'a> {
    /// Returns a part if one of its items is wanted.
    fn part(
        &self,
        ids: &'static [&'static str],
        read: impl Future<Output = Vec<Judged>> + Send + 'a,
    ) -> Option<Part<'a>> {
        ids.iter().any(|id| (self.wants)(id)).then(|| Box::pin(read) as Part<'a>)
    }

    async fn tenant(&'a self) -> Vec<Judged> {
        let parts = [
            self.part(&tenant_rights::IDS, self.tenant_rights()),
            self.part(&[catalog::SECRET_EXPIRY], self.credentials()),
            self.part(&sign_in::IDS, self.sign_in()),
            self.part(&SYNC_IDS, self.sync()),
            self.part(&[catalog::EMERGENCY_ACCESS], self.emergency()),
            self.part(&[catalog::SYNC_ACCOUNTS], self.sync_accounts()),
            self.part(&[catalog::SERVICE_RECORDS, catalog::VERIFICATION_RECORD], self.domain_records()),
        ];
        together(parts).await
    }

    async fn tenant_rights(&self) -> Vec<Judged> {
        let Some(caller) = &self.runner.tenant.caller else {
            let reason = "this tenant does not tell the rights of the access token";
            return unknown(&tenant_rights::IDS, reason);
        };
        match bounded("read the rights in the access token", caller.rights()).await {
            Ok(rights) => tenant_rights::judge(&rights, self.scope),
            Err(error) => unknown(&tenant_rights::IDS, error),
        }
    }

    async fn credentials(&self) -> Vec<Judged> {
        let verdict = match &self.runner.tenant.caller {
            None => Verdict::cannot_tell("this tenant does not tell the credentials of the application"),
            Some(caller) => {
                match bounded("read the credentials of the application", caller.credentials()).await {
                    Ok(all) => credentials::judge(&all, self.runner.clock.now()),
                    Err(error) => Verdict::cannot_tell(error),
                }
            }
        };
        vec![(catalog::SECRET_EXPIRY, verdict)]
    }

    async fn sign_in(&self) -> Vec<Judged> {
        let roles: Vec<RoleTemplateId> = self.scope.service_account.into_iter().collect();
        let reading = self.runner.tenant.sign_in.sign_in_policies(&roles);
        match bounded("read the policies about sign-ins", reading).await {
            Ok(policies) => sign_in::judge(&policies, self.scope),
            Err(error) => unknown(&sign_in::IDS, error),
        }
    }

    async fn sync(&self) -> Vec<Judged> {
        let port = &self.runner.tenant.sync;
        let status = bounded("read the synchronization state", port.status());
        let features = bounded("read the synchronization features", port.features());
        let (status, features) = join(status, features).await;
        let state = match &status {
            Ok(status) => status.state,
            Err(error) => {
                return unknown(&SYNC_IDS, error);
            }
        };
        let mut judged = match &status {
            Ok(status) => sync_settings::judge_status(status, self.scope, self.runner.clock.now()),
            Err(error) => unknown(&sync_settings::OF_STATUS, error),
        };
        judged.extend(match features {
            Ok(features) => sync_settings::judge_features(&features, state, self.scope),
            Err(error) => unknown(&sync_settings::OF_FEATURES, error),
        });
        judged
    }

    async fn emergency(&self) -> Vec<Judged> {
        let role = RoleTemplateId::GLOBAL_ADMINISTRATOR;
        let holders =
            bounded("list the Global Administrators", self.runner.tenant.roles.holders_of(&role)).await;
        let verdict =
            holders.map_or_else(Verdict::cannot_tell, |holders| accounts::judge_emergency(&holders));
        vec![(catalog::EMERGENCY_ACCESS, verdict)]
    }

    async fn sync_accounts(&self) -> Vec<Judged> {
        let role = RoleTemplateId::DIRECTORY_SYNCHRONIZATION_ACCOUNTS;
        let reading = self.runner.tenant.roles.holders_of(&role);
        let holders = bounded("list the synchronization accounts", reading).await;
        let verdict =
            holders.map_or_else(Verdict::cannot_tell, |holders| accounts::judge_sync_accounts(&holders));
        vec![(catalog::SYNC_ACCOUNTS, verdict)]
    }

    /// Reads the records that the tenant wants for the domain, and those in DNS.
    async fn domain_records(&self) -> Vec<Judged> {
        const IDS: [&str; 2] = [catalog::VERIFICATION_RECORD, catalog::SERVICE_RECORDS];
        let domain = &self.scope.domain;
        let found = bounded("read the domain", self.runner.tenant.domains.get(domain)).await;
        match found {
            Err(error) if error.is_not_found() => {
                let reason = format!("the tenant does not have {domain} yet, and so wants no records for it");
                unknown(&IDS, reason)
            }
            Err(error) => unknown(&IDS, error),
            Ok(found) if found.is_verified => {
                let verified = Verdict::pass(format!("{domain} is verified"));
                let services = self.service_records().await;
                vec![(catalog::VERIFICATION_RECORD, verified), (catalog::SERVICE_RECORDS, services)]
            }
            Ok(_) => {
                let reason = format!("{domain} is not verified yet, and no service uses it before");
                let verification = self.verification_record().await;
                vec![
                    (catalog::VERIFICATION_RECORD, verification),
                    (catalog::SERVICE_RECORDS, Verdict::cannot_tell(reason)),
                ]
            }
        }
    }

    async fn verification_record(&self) -> Verdict {
        let domain = &self.scope.domain;
        let reading = self.runner.tenant.domains.verification_records(domain);
        match bounded("read the verification records", reading).await {
            Err(error) => Verdict::cannot_tell(error),
            Ok(offered) => {
                let lookup = |kind| self.lookup(domain.ascii(), kind);
                let (texts, exchanges) = join(lookup(DnsRecordType::Txt), lookup(DnsRecordType::Mx)).await;
                dns_records::judge_verification(&offered, &texts, &exchanges)
            }
        }
    }

    async fn service_records(&self) -> Verdict {
        let Some(port) = &self.runner.tenant.service_records else {
            return Verdict::cannot_tell("this tenant does not tell the records that its services need");
        };
        let domain = &self.scope.domain;
        let wanted = match bounded("read the service records", port.service_records(domain)).await {
            Ok(wanted) => wanted,
            Err(error) => return Verdict::cannot_tell(error),
        };
        let lookups = wanted.into_iter().map(|wanted| async {
            let there = self.lookup(&wanted.label, wanted.record.record_type()).await;
            (wanted, there)
        });
        let found: Vec<_> = stream::iter(lookups).buffered(CONCURRENT).collect().await;
        dns_records::judge_services(&found, domain)
    }

    async fn lookup(&self, name: &str, record_type: DnsRecordType) -> Result<Vec<DnsRecord>> {
        const ACTION: &str = "look up in DNS";
        match &self.runner.dns {
            Some(dns) => bounded(ACTION, dns.lookup(name, record_type)).await,
            None => Err(Error::new(ErrorKind::Unsupported, ACTION)
                .with_object(name)
                .with_detail("there is no resolver")
                .with_hint("Set one with Onramp::with_dns.")),
        }
    }

    async fn forest(&'a self) -> Vec<Judged> {
        if !FOREST_IDS.iter().any(|id| (self.wants)(id)) {
            return Vec::new();
        }
        let listing = self.runner.forest.replication.controllers();
        let list = match bounded("list the domain controllers", listing).await {
            Ok(list) => list,
            Err(error) => {
                return FOREST_IDS
                    .iter()
                    .map(|id| match *id {
                        catalog::DOMAIN_CONTROLLERS => (*id, Verdict::fail(error.to_string())),
                        id => (id, Verdict::cannot_tell(&error)),
                    })
                    .collect();
            }
        };
        let list = &list;
        let parts = [
            self.part(&PROBE_IDS, self.probes(list)),
            self.part(&[catalog::REPLICATION_HEALTH], self.replication(list)),
            self.part(&DIRECTORY_IDS, self.directory(list)),
            self.part(&[catalog::FOREST_RIGHTS_USERS], self.rights_of_users()),
            self.part(&[catalog::DC_LOCATOR_RECORDS], self.locator_records(list)),
        ];
        together(parts).await
    }

    /// Asks each domain controller for its state, and judges what depends on it.
    async fn probes(&self, list: &[DomainController]) -> Vec<Judged> {
        let Some(port) = &self.runner.forest.controller_probe else {
            return unknown(&PROBE_IDS, "this forest does not tell the state of single domain controllers");
        };
        let clock = &*self.runner.clock;
        let probes = list.iter().cloned().map(|controller| async move {
            let asked = clock.now();
            let state = bounded("ask the domain controller", port.probe(&controller)).await;
            controllers::Answer { controller, state, asked, answered: clock.now() }
        });
        let answers: Vec<_> = stream::iter(probes).buffered(CONCURRENT).collect().await;
        let mut judged = controllers::judge(&answers);
        if (self.wants)(catalog::FSMO_ROLES) {
            let read = self.role_objects(list).await;
            judged.push((catalog::FSMO_ROLES, directory::judge_roles(&read, list, &answers)));
        }
        judged
    }

    async fn role_objects(&self, list: &[DomainController]) -> Vec<directory::Read> {
        let mut objects = Vec::new();
        if let Some(configuration) = configuration(list) {
            objects.push(("the schema master".to_owned(), configuration.child("CN", "Schema")));
            objects.push(("the domain naming master".to_owned(), configuration.child("CN", "Partitions")));
        }
        for domain in domains(list) {
            let system = domain.child("CN", "System");
            objects.push((format!("the RID master of {domain}"), system.child("CN", "RID Manager$")));
            let infrastructure = domain.child("CN", "Infrastructure");
            objects.push((format!("the infrastructure master of {domain}"), infrastructure));
            objects.push((format!("the PDC emulator of {domain}"), domain));
        }
        self.read_all(objects, &[directory::ROLE_OWNER]).await
    }

    async fn read_all(
        &self,
        objects: Vec<(String, DistinguishedName)>,
        attributes: &[AttributeName],
    ) -> Vec<directory::Read> {
        let reads =
            objects.into_iter().map(|(name, dn)| async move { (name, self.read(&dn, attributes).await) });
        stream::iter(reads).buffered(CONCURRENT).collect().await
    }

    async fn read(&self, dn: &DistinguishedName, attributes: &[AttributeName]) -> Result<ForestObject> {
        let object = ObjectRef::Dn(dn.clone());
        bounded("read the object", self.runner.forest.objects.get(&object, attributes)).await
    }

    /// Reads the settings of the forest in its Configuration partition.
    async fn directory(&self, list: &[DomainController]) -> Vec<Judged> {
        let Some(configuration) = configuration(list) else {
            return unknown(&DIRECTORY_IDS, "the Configuration partition is not known");
        };
        let partitions = configuration.child("CN", "Partitions");
        let services = configuration.child("CN", "Services").child("CN", "Windows NT");
        let service = services.child("CN", "Directory Service");
        let of_partitions = [directory::LEVEL, directory::FEATURES, forest_rights::EFFECTIVE];
        let of_service = [directory::TOMBSTONES, directory::HEURISTICS];
        let schema = configuration.child("CN", "Schema");
        let heads = domains(list).into_iter().map(|domain| (domain.to_string(), domain)).collect();
        let (of_schema, of_heads) = ([directory::SCHEMA], [directory::LEVEL]);
        let reads = join(
            join(self.read(&partitions, &of_partitions), self.read(&service, &of_service)),
            join(self.read(&schema, &of_schema), self.read_all(heads, &of_heads)),
        );
        let ((partitions, service), (schema, mut levels)) = Box::pin(reads).await;
        levels.insert(0, ("the forest".to_owned(), partitions.clone()));
        vec![
            (catalog::FOREST_RIGHTS_SUFFIX, forest_rights::judge_suffix(&partitions)),
            (catalog::FUNCTIONAL_LEVEL, directory::judge_level(&levels)),
            (catalog::SCHEMA_VERSION, directory::judge_schema(&schema)),
            (catalog::TOMBSTONE_LIFETIME, directory::judge_tombstones(&service)),
            (catalog::RECYCLE_BIN, directory::judge_recycle_bin(&partitions)),
            (catalog::UPN_UNIQUENESS, directory::judge_uniqueness(&service)),
        ]
    }

    /// Reads the position of each domain controller that has a host name in the Configuration partition and its domain.
    async fn replication(&self, list: &[DomainController]) -> Vec<Judged> {
        let now = self.runner.clock.now();
        let Some(port) = &self.runner.forest.replication_metadata else {
            let reason = "this forest does not tell the metadata of replication";
            return unknown(&[catalog::REPLICATION_HEALTH], reason);
        };
        let contexts: Vec<DistinguishedName> = configuration(list).into_iter().chain(domains(list)).collect();
        let mut pairs: Vec<(DomainController, DistinguishedName)> = Vec::new();
        for controller in list.iter().filter(|controller| controller.has_host_name()) {
            let held = contexts.iter().filter(|context| controller.holds(context));
            pairs.extend(held.map(|context| (controller.clone(), context.clone())));
        }
        let reads = pairs.into_iter().map(|(controller, context)| async move {
            let position = bounded("read the replication state", port.position(&controller, &context)).await;
            replication::Place { controller, context, position }
        });
        let places: Vec<_> = stream::iter(reads).buffered(CONCURRENT).collect().await;
        vec![(catalog::REPLICATION_HEALTH, replication::judge(list, &places, now))]
    }

    async fn rights_of_users(&self) -> Vec<Judged> {
        let Some(sample) = &self.scope.sample else { return Vec::new() };
        let sample = match bounded("find users for a sample", self.sample(sample)).await {
            Ok(sample) => sample,
            Err(error) => return unknown(&[catalog::FOREST_RIGHTS_USERS], error),
        };
        let reads = sample.into_iter().map(|(object, attributes)| async move {
            let effective = [forest_rights::EFFECTIVE];
            let reading = self.runner.forest.objects.get(&object, &effective);
            (bounded("read the rights on", reading).await, attributes)
        });
        let read: Vec<_> = stream::iter(reads).buffered(CONCURRENT).collect().await;
        vec![(catalog::FOREST_RIGHTS_USERS, forest_rights::judge_users(&read))]
    }

    /// Finds users that a job may change: of people, and not protected, which inherit no rights.
    async fn sample(&self, sample: &RightsSample) -> Result<Vec<(ObjectRef, Vec<AttributeName>)>> {
        let (ous, filter) = match sample {
            RightsSample::Objects(all) => {
                let some = all.iter().take(SAMPLE);
                return Ok(some.map(|(guid, names)| (ObjectRef::Guid(*guid), names.clone())).collect());
            }
            RightsSample::Users { ous, filter } => (ous, filter),
        };
        let bases: Vec<Option<DistinguishedName>> = match ous.as_slice() {
            [] => vec![None],
            ous => ous.iter().cloned().map(Some).collect(),
        };
        let mut found = Vec::new();
        for base in bases {
            let mut query = base.map_or_else(UserQuery::all, UserQuery::below);
            query.filter.clone_from(filter);
            let mut users = self.runner.forest.users.search(query);
            let mut left = SAMPLE;
            while let Some(user) = users.next().await {
                let user = match user {
                    Err(error) if error.kind() == ErrorKind::Unreadable => continue,
                    user => user?,
                };
                if user.is_critical || user.is_protected || user.is_service_account() {
                    continue;
                }
                found.push((ObjectRef::Guid(user.guid), vec![forest_rights::UPN]));
                left -= 1;
                if left == 0 {
                    break;
                }
            }
        }
        Ok(found)
    }

    /// Looks up the domain controllers of each domain.
    async fn locator_records(&self, list: &[DomainController]) -> Vec<Judged> {
        let mut hosts: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for domain in domains(list) {
            let Some(name) = domain.domain_name() else { continue };
            let of_it =
                list.iter().filter(|one| !one.is_read_only && one.has_host_name() && one.holds(&domain));
            hosts.insert(name.ascii().to_owned(), of_it.map(|one| one.host.clone()).collect());
        }
        let lookups = hosts.into_iter().map(|(domain, hosts)| async move {
            let name = format!("_ldap._tcp.dc._msdcs.{domain}");
            let there = self.lookup(&name, DnsRecordType::Srv).await;
            (domain, (hosts, there))
        });
        let found = stream::iter(lookups).buffered(CONCURRENT).collect().await;
        vec![(catalog::DC_LOCATOR_RECORDS, dns_records::judge_locators(&found))]
    }
}

const SYNC_IDS: [&str; 5] = [
    catalog::SYNC_SWITCHING_OFF,
    catalog::LAST_SYNCHRONIZATION,
    catalog::HARD_MATCH_BLOCK,
    catalog::HARD_MATCH_BYPASS,
    catalog::DELETION_THRESHOLD,
];
const PROBE_IDS: [&str; 5] = [
    catalog::DOMAIN_CONTROLLERS,
    catalog::INITIAL_SYNCHRONIZATION,
    catalog::GLOBAL_CATALOG,
    catalog::TIME_SKEW,
    catalog::FSMO_ROLES,
];
const DIRECTORY_IDS: [&str; 6] = [
    catalog::FOREST_RIGHTS_SUFFIX,
    catalog::FUNCTIONAL_LEVEL,
    catalog::SCHEMA_VERSION,
    catalog::TOMBSTONE_LIFETIME,
    catalog::RECYCLE_BIN,
    catalog::UPN_UNIQUENESS,
];
/// The items that need the list of domain controllers.
const FOREST_IDS: [&str; 14] = [
    catalog::FOREST_RIGHTS_SUFFIX,
    catalog::FOREST_RIGHTS_USERS,
    catalog::DOMAIN_CONTROLLERS,
    catalog::INITIAL_SYNCHRONIZATION,
    catalog::GLOBAL_CATALOG,
    catalog::TIME_SKEW,
    catalog::REPLICATION_HEALTH,
    catalog::FSMO_ROLES,
    catalog::FUNCTIONAL_LEVEL,
    catalog::SCHEMA_VERSION,
    catalog::TOMBSTONE_LIFETIME,
    catalog::RECYCLE_BIN,
    catalog::UPN_UNIQUENESS,
    catalog::DC_LOCATOR_RECORDS,
];

async fn together<const N: usize>(parts: [Option<Part<'_>>; N]) -> Vec<Judged> {
    join_all(parts.into_iter().flatten()).await.into_iter().flatten().collect()
}

/// Makes every item of a part one that cannot be told.
fn unknown(ids: &[&'static str], reason: impl std::fmt::Display) -> Vec<Judged> {
    ids.iter().map(|id| (*id, Verdict::cannot_tell(&reason))).collect()
}

/// Limits the time of a fact. Ports bound every wait themselves; a few attempts after each other may still take long.
async fn bounded<T>(action: &str, reading: impl Future<Output = Result<T>>) -> Result<T> {
    timeout(LIMIT, reading).await.unwrap_or_else(|_| {
        Err(Error::new(ErrorKind::Unavailable, action)
            .with_detail(format!("there was no answer within {} s", LIMIT.as_secs())))
    })
}

/// Returns the Configuration partition, from the place of a domain controller's settings in it.
fn configuration(list: &[DomainController]) -> Option<DistinguishedName> {
    // CN=NTDS Settings,CN=<server>,CN=Servers,CN=<site>,CN=Sites,CN=Configuration,…
    list.iter().find_map(|one| {
        let mut at = one.settings.clone();
        for _ in 0..5 {
            at = at.parent()?;
        }
        at.rdns().first().is_some_and(|rdn| rdn.value.eq_ignore_ascii_case("Configuration")).then_some(at)
    })
}

/// Returns the naming contexts of the domains, without those of applications such as DNS.
fn domains(list: &[DomainController]) -> Vec<DistinguishedName> {
    let mut found: Vec<DistinguishedName> = Vec::new();
    for context in list.iter().flat_map(|one| &one.naming_contexts) {
        let of_application = ["DomainDnsZones", "ForestDnsZones"];
        let is_domain = context.domain_context().as_ref() == Some(context)
            && context.rdns().first().is_some_and(|first| {
                !of_application.iter().any(|name| first.value.eq_ignore_ascii_case(name))
            });
        if is_domain && !found.contains(context) {
            found.push(context.clone());
        }
    }
    found.sort_by_key(|context| context.as_str().to_lowercase());
    found
}
