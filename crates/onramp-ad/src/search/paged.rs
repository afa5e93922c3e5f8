//! Paged searches, one page ahead of the consumer: only two bytes per received object are kept, so that
//! memory does not grow with the directory.
//!
//! A paging cookie is valid on its own connection only, and a server may drop it at any time. The rest is
//! then read in ranges of `uSNCreated`, which is indexed, never changes, and is different for every object of
//! a domain controller; objects that were received before are skipped. The ranges shrink until they fit the
//! limits of the server, and grow again.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use onramp_core::{AttributeName, ErrorKind, LdapFilter};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::ldap::base::Base;
use crate::ldap::connection::Connection;
use crate::ldap::connection_handle::ConnectionHandle;
use crate::ldap::exchange_error::{Delivery, ExchangeError};
use crate::ldap::result_code::{ADMIN_LIMIT, BUSY, SIZE_LIMIT, TIME_LIMIT, UNAVAILABLE};
use crate::search::entry::Entry;
use crate::search::request::{Exchange, Search};
use crate::search::usn_set::UsnSet;

const USN_CREATED: AttributeName = AttributeName::from_static("uSNCreated");
/// The maximum number of consecutive pages without entries; a busy server may send some.
const EMPTY_PAGES: u32 = 1_000;
/// The maximum number of consecutive attempts without progress.
const ATTEMPTS: u32 = 6;
/// The first delay between attempts; it doubles.
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// The approximate number of ranges for the rest after a loss.
const RANGES: u64 = 16;

type Batch = Result<Vec<Entry>, ExchangeError>;

impl ConnectionHandle {
    /// Streams the results, each once, with all values of their attributes; an object with an unreadable name
    /// has only the values of the first answer. The stream ends after its first error.
    ///
    /// Nothing is sent before the stream is polled; dropping it ends the search.
    pub(crate) fn entries(
        self: &Arc<Self>,
        search: Search,
    ) -> impl Stream<Item = Result<Entry, ExchangeError>> + Send + 'static {
        let start = EntryStream::Waiting(Some((Arc::clone(self), search)));
        stream::unfold(start, |mut consumer| async move {
            let item = consumer.next().await?;
            Some((item, consumer))
        })
    }

    /// Collects the results of a search that has few.
    pub(crate) async fn collect(self: &Arc<Self>, search: Search) -> Result<Vec<Entry>, ExchangeError> {
        self.entries(search).try_collect().await
    }
}

/// Ends a stream after its first error. An unreadable object is no such error.
pub(crate) fn until_error<T: Send + 'static>(
    stream: impl Stream<Item = onramp_core::Result<T>> + Send + 'static,
) -> impl Stream<Item = onramp_core::Result<T>> + Send {
    stream.scan(false, |failed, item| {
        let fails = item.as_ref().is_err_and(|error| error.kind() != ErrorKind::Unreadable);
        let over = std::mem::replace(failed, fails);
        std::future::ready(if over { None } else { Some(item) })
    })
}

/// The receiving side.
enum EntryStream {
    Waiting(Option<(Arc<ConnectionHandle>, Search)>),
    Reading { batches: mpsc::Receiver<Batch>, current: std::vec::IntoIter<Entry>, _reader: Reader },
}

/// The reading task, which ends when this is dropped.
struct Reader(AbortHandle);

