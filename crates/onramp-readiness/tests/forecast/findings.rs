//! Findings, counts and sentences.

use std::sync::Arc;

use onramp_readiness::forecast::{Forecast, Forecaster, Outcome, UnknownReason};
use onramp_readiness::{
    EntraRules, Finding, Profile, RuleId, RuleInfo, RuleSettings, Scan, ScanResult, Severity,
};

use crate::*;

fn tenant() -> Vec<CloudObject> {
    vec![
        changed(cloud(1, "anna@contoso.com"), |anna| {
            anna.display_name = Some("Annabel Reed".into());
            anna.attributes = vec![(a::TITLE, vec!["Chief".into()]), (a::COMPANY, vec!["Contoso".into()])];
            anna.proxy_addresses = vec!["SMTP:anna@contoso.com".into()];
        }),
        cloud(2, "reed@contoso.com"),
    ]
}

fn scanned(
    profile: &Profile,
    objects: Vec<DirectoryObject>,
    tenant: Vec<CloudObject>,
    flags: TenantFlags,
) -> ScanResult {
    let mut scan = Scan::new(Arc::new(EntraRules::new(profile).unwrap()))
        .with_forecaster(Forecaster::new(tenant, flags));
    objects.into_iter().for_each(|object| scan.add(object));
    scan.finish()
}

fn of_cloud(result: &ScanResult) -> Vec<&Finding> {
    result.findings.iter().filter(|finding| finding.tags.iter().any(|tag| tag == "match")).collect()
}

#[test]
fn a_scan_tells_what_is_overwritten_and_what_is_in_conflict() {
    let boss = with(anna(), &a::TITLE, &["Director"]);
    let result = scanned(&Profile::entra(), vec![boss, group()], tenant(), known());
    let findings = of_cloud(&result);
    let rules: Vec<_> = findings.iter().map(|finding| (finding.rule.as_str(), finding.severity)).collect();
    assert_eq!(rules, [("cloud-conflict", Severity::Error), ("cloud-overwrite", Severity::Warning)]);
    let (conflict, overwrite) = (findings[0], findings[1]);
    assert_eq!(conflict.attribute, a::PROXY_ADDRESSES);
    assert_eq!(conflict.value.as_deref(), Some("smtp:reed@contoso.com"));
    assert_eq!(conflict.value_index, Some(0));
    assert_eq!(overwrite.attribute, a::USER_PRINCIPAL_NAME);
    assert_eq!(
        overwrite.explanation,
        "synchronization overwrites the cloud user anna@contoso.com (“Annabel Reed”): soft match on the UPN; it loses \
         displayName “Annabel Reed” (becomes “Anna Reed”), title “Chief” (becomes “Director”), \
         proxyAddresses “SMTP:anna@contoso.com”"
    );
    assert!(overwrite.no_fix.is_some() && overwrite.rule_source.is_some());
    let counts = [
        ("cloud object overwritten (soft match on the UPN)".to_owned(), 1),
        ("not forecast (cloud objects of this kind were not read)".to_owned(), 1),
    ];
    assert_eq!(result.forecast, counts);
}

#[test]
fn what_is_not_known_is_a_finding() {
    let flags = flags(|flags| {
        flags.block_soft_match = None;
        flags.password_hash_sync = None;
    });
    let result = scanned(&Profile::entra(), vec![anna()], vec![cloud(1, "anna@contoso.com")], flags);
    let findings = of_cloud(&result);
    assert_eq!(findings[0].rule.as_str(), "cloud-unknown");
    assert_eq!(
        findings[0].explanation,
        "synchronization may overwrite the cloud user anna@contoso.com: soft match on the UPN; not known is whether the \
         tenant blocks soft matches (blockSoftMatchEnabled); it loses its password, if password hashes are synchronized"
    );
    assert_eq!(result.forecast, [("overwritten or in conflict, not known which".to_owned(), 1)]);
}

#[test]
fn several_objects_that_match_one_cloud_object_are_unknown() {
    let mut other = with(anna(), &a::PROXY_ADDRESSES, &[]);
    other = with(other, &a::MAIL, &[]);
    let twin = DirectoryObject::new("CN=Twin,DC=corp,DC=local")
        .with_guid(guid(4))
        .with_text(a::OBJECT_CLASS, "user")
        .with_text(a::USER_PRINCIPAL_NAME, "anna@contoso.com");
    let forecasts = Forecaster::new([cloud(1, "anna@contoso.com")], known()).forecast_all([&other, &twin]);
    for forecast in &forecasts {
        assert_eq!(forecast.outcome, Outcome::Unknown);
        assert_eq!(forecast.unknown, [UnknownReason::Order]);
    }
    let result = scanned(&Profile::entra(), vec![other, twin], vec![cloud(1, "anna@contoso.com")], known());
    assert_eq!(result.forecast, Forecast::count(&forecasts));
    assert_eq!(of_cloud(&result).len(), 2);
}

