//! A preflight finds what is wrong with a lab, and nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use onramp::preflight::{
    CheckItem, ItemStatus, PREFLIGHT_FORMAT_VERSION, Preflight, PreflightScope, RightsSample, catalog,
};
use onramp::{Onramp, Plan, PolicyRules, Spec, plan};
use onramp_core::dns::DnsRecord;
use onramp_core::mock::{MockControllerProbe, MockSignIn};
use onramp_core::tenant::{DeletionPrevention, RoleTemplateId, SecondFactor};
use onramp_core::{Clock, DistinguishedName, DomainName, Error, ErrorKind, ManualClock};
use onramp_lab::dns::LabDns;
use onramp_lab::forest::{LabForestBuilder, Vendor};
use onramp_lab::tenant::{ConditionalAccess, Fault, FaultAction, LabTenantBuilder};

use crate::world::{SPEC, World, approve_all, spec};

pub(crate) fn contoso() -> DomainName {
    DomainName::parse("contoso.com").unwrap()
}

/// Three domain controllers of Windows, which tell when they replicated, and a tenant in which the domain is verified and an
/// application sees the settings of synchronization.
pub(crate) fn sound_forest(forest: LabForestBuilder) -> LabForestBuilder {
    forest.controllers(3).vendor(Vendor::Windows).replication_delay(Duration::ZERO)
}

pub(crate) fn sound_tenant(tenant: LabTenantBuilder) -> LabTenantBuilder {
    tenant.verified_domain(contoso()).sync_enabled(Some(true)).app_only_sync_features(true)
}

pub(crate) struct Site {
    pub(crate) world: World,
    pub(crate) dns: LabDns,
}

impl Site {
    pub(crate) async fn of(tenant: impl FnOnce(LabTenantBuilder) -> LabTenantBuilder) -> Self {
        let world = World::of(40, sound_forest, |builder| tenant(sound_tenant(builder)));
        let dns = LabDns::new().with_tenant(&world.tenant).with_forest(&world.forest);
        dns.publish_services(&contoso()).await.unwrap();
        // A change that replicates brings the domain controllers into step.
        world.touch();
        Self { world, dns }
    }

    pub(crate) fn onramp(&self) -> Onramp {
        self.world.onramp().with_dns(Arc::new(self.dns.clone()))
    }

    pub(crate) async fn preflight(&self) -> Preflight {
        self.onramp().preflight(&spec(SPEC)).await.unwrap()
    }
}

impl World {
    fn touch(&self) {
        let guest = self.forest.find_account("Guest").unwrap();
        for host in self.forest.controllers() {
            self.forest.set_on(&host, &guest, "description", &[&format!("written on {host}")]).unwrap();
        }
    }

    fn set_in_configuration(&self, rdns: &str, attribute: &str, values: &[&str]) {
        let dn = format!("{rdns},CN=Configuration,DC=corp,DC=local");
        let object = self.forest.find(&DistinguishedName::parse(&dn).unwrap()).unwrap();
        self.forest.set_on("dc1.corp.local", &object, attribute, values).unwrap();
    }
}

pub(crate) const DIRECTORY_SERVICE: &str = "CN=Directory Service,CN=Windows NT,CN=Services";

fn not_passed(preflight: &Preflight) -> BTreeMap<&str, (ItemStatus, &str)> {
    let others = preflight.items.iter().filter(|item| item.status != ItemStatus::Pass);
    others.map(|item| (item.id.as_str(), (item.status, item.evidence.as_str()))).collect()
}

fn ids(preflight: &Preflight, status: ItemStatus) -> Vec<&str> {
    preflight.with_status(status).map(|item| item.id.as_str()).collect()
}

