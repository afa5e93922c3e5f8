//! Prepares an on-premises Active Directory forest and a Microsoft Entra tenant for directory synchronisation.
//!
//! The job has five steps, and each is data that can be kept, compared and shown:
//!
//! 1. [`Onramp::survey`] reads both sides, as far as a [`Spec`] asks.
//! 2. [`plan()`] turns spec and survey into a [`Plan`]: an ordered list of changes with before and after, what stands
//!    in their way, and what accepting them means. A pure function.
//! 3. [`Plan::approve`] gives an [`ApprovedPlan`] to whoever names every consequence.
//! 4. [`Onramp::apply_to_end`] makes the changes, each by compare-and-swap, and journals them.
//! 5. [`Onramp::verify`] reads both sides again and holds them against the spec.
//!
//! The orchestrator knows the ports of [`onramp_core`] only. Give it the clients that this crate re-exports, the models of the lab, or
//! an implementation of your own.
//!
//! A program needs no other crate of Onramp: the vocabulary and the ports are re-exported here, and so are, by features,
//!
//! * `ad` (default): the client of Active Directory, as `onramp::ad`,
//! * `entra` (default): the client of Microsoft Entra, as `onramp::entra`,
//! * `lab`: a tenant and a forest in memory for tests and demonstrations, as `onramp::lab`.
//!
//! Without default features, no HTTP and no LDAP client is compiled.

#[cfg(feature = "ad")]
pub use onramp_ad as ad;
#[cfg(feature = "ad")]
pub use onramp_ad::AdClient;
pub use onramp_core::{
    Clock, DistinguishedName, DomainName, Error, ErrorKind, Forest, ImmutableId, ManualClock, ObjectGuid,
    ObjectId, Password, Result, Sid, SystemClock, Tenant, Upn, UpnSuffix, forest, tenant,
};
#[cfg(feature = "entra")]
pub use onramp_entra as entra;
#[cfg(feature = "entra")]
pub use onramp_entra::EntraClient;
#[cfg(feature = "lab")]
pub use onramp_lab as lab;
pub use tokio_util::sync::CancellationToken;
pub use {onramp_core, onramp_password as password};

mod apply;
mod blocking;
mod event;
mod history;
mod journal;
mod millis;
mod onramp;
mod plan;
pub mod replication;
mod report;
mod secret_store;
mod spec;
mod steps;
mod survey;
mod verify;

pub use apply::{ApplyOutcome, ApplyRun, ApplyStatus, Failure, Limits, StepOutcome};
pub use event::{EVENT_FORMAT_VERSION, Event, Observer, WaitReason};
pub use history::History;
pub use journal::{
    FileJournal, JOURNAL_FORMAT_VERSION, Journal, JournalEntry, JournalRecord, JournalState, MemoryJournal,
    Outcome,
};
pub use onramp::Onramp;
pub use plan::{
    ApprovedPlan, Blocker, BlockerKind, Change, Consequence, NotAccepted, NotApproved, PLAN_FORMAT_VERSION,
    Plan, PlanError, PlanHeader, PlannedChange, Scope, plan,
};
pub use report::{REPORT_FORMAT_VERSION, Report};
pub use secret_store::{FileSecretStore, MemorySecretStore, SecretStore};
pub use spec::{NewUpn, ServiceAccountSpec, Spec, SpecError, SubscriptionSpec, SyncSpec, UsersSpec, Waits};
pub use steps::domain::DomainSurvey;
pub use steps::service_account::{ServiceAccountState, SubscriptionAccess};
pub use steps::suffix::{SilentController, SuffixSurvey};
pub use steps::sync::{
    CloudConflict, CloudMatch, CloudUser, ConflictReason, MatchKind, MatchesBlocked, PossibleMatch,
    SyncSurvey,
};
pub use steps::users::{
    AddressHolder, Candidate, HeldAs, SharedUpn, SkipReason, Skipped, UserRef, UsersSurvey,
};
pub use survey::{Survey, SurveyCounts, Unreadable};
pub use verify::{Check, CheckStatus, Verification};
