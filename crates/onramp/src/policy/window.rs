//! Change windows: the times of a week at which changes may be made.

use std::fmt;

use serde::{Deserialize, Serialize};
use time::{Date, Duration, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset};

use super::not_empty::not_empty;

/// A day of the week, in TOML `mon` to `sun`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Weekday {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl From<time::Weekday> for Weekday {
    fn from(day: time::Weekday) -> Self {
        match day {
            time::Weekday::Monday => Self::Mon,
            time::Weekday::Tuesday => Self::Tue,
            time::Weekday::Wednesday => Self::Wed,
            time::Weekday::Thursday => Self::Thu,
            time::Weekday::Friday => Self::Fri,
            time::Weekday::Saturday => Self::Sat,
            time::Weekday::Sunday => Self::Sun,
        }
    }
}

/// A time of the week at which changes may be made.
///
/// The offset from UTC is fixed: a window does not follow daylight saving time.
///
/// ```
/// use onramp::{ChangeWindow, Weekday};
/// use time::macros::{datetime, time};
///
/// let nights = ChangeWindow::new(time!(22:00), time!(04:00)).with_days([Weekday::Fri]).with_utc_offset("+01:00")?;
/// assert!(nights.is_open_at(datetime!(2026-12-05 02:59 UTC)), "Saturday, 03:59 there");
/// assert!(!nights.is_open_at(datetime!(2026-12-05 03:00 UTC)));
/// assert_eq!(nights.next_opening(datetime!(2026-12-05 03:00 UTC)), Some(datetime!(2026-12-11 21:00 UTC)));
/// # Ok::<(), onramp::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ChangeWindow {
    /// The days on which it opens; empty is every day.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "not_empty")]
    pub days: Vec<Weekday>,
    /// The time of day at which it opens, as `HH:MM`.
    #[serde(with = "clock_time")]
    pub from: Time,
    /// The time of day at which it closes, on the next day if it is not after `from`.
    #[serde(with = "clock_time")]
    pub to: Time,
    /// The offset of these times from UTC, as `+HH:MM`; without it they are in UTC.
    #[serde(default = "utc", with = "offset_text")]
    pub utc_offset: UtcOffset,
}

impl ChangeWindow {
    /// Creates a window that opens every day, with times in UTC.
    pub fn new(from: Time, to: Time) -> Self {
        Self { days: Vec::new(), from, to, utc_offset: UtcOffset::UTC }
    }

    /// Sets the days on which it opens.
    #[must_use]
    pub fn with_days(mut self, days: impl IntoIterator<Item = Weekday>) -> Self {
        self.days.extend(days);
        self
    }

    /// Sets the offset of its times from UTC.
    ///
    /// # Errors
    /// `Invalid` if it is not of the form `+HH:MM` or `-HH:MM`.
    pub fn with_utc_offset(mut self, offset: &str) -> onramp_core::Result<Self> {
        self.utc_offset = offset_text::parse(offset).map_err(|detail| {
            onramp_core::Error::new(onramp_core::ErrorKind::Invalid, "set the change window")
                .with_detail(detail)
        })?;
        Ok(self)
    }

    /// Returns true if changes may be made at that time.
    pub fn is_open_at(&self, now: OffsetDateTime) -> bool {
        let today = now.to_offset(self.utc_offset).date();
        let begun = [today.previous_day(), Some(today)].into_iter().flatten();
        begun.filter(|day| self.opens_on(*day)).any(|day| {
            let opening = self.opening(day);
            opening <= now && now < opening + self.length()
        })
    }

    /// Returns the next time at which it opens, after that time.
    pub fn next_opening(&self, now: OffsetDateTime) -> Option<OffsetDateTime> {
        let mut day = now.to_offset(self.utc_offset).date();
        // A week and a day: today's opening may be over.
        for _ in 0..8 {
            if self.opens_on(day) && self.opening(day) > now {
                return Some(self.opening(day));
            }
            day = day.next_day()?;
        }
        None
    }

    fn opens_on(&self, day: Date) -> bool {
        self.days.is_empty() || self.days.contains(&day.weekday().into())
    }

    fn opening(&self, day: Date) -> OffsetDateTime {
        PrimitiveDateTime::new(day, self.from).assume_offset(self.utc_offset)
    }

    fn length(&self) -> Duration {
        let length = self.to - self.from;
        if length.is_positive() { length } else { length + Duration::DAY }
    }
}

impl fmt::Display for ChangeWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days: Vec<String> = self.days.iter().map(|day| format!("{day:?}")).collect();
        let days = if days.is_empty() { "every day".to_owned() } else { days.join(", ") };
        let offset = offset_text::text(self.utc_offset);
        let end = if self.to > self.from { "" } else { " the next day" };
        let (from, to) = (clock_time::text(self.from), clock_time::text(self.to));
        write!(f, "{days} {from} to {to}{end} (UTC{offset})")
    }
}

fn utc() -> UtcOffset {
    UtcOffset::UTC
}

/// Times of day as `HH:MM`.
mod clock_time {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use time::Time;

    pub(super) fn text(time: Time) -> String {
        format!("{:02}:{:02}", time.hour(), time.minute())
    }

    pub(super) fn parse(text: &str) -> Option<Time> {
        let (hour, minute) = text.split_once(':')?;
        let number = |part: &str| {
            let is_plain = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
            is_plain.then(|| part.parse::<u8>().ok()).flatten()
        };
        Time::from_hms(number(hour)?, number(minute)?, 0).ok()
    }

