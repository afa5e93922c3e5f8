//! Users whose port breaks a promise.

use async_trait::async_trait;
use futures_util::StreamExt;
use onramp_core::forest::{ForestUser, ForestUsers, UpnChange, UpnChanged, UpnOutcome, UpnOwner, UserQuery};
use onramp_core::{BoxStream, ObjectGuid, Result};

use super::{Broken, Mutant};

#[async_trait]
impl ForestUsers for Mutant {
    fn search(&self, mut query: UserQuery) -> BoxStream<'static, Result<ForestUser>> {
        if self.is(Broken::SearchesEverywhere) {
            query.base = None;
        }
        self.sound.users.search(query)
    }

    fn upn_owners(&self) -> BoxStream<'static, Result<UpnOwner>> {
        let skip = if self.is(Broken::ForgetsHolders) { 20 } else { 0 };
        self.sound.users.upn_owners().skip(skip).boxed()
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
                return Ok(UpnChanged::Unchanged);
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