/// Makes the lab wrong in every way that an item fails for.
pub(crate) async fn with_everything_wrong() -> Site {
    let now = ManualClock::default().now();
    let site = Site::of(|tenant| {
        tenant
            .sync_enabled(Some(false))
            .last_sync(now - time::Duration::hours(2))
            .secret_expires(now + time::Duration::days(3))
            .security_defaults(true)
            .conditional_access(ConditionalAccess::require_mfa("MFA for \u{1b}[2Jall"))
            .sync_feature("blockCloudObjectTakeoverThroughHardMatchEnabled", true)
            .sync_feature("allowOnPremUpdateOfOnPremisesObjectIdentifierEnabled", true)
            .deletion_prevention(DeletionPrevention::Disabled)
    })
    .await;
    let Site { world, dns } = &site;
    let permissions =
        ["Domain.ReadWrite.All", "Organization.ReadWrite.All", "RoleManagement.ReadWrite.Directory"];
    for permission in permissions {
        world.tenant.take_permission(permission).unwrap();
    }
    dns.withdraw("autodiscover.contoso.com");
    dns.withdraw("_ldap._tcp.dc._msdcs.corp.local");
    let only = DnsRecord::Srv { priority: 0, weight: 100, port: 389, target: "dc1.corp.local".into() };
    dns.publish("_ldap._tcp.dc._msdcs.corp.local", only);
    world.set_in_configuration(DIRECTORY_SERVICE, "tombstoneLifetime", &["30"]);
    world.set_in_configuration(DIRECTORY_SERVICE, "dSHeuristics", &["000000000100000000021"]);
    world.set_in_configuration("CN=Partitions", "msDS-Behavior-Version", &["0"]);
    world.set_in_configuration("CN=Schema", "objectVersion", &["13"]);
    let gone = "CN=NTDS Settings\\0ADEL:1,CN=DC9,CN=Servers,CN=Default-First-Site-Name,CN=Sites,CN=Configuration,DC=corp,DC=local";
    world.set_in_configuration("CN=Partitions", "fSMORoleOwner", &[gone]);
    // One that is behind for days, and whose clock is wrong; another one that is switched off.
    world.forest.hold_replication("dc2.corp.local").unwrap();
    world.clock.sleep(Duration::from_secs(2 * 24 * 3600)).await;
    world.forest.set_clock_offset("dc2.corp.local", time::Duration::minutes(-11)).unwrap();
    world.forest.stop_controller("dc3.corp.local").unwrap();
    site
}

/// The items that fail then, as somebody who may change nothing in the forest.
pub(crate) const EVERYTHING_WRONG: [&str; 23] = [
    "tenant-rights-read",
    "tenant-rights-domain",
    "tenant-rights-sync",
    "tenant-rights-service-account",
    "secret-expiry",
    "security-defaults",
    "conditional-access",
    "hard-match-block",
    "hard-match-bypass",
    "deletion-threshold",
    "sync-switching-off",
    "forest-rights-suffix",
    "forest-rights-users",
    "domain-controllers",
    "time-skew",
    "replication-health",
    "fsmo-roles",
    "functional-level",
    "schema-version",
    "tombstone-lifetime",
    "upn-uniqueness",
    "service-records",
    "dc-locator-records",
];

#[tokio::test]
async fn a_preflight_of_a_sound_lab_finds_nothing() {
    let site = Site::of(|tenant| tenant).await;
    let preflight = site.preflight().await;
    assert_eq!(not_passed(&preflight), BTreeMap::new());
    let asked: Vec<&str> = preflight.items.iter().map(|item| item.id.as_str()).collect();
    let all: Vec<&str> = catalog().iter().map(|item| item.id).collect();
    assert_eq!(asked, all, "each question is asked, once, in order");
    assert_eq!(preflight.format_version, PREFLIGHT_FORMAT_VERSION);
    assert!(!preflight.has_failures());
    assert!(preflight.items.iter().all(|item| item.remedy.is_empty() && !item.evidence.is_empty()));
}

