//! Graph over the wire: every operation, with the statuses, bodies and error shapes of the service.

use onramp_core::{DomainName, Upn};
use onramp_lab::tenant::{Audience, LabTenant, SeedUser};
use serde_json::{Value, json};

use super::wire::Wire;

pub(crate) fn new_user(upn: &str) -> Value {
    json!({
        "accountEnabled": true,
        "displayName": "On-premises Sync",
        "mailNickname": "sync",
        "userPrincipalName": upn,
        "otherMails": ["it@mail.example"],
        "passwordProfile": { "password": "gr8-Hedgehogs.42", "forceChangePasswordNextSignIn": false },
    })
}

#[tokio::test]
async fn a_domain_is_added_proven_and_removed() {
    let wire = Wire::default().await;
    wire.get("/v1.0/domains/corp.example").await.refused(404, "Request_ResourceNotFound");
    let added = wire.post("/v1.0/domains", json!({ "id": "corp.example" })).await.expect(201);
    assert_eq!(
        (&added["isVerified"], &added["isRoot"], &added["id"]),
        (&json!(false), &json!(false), &json!("corp.example"))
    );
    let again =
        wire.post("/v1.0/domains", json!({ "id": "CORP.example" })).await.refused(400, "Request_BadRequest");
    assert_eq!(again["error"]["details"][0]["code"], "ObjectConflict");
    wire.post("/v1.0/domains", json!({ "id": "no domain" })).await.refused(400, "Request_BadRequest");
    wire.post("/v1.0/domains", json!({ "id": "x.example", "isDefault": true }))
        .await
        .refused(400, "Request_BadRequest");

    let early =
        wire.post("/v1.0/domains/corp.example/verify", json!({})).await.refused(400, "Request_BadRequest");
    let message = early["error"]["message"].as_str().unwrap();
    assert!(message.starts_with("Domain verification failed with the following error"), "{message}");
    let records = wire.get("/v1.0/domains/corp.example/verificationDnsRecords").await.expect(200);
    assert_eq!(records["value"][0]["@odata.type"], "#microsoft.graph.domainDnsTxtRecord");
    assert_eq!(records["value"][1]["@odata.type"], "#microsoft.graph.domainDnsMxRecord");
    let mx = records["value"][1]["mailExchange"].as_str().unwrap();
    wire.lab.publish_txt("corp.example", "MS=ms00000000000");
    wire.post("/v1.0/domains/corp.example/verify", json!({})).await.refused(400, "Request_BadRequest");
    wire.lab.publish_mx("corp.example", mx);
    let verified = wire.post("/v1.0/domains/corp.example/verify", json!({})).await.expect(200);
    assert_eq!((&verified["isVerified"], &verified["isRoot"]), (&json!(true), &json!(true)));
    let twice =
        wire.post("/v1.0/domains/corp.example/verify", json!({})).await.refused(400, "Request_BadRequest");
    assert_eq!(twice["error"]["message"], "Domain is already verified.");

    let child = wire.post("/v1.0/domains", json!({ "id": "emea.corp.example" })).await.expect(201);
    assert_eq!((&child["isVerified"], &child["isRoot"]), (&json!(true), &json!(false)));
    let root = wire.get("/v1.0/domains/emea.corp.example/rootDomain").await.expect(200);
    assert_eq!(root["id"], "corp.example");
    wire.get("/v1.0/domains/corp.example/serviceConfigurationRecords").await.expect(200);
    wire.patch("/v1.0/domains/corp.example", json!({ "passwordValidityPeriodInDays": 90 })).await.expect(204);

    let user = wire.post("/v1.0/users", new_user("a@corp.example")).await.expect(201);
    wire.delete("/v1.0/domains/corp.example").await.refused(400, "Request_BadRequest");
    let references = wire.get("/v1.0/domains/corp.example/domainNameReferences").await.expect(200);
    assert_eq!(references["value"][0]["id"], user["id"]);
    wire.post("/v1.0/domains/corp.example/forceDelete", json!({ "disableUserAccounts": false }))
        .await
        .expect(204);
    wire.get("/v1.0/domains/corp.example").await.refused(404, "Request_ResourceNotFound");
    let moved = wire.get(&format!("/v1.0/users/{}", user["id"].as_str().unwrap())).await.expect(200);
    assert_eq!(moved["userPrincipalName"], "a@contoso.onmicrosoft.com");
    wire.delete("/v1.0/domains/contoso.onmicrosoft.com").await.refused(400, "Request_BadRequest");
}

