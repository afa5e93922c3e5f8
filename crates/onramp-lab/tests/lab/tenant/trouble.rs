//! What goes wrong on purpose: late sight of new objects, throttling, lost answers, cut connections, revoked tokens.

use std::time::Duration;

use onramp_core::tenant::NewUser;
use onramp_core::{Clock as _, ErrorKind};
use onramp_core::{Password, Upn};
use onramp_lab::tenant::{Audience, Consistency, Fault, FaultAction, LabTenant, WriteLimit};
use serde_json::json;

use super::graph::new_user;
use super::wire::Wire;

const SYNC: &str = "sync@contoso.onmicrosoft.com";

#[tokio::test]
async fn a_new_user_is_seen_late_by_each_service() {
    let wire = Wire::new(LabTenant::builder().consistency(Consistency::AfterRequests(2))).await;
    let id = wire.post("/v1.0/users", new_user(SYNC)).await.expect(201)["id"].as_str().unwrap().to_owned();
    wire.post("/v1.0/users", new_user(SYNC)).await.refused(400, "Request_BadRequest");
    let grant = json!({ "roleDefinitionId": "88d8e3e3-8f55-4a1e-953a-9b9898b8876b", "principalId": id, "directoryScopeId": "/" });
    wire.get(&format!("/v1.0/users/{id}")).await.refused(404, "Request_ResourceNotFound");
    wire.post("/v1.0/roleManagement/directory/roleAssignments", grant.clone())
        .await
        .refused(404, "Request_ResourceNotFound");
    wire.post("/v1.0/roleManagement/directory/roleAssignments", grant).await.expect(201);
    let subscription = wire.lab.subscription_ids()[0];
    let put = format!(
        "/subscriptions/{subscription}/providers/Microsoft.Authorization/roleAssignments/11111111-2222-4333-8444-555555555555?api-version=2022-04-01"
    );
    let body = json!({ "properties": { "roleDefinitionId": "acdd72a7-3385-48ef-bd42-f606fba81ae7", "principalId": id } });
    for _ in 0..2 {
        wire.send("PUT", &put, Some(body.clone())).await.refused(400, "PrincipalNotFound");
    }
    wire.send("PUT", &put, Some(body)).await.expect(201);
}

#[tokio::test]
async fn sight_may_also_be_a_matter_of_time() {
    let wire = Wire::new(LabTenant::builder().consistency(Consistency::After(Duration::from_secs(30)))).await;
    let id = wire.post("/v1.0/users", new_user(SYNC)).await.expect(201)["id"].as_str().unwrap().to_owned();
    let listed = async || {
        wire.get(&format!("/v1.0/users?$filter=userPrincipalName eq '{SYNC}'")).await.expect(200)["value"]
            .as_array()
            .unwrap()
            .len()
    };
    wire.get(&format!("/v1.0/users/{id}")).await.refused(404, "Request_ResourceNotFound");
    assert_eq!(listed().await, 0);
    wire.clock.advance(Duration::from_secs(30));
    wire.get(&format!("/v1.0/users/{id}")).await.expect(200);
    assert_eq!(listed().await, 1);
}

#[tokio::test]
async fn faults_strike_the_requests_they_name() {
    let wire = Wire::default().await;
    wire.lab.add_fault(Fault::on(
        "GET",
        "/v1.0/users?*skiptoken*",
        FaultAction::throttle(Duration::from_secs(2)),
    ));
    let first = wire.get("/v1.0/users?$top=5").await.expect(200);
    let second = first["@odata.nextLink"].as_str().unwrap();
    let throttled = wire.get(second).await;
    assert_eq!(
        (throttled.status, throttled.header("retry-after"), throttled.code()),
        (429, Some("2"), "TooManyRequests")
    );
    wire.get(second).await.expect(200);

    wire.lab.add_fault(Fault::on("*", "/v1.0/domains", FaultAction::status(503)).from_nth(2).times(2));
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(wire.get("/v1.0/domains").await.status);
    }
    assert_eq!(statuses, [200, 503, 503, 200]);

    wire.lab.add_fault(Fault::on("GET", "/v1.0/organization", FaultAction::html(502)));
    assert!(wire.get("/v1.0/organization").await.text.starts_with("<html>"));
    wire.lab.add_fault(Fault::on(
        "GET",
        "/v1.0/organization",
        FaultAction::redirect("https://elsewhere.example/"),
    ));
    assert_eq!(wire.get("/v1.0/organization").await.header("location"), Some("https://elsewhere.example/"));
    wire.lab.add_fault(Fault::on(
        "GET",
        "/v1.0/users",
        FaultAction::next_link_to("https://elsewhere.example"),
    ));
    let page = wire.get("/v1.0/users?$top=5").await.expect(200);
    assert!(page["@odata.nextLink"].as_str().unwrap().starts_with("https://elsewhere.example/v1.0/users?"));
    wire.lab.add_fault(Fault::on("GET", "/v1.0/organization", FaultAction::challenge("eyJ9")));
    let challenged = wire.get("/v1.0/organization").await;
    assert!(challenged.header("www-authenticate").unwrap().contains("claims=\"eyJ9\""));
    wire.lab.add_fault(Fault::on("GET", "/v1.0/organization", FaultAction::delay(Duration::from_secs(9))));
    let before = wire.clock.elapsed();
    wire.get("/v1.0/organization").await.expect(200);
    assert_eq!(wire.clock.elapsed() - before, Duration::from_secs(9), "on the tenant's clock");
}