#[test]
fn the_rules_are_switched_and_weighed_like_others() {
    let scan = |profile: &Profile| {
        let result = scanned(profile, vec![anna()], tenant(), known());
        let found: Vec<_> = of_cloud(&result).iter().map(|f| (f.rule.to_string(), f.severity)).collect();
        found
    };
    assert!(scan(&Profile::entra().with_skip(["match"])).is_empty());
    assert_eq!(scan(&Profile::entra().with_tags(["match"])).len(), 2);
    let id = RuleId::from_static("cloud-overwrite");
    let note = Profile::entra()
        .with_skip(["cloud-conflict"])
        .with_rule(id, RuleSettings::default().with_severity(Severity::Note));
    assert_eq!(scan(&note), [("cloud-overwrite".to_owned(), Severity::Note)]);
}

#[test]
fn a_scan_without_a_tenant_does_not_show_the_rules_as_kept() {
    let scan = Scan::new(Arc::new(EntraRules::new(&Profile::entra()).unwrap()));
    let of_tenant =
        |catalog: &[RuleInfo]| catalog.iter().filter(|rule| rule.id.as_str().starts_with("cloud-")).count();
    assert_eq!(of_tenant(scan.catalog()), 3);
    assert_eq!(of_tenant(&scan.finish().catalog), 0);
    assert_eq!(of_tenant(&scanned(&Profile::entra(), vec![], vec![], known()).catalog), 3);
}

#[test]
fn excluded_objects_get_no_forecast() {
    let system = anna().with_text(a::IS_CRITICAL_SYSTEM_OBJECT, "TRUE");
    let result = scanned(&Profile::entra(), vec![system], tenant(), known());
    assert!(of_cloud(&result).is_empty() && result.forecast.is_empty());
}

#[test]
fn a_conflict_tells_the_way_in_which_it_ends() {
    for (tenant, flags, sentence) in [
        (
            vec![foreign(1, "anna@contoso.com")],
            known(),
            "the cloud user anna@contoso.com has the value, and the source anchor of another object: this object gets the \
             UPN anna####@contoso.onmicrosoft.com with four digits for ####",
        ),
        (
            vec![admin(anchored(1, "x@contoso.com"))],
            known(),
            "the cloud user x@contoso.com (User Administrator) would be matched, but holds an administrator role; take the \
             role away first: synchronization rejects this object (InvalidHardMatch)",
        ),
        (
            vec![addresses(cloud(1, "x@contoso.com"), &["smtp:reed@contoso.com"])],
            known().with_initial_domain(None),
            "the cloud user x@contoso.com has the address: this object comes in without the address, which is quarantined",
        ),
    ] {
        let forecast = Forecaster::new(tenant, flags).forecast(&anna());
        assert_eq!(forecast.explanation(), sentence);
    }
}

#[test]
fn nothing_is_lost_that_ad_does_not_have() {
    let rich = changed(cloud(1, "ANNA@contoso.com"), |rich| {
        rich.attributes = vec![(a::TITLE, vec!["Chief".into()])];
        rich.display_name = Some("Anna Reed".into());
        rich.mail = Some("x@contoso.com".into());
    });
    let bare = with(with(anna(), &a::PROXY_ADDRESSES, &[]), &a::MAIL, &[]);
    let forecast = Forecaster::new([rich], known()).forecast(&bare);
    assert_eq!(forecast.outcome, Outcome::Match);
    assert!(forecast.loses.is_empty(), "{:?}", forecast.loses);
    assert_eq!(forecast.loses_password, Some(false));
}

#[test]
fn a_rule_about_cloud_objects_judges_the_objects_of_its_scope_alone() {
    let boss = || with(anna(), &a::TITLE, &["Director"]);
    for (setting, found) in [
        (
            "[rules.cloud-overwrite]\nbelow = [\"OU=Staff,DC=corp,DC=local\"]",
            &["cloud-conflict", "cloud-overwrite"][..],
        ),
        ("[rules.cloud-overwrite]\nnot-below = [\"OU=Staff,DC=corp,DC=local\"]", &["cloud-conflict"]),
        ("[rules.cloud-conflict]\nclasses = [\"group\"]", &["cloud-overwrite"]),
    ] {
        let result = scanned(&Profile::parse(setting).unwrap(), vec![boss()], tenant(), known());
        let rules: Vec<_> =
            of_cloud(&result).iter().map(|finding| finding.rule.as_str().to_owned()).collect();
        assert_eq!(rules, found, "{setting}");
    }
}
