//! A modify operation: its target and its steps.

use crate::forest::schema::Attr;

/// The operation on the values of one attribute (RFC 4511, section 4.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Add,
    Delete,
    Replace,
}

/// One step of a change.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) operation: Operation,
    pub(crate) attr: String,
    pub(crate) values: Vec<Vec<u8>>,
}

/// A change of one object.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) target: String,
    pub(crate) steps: Vec<Step>,
    /// Adding what is there and deleting what is not there succeed.
    pub(crate) permissive: bool,
}

/// A step whose attribute was looked up.
pub(super) struct Known<'a> {
    pub(super) operation: Operation,
    pub(super) attr: Attr,
    pub(super) values: &'a [Vec<u8>],
}
