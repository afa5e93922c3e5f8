//! Searches, page by page: nothing that grows with the directory is held.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::{FutureExt, Stream, stream};
use ldap3::asn1::{PL, StructureTag, parse_tag};
use ldap3::controls::{Control, MakeCritical, PagedResults, RawControl};
use ldap3::{LdapResult, Scope, SearchStream};
use onramp_core::ErrorKind;

use crate::connection::Connection;
use crate::entry::Entry;
use crate::fault::{Fate, Fault};
use crate::link::Link;

/// OID of the paged-results control (RFC 2696).
const PAGED_RESULTS: &str = "1.2.840.113556.1.4.319";
/// A server may send a page without entries while it works, but not for ever.
const EMPTY_PAGES: u32 = 1_000;

/// What to look for.
#[derive(Debug, Clone)]
pub(crate) struct Search {
    base: String,
    scope: Scope,
    filter: String,
    attributes: Vec<String>,
}

impl Search {
    /// One object.
    pub(crate) fn object(dn: impl Into<String>, attributes: &[&str]) -> Self {
        Self::new(dn, Scope::Base, "(objectClass=*)", attributes)
    }

    /// An object and everything below it.
    pub(crate) fn below(base: impl Into<String>, filter: impl Into<String>, attributes: &[&str]) -> Self {
        Self::new(base, Scope::Subtree, filter, attributes)
    }

    /// The objects right below one.
    pub(crate) fn children(base: impl Into<String>, filter: impl Into<String>, attributes: &[&str]) -> Self {
        Self::new(base, Scope::OneLevel, filter, attributes)
    }

    /// Only if the object also matches.
    pub(crate) fn matching(mut self, filter: &str) -> Self {
        self.filter = filter.to_owned();
        self
    }

    fn new(base: impl Into<String>, scope: Scope, filter: impl Into<String>, attributes: &[&str]) -> Self {
        Self {
            base: base.into(),
            scope,
            filter: filter.into(),
            attributes: attributes.iter().map(|&name| name.to_owned()).collect(),
        }
    }
}

impl Link {
    /// The results one by one. The stream ends after its first error.
    pub(crate) fn entries(
        self: &Arc<Self>,
        search: Search,
    ) -> impl Stream<Item = Result<Entry, Fault>> + Send + 'static {
        stream::try_unfold(Pages::new(Arc::clone(self), search, true), |mut pages| async move {
            Ok(pages.next().await?.map(|entry| (entry, pages)))
        })
    }

    /// All results of a search that has few.
    pub(crate) async fn collect(self: &Arc<Self>, search: Search) -> Result<Vec<Entry>, Fault> {
        let mut pages = Pages::new(Arc::clone(self), search, true);
        let mut entries = Vec::new();
        while let Some(entry) = pages.next().await? {
            entries.push(entry);
        }
        Ok(entries)
    }

    /// One object, with all values of its attributes; `None` if it does not exist or does not match.
    pub(crate) async fn read(self: &Arc<Self>, search: Search) -> Result<Option<Entry>, Fault> {
        let mut pages = Pages::new(Arc::clone(self), search.clone(), false);
        let found = match pages.next().await {
            Ok(found) => found,
            Err(fault) if *fault.kind() == ErrorKind::NotFound => None,
            Err(fault) => return Err(fault),
        };
        match found {
            Some(entry) if entry.is_truncated() => self.read_rest(&search.base, entry).await.map(Some),
            found => Ok(found),
        }
    }

    /// Fetches what the server cut off an attribute with many values (`MaxValRange`).
    async fn read_rest(self: &Arc<Self>, dn: &str, mut entry: Entry) -> Result<Entry, Fault> {
        while entry.is_truncated() {
            let known: Vec<(String, u64)> =
                entry.truncated().map(|(name, from)| (name.to_owned(), from)).collect();
            let wanted: Vec<String> =
                known.iter().map(|(name, from)| format!("{name};range={from}-*")).collect();
            let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
            let mut pages = Pages::new(Arc::clone(self), Search::object(dn, &wanted), false);
            entry.extend(pages.next().await?.ok_or_else(|| self.vanished(dn))?);
            if entry.truncated().any(|(name, from)| known.iter().any(|k| k.0 == name && k.1 == from)) {
                return Err(Fault::malformed(self.host(), "a range of values that does not advance"));
            }
        }
        Ok(entry)
    }

    fn vanished(&self, dn: &str) -> Fault {
        Fault::not_sent(self.host(), ErrorKind::NotFound, format!("{dn} vanished while it was read"))
    }
}

/// A search under way.
struct Pages {
    link: Arc<Link>,
    search: Search,
    paged: bool,
    page: Option<Page>,
    /// Where the next page begins; empty before the first and after the last.
    cookie: Vec<u8>,
    progress: Progress,
    empty_pages: u32,
}

