//! Years, and dates with and without separators.

use super::found::{Found, Kind};
use super::text::Text;

const MIN_YEAR: u32 = 1000;
const MAX_YEAR: u32 = 2050;
const MIN_YEAR_SPACE: u32 = 20;

/// Reports the years from 1900 to 2099.
pub(super) fn find_years(text: &Text, start: usize, end: usize, now: u32, report: &mut impl FnMut(Found)) {
    let mut at = start;
    while at + 4 <= end {
        match number(text, at, at + 4) {
            Some(year) if (1900..2100).contains(&year) => {
                report(Found::new(at, at + 4, Kind::RecentYear, f64::from(space(year, now))));
                at += 4;
            }
            _ => at += 1,
        }
    }
}

/// Reports the dates that are not part of a longer one.
pub(super) fn find_dates(text: &Text, start: usize, end: usize, now: u32, report: &mut impl FnMut(Found)) {
    let mut covered = start;
    for at in start..end.saturating_sub(3) {
        // Of the dates that begin here the longest counts, unless one that began before reaches as far.
        if let Some((stop, year, ways)) = longest_date(text, at, end, now)
            && stop > covered
        {
            report(Found::new(at, stop, Kind::Date, f64::from(space(year, now)) * 365.0 * ways));
            covered = stop;
        }
    }
}

/// Returns the end and the year of the longest date from a position, and in how many ways it may have been written.
fn longest_date(text: &Text, start: usize, end: usize, now: u32) -> Option<(usize, u32, f64)> {
    let run = digits(text, start, end, 8);
    if (1..=4).contains(&run)
        && let Some((stop, year)) = with_separators(text, start, run, end)
    {
        return Some((stop, year, 4.0));
    }
    (4..=run).rev().find_map(|length| {
        let stop = start + length;
        Some((stop, without_separators(text, start, stop, now)?, 1.0))
    })
}

fn space(year: u32, now: u32) -> u32 {
    year.abs_diff(now).max(MIN_YEAR_SPACE)
}

/// Splits four to eight digits so that the year is the closest to this one.
fn without_separators(text: &Text, start: usize, end: usize, now: u32) -> Option<u32> {
    let splits: &[(usize, usize)] = match end - start {
        4 => &[(1, 2), (2, 3)],
        5 => &[(1, 3), (2, 3)],
        6 => &[(1, 2), (2, 4), (4, 5)],
        7 => &[(1, 3), (2, 3), (4, 5), (4, 6)],
        8 => &[(2, 4), (4, 6)],
        _ => return None,
    };
    let year = |(k, l): &(usize, usize)| {
        let (k, l) = (start + k, start + l);
        year_of(number(text, start, k)?, number(text, k, l)?, number(text, l, end)?)
    };
    splits.iter().filter_map(year).min_by_key(|year| year.abs_diff(now))
}

/// One to four digits, a separator, one or two digits, the same separator, one to four digits; ten characters at most.
fn with_separators(text: &Text, start: usize, run: usize, end: usize) -> Option<(usize, u32)> {
    let separator = start + run;
    let mark = text.char(separator);
    if separator >= end || !(mark.is_whitespace() || matches!(mark, '/' | '\\' | '_' | '.' | '-')) {
        return None;
    }
    let second = separator + 1 + digits(text, separator + 1, end, 2);
    if second >= end || second == separator + 1 || text.char(second) != mark {
        return None;
    }
    let third = second + 1;
    let last = third + digits(text, third, end.min(start + 10), 4);
    let (day, month) = (number(text, start, separator)?, number(text, separator + 1, second)?);
    ((start + 6).max(third + 1)..=last)
        .rev()
        .find_map(|stop| Some((stop, year_of(day, month, number(text, third, stop)?)?)))
}

fn digits(text: &Text, start: usize, end: usize, most: usize) -> usize {
    (start..end.min(start + most)).take_while(|at| text.char(*at).is_ascii_digit()).count()
}

fn number(text: &Text, start: usize, end: usize) -> Option<u32> {
    if start >= end {
        return None;
    }
    (start..end).try_fold(0, |number, at| Some(10 * number + text.char(at).to_digit(10)?))
}

/// Returns the year of three numbers that can be a day, a month and a year, the year first or last.
fn year_of(first: u32, second: u32, third: u32) -> Option<u32> {
    if !(1..=31).contains(&second) {
        return None;
    }
    let numbers = [first, second, third];
    let count = |test: fn(&u32) -> bool| numbers.iter().filter(|number| test(number)).count();
    let impossible = |number: &u32| (100..MIN_YEAR).contains(number) || *number > MAX_YEAR;
    if numbers.iter().any(impossible)
        || count(|number| *number > 31) >= 2
        || count(|number| *number > 12) == 3
        || count(|number| *number == 0) >= 2
    {
        return None;
    }
    let splits = [(third, first, second), (first, second, third)];
    if let Some((year, a, b)) = splits.into_iter().find(|(year, ..)| *year >= MIN_YEAR) {
        // With a year of four digits the others must be a day and a month, or it is no date.
        return is_day_and_month(a, b).then_some(year);
    }
    let (year, ..) = splits.into_iter().find(|(_, a, b)| is_day_and_month(*a, *b))?;
    Some(match year {
        0..=50 => year + 2000,
        51..=99 => year + 1900,
        _ => year,
    })
}

fn is_day_and_month(a: u32, b: u32) -> bool {
    [(a, b), (b, a)].into_iter().any(|(day, month)| (1..=31).contains(&day) && (1..=12).contains(&month))
}
