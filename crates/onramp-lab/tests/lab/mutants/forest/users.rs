//! Users whose port breaks a promise.

use async_trait::async_trait;
use futures_util::StreamExt;
use onramp_core::forest::{ForestUser, ForestUsers, UpnOwner, UserQuery};
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
}
