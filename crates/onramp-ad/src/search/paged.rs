//! Searches page by page, one page ahead of the consumer and never more: nothing that grows with the directory is held
//! but two bytes for each object received.
//!
//! A paging cookie is good on its own connection only, and servers drop it when they please. What is lost with it is
//! read again in windows of `uSNCreated`, which is indexed, never changes, and is different for every object of a domain
//! controller; objects that were received already are skipped. Windows shrink until they fit what the server gives, and
//! grow again after.

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
/// A server may send a page without entries while it works, but not for ever.
const EMPTY_PAGES: u32 = 1_000;
/// So often in a row something is tried again that brings nothing new.
const ATTEMPTS: u32 = 6;
/// The first wait between attempts; it doubles.
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// After a loss, the rest is read in about so many windows.
const RANGES: u64 = 16;

type Batch = Result<Vec<Entry>, ExchangeError>;

impl ConnectionHandle {
    /// Streams the results, each once, with all values of their attributes; of an object with an unreadable name, the values
    /// of the first answer. The stream ends after its first error.
    ///
    /// Nothing is sent before the stream is polled; dropping it ends the search.
    pub(crate) fn entries(
        self: &Arc<Self>,
        search: Search,
    ) -> impl Stream<Item = Result<Entry, ExchangeError>> + Send + 'static {
        let start = Consumer::Waiting(Some((Arc::clone(self), search)));
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

/// Ends a stream after its first error, whatever it is made of. One object that could not be understood ends nothing.
pub(crate) fn until_error<T: Send + 'static>(
    stream: impl Stream<Item = onramp_core::Result<T>> + Send + 'static,
) -> impl Stream<Item = onramp_core::Result<T>> + Send {
    stream.scan(false, |failed, item| {
        let fails = item.as_ref().is_err_and(|error| error.kind() != ErrorKind::Unreadable);
        let over = std::mem::replace(failed, fails);
        std::future::ready(if over { None } else { Some(item) })
    })
}

/// The side that takes objects.
enum Consumer {
    Waiting(Option<(Arc<ConnectionHandle>, Search)>),
    Reading { batches: mpsc::Receiver<Batch>, current: std::vec::IntoIter<Entry>, _reader: Reader },
}

/// The task that reads; it ends with this.
struct Reader(AbortHandle);