    pub(super) fn serialize<S: Serializer>(time: &Time, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&text(*time))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Time, D::Error> {
        let written = String::deserialize(from)?;
        parse(&written)
            .ok_or_else(|| D::Error::custom(format!("{written:?} is not a time of day such as \"22:00\"")))
    }
}

/// Offsets from UTC as `+HH:MM`.
mod offset_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use time::UtcOffset;

    use super::clock_time;

    pub(super) fn text(offset: UtcOffset) -> String {
        let (hours, minutes, _) = offset.as_hms();
        let sign = if offset.is_negative() { '-' } else { '+' };
        format!("{sign}{:02}:{:02}", hours.unsigned_abs(), minutes.unsigned_abs())
    }

    pub(super) fn parse(text: &str) -> Result<UtcOffset, String> {
        let wrong = || format!("{text:?} is not an offset from UTC such as \"+01:00\"");
        let (sign, rest) = match (text.strip_prefix('+'), text.strip_prefix('-')) {
            (Some(rest), _) => (1, rest),
            (_, Some(rest)) => (-1, rest),
            _ => return Err(wrong()),
        };
        let time = clock_time::parse(rest).ok_or_else(wrong)?;
        let part = |value: u8| i8::try_from(value).map(|value| sign * value);
        match (part(time.hour()), part(time.minute())) {
            // From UTC-12 to UTC+14, the offsets of the inhabited world.
            (Ok(hours @ -12..=14), Ok(minutes)) => {
                UtcOffset::from_hms(hours, minutes, 0).map_err(|_| wrong())
            }
            _ => Err(wrong()),
        }
    }

    pub(super) fn serialize<S: Serializer>(offset: &UtcOffset, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&text(*offset))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<UtcOffset, D::Error> {
        parse(&String::deserialize(from)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use proptest::prelude::*;
    use time::macros::{datetime, offset, time};

    use super::*;

    #[test]
    fn a_window_that_ends_at_its_beginning_is_a_whole_day() {
        let sundays = ChangeWindow::new(time!(06:00), time!(06:00)).with_days([Weekday::Sun]);
        // 2026-11-29 is a Sunday.
        for (at, is_open) in [
            (datetime!(2026-11-29 05:59:59 UTC), false),
            (datetime!(2026-11-29 06:00 UTC), true),
            (datetime!(2026-11-30 05:59:59 UTC), true),
            (datetime!(2026-11-30 06:00 UTC), false),
        ] {
            assert_eq!(sundays.is_open_at(at), is_open, "{at}");
        }
        assert_eq!(
            sundays.next_opening(datetime!(2026-11-29 06:00 UTC)),
            Some(datetime!(2026-12-06 06:00 UTC))
        );
    }

    #[test]
    fn texts_that_are_no_times_or_offsets_are_refused() {
        let read = |from: &str, offset: &str| {
            toml::from_str::<ChangeWindow>(&format!(
                "from = {from:?}\nto = \"04:00\"\nutc_offset = {offset:?}"
            ))
        };
        for (from, offset) in [
            ("24:00", "+01:00"),
            ("9:00", "+01:00"),
            ("09:60", "+01:00"),
            ("09:00:00", "+01:00"),
            ("+9:00", "+01:00"),
            ("09:00", "01:00"),
            ("09:00", "+15:00"),
            ("09:00", "-13:00"),
            ("09:00", "CET"),
            ("09:00", ""),
        ] {
            assert!(read(from, offset).is_err(), "{from} {offset}");
        }
        assert_eq!(read("09:00", "-03:30").unwrap().utc_offset, offset!(-03:30));
        assert_eq!(
            read("09:00", "-03:30").unwrap().to_string(),
            "every day 09:00 to 04:00 the next day (UTC-03:30)"
        );
        assert!(
            toml::from_str::<ChangeWindow>("days = [\"sunday\"]\nfrom = \"01:00\"\nto = \"02:00\"").is_err()
        );
    }

    proptest! {
        #[test]
        fn it_opens_when_it_says_and_is_closed_until_then(
            minutes in 0_i64..20_160,
            from in 0_u16..1440,
            to in 0_u16..1440,
            day in 0_usize..8,
            offset in -720_i16..840,
        ) {
            let time = |minutes: u16| Time::from_hms((minutes / 60) as u8, (minutes % 60) as u8, 0).unwrap();
            use Weekday::*;
            let days = [Mon, Tue, Wed, Thu, Fri, Sat, Sun];
            let mut window = ChangeWindow::new(time(from), time(to)).with_days(days.get(day).copied());
            window.utc_offset = UtcOffset::from_whole_seconds(i32::from(offset) * 60).unwrap();
            let now = datetime!(2026-11-30 00:00 UTC) + Duration::minutes(minutes);
            let opening = window.next_opening(now).unwrap();
            prop_assert!(opening > now && opening - now <= Duration::WEEK);
            prop_assert!(window.is_open_at(opening));
            let length = window.length();
            prop_assert!((length == Duration::DAY && day == 7) || !window.is_open_at(opening + length));
            if !window.is_open_at(now) {
                prop_assert!(!window.is_open_at(opening - Duration::SECOND));
            }
            let text = toml::to_string(&window).unwrap();
            prop_assert_eq!(toml::from_str::<ChangeWindow>(&text).unwrap(), window);
        }
    }
}
