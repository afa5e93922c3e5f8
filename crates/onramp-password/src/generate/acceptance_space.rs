//! The exact share of the acceptable strings among all strings of one length.
//!
//! Names are followed by an automaton whose state is the set of names begun, character classes by the set seen so
//! far; the share of strings in each pair of them is carried along from character to character.

use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;

use super::error::{Conflict, GenerateError};
use super::excluded::{self, Excluded};
use super::requirements::{RequiredClasses, Seen};
use crate::check::Checker;
use crate::check::pattern::Pattern;
use crate::protection::ProtectionPolicy;
use crate::target::Target;
use crate::text::Fold;
use crate::verdict::NameSource;

/// More states than any list of names of one account makes; a bound on the work.
const MAX_STATES: usize = 4096;

/// The acceptable part of all strings of one length over one alphabet.
#[derive(Clone, Copy, Debug)]
pub(super) struct AcceptanceSpace {
    /// The share that has the classes and avoids the names.
    pub(super) share: f64,
    /// The share that words and runs exclude, at most.
    pub(super) excluded_at_most: f64,
}

/// A pattern and the table by which it is looked for.
type Sought<'a> = (&'a Pattern, &'a Fold);

impl AcceptanceSpace {
    pub(super) fn measure(
        checker: &Checker,
        protection: Option<&ProtectionPolicy>,
        alphabet: &[char],
        length: usize,
    ) -> Result<Self, GenerateError> {
        let required = RequiredClasses::of(checker, length);
        required.feasible(alphabet, length)?;
        let patterns = sought(checker);
        let share = share(&patterns, alphabet, length, &required)?;
        if share <= 0.0 {
            return Err(blame(&patterns, alphabet, length, &required)?.into());
        }
        let Excluded { by_score, by_others } = excluded::at_most(checker, protection, alphabet, length);
        if by_score >= share {
            let required = checker.rules.matcher.as_ref().map_or(0, |matcher| matcher.required);
            return Err(Conflict::Score { length, required }.into());
        }
        if by_score + by_others >= share {
            return Err(GenerateError::TooManyWords);
        }
        Ok(Self { share, excluded_at_most: by_score + by_others })
    }
}

/// Returns every name and word of the account, each with its table.
pub(super) fn sought(checker: &Checker) -> Vec<Sought<'_>> {
    let (rules, names) = (&checker.rules, &checker.names);
    let plain = names.plain.iter().map(|pattern| (pattern, &rules.case));
    let words = names.words.iter().map(|pattern| (pattern, rules.custom_fold()));
    let matcher = rules.matcher.as_ref().and_then(|matcher| matcher.fold());
    let name_patterns =
        matcher.into_iter().flat_map(|fold| names.name_patterns.iter().map(move |pattern| (pattern, fold)));
    plain.chain(name_patterns).chain(words).collect()
}

