//! Creating objects without creating one twice, and looking for objects just written.

use std::time::Duration;

use onramp_core::{Error, ErrorKind, Result};

use crate::http::request::{Reply, Request};
use crate::http::transport::Transport;

impl Transport {
    /// Creates an object with a unique key without creating it twice. After a lost response `look_up` is asked for it,
    /// and an "already exists" counts as success if `look_up` finds the object.
    ///
    /// `look_up` returns `None` if there is no object, or if it is not the one to create. `lost` is the error of an
    /// earlier attempt that may have created it.
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
                // An unreadable response leaves as much unknown as a lost one.
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

    /// Repeats `look_up` until it finds the object, within the replication window.
    async fn find_ours<T, F>(&self, look_up: &impl Fn() -> F) -> Result<Option<T>>
    where
        F: Future<Output = Result<Option<T>>>,
    {
        self.poll_lookup(self.recently_created.window(), look_up).await
    }

    /// Repeats `look_up` until it finds something, at most for `timeout`.
    pub(crate) async fn poll_lookup<T, F>(
        &self,
        timeout: Duration,
        look_up: &impl Fn() -> F,
    ) -> Result<Option<T>>
    where
        F: Future<Output = Result<Option<T>>>,
    {
        let until = self.clock().elapsed() + timeout;
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

    /// Creates an object as [`Transport::create_or_find`] does, without an earlier attempt.
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

    /// Repeats `look_up` while the object of `key` counts as recently created: `None` then means "not yet".
    pub(crate) async fn find_recently_created<T, F>(
        &self,
        key: &str,
        look_up: impl Fn() -> F,
    ) -> Result<Option<T>>
    where
        F: Future<Output = Result<Option<T>>>,
    {
        let left = self.recently_created.time_left(&[key.to_owned()], self.clock().elapsed());
        self.poll_lookup(left.unwrap_or_default(), &look_up).await
    }

    /// Repeats `look_up` for something that was written just now, within the replication window.
    pub(crate) async fn find_after_write<T, F>(&self, look_up: impl Fn() -> F) -> Result<Option<T>>
    where
        F: Future<Output = Result<Option<T>>>,
    {
        self.poll_lookup(self.recently_created.window(), &look_up).await
    }
}
