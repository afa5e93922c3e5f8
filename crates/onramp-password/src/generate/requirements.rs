//! The requirements for every string of one length: the length itself, the alphabet, the classes.

use alloc::string::String;
use alloc::vec::Vec;

use super::error::Conflict;
use super::options::GeneratorOptions;
use crate::check::Checker;
use crate::check::directory::entra_takes;
use crate::class::{CharacterClass, Classes};
use crate::lithnet::LithnetPoints;
use crate::policy::AdPolicy;
use crate::target::Target;

/// Without a target there still is an end, so that the work is bounded.
pub(super) const LONGEST: usize = AdPolicy::MAX_LENGTH as usize;

/// Returns the length to generate, if it suits every target.
pub(super) fn length(checker: &Checker, options: &GeneratorOptions) -> Result<usize, Conflict> {
    let (minimum, maximum) = extremes(checker)?;
    let length = options.length.unwrap_or_else(|| {
        let longest = maximum.map_or(usize::MAX, |(length, _)| length);
        GeneratorOptions::DEFAULT_LENGTH.max(minimum.map_or(0, |(length, _)| length)).min(longest)
    });
    if let Some((minimum, target)) = minimum.filter(|&(minimum, _)| length < minimum) {
        return Err(Conflict::TooShort { length, minimum, target });
    }
    let (maximum, target) = maximum.unwrap_or((LONGEST, Target::Custom));
    if length > maximum {
        return Err(Conflict::TooLong { length, maximum, target });
    }
    Ok(length)
}

/// Returns the least and the most characters that every target takes.
pub(super) fn range(checker: &Checker) -> Result<(usize, Option<usize>), Conflict> {
    let (minimum, maximum) = extremes(checker)?;
    Ok((minimum.map_or(0, |(length, _)| length), maximum.map(|(length, _)| length)))
}

/// A length and who demands it.
type Extreme = Option<(usize, Target)>;

fn extremes(checker: &Checker) -> Result<(Extreme, Extreme), Conflict> {
    let targets = lengths(checker);
    let minimum = targets.iter().map(|&(target, min, _)| (min, target)).max();
    let maximum = targets.iter().filter_map(|&(target, _, max)| max.map(|max| (max, target))).min();
    match (minimum, maximum) {
        (Some((minimum, minimum_of)), Some((maximum, maximum_of))) if minimum > maximum => {
            Err(Conflict::Lengths { minimum, minimum_of, maximum, maximum_of })
        }
        extremes => Ok(extremes),
    }
}

/// Returns the least and the most characters that each target takes.
fn lengths(checker: &Checker) -> Vec<(Target, usize, Option<usize>)> {
    let rules = &checker.rules;
    let mut all = Vec::new();
    if let Some(policy) = &rules.on_premises {
        let longest = usize::from(AdPolicy::MAX_LENGTH);
        all.push((Target::OnPremises, usize::from(policy.min_length), Some(longest)));
    }
    if let Some(policy) = &rules.cloud {
        all.push((Target::Cloud, policy.min_length.into(), Some(policy.max_length.into())));
    }
    if let Some(policy) = &rules.nist {
        all.push((Target::Nist, policy.needed_length().into(), policy.max_length.map(usize::from)));
    }
    if let Some(policy) = &rules.lithnet {
        all.push((Target::Lithnet, policy.min_length.into(), None));
    }
    if let Some(custom) = &rules.custom {
        let policy = &custom.policy;
        let (shortest, longest) = (policy.min_length.unwrap_or(0), policy.max_length.map(usize::from));
        all.push((Target::Custom, shortest.into(), longest));
    }
    all
}

/// Returns the characters that every target takes.
pub(super) fn alphabet(checker: &Checker, options: &GeneratorOptions) -> Result<Vec<char>, Conflict> {
    let mut alphabet: Vec<char> = match &options.alphabet {
        Some(characters) => characters.chars().collect(),
        None => ('!'..='~').collect(),
    };
    alphabet.sort_unstable();
    alphabet.dedup();
    alphabet.retain(|&c| takes(checker, c));
    if alphabet.is_empty() { Err(Conflict::NoCharacters) } else { Ok(alphabet) }
}

/// Returns true if every target takes a character, and counts it as one.
pub(super) fn takes(checker: &Checker, c: char) -> bool {
    let rules = &checker.rules;
    counts_as_one(c)
        && (rules.cloud.is_none() || entra_takes(c))
        && rules.custom.as_ref().is_none_or(|custom| custom.takes(c))
}

/// Returns true if a character is one for every way of counting, whatever stands beside it.
fn counts_as_one(c: char) -> bool {
    u32::from(c) <= 0xFFFF
        && unicode_normalization::is_nfc_quick(core::iter::once(c))
            == unicode_normalization::IsNormalized::Yes
        && !unicode_normalization::char::is_combining_mark(c)
}

/// The required classes of a string.
#[derive(Debug, Default)]
pub(super) struct RequiredClasses {
    on_premises: u8,
    cloud: u8,
    /// Those that know four classes.
    four: Vec<OfFour>,
    points: Option<LithnetPoints>,
}

/// A demand in terms of four classes.
#[derive(Debug)]
struct OfFour {
    target: Target,
    count: u8,
    by_name: Classes,
    symbol_or_digit: bool,
}