impl Drop for Reader {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Consumer {
    async fn next(&mut self) -> Option<Result<Entry, ExchangeError>> {
        if let Self::Waiting(start) = self {
            let (handle, search) = start.take()?;
            let (out, batches) = mpsc::channel(1);
            let reader = tokio::spawn(Walk::new(handle, search, out).run());
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

/// A search on its way through the directory.
struct Walk {
    handle: Arc<ConnectionHandle>,
    /// Asks for `uSNCreated` besides.
    search: Search,
    out: mpsc::Sender<Batch>,
    /// What was received; `None` once an object came whose `uSNCreated` this account may not see.
    seen: Option<UsnSet>,
    received: u64,
    /// The part that is being read; `None` is all of it, as long as nothing goes wrong.
    range: Option<UsnRange>,
    /// What is being read goes on from a page before.
    has_cookie: bool,
    stalls: Stalls,
}

/// The objects with `uSNCreated` from `from` on.
#[derive(Debug, Clone, Copy)]
struct UsnRange {
    from: u64,
    width: u64,
    /// The highest update sequence number when the first window was made. The window that reaches it has no upper bound.
    highest: u64,
}

/// Attempts that brought nothing new.
#[derive(Debug, Default)]
struct Stalls {
    count: u32,
    /// What had been received at the last one.
    received: u64,
}

/// Nobody takes the objects any more.
struct Gone;

enum Remedy {
    /// The same again.
    Repeat,
    /// Less at a time.
    Narrow,
}

impl Walk {
    fn new(handle: Arc<ConnectionHandle>, mut search: Search, out: mpsc::Sender<Batch>) -> Self {
        search.attributes.push(USN_CREATED.to_string());
        let (seen, stalls) = (Some(UsnSet::default()), Stalls::default());
        Self { handle, search, out, seen, received: 0, range: None, has_cookie: false, stalls }
    }

    async fn run(mut self) {
        loop {
            let error = match self.part().await {
                Ok(Err(Gone)) => return,
                Ok(Ok(())) if self.advance() => continue,
                Ok(Ok(())) => return,
                Err(error) => error,
            };
            if let Err(error) = self.recover(error).await {
                // If nobody listens, nobody needs to know.
                let _ = self.out.send(Err(error)).await;
                return;
            }
        }
    }

    /// Reads the present part to its end.
    async fn part(&mut self) -> Result<Result<(), Gone>, ExchangeError> {
        let search = self.range.map_or_else(|| self.search.clone(), |range| range.of(&self.search));
        let size = self.handle.settings.page_size;
        let mut connection: Option<Arc<Connection>> = None;
        let mut cookie = Vec::new();
        let mut empty_pages = 0;
        self.has_cookie = false;
        loop {
            // There is room when the consumer has begun with the page before.
            let Ok(room) = self.out.clone().reserve_owned().await else { return Ok(Err(Gone)) };
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

    /// What of a page is new, whole.
    async fn take(&mut self, mut entries: Vec<Entry>) -> Result<Vec<Entry>, ExchangeError> {
        if let (Some(seen), Some(_)) = (&self.seen, self.range) {
            entries.retain(|entry| entry.usn(USN_CREATED.as_str()).is_none_or(|usn| !seen.contains(usn)));
        }
        let mut whole = Vec::with_capacity(entries.len());
        for mut entry in entries {
            // What cannot be asked for again by any name is for whoever takes it to refuse.
            let can_be_asked = entry.guid().is_some() || entry.name().is_ok();
            if entry.is_truncated() && can_be_asked {
                match self.handle.complete(&mut entry, self.search.deleted).await {
                    // It is deleted by now: none of the results any more.
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

    /// Goes on to the next part, if there is one.
    fn advance(&mut self) -> bool {
        let Some(next) = self.range.and_then(UsnRange::next) else { return false };
        if let Some(seen) = &mut self.seen {
            seen.forget_below(next.from);
        }
        self.range = Some(next);
        true
    }

    /// Makes ready to go on after a failure, if that can help.
    async fn recover(&mut self, mut error: ExchangeError) -> Result<(), ExchangeError> {
        if self.stalls.received != self.received {
            self.stalls = Stalls { count: 0, received: self.received };
        }
        let started = self.received > 0 || self.range.is_some();
        loop {
            self.stalls.count += 1;
            let Some(remedy) = self.remedy(&error, started) else { return Err(self.ended_by(error)) };
            let repeats = matches!(remedy, Remedy::Repeat);
            if repeats && !started {
                return Ok(());
            }
            if repeats || self.stalls.count > 1 {
                let doublings = self.stalls.count.saturating_sub(1);
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

    fn remedy(&self, error: &ExchangeError, started: bool) -> Option<Remedy> {
        // What cannot be told apart cannot be skipped.
        if self.received > 0 && self.seen.is_none() {
            return None;
        }
        let unavailable = error.kind() == ErrorKind::Unavailable;
        let most = if error.is_slow { 2 } else { ATTEMPTS };
        let remedy = match error.delivery {
            Delivery::Refused(TIME_LIMIT | SIZE_LIMIT | ADMIN_LIMIT) => Remedy::Narrow,
            // How servers refuse a cookie: operationsError, protocolError, unavailableCriticalExtension,
            // unwillingToPerform, other.
            Delivery::Refused(1 | 2 | 12 | 53 | 80) if self.has_cookie => Remedy::Narrow,
            Delivery::Refused(BUSY | UNAVAILABLE) if started => Remedy::Repeat,
            Delivery::Lost | Delivery::NotSent if unavailable && (started || self.stalls.count < 2) => {
                Remedy::Repeat
            }
            Delivery::TimedOut | Delivery::NotConnected if unavailable && started => Remedy::Repeat,
            _ => return None,
        };
        (self.stalls.count <= most).then_some(remedy)
    }

    async fn highest_usn(&self) -> Result<u64, ExchangeError> {
        const HIGHEST: &str = "highestCommittedUSN";
        let found = self.handle.read(Search::object(Base::Root, &[HIGHEST])).await?;
        let usn = found.and_then(|entry| entry.usn(HIGHEST));
        usn.ok_or_else(|| {
            ExchangeError::malformed(self.handle.host(), format!("its rootDSE has no {HIGHEST}"))
        })
    }

    fn ended_by(&self, error: ExchangeError) -> ExchangeError {
        if self.received == 0 { error } else { error.after_receiving(self.received) }
    }
}

impl UsnRange {
    fn first(highest: u64) -> Self {
        Self { from: 0, width: (highest / RANGES).max(1), highest }
    }

    /// The last number in it; `None` if all that follow are.
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

    /// A search for what of another one is in the window.
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
