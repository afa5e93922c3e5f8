//! What real tenants do beyond the usual: federation, domains of others, late records, strangers.

use std::time::Duration;

use onramp_core::tenant::{DomainAuthentication, NewUser, SignInProbe, Verification};
use onramp_core::{DomainName, ErrorKind, Password, Upn};
use onramp_lab::tenant::{LabTenant, SeedUser, UsedElsewhere};
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
    assert_eq!(tenant.users.create(&new).await.unwrap_err().kind(), &ErrorKind::Invalid);
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
    assert_eq!(wire.lab.federate("nowhere.example").unwrap_err().kind(), &ErrorKind::NotFound);
    assert_eq!(wire.lab.federate("contoso.onmicrosoft.com").unwrap_err().kind(), &ErrorKind::Invalid);
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
        assert!(matches!(early, Verification::RecordNotFound { .. }), "{early:?}");
        wire.lab.publish_dns("taken.example").unwrap();
        let refused = wire.post("/v1.0/domains/taken.example/verify", json!({})).await;
        let refused = refused.refused(400, "Request_BadRequest");
        assert!(refused["error"]["message"].as_str().unwrap().starts_with(start), "{refused}");
        let error = tenant.domains.verify(&domain("taken.example")).await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Invalid, "nothing to wait for");
        assert!(error.server_reply().diagnostic.as_ref().unwrap().starts_with(start));

        wire.lab.use_elsewhere(&domain("taken.example"), None);
        assert_eq!(tenant.domains.verify(&domain("taken.example")).await.unwrap(), Verification::Verified);
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
    assert!(matches!(verify().await, Verification::RecordNotFound { .. }));
    wire.clock.advance(Duration::from_secs(1));
    assert_eq!(verify().await, Verification::Verified);

    wire.lab.publish_dns_after(None);
    assert_eq!(wire.lab.publish_dns("fabrikam.example").unwrap_err().kind(), &ErrorKind::NotFound);
    tenant.domains.add(&domain("fabrikam.example")).await.unwrap();
    wire.clock.advance(Duration::from_secs(3_600));
    let verify = async || tenant.domains.verify(&domain("fabrikam.example")).await.unwrap();
    assert!(matches!(verify().await, Verification::RecordNotFound { .. }));
    let text = wire.lab.publish_dns("Fabrikam.example").unwrap();
    assert_eq!(Some(text), wire.lab.verification_text("fabrikam.example"));
    assert_eq!(verify().await, Verification::Verified);
}
