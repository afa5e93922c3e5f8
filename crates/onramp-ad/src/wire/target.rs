//! Who is connected to.

use crate::settings::Service;

/// Which service of which domain controller.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Target {
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
    pub(crate) service: Service,
}

impl Target {
    pub(crate) fn of(host: &str) -> Self {
        Self { host: host.to_ascii_lowercase(), port: None, service: Service::Directory }
    }

    pub(crate) fn is(&self, host: &str) -> bool {
        self.host.eq_ignore_ascii_case(host)
    }
}