#[tokio::test]
async fn a_preflight_of_a_lab_with_twenty_three_things_wrong_finds_twenty_three() {
    let site = with_everything_wrong().await;
    let forest = site.world.forest.forest_as(&site.world.forest.plain_user().unwrap()).unwrap();
    let onramp = site.world.onramp_over(forest).with_dns(Arc::new(site.dns.clone()));
    let preflight = onramp.preflight(&spec(SPEC)).await.unwrap();
    assert_eq!(ids(&preflight, ItemStatus::Fail), EVERYTHING_WRONG, "{:#?}", not_passed(&preflight));
    assert_eq!(ids(&preflight, ItemStatus::Warn), Vec::<&str>::new());
    assert_eq!(ids(&preflight, ItemStatus::CannotTell), Vec::<&str>::new());
    for item in preflight.with_status(ItemStatus::Fail) {
        assert!(!item.remedy.is_empty() && !item.evidence.is_empty() && !item.source.is_empty(), "{item:?}");
    }
    let evidence = |id: &str| &preflight.item(id).unwrap().evidence;
    assert!(evidence("tenant-rights-domain").contains("Domain.ReadWrite.All"));
    assert!(
        evidence("time-skew").contains("dc2.corp.local is 10 min 59 s behind"),
        "{}",
        evidence("time-skew")
    );
    assert!(evidence("domain-controllers").contains("dc3.corp.local"));
    assert!(evidence("service-records").contains("autodiscover.contoso.com"));
    assert!(evidence("dc-locator-records").contains("dc2.corp.local, dc3.corp.local"));
    assert!(evidence("conditional-access").contains('\u{1b}'), "evidence is data");
    let shown = preflight.item("conditional-access").unwrap().to_string();
    assert!(shown.contains("\\u{1b}") && !shown.contains('\u{1b}'), "what is shown is escaped: {shown}");
}

#[tokio::test]
async fn a_refused_read_makes_its_item_unknown_and_no_other() {
    let site = Site::of(|tenant| tenant).await;
    let refuse = |path| Fault::on("GET", path, FaultAction::status(403)).times(100);
    for (path, hidden) in [
        ("/v1.0/domains/*/serviceConfigurationRecords", vec!["service-records"]),
        ("/v1.0/roleManagement/directory/roleAssignments", vec!["emergency-access", "sync-accounts"]),
    ] {
        site.world.tenant.add_fault(refuse(path));
        let preflight = site.preflight().await;
        assert_eq!(ids(&preflight, ItemStatus::CannotTell), hidden, "{path}");
        assert_eq!(not_passed(&preflight).len(), hidden.len(), "{path}");
        site.world.tenant.clear_faults();
    }
}

#[tokio::test]
async fn facts_that_nobody_offers_are_unknown_with_the_reason() {
    let site = Site::of(|tenant| tenant).await;
    let tenant = site.world.tenant.tenant().without_service_records().without_caller();
    let forest = site.world.forest.forest().without_controller_probe().without_replication_metadata();
    let preflight = site.world.onramp_on(tenant, forest).preflight(&spec(SPEC)).await.unwrap();
    let hidden = [
        "tenant-rights-read",
        "tenant-rights-domain",
        "tenant-rights-sync",
        "tenant-rights-service-account",
        "secret-expiry",
        "domain-controllers",
        "initial-synchronization",
        "global-catalog",
        "time-skew",
        "replication-health",
        "fsmo-roles",
        "service-records",
        "dc-locator-records",
    ];
    assert_eq!(ids(&preflight, ItemStatus::CannotTell), hidden);
    assert!(preflight.item("dc-locator-records").unwrap().evidence.contains("with_dns"));
}

#[tokio::test]
async fn a_name_server_that_does_not_answer_is_no_missing_record() {
    let site = Site::of(|tenant| tenant).await;
    site.dns.set_silent(true);
    let preflight = site.preflight().await;
    assert_eq!(ids(&preflight, ItemStatus::CannotTell), ["service-records", "dc-locator-records"]);
    assert!(!preflight.has_failures());
}

#[tokio::test]
async fn a_forest_that_cannot_be_reached_leaves_the_tenant_to_be_judged() {
    let site = Site::of(|tenant| tenant).await;
    site.world.forest.stop_controller("dc1.corp.local").unwrap();
    let preflight = site.preflight().await;
    assert_eq!(ids(&preflight, ItemStatus::Fail), ["domain-controllers"]);
    let passed = ids(&preflight, ItemStatus::Pass);
    assert!(passed.contains(&"service-records") && passed.contains(&"hard-match-bypass"), "{passed:?}");
    assert!(preflight.item("fsmo-roles").is_some_and(|item| item.status == ItemStatus::CannotTell));
}

