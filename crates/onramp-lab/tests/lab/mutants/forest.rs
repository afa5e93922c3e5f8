//! Ports of a forest that break one promise each.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt, TryStreamExt, stream};
use onramp_core::contract::{ForestFixture, Patience, forest};
use onramp_core::forest::{
    AttributeValue, ChangedObject, ChangesQuery, DomainController, DomainPasswordPolicy,
    EffectivePasswordPolicy, FineGrainedPolicy, ForestObject, ForestObjects, ForestSuffix, ForestUser,
    ForestUsers, InvocationId, ObjectChange, ObjectChanged, ObjectOutcome, ObjectQuery, ObjectRef,
    ObjectWriter, PasswordPolicies, ReplicatedValue, Replication, ReplicationPosition, SearchScope,
    SuffixOrigin, SuffixUsage, Suffixes, UnitSuffix, UpnChange, UpnChanged, UpnHolder, UpnOutcome, UserQuery,
    ValueStamp,
};
use onramp_core::{
    AttributeName, BoxStream, DistinguishedName, DomainName, Error, ErrorKind, Forest, LdapFilter,
    ManualClock, ObjectGuid, Result, UpnSuffix,
};
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
                let anybody = ForestUsers::search(self, UserQuery::all()).next().await.unwrap()?;
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
        if self.is(Broken::TakesBeforeItIsGiven) {
            let ports = self.clone();
            let reversed = async move {
                let mut changes: Vec<_> = changes.collect().await;
                changes.reverse();
                ports.sound.users.change_upns(futures_util::stream::iter(changes).boxed())
            };
            return futures_util::stream::once(reversed).flatten().boxed();
        }
        let outcomes = self.sound.users.change_upns(changes);
        outcomes.filter(move |outcome| std::future::ready(!(lost && outcome.result.is_err()))).boxed()
    }
}

#[async_trait]
impl ObjectWriter for Mutant {
    async fn change(&self, change: &ObjectChange) -> Result<ObjectChanged> {
        let sound = &self.sound.object_writer;
        let mut change = change.clone();
        match self.broken {
            Broken::ChecksNothing if change.check().is_err() => return Ok(ObjectChanged::Changed),
            Broken::OverwritesStaleAttributes | Broken::DropsOtherValues => {
                let Ok(user) = self.sound.users.get(&change.guid).await else {
                    return sound.change(&change).await;
                };
                for attribute in &mut change.attributes {
                    let held = match attribute.attribute.as_str() {
                        "displayName" if self.is(Broken::OverwritesStaleAttributes) => {
                            user.display_name.clone().into_iter().collect()
                        }
                        "proxyAddresses" if self.is(Broken::DropsOtherValues) => user.proxy_addresses.clone(),
                        _ => continue,
                    };
                    attribute.remove = held.into_iter().map(AttributeValue::text).collect();
                }
            }
            Broken::WritesHalf if change.attributes.len() > 1 && change.check().is_ok() => {
                for attribute in &change.attributes {
                    let half = ObjectChange::new(change.guid, change.dn.clone()).with(attribute.clone());
                    sound.change(&half).await?;
                }
                return Ok(ObjectChanged::Changed);
            }
            Broken::SpoilsOctets => {
                for value in change.attributes.iter_mut().flat_map(|attribute| &mut attribute.add) {
                    let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
                    *value = AttributeValue::text(text);
                }
            }
            Broken::IgnoresCaseOfAttributes if change.is_respelling() => return Ok(ObjectChanged::AlreadySo),
            _ => {}
        }
        match sound.change(&change).await {
            Ok(ObjectChanged::AlreadySo) if self.is(Broken::WritesAttributesAgain) => {
                Ok(ObjectChanged::Changed)
            }
            Err(error) if self.is(Broken::KeepsQuietAboutValues) && error.is_stale() => {
                Err(Error::new(ErrorKind::Stale, "change"))
            }
            other => other,
        }
    }

