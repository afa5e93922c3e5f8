//! Prepares an on-premises Active Directory forest and a Microsoft Entra tenant for directory synchronization.
//!
//! The job has five steps, and the result of each is data that can be stored, compared and shown:
//!
//! 1. [`Onramp::survey`] reads both sides, as far as a [`Spec`] needs it.
//! 2. [`plan()`] computes a [`Plan`] from spec and survey: an ordered list of changes with the values before and after,
//!    blockers, and consequences. A pure function.
//! 3. [`Plan::approve`] returns an [`ApprovedPlan`] if every consequence is named.
//! 4. [`Onramp::apply_to_end`] makes the changes, each by compare-and-swap, and records them in a [`Journal`].
//! 5. [`Onramp::verify`] reads both sides again and compares them with the spec.
//!
//! ```no_run
//! # async fn example(tenant: onramp::Tenant, forest: onramp::Forest) -> Result<(), Box<dyn std::error::Error>> {
//! use onramp::{FileJournal, FileSecretStore, Onramp, ServiceAccountSpec, Spec, UsersSpec, plan};
//!
//! let spec = Spec::new("contoso.com".parse()?)
//!     .with_users(UsersSpec::default().with_ou("OU=Staff,DC=corp,DC=local".parse()?))
//!     .with_sync()
//!     .with_service_account(ServiceAccountSpec::new("sync@contoso.com".parse()?));
//! let onramp = Onramp::new(tenant, forest);
//! let plan = plan(&spec, &onramp.survey(&spec).await?);
//! let accepted: Vec<String> = plan.consequences().iter().map(|consequence| consequence.id()).collect(); // ask a person
//! let approved = plan.approve(accepted)?;
//! let (mut journal, secrets) = (FileJournal::create("journal.jsonl")?, FileSecretStore::new("secrets"));
//! onramp.apply_to_end(&approved, &mut journal, &secrets).await?.require_complete()?;
//! assert!(onramp.verify(&spec, Some(&approved), Some(&secrets)).await?.is_green());
//! # Ok(()) }
//! ```
//!
//! # Programs that do not wait
//!
//! [`Onramp::start`] returns an [`ApplyRun`], which makes changes within [`Limits`] and never sleeps: with
//! [`ApplyStatus::Waiting`], the program does other work until the next slice. [`Onramp::apply`] is the same for a program
//! that keeps nothing in memory between two slices.
//!
//! # Ports
//!
//! The orchestrator uses the ports of [`onramp_core`] only: those of a tenant and a forest, and a clock. Its own ports are
//! [`Journal`] and [`SecretStore`], with implementations in files and in memory. The clients that this crate re-exports
//! and the models of the lab implement the ports of both sides; so can your own types.
//!
//! # Stored forms
//!
//! Plans, journals, events and reports have a format version. Newer versions of this crate read the plans and journals of
//! older ones.
//!
//! # Features
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