#[tokio::test]
async fn warnings_are_no_failures() {
    let now = ManualClock::default().now();
    let site = Site::of(|tenant| {
        tenant
            .last_sync(now - time::Duration::hours(30))
            .secret_expires(now + time::Duration::days(20))
            .conditional_access(ConditionalAccess::block_at_risk("Block who is at risk"))
            .deletion_prevention(DeletionPrevention::Percent(60))
    })
    .await;
    let world = &site.world;
    world.set_in_configuration(DIRECTORY_SERVICE, "tombstoneLifetime", &[]);
    world.set_in_configuration("CN=Partitions", "msDS-EnabledFeature", &[]);
    world.set_in_configuration("CN=Schema", "objectVersion", &["47"]);
    world.set_in_configuration("CN=Partitions", "msDS-Behavior-Version", &["3"]);
    world.forest.set_clock_offset("dc2.corp.local", time::Duration::minutes(2)).unwrap();
    site.dns.withdraw("lyncdiscover.contoso.com");
    let preflight = site.preflight().await;
    let expected = [
        "secret-expiry",
        "conditional-access",
        "deletion-threshold",
        "last-synchronization",
        "time-skew",
        "functional-level",
        "schema-version",
        "tombstone-lifetime",
        "recycle-bin",
        "service-records",
    ];
    assert_eq!(ids(&preflight, ItemStatus::Warn), expected, "{:#?}", not_passed(&preflight));
    assert!(!preflight.has_failures());
    let first = preflight.by_urgency()[0];
    assert_eq!(first.status, ItemStatus::Warn, "those that need attention come first");
}

#[tokio::test]
async fn a_domain_that_is_not_verified_wants_its_verification_record_first() {
    let world = World::of(10, sound_forest, |tenant| tenant);
    let site = Site { dns: LabDns::new().with_tenant(&world.tenant), world };
    let unknown = site.preflight().await;
    assert_eq!(
        unknown.item("verification-record").unwrap().status,
        ItemStatus::CannotTell,
        "it is not added yet"
    );
    site.world.tenant.tenant().domains.add(&contoso()).await.unwrap();
    let status = async || site.preflight().await.item("verification-record").unwrap().status;
    assert_eq!(status().await, ItemStatus::Warn);
    site.world.tenant.publish_dns("contoso.com").unwrap();
    assert_eq!(status().await, ItemStatus::Pass);
}

#[tokio::test]
async fn mail_records_serve_with_another_preference_and_more_in_the_text() {
    let site = Site::of(|tenant| tenant).await;
    let exchange = "Contoso-com.mail.protection.outlook.com.".to_owned();
    let text = "v=spf1 ip4:192.0.2.1 include:_spf.other.example +include:spf.protection.outlook.com ~all";
    site.dns.withdraw("contoso.com");
    site.dns.publish("contoso.com", DnsRecord::Mx { preference: 10, exchange });
    site.dns.publish("contoso.com", DnsRecord::Txt { text: text.into() });
    assert_eq!(not_passed(&site.preflight().await), BTreeMap::new());
    site.dns.withdraw("contoso.com");
    site.dns.publish("contoso.com", DnsRecord::Txt { text: "v=spf1 -all".into() });
    let preflight = site.preflight().await;
    let evidence = &preflight.item("service-records").unwrap().evidence;
    assert!(evidence.contains("MX 0") && evidence.contains("include:spf"), "{evidence}");
}

#[tokio::test]
async fn a_holder_of_a_role_that_does_not_answer_and_a_disabled_replication_fail() {
    let site = Site::of(|tenant| tenant).await;
    let dc3 = "CN=DC3,CN=Servers,CN=Default-First-Site-Name,CN=Sites";
    site.world.set_in_configuration(&format!("CN=NTDS Settings,{dc3}"), "options", &["3"]);
    let owner = format!("CN=NTDS Settings,{dc3},CN=Configuration,DC=corp,DC=local");
    site.world.set_in_configuration("CN=Partitions", "fSMORoleOwner", &[&owner]);
    assert_eq!(ids(&site.preflight().await, ItemStatus::Fail), ["replication-health"]);
    site.world.forest.stop_controller("dc3.corp.local").unwrap();
    let preflight = site.preflight().await;
    let failing = ids(&preflight, ItemStatus::Fail);
    assert_eq!(failing, ["domain-controllers", "replication-health", "fsmo-roles"]);
    let evidence = &preflight.item("fsmo-roles").unwrap().evidence;
    assert!(evidence.contains("domain naming master") && evidence.contains("dc3"), "{evidence}");
}

