//! What accepting a plan means.

use std::fmt;

use onramp_core::{DomainName, ObjectId, Upn, visible};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::steps::sync::{CloudConflict, CloudMatch};
use crate::steps::users::UserRef;

/// Something that follows from a plan and must be accepted by name before it is applied.
///
/// Every change that writes has one, so that nothing is written without a yes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "consequence")]
#[non_exhaustive]
pub enum Consequence {
    /// A domain is added to the tenant, and verified.
    DomainAdded {
        /// The domain.
        domain: DomainName,
    },
    /// A domain that was added before is verified.
    DomainVerified {
        /// The domain.
        domain: DomainName,
    },
    /// A domain is verified in a tenant that synchronizes already: Entra computes the UPNs of synchronized users anew.
    DomainVerifiedWhileSynchronizing {
        /// The domain.
        domain: DomainName,
    },
    /// The forest offers a new UPN suffix.
    SuffixAdded {
        /// The suffix.
        suffix: DomainName,
    },
    /// Users get a new UPN.
    UsersRenamed {
        /// How many.
        count: u64,
        /// Digest of their object GUIDs with their old and new UPNs.
        digest: String,
    },
    /// Built-in, critical or system accounts get a new UPN, because `only` names them.
    BuiltInAccountsRenamed {
        /// The accounts.
        accounts: Vec<UserRef>,
    },
    /// Users stay as they are because something stands in their way; the plan's blockers name each.
    UsersLeftBehind {
        /// How many.
        count: u64,
        /// Digest of their object GUIDs with what stands in their way.
        digest: String,
    },
    /// Names in `map` have no effect, because the selection leaves their users out.
    MapWithoutEffect {
        /// The names.
        names: Vec<String>,
    },
    /// Objects could not be understood and were passed over.
    ObjectsUnreadable {
        /// How many.
        count: u64,
        /// Some of them, each with what is wrong.
        named: Vec<String>,
        /// Digest of all of them.
        #[serde(default)]
        digest: String,
    },
    /// A domain controller does not answer: nothing is waited for on it, and verification does not ask it.
    ControllerLeftOut {
        /// Host name.
        host: String,
        /// The error.
        why: String,
    },
    /// Synchronization will replace these cloud users' attributes, and with password hash synchronization their
    /// passwords, by those of AD.
    CloudUsersOverwritten {
        /// The matches.
        matches: Vec<CloudMatch>,
    },
    /// AD users meet cloud users to which synchronization will not join them: it will report errors, or change names.
    SyncConflictsExpected {
        /// The conflicts.
        conflicts: Vec<CloudConflict>,
    },
    /// Synchronization is switched on. Switching it off takes up to 72 hours, cannot be cancelled, and it cannot be
    /// switched on again before that.
    SyncSwitchedOn,
    /// An account is created in the tenant.
    ServiceAccountCreated {
        /// The UPN.
        upn: Upn,
    },
    /// An account that no earlier run made becomes the service account: whoever uses it now is locked out if its
    /// password is replaced.
    AccountTakenOver {
        /// The UPN.
        upn: Upn,
        /// The object ID.
        id: ObjectId,
        /// The directory roles that it holds today.
        roles: Vec<String>,
        /// Whether it gets a new password in place of the one it has.
        password_replaced: bool,
        /// Whether it may not sign in now, and may afterwards.
        enabled: bool,
    },
    /// Properties of the service account that an earlier run made are changed.
    ServiceAccountChanged {
        /// The UPN.
        upn: Upn,
        /// The changes, in words.
        changes: Vec<String>,
    },
    /// A policy will ask the service account for a second factor, or block its sign-in.
    SignInHindered {
        /// The account.
        upn: Upn,
        /// The policies, by name.
        policies: Vec<String>,
    },
    /// An account gets a privileged role.
    PrivilegedRoleGranted {
        /// The account.
        upn: Upn,
        /// The role.
        role: String,
    },
    /// An account gets access to a subscription.
    SubscriptionAccessGranted {
        /// The account.
        upn: Upn,
        /// ID of the subscription.
        id: ObjectId,
        /// The display name.
        subscription: String,
        /// The role.
        role: String,
    },
    /// An account will sign in without a second factor.
    MfaSwitchedOff {
        /// The account.
        upn: Upn,
    },
}

