//! The documented examples of Entra Password Protection, and what they leave open.

use onramp_password::check::{Code, Context, NameSource, Span};
use onramp_password::policy::Target;
use onramp_password::protection::{Interpretation, Substitutions};
use onramp_password::{Policy, ProtectionPolicy, Verdict, check};

use crate::codes;

fn banning(words: &[&str]) -> Policy {
    Policy::new().with_protection(ProtectionPolicy::new(words.iter().copied()).with_on_premises(false))
}

fn verdict(words: &[&str], candidate: &str) -> Verdict {
    check(&banning(words), &Context::new(), candidate)
}

#[test]
fn documented_normalisation() {
    assert!(codes(&verdict(&["blank"], "Bl@nK"), Target::Cloud).contains(&Code::BannedWord));
}

#[test]
fn documented_edit_distance() {
    for candidate in ["abcdeg", "abcdefg", "abcde"] {
        assert!(
            codes(&verdict(&["abcdef"], candidate), Target::Cloud).contains(&Code::BannedWord),
            "{candidate}"
        );
    }
    assert!(verdict(&["abcdef"], "abcdxyz").is_accepted(), "two edits are too many");
}

#[test]
fn documented_name() {
    let context = Context::new().with_person("Max", "Poll");
    let verdict = check(&banning(&[]), &context, "p0LL23fb");
    let violation = verdict.violations().first().expect("the surname is in it");
    assert_eq!((violation.code, violation.name), (Code::ContainsName, Some(NameSource::PersonName)));
    assert_eq!(violation.spans, [Span { start: 0, end: 4 }]);
    assert!(
        check(&banning(&[]), &context, "max23fbxyz").is_accepted(),
        "three letters are too few to look for"
    );
}

#[test]
fn documented_score_of_four() {
    let verdict = verdict(&["contoso", "blank"], "C0ntos0Blank12");
    let violation = verdict.violations().first().expect("four points");
    assert_eq!((violation.code, violation.found, violation.limit), (Code::ScoreTooLow, Some(4), Some(5)));
    assert_eq!(violation.spans, [Span { start: 0, end: 7 }, Span { start: 7, end: 12 }]);
}

#[test]
fn documented_score_of_five() {
    assert!(verdict(&["contoso", "blank"], "ContoS0Bl@nkf9!").is_accepted());
}

/// If pieces one edit away counted, the documented acceptance would be a refusal: that is the conservative reading.
#[test]
fn the_conservative_reading_counts_near_pieces() {
    let conservative = Policy::new().with_protection(
        ProtectionPolicy::new(["contoso", "blank"]).with_interpretation(Interpretation::Conservative),
    );
    let points = |candidate: &str| {
        let verdict = check(&conservative, &Context::new(), candidate);
        verdict.violations_for(Target::Cloud).find(|v| v.code == Code::ScoreTooLow).and_then(|v| v.found)
    };
    assert_eq!(points("C0ntos0Blank12"), Some(3), "[contoso][blank1][2]");
    assert_eq!(points("ContoS0Bl@nkf9!"), Some(4), "[contoso][blankf][9][!]");
    assert_eq!(points("ContoS0Bl@nkf9!x"), None);
    assert_eq!(points("C0nt050B!@nk9!"), Some(3), "5 for s, ! for l: [contoso][blankg][l]");
}

#[test]
fn overlapping_words_are_cut_to_the_fewest_points() {
    // From the left, [abcdef][g][h][i][j] would be five points.
    let verdict = verdict(&["abcdef", "defghij"], "abcdefghij");
    assert_eq!(verdict.violations().first().and_then(|v| v.found), Some(4), "[a][b][c][defghij]");
}

#[test]
fn the_agent_does_not_look_for_the_tenant_name() {
    let policy = Policy::new().with_protection(ProtectionPolicy::default());
    let context = Context::new().with_tenant_name("Contoso");
    let verdict = check(&policy, &context, "xyC0nt0s0-12");
    assert!(verdict.accepted_by(Target::OnPremises));
    assert_eq!(
        verdict.violations_for(Target::Cloud).next().and_then(|v| v.name),
        Some(NameSource::TenantName)
    );
}

#[test]
fn what_an_agent_was_seen_to_do() {
    let table = Substitutions::observed_dc_agent();
    let normalised: String = "Company2024".chars().map(|c| table.normalize(c)).collect();
    assert_eq!(normalised, "companyzoz4");
}

#[test]
fn the_strictest_table_takes_as_the_same_whatever_the_others_do() {
    let (strictest, all) = (Substitutions::aggressive(), ' '..='~');
    for table in [Substitutions::documented(), Substitutions::observed_dc_agent()] {
        for a in all.clone() {
            for b in all.clone().filter(|&b| table.normalize(a) == table.normalize(b)) {
                assert_eq!(strictest.normalize(a), strictest.normalize(b), "{a} and {b}");
            }
        }
    }
}

#[test]
fn the_callers_words_are_the_callers_demand() {
    let context = Context::new().with_word("onramp").with_word("ab");
    let verdict = check(&Policy::hybrid(), &context, "My-0nr@mp-ab-123");
    assert!(verdict.accepted_by(Target::OnPremises) && verdict.accepted_by(Target::Cloud));
    assert_eq!(codes(&verdict, Target::Custom), [Code::ContainsWord]);
    assert!(!verdict.is_accepted());
}
