//! Azure Resource Manager over the wire.

use onramp_lab::tenant::Audience;
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
