//! The query options of a Graph request, and the pages they cut a collection into.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use url::form_urlencoded;

use super::filter::{Field, Filter, Properties};
use crate::tenant::data::refusal::{Outcome, Refusal};

const DEFAULT_PAGE: usize = 100;
const LARGEST_PAGE: usize = 999;
/// More values than this in one filter are refused.
const MOST_TERMS: usize = 15;

/// The parsed query options of a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query {
    pub(crate) select: Option<Vec<String>>,
    pub(crate) filter: Option<Filter>,
    pub(crate) expand: Option<String>,
    pub(crate) count: bool,
    top: Option<usize>,
    after: Option<u64>,
    /// As they came, for the link to the next page.
    pairs: Vec<(String, String)>,
}

impl Query {
    /// Parses the part after `?`. `eventual` says whether the request has `ConsistencyLevel: eventual`.
    pub(crate) fn parse(text: &str, eventual: bool) -> Outcome<Self> {
        let pairs: Vec<(String, String)> = form_urlencoded::parse(text.as_bytes()).into_owned().collect();
        let mut query = Self::default();
        for (name, value) in &pairs {
            match name.as_str() {
                "$select" => {
                    query.select = Some(value.split(',').map(|name| name.trim().to_owned()).collect())
                }
                "$filter" => query.filter = Some(Filter::parse(value)?),
                "$expand" => query.expand = Some(value.clone()),
                // Without the header the service ignores it silently.
                "$count" => query.count = value == "true" && eventual,
                "$top" => query.top = Some(page_size(value)?),
                "$skiptoken" => query.after = Some(read_token(value)?),
                "$skip" => return Err(Refusal::bad_request("'$skip' is not supported by the service.")),
                "$orderby" | "$search" => {
                    return Err(Refusal::unsupported_query(format!(
                        "'{name}' is not supported for this collection."
                    )));
                }
                other if other.starts_with('$') => {
                    return Err(Refusal::new(
                        400,
                        "BadRequest",
                        format!("The query parameter '{other}' is not supported."),
                    ));
                }
                _ => {}
            }
        }
        if let Some(filter) = &query.filter {
            if filter.is_advanced() && !query.count {
                return Err(Refusal::unsupported_query(
                    "Operator or property of the filter needs an advanced query: send 'ConsistencyLevel: eventual' and '$count=true'.",
                ));
            }
            if filter.terms() > MOST_TERMS {
                return Err(Refusal::unsupported_query(
                    "Too many child clauses specified in search filter expression.",
                ));
            }
        }
        query.pairs = pairs;
        Ok(query)
    }

    pub(crate) fn page_size(&self) -> usize {
        self.top.unwrap_or(DEFAULT_PAGE)
    }

    /// Returns the key of the last object on the page before; 0 on the first page.
    pub(crate) fn after(&self) -> u64 {
        self.after.unwrap_or(0)
    }

    pub(crate) fn is_first_page(&self) -> bool {
        self.after.is_none()
    }

    pub(crate) fn accepts(&self, object: &impl Properties) -> Outcome<bool> {
        self.filter.as_ref().map_or(Ok(true), |filter| filter.accepts(object))
    }

    /// Returns the address of the page that starts after `key`.
    pub(crate) fn next_link(&self, address: &str, key: u64) -> String {
        let mut text = form_urlencoded::Serializer::new(String::new());
        for (name, value) in self.pairs.iter().filter(|(name, _)| name != "$skiptoken") {
            text.append_pair(name, value);
        }
        text.append_pair("$skiptoken", &write_token(key));
        format!("{address}?{}", text.finish().replace("%24", "$").replace('+', "%20"))
    }

    /// Returns the properties that were asked for, or `default` ones.
    pub(crate) fn project(
        &self,
        object: &impl Properties,
        type_name: &str,
        default: &[&str],
    ) -> Outcome<Map<String, Value>> {
        let take = |name: &str| {
            let field = object.field(name).ok_or_else(|| {
                Refusal::new(
                    400,
                    "BadRequest",
                    format!("Parsing OData Select and Expand failed: Could not find a property named '{name}' on type 'microsoft.graph.{type_name}'."),
                )
            })?;
            let value = match field {
                Field::Null => Value::Null,
                Field::Bool(value) => Value::Bool(value),
                Field::Text(text) => Value::String(text.to_owned()),
                Field::List(values) => values.iter().cloned().map(Value::String).collect(),
                Field::Json(value) => value,
            };
            Ok((name.to_owned(), value))
        };
        match &self.select {
            // The id comes with every selection.
            Some(names) => {
                let id = (!names.iter().any(|name| name == "id")).then_some("id");
                id.into_iter().chain(names.iter().map(String::as_str)).map(take).collect()
            }
            None => default.iter().copied().map(take).collect(),
        }
    }
}

fn page_size(text: &str) -> Outcome<usize> {
    match text.parse() {
        Ok(size) if (1..=LARGEST_PAGE).contains(&size) => Ok(size),
        _ => Err(Refusal::bad_request(format!(
            "Invalid page size specified: '{text}'. Must be between 1 and {LARGEST_PAGE} inclusive."
        ))),
    }
}

fn write_token(key: u64) -> String {
    let mut bytes = b"page".to_vec();
    bytes.extend(key.to_be_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

fn read_token(text: &str) -> Outcome<u64> {
    let expired = Refusal::expired_page_token;
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| expired())?;
    let key = bytes.strip_prefix(b"page").and_then(|key| <[u8; 8]>::try_from(key).ok());
    key.map(u64::from_be_bytes).ok_or_else(expired)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_next_link_repeats_the_question_from_another_place() {
        let query =
            Query::parse("$select=id,mail&$filter=mail%20eq%20'a%2Bb@c.example'&$top=2", false).unwrap();
        let link = query.next_link("https://lab.example/v1.0/users", 41);
        let again = Query::parse(link.split_once('?').unwrap().1, false).unwrap();
        assert_eq!((again.after(), again.page_size()), (41, 2));
        assert_eq!((again.select, again.filter), (query.select, query.filter));
    }

    #[test]
    fn limits_of_the_service_hold() {
        assert!(Query::parse("$top=999", false).is_ok());
        for text in ["$top=1000", "$top=0", "$skip=5", "$skiptoken=RFNwdAI", "$filter=a%20ne%20'x'"] {
            assert_eq!(Query::parse(text, false).unwrap_err().status, 400, "{text}");
        }
        assert!(Query::parse("$filter=a%20ne%20'x'&$count=true", true).is_ok());
    }

    proptest! {
        #[test]
        fn no_query_is_fatal(text in ".{0,60}|(\\$(top|filter|select|skiptoken)=[a-z0-9',=&$%]{0,20}&?){0,4}") {
            let _ = Query::parse(&text, true);
        }
    }
}
