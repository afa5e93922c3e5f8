//! The arithmetic of guesses, in floating point as zxcvbn does it.

/// `n` over 1, and over 2, up to `n` over `k`, added up.
pub(super) fn choose_up_to(n: usize, k: usize) -> f64 {
    let (mut term, mut sum) = (1.0, 0.0);
    for d in 1..=k {
        term *= n.saturating_sub(d - 1) as f64;
        term /= d as f64;
        sum += term;
    }
    sum
}

/// Ten to a power.
pub(super) fn power_of_ten(exponent: usize) -> f64 {
    // Exact up to 10^22; beyond that the error does not reach the digits that anybody reads.
    let mut result = 1.0;
    for _ in 0..exponent {
        result *= 10.0;
    }
    result
}
