//! Every question of a preflight, with its source and what to do.

use super::side::CheckSide::{self, Dns, Forest, Tenant};

/// A question of a preflight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckDefinition {
    /// The stable name, which policies use.
    pub id: &'static str,
    /// The side that it is about.
    pub side: CheckSide,
    /// The judgment: what fails and what warns.
    pub judges: &'static str,
    /// The advice if it does not pass.
    pub remedy: &'static str,
    /// The document that the question comes from.
    pub source: &'static str,
}

pub(super) type Definition = CheckDefinition;

/// Returns every question of a preflight, in the order of its items.
pub fn catalog() -> &'static [CheckDefinition] {
    CATALOG
}

const fn item(
    id: &'static str,
    side: CheckSide,
    judges: &'static str,
    remedy: &'static str,
    source: &'static str,
) -> CheckDefinition {
    CheckDefinition { id, side, judges, remedy, source }
}

pub(super) const TENANT_RIGHTS_READ: &str = "tenant-rights-read";
pub(super) const TENANT_RIGHTS_DOMAIN: &str = "tenant-rights-domain";
pub(super) const TENANT_RIGHTS_SYNC: &str = "tenant-rights-sync";
pub(super) const TENANT_RIGHTS_ACCOUNT: &str = "tenant-rights-service-account";
pub(super) const SECRET_EXPIRY: &str = "secret-expiry";
pub(super) const SECURITY_DEFAULTS: &str = "security-defaults";
pub(super) const CONDITIONAL_ACCESS: &str = "conditional-access";
pub(super) const HARD_MATCH_BLOCK: &str = "hard-match-block";
pub(super) const HARD_MATCH_BYPASS: &str = "hard-match-bypass";
pub(super) const DELETION_THRESHOLD: &str = "deletion-threshold";
pub(super) const SYNC_SWITCHING_OFF: &str = "sync-switching-off";
pub(super) const LAST_SYNCHRONIZATION: &str = "last-synchronization";
pub(super) const EMERGENCY_ACCESS: &str = "emergency-access";
pub(super) const SYNC_ACCOUNTS: &str = "sync-accounts";
pub(super) const FOREST_RIGHTS_SUFFIX: &str = "forest-rights-suffix";
pub(super) const FOREST_RIGHTS_USERS: &str = "forest-rights-users";
pub(super) const DOMAIN_CONTROLLERS: &str = "domain-controllers";
pub(super) const INITIAL_SYNCHRONIZATION: &str = "initial-synchronization";
pub(super) const GLOBAL_CATALOG: &str = "global-catalog";
pub(super) const TIME_SKEW: &str = "time-skew";
pub(super) const REPLICATION_HEALTH: &str = "replication-health";
pub(super) const FSMO_ROLES: &str = "fsmo-roles";
pub(super) const FUNCTIONAL_LEVEL: &str = "functional-level";
pub(super) const SCHEMA_VERSION: &str = "schema-version";
pub(super) const TOMBSTONE_LIFETIME: &str = "tombstone-lifetime";
pub(super) const RECYCLE_BIN: &str = "recycle-bin";
pub(super) const UPN_UNIQUENESS: &str = "upn-uniqueness";
pub(super) const VERIFICATION_RECORD: &str = "verification-record";
pub(super) const SERVICE_RECORDS: &str = "service-records";
pub(super) const DC_LOCATOR_RECORDS: &str = "dc-locator-records";

const PERMISSIONS: &str = "https://learn.microsoft.com/graph/permissions-reference";
const PREREQUISITES: &str =
    "https://learn.microsoft.com/entra/identity/hybrid/connect/how-to-connect-install-prerequisites";

