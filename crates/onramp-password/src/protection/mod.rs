//! Entra Password Protection: banned words, with a substitution table and a score.
//!
//! Microsoft documents the steps and some examples, says that the algorithm may change, and keeps the table and the
//! global list to itself. What the examples leave open is a [`Reading`] here.

mod scorer;
mod substitutions;

use serde::{Deserialize, Serialize};

pub(crate) use scorer::Scorer;
pub use substitutions::Substitutions;

use crate::needle::{Fold, Needle};
use crate::{Context, NameSource, Target};

/// The shortest name that is looked for.
const MIN_NAME: usize = 4;

/// The shortest name of an older wording of the documentation.
const MIN_NAME_ONCE: usize = 3;

/// The banned words and how they are applied.
///
/// The custom list of a tenant holds at most 1,000 terms of 4 to 16 characters; the global list is not published, so
/// that a verdict can only be as good as the words given here. Words of fewer than four characters are ignored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ProtectionPolicy {
    /// The banned words.
    pub banned: Vec<String>,
    /// How many points a password needs.
    pub required_points: u16,
    /// Whether Entra applies the list to passwords set in the cloud.
    pub in_cloud: bool,
    /// Whether the agent on the domain controllers applies it too. It does not look for the tenant name.
    pub on_premises: bool,
    /// How the documentation is read.
    pub reading: Reading,
    /// Which characters stand for others in the documented reading.
    pub substitutions: Substitutions,
}

impl ProtectionPolicy {
    /// The documented behaviour with these banned words, in both directories.
    #[must_use]
    pub fn new<I: IntoIterator<Item = S>, S: Into<String>>(banned: I) -> Self {
        Self { banned: banned.into_iter().map(Into::into).collect(), ..Self::default() }
    }

    /// The same words, read this way.
    #[must_use]
    pub fn with_reading(mut self, reading: Reading) -> Self {
        self.reading = reading;
        self
    }

    /// The same words, with these substitutions in the documented reading.
    #[must_use]
    pub fn with_substitutions(mut self, substitutions: Substitutions) -> Self {
        self.substitutions = substitutions;
        self
    }

    /// The same words, applied or not by the agent on the domain controllers.
    #[must_use]
    pub fn with_on_premises(mut self, applied: bool) -> Self {
        self.on_premises = applied;
        self
    }

    pub(crate) fn targets(&self) -> impl Iterator<Item = Target> {
        let applied = [(self.on_premises, Target::OnPremises), (self.in_cloud, Target::Cloud)];
        applied.into_iter().filter(|&(on, _)| on).map(|(_, target)| target)
    }

    /// The table that this reading uses.
    pub(crate) fn table(&self) -> Substitutions {
        match self.reading {
            Reading::Documented => self.substitutions.clone(),
            Reading::Conservative => self.substitutions.clone().merged(&Substitutions::strictest()),
        }
    }

    /// Names and the tenant name; a hit is a refusal, whatever the score.
    pub(crate) fn needles(&self, context: &Context, out: &mut Vec<Needle>) {
        let fold = Fold::Normalised(self.table());
        let shortest = if self.reading == Reading::Conservative { MIN_NAME_ONCE } else { MIN_NAME };
        for target in self.targets() {
            let tenant = context.tenant_name.as_deref().filter(|_| target == Target::Cloud);
            let names = context.person_names().into_iter().map(|name| (NameSource::PersonName, name));
            out.extend(
                names
                    .chain(tenant.map(|name| (NameSource::TenantName, name)))
                    .filter_map(|(source, word)| Needle::new(target, source, word, shortest, fold.clone())),
            );
        }
    }
}

impl Default for ProtectionPolicy {
    fn default() -> Self {
        Self {
            banned: Vec::new(),
            required_points: 5,
            in_cloud: true,
            on_premises: true,
            reading: Reading::Documented,
            substitutions: Substitutions::documented(),
        }
    }
}

/// How the documentation of the score is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reading {
    /// As the documented examples demand: the whole password is compared with each word at edit distance one, points
    /// are counted over exact occurrences, and among overlapping ones those that leave the fewest points.
    #[default]
    Documented,
    /// Stricter than the documentation where its examples leave room: pieces at edit distance one of a word
    /// count as that word, and every substitution anybody has reported is applied. The generator always uses it.
    Conservative,
}
