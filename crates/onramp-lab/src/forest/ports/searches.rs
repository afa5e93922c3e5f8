//! Searches that the ports give out as streams, a page at a time.

use std::collections::VecDeque;

use futures_util::{StreamExt, stream};
use onramp_core::{BoxStream, DistinguishedName, Error, ErrorKind, Result};

use super::Ports;
use crate::forest::data::dn::Target;
use crate::forest::data::object::Id;
use crate::forest::data::view::View;
use crate::forest::fault::Operation as Faulty;
use crate::forest::reading::search::{Query, Search};

/// Objects are read this many at a time, as a directory gives them.
const PAGE: usize = 1000;

/// Searches under way, each with the controller it runs on.
pub(super) type Searches = VecDeque<(usize, Search)>;

impl Ports {
    /// A search below a base, or in each domain without one, each on the controller that the ports use there.
    pub(super) fn searches(
        &self,
        base: Option<&DistinguishedName>,
        query: impl Fn(Id) -> Query,
    ) -> Result<Searches> {
        let places: Vec<(u8, Id)> = self.lab.read(0, |view| match base {
            None => Ok(view.state.domains.iter().map(|domain| (domain.context, domain.head)).collect()),
            Some(base) => {
                let missing = || Error::new(ErrorKind::NotFound, "search the forest below").with_object(base);
                let id = Target::parse(base.as_str()).and_then(|target| view.resolve(&target));
                let id = id.ok_or_else(missing)?;
                Ok::<_, Error>(vec![(view.object(id).ok_or_else(missing)?.context, id)])
            }
        })?;
        let searches = places.into_iter().map(|(context, base)| {
            let at = self.lab.home(context);
            (at, self.lab.read(at, |view| Search::new(view, query(base))))
        });
        Ok(searches.collect())
    }

    /// Gives out what searches find, read a page at a time.
    pub(super) fn stream<T: Send + 'static>(
        self,
        action: &'static str,
        searches: Searches,
        read: impl Fn(View<'_>, Id) -> Result<T> + Send + 'static,
    ) -> BoxStream<'static, Result<T>> {
        struct Under<T, R> {
            ports: Ports,
            searches: Searches,
            read: R,
            page: VecDeque<Result<T>>,
        }
        let under = Under { ports: self, searches, read, page: VecDeque::new() };
        stream::unfold(under, move |mut under| async move {
            while under.page.is_empty() {
                let Under { ports, searches, read, page } = &mut under;
                let Some((at, search)) = searches.front_mut() else { break };
                let reachable = ports.reachable(*at, action);
                if let Err(error) = reachable.and_then(|()| ports.available(action, Faulty::Search)) {
                    searches.clear();
                    return Some((Err(error), under));
                }
                let done = ports.lab.read(*at, |view| {
                    let found = search.advance(view, PAGE, PAGE * 20);
                    let unreadable = |id, error: Error| {
                        Error::new(ErrorKind::Unreadable, action)
                            .with_object(view.dn(id))
                            .with_detail(error.to_string())
                            .with_source(error)
                    };
                    let ids = found.ids.into_iter();
                    page.extend(ids.map(|id| read(view, id).map_err(|error| unreadable(id, error))));
                    found.done
                });
                if done {
                    searches.pop_front();
                }
            }
            under.page.pop_front().map(|item| (item, under))
        })
        .boxed()
    }
}
