//! A scorer for Entra Password Protection that is slow and obviously right: every way to cut is tried.

use std::collections::BTreeSet;

use onramp_password::protection::Substitutions;

/// Banned words under one table.
pub(crate) struct Reference {
    table: Substitutions,
    words: Vec<Vec<char>>,
}

impl Reference {
    pub(crate) fn new(words: &[String], table: Substitutions) -> Self {
        let normalised = words.iter().map(|word| word.chars().map(|c| table.normalize(c)).collect());
        let words = normalised.filter(|word: &Vec<char>| word.len() >= 4).collect();
        Self { table, words }
    }

    fn letters(&self, candidate: &str) -> Vec<char> {
        candidate.chars().map(|c| self.table.normalize(c)).collect()
    }

    /// Whether the whole is at most one edit away from a word.
    pub(crate) fn is_near(&self, candidate: &str) -> bool {
        let letters = self.letters(candidate);
        self.words.iter().any(|word| distance(word, &letters) <= 1)
    }

    /// The fewest points over all cuts with exact words.
    pub(crate) fn fewest(&self, candidate: &str) -> usize {
        let letters = self.letters(candidate);
        self.cuts(&letters, &|piece| self.words.iter().any(|word| word == piece))
            .into_iter()
            .map(|cut| cut.words + cut.remaining.len())
            .min()
            .unwrap_or(0)
    }

    /// The fewest points over all cuts with words at distance one, when a character that remains counts once.
    pub(crate) fn strictest(&self, candidate: &str) -> usize {
        let letters = self.letters(candidate);
        self.cuts(&letters, &|piece| self.words.iter().any(|word| distance(word, piece) <= 1))
            .into_iter()
            .map(|cut| cut.words + cut.remaining.iter().collect::<BTreeSet<_>>().len())
            .min()
            .unwrap_or(0)
    }

    /// The most points over all cuts with exact words between which no further word fits.
    pub(crate) fn most(&self, candidate: &str) -> usize {
        let letters = self.letters(candidate);
        let is_word = |piece: &[char]| self.words.iter().any(|word| word == piece);
        let contains_word = |gap: &String| {
            let gap: Vec<char> = gap.chars().collect();
            (0..gap.len()).any(|start| (start..=gap.len()).any(|end| is_word(&gap[start..end])))
        };
        self.cuts(&letters, &is_word)
            .into_iter()
            .filter(|cut| !cut.gaps.iter().any(contains_word))
            .map(|cut| cut.words + cut.remaining.len())
            .max()
            .unwrap_or(0)
    }

    /// Every way to cut into words and single characters.
    fn cuts(&self, letters: &[char], is_word: &dyn Fn(&[char]) -> bool) -> Vec<Cut> {
        if letters.is_empty() {
            return vec![Cut { words: 0, remaining: Vec::new(), gaps: vec![String::new()] }];
        }
        let mut all = Vec::new();
        for end in 1..=letters.len() {
            if is_word(&letters[..end]) {
                all.extend(self.cuts(&letters[end..], is_word).into_iter().map(|mut cut| {
                    cut.words += 1;
                    cut.gaps.insert(0, String::new());
                    cut
                }));
            }
        }
        all.extend(self.cuts(&letters[1..], is_word).into_iter().map(|mut cut| {
            cut.remaining.push(letters[0]);
            cut.gaps[0].insert(0, letters[0]);
            cut
        }));
        all
    }
}

/// One way to cut.
struct Cut {
    words: usize,
    remaining: Vec<char>,
    /// What lies before, between and behind the words.
    gaps: Vec<String>,
}

/// The edit distance, by the book.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            next.push((row[j] + usize::from(x != y)).min(row[j + 1] + 1).min(next[j] + 1));
        }
        row = next;
    }
    row[b.len()]
}
