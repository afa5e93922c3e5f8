//! The consequences of a plan, which people accept by name.

use std::collections::BTreeMap;
use std::fmt;

use onramp_core::{DomainName, ObjectId, Upn, visible};
use onramp_readiness::forecast::{CloudConflict, CloudMatch};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::user_ref::UserRef;

/// A consequence of a plan, which must be accepted by name before the plan is applied.
///
/// Every change that writes has one, so that nothing is written without an approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "consequence")]
#[non_exhaustive]
pub enum Consequence {
    /// A domain is added to the tenant, and verified.
    DomainAdded {
        /// The domain.
        domain: DomainName,
    },
    /// An existing domain of the tenant is verified.
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
        /// The number.
        count: u64,
        /// The digest of their object GUIDs with their old and new UPNs.
        digest: String,
    },
    /// Built-in, critical or system accounts get a new UPN, because `only` names them.
    BuiltInAccountsRenamed {
        /// The accounts.
        accounts: Vec<UserRef>,
    },
    /// Users are not changed because of blockers, which the plan lists.
    UsersLeftBehind {
        /// The number.
        count: u64,
        /// The digest of their object GUIDs with the blockers.
        digest: String,
    },
    /// Names in `map` have no effect, because the selection leaves their users out.
    MapWithoutEffect {
        /// The names.
        names: Vec<String>,
    },
    /// Objects could not be read and are ignored.
    ObjectsUnreadable {
        /// The number.
        count: u64,
        /// Some of them, each with the error.
        named: Vec<String>,
        /// The digest of all of them.
        #[serde(default)]
        digest: String,
    },
    /// A domain controller does not answer: neither the wait for replication nor the verification includes it.
    ControllerLeftOut {
        /// Host name.
        host: String,
        /// The error.
        #[serde(rename = "why")]
        error: String,
    },
    /// Synchronization will replace the attributes of cloud users, and with password hash synchronization their passwords,
    /// with those of AD.
    CloudUsersOverwritten {
        /// The matches.
        matches: Vec<CloudMatch>,
    },
    /// AD users have names of cloud users with which synchronization will not match them: it will report errors, or change
    /// names.
    SyncConflictsExpected {
        /// The conflicts.
        conflicts: Vec<CloudConflict>,
    },
    /// Synchronization is turned on. Turning it off takes up to 72 hours, cannot be cancelled, and it cannot be turned on
    /// again before that.
    SyncSwitchedOn,
    /// An account is created in the tenant.
    ServiceAccountCreated {
        /// The UPN.
        upn: Upn,
    },
    /// An existing account that no earlier run created becomes the service account: a new password locks out its current
    /// users.
    AccountTakenOver {
        /// The UPN.
        upn: Upn,
        /// The object ID.
        id: ObjectId,
        /// The directory roles that it holds today.
        roles: Vec<String>,
        /// True if it gets a new password.
        password_replaced: bool,
        /// True if it is disabled now and is enabled.
        enabled: bool,
    },
    /// Properties of a service account that an earlier run created are changed.
    ServiceAccountChanged {
        /// The UPN.
        upn: Upn,
        /// The changes, in words.
        changes: Vec<String>,
    },
    /// The password of a service account that an earlier run created is replaced: programs that sign in with the present one
    /// need the new one. It cannot be undone.
    PasswordReplaced {
        /// The account.
        upn: Upn,
    },
    /// A policy will require a second factor from the service account, or block its sign-in.
    #[serde(rename = "sign-in-hindered")]
    SignInBlocked {
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
        /// The ID of the subscription.
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
    /// Objects get other values of attributes.
    AttributesChanged {
        /// The number of objects.
        count: u64,
        /// The numbers of objects by attribute.
        attributes: BTreeMap<String, u64>,
        /// The digest of their object GUIDs with the values before and after.
        digest: String,
    },
    /// Users get a new primary mail address: replies and new mail go to it, and others see it as the sender.
    PrimaryAddressesChanged {
        /// The number.
        count: u64,
        /// The number of them whose present primary address is on the domain of the new one.
        same_domain: u64,
        /// The digest of their object GUIDs with both addresses.
        digest: String,
    },
    /// Shared, room and equipment mailboxes get a new primary mail address.
    SharedMailboxesChanged {
        /// The mailboxes.
        mailboxes: Vec<UserRef>,
    },
    /// Mail for users is forwarded to another address (`targetAddress`).
    TargetAddressesChanged {
        /// The number.
        count: u64,
        /// The digest of their object GUIDs with both addresses.
        digest: String,
    },
    /// An e-mail address policy of Exchange applies to users that get a new primary address: it can set another one.
    AddressPoliciesApply {
        /// The number.
        count: u64,
        /// The digest of their object GUIDs.
        digest: String,
    },
    /// Objects that synchronization leaves out by itself, such as built-in accounts, get other values of attributes.
    ExcludedObjectsChanged {
        /// The objects.
        objects: Vec<ExcludedObject>,
    },
    /// Objects are not changed because of blockers, which the plan lists.
    ObjectsLeftBehind {
        /// The number.
        count: u64,
        /// The digest of the objects with the blockers.
        digest: String,
    },
    /// Objects get back the values of attributes that they had before an earlier run.
    AttributesRestored {
        /// The number of objects.
        count: u64,
        /// The numbers of objects by attribute.
        attributes: BTreeMap<String, u64>,
        /// The digest of their object GUIDs with the values before and after.
        digest: String,
    },
    /// Users get back the UPN that they had before an earlier run.
    UsersRestored {
        /// The number.
        count: u64,
        /// The digest of their object GUIDs with both UPNs.
        digest: String,
    },
    /// Users that an earlier run changed are left as they are: the plan lists each with the reason.
    UsersNotRestored {
        /// The number.
        count: u64,
        /// The digest of their object GUIDs with the reasons.
        digest: String,
    },
    /// Other changes of an earlier run are not undone, because they cannot be, or because somebody changed the state since.
    NotUndone {
        /// The changes, each with the reason, in words.
        changes: Vec<String>,
    },
    /// The forest no longer offers a UPN suffix.
    SuffixRemoved {
        /// The suffix.
        suffix: DomainName,
    },
    /// A domain is removed from the tenant.
    DomainRemoved {
        /// The domain.
        domain: DomainName,
    },
    /// Synchronization is turned off. That takes up to 72 hours and cannot be cancelled.
    SyncSwitchedOff,
    /// An account loses a directory role.
    RoleRemoved {
        /// The account.
        upn: Upn,
        /// The role.
        role: String,
    },
    /// An account loses access to a subscription.
    SubscriptionAccessRemoved {
        /// The account.
        upn: Upn,
        /// The ID of the subscription.
        id: ObjectId,
        /// The display name.
        subscription: String,
        /// The role.
        role: String,
    },
    /// Properties of the service account are set to their values before an earlier run.
    AccountPropertiesRestored {
        /// The account.
        upn: Upn,
        /// The changes, in words.
        changes: Vec<String>,
    },
    /// An account is deleted. It can be restored for 30 days.
    AccountDeleted {
        /// The account.
        upn: Upn,
        /// The object ID.
        id: ObjectId,
    },
    /// A deleted account is restored, with the password that it had.
    AccountRestored {
        /// The account.
        upn: Upn,
        /// The object ID.
        id: ObjectId,
    },
    /// An application is registered in the tenant, and can sign in with a certificate.
    ApplicationCreated {
        /// The unique name.
        unique_name: String,
        /// The display name.
        display_name: String,
    },
    /// A registration that no known run created becomes the application: its owners, and whoever has one of its keys or secrets,
    /// will act as it.
    ApplicationTakenOver {
        /// The unique name.
        unique_name: String,
        /// The object ID of the registration.
        id: ObjectId,
        /// The display name that it has today.
        display_name: String,
        /// The certificates that it has today.
        certificates: Vec<String>,
        /// The number of client secrets that it has today.
        secrets: u32,
    },
    /// An application that an earlier run created is changed.
    ApplicationChanged {
        /// The unique name.
        unique_name: String,
        /// The changes, in words.
        changes: Vec<String>,
    },
    /// An application gets a privileged permission in the whole tenant.
    AppRoleGranted {
        /// The unique name of the application.
        unique_name: String,
        /// The application ID of the API.
        resource: ObjectId,
        /// The name of the permission.
        role: String,
    },
    /// An application loses a permission.
    AppRoleRevoked {
        /// The unique name of the application.
        unique_name: String,
        /// The application ID of the API.
        resource: ObjectId,
        /// The name of the permission.
        role: String,
    },
    /// A certificate of an application is removed: whatever signs in with it stops working.
    ApplicationCertificateRemoved {
        /// The unique name of the application.
        unique_name: String,
        /// The ID of the certificate.
        key_id: ObjectId,
    },
    /// The service principal of an application is deleted, with its permissions.
    ServicePrincipalDeleted {
        /// The unique name of the application.
        unique_name: String,
        /// The object ID of the registration.
        id: ObjectId,
    },
    /// An application is deleted. It can be restored for 30 days.
    ApplicationDeleted {
        /// The unique name.
        unique_name: String,
        /// The object ID of the registration.
        id: ObjectId,
    },
}

