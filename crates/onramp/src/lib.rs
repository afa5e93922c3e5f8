#![doc = include_str!("../README.md")]

pub use async_trait::async_trait;
pub use futures_util::{Stream, StreamExt, TryStreamExt};
/// The client of Active Directory. Feature `ad` (default).
#[cfg(feature = "ad")]
pub use onramp_ad as ad;
#[cfg(feature = "ad")]
pub use onramp_ad::AdClient;
/// Mocks of all ports. Feature `mock`.
#[cfg(feature = "mock")]
pub mod mock {
    pub use onramp_core::mock::*;
    pub use onramp_readiness::mock::*;
}
pub use onramp_core::{
    BoxStream, Clock, DistinguishedName, DomainName, Error, ErrorKind, Forest, ImmutableId, LdapFilter,
    ManualClock, ObjectGuid, ObjectId, Password, Result, Sid, SystemClock, Tenant, Upn, UpnSuffix, dns,
    forest, tenant,
};
/// The client of Microsoft Entra. Feature `entra` (default).
#[cfg(feature = "entra")]
pub use onramp_entra as entra;
#[cfg(feature = "entra")]
pub use onramp_entra::EntraClient;
/// A tenant and a forest in memory. Feature `lab`.
#[cfg(feature = "lab")]
pub use onramp_lab as lab;
pub use tokio_util::sync::CancellationToken;
pub use {onramp_core, onramp_password as password, onramp_readiness as readiness};

mod apply;
mod audit;
mod blocking;
mod canary;
mod certificates;
#[cfg(feature = "conformance")]
pub mod conformance;
mod event;
mod event_log;
pub mod fixes;
mod history;
mod job;
mod journal;
mod millis;
mod observed_run;
mod onramp;
mod outcome;
mod plan;
mod plan_store;
mod policy;
mod policy_violation;
pub mod preflight;
pub mod replication;
mod report;
#[cfg(feature = "resolver")]
mod resolver;
mod secret_store;
mod spec;
mod steps;
mod survey;
mod undo;
mod user_names;
mod user_ref;
mod verify;

pub use apply::Limits;
pub use audit::{AUDIT_FORMAT_VERSION, AuditAction, AuditRecord, AuditTrail};
pub use canary::Canary;
pub use certificates::{CertificateGenerator, CertificateRequest, RsaCertificates};
pub use event::{EVENT_FORMAT_VERSION, Event, EventRecord, Observer};
pub use event_log::EventLog;
pub use history::History;
pub use job::{ApplyRun, plan};
pub use journal::{
    FileJournal, JOURNAL_FORMAT_VERSION, JobKey, Journal, JournalEntry, JournalRecord, JournalState,
    MemoryJournal,
};
pub use observed_run::{ObservedChange, ObservedRun, ObservedUsers};
pub use onramp::Onramp;
pub use onramp_readiness::forecast::{
    CloudConflict, CloudMatch, CloudUser, ConflictReason, MatchKind, MatchesBlocked, PossibleMatch,
};
pub use outcome::{ApplyOutcome, ApplyStatus, Failure, Outcome, StepOutcome, WaitReason};
pub use plan::{
    ApprovedPlan, AttributeEdit, Blocker, BlockerKind, Change, Consequence, ExcludedObject, FormerUpn,
    NotAccepted, NotApproved, ObjectEdit, PLAN_FORMAT_VERSION, Plan, PlanError, PlanHeader, PlanReview,
    PlannedChange, Scope, SkipReason, Skipped,
};
pub use plan_store::{
    ApprovalRecord, ApprovalsEnded, FolderPlanStore, MemoryPlanStore, PlanApproval, PlanStore, StoredPlan,
};
pub use policy::{
    ChangePolicy, ChangeWindow, PolicyDecision, PolicyRequest, PolicyRules, PolicyViolation, RunProgress,
    Weekday,
};
pub use report::Report;
#[cfg(feature = "resolver")]
pub use resolver::SystemDns;
pub use secret_store::{CallbackSecretStore, FileSecretStore, MemorySecretStore, SecretStep, SecretStore};
pub use spec::{
    AccountCheck, AddressAttribute, Addresses, ApplicationPurpose, ApplicationSpec, FirstPassword, NewUpn,
    ServiceAccountSpec, Spec, SpecError, SubscriptionSpec, SyncSpec, UsersSpec, Waits,
};
pub use survey::{
    AddressHolder, AppRoleAccess, ApplicationState, BroughtCertificate, Candidate, DomainSurvey, HeldAs,
    ServiceAccountState, SharedUpn, SilentController, SubscriptionAccess, SuffixSurvey, Survey, SurveyCounts,
    SyncSurvey, Unreadable, UserAddresses, UsersSurvey,
};
pub use undo::{OtherRuns, RecordedRun, Step, UndoSelection};
pub use user_ref::UserRef;
pub use verify::{Check, CheckStatus, REPORT_FORMAT_VERSION, Verification};
