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