#[derive(PartialEq, Eq)]
enum Progress {
    Fresh,
    Started,
    Finished,
}

/// A page under way. The connection is held with it: a cookie is good on its own connection only.
struct Page {
    connection: Arc<Connection>,
    results: SearchStream<'static, String, Vec<String>>,
    entries: u32,
}

impl Pages {
    fn new(link: Arc<Link>, search: Search, paged: bool) -> Self {
        Self {
            link,
            search,
            paged,
            page: None,
            cookie: Vec::new(),
            progress: Progress::Fresh,
            empty_pages: 0,
        }
    }

    /// The next entry. A connection that turns out to be lost before anything came is replaced once.
    async fn next(&mut self) -> Result<Option<Entry>, Fault> {
        let fresh = self.progress == Progress::Fresh;
        match self.advance().await {
            Err(fault) if fresh && is_worth_repeating(&fault) => {
                self.page = None;
                self.cookie.clear();
                self.advance().await
            }
            outcome => outcome,
        }
    }

    async fn advance(&mut self) -> Result<Option<Entry>, Fault> {
        while self.progress != Progress::Finished {
            if self.page.is_none() {
                let connection = self.link.connection().await?;
                self.start_page(connection).await?;
            }
            let Some(page) = self.page.as_mut() else { break };
            let timeouts = &self.link.settings.timeouts;
            let limit =
                if self.paged && page.entries == 0 { timeouts.first_page } else { timeouts.operation };
            let host = self.link.host();
            match page.connection.answer(limit, page.results.next()).await? {
                Some(item) if item.is_ref() || item.is_intermediate() => {}
                Some(item) => {
                    page.entries += 1;
                    self.progress = Progress::Started;
                    page.connection.mark_used(&self.link.settings);
                    let entry = Entry::decode(item.0);
                    return entry
                        .map(Some)
                        .ok_or_else(|| Fault::malformed(host, "an entry of another shape"));
                }
                None => self.end_page().await?,
            }
        }
        Ok(None)
    }

    async fn start_page(&mut self, connection: Arc<Connection>) -> Result<(), Fault> {
        let mut ldap = connection.handle();
        if self.paged {
            // Both control and size are within what every domain controller knows; a size above its own limit is
            // cut down by the server.
            let size = i32::try_from(self.link.settings.page_size).unwrap_or(i32::MAX);
            let control: RawControl = PagedResults { size, cookie: self.cookie.clone() }.critical().into();
            ldap.with_controls(control);
        }
        let Search { base, scope, filter, attributes } = &self.search;
        let starting = ldap.streaming_search(base, *scope, filter, attributes.clone());
        let results = connection.answer(self.link.settings.timeouts.operation, starting).await?;
        self.page = Some(Page { connection, results, entries: 0 });
        Ok(())
    }

    /// Looks at how a page ended: only its result code tells a complete one from one that was cut short.
    async fn end_page(&mut self) -> Result<(), Fault> {
        let Some(mut page) = self.page.take() else { return Ok(()) };
        let host = self.link.host();
        let result = AssertUnwindSafe(page.results.finish()).catch_unwind().await;
        let result = result.map_err(|_| Fault::malformed(host, "the end of a search"))?;
        if result.rc != 0 {
            return Err(Fault::refused(host, &result));
        }
        self.cookie = cookie(&result).ok_or_else(|| Fault::malformed(host, "a paging cookie"))?;
        self.empty_pages = if page.entries == 0 { self.empty_pages + 1 } else { 0 };
        if self.cookie.is_empty() {
            self.progress = Progress::Finished;
        } else if self.empty_pages > EMPTY_PAGES {
            return Err(Fault::malformed(host, format!("{EMPTY_PAGES} pages in a row had no entries")));
        } else {
            self.progress = Progress::Started;
            self.start_page(page.connection).await?;
        }
        Ok(())
    }
}

/// A read may be done twice, but not after a time-out (it would double the wait) nor if connecting failed.
fn is_worth_repeating(fault: &Fault) -> bool {
    matches!(fault.fate, Fate::NotSent | Fate::Lost) && *fault.kind() == ErrorKind::Unavailable
}

/// The cookie of a page's end; empty if it was the last. `None` if the control cannot be read.
fn cookie(result: &LdapResult) -> Option<Vec<u8>> {
    let control = result.ctrls.iter().find(|Control(_, raw)| raw.ctype == PAGED_RESULTS);
    let Some(Control(_, raw)) = control else { return Some(Vec::new()) };
    let (_, value) = parse_tag(raw.val.as_deref()?).ok()?;
    let PL::C(parts) = value.payload else { return None };
    match <[StructureTag; 2]>::try_from(parts).ok()? {
        [_, StructureTag { payload: PL::P(cookie), .. }] => Some(cookie),
        _ => None,
    }
}
