//! The forecast: the matches of directory objects with cloud objects that synchronization will make, and the conflicts that
//! it will report.
//!
//! Sources: "Microsoft Entra Connect: When you have an existing tenant" and "Troubleshoot errors during
//! synchronization" (order of the match, InvalidSoftMatch, Existing Admin Role Conflict, hard-match hardening of 2026),
//! `Set-MsolDirSyncFeature` (primary SMTP address before UPN), KB 3190357 (`mail` where there is no `proxyAddresses`).

mod cloud_index;
mod cloud_user;
mod index;
mod possible_match;
mod reason;
mod rules;
mod tenant_flags;
mod user_ref;

pub use cloud_index::{CloudIndex, note_roles};
pub use cloud_user::CloudUser;
pub use index::smtp_address;
pub use possible_match::{CloudConflict, CloudMatch, PossibleMatch};
pub use reason::{ConflictReason, MatchKind, MatchesBlocked, UnknownReason};
pub use tenant_flags::TenantFlags;
pub use user_ref::UserRef;