impl Consequence {
    /// Returns the ID by which it is accepted. An ID with a number has a digest of the members, so that accepting one set
    /// does not accept another one of the same size.
    ///
    /// ```
    /// use onramp::Consequence;
    /// let added = Consequence::SuffixAdded { suffix: "contoso.com".parse()? };
    /// assert_eq!(added.id(), "suffix-added:contoso.com");
    /// # Ok::<(), onramp_core::ParseError>(())
    /// ```
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
            Self::PasswordReplaced { upn } => format!("password-replaced:{}", slug(upn.as_str())),
            Self::SignInBlocked { upn, policies } => {
                format!("sign-in-hindered:{}:{}", slug(upn.as_str()), short_digest(policies))
            }
            Self::PrivilegedRoleGranted { upn, role } => {
                format!("privileged-role-granted:{}:{}", slug(upn.as_str()), slug(role))
            }
            Self::SubscriptionAccessGranted { upn, id, role, .. } => {
                format!("subscription-access-granted:{}:{id}:{}", slug(upn.as_str()), slug(role))
            }
            Self::MfaSwitchedOff { upn } => format!("mfa-switched-off:{}", slug(upn.as_str())),
            Self::AttributesChanged { count, digest, .. } => format!("attributes-changed:{count}:{digest}"),
            Self::PrimaryAddressesChanged { count, digest, .. } => {
                format!("primary-addresses-changed:{count}:{digest}")
            }
            Self::SharedMailboxesChanged { mailboxes } => {
                let digest = short_digest(mailboxes.iter().map(|mailbox| mailbox.guid.to_string()));
                format!("shared-mailboxes-changed:{}:{digest}", mailboxes.len())
            }
            Self::TargetAddressesChanged { count, digest } => {
                format!("target-addresses-changed:{count}:{digest}")
            }
            Self::AddressPoliciesApply { count, digest } => {
                format!("address-policies-apply:{count}:{digest}")
            }
            Self::ExcludedObjectsChanged { objects } => {
                let members = objects.iter().map(|one| format!("{} {}", one.object.guid, one.id));
                format!("excluded-objects-changed:{}:{}", objects.len(), short_digest(members))
            }
            Self::ObjectsLeftBehind { count, digest } => format!("objects-left-behind:{count}:{digest}"),
            Self::AttributesRestored { count, digest, .. } => format!("attributes-restored:{count}:{digest}"),
            Self::UsersRestored { count, digest } => format!("users-restored:{count}:{digest}"),
            Self::UsersNotRestored { count, digest } => format!("users-not-restored:{count}:{digest}"),
            Self::NotUndone { changes } => {
                format!("not-undone:{}:{}", changes.len(), short_digest(changes))
            }
            Self::SuffixRemoved { suffix } => format!("suffix-removed:{}", suffix.ascii()),
            Self::DomainRemoved { domain } => format!("domain-removed:{}", domain.ascii()),
            Self::SyncSwitchedOff => "sync-switched-off".into(),
            Self::RoleRemoved { upn, role } => {
                format!("role-removed:{}:{}", slug(upn.as_str()), slug(role))
            }
            Self::SubscriptionAccessRemoved { upn, id, role, .. } => {
                format!("subscription-access-removed:{}:{id}:{}", slug(upn.as_str()), slug(role))
            }
            Self::AccountPropertiesRestored { upn, changes } => {
                format!("account-properties-restored:{}:{}", slug(upn.as_str()), short_digest(changes))
            }
            Self::AccountDeleted { upn, id } => format!("account-deleted:{}:{id}", slug(upn.as_str())),
            Self::AccountRestored { upn, id } => format!("account-restored:{}:{id}", slug(upn.as_str())),
            Self::ApplicationCreated { unique_name, .. } => {
                format!("application-created:{}", slug(unique_name))
            }
            Self::ApplicationTakenOver { unique_name, id, display_name, certificates, secrets } => {
                let what = format!("{id} {secrets} {display_name}");
                let digest = short_digest(certificates.iter().chain([&what]));
                format!("application-taken-over:{}:{digest}", slug(unique_name))
            }
            Self::ApplicationChanged { unique_name, changes } => {
                format!("application-changed:{}:{}", slug(unique_name), short_digest(changes))
            }
            Self::AppRoleGranted { unique_name, role, .. } => {
                format!("app-role-granted:{}:{}", slug(unique_name), slug(role))
            }
            Self::AppRoleRevoked { unique_name, role, .. } => {
                format!("app-role-revoked:{}:{}", slug(unique_name), slug(role))
            }
            Self::ApplicationCertificateRemoved { unique_name, key_id } => {
                format!("application-certificate-removed:{}:{key_id}", slug(unique_name))
            }
            Self::ServicePrincipalDeleted { unique_name, id } => {
                format!("service-principal-deleted:{}:{id}", slug(unique_name))
            }
            Self::ApplicationDeleted { unique_name, id } => {
                format!("application-deleted:{}:{id}", slug(unique_name))
            }
        }
    }

    /// Returns the members in words, one line each, for a consequence that has more than its sentence says.
    pub fn members(&self) -> Vec<String> {
        match self {
            Self::CloudUsersOverwritten { matches } => matches.iter().map(ToString::to_string).collect(),
            Self::SyncConflictsExpected { conflicts } => conflicts.iter().map(ToString::to_string).collect(),
            Self::BuiltInAccountsRenamed { accounts: users }
            | Self::SharedMailboxesChanged { mailboxes: users } => {
                users.iter().map(ToString::to_string).collect()
            }
            Self::ExcludedObjectsChanged { objects } => objects.iter().map(ToString::to_string).collect(),
            Self::ApplicationTakenOver { certificates, .. } => {
                certificates.iter().map(|certificate| visible(certificate).into_owned()).collect()
            }
            Self::ServiceAccountChanged { changes, .. }
            | Self::ApplicationChanged { changes, .. }
            | Self::AccountPropertiesRestored { changes, .. }
            | Self::NotUndone { changes } => {
                changes.iter().map(|change| visible(change).into_owned()).collect()
            }
            Self::AttributesChanged { attributes, .. } | Self::AttributesRestored { attributes, .. } => {
                attributes
                    .iter()
                    .map(|(name, count)| {
                        format!("{} of {}", visible(name), counted(*count, "object", "objects"))
                    })
                    .collect()
            }
            Self::MapWithoutEffect { names } => names.iter().map(|name| visible(name).into_owned()).collect(),
            Self::ObjectsUnreadable { named, .. } => {
                named.iter().map(|object| visible(object).into_owned()).collect()
            }
            Self::SignInBlocked { policies, .. } => {
                policies.iter().map(|policy| visible(policy).into_owned()).collect()
            }
            _ => Vec::new(),
        }
    }
}

