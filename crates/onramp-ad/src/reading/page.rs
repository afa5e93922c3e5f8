//! One exchange of a search: a request, the entries that answer it, and how they end.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use ldap3::controls::{Control, MakeCritical, PagedResults, RawControl};
use ldap3::{ResultEntry, Scope, SearchStream};
use onramp_core::ErrorKind;

use crate::reading::entry::Entry;
use crate::reading::search::Search;
use crate::settings::Settings;
use crate::wire::ber;
use crate::wire::connection::Connection;
use crate::wire::fault::Fault;

/// OID of the paged-results control (RFC 2696).
pub(crate) const PAGED_RESULTS: &str = "1.2.840.113556.1.4.319";
/// Deleted objects are found too ([MS-ADTS] 3.1.1.3.4.1.14); every domain controller knows it.
const SHOW_DELETED: &str = "1.2.840.113556.1.4.417";
/// No references to other servers are made up ([MS-ADTS] 3.1.1.3.4.1.4): they would be skipped anyway.
const DOMAIN_SCOPE: &str = "1.2.840.113556.1.4.1339";
/// What the values of one answer may take together: a server that sends more has lost its mind, or means harm.
const MAX_BYTES: usize = 128 << 20;
/// Entries of an answer without pages, before it is taken for one without end.
const MAX_UNPAGED: usize = 100_000;

/// References to other servers, and remarks in between, in one answer. A search of a forest has one of each for each domain.
const MAX_ASIDES: usize = 1_000;

/// A search request, or that for one page of it.
#[derive(Debug, Clone)]
pub(crate) struct Request<'a> {
    search: &'a Search,
    /// Objects a page and where it begins.
    page: Option<(u32, Vec<u8>)>,
    controls: Vec<RawControl>,
    /// More objects than that are no answer.
    most: usize,
}

/// What answered a request.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) entries: Vec<Entry>,
    /// Where the next page begins; empty if this was the last.
    pub(crate) cookie: Vec<u8>,
    /// The controls of its end.
    pub(crate) controls: Vec<Control>,
}

impl<'a> Request<'a> {
    /// The whole search at once.
    pub(crate) fn plain(search: &'a Search) -> Self {
        let mut controls = Vec::new();
        if search.deleted {
            controls.push(RawControl { ctype: SHOW_DELETED.to_owned(), crit: true, val: None });
        }
        let most = if search.scope == Scope::Base { 1 } else { MAX_UNPAGED };
        Self { search, page: None, controls, most }
    }

    /// One page of it, at a cookie that the page before gave on the same connection; empty for the first.
    pub(crate) fn page(search: &'a Search, size: u32, cookie: Vec<u8>) -> Self {
        let most = usize::try_from(size).unwrap_or(usize::MAX);
        let mut request = Self { page: Some((size, cookie)), most, ..Self::plain(search) };
        // Not critical, so that a server that does not list it searches as well.
        request.controls.push(RawControl { ctype: DOMAIN_SCOPE.to_owned(), crit: false, val: None });
        request
    }

    /// With a control, and so many objects in the answer at most.
    pub(crate) fn with_control(mut self, control: RawControl, most: usize) -> Self {
        self.controls.push(control);
        self.most = most;
        self
    }

    /// Sends it and takes in the answer, which ends with success or is a fault: what came before a failure is dropped.
    /// References to other servers are skipped.
    pub(crate) async fn send(self, connection: &Connection, settings: &Settings) -> Result<Answer, Fault> {
        let mut ldap = connection.handle();
        let mut controls = self.controls;
        if let Some((size, cookie)) = &self.page {
            // A size above the server's own limit is cut down by the server.
            let size = i32::try_from(*size).unwrap_or(i32::MAX);
            controls.push(PagedResults { size, cookie: cookie.clone() }.critical().into());
        }
        if !controls.is_empty() {
            ldap.with_controls(controls);
        }
        let Search { base, scope, filter, attributes, .. } = self.search;
        let timeouts = &settings.timeouts;
        let base = base.to_string();
        let starting = ldap.streaming_search(&base, *scope, filter.as_str(), attributes.clone());
        let mut results = connection.answer(timeouts.operation, starting).await?;
        let mut intake = Intake::new(connection, self.most);
        // Some servers work through the whole result before they send the first entry of its first page.
        let slow = self.page.is_some() || self.most > MAX_UNPAGED;
        let mut limit = if slow { timeouts.first_page } else { timeouts.operation };
        while let Some(item) = connection.answer(limit, results.next()).await? {
            limit = timeouts.operation;
            intake.take(item)?;
        }
        connection.mark_used(settings);
        intake.end(&mut results).await
    }
}

