//! What zxcvbn 4.4.2 itself says: the examples of its demonstration page and some more, with the guesses, the score,
//! and the best sequence as first letter of the pattern and length. Taken in 2026; without years from 2020 on.

use onramp_password::strength::{Estimator, Inputs, Pattern};

/// Patterns as zxcvbn names them.
fn letter(pattern: Pattern) -> char {
    match pattern {
        Pattern::Word { .. } | Pattern::Date => 'd',
        Pattern::KeyboardRow | Pattern::KeyboardPattern | Pattern::Sequence => 's',
        // Years are a regular expression there.
        Pattern::Repeat { .. } | Pattern::RecentYear => 'r',
        _ => 'b',
    }
}

#[test]
fn guesses_scores_and_sequences_are_those_of_zxcvbn() {
    let estimator = Estimator::zxcvbn();
    let mut scratch = estimator.scratch();
    for (candidate, guesses, score, sequence) in VECTORS {
        let strength = estimator.estimate_with(candidate, &Inputs::none(), &mut scratch);
        let off = (strength.guesses / guesses - 1.0).abs();
        assert!(off < 1e-9, "{candidate}: {} guesses instead of {guesses}", strength.guesses);
        assert_eq!(u8::from(strength.score), *score, "{candidate}");
        let patterns = scratch.patterns().iter();
        let found: Vec<String> =
            patterns.map(|p| format!("{}{}", letter(p.pattern), p.span.end - p.span.start)).collect();
        assert_eq!(found.join(" "), *sequence, "{candidate}");
    }
}

#[test]
fn words_of_the_caller_count_as_in_zxcvbn() {
    let estimator = Estimator::zxcvbn();
    let mut scratch = estimator.scratch();
    for (candidate, words, guesses) in [
        ("correct horse erin", &["erin", "hagens"][..], 3_420_100_000_000.0),
        ("bejeebus", &["bejeebus"][..], 2.0),
        ("Hagens1!", &["erin", "hagens"][..], 20_000.0),
    ] {
        let strength = estimator.estimate_with(candidate, &Inputs::new(words), &mut scratch);
        assert_eq!(strength.guesses, guesses, "{candidate}");
    }
}

const VECTORS: &[(&str, f64, u8, &str)] = &[
    ("zxcvbn", 58.0, 0, "d6"),
    ("qwER43@!", 9.047062103078319e7, 2, "s8"),
    ("Tr0ub4dour&3", 19058000.0, 2, "d10 b2"),
    ("correcthorsebatterystaple", 273500327700640.0, 4, "d7 d5 d7 d6"),
    ("coRrecth0rseba++ery9.23.2007staple$", 5.150562665106304e20, 4, "d7 d5 d7 d9 d7"),
    ("D0g..................", 442000.0, 1, "b3 r18"),
    ("abcdefghijk987654321", 15000.0, 1, "s11 d9"),
    ("neverforget13/3/1997", 4920409000.0, 3, "d5 d6 d9"),
    ("1qaz2wsx3edc", 1001.0, 0, "d12"),
    ("temppass22", 387500.0, 1, "d8 r2"),
    ("briansmith", 15000.0, 1, "d5 d5"),
    ("briansmith4mayor", 15100000000.0, 4, "d5 d5 b6"),
    ("password1", 190.0, 0, "d9"),
    ("viking", 244.0, 0, "d6"),
    ("thx1138", 209.0, 0, "d7"),
    ("ScoRpi0ns", 289664.0, 1, "d8 b1"),
    ("do you know", 1000010000.0, 3, "b7 d4"),
    ("ryanhunter2000", 100750000.0, 3, "d4 d6 r4"),
    ("rianhunter2000", 250000000.0, 3, "b4 d6 r4"),
    ("asdfghju7654rewq", 9.231890264430684e8, 3, "s16"),
    ("AOEUIDHG&*()LS_", 1.2801408909735801e9, 3, "s15"),
    ("12345678", 4.0, 0, "d8"),
    ("defghi6789", 25600.0, 1, "s6 s4"),
    ("rosebud", 272.0, 0, "d7"),
    ("Rosebud", 543.0, 0, "d7"),
    ("ROSEBUD", 543.0, 0, "d7"),
    ("rosebuD", 543.0, 0, "d7"),
    ("ros3bud99", 64200.0, 1, "d7 r2"),
    ("r0s3bud99", 118400.0, 1, "d7 r2"),
    ("R0$38uD99", 1310800.0, 2, "d7 r2"),
    ("verlineVANDERMARK", 24500856400.0, 4, "d7 d6 d4"),
    ("eheuczkqyq", 10000000001.0, 3, "b10"),
    ("rWibMFACxAUGZmxhVncy", 1e20, 4, "b20"),
    ("Ba9ZyWABu99[BK#6MBgbH88Tofv)vs$w", 1e32, 4, "b32"),
    ("123", 13.0, 0, "s3"),
    ("password", 3.0, 0, "d8"),
    ("p@ssword", 5.0, 0, "d8"),
    ("P@$$w0rd", 33.0, 0, "d8"),
    ("drowssap", 5.0, 0, "d8"),
    ("qwertyuiop", 23.0, 0, "d10"),
    ("zxcvfr43edcvbnm", 6.400704459867901e8, 3, "s15"),
    ("aaaaaaaaaa", 121.0, 0, "r10"),
    ("abcabcabcabc", 53.0, 0, "r12"),
    ("aabaabaabaab", 4005.0, 1, "r12"),
    ("1/1/91", 50400.0, 1, "r4 b2"),
    ("13-2-1921", 153301.0, 1, "d9"),
    ("19910101", 12776.0, 1, "d8"),
    ("02/02/02", 35041.0, 1, "d8"),
    ("852963741", 56095.0, 1, "d9"),
    ("147258369", 427.0, 0, "d9"),
    ("@WSX", 2.5930000000000005e3, 1, "s4"),
    ("aoeuidhtns", 3.8890000000000005e3, 1, "s10"),
    ("Tr0ub4dor&3", 100000000001.0, 4, "b11"),
    ("l33t5p34k", 70250000.0, 2, "b4 d5"),
    ("1|!7+4@8(3", 10000000001.0, 3, "b10"),
    ("PASSWORD1", 379.0, 0, "d9"),
    ("9876543210", 81.0, 0, "s10"),
    ("zyxwvuts", 65.0, 0, "s8"),
    ("ABCDEFGH", 33.0, 0, "s8"),
    ("motherboard", 15651.0, 1, "d11"),
    ("rehtom", 307.0, 0, "d6"),
    ("6tfGHJ", 1000001.0, 1, "b6"),
    ("!QASW@#EDFR$%TGHY^&UJKI*(OL", 4.228204529801626e20, 4, "s27"),
    ("TestMeNow!", 372010000.0, 3, "d4 b6"),
    ("hey<123", 1010000.0, 2, "b4 s3"),
    ("Imaginative-Say-Shoulder-Dish-0", 9.97860481e20, 4, "d11 b5 d8 b7"),
    ("r0sebudmaelstrom11/20/91aaaa", 613462688320000.0, 4, "d7 d9 d8 r4"),
    ("p4@ssword", 1231600.0, 2, "b2 d7"),
];
