//! What holds for every candidate.

use onramp_password::strength::{Estimator, Inputs, MAX_CHARS, Score};
use proptest::prelude::*;

proptest! {
    #[test]
    fn the_patterns_cover_the_candidate_and_the_numbers_agree(
        candidate in prop_oneof!["\\PC{0,40}", "[ -~]{0,40}", "[a1@]{0,300}", "(password|[0-9/]|é){0,90}"],
    ) {
        let estimator = Estimator::zxcvbn();
        let mut scratch = estimator.scratch();
        let strength = estimator.estimate_with(&candidate, &Inputs::none(), &mut scratch);
        prop_assert!(strength.guesses >= 1.0 && strength.guesses.is_finite());
        prop_assert!((strength.guesses.log10() - strength.guesses_log10).abs() < 1e-9);
        prop_assert_eq!(strength.partial, candidate.chars().count() > MAX_CHARS);
        let seen: String = candidate.chars().take(MAX_CHARS).collect();
        let mut end = 0;
        for pattern in scratch.patterns() {
            prop_assert_eq!(pattern.span.start, end);
            prop_assert!(candidate.get(pattern.span.start..pattern.span.end).is_some_and(|piece| !piece.is_empty()));
            end = pattern.span.end;
        }
        prop_assert_eq!(end, seen.len());
        // No pattern at all is always a way.
        prop_assert!(strength.guesses_log10 <= seen.chars().count().max(2) as f64 + 0.1);
        prop_assert_eq!(strength.suggestions.is_empty(), strength.score >= Score::Three);
    }

    #[test]
    fn an_estimate_does_not_depend_on_the_one_before(first in "\\PC{0,30}", second in "[ -~]{0,30}") {
        let estimator = Estimator::zxcvbn();
        let mut scratch = estimator.scratch();
        let fresh = estimator.estimate_with(&second, &Inputs::none(), &mut scratch);
        let patterns = scratch.patterns().to_vec();
        let _ = estimator.estimate_with(&first, &Inputs::none(), &mut scratch);
        prop_assert_eq!(estimator.estimate_with(&second, &Inputs::none(), &mut scratch), fresh);
        prop_assert_eq!(scratch.patterns(), patterns);
    }

    #[test]
    fn nothing_about_a_candidate_is_printed(candidate in "[b-z]{6,12}") {
        let estimator = Estimator::new();
        let mut scratch = estimator.scratch();
        let strength = estimator.estimate_with(&candidate, &Inputs::none(), &mut scratch);
        let printed = format!("{strength:?} {scratch:?} {estimator:?}");
        prop_assert!(!printed.contains(&candidate));
        prop_assert!(!serde_json::to_string(&strength).unwrap().contains(&candidate));
    }
}
