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

/// For every position the shortest and the longest piece that is repeated there; 0 for none.
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

    /// Looks at all pairs of positions once, from the back, so that every square is known in quadratic time.
    fn measure(&mut self, text: &Text, start: usize, end: usize) {
        self.0.clear();
        self.0.resize(end - start, (0, 0));
        let chars = text.chars.get(start..end).unwrap_or_default();
        for length in 1..=chars.len() / 2 {
            let shifted = chars.get(length..).unwrap_or_default();
            let mut equal = 0;
            for ((slot, a), b) in self.0.iter_mut().zip(chars).zip(shifted).rev() {
                // As in the regular expressions of zxcvbn, a line feed is not part of a repeat.
                equal = if a == b && *a != '\n' { equal + 1 } else { 0 };
                if equal >= length {
                    let length = u16::try_from(length).unwrap_or(u16::MAX);
                    slot.0 = if slot.0 == 0 { length } else { slot.0 };
                    slot.1 = length;
                }
            }
        }
    }
}

/// Where a piece stops being repeated as a whole.
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
