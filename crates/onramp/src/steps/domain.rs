//! Step 1: the custom domain is added to the tenant and verified.

use std::time::Duration;

use futures_util::StreamExt;
use onramp_core::tenant::{DomainAuthentication, DomainVerification, SyncState, TenantDomain};
use onramp_core::{DomainName, Error, ErrorKind, Result, Upn};

use super::result::{StepResult, already, done};
use crate::apply::Context;
use crate::event::Event;
use crate::onramp::Onramp;
use crate::outcome::WaitReason;
use crate::plan::{BlockerKind, Change, Consequence, Draft, PlannedChange};
use crate::spec::Spec;
use crate::survey::{DomainSurvey, Survey};
use crate::undo::Undoing;
use crate::verify::{Comparison, Verification, truth};

pub(crate) async fn survey(onramp: &Onramp, spec: &Spec) -> Result<DomainSurvey> {
    let domains = onramp.tenant.domains.list().await?;
    Ok(DomainSurvey {
        custom: domains.iter().find(|domain| domain.name == spec.domain).cloned(),
        verified: domains.into_iter().filter(|domain| domain.is_verified).collect(),
    })
}

pub(crate) fn plan(spec: &Spec, survey: &Survey, draft: &mut Draft) {
    let domain = spec.domain.clone();
    let is_added = survey.domain.custom.is_some();
    let is_verified = survey.domain.is_verified();
    if domain.ascii().ends_with(".onmicrosoft.com") && !is_added {
        draft.block_all(BlockerKind::InitialDomain { domain: domain.clone() });
    }
    if !domain.is_routable() && !is_verified {
        draft.block_all(BlockerKind::NotRoutable { domain: domain.clone() });
    }
    if !is_added {
        draft.change(Change::AddDomain { domain: domain.clone() }, "the tenant does not have it");
    }
    if !is_verified {
        draft.consequences.push(match is_added {
            false => Consequence::DomainAdded { domain: domain.clone() },
            true => Consequence::DomainVerified { domain: domain.clone() },
        });
        if survey.sync.status.state == SyncState::Enabled {
            draft.consequences.push(Consequence::DomainVerifiedWhileSynchronizing { domain: domain.clone() });
        }
        let reason = "only users of verified domains keep their UPN in the cloud";
        draft.change(Change::VerifyDomain { domain }, reason);
    }
}

/// Adds the domain to the tenant.
pub(crate) async fn add(context: &Context<'_>, domain: &DomainName) -> StepResult {
    let port = &context.onramp.tenant.domains;
    match port.add(domain).await {
        Ok(_) => done(),
        // It may belong to this tenant by now, or to another one.
        Err(error) if error.is_already_exists() => match port.get(domain).await {
            Ok(_) => already(),
            Err(missing) if missing.is_not_found() => Err(error),
            Err(other) => Err(other),
        },
        Err(error) => Err(error),
    }
}

/// Asks the tenant to verify the domain, until its DNS record is visible.
pub(crate) async fn prove_ownership(context: &Context<'_>, domain: &DomainName) -> StepResult {
    if context.onramp.tenant.domains.get(domain).await?.is_verified {
        return already();
    }
    let records = context.onramp.tenant.domains.verification_records(domain).await?;
    context.notify(Event::DnsRecordNeeded { domain: domain.clone(), records: records.clone() });
    let timeout = context.plan.plan().header().waits.domain_verification();
    let started = context.onramp.clock.elapsed();
    let waited = || context.waited_before + context.onramp.clock.elapsed().saturating_sub(started);
    let mut pause = Duration::from_secs(10);
    loop {
        let message = match context.onramp.tenant.domains.verify(domain).await? {
            DomainVerification::RecordNotFound { message } => message,
            _ => {
                context
                    .visible(&format!("the domain {domain} verified"), || async {
                        Ok(context.onramp.tenant.domains.get(domain).await?.is_verified)
                    })
                    .await?;
                return done();
            }
        };
        let so_far = waited();
        if so_far >= timeout {
            let lines: Vec<String> = records.iter().map(ToString::to_string).collect();
            return Err(Error::new(ErrorKind::Unavailable, "verify the domain")
                .with_object(domain)
                .with_detail(format!(
                    "its DNS record is not visible after {} s ({message})",
                    so_far.as_secs()
                ))
                .with_hint(format!("Publish one of these and run again: {}", lines.join(" or "))));
        }
        // The pause between two requests grows, but an event is sent every minute.
        let mut left = pause.min(timeout.saturating_sub(so_far));
        while !left.is_zero() {
            context.notify(Event::Waiting {
                reason: WaitReason::DnsRecord { domain: domain.clone() },
                waited: waited(),
                timeout,
            });
            let slice = left.min(Duration::from_secs(60));
            left = left.saturating_sub(slice);
            let slept = context.pause("wait for the DNS record of the domain", slice).await;
            slept.map_err(|error| {
                // The journal and the report then have the record, which may be published later.
                let lines: Vec<String> = records.iter().map(ToString::to_string).collect();
                error.with_hint(format!("Publish one of these and run again: {}", lines.join(" or ")))
            })?;
        }
        pause = (pause * 2).min(Duration::from_secs(300));
    }
}

