//! Pieces that are repeated at once, such as `aaa` or `abcabc`.

use alloc::vec::Vec;

use super::MAX_CHARS;
use super::text::Text;

/// A piece and how often it stands there.
pub(super) struct Repeat {
    pub(super) start: usize,
    pub(super) end: usize,
    /// The length of the shortest piece that makes up the whole.
    pub(super) period: usize,
}

/// The shortest and the longest repeated piece at each position; 0 for none.
#[derive(Default)]
pub(super) struct Squares(Vec<(u16, u16)>);

impl Squares {
    pub(super) fn with_capacity() -> Self {
        Self(Vec::with_capacity(MAX_CHARS))
    }

    /// Reports the repeats that zxcvbn finds: from left to right, each after the end of the one before.
    pub(super) fn find(&mut self, text: &Text, start: usize, end: usize, report: &mut impl FnMut(Repeat)) {
        self.measure(text, start, end);
        let mut at = start;
        while at < end {
            let (shortest, longest) = self.0.get(at - start).copied().unwrap_or_default();
            if shortest == 0 {
                at += 1;
                continue;
            }
            let (shortest, longest) = (usize::from(shortest), usize::from(longest));
            // Greedy beats lazy for `aabaab`, lazy beats greedy for `aaaaa`.
            let lazy = run_end(text, at, end, shortest);
            let greedy = run_end(text, at, end, longest);
            let (stop, period) =
                if greedy > lazy { (greedy, shortest_period(text, at, greedy)) } else { (lazy, shortest) };
            report(Repeat { start: at, end: stop, period });
            at = stop;
        }
    }

    /// Looks, for every length, at the runs of positions at which the text is the same that much further on: where a whole
    /// length of such a run is left, a square begins.
    ///
    /// So many positions in a row hold one of every `length`th, so that the others are looked at only beside those.
    fn measure(&mut self, text: &Text, start: usize, end: usize) {
        self.0.clear();
        self.0.resize(end - start, (0, 0));
        let chars = text.chars.get(start..end).unwrap_or_default();
        for length in 1..=chars.len() / 2 {
            let shifted = chars.get(length..).unwrap_or_default();
            // As in the regular expressions of zxcvbn, a line feed is not part of a repeat.
            let same = |at: usize| {
                let pair = chars.get(at).zip(shifted.get(at));
                pair.is_some_and(|(a, b)| a == b && *a != '\n')
            };
            let mut probe = length - 1;
            while probe < shifted.len() {
                let mut run = probe..probe;
                while same(run.end) {
                    run.end += 1;
                }
                if !run.is_empty() {
                    while run.start > 0 && same(run.start - 1) {
                        run.start -= 1;
                    }
                    let squares = self.0.get_mut(run.start..(run.end + 1).saturating_sub(length));
                    let length = u16::try_from(length).unwrap_or(u16::MAX);
                    for slot in squares.unwrap_or_default() {
                        slot.0 = if slot.0 == 0 { length } else { slot.0 };
                        slot.1 = length;
                    }
                }
                // Where the run ends the text is another one.
                probe += length * ((run.end - probe) / length + 1);
            }
        }
    }
}

/// Returns the position at which the repetition of a piece ends.
fn run_end(text: &Text, start: usize, end: usize, length: usize) -> usize {
    let mut stop = start + length;
    while stop + length <= end && (stop..stop + length).all(|at| text.char(at) == text.char(at - length)) {
        stop += length;
    }
    stop
}

fn shortest_period(text: &Text, start: usize, end: usize) -> usize {
    let length = end - start;
    (1..length)
        .find(|period| length.is_multiple_of(*period) && run_end(text, start, end, *period) == end)
        .unwrap_or(length)
}
