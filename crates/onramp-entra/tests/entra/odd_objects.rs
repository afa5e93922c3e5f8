//! Objects that cannot be understood do not take the others with them, and are named.

use std::fmt::Debug;

use futures_util::{Stream, StreamExt};
use onramp_core::{DomainName, ErrorKind, Result, Upn};
use serde_json::{Value, json};
use wiremock::matchers::{path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::*;

/// Two pages: the objects, and one more that is fine.
async fn pages(place: &str, first: Value, last: Value) -> MockServer {
    let server = MockServer::start().await;
    let link = format!("{}{place}?$skiptoken=2", server.uri());
    answers(
        &server,
        Mock::given(path(place)).and(query_param("$skiptoken", "2")),
        vec![ok(json!({ "value": [last] }))],
    )
    .await;
    answers(&server, Mock::given(path(place)), vec![ok(json!({ "value": first, "@odata.nextLink": link }))])
        .await;
    server
}

/// How many came, and what was said of the others.
async fn told<T: Debug>(stream: impl Stream<Item = Result<T>>) -> (usize, Vec<String>) {
    let (mut found, mut odd) = (0, Vec::new());
    for item in stream.collect::<Vec<_>>().await {
        match item {
            Ok(_) => found += 1,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Unreadable, "{error}");
                odd.push(error.to_string());
            }
        }
    }
    (found, odd)
}

fn assert_named(odd: &[String], names: &[&str]) {
    assert_eq!(odd.len(), names.len(), "{odd:#?}");
    for (error, name) in odd.iter().zip(names) {
        assert!(error.contains(name), "{name}: {error}");
    }
}

#[tokio::test]
async fn users_that_cannot_be_understood_are_named_and_the_others_come() {
    let first = json!([
        user_json(1, "anna@contoso.com", "Anna"),
        { "id": id(2), "userPrincipalName": "no name at all" },
        { "id": "not an id", "userPrincipalName": "bert@contoso.com" },
        { "id": id(3), "userPrincipalName": "carl@contoso.com", "accountEnabled": "maybe" },
        { "id": id(4), "userPrincipalName": "dora@contoso.com", "proxyAddresses": [7], "displayName": {} },
        { "id": id(5) },
        null,
        {
            "id": id(6), "userPrincipalName": "erin@contoso.com",
            "onPremisesImmutableId": "erin.fields@fabrikam.com", "otherMails": null
        },
        { "id": id(7), "userPrincipalName": "fred@contoso.com", "onPremisesImmutableId": "0123456789abcdef".repeat(4) },
    ]);
    let server = pages("/v1.0/users", first, user_json(9, "zoe@contoso.com", "Zoe")).await;
    let (found, odd) = told(bench(&server.uri()).client.tenant().users.list()).await;
    assert_eq!(found, 4);
    let names = [
        "no name at all",
        "bert@contoso.com",
        "carl@contoso.com",
        "dora@contoso.com",
        &id(5).to_string(),
        "an object without a name",
    ];
    // What is no user at all is told while the page is read, so the order is the page's all the same.
    assert_named(&odd, &names);
    assert!(odd[2].contains("accountEnabled"), "{}", odd[2]);
}