impl Consequence {
    /// Returns true if somebody has to see each of its members before it is accepted.
    ///
    /// ```
    /// use onramp::Consequence;
    /// assert!(Consequence::BuiltInAccountsRenamed { accounts: Vec::new() }.names_members());
    /// assert!(!Consequence::NotUndone { changes: Vec::new() }.names_members());
    /// ```
    pub fn names_members(&self) -> bool {
        matches!(self, Self::BuiltInAccountsRenamed { .. } | Self::ExcludedObjectsChanged { .. })
    }
}

/// An object that synchronization leaves out by itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ExcludedObject {
    /// The object.
    pub object: UserRef,
    /// Stable ID of the reason, such as `well-known-sid`.
    pub id: String,
    /// The reason in words.
    #[serde(rename = "why")]
    pub reason: String,
}

impl fmt::Display for ExcludedObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.object, visible(&self.reason))
    }
}

/// Returns the first eight hexadecimal digits of the SHA-256 digest of a set, independent of its order.
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

/// Returns a number with its noun, such as `1 user` or `2 users`.
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
                "the tenant is synchronized already: once {domain} is verified, Entra recalculates the UPNs of synchronized \
                 users, and UPNs that were set manually in the cloud are replaced"
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
                write!(f, "{objects} could not be read, and the plan ignores them")
            }
            Self::ControllerLeftOut { host, error } => write!(
                f,
                "the domain controller {host} does not answer and is left out: replication to it is not \
                 awaited or verified ({error})"
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
                    "it has no directory role today".to_owned()
                } else {
                    format!("it is {} today", roles.join(", "))
                };
                let password = if *password_replaced { "; its password will be replaced" } else { "" };
                let enabled = if *enabled { "; it is disabled now and will be enabled" } else { "" };
                write!(
                    f,
                    "the account {upn} exists, was not created by Onramp, and becomes the service account; \
                     {roles}{password}{enabled}"
                )
            }
            Self::ServiceAccountChanged { upn, .. } => {
                write!(f, "the service account {upn}, which an earlier run created, is changed")
            }
            Self::PasswordReplaced { upn } => write!(
                f,
                "the password of {upn} is replaced: what signs in with the present one stops working until it has the \
                 new one; this cannot be undone"
            ),
            Self::SignInBlocked { upn, policies } => write!(
                f,
                "{upn} will probably not be able to sign in with its password alone, because of {}; exclude the \
                 account, or a test of its sign-in stops the run",
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
            Self::AttributesChanged { count, .. } => {
                let get = if *count == 1 { "gets" } else { "get" };
                write!(f, "{} {get} other values of attributes", counted(*count, "object", "objects"))
            }
            Self::PrimaryAddressesChanged { count, same_domain, .. } => {
                let (users, get) = (counted(*count, "user", "users"), if *count == 1 { "gets" } else { "get" });
                write!(
                    f,
                    "{users} {get} a new primary mail address: replies and new mail go to it, and others see it as the sender"
                )?;
                match same_domain {
                    0 => Ok(()),
                    same => write!(
                        f,
                        "; {same} of them already have one on the same domain, which `new_upn = \"from-mail\"` would keep"
                    ),
                }
            }
            Self::SharedMailboxesChanged { mailboxes } => {
                let boxes = counted(
                    mailboxes.len(),
                    "shared, room or equipment mailbox",
                    "shared, room or equipment mailboxes",
                );
                let get = if mailboxes.len() == 1 { "gets" } else { "get" };
                write!(f, "{boxes} {get} a new primary mail address, which may be the one that customers know")
            }
            Self::TargetAddressesChanged { count, .. } => {
                write!(f, "mail for {} is forwarded to another address", counted(*count, "user", "users"))
            }
            Self::AddressPoliciesApply { count, .. } => write!(
                f,
                "an e-mail address policy of Exchange applies to {} with a new primary address and can set another one: \
                 change the policy first, or set EmailAddressPolicyEnabled to false for them",
                counted(*count, "user", "users")
            ),
            Self::ExcludedObjectsChanged { objects } => {
                let (count, get) = (objects.len(), if objects.len() == 1 { "gets" } else { "get" });
                let objects = counted(count, "object", "objects");
                write!(f, "{objects} that synchronization leaves out {get} other values of attributes")
            }
            Self::ObjectsLeftBehind { count, .. } => {
                let keep = if *count == 1 { "keeps its" } else { "keep their" };
                let objects = counted(*count, "object", "objects");
                write!(f, "{objects} {keep} present values because of a problem (each reason is listed with the plan)")
            }
            Self::AttributesRestored { count, .. } => {
                let get = if *count == 1 { "gets" } else { "get" };
                write!(
                    f,
                    "{} {get} back the values of attributes from before the run",
                    counted(*count, "object", "objects")
                )
            }
            Self::UsersRestored { count, .. } => {
                let (users, get) = (counted(*count, "user", "users"), if *count == 1 { "gets" } else { "get" });
                write!(f, "{users} {get} back the UPN from before the run; the present one stops working immediately")
            }
            Self::UsersNotRestored { count, .. } => {
                let (users, keep) = (counted(*count, "user", "users"), if *count == 1 { "keeps its" } else { "keep their" });
                write!(f, "{users} that the run changed {keep} present UPN (each reason is listed with the plan)")
            }
            Self::NotUndone { changes } => {
                write!(f, "{} of the run will not be undone", counted(changes.len(), "other change", "other changes"))
            }
            Self::SuffixRemoved { suffix } => write!(f, "the forest no longer offers the UPN suffix {suffix}"),
            Self::DomainRemoved { domain } => write!(
                f,
                "the domain {domain} is removed from the tenant; to add it again, it must be verified again"
            ),
            Self::SyncSwitchedOff => f.write_str(
                "directory synchronization is turned off: synchronized objects become cloud objects; this can take up to 72 \
                 hours, cannot be cancelled, and synchronization cannot be turned on again before it has ended",
            ),
            Self::RoleRemoved { upn, role } => write!(f, "{upn} loses the role {role}"),
            Self::SubscriptionAccessRemoved { upn, id, subscription, role } => {
                write!(f, "{upn} loses the role {role} on the subscription {} ({id})", visible(subscription))
            }
            Self::AccountPropertiesRestored { upn, .. } => {
                write!(f, "properties of {upn} are set to their values before the run")
            }
            Self::AccountDeleted { upn, id } => write!(
                f,
                "the account {upn} ({id}) is deleted; it can be restored for 30 days, and what signs in with it stops working"
            ),
            Self::AccountRestored { upn, id } => {
                write!(f, "the deleted account {upn} ({id}) is restored, with the password that it had")
            }
            Self::ApplicationCreated { unique_name, display_name } => write!(
                f,
                "the application {} (\"{}\") is registered in the tenant, and signs in with a certificate",
                visible(unique_name),
                visible(display_name)
            ),
            Self::ApplicationTakenOver { unique_name, id, display_name, certificates, secrets } => write!(
                f,
                "the registration {} (\"{}\", {id}) exists, was not created by a known run, and becomes the application of \
                 synchronization; its owners, and whoever has a key of its {} or its {}, will act as it",
                visible(unique_name),
                visible(display_name),
                counted(certificates.len(), "certificate", "certificates"),
                counted(*secrets as usize, "client secret", "client secrets")
            ),
            Self::ApplicationChanged { unique_name, .. } => {
                write!(f, "the application {}, which an earlier run created, is changed", visible(unique_name))
            }
            Self::AppRoleGranted { unique_name, resource, role } => write!(
                f,
                "the application {} gets the privileged permission {} of the API {resource} in the whole tenant",
                visible(unique_name),
                visible(role)
            ),
            Self::AppRoleRevoked { unique_name, resource, role } => write!(
                f,
                "the application {} loses the permission {} of the API {resource}",
                visible(unique_name),
                visible(role)
            ),
            Self::ApplicationCertificateRemoved { unique_name, key_id } => write!(
                f,
                "the certificate {key_id} of the application {} is removed, and what signs in with it stops working",
                visible(unique_name)
            ),
            Self::ServicePrincipalDeleted { unique_name, id } => write!(
                f,
                "the service principal of the application {} ({id}) is deleted, with its permissions",
                visible(unique_name)
            ),
            Self::ApplicationDeleted { unique_name, id } => write!(
                f,
                "the application {} ({id}) is deleted; it can be restored for 30 days, and what signs in as it stops working",
                visible(unique_name)
            ),
        }
    }
}
