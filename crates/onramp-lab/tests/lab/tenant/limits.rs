//! Documented limits, drawn latency, forgotten places, and changes since some time.

use std::time::Duration;

use onramp_core::Clock as _;
use onramp_lab::tenant::{Fault, FaultAction, LabTenant, TenantSize, Throttling};
use serde_json::{Value, json};

use super::graph::new_user;
use super::wire::Wire;

const SYNC: &str = "sync@contoso.onmicrosoft.com";

#[tokio::test]
async fn throttling_goes_by_the_documented_buckets_and_says_what_is_used_up() {
    let limits = Throttling::documented(TenantSize::Small)
        .with_writes(10, Duration::from_secs(5))
        .with_units(1000, Duration::from_secs(10));
    let wire = Wire::new(LabTenant::builder().throttling(limits)).await;
    let listed = wire.get("/v1.0/users").await;
    assert_eq!(listed.header("x-ms-resource-unit"), Some("2"));
    assert_eq!(listed.header("x-ms-throttle-limit-percentage"), None, "said only when it is much");
    assert_eq!(wire.get("/v1.0/users?$select=id").await.header("x-ms-resource-unit"), Some("1"));
    let add = async |n: u32| wire.post("/v1.0/domains", json!({ "id": format!("d{n}.example") })).await;
    for n in 1..=7 {
        add(n).await.expect(201);
    }
    assert_eq!(add(8).await.header("x-ms-throttle-limit-percentage"), Some("0.80"));
    add(9).await.expect(201);
    assert_eq!(add(10).await.header("x-ms-throttle-limit-percentage"), Some("1.00"));
    let refused = add(11).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("1")));
    assert_eq!(refused.header("x-ms-throttle-information"), Some("WriteLimitExceeded"));
    assert!(refused.header("x-ms-throttle-scope").unwrap().starts_with("Tenant_Application/ReadWrite/"));
    wire.get("/v1.0/domains").await.expect(200);
    wire.clock.advance(Duration::from_millis(500));
    add(11).await.expect(201);
    assert_eq!(add(12).await.status, 429, "half a second brings one write");
    // Items of a batch are charged each for itself.
    wire.clock.advance(Duration::from_millis(1000));
    let item = |n: u32| {
        json!({ "id": n.to_string(), "method": "POST", "url": "/domains",
        "headers": { "Content-Type": "application/json" }, "body": { "id": format!("b{n}.example") } })
    };
    let batch =
        wire.post("/v1.0/$batch", json!({ "requests": [item(1), item(2), item(3)] })).await.expect(200);
    let statuses: Vec<_> =
        batch["responses"].as_array().unwrap().iter().map(|one| one["status"].clone()).collect();
    assert_eq!(statuses, [json!(201), json!(201), json!(429)]);
    assert_eq!(batch["responses"][2]["headers"]["Retry-After"], "1");
}

#[tokio::test]
async fn latency_is_drawn_from_the_seed_between_its_bounds() {
    let (least, most) = (Duration::from_millis(40), Duration::from_millis(90));
    let mut runs = Vec::new();
    for _ in 0..2 {
        let wire = Wire::new(LabTenant::builder().latency_between(least, most)).await;
        let mut times = Vec::new();
        for _ in 0..5 {
            let before = wire.clock.elapsed();
            wire.get("/v1.0/organization").await.expect(200);
            times.push(wire.clock.elapsed() - before);
        }
        assert!(times.iter().all(|time| (least..most).contains(time)), "{times:?}");
        runs.push(times);
    }
    assert_eq!(runs[0], runs[1], "the same seed, the same latency");
    assert!(runs[0].windows(2).any(|pair| pair[0] != pair[1]));
}

#[tokio::test]
async fn a_place_in_a_list_is_forgotten_on_demand() {
    let wire = Wire::new(LabTenant::builder().users(5)).await;
    wire.lab.add_fault(Fault::on("GET", "/v1.0/users?*skiptoken*", FaultAction::expired_page_token()));
    let first = wire.get("/v1.0/users?$top=2").await.expect(200);
    let next = first["@odata.nextLink"].as_str().unwrap();
    wire.get(next).await.refused(400, "Directory_ExpiredPageToken");
    wire.get(next).await.expect(200);
}

/// All pages from there: what they tell, and the link to go on from.
async fn follow(wire: &Wire, from: &str) -> (Vec<Value>, String) {
    let (mut told, mut at) = (Vec::new(), from.to_owned());
    loop {
        let page = wire.get(&at).await.expect(200);
        told.extend(page["value"].as_array().unwrap().iter().cloned());
        match page["@odata.deltaLink"].as_str() {
            Some(link) => return (told, link.to_owned()),
            None => at = page["@odata.nextLink"].as_str().unwrap().to_owned(),
        }
    }
}

#[tokio::test]
async fn changes_are_told_since_any_time_and_for_seven_days() {
    let wire = Wire::new(LabTenant::builder().users(7)).await;
    let (all, link) = follow(&wire, "/v1.0/users/delta?$select=displayName&$top=3").await;
    assert_eq!(all.len(), wire.lab.user_count());
    assert!(
        all.iter().all(|user| user.as_object().unwrap().len() == 2),
        "id and what was asked for: {all:?}"
    );
    let (nothing, link) = follow(&wire, &link).await;
    assert!(nothing.is_empty());

    let made = wire.post("/v1.0/users", new_user(SYNC)).await.expect(201);
    let id = made["id"].as_str().unwrap();
    let other = all[0]["id"].as_str().unwrap();
    wire.patch(&format!("/v1.0/users/{other}"), json!({ "displayName": "New" })).await.expect(204);
    wire.patch(&format!("/v1.0/users/{other}"), json!({ "displayName": "Newer" })).await.expect(204);
    let (told, later) = follow(&wire, &link).await;
    assert_eq!(told.len(), 2, "the last about each: {told:?}");
    assert_eq!((&told[0]["id"], &told[1]["displayName"]), (&json!(id), &json!("Newer")));

    wire.delete(&format!("/v1.0/users/{id}")).await.expect(204);
    let (told, last) = follow(&wire, &later).await;
    assert_eq!(told, [json!({ "id": id, "@removed": { "reason": "changed" } })]);
    wire.delete(&format!("/v1.0/directory/deletedItems/{id}")).await.expect(204);
    let (told, _) = follow(&wire, &last).await;
    assert_eq!(told[0]["@removed"]["reason"], "deleted");
    // An earlier place is still good, and tells the end of the story only.
    let (told, _) = follow(&wire, &link).await;
    assert_eq!(told.len(), 2);

    let (nothing, now) = follow(&wire, "/v1.0/users/delta?$deltatoken=latest").await;
    assert!(nothing.is_empty());
    wire.clock.advance(Duration::from_secs(6 * 24 * 3600));
    wire.use_token(&wire.lab.application_token(onramp_lab::tenant::Audience::Lab));
    let (_, newer) = follow(&wire, &now).await;
    wire.clock.advance(Duration::from_secs(2 * 24 * 3600));
    wire.use_token(&wire.lab.application_token(onramp_lab::tenant::Audience::Lab));
    wire.get(&now).await.refused(410, "syncStateNotFound");
    wire.get(&newer).await.expect(200);
    wire.lab.expire_delta_tokens();
    wire.get(&newer).await.refused(410, "syncStateNotFound");
    wire.get("/v1.0/users/delta?$deltatoken=nonsense").await.refused(410, "syncStateNotFound");
}