#[tokio::test]
async fn a_delegate_may_change_users_and_not_suffixes() {
    let site = Site::of(|tenant| tenant).await;
    let forest = site.world.forest.forest_as(&site.world.forest.delegate().unwrap()).unwrap();
    let preflight = site.world.onramp_over(forest).with_dns(Arc::new(site.dns.clone()));
    let preflight = preflight.preflight(&spec(SPEC)).await.unwrap();
    assert_eq!(ids(&preflight, ItemStatus::Fail), ["forest-rights-suffix"]);
}

#[tokio::test]
async fn items_that_are_not_about_the_job_are_left_out() {
    let site = Site::of(|tenant| tenant).await;
    let preflight = site.onramp().preflight(&Spec::new(contoso())).await.unwrap();
    for id in ["tenant-rights-sync", "tenant-rights-service-account", "forest-rights-users"] {
        assert_eq!(preflight.item(id), None);
    }
    assert!(preflight.item("tenant-rights-domain").is_some());
}

#[tokio::test]
async fn a_preflight_that_is_cancelled_ends() {
    let site = Site::of(|tenant| tenant).await;
    let mut probe = MockControllerProbe::new();
    let token = site.world.token.clone();
    probe.expect_probe().returning(move |_| {
        token.cancel();
        Err(Error::new(ErrorKind::Unavailable, "ask"))
    });
    let forest = site.world.forest.forest().with_controller_probe(Arc::new(probe));
    // What is in flight may come to its end first; what begins later does not begin.
    let _ = site.world.onramp_over(forest).preflight(&spec(SPEC)).await;
    let error = site.onramp().preflight(&spec(SPEC)).await.unwrap_err();
    assert!(error.is_cancelled(), "{error}");
}

#[tokio::test]
async fn hidden_policies_name_the_permission() {
    let site = Site::of(|tenant| tenant).await;
    let mut sign_in = MockSignIn::new();
    sign_in.expect_sign_in_policies().returning(|_| Ok(SecondFactor::default()));
    let tenant = site.world.tenant.tenant().with_sign_in(Arc::new(sign_in));
    let onramp = site.world.onramp_on(tenant, site.world.forest.forest());
    let preflight = onramp.with_dns(Arc::new(site.dns.clone())).preflight(&spec(SPEC)).await.unwrap();
    assert_eq!(ids(&preflight, ItemStatus::CannotTell), ["security-defaults", "conditional-access"]);
    for item in preflight.with_status(ItemStatus::CannotTell) {
        assert!(item.evidence.contains("Policy.Read.All"), "{item}");
    }
}

#[tokio::test]
async fn a_plan_has_the_preflight_and_its_digest_does_not_depend_on_it() {
    let site = Site::of(|tenant| tenant.security_defaults(true)).await;
    let (onramp, spec) = (site.onramp(), spec(SPEC));
    let without = plan(&spec, &onramp.survey(&spec).await.unwrap());
    let preflight = site.preflight().await;
    let with = plan(&spec, &onramp.survey(&spec).await.unwrap().with_preflight(preflight.clone()));
    assert_eq!(with.preflight(), preflight.items);
    assert_eq!(with.digest(), without.digest(), "what was seen at a time is no part of the plan's identity");
    let mut file = Vec::new();
    with.write(&mut file).unwrap();
    let text = String::from_utf8(file.clone()).unwrap();
    assert!(
        text.lines().nth(1).unwrap().starts_with(r#"{"line":"check","id":"tenant-rights-read""#),
        "{text}"
    );
    assert_eq!(Plan::read(file.as_slice()).unwrap(), with);
}

#[tokio::test]
async fn a_failing_item_that_the_policy_names_stops_a_run_before_its_first_change() {
    let mut site = Site::of(|tenant| tenant).await;
    let (spec, rules) = (spec(SPEC), PolicyRules::default().with_preflight("security-defaults"));
    let onramp = site.onramp().with_policy(Arc::new(rules));
    let made = plan(&spec, &onramp.survey(&spec).await.unwrap());
    assert_eq!(onramp.review(&made).await.unwrap(), [], "it passes at first");
    let approved = approve_all(made);
    // Another administrator, after the approval.
    site.world.tenant.set_security_defaults(true);
    site.world.tenant.clear_requests();
    let error = site.world.apply(&onramp, &approved).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden);
    assert!(error.to_string().contains("security-defaults (fail)"), "{error}");
    let written: Vec<_> =
        site.world.tenant.requests().into_iter().filter(|request| request.method != "GET").collect();
    assert!(written.is_empty(), "{written:?}");
    assert!(site.world.journal.records().is_empty(), "no run began");

    // Items that the policy does not name stop nothing.
    let others = PolicyRules::default().with_preflight("hard-match-bypass").with_preflight("fsmo-roles");
    let onramp = site.onramp().with_policy(Arc::new(others));
    assert_eq!(onramp.review_approved(&approved).await.unwrap(), []);
}

