//! A port of a domain controller.

use std::sync::Arc;

use rustls::ServerConfig;

use crate::forest::LabForest;
use crate::forest::data::view::DirectoryScope;

/// One port of one controller.
#[derive(Clone)]
pub(super) struct Endpoint {
    pub(super) lab: LabForest,
    pub(super) at: usize,
    pub(super) tls: Arc<ServerConfig>,
    pub(super) secure: bool,
    pub(super) directory_scope: DirectoryScope,
}

impl Endpoint {
    pub(super) fn is_stopped(&self) -> bool {
        self.lab.with(|state| state.controllers.get(self.at).is_none_or(|controller| controller.stopped))
    }
}
