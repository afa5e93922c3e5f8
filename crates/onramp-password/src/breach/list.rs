//! Lines of hexadecimal digits, a colon and a count.

use super::hash::digit;

/// The digits of a line and its count; nothing if it is none. The line may end in a carriage return.
#[inline]
pub(super) fn split(line: &[u8], digits: usize) -> Option<(&[u8], u64)> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let (hash, rest) = line.split_at_checked(digits)?;
    let (b':', count) = rest.split_first()? else { return None };
    if count.is_empty() || count.len() > 19 {
        return None;
    }
    let count = count
        .iter()
        .try_fold(0_u64, |count, byte| byte.is_ascii_digit().then(|| 10 * count + u64::from(byte - b'0')))?;
    Some((hash, count))
}

/// The number that up to sixteen hexadecimal digits make, and the check that the others are some.
#[inline]
pub(super) fn number(digits: &[u8]) -> Option<u64> {
    let mut number = 0;
    for (at, byte) in digits.iter().enumerate() {
        let value = digit(*byte)?;
        if at < 16 {
            number = number << 4 | u64::from(value);
        }
    }
    Some(number)
}
