//! Delta queries: changes since an earlier time, with a cursor to continue from.

use std::fmt;
use std::str::FromStr;

use futures_util::{StreamExt, TryStreamExt, stream};
use onramp_core::{BoxStream, Error, ErrorKind, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use crate::http::request::Request;
use crate::http::service::without_query;
use crate::http::transport::Transport;
use crate::query::items::{Pages, is_expired_page_token};
use crate::query::page::Page;

/// The start of a delta query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeltaStart {
    /// All existing objects, then the changes.
    Beginning,
    /// No existing objects, only a cursor for the changes from now on.
    Now,
    /// The changes since the cursor of an earlier run.
    From(DeltaCursor),
}

/// One item of a delta query. The service may return the same item twice.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Delta<T> {
    /// A new or changed object, with the selected properties.
    Changed(T),
    /// A removed object.
    Removed {
        /// The object's ID.
        id: String,
        /// True if it can be restored.
        restorable: bool,
    },
    /// The cursor has expired (after seven days). All existing objects follow, as for [`DeltaStart::Beginning`]; objects
    /// that do not appear are gone.
    Resync,
    /// The cursor after the items so far. Store it, and continue with [`DeltaStart::From`].
    Reached(DeltaCursor),
}

/// A cursor in the changes of a collection. It can be stored as text or with serde. It holds no secret, but the URL of the
/// service and the query.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeltaCursor {
    link: Url,
}

impl DeltaCursor {
    /// Returns true if all changes up to now were returned; otherwise more pages follow.
    pub fn is_complete(&self) -> bool {
        self.link.query_pairs().any(|(name, _)| name.eq_ignore_ascii_case("$deltatoken"))
    }
}

impl FromStr for DeltaCursor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let link = Url::parse(text).map_err(|why| {
            Error::new(ErrorKind::Invalid, "parse the delta cursor").with_detail(why.to_string())
        })?;
        Ok(Self { link })
    }
}

impl TryFrom<String> for DeltaCursor {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<DeltaCursor> for String {
    fn from(cursor: DeltaCursor) -> Self {
        cursor.link.into()
    }
}

impl fmt::Display for DeltaCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.link.fmt(f)
    }
}

impl fmt::Debug for DeltaCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeltaCursor({})", without_query(&self.link))
    }
}

/// Returns the changes since a cursor, or from the beginning.
pub(crate) fn changes<T: DeserializeOwned + Send + 'static>(
    transport: Transport,
    beginning: Request,
    cursor: Option<DeltaCursor>,
    prefetch: bool,
) -> BoxStream<'static, Result<Delta<T>>> {
    struct State {
        pages: Pages<Value>,
        transport: Transport,
        beginning: Request,
        may_resync: bool,
        over: bool,
    }
    let first = match cursor {
        Some(cursor) => Request { url: cursor.link, ..beginning.clone() },
        None => beginning.clone(),
    };
    let pages = Pages::new(transport.clone(), first, prefetch);
    let state = State { pages, transport, beginning, may_resync: true, over: false };
    let pages = stream::try_unfold(state, move |mut state| async move {
        if state.over {
            return Ok(None);
        }
        match state.pages.next().await {
            None => Ok(None),
            Some(Ok(page)) => {
                state.over = page.next.is_none();
                Ok(Some((page_items(&state.beginning, page)?, state)))
            }
            // Only once: a service that rejects its own new cursor would cause an endless loop.
            Some(Err(error)) if state.may_resync && is_expired_page_token(&error) => {
                tracing::info!(%error, "the cursor has expired; the changes are read again from the beginning");
                state.may_resync = false;
                state.pages = Pages::new(state.transport.clone(), state.beginning.clone(), prefetch);
                Ok(Some((vec![Delta::Resync], state)))
            }
            Some(Err(error)) => Err(error),
        }
    });
    pages.map_ok(|items| stream::iter(items).map(Ok)).try_flatten().boxed()
}

/// Returns all items of a page, or none: the cursor after them is not valid if one of them is missing.
fn page_items<T: DeserializeOwned>(request: &Request, page: Page<Value>) -> Result<Vec<Delta<T>>> {
    let mut items: Vec<Delta<T>> =
        page.value.into_iter().map(|object| item(request, object)).collect::<Result<_>>()?;
    if let Some(link) = page.next.or(page.delta) {
        items.push(Delta::Reached(link.parse()?));
    }
    Ok(items)
}

fn item<T: DeserializeOwned>(request: &Request, object: Value) -> Result<Delta<T>> {
    let unreadable = |why: &str| request.error(ErrorKind::Invalid).with_detail(why);
    if let Some(removed) = object.get("@removed") {
        let id = object.get("id").and_then(Value::as_str);
        let id = id.ok_or_else(|| unreadable("a removed object has no ID"))?.to_owned();
        let restorable = removed.get("reason").and_then(Value::as_str) == Some("changed");
        return Ok(Delta::Removed { id, restorable });
    }
    match serde_json::from_value(object) {
        Ok(changed) => Ok(Delta::Changed(changed)),
        // serde's message may quote a value.
        Err(why) => Err(unreadable(&format!(
            "an object does not have the expected form ({:?} error)",
            why.classify()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_kept_as_text_and_says_whether_it_is_at_the_end() {
        let text = "https://graph.microsoft.com/v1.0/users/delta?$deltatoken=abc";
        let cursor: DeltaCursor = text.parse().unwrap();
        assert!(cursor.is_complete());
        let kept = serde_json::to_string(&cursor).unwrap();
        assert_eq!(serde_json::from_str::<DeltaCursor>(&kept).unwrap(), cursor);
        assert!(!format!("{cursor:?}").contains("abc"));
        let within: DeltaCursor = "https://g.example/v1.0/users/delta?$skiptoken=abc".parse().unwrap();
        assert!(!within.is_complete());
        assert!("no address".parse::<DeltaCursor>().is_err());
    }

    proptest::proptest! {
        #[test]
        fn reading_a_cursor_never_panics(text in "\\PC{0,60}") {
            if let Ok(cursor) = text.parse::<DeltaCursor>() {
                let _ = cursor.is_complete();
                proptest::prop_assert_eq!(String::from(cursor.clone()).parse::<DeltaCursor>().unwrap(), cursor);
            }
        }
    }
}
