//! Figures of several rounds, and tables of them.

/// The middle value, or the mean of the two in the middle; not a number if there is none.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    let (half, even) = (sorted.len() / 2, sorted.len().is_multiple_of(2));
    let middle = sorted.iter().skip(if even { half.saturating_sub(1) } else { half });
    let middle: Vec<f64> = middle.take(if even { 2 } else { 1 }).copied().collect();
    middle.iter().sum::<f64>() / middle.len() as f64
}

/// A row of a table in Markdown.
pub fn row<T: AsRef<str>>(cells: impl IntoIterator<Item = T>) -> String {
    cells.into_iter().fold("|".to_owned(), |row, cell| format!("{row} {} |", cell.as_ref()))
}

/// The head of a table: the first column is text, the others are numbers.
pub fn head(cells: &[&str]) -> String {
    let rule = cells.iter().enumerate().map(|(index, _)| if index == 0 { "---" } else { "---:" });
    format!("{}\n{}", row(cells), row(rule))
}

/// Who goes in which order in a round: everybody is first and last in turn.
pub fn order(count: usize, round: usize) -> Vec<usize> {
    let turned = (0..count).map(|index| (index + round / 2) % count.max(1));
    if round.is_multiple_of(2) { turned.collect() } else { turned.rev().collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median([3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median([]).is_nan());
    }

    #[test]
    fn everybody_goes_once_a_round_and_nobody_always_first() {
        let firsts: Vec<usize> = (0..8).map(|round| order(4, round)[0]).collect();
        assert_eq!(firsts, [0, 3, 1, 0, 2, 1, 3, 2]);
        for round in 0..8 {
            let mut all = order(4, round);
            all.sort_unstable();
            assert_eq!(all, [0, 1, 2, 3]);
        }
    }
}
