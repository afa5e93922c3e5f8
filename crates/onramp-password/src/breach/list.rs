//! Lines of hexadecimal digits, a colon and a count.

use super::hash::digit;
use super::prefix::DIGITS;
use super::{HashKind, ListError, Prefix};

/// Returns the digits of a line and its count; nothing if it is none. The line may end in a carriage return.
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

/// Returns the error for a refused line, which may hold a hash of another kind.
pub(super) fn refusal(line: &[u8], expected: HashKind, number: u64, prefix: Option<Prefix>) -> ListError {
    let left_out = if prefix.is_some() { DIGITS } else { 0 };
    let holds = |kind: &HashKind| {
        split(line, kind.digits() - left_out).is_some_and(|(hash, _)| self::number(hash).is_some())
    };
    match HashKind::ALL.into_iter().filter(|kind| *kind != expected).find(holds) {
        Some(found) => ListError::OtherKind { line: number, expected, found },
        None => ListError::Line { line: number, prefix },
    }
}

/// Returns the first line without the byte order mark of UTF-8.
pub(super) fn without_mark(line: &[u8]) -> Result<&[u8], ListError> {
    if line.starts_with(&[0xFF, 0xFE]) || line.starts_with(&[0xFE, 0xFF]) {
        return Err(ListError::Utf16);
    }
    Ok(line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line))
}

/// Returns the number that up to sixteen hexadecimal digits make, and the check that the others are some.
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
