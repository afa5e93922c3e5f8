//! How many candidates the banned words can exclude, at most.

use crate::protection::Scorer;

/// The largest possible share of all strings of this length that score fewer points than needed in the conservative
/// reading, or are a banned word as a whole. The latter make one point, and so are among the former when two are
/// needed.
///
/// A string scores fewer than `required` when it can be cut into fewer pieces, each a single character or within one
/// edit of a word. Summing the share of every such way to cut counts some strings twice, and misses none.
pub(super) fn excluded_at_most(scorer: &Scorer, alphabet: &[char], length: usize) -> f64 {
    if scorer.targets().is_empty() {
        return 0.0;
    }
    let pieces = piece_shares(scorer, alphabet, length);
    // cut[position] = the share of strings whose first characters can be cut into so many pieces.
    let mut cut = vec![0.0; length + 1];
    if let Some(start) = cut.first_mut() {
        *start = 1.0;
    }
    let mut excluded = 0.0;
    for _ in 0..scorer.required().max(2) {
        excluded += cut.last().copied().unwrap_or_default();
        let mut longer = vec![0.0; length + 1];
        for (start, &share) in cut.iter().enumerate().filter(|&(_, &share)| share > 0.0) {
            for (to, &piece) in longer.iter_mut().skip(start + 1).zip(&pieces) {
                *to += share * piece;
            }
        }
        cut = longer;
    }
    excluded.min(1.0)
}

/// The largest possible share of strings of each length, beginning with one, that make a single point.
fn piece_shares(scorer: &Scorer, alphabet: &[char], length: usize) -> Vec<f64> {
    let mut shares = vec![0.0; length];
    let mut add = |length: usize, share: f64| {
        if let Some(slot) = length.checked_sub(1).and_then(|index| shares.get_mut(index)) {
            *slot += share;
        }
    };
    for word in scorer.words() {
        let letters: Vec<f64> = word.iter().map(|&letter| letter_share(scorer, alphabet, letter)).collect();
        let whole: f64 = letters.iter().product();
        let all_but_one: f64 = (0..letters.len())
            .map(|left_out| {
                letters
                    .iter()
                    .enumerate()
                    .filter(|&(i, _)| i != left_out)
                    .map(|(_, share)| share)
                    .product::<f64>()
            })
            .sum();
        #[allow(clippy::cast_precision_loss)] // the length of a word
        let places = (letters.len() + 1) as f64;
        add(word.len() - 1, all_but_one); // one letter removed
        add(word.len(), all_but_one); // one letter replaced by any, itself included
        add(word.len() + 1, places * whole); // any letter inserted
    }
    for share in &mut shares {
        *share = share.min(1.0);
    }
    if let Some(single) = shares.first_mut() {
        *single = 1.0;
    }
    shares
}

/// The share of the alphabet that is normalised to this letter.
#[allow(clippy::cast_precision_loss)] // the size of an alphabet
fn letter_share(scorer: &Scorer, alphabet: &[char], letter: char) -> f64 {
    let matching = alphabet.iter().filter(|&&c| scorer.table().normalise(c) == letter).count();
    matching as f64 / alphabet.len() as f64
}
