//! The holders of the roles of emergency and of synchronization.

use onramp_core::tenant::RoleAssignment;

use crate::preflight::item::Verdict;

/// The accounts that Microsoft advises to keep for emergencies.
const EMERGENCY: usize = 2;
/// The maximum of synchronization accounts in a tenant.
const SYNC_ACCOUNTS: usize = 20;

/// Judges the number of Global Administrators.
pub(in crate::preflight) fn judge_emergency(holders: &[RoleAssignment]) -> Verdict {
    let count = count(holders);
    let told = format!("{count} principals have the role Global Administrator");
    if count < EMERGENCY { Verdict::warn(told) } else { Verdict::pass(told) }
}

/// Judges the number of synchronization accounts.
pub(in crate::preflight) fn judge_sync_accounts(holders: &[RoleAssignment]) -> Verdict {
    let count = count(holders);
    let told = format!("{count} of {SYNC_ACCOUNTS} synchronization accounts");
    if count >= SYNC_ACCOUNTS { Verdict::fail(told) } else { Verdict::pass(told) }
}

fn count(holders: &[RoleAssignment]) -> usize {
    let principals: std::collections::HashSet<_> = holders.iter().map(|held| held.principal).collect();
    principals.len()
}
