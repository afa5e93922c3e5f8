//! The attributes of an object in a search result, and ranges of their values.

use super::constructed;
use crate::forest::data::object::Id;
use crate::forest::data::view::View;
use crate::forest::schema::{Attr, Source};
use crate::forest::security::access::Principal;

/// The maximum number of values of an attribute in one answer; the rest is retrieved by range.
const MAX_VALUE_RANGE: usize = 1500;

/// An attribute with its values, as sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attribute {
    pub(crate) name: String,
    pub(crate) values: Vec<Vec<u8>>,
}

/// The attributes that a client asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selection {
    all: bool,
    named: Vec<Named>,
    names_only: bool,
}

#[derive(Debug, Clone)]
struct Named {
    attr: Attr,
    /// First and last wanted value, if a range was asked for.
    range: Option<(usize, Option<usize>)>,
}

impl Selection {
    /// Reads the list of a search request: nothing or `*` is everything that is stored, `1.1` is nothing.
    pub(crate) fn new<'a>(names: impl IntoIterator<Item = &'a str>, names_only: bool) -> Self {
        let mut selection = Self { names_only, ..Self::default() };
        let mut empty = true;
        for name in names {
            empty = false;
            match name {
                "*" => selection.all = true,
                name => selection.named.extend(Named::parse(name)),
            }
        }
        selection.all |= empty;
        selection
    }

    /// Returns the attributes that were asked for, by name or as everything that is stored.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = Attr> {
        let all = Attr::all().filter(|attr| self.all && attr.info().source != Source::Constructed);
        let named = self.named.iter().map(|named| named.attr).filter(|_| !self.all);
        all.chain(named)
    }

    /// Returns the selected attributes of an object.
    pub(crate) fn of(&self, view: View<'_>, id: Id, principal: Principal) -> Vec<Attribute> {
        let mut attributes = Vec::new();
        if view.object(id).is_none_or(|object| !principal.may_read(object.class)) {
            return attributes;
        }
        if self.all {
            let given = Attr::all().filter(|attr| attr.info().source != Source::Constructed);
            for attr in given.filter(|&attr| !self.named.iter().any(|named| named.attr == attr)) {
                self.push(&mut attributes, attr, view.values(id, attr), None);
            }
        }
        for Named { attr, range } in &self.named {
            let values = match attr.info().source {
                Source::Constructed => constructed::values(view, id, *attr, principal),
                _ => view.values(id, *attr),
            };
            self.push(&mut attributes, *attr, values, *range);
        }
        attributes
    }

    fn push(
        &self,
        attributes: &mut Vec<Attribute>,
        attr: Attr,
        mut values: Vec<Vec<u8>>,
        range: Option<(usize, Option<usize>)>,
    ) {
        if values.is_empty() {
            return;
        }
        let mut name = attr.name().to_owned();
        let total = values.len();
        if range.is_some() || total > MAX_VALUE_RANGE {
            let (first, last) = range.unwrap_or((0, None));
            let end =
                last.map_or(total, |last| last.saturating_add(1)).min(first.saturating_add(MAX_VALUE_RANGE));
            values = values.into_iter().skip(first).take(end.saturating_sub(first)).collect();
            let last = if end >= total { "*".to_owned() } else { (end - 1).to_string() };
            name = format!("{name};range={first}-{last}");
        }
        if self.names_only {
            values.clear();
        }
        attributes.push(Attribute { name, values });
    }
}

impl Named {
    fn parse(name: &str) -> Option<Self> {
        let mut parts = name.split(';');
        let attr = Attr::named(parts.next()?)?;
        let range = parts.find_map(|option| {
            let (first, last) = option.strip_prefix("range=")?.split_once('-')?;
            let last = if last == "*" { None } else { Some(last.parse().ok()?) };
            Some((first.parse().ok()?, last))
        });
        Some(Self { attr, range })
    }
}
