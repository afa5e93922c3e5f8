//! One exchange of a search: a request, the entries that answer it, and how they end.

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

/// OID of the paged-results control (RFC 2696).
pub(crate) const PAGED_RESULTS: &str = "1.2.840.113556.1.4.319";
/// Deleted objects are found too ([MS-ADTS] 3.1.1.3.4.1.14); every domain controller knows it.
const SHOW_DELETED: &str = "1.2.840.113556.1.4.417";
/// No references to other servers are made up ([MS-ADTS] 3.1.1.3.4.1.4): they would be skipped anyway.
const DOMAIN_SCOPE: &str = "1.2.840.113556.1.4.1339";
const OBJECT_CLASS: AttributeName = AttributeName::from_static("objectClass");
/// What the values of one answer may take together: a server that sends more has lost its mind, or means harm.
const MAX_BYTES: usize = 128 << 20;
/// Entries of an answer without pages, before it is taken for one without end.
const MAX_UNPAGED: usize = 100_000;

/// References to other servers, and remarks in between, in one answer. A search of a forest has one of each for each domain.
const MAX_ASIDES: usize = 1_000;

/// What to look for.
#[derive(Debug, Clone)]
pub(crate) struct Search {
    pub(crate) base: Base,
    pub(crate) scope: Scope,
    pub(crate) filter: LdapFilter,
    pub(crate) attributes: Vec<String>,
    /// Deleted objects are found too.
    pub(crate) deleted: bool,
}

impl Search {
    /// One object.
    pub(crate) fn object(base: impl Into<Base>, attributes: &[&str]) -> Self {
        Self::new(base, Scope::Base, anything(), attributes)
    }

    /// An object and everything below it.
    pub(crate) fn below(base: impl Into<Base>, filter: LdapFilter, attributes: &[&str]) -> Self {
        Self::new(base, Scope::Subtree, filter, attributes)
    }

    /// The objects right below one.
    pub(crate) fn children(base: impl Into<Base>, filter: LdapFilter, attributes: &[&str]) -> Self {
        Self::new(base, Scope::OneLevel, filter, attributes)
    }

    /// Only if the object also matches.
    pub(crate) fn matching(mut self, filter: LdapFilter) -> Self {
        self.filter = filter;
        self
    }

    /// Deleted objects too.
    pub(crate) fn with_deleted(mut self, deleted: bool) -> Self {
        self.deleted = deleted;
        self
    }

    fn new(base: impl Into<Base>, scope: Scope, filter: LdapFilter, attributes: &[&str]) -> Self {
        Self {
            base: base.into(),
            scope,
            filter,
            attributes: attributes.iter().map(|&name| name.to_owned()).collect(),
            deleted: false,
        }
    }
}

/// Objects of that class.
pub(crate) fn of_class(class: &str) -> LdapFilter {
    LdapFilter::equal(&OBJECT_CLASS, class)
}

/// Every object.
pub(crate) fn anything() -> LdapFilter {
    LdapFilter::present(&OBJECT_CLASS)
}

/// A search request, or that for one page of it.
#[derive(Debug, Clone)]
pub(crate) struct Exchange<'a> {
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

impl<'a> Exchange<'a> {
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

    /// Sends it and takes in the answer, which ends with success or is a error: what came before a failure is dropped.
    /// References to other servers are skipped.
    pub(crate) async fn send(
        self,
        connection: &Connection,
        settings: &Settings,
    ) -> Result<Answer, ExchangeError> {
        let mut ldap = connection.ldap();
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

    fn take(&mut self, item: ResultEntry) -> Result<(), ExchangeError> {
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

    /// The server sends without end: nothing on this connection is waited for any more.
    fn flooded(&self, what: String) -> ExchangeError {
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
    use ldap3::asn1::{ASNTag, PL, StructureTag};
    use onramp_core::{AttributeName, LdapFilter};
    use proptest::prelude::*;

    use super::*;

    const CN: AttributeName = AttributeName::from_static("cn");

    /// The octets in the last part of a filter, as they go over the wire.
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
