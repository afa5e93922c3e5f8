//! The survey: the state of both sides, as far as a spec needs it.

mod application;
mod domain;
mod service_account;
mod suffix;
mod sync;
mod users;

use std::collections::HashSet;

use futures_util::TryStreamExt;
use onramp_core::forest::DomainPasswordPolicy;
use onramp_core::tenant::SyncStatus;
use onramp_core::{BoxStream, Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use crate::preflight::Preflight;
pub use application::{AppRoleAccess, ApplicationState, BroughtCertificate};
pub use domain::DomainSurvey;
pub use service_account::{ServiceAccountState, SubscriptionAccess};
pub(crate) use suffix::forest_of;
pub use suffix::{SilentController, SuffixSurvey};
pub use sync::SyncSurvey;
pub use users::{AddressHolder, Candidate, HeldAs, SharedUpn, UserAddresses, UsersSurvey};

/// The number of unreadable objects that are listed by name; all are counted.
const UNREADABLE_NAMED: usize = 100;

/// The state of both sides when they were read, as far as the spec needs it: one section for each step.
///
/// The size depends on the users that the spec selects, not on the size of the forest: principals are read as a
/// stream, and only those are kept that conflict with the new UPN of a selected user. While reading, the users of the
/// tenant are held in memory with their names, addresses and anchors, to be compared with every user of the forest.
///
/// A survey can be stored and read back with serde.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Survey {
    /// The time at which reading began.
    #[serde(with = "time::serde::rfc3339")]
    pub taken_at: OffsetDateTime,
    /// The domains of the tenant.
    pub domain: DomainSurvey,
    /// The UPN suffixes and domain controllers of the forest.
    pub suffix: SuffixSurvey,
    /// The users of the forest.
    pub users: UsersSurvey,
    /// The tenant, its synchronization switch and the cloud users that match users of the forest.
    pub sync: SyncSurvey,
    /// The service account, if the spec has one.
    pub service_account: Option<ServiceAccountState>,
    /// The application, if the spec has one.
    #[serde(default)]
    pub application: Option<ApplicationState>,
    /// The password policies of the domains of the forest.
    pub password_policies: Vec<DomainPasswordPolicy>,
    /// The objects that could not be read, and were skipped.
    pub unreadable: Unreadable,
    /// The numbers of objects that were read.
    pub counts: SurveyCounts,
    /// The preflight, if one was made; the plan shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preflight: Option<Preflight>,
}

/// The objects that could not be read, and were skipped.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Unreadable {
    /// The number of objects.
    pub count: u64,
    /// At most 100 of them, each with the error, in alphabetical order.
    pub named: Vec<String>,
    /// The digest of all of them, independent of the order of reading.
    pub digest: String,
    /// The hashes of their names: several queries may find the same object.
    #[serde(skip)]
    seen: HashSet<u64>,
    #[serde(skip)]
    sum: u64,
}

impl Survey {
    /// Creates the survey of a tenant and a forest that have nothing: the sections are for the caller to fill.
    pub fn new(taken_at: OffsetDateTime, tenant: SyncStatus) -> Self {
        Self {
            taken_at,
            domain: DomainSurvey::default(),
            suffix: SuffixSurvey::default(),
            users: UsersSurvey::default(),
            sync: SyncSurvey::new(tenant),
            service_account: None,
            application: None,
            password_policies: Vec::new(),
            unreadable: Unreadable::default(),
            counts: SurveyCounts::default(),
            preflight: None,
        }
    }

    /// Adds the preflight that the plan shows.
    #[must_use]
    pub fn with_preflight(mut self, preflight: Preflight) -> Self {
        self.preflight = Some(preflight);
        self
    }
}

impl Unreadable {
    pub(crate) fn add(&mut self, error: &Error) {
        let text = error.to_string();
        let hash = stable_hash(error.object().unwrap_or(&text));
        if !self.seen.insert(hash) {
            return;
        }
        self.count += 1;
        self.sum = self.sum.wrapping_add(hash);
        self.digest = format!("{:016x}", self.sum);
        let at = self.named.partition_point(|named| *named < text);
        self.named.insert(at, text);
        self.named.truncate(UNREADABLE_NAMED);
    }
}

/// The numbers of objects that were read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SurveyCounts {
    /// The number of users of the forest.
    pub forest_users: u64,
    /// The number of security principals of the forest.
    pub principals: u64,
    /// The number of users of the tenant.
    pub tenant_users: u64,
}

/// Returns a hash that is the same in every run.
fn stable_hash(text: &str) -> u64 {
    Sha256::digest(text.as_bytes()).iter().take(8).fold(0, |hash, byte| hash << 8 | u64::from(*byte))
}

/// Returns the next object that can be read, and adds those before it that cannot to `unreadable`.
pub(crate) async fn readable<T>(
    stream: &mut BoxStream<'static, Result<T>>,
    unreadable: &mut Unreadable,
) -> Result<Option<T>> {
    loop {
        match stream.try_next().await {
            Err(error) if error.kind() == ErrorKind::Unreadable => unreadable.add(&error),
            other => return other,
        }
    }
}

/// Returns `None` for data that this account may not read, or that the service does not have.
pub(crate) fn may_be_hidden<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Err(error) if matches!(error.kind(), ErrorKind::Forbidden | ErrorKind::Unsupported) => Ok(None),
        answer => answer.map(Some),
    }
}
