//! One page of a collection in JSON.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

/// One page of a collection.
#[derive(Debug)]
pub(crate) struct Page<T> {
    pub(crate) next: Option<String>,
    pub(crate) delta: Option<String>,
    pub(crate) count: Option<u64>,
    pub(crate) value: Vec<T>,
}

#[derive(serde::Deserialize)]
#[serde(field_identifier)]
enum Member {
    #[serde(rename = "@odata.nextLink", alias = "nextLink")]
    Next,
    #[serde(rename = "@odata.deltaLink")]
    Delta,
    #[serde(rename = "@odata.count")]
    Count,
    #[serde(rename = "value")]
    Value,
    #[serde(other)]
    Other,
}

// Written by hand: this is compiled for every type of object, and serde's derive gives twice as much code.
impl<'de, T: Deserialize<'de>> Deserialize<'de> for Page<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PageVisitor(PhantomData))
    }
}

struct PageVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for PageVisitor<T> {
    type Value = Page<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a page of a collection")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Page<T>, A::Error> {
        let (mut next, mut delta, mut count, mut value) = (None, None, None, None);
        while let Some(member) = map.next_key()? {
            match member {
                Member::Next => next = map.next_value()?,
                Member::Delta => delta = map.next_value()?,
                Member::Count => count = map.next_value()?,
                Member::Value => value = Some(map.next_value()?),
                Member::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        let value = value.ok_or_else(|| A::Error::missing_field("value"))?;
        Ok(Page { next, delta, count, value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> serde_json::Result<Page<u8>> {
        serde_json::from_str(text)
    }

    #[test]
    fn a_page_is_read_in_whatever_order_its_members_come() {
        let page =
            read(r#"{"value":[1,2],"@odata.context":{"a":[1]},"@odata.count":7,"nextLink":"n"}"#).unwrap();
        assert_eq!(
            (page.next.as_deref(), page.delta, page.count, page.value),
            (Some("n"), None, Some(7), vec![1, 2])
        );
        let page = read(r#"{"@odata.nextLink":null,"@odata.deltaLink":"d","value":[]}"#).unwrap();
        assert_eq!((page.next, page.delta.as_deref(), page.count), (None, Some("d"), None));
    }

    #[test]
    fn what_is_no_page_is_refused() {
        for odd in [
            r#"{"@odata.count":1}"#,
            r#"[null,null,null,[1]]"#,
            r#"{"value":null}"#,
            r#"{"value":["x"]}"#,
            "7",
        ] {
            assert!(read(odd).is_err(), "{odd}");
        }
    }
}
