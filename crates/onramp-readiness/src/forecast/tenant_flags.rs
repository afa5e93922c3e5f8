//! The switches of a tenant that decide on matches.

use onramp_core::DomainName;
use onramp_core::tenant::SyncFeatures;
use serde::{Deserialize, Serialize};

use super::MatchesBlocked;

/// The switches of a tenant that decide on matches. `None` is "not known": an application may not read them, only a
/// signed-in administrator.
///
/// ```
/// use onramp_readiness::forecast::TenantFlags;
/// let flags = TenantFlags::from_graph_json(r#"{"value": [{"features": {"blockSoftMatchEnabled": true}}]}"#);
/// assert_eq!(flags.map(|flags| flags.block_soft_match), Some(Some(true)));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct TenantFlags {
    /// `blockSoftMatchEnabled`: no match by address or UPN.
    pub block_soft_match: Option<bool>,
    /// `blockCloudObjectTakeoverThroughHardMatchEnabled`: no match by source anchor.
    pub block_hard_match: Option<bool>,
    /// `softMatchOnUpnEnabled`: matches look at the UPN, too.
    pub soft_match_on_upn: Option<bool>,
    /// `allowOnPremUpdateOfOnPremisesObjectIdentifierEnabled`: a cloud object that was mapped to another object of AD may be
    /// matched all the same.
    pub allow_update_of_object_identifier: Option<bool>,
    /// `quarantineUponUpnConflictEnabled`: an object whose UPN is taken comes in under another one. On in every tenant since
    /// August 2016.
    pub quarantine_on_upn_conflict: Option<bool>,
    /// `quarantineUponProxyAddressesConflictEnabled`: an object whose address is taken comes in without it. On in every
    /// tenant since August 2016.
    pub quarantine_on_proxy_conflict: Option<bool>,
    /// `passwordSyncEnabled`: a match replaces the password, too.
    pub password_hash_sync: Option<bool>,
    /// The initial domain (`….onmicrosoft.com`), in which an object gets a UPN if its own is taken.
    pub initial_domain: Option<DomainName>,
}

impl TenantFlags {
    /// Reads the answer to `GET /directory/onPremisesSynchronization`, a page or the object in it. `None` if the text is not
    /// JSON, or has no `features`.
    pub fn from_graph_json(text: &str) -> Option<Self> {
        let value: serde_json::Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).ok()?;
        let object = value.get("value").and_then(|page| page.get(0)).unwrap_or(&value);
        let features = object.get("features").or_else(|| object.get("Features"))?.as_object()?;
        let flag = |name: &str| {
            let found = features.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.and_then(|(_, value)| value.as_bool())
        };
        Some(Self {
            block_soft_match: flag("blockSoftMatchEnabled"),
            block_hard_match: flag("blockCloudObjectTakeoverThroughHardMatchEnabled"),
            soft_match_on_upn: flag("softMatchOnUpnEnabled"),
            allow_update_of_object_identifier: flag("allowOnPremUpdateOfOnPremisesObjectIdentifierEnabled"),
            quarantine_on_upn_conflict: flag("quarantineUponUpnConflictEnabled"),
            quarantine_on_proxy_conflict: flag("quarantineUponProxyAddressesConflictEnabled"),
            password_hash_sync: flag("passwordSyncEnabled"),
            initial_domain: None,
        })
    }

    /// Sets the initial domain.
    #[must_use]
    pub fn with_initial_domain(mut self, domain: Option<DomainName>) -> Self {
        self.initial_domain = domain;
        self
    }
}

impl From<&SyncFeatures> for TenantFlags {
    fn from(features: &SyncFeatures) -> Self {
        Self {
            block_soft_match: features.block_soft_match,
            block_hard_match: features.block_hard_match,
            soft_match_on_upn: features.soft_match_on_upn,
            allow_update_of_object_identifier: None,
            quarantine_on_upn_conflict: features.quarantine_on_upn_conflict,
            quarantine_on_proxy_conflict: features.quarantine_on_proxy_conflict,
            password_hash_sync: features.password_hash_sync,
            initial_domain: None,
        }
    }
}

impl From<MatchesBlocked> for TenantFlags {
    /// Takes every match that is not blocked for allowed.
    fn from(blocked: MatchesBlocked) -> Self {
        Self {
            block_soft_match: Some(blocked.soft),
            block_hard_match: Some(blocked.hard),
            soft_match_on_upn: Some(!blocked.upn),
            allow_update_of_object_identifier: Some(true),
            ..Self::default()
        }
    }
}