#[tokio::test]
async fn other_streams_go_on_as_well() {
    let odd_user = json!({ "id": 7, "userPrincipalName": "bert@contoso.com" });
    let place = "/v1.0/directory/deletedItems/microsoft.graph.user";
    let fine = user_json(1, "anna@contoso.com", "Anna");
    let late =
        json!({ "id": id(2), "userPrincipalName": "carl@contoso.com", "deletedDateTime": "yesterday" });
    let server = pages(place, json!([odd_user, fine, late]), user_json(3, "zoe@contoso.com", "Zoe")).await;
    let (found, odd) = told(bench(&server.uri()).client.tenant().users.deleted()).await;
    assert_eq!(found, 2);
    assert_named(&odd, &["bert@contoso.com", "carl@contoso.com"]);

    let place = "/v1.0/domains/contoso.com/domainNameReferences";
    let reference = |id: Value, name: &str| json!({ "@odata.type": "#microsoft.graph.user", "id": id, "userPrincipalName": name });
    let first =
        json!([reference(json!("x"), "bert@contoso.com"), reference(json!(id(1)), "anna@contoso.com")]);
    let server = pages(place, first, reference(json!(id(2)), "zoe@contoso.com")).await;
    let domain = DomainName::parse("contoso.com").unwrap();
    let (found, odd) = told(bench(&server.uri()).client.tenant().domains.references(&domain)).await;
    assert_eq!(found, 2);
    assert_named(&odd, &["bert@contoso.com"]);

    let conflict = |id: Value, name: &str, errors: Value| json!({ "id": id, "userPrincipalName": name, "onPremisesProvisioningErrors": errors });
    let error = json!([{ "propertyCausingError": "ProxyAddresses", "value": "SMTP:a@b.c" }]);
    let first = json!([
        conflict(json!(id(1)), "bert@contoso.com", json!("none")),
        conflict(json!(id(2)), "anna@contoso.com", error.clone()),
    ]);
    let server = pages("/v1.0/users", first, conflict(json!(id(3)), "zoe@contoso.com", error)).await;
    let (found, odd) = told(bench(&server.uri()).client.tenant().sync.provisioning_errors()).await;
    assert_eq!(found, 2);
    assert_named(&odd, &["bert@contoso.com"]);
}

#[derive(Debug, serde::Deserialize)]
struct Thing {
    id: u32,
}

#[tokio::test]
async fn queries_of_ones_own_go_on_and_restarts_tell_an_odd_object_once() {
    let first = json!([{ "id": 1 }, { "id": "two", "displayName": "Two" }]);
    let server = pages("/v1.0/things", first.clone(), json!({ "id": 3 })).await;
    let (found, odd) = told(bench(&server.uri()).client.graph().query::<Thing>("things").stream()).await;
    assert_eq!(found, 2);
    assert_named(&odd, &["Two (two)"]);

    let server = MockServer::start().await;
    let link = format!("{}/v1.0/things?$skiptoken=2", server.uri());
    let forgotten =
        ResponseTemplate::new(400).set_body_json(graph_error("Directory_ExpiredPageToken", "too late"));
    let last = ok(json!({ "value": [{ "id": 3 }] }));
    answers(
        &server,
        Mock::given(path("/v1.0/things")).and(query_param("$skiptoken", "2")),
        vec![forgotten, last],
    )
    .await;
    let page = ok(json!({ "@odata.count": 3, "value": first, "@odata.nextLink": link }));
    answers(&server, Mock::given(path("/v1.0/things")), vec![page]).await;
    let query = || bench(&server.uri()).client.graph().query::<Thing>("things").restart_by(|thing| thing.id);
    let (found, odd) = told(query().stream()).await;
    assert_eq!((found, odd.len()), (2, 1), "each once: {odd:?}");
    let (count, all) = query().counted().await.unwrap();
    assert_eq!((count, told(all).await.0), (3, 2));
    assert_eq!(query().all().await.unwrap_err().kind(), ErrorKind::Unreadable);
}

#[tokio::test]
async fn a_single_user_that_cannot_be_understood_is_an_error_that_says_so() {
    for (body, names) in [
        (json!({ "id": id(1), "userPrincipalName": "no name at all" }), ["no name at all", "UPN"]),
        (
            json!({ "id": id(1), "userPrincipalName": "anna@contoso.com", "mail": 7 }),
            ["anna@contoso.com", "mail"],
        ),
        (json!([]), ["without a name", "object ID"]),
    ] {
        let server = MockServer::start().await;
        answers(&server, any(), vec![ok(body.clone())]).await;
        let users = bench(&server.uri()).client.tenant().users;
        for error in [users.get(&id(1)).await.unwrap_err(), users.find(&upn()).await.unwrap_err()] {
            assert_eq!(error.kind(), ErrorKind::Unreadable, "{error}");
            for name in names {
                assert!(error.to_string().contains(name), "{name}: {error}");
            }
        }
        let server = MockServer::start().await;
        answers(&server, any(), vec![ok(json!({ "value": [body] }))]).await;
        let odd = Upn::parse("$anna@contoso.com").unwrap();
        let error = bench(&server.uri()).client.tenant().users.find(&odd).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unreadable, "{error}");
    }
}
