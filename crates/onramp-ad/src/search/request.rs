//! Search requests, and one exchange of a request and its result entries.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use ldap3::controls::{Control, MakeCritical, PagedResults, RawControl};
use ldap3::{ResultEntry, Scope, SearchStream};
use onramp_core::{AttributeName, ErrorKind, LdapFilter};

use crate::ldap::base::Base;
use crate::ldap::ber;
use crate::ldap::connection::Connection;
use crate::ldap::exchange_error::ExchangeError;
use crate::ldap::settings::Settings;
use crate::search::entry::Entry;

/// The OID of the paged-results control (RFC 2696).
pub(crate) const PAGED_RESULTS: &str = "1.2.840.113556.1.4.319";
/// The OID of the control that includes deleted objects ([MS-ADTS] 3.1.1.3.4.1.14); every domain controller
/// supports it.
const SHOW_DELETED: &str = "1.2.840.113556.1.4.417";
/// The OID of the control that suppresses references to other domains ([MS-ADTS] 3.1.1.3.4.1.4), which would
/// be skipped anyway.
const DOMAIN_SCOPE: &str = "1.2.840.113556.1.4.1339";
const OBJECT_CLASS: AttributeName = AttributeName::from_static("objectClass");
/// The maximum size of one answer in bytes. A server that sends more is broken or malicious.
const MAX_BYTES: usize = 128 << 20;
/// The maximum number of entries of an answer without pages.
const MAX_UNPAGED: usize = 100_000;

/// The maximum number of references and intermediate responses in one answer. A search of a forest has one of
/// each per domain.
const MAX_SKIPPED: usize = 1_000;

/// A search: base, scope, filter and attributes.
#[derive(Debug, Clone)]
pub(crate) struct Search {
    pub(crate) base: Base,
    pub(crate) scope: Scope,
    pub(crate) filter: LdapFilter,
    pub(crate) attributes: Vec<String>,
    /// True if deleted objects are included.
    pub(crate) include_deleted: bool,
}

impl Search {
    /// Creates a search for one object.
    pub(crate) fn object(base: impl Into<Base>, attributes: &[&str]) -> Self {
        Self::new(base, Scope::Base, anything(), attributes)
    }

    /// Creates a search of an object and everything below it.
    pub(crate) fn below(base: impl Into<Base>, filter: LdapFilter, attributes: &[&str]) -> Self {
        Self::new(base, Scope::Subtree, filter, attributes)
    }

    /// Creates a search of the direct children of an object.
    pub(crate) fn children(base: impl Into<Base>, filter: LdapFilter, attributes: &[&str]) -> Self {
        Self::new(base, Scope::OneLevel, filter, attributes)
    }

    /// Sets the filter.
    pub(crate) fn matching(mut self, filter: LdapFilter) -> Self {
        self.filter = filter;
        self
    }

    /// Sets whether deleted objects are included.
    pub(crate) fn with_deleted(mut self, include: bool) -> Self {
        self.include_deleted = include;
        self
    }

    fn new(base: impl Into<Base>, scope: Scope, filter: LdapFilter, attributes: &[&str]) -> Self {
        Self {
            base: base.into(),
            scope,
            filter,
            attributes: attributes.iter().map(|&name| name.to_owned()).collect(),
            include_deleted: false,
        }
    }
}

/// Returns a filter for objects of a class.
pub(crate) fn of_class(class: &str) -> LdapFilter {
    LdapFilter::equal(&OBJECT_CLASS, class)
}

/// Returns a filter for all objects.
pub(crate) fn anything() -> LdapFilter {
    LdapFilter::present(&OBJECT_CLASS)
}

/// One exchange: a whole search, or one page of it.
#[derive(Debug, Clone)]
pub(crate) struct Exchange<'a> {
    search: &'a Search,
    /// The page size and the cookie.
    page: Option<(u32, Vec<u8>)>,
    controls: Vec<RawControl>,
    /// The maximum number of entries in the answer.
    max_entries: usize,
}

