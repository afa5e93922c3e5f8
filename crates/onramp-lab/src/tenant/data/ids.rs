//! Identifiers and secrets drawn from the seed, so that the same seed gives the same tenant.

use crate::random::SeededNumbers;

/// The source of everything that looks random in a tenant.
#[derive(Clone, Debug)]
pub(crate) struct SeededRng(SeededNumbers);

impl SeededRng {
    pub(crate) fn seeded(seed: u64) -> Self {
        Self(SeededNumbers::new(seed))
    }

    /// A version 4 GUID, lower case.
    pub(crate) fn guid(&mut self) -> String {
        let value = self.0.next_u128() & 0xffff_ffff_ffff_0fff_3fff_ffff_ffff_ffff
            | 0x0000_0000_0000_4000_8000_0000_0000_0000;
        guid_text(value)
    }

    /// A number below `bound`; 0 when `bound` is 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        // The bias of a plain remainder is far below anything a test could see.
        self.0.next_u64().checked_rem(bound).unwrap_or(0)
    }

    /// `length` characters of letters and digits.
    pub(crate) fn letters(&mut self, length: usize) -> String {
        const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        (0..length)
            .map(|_| {
                let at = usize::try_from(self.below(62)).unwrap_or(0);
                ALPHABET.get(at).copied().map_or('A', char::from)
            })
            .collect()
    }

    /// A password that every documented rule accepts.
    pub(crate) fn password(&mut self) -> String {
        format!("{}-{}.{}7aZ", self.letters(6), self.letters(6), self.letters(6))
    }
}

/// Returns true if the text has the form of a GUID (8-4-4-4-12 hexadecimal digits).
pub(crate) fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.char_indices().all(|(at, c)| match at {
            8 | 13 | 18 | 23 => c == '-',
            _ => c.is_ascii_hexdigit(),
        })
}

fn guid_text(value: u128) -> String {
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        value >> 96,
        value >> 80 & 0xffff,
        value >> 64 & 0xffff,
        value >> 48 & 0xffff,
        value & 0xffff_ffff_ffff
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_guids_and_another_seed_others() {
        let (mut a, mut b, mut c) = (SeededRng::seeded(7), SeededRng::seeded(7), SeededRng::seeded(8));
        let first = a.guid();
        assert!(is_guid(&first), "{first}");
        assert_eq!(&first[14..15], "4");
        assert_eq!(first, b.guid());
        assert_ne!(first, c.guid());
        assert_ne!(first, a.guid());
    }
}
