//! The section of the UPN suffixes and domain controllers.

use onramp_core::UpnSuffix;
use onramp_core::forest::{DomainController, ForestSuffix, SuffixOrigin};
use serde::{Deserialize, Serialize};

/// The UPN suffixes and domain controllers of a forest.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SuffixSurvey {
    /// The suffixes that the forest offers.
    pub offered: Vec<ForestSuffix>,
    /// The host names of the domain controllers that answer and do not have the suffix although it was added:
    /// replication was not complete when an earlier run ended.
    pub missing_on: Vec<String>,
    /// The domain controllers of the forest.
    pub controllers: Vec<DomainController>,
    /// The domain controllers that do not answer.
    pub silent_controllers: Vec<SilentController>,
}

/// A domain controller that does not answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SilentController {
    /// The host name.
    pub host: String,
    /// The error.
    #[serde(rename = "why")]
    pub error: String,
}

impl SuffixSurvey {
    /// Returns true if the forest offers that suffix.
    pub(crate) fn offers(&self, suffix: &UpnSuffix) -> bool {
        self.offered.iter().any(|offered| offered.suffix.is_same_as(suffix))
    }

    /// Returns true if the suffix is the name of a domain of the forest: it need not replicate.
    pub(crate) fn is_domain(&self, suffix: &UpnSuffix) -> bool {
        let is = |offered: &ForestSuffix| {
            offered.origin == SuffixOrigin::Domain && offered.suffix.is_same_as(suffix)
        };
        self.offered.iter().any(is)
    }

    /// Returns the host names of the domain controllers that do not answer, in alphabetical order.
    pub(crate) fn silent_hosts(&self) -> Vec<String> {
        let mut hosts: Vec<String> =
            self.silent_controllers.iter().map(|silent| silent.host.clone()).collect();
        hosts.sort_unstable();
        hosts
    }

    /// Returns the name of the forest: the distinguished name of its root domain.
    pub(crate) fn forest(&self) -> String {
        forest_of(&self.controllers)
    }
}

/// Returns the name of the forest of these domain controllers: the distinguished name of its root domain.
pub(crate) fn forest_of(controllers: &[DomainController]) -> String {
    let root = |controller: &DomainController| {
        let settings = controller.settings.as_str().to_lowercase();
        settings.split_once("cn=configuration,").map(|(_, root)| root.to_owned())
    };
    controllers.iter().find_map(root).unwrap_or_default()
}
