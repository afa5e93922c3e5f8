//! The users of a tenant from the state of the scan before.

use std::collections::HashMap;

use futures_util::{StreamExt, TryStreamExt, stream};
use onramp_core::tenant::TenantUser;
use onramp_core::{ObjectId, Result};
use onramp_entra::{Delta, DeltaCursor, DeltaStart, EntraClient};
use onramp_readiness::forecast::CloudObject;
use onramp_readiness::state::{StateRecord, StateSource};

use super::messages::counted;
use super::state_file::StateFile;
use super::tenant::{all_users, may_be_hidden};
use crate::config::TenantConfig;
use crate::terminal::Terminal;

/// The name of the source.
const NAME: &str = "tenant";
/// The number of changes above which all users are read: each changed user is a request, and a page has a thousand.
const MAX_CHANGES: usize = 2_000;
/// The number of users that are read at a time.
const AT_A_TIME: usize = 8;

/// A tenant that is followed.
pub(super) struct FollowedTenant<'a> {
    client: &'a EntraClient,
    source: StateSource,
    terminal: &'a Terminal,
}

/// The users that changed, by ID; true for those that are there.
type Changes = HashMap<ObjectId, bool>;

impl<'a> FollowedTenant<'a> {
    pub(super) fn new(client: &'a EntraClient, config: &TenantConfig, terminal: &'a Terminal) -> Self {
        let graph = config.endpoints.as_ref().map_or("the global cloud", |at| at.graph.as_str());
        let identity = format!("{} of {graph}", config.id);
        let source = StateSource::new(NAME, identity, &config.client_id, serde_json::Value::Null);
        Self { client, source, terminal }
    }

    /// Returns the users, which are in the new state then, and the source to go on from. `None` if they may not be read.
    pub(super) async fn users(
        &self,
        state: &mut StateFile,
    ) -> Result<(Option<Vec<CloudObject>>, Option<StateSource>)> {
        let found = match self.changes(state).await? {
            Ok((changes, cursor)) => {
                let objects = self.changed_users(state, &changes).await?;
                self.terminal.note(format!(
                    "of the tenant, {} since the last scan were read",
                    counted(changes.len() as u64, "change")
                ));
                Some((objects, cursor))
            }
            Err(why) => {
                self.terminal.note(format!("all users of the tenant are read: {why}"));
                self.every_user(state).await?
            }
        };
        let Some((objects, cursor)) = found else { return Ok((None, None)) };
        let source = cursor.map(|cursor| {
            let mut source = self.source.clone();
            source.cursor = String::from(cursor).into();
            source
        });
        Ok((Some(objects), source))
    }

    /// Reads what changed, or returns the reason to read everything.
    async fn changes(
        &self,
        state: &StateFile,
    ) -> Result<std::result::Result<(Changes, Option<DeltaCursor>), String>> {
        let old = match state.old() {
            Ok(old) => old,
            Err(why) => return Ok(Err(why)),
        };
        let Some(known) = old.source(NAME) else {
            return Ok(Err("the state knows nothing about a tenant".to_owned()));
        };
        if !known.is_same(&self.source) {
            return Ok(Err("the state is of another tenant, or another application read it".to_owned()));
        }
        let Ok(start) = serde_json::from_value::<DeltaCursor>(known.cursor.clone()) else {
            return Ok(Err("the state has no cursor of the tenant".to_owned()));
        };
        let mut items = self.client.user_changes(DeltaStart::From(start));
        let (mut changes, mut cursor) = (Changes::new(), None);
        while let Some(item) = items.next().await {
            match may_be_hidden(item)? {
                Some(Delta::Changed(user)) => drop(changes.insert(user.id, true)),
                Some(Delta::Removed { id, .. }) => {
                    // No user of the state has an ID of another form.
                    changes.extend(ObjectId::parse(&id).ok().map(|id| (id, false)));
                }
                Some(Delta::Reached(next)) => cursor = Some(next),
                Some(Delta::Resync) => {
                    return Ok(Err("the cursor of the tenant has expired".to_owned()));
                }
                Some(_) => {}
                None => return Ok(Err("its changes cannot be read".to_owned())),
            }
            if changes.len() > MAX_CHANGES {
                return Ok(Err(format!("more than {MAX_CHANGES} users changed")));
            }
        }
        Ok(Ok((changes, cursor)))
    }

    /// Returns the users of the state with the changes since.
    async fn changed_users(&self, state: &mut StateFile, changes: &Changes) -> Result<Vec<CloudObject>> {
        let mut objects = Vec::new();
        let mut take = |state: &mut StateFile, user: Box<TenantUser>| {
            objects.push(CloudObject::from(&*user));
            state.write(&StateRecord::CloudUser(user))
        };
        if let Ok(old) = state.old().cloned() {
            for record in state.cloud_users(&old)? {
                if let StateRecord::CloudUser(user) = record.map_err(|error| state.read_error(&error))?
                    && !changes.contains_key(&user.id)
                {
                    take(state, user)?;
                }
            }
        }
        let users = self.client.tenant().users;
        let users = &users;
        let there = changes.iter().filter(|(_, is_there)| **is_there).map(|(id, _)| *id);
        let mut read =
            stream::iter(there).map(|id| async move { users.get(&id).await }).buffer_unordered(AT_A_TIME);
        while let Some(user) = read.next().await {
            match user {
                Ok(user) => take(state, Box::new(user))?,
                // It was deleted meanwhile.
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(objects)
    }

    /// Reads all users. The cursor is taken before, so that no change is lost.
    async fn every_user(
        &self,
        state: &mut StateFile,
    ) -> Result<Option<(Vec<CloudObject>, Option<DeltaCursor>)>> {
        let mut cursor = None;
        let mut items = self.client.user_changes(DeltaStart::Now);
        while let Some(Some(item)) = may_be_hidden(items.try_next().await)? {
            if let Delta::Reached(next) = item {
                cursor = Some(next);
            }
        }
        let each = |user| state.write(&StateRecord::CloudUser(Box::new(user)));
        let users = all_users(&self.client.tenant(), self.terminal, each).await?;
        Ok(users.map(|users| (users, cursor)))
    }
}
