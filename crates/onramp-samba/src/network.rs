//! The network of a forest: a bridge on this machine, and a namespace with one link for each controller.

use std::net::Ipv4Addr;

use super::ForestError;
use super::command::Run;
use super::registry::Claim;

/// The names and addresses of a forest's network.
#[derive(Debug, Clone)]
pub(super) struct Network {
    id: String,
    range: u8,
}

impl Network {
    pub(super) fn new(claim: &Claim) -> Self {
        Self { id: claim.id.clone(), range: claim.range }
    }

    /// Returns the address of controller `index`.
    pub(super) fn address(&self, index: usize) -> Ipv4Addr {
        let host = u8::try_from(index).unwrap_or(u8::MAX).saturating_add(11);
        Ipv4Addr::new(198, 18, self.range, host)
    }

    /// Returns the name of the namespace of controller `index`.
    pub(super) fn namespace(&self, index: usize) -> String {
        format!("onramp-{}-dc{}", self.id, index + 1)
    }

    /// Returns the link of controller `index`, as seen from this machine.
    pub(super) fn link(&self, index: usize) -> Link {
        Link { name: format!("or{}v{}", self.id, index + 1), namespace: self.namespace(index) }
    }

    /// Returns the address of this machine on the bridge.
    pub(super) fn gateway(&self) -> Ipv4Addr {
        Ipv4Addr::new(198, 18, self.range, 1)
    }

    /// Makes the bridge, and a namespace with a link for each controller.
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

/// The link between a controller and the bridge.
#[derive(Debug, Clone)]
pub(super) struct Link {
    name: String,
    namespace: String,
}

impl Link {
    /// Sets the link up or down at this machine's end.
    pub(super) fn set_up(&self, up: bool) -> Result<(), ForestError> {
        ip(&format!("link set {} {}", self.name, if up { "up" } else { "down" }))
    }

    /// Drops every packet from the controller to an address; packets from that address still arrive.
    ///
    /// Uses a blackhole route, because every kernel has routes, but not every kernel has a packet filter.
    pub(super) fn lose_packets_to(&self, address: Ipv4Addr) -> Result<(), ForestError> {
        ip(&format!("-n {} route replace blackhole {address}/32", self.namespace))
    }

    /// Stops dropping packets.
    pub(super) fn lose_none(&self) -> Result<(), ForestError> {
        ip(&format!("-n {} route flush type blackhole", self.namespace))
    }
}

/// Returns the ids of the processes in a namespace.
pub(super) fn processes(namespace: &str) -> Result<Vec<i32>, ForestError> {
    let output = Run::here(10, format!("listing the processes of {namespace}"), "ip")
        .args(["netns", "pids", namespace])
        .output()?;
    Ok(output.split_whitespace().filter_map(|word| word.parse().ok()).collect())
}

fn ip(arguments: &str) -> Result<(), ForestError> {
    Run::here(10, format!("ip {arguments}"), "ip").args(arguments.split(' ')).output().map(drop)
}
