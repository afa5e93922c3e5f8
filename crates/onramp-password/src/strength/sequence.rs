//! Characters at equal distances, such as `abc`, `97531` or `αβγ`.

use super::found::{Found, Kind};
use super::text::Text;

const MAX_DISTANCE: i64 = 5;

/// Reports runs of three characters and more, and pairs of neighbours.
pub(super) fn find(text: &Text, start: usize, end: usize, report: &mut impl FnMut(Found)) {
    let mut first = start;
    let mut distance = None;
    for at in start + 1..=end {
        let next = (at < end).then(|| i64::from(text.char(at) as u32) - i64::from(text.char(at - 1) as u32));
        if let Some(distance) = distance
            && next != Some(distance)
        {
            run(text, first, at, distance, report);
            first = at - 1;
        }
        distance = next;
    }
}

fn run(text: &Text, start: usize, end: usize, distance: i64, report: &mut impl FnMut(Found)) {
    let length = end - start;
    let step = distance.abs();
    if !(1..=MAX_DISTANCE).contains(&step) || !(length > 2 || step == 1) {
        return;
    }
    let base = match text.char(start) {
        // Where people begin.
        'a' | 'A' | 'z' | 'Z' | '0' | '1' | '9' => 4.0,
        '0'..='9' => 10.0,
        _ => 26.0,
    };
    let direction = if distance > 0 { 1.0 } else { 2.0 };
    report(Found::new(start, end, Kind::Sequence, base * direction * length as f64));
}