/// Removes the domain from the tenant.
pub(crate) async fn remove(context: &Context<'_>, domain: &DomainName) -> StepResult {
    let port = &context.onramp.tenant.domains;
    match port.remove(domain).await {
        Ok(()) => {}
        Err(error) if error.is_not_found() => return already(),
        Err(error) => return Err(error),
    }
    context
        .visible(&format!("the domain {domain} removed"), || async { is_absent(port.get(domain).await) })
        .await?;
    done()
}

fn is_absent(found: Result<TenantDomain>) -> Result<bool> {
    match found {
        Ok(_) => Ok(false),
        Err(error) if error.is_not_found() => Ok(true),
        Err(error) => Err(error),
    }
}

/// Undoes a change of the domain. It is removed only if the run added it and nothing refers to it.
pub(crate) async fn undo(undoing: &mut Undoing<'_>, made: &PlannedChange) -> Result<()> {
    let port = &undoing.onramp.tenant.domains;
    match &made.change {
        Change::AddDomain { domain } => match port.get(domain).await {
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error),
            Ok(found) if found.is_default => {
                undoing.leave(made, "it is the default domain of the tenant now");
            }
            Ok(found) => {
                let deleted = undoing.deleted;
                let mut references = port.references(domain).filter(|reference| {
                    let is_deleted = reference.as_ref().is_ok_and(|reference| Some(reference.id) == deleted);
                    std::future::ready(!is_deleted)
                });
                let first = references.next().await.transpose()?;
                let more = references.count().await;
                match first {
                    Some(first) => {
                        let name = first.name.unwrap_or_else(|| first.id.to_string());
                        let others = if more > 0 { format!(" and {more} others") } else { String::new() };
                        undoing.leave(made, format!("{name}{others} in the tenant refer to it"));
                    }
                    None => {
                        undoing.accept(Consequence::DomainRemoved { domain: domain.clone() });
                        let (domain, was_verified) = (domain.clone(), found.is_verified);
                        undoing.undo(made, Change::RemoveDomain { domain, was_verified });
                    }
                }
            }
        },
        // A domain that the run added is removed as a whole.
        Change::VerifyDomain { domain } => {
            let adds = |made: &PlannedChange| matches!(&made.change, Change::AddDomain { domain: added } if added == domain);
            if !undoing.run.made().any(adds) {
                undoing
                    .leave(made, "a verified domain cannot be made unverified, and the run did not add it");
            }
        }
        Change::RemoveDomain { domain, was_verified } => match port.get(domain).await {
            Ok(_) => {}
            Err(error) if error.is_not_found() => {
                undoing.accept(Consequence::DomainAdded { domain: domain.clone() });
                undoing.undo(made, Change::AddDomain { domain: domain.clone() });
                if *was_verified {
                    undoing.undo(made, Change::VerifyDomain { domain: domain.clone() });
                }
            }
            Err(error) => return Err(error),
        },
        _ => {}
    }
    Ok(())
}

/// Returns true if the tenant is as a change makes it.
pub(crate) async fn is_made(onramp: &Onramp, change: &Change) -> Result<bool> {
    let port = &onramp.tenant.domains;
    match change {
        Change::AddDomain { domain } => is_absent(port.get(domain).await).map(|is_absent| !is_absent),
        Change::RemoveDomain { domain, .. } => is_absent(port.get(domain).await),
        Change::VerifyDomain { domain } => Ok(port.get(domain).await?.is_verified),
        _ => Ok(true),
    }
}

pub(crate) fn verify(comparison: &Comparison<'_>, verification: &mut Verification) {
    let changes = |change: &Change| matches!(change, Change::AddDomain { .. } | Change::VerifyDomain { .. });
    let found = match &comparison.survey.domain.custom {
        Some(domain) if domain.is_verified => "verified",
        Some(_) => "added, not verified",
        None => "not in the tenant",
    };
    let name = format!("the tenant owns {}", comparison.spec.domain);
    verification.check(name, truth(!comparison.still_has(changes)), found);
}

/// Returns true if the survey shows that the users of that domain sign in with a federated identity provider.
pub(crate) fn is_federated(upn: &Upn, survey: &Survey) -> bool {
    let is = |domain: &DomainName| {
        let known = survey.domain.verified.iter().chain(&survey.domain.custom);
        known
            .into_iter()
            .any(|known| known.name == *domain && known.authentication == DomainAuthentication::Federated)
    };
    upn.domain().is_ok_and(|domain| is(&domain))
}
