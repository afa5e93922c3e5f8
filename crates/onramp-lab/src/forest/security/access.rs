//! The principals and their rights.

use crate::forest::data::object::{Id, Object};
use crate::forest::schema::{Attr, Class, Source};

/// The identity of a connection or of a direct caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Principal {
    /// An anonymous client; may read the root DSE and nothing else.
    Anonymous,
    /// Somebody who may read everything but password settings, and change nothing.
    User(Id),
    /// Somebody who may change the user principal name of accounts that are not protected, and nothing else.
    Delegate(Id),
    /// Somebody who may do everything.
    Administrator(Id),
}

impl Principal {
    pub(crate) fn is_anonymous(self) -> bool {
        self == Self::Anonymous
    }

    pub(crate) fn is_administrator(self) -> bool {
        matches!(self, Self::Administrator(_))
    }

    pub(crate) fn id(self) -> Option<Id> {
        match self {
            Self::Anonymous => None,
            Self::User(id) | Self::Delegate(id) | Self::Administrator(id) => Some(id),
        }
    }

    /// Returns true if the attributes of objects of that class may be read. Password settings are for administrators;
    /// others see their names only.
    pub(crate) fn may_read(self, class: Class) -> bool {
        self.is_administrator()
            || !matches!(class, Class::PasswordSettings | Class::PasswordSettingsContainer)
    }

    /// Returns true if `attr` of `object` may be written.
    pub(crate) fn may_write(self, object: &Object, attr: Attr) -> bool {
        match self {
            Self::Anonymous | Self::User(_) => false,
            Self::Delegate(_) => {
                let protected = object.attrs.values(Attr::ADMIN_COUNT).any(|count| count == b"1");
                attr == Attr::USER_PRINCIPAL_NAME && object.class.is_account() && !protected
            }
            Self::Administrator(_) => true,
        }
    }

    /// Returns the attributes of `object` that may be written, as `allowedAttributesEffective` lists them.
    pub(crate) fn writable_attributes(self, object: &Object) -> impl Iterator<Item = Attr> {
        Attr::all().filter(move |&attr| {
            let changeable = attr.info().source == Source::Stored && object.class.may_have(attr);
            changeable && !is_of_directory(object.class) && self.may_write(object, attr)
        })
    }
}

/// Classes of the schema itself, which nobody writes to through the lab.
fn is_of_directory(class: Class) -> bool {
    matches!(class, Class::AttributeSchema | Class::ClassSchema)
}
