//! Nothing is created twice, and what is new is waited for.

use std::time::Duration;

use onramp_core::tenant::{AzureRoleId, NewApplication, NewUser, PrincipalType, RoleTemplateId, UserUpdate};
use onramp_core::{Clock, DomainName, ErrorKind, Password, Tenant};
use serde_json::{Value, json};
use wiremock::matchers::{method, path, path_regex};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::*;

fn new_user() -> NewUser {
    NewUser::new(upn(), "Anna", Password::new("correct horse battery".into()))
}

fn not_found() -> Value {
    graph_error("Request_ResourceNotFound", "Resource does not exist.")
}

fn conflict() -> Value {
    json!({ "error": { "code": "Request_BadRequest", "message": "Another object with the same value exists.",
        "details": [{ "code": "ObjectConflict", "target": "userPrincipalName", "message": "m" },
                    { "code": "ConflictingObjects", "target": "User_1", "message": "m" }],
        "innererror": { "request-id": "r" } } })
}

fn anna(name: &str) -> Value {
    user_json(7, "anna@contoso.com", name)
}

async fn scripted(script: Vec<Step>) -> (Scripted, Tenant) {
    let server = Scripted::start(script).await;
    let tenant = bench(&server.base).client.tenant();
    (server, tenant)
}

#[tokio::test]
async fn a_user_is_created_once_when_the_answer_is_lost() {
    let (server, tenant) = scripted(vec![Step::Vanish, Step::Json(200, anna("Anna"))]).await;
    assert_eq!(tenant.users.create(&new_user()).await.unwrap().id, id(7));
    assert_eq!((server.count("POST"), server.count("GET")), (1, 1));
}

#[tokio::test]
async fn a_user_is_created_once_when_the_answer_is_an_error_of_the_server() {
    for status in [500, 502, 503, 504] {
        let error = graph_error("Service_InternalServerError", "oops");
        let (server, tenant) = scripted(vec![Step::Json(status, error), Step::Json(200, anna("Anna"))]).await;
        assert_eq!(tenant.users.create(&new_user()).await.unwrap().id, id(7));
        assert_eq!(server.count("POST"), 1, "{status}");
    }
}

#[tokio::test]
async fn a_user_whose_answer_is_cut_is_looked_up() {
    let (server, tenant) = scripted(vec![Step::Cut("{\"id\":"), Step::Json(200, anna("Anna"))]).await;
    assert_eq!(tenant.users.create(&new_user()).await.unwrap().id, id(7));
    assert_eq!(server.count("POST"), 1);
}

#[tokio::test]
async fn a_user_is_created_again_only_after_looking_in_vain() {
    let script = vec![Step::Vanish, Step::Json(404, not_found()), Step::Json(201, anna("Anna"))];
    let (server, tenant) = scripted(script).await;
    tenant.users.create(&new_user()).await.unwrap();
    let lines = server.lines();
    assert_eq!(lines.len(), 3);
    assert!(lines[1].starts_with("GET /v1.0/users/anna@contoso.com?"), "{lines:?}");
}

#[tokio::test]
async fn a_conflict_with_what_a_lost_answer_created_is_no_error() {
    let (server, tenant) = scripted(vec![
        Step::Vanish,
        Step::Json(404, not_found()),
        Step::Json(400, conflict()),
        Step::Json(404, not_found()),
        Step::Json(200, anna("Anna")),
    ])
    .await;
    assert_eq!(tenant.users.create(&new_user()).await.unwrap().id, id(7));
    assert_eq!(server.count("POST"), 2);
}

#[tokio::test]
async fn somebody_else_under_the_upn_is_not_taken_for_ours() {
    let server = MockServer::start().await;
    let lost = ResponseTemplate::new(504);
    answers(
        &server,
        Mock::given(method("POST")),
        vec![lost, ResponseTemplate::new(400).set_body_json(conflict())],
    )
    .await;
    answers(&server, Mock::given(method("GET")), vec![ok(anna("Anna Other"))]).await;
    let bench = bench(&server.uri());
    let error = bench.client.tenant().users.create(&new_user()).await.unwrap_err();
    assert!(error.is_already_exists(), "{error}");
    assert!(bench.clock.elapsed() <= Duration::from_secs(125), "{:?}", bench.clock.elapsed());
}

#[tokio::test]
async fn a_plain_conflict_is_reported_at_once_with_what_is_taken_and_by_whom() {
    let (server, tenant) = scripted(vec![Step::Json(400, conflict())]).await;
    let error = tenant.users.create(&new_user()).await.unwrap_err();
    assert!(error.is_already_exists());
    assert!(error.to_string().contains("userPrincipalName is taken by User_1"), "{error}");
    assert_eq!(server.lines().len(), 1);
}

