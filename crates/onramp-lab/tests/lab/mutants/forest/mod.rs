//! Ports of a forest that break one promise each.

mod objects;
mod password_policies;
mod replication;
mod suffixes;
mod users;

use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt;
use onramp_core::conformance::{ForestFixture, PollTimeout, forest};
use onramp_core::forest::UserQuery;
use onramp_core::{Forest, ManualClock};
use onramp_lab::forest::LabForest;

use super::{compare, complaint};
use crate::forest::policies::bound_users;

/// Which promise is broken.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Broken {
    AddsAgain,
    AddsDomainNames,
    RemovesByExactSpelling,
    RemovesTheUnknown,
    RemovesTooMuch,
    OverlooksUse,
    OverwritesStaleValues,
    WritesAgain,
    IgnoresCase,
    TakesOthersNames,
    LosesOutcomes,
    FindsTheUnknown,
    SearchesEverywhere,
    ForgetsHolders,
    TakesBeforeItIsGiven,
    InsistsOnUpns,
    KeepsUpns,
    KeepsQuietAboutUpns,
    ChecksNothing,
    OverwritesStaleAttributes,
    KeepsQuietAboutValues,
    DropsOtherValues,
    WritesHalf,
    SpoilsOctets,
    WritesAttributesAgain,
    IgnoresCaseOfAttributes,
    LosesObjectOutcomes,
    MixesUpChanges,
    SaysItHoldsAll,
    AnswersForAnybody,
    BelievesTheVector,
    ForgetsChanges,
    RepeatsOldChanges,
    BlamesAnother,
    ForgetsADomain,
    FindsAnybody,
    IgnoresTheScope,
    GivesEveryObjectTwice,
    CutsValuesOff,
    CutsValuesOffInSearches,
    GivesMoreThanAsked,
    LosesOctets,
    MindsTheCaseOfNames,
    HidesWhatIsNotDeleted,
    HidesPolicies,
    TakesTheDomains,
    TakesTheHighestPrecedence,
    HasNoClock,
}

#[derive(Debug, Clone)]
struct Mutant {
    sound: Forest,
    broken: Broken,
}

impl Mutant {
    fn is(&self, broken: Broken) -> bool {
        self.broken == broken
    }
}

async fn try_out(broken: Broken) -> String {
    let clock = Arc::new(ManualClock::default());
    let lab = LabForest::builder().domain("corp.local").users(40).seed(11).controllers(2);
    let lab = lab.replication_delay(Duration::from_secs(5)).clock(clock.clone()).build().unwrap();
    let sound = lab.forest();
    let users: Vec<_> = sound.users.search(UserQuery::all()).try_collect().await.unwrap();
    let named: Vec<_> =
        users.iter().filter(|user| user.upn.is_some()).map(|user| user.guid).take(3).collect();
    let ordinary = lab.forest_as(&lab.plain_user().unwrap()).unwrap();
    let ordinary = Arc::new(Mutant { sound: ordinary, broken });
    let fixture = ForestFixture::new("lab", named, PollTimeout::new(clock));
    let fixture = fixture.with_bound(bound_users(&lab)).with_ordinary(ordinary);
    let mutant = Arc::new(Mutant { sound, broken });
    let ports = Forest::from_ports(mutant);
    complaint(broken, forest::run(&ports, &fixture)).await
}

#[tokio::test]
async fn every_broken_promise_is_noticed() {
    let promises = [
        (Broken::AddsAgain, "adding a suffix again must fail"),
        (Broken::AddsDomainNames, "adding the name of a domain"),
        (Broken::RemovesByExactSpelling, "removing a suffix in another spelling"),
        (Broken::RemovesTheUnknown, "removing the name of a domain must fail"),
        (Broken::RemovesTooMuch, "leaves the other suffixes alone"),
        (Broken::OverlooksUse, "a user's suffix is in use"),
        (Broken::OverwritesStaleValues, "which is not the UPN must fail"),
        (Broken::WritesAgain, "changing a UPN again writes nothing"),
        (Broken::IgnoresCase, "changing only the case of a UPN"),
        (Broken::TakesOthersNames, "taking another principal's UPN must fail"),
        (Broken::LosesOutcomes, "exactly one outcome for each change of a UPN"),
        (Broken::FindsTheUnknown, "reading an unknown user must fail"),
        (Broken::SearchesEverywhere, "a base gives all at and below it"),
        (Broken::ForgetsHolders, "comes once"),
        (Broken::TakesBeforeItIsGiven, "who takes a UPN waits for who gives it up"),
        (Broken::InsistsOnUpns, "writing a UPN that is none"),
        (Broken::KeepsUpns, "reads show None"),
        (Broken::KeepsQuietAboutUpns, "names the UPN found"),
        (Broken::ChecksNothing, "a change of nothing must fail"),
        (Broken::OverwritesStaleAttributes, "which is not the value, must fail"),
        (Broken::KeepsQuietAboutValues, "names the value found"),
        (Broken::DropsOtherValues, "values are added beside those there"),
        (Broken::WritesHalf, "one half is not written without the other"),
        (Broken::SpoilsOctets, "the octets are as they were given"),
        (Broken::WritesAttributesAgain, "replacing it again writes nothing"),
        (Broken::IgnoresCaseOfAttributes, "changing only the case is a change"),
        (Broken::LosesObjectOutcomes, "exactly one outcome for each change"),
        (Broken::MixesUpChanges, "in the order in which they come"),
        (Broken::SaysItHoldsAll, "does not hold what nobody added"),
        (Broken::AnswersForAnybody, "asking one that has no host name must fail"),
        (Broken::BelievesTheVector, "everything has arrived, so it holds the value"),
        (Broken::ForgetsChanges, "it comes once among the changes"),
        (Broken::RepeatsOldChanges, "what changed before is not among the changes"),
        (Broken::BlamesAnother, "the stamp says who wrote it"),
        (Broken::ForgetsADomain, "one policy for each domain"),
        (Broken::FindsAnybody, "reading * in corp.local, which nobody is must fail"),
        (Broken::IgnoresTheScope, "one level is what is right below"),
        (Broken::GivesEveryObjectTwice, "every object comes once"),
        (Broken::CutsValuesOff, "class == \"user\""),
        (Broken::CutsValuesOffInSearches, "a search and a single read agree"),
        (Broken::GivesMoreThanAsked, "nothing comes that nobody asked for"),
        (Broken::LosesOctets, "octets"),
        (Broken::MindsTheCaseOfNames, "by its account name in capitals"),
        (Broken::HidesWhatIsNotDeleted, "whoever asks for deleted objects gets the others too"),
        (Broken::HidesPolicies, "reading fine-grained policies that are hidden must fail"),
        (Broken::TakesTheDomains, "hidden policies are not known"),
        (Broken::TakesTheHighestPrecedence, "is bound by it"),
        (Broken::HasNoClock, "tells its time"),
    ];
    let mut said = Vec::new();
    for (broken, expected) in promises {
        said.push((broken, expected, try_out(broken).await));
    }
    compare(said);
}
