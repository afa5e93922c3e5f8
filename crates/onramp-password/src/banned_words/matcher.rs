//! Banned words made ready, and what becomes of a candidate under one interpretation or under every one.

use alloc::vec::Vec;

use super::index::{Edits, Index, Numbers, Quick};
use super::score;
use crate::protection::{AllInterpretations, Interpretation, Interpretations, MIN_WORD, ProtectionPolicy};
use crate::target::Target;
use crate::text::{Fold, Folded, MAX_FOLDED, Text};
use crate::verdict::{Code, Spans, Verdict, Violation};

/// Banned words, ready for one interpretation and, if asked for, for every one.
#[derive(Clone, Debug)]
pub(crate) struct Matcher {
    pub(crate) targets: Vec<Target>,
    pub(crate) required: usize,
    pub(crate) interpretation: Interpretation,
    /// The policy's own table.
    pub(crate) own: Option<Words>,
    /// The table of the strictest interpretation.
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

/// Returns the words under a table, without those that are too short and those that are the same.
pub(crate) fn folded_words(banned: &[alloc::string::String], fold: &Fold) -> Vec<Vec<char>> {
    let mut words: Vec<Vec<char>> =
        banned.iter().map(|word| fold.fold_word(word)).filter(|word| word.len() >= MIN_WORD).collect();
    words.sort_unstable();
    words.dedup();
    words
}

/// The result for a candidate under one table.
struct Points {
    near: bool,
    points: usize,
    spans: Spans,
}

impl Matcher {
    pub(crate) fn new(policy: &ProtectionPolicy, every_interpretation: bool) -> Self {
        let conservative = policy.interpretation == Interpretation::Conservative;
        let own = || Words::new(&policy.banned, Fold::new(&policy.substitutions), Edits::OfTheWhole);
        let strict = || Words::new(&policy.banned, Fold::new(&policy.strictest_table()), Edits::OfPieces);
        Self {
            targets: policy.targets().collect(),
            required: usize::from(policy.required_points),
            interpretation: policy.interpretation,
            own: (!conservative || every_interpretation).then(own),
            strict: (conservative || every_interpretation).then(strict),
        }
    }

    /// Returns the table by which names are looked for.
    pub(crate) fn fold(&self) -> Option<&Fold> {
        let words = match self.interpretation {
            Interpretation::Documented => self.own.as_ref(),
            Interpretation::Conservative => self.strict.as_ref(),
        };
        words.map(|words| &words.fold)
    }

    /// Judges a candidate by the policy's interpretation: its points, and whether they and its words are accepted. Nothing for
    /// one that is too long for any directory.
    pub(crate) fn check(&self, text: &Text<'_>, verdict: &mut Verdict) -> Option<(usize, bool)> {
        if text.chars > MAX_FOLDED {
            return None;
        }
        let found = match (self.interpretation, &self.own, &self.strict) {
            (Interpretation::Documented, Some(words), _) => words.documented(text, self.required),
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

    /// Returns the violation for too few points: because of banned words, or without any because of too few
    /// characters.
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

    /// Returns the points of a candidate under every interpretation: the fewest and the most; and which interpretations refuse it for them.
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

/// The points of a candidate under all interpretations.
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

    /// Returns every place that counts as a word.
    fn near_places(&self, numbers: &[u16], text: &Text<'_>) -> Spans {
        let mut spans = Spans::NONE;
        self.index.near_pieces(numbers, |start, end| spans.add(text.byte(start), text.byte(end)));
        spans
    }
}

impl Range {
    /// Returns the verdict of all interpretations, given which of them find a name in the candidate.
    pub(crate) fn verdict(&self, named: bool, named_once: bool) -> Interpretations {
        let every = if named || self.always_refused {
            AllInterpretations::Rejected
        } else if named_once || self.sometimes_refused {
            AllInterpretations::Depends
        } else {
            AllInterpretations::Accepted
        };
        let count = |points: usize| u32::try_from(points).unwrap_or(u32::MAX);
        Interpretations {
            documented: !(named || self.documented_refuses),
            every,
            low: count(self.low),
            high: count(self.high),
        }
    }
}
