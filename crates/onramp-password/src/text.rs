//! A candidate as the rules look at it: counted once, folded once, nothing left behind.

use alloc::vec::Vec;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};
use zeroize::Zeroize;

use crate::case::fold_case;
use crate::class::{CharacterClass, Classes};
use crate::protection::Substitutions;

/// The longest candidate that is compared with words character by character, in characters. No directory takes more.
pub(crate) const MAX_FOLDED: usize = 256;

/// The classes of the ASCII characters, as Active Directory sorts them, or marks.
static BYTES: [u8; 256] = bytes();
/// An ASCII character that is not printable.
const CONTROL: u8 = 1 << 6;
/// A part of a character that is not ASCII.
const FOREIGN: u8 = 1 << 7;

const fn bytes() -> [u8; 256] {
    let mut table = [FOREIGN; 256];
    let mut byte = 0;
    while byte < 128 {
        let class = match byte {
            b'A'..=b'Z' => 1 << CharacterClass::Upper as u8,
            b'a'..=b'z' => 1 << CharacterClass::Lower as u8,
            b'0'..=b'9' => 1 << CharacterClass::Digit as u8,
            b'!'..=b'~' => 1 << CharacterClass::Symbol as u8,
            b' ' => 0,
            _ => CONTROL,
        };
        #[allow(clippy::indexing_slicing)] // below 128
        {
            table[byte as usize] = class;
        }
        byte += 1;
    }
    table
}

/// A candidate and what every rule wants to know of it.
#[derive(Clone, Copy)]
pub(crate) struct Text<'a> {
    pub(crate) text: &'a str,
    /// True if each character is one byte.
    pub(crate) ascii: bool,
    pub(crate) chars: usize,
    pub(crate) utf16: usize,
    /// The classes on premises.
    pub(crate) classes: Classes,
    /// The classes in the cloud.
    pub(crate) cloud_classes: Classes,
    /// True if every character is printable ASCII.
    pub(crate) printable: bool,
}

impl<'a> Text<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        #[allow(clippy::indexing_slicing)] // every byte has a place
        let seen = text.as_bytes().iter().fold(0, |seen, &byte| seen | BYTES[usize::from(byte)]);
        if seen & FOREIGN != 0 {
            return Self::of_unicode(text);
        }
        let (classes, length) = (Classes::from_bits(seen), text.len());
        Self {
            text,
            ascii: true,
            chars: length,
            utf16: length,
            classes,
            cloud_classes: classes,
            printable: seen & CONTROL == 0,
        }
    }

    fn of_unicode(text: &'a str) -> Self {
        let mut all = Self {
            text,
            ascii: false,
            chars: 0,
            utf16: 0,
            classes: Classes::NONE,
            cloud_classes: Classes::NONE,
            printable: false,
        };
        for c in text.chars() {
            all.chars += 1;
            all.utf16 += c.len_utf16();
            all.classes = all.classes.with(CharacterClass::on_premises(c));
            all.cloud_classes = all.cloud_classes.with(CharacterClass::in_cloud(c));
        }
        all
    }

    /// Returns the number of code points after NFC.
    pub(crate) fn nfc_length(&self) -> usize {
        match self.ascii || is_nfc_quick(self.text.chars()) == IsNormalized::Yes {
            true => self.chars,
            false => self.text.nfc().count(),
        }
    }

    /// Returns the byte at which a character begins.
    pub(crate) fn byte(&self, position: usize) -> usize {
        if self.ascii {
            position.min(self.text.len())
        } else {
            self.text.char_indices().nth(position).map_or(self.text.len(), |(byte, _)| byte)
        }
    }
}

/// A table of substitutions made quick.
#[derive(Clone, Debug)]
pub(crate) struct Fold {
    ascii: [char; 128],
    /// The characters that are not ASCII, sorted.
    others: Vec<(char, char)>,
}

impl Fold {
    pub(crate) fn new(table: &Substitutions) -> Self {
        let mut ascii = ['\0'; 128];
        for (slot, byte) in ascii.iter_mut().zip(0_u8..) {
            *slot = table.normalize(char::from(byte));
        }
        let foreign = table.pairs().iter().filter(|(from, _)| !from.is_ascii());
        let mut others: Vec<_> = foreign.map(|&(from, _)| (from, table.normalize(from))).collect();
        others.sort_unstable();
        others.dedup();
        Self { ascii, others }
    }

    /// Only case is ignored.
    pub(crate) fn case() -> Self {
        Self::new(&Substitutions::none())
    }

    #[inline]
    pub(crate) fn fold(&self, c: char) -> char {
        match self.ascii.get(c as usize) {
            Some(&folded) => folded,
            None => self.fold_foreign(c),
        }
    }

    fn fold_foreign(&self, c: char) -> char {
        let lower = fold_case(c);
        match self.ascii.get(lower as usize) {
            Some(&folded) => folded,
            None => match self.others.binary_search_by_key(&lower, |&(from, _)| from) {
                Ok(found) => self.others.get(found).map_or(lower, |&(_, to)| to),
                Err(_) => lower,
            },
        }
    }

    pub(crate) fn fold_word(&self, word: &str) -> Vec<char> {
        word.chars().map(|c| self.fold(c)).collect()
    }
}

/// A folded candidate on the stack; wiped when dropped.
pub(crate) struct Folded {
    letters: [char; MAX_FOLDED],
    len: usize,
}

impl Folded {
    /// `None` for a candidate that is too long.
    pub(crate) fn new(text: &Text<'_>, fold: &Fold) -> Option<Self> {
        if text.chars > MAX_FOLDED {
            return None;
        }
        let mut folded = Self { letters: ['\0'; MAX_FOLDED], len: text.chars };
        if text.ascii {
            for (slot, &byte) in folded.letters.iter_mut().zip(text.text.as_bytes()) {
                *slot = fold.ascii.get(usize::from(byte)).copied().unwrap_or_default();
            }
        } else {
            for (slot, c) in folded.letters.iter_mut().zip(text.text.chars()) {
                *slot = fold.fold(c);
            }
        }
        Some(folded)
    }

    #[inline]
    pub(crate) fn letters(&self) -> &[char] {
        self.letters.get(..self.len).unwrap_or_default()
    }
}

impl Drop for Folded {
    fn drop(&mut self) {
        if let Some(used) = self.letters.get_mut(..self.len) {
            used.zeroize();
        }
    }
}
