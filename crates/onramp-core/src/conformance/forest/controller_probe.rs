//! The suite of [`ControllerProbe`].

use crate::conformance::{done, expect_kind};
use crate::forest::{ControllerProbe, Replication};
use crate::{ErrorKind, OffsetDateTime};

/// Everything that [`ControllerProbe`] promises, of a forest whose domain controllers all run.
pub async fn run(port: &dyn ControllerProbe, replication: &dyn Replication) {
    let controllers = done(replication.controllers().await, "listing the domain controllers");
    for controller in controllers.iter().filter(|controller| controller.has_host_name()) {
        let probed = done(port.probe(controller).await, "asking a domain controller");
        assert!(probed.is_synchronized, "{} is synchronized", controller.host);
        assert!(
            probed.time.is_some_and(|time| time > OffsetDateTime::UNIX_EPOCH),
            "{} tells its time: {probed:?}",
            controller.host
        );
        assert_eq!(probed.is_global_catalog_ready, controller.is_global_catalog, "{}", controller.host);
    }
    let mut nameless = controllers.into_iter().next().expect("a domain controller");
    nameless.host = "REMOVED".to_owned();
    expect_kind(port.probe(&nameless).await, ErrorKind::Unavailable, "asking one without a host name");
}
