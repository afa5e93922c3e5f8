//! Banned words made ready, and what becomes of a candidate under one reading or under every one.

use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Serialize};

use super::index::{Edits, Index, Numbers, Quick};
use super::{MIN_WORD, ProtectionPolicy, Reading, score};
use crate::text::{Fold, Folded, MAX_FOLDED, Text};
use crate::verdict::Spans;
use crate::{Code, Target, Verdict, Violation};

/// Banned words, ready for one reading and, if asked for, for every one.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    pub(crate) targets: Vec<Target>,
    pub(crate) required: usize,
    pub(crate) reading: Reading,
    /// The policy's own table.
    pub(crate) own: Option<Words>,
    /// The table of the strictest reading.
    pub(crate) strict: Option<Words>,
}

/// Words under one table.
#[derive(Clone, Debug)]
pub(crate) struct Words {
    pub(crate) fold: Fold,
    pub(crate) index: Index,
    quick: Quick,
}

impl Words {
    fn new(banned: &[alloc::string::String], fold: Fold, edits: Edits) -> Self {
        let words = folded_words(banned, &fold);
        let index = Index::new(&words, edits);
        Self { quick: index.quick(&fold), index, fold }
    }

    /// Writes the numbers of a candidate's letters.
    #[inline]
    fn write_numbers(&self, text: &Text<'_>, numbers: &mut Numbers) {
        self.index.write_numbers(text, &self.quick, &self.fold, numbers);
    }
}

/// The words under a table, without those that are too short and those that are the same.
pub(crate) fn folded_words(banned: &[alloc::string::String], fold: &Fold) -> Vec<Vec<char>> {
    let mut words: Vec<Vec<char>> =
        banned.iter().map(|word| fold.fold_word(word)).filter(|word| word.len() >= MIN_WORD).collect();
    words.sort_unstable();
    words.dedup();
    words
}

/// What one table says of a candidate.
struct Points {
    near: bool,
    points: usize,
    spans: Spans,
}

impl Guard {
    pub(crate) fn new(policy: &ProtectionPolicy, every_reading: bool) -> Self {
        let conservative = policy.reading == Reading::Conservative;
        let own = || Words::new(&policy.banned, Fold::new(&policy.substitutions), Edits::OfTheWhole);
        let strict = || Words::new(&policy.banned, Fold::new(&policy.strictest_table()), Edits::OfPieces);
        Self {
            targets: policy.targets().collect(),
            required: usize::from(policy.required_points),
            reading: policy.reading,
            own: (!conservative || every_reading).then(own),
            strict: (conservative || every_reading).then(strict),
        }
    }

    /// The table by which names are looked for.
    pub(crate) fn fold(&self) -> Option<&Fold> {
        let words = match self.reading {
            Reading::Documented => self.own.as_ref(),
            Reading::Conservative => self.strict.as_ref(),
        };
        words.map(|words| &words.fold)
    }

    /// Judges a candidate by the policy's reading: its points, and whether they and its words are accepted. Nothing for
    /// one that is too long for any directory.
    pub(crate) fn check(&self, text: &Text<'_>, verdict: &mut Verdict) -> Option<(usize, bool)> {
        if text.chars > MAX_FOLDED {
            return None;
        }
        let found = match (self.reading, &self.own, &self.strict) {
            (Reading::Documented, Some(words), _) => words.documented(text, self.required),
            (_, _, Some(words)) => words.conservative(text, self.required)?,
            _ => return None,
        };
        for &target in &self.targets {
            if found.near {
                verdict.push(Violation::new(target, Code::BannedWord).at(Spans::one(0, text.text.len())));
            }
            if let Some(violation) = self.too_few_points(&found, text, target) {
                // A length that is told already says it, too.
                let told = |one: &Violation| one.code == Code::TooShort && violation.code == Code::TooShort;
                if !verdict.violations_for(target).any(told) {
                    verdict.push(violation);
                }
            }
        }
        Some((found.points, !found.near && found.points >= self.required))
    }

    /// Why there are too few points: because of banned words, or without any because there are too few characters.
    fn too_few_points(&self, found: &Points, text: &Text<'_>, target: Target) -> Option<Violation> {
        if found.points >= self.required {
            return None;
        }
        let (code, counted) = match () {
            () if !found.spans.is_empty() => (Code::ScoreTooLow, found.points),
            () if text.chars < self.required => (Code::TooShort, text.chars),
            () => (Code::TooFewDistinct, found.points),
        };
        Some(Violation::new(target, code).counted(counted, self.required).at(found.spans))
    }

