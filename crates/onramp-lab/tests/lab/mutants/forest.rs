//! Ports of a forest that break one promise each.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::{StreamExt, TryStreamExt};
use onramp_core::contract::{ForestFixture, Patience, forest};
use onramp_core::forest::{
    DomainController, DomainPasswordPolicy, ForestSuffix, ForestUser, ForestUsers, PasswordPolicies,
    ReplicatedValue, Replication, SuffixOrigin, SuffixUsage, Suffixes, UnitSuffix, UpnChange, UpnChanged,
    UpnHolder, UpnOutcome, UserQuery,
};
use onramp_core::{
    BoxStream, DomainName, Error, ErrorKind, Forest, ManualClock, ObjectGuid, Result, UpnSuffix,
};
use onramp_lab::forest::LabForest;

use super::{compare, complaint};

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
    SaysItHoldsAll,
    ForgetsADomain,
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

#[async_trait]
impl Suffixes for Mutant {
    async fn list(&self) -> Result<Vec<ForestSuffix>> {
        self.sound.suffixes.list().await
    }

    async fn add(&self, suffix: &DomainName) -> Result<()> {
        let known = self.sound.suffixes.list().await?;
        let known = known.into_iter().find(|known| known.suffix == UpnSuffix::from(suffix));
        match (known.map(|known| known.origin), self.broken) {
            (Some(SuffixOrigin::Explicit), Broken::AddsAgain) => Ok(()),
            (Some(SuffixOrigin::Domain), Broken::AddsDomainNames) => Ok(()),
            _ => self.sound.suffixes.add(suffix).await,
        }
    }

    async fn unit_suffixes(&self) -> Result<Vec<UnitSuffix>> {
        self.sound.suffixes.unit_suffixes().await
    }

    async fn usage(&self, suffix: &UpnSuffix) -> Result<SuffixUsage> {
        if self.is(Broken::OverlooksUse) {
            return Ok(SuffixUsage::default());
        }
        self.sound.suffixes.usage(suffix).await
    }

    async fn force_remove(&self, suffix: &UpnSuffix) -> Result<()> {
        let known = self.sound.suffixes.list().await?;
        let explicit: Vec<_> = known.iter().filter(|known| known.origin == SuffixOrigin::Explicit).collect();
        if self.is(Broken::RemovesByExactSpelling)
            && explicit.iter().all(|k| k.suffix.as_str() != suffix.as_str())
        {
            return Err(Error::new(ErrorKind::NotFound, "remove the suffix").object(suffix));
        }
        if self.is(Broken::RemovesTheUnknown) && explicit.iter().all(|known| known.suffix != *suffix) {
            return Ok(());
        }
        if self.is(Broken::RemovesTooMuch) {
            for other in explicit.iter().filter(|known| known.suffix != *suffix) {
                self.sound.suffixes.force_remove(&other.suffix).await?;
            }
        }
        self.sound.suffixes.force_remove(suffix).await
    }
}

#[async_trait]
impl ForestUsers for Mutant {
    fn search(&self, mut query: UserQuery) -> BoxStream<'static, Result<ForestUser>> {
        if self.is(Broken::SearchesEverywhere) {
            query.base = None;
        }
        self.sound.users.search(query)
    }

    fn upn_holders(&self) -> BoxStream<'static, Result<UpnHolder>> {
        let skip = if self.is(Broken::ForgetsHolders) { 20 } else { 0 };
        self.sound.users.upn_holders().skip(skip).boxed()
    }

    async fn get(&self, guid: &ObjectGuid) -> Result<ForestUser> {
        match self.sound.users.get(guid).await {
            Err(error) if self.is(Broken::FindsTheUnknown) && error.is_not_found() => {
                let anybody = self.search(UserQuery::all()).next().await.unwrap()?;
                Ok(anybody)
            }
            other => other,
        }
    }

    async fn change_upn(&self, change: &UpnChange) -> Result<UpnChanged> {
        let mut change = change.clone();
        let current = self.sound.users.get(&change.guid).await?.upn;
        let after = change.after.as_str();
        match self.broken {
            Broken::OverwritesStaleValues => change.before = current,
            Broken::WritesAgain if current.as_deref() == Some(after) => return Ok(UpnChanged::Changed),
            Broken::IgnoresCase if current.is_some_and(|current| current.eq_ignore_ascii_case(after)) => {
                return Ok(UpnChanged::AlreadySo);
            }
            Broken::TakesOthersNames => {
                return match self.sound.users.change_upn(&change).await {
                    Err(error) if error.is_already_exists() => Ok(UpnChanged::Changed),
                    other => other,
                };
            }
            _ => {}
        }
        self.sound.users.change_upn(&change).await
    }

    fn change_upns(&self, changes: BoxStream<'static, UpnChange>) -> BoxStream<'static, UpnOutcome> {
        let lost = self.is(Broken::LosesOutcomes);
        let outcomes = self.sound.users.change_upns(changes);
        outcomes.filter(move |outcome| std::future::ready(!(lost && outcome.result.is_err()))).boxed()
    }
}

#[async_trait]
impl Replication for Mutant {
    async fn controllers(&self) -> Result<Vec<DomainController>> {
        self.sound.replication.controllers().await
    }

    async fn holds(&self, controller: &DomainController, value: &ReplicatedValue) -> Result<bool> {
        Ok(self.is(Broken::SaysItHoldsAll) || self.sound.replication.holds(controller, value).await?)
    }
}

#[async_trait]
impl PasswordPolicies for Mutant {
    async fn domain_policies(&self) -> Result<Vec<DomainPasswordPolicy>> {
        let mut policies = self.sound.password_policies.domain_policies().await?;
        if self.is(Broken::ForgetsADomain) {
            policies.pop();
        }
        Ok(policies)
    }
}

async fn try_out(broken: Broken) -> String {
    let clock = Arc::new(ManualClock::default());
    let lab =
        LabForest::builder().domain("corp.local").users(40).seed(11).controllers(2).clock(clock.clone());
    let sound = lab.build().unwrap().forest();
    let users: Vec<_> = sound.users.search(UserQuery::all()).try_collect().await.unwrap();
    let named: Vec<_> =
        users.iter().filter(|user| user.upn.is_some()).map(|user| user.guid).take(3).collect();
    let fixture = ForestFixture::new("lab", named, Patience::new(clock));
    let mutant = Arc::new(Mutant { sound, broken });
    let ports = Forest {
        suffixes: mutant.clone(),
        users: mutant.clone(),
        replication: mutant.clone(),
        password_policies: mutant,
    };
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
        (Broken::OverwritesStaleValues, "which is not the value must fail"),
        (Broken::WritesAgain, "changing it again writes nothing"),
        (Broken::IgnoresCase, "changing only the case"),
        (Broken::TakesOthersNames, "taking another principal's UPN must fail"),
        (Broken::LosesOutcomes, "exactly one outcome for each change"),
        (Broken::FindsTheUnknown, "reading an unknown user must fail"),
        (Broken::SearchesEverywhere, "a base gives all at and below it"),
        (Broken::ForgetsHolders, "comes once"),
        (Broken::SaysItHoldsAll, "does not hold what nobody added"),
        (Broken::ForgetsADomain, "one policy for each domain"),
    ];
    let mut said = Vec::new();
    for (broken, expected) in promises {
        said.push((broken, expected, try_out(broken).await));
    }
    compare(said);
}
