//! `/users/delta`: everything once, then what changed since.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use url::form_urlencoded;

use super::users::DEFAULT;
use crate::tenant::data::directory::News;
use crate::tenant::data::refusal::{Outcome, Refusal};
use crate::tenant::data::state::State;
use crate::tenant::http::exchange::{Answer, Exchange};
use crate::tenant::http::odata::query::Query;

/// A place in the changes is good for so long.
const LIFE: time::Duration = time::Duration::days(7);

/// A place in the changes, as tokens carry it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    /// Within the first enumeration: the last user told. `None` behind it.
    after: Option<u64>,
    /// Changes up to this one are told, or will be by the enumeration.
    version: u64,
    issued: i64,
    generation: u64,
}

pub(super) fn users(ex: &Exchange, state: &mut State) -> Outcome<Answer> {
    let (place, rest) = place(ex, state)?;
    let query = Query::parse(&rest, ex.eventual)?;
    if query.filter.is_some() {
        return Err(Refusal::unsupported_query("Only 'id eq' is supported in the filter of a delta query."));
    }
    let from_now = option(&ex.query, "$deltatoken").is_some_and(|token| token == "latest");
    let size = query.page_size();
    let (value, next) = match place.after {
        _ if from_now => (Vec::new(), Place { after: None, version: state.users.version(), ..place }),
        Some(after) => enumerate(ex, state, &query, size, place, after)?,
        None => changes(ex, state, &query, size, place)?,
    };
    let done = next.after.is_none() && (from_now || next.version >= state.users.version());
    let (name, token) =
        if done { ("@odata.deltaLink", "$deltatoken") } else { ("@odata.nextLink", "$skiptoken") };
    let mut text = form_urlencoded::Serializer::new(String::new());
    text.extend_pairs(form_urlencoded::parse(rest.as_bytes()));
    text.append_pair(token, &write(next));
    let link =
        format!("{}?{}", ex.address("users/delta"), text.finish().replace("%24", "$").replace('+', "%20"));
    let mut whole = Map::new();
    whole.insert("@odata.context".to_owned(), ex.context("users"));
    whole.insert(name.to_owned(), link.into());
    whole.insert("value".to_owned(), Value::Array(value));
    Ok(Answer::ok(Value::Object(whole)))
}

fn enumerate(
    ex: &Exchange,
    state: &mut State,
    query: &Query,
    size: usize,
    place: Place,
    after: u64,
) -> Outcome<(Vec<Value>, Place)> {
    let (mut page, mut last) = (Vec::new(), after);
    for user in state.users.live_after(after) {
        if page.len() == size {
            return Ok((page, Place { after: Some(last), ..place }));
        }
        last = user.seq;
        if user.seen.graph(ex.now) {
            page.push(Value::Object(query.project(user, "user", &DEFAULT)?));
        }
    }
    Ok((page, Place { after: None, ..place }))
}

fn changes(
    ex: &Exchange,
    state: &mut State,
    query: &Query,
    size: usize,
    place: Place,
) -> Outcome<(Vec<Value>, Place)> {
    let news = state.users.news_since(place.version, size);
    let version = news.last().map_or(place.version, |(version, ..)| *version);
    let mut page = Vec::new();
    for (_, id, what) in news {
        let reason = match what {
            News::Changed => {
                if let Some(user) = state.users.find(&id).and_then(|seq| state.users.touch(seq))
                    && user.seen.graph(ex.now)
                {
                    page.push(Value::Object(query.project(user, "user", &DEFAULT)?));
                }
                continue;
            }
            News::Deleted => "changed",
            News::Purged => "deleted",
        };
        page.push(json!({ "id": id, "@removed": { "reason": reason } }));
    }
    Ok((page, Place { after: None, version, ..place }))
}

/// Returns the position to continue at, and the query without its token.
fn place(ex: &Exchange, state: &State) -> Outcome<(Place, String)> {
    let mut rest = form_urlencoded::Serializer::new(String::new());
    for (name, value) in form_urlencoded::parse(ex.query.as_bytes()) {
        if name != "$skiptoken" && name != "$deltatoken" {
            rest.append_pair(&name, &value);
        }
    }
    let beginning = Place {
        after: Some(0),
        version: state.users.version(),
        issued: ex.now.unix_timestamp(),
        generation: state.delta_generation,
    };
    let token = option(&ex.query, "$skiptoken").or_else(|| option(&ex.query, "$deltatoken"));
    let place = match token.as_deref() {
        None | Some("latest") => beginning,
        Some(token) => {
            let place = read(token).filter(|place| {
                let issued = OffsetDateTime::from_unix_timestamp(place.issued).ok();
                place.generation == state.delta_generation
                    && issued.is_some_and(|issued| ex.now - issued <= LIFE)
            });
            let place = place.ok_or_else(|| {
                Refusal::new(
                    410,
                    "syncStateNotFound",
                    "The sync state generation is not found; start again without a token.",
                )
            })?;
            Place { issued: beginning.issued, ..place }
        }
    };
    Ok((place, rest.finish()))
}

fn option(query: &str, wanted: &str) -> Option<String> {
    form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == wanted)
        .map(|(_, value)| value.into_owned())
}

fn write(place: Place) -> String {
    let after = place.after.map_or_else(|| "-".to_owned(), |after| after.to_string());
    let text = format!("delta {after} {} {} {}", place.version, place.issued, place.generation);
    URL_SAFE_NO_PAD.encode(text)
}

fn read(token: &str) -> Option<Place> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    let mut parts = text.strip_prefix("delta ")?.split(' ');
    let after = parts.next()?;
    Some(Place {
        after: if after == "-" { None } else { Some(after.parse().ok()?) },
        version: parts.next()?.parse().ok()?,
        issued: parts.next()?.parse().ok()?,
        generation: parts.next()?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_token_brings_its_place_back(after in prop::option::of(any::<u64>()), version: u64, issued: i64, generation: u64) {
            let place = Place { after, version, issued, generation };
            prop_assert_eq!(read(&write(place)), Some(place));
        }

        #[test]
        fn no_token_is_fatal(text in "\\PC{0,40}") {
            let _ = read(&text);
            let _ = read(&URL_SAFE_NO_PAD.encode(format!("delta {text}")));
        }
    }
}
