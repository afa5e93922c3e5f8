//! What single operations send and understand, beyond the contract of the ports.

use std::time::Duration;

use futures_util::TryStreamExt;
use onramp_core::tenant::{
    AppRole, Certainty, DeletionPrevention, MfaState, NewApplication, NewCertificate, OnPremisesProtection,
    PasswordProtectionSettings, PolicyDemand, RoleTemplateId, SyncFeatures,
};
use onramp_core::{Clock, DomainName, ErrorKind, Password, Upn};
use onramp_entra::{Capability, ClientCertificate};
use onramp_lab::tenant::{ConditionalAccess, LabTenant, SeedUser};

use crate::laboratory::Lab;

fn upn(prefix: &str) -> Upn {
    Upn::new(prefix, &DomainName::parse("contoso.onmicrosoft.com").unwrap()).unwrap()
}

#[tokio::test]
async fn features_are_known_to_an_administrator_and_unknown_to_an_application() {
    let lab = Lab::start(LabTenant::builder().sync_enabled(Some(true))).await;
    let unknown = lab.tenant().sync.features().await.unwrap();
    assert_eq!(unknown, SyncFeatures::default(), "an application may not read them, which is no error");

    let known = lab.tenant_as(&upn("admin")).sync.features().await.unwrap();
    assert_eq!(known.block_soft_match, Some(false));
    assert_eq!(known.block_hard_match, Some(false));
    assert_eq!(known.soft_match_on_upn, Some(true));
    assert_eq!(known.quarantine_on_upn_conflict, Some(true));
    assert_eq!(known.deletion_prevention, Some(DeletionPrevention::Objects(500)));
}

#[tokio::test]
async fn conflicts_of_synchronised_users_are_read_with_what_they_are_about() {
    let lab = Lab::start(LabTenant::builder().users(30)).await;
    lab.lab.report_conflict(&upn("admin"), "ProxyAddresses", "SMTP:info@contoso.example").unwrap();
    for tenant in [lab.tenant(), lab.lab.tenant()] {
        let found: Vec<_> = tenant.sync.provisioning_errors().try_collect().await.unwrap();
        assert_eq!(found.len(), 1, "{found:?}");
        let admin = tenant.users.find(&upn("admin")).await.unwrap().unwrap();
        assert_eq!((found[0].object, found[0].property.as_str()), (admin.id, "ProxyAddresses"));
        assert_eq!(found[0].value, "SMTP:info@contoso.example");
        assert_eq!(found[0].occurred, Some(lab.clock.now()));
    }
}

#[tokio::test]
async fn whatever_asks_for_a_second_factor_is_foreseen() {
    let seeds = ["sync", "spared"].map(|prefix| SeedUser::new(upn(prefix)));
    let lab = Lab::start(
        LabTenant::builder()
            .seed_users(seeds)
            .conditional_access(
                ConditionalAccess::require_mfa("MFA for all").excluding(upn("spared").to_string()),
            )
            .conditional_access(ConditionalAccess::block("Only a thought").report_only()),
    )
    .await;
    for tenant in [lab.tenant(), lab.lab.tenant()] {
        let id = tenant.users.find(&upn("sync")).await.unwrap().unwrap().id;
        let all = tenant.sign_in.second_factor(&id).await.unwrap();
        assert_eq!((all.per_user, all.security_defaults), (Some(MfaState::Disabled), Some(false)));
        let policies = all.policies.clone().unwrap();
        assert_eq!(policies.len(), 1, "one policy is in force: {policies:?}");
        assert_eq!(
            (policies[0].name.as_str(), policies[0].demand),
            ("MFA for all", PolicyDemand::SecondFactor)
        );
        assert_eq!(all.breaks_password_sign_in(), Certainty::Yes);

        let spared = tenant.users.find(&upn("spared")).await.unwrap().unwrap().id;
        let all = tenant.sign_in.second_factor(&spared).await.unwrap();
        assert_eq!(all.breaks_password_sign_in(), Certainty::No, "{all:?}");
    }
}

