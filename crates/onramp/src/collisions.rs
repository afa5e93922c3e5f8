//! New UPNs that another principal of the forest has, or that two users are to get.

use std::collections::HashMap;

use onramp_core::forest::UpnHolder;
use onramp_core::{ObjectGuid, Upn};

use crate::candidate::{Candidate, UserRef};
use crate::plan::Problem;

/// Who stands in the way of new UPNs.
pub(crate) struct Collisions<'a> {
    holders: HashMap<String, Vec<(&'a UpnHolder, bool)>>,
    wanted: HashMap<String, Vec<&'a Candidate>>,
}

impl<'a> Collisions<'a> {
    pub(crate) fn new(candidates: &'a [Candidate], holders: &'a [UpnHolder]) -> Self {
        let mut this = Self { holders: HashMap::new(), wanted: HashMap::new() };
        for candidate in candidates {
            if let Ok(after) = &candidate.after {
                this.wanted.entry(after.key()).or_default().push(candidate);
            }
        }
        for holder in holders {
            if let Some(upn) = &holder.upn {
                this.holders.entry(upn.to_lowercase()).or_default().push((holder, false));
            }
            if let Some(implied) = holder.implied_upn() {
                this.holders.entry(implied.key()).or_default().push((holder, true));
            }
        }
        this
    }

    /// What stands in the way of that user getting that UPN, if anything does. The other party is named even if it
    /// is to lose the name in the same plan: which of the two goes first is for people to decide.
    pub(crate) fn of(&self, user: ObjectGuid, upn: &Upn) -> Option<Problem> {
        let key = upn.key();
        let holder = self.holders.get(&key).into_iter().flatten().find(|(holder, _)| holder.guid != user);
        if let Some((holder, implied)) = holder {
            let other = UserRef {
                guid: holder.guid,
                dn: holder.dn.clone(),
                sam_account_name: holder.sam_account_name.clone(),
            };
            return Some(Problem::Taken { upn: upn.clone(), holder: other, implied: *implied });
        }
        let rival = self.wanted.get(&key).into_iter().flatten().find(|other| other.user.guid != user)?;
        Some(Problem::WantedTwice { upn: upn.clone(), other: rival.user.clone() })
    }
}
