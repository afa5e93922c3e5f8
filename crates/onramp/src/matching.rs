//! Which cloud users synchronisation will take over: the ones an operator must see before switching it on.

use std::collections::HashMap;
use std::fmt;

use onramp_core::forest::ForestUser;
use onramp_core::tenant::TenantUser;
use onramp_core::{ObjectId, Upn};
use serde::{Deserialize, Serialize};

use crate::candidate::UserRef;

/// A cloud user that an on-premises user will be matched with, after which AD's values replace the cloud's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CloudMatch {
    /// The on-premises user.
    pub user: UserRef,
    /// Object ID of the cloud user.
    pub cloud_id: ObjectId,
    /// UPN of the cloud user.
    pub cloud_upn: Upn,
    /// On what they meet.
    pub kind: MatchKind,
}

/// On what an on-premises and a cloud user meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum MatchKind {
    /// The source anchor: a hard match.
    SourceAnchor,
    /// The UPN: a soft match.
    Upn,
    /// The primary SMTP address: a soft match.
    PrimarySmtp,
}

impl fmt::Display for MatchKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SourceAnchor => "hard match on the source anchor",
            Self::Upn => "soft match on the UPN",
            Self::PrimarySmtp => "soft match on the primary SMTP address",
        })
    }
}

/// The cloud users that synchronisation could take over, indexed by what it matches on.
///
/// A cloud user that is synchronised already is not overwritten anew, and one with another anchor is never
/// soft-matched ("Microsoft Entra Connect: When you already have Microsoft Entra ID").
#[derive(Debug, Default)]
pub(crate) struct CloudIndex {
    users: Vec<(ObjectId, Upn)>,
    by_anchor: HashMap<String, usize>,
    by_upn: HashMap<String, usize>,
    by_smtp: HashMap<String, usize>,
}

impl CloudIndex {
    pub(crate) fn add(&mut self, user: &TenantUser) {
        if user.synchronised {
            return;
        }
        let place = self.users.len();
        self.users.push((user.id, user.upn.clone()));
        match &user.immutable_id {
            Some(anchor) => {
                self.by_anchor.insert(anchor.as_str().to_owned(), place);
            }
            None => {
                self.by_upn.insert(user.upn.key(), place);
                if let Some(smtp) = user.primary_smtp() {
                    self.by_smtp.insert(smtp.to_lowercase(), place);
                }
            }
        }
    }

    /// The cloud user that a user of the forest would be matched with, by the first rule that fits: anchor, UPN,
    /// primary SMTP address. `future_upn` is the UPN that synchronisation will see.
    pub(crate) fn find(&self, user: &ForestUser, future_upn: Option<&str>) -> Option<CloudMatch> {
        let anchor =
            || self.by_anchor.get(user.source_anchor().as_str()).map(|at| (at, MatchKind::SourceAnchor));
        let upn = || self.by_upn.get(&future_upn?.to_lowercase()).map(|at| (at, MatchKind::Upn));
        let smtp =
            || self.by_smtp.get(&user.primary_smtp()?.to_lowercase()).map(|at| (at, MatchKind::PrimarySmtp));
        if self.users.is_empty() {
            return None;
        }
        let (place, kind) = anchor().or_else(upn).or_else(smtp)?;
        let (cloud_id, cloud_upn) = self.users.get(*place)?.clone();
        Some(CloudMatch { user: UserRef::of(user), cloud_id, cloud_upn, kind })
    }
}