/// Returns the patterns without which there would be something left.
fn blame(
    patterns: &[Sought<'_>],
    alphabet: &[char],
    length: usize,
    required: &RequiredClasses,
) -> Result<Conflict, GenerateError> {
    let mut guilty: Vec<(Target, NameSource)> = Vec::new();
    for index in 0..patterns.len() {
        let mut others = patterns.to_vec();
        let removed = others.remove(index);
        if share(&others, alphabet, length, required)? > 0.0 {
            guilty.push((removed.0.target, removed.0.source));
        }
    }
    if guilty.is_empty() {
        guilty = patterns.iter().map(|(pattern, _)| (pattern.target, pattern.source)).collect();
    }
    guilty.sort_unstable();
    guilty.dedup();
    Ok(Conflict::Names { names: guilty })
}

/// Returns the share of all strings that have the classes and avoid the patterns.
fn share(
    patterns: &[Sought<'_>],
    alphabet: &[char],
    length: usize,
    required: &RequiredClasses,
) -> Result<f64, GenerateError> {
    let automaton = Automaton::new(patterns, alphabet, required)?;
    let seen = SeenStates::new(&automaton.groups, required);
    // shares[state][seen]
    let nothing = vec![vec![0.0_f64; seen.all.len()]; automaton.steps.len()];
    let mut shares = nothing.clone();
    if let Some(start) = shares.first_mut().and_then(|row| row.first_mut()) {
        *start = 1.0;
    }
    for _ in 0..length {
        let mut next = nothing.clone();
        for (row, steps) in shares.iter().zip(&automaton.steps) {
            for ((group, seen_steps), to) in automaton.groups.iter().zip(&seen.steps).zip(steps) {
                let Some(target) = to.and_then(|to| next.get_mut(to)) else { continue };
                for (share, &seen_to) in row.iter().zip(seen_steps) {
                    if let Some(slot) = target.get_mut(seen_to) {
                        *slot += share * group.weight;
                    }
                }
            }
        }
        shares = next;
    }
    let accepted = |row: &Vec<f64>| -> f64 {
        row.iter()
            .zip(&seen.all)
            .filter(|&(_, &seen)| required.met(seen, length))
            .map(|(share, _)| share)
            .sum()
    };
    // Rounding must not make it more than everything.
    Ok(shares.iter().map(accepted).sum::<f64>().min(1.0))
}

/// Characters that no rule tells apart.
struct Group {
    example: char,
    /// Their share of the alphabet.
    weight: f64,
    /// True at each position of each pattern that accepts the characters.
    accepts: Vec<bool>,
}

/// Every set of classes that can come about.
struct SeenStates {
    all: Vec<Seen>,
    /// The next set for each group and set.
    steps: Vec<Vec<usize>>,
}

impl SeenStates {
    fn new(groups: &[Group], required: &RequiredClasses) -> Self {
        let (mut all, mut steps) = (vec![Seen::default()], vec![Vec::new(); groups.len()]);
        let mut known = BTreeMap::from([(Seen::default(), 0)]);
        let mut at = 0;
        while let Some(&from) = all.get(at) {
            for (group, steps) in groups.iter().zip(&mut steps) {
                let to = from.with(group.example, required);
                let place = *known.entry(to).or_insert_with(|| {
                    all.push(to);
                    all.len() - 1
                });
                steps.push(place);
            }
            at += 1;
        }
        Self { all, steps }
    }
}

/// Follows all patterns at once.
struct Automaton {
    groups: Vec<Group>,
    /// The next state for each state and group; `None` if that completes a pattern.
    steps: Vec<Vec<Option<usize>>>,
}

impl Automaton {
    fn new(
        patterns: &[Sought<'_>],
        alphabet: &[char],
        required: &RequiredClasses,
    ) -> Result<Self, GenerateError> {
        let groups = groups(patterns, alphabet, required);
        let ends = patterns.iter().flat_map(|(pattern, _)| {
            let length = pattern.letters().len();
            (1..=length).map(move |at| (at == 1, at == length))
        });
        let ends: Vec<(bool, bool)> = ends.collect();

        // A state is the set of positions that would continue a pattern begun.
        let mut states: Vec<Vec<usize>> = vec![Vec::new()];
        let mut known: BTreeMap<Vec<usize>, usize> = BTreeMap::from([(Vec::new(), 0)]);
        let mut steps = Vec::new();
        while let Some(begun) = states.get(steps.len()).cloned() {
            let mut row = Vec::with_capacity(groups.len());
            for group in &groups {
                row.push(successor(&ends, &begun, group).map(|positions| {
                    *known.entry(positions).or_insert_with_key(|positions| {
                        states.push(positions.clone());
                        states.len() - 1
                    })
                }));
            }
            if states.len() > MAX_STATES {
                return Err(GenerateError::TooManyWords);
            }
            steps.push(row);
        }
        Ok(Self { groups, steps })
    }
}

fn groups(patterns: &[Sought<'_>], alphabet: &[char], required: &RequiredClasses) -> Vec<Group> {
    #[allow(clippy::cast_precision_loss)] // the size of an alphabet
    let weight = 1.0 / alphabet.len() as f64;
    let mut groups: BTreeMap<(Seen, Vec<bool>), Group> = BTreeMap::new();
    for &c in alphabet {
        let positions = patterns.iter().flat_map(|(pattern, fold)| {
            let folded = fold.fold(c);
            pattern.letters().iter().map(move |&letter| letter == folded)
        });
        let accepts: Vec<bool> = positions.collect();
        groups
            .entry((Seen::default().with(c, required), accepts.clone()))
            .or_insert(Group { example: c, weight: 0.0, accepts })
            .weight += weight;
    }
    groups.into_values().collect()
}

/// Returns the positions begun after one more character; `None` when that completes a pattern. `ends` says of every position
/// whether it is the first and whether it is the last of its pattern.
fn successor(ends: &[(bool, bool)], begun: &[usize], group: &Group) -> Option<Vec<usize>> {
    let mut next = Vec::new();
    for (position, (&(first, last), &accepted)) in ends.iter().zip(&group.accepts).enumerate() {
        if accepted && (first || begun.binary_search(&position).is_ok()) {
            if last {
                return None;
            }
            next.push(position + 1);
        }
    }
    Some(next)
}
