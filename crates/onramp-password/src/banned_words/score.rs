//! The points of a password: one for each word, one for each character beside the words.

use super::index::{Index, Numbers};
use crate::text::{MAX_FOLDED, Text};
use crate::verdict::Spans;

/// The fewest points up to a place, and behind them where the last piece begins: as one number, so that the fewer points,
/// and then the longer piece, are the lesser number.
type Cut = u32;

/// A place that nothing reached.
const UNREACHED: Cut = Cut::MAX;

/// A password of usual length has fewer places than that.
const USUAL: usize = 64;

/// Returns the fewest points over all ways to cut a candidate into words and single characters; and if they are not enough,
/// where the words are.
#[inline]
pub(super) fn fewest(index: &Index, numbers: &[u16], text: &Text<'_>, enough: usize) -> (usize, Spans) {
    if numbers.len() < USUAL {
        cheapest(index, numbers, text, enough, &mut [UNREACHED; USUAL])
    } else {
        cheapest(index, numbers, text, enough, &mut [UNREACHED; MAX_FOLDED + 1])
    }
}

/// The same with room for a cut at each place.
fn cheapest(
    index: &Index,
    numbers: &[u16],
    text: &Text<'_>,
    enough: usize,
    cuts: &mut [Cut],
) -> (usize, Spans) {
    let length = numbers.len();
    // How far the points are known. Before the first word they are.
    let mut known: Option<(usize, u32)> = None;
    for start in index.starts(numbers) {
        index.ends(numbers, start, |end| {
            #[allow(clippy::cast_possible_truncation)] // at most 256
            let (done, points) = known.unwrap_or((start, start as u32));
            let points = go_on(cuts, done, points, start);
            known = Some((start, points));
            if let Some(cut) = cuts.get_mut(end) {
                *cut = (*cut).min(piece(points + 1, start));
            }
        });
    }
    let Some((done, points)) = known else { return (length, Spans::NONE) };
    let points = go_on(cuts, done, points, length) as usize;
    (points, if points < enough { pieces(cuts, length, text) } else { Spans::NONE })
}

/// Goes on from a place with its points to another one, character by character where no word was better.
#[inline]
fn go_on(cuts: &mut [Cut], done: usize, mut points: u32, to: usize) -> u32 {
    for (cut, at) in cuts.get_mut(done + 1..=to).unwrap_or_default().iter_mut().zip(done..) {
        *cut = (*cut).min(piece(points + 1, at));
        points = *cut >> 16;
    }
    points
}

#[inline]
fn piece(points: u32, start: usize) -> Cut {
    #[allow(clippy::cast_possible_truncation)] // at most 256
    let start = start as u32;
    points << 16 | start
}

/// Returns the places of the words in the cheapest cut.
fn pieces(cuts: &mut [Cut], length: usize, text: &Text<'_>) -> Spans {
    // Backwards they come in the wrong order, so that each place is made to say where the next one is.
    let (mut at, mut next) = (length, length);
    while let Some(cut) = cuts.get_mut(at) {
        let before = if *cut == UNREACHED { at.saturating_sub(1) } else { (*cut & 0xFFFF) as usize };
        *cut = piece(0, next);
        if at == 0 {
            break;
        }
        (at, next) = (before, at);
    }
    let (mut spans, mut at) = (Spans::NONE, 0);
    while at < length {
        let end = cuts.get(at).map_or(length, |&cut| cut as usize).max(at + 1);
        if end - at > 1 {
            spans.add(text.byte(at), text.byte(end));
        }
        at = end;
    }
    spans
}

/// Returns the most points that any way to find words one after another can leave: over all cuts in which no further word
/// fits between those that are cut out.
pub(super) fn most(index: &Index, numbers: &[u16]) -> usize {
    let length = numbers.len();
    let mut may_start = [false; MAX_FOLDED];
    for start in index.starts(numbers) {
        if let Some(slot) = may_start.get_mut(start) {
            *slot = true;
        }
    }
    // best[at] = the most points of what follows; word[at] = the most if a word begins there, else zero.
    let (mut best, mut word) = ([0_usize; MAX_FOLDED + 1], [0_usize; MAX_FOLDED + 1]);
    // Where the first word ends that begins at this place or later.
    let mut first_end = usize::MAX;
    for at in (0..length).rev() {
        let mut most = 0;
        if may_start.get(at).copied().unwrap_or_default() {
            index.ends(numbers, at, |end| {
                most = most.max(1 + best.get(end).copied().unwrap_or_default());
                first_end = first_end.min(end);
            });
        }
        if let Some(slot) = word.get_mut(at) {
            *slot = most;
        }
        let here = if first_end == usize::MAX {
            length - at
        } else {
            let begins = word.iter().enumerate().take(first_end).skip(at).filter(|&(_, &points)| points > 0);
            begins.map(|(start, &points)| start - at + points).max().unwrap_or(length - at)
        };
        if let Some(slot) = best.get_mut(at) {
            *slot = here;
        }
    }
    best.first().copied().unwrap_or_default()
}

/// The maximum number of steps in the search for the exact number of points. Beyond it, the bound is the answer.
const MAX_SEARCHED: usize = 4096;

/// The pieces of a candidate that count as words, and the characters that count once.
struct Cuts<'a> {
    folded: &'a [char],
    /// The lengths of the pieces at each start, one bit each.
    pieces: [u64; MAX_FOLDED],
    /// The position of the first occurrence of each character.
    first: [u16; MAX_FOLDED],
    /// The fewest points of what follows, when a character counts only where it stands first.
    bound: [u16; MAX_FOLDED + 1],
}

