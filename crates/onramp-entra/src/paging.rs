//! Pages of a collection as one stream of items.

use std::collections::{HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use futures_util::{Stream, TryStreamExt, stream};
use onramp_core::{ErrorKind, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use crate::origin;
use crate::request::Request;
use crate::transport::Transport;

#[derive(Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
struct Page<T> {
    #[serde(rename = "@odata.nextLink", alias = "nextLink")]
    next: Option<String>,
    value: Vec<T>,
}

/// Every item of the collection that `first` asks for, one page at a time as the consumer takes them.
///
/// The link to the next page is followed verbatim if it is at the same service, and never twice: a link seen
/// before is an error, because items would come again for ever. Pages may be empty.
pub(crate) fn items<T>(transport: Transport, first: Request) -> impl Stream<Item = Result<T>> + Send + 'static
where
    T: DeserializeOwned + Send + 'static,
{
    struct State<T> {
        transport: Transport,
        /// What to ask next, unless all was read.
        next: Option<Request>,
        /// The link that came with the page at hand, looked at only when the page is used up.
        link: Option<String>,
        seen: HashSet<u64>,
        page: VecDeque<T>,
    }
    let seen = HashSet::from([fingerprint(&first.url)]);
    let state = State { transport, next: Some(first), link: None, seen, page: VecDeque::new() };
    stream::try_unfold(state, |mut state| async move {
        loop {
            if let Some(item) = state.page.pop_front() {
                return Ok(Some((item, state)));
            }
            let Some(mut request) = state.next.take() else { return Ok(None) };
            if let Some(link) = state.link.take() {
                request.url = follow(&state.transport, &request, &link)?;
                if !state.seen.insert(fingerprint(&request.url)) {
                    let detail = "the server linked to a page that was read before, so the list has no end";
                    return Err(request.error(ErrorKind::Invalid).detail(detail));
                }
            }
            let page: Page<T> = state.transport.json(&request).await?;
            state.page = page.value.into();
            state.link = page.next;
            state.next = state.link.is_some().then_some(request);
        }
    })
}

fn follow(transport: &Transport, request: &Request, link: &str) -> Result<Url> {
    let refuse = |_| request.error(ErrorKind::Invalid).detail("the link to the next page is not an address");
    let url = Url::parse(link).map_err(refuse)?;
    origin::check(transport.endpoints(), request.to, &url)?;
    Ok(url)
}

/// All items at once, for collections that are small by nature.
pub(crate) async fn all<T>(transport: Transport, first: Request) -> Result<Vec<T>>
where
    T: DeserializeOwned + Send + 'static,
{
    items(transport, first).try_collect().await
}

/// A link in eight bytes: a directory of a million objects has a thousand links of a kilobyte.
fn fingerprint(url: &Url) -> u64 {
    let mut hasher = DefaultHasher::new();
    url.as_str().hash(&mut hasher);
    hasher.finish()
}