impl RequiredClasses {
    /// Returns the requirements at one length.
    pub(super) fn of(checker: &Checker, length: usize) -> Self {
        let rules = &checker.rules;
        let complex = rules.on_premises.as_ref().is_some_and(|policy| policy.complexity);
        let mut required = Self {
            on_premises: if complex { AdPolicy::COMPLEX_CLASSES } else { 0 },
            cloud: rules.cloud.as_ref().map_or(0, |policy| policy.required_classes),
            four: Vec::new(),
            points: rules.lithnet.as_ref().and_then(|policy| policy.points),
        };
        if let Some(bands) = rules.lithnet.as_ref().and_then(|policy| policy.bands.as_ref()) {
            let band = bands.band(length);
            required.four.push(OfFour {
                target: Target::Lithnet,
                count: band.required_classes,
                by_name: band.require,
                symbol_or_digit: band.symbol_or_digit,
            });
        }
        if let Some(custom) = &rules.custom {
            required.four.push(OfFour {
                target: Target::Custom,
                count: custom.policy.required_classes,
                by_name: custom.policy.require,
                symbol_or_digit: false,
            });
        }
        required
    }

    /// Returns the most classes that any target needs.
    pub(super) fn most_classes(&self) -> u32 {
        let four = self.four.iter().map(|demand| u32::from(demand.count).max(demand.by_name.count()));
        four.chain([u32::from(self.on_premises), u32::from(self.cloud)]).max().unwrap_or(0)
    }

    /// Checks that the alphabet and the length allow for it, each demand by itself.
    pub(super) fn feasible(&self, alphabet: &[char], length: usize) -> Result<(), Conflict> {
        let all = alphabet.iter().fold(Seen::default(), |seen, &c| seen.with(c, self));
        let two =
            [(Target::OnPremises, self.on_premises, all.on_premises), (Target::Cloud, self.cloud, all.cloud)];
        let four = self.four.iter().map(|demand| (demand.target, demand.count, all.four));
        for (target, required, offered) in two.into_iter().chain(four) {
            let available = (offered.count() as usize).min(length);
            if available < usize::from(required) {
                return Err(Conflict::Classes { target, required: usize::from(required), available });
            }
        }
        for demand in &self.four {
            let either = Classes::of([CharacterClass::Digit, CharacterClass::Symbol]);
            let mut missing = all.four.missing_of(demand.by_name);
            if demand.symbol_or_digit && all.four.missing_of(either) == either {
                missing = either;
            }
            if !missing.is_empty() {
                return Err(Conflict::ClassMissing { target: demand.target, classes: missing });
            }
            let required = demand.by_name.count() as usize;
            if required > length {
                return Err(Conflict::Classes { target: demand.target, required, available: length });
            }
        }
        if let Some(points) = &self.points {
            let each = |&c: &char| points.per_class.of(CharacterClass::of_four(c));
            let best = alphabet.iter().map(each).max().unwrap_or(0);
            let bonus: usize = all.four.iter().map(|class| usize::from(points.class_bonus.of(class))).sum();
            let most = length * (usize::from(points.per_character) + usize::from(best)) + bonus;
            if most < usize::from(points.required) {
                return Err(Conflict::Points { target: Target::Lithnet, required: points.required.into() });
            }
        }
        Ok(())
    }

    /// Returns true if a string of this length in which these classes were seen meets all of it.
    pub(super) fn met(&self, seen: Seen, length: usize) -> bool {
        let either = Classes::of([CharacterClass::Digit, CharacterClass::Symbol]);
        let four = |demand: &OfFour| {
            seen.four.count() >= u32::from(demand.count)
                && seen.four.missing_of(demand.by_name).is_empty()
                && (!demand.symbol_or_digit || seen.four.missing_of(either) != either)
        };
        let points = self.points.is_none_or(|points| {
            let bonus: usize = seen.four.iter().map(|class| usize::from(points.class_bonus.of(class))).sum();
            length * usize::from(points.per_character) + usize::from(seen.points) + bonus
                >= usize::from(points.required)
        });
        seen.on_premises.count() >= u32::from(self.on_premises)
            && seen.cloud.count() >= u32::from(self.cloud)
            && self.four.iter().all(four)
            && points
    }
}

/// The classes that a string has so far, and the points that it has for them beside those of every character.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Seen {
    on_premises: Classes,
    cloud: Classes,
    four: Classes,
    points: u16,
}

impl Seen {
    /// The same with one more character.
    pub(super) fn with(self, c: char, required: &RequiredClasses) -> Self {
        let class = CharacterClass::of_four(c);
        let four = !required.four.is_empty() || required.points.is_some();
        let points = required.points.map_or(0, |points| {
            // No more are needed than are required, so that there are not more states than that.
            self.points.saturating_add(points.per_class.of(class)).min(points.required)
        });
        Self {
            on_premises: if required.on_premises > 0 {
                self.on_premises.with(CharacterClass::on_premises(c))
            } else {
                Classes::NONE
            },
            cloud: if required.cloud > 0 {
                self.cloud.with(CharacterClass::in_cloud(c))
            } else {
                Classes::NONE
            },
            four: if four { self.four.with(Some(class)) } else { Classes::NONE },
            points,
        }
    }
}

/// Returns the least and the most characters, the alphabet and the most classes that are demanded.
pub(crate) fn demanded(
    checker: &Checker,
    options: &GeneratorOptions,
) -> Result<(usize, Option<usize>, String, u32), Conflict> {
    let (least, most) = range(checker)?;
    let alphabet = alphabet(checker, options)?;
    let classes = RequiredClasses::of(checker, least).most_classes();
    Ok((least, most, alphabet.into_iter().collect(), classes))
}
