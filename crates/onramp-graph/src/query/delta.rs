//! What changed since some time, with a place to go on from that can be kept.

use std::fmt;
use std::str::FromStr;

use futures_util::{StreamExt, TryStreamExt, stream};
use onramp_core::{BoxStream, Error, ErrorKind, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use crate::http::origin;
use crate::http::request::Request;
use crate::http::transport::Transport;
use crate::query::page::Page;
use crate::query::paging::{Pages, is_forgotten_place};

/// From where changes are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeltaStart {
    /// From the beginning: everything there is, then what changes.
    Beginning,
    /// From now on: nothing of what there is, only a place to go on from.
    Now,
    /// From where an earlier run got to.
    From(DeltaCursor),
}

/// One piece of news from a delta query. The service may tell the same news twice.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Delta<T> {
    /// The object is new or was changed: the properties that were asked for.
    Changed(T),
    /// The object is gone.
    Removed {
        /// Its id.
        id: String,
        /// Whether it can be restored.
        restorable: bool,
    },
    /// The service no longer knows the place that was gone on from (a cursor lasts seven days). Everything that is
    /// there follows, as from [`DeltaStart::Beginning`]; what does not come again is gone.
    Resync,
    /// All news up to here is told. To be kept, and given as [`DeltaStart::From`] next time.
    Reached(DeltaCursor),
}

/// A place in the changes of a collection. As text or with serde it can be kept; it holds no secret, but says where
/// the directory is and what was asked of it.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeltaCursor {
    link: Url,
}

impl DeltaCursor {
    /// Whether all changes up to now were told; otherwise more pages follow at once.
    pub fn is_complete(&self) -> bool {
        self.link.query_pairs().any(|(name, _)| name.eq_ignore_ascii_case("$deltatoken"))
    }
}

impl FromStr for DeltaCursor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let link = Url::parse(text).map_err(|why| {
            Error::new(ErrorKind::Invalid, "read the place in the list of changes")
                .with_detail(why.to_string())
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
        write!(f, "DeltaCursor({})", origin::shown(&self.link))
    }
}

/// The changes from a cursor, or from the beginning.
pub(crate) fn changes<T: DeserializeOwned + Send + 'static>(
    transport: Transport,
    beginning: Request,
    cursor: Option<DeltaCursor>,
    look_ahead: bool,
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
    let pages = Pages::new(transport.clone(), first, look_ahead);
    let state = State { pages, transport, beginning, may_resync: true, over: false };
    let pages = stream::try_unfold(state, move |mut state| async move {
        if state.over {
            return Ok(None);
        }
        match state.pages.next().await {
            None => Ok(None),
            Some(Ok(page)) => {
                state.over = page.next.is_none();
                Ok(Some((news(&state.beginning, page)?, state)))
            }
            // Once: a service that forgets the place that it has just given would go on for ever.
            Some(Err(error)) if state.may_resync && is_forgotten_place(&error) => {
                tracing::info!(%error, "the changes are read again from the beginning");
                state.may_resync = false;
                state.pages = Pages::new(state.transport.clone(), state.beginning.clone(), look_ahead);
                Ok(Some((vec![Delta::Resync], state)))
            }
            Some(Err(error)) => Err(error),
        }
    });
    pages.map_ok(|news| stream::iter(news).map(Ok)).try_flatten().boxed()
}

/// All news of a page, or none: the cursor behind them must not be kept if one of them cannot be told.
fn news<T: DeserializeOwned>(asked: &Request, page: Page<Value>) -> Result<Vec<Delta<T>>> {
    let mut news: Vec<Delta<T>> =
        page.value.into_iter().map(|object| one(asked, object)).collect::<Result<_>>()?;
    if let Some(link) = page.next.or(page.delta) {
        news.push(Delta::Reached(link.parse()?));
    }
    Ok(news)
}

fn one<T: DeserializeOwned>(asked: &Request, object: Value) -> Result<Delta<T>> {
    let unreadable = |why: &str| asked.error(ErrorKind::Invalid).with_detail(why);
    if let Some(removed) = object.get("@removed") {
        let id = object.get("id").and_then(Value::as_str);
        let id = id.ok_or_else(|| unreadable("a deleted object comes without its id"))?.to_owned();
        let restorable = removed.get("reason").and_then(Value::as_str) == Some("changed");
        return Ok(Delta::Removed { id, restorable });
    }
    match serde_json::from_value(object) {
        Ok(changed) => Ok(Delta::Changed(changed)),
        // serde's message may quote a value.
        Err(why) => {
            Err(unreadable(&format!("an object is not what was expected ({:?} error)", why.classify())))
        }
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
