//! Discovery of domain controllers by the SRV records that they register in DNS ([MS-ADTS] 6.3.2.3), in the order of RFC 2782.

use std::net::SocketAddr;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::proto::rr::{RData, RecordType};
use onramp_core::{Clock, DomainName, Error, ErrorKind, Result};
use tokio::time::timeout;

use crate::ldap::endpoint::Endpoint;
use crate::ldap::resolve::resolver;

const ACTION: &str = "find in DNS the domain controllers of";

/// A lookup of the domain controllers of a domain.
#[derive(Debug)]
pub(crate) struct Discovery {
    pub(crate) domain: DomainName,
    /// The preferred site.
    pub(crate) site: Option<String>,
    /// The name server to ask, instead of those of the operating system.
    pub(crate) name_server: Option<SocketAddr>,
    /// The time limit of the whole lookup.
    pub(crate) limit: Duration,
}

/// An SRV record.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Candidate {
    priority: u16,
    weight: u16,
    host: String,
}

impl Discovery {
    /// Looks up the domain controllers, those of the site first.
    ///
    /// The port in the records is that of plain LDAP. It is ignored, since LDAPS has a port of its own.
    pub(crate) async fn controllers(&self, clock: &dyn Clock) -> Result<Vec<Endpoint>> {
        let error = || Error::new(ErrorKind::Unavailable, ACTION).with_object(&self.domain);
        let found = timeout(self.limit, self.ask(clock)).await.map_err(|_| {
            error()
                .with_detail(format!("the name server gave no answer within {} s", self.limit.as_secs_f32()))
                .with_hint("Check the DNS servers of this computer, or name a domain controller instead.")
        })?;
        let (hosts, reason) = found?;
        if hosts.is_empty() {
            let hint = "Check that this computer uses the domain's DNS servers, or name a domain controller instead.";
            return Err(error().with_detail(reason).with_hint(hint));
        }
        // A forged answer of DNS must not disclose a password: TLS verifies the name of the host, so that the name has to be
        // in the domain.
        let (ours, foreign): (Vec<String>, Vec<String>) =
            hosts.into_iter().partition(|host| self.is_ours(host));
        if ours.is_empty() {
            return Err(Error::new(ErrorKind::Invalid, ACTION)
                .with_object(&self.domain)
                .with_detail(format!("DNS names hosts outside of the domain only: {}", foreign.join(", ")))
                .with_hint("If they are right, name one of them instead of the domain."));
        }
        Ok(ours.iter().map(|host| Endpoint::directory(host)).collect())
    }

    /// Returns the hosts in order, and the reason if there are none.
    async fn ask(&self, clock: &dyn Clock) -> Result<(Vec<String>, String)> {
        let resolver = self.resolver()?;
        let domain = self.domain.ascii();
        let mut names = vec![format!("_ldap._tcp.dc._msdcs.{domain}.")];
        if let Some(site) = &self.site {
            names.insert(0, format!("_ldap._tcp.{site}._sites.dc._msdcs.{domain}."));
        }
        let (mut hosts, mut reason): (Vec<String>, String) = (Vec::new(), "there are no SRV records".into());
        for name in names {
            match resolver.lookup(name.as_str(), RecordType::SRV).await {
                Ok(answer) => {
                    let records = answer.answers().iter().filter_map(|record| match &record.data {
                        RData::SRV(srv) => Some(Candidate {
                            priority: srv.priority,
                            weight: srv.weight,
                            host: srv.target.to_ascii().trim_end_matches('.').to_ascii_lowercase(),
                        }),
                        _ => None,
                    });
                    for host in in_order(records.collect(), &mut || clock.random()) {
                        if !host.is_empty() && !hosts.contains(&host) {
                            hosts.push(host);
                        }
                    }
                }
                // A site without domain controllers has no records of its own.
                Err(error) => reason = format!("{name} has no answer: {error}"),
            }
        }
        Ok((hosts, reason))
    }

    fn resolver(&self) -> Result<TokioResolver> {
        resolver(self.name_server, self.limit).map_err(|error| {
            Error::new(ErrorKind::Invalid, ACTION)
                .with_object(&self.domain)
                .with_detail(format!("the DNS servers of this computer are not known: {error}"))
                .with_hint("Set a name server, or name a domain controller instead.")
        })
    }

    fn is_ours(&self, host: &str) -> bool {
        DomainName::parse_directory(host).is_ok_and(|host| host.is_within(&self.domain))
    }
}

/// Sorts the records by priority; equal ones by chance, weighted (RFC 2782).
fn in_order(mut records: Vec<Candidate>, random: &mut dyn FnMut() -> u64) -> Vec<String> {
    records.sort_by_key(|record| (record.priority, record.weight));
    let mut hosts = Vec::with_capacity(records.len());
    while let Some(first) = records.first() {
        let equals = records.iter().take_while(|record| record.priority == first.priority).count();
        let sum: u64 = records.iter().take(equals).map(|record| u64::from(record.weight)).sum();
        let mut draw = random() % (sum + 1);
        // Records without weight are first, and are chosen only if the number drawn is 0.
        let mut drawn = equals - 1;
        for (at, record) in records.iter().take(equals).enumerate() {
            if draw <= u64::from(record.weight) {
                drawn = at;
                break;
            }
            draw -= u64::from(record.weight);
        }
        hosts.push(records.remove(drawn).host);
    }
    hosts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn record(priority: u16, weight: u16, host: &str) -> Candidate {
        Candidate { priority, weight, host: host.to_owned() }
    }

    #[test]
    fn a_lower_priority_comes_first_and_a_weight_counts() {
        let records = || vec![record(10, 100, "backup"), record(0, 0, "rarely"), record(0, 100, "often")];
        assert_eq!(in_order(records(), &mut || 0), ["rarely", "often", "backup"]);
        assert_eq!(in_order(records(), &mut || 50), ["often", "rarely", "backup"]);
        let mut first = 0;
        for lot in 0..101 {
            first += usize::from(in_order(records(), &mut || lot)[0] == "often");
        }
        assert_eq!(first, 100);
    }

    proptest! {
        #[test]
        fn every_host_comes_once_in_order_of_priority(
            records in prop::collection::vec((0u16..4, 0u16..=u16::MAX), 0..20),
            lots in prop::collection::vec(any::<u64>(), 20),
        ) {
            let all: Vec<_> = records.iter().enumerate().map(|(at, &(p, w))| record(p, w, &format!("h{at}"))).collect();
            let mut lots = lots.into_iter().cycle();
            let hosts = in_order(all.clone(), &mut || lots.next().unwrap_or_default());
            let priority = |host: &String| all.iter().find(|r| r.host == *host).unwrap().priority;
            prop_assert!(hosts.is_sorted_by_key(priority));
            let mut sorted = hosts.clone();
            sorted.sort();
            sorted.dedup();
            prop_assert_eq!(sorted.len(), all.len());
        }
    }
}
