//! The strength estimate beside the zxcvbn crate and the passwords crate.

use onramp_password::strength::{Estimator, Inputs, MAX_CHARS};
use passwords::{analyzer, scorer};

use crate::Size;
use crate::contest::Contest;
use crate::corpus::Known;

pub(crate) fn measure(candidates: &[String], size: Size) {
    let estimator = Estimator::zxcvbn();
    let inputs = Inputs::none();
    let few = &candidates[..size.few.min(candidates.len())];

    let mut scratch = estimator.scratch();
    let mut contest = Contest::new(size);
    contest
        .add("estimate", candidates, |candidate| estimator.estimate_with(candidate, &inputs, &mut scratch));
    contest.add("zxcvbn crate", few, |candidate| zxcvbn::zxcvbn(candidate, &[]));
    contest.add("passwords crate", candidates, |candidate| scorer::score(&analyzer::analyze(candidate)));
    contest.finish();

    let mut scratch = estimator.scratch();
    let same = few.iter().filter(|candidate| {
        let ours = estimator.estimate_with(candidate, &inputs, &mut scratch).score;
        u8::from(zxcvbn::zxcvbn(candidate, &[]).score()) == u8::from(ours)
    });
    let same = same.count();
    println!(
        "\nthe same score as the zxcvbn crate: {same} of {}, {:.1} %",
        few.len(),
        100.0 * same as f64 / few.len() as f64
    );

    println!("\n{MAX_CHARS} characters, made to be slow:\n");
    let hostile = hostile(candidates);
    let mut contest = Contest::new(size);
    contest.add("estimate", &hostile, |text| estimator.estimate_with(text, &inputs, &mut scratch));
    let slowest = contest.finish().first().map_or(0, |figures| figures.slowest);
    println!("\nthe slowest begins with {:?}", hostile[slowest].chars().take(48).collect::<String>());
}

/// Pieces that make much to find, alone and mixed, and usual candidates joined.
fn hostile(candidates: &[String]) -> Vec<String> {
    const PIECES: [&str; 24] = [
        "a",
        "aaaab",
        "ab",
        "abcabd",
        "0",
        "12",
        "1029384756647382910",
        "19/10/1985.01.02",
        "1.1.11",
        "11.11.11",
        "qwedcvfr43edcvbnju7",
        "1qaz2wsx",
        "password",
        "passwordlovedragonmonkey",
        "p@$$w0rd1|7+l",
        "4@8({[<369",
        "drowssap",
        "PaSsWoRd",
        "the",
        "sea",
        "erin",
        "qwertyuiop",
        "zyxwv",
        "1!|7",
    ];
    let mut random = Known::new(3);
    let fill = |text: String| text.chars().cycle().take(MAX_CHARS).collect::<String>();
    let alone = PIECES.iter().map(|piece| fill((*piece).to_owned()));
    let mixed = (0..2_000).map(|_| {
        let some = 2 + random.below(5);
        let pieces: Vec<&str> = (0..some).map(|_| PIECES[random.below(PIECES.len())]).collect();
        let text: String = (0..MAX_CHARS).map(|_| pieces[random.below(some)]).collect();
        fill(text)
    });
    let mut all: Vec<String> = alone.chain(mixed).collect();
    for alphabet in ["01", "0123456789", "aeiost", "4@8({[<369!1|7$5+%20", "asdfgh", "0123456789./-"] {
        let letters: Vec<char> = alphabet.chars().collect();
        all.extend(
            (0..100)
                .map(|_| (0..MAX_CHARS).map(|_| letters[random.below(letters.len())]).collect::<String>()),
        );
    }
    all.extend(candidates.chunks(40).take(500).map(|some| fill(some.concat())));
    all
}
