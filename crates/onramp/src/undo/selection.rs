//! The part of a run to undo.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use onramp_core::{DistinguishedName, Error, ErrorKind};
use serde::{Deserialize, Serialize};

use crate::plan::Change;

/// A step of the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Step {
    /// The custom domain of the tenant.
    Domain,
    /// The UPN suffix of the forest.
    Suffix,
    /// The UPNs of the users, with their addresses.
    Users,
    /// The attributes of objects that fixes changed.
    Attributes,
    /// The directory synchronization of the tenant.
    Sync,
    /// The service account, with its roles.
    ServiceAccount,
    /// The application, with its certificates and permissions.
    Application,
}

impl Step {
    /// Every step, in the order of the job.
    pub const ALL: [Self; 7] = [
        Self::Domain,
        Self::Suffix,
        Self::Users,
        Self::Attributes,
        Self::Sync,
        Self::ServiceAccount,
        Self::Application,
    ];

    /// Returns true for a step that changes objects of the forest, of which some can be selected.
    pub(crate) fn has_objects(self) -> bool {
        matches!(self, Self::Users | Self::Attributes)
    }

    /// Returns the step of a change; `None` for a wait.
    pub(crate) fn of(change: &Change) -> Option<Self> {
        Some(match change {
            Change::AddDomain { .. } | Change::VerifyDomain { .. } | Change::RemoveDomain { .. } => {
                Self::Domain
            }
            Change::AddSuffix { .. } | Change::RemoveSuffix { .. } => Self::Suffix,
            Change::AwaitReplication { .. } => return None,
            Change::ChangeUpn { .. } | Change::RestoreUpn { .. } | Change::ChangeUser { .. } => Self::Users,
            Change::ChangeAttributes { .. } => Self::Attributes,
            Change::EnableSync | Change::DisableSync => Self::Sync,
            change if change.is_of_application() => Self::Application,
            _ => Self::ServiceAccount,
        })
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Domain => "domain",
            Self::Suffix => "suffix",
            Self::Users => "users",
            Self::Attributes => "attributes",
            Self::Sync => "sync",
            Self::ServiceAccount => "service-account",
            Self::Application => "application",
        })
    }
}

impl FromStr for Step {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|step| step.to_string() == text).ok_or_else(|| {
            let known = Self::ALL.map(|step| step.to_string()).join(", ");
            Error::new(ErrorKind::Invalid, "read the step")
                .with_object(text)
                .with_detail(format!("the steps are {known}"))
        })
    }
}

/// The part of a run to undo. The default is all of it.
///
/// ```
/// use onramp::{Step, UndoSelection};
///
/// let two_users = UndoSelection::default().with_users(["anna", r"CORP\ben"]);
/// assert!(two_users.includes(Step::Users) && !two_users.includes(Step::Domain));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct UndoSelection {
    /// The steps to undo; empty is all, or only those of users and attributes if there are users or OUs.
    pub steps: BTreeSet<Step>,
    /// The names of users or other objects to restore, in the forms of a spec: `sAMAccountName`, `DOMAIN\name`, UPN before or after the
    /// run, distinguished name, GUID, SID. Empty is all.
    pub users: Vec<String>,
    /// The OUs whose users and other objects to restore. Empty is all.
    pub ous: Vec<DistinguishedName>,
}

impl UndoSelection {
    /// Narrows the selection to steps.
    #[must_use]
    pub fn with_steps(mut self, steps: impl IntoIterator<Item = Step>) -> Self {
        self.steps.extend(steps);
        self
    }

    /// Narrows the selection to users.
    #[must_use]
    pub fn with_users<S: Into<String>>(mut self, users: impl IntoIterator<Item = S>) -> Self {
        self.users.extend(users.into_iter().map(Into::into));
        self
    }

    /// Narrows the selection to the users at and below OUs.
    #[must_use]
    pub fn with_ous(mut self, ous: impl IntoIterator<Item = DistinguishedName>) -> Self {
        self.ous.extend(ous);
        self
    }

    /// Returns true if the step is selected.
    pub fn includes(&self, step: Step) -> bool {
        match self.steps.is_empty() {
            true => step.has_objects() || !self.is_narrowed(),
            false => self.steps.contains(&step),
        }
    }

    /// Returns true if users or OUs narrow it.
    pub(crate) fn is_narrowed(&self) -> bool {
        !(self.users.is_empty() && self.ous.is_empty())
    }
}