impl Consequence {
    /// The name by which it is accepted. It tells what is accepted: counts carry a digest of their members, so that
    /// accepting one set is not accepting another of the same size.
    pub fn id(&self) -> String {
        match self {
            Self::DomainAdded { domain } => format!("domain-added:{}", domain.ascii()),
            Self::DomainVerified { domain } => format!("domain-verified:{}", domain.ascii()),
            Self::DomainVerifiedWhileSynchronizing { domain } => {
                format!("domain-verified-while-synchronizing:{}", domain.ascii())
            }
            Self::SuffixAdded { suffix } => format!("suffix-added:{}", suffix.ascii()),
            Self::UsersRenamed { count, digest } => format!("users-renamed:{count}:{digest}"),
            Self::BuiltInAccountsRenamed { accounts } => {
                let digest = short_digest(accounts.iter().map(|account| account.guid.to_string()));
                format!("built-in-accounts-renamed:{}:{digest}", accounts.len())
            }
            Self::UsersLeftBehind { count, digest } => format!("users-left-behind:{count}:{digest}"),
            Self::MapWithoutEffect { names } => {
                format!("map-without-effect:{}:{}", names.len(), short_digest(names))
            }
            Self::ObjectsUnreadable { count, digest, .. } => {
                format!("objects-unreadable:{count}:{}", short_digest([digest]))
            }
            Self::ControllerLeftOut { host, .. } => format!("controller-left-out:{}", slug(host)),
            Self::CloudUsersOverwritten { matches } => {
                let pairs = matches.iter().map(|m| format!("{} {} {}", m.user.guid, m.cloud.id, m.kind));
                format!("cloud-users-overwritten:{}:{}", matches.len(), short_digest(pairs))
            }
            Self::SyncConflictsExpected { conflicts } => {
                let pairs = conflicts.iter().map(|c| format!("{} {} {}", c.user.guid, c.cloud.id, c.reason));
                format!("sync-conflicts-expected:{}:{}", conflicts.len(), short_digest(pairs))
            }
            Self::SyncSwitchedOn => "sync-switched-on".into(),
            Self::ServiceAccountCreated { upn } => format!("service-account-created:{}", slug(upn.as_str())),
            Self::AccountTakenOver { upn, id, roles, password_replaced, enabled } => {
                let what = format!("{id} {password_replaced} {enabled}");
                let digest = short_digest(roles.iter().chain([&what]));
                format!("account-taken-over:{}:{digest}", slug(upn.as_str()))
            }
            Self::ServiceAccountChanged { upn, changes } => {
                format!("service-account-changed:{}:{}", slug(upn.as_str()), short_digest(changes))
            }
            Self::SignInHindered { upn, policies } => {
                format!("sign-in-hindered:{}:{}", slug(upn.as_str()), short_digest(policies))
            }
            Self::PrivilegedRoleGranted { upn, role } => {
                format!("privileged-role-granted:{}:{}", slug(upn.as_str()), slug(role))
            }
            Self::SubscriptionAccessGranted { upn, id, role, .. } => {
                format!("subscription-access-granted:{}:{id}:{}", slug(upn.as_str()), slug(role))
            }
            Self::MfaSwitchedOff { upn } => format!("mfa-switched-off:{}", slug(upn.as_str())),
        }
    }

