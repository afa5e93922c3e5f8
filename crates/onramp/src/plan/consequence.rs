//! What accepting a plan means.

use std::fmt;

use onramp_core::Upn;
use serde::{Deserialize, Serialize};

use crate::matching::CloudMatch;

/// Something that follows from a plan and is hard or impossible to take back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "consequence")]
#[non_exhaustive]
pub enum Consequence {
    /// Synchronisation will replace these cloud users' attributes, and with password hash synchronisation their
    /// passwords, by those of AD.
    CloudUsersOverwritten {
        /// Which.
        matches: Vec<CloudMatch>,
    },
    /// Synchronisation is switched on. Switching it off takes up to 72 hours, cannot be cancelled, and it cannot be
    /// switched on again before that.
    SyncSwitchedOn,
    /// An account that exists already becomes the service account: whoever uses it now is locked out.
    AccountTakenOver {
        /// Which account.
        upn: Upn,
        /// Whether it gets a new password in place of the one it has.
        password_replaced: bool,
        /// Whether it may not sign in now, and may afterwards.
        enabled: bool,
    },
    /// An account gets a privileged role.
    PrivilegedRoleGranted {
        /// Which account.
        upn: Upn,
        /// Which role.
        role: String,
    },
    /// An account gets access to a subscription.
    SubscriptionAccessGranted {
        /// Which account.
        upn: Upn,
        /// Which subscription.
        subscription: String,
        /// Which role.
        role: String,
    },
    /// An account will sign in without a second factor.
    MfaSwitchedOff {
        /// Which account.
        upn: Upn,
    },
    /// Users stay as they are because something stands in their way; the plan's blockers name each.
    UsersLeftBehind {
        /// How many.
        count: u64,
    },
}

impl Consequence {
    /// The name by which it is accepted. It tells how much is accepted: `cloud-users-overwritten:3` is another
    /// acceptance than `cloud-users-overwritten:300`.
    pub fn id(&self) -> String {
        match self {
            Self::CloudUsersOverwritten { matches } => format!("cloud-users-overwritten:{}", matches.len()),
            Self::SyncSwitchedOn => "sync-switched-on".into(),
            Self::AccountTakenOver { upn, .. } => format!("account-taken-over:{}", slug(upn.as_str())),
            Self::PrivilegedRoleGranted { role, .. } => format!("privileged-role-granted:{}", slug(role)),
            Self::SubscriptionAccessGranted { subscription, role, .. } => {
                format!("subscription-access-granted:{}:{}", slug(subscription), slug(role))
            }
            Self::MfaSwitchedOff { .. } => "mfa-switched-off".into(),
            Self::UsersLeftBehind { count } => format!("users-left-behind:{count}"),
        }
    }
}

fn slug(text: &str) -> String {
    text.chars().map(|c| if c.is_whitespace() { '-' } else { c.to_ascii_lowercase() }).collect()
}

impl fmt::Display for Consequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CloudUsersOverwritten { matches } => write!(
                f,
                "synchronisation will take over {} cloud user(s) and replace their attributes, and possibly their \
                 passwords, by those of AD",
                matches.len()
            ),
            Self::SyncSwitchedOn => f.write_str(
                "directory synchronisation is switched on; switching it off takes up to 72 hours and cannot be cancelled",
            ),
            Self::AccountTakenOver { upn, password_replaced, enabled } => {
                let password = if *password_replaced { ", gets a new password in place of the one it has" } else { "" };
                let enabled = if *enabled { ", may sign in although it is disabled now" } else { "" };
                write!(f, "the account {upn} exists already and becomes the service account{password}{enabled}")
            }
            Self::PrivilegedRoleGranted { upn, role } => write!(f, "{upn} gets the privileged role {role}"),
            Self::SubscriptionAccessGranted { upn, subscription, role } => {
                write!(f, "{upn} gets the role {role} on the subscription {subscription}")
            }
            Self::MfaSwitchedOff { upn } => write!(f, "{upn} will sign in without a second factor"),
            Self::UsersLeftBehind { count } => {
                write!(f, "{count} user(s) keep their present UPN because something stands in their way")
            }
        }
    }
}
