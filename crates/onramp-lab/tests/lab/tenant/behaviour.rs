//! What real tenants do beyond the usual: federation, domains of others, late records, strangers.

use std::time::Duration;

use futures_util::StreamExt as _;
use onramp_core::tenant::{DomainAuthentication, DomainVerification, NewUser, RoleTemplateId, SignInProbe};
use onramp_core::{DomainName, ErrorKind, ObjectId, Password, Upn};
use onramp_lab::tenant::{
    Audience, ConditionalAccess, Fault, FaultAction, LabTenant, SeedUser, UsedElsewhere,
};
use serde_json::json;

use super::graph::new_user;
use super::wire::Wire;

pub(super) const PASSWORD: &str = "gr8-Hedgehogs.42";

pub(super) fn domain(name: &str) -> DomainName {
    DomainName::parse(name).unwrap()
}

pub(super) fn upn(name: &str) -> Upn {
    Upn::parse(name).unwrap()
}

pub(super) fn password() -> Password {
    Password::new(PASSWORD.to_owned())
}

#[tokio::test]
async fn a_federated_domain_takes_no_users_without_an_anchor_and_checks_no_passwords() {
    let person = SeedUser::new(upn("frida@corp.example")).with_password(password());
    let builder = LabTenant::builder().federated_domain(domain("corp.example")).seed_user(person);
    let wire = Wire::new(builder).await;
    let tenant = wire.lab.tenant();
    let seen = wire.get("/v1.0/domains/corp.example").await.expect(200);
    assert_eq!((&seen["authenticationType"], &seen["isVerified"]), (&json!("Federated"), &json!(true)));
    let read = tenant.domains.get(&domain("corp.example")).await.unwrap();
    assert_eq!(read.authentication, DomainAuthentication::Federated);

    let refused = wire.post("/v1.0/users", new_user("sync@corp.example")).await;
    let refused = refused.refused(400, "Request_BadRequest");
    assert_eq!(refused["error"]["details"][0]["target"], "onPremisesImmutableId");
    let new = NewUser::new(upn("sync@corp.example"), "Sync", password());
    assert_eq!(tenant.users.create(&new).await.unwrap_err().kind(), ErrorKind::Invalid);
    let mut anchored = new_user("sync@corp.example");
    anchored["onPremisesImmutableId"] = json!("c3luYw==");
    wire.post("/v1.0/users", anchored).await.expect(201);

    let probe = async || tenant.sign_in.probe(&upn("frida@corp.example"), &password()).await.unwrap();
    assert_eq!(
        probe().await,
        SignInProbe::WrongPassword,
        "the right password cannot be told from a wrong one"
    );
    for _ in 1..10 {
        probe().await;
    }
    assert_eq!(probe().await, SignInProbe::LockedOut, "each try counts");
    wire.clock.advance(Duration::from_secs(60));
    wire.lab.end_federation("corp.example").unwrap();
    assert_eq!(probe().await, SignInProbe::Accepted);

    wire.lab.federate("CORP.example").unwrap();
    assert_eq!(probe().await, SignInProbe::WrongPassword);
    assert_eq!(wire.lab.federate("nowhere.example").unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(wire.lab.federate("contoso.onmicrosoft.com").unwrap_err().kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn a_domain_of_another_tenant_is_refused_when_it_is_verified_and_not_before() {
    for (words, start) in [
        (UsedElsewhere::Plain, "Unable to verify this domain because it is used elsewhere"),
        (
            UsedElsewhere::Wrapped,
            "Domain verification failed with the following error: 'Unable to verify this domain because it is used elsewhere",
        ),
    ] {
        let wire = Wire::new(LabTenant::builder().foreign_domain(domain("taken.example"), words)).await;
        let tenant = wire.lab.tenant();
        wire.post("/v1.0/domains", json!({ "id": "taken.example" })).await.expect(201);
        let early = tenant.domains.verify(&domain("taken.example")).await.unwrap();
        assert!(matches!(early, DomainVerification::RecordNotFound { .. }), "{early:?}");
        wire.lab.publish_dns("taken.example").unwrap();
        let refused = wire.post("/v1.0/domains/taken.example/verify", json!({})).await;
        let refused = refused.refused(400, "Request_BadRequest");
        assert!(refused["error"]["message"].as_str().unwrap().starts_with(start), "{refused}");
        let error = tenant.domains.verify(&domain("taken.example")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists, "nothing to wait for");
        assert!(error.reply().diagnostic.as_ref().unwrap().starts_with(start));

        wire.lab.use_elsewhere(&domain("taken.example"), None);
        assert_eq!(
            tenant.domains.verify(&domain("taken.example")).await.unwrap(),
            DomainVerification::Verified
        );
    }
}

#[tokio::test]
async fn a_record_is_published_later_or_by_hand() {
    let wire = Wire::new(LabTenant::builder().publish_dns_after(Duration::from_secs(30))).await;
    let tenant = wire.lab.tenant();
    wire.clock.advance(Duration::from_secs(100));
    tenant.domains.add(&domain("corp.example")).await.unwrap();
    let verify = async || tenant.domains.verify(&domain("corp.example")).await.unwrap();
    wire.clock.advance(Duration::from_secs(29));
    assert!(matches!(verify().await, DomainVerification::RecordNotFound { .. }));
    wire.clock.advance(Duration::from_secs(1));
    assert_eq!(verify().await, DomainVerification::Verified);

    wire.lab.publish_dns_after(None);
    assert_eq!(wire.lab.publish_dns("fabrikam.example").unwrap_err().kind(), ErrorKind::NotFound);
    tenant.domains.add(&domain("fabrikam.example")).await.unwrap();
    wire.clock.advance(Duration::from_secs(3_600));
    let verify = async || tenant.domains.verify(&domain("fabrikam.example")).await.unwrap();
    assert!(matches!(verify().await, DomainVerification::RecordNotFound { .. }));
    let text = wire.lab.publish_dns("Fabrikam.example").unwrap();
    assert_eq!(Some(text), wire.lab.verification_text("fabrikam.example"));
    assert_eq!(verify().await, DomainVerification::Verified);
}

#[tokio::test]
async fn a_stranger_acts_between_two_requests_over_http_and_through_the_ports() {
    let wire = Wire::default().await;
    let tenant = wire.lab.tenant();
    let theirs = upn("sync@contoso.onmicrosoft.com");
    let name = theirs.clone();
    wire.lab.before("POST", "/v1.0/users", move |lab| {
        lab.add_user(SeedUser::new(name.clone()).with_display_name("Mallory")).unwrap();
    });
    assert!(tenant.users.find(&theirs).await.unwrap().is_none());
    let refused =
        wire.post("/v1.0/users", new_user(theirs.as_str())).await.refused(400, "Request_BadRequest");
    assert_eq!(refused["error"]["details"][0]["code"], "ObjectConflict");
    let found = tenant.users.find(&theirs).await.unwrap().unwrap();
    assert_eq!(found.display_name.as_deref(), Some("Mallory"));

    // Deleted and made anew before the second role assignment: the object ID is another one.
    let name = theirs.clone();
    let anew = FaultAction::meanwhile(move |lab| {
        lab.delete_user(&name).unwrap();
        lab.add_user(SeedUser::new(name.clone())).unwrap();
    });
    wire.lab.add_fault(Fault::on("POST", "*/roleAssignments", anew).from_nth(2));
    let reader = RoleTemplateId::new(ObjectId::parse("88d8e3e3-8f55-4a1e-953a-9b9898b8876b").unwrap());
    let hybrid = RoleTemplateId::HYBRID_IDENTITY_ADMINISTRATOR;
    tenant.roles.assign(&reader, &found.id).await.unwrap();
    let gone = tenant.roles.assign(&hybrid, &found.id).await.unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::NotFound);
    let new = tenant.users.find(&theirs).await.unwrap().unwrap();
    assert_ne!(new.id, found.id);
    tenant.roles.assign(&hybrid, &new.id).await.unwrap();

    wire.lab
        .change_user(&theirs, &json!({ "accountEnabled": false, "otherMails": ["x@y.example"] }))
        .unwrap();
    wire.lab.grant_role(&theirs, &RoleTemplateId::GLOBAL_ADMINISTRATOR).unwrap();
    let changed = tenant.users.get(&new.id).await.unwrap();
    assert!(!changed.account_enabled && changed.other_mails == ["x@y.example"]);
    assert_eq!(tenant.roles.assignments_of(&new.id).await.unwrap().len(), 2);
    for (properties, kind) in
        [(json!({ "no such": 1 }), ErrorKind::Invalid), (json!({ "mailNickname": "" }), ErrorKind::Invalid)]
    {
        assert_eq!(wire.lab.change_user(&theirs, &properties).unwrap_err().kind(), kind);
    }
    let nobody = upn("nobody@contoso.onmicrosoft.com");
    assert_eq!(wire.lab.delete_user(&nobody).unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_fault_carries_code_and_message_of_each_service() {
    let wire = Wire::default().await;
    let tenant = wire.lab.tenant();
    let fault = || FaultAction::error(418, "Brewing", "Not now.");
    wire.lab.add_fault(Fault::on("GET", "/v1.0/domains", fault()).times(2));
    let refused = wire.get("/v1.0/domains").await.refused(418, "Brewing");
    assert_eq!(refused["error"]["message"], "Not now.");
    let error = tenant.domains.list().await.unwrap_err();
    let reply = error.reply();
    assert_eq!(
        (reply.status, reply.code.as_deref(), reply.diagnostic.as_deref()),
        (Some(418), Some("Brewing"), Some("Not now."))
    );
    wire.lab.add_fault(Fault::on("GET", "/subscriptions", FaultAction::error(409, "ScopeLocked", "Locked.")));
    let error = tenant.subscriptions.list().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden);

    let blocked =
        || FaultAction::error(400, "interaction_required", "AADSTS530003: Your device must be managed.");
    wire.lab.add_fault(Fault::on("POST", "*/token", blocked()).times(2));
    let reply = wire.token("contoso.onmicrosoft.com", &[("grant_type", "password")]).await;
    assert_eq!((reply.status, &reply.body["error"]), (400, &json!("interaction_required")));
    assert_eq!(reply.body["error_codes"], json!([530_003]));
    let probe = tenant.sign_in.probe(&wire.lab.credentials().admin, &password()).await.unwrap();
    assert_eq!(probe, SignInProbe::BlockedByPolicy { code: 530_003 });
}

#[tokio::test]
async fn an_account_that_is_locked_out_says_so_until_its_time_is_up() {
    let frida = upn("frida@contoso.onmicrosoft.com");
    let builder = LabTenant::builder().seed_user(SeedUser::new(frida.clone()).with_password(password()));
    let wire = Wire::new(builder).await;
    wire.lab.lock_out(&frida, Duration::from_secs(60)).unwrap();
    let probe = async || wire.lab.tenant().sign_in.probe(&frida, &password()).await.unwrap();
    assert_eq!(probe().await, SignInProbe::LockedOut);
    wire.clock.advance(Duration::from_secs(60));
    assert_eq!(probe().await, SignInProbe::Accepted);
}

#[tokio::test]
async fn each_policy_stops_a_sign_in_with_the_code_of_its_kind() {
    let frida = upn("frida@contoso.onmicrosoft.com");
    for (policy, error, code) in [
        (ConditionalAccess::block("B"), "access_denied", 53_003),
        (ConditionalAccess::require_compliant_device("C"), "interaction_required", 53_000),
        (ConditionalAccess::require_managed_device("M"), "interaction_required", 530_003),
        (ConditionalAccess::require_joined_device("J"), "interaction_required", 53_001),
        (ConditionalAccess::require_approved_application("A"), "interaction_required", 53_002),
        (ConditionalAccess::require_protected_application("P"), "interaction_required", 53_005),
        (ConditionalAccess::block_at_risk("R").answering(530_032), "invalid_grant", 530_032),
    ] {
        let risky = SeedUser::new(frida.clone()).with_password(password()).at_risk();
        let steady = upn("bruno@contoso.onmicrosoft.com");
        let builder = LabTenant::builder().seed_user(risky);
        let builder = builder.seed_user(SeedUser::new(steady.clone()).with_password(password()));
        let wire = Wire::new(builder.conditional_access(policy.clone().excluding(steady.as_str()))).await;
        let tenant = wire.lab.tenant();
        let client = wire.lab.credentials().public_client_id.to_string();
        let form = [
            ("grant_type", "password"),
            ("client_id", client.as_str()),
            ("scope", "https://graph.microsoft.com/.default"),
            ("username", frida.as_str()),
            ("password", PASSWORD),
        ];
        let reply = wire.token("contoso.onmicrosoft.com", &form).await;
        assert_eq!((&reply.body["error"], &reply.body["error_codes"]), (&json!(error), &json!([code])));
        let probe = async |upn: &Upn| tenant.sign_in.probe(upn, &password()).await.unwrap();
        assert_eq!(probe(&frida).await, SignInProbe::BlockedByPolicy { code });
        assert_eq!(
            tenant.sign_in.probe(&frida, &Password::new("no".into())).await.unwrap(),
            SignInProbe::WrongPassword
        );
        assert_eq!(probe(&steady).await, SignInProbe::Accepted, "left out");

        let id = tenant.users.find(&frida).await.unwrap().unwrap().id;
        let seen = tenant.sign_in.second_factor(&id).await.unwrap().policies.unwrap();
        assert_eq!(seen.len(), 1);
        let read = wire.get("/v1.0/identity/conditionalAccess/policies").await.expect(200);
        let risk = read["value"][0]["conditions"]["userRiskLevels"].as_array().unwrap();
        assert_eq!((seen[0].conditional, risk.len()), (code == 530_032, usize::from(code == 530_032)));
    }
    let wire =
        Wire::new(LabTenant::builder().seed_user(SeedUser::new(frida.clone()).with_password(password())))
            .await;
    let probe = async || wire.lab.tenant().sign_in.probe(&frida, &password()).await.unwrap();
    wire.lab.add_policy(ConditionalAccess::block_at_risk("Only those at risk"));
    assert_eq!(probe().await, SignInProbe::Accepted);
    wire.lab.set_security_defaults(true);
    wire.lab.grant_role(&frida, &RoleTemplateId::HYBRID_IDENTITY_ADMINISTRATOR).unwrap();
    assert_eq!(probe().await, SignInProbe::SecondFactorRequired { code: 50_079 });
    wire.lab.set_security_defaults(false);
    wire.lab.add_policy(ConditionalAccess::block("New").including(frida.as_str()));
    assert_eq!(probe().await, SignInProbe::BlockedByPolicy { code: 53_003 });
}

#[tokio::test]
async fn anchors_are_any_text_and_may_be_patched_so() {
    let (hex, mail) = ("0123456789abcdef".repeat(4), "erin@fabrikam.com");
    let frida = upn("frida@contoso.onmicrosoft.com");
    let builder = LabTenant::builder().seed_user(SeedUser::new(frida.clone()).with_anchor(hex.clone()));
    let wire = Wire::new(builder).await;
    let path = format!("/v1.0/users/{frida}");
    let select = format!("{path}?$select=onPremisesImmutableId");
    assert_eq!(wire.get(&select).await.expect(200)["onPremisesImmutableId"], json!(hex));
    wire.patch(&path, json!({ "onPremisesImmutableId": mail })).await.expect(204);
    assert_eq!(wire.get(&select).await.expect(200)["onPremisesImmutableId"], json!(mail));
    for barred in ["a_b@fabrikam.com", "a$b"] {
        let refused = wire.patch(&path, json!({ "onPremisesImmutableId": barred })).await;
        refused.refused(400, "Request_BadRequest");
    }
}

#[tokio::test]
async fn a_user_that_cannot_be_understood_does_not_end_a_list() {
    for (property, value) in [
        ("userPrincipalName", json!(null)),
        ("userPrincipalName", json!("no name at all")),
        ("displayName", json!(7)),
        ("accountEnabled", json!("yes")),
        ("proxyAddresses", json!({ "SMTP": "a@b.example" })),
    ] {
        let wire = Wire::new(LabTenant::builder().users(5)).await;
        let tenant = wire.lab.tenant();
        let all: Vec<_> = tenant.users.list().collect().await;
        let odd = all[3].as_ref().unwrap().id;
        wire.lab.set_raw(&odd, property, value.clone()).unwrap();
        let seen = wire.get(&format!("/v1.0/users/{odd}?$select={property}")).await.expect(200);
        assert_eq!(seen[property], value);
        let again: Vec<_> = tenant.users.list().collect().await;
        assert_eq!(again.len(), all.len());
        let failed: Vec<usize> = (0..again.len()).filter(|&at| again[at].is_err()).collect();
        assert_eq!(failed, [3], "{property}");
        assert_eq!(again[3].as_ref().unwrap_err().kind(), ErrorKind::Unreadable);
    }
    let lab = LabTenant::builder().build().unwrap();
    let nobody = ObjectId::parse("00000000-0000-4000-8000-000000000000").unwrap();
    assert_eq!(lab.set_raw(&nobody, "mail", json!(1)).unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn an_application_changes_only_what_it_is_granted() {
    let frida = upn("frida@contoso.onmicrosoft.com");
    let wire = Wire::new(LabTenant::builder().seed_user(SeedUser::new(frida.clone()))).await;
    let tenant = wire.lab.tenant();
    let id = tenant.users.find(&frida).await.unwrap().unwrap().id;
    let role = RoleTemplateId::HYBRID_IDENTITY_ADMINISTRATOR;
    let (roles, users) = ("/v1.0/roleManagement/directory/roleAssignments", "/v1.0/users");
    let grant = json!({ "roleDefinitionId": role.id().to_string(), "principalId": id.to_string(), "directoryScopeId": "/" });
    wire.lab.take_permission("RoleManagement.ReadWrite.Directory").unwrap();
    assert_eq!(tenant.roles.assign(&role, &id).await.unwrap_err().kind(), ErrorKind::Forbidden);
    wire.post(roles, grant.clone()).await.expect(201);
    wire.use_token(&wire.lab.application_token(Audience::Graph));
    wire.post(roles, grant.clone()).await.refused(403, "Authorization_RequestDenied");
    let member = json!({ "@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{id}") });
    let old = format!("/v1.0/directoryRoles/roleTemplateId={}/members/$ref", role.id());
    wire.post(&old, member).await.refused(403, "Authorization_RequestDenied");
    let held = wire.get(roles).await.expect(200)["value"][0]["id"].as_str().unwrap().to_owned();
    wire.delete(&format!("{roles}/{held}")).await.refused(403, "Authorization_RequestDenied");

    for (permission, method, path, body) in [
        ("Domain.ReadWrite.All", "POST", "/v1.0/domains", json!({ "id": "corp.example" })),
        ("User.ReadWrite.All", "POST", users, new_user("sync@contoso.onmicrosoft.com")),
        (
            "Organization.ReadWrite.All",
            "PATCH",
            "/v1.0/organization/x",
            json!({ "onPremisesSyncEnabled": true }),
        ),
        ("Application.ReadWrite.All", "POST", "/v1.0/applications", json!({ "displayName": "X" })),
        (
            "Policy.ReadWrite.AuthenticationMethod",
            "PATCH",
            &format!("/beta/users/{id}/authentication/requirements"),
            json!({ "perUserMfaState": "disabled" }),
        ),
    ] {
        let path = path.replace("/x", &format!("/{}", wire.lab.credentials().tenant_id));
        wire.lab.take_permission(permission).unwrap();
        wire.use_token(&wire.lab.application_token(Audience::Graph));
        let refused = wire.send(method, &path, Some(body.clone())).await;
        refused.refused(403, "Authorization_RequestDenied");
        let admin = wire.lab.credentials().admin.clone();
        wire.use_token(&wire.lab.user_token(&admin, Audience::Graph).unwrap());
        let done = wire.send(method, &path, Some(body)).await;
        assert!(done.status < 300, "a user has other rights: {}", done.text);
    }
    wire.use_token(&wire.lab.application_token(Audience::Graph));
    wire.patch(&format!("{users}/{id}"), json!({ "jobTitle": "x" }))
        .await
        .refused(403, "Authorization_RequestDenied");
    wire.get(users).await.expect(200);
    assert_eq!(wire.lab.take_permission("User.ReadWrite.All").unwrap_err().kind(), ErrorKind::NotFound);
}