#[tokio::test]
async fn a_throttled_creation_is_simply_repeated() {
    let server = MockServer::start().await;
    let throttled = ResponseTemplate::new(429).insert_header("Retry-After", "5");
    answers(&server, any(), vec![throttled, ResponseTemplate::new(201).set_body_json(anna("Anna"))]).await;
    let bench = bench(&server.uri());
    bench.client.tenant().users.create(&new_user()).await.unwrap();
    assert_eq!(bench.clock.elapsed(), Duration::from_secs(5));
    assert_eq!(server.received_requests().await.unwrap().len(), 2);
}

#[tokio::test]
async fn an_outcome_that_stays_unknown_is_said_to_be() {
    let server = MockServer::start().await;
    answers(&server, Mock::given(method("POST")), vec![ResponseTemplate::new(504)]).await;
    answers(&server, Mock::given(method("GET")), vec![ResponseTemplate::new(404).set_body_json(not_found())])
        .await;
    let error = bench(&server.uri()).client.tenant().users.create(&new_user()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutcomeUnknown);
    assert_eq!(error.reply().status, Some(504));
    assert!(error.hint().unwrap().contains("Look"));
}

#[tokio::test]
async fn domains_and_roles_are_looked_up_after_a_lost_answer_too() {
    let domain = json!({ "id": "contoso.com", "isVerified": false, "authenticationType": "Managed" });
    let (server, tenant) = scripted(vec![Step::Vanish, Step::Json(200, domain)]).await;
    assert!(!tenant.domains.add(&DomainName::parse("contoso.com").unwrap()).await.unwrap().is_verified);
    assert_eq!(server.count("POST"), 1);

    let role = RoleTemplateId::HYBRID_IDENTITY_ADMINISTRATOR;
    let held = json!({ "value": [{ "id": "a-1", "roleDefinitionId": role.id(), "principalId": id(7), "directoryScopeId": "/" }] });
    let (server, tenant) = scripted(vec![Step::Vanish, Step::Json(200, held)]).await;
    assert_eq!(tenant.roles.assign(&role, &id(7)).await.unwrap().id, "a-1");
    assert_eq!(server.count("POST"), 1);
}

#[tokio::test]
async fn an_application_is_created_by_its_unique_name_so_that_a_lost_answer_is_repeated() {
    let app = json!({ "id": id(1), "appId": id(2), "displayName": "Sync", "tags": ["one"] });
    let steps = vec![
        Step::Vanish,
        Step::Json(204, Value::Null),
        Step::Json(200, app),
        Step::Json(200, json!({ "value": [] })),
    ];
    let (server, tenant) = scripted(steps).await;
    let new = NewApplication::new("sync", "Sync").with_tags(["one"]);
    let found = tenant.applications.create(&new).await.unwrap();
    assert_eq!((found.id, found.app_id, found.service_principal), (id(1), id(2), None));
    assert_eq!((found.unique_name.as_deref(), found.tags), (Some("sync"), vec!["one".to_owned()]));
    assert_eq!((server.count("PATCH"), server.count("POST")), (2, 0));
}

#[tokio::test]
async fn an_application_asks_to_be_created_if_it_is_missing() {
    let server = MockServer::start().await;
    let app = json!({ "id": id(1), "appId": id(2), "displayName": "Sync" });
    answers(
        &server,
        Mock::given(method("PATCH")).and(path("/v1.0/applications(uniqueName='o''neil')")),
        vec![ResponseTemplate::new(201).set_body_json(app)],
    )
    .await;
    let new = NewApplication::new("o'neil", "Sync").with_tags(["one"]);
    let created = bench(&server.uri()).client.tenant().applications.create(&new).await.unwrap();
    assert_eq!(created.app_id, id(2));
    let sent = &server.received_requests().await.unwrap()[0];
    assert_eq!(sent.headers.get("prefer").unwrap(), "create-if-missing");
    let body: Value = sent.body_json().unwrap();
    assert_eq!(body, json!({ "displayName": "Sync", "signInAudience": "AzureADMyOrg", "tags": ["one"] }));
}

/// A tenant in which user 7 was just created by this client.
async fn with_a_new_user(server: &MockServer) -> Bench {
    let created = ResponseTemplate::new(201).set_body_json(anna("Anna"));
    answers(server, Mock::given(method("POST")).and(path("/v1.0/users")), vec![created]).await;
    let bench = bench(&server.uri());
    bench.client.tenant().users.create(&new_user()).await.unwrap();
    bench
}

