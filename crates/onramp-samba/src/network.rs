//! The network of a forest: a bridge on this machine, and a namespace with one link for each controller.

use std::net::Ipv4Addr;

use super::ForestError;
use super::command::Run;
use super::registry::Claim;

/// The bridge that joins the controllers and this machine.
#[derive(Debug, Clone)]
pub(super) struct Network {
    id: String,
    range: u8,
}

impl Network {
    pub(super) fn new(claim: &Claim) -> Self {
        Self { id: claim.id.clone(), range: claim.range }
    }

    /// The address of controller `index`.
    pub(super) fn address(&self, index: usize) -> Ipv4Addr {
        let host = u8::try_from(index).unwrap_or(u8::MAX).saturating_add(11);
        Ipv4Addr::new(198, 18, self.range, host)
    }

    /// The name of the namespace of controller `index`.
    pub(super) fn namespace(&self, index: usize) -> String {
        format!("onramp-{}-dc{}", self.id, index + 1)
    }

    /// The link of controller `index`, as seen from this machine.
    pub(super) fn link(&self, index: usize) -> Link {
        Link { name: format!("or{}v{}", self.id, index + 1), namespace: self.namespace(index) }
    }

    /// The address of this machine on the bridge.
    pub(super) fn gateway(&self) -> Ipv4Addr {
        Ipv4Addr::new(198, 18, self.range, 1)
    }

    /// Makes the bridge and everything that hangs on it.
    pub(super) fn create(&self, controllers: usize) -> Result<(), ForestError> {
        let (bridge, gateway) = (format!("or{}", self.id), self.gateway());
        ip(&format!("link add {bridge} type bridge"))?;
        ip(&format!("address add {gateway}/24 dev {bridge}"))?;
        ip(&format!("link set {bridge} up"))?;
        for index in 0..controllers {
            let (namespace, link) = (self.namespace(index), self.link(index).name);
            ip(&format!("netns add {namespace}"))?;
            ip(&format!("link add {link} type veth peer name eth0 netns {namespace}"))?;
            ip(&format!("link set {link} master {bridge} up"))?;
            ip(&format!("-n {namespace} link set lo up"))?;
            ip(&format!("-n {namespace} address add {}/24 dev eth0", self.address(index)))?;
            ip(&format!("-n {namespace} link set eth0 up"))?;
            ip(&format!("-n {namespace} route add default via {gateway}"))?;
        }
        Ok(())
    }
}

/// A controller's cable.
#[derive(Debug, Clone)]
pub(super) struct Link {
    name: String,
    namespace: String,
}

impl Link {
    /// Plugs the cable in or out at this machine's end.
    pub(super) fn set_up(&self, up: bool) -> Result<(), ForestError> {
        ip(&format!("link set {} {}", self.name, if up { "up" } else { "down" }))
    }

    /// Loses every packet of the controller to an address; what comes from there still arrives.
    ///
    /// A route does it, which every kernel has, unlike the tables of a packet filter.
    pub(super) fn lose_packets_to(&self, address: Ipv4Addr) -> Result<(), ForestError> {
        ip(&format!("-n {} route replace blackhole {address}/32", self.namespace))
    }

    /// Loses no packet any more.
    pub(super) fn lose_none(&self) -> Result<(), ForestError> {
        ip(&format!("-n {} route flush type blackhole", self.namespace))
    }
}

/// The ids of the processes in a namespace.
pub(super) fn processes(namespace: &str) -> Result<Vec<i32>, ForestError> {
    let output = Run::here(10, format!("listing the processes of {namespace}"), "ip")
        .args(["netns", "pids", namespace])
        .output()?;
    Ok(output.split_whitespace().filter_map(|word| word.parse().ok()).collect())
}

fn ip(arguments: &str) -> Result<(), ForestError> {
    Run::here(10, format!("ip {arguments}"), "ip").args(arguments.split(' ')).output().map(drop)
}