/// The answer to a request.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) entries: Vec<Entry>,
    /// The cookie of the next page; empty after the last one.
    pub(crate) cookie: Vec<u8>,
    /// The controls of the final result.
    pub(crate) controls: Vec<Control>,
}

impl<'a> Exchange<'a> {
    /// Creates the exchange of a whole search.
    pub(crate) fn plain(search: &'a Search) -> Self {
        let mut controls = Vec::new();
        if search.include_deleted {
            controls.push(RawControl { ctype: SHOW_DELETED.to_owned(), crit: true, val: None });
        }
        let max_entries = if search.scope == Scope::Base { 1 } else { MAX_UNPAGED };
        Self { search, page: None, controls, max_entries }
    }

    /// Creates the exchange of one page. The cookie is that of the page before, on the same connection; empty
    /// for the first page.
    pub(crate) fn page(search: &'a Search, size: u32, cookie: Vec<u8>) -> Self {
        let max_entries = usize::try_from(size).unwrap_or(usize::MAX);
        let mut request = Self { page: Some((size, cookie)), max_entries, ..Self::plain(search) };
        // Not critical, so that a server without this control searches as well.
        request.controls.push(RawControl { ctype: DOMAIN_SCOPE.to_owned(), crit: false, val: None });
        request
    }

    /// Adds a control, and sets the maximum number of entries.
    pub(crate) fn with_control(mut self, control: RawControl, max_entries: usize) -> Self {
        self.controls.push(control);
        self.max_entries = max_entries;
        self
    }

    /// Sends the request and collects the answer. On an error, the entries before it are dropped. References
    /// to other servers are skipped.
    pub(crate) async fn send(
        self,
        connection: &Connection,
        settings: &Settings,
    ) -> Result<Answer, ExchangeError> {
        let mut ldap = connection.ldap();
        let mut controls = self.controls;
        if let Some((size, cookie)) = &self.page {
            // A server reduces a page size above its own limit.
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
        let mut collector = AnswerCollector::new(connection, self.max_entries);
        // Some servers compute the whole result before they send the first entry of the first page.
        let slow = self.page.is_some() || self.max_entries > MAX_UNPAGED;
        let mut limit = if slow { timeouts.first_page } else { timeouts.operation };
        while let Some(item) = connection.answer(limit, results.next()).await? {
            limit = timeouts.operation;
            collector.take(item)?;
        }
        connection.mark_used(settings);
        collector.end(&mut results).await
    }
}

/// An answer that is being received.
struct AnswerCollector<'a> {
    connection: &'a Connection,
    max_entries: usize,
    bytes: usize,
    skipped: usize,
    entries: Vec<Entry>,
}

impl<'a> AnswerCollector<'a> {
    fn new(connection: &'a Connection, max_entries: usize) -> Self {
        Self { connection, max_entries, bytes: 0, skipped: 0, entries: Vec::new() }
    }

    fn take(&mut self, item: ResultEntry) -> Result<(), ExchangeError> {
        if item.is_ref() || item.is_intermediate() {
            self.skipped += 1;
            return match self.skipped > MAX_SKIPPED {
                true => Err(self
                    .excessive(format!("more than {MAX_SKIPPED} references and remarks instead of objects"))),
                false => Ok(()),
            };
        }
        let entry = Entry::decode(item.0);
        let entry = entry.ok_or_else(|| self.malformed("an entry of another shape"))?;
        self.bytes = self.bytes.saturating_add(entry.size());
        if self.entries.len() >= self.max_entries {
            let asked = if self.max_entries == 1 {
                "one object".to_owned()
            } else {
                format!("{} objects", self.max_entries)
            };
            return Err(self.excessive(format!("more than the {asked} that it was asked for")));
        }
        if self.bytes > MAX_BYTES {
            return Err(self
                .excessive(format!("more than {} MiB for one page", MAX_BYTES >> 20))
                .with_hint("Use smaller pages, or ask for fewer attributes."));
        }
        self.entries.push(entry);
        Ok(())
    }

