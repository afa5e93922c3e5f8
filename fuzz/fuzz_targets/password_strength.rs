//! Any text, any words around the account: the estimate ends, covers the candidate, and its numbers agree.
#![no_main]

use std::cell::RefCell;

use libfuzzer_sys::fuzz_target;
use onramp_password::strength::{Estimator, Inputs, MAX_CHARS, Scratch};

thread_local! {
    static STATE: RefCell<(Estimator, Scratch)> = RefCell::new({
        let estimator = Estimator::zxcvbn();
        let scratch = estimator.scratch();
        (estimator, scratch)
    });
}

fuzz_target!(|input: (&str, Vec<&str>)| {
    let (candidate, words) = input;
    STATE.with_borrow_mut(|(estimator, scratch)| {
        let strength = estimator.estimate_with(candidate, &Inputs::with_parts(&words), scratch);
        assert!(strength.guesses >= 1.0 && strength.guesses.is_finite());
        assert_eq!(strength.partial, candidate.chars().count() > MAX_CHARS);
        let mut end = 0;
        for pattern in scratch.patterns() {
            assert_eq!(pattern.span.start, end);
            assert!(candidate.get(pattern.span.start..pattern.span.end).is_some_and(|piece| !piece.is_empty()));
            end = pattern.span.end;
        }
        assert_eq!(end, candidate.char_indices().nth(MAX_CHARS).map_or(candidate.len(), |(at, _)| at));
    });
});
