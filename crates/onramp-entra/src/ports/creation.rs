//! Creating one object, and looking for what was just written.

use onramp_core::Result;

use crate::request::{Reply, Request};
use crate::transport::Transport;

impl Transport {
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
