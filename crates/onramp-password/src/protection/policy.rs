//! Entra Password Protection: banned words, with a substitution table and a score.
//!
//! Microsoft documents the steps and some examples, says that the algorithm may change, and keeps the table and the
//! global list to itself. What the examples leave open is an [`Interpretation`] here, and [`Interpretations`](super::Interpretations) says what becomes of a
//! candidate under all of them.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::substitutions::Substitutions;
use crate::target::Target;

/// The shortest banned word, as the custom list has it. Shorter ones would match nearly everything at distance one.
pub(crate) const MIN_WORD: usize = 4;

/// The shortest name that is looked for.
pub(crate) const MIN_NAME: usize = 4;

/// The shortest name of an older wording of the documentation.
pub(crate) const MIN_NAME_ONCE: usize = 3;

/// The banned words and how they are applied.
///
/// The custom list of a tenant holds at most 1,000 terms of 4 to 16 characters; the global list is not published, so
/// that a verdict can only be as good as the words given here. Words of fewer than four characters are ignored, longer
/// ones are not: [`lint()`](crate::lint()) says what Entra would refuse.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ProtectionPolicy {
    /// The words that Entra bans: the custom list of the tenant, and what is known of Microsoft's. A list that Entra does
    /// not know goes into [`CustomPolicy::words`](crate::CustomPolicy::words), or a refusal names the wrong directory.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub banned: Vec<String>,
    /// The required number of points.
    pub required_points: u16,
    /// True if Entra applies the list to passwords set in the cloud.
    pub in_cloud: bool,
    /// True if the agent on the domain controllers applies it too. It does not search for the tenant name.
    pub on_premises: bool,
    /// The interpretation of the documentation.
    #[serde(rename = "reading")]
    pub interpretation: Interpretation,
    /// The character substitutions of the documented interpretation.
    pub substitutions: Substitutions,
}

impl ProtectionPolicy {
    /// The maximum number of terms in the custom list of a tenant.
    pub const MAX_TERMS: usize = 1000;

    /// The shortest and the longest term of a custom list, in characters.
    pub const TERM_LENGTHS: (usize, usize) = (MIN_WORD, 16);

    /// Creates the documented behavior with these banned words, in both directories.
    #[must_use]
    pub fn new<I: IntoIterator<Item = S>, S: Into<String>>(banned: I) -> Self {
        Self { banned: banned.into_iter().map(Into::into).collect(), ..Self::default() }
    }

    /// Returns the policy with this interpretation.
    #[must_use]
    pub fn with_interpretation(mut self, interpretation: Interpretation) -> Self {
        self.interpretation = interpretation;
        self
    }

    /// Returns the policy with these substitutions in the documented interpretation.
    #[must_use]
    pub fn with_substitutions(mut self, substitutions: Substitutions) -> Self {
        self.substitutions = substitutions;
        self
    }

    /// Returns the policy, applied or not by the agent on the domain controllers.
    #[must_use]
    pub fn with_on_premises(mut self, applied: bool) -> Self {
        self.on_premises = applied;
        self
    }

    /// Returns the policy, applied or not to passwords set in the cloud.
    #[must_use]
    pub fn with_in_cloud(mut self, applied: bool) -> Self {
        self.in_cloud = applied;
        self
    }

    /// Returns the policy with this many points needed.
    #[must_use]
    pub fn with_required_points(mut self, points: u16) -> Self {
        self.required_points = points;
        self
    }

    pub(crate) fn targets(&self) -> impl Iterator<Item = Target> + use<> {
        let applied = [(self.on_premises, Target::OnPremises), (self.in_cloud, Target::Cloud)];
        applied.into_iter().filter(|&(on, _)| on).map(|(_, target)| target)
    }

    /// Returns the table of the strictest interpretation: it takes as the same whatever any other table does.
    pub(crate) fn strictest_table(&self) -> Substitutions {
        self.substitutions.clone().merged(&Substitutions::aggressive())
    }
}

impl Default for ProtectionPolicy {
    fn default() -> Self {
        Self {
            banned: Vec::new(),
            required_points: 5,
            in_cloud: true,
            on_premises: true,
            interpretation: Interpretation::Documented,
            substitutions: Substitutions::documented(),
        }
    }
}

/// An interpretation of the documentation of the score.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Interpretation {
    /// As the documented examples demand: the whole password is compared with each word at edit distance one, points
    /// are counted over exact occurrences, and among overlapping ones those that leave the fewest points. Names count
    /// from four characters on.
    #[default]
    Documented,
    /// The strictest of all: pieces at edit distance one of a word count as that word, a character that remains
    /// counts once however often it remains, every substitution anybody has reported is applied, and names count from
    /// three characters on. The generator always uses it.
    Conservative,
}