    /// Checks the final result: only its code tells a complete answer from an incomplete one.
    async fn end(
        self,
        results: &mut SearchStream<'static, String, Vec<String>>,
    ) -> Result<Answer, ExchangeError> {
        let result = AssertUnwindSafe(results.finish()).catch_unwind().await;
        let result = result.map_err(|_| self.malformed("the end of a search"))?;
        if result.rc != 0 {
            return Err(ExchangeError::refused(&self.connection.host, &result));
        }
        let cookie = cookie(&result.ctrls).ok_or_else(|| self.malformed("a paging cookie"))?;
        Ok(Answer { entries: self.entries, cookie, controls: result.ctrls })
    }

    fn malformed(&self, what: &str) -> ExchangeError {
        self.connection.retire();
        ExchangeError::malformed(&self.connection.host, what)
    }

    /// Closes the connection to a server that sends without end.
    fn excessive(&self, what: String) -> ExchangeError {
        let hint = Some("Check that the host is an Active Directory domain controller.");
        self.malformed("").with_meaning(ErrorKind::Invalid, format!("the server sends {what}"), hint)
    }
}

/// Returns the paging cookie, empty after the last page; `None` if the control is malformed.
pub(crate) fn cookie(controls: &[Control]) -> Option<Vec<u8>> {
    let control = controls.iter().find(|Control(_, raw)| raw.ctype == PAGED_RESULTS);
    let Some(Control(_, raw)) = control else { return Some(Vec::new()) };
    let [_, cookie] = ber::sequence(raw.val.as_deref()?, [ber::INTEGER, ber::OCTETS])?;
    Some(cookie.to_vec())
}

#[cfg(test)]
mod tests {
    use ldap3::asn1::{ASNTag, PL, StructureTag};
    use onramp_core::{AttributeName, LdapFilter};
    use proptest::prelude::*;

    use super::*;

    const CN: AttributeName = AttributeName::from_static("cn");

    /// Returns the value of a filter as it is sent.
    fn sent(filter: &LdapFilter) -> Vec<u8> {
        let tag: StructureTag =
            ldap3::parse_filter(filter.as_str()).expect("the library reads it").into_structure();
        let PL::C(parts) = tag.payload else { panic!("a comparison has two parts") };
        match parts.into_iter().last().map(|part| part.payload) {
            Some(PL::P(octets)) => octets,
            Some(PL::C(pieces)) => match pieces.into_iter().next().map(|piece| piece.payload) {
                Some(PL::P(octets)) => octets,
                other => panic!("{other:?}"),
            },
            None => panic!("no value"),
        }
    }

    proptest! {
        #[test]
        fn every_value_goes_over_the_wire_as_it_is(text in ".+", octets in proptest::collection::vec(any::<u8>(), 1..40)) {
            for filter in [
                LdapFilter::equal(&CN, &text),
                LdapFilter::at_least(&CN, &text),
                LdapFilter::at_most(&CN, &text),
                LdapFilter::starts_with(&CN, &text),
                LdapFilter::ends_with(&CN, &text),
            ] {
                prop_assert_eq!(sent(&filter), text.as_bytes(), "{}", filter);
            }
            prop_assert_eq!(sent(&LdapFilter::equal_bytes(&CN, &octets)), octets);
        }

        #[test]
        fn what_is_joined_is_read_by_the_library_too(text in ".*", bits: u32) {
            let one = LdapFilter::equal(&CN, &text);
            let other = LdapFilter::all_bits(&CN, bits).or(&LdapFilter::any_bit(&CN, bits)).negate();
            let joined = one.and(&other).or(&LdapFilter::any_of([&one, &LdapFilter::present(&CN)]));
            prop_assert!(ldap3::parse_filter(joined.as_str()).is_ok(), "{}", joined);
        }
    }

    #[test]
    fn a_search_asks_for_no_references_and_a_read_has_none_to_ask_for() {
        let search = Search::below(Base::Root, anything(), &[]);
        let asks = |request: &Exchange<'_>| {
            let scope = request.controls.iter().find(|control| control.ctype == DOMAIN_SCOPE);
            scope.map(|control| control.crit)
        };
        assert_eq!(asks(&Exchange::page(&search, 10, Vec::new())), Some(false));
        assert_eq!(asks(&Exchange::plain(&search)), None);
    }
}
