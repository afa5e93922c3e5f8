//! The requirements of Lithnet Password Protection for Active Directory, as far as its settings can be data.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::class::{CharacterClass, Classes};

/// The settings of Lithnet Password Protection.
///
/// The two regular expressions that it knows besides are not part of this. Its compromised passwords are asked for
/// through [`Lookups`](crate::check::Lookups).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct LithnetPolicy {
    /// The fewest characters, in UTF-16 units.
    pub min_length: u16,
    /// True if the account name must not be part of the password. It is split at spaces, and pieces of four
    /// characters or more are searched.
    pub check_account_name: bool,
    /// True if the full name must not be part of the password; split in the same way.
    pub check_full_name: bool,
    /// The requirements that depend on the length.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bands: Option<LithnetBands>,
    /// The points that are demanded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub points: Option<LithnetPoints>,
    /// Words that a password must not *be*, after normalization; as a part of it they are not looked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub banned_words: Vec<String>,
    /// The normalization of passwords and words.
    #[serde(alias = "normalisation")]
    pub normalization: LithnetNormalization,
    /// True if compromised passwords are refused.
    pub check_breached: bool,
    /// True if passwords are refused whose normalized form is compromised.
    #[serde(alias = "check_normalised_breached")]
    pub check_normalized_breached: bool,
}

impl LithnetPolicy {
    /// Returns the policy with these banned words.
    #[must_use]
    pub fn with_banned_words<I: IntoIterator<Item = S>, S: Into<String>>(mut self, words: I) -> Self {
        self.banned_words = words.into_iter().map(Into::into).collect();
        self
    }

    /// Returns the policy with this minimum length in UTF-16 units.
    #[must_use]
    pub fn with_min_length(mut self, units: u16) -> Self {
        self.min_length = units;
        self
    }

    /// Returns the policy with the names of the account looked for.
    #[must_use]
    pub fn with_name_checks(mut self, account_name: bool, full_name: bool) -> Self {
        self.check_account_name = account_name;
        self.check_full_name = full_name;
        self
    }

    /// Returns the policy with these bands.
    #[must_use]
    pub fn with_bands(mut self, bands: LithnetBands) -> Self {
        self.bands = Some(bands);
        self
    }

    /// Returns the policy with these points.
    #[must_use]
    pub fn with_points(mut self, points: LithnetPoints) -> Self {
        self.points = Some(points);
        self
    }

    /// Returns the policy with compromised passwords refused, and those that are one after normalization.
    #[must_use]
    pub fn with_breached(mut self, as_typed: bool, normalized: bool) -> Self {
        self.check_breached = as_typed;
        self.check_normalized_breached = normalized;
        self
    }

    /// Returns the policy with this normalization.
    #[must_use]
    pub fn with_normalization(mut self, normalization: LithnetNormalization) -> Self {
        self.normalization = normalization;
        self
    }
}

/// Demands that depend on the length.
///
/// Below the first threshold the first band counts, below the second one the second band, else the third. Without a
/// second threshold the *first* band counts for every length, as Lithnet has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(clippy::exhaustive_structs)] // the settings there are
pub struct LithnetBands {
    /// The length at which the first band ends.
    pub first_threshold: u16,
    /// The length at which the second band ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_threshold: Option<u16>,
    /// The demands on short passwords.
    #[serde(default)]
    pub first: LithnetBand,
    /// The demands on those between the thresholds.
    #[serde(default)]
    pub second: LithnetBand,
    /// The demands on long ones.
    #[serde(default)]
    pub third: LithnetBand,
}

impl LithnetBands {
    /// Returns the band of a length in UTF-16 units.
    #[must_use]
    pub fn band(&self, length: usize) -> &LithnetBand {
        match self.second_threshold.map(usize::from) {
            Some(_) if length < usize::from(self.first_threshold) => &self.first,
            None => &self.first,
            Some(second) if length < second => &self.second,
            Some(_) => &self.third,
        }
    }
}

/// The requirements of one band.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(clippy::exhaustive_structs)] // the settings there are
pub struct LithnetBand {
    /// The required number of the four classes.
    pub required_classes: u8,
    /// The classes that are needed by name.
    pub require: Classes,
    /// True if a symbol or a digit is required.
    pub symbol_or_digit: bool,
}

/// Complexity points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(clippy::exhaustive_structs)] // the settings there are
pub struct LithnetPoints {
    /// The points that are needed.
    pub required: u16,
    /// The points of every character.
    pub per_character: u16,
    /// Further points of every character of a class.
    pub per_class: ClassPoints,
    /// The points of a class that occurs at all.
    pub class_bonus: ClassPoints,
}

impl Default for LithnetPoints {
    fn default() -> Self {
        Self {
            required: 0,
            per_character: 2,
            per_class: ClassPoints::default(),
            class_bonus: ClassPoints { upper: 1, lower: 1, digit: 1, symbol: 1 },
        }
    }
}

/// A number of points for each of the four classes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(clippy::exhaustive_structs)] // the four classes
pub struct ClassPoints {
    /// The points for upper-case letters.
    pub upper: u16,
    /// The points for lower-case letters.
    pub lower: u16,
    /// The points for digits.
    pub digit: u16,
    /// The points for every other character.
    pub symbol: u16,
}

impl ClassPoints {
    /// Returns the points of a class; none for letters without case, which Lithnet does not know.
    #[must_use]
    pub fn of(&self, class: CharacterClass) -> u16 {
        match class {
            CharacterClass::Upper => self.upper,
            CharacterClass::Lower => self.lower,
            CharacterClass::Digit => self.digit,
            CharacterClass::Symbol => self.symbol,
            CharacterClass::OtherLetter => 0,
        }
    }
}

/// The normalization that Lithnet applies before the comparison with banned words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LithnetNormalization {
    /// As it does: digits and symbols are cut off both ends *before* look-alikes are replaced, so that `4dmin` turns
    /// into `dmin`.
    #[default]
    Compatible,
    /// Digits and symbols at the ends are taken for look-alikes as well as cut off, so that `4dmin` is `admin`, and
    /// so is `4dmin-123`.
    Fixed,
}
