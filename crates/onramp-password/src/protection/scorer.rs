//! The points of a password.

use core::cmp::Ordering;

use zeroize::Zeroizing;

use crate::{Code, ProtectionPolicy, Reading, Span, Substitutions, Target, Violation};

/// The shortest banned word, as the custom list has it. Shorter ones would match nearly everything at distance one.
const MIN_WORD: usize = 4;

/// No directory takes a longer password, so that a score would say nothing and only cost time.
const MAX_SCORED: usize = 256;

/// Banned words, normalised and ready.
#[derive(Clone, Debug)]
pub(crate) struct Scorer {
    targets: Vec<Target>,
    table: Substitutions,
    /// By length, then by letters.
    words: Vec<Vec<char>>,
    reading: Reading,
    required: usize,
}

impl Scorer {
    pub(crate) fn new(policy: &ProtectionPolicy) -> Self {
        let table = policy.table();
        let mut words: Vec<Vec<char>> = policy
            .banned
            .iter()
            .map(|word| word.chars().map(|c| table.normalise(c)).collect::<Vec<_>>())
            .filter(|word| word.len() >= MIN_WORD)
            .collect();
        words.sort_unstable_by(|a, b| by_length(a, b));
        words.dedup();
        Self {
            targets: policy.targets().collect(),
            table,
            words,
            reading: policy.reading,
            required: usize::from(policy.required_points),
        }
    }

    pub(crate) fn targets(&self) -> &[Target] {
        &self.targets
    }

    pub(crate) fn table(&self) -> &Substitutions {
        &self.table
    }

    pub(crate) fn words(&self) -> &[Vec<char>] {
        &self.words
    }

    pub(crate) fn required(&self) -> usize {
        self.required
    }

    pub(crate) fn violations(&self, candidate: &str, out: &mut Vec<Violation>) {
        if candidate.chars().nth(MAX_SCORED).is_some() {
            return;
        }
        // Reserved at once: a buffer that grows would leave copies of the password behind.
        let mut normalised = Zeroizing::new(Vec::with_capacity(candidate.len()));
        normalised.extend(candidate.chars().map(|c| self.table.normalise(c)));

        let whole = Span { start: 0, end: candidate.len() };
        let banned = self.is_near(&normalised);
        let (points, pieces) = self.points(&normalised);
        let spans: Vec<Span> =
            pieces.into_iter().map(|(start, end)| byte_span(candidate, start, end)).collect();
        for &target in &self.targets {
            if banned {
                out.push(Violation::new(target, Code::BannedWord).at(vec![whole]));
            }
            if points < self.required {
                let violation = Violation::new(target, Code::ScoreTooLow).counted(points, self.required);
                out.push(violation.at(spans.clone()));
            }
        }
    }

    /// The fewest points over all ways to cut the password into banned words and single characters, one point each,
    /// and the pieces, in characters, that are banned words in it.
    fn points(&self, normalised: &[char]) -> (usize, Vec<(usize, usize)>) {
        // cheapest[end] = the points up to there, and where the last piece begins.
        let mut cheapest: Vec<(usize, usize)> = vec![(0, 0)];
        for end in 1..=normalised.len() {
            let starts = (0..end).filter(|&start| {
                start + 1 == end || normalised.get(start..end).is_some_and(|piece| self.is_banned(piece))
            });
            let best =
                starts.filter_map(|start| cheapest.get(start).map(|&(points, _)| (points + 1, start))).min();
            cheapest.push(best.unwrap_or((end, end - 1)));
        }
        let points = cheapest.last().map_or(0, |&(points, _)| points);
        let mut pieces = Vec::new();
        let mut end = normalised.len();
        while end > 0 {
            let start = cheapest.get(end).map_or(end - 1, |&(_, start)| start);
            if end - start > 1 {
                pieces.push((start, end));
            }
            end = start;
        }
        pieces.reverse();
        (points, pieces)
    }

    fn is_banned(&self, piece: &[char]) -> bool {
        match self.reading {
            Reading::Documented => self.words.binary_search_by(|word| by_length(word, piece)).is_ok(),
            Reading::Conservative => self.is_near(piece),
        }
    }

    fn is_near(&self, piece: &[char]) -> bool {
        let first = self.words.partition_point(|word| word.len() + 1 < piece.len());
        let words = self.words.get(first..).unwrap_or_default();
        words.iter().take_while(|word| word.len() <= piece.len() + 1).any(|word| within_one_edit(word, piece))
    }
}

fn by_length(a: &[char], b: &[char]) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// Whether one replaced, inserted or removed character at most makes `a` into `b`.
fn within_one_edit(a: &[char], b: &[char]) -> bool {
    if a.len().abs_diff(b.len()) > 1 {
        return false;
    }
    let prefix = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let (a, b) = (a.get(prefix..).unwrap_or_default(), b.get(prefix..).unwrap_or_default());
    let suffix = a.iter().rev().zip(b.iter().rev()).take_while(|(x, y)| x == y).count();
    a.len().max(b.len()) <= suffix + 1
}

fn byte_span(candidate: &str, start: usize, end: usize) -> Span {
    let byte = |position| candidate.char_indices().nth(position).map_or(candidate.len(), |(byte, _)| byte);
    Span { start: byte(start), end: byte(end) }
}
