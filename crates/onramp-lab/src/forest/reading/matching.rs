//! Filter evaluation by the three-valued logic of LDAP and the matching rules of Active Directory.

use std::cmp::Ordering;
use std::ops::ControlFlow;

use super::filter::{Filter, Substring};
use crate::forest::data::dn::{Rdn, Target, parse_dn, parse_guid, parse_sid};
use crate::forest::data::object::Id;
use crate::forest::data::text::{fold_bytes, with_folded};
use crate::forest::data::view::View;
use crate::forest::schema::{Attr, Syntax, category_of_short_name};

/// All bits of the value are set.
const BIT_AND: &str = "1.2.840.113556.1.4.803";
/// Any bit of the value is set.
const BIT_OR: &str = "1.2.840.113556.1.4.804";

/// A filter with its names looked up and its values brought to the form they are compared in.
#[derive(Debug, Clone)]
pub(crate) enum Test {
    And(Vec<Test>),
    Or(Vec<Test>),
    Not(Box<Test>),
    /// The value, in the form that [`comparable`] gives.
    Equal(Attr, Vec<u8>),
    Substring(Attr, Substring),
    AtLeast(Attr, Vec<u8>),
    AtMost(Attr, Vec<u8>),
    Present(Attr),
    AllBits(Attr, i64),
    AnyBit(Attr, i64),
    /// Neither true nor false: an unknown attribute, a value that is none.
    Undefined,
}

impl Test {
    pub(crate) fn compile(filter: &Filter) -> Self {
        match filter {
            Filter::And(inner) => Self::And(inner.iter().map(Self::compile).collect()),
            Filter::Or(inner) => Self::Or(inner.iter().map(Self::compile).collect()),
            Filter::Not(inner) => Self::Not(Box::new(Self::compile(inner))),
            Filter::Equal(name, value) => Self::with_value(name, value, Self::Equal),
            Filter::AtLeast(name, value) => Self::with_value(name, value, Self::AtLeast),
            Filter::AtMost(name, value) => Self::with_value(name, value, Self::AtMost),
            Filter::Present(name) => attr(name).map_or(Self::Undefined, Self::Present),
            Filter::Substring(name, parts) => match attr(name) {
                Some(attr) if matches!(attr.info().syntax, Syntax::Text | Syntax::Name) => {
                    Self::Substring(attr, folded(parts))
                }
                _ => Self::Undefined,
            },
            Filter::Matches { rule, attr: name, value } => Self::extensible(rule.as_deref(), name, value),
        }
    }

    fn with_value(name: &str, value: &[u8], make: impl FnOnce(Attr, Vec<u8>) -> Self) -> Self {
        let test = attr(name).and_then(|attr| Some(make(attr, asserted(attr, value)?)));
        test.unwrap_or(Self::Undefined)
    }

    fn extensible(rule: Option<&str>, name: &Option<String>, value: &[u8]) -> Self {
        let Some(attr) = name.as_deref().and_then(attr) else { return Self::Undefined };
        let bits = || std::str::from_utf8(value).ok()?.trim().parse::<i64>().ok();
        match rule {
            None => asserted(attr, value).map_or(Self::Undefined, |value| Self::Equal(attr, value)),
            Some(BIT_AND) => bits().map_or(Self::Undefined, |bits| Self::AllBits(attr, bits)),
            Some(BIT_OR) => bits().map_or(Self::Undefined, |bits| Self::AnyBit(attr, bits)),
            Some(_) => Self::Undefined,
        }
    }

    /// `None` is the third truth value, undefined, which does not match and whose negation does not match either.
    pub(crate) fn holds(&self, view: View<'_>, id: Id) -> Option<bool> {
        match self {
            Self::And(inner) => all(inner.iter().map(|test| test.holds(view, id))),
            Self::Or(inner) => all(inner.iter().map(|test| test.holds(view, id).map(|b| !b))).map(|b| !b),
            Self::Not(inner) => inner.holds(view, id).map(|b| !b),
            Self::Undefined => None,
            Self::Equal(Attr::OBJECT_CLASS, wanted) => {
                let chain = view.object(id)?.class.chain();
                Some(chain.iter().any(|name| name.as_bytes().eq_ignore_ascii_case(wanted)))
            }
            Self::Equal(Attr::OBJECT_CATEGORY, wanted) => {
                let object = view.object(id)?;
                Some(!object.deleted && object.class.category().as_bytes().eq_ignore_ascii_case(wanted))
            }
            Self::Present(Attr::OBJECT_CLASS | Attr::OBJECT_GUID) => Some(true),
            Self::Present(attr) => Some(any(view, id, *attr, |_| true)),
            Self::Equal(attr, wanted) => Some(any(view, id, *attr, |value| match attr.info().syntax {
                Syntax::Text | Syntax::Name => view.state.comparison.same(value, wanted),
                Syntax::Dn => comparable(*attr, value).is_some_and(|value| value == *wanted),
                Syntax::Boolean => with_folded(value, |value| value == wanted),
                Syntax::Integer | Syntax::LargeInteger => {
                    order(*attr, value, wanted) == Some(Ordering::Equal)
                }
                Syntax::Bytes | Syntax::Guid | Syntax::Sid | Syntax::Time => value == wanted,
            })),
            Self::Substring(attr, parts) => {
                Some(any(view, id, *attr, |value| with_folded(value, |value| contains(value, parts))))
            }
            Self::AtLeast(attr, bound) => {
                Some(any(view, id, *attr, |v| order(*attr, v, bound).is_some_and(|o| o.is_ge())))
            }
            Self::AtMost(attr, bound) => {
                Some(any(view, id, *attr, |v| order(*attr, v, bound).is_some_and(|o| o.is_le())))
            }
            Self::AllBits(attr, bits) => {
                Some(any(view, id, *attr, |v| number(v).is_some_and(|v| v & bits == *bits)))
            }
            Self::AnyBit(attr, bits) => {
                Some(any(view, id, *attr, |v| number(v).is_some_and(|v| v & bits != 0)))
            }
        }
    }
}

