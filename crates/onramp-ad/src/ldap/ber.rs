//! A minimal BER codec for the values of controls: a sequence of primitive elements. The parser of the LDAP
//! library recurses without a limit, and the frame guard does not look into the values of controls.

pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const OCTETS: u8 = 0x04;
pub(crate) const SEQUENCE: u8 = 0x30;

/// Encodes an element with a definite length.
pub(crate) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut out = vec![tag];
    match u8::try_from(length) {
        Ok(short @ 0..=0x7f) => out.push(short),
        _ => {
            let digits = length.to_be_bytes();
            let leading = digits.iter().take_while(|&&digit| digit == 0).count();
            let digits = digits.iter().skip(leading);
            out.push(0x80 | digits.len() as u8);
            out.extend(digits);
        }
    }
    out.extend(content);
    out
}

/// Decodes a sequence of elements with exactly those tags, or returns `None`.
pub(crate) fn sequence<const N: usize>(value: &[u8], tags: [u8; N]) -> Option<[&[u8]; N]> {
    let (content, []) = take(value, SEQUENCE)? else { return None };
    let mut rest = content;
    let mut parts: [&[u8]; N] = [&[]; N];
    for (part, tag) in parts.iter_mut().zip(tags) {
        (*part, rest) = take(rest, tag)?;
    }
    rest.is_empty().then_some(parts)
}

/// Splits off the first element, if it has that tag.
fn take(octets: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = octets.split_first()?;
    let (&first, mut rest) = rest.split_first()?;
    let mut length = usize::from(first);
    if first >= 0x80 {
        let digits;
        (digits, rest) = rest.split_at_checked(usize::from(first & 0x7F))?;
        length = digits.iter().try_fold(0_usize, |length, &digit| {
            length.checked_mul(0x100).map(|length| length | usize::from(digit))
        })?;
        // Without digits, this is the indefinite length.
        if digits.is_empty() {
            return None;
        }
    }
    (found == tag).then(|| rest.split_at_checked(length))?
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lengths_take_as_many_octets_as_they_need() {
        for (length, head) in [
            (0x7F, &[0x7F_u8][..]),
            (0x80, &[0x81, 0x80]),
            (0xFF, &[0x81, 0xFF]),
            (0x100, &[0x82, 1, 0]),
            (0x1_0000, &[0x83, 1, 0, 0]),
        ] {
            let content = vec![7; length];
            let value = element(SEQUENCE, &element(OCTETS, &content));
            assert_eq!(element(OCTETS, &content).get(1..=head.len()), Some(head));
            assert_eq!(sequence(&value, [OCTETS]), Some([&content[..]]));
        }
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_again(number in any::<[u8; 3]>(), octets in proptest::collection::vec(any::<u8>(), 0..300)) {
            let value = element(SEQUENCE, &[element(INTEGER, &number), element(OCTETS, &octets)].concat());
            prop_assert_eq!(sequence(&value, [INTEGER, OCTETS]), Some([&number[..], &octets]));
            prop_assert_eq!(sequence(&value, [INTEGER, INTEGER]), None);
            prop_assert_eq!(sequence(&value, [INTEGER]), None);
            prop_assert_eq!(sequence(&value, [INTEGER, OCTETS, OCTETS]), None);
            prop_assert_eq!(sequence(&value[..value.len() - 1], [INTEGER, OCTETS]), None);
        }

        #[test]
        fn any_octets_are_a_sequence_or_not(octets in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = sequence(&octets, [INTEGER, OCTETS]);
            let _ = sequence(&element(SEQUENCE, &octets), [INTEGER, OCTETS]);
        }
    }
}
