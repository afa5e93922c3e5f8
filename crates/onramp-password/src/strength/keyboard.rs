//! Walks over neighbouring keys of a keyboard or keypad.

use super::found::{Found, Kind};
use super::numbers;
use super::text::Text;

/// The position of a key, and the need for Shift.
#[derive(Clone, Copy)]
struct Key {
    x: i8,
    y: i8,
    shifted: bool,
}

/// The keys of one layout, by character.
type Keys = [Option<Key>; 128];

struct Layout {
    keys: &'static Keys,
    /// Rows that lie half a key to the right of the row above them.
    slanted: bool,
    /// The number of characters that a walk can start with, and the average number of neighbors of a key.
    starts: f64,
    degree: f64,
}

/// The average degrees are those of the QWERTY board and of the keypad, also for the boards like them, as in zxcvbn.
static LAYOUTS: [Layout; 4] = [
    Layout { keys: &QWERTY, slanted: true, starts: 94.0, degree: 432.0 / 94.0 },
    Layout { keys: &DVORAK, slanted: true, starts: 94.0, degree: 432.0 / 94.0 },
    Layout { keys: &KEYPAD, slanted: false, starts: 15.0, degree: 76.0 / 15.0 },
    Layout { keys: &MAC_KEYPAD, slanted: false, starts: 15.0, degree: 76.0 / 15.0 },
];

static QWERTY: Keys = board(&[
    (0, b"`~1!2@3#4$5%6^7&8*9(0)-_=+"),
    (1, b"qQwWeErRtTyYuUiIoOpP[{]}\\|"),
    (1, b"aAsSdDfFgGhHjJkKlL;:'\""),
    (1, b"zZxXcCvVbBnNmM,<.>/?"),
]);

static DVORAK: Keys = board(&[
    (0, b"`~1!2@3#4$5%6^7&8*9(0)[{]}"),
    (1, b"'\",<.>pPyYfFgGcCrRlL/?=+\\|"),
    (1, b"aAoOeEuUiIdDhHtTnNsS-_"),
    (1, b";:qQjJkKxXbBmMwWvVzZ"),
]);

static KEYPAD: Keys = pad(&[(1, b"/*-"), (0, b"789+"), (0, b"456"), (0, b"123"), (1, b"0.")]);

static MAC_KEYPAD: Keys = pad(&[(1, b"=/*"), (0, b"789-"), (0, b"456+"), (0, b"123"), (1, b"0.")]);

/// Rows of pairs, without and with Shift, with the place of the first key.
const fn board(rows: &[(i8, &[u8])]) -> Keys {
    lay(rows, 2)
}

/// Rows of keys without Shift.
const fn pad(rows: &[(i8, &[u8])]) -> Keys {
    lay(rows, 1)
}

#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler, which refuses a wrong index")]
const fn lay(rows: &[(i8, &[u8])], per_key: usize) -> Keys {
    let mut keys = [None; 128];
    let mut y = 0;
    while y < rows.len() {
        let (first, row) = rows[y];
        let mut at = 0;
        while at < row.len() {
            let x = first + (at / per_key) as i8;
            keys[row[at] as usize] = Some(Key { x, y: y as i8, shifted: at % per_key == 1 });
            at += 1;
        }
        y += 1;
    }
    keys
}

impl Layout {
    #[inline]
    fn key(&self, c: char) -> Option<Key> {
        self.keys.get(c as usize).copied().flatten()
    }

    /// Returns the direction from one key to a neighbour; nothing if they are not neighbours.
    #[inline]
    fn direction(&self, from: Key, to: Key) -> Option<i8> {
        let (dx, dy) = (to.x - from.x, to.y - from.y);
        let near = dx.abs() <= 1 && dy.abs() <= 1 && (dx, dy) != (0, 0);
        // On slanted rows a key touches two keys of the row above and two of the row below.
        let touches = !self.slanted || dx + dy == 0 || dx == 0 || dy == 0;
        (near && touches).then_some(3 * dy + dx)
    }
}

/// Reports the walks of three keys and more on every layout.
pub(super) fn find(text: &Text, start: usize, end: usize, report: &mut impl FnMut(Found)) {
    for layout in &LAYOUTS {
        let mut at = start;
        while at + 2 < end {
            at = walk(layout, text, at, end, report).max(at + 1);
        }
    }
}

/// Follows one walk, and says where the next one can begin.
fn walk(layout: &Layout, text: &Text, start: usize, end: usize, report: &mut impl FnMut(Found)) -> usize {
    let Some(mut key) = layout.key(text.char(start)) else { return start + 1 };
    let (mut turns, mut shifted) = (0_usize, usize::from(key.shifted));
    let mut last = None;
    let mut at = start + 1;
    while at < end
        && let Some(next) = layout.key(text.char(at))
        && let Some(direction) = layout.direction(key, next)
    {
        shifted += usize::from(next.shifted);
        if last != Some(direction) {
            turns += 1;
            last = Some(direction);
        }
        key = next;
        at += 1;
    }
    if at - start > 2 {
        let kind = if turns == 1 { Kind::KeyboardRow } else { Kind::KeyboardPattern };
        report(Found::new(start, at, kind, guesses(layout, at - start, turns, shifted)));
    }
    at
}

/// Returns the number of walks of at most this length and number of turns.
fn guesses(layout: &Layout, length: usize, turns: usize, shifted: usize) -> f64 {
    // zxcvbn adds, over the lengths i from 2 and the turns j from 1 to at most i - 1, (i-1 over j-1) * starts *
    // degree^j. Over the lengths these binomials add up to (length over j) - 1.
    let (mut choose, mut power, mut sum) = (1.0, 1.0, 0.0);
    for j in 1..=turns.min(length - 1) {
        choose *= (length - j + 1) as f64;
        choose /= j as f64;
        power *= layout.degree;
        sum += (choose - 1.0) * power;
    }
    let guesses = sum * layout.starts;
    let unshifted = length - shifted;
    match (shifted, unshifted) {
        (0, _) => guesses,
        (_, 0) => guesses * 2.0,
        _ => guesses * numbers::choose_up_to(length, shifted.min(unshifted)),
    }
}