fn attr(name: &str) -> Option<Attr> {
    Attr::named(name.split(';').next().unwrap_or(name))
}

fn all(values: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut result = Some(true);
    for value in values {
        match value {
            Some(false) => return Some(false),
            Some(true) => {}
            None => result = None,
        }
    }
    result
}

fn any(view: View<'_>, id: Id, attr: Attr, test: impl Fn(&[u8]) -> bool) -> bool {
    let mut visit =
        |value: &[u8]| if test(value) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
    view.each_value(id, attr, &mut visit).is_break()
}

/// Returns the value of an assertion in the form that [`comparable`] gives; `None` if it is no value of the attribute.
fn asserted(attr: Attr, value: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(value);
    match (attr, attr.info().syntax) {
        (Attr::OBJECT_CATEGORY, _) => {
            let text = text.ok()?;
            match parse_dn(text) {
                Some(rdns) => Some(rdns.first()?.value.as_bytes().to_vec()),
                None => category_of_short_name(text).map(|name| name.as_bytes().to_vec()),
            }
        }
        (_, Syntax::Guid) if value.len() != 16 => parse_guid(text.ok()?).map(Vec::from),
        (_, Syntax::Sid) if value.starts_with(b"S-") || value.starts_with(b"s-") => parse_sid(text.ok()?),
        _ => comparable(attr, value),
    }
}

/// Returns the name that a test for equality of distinguished names has, in the form that [`comparable`] gives.
pub(crate) fn name_of(comparable: &[u8]) -> Option<Target> {
    let text = std::str::from_utf8(comparable).ok()?;
    let rdn = |part: &str| {
        let (kind, value) = part.split_once('=')?;
        Some(Rdn { kind: kind.to_owned(), value: value.to_owned() })
    };
    text.split('\0').map(rdn).collect::<Option<_>>().map(Target::Dn)
}

/// A value in the form in which equal values have equal bytes.
fn comparable(attr: Attr, value: &[u8]) -> Option<Vec<u8>> {
    match attr.info().syntax {
        Syntax::Text | Syntax::Name | Syntax::Boolean => Some(fold_bytes(value).into_owned()),
        Syntax::Integer | Syntax::LargeInteger => Some(number(value)?.to_be_bytes().to_vec()),
        Syntax::Time => Some(value.to_vec()),
        Syntax::Bytes | Syntax::Guid | Syntax::Sid => Some(value.to_vec()),
        Syntax::Dn => {
            let rdns = parse_dn(std::str::from_utf8(value).ok()?)?;
            let parts: Vec<String> =
                rdns.iter().map(|rdn| format!("{}={}", rdn.kind, rdn.folded())).collect();
            Some(parts.join("\0").into_bytes())
        }
    }
}

fn number(value: &[u8]) -> Option<i64> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

fn order(attr: Attr, value: &[u8], bound: &[u8]) -> Option<Ordering> {
    match attr.info().syntax {
        Syntax::Integer | Syntax::LargeInteger => {
            let bound = i64::from_be_bytes(bound.try_into().ok()?);
            Some(number(value)?.cmp(&bound))
        }
        _ => Some(with_folded(value, |value| value.cmp(bound))),
    }
}

fn folded(parts: &Substring) -> Substring {
    // Spaces at the ends of a part count, so only the case is folded.
    let fold = |part: &Vec<u8>| match std::str::from_utf8(part) {
        Ok(text) => text.to_lowercase().into_bytes(),
        Err(_) => part.clone(),
    };
    Substring {
        initial: parts.initial.as_ref().map(fold),
        any: parts.any.iter().map(fold).collect(),
        last: parts.last.as_ref().map(fold),
    }
}

fn contains(value: &[u8], parts: &Substring) -> bool {
    let mut rest = value;
    if let Some(initial) = &parts.initial {
        match rest.strip_prefix(initial.as_slice()) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    for part in &parts.any {
        match find(rest, part) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    parts.last.as_ref().is_none_or(|last| rest.ends_with(last))
}

fn find<'a>(text: &'a [u8], part: &[u8]) -> Option<&'a [u8]> {
    if part.is_empty() {
        return Some(text);
    }
    let at = text.windows(part.len()).position(|window| window == part)?;
    text.get(at + part.len()..)
}
