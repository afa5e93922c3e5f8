//! Azure Resource Manager over the wire.

use onramp_core::tenant::{AzureRoleId, PrincipalType, SubscriptionState};
use onramp_core::{ErrorKind, ObjectId};
use onramp_lab::tenant::{Audience, AzureLock, LabSubscription, LabTenant};
use serde_json::json;

use super::graph::new_user;
use super::wire::Wire;

const READER: &str = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
const NAME: &str = "11111111-2222-4333-8444-555555555555";

#[tokio::test]
async fn access_to_a_subscription_is_given_and_taken() {
    let wire = Wire::default().await;
    let user = wire.post("/v1.0/users", new_user("sync@contoso.onmicrosoft.com")).await.expect(201);
    let principal = user["id"].as_str().unwrap();
    wire.use_token(&wire.lab.application_token(Audience::Arm));
    let list = wire.get("/subscriptions?api-version=2022-12-01").await.expect(200);
    let id = list["value"][0]["subscriptionId"].as_str().unwrap();
    wire.get("/subscriptions").await.refused(400, "MissingApiVersionParameter");
    let none = "00000000-0000-4000-8000-000000000000";
    wire.get(&format!("/subscriptions/{none}?api-version=2022-12-01"))
        .await
        .refused(404, "SubscriptionNotFound");

    let role = format!("/subscriptions/{id}/providers/Microsoft.Authorization/roleDefinitions/{READER}");
    let at = |name: &str| {
        format!(
            "/subscriptions/{id}/providers/Microsoft.Authorization/roleAssignments/{name}?api-version=2022-04-01"
        )
    };
    let grant = |principal: &str| json!({ "properties": { "roleDefinitionId": role, "principalId": principal, "principalType": "User" } });
    let made = wire.send("PUT", &at(NAME), Some(grant(principal))).await.expect(201);
    assert_eq!(made["properties"]["principalId"], json!(principal));
    wire.send("PUT", &at(NAME), Some(grant(principal))).await.expect(200);
    let other = NAME.replace('1', "2");
    wire.send("PUT", &at(&other), Some(grant(principal))).await.refused(409, "RoleAssignmentExists");
    wire.send("PUT", &at("not-a-guid"), Some(grant(principal))).await.refused(400, "InvalidRoleAssignmentId");
    wire.send("PUT", &at(&other), Some(grant(none))).await.refused(400, "PrincipalNotFound");
    let mut changed = grant(principal);
    changed["properties"]["roleDefinitionId"] = json!("8e3af657-a8ff-443c-a75c-2fe8c4bcb635");
    wire.send("PUT", &at(NAME), Some(changed)).await.refused(400, "RoleAssignmentUpdateNotPermitted");

    let filter = format!("$filter=principalId eq '{principal}'&api-version=2022-04-01");
    let list = format!("/subscriptions/{id}/providers/Microsoft.Authorization/roleAssignments?{filter}");
    assert_eq!(wire.get(&list).await.expect(200)["value"].as_array().unwrap().len(), 1);
    wire.delete(&at(NAME)).await.expect(200);
    wire.delete(&at(NAME)).await.expect(204);
    assert_eq!(wire.get(&list).await.expect(200)["value"], json!([]));
}