#[tokio::test]
async fn what_a_cloud_lacks_is_refused_before_anything_is_sent() {
    let lab = Lab::start(LabTenant::builder()).await;
    let id = lab.tenant().users.find(&upn("admin")).await.unwrap().unwrap().id;
    let endpoints = lab.endpoints().without([
        Capability::PerUserMfa,
        Capability::RoleEligibility,
        Capability::AccessPolicies,
        Capability::AzureSubscriptions,
    ]);
    let tenant = lab.client(lab.secret()).endpoints(endpoints).build().unwrap().tenant();
    lab.lab.clear_requests();
    let refusals = [
        tenant.sign_in.mfa_state(&id).await.unwrap_err(),
        tenant.sign_in.set_mfa_state(&id, MfaState::Disabled).await.unwrap_err(),
        tenant.roles.eligibilities_of(&id).await.unwrap_err(),
        tenant.subscriptions.list().await.unwrap_err(),
        tenant.subscriptions.elevate_access().await.unwrap_err(),
    ];
    for error in refusals {
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(error.to_string().contains("this cloud does not offer"), "{error}");
    }
    assert_eq!(lab.lab.requests().len(), 0, "not even a token was asked for");

    let all = tenant.sign_in.second_factor(&id).await.unwrap();
    assert_eq!((all.per_user, all.security_defaults, all.policies.clone()), (None, None, None));
    assert_eq!(all.breaks_password_sign_in(), Certainty::Unknown);
}

#[tokio::test]
async fn eligible_roles_are_read_beside_active_ones() {
    let role = RoleTemplateId::HYBRID_IDENTITY_ADMINISTRATOR;
    let lab =
        Lab::start(LabTenant::builder().seed_user(SeedUser::new(upn("maybe")).eligible_for(role))).await;
    for tenant in [lab.tenant(), lab.lab.tenant()] {
        let id = tenant.users.find(&upn("maybe")).await.unwrap().unwrap().id;
        let eligible = tenant.roles.eligibilities_of(&id).await.unwrap();
        assert_eq!(eligible.iter().map(|held| (held.role, held.principal)).collect::<Vec<_>>(), [(role, id)]);
        assert_eq!(tenant.roles.assignments_of(&id).await.unwrap(), [], "eligible is not active");
    }
}

#[tokio::test]
async fn a_tenant_without_unified_role_management_is_served_by_the_older_roles() {
    let lab = Lab::start(LabTenant::builder().legacy_roles_only(true)).await;
    let tenant = lab.tenant();
    let fixture = onramp_core::conformance::TenantFixture::new(
        "older",
        lab.initial_domain(),
        onramp_core::conformance::PollTimeout::new(lab.clock.clone()),
    );
    onramp_core::conformance::tenant::roles::run(&*tenant.roles, &*tenant.users, &fixture).await;
    assert!(lab.lab.requests().iter().any(|request| request.path.starts_with("/v1.0/directoryRoles")));
}

#[tokio::test]
async fn password_rules_are_read_as_they_were_set() {
    let untouched = Lab::start(LabTenant::builder()).await;
    assert_eq!(
        untouched.tenant().password_protection.read().await.unwrap(),
        PasswordProtectionSettings::default()
    );

    let mut rules = PasswordProtectionSettings::default();
    rules.custom_terms_enforced = true;
    rules.custom_terms = vec!["contoso".into(), "fabrikam".into()];
    rules.lockout_threshold = 5;
    rules.lockout_duration = Duration::from_secs(300);
    rules.on_premises = OnPremisesProtection::Enforce;
    let lab = Lab::start(LabTenant::builder().password_rules(rules.clone())).await;
    assert_eq!(lab.tenant().password_protection.read().await.unwrap(), rules);
}

#[tokio::test]
async fn access_is_elevated_by_a_global_administrator_only() {
    let lab = Lab::start(LabTenant::builder().seed_user(SeedUser::new(upn("nobody")))).await;
    lab.tenant_as(&upn("admin")).subscriptions.elevate_access().await.unwrap();
    for tenant in [lab.tenant(), lab.tenant_as(&upn("nobody"))] {
        let error = tenant.subscriptions.elevate_access().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Forbidden, "{error}");
        assert!(error.to_string().contains("Global Administrator"), "{error}");
    }
}

#[tokio::test]
async fn classic_administrators_that_are_left_are_reported() {
    let lab = Lab::start(LabTenant::builder().classic_administrator("old@contoso.example")).await;
    let subscription = lab.lab.subscription_ids()[0];
    let found = lab.tenant().subscriptions.classic_administrators(&subscription).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].email.as_str(), found[0].role.as_str()), ("old@contoso.example", "CoAdministrator"));
}

