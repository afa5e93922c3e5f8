//! Searches: what to look for, and the ways to get it.

use std::sync::Arc;

use futures_util::{Stream, StreamExt, TryStreamExt};
use ldap3::Scope;
use onramp_core::{AttributeName, DistinguishedName, ErrorKind, LdapFilter};

use crate::reading::base::Base;
use crate::reading::entry::Entry;
use crate::reading::page::Request;
use crate::reading::pages;
use crate::wire::fault::{Fate, Fault};
use crate::wire::link::Link;

const OBJECT_CLASS: AttributeName = AttributeName::from_static("objectClass");

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

impl Link {
    /// The results one by one, each once, with all values of their attributes; of one whose name could not be read, those
    /// that came at once. The stream ends after its first error.
    pub(crate) fn entries(
        self: &Arc<Self>,
        search: Search,
    ) -> impl Stream<Item = Result<Entry, Fault>> + Send + 'static {
        pages::stream(Arc::clone(self), search)
    }

    /// All results of a search that has few.
    pub(crate) async fn collect(self: &Arc<Self>, search: Search) -> Result<Vec<Entry>, Fault> {
        self.entries(search).try_collect().await
    }

    /// One object, with all values of its attributes; `None` if it does not exist or does not match.
    pub(crate) async fn read(self: &Arc<Self>, search: Search) -> Result<Option<Entry>, Fault> {
        let found = match self.read_once(&search).await {
            Err(fault) if is_worth_repeating(&fault) => self.read_once(&search).await,
            outcome => outcome,
        };
        match found {
            Ok(Some(mut entry)) => {
                self.complete(&mut entry, search.deleted).await?;
                Ok(Some(entry))
            }
            Err(fault) if fault.kind() == ErrorKind::NotFound => Ok(None),
            outcome => outcome,
        }
    }

    /// Fetches what the server cut off attributes with many values (`MaxValRange`, [MS-ADTS] 3.1.1.3.1.3.3).
    pub(crate) async fn complete(&self, entry: &mut Entry, deleted: bool) -> Result<(), Fault> {
        while entry.is_truncated() {
            let known: Vec<(String, u64)> =
                entry.truncated().map(|(name, from)| (name.to_owned(), from)).collect();
            let wanted =
                known.iter().map(|(name, from)| self.rest_of(name, *from)).collect::<Result<Vec<_>, _>>()?;
            let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
            let name = match entry.guid() {
                // Wherever the object is moved meanwhile.
                Some(guid) => Base::Guid(guid),
                None => Base::Name(self.name(&entry.dn)?),
            };
            let search = Search::object(name, &wanted).with_deleted(deleted);
            let more = match self.read_once(&search).await {
                Err(fault) if is_worth_repeating(&fault) => self.read_once(&search).await?,
                outcome => outcome?,
            };
            entry.extend(more.ok_or_else(|| self.vanished(&entry.dn))?);
            if entry.truncated().any(|(name, from)| known.iter().any(|k| k.0 == name && k.1 >= from)) {
                return Err(Fault::malformed(self.host(), "a range of values that does not advance"));
            }
        }
        Ok(())
    }

    /// One object as the server gives it at once.
    async fn read_once(&self, search: &Search) -> Result<Option<Entry>, Fault> {
        let connection = self.connection().await?;
        let answer = Request::plain(search).send(&connection, &self.settings).await?;
        Ok(answer.entries.into_iter().next())
    }

    /// Asks for the values of an attribute from that one on ([MS-ADTS] 3.1.1.3.1.3.3).
    fn rest_of(&self, attribute: &str, from: u64) -> Result<String, Fault> {
        let attribute = AttributeName::parse(attribute);
        let attribute = attribute.map_err(|_| Fault::malformed(self.host(), "an attribute of no name"))?;
        Ok(format!("{attribute};range={from}-*"))
    }

    /// A name that the server told.
    pub(crate) fn name(&self, told: &str) -> Result<DistinguishedName, Fault> {
        DistinguishedName::parse(told).map_err(|error| Fault::malformed(self.host(), error.to_string()))
    }

    fn vanished(&self, dn: &str) -> Fault {
        Fault::not_sent(self.host(), ErrorKind::NotFound, format!("{dn} vanished while it was read"))
    }
}

/// A read may be done twice, but not after a time-out (it would double the wait) nor if connecting failed.
pub(crate) fn is_worth_repeating(fault: &Fault) -> bool {
    matches!(fault.fate, Fate::NotSent | Fate::Lost) && fault.kind() == ErrorKind::Unavailable
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

#[cfg(test)]
mod tests {
    use ldap3::asn1::{ASNTag, PL, StructureTag};
    use proptest::prelude::*;

    use super::{AttributeName, LdapFilter};

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
}
