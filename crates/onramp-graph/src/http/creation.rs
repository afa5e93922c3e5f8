//! Creating objects without ever creating one twice.

use std::time::Duration;

use onramp_core::{Error, ErrorKind, Result};

use crate::http::request::{Reply, Request};
use crate::http::transport::Transport;

impl Transport {
    /// Creates an object of a unique key without ever creating it twice: after a lost reply `look_up` is asked
    /// whether it is there, and an “exists already” after one is held to be our own doing if `look_up` finds ours.
    ///
    /// `look_up` answers `None` if there is none or if what is there is not what was to be created.
    ///
    /// An earlier try may have created it already: `lost` is what became of that.
    pub(crate) async fn create_or_find<T, F>(
        &self,
        request: &Request,
        mut lost: Option<Error>,
        look_up: impl Fn() -> F,
        read: impl Fn(&Reply) -> Result<T>,
    ) -> Result<T>
    where
        F: Future<Output = Result<Option<T>>>,
    {
        let began = self.clock().elapsed();
        let (mut attempt, mut unsure) = (1, false);
        loop {
            let sent = match lost.take() {
                Some(error) => Err(error),
                None => self.send(request).await,
            };
            let error = match sent {
                // A reply that cannot be read leaves as much unknown as one that was lost.
                Ok(reply) => match read(&reply) {
                    Ok(created) => return Ok(created),
                    Err(error) => error,
                },
                Err(error) if error.kind() == ErrorKind::OutcomeUnknown => error,
                Err(error) if error.is_already_exists() && unsure => {
                    return self.find_ours(&look_up).await?.ok_or(error);
                }
                Err(error) => return Err(error),
            };
            unsure = true;
            let wait = self.retry.wait(attempt, None, self.clock());
            attempt += 1;
            if wait <= self.time_left(began) {
                self.clock().sleep(wait).await;
            }
            if let Some(found) = look_up().await? {
                return Ok(found);
            }
            if attempt > self.retry.max_attempts || self.time_left(began).is_zero() {
                return Err(error);
            }
        }
    }

    /// Looks until what was just created shows itself, no longer than new objects may take.
    async fn find_ours<T, F>(&self, look_up: &impl Fn() -> F) -> Result<Option<T>>
    where
        F: Future<Output = Result<Option<T>>>,
    {
        self.look_for(self.fresh.window(), look_up).await
    }

    /// Looks again and again, no longer than `patience`.
    pub(crate) async fn look_for<T, F>(
        &self,
        patience: Duration,
        look_up: &impl Fn() -> F,
    ) -> Result<Option<T>>
    where
        F: Future<Output = Result<Option<T>>>,
    {
        let until = self.clock().elapsed() + patience;
        let mut attempt = 1;
        loop {
            if let Some(found) = look_up().await? {
                return Ok(Some(found));
            }
            let wait = self.retry.wait(attempt, None, self.clock());
            attempt += 1;
            if self.clock().elapsed() + wait > until {
                return Ok(None);
            }
            self.clock().sleep(wait).await;
        }
    }

    /// As [`Transport::create_or_find`], of what nobody has tried to create before.
    pub(crate) async fn create<T, F>(
        &self,
        request: &Request,
        look_up: impl Fn() -> F,
        read: impl Fn(&Reply) -> Result<T>,
    ) -> Result<T>
    where
        F: Future<Output = Result<Option<T>>>,
    {
        self.create_or_find(request, None, look_up, read).await
    }

    /// Looks for something that is there for certain if `key` is new, so that "none" then means "not yet".
    pub(crate) async fn look_patiently<T, F>(&self, key: &str, look_up: impl Fn() -> F) -> Result<Option<T>>
    where
        F: Future<Output = Result<Option<T>>>,
    {
        let patience = self.fresh.time_left(&[key.to_owned()], self.clock().elapsed());
        self.look_for(patience.unwrap_or_default(), &look_up).await
    }

    /// Looks for something that was written just now, no longer than new objects may take to show.
    pub(crate) async fn look_patiently_for<T, F>(&self, look_up: impl Fn() -> F) -> Result<Option<T>>
    where
        F: Future<Output = Result<Option<T>>>,
    {
        self.look_for(self.fresh.window(), &look_up).await
    }
}
