//! Reads of one object, with every value of its attributes.

use std::sync::Arc;

use onramp_core::{AttributeName, DistinguishedName, ErrorKind};

use crate::ldap::base::Base;
use crate::ldap::connection_handle::ConnectionHandle;
use crate::ldap::exchange_error::{Delivery, ExchangeError};
use crate::search::entry::Entry;
use crate::search::request::{Exchange, Search};

impl ConnectionHandle {
    /// Reads one object, with all values of its attributes; `None` if it does not exist or does not match.
    pub(crate) async fn read(self: &Arc<Self>, search: Search) -> Result<Option<Entry>, ExchangeError> {
        let found = match self.read_once(&search).await {
            Err(error) if is_worth_repeating(&error) => self.read_once(&search).await,
            outcome => outcome,
        };
        match found {
            Ok(Some(mut entry)) => {
                self.complete(&mut entry, search.include_deleted).await?;
                Ok(Some(entry))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            outcome => outcome,
        }
    }

    /// Reads the remaining values of attributes with many values (`MaxValRange`, [MS-ADTS] 3.1.1.3.1.3.3).
    pub(crate) async fn complete(&self, entry: &mut Entry, deleted: bool) -> Result<(), ExchangeError> {
        while entry.is_truncated() {
            let known: Vec<(String, u64)> =
                entry.truncated().map(|(name, from)| (name.to_owned(), from)).collect();
            let wanted =
                known.iter().map(|(name, from)| self.rest_of(name, *from)).collect::<Result<Vec<_>, _>>()?;
            let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
            let name = match entry.guid() {
                // The GUID stays valid if the object is moved meanwhile.
                Some(guid) => Base::Guid(guid),
                None => Base::Name(self.name(&entry.dn)?),
            };
            let search = Search::object(name, &wanted).with_deleted(deleted);
            let more = match self.read_once(&search).await {
                Err(error) if is_worth_repeating(&error) => self.read_once(&search).await?,
                outcome => outcome?,
            };
            entry.extend(more.ok_or_else(|| self.vanished(&entry.dn))?);
            if entry.truncated().any(|(name, from)| known.iter().any(|k| k.0 == name && k.1 >= from)) {
                return Err(ExchangeError::malformed(self.host(), "a range of values that does not advance"));
            }
        }
        Ok(())
    }

    /// Reads one object with the values of the first answer.
    async fn read_once(&self, search: &Search) -> Result<Option<Entry>, ExchangeError> {
        let connection = self.connection().await?;
        let answer = Exchange::plain(search).send(&connection, &self.settings).await?;
        Ok(answer.entries.into_iter().next())
    }

    /// Returns the attribute description of the values from that one on ([MS-ADTS] 3.1.1.3.1.3.3).
    fn rest_of(&self, attribute: &str, from: u64) -> Result<String, ExchangeError> {
        let attribute = AttributeName::parse(attribute);
        let attribute = attribute
            .map_err(|_| ExchangeError::malformed(self.host(), "an attribute without a valid name"))?;
        Ok(format!("{attribute};range={from}-*"))
    }

    /// Parses a distinguished name that the server sent.
    pub(crate) fn name(&self, text: &str) -> Result<DistinguishedName, ExchangeError> {
        DistinguishedName::parse(text)
            .map_err(|error| ExchangeError::malformed(self.host(), error.to_string()))
    }

    fn vanished(&self, dn: &str) -> ExchangeError {
        ExchangeError::not_sent(self.host(), ErrorKind::NotFound, format!("{dn} vanished while it was read"))
    }
}

/// Returns true if a read should be repeated: not after a timeout, which would double the wait, nor after a
/// failure to connect.
pub(crate) fn is_worth_repeating(error: &ExchangeError) -> bool {
    matches!(error.delivery, Delivery::NotSent | Delivery::Lost) && error.kind() == ErrorKind::Unavailable
}