    fn change_all(&self, changes: BoxStream<'static, ObjectChange>) -> BoxStream<'static, ObjectOutcome> {
        let lost = self.is(Broken::LosesObjectOutcomes);
        let mixes = self.is(Broken::MixesUpChanges);
        let writer = self.sound.object_writer.clone();
        let mixed = async move {
            let mut changes: Vec<_> = changes.collect().await;
            if mixes {
                changes.reverse();
            }
            writer.change_all(futures_util::stream::iter(changes).boxed())
        };
        let outcomes = futures_util::stream::once(mixed).flatten();
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

    async fn writer(&self, context: &DistinguishedName) -> Result<DomainController> {
        self.sound.replication.writer(context).await
    }

    async fn position(
        &self,
        controller: &DomainController,
        context: &DistinguishedName,
    ) -> Result<ReplicationPosition> {
        let mut position = self.sound.replication.position(controller, context).await?;
        if self.is(Broken::BelievesTheVector) {
            position.vector.iter_mut().flatten().for_each(|cursor| cursor.usn = u64::MAX);
        }
        Ok(position)
    }

    fn changes(
        &self,
        controller: &DomainController,
        mut query: ChangesQuery,
    ) -> BoxStream<'static, Result<ChangedObject>> {
        if self.is(Broken::RepeatsOldChanges) {
            query.from_usn = 0;
        }
        let forgets = self.is(Broken::ForgetsChanges);
        let changes = self.sound.replication.changes(controller, query);
        changes.filter(move |_| std::future::ready(!forgets)).boxed()
    }

    async fn stamp(
        &self,
        controller: &DomainController,
        object: &ObjectGuid,
        attribute: &AttributeName,
    ) -> Result<ValueStamp> {
        let mut stamp = self.sound.replication.stamp(controller, object, attribute).await?;
        if self.is(Broken::BlamesAnother)
            && let Some(written) = &mut stamp.written
        {
            written.by = InvocationId::from_bytes([7; 16]);
        }
        Ok(stamp)
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

    async fn fine_grained_policies(&self) -> Result<Vec<FineGrainedPolicy>> {
        match self.sound.password_policies.fine_grained_policies().await {
            Err(_) if self.is(Broken::HidesPolicies) => Ok(Vec::new()),
            other => other,
        }
    }

    async fn effective(&self, user: &ObjectGuid) -> Result<EffectivePasswordPolicy> {
        let effective = self.sound.password_policies.effective(user).await?;
        match &effective {
            EffectivePasswordPolicy::Unknown { .. } if self.is(Broken::TakesTheDomains) => {
                let mut domains = self.sound.password_policies.domain_policies().await?;
                Ok(EffectivePasswordPolicy::Domain(domains.remove(0)))
            }
            EffectivePasswordPolicy::FineGrained(_) if self.is(Broken::TakesTheHighestPrecedence) => {
                let policies = self.sound.password_policies.fine_grained_policies().await?;
                let highest = policies.into_iter().max_by_key(|policy| policy.precedence);
                Ok(EffectivePasswordPolicy::FineGrained(highest.unwrap()))
            }
            _ => Ok(effective),
        }
    }
}

#[async_trait]
impl ForestObjects for Mutant {
    fn search(&self, mut query: ObjectQuery) -> BoxStream<'static, Result<ForestObject>> {
        if self.is(Broken::IgnoresTheScope) {
            query.scope = SearchScope::Subtree;
        }
        if self.is(Broken::HidesWhatIsNotDeleted) && query.include_deleted {
            let deleted = LdapFilter::present(&"isDeleted".parse().unwrap());
            query = query.with_filter(deleted);
        }
        let cut = self.is(Broken::CutsValuesOffInSearches);
        let twice = self.is(Broken::GivesEveryObjectTwice);
        let mutant = self.clone();
        let found = self.sound.objects.search(query);
        found
            .flat_map(move |found| {
                let found = found.map(|mut object| {
                    mutant.spoil(&mut object);
                    object.attributes.values_mut().filter(|_| cut).for_each(|values| values.truncate(0));
                    object
                });
                let again = found.as_ref().ok().filter(|_| twice).cloned().map(Ok);
                stream::iter([found].into_iter().chain(again))
            })
            .boxed()
    }

    async fn get(&self, object: &ObjectRef, attributes: &[AttributeName]) -> Result<ForestObject> {
        let mut attributes = attributes.to_vec();
        if self.is(Broken::GivesMoreThanAsked) {
            attributes.push("cn".parse().unwrap());
        }
        let mut object = object.clone();
        if let (ObjectRef::SamAccountName { name, .. }, Broken::FindsAnybody) = (&mut object, self.broken)
            && name.contains('*')
        {
            *name = "Administrator".to_owned();
        }
        if let (ObjectRef::SamAccountName { name, .. }, Broken::MindsTheCaseOfNames) = (&object, self.broken)
            && name.chars().all(|c| !c.is_lowercase())
        {
            return Err(Error::new(ErrorKind::NotFound, "read the object").object(name));
        }
        let mut found = self.sound.objects.get(&object, &attributes).await?;
        self.spoil(&mut found);
        Ok(found)
    }
}

impl Mutant {
    fn spoil(&self, object: &mut ForestObject) {
        for values in object.attributes.values_mut() {
            if self.is(Broken::CutsValuesOff) {
                values.truncate(1);
            }
            if self.is(Broken::LosesOctets) {
                values.iter_mut().for_each(|value| *value = AttributeValue::text(value.to_string()));
            }
        }
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
    let fixture = ForestFixture::new("lab", named, Patience::new(clock));
    let fixture = fixture.with_bound(bound_users(&lab)).with_ordinary(ordinary);
    let mutant = Arc::new(Mutant { sound, broken });
    let ports = Forest {
        suffixes: mutant.clone(),
        users: mutant.clone(),
        object_writer: mutant.clone(),
        replication: mutant.clone(),
        password_policies: mutant.clone(),
        objects: mutant,
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
        (Broken::TakesBeforeItIsGiven, "who takes a UPN waits for who gives it up"),
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
    ];
    let mut said = Vec::new();
    for (broken, expected) in promises {
        said.push((broken, expected, try_out(broken).await));
    }
    compare(said);
}