const CATALOG: &[CheckDefinition] = &[
    item(
        TENANT_RIGHTS_READ,
        Tenant,
        "Fails if the access token lacks a permission to read domains, users or the organization.",
        "Grant the permission to the application and consent to it; a new token has it.",
        PERMISSIONS,
    ),
    item(
        TENANT_RIGHTS_DOMAIN,
        Tenant,
        "Fails if the token lacks the permission or the role to add and verify a domain.",
        "Grant Domain.ReadWrite.All; a signed-in user also needs the role Domain Name Administrator.",
        "https://learn.microsoft.com/graph/api/domain-post-domains",
    ),
    item(
        TENANT_RIGHTS_SYNC,
        Tenant,
        "Fails if the token lacks the permission or the role to turn synchronization on.",
        "Grant Organization.ReadWrite.All; a signed-in user also needs the role Hybrid Identity Administrator.",
        "https://learn.microsoft.com/graph/api/organization-update",
    ),
    item(
        TENANT_RIGHTS_ACCOUNT,
        Tenant,
        "Fails if the token lacks a permission or a role to create the service account, or to give it its role and state.",
        "Grant the permissions that the evidence names; a signed-in user also needs the roles.",
        "https://learn.microsoft.com/graph/api/user-post-users",
    ),
    item(
        SECRET_EXPIRY,
        Tenant,
        "Fails if every valid secret and certificate of the application ends within 7 days; warns if one ends within 30.",
        "Add a new secret or certificate to the application, use it, and remove the old one.",
        "https://learn.microsoft.com/graph/api/resources/passwordcredential",
    ),
    item(
        SECURITY_DEFAULTS,
        Tenant,
        "Fails if security defaults are on and the job has a service account; warns without one.",
        "Turn security defaults off in favor of conditional access policies that exclude the account, or use an application identity.",
        "https://learn.microsoft.com/entra/fundamentals/security-defaults",
    ),
    item(
        CONDITIONAL_ACCESS,
        Tenant,
        "Fails if a policy in force stops a new account with the role of the service account at each sign-in; warns if it may.",
        "Exclude the account from the policies, or use an application identity.",
        "https://learn.microsoft.com/graph/api/conditionalaccessroot-list-policies",
    ),
    item(
        HARD_MATCH_BLOCK,
        Tenant,
        "Fails if takeover by hard match is blocked and synchronization is turned on again; warns if it is turned on for the first time.",
        "Set blockCloudObjectTakeoverThroughHardMatchEnabled to false for the takeover, and to true again after it.",
        "https://learn.microsoft.com/graph/api/resources/onpremisesdirectorysynchronizationfeature",
    ),
    item(
        HARD_MATCH_BYPASS,
        Tenant,
        "Fails if allowOnPremUpdateOfOnPremisesObjectIdentifierEnabled bypasses the block of hard matches since July 2026.",
        "Set allowOnPremUpdateOfOnPremisesObjectIdentifierEnabled to false; clear onPremisesObjectIdentifier of single users instead.",
        "https://learn.microsoft.com/entra/identity/hybrid/connect/how-to-connect-syncservice-features",
    ),
    item(
        DELETION_THRESHOLD,
        Tenant,
        "Fails if accidental deletions are not prevented; warns if the threshold is above 500 objects or 10 percent.",
        "Set accidentalDeletionPrevention to enabledForCount with a threshold of at most 500.",
        "https://learn.microsoft.com/entra/identity/hybrid/connect/how-to-connect-sync-feature-prevent-accidental-deletes",
    ),
    item(
        SYNC_SWITCHING_OFF,
        Tenant,
        "Fails if synchronization was turned off less than 72 hours ago; warns if it is off and the time is not known.",
        "Wait until it is off, up to 72 hours; it cannot be turned on before.",
        "https://learn.microsoft.com/microsoft-365/enterprise/turn-off-directory-synchronization",
    ),
    item(
        LAST_SYNCHRONIZATION,
        Tenant,
        "Warns if synchronization is on and the last one is older than 24 hours.",
        "Look at the server with Entra Connect, or at the agents of Cloud Sync.",
        "https://learn.microsoft.com/entra/identity/hybrid/connect/how-to-connect-health-sync",
    ),
    item(
        EMERGENCY_ACCESS,
        Tenant,
        "Warns if fewer than two principals have the role Global Administrator.",
        "Create two emergency access accounts that no policy locks out.",
        "https://learn.microsoft.com/entra/identity/role-based-access-control/security-emergency-access",
    ),
    item(
        SYNC_ACCOUNTS,
        Tenant,
        "Fails if the tenant has the maximum of 20 synchronization accounts.",
        "Delete the accounts of servers that no longer synchronize.",
        "https://learn.microsoft.com/entra/identity/hybrid/connect/reference-connect-accounts-permissions",
    ),
    item(
        FOREST_RIGHTS_SUFFIX,
        Forest,
        "Fails if the bind account may not write uPNSuffixes of CN=Partitions (allowedAttributesEffective).",
        "Grant the account Write uPNSuffixes on CN=Partitions, or bind as an Enterprise Admin.",
        "[MS-ADTS] 3.1.1.4.5.20",
    ),
    item(
        FOREST_RIGHTS_USERS,
        Forest,
        "Fails if the bind account may not write the attributes that are changed, on a sample of the users.",
        "Delegate Write userPrincipalName on the OU; protected accounts (adminCount) do not inherit it.",
        "[MS-ADTS] 3.1.1.4.5.20",
    ),
    item(
        DOMAIN_CONTROLLERS,
        Forest,
        "Fails if a domain controller does not answer; warns if one has no host name.",
        "Start it or open the way to it; remove the metadata of one that is gone (ntdsutil, metadata cleanup).",
        "https://learn.microsoft.com/windows-server/identity/ad-ds/deploy/ad-ds-metadata-cleanup",
    ),
    item(
        INITIAL_SYNCHRONIZATION,
        Forest,
        "Fails if a domain controller has not completed its first synchronization (isSynchronized).",
        "Wait for its replication, or look at it with repadmin /showrepl.",
        "[MS-ADTS] 3.1.1.3.2",
    ),
    item(
        GLOBAL_CATALOG,
        Forest,
        "Fails if no domain controller that answers is a global catalog.",
        "Start a global catalog: UPNs are unique only where one can be asked.",
        "[MS-ADTS] 3.1.1.3.2",
    ),
    item(
        TIME_SKEW,
        Forest,
        "Fails if the clock of a domain controller differs by more than 5 minutes from this computer; warns from 1 minute on.",
        "Synchronize the clocks (w32tm); Kerberos refuses a difference of more than 5 minutes.",
        "https://learn.microsoft.com/windows/security/threat-protection/security-policy-settings/maximum-tolerance-for-computer-clock-synchronization",
    ),
    item(
        REPLICATION_HEALTH,
        Forest,
        "Fails if inbound replication is disabled or the last one from another domain controller is older than 24 hours; warns from 3 hours on.",
        "Look at it with repadmin /showrepl and repair the replication first.",
        "[MS-ADTS] 3.1.1.1.14",
    ),
    item(
        FSMO_ROLES,
        Forest,
        "Fails if the holder of a role is deleted, not listed or does not answer.",
        "Transfer the role, or seize it if its holder is gone (Move-ADDirectoryServerOperationMasterRole).",
        "https://learn.microsoft.com/troubleshoot/windows-server/active-directory/fsmo-roles",
    ),
    item(
        FUNCTIONAL_LEVEL,
        Forest,
        "Fails if forest or domain are below Windows Server 2003; warns below 2008 R2.",
        "Raise the functional level.",
        PREREQUISITES,
    ),
    item(
        SCHEMA_VERSION,
        Forest,
        "Fails if the schema is older than Windows Server 2003 (30); warns if it is older than 2012 (56), which Cloud Sync needs.",
        "Extend the schema (adprep /forestprep).",
        PREREQUISITES,
    ),
    item(
        TOMBSTONE_LIFETIME,
        Forest,
        "Fails if deleted objects are kept for less than 60 days; warns below 180.",
        "Set tombstoneLifetime of CN=Directory Service,CN=Windows NT,CN=Services to 180.",
        "[MS-ADTS] 6.1.1.2.4.1.1",
    ),
    item(
        RECYCLE_BIN,
        Forest,
        "Warns if the recycle bin is not enabled.",
        "Enable it (Enable-ADOptionalFeature): a deleted user then comes back with its attributes.",
        PREREQUISITES,
    ),
    item(
        UPN_UNIQUENESS,
        Forest,
        "Fails if domain controllers are told not to check that UPNs are unique (dSHeuristics).",
        "Set the 21st character of dSHeuristics to 0.",
        "[MS-ADTS] 6.1.1.2.4.1.2",
    ),
    item(
        VERIFICATION_RECORD,
        Dns,
        "Warns if the domain is in the tenant, not verified, and DNS does not have its verification record yet.",
        "Publish one of the records that the evidence names.",
        "https://learn.microsoft.com/graph/api/domain-list-verificationdnsrecords",
    ),
    item(
        SERVICE_RECORDS,
        Dns,
        "Fails if DNS lacks a record that a service of the verified domain needs; warns for an optional one.",
        "Publish the records that the evidence names.",
        "https://learn.microsoft.com/graph/api/domain-list-serviceconfigurationrecords",
    ),
    item(
        DC_LOCATOR_RECORDS,
        Dns,
        "Fails if DNS has SRV records of a domain and not those of every writable domain controller; warns if it has none.",
        "Restart the Netlogon service of the domain controller, which registers them; use the DNS servers of the domain on this computer.",
        "[MS-ADTS] 6.3.2.3",
    ),
];
