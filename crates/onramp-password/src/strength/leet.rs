//! Character substitutions in words, and the combinations of them that zxcvbn considers.
//!
//! zxcvbn tries every table that gives each letter one of its characters present in the candidate, and translates the
//! candidate with each. The tables need not be listed: a word fits one of them exactly if no letter and no character
//! occurs in it in two ways, and every character that it leaves as it is could be left so, because each letter that
//! the character could stand for has another one to be written with.

/// Letters with the characters that stand for them, as in zxcvbn.
const PAIRS: [(u8, u8); 23] = [
    (b'4', b'a'),
    (b'@', b'a'),
    (b'8', b'b'),
    (b'(', b'c'),
    (b'{', b'c'),
    (b'[', b'c'),
    (b'<', b'c'),
    (b'3', b'e'),
    (b'6', b'g'),
    (b'9', b'g'),
    (b'1', b'i'),
    (b'!', b'i'),
    (b'|', b'i'),
    (b'1', b'l'),
    (b'|', b'l'),
    (b'7', b'l'),
    (b'0', b'o'),
    (b'$', b's'),
    (b'5', b's'),
    (b'+', b't'),
    (b'7', b't'),
    (b'%', b'x'),
    (b'2', b'z'),
];

/// The pairs in which each byte stands for a letter.
#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler, which refuses a wrong index")]
const BY_CHARACTER: [u32; 128] = {
    let mut table = [0; 128];
    let mut at = 0;
    while at < PAIRS.len() {
        table[PAIRS[at].0 as usize] |= 1 << at;
        at += 1;
    }
    table
};

/// The pairs of the same letter, for each pair.
#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler, which refuses a wrong index")]
const SAME_LETTER: [u32; PAIRS.len()] = {
    let mut table = [0; PAIRS.len()];
    let mut at = 0;
    while at < PAIRS.len() {
        let mut other = 0;
        while other < PAIRS.len() {
            if PAIRS[other].1 == PAIRS[at].1 {
                table[at] |= 1 << other;
            }
            other += 1;
        }
        at += 1;
    }
    table
};

/// Returns the pairs whose character is this byte: 0 for a character that stands for no letter.
#[inline]
pub(super) fn pairs_of(byte: u8) -> u32 {
    BY_CHARACTER.get(usize::from(byte)).copied().unwrap_or_default()
}

/// Returns the character and the letter of each pair in a set.
#[inline]
pub(super) fn pairs(mut set: u32) -> impl Iterator<Item = (u32, u8, u8)> {
    core::iter::from_fn(move || {
        let (from, to) = PAIRS.get(set.trailing_zeros() as usize)?;
        let pair = set & set.wrapping_neg();
        set &= !pair;
        Some((pair, *from, *to))
    })
}

/// The substitutions used so far in a word.
#[derive(Clone, Copy, Default)]
pub(super) struct Reading {
    /// The pairs that were used.
    pub(super) used: u32,
    /// The pairs whose character was left as it is.
    kept: u32,
}

impl Reading {
    /// The same reading, with a character that stands for a letter left as it is; nothing if it was replaced before.
    #[inline]
    pub(super) fn keep(self, byte: u8) -> Option<Self> {
        let pairs = pairs_of(byte);
        (self.used & pairs == 0).then_some(Self { kept: self.kept | pairs, ..self })
    }

    /// The same reading, with a character replaced; nothing if the character or the letter occurred in another way.
    #[inline]
    pub(super) fn replace(self, pair: u32, byte: u8) -> Option<Self> {
        let same_letter = SAME_LETTER.get(pair.trailing_zeros() as usize).copied().unwrap_or_default();
        let others = (pairs_of(byte) | same_letter) & !pair;
        ((self.kept & pair) | (self.used & others) == 0).then_some(Self { used: self.used | pair, ..self })
    }

    /// Returns true if one table of zxcvbn reads a word like this, given the pairs whose characters occur in the
    /// candidate.
    pub(super) fn is_possible(self, present: u32) -> bool {
        self.used == 0
            || pairs(self.kept).all(|(pair, ..)| {
                let same_letter =
                    SAME_LETTER.get(pair.trailing_zeros() as usize).copied().unwrap_or_default();
                same_letter & self.used != 0 || same_letter & present & !self.kept != 0
            })
    }
}