#[tokio::test]
async fn a_connection_is_cut_before_after_or_within() {
    let wire = Wire::default().await;
    wire.lab.add_fault(Fault::on("POST", "/v1.0/users", FaultAction::cut_before()));
    wire.try_send("POST", "/v1.0/users", Some(new_user(SYNC)), &[]).await.unwrap_err();
    wire.get(&format!("/v1.0/users/{SYNC}")).await.refused(404, "Request_ResourceNotFound");
    wire.lab.add_fault(Fault::on("POST", "/v1.0/users", FaultAction::cut_after()));
    wire.try_send("POST", "/v1.0/users", Some(new_user(SYNC)), &[]).await.unwrap_err();
    wire.get(&format!("/v1.0/users/{SYNC}")).await.expect(200);
    wire.lab.add_fault(Fault::on("GET", "/v1.0/users", FaultAction::cut_within()));
    wire.try_send("GET", "/v1.0/users", None, &[]).await.unwrap_err();
    let cut = wire.lab.requests().iter().filter(|request| request.status.is_none()).count();
    assert_eq!(cut, 2, "an answer that began had a status");
}

#[tokio::test]
async fn writes_are_limited_per_window() {
    let wire = Wire::new(LabTenant::builder().write_limit(WriteLimit::new(2, Duration::from_secs(5)))).await;
    let add = async |n: u32| wire.post("/v1.0/domains", json!({ "id": format!("d{n}.example") })).await;
    add(1).await.expect(201);
    wire.clock.advance(Duration::from_millis(2_500));
    add(2).await.expect(201);
    let refused = add(3).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("3")));
    wire.get("/v1.0/domains").await.expect(200);
    wire.clock.advance(Duration::from_secs(3));
    add(3).await.expect(201);
}

#[tokio::test]
async fn a_revoked_or_expired_token_is_no_longer_good() {
    let wire = Wire::default().await;
    wire.get("/v1.0/organization").await.expect(200);
    wire.lab.revoke_tokens();
    let refused = wire.get("/v1.0/organization").await;
    assert!(refused.header("www-authenticate").unwrap().starts_with("Bearer"));
    refused.refused(401, "InvalidAuthenticationToken");
    wire.use_token(&wire.lab.application_token(Audience::Graph));
    wire.get("/v1.0/organization").await.expect(200);
    wire.get("/subscriptions?api-version=2022-12-01").await.refused(401, "InvalidAuthenticationToken");
    wire.clock.advance(Duration::from_secs(3_600));
    wire.get("/v1.0/organization").await.refused(401, "InvalidAuthenticationToken");
    wire.use_token(&Password::new(String::new()));
    wire.get("/v1.0/organization").await.refused(401, "InvalidAuthenticationToken");

    let admin = wire.lab.credentials().admin.clone();
    wire.use_token(&wire.lab.user_token(&admin, Audience::Graph).unwrap());
    assert_eq!(wire.get("/v1.0/me").await.expect(200)["userPrincipalName"], json!(admin.as_str()));
    wire.clock.advance(Duration::from_secs(1));
    wire.post(&format!("/v1.0/users/{admin}/revokeSignInSessions"), json!({})).await.expect(200);
    wire.get("/v1.0/me").await.refused(401, "InvalidAuthenticationToken");
}

#[tokio::test]
async fn the_ports_meet_the_same_trouble() {
    let lab = LabTenant::builder().build().unwrap();
    let tenant = lab.tenant();
    let user = NewUser::new(Upn::parse(SYNC).unwrap(), "Sync", Password::new("gr8-Hedgehogs.42".to_owned()));
    lab.add_fault(Fault::on("POST", "/v1.0/users", FaultAction::cut_after()));
    let lost = tenant.users.create(&user).await.unwrap_err();
    assert_eq!(lost.kind(), ErrorKind::OutcomeUnknown);
    assert!(tenant.users.find(&user.upn).await.unwrap().is_some(), "it was done");
    lab.add_fault(Fault::on("GET", "/v1.0/domains", FaultAction::status_with_retry_after(429, "2.5")));
    let throttled = tenant.domains.list().await.unwrap_err();
    assert_eq!(throttled.retry_after(), Some(Duration::from_millis(2_500)));
    lab.add_fault(Fault::on("GET", "/v1.0/domains", FaultAction::cut_before()));
    assert_eq!(tenant.domains.list().await.unwrap_err().kind(), ErrorKind::Unavailable);
    for (status, kind) in
        [(401, ErrorKind::Unauthenticated), (403, ErrorKind::Forbidden), (503, ErrorKind::Unavailable)]
    {
        lab.add_fault(Fault::on("GET", "/v1.0/domains", FaultAction::status(status)));
        let error = tenant.domains.list().await.unwrap_err();
        assert_eq!((error.kind(), error.reply().status), (kind, Some(status)));
    }
    assert_eq!(tenant.domains.list().await.unwrap().len(), 1);
}
