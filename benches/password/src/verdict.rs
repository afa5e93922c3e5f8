//! The whole verdict: Active Directory, Entra, and Password Protection with 4,300 terms.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use onramp_password::check::Context;
use onramp_password::{Checker, Policy, ProtectionPolicy};
use passwords::{analyzer, scorer};

use crate::contest::{Contest, time};
use crate::entra::Naive;
use crate::{Size, corpus};

const TERMS: usize = 4_300;

pub(crate) fn measure(candidates: &[String], size: Size, pwquality: Option<&Path>) {
    let terms = corpus::banned_words(2, TERMS);
    let policy = Policy::hybrid().with_protection(ProtectionPolicy::new(terms.clone()));
    let context = Context::new()
        .with_account_name("svc-sync")
        .with_display_name("Erin M. Hagens")
        .with_person("Erin", "Hagens")
        .with_tenant_name("Contoso");
    let checker = Checker::new(&policy, &context);
    let naive = Naive::new(&terms);
    let few = &candidates[..size.few.min(candidates.len())];

    let accepted = candidates.iter().filter(|candidate| checker.check(candidate).is_accepted()).count();
    println!("{accepted} of {} candidates are accepted\n", candidates.len());
    let mut contest = Contest::new(size);
    contest.add("verdict", candidates, |candidate| checker.check(candidate));
    contest.add("zxcvbn crate", few, |candidate| zxcvbn::zxcvbn(candidate, &[]));
    contest.add("passwords crate", candidates, |candidate| scorer::score(&analyzer::analyze(candidate)));
    contest.add("aho-corasick, Entra's score alone", few, |candidate| naive.accepts(candidate));
    contest.finish();

    println!("\n256 characters:\n");
    let long = long(candidates);
    let mut contest = Contest::new(size);
    contest.add("verdict", &long, |candidate| checker.check(candidate));
    contest.add("zxcvbn crate (cuts at 100)", &long[..20], |candidate| zxcvbn::zxcvbn(candidate, &[]));
    contest.finish();

    if let Some(program) = pwquality {
        println!();
        beside_c(program, candidates);
    }
}

/// Candidates of 256 characters: usual ones joined, and nothing but banned terms.
fn long(candidates: &[String]) -> Vec<String> {
    let words = corpus::banned_words(2, 800).concat();
    let joined = candidates.chunks(40).take(200).map(|some| some.concat());
    let banned = (0..100).map(|at| words[37 * at % 4_000..].to_owned());
    joined.chain(banned).map(|text| text.chars().cycle().take(256).collect()).collect()
}

/// The C libraries, in a process that measures its own processor time.
fn beside_c(program: &Path, candidates: &[String]) {
    for (mode, some) in [("plain", candidates), ("cracklib", &candidates[..candidates.len().min(10_000)])] {
        let mut child = Command::new(program)
            .arg(mode)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program of peers/pwquality.c");
        let mut input = child.stdin.take().expect("a pipe");
        input.write_all(some.join("\n").as_bytes()).expect("a reader");
        drop(input);
        let output = child.wait_with_output().expect("a child");
        let mean: f64 = String::from_utf8_lossy(&output.stdout).trim().parse().expect("nanoseconds");
        println!("libpwquality, {mode}: {} mean of {} candidates", time(mean), some.len());
    }
}