impl Drop for Reader {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl EntryStream {
    async fn next(&mut self) -> Option<Result<Entry, ExchangeError>> {
        if let Self::Waiting(start) = self {
            let (handle, search) = start.take()?;
            let (sender, batches) = mpsc::channel(1);
            let reader = tokio::spawn(PagedReader::new(handle, search, sender).run());
            let current = Vec::new().into_iter();
            *self = Self::Reading { batches, current, _reader: Reader(reader.abort_handle()) };
        }
        let Self::Reading { batches, current, .. } = self else { return None };
        loop {
            if let Some(entry) = current.next() {
                return Some(Ok(entry));
            }
            match batches.recv().await? {
                Ok(batch) => *current = batch.into_iter(),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// The state of a search.
struct PagedReader {
    handle: Arc<ConnectionHandle>,
    /// The search, with `uSNCreated` as another attribute.
    search: Search,
    sender: mpsc::Sender<Batch>,
    /// The received objects; `None` after an object whose `uSNCreated` this account may not read.
    seen: Option<UsnSet>,
    received: u64,
    /// The range that is being read; `None` for everything, before the first loss.
    range: Option<UsnRange>,
    /// True if the last request continued an earlier page.
    has_cookie: bool,
    stalled: StalledAttempts,
}

/// A range of `uSNCreated`, from `from` on.
#[derive(Debug, Clone, Copy)]
struct UsnRange {
    from: u64,
    width: u64,
    /// The highest update sequence number when the first range was made. The range that reaches it has no
    /// upper bound.
    highest: u64,
}

/// The attempts without progress.
#[derive(Debug, Default)]
struct StalledAttempts {
    count: u32,
    /// The number of received objects at the last attempt.
    received: u64,
}

/// The receiver was dropped.
struct ReceiverDropped;

enum Recovery {
    /// Retry the same request.
    Retry,
    /// Request a smaller range.
    Narrow,
}

impl PagedReader {
    fn new(handle: Arc<ConnectionHandle>, mut search: Search, sender: mpsc::Sender<Batch>) -> Self {
        search.attributes.push(USN_CREATED.to_string());
        let (seen, stalled) = (Some(UsnSet::default()), StalledAttempts::default());
        Self { handle, search, sender, seen, received: 0, range: None, has_cookie: false, stalled }
    }

    async fn run(mut self) {
        loop {
            let error = match self.read_range().await {
                Ok(Err(ReceiverDropped)) => return,
                Ok(Ok(())) if self.advance() => continue,
                Ok(Ok(())) => return,
                Err(error) => error,
            };
            if let Err(error) = self.recover(error).await {
                // A dropped receiver needs no error.
                let _ = self.sender.send(Err(error)).await;
                return;
            }
        }
    }

    /// Reads the current range to its end.
    async fn read_range(&mut self) -> Result<Result<(), ReceiverDropped>, ExchangeError> {
        let search = self.range.map_or_else(|| self.search.clone(), |range| range.of(&self.search));
        let size = self.handle.settings.page_size;
        let mut connection: Option<Arc<Connection>> = None;
        let mut cookie = Vec::new();
        let mut empty_pages = 0;
        self.has_cookie = false;
        loop {
            // There is capacity when the consumer has taken the page before.
            let Ok(room) = self.sender.clone().reserve_owned().await else { return Ok(Err(ReceiverDropped)) };
            let on = match &connection {
                Some(connection) => connection,
                None => connection.insert(self.handle.connection().await?),
            };
            let answer = Exchange::page(&search, size, cookie).send(on, &self.handle.settings).await?;
            empty_pages = if answer.entries.is_empty() { empty_pages + 1 } else { 0 };
            cookie = answer.cookie;
            let batch = self.take(answer.entries).await?;
            if !batch.is_empty() {
                room.send(Ok(batch));
            }
            if cookie.is_empty() {
                return Ok(Ok(()));
            }
            self.has_cookie = true;
            if empty_pages > EMPTY_PAGES {
                let what = format!("{EMPTY_PAGES} pages in a row had no entries");
                return Err(ExchangeError::malformed(self.handle.host(), what));
            }
        }
    }

    /// Removes the objects of a page that were received before, and completes ranges of values.
    async fn take(&mut self, mut entries: Vec<Entry>) -> Result<Vec<Entry>, ExchangeError> {
        if let (Some(seen), Some(_)) = (&self.seen, self.range) {
            entries.retain(|entry| entry.usn(USN_CREATED.as_str()).is_none_or(|usn| !seen.contains(usn)));
        }
        let mut whole = Vec::with_capacity(entries.len());
        for mut entry in entries {
            // An object that no name can request again is refused by the consumer.
            let can_be_asked = entry.guid().is_some() || entry.name().is_ok();
            if entry.is_truncated() && can_be_asked {
                match self.handle.complete(&mut entry, self.search.include_deleted).await {
                    // It was deleted meanwhile.
                    Err(error) if error.kind() == ErrorKind::NotFound => continue,
                    completed => completed?,
                }
            }
            whole.push(entry);
        }
        let entries = whole;
        for entry in &entries {
            match (entry.usn(USN_CREATED.as_str()), &mut self.seen) {
                (Some(usn), Some(seen)) => seen.insert(usn),
                _ => self.seen = None,
            }
        }
        self.received += entries.len() as u64;
        Ok(entries)
    }

    /// Moves on to the next range, if there is one.
    fn advance(&mut self) -> bool {
        let Some(next) = self.range.and_then(UsnRange::next) else { return false };
        if let Some(seen) = &mut self.seen {
            seen.forget_below(next.from);
        }
        self.range = Some(next);
        true
    }

    /// Prepares the next attempt after a failure, if one can help.
    async fn recover(&mut self, mut error: ExchangeError) -> Result<(), ExchangeError> {
        if self.stalled.received != self.received {
            self.stalled = StalledAttempts { count: 0, received: self.received };
        }
        let started = self.received > 0 || self.range.is_some();
        loop {
            self.stalled.count += 1;
            let Some(recovery) = self.recovery(&error, started) else { return Err(self.final_error(error)) };
            let repeats = matches!(recovery, Recovery::Retry);
            if repeats && !started {
                return Ok(());
            }
            if repeats || self.stalled.count > 1 {
                let doublings = self.stalled.count.saturating_sub(1);
                self.handle.settings.clock.sleep(FIRST_WAIT * 2_u32.saturating_pow(doublings)).await;
            }
            let range = match self.range {
                Some(range) if repeats => Ok(range),
                Some(range) => Ok(range.narrowed()),
                None => self.highest_usn().await.map(UsnRange::first),
            };
            match range {
                Ok(range) => {
                    self.range = Some(range);
                    return Ok(());
                }
                Err(other) => error = other,
            }
        }
    }

    fn recovery(&self, error: &ExchangeError, started: bool) -> Option<Recovery> {
        // Objects without a known `uSNCreated` cannot be skipped.
        if self.received > 0 && self.seen.is_none() {
            return None;
        }
        let unavailable = error.kind() == ErrorKind::Unavailable;
        let most = if error.is_timeout { 2 } else { ATTEMPTS };
        let recovery = match error.delivery {
            Delivery::Refused(TIME_LIMIT | SIZE_LIMIT | ADMIN_LIMIT) => Recovery::Narrow,
            // The codes by which servers refuse a cookie: operationsError, protocolError,
            // unavailableCriticalExtension, unwillingToPerform, other.
            Delivery::Refused(1 | 2 | 12 | 53 | 80) if self.has_cookie => Recovery::Narrow,
            Delivery::Refused(BUSY | UNAVAILABLE) if started => Recovery::Retry,
            Delivery::Lost | Delivery::NotSent if unavailable && (started || self.stalled.count < 2) => {
                Recovery::Retry
            }
            Delivery::TimedOut | Delivery::NotConnected if unavailable && started => Recovery::Retry,
            _ => return None,
        };
        (self.stalled.count <= most).then_some(recovery)
    }

    async fn highest_usn(&self) -> Result<u64, ExchangeError> {
        const HIGHEST: &str = "highestCommittedUSN";
        let found = self.handle.read(Search::object(Base::Root, &[HIGHEST])).await?;
        let usn = found.and_then(|entry| entry.usn(HIGHEST));
        usn.ok_or_else(|| {
            ExchangeError::malformed(self.handle.host(), format!("its root DSE has no {HIGHEST}"))
        })
    }

    fn final_error(&self, error: ExchangeError) -> ExchangeError {
        if self.received == 0 { error } else { error.after_receiving(self.received) }
    }
}

impl UsnRange {
    fn first(highest: u64) -> Self {
        Self { from: 0, width: (highest / RANGES).max(1), highest }
    }

    /// Returns the last number; `None` if there is no upper bound.
    fn to(self) -> Option<u64> {
        let to = self.from.checked_add(self.width - 1)?;
        (to < self.highest).then_some(to)
    }

    fn next(self) -> Option<Self> {
        Some(Self { from: self.to()?.checked_add(1)?, width: self.width.saturating_mul(2), ..self })
    }

    fn narrowed(self) -> Self {
        let width = self.width.min(self.highest.saturating_sub(self.from));
        Self { width: (width / 4).max(1), ..self }
    }

    /// Restricts a search to the range.
    fn of(self, search: &Search) -> Search {
        let mut filter = search.filter.and(&LdapFilter::at_least(&USN_CREATED, self.from));
        if let Some(to) = self.to() {
            filter = filter.and(&LdapFilter::at_most(&USN_CREATED, to));
        }
        Search { filter, ..search.clone() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::UsnRange;

    proptest! {
        #[test]
        fn windows_leave_no_gap_and_end(highest in 0_u64..1 << 40, narrow in proptest::collection::vec(any::<bool>(), 0..40)) {
            let mut range = UsnRange::first(highest);
            let mut narrow = narrow.into_iter();
            let mut expected = 0;
            loop {
                prop_assert_eq!(range.from, expected);
                if narrow.next() == Some(true) {
                    range = range.narrowed();
                    continue;
                }
                let Some(next) = range.next() else { break };
                prop_assert!(next.from > range.from);
                expected = next.from;
                range = next;
            }
            prop_assert!(range.to().is_none());
        }
    }
}
