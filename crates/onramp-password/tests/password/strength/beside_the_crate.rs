//! The zxcvbn crate says the same, apart from known differences: it counts neighbours of keys as whole numbers, takes a
//! repeated character into a sequence, does not see a word in capitals with a digit, and allows single leet letters.

use onramp_password::strength::{Estimator, Inputs};
use proptest::prelude::*;

/// Candidates as people make them: words, leet, capitals, digits, dates, keyboards, joined.
fn candidate() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => prop::sample::select(vec![
            "password", "dragon", "monkey", "summer", "london", "erin", "smith", "football", "welcome", "company",
            "correct", "horse", "battery", "staple", "house", "purple", "qwerty", "asdfgh", "1qaz2wsx", "P@ssw0rd",
            "Adm1n", "l3tm31n", "drowssap", "Winter", "SPRING", "abcdef", "987654", "aaaa", "xyzxyz",
        ]).prop_map(String::from),
        2 => "[0-9]{1,4}",
        2 => "(19|20)[0-2][0-9]",
        1 => "[0-3][0-9][./-]?[01][0-9][./-]?(19|20)[0-2][0-9]",
        1 => "[!@#$._-]",
        1 => "[a-z]{1,6}",
        1 => "[ -~]{1,6}",
    ];
    prop::collection::vec(piece, 1..4).prop_map(|pieces| pieces.concat())
}

#[test]
fn scores_of_hundreds_of_candidates_are_the_same() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    let estimator = Estimator::zxcvbn();
    let mut scratch = estimator.scratch();
    let mut runner = TestRunner::deterministic();
    let (mut same, mut close, all) = (0, 0, 400);
    for _ in 0..all {
        let candidate = candidate().new_tree(&mut runner).unwrap().current();
        let peer = zxcvbn::zxcvbn(&candidate, &[]);
        let ours = estimator.estimate_with(&candidate, &Inputs::none(), &mut scratch);
        same += u32::from(u8::from(peer.score()) == u8::from(ours.score));
        close += u32::from((peer.guesses_log10() - ours.guesses_log10).abs() < 0.1);
    }
    assert!(same * 100 >= all * 95, "the same score for {same} of {all}");
    assert!(close * 100 >= all * 80, "guesses within a quarter for {close} of {all}");
}
