//! The kinds of objects that synchronization distinguishes.

use std::fmt;

use onramp_core::forest::AttributeValue;
use serde::{Deserialize, Serialize};

use crate::{DirectoryObject, attributes as a};

/// The kind of an object, as synchronization distinguishes them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ObjectKind {
    /// A user.
    #[default]
    User,
    /// A group.
    Group,
    /// A contact.
    Contact,
}

impl ObjectKind {
    /// The kind of an object of AD; one without a class is taken for a user, since lists of users often have none.
    pub fn of(object: &DirectoryObject) -> Self {
        let classes = object.values(&a::OBJECT_CLASS).iter().filter_map(AttributeValue::as_text);
        classes.fold(Self::User, |kind, class| match class {
            _ if class.eq_ignore_ascii_case("group") => Self::Group,
            _ if class.eq_ignore_ascii_case("contact") || class.eq_ignore_ascii_case("orgContact") => {
                Self::Contact
            }
            _ => kind,
        })
    }
}

impl fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Contact => "contact",
        })
    }
}
