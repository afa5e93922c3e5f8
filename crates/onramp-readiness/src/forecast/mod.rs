//! The forecast: the matches of directory objects with cloud objects that synchronization will make, and the conflicts that
//! it will report.
//!
//! [`Forecaster`] forecasts objects from any source against the [`CloudObject`]s of a tenant, and
//! [`Scan::with_forecaster`](crate::Scan::with_forecaster) makes findings of that. [`PossibleMatch`] is the same for users
//! that may still get another UPN, as plans need it. [`AfterSync`] holds the findings against the errors that
//! synchronization reported.
//!
//! A fact that a tenant does not tell, such as a switch that only administrators may read, makes the outcome
//! [`Outcome::Unknown`], and no silent "no".
//!
//! Sources: "Microsoft Entra Connect: When you have an existing tenant" and "Troubleshoot errors during
//! synchronization" (order of the match, InvalidSoftMatch, Existing Admin Role Conflict, hard-match hardening of 2026),
//! `Set-MsolDirSyncFeature` (primary SMTP address before UPN), KB 3190357 (`mail` where there is no `proxyAddresses`).

mod after_sync;
mod cloud_index;
mod cloud_object;
mod cloud_user;
mod findings;
mod forecaster;
mod graph_export;
mod index;
mod losses;
mod outcome;
mod possible_match;
mod reason;
mod rules;
mod subject;
mod tenant_flags;
mod user_ref;

pub use after_sync::AfterSync;
pub use cloud_index::{CloudIndex, note_roles};
pub use cloud_object::{CloudObject, ObjectMapping};
pub use cloud_user::CloudUser;
pub(crate) use findings::CLOUD_RULES;
pub use findings::{CLOUD_CONFLICT, CLOUD_OVERWRITE, CLOUD_UNKNOWN};
pub use forecaster::Forecaster;
pub(crate) use forecaster::note_rivals;
pub use graph_export::{CloudObjects, USER_SELECT, read_role_assignments};
pub use outcome::{ConflictEffect, Forecast, Loss, Outcome, ValueConflict};
pub use possible_match::{CloudConflict, CloudMatch, PossibleMatch};
pub use reason::{ConflictReason, MatchKind, MatchesBlocked, UnknownReason};
pub use tenant_flags::TenantFlags;
pub use user_ref::UserRef;
