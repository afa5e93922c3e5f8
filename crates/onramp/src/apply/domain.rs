//! The custom domain: added, proven, verified.

use std::time::Duration;

use onramp_core::tenant::Verification;
use onramp_core::{DomainName, Error, ErrorKind};

use super::{Run, Step, already, done};
use crate::event::Event;

impl Run<'_> {
    pub(super) async fn add_domain(&mut self, domain: &DomainName) -> Step {
        let port = &self.onramp.tenant.domains;
        match port.add(domain).await {
            Ok(_) => done(),
            // Ours by now, or another tenant's: only reading tells.
            Err(error) if error.is_already_exists() => match port.get(domain).await {
                Ok(_) => already(),
                Err(missing) if missing.is_not_found() => Err(error),
                Err(other) => Err(other),
            },
            Err(error) => Err(error),
        }
    }

    pub(super) async fn verify_domain(&mut self, domain: &DomainName) -> Step {
        if self.onramp.tenant.domains.get(domain).await?.is_verified {
            return already();
        }
        let records = self.onramp.tenant.domains.verification_records(domain).await?;
        self.tell(Event::DnsRecordNeeded { domain: domain.clone(), records: records.clone() });
        let timeout = self.plan.plan().header().waits.domain_verification();
        let started = self.onramp.clock.elapsed();
        let mut pause = Duration::from_secs(10);
        loop {
            let message = match self.onramp.tenant.domains.verify(domain).await? {
                Verification::RecordNotFound { message } => message,
                _ => {
                    self.visible(&format!("the domain {domain} verified"), || async {
                        Ok(self.onramp.tenant.domains.get(domain).await?.is_verified)
                    })
                    .await?;
                    return done();
                }
            };
            let waited = self.onramp.clock.elapsed().saturating_sub(started);
            if waited >= timeout {
                let lines: Vec<String> = records.iter().map(ToString::to_string).collect();
                return Err(Error::new(ErrorKind::Unavailable, "verify the domain")
                    .with_object(domain)
                    .with_detail(format!(
                        "its DNS record is not visible after {} s ({message})",
                        waited.as_secs()
                    ))
                    .with_hint(format!("Publish one of these and run again: {}", lines.join(" or "))));
            }
            // The tenant is asked less and less often; people are told once a minute all the same.
            let mut left = pause.min(timeout.saturating_sub(waited));
            while !left.is_zero() {
                self.tell(Event::Waiting {
                    what: format!("the DNS record of {domain} to be visible"),
                    waited_s: self.onramp.clock.elapsed().saturating_sub(started).as_secs(),
                    timeout_s: timeout.as_secs(),
                });
                let slice = left.min(Duration::from_secs(60));
                left = left.saturating_sub(slice);
                let sleep = async {
                    self.onramp.clock.sleep(slice).await;
                    Ok(())
                };
                let slept =
                    self.onramp.unless_cancelled("wait for the DNS record of the domain", sleep).await;
                slept.map_err(|error| {
                    // So that the journal and the report have the record for whoever publishes it tomorrow.
                    let lines: Vec<String> = records.iter().map(ToString::to_string).collect();
                    error.with_hint(format!("Publish one of these and run again: {}", lines.join(" or ")))
                })?;
            }
            pause = (pause * 2).min(Duration::from_secs(300));
        }
    }
}
