//! Searches page by page, one page ahead of the consumer and never more: nothing that grows with the directory is held
//! but two bytes for each object received.
//!
//! A paging cookie is good on its own connection only, and servers drop it when they please. What is lost with it is
//! read again in windows of `uSNCreated`, which is indexed, never changes, and is different for every object of a domain
//! controller; objects that were received already are skipped. Windows shrink until they fit what the server gives, and
//! grow again after.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, stream};
use onramp_core::{AttributeName, ErrorKind, LdapFilter};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::reading::base::Base;
use crate::reading::entry::Entry;
use crate::reading::page::Request;
use crate::reading::search::Search;
use crate::reading::usn_set::UsnSet;
use crate::wire::connection::Connection;
use crate::wire::fault::{Fate, Fault};
use crate::wire::link::Link;
use crate::wire::result_code::{ADMIN_LIMIT, BUSY, SIZE_LIMIT, TIME_LIMIT, UNAVAILABLE};

const USN_CREATED: AttributeName = AttributeName::from_static("uSNCreated");
/// A server may send a page without entries while it works, but not for ever.
const EMPTY_PAGES: u32 = 1_000;
/// So often in a row something is tried again that brings nothing new.
const ATTEMPTS: u32 = 6;
/// The first wait between attempts; it doubles.
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// After a loss, the rest is read in about so many windows.
const WINDOWS: u64 = 16;

type Batch = Result<Vec<Entry>, Fault>;

/// The results one by one. Nothing is sent before the stream is polled; dropping it ends the search.
pub(crate) fn stream(
    link: Arc<Link>,
    search: Search,
) -> impl Stream<Item = Result<Entry, Fault>> + Send + 'static {
    stream::unfold(Consumer::Waiting(Some((link, search))), |mut consumer| async move {
        let item = consumer.next().await?;
        Some((item, consumer))
    })
}

/// The side that takes objects.
enum Consumer {
    Waiting(Option<(Arc<Link>, Search)>),
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
    async fn next(&mut self) -> Option<Result<Entry, Fault>> {
        if let Self::Waiting(start) = self {
            let (link, search) = start.take()?;
            let (out, batches) = mpsc::channel(1);
            let reader = tokio::spawn(Walk::new(link, search, out).run());
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
                Err(fault) => return Some(Err(fault)),
            }
        }
    }
}

/// A search on its way through the directory.
struct Walk {
    link: Arc<Link>,
    /// Asks for `uSNCreated` besides.
    search: Search,
    out: mpsc::Sender<Batch>,
    /// What was received; `None` once an object came whose `uSNCreated` this account may not see.
    seen: Option<UsnSet>,
    received: u64,
    /// The part that is being read; `None` is all of it, as long as nothing goes wrong.
    window: Option<Window>,
    /// What is being read goes on from a page before.
    has_cookie: bool,
    stalls: Stalls,
}

/// The objects with `uSNCreated` from `from` on.
#[derive(Debug, Clone, Copy)]
struct Window {
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
    fn new(link: Arc<Link>, mut search: Search, out: mpsc::Sender<Batch>) -> Self {
        search.attributes.push(USN_CREATED.to_string());
        let (seen, stalls) = (Some(UsnSet::default()), Stalls::default());
        Self { link, search, out, seen, received: 0, window: None, has_cookie: false, stalls }
    }

    async fn run(mut self) {
        loop {
            let fault = match self.part().await {
                Ok(Err(Gone)) => return,
                Ok(Ok(())) if self.advance() => continue,
                Ok(Ok(())) => return,
                Err(fault) => fault,
            };
            if let Err(fault) = self.recover(fault).await {
                // If nobody listens, nobody needs to know.
                let _ = self.out.send(Err(fault)).await;
                return;
            }
        }
    }