#[tokio::test]
async fn domains_are_listed_and_one_that_is_there_is_a_conflict() {
    let taken = DomainName::parse("taken.example").unwrap();
    let wire = Wire::new(LabTenant::builder().verified_domain(taken)).await;
    let list = wire.get("/v1.0/domains?$select=id,isInitial").await.expect(200);
    assert_eq!(list["value"][0], json!({ "id": "contoso.onmicrosoft.com", "isInitial": true }));
    let refused =
        wire.post("/v1.0/domains", json!({ "id": "taken.example" })).await.refused(400, "Request_BadRequest");
    assert_eq!(
        refused["error"]["details"][0],
        json!({
            "code": "ObjectConflict",
            "message": "Another object with the same value for property id already exists.",
            "target": "id",
        })
    );
}

#[tokio::test]
async fn a_user_lives_dies_and_is_restored() {
    let wire = Wire::default().await;
    let upn = "sync@contoso.onmicrosoft.com";
    let created = wire.post("/v1.0/users", new_user(upn)).await;
    assert!(created.header("location").is_some());
    let created = created.expect(201);
    let id = created["id"].as_str().unwrap().to_owned();
    let names: Vec<&str> =
        created.as_object().unwrap().keys().map(String::as_str).filter(|k| !k.contains('@')).collect();
    assert_eq!(names.len(), 11, "the default properties and nothing else: {names:?}");

    let by_upn = wire
        .get(&format!("/v1.0/users/{upn}?$select=id,otherMails,accountEnabled,passwordProfile"))
        .await
        .expect(200);
    assert_eq!((&by_upn["id"], &by_upn["otherMails"]), (&json!(id), &json!(["it@mail.example"])));
    assert_eq!(by_upn["passwordProfile"], Value::Null, "never given back");
    wire.get("/v1.0/users/nobody@contoso.onmicrosoft.com").await.refused(404, "Request_ResourceNotFound");
    wire.get(&format!("/v1.0/users/{id}?$select=shoeSize")).await.refused(400, "BadRequest");

    let twin =
        wire.post("/v1.0/users", new_user(&upn.to_uppercase())).await.refused(400, "Request_BadRequest");
    assert_eq!(twin["error"]["details"][0]["code"], "ObjectConflict");
    assert_eq!(twin["error"]["details"][0]["target"], "userPrincipalName");
    assert_eq!(
        twin["error"]["details"][1],
        json!({
            "code": "ConflictingObjects",
            "message": "Another object with the same value already exists.",
            "target": format!("User_{id}"),
        })
    );
    let foreign =
        wire.post("/v1.0/users", new_user("a@unknown.example")).await.refused(400, "Request_BadRequest");
    assert!(
        foreign["error"]["message"]
            .as_str()
            .unwrap()
            .starts_with("The domain portion of the userPrincipalName property is invalid")
    );
    let mut weak = new_user("weak@contoso.onmicrosoft.com");
    weak["passwordProfile"]["password"] = json!("password");
    let weak = wire.post("/v1.0/users", weak).await.refused(400, "Request_BadRequest");
    assert!(weak["error"]["message"].as_str().unwrap().contains("password complexity requirements"));
    wire.post("/v1.0/users", json!({ "displayName": "x" })).await.refused(400, "Request_BadRequest");

    wire.patch(&format!("/v1.0/users/{id}"), json!({ "otherMails": [], "jobTitle": "Robot" }))
        .await
        .expect(204);
    wire.patch(&format!("/v1.0/users/{id}"), json!({ "shoeSize": 43 }))
        .await
        .refused(400, "Request_BadRequest");
    let read = wire.get(&format!("/v1.0/users/{id}?$select=otherMails,jobTitle")).await.expect(200);
    assert_eq!((&read["otherMails"], &read["jobTitle"]), (&json!([]), &json!("Robot")));

    wire.delete(&format!("/v1.0/users/{id}")).await.expect(204);
    wire.get(&format!("/v1.0/users/{id}")).await.refused(404, "Request_ResourceNotFound");
    let deleted = wire.get("/v1.0/directory/deletedItems/microsoft.graph.user").await.expect(200);
    assert_eq!(deleted["value"][0]["id"], json!(id));
    let restored =
        wire.post(&format!("/v1.0/directory/deletedItems/{id}/restore"), json!({})).await.expect(200);
    assert_eq!(restored["@odata.type"], "#microsoft.graph.user");
    wire.delete(&format!("/v1.0/users/{id}")).await.expect(204);
    wire.delete(&format!("/v1.0/directory/deletedItems/{id}")).await.expect(204);
    wire.post(&format!("/v1.0/directory/deletedItems/{id}/restore"), json!({}))
        .await
        .refused(404, "Request_ResourceNotFound");
}

