//! Entra's score as one writes it down with the aho-corasick crate: the peer.

use std::collections::HashMap;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

/// A list of banned terms.
pub(crate) struct Naive {
    automaton: AhoCorasick,
    /// Terms by length, for the distance.
    by_length: HashMap<usize, Vec<String>>,
}

impl Naive {
    pub(crate) fn new(terms: &[String]) -> Self {
        let folded: Vec<String> = terms.iter().map(|term| fold(term)).collect();
        let automaton = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(&folded)
            .expect("terms that fit");
        let mut by_length: HashMap<usize, Vec<String>> = HashMap::new();
        folded.into_iter().for_each(|term| by_length.entry(term.len()).or_default().push(term));
        Self { automaton, by_length }
    }

    /// The points over exact occurrences.
    pub(crate) fn points(&self, candidate: &str) -> usize {
        let text = fold(candidate);
        let mut cheapest: Vec<usize> = (0..=text.len()).collect();
        let mut done = 0;
        let mut carry = |cheapest: &mut Vec<usize>, to: usize| {
            for at in done..to {
                cheapest[at + 1] = cheapest[at + 1].min(cheapest[at] + 1);
            }
            done = done.max(to);
        };
        // Occurrences come by their ends.
        for found in self.automaton.find_overlapping_iter(&text) {
            carry(&mut cheapest, found.end());
            cheapest[found.end()] = cheapest[found.end()].min(cheapest[found.start()] + 1);
        }
        carry(&mut cheapest, text.len());
        cheapest[text.len()]
    }

    /// Whether it is accepted: no term at distance one, and five points.
    pub(crate) fn accepts(&self, candidate: &str) -> bool {
        let text = fold(candidate);
        let mut lengths = text.len().saturating_sub(1)..=text.len() + 1;
        let near = lengths.any(|length| {
            let terms = self.by_length.get(&length).map(Vec::as_slice).unwrap_or_default();
            terms.iter().any(|term| within_one(term.as_bytes(), text.as_bytes()))
        });
        !near && self.points(candidate) >= 5
    }
}

fn fold(text: &str) -> String {
    text.chars()
        .map(|c| match c.to_ascii_lowercase() {
            '0' => 'o',
            '1' => 'l',
            '$' => 's',
            '@' => 'a',
            c => c,
        })
        .collect()
}

/// Whether one edit makes one of the other: what is left between the longest common beginning and end.
fn within_one(a: &[u8], b: &[u8]) -> bool {
    let (a, b) = if a.len() > b.len() { (b, a) } else { (a, b) };
    let head = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let tail = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
    b.len() - a.len() <= 1 && b.len() <= head + tail + 1
}