/// An answer coming in.
struct Intake<'a> {
    connection: &'a Connection,
    most: usize,
    bytes: usize,
    asides: usize,
    entries: Vec<Entry>,
}

impl<'a> Intake<'a> {
    fn new(connection: &'a Connection, most: usize) -> Self {
        Self { connection, most, bytes: 0, asides: 0, entries: Vec::new() }
    }

    fn take(&mut self, item: ResultEntry) -> Result<(), Fault> {
        if item.is_ref() || item.is_intermediate() {
            self.asides += 1;
            return match self.asides > MAX_ASIDES {
                true => {
                    Err(self
                        .flooded(format!("more than {MAX_ASIDES} references and remarks instead of objects")))
                }
                false => Ok(()),
            };
        }
        let entry = Entry::decode(item.0);
        let entry = entry.ok_or_else(|| self.malformed("an entry of another shape"))?;
        self.bytes = self.bytes.saturating_add(entry.size());
        if self.entries.len() >= self.most {
            let asked =
                if self.most == 1 { "one object".to_owned() } else { format!("{} objects", self.most) };
            return Err(self.flooded(format!("more than the {asked} that it was asked for")));
        }
        if self.bytes > MAX_BYTES {
            return Err(self
                .flooded(format!("more than {} MiB for one page", MAX_BYTES >> 20))
                .with_hint("Use smaller pages, or ask for fewer attributes."));
        }
        self.entries.push(entry);
        Ok(())
    }

    /// Looks at how an answer ended: only its result code tells a complete one from one that was cut short.
    async fn end(self, results: &mut SearchStream<'static, String, Vec<String>>) -> Result<Answer, Fault> {
        let result = AssertUnwindSafe(results.finish()).catch_unwind().await;
        let result = result.map_err(|_| self.malformed("the end of a search"))?;
        if result.rc != 0 {
            return Err(Fault::refused(&self.connection.host, &result));
        }
        let cookie = cookie(&result.ctrls).ok_or_else(|| self.malformed("a paging cookie"))?;
        Ok(Answer { entries: self.entries, cookie, controls: result.ctrls })
    }

    fn malformed(&self, what: &str) -> Fault {
        self.connection.retire();
        Fault::malformed(&self.connection.host, what)
    }

    /// The server sends without end: nothing on this connection is waited for any more.
    fn flooded(&self, what: String) -> Fault {
        let hint = Some("Check that the host is an Active Directory domain controller.");
        self.malformed("").retold(ErrorKind::Invalid, format!("the server sends {what}"), hint)
    }
}

/// The cookie of a page's end; empty if it was the last. `None` if the control cannot be read.
pub(crate) fn cookie(controls: &[Control]) -> Option<Vec<u8>> {
    let control = controls.iter().find(|Control(_, raw)| raw.ctype == PAGED_RESULTS);
    let Some(Control(_, raw)) = control else { return Some(Vec::new()) };
    let [_, cookie] = ber::sequence(raw.val.as_deref()?, [ber::INTEGER, ber::OCTETS])?;
    Some(cookie.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::base::Base;

    #[test]
    fn a_search_asks_for_no_references_and_a_read_has_none_to_ask_for() {
        let search = Search::below(Base::Root, crate::reading::search::anything(), &[]);
        let asks = |request: &Request<'_>| {
            let scope = request.controls.iter().find(|control| control.ctype == DOMAIN_SCOPE);
            scope.map(|control| control.crit)
        };
        assert_eq!(asks(&Request::page(&search, 10, Vec::new())), Some(false));
        assert_eq!(asks(&Request::plain(&search)), None);
    }
}