#[tokio::test]
async fn users_are_listed_page_by_page() {
    let wire = Wire::new(LabTenant::builder().users(250)).await;
    let mut next = "/v1.0/users?$select=id,userPrincipalName&$top=100".to_owned();
    let (mut ids, mut sizes) = (Vec::new(), Vec::new());
    loop {
        let page = wire.get(&next).await.expect(200);
        let users = page["value"].as_array().unwrap();
        sizes.push(users.len());
        ids.extend(users.iter().map(|user| user["id"].as_str().unwrap().to_owned()));
        match page["@odata.nextLink"].as_str() {
            Some(link) => {
                assert!(link.starts_with(wire.base_url()) && link.contains("$skiptoken="), "{link}");
                next = link.to_owned();
            }
            None => break,
        }
    }
    assert_eq!(sizes, [100, 100, 52], "250, the administrator and the emergency account");
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 252);
    wire.get("/v1.0/users?$top=1000").await.refused(400, "Request_BadRequest");
    wire.get("/v1.0/users?$skip=5").await.refused(400, "Request_BadRequest");
    wire.get("/v1.0/users?$skiptoken=nonsense").await.refused(400, "Directory_ExpiredPageToken");
}

#[tokio::test]
async fn users_are_filtered_the_documented_ways() {
    let seed = SeedUser::new(Upn::parse("o.neil@contoso.onmicrosoft.com").unwrap())
        .with_display_name("O'Neil")
        .with_proxy_addresses(["SMTP:o.neil@corp.example", "smtp:neil@corp.example"]);
    let wire = Wire::new(LabTenant::builder().seed_user(seed)).await;
    for filter in [
        "userPrincipalName eq 'O.NEIL@contoso.onmicrosoft.com'",
        "displayName eq 'O''Neil'",
        "mail eq 'o.neil@corp.example' and accountEnabled eq true",
        "proxyAddresses/any(p:p eq 'smtp:neil@corp.example')",
        "startsWith(displayName,'o''n')",
        "userPrincipalName in ('x@y.example', 'o.neil@contoso.onmicrosoft.com')",
    ] {
        let mut url = reqwest::Url::parse(&wire.url("/v1.0/users")).unwrap();
        url.query_pairs_mut().append_pair("$filter", filter);
        let found = wire.get(url.as_str()).await.expect(200);
        assert_eq!(found["value"].as_array().unwrap().len(), 1, "{filter}");
    }
    wire.get("/v1.0/users?$filter=mail ne 'x'").await.refused(400, "Request_UnsupportedQuery");
    wire.get("/v1.0/users?$filter=mail eq").await.refused(400, "BadRequest");
    let eventual = [("ConsistencyLevel", "eventual")];
    let found = wire
        .try_send("GET", "/v1.0/users?$filter=mail ne 'x'&$count=true&$top=5", None, &eventual)
        .await
        .unwrap()
        .expect(200);
    assert_eq!((found["@odata.count"].as_u64(), found["value"].as_array().unwrap().len()), (Some(33), 5));
    wire.get("/v1.0/users/$count").await.refused(400, "Request_BadRequest");
    let count = wire.try_send("GET", "/v1.0/users/$count", None, &eventual).await.unwrap();
    assert_eq!((count.status, count.text.as_str()), (200, "33"));
}

