//! Objects of any class whose ports break a promise.

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use onramp_core::forest::{
    AttributeValue, ForestObject, ForestObjects, ObjectChange, ObjectChanged, ObjectOutcome, ObjectQuery,
    ObjectRef, ObjectWriter, SearchScope,
};
use onramp_core::{AttributeName, BoxStream, Error, ErrorKind, LdapFilter, Result, Upn};

use super::{Broken, Mutant};

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
            return Err(Error::new(ErrorKind::NotFound, "read the object").with_object(name));
        }
        let mut found = self.sound.objects.get(&object, &attributes).await?;
        self.spoil(&mut found);
        Ok(found)
    }
}

#[async_trait]
impl ObjectWriter for Mutant {
    async fn change(&self, change: &ObjectChange) -> Result<ObjectChanged> {
        let sound = &self.sound.object_writer;
        let mut change = change.clone();
        let changes_upn = changes_upn(&change);
        match self.broken {
            Broken::OverwritesStaleValues if changes_upn => {
                let held = self.sound.users.get(&change.guid).await?.upn;
                change.attributes[0].remove = held.into_iter().map(AttributeValue::text).collect();
            }
            Broken::IgnoresCase if changes_upn && change.is_respelling() => {
                return Ok(ObjectChanged::Unchanged);
            }
            Broken::InsistsOnUpns if changes_upn => {
                let is_upn =
                    |value: &AttributeValue| value.as_text().is_some_and(|text| Upn::parse(text).is_ok());
                if !change.attributes[0].add.iter().all(is_upn) {
                    return Err(Error::new(ErrorKind::Invalid, change.action()));
                }
            }
            Broken::KeepsUpns if changes_upn && change.attributes[0].add.is_empty() => {
                return Ok(ObjectChanged::Changed);
            }
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
            Broken::IgnoresCaseOfAttributes if change.is_respelling() => return Ok(ObjectChanged::Unchanged),
            _ => {}
        }
        match sound.change(&change).await {
            Ok(ObjectChanged::Unchanged) if self.is(Broken::WritesAttributesAgain) => {
                Ok(ObjectChanged::Changed)
            }
            Ok(ObjectChanged::Unchanged) if self.is(Broken::WritesAgain) && changes_upn => {
                Ok(ObjectChanged::Changed)
            }
            Err(error) if self.is(Broken::TakesOthersNames) && changes_upn && error.is_already_exists() => {
                Ok(ObjectChanged::Changed)
            }
            Err(error) if self.is(Broken::KeepsQuietAboutUpns) && changes_upn && error.is_stale() => {
                Err(Error::new(ErrorKind::Stale, "change"))
            }
            Err(error) if self.is(Broken::KeepsQuietAboutValues) && error.is_stale() => {
                Err(Error::new(ErrorKind::Stale, "change"))
            }
            other => other,
        }
    }

    fn change_all(&self, changes: BoxStream<'static, ObjectChange>) -> BoxStream<'static, ObjectOutcome> {
        let mutant = self.clone();
        let loses = move |change: &ObjectChange| {
            mutant.is(Broken::LosesObjectOutcomes) || mutant.is(Broken::LosesOutcomes) && changes_upn(change)
        };
        let (mixes, takes_early) = (self.is(Broken::MixesUpChanges), self.is(Broken::TakesBeforeItIsGiven));
        let writer = self.sound.object_writer.clone();
        let mixed = async move {
            let mut changes: Vec<_> = changes.collect().await;
            if mixes || takes_early && changes.first().is_some_and(changes_upn) {
                changes.reverse();
            }
            writer.change_all(futures_util::stream::iter(changes).boxed())
        };
        let outcomes = futures_util::stream::once(mixed).flatten();
        let is_kept = move |outcome: &ObjectOutcome| outcome.result.is_ok() || !loses(&outcome.change);
        outcomes.filter(move |outcome| std::future::ready(is_kept(outcome))).boxed()
    }
}

fn changes_upn(change: &ObjectChange) -> bool {
    let upn = AttributeName::from_static("userPrincipalName");
    change.attributes.iter().any(|change| change.attribute == upn)
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