    /// Reads the present part to its end.
    async fn part(&mut self) -> Result<Result<(), Gone>, Fault> {
        let search = self.window.map_or_else(|| self.search.clone(), |window| window.of(&self.search));
        let size = self.link.settings.page_size;
        let mut connection: Option<Arc<Connection>> = None;
        let mut cookie = Vec::new();
        let mut empty_pages = 0;
        self.has_cookie = false;
        loop {
            // There is room when the consumer has begun with the page before.
            let Ok(room) = self.out.clone().reserve_owned().await else { return Ok(Err(Gone)) };
            let on = match &connection {
                Some(connection) => connection,
                None => connection.insert(self.link.connection().await?),
            };
            let answer = Request::page(&search, size, cookie).send(on, &self.link.settings).await?;
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
                return Err(Fault::malformed(self.link.host(), what));
            }
        }
    }

    /// What of a page is new, whole.
    async fn take(&mut self, mut entries: Vec<Entry>) -> Result<Vec<Entry>, Fault> {
        if let (Some(seen), Some(_)) = (&self.seen, self.window) {
            entries.retain(|entry| entry.usn(USN_CREATED.as_str()).is_none_or(|usn| !seen.contains(usn)));
        }
        let mut whole = Vec::with_capacity(entries.len());
        for mut entry in entries {
            // What cannot be asked for again by any name is for whoever takes it to refuse.
            let can_be_asked = entry.guid().is_some() || entry.name().is_ok();
            if entry.is_truncated() && can_be_asked {
                match self.link.complete(&mut entry, self.search.deleted).await {
                    // It is deleted by now: none of the results any more.
                    Err(fault) if fault.kind() == ErrorKind::NotFound => continue,
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
        let Some(next) = self.window.and_then(Window::next) else { return false };
        if let Some(seen) = &mut self.seen {
            seen.forget_below(next.from);
        }
        self.window = Some(next);
        true
    }

    /// Makes ready to go on after a failure, if that can help.
    async fn recover(&mut self, mut fault: Fault) -> Result<(), Fault> {
        if self.stalls.received != self.received {
            self.stalls = Stalls { count: 0, received: self.received };
        }
        let started = self.received > 0 || self.window.is_some();
        loop {
            self.stalls.count += 1;
            let Some(remedy) = self.remedy(&fault, started) else { return Err(self.ended_by(fault)) };
            let repeats = matches!(remedy, Remedy::Repeat);
            if repeats && !started {
                return Ok(());
            }
            if repeats || self.stalls.count > 1 {
                let doublings = self.stalls.count.saturating_sub(1);
                self.link.settings.clock.sleep(FIRST_WAIT * 2_u32.saturating_pow(doublings)).await;
            }
            let window = match self.window {
                Some(window) if repeats => Ok(window),
                Some(window) => Ok(window.narrowed()),
                None => self.highest_usn().await.map(Window::first),
            };
            match window {
                Ok(window) => {
                    self.window = Some(window);
                    return Ok(());
                }
                Err(other) => fault = other,
            }
        }
    }

    fn remedy(&self, fault: &Fault, started: bool) -> Option<Remedy> {
        // What cannot be told apart cannot be skipped.
        if self.received > 0 && self.seen.is_none() {
            return None;
        }
        let unavailable = fault.kind() == ErrorKind::Unavailable;
        let most = if fault.is_slow { 2 } else { ATTEMPTS };
        let remedy = match fault.fate {
            Fate::Refused(TIME_LIMIT | SIZE_LIMIT | ADMIN_LIMIT) => Remedy::Narrow,
            // How servers refuse a cookie: operationsError, protocolError, unavailableCriticalExtension,
            // unwillingToPerform, other.
            Fate::Refused(1 | 2 | 12 | 53 | 80) if self.has_cookie => Remedy::Narrow,
            Fate::Refused(BUSY | UNAVAILABLE) if started => Remedy::Repeat,
            Fate::Lost | Fate::NotSent if unavailable && (started || self.stalls.count < 2) => Remedy::Repeat,
            Fate::TimedOut | Fate::NotConnected if unavailable && started => Remedy::Repeat,
            _ => return None,
        };
        (self.stalls.count <= most).then_some(remedy)
    }

    async fn highest_usn(&self) -> Result<u64, Fault> {
        const HIGHEST: &str = "highestCommittedUSN";
        let found = self.link.read(Search::object(Base::Root, &[HIGHEST])).await?;
        let usn = found.and_then(|entry| entry.usn(HIGHEST));
        usn.ok_or_else(|| Fault::malformed(self.link.host(), format!("its rootDSE has no {HIGHEST}")))
    }

    fn ended_by(&self, fault: Fault) -> Fault {
        if self.received == 0 { fault } else { fault.after_receiving(self.received) }
    }
}

impl Window {
    fn first(highest: u64) -> Self {
        Self { from: 0, width: (highest / WINDOWS).max(1), highest }
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

    use super::Window;

    proptest! {
        #[test]
        fn windows_leave_no_gap_and_end(highest in 0_u64..1 << 40, narrow in proptest::collection::vec(any::<bool>(), 0..40)) {
            let mut window = Window::first(highest);
            let mut narrow = narrow.into_iter();
            let mut expected = 0;
            loop {
                prop_assert_eq!(window.from, expected);
                if narrow.next() == Some(true) {
                    window = window.narrowed();
                    continue;
                }
                let Some(next) = window.next() else { break };
                prop_assert!(next.from > window.from);
                expected = next.from;
                window = next;
            }
            prop_assert!(window.to().is_none());
        }
    }
}
