//! The validity of a certificate, read from its DER: as much of X.509 as a tenant looks at.

use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
/// `[0]`, the version.
const VERSION: u8 = 0xa0;

/// Returns the first and the last moment of the validity (RFC 5280 4.1.2.5); `None` if the bytes are no certificate.
pub(crate) fn validity(der: &[u8]) -> Option<(OffsetDateTime, OffsetDateTime)> {
    let certificate = content(der, SEQUENCE)?.0;
    let mut rest = content(certificate, SEQUENCE)?.0;
    if rest.first() == Some(&VERSION) {
        rest = element(rest)?.2;
    }
    // Serial number, algorithm, issuer.
    for _ in 0..3 {
        rest = element(rest)?.2;
    }
    let dates = content(rest, SEQUENCE)?.0;
    let (tag, not_before, rest) = element(dates)?;
    let (other, not_after, _) = element(rest)?;
    Some((moment(tag, not_before)?, moment(other, not_after)?))
}

fn moment(tag: u8, text: &[u8]) -> Option<OffsetDateTime> {
    const FORMAT: &[BorrowedFormatItem<'_>] =
        format_description!("[year][month][day][hour][minute][second]Z");
    let text = std::str::from_utf8(text).ok()?;
    let text = match tag {
        // Years below 50 are those of this century.
        UTC_TIME if text.get(..2)?.parse::<u8>().ok()? < 50 => format!("20{text}"),
        UTC_TIME => format!("19{text}"),
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    PrimitiveDateTime::parse(&text, FORMAT).ok().map(PrimitiveDateTime::assume_utc)
}

/// Returns the content of the first element and what follows it, if it has that tag.
fn content(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, content, rest) = element(der)?;
    (found == tag).then_some((content, rest))
}

/// Returns the tag and the content of the first element, and what follows it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, mut rest) = rest.split_first()?;
    let mut length = usize::from(*first);
    if *first >= 0x80 {
        let (bytes, after) =
            rest.split_at_checked(usize::from(first & 0x7f)).filter(|(bytes, _)| bytes.len() <= 4)?;
        length = bytes.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        rest = after;
    }
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}
