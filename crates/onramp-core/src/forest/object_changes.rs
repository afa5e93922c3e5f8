//! Changes of objects, each made only if the values are still those that were planned with.

use std::fmt::Debug;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::AttributeValue;
use crate::{AttributeName, BoxStream, DistinguishedName, ObjectGuid, Result};

/// The change of one attribute: values that must be there and are removed, values that are added.
///
/// Made by [`AttributeChange::replace`] or [`AttributeChange::edit`], which differ in what they take other values for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AttributeChange {
    /// The attribute.
    pub attribute: AttributeName,
    /// Values that must be there, and are removed.
    pub remove: Vec<AttributeValue>,
    /// Values that are added.
    pub add: Vec<AttributeValue>,
    /// True if these are all the values that the attribute has, before and after, so that any other is stale. Else
    /// values that are named in neither stay: what somebody else added meanwhile is kept.
    pub replaces_all_values: bool,
}

impl AttributeChange {
    /// Replaces the one value of a single-valued attribute; `None` is "no value".
    ///
    /// Not for attributes that can have several values: a server does not refuse it for others that stand beside.
    pub fn replace(
        attribute: AttributeName,
        before: Option<AttributeValue>,
        after: Option<AttributeValue>,
    ) -> Self {
        let (remove, add) = (before.into_iter().collect(), after.into_iter().collect());
        Self { attribute, remove, add, replaces_all_values: true }
    }

    /// Removes some values of a multi-valued attribute and adds others.
    pub fn edit(attribute: AttributeName, remove: Vec<AttributeValue>, add: Vec<AttributeValue>) -> Self {
        Self { attribute, remove, add, replaces_all_values: false }
    }
}

/// A change of one object: all of it happens in one operation, or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ObjectChange {
    /// The object, regardless of its current place.
    pub guid: ObjectGuid,
    /// The place of the object when the change was planned; decides the domain, never finds the object.
    pub dn: DistinguishedName,
    /// The changes; each attribute at most once.
    pub attributes: Vec<AttributeChange>,
}

impl ObjectChange {
    /// A change of nothing yet.
    ///
    /// ```
    /// use onramp_core::forest::{AttributeChange, AttributeValue, ObjectChange};
    /// use onramp_core::{AttributeName, DistinguishedName, ObjectGuid};
    /// let dn = DistinguishedName::parse("CN=Anna,DC=corp,DC=local")?;
    /// let title = AttributeName::from_static("title");
    /// let change = AttributeChange::replace(title, None, Some(AttributeValue::text("Engineer")));
    /// let change = ObjectChange::new(ObjectGuid::from_bytes([1; 16]), dn).with(change);
    /// assert_eq!(change.attributes.len(), 1);
    /// # Ok::<(), onramp_core::ParseError>(())
    /// ```
    pub fn new(guid: ObjectGuid, dn: DistinguishedName) -> Self {
        Self { guid, dn, attributes: Vec::new() }
    }

    /// With a change of one more attribute.
    #[must_use]
    pub fn with(mut self, change: AttributeChange) -> Self {
        self.attributes.push(change);
        self
    }
}

/// The effect of a successful change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ObjectChanged {
    /// The values were as expected and are changed now.
    Changed,
    /// The change was sent and its answer lost; the object was read, and is as the change makes it.
    FoundChanged,
    /// The object was as the change would make it already; nothing was written.
    #[serde(alias = "already-so")]
    Unchanged,
}

impl ObjectChanged {
    /// Returns true if this call wrote.
    pub fn is_written(self) -> bool {
        self != Self::Unchanged
    }
}

/// One change of a stream and what became of it.
#[derive(Debug)]
#[allow(clippy::exhaustive_structs)] // a pair with names
pub struct ObjectOutcome {
    /// The change.
    pub change: ObjectChange,
    /// The result; errors as of [`ObjectWriter::change`].
    pub result: Result<ObjectChanged>,
}

/// The only port that changes objects: users and their UPNs as well as those of any other class.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ObjectWriter: Debug + Send + Sync {
    /// Changes one object by compare-and-swap, in one operation. If the reply is lost, the object is read to learn
    /// what happened.
    ///
    /// The comparison is the directory's own, on the one domain controller that is written to: it removes a value in
    /// any case and, on Windows, with other marks, width or kana. Somebody else's change in nothing but these since the
    /// value was read is therefore overwritten, not told as `Stale`, except where the change itself
    /// [only spells a value otherwise](ObjectChange::is_respelling): then the object is read first and compared exactly.
    /// The same unique value given to two objects on two domain controllers at once is refused by neither; read the
    /// holders again after replication.
    ///
    /// # Errors
    /// `Stale` if a value to remove is not there, or a value to add cannot be added beside what is there (nothing is
    /// written; the detail names the values found); `NotFound`; `AlreadyExists` if a value must be unique, as a UPN
    /// must, and another object has it (the detail names that object where it can be seen); `Forbidden`; `Invalid`
    /// where [`ObjectChange::check`] refuses the change, before anything is sent, and where the schema does;
    /// `OutcomeUnknown` if the reply was lost and the object could not be read either, or was changed by somebody else
    /// before it could, or the change could not be sent again.
    async fn change(&self, change: &ObjectChange) -> Result<ObjectChanged>;

    /// Makes many changes, each as [`ObjectWriter::change`] does, several at a time; outcomes come in order of
    /// completion, exactly one for each change taken from the stream. Changes are taken no faster than the server
    /// answers. Changes of the same object, or of which one takes a unique value that the other gives up, are made in
    /// the order in which they come. Dropping the stream stops taking; changes already sent may still happen.
    fn change_all(&self, changes: BoxStream<'static, ObjectChange>) -> BoxStream<'static, ObjectOutcome>;
}