#[tokio::test]
async fn a_permission_of_an_api_that_is_not_there_yet_says_what_brings_it() {
    let lab = Lab::start(LabTenant::builder()).await;
    let tenant = lab.tenant();
    let application = tenant.applications.create(&NewApplication::new("sync", "Sync")).await.unwrap();
    let principal = tenant.applications.create_service_principal(&application.app_id).await.unwrap();
    let role = AppRole::new(AppRole::SYNCHRONIZATION_SERVICE, "ADSynchronization.ReadWrite.All");
    let error = tenant.applications.grant_app_role(&principal, &role).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("Switching directory synchronization on"), "{error}");

    tenant.sync.set_enabled(true).await.unwrap();
    let granted = tenant.applications.grant_app_role(&principal, &role).await.unwrap();
    assert_eq!(tenant.applications.app_roles_of(&principal).await.unwrap(), [granted]);
}

pub(crate) const CERTIFICATE: &str = include_str!("../data/application.crt");
pub(crate) const KEY: &str = include_str!("../data/application.key");

#[tokio::test]
async fn an_application_signs_in_with_its_certificate_for_as_long_as_the_tenant_knows_it() {
    let lab = Lab::start(LabTenant::builder()).await;
    let tenant = lab.tenant();
    let application = tenant.applications.create(&NewApplication::new("sync", "Sync")).await.unwrap();
    tenant.applications.create_service_principal(&application.app_id).await.unwrap();
    let credential = || {
        ClientCertificate::from_pem(
            lab.lab.credentials().tenant_id.to_string(),
            application.app_id.to_string(),
            CERTIFICATE,
            &Password::new(KEY.to_owned()),
        )
        .unwrap()
    };
    let by_itself = || lab.tenant_of(credential());

    let error = by_itself().domains.list().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated, "the tenant does not know the certificate: {error}");
    assert!(error.to_string().contains("700027"), "{error}");

    let der = CERTIFICATE.lines().skip_while(|line| !line.starts_with("-----BEGIN")).skip(1);
    let der: String = der.take_while(|line| !line.starts_with('-')).collect();
    let der = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, der).unwrap();
    let known = NewCertificate::new("Sync 2026", der);
    let added = tenant.applications.add_certificate(&application.id, &known).await.unwrap();
    assert!(!by_itself().domains.list().await.unwrap().is_empty(), "the certificate signs in");
    assert!(!format!("{:?}", credential()).contains("PRIVATE"));

    tenant.applications.remove_certificate(&application.id, &added.key_id).await.unwrap();
    let error = by_itself().domains.list().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
}

#[test]
fn a_key_that_entra_would_not_take_is_refused_at_once() {
    let read = |certificate: &str, key: &str| {
        ClientCertificate::from_pem(
            "contoso.com",
            "an-application",
            certificate,
            &Password::new(key.to_owned()),
        )
    };
    for (certificate, key, why) in [
        ("", KEY, "no certificate"),
        (CERTIFICATE, "", "no private key"),
        (CERTIFICATE, CERTIFICATE, "no private key"),
    ] {
        let error = read(certificate, key).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains(why), "{error}");
    }
    assert!(read(CERTIFICATE, KEY).is_ok());
}

#[tokio::test]
async fn what_an_account_will_meet_is_foreseen_before_it_exists() {
    let role = RoleTemplateId::HYBRID_IDENTITY_ADMINISTRATOR;
    let lab = Lab::start(
        LabTenant::builder()
            .users(0)
            .conditional_access(
                ConditionalAccess::require_mfa("everybody").excluding("admin@contoso.onmicrosoft.com"),
            )
            .conditional_access(ConditionalAccess::block("administrators").including_role(role))
            .conditional_access(
                ConditionalAccess::block("one person").including("admin@contoso.onmicrosoft.com"),
            )
            .conditional_access(ConditionalAccess::block("rehearsal").report_only()),
    )
    .await;
    for tenant in [lab.tenant(), lab.lab.tenant()] {
        let met = async |roles: &[RoleTemplateId]| {
            let all = tenant.sign_in.sign_in_policies(roles).await.unwrap();
            assert_eq!(all.breaks_password_sign_in(), Certainty::Yes);
            assert_eq!(all.security_defaults, Some(false));
            all.policies.unwrap().into_iter().map(|policy| (policy.name, policy.demand)).collect::<Vec<_>>()
        };
        let everybody = ("everybody".to_owned(), PolicyDemand::SecondFactor);
        assert_eq!(met(&[RoleTemplateId::DIRECTORY_READERS]).await, std::slice::from_ref(&everybody));
        let administrators = ("administrators".to_owned(), PolicyDemand::Block);
        assert_eq!(met(&[role]).await, [everybody, administrators]);
    }

    let open = Lab::start(LabTenant::builder().users(0)).await;
    let all = open.tenant().sign_in.sign_in_policies(&[role]).await.unwrap();
    assert_eq!(all.breaks_password_sign_in(), Certainty::No, "{all:?}");
}
