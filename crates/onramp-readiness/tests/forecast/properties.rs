//! Properties of forecasts for arbitrary tenants and forests.

use std::collections::BTreeSet;

use onramp_core::forest::ForestUser;
use onramp_core::tenant::{RoleAssignment, RoleTemplateId, TenantUser};
use onramp_core::{DistinguishedName, Upn};
use onramp_readiness::forecast::{
    CloudIndex, Forecast, Forecaster, MatchesBlocked, Outcome, PossibleMatch, note_roles,
};
use proptest::prelude::*;

use crate::*;

/// A few names, so that many objects have the same.
fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-e]@contoso\\.com", "[A-E]@Contoso\\.com"]
}

fn proxy() -> impl Strategy<Value = String> {
    (prop_oneof![Just("SMTP:"), Just("smtp:"), Just("x500:")], name())
        .prop_map(|(kind, name)| kind.to_owned() + &name)
}

fn forest_object() -> impl Strategy<Value = DirectoryObject> {
    let values =
        (0..8_u8, 0..3_u8, name(), proptest::collection::vec(proxy(), 0..3), proptest::option::of(name()));
    values.prop_map(|(number, kind, upn, proxies, mail)| {
        let mut object = DirectoryObject::new(format!("CN={number},DC=corp,DC=local"))
            .with_guid(guid(number))
            .with_text(a::OBJECT_CLASS, ["user", "group", "contact"][usize::from(kind)])
            .with_text(a::USER_PRINCIPAL_NAME, upn);
        for proxy in proxies {
            object = object.with_text(a::PROXY_ADDRESSES, proxy);
        }
        if let Some(mail) = mail {
            object = object.with_text(a::MAIL, mail);
        }
        object
    })
}

fn cloud_object() -> impl Strategy<Value = CloudObject> {
    let roles = proptest::option::of(proptest::collection::vec(Just("User Administrator".to_owned()), 0..2));
    let values = (
        1..30_u8,
        0..3_usize,
        name(),
        proptest::collection::vec(proxy(), 0..3),
        proptest::option::of(0..8_u8),
        any::<bool>(),
        roles,
    );
    values.prop_map(|(number, kind, upn, proxies, anchor_of, synchronized, roles)| {
        let kind = [ObjectKind::User, ObjectKind::Group, ObjectKind::Contact][kind];
        let proxies: Vec<&str> = proxies.iter().map(String::as_str).collect();
        let mut object = addresses(cloud(number, &upn), &proxies).with_roles(roles);
        object.kind = kind;
        object.anchor = anchor_of.map(anchor);
        object.is_synchronized = synchronized;
        object
    })
}

fn any_flags() -> impl Strategy<Value = TenantFlags> {
    proptest::array::uniform6(proptest::option::of(any::<bool>())).prop_map(
        |[soft, hard, upn, update, proxies, names]| {
            flags(|flags| {
                flags.block_soft_match = soft;
                flags.block_hard_match = hard;
                flags.soft_match_on_upn = upn;
                flags.allow_update_of_object_identifier = update;
                flags.quarantine_on_proxy_conflict = proxies;
                flags.quarantine_on_upn_conflict = names;
            })
        },
    )
}

/// Objects of which no two have the same key.
fn unique<T, K: Ord>(objects: Vec<T>, key: impl Fn(&T) -> K) -> Vec<T> {
    let mut seen = BTreeSet::new();
    objects.into_iter().filter(|object| seen.insert(key(object))).collect()
}

fn sorted(mut forecasts: Vec<Forecast>) -> Vec<Forecast> {
    forecasts.sort_by(|one, other| one.object.cmp(&other.object));
    forecasts
}