    /// The points of a candidate under every reading: the fewest and the most; and which readings refuse it for them.
    pub(crate) fn range(&self, text: &Text<'_>) -> Option<Range> {
        let (own, strict) = (self.own.as_ref()?, self.strict.as_ref()?);
        let strict_folded = Folded::new(text, &strict.fold)?;
        let mut own_numbers = Numbers::new(text.chars);
        own.write_numbers(text, &mut own_numbers);
        let high = score::most(&own.index, own_numbers.get());
        let near = own.index.is_near(own_numbers.get());
        let (documented, _) = score::fewest(&own.index, own_numbers.get(), text, 0);
        let strict_numbers = strict.index.numbers(strict_folded.letters());
        let low = score::strictest(&strict.index, strict_folded.letters(), &strict_numbers, usize::MAX);
        let strict_near = strict.index.is_near(strict_numbers.get());
        Some(Range {
            low,
            high,
            documented_refuses: near || documented < self.required,
            always_refused: near || high < self.required,
            sometimes_refused: near || strict_near || low < self.required,
        })
    }
}

/// What all readings say of the words in a candidate.
pub(crate) struct Range {
    pub(crate) low: usize,
    pub(crate) high: usize,
    pub(crate) documented_refuses: bool,
    pub(crate) always_refused: bool,
    pub(crate) sometimes_refused: bool,
}

impl Words {
    fn documented(&self, text: &Text<'_>, enough: usize) -> Points {
        let mut numbers = Numbers::new(text.chars);
        self.write_numbers(text, &mut numbers);
        let near = self.index.is_near(numbers.get());
        let (points, spans) = score::fewest(&self.index, numbers.get(), text, enough);
        Points { near, points, spans }
    }

    fn conservative(&self, text: &Text<'_>, enough: usize) -> Option<Points> {
        let folded = Folded::new(text, &self.fold)?;
        let numbers = self.index.numbers(folded.letters());
        let near = self.index.is_near(numbers.get());
        let points = score::strictest(&self.index, folded.letters(), &numbers, enough);
        let spans = if points < enough { self.near_places(numbers.get(), text) } else { Spans::NONE };
        Some(Points { near, points, spans })
    }

    /// Every place that counts as a word.
    fn near_places(&self, numbers: &[u16], text: &Text<'_>) -> Spans {
        let mut spans = Spans::NONE;
        self.index.near_pieces(numbers, |start, end| spans.add(text.byte(start), text.byte(end)));
        spans
    }
}

/// What Entra Password Protection makes of a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ProtectionVerdict {
    /// The points by the policy's reading. The conservative one stops counting once they are enough.
    pub points: u32,
    /// Whether the policy's reading accepts it.
    pub accepted: bool,
    /// What becomes of it under every reading; only from a [`Checker`](crate::Checker) that was made for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readings: Option<Readings>,
}

/// What becomes of a candidate under all readings of the documentation.
///
/// They differ in which of several overlapping words are counted, whether a character that remains counts once or every
/// time, whether pieces one edit away from a word count as the word, from which length on names are looked for, and
/// which characters stand for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Readings {
    /// Whether the documented reading accepts it, with the policy's own table of substitutions.
    pub documented: bool,
    /// Whether all of them accept it.
    pub every: EveryReading,
    /// The fewest points that any reading gives.
    pub low: u32,
    /// The most points that any reading gives.
    pub high: u32,
}

impl Readings {
    pub(crate) fn new(range: &Range, named: bool, named_once: bool) -> Self {
        let every = if named || range.always_refused {
            EveryReading::Rejected
        } else if named_once || range.sometimes_refused {
            EveryReading::Depends
        } else {
            EveryReading::Accepted
        };
        let count = |points: usize| u32::try_from(points).unwrap_or(u32::MAX);
        Self {
            documented: !(named || range.documented_refuses),
            every,
            low: count(range.low),
            high: count(range.high),
        }
    }
}

/// Whether a candidate is accepted under all readings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(clippy::exhaustive_enums)] // yes, no, and neither
pub enum EveryReading {
    /// Under every reading.
    Accepted,
    /// Under some, and not under others.
    Depends,
    /// Under none.
    Rejected,
}

impl EveryReading {
    /// The stable name, as serialised.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Depends => "depends",
            Self::Rejected => "rejected",
        }
    }
}

impl fmt::Display for EveryReading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
