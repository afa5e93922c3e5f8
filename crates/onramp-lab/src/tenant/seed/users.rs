//! The users of a new tenant: those that were described one by one, and ordinary ones with names drawn from the seed.

use onramp_core::tenant::RoleTemplateId;
use onramp_core::{Error, ErrorKind, Result};
use time::OffsetDateTime;

use super::capitalized;
use super::seed_user::SeedUser;
use crate::tenant::data::domains::canonical;
use crate::tenant::data::ids::SeededRng;
use crate::tenant::data::roles::RoleAssignment;
use crate::tenant::data::state::State;

const GIVEN: [&str; 24] = [
    "Alva", "Bruno", "Carla", "David", "Elif", "Frida", "Goran", "Hanna", "Ivan", "Jana", "Karim", "Lena",
    "Marek", "Nadia", "Oskar", "Paula", "Quentin", "Rosa", "Stefan", "Tilda", "Umut", "Vera", "Wim", "Yara",
];
const FAMILY: [&str; 24] = [
    "Abel",
    "Berg",
    "Conti",
    "Dahl",
    "Engel",
    "Fischer",
    "Greco",
    "Horvat",
    "Ito",
    "Janssen",
    "Kowalski",
    "Lindqvist",
    "Moreau",
    "Novak",
    "Olsen",
    "Petrov",
    "Quist",
    "Rossi",
    "Schmidt",
    "Torres",
    "Ude",
    "Vidal",
    "Weber",
    "Yilmaz",
];

pub(crate) fn add_user(state: &mut State, seed: SeedUser, now: OffsetDateTime) -> Result<()> {
    let refused =
        |why: &str| Error::new(ErrorKind::Invalid, "seed the user").with_object(&seed.upn).with_detail(why);
    let upn = seed.upn.to_string();
    let domain = canonical(upn.rsplit('@').next().unwrap_or_default());
    if !state.domains.get(&domain).is_some_and(|domain| domain.is_verified) {
        return Err(
            refused("its domain is not verified").with_hint("Name the domain by verified_domain first.")
        );
    }
    if state.users.with_upn(&upn).is_some() {
        return Err(refused("another user has its UPN"));
    }
    if seed.proxy_addresses.iter().any(|address| state.users.with_address(address).is_some()) {
        return Err(refused("another user has one of its proxy addresses"));
    }
    let prefix = upn.split('@').next().unwrap_or_default().to_owned();
    let name = seed.display_name.clone().unwrap_or_else(|| capitalized(&prefix.replace(['.', '_'], " ")));
    let mut user = state.blank_user(upn, name, prefix, now);
    user.mail =
        seed.proxy_addresses.iter().find_map(|address| address.strip_prefix("SMTP:")).map(str::to_owned);
    user.proxy_addresses = seed.proxy_addresses;
    user.immutable_id = seed.immutable_id;
    user.synced = seed.synchronized.then_some(true);
    user.account_enabled = !seed.disabled;
    if seed.guest {
        "Guest".clone_into(&mut user.user_type);
    }
    user.sign_in.password_changed = seed.password.is_some().then_some(now);
    user.sign_in.password = seed.password;
    user.sign_in.has_second_factor = seed.second_factor;
    user.sign_in.at_risk = seed.at_risk;
    let id = user.id.clone();
    state.users.insert(user);
    for role in seed.roles {
        let held = role_held(&mut state.draw, &role, &id);
        state.role_assignments.push(held);
    }
    for role in seed.eligible {
        let held = role_held(&mut state.draw, &role, &id);
        state.eligible_roles.push(held);
    }
    Ok(())
}

fn role_held(draw: &mut SeededRng, role: &RoleTemplateId, principal: &str) -> RoleAssignment {
    RoleAssignment {
        id: format!("{}-1", draw.letters(39)),
        role_id: role.id().to_string(),
        principal_id: principal.to_owned(),
        scope: "/".to_owned(),
    }
}

/// Ordinary users, the n-th of whom has the same name in every tenant of the same seed.
pub(crate) fn add_people(state: &mut State, count: usize, now: OffsetDateTime) -> Result<()> {
    let pick = |draw: &mut SeededRng, names: &[&'static str; 24]| {
        let at = usize::try_from(draw.below(24)).unwrap_or(0);
        names.get(at).copied().unwrap_or("Alva")
    };
    for n in 0..count {
        let (given, family) = (pick(&mut state.draw, &GIVEN), pick(&mut state.draw, &FAMILY));
        let prefix = format!("{}.{}{}", given.to_lowercase(), family.to_lowercase(), n + 1);
        let upn = format!("{prefix}@{}", state.initial_domain);
        let address = format!("SMTP:{upn}");
        let mut user = state.blank_user(upn, format!("{given} {family}"), prefix, now);
        user.mail = address.strip_prefix("SMTP:").map(str::to_owned);
        user.proxy_addresses = vec![address];
        user.profile = vec![("givenName", given.to_owned()), ("surname", family.to_owned())];
        user.usage_location = Some("DE".to_owned());
        if state.users.with_upn(&user.upn).is_none() {
            state.users.insert(user);
        }
    }
    Ok(())
}
