//! Many changes of UPNs, several under way at a time on one connection.
//!
//! A domain controller writes one after the other, so more connections only contend. What there is to win is the time that
//! requests and answers travel: with 16 changes under way it is paid once for all of them.

use futures_util::StreamExt;
use onramp_core::BoxStream;
use onramp_core::forest::{UpnChange, UpnOutcome};

use crate::client::ForestClient;
use crate::upn_change::change_upn;

/// One outcome for each change that is taken from the stream, in order of completion. No more are taken than are under way.
pub(crate) fn change_upns(
    client: ForestClient,
    changes: BoxStream<'static, UpnChange>,
) -> BoxStream<'static, UpnOutcome> {
    let depth = client.settings().depth;
    let outcome = move |change: UpnChange| {
        let client = client.clone();
        async move {
            let result = change_upn(&client, &change).await;
            UpnOutcome { change, result }
        }
    };
    changes.map(outcome).buffer_unordered(depth).boxed()
}