#[tokio::test]
async fn an_item_that_cannot_be_told_stops_a_run_only_if_the_policy_wants_that() {
    let site = Site::of(|tenant| tenant.app_only_sync_features(false)).await;
    let spec = spec(SPEC);
    let made = plan(&spec, &site.onramp().survey(&spec).await.unwrap());
    let rules = PolicyRules::default().with_preflight("hard-match-bypass");
    let review =
        async |rules: PolicyRules| site.onramp().with_policy(Arc::new(rules)).review(&made).await.unwrap();
    assert_eq!(review(rules.clone()).await, []);
    let violations = review(rules.with_known_preflight()).await;
    assert_eq!(violations.len(), 1);
    assert_eq!(violations[0].rule, "preflight");
    assert!(violations[0].detail.starts_with("hard-match-bypass (cannot tell): "), "{violations:?}");
}

#[test]
fn rules_name_items_that_exist() {
    let rules = PolicyRules::from_toml(r#"preflight = ["security-defaults", "time-skew"]"#).unwrap();
    assert_eq!(rules.preflight, ["security-defaults", "time-skew"]);
    let error = PolicyRules::from_toml(r#"preflight = ["security-default"]"#).unwrap_err().to_string();
    assert!(error.contains("did you mean \"security-defaults\"?"), "{error}");
    let error = PolicyRules::from_toml("preflight_must_be_known = true").unwrap_err().to_string();
    assert!(error.contains("no effect"), "{error}");
}

#[tokio::test]
async fn a_preflight_is_data() {
    let site = Site::of(|tenant| tenant.security_defaults(true)).await;
    let preflight = site.preflight().await;
    let json = serde_json::to_string(&preflight).unwrap();
    assert!(json.starts_with(r#"{"format_version":1,"taken_at":""#), "{json}");
    assert_eq!(serde_json::from_str::<Preflight>(&json).unwrap(), preflight);
    let item: &CheckItem = preflight.item("security-defaults").unwrap();
    assert!(serde_json::to_string(item).unwrap().contains(r#""side":"tenant","status":"fail""#));
}

#[test]
fn the_page_of_the_documentation_lists_every_item() {
    let page = include_str!("../../../../docs/preflight.md");
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    let expected: Vec<String> = catalog()
        .iter()
        .map(|item| {
            format!("| `{}` | {} | {} | {} | {} |", item.id, item.side, item.judges, item.remedy, item.source)
        })
        .collect();
    assert_eq!(rows, expected, "the table of docs/preflight.md");
}

#[tokio::test]
async fn rights_are_tested_on_the_objects_that_are_named() {
    let site = Site::of(|tenant| tenant).await;
    let administrator = site.world.forest.find_account("Administrator").unwrap();
    let forest = site.world.forest.forest_as(&site.world.forest.delegate().unwrap()).unwrap();
    let onramp = site.world.onramp_over(forest);
    let mut scope = PreflightScope::new(contoso());
    let upn = onramp_core::AttributeName::from_static("userPrincipalName");
    scope.sample = Some(RightsSample::Objects(vec![(administrator, vec![upn])]));
    scope.service_account = Some(RoleTemplateId::GLOBAL_ADMINISTRATOR);
    let preflight = onramp.preflight(scope).await.unwrap();
    let item = preflight.item("forest-rights-users").unwrap();
    assert_eq!(item.status, ItemStatus::Fail);
    assert!(item.evidence.contains("CN=Administrator"), "{item}");
}
