//! A forest of a few users, each made by name, and a tenant beside it.

use std::sync::Arc;
use std::time::Duration;

use onramp::{Blocker, Change, Plan};
use onramp_core::{Clock, DistinguishedName, ManualClock, ObjectGuid};
use onramp_lab::forest::{LabForest, LabForestBuilder};
use onramp_lab::tenant::{LabTenant, LabTenantBuilder, SeedUser};

use crate::world::{World, spec};

pub(crate) fn build(
    forest: impl FnOnce(LabForestBuilder) -> LabForestBuilder,
    tenant: impl FnOnce(LabTenantBuilder) -> LabTenantBuilder,
) -> World {
    let clock = Arc::new(ManualClock::default());
    let shared: Arc<dyn Clock> = clock.clone();
    let people = LabForest::builder().domain("corp.local").users(0).seed(7).controllers(2);
    let people = people.replication_delay(Duration::from_secs(3)).clock(shared.clone());
    let forest = forest(people).build().unwrap();
    let tenant = tenant(LabTenant::builder().name("contoso").seed(7).clock(shared)).build().unwrap();
    World { forest, tenant, clock, ..World::new(1) }
}

/// A forest without people, and a tenant that has verified contoso.com and fabrikam.com.
pub(crate) fn plain() -> World {
    build(|forest| forest, verified)
}

pub(crate) fn verified(tenant: LabTenantBuilder) -> LabTenantBuilder {
    tenant.verified_domain("contoso.com".parse().unwrap()).verified_domain("fabrikam.com".parse().unwrap())
}

pub(crate) fn with_cloud(users: impl IntoIterator<Item = SeedUser>) -> World {
    build(|forest| forest, |tenant| verified(tenant).seed_users(users))
}

pub(crate) fn cloud(upn: &str) -> SeedUser {
    SeedUser::new(upn.parse().unwrap())
}

/// Makes a user in `CN=Users` of the first domain.
pub(crate) fn add(world: &World, account: &str, upn: Option<&str>) -> ObjectGuid {
    add_below(world, &world.forest.base(), account, upn)
}

pub(crate) fn add_below(
    world: &World,
    domain: &DistinguishedName,
    account: &str,
    upn: Option<&str>,
) -> ObjectGuid {
    world.forest.create_user(&domain.child("CN", "Users"), account, upn).unwrap()
}

/// Sets an attribute on every domain controller.
pub(crate) fn set(world: &World, guid: &ObjectGuid, attribute: &str, values: &[&str]) {
    for host in world.forest.controllers() {
        world.forest.set_on(&host, guid, attribute, values).unwrap();
    }
}

pub(crate) fn upn_of(world: &World, guid: &ObjectGuid) -> Option<String> {
    let host = world.forest.controllers().remove(0);
    world.forest.values_on(&host, guid, "userPrincipalName").unwrap().pop()
}

/// A plan for contoso.com with those lines in `[users]`.
pub(crate) async fn plan_users(world: &World, lines: &str) -> Plan {
    world.plan(&spec(&users(lines))).await
}

pub(crate) fn users(lines: &str) -> String {
    format!("domain = \"contoso.com\"\n[users]\n{lines}\n")
}

/// The new UPNs, sorted.
pub(crate) fn renamed(plan: &Plan) -> Vec<String> {
    let upns = plan.changes().iter().filter_map(|planned| match &planned.change {
        Change::ChangeUpn { upn } => Some(upn.after.to_string()),
        _ => None,
    });
    let mut upns: Vec<String> = upns.collect();
    upns.sort();
    upns
}

/// What blocks the whole plan, in words.
pub(crate) fn fatal(plan: &Plan) -> Vec<String> {
    plan.blockers().iter().filter(|blocker| blocker.is_fatal()).map(ToString::to_string).collect()
}

/// Those of whom something stands in the way.
pub(crate) fn blocked(plan: &Plan) -> Vec<&Blocker> {
    plan.blockers().iter().filter(|blocker| !blocker.is_fatal()).collect()
}

pub(crate) fn ids(plan: &Plan) -> Vec<String> {
    plan.consequences().iter().map(|consequence| consequence.id()).collect()
}

/// The one consequence whose name begins like that.
pub(crate) fn id(plan: &Plan, start: &str) -> String {
    let found: Vec<String> = ids(plan).into_iter().filter(|id| id.starts_with(start)).collect();
    assert_eq!(found.len(), 1, "{start}: {:?}", ids(plan));
    found.into_iter().next().unwrap()
}

/// Plans, approves everything and applies it.
pub(crate) async fn run(world: &mut World, text: &str) {
    let spec = spec(text);
    let approved = world.approved(&spec).await;
    let onramp = world.onramp();
    world.apply(&onramp, &approved).await.unwrap().require_complete().unwrap();
}