#[tokio::test]
async fn not_found_about_a_new_user_is_waited_out() {
    let server = MockServer::start().await;
    let unseen = || ResponseTemplate::new(404).set_body_json(not_found());
    let denied = ResponseTemplate::new(403).set_body_json(graph_error("Authorization_RequestDenied", "no"));
    answers(&server, Mock::given(method("GET")), vec![unseen(), denied, unseen(), ok(anna("Anna"))]).await;
    answers(&server, Mock::given(method("PATCH")), vec![unseen(), ResponseTemplate::new(204)]).await;
    let bench = with_a_new_user(&server).await;
    let tenant = bench.client.tenant();
    assert_eq!(tenant.users.get(&id(7)).await.unwrap().upn, upn());
    assert!(bench.clock.elapsed() > Duration::ZERO);
    tenant.users.update(&id(7), &UserUpdate::default().with_account_enabled(false)).await.unwrap();
}

#[tokio::test]
async fn not_found_is_final_for_strangers_and_after_two_minutes() {
    let server = MockServer::start().await;
    answers(&server, Mock::given(method("GET")), vec![ResponseTemplate::new(404).set_body_json(not_found())])
        .await;
    let bench = with_a_new_user(&server).await;
    let users = bench.client.tenant().users;
    assert!(users.get(&id(8)).await.unwrap_err().is_not_found());
    assert_eq!(bench.clock.elapsed(), Duration::ZERO);
    assert!(users.get(&id(7)).await.unwrap_err().is_not_found());
    let waited = bench.clock.elapsed();
    assert!(waited > Duration::from_secs(60) && waited <= Duration::from_secs(120), "{waited:?}");
}

#[tokio::test]
async fn a_deleted_user_is_not_waited_for() {
    let server = MockServer::start().await;
    answers(&server, Mock::given(method("GET")), vec![ResponseTemplate::new(404).set_body_json(not_found())])
        .await;
    answers(&server, Mock::given(method("DELETE")), vec![ResponseTemplate::new(204)]).await;
    let bench = with_a_new_user(&server).await;
    let users = bench.client.tenant().users;
    users.delete(&id(7)).await.unwrap();
    assert_eq!(users.find(&upn()).await.unwrap(), None);
    assert_eq!(bench.clock.elapsed(), Duration::ZERO);
}

fn assignment_path() -> wiremock::MockBuilder {
    Mock::given(method("PUT"))
        .and(path_regex("^/subscriptions/.*/providers/Microsoft.Authorization/roleAssignments/.*$"))
}

async fn grant(
    bench: &Bench,
    principal: u128,
) -> onramp_core::Result<onramp_core::tenant::SubscriptionRoleAssignment> {
    let subscriptions = bench.client.tenant().subscriptions;
    subscriptions.assign(&id(1), &AzureRoleId::OWNER, &id(principal), PrincipalType::User).await
}

#[tokio::test]
async fn azure_is_waited_for_until_it_knows_the_new_user() {
    let server = MockServer::start().await;
    let unknown = graph_error("PrincipalNotFound", "Principal 7 does not exist in the directory.");
    let unknown = ResponseTemplate::new(400).set_body_json(unknown);
    answers(&server, assignment_path(), vec![unknown.clone(), unknown, ResponseTemplate::new(201)]).await;
    let bench = with_a_new_user(&server).await;
    assert_eq!(grant(&bench, 7).await.unwrap().principal, id(7));
    let sent = server.received_requests().await.unwrap();
    let body: Value = sent.last().unwrap().body_json().unwrap();
    assert_eq!(body["properties"]["principalType"], "User");
    assert_eq!(
        body["properties"]["roleDefinitionId"],
        format!(
            "/subscriptions/{}/providers/Microsoft.Authorization/roleDefinitions/{}",
            id(1),
            AzureRoleId::OWNER.id()
        )
    );
    assert_eq!(sent.last().unwrap().url.query(), Some("api-version=2022-04-01"));
}

#[tokio::test]
async fn azure_access_that_was_there_is_told_from_access_given_by_a_lost_answer() {
    let server = MockServer::start().await;
    answers(&server, assignment_path(), vec![ok(json!({}))]).await;
    assert!(grant(&bench(&server.uri()), 7).await.unwrap_err().is_already_exists());

    let server = MockServer::start().await;
    answers(&server, assignment_path(), vec![ResponseTemplate::new(502), ok(json!({}))]).await;
    let bench = bench(&server.uri());
    grant(&bench, 7).await.unwrap();
    let sent = server.received_requests().await.unwrap();
    assert_eq!(sent[0].url, sent[1].url, "the assignment has the same name each time");
}
