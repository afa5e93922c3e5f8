//! Domain controllers: what each has, and how changes travel between them.

use std::collections::VecDeque;
use std::sync::Arc;

use super::object::{Id, Meta, UnixNanos};
use super::overlay::Overlay;
use crate::forest::schema::Attr;

/// One domain controller.
#[derive(Debug)]
pub(crate) struct Controller {
    /// The short name: `DC1`.
    pub(crate) name: String,
    /// The DNS name.
    pub(crate) host: String,
    /// The identity of its database.
    pub(crate) invocation: [u8; 16],
    /// The nTDSDSA object.
    pub(crate) dsa: Id,
    /// Index of the naming context of its domain.
    pub(crate) domain: u8,
    /// True if it is a global catalog.
    pub(crate) catalog: bool,
    /// True if it takes changes from clients.
    pub(crate) writable: bool,
    /// True if the controller is switched off.
    pub(crate) stopped: bool,
    /// True if changes of other controllers are held back.
    pub(crate) held: bool,
    /// The difference of its clock from the right time.
    pub(crate) clock_offset: UnixNanos,
    /// The highest update sequence number it gave out.
    pub(crate) usn: u64,
    pub(crate) overlay: Overlay,
    /// Changes made here that not every other controller has yet.
    pub(super) log: VecDeque<Change>,
    /// The number of changes that were dropped from the front of the log.
    pub(super) dropped: u64,
    /// The number of changes of each other controller that were applied here.
    pub(super) applied: Vec<u64>,
    /// The last time at which this controller was in step with each other one.
    pub(crate) in_step: Vec<UnixNanos>,
    /// The highest update sequence number that arrived from each other controller, for each naming context.
    pub(crate) seen: Vec<Vec<u64>>,
}

/// The new values of one attribute, on their way to the other controllers.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub(super) id: Id,
    pub(super) attr: Attr,
    pub(super) values: Arc<[Vec<u8>]>,
    pub(super) meta: Meta,
}

impl Controller {
    /// Creates a controller of a forest with `controllers` of them and `contexts` naming contexts, whose database was filled up to
    /// update sequence number `usn`.
    pub(crate) fn new(name: &str, host: String, invocation: [u8; 16], dsa: Id, shape: Shape) -> Self {
        Self {
            name: name.to_owned(),
            host,
            invocation,
            dsa,
            domain: 0,
            catalog: true,
            writable: true,
            stopped: false,
            held: false,
            clock_offset: 0,
            usn: shape.usn,
            overlay: Overlay::default(),
            log: VecDeque::new(),
            dropped: 0,
            applied: vec![0; shape.controllers],
            in_step: vec![shape.built; shape.controllers],
            seen: vec![vec![shape.usn; shape.contexts]; shape.controllers],
        }
    }
}

impl Controller {
    /// Returns the time by its clock.
    pub(crate) fn time(&self, now: UnixNanos) -> UnixNanos {
        now.saturating_add(self.clock_offset)
    }
}

/// The sizes a [`Controller`] is made for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) controllers: usize,
    pub(crate) contexts: usize,
    pub(crate) usn: u64,
    pub(crate) built: UnixNanos,
}

/// An attribute with its new values and by how much the change raises its version.
#[derive(Debug, Clone)]
pub(crate) struct NewValues {
    pub(crate) attr: Attr,
    pub(crate) values: Vec<Vec<u8>>,
    pub(crate) raises: u32,
}
