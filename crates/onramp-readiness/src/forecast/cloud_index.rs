//! The search for cloud users that match AD users.

use std::collections::{HashMap, HashSet};

use onramp_core::forest::ForestUser;
use onramp_core::tenant::{RoleAssignment, TenantUser};
use onramp_core::{ObjectId, Upn};

use super::index::Index;
use super::{CloudUser, PossibleMatch, UserRef};
use crate::smtp_address;

/// Adds the directory roles of the cloud users.
pub fn note_roles(matches: &mut [PossibleMatch], assignments: &[RoleAssignment]) {
    let mut roles: HashMap<ObjectId, Vec<String>> = HashMap::new();
    for assignment in assignments {
        roles.entry(assignment.principal).or_default().push(assignment.role.to_string());
    }
    for cloud in matches.iter_mut().flat_map(PossibleMatch::cloud_users_mut) {
        cloud.roles = roles.get(&cloud.id).cloned().unwrap_or_default();
    }
}

/// The users of the tenant, indexed by the attributes that synchronization matches.
#[derive(Debug, Default)]
pub struct CloudIndex {
    users: Vec<CloudUser>,
    places: Index,
}

impl CloudIndex {
    /// Adds a user.
    pub fn add(&mut self, user: &TenantUser) {
        let place = self.users.len();
        self.users.push(CloudUser::of(user));
        if let Some(anchor) = &user.immutable_id {
            self.places.add_anchor(anchor, place);
        }
        self.places.add_upn(user.upn.as_str(), place);
        self.places.add_addresses(&user.proxy_addresses, place);
    }

    /// Returns the cloud users with a name, address or the anchor of an AD user, if there are any. `wanted` is the UPN
    /// that the user is to get.
    pub fn find_matches(&self, user: &ForestUser, wanted: Option<&Upn>) -> Option<PossibleMatch> {
        if self.users.is_empty() {
            return None;
        }
        let places = &self.places;
        let anchor = user.source_anchor();
        let by_anchor = places.with_anchor(&anchor);
        let is_itself = |place: usize| {
            by_anchor == Some(place) && self.users.get(place).is_some_and(|cloud| cloud.is_synchronized)
        };
        let mut by_upn: Vec<usize> = Vec::new();
        let mut by_upn_as_address: Vec<(String, usize)> = Vec::new();
        for upn in user.upn.as_deref().into_iter().chain(wanted.map(Upn::as_str)) {
            by_upn.extend(places.with_upn(upn.trim()).filter(|place| !is_itself(*place)));
            let place = places.with_address(upn).filter(|place| !is_itself(*place));
            by_upn_as_address.extend(place.map(|place| (upn.to_owned(), place)));
        }
        by_upn.dedup();
        let by_smtp = user
            .primary_smtp()
            .and_then(|smtp| places.with_primary_smtp(smtp))
            .filter(|place| !is_itself(*place));
        let addresses = user.proxy_addresses.iter().filter_map(|address| smtp_address(address));
        let mut seen: HashSet<usize> = by_smtp.into_iter().chain(by_anchor).collect();
        let by_address: Vec<usize> = addresses
            .chain(user.mail.as_deref().map(str::trim))
            .flat_map(|address| [places.with_address(address), places.with_upn(address)])
            .flatten()
            .filter(|place| seen.insert(*place))
            .collect();
        let hard = by_anchor.filter(|place| !is_itself(*place));
        let has_none = by_upn.is_empty() && by_smtp.is_none() && by_address.is_empty();
        if hard.is_none() && has_none && by_upn_as_address.is_empty() {
            return None;
        }
        let get = |place: usize| self.users.get(place).cloned();
        Some(PossibleMatch {
            user: UserRef::of(user),
            display_name: user.display_name.clone(),
            is_enabled: user.is_enabled(),
            anchor,
            present_upn: user.upn.clone(),
            by_anchor: by_anchor.and_then(get),
            by_smtp: by_smtp.and_then(get),
            by_upn: by_upn.into_iter().filter_map(get).collect(),
            by_address: by_address.into_iter().filter_map(get).collect(),
            by_upn_as_address: (by_upn_as_address.into_iter())
                .filter_map(|(upn, place)| Some((upn, get(place)?)))
                .collect(),
        })
    }
}