/// Returns the fewest points of the strictest interpretation: pieces one edit away from a word count as that word, and a character
/// that remains counts once, however often it remains.
///
/// It is exact where the search for it is short, which it is for every password that is not made to mislead it; else it
/// is a lower bound.
pub(super) fn strictest(index: &Index, folded: &[char], numbers: &Numbers, enough: usize) -> usize {
    let numbers = numbers.get();
    // A character that is in no word is a point of its own, or the one edit of a piece that is a point.
    if distinct(folded.iter().zip(numbers).filter(|&(_, &number)| number == 0).map(|(&c, _)| c)) >= enough {
        return enough;
    }
    let mut cuts =
        Cuts { folded, pieces: [0; MAX_FOLDED], first: [0; MAX_FOLDED], bound: [0; MAX_FOLDED + 1] };
    let mut too_long = false;
    index.near_pieces(numbers, |start, end| match cuts.pieces.get_mut(start) {
        Some(slot) if end - start < 64 => *slot |= 1 << (end - start),
        _ => too_long = true,
    });
    if too_long {
        // A word of more than sixty characters: one piece that is a point by itself.
        return 1;
    }
    cuts.prepare();
    let bound = usize::from(cuts.bound.first().copied().unwrap_or_default());
    if bound >= enough {
        return bound;
    }
    let best = cuts.greedy();
    if best == bound {
        return bound;
    }
    let mut search = Search { cuts: &cuts, best, left: MAX_SEARCHED };
    search.from(0, 0, &mut Remaining { seen: [0; 4], count: 0 });
    if search.left == 0 { bound } else { search.best }
}

fn distinct(characters: impl Iterator<Item = char>) -> usize {
    let mut seen = 0_u128;
    for c in characters {
        // What is not ASCII counts as one: fewer than there are is safe.
        seen |= 1 << (c as u32).min(127);
    }
    seen.count_ones() as usize
}

impl Cuts<'_> {
    fn prepare(&mut self) {
        let mut ascii = [u16::MAX; 128];
        for (at, &c) in self.folded.iter().enumerate() {
            #[allow(clippy::cast_possible_truncation)] // below 256
            let here = at as u16;
            let first = match ascii.get_mut(c as usize) {
                Some(known) => {
                    *known = (*known).min(here);
                    *known
                }
                #[allow(clippy::cast_possible_truncation)] // below 256
                None => self.folded.iter().position(|&other| other == c).map_or(here, |first| first as u16),
            };
            if let Some(slot) = self.first.get_mut(at) {
                *slot = first;
            }
        }
        for at in (0..self.folded.len()).rev() {
            let new = u16::from(usize::from(self.first_of(at)) == at);
            let mut fewest = self.bound_at(at + 1) + new;
            self.each_piece(at, |end| fewest = fewest.min(1 + self.bound_at(end)));
            if let Some(slot) = self.bound.get_mut(at) {
                *slot = fewest;
            }
        }
    }

    /// Returns the points of the cut that the bound suggests.
    fn greedy(&self) -> usize {
        let mut remaining = Remaining { seen: [0; 4], count: 0 };
        let (mut at, mut words) = (0, 0);
        while at < self.folded.len() {
            let mut next = (self.bound_at(at), at);
            self.each_piece(at, |end| {
                if self.bound_at(end) < next.0 {
                    next = (1 + self.bound_at(end), end);
                }
            });
            if next.1 > at {
                words += 1;
                at = next.1;
            } else {
                remaining.add(self.first_of(at));
                at += 1;
            }
        }
        words + remaining.count
    }

    fn each_piece(&self, start: usize, mut piece: impl FnMut(usize)) {
        let mut lengths = self.pieces.get(start).copied().unwrap_or_default();
        while lengths != 0 {
            piece(start + lengths.trailing_zeros() as usize);
            lengths &= lengths - 1;
        }
    }

    fn first_of(&self, at: usize) -> u16 {
        self.first.get(at).copied().unwrap_or_default()
    }

    fn bound_at(&self, at: usize) -> u16 {
        self.bound.get(at).copied().unwrap_or_default()
    }
}

/// The different characters that remain, by where each stood first.
struct Remaining {
    seen: [u64; 4],
    count: usize,
}

impl Remaining {
    /// Adds a character and returns true if it is new.
    fn add(&mut self, first: u16) -> bool {
        let (word, bit) = (usize::from(first / 64), 1 << (first % 64));
        match self.seen.get_mut(word) {
            Some(seen) if *seen & bit == 0 => {
                *seen |= bit;
                self.count += 1;
                true
            }
            _ => false,
        }
    }

    fn remove(&mut self, first: u16) {
        if let Some(seen) = self.seen.get_mut(usize::from(first / 64)) {
            *seen &= !(1 << (first % 64));
            self.count -= 1;
        }
    }
}

/// A search for a better cut, which leaves a way as soon as the bound says that it cannot be one.
struct Search<'a> {
    cuts: &'a Cuts<'a>,
    best: usize,
    left: usize,
}

impl Search<'_> {
    fn from(&mut self, at: usize, words: usize, remaining: &mut Remaining) {
        if words + remaining.count + usize::from(self.cuts.bound_at(at)) >= self.best || self.left == 0 {
            return;
        }
        self.left -= 1;
        if at >= self.cuts.folded.len() {
            self.best = words + remaining.count;
            return;
        }
        let cuts = self.cuts;
        cuts.each_piece(at, |end| self.from(end, words + 1, remaining));
        let first = cuts.first_of(at);
        let added = remaining.add(first);
        self.from(at + 1, words, remaining);
        if added {
            remaining.remove(first);
        }
    }
}
