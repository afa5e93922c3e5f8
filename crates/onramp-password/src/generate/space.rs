//! How much of all strings of one length is acceptable: counted, not estimated.
//!
//! Names are followed by an automaton whose state is the set of names begun, character classes by the set seen so
//! far; the share of strings in each pair of them is carried along from character to character.

use std::collections::BTreeMap;

use super::score::excluded_at_most;
use super::{Conflict, GenerateError};
use crate::class::Classes;
use crate::needle::Needle;
use crate::{CharacterClass, Checker, NameSource, Target, ad};

/// More states than any list of names of one account makes; a bound on the work.
const MAX_STATES: usize = 4096;

/// The acceptable part of all strings of one length over one alphabet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Space {
    /// The share that has the classes and avoids the names.
    pub(super) share: f64,
    /// The share that banned words exclude, at most.
    pub(super) banned_at_most: f64,
}

impl Space {
    pub(super) fn measure(
        checker: &Checker,
        alphabet: &[char],
        length: usize,
    ) -> Result<Self, GenerateError> {
        let required = Required::of(checker);
        required.feasible(alphabet, length)?;
        let needles: Vec<&Needle> = checker.needles.iter().collect();
        let share = share(&needles, alphabet, length, &required)?;
        if share <= 0.0 {
            return Err(blame(&needles, alphabet, length, &required)?.into());
        }
        let banned_at_most =
            checker.scorer.as_ref().map_or(0.0, |scorer| excluded_at_most(scorer, alphabet, length));
        if banned_at_most >= share {
            let required = checker.scorer.as_ref().map_or(0, |scorer| scorer.required());
            return Err(Conflict::Score { length, required }.into());
        }
        Ok(Self { share, banned_at_most })
    }
}

/// How many classes each target needs.
struct Required {
    on_premises: u8,
    cloud: u8,
}

impl Required {
    fn of(checker: &Checker) -> Self {
        let complex = checker.on_premises.as_ref().is_some_and(|policy| policy.complexity);
        Self {
            on_premises: if complex { ad::REQUIRED_CLASSES } else { 0 },
            cloud: checker.cloud.as_ref().map_or(0, |policy| policy.required_classes),
        }
    }

    fn feasible(&self, alphabet: &[char], length: usize) -> Result<(), Conflict> {
        let all = alphabet.iter().fold(Seen::default(), |seen, &c| seen.with(c));
        let each =
            [(Target::OnPremises, self.on_premises, all.on_premises), (Target::Cloud, self.cloud, all.cloud)];
        for (target, required, offered) in each {
            let available = (offered.count() as usize).min(length);
            if available < usize::from(required) {
                return Err(Conflict::Classes { target, required: usize::from(required), available });
            }
        }
        Ok(())
    }

    fn met(&self, seen: Seen) -> bool {
        seen.on_premises.count() >= u32::from(self.on_premises) && seen.cloud.count() >= u32::from(self.cloud)
    }
}

/// The classes a string has so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Seen {
    on_premises: Classes,
    cloud: Classes,
}

impl Seen {
    fn with(self, c: char) -> Self {
        Self {
            on_premises: self.on_premises.with(CharacterClass::on_premises(c)),
            cloud: self.cloud.with(CharacterClass::in_cloud(c)),
        }
    }
}

/// The needles without which there would be something left.
fn blame(
    needles: &[&Needle],
    alphabet: &[char],
    length: usize,
    required: &Required,
) -> Result<Conflict, GenerateError> {
    let mut guilty: Vec<(Target, NameSource)> = Vec::new();
    for index in 0..needles.len() {
        let mut others = needles.to_vec();
        let removed = others.remove(index);
        if share(&others, alphabet, length, required)? > 0.0 {
            guilty.push((removed.target, removed.source));
        }
    }
    if guilty.is_empty() {
        guilty = needles.iter().map(|needle| (needle.target, needle.source)).collect();
    }
    guilty.sort_unstable();
    guilty.dedup();
    Ok(Conflict::Names { names: guilty })
}

/// The share of all strings that have the classes and avoid the needles.
fn share(
    needles: &[&Needle],
    alphabet: &[char],
    length: usize,
    required: &Required,
) -> Result<f64, GenerateError> {
    let automaton = Automaton::new(needles, alphabet)?;
    let seen = SeenStates::new(&automaton.groups);
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
        row.iter().zip(&seen.all).filter(|&(_, &seen)| required.met(seen)).map(|(share, _)| share).sum()
    };
    Ok(shares.iter().map(accepted).sum())
}

/// Characters that no rule tells apart.
struct Group {
    example: char,
    /// Their share of the alphabet.
    weight: f64,
    /// For every position of every needle, whether they can stand there.
    accepts: Vec<bool>,
}

/// Every set of classes that can come about.
struct SeenStates {
    all: Vec<Seen>,
    /// For each group, where it leads from each set.
    steps: Vec<Vec<usize>>,
}

impl SeenStates {
    fn new(groups: &[Group]) -> Self {
        let (mut all, mut steps) = (vec![Seen::default()], vec![Vec::new(); groups.len()]);
        let mut at = 0;
        while let Some(&from) = all.get(at) {
            for (group, steps) in groups.iter().zip(&mut steps) {
                let to = from.with(group.example);
                let known = all.iter().position(|&seen| seen == to);
                steps.push(known.unwrap_or(all.len()));
                if known.is_none() {
                    all.push(to);
                }
            }
            at += 1;
        }
        Self { all, steps }
    }
}

/// Follows all needles at once.
struct Automaton {
    groups: Vec<Group>,
    /// For each state and group, the state after it; `None` when that completes a needle.
    steps: Vec<Vec<Option<usize>>>,
}

impl Automaton {
    fn new(needles: &[&Needle], alphabet: &[char]) -> Result<Self, GenerateError> {
        let groups = groups(needles, alphabet);
        let ends =
            needles.iter().flat_map(|needle| (1..=needle.len()).map(|at| (at == 1, at == needle.len())));
        let ends: Vec<(bool, bool)> = ends.collect();

        // A state is the set of positions that would continue a needle begun.
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

fn groups(needles: &[&Needle], alphabet: &[char]) -> Vec<Group> {
    #[allow(clippy::cast_precision_loss)] // the size of an alphabet
    let weight = 1.0 / alphabet.len() as f64;
    let mut groups: BTreeMap<(Seen, Vec<bool>), Group> = BTreeMap::new();
    for &c in alphabet {
        let positions =
            needles.iter().flat_map(|needle| (0..needle.len()).map(move |at| needle.accepts(at, c)));
        let accepts: Vec<bool> = positions.collect();
        groups
            .entry((Seen::default().with(c), accepts.clone()))
            .or_insert(Group { example: c, weight: 0.0, accepts })
            .weight += weight;
    }
    groups.into_values().collect()
}

/// The positions begun after one more character; `None` when that completes a needle. `ends` says of every position
/// whether it is the first and whether it is the last of its needle.
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