    /// What it concerns, one line each, where that is more than the sentence says.
    pub fn members(&self) -> Vec<String> {
        match self {
            Self::CloudUsersOverwritten { matches } => matches.iter().map(ToString::to_string).collect(),
            Self::SyncConflictsExpected { conflicts } => conflicts.iter().map(ToString::to_string).collect(),
            Self::BuiltInAccountsRenamed { accounts } => accounts.iter().map(ToString::to_string).collect(),
            Self::ServiceAccountChanged { changes, .. } => {
                changes.iter().map(|change| visible(change).into_owned()).collect()
            }
            Self::MapWithoutEffect { names } => names.iter().map(|name| visible(name).into_owned()).collect(),
            Self::ObjectsUnreadable { named, .. } => {
                named.iter().map(|object| visible(object).into_owned()).collect()
            }
            Self::SignInHindered { policies, .. } => {
                policies.iter().map(|policy| visible(policy).into_owned()).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// The first eight hexadecimal digits of the SHA-256 digest of a set: its order does not count.
pub(crate) fn short_digest(members: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let mut members: Vec<String> = members.into_iter().map(|member| member.as_ref().to_owned()).collect();
    members.sort_unstable();
    let mut digest = Sha256::new();
    for member in members {
        digest.update(member.as_bytes());
        digest.update([0]);
    }
    digest.finalize().iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

fn slug(text: &str) -> String {
    text.chars().map(|c| if c.is_whitespace() { '-' } else { c.to_ascii_lowercase() }).collect()
}

/// `1 user`, `2 users`.
fn counted(count: impl TryInto<u64>, one: &str, many: &str) -> String {
    match count.try_into().unwrap_or(u64::MAX) {
        1 => format!("1 {one}"),
        count => format!("{count} {many}"),
    }
}

impl fmt::Display for Consequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DomainAdded { domain } => write!(f, "the domain {domain} is added to the tenant and verified"),
            Self::DomainVerified { domain } => write!(f, "the domain {domain} is verified in the tenant"),
            Self::DomainVerifiedWhileSynchronizing { domain } => write!(
                f,
                "the tenant synchronizes already: once {domain} is verified, Entra computes the UPNs of synchronized \
                 users anew, and names that were set by hand in the cloud are replaced"
            ),
            Self::SuffixAdded { suffix } => write!(f, "the whole forest offers the UPN suffix {suffix}"),
            Self::UsersRenamed { count, .. } => {
                let (users, get) = (counted(*count, "user", "users"), if *count == 1 { "gets" } else { "get" });
                write!(f, "{users} {get} a new UPN; the old one stops working immediately")
            }
            Self::BuiltInAccountsRenamed { accounts } => {
                let accounts = counted(accounts.len(), "built-in or system account", "built-in or system accounts");
                write!(f, "{accounts} named in `only` will get a new UPN")
            }
            Self::UsersLeftBehind { count, .. } => {
                let (users, keep) = (counted(*count, "user", "users"), if *count == 1 { "keeps its" } else { "keep their" });
                write!(f, "{users} {keep} current UPN because of a problem (each reason is listed with the plan)")
            }
            Self::MapWithoutEffect { names } => {
                let (names, have) =
                    (counted(names.len(), "name", "names"), if names.len() == 1 { "has" } else { "have" });
                write!(f, "{names} in `map` {have} no effect, because the selection leaves the user out")
            }
            Self::ObjectsUnreadable { count, .. } => {
                let objects = counted(*count, "object", "objects");
                write!(f, "{objects} could not be understood, and no part of the plan looks at them")
            }
            Self::ControllerLeftOut { host, why } => write!(
                f,
                "the domain controller {host} does not answer and is left out: nobody waits for it, and nothing is \
                 proven for it ({why})"
            ),
            Self::CloudUsersOverwritten { matches } => write!(
                f,
                "the first synchronization will join {} to AD users: AD values will overwrite their attributes, and \
                 their passwords if password hash synchronization is on",
                counted(matches.len(), "existing cloud user", "existing cloud users"),
            ),
            Self::SyncConflictsExpected { conflicts } => write!(
                f,
                "synchronization will report a conflict or change a name in {}",
                counted(conflicts.len(), "case", "cases")
            ),
            Self::SyncSwitchedOn => f.write_str(
                "directory synchronization will be turned on; turning it off again can take up to 72 hours and cannot \
                 be cancelled",
            ),
            Self::ServiceAccountCreated { upn } => write!(f, "the account {upn} is created in the tenant"),
            Self::AccountTakenOver { upn, roles, password_replaced, enabled, .. } => {
                let roles = if roles.is_empty() {
                    "it holds no directory role today".to_owned()
                } else {
                    format!("it is {} today", roles.join(", "))
                };
                let password = if *password_replaced { "; it gets a new password in place of the one it has" } else { "" };
                let enabled = if *enabled { "; it may sign in although it is disabled now" } else { "" };
                write!(
                    f,
                    "the account {upn}, which no earlier run made, exists and becomes the service account; \
                     {roles}{password}{enabled}"
                )
            }
            Self::ServiceAccountChanged { upn, .. } => {
                write!(f, "the service account {upn}, which an earlier run made, is changed")
            }
            Self::SignInHindered { upn, policies } => write!(
                f,
                "{upn} will probably not be able to sign in with its password alone, because of {}; exclude the \
                 account, or the run will stop when it proves the sign-in",
                visible(&policies.join(", "))
            ),
            Self::PrivilegedRoleGranted { upn, role } => {
                write!(f, "{upn} gets the privileged role {role}")?;
                if role == "Global Administrator" {
                    f.write_str(", which is far more than synchronization needs; use Hybrid Identity Administrator")?;
                }
                Ok(())
            }
            Self::SubscriptionAccessGranted { upn, id, subscription, role } => {
                write!(f, "{upn} gets the role {role} on the subscription {} ({id})", visible(subscription))
            }
            Self::MfaSwitchedOff { upn } => write!(f, "{upn} will sign in without a second factor"),
        }
    }
}
