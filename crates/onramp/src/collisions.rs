//! New UPNs that another object of the forest has, as UPN or as mail address, or that two users are to get.

use std::collections::HashMap;

use onramp_core::forest::UpnHolder;
use onramp_core::{ObjectGuid, Upn, comparison_key};

use crate::candidate::{Candidate, UserRef};
use crate::plan::Problem;
use crate::survey::AddressHolder;

/// What stands in the way of new UPNs, compared as Active Directory on Windows compares them.
pub(crate) struct Collisions<'a> {
    holders: HashMap<String, Vec<(&'a UpnHolder, bool)>>,
    addresses: HashMap<String, Vec<&'a AddressHolder>>,
    wanted: HashMap<String, Vec<&'a Candidate>>,
}

impl<'a> Collisions<'a> {
    pub(crate) fn new(
        candidates: &'a [Candidate],
        holders: &'a [UpnHolder],
        addresses: &'a [AddressHolder],
    ) -> Self {
        let mut this = Self { holders: HashMap::new(), addresses: HashMap::new(), wanted: HashMap::new() };
        for candidate in candidates {
            if let Ok(after) = &candidate.after {
                this.wanted.entry(comparison_key(after.as_str())).or_default().push(candidate);
            }
        }
        for holder in holders {
            if let Some(upn) = &holder.upn {
                this.holders.entry(comparison_key(upn)).or_default().push((holder, false));
            }
            if let Some(implied) = holder.implied_upn() {
                this.holders.entry(comparison_key(implied.as_str())).or_default().push((holder, true));
            }
        }
        for holder in addresses {
            this.addresses.entry(comparison_key(&holder.address)).or_default().push(holder);
        }
        this
    }

    /// What stands in the way of that user getting that UPN, if anything does. The other party is named even if it
    /// is to lose the name in the same plan: which of the two goes first is for people to decide.
    pub(crate) fn of(&self, user: ObjectGuid, upn: &Upn) -> Option<Problem> {
        let key = comparison_key(upn.as_str());
        // Of several the same one each time, in whatever order a directory tells of them.
        let holders = self.holders.get(&key).into_iter().flatten();
        let holder = holders
            .filter(|(holder, _)| holder.guid != user)
            .min_by_key(|(holder, implied)| (*implied, holder.guid));
        if let Some((holder, implied)) = holder {
            let other = UserRef::of_holder(holder);
            return Some(Problem::Taken { upn: upn.clone(), holder: other, implied: *implied });
        }
        let rivals = self.wanted.get(&key).into_iter().flatten();
        let rival = rivals.filter(|other| other.user.guid != user).min_by_key(|other| other.user.guid);
        if let Some(rival) = rival {
            return Some(Problem::WantedTwice { upn: upn.clone(), other: rival.user.clone() });
        }
        let addresses = self.addresses.get(&key).into_iter().flatten();
        let address =
            addresses.filter(|other| other.holder.guid != user).min_by_key(|other| other.holder.guid)?;
        let (address, holder) = (address.address.clone(), address.holder.clone());
        Some(Problem::AddressTaken { upn: upn.clone(), address, holder })
    }

    /// The object of the forest that has, will have or implies a UPN which a cloud-only account is to get, or has it as
    /// primary mail address: synchronization would meet the account in it.
    pub(crate) fn with_cloud_account(&self, upn: &Upn) -> Option<UserRef> {
        let key = comparison_key(upn.as_str());
        let holders = self.holders.get(&key).into_iter().flatten();
        let holder = holders
            .min_by_key(|(holder, implied)| (*implied, holder.guid))
            .map(|(holder, _)| UserRef::of_holder(holder));
        let wanted = || {
            let all = self.wanted.get(&key)?.iter();
            Some(all.min_by_key(|candidate| candidate.user.guid)?.user.clone())
        };
        let address = || {
            let all = self.addresses.get(&key)?.iter().filter(|other| other.is_primary);
            Some(all.min_by_key(|other| other.holder.guid)?.holder.clone())
        };
        holder.or_else(wanted).or_else(address)
    }
}