/// Users of a tenant, of which no two have the same UPN or address, as tenants make sure.
fn tenant_users() -> impl Strategy<Value = Vec<(TenantUser, bool)>> {
    let user = (
        name(),
        proptest::collection::vec(proxy(), 0..3),
        proptest::option::of(0..8_u8),
        any::<bool>(),
        any::<bool>(),
    );
    proptest::collection::vec(user, 0..6).prop_map(|users| {
        let mut taken = BTreeSet::new();
        let mut made = Vec::new();
        for (number, (upn, proxies, anchor_of, synchronized, is_admin)) in users.into_iter().enumerate() {
            if !taken.insert(upn.to_lowercase()) {
                continue;
            }
            let mut user = TenantUser::new(id(number as u8), Upn::parse(&upn).unwrap());
            let mut has_primary = false;
            for proxy in proxies {
                let is_second = proxy.starts_with("SMTP:") && has_primary;
                if !is_second && taken.insert(format!("address {}", proxy.to_lowercase())) {
                    has_primary |= proxy.starts_with("SMTP:");
                    user.proxy_addresses.push(proxy);
                }
            }
            let is_free = |number: &u8| taken.insert(format!("anchor {number}"));
            user.immutable_id = anchor_of.filter(is_free).map(anchor);
            user.synchronized = synchronized;
            made.push((user, is_admin));
        }
        made
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_order_of_objects_does_not_count(
        objects in proptest::collection::vec(forest_object(), 0..8),
        tenant in proptest::collection::vec(cloud_object(), 0..8),
        flags in any_flags(),
    ) {
        let objects = unique(objects, |object| object.dn().to_owned());
        let tenant = unique(tenant, |object| object.id);
        let forward = Forecaster::new(tenant.clone(), flags.clone()).forecast_all(&objects);
        let backward = Forecaster::new(tenant.into_iter().rev(), flags).forecast_all(objects.iter().rev());
        prop_assert_eq!(Forecast::count(&forward), Forecast::count(&backward));
        prop_assert_eq!(sorted(forward), sorted(backward));
    }

    #[test]
    fn no_cloud_object_is_matched_and_in_conflict(
        objects in proptest::collection::vec(forest_object(), 0..8),
        tenant in proptest::collection::vec(cloud_object(), 0..8),
        flags in any_flags(),
    ) {
        let tenant = unique(tenant, |object| object.id);
        for forecast in Forecaster::new(tenant, flags).forecast_all(&objects) {
            let has_cloud = forecast.cloud.is_some();
            let is_joined = matches!(forecast.outcome, Outcome::Update | Outcome::Match | Outcome::Unknown);
            prop_assert_eq!(has_cloud, is_joined, "{}", forecast);
            prop_assert_eq!(!forecast.unknown.is_empty(), forecast.outcome == Outcome::Unknown, "{}", forecast);
            for conflict in &forecast.conflicts {
                let own = forecast.cloud.as_ref().map(|cloud| cloud.id);
                prop_assert_ne!(Some(conflict.cloud.id), own, "{}", forecast);
            }
            let is_conflict = forecast.outcome == Outcome::Conflict;
            prop_assert!(!is_conflict || !forecast.conflicts.is_empty(), "{}", forecast);
        }
    }

    #[test]
    fn a_fact_that_becomes_known_never_makes_a_certain_match_another(
        objects in proptest::collection::vec(forest_object(), 0..4),
        tenant in proptest::collection::vec(cloud_object(), 0..8),
        flags in any_flags(),
        guesses in proptest::array::uniform6(any::<bool>()),
    ) {
        let tenant = unique(tenant, |object| object.id);
        let mut guessed = flags.clone();
        let [soft, hard, upn, update, ..] = guesses;
        guessed.block_soft_match.get_or_insert(soft);
        guessed.block_hard_match.get_or_insert(hard);
        guessed.soft_match_on_upn.get_or_insert(upn);
        guessed.allow_update_of_object_identifier.get_or_insert(update);
        let before = Forecaster::new(tenant.clone(), flags);
        let after = Forecaster::new(tenant, guessed);
        for object in &objects {
            let (before, after) = (before.forecast(object), after.forecast(object));
            if before.outcome != Outcome::Unknown {
                prop_assert_eq!(before.outcome, after.outcome);
                prop_assert_eq!(before.cloud, after.cloud);
            }
        }
    }

    #[test]
    fn plans_and_scans_forecast_the_same(
        tenant in tenant_users(),
        object in forest_object(),
        flags in proptest::array::uniform3(any::<bool>()),
    ) {
        let dn = DistinguishedName::parse(object.dn()).unwrap();
        let mut user = ForestUser::new(object.guid().unwrap(), dn, "anna");
        user.upn = object.text(&a::USER_PRINCIPAL_NAME).map(str::to_owned);
        user.mail = object.text(&a::MAIL).map(str::to_owned);
        user.proxy_addresses =
            object.values(&a::PROXY_ADDRESSES).iter().map(|value| value.as_text().unwrap().to_owned()).collect();
        let mut blocked = MatchesBlocked::default();
        [blocked.soft, blocked.hard, blocked.upn] = flags;
        let assignments: Vec<RoleAssignment> = tenant
            .iter()
            .filter(|(_, is_admin)| *is_admin)
            .map(|(user, _)| RoleAssignment::tenant_wide("1", RoleTemplateId::USER_ADMINISTRATOR, user.id))
            .collect();

        let mut index = CloudIndex::default();
        tenant.iter().for_each(|(user, _)| index.add(user));
        let mut met: Vec<PossibleMatch> = index.find_matches(&user, None).into_iter().collect();
        note_roles(&mut met, &assignments);
        let (planned, conflicts) =
            met.first().map(|met| met.forecast(user.upn.as_deref(), blocked)).unwrap_or_default();

        let mut cloud: Vec<CloudObject> = tenant.iter().map(|(user, _)| CloudObject::from(user)).collect();
        CloudObject::note_roles(&mut cloud, &assignments);
        let forecast = Forecaster::new(cloud, TenantFlags::from(blocked)).forecast(&DirectoryObject::from(&user));
        let matched = forecast.cloud.filter(|_| forecast.outcome == Outcome::Match);
        prop_assert_eq!(planned.map(|planned| planned.cloud.id), matched.map(|cloud| cloud.id));
        let of_plan: BTreeSet<_> = conflicts.iter().map(|conflict| conflict.cloud.id).collect();
        let of_scan: BTreeSet<_> = forecast.conflicts.iter()
            .filter(|conflict| !conflict.value.starts_with("x500:"))
            .map(|conflict| conflict.cloud.id).collect();
        prop_assert_eq!(of_plan, of_scan);
    }
}