#[tokio::test]
async fn subscriptions_share_a_name_and_differ_in_state() {
    use SubscriptionState::{Disabled, Enabled, PastDue, Warned};
    let id = ObjectId::parse(NAME).unwrap();
    let mut builder = LabTenant::builder().subscription(LabSubscription::new("Production").with_id(id));
    for state in [Disabled, Enabled, PastDue, Warned] {
        builder = builder.subscription(LabSubscription::new("Pay-As-You-Go").with_state(state));
    }
    let wire = Wire::new(builder).await;
    let list = wire.get("/subscriptions?api-version=2022-12-01").await.expect(200);
    let list: Vec<(&str, &str)> = list["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["displayName"].as_str().unwrap(), one["state"].as_str().unwrap()))
        .collect();
    let [first, others @ ..] = list.as_slice() else { panic!("{list:?}") };
    assert_eq!(*first, ("Production", "Enabled"));
    let same = ["Disabled", "Enabled", "PastDue", "Warned"].map(|state| ("Pay-As-You-Go", state));
    assert_eq!(others, same);
    let by_port = wire.lab.tenant().subscriptions.list().await.unwrap();
    assert_eq!(by_port[0].id, id);
    assert_eq!(by_port.iter().filter(|one| one.display_name == "Pay-As-You-Go").count(), 4);
    assert_eq!(by_port[1].state, Disabled);

    let counted = LabTenant::builder().subscriptions(2).subscription(LabSubscription::new("Mine")).build();
    assert_eq!(counted.unwrap().subscription_ids().len(), 3);
}

#[tokio::test]
async fn locks_states_and_missing_rights_refuse_assignments_by_scope() {
    let builder = LabTenant::builder()
        .subscription(LabSubscription::new("One"))
        .subscription(LabSubscription::new("Off").with_state(SubscriptionState::Disabled));
    let wire = Wire::new(builder).await;
    let user = wire.post("/v1.0/users", new_user("sync@contoso.onmicrosoft.com")).await.expect(201);
    let principal = ObjectId::parse(user["id"].as_str().unwrap()).unwrap();
    let (one, off) = (wire.lab.subscription_ids()[0], wire.lab.subscription_ids()[1]);
    // An assignment has a GUID of its own; the subscription's does as well.
    let at = |id: ObjectId| {
        format!(
            "/subscriptions/{id}/providers/Microsoft.Authorization/roleAssignments/{id}?api-version=2022-04-01"
        )
    };
    let grant = json!({ "properties": { "roleDefinitionId": READER, "principalId": principal.to_string() } });
    let put = async |id| wire.send("PUT", &at(id), Some(grant.clone())).await;
    let role = AzureRoleId::new(ObjectId::parse(READER).unwrap());
    let tenant = wire.lab.tenant();
    let assign = async |id| {
        let made = tenant.subscriptions.assign(&id, &role, &principal, PrincipalType::User).await;
        let error = made.unwrap_err();
        (error.kind(), error.reply().code.clone().unwrap())
    };

    put(off).await.refused(409, "ReadOnlyDisabledSubscription");
    assert_eq!(assign(off).await, (ErrorKind::Forbidden, "ReadOnlyDisabledSubscription".to_owned()));
    wire.lab.set_subscription_state(&off, SubscriptionState::PastDue).unwrap();
    put(off).await.expect(201);

    let scope = format!("/subscriptions/{one}");
    wire.lab.lock_scope(&scope.to_uppercase(), Some(AzureLock::ReadOnly)).unwrap();
    put(one).await.refused(409, "ScopeLocked");
    assert_eq!(assign(one).await, (ErrorKind::Forbidden, "ScopeLocked".to_owned()));
    wire.lab.lock_scope(&scope, Some(AzureLock::CannotDelete)).unwrap();
    put(one).await.expect(201);
    wire.delete(&at(one)).await.refused(409, "ScopeLocked");
    assert_eq!(assign(one).await, (ErrorKind::AlreadyExists, "RoleAssignmentExists".to_owned()));
    wire.lab.lock_scope(&scope, None).unwrap();
    wire.delete(&at(one)).await.expect(200);

    wire.lab.deny_scope(&scope, true).unwrap();
    put(one).await.refused(403, "AuthorizationFailed");
    assert_eq!(assign(one).await, (ErrorKind::Forbidden, "AuthorizationFailed".to_owned()));
    wire.delete(&at(off)).await.expect(200);
    wire.lab.deny_scope(&scope, false).unwrap();
    put(one).await.expect(201);
    assert!(wire.lab.lock_scope("/subscriptions/none", Some(AzureLock::ReadOnly)).is_err());
}