#[tokio::test]
async fn roles_are_given_and_taken() {
    let wire = Wire::default().await;
    let roles = "/v1.0/roleManagement/directory/roleAssignments";
    let definitions = wire.get("/v1.0/roleManagement/directory/roleDefinitions?$filter=displayName eq 'Hybrid Identity Administrator'").await.expect(200);
    let role = definitions["value"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(role, "8ac3fc64-6eca-42ea-9e69-59f4c7b60eb2");
    let user = wire.post("/v1.0/users", new_user("sync@contoso.onmicrosoft.com")).await.expect(201);
    let id = user["id"].as_str().unwrap();
    let grant = json!({ "roleDefinitionId": role, "principalId": id, "directoryScopeId": "/" });
    let given = wire.post(roles, grant.clone()).await.expect(201);
    let twice = wire.post(roles, grant.clone()).await.refused(400, "Request_BadRequest");
    assert_eq!(
        twice["error"]["message"],
        "A conflicting object with one or more of the specified property values is present in the directory."
    );
    assert_eq!(twice["error"]["details"][0]["code"], "ConflictingObjects");
    let mut nobody = grant.clone();
    nobody["principalId"] = json!("00000000-0000-4000-8000-000000000000");
    wire.post(roles, nobody).await.refused(404, "Request_ResourceNotFound");
    let mut sync_accounts = grant;
    sync_accounts["roleDefinitionId"] = json!("d29b2b05-8046-44ba-8758-1e26182fcf32");
    wire.post(roles, sync_accounts).await.refused(400, "Request_BadRequest");

    let held =
        wire.get(&format!("{roles}?$filter=principalId eq '{id}'&$expand=roleDefinition")).await.expect(200);
    assert_eq!(held["value"][0]["roleDefinition"]["displayName"], "Hybrid Identity Administrator");
    let held = wire
        .get(&format!("{roles}?$filter=roleDefinitionId eq '{role}'&$expand=principal"))
        .await
        .expect(200);
    assert_eq!(held["value"][0]["principal"]["@odata.type"], "#microsoft.graph.user");
    let legacy = wire
        .get(&format!("/v1.0/users/{id}/transitiveMemberOf/microsoft.graph.directoryRole"))
        .await
        .expect(200);
    assert_eq!(legacy["value"][0]["roleTemplateId"], json!(role));
    let name = given["id"].as_str().unwrap();
    wire.get(&format!("{roles}/{name}")).await.expect(200);
    wire.delete(&format!("{roles}/{name}")).await.expect(204);
    wire.delete(&format!("{roles}/{name}")).await.refused(404, "Request_ResourceNotFound");
}

#[tokio::test]
async fn synchronisation_is_switched_and_its_features_are_for_users_only() {
    let wire = Wire::default().await;
    let organization = wire.get("/v1.0/organization").await.expect(200);
    let organization = &organization["value"][0];
    assert_eq!(organization["onPremisesSyncEnabled"], Value::Null);
    let address = format!("/v1.0/organization/{}", organization["id"].as_str().unwrap());
    wire.patch(&address, json!({ "onPremisesSyncEnabled": true })).await.expect(204);
    let service =
        wire.get("/v1.0/servicePrincipals(appId='6bf85cfa-ac8a-4be5-b5de-425a0d0dc016')").await.expect(200);
    assert_eq!(service["displayName"], "Microsoft Entra AD Synchronization Service");

    wire.get("/v1.0/directory/onPremisesSynchronization").await.refused(403, "Authorization_RequestDenied");
    wire.use_token(&wire.lab.user_token(&wire.lab.credentials().admin, Audience::Graph).unwrap());
    let features = wire.get("/v1.0/directory/onPremisesSynchronization").await.expect(200);
    assert_eq!(features["value"][0]["features"]["blockSoftMatchEnabled"], json!(false));
    let one = format!("/v1.0/directory/onPremisesSynchronization/{}", organization["id"].as_str().unwrap());
    wire.patch(&one, json!({ "features": { "blockSoftMatchEnabled": true } })).await.expect(204);
    wire.patch(&one, json!({ "features": { "unheardOf": true } })).await.refused(400, "Request_BadRequest");
    assert_eq!(wire.get(&one).await.expect(200)["features"]["blockSoftMatchEnabled"], json!(true));

    wire.patch(&address, json!({ "onPremisesSyncEnabled": false })).await.expect(204);
    wire.patch(&address, json!({ "onPremisesSyncEnabled": true })).await.refused(400, "Request_BadRequest");
    wire.clock.advance(std::time::Duration::from_secs(72 * 3600));
    wire.use_token(&wire.lab.application_token(Audience::Graph));
    wire.patch(&address, json!({ "onPremisesSyncEnabled": true })).await.expect(204);
}

#[tokio::test]
async fn second_factors_and_policies_are_read_and_set() {
    let wire = Wire::default().await;
    let user = wire.post("/v1.0/users", new_user("sync@contoso.onmicrosoft.com")).await.expect(201);
    let path = format!("/users/{}/authentication/requirements", user["id"].as_str().unwrap());
    wire.get(&format!("/v1.0{path}")).await.refused(400, "BadRequest");
    assert_eq!(wire.get(&format!("/beta{path}")).await.expect(200)["perUserMfaState"], "disabled");
    wire.patch(&format!("/beta{path}"), json!({ "perUserMfaState": "enforced" })).await.expect(204);
    wire.patch(&format!("/beta{path}"), json!({ "perUserMfaState": "perhaps" }))
        .await
        .refused(400, "Request_BadRequest");
    assert_eq!(wire.get(&format!("/beta{path}")).await.expect(200)["perUserMfaState"], "enforced");
    let defaults = "/v1.0/policies/identitySecurityDefaultsEnforcementPolicy";
    assert_eq!(wire.get(defaults).await.expect(200)["isEnabled"], json!(false));
    wire.patch(defaults, json!({ "isEnabled": true })).await.expect(204);
    assert_eq!(wire.get(defaults).await.expect(200)["isEnabled"], json!(true));
    assert_eq!(wire.get("/v1.0/identity/conditionalAccess/policies").await.expect(200)["value"], json!([]));
}

#[tokio::test]
async fn applications_are_registered_granted_and_deleted() {
    let wire = Wire::default().await;
    let app = wire
        .post("/v1.0/applications", json!({ "displayName": "Sync", "tags": ["onramp"] }))
        .await
        .expect(201);
    let (id, app_id) = (app["id"].as_str().unwrap(), app["appId"].as_str().unwrap());
    let found = wire.get("/v1.0/applications?$filter=displayName eq 'Sync'").await.expect(200);
    assert_eq!(found["value"][0]["tags"], json!(["onramp"]));
    wire.patch(&format!("/v1.0/applications/{id}"), json!({ "notes": "made by a test" })).await.expect(204);
    assert_eq!(
        wire.get(&format!("/v1.0/applications(appId='{app_id}')")).await.expect(200)["notes"],
        "made by a test"
    );
    let principal = wire.post("/v1.0/servicePrincipals", json!({ "appId": app_id })).await.expect(201);
    let principal = principal["id"].as_str().unwrap();
    wire.post("/v1.0/servicePrincipals", json!({ "appId": app_id }))
        .await
        .refused(409, "Request_MultipleObjectsWithSameKeyValue");

    let graph = wire
        .get("/v1.0/servicePrincipals?$filter=appId eq '00000003-0000-0000-c000-000000000000'")
        .await
        .expect(200);
    let (resource, role) = (&graph["value"][0]["id"], &graph["value"][0]["appRoles"][0]["id"]);
    let grants = format!("/v1.0/servicePrincipals/{principal}/appRoleAssignments");
    let grant = json!({ "principalId": principal, "resourceId": resource, "appRoleId": role });
    let given = wire.post(&grants, grant.clone()).await.expect(201);
    wire.post(&grants, grant).await.refused(400, "Request_BadRequest");
    assert_eq!(wire.get(&grants).await.expect(200)["value"][0]["id"], given["id"]);
    wire.delete(&format!("{grants}/{}", given["id"].as_str().unwrap())).await.expect(204);
    wire.delete(&format!("/v1.0/applications/{id}")).await.expect(204);
    wire.get(&format!("/v1.0/servicePrincipals/{principal}")).await.refused(404, "Request_ResourceNotFound");
}

#[tokio::test]
async fn answers_carry_the_ids_of_the_exchange() {
    let wire = Wire::default().await;
    let sent = [("client-request-id", "5a1d0000-0000-4000-8000-000000000001")];
    let reply = wire.try_send("GET", "/v1.0/users/nobody", None, &sent).await.unwrap();
    let request_id = reply.header("request-id").unwrap().to_owned();
    assert_eq!(reply.header("client-request-id"), Some(sent[0].1));
    let inner = &reply.body["error"]["innerError"];
    assert_eq!(
        (inner["request-id"].as_str(), inner["client-request-id"].as_str()),
        (Some(request_id.as_str()), Some(sent[0].1))
    );
    let logged = wire.lab.requests();
    assert_eq!(
        (logged[0].method.as_str(), logged[0].path.as_str(), logged[0].status),
        ("GET", "/v1.0/users/nobody", Some(404))
    );
}

#[tokio::test]
async fn a_batch_does_its_items_by_themselves() {
    let wire = Wire::default().await;
    let user = new_user("sync@contoso.onmicrosoft.com");
    let json_type = json!({ "Content-Type": "application/json" });
    let reply = wire
        .post(
            "/v1.0/$batch",
            json!({ "requests": [
            { "id": "1", "method": "POST", "url": "/users", "headers": json_type, "body": user },
            { "id": "2", "method": "GET", "url": "/users/sync@contoso.onmicrosoft.com?$select=id" },
            { "id": "3", "method": "GET", "url": "/users/nobody" },
            { "id": "4", "dependsOn": ["3"], "method": "GET", "url": "/organization" },
        ] }),
        )
        .await
        .expect(200);
    let statuses: Vec<&Value> =
        reply["responses"].as_array().unwrap().iter().map(|item| &item["status"]).collect();
    assert_eq!(statuses, [&json!(201), &json!(200), &json!(404), &json!(424)]);
    let too_many: Vec<Value> =
        (0..21).map(|n| json!({ "id": n.to_string(), "method": "GET", "url": "/organization" })).collect();
    wire.post("/v1.0/$batch", json!({ "requests": too_many })).await.refused(400, "BadRequest");
    let same = json!({ "id": "a", "method": "GET", "url": "/organization" });
    wire.post("/v1.0/$batch", json!({ "requests": [same, same] })).await.refused(400, "BadRequest");
}

#[tokio::test]
async fn bodies_may_say_of_what_type_they_are() {
    let wire = Wire::default().await;
    let typed = |mut body: Value| {
        body["@odata.type"] = json!("#microsoft.graph.user");
        body["passwordProfile"]["@odata.type"] = json!("microsoft.graph.passwordProfile");
        body["otherMails@odata.type"] = json!("#Collection(String)");
        body
    };
    let user = wire.post("/v1.0/users", typed(new_user("typed@contoso.onmicrosoft.com"))).await.expect(201);
    assert_eq!(user["@odata.type"], Value::Null);
    let path = format!("/v1.0/users/{}", user["id"].as_str().unwrap());
    let body = json!({ "@odata.type": "#microsoft.graph.user", "department": "IT" });
    wire.patch(&path, body).await.expect(204);
    assert_eq!(wire.get(&format!("{path}?$select=department")).await.expect(200)["department"], "IT");
    let strange = json!({ "@odata.type": "#contoso.user", "department": "IT" });
    wire.patch(&path, strange).await.refused(400, "Request_BadRequest");
}
