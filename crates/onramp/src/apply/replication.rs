//! Waiting until every domain controller has what was changed.

use std::collections::BTreeMap;

use onramp_core::forest::{
    BulkReport, ConvergenceReport, ReplicatedValue, ReplicationExt, ReplicationMark, WaitOptions,
};
use onramp_core::{DistinguishedName, Error, ErrorKind, ObjectGuid, Result, Upn};

use super::{Run, Step};
use crate::event::Event;
use crate::everywhere::LeavingOut;
use crate::journal::Outcome;
use crate::plan::{Change, PlannedChange};

impl Run<'_> {
    /// Notes where replication stands before users are changed. Without it everything is read in the end instead of
    /// what changed.
    pub(super) async fn mark_replication(&mut self, changes: &[PlannedChange]) -> Result<()> {
        let onramp = self.onramp;
        let upns = changes.iter().filter_map(|planned| match &planned.change {
            Change::ChangeUpn { upn } => domain_of(&upn.dn),
            _ => None,
        });
        let mut contexts: Vec<DistinguishedName> = Vec::new();
        for context in upns {
            if !contexts.contains(&context) {
                contexts.push(context);
            }
        }
        let left_out: Vec<String> = self.plan.left_out().into_iter().map(str::to_owned).collect();
        let replication = LeavingOut::over(&onramp.forest.replication, &left_out);
        for context in contexts {
            let marking = async { Ok(replication.begin(&context).await.ok()) };
            let mark = onramp.unless_cancelled("note where replication stands", marking).await?;
            self.marks.extend(mark);
        }
        Ok(())
    }

    /// Waits for single values one by one, and for all users together: those of the sample, and every one that the plan
    /// changes where the directory tells how far replication is.
    pub(super) async fn await_replication(&mut self, values: &[ReplicatedValue], without: &[String]) -> Step {
        let replication = LeavingOut::over(&self.onramp.forest.replication, without);
        let mut users: BTreeMap<String, Domain<'_>> = BTreeMap::new();
        let (mut alone, mut seen, mut proofs) = (Vec::new(), 0, Vec::new());
        for value in values {
            match value {
                ReplicatedValue::UserUpn { guid, dn, upn } => match domain_of(dn) {
                    Some(context) => domain(&mut users, context).sample.push((*guid, dn, upn)),
                    None => alone.push(value.clone()),
                },
                other => alone.push(other.clone()),
            }
        }
        for value in alone {
            let what = value.to_string();
            let controllers = self.await_value(&replication, value).await?;
            seen = seen.max(proven(controllers, &what)?);
        }
        for (_, domain) in users {
            let what = format!("UPNs in {}", domain.context);
            let proof = self.await_users(&replication, domain).await?;
            seen = seen.max(proven(proof.controllers, &what)?);
            proofs.push(proof.what);
        }
        // A plan that waits for nothing proves nothing.
        proven(seen, "values")?;
        proofs.dedup();
        let what = if proofs.is_empty() { String::new() } else { format!("{}: ", proofs.join(", ")) };
        let left_out = match without {
            [] => String::new(),
            hosts => format!("; left out: {}", hosts.join(", ")),
        };
        Ok((Outcome::Done, format!("{what}seen on all {seen} domain controllers{left_out}")))
    }

    async fn await_value(&self, replication: &LeavingOut, value: ReplicatedValue) -> Result<usize> {
        let onramp = self.onramp;
        let mut tell =
            |report: &ConvergenceReport| onramp.observer.tell(&Event::Replication { report: report.clone() });
        let waiting = replication.wait(value, self.waits(), &*onramp.clock, &mut tell);
        let report = onramp.unless_cancelled("wait for replication", waiting).await?;
        report.require_complete()?;
        Ok(report.controllers.len())
    }

    async fn await_users(&mut self, replication: &LeavingOut, domain: Domain<'_>) -> Result<Proof> {
        let Domain { context, sample } = domain;
        let onramp = self.onramp;
        let plan = self.plan.shared();
        // Every change before this one succeeded, or the run would have ended there.
        let changed: Vec<(ObjectGuid, Upn)> = (plan.changes().iter())
            .filter_map(|planned| match &planned.change {
                Change::ChangeUpn { upn } if domain_of(&upn.dn).as_ref() == Some(&context) => {
                    Some((upn.guid, upn.after.clone()))
                }
                _ => None,
            })
            .collect();
        let all = changed.len();
        let sampled = sample.iter().map(|(guid, _, upn)| (*guid, (*upn).clone()));
        let place = self.marks.iter().position(|mark| mark.context == context);
        let mark = match place {
            Some(place) => self.marks.swap_remove(place),
            None => ReplicationMark::new(context.clone(), ""),
        };
        let goal = mark.finish(sampled.chain(changed));
        let mut tell = |report: &BulkReport| {
            onramp.observer.tell(&Event::BulkReplication { report: report.clone() });
        };
        let waiting = replication.wait_for(&goal, self.waits(), &*onramp.clock, &mut tell);
        match onramp.unless_cancelled("wait for replication", waiting).await {
            Err(error) if error.kind() == ErrorKind::Unsupported => {}
            report => {
                let report = report?;
                report.require_complete()?;
                let what = format!("all {} values", all.max(sample.len()));
                return Ok(Proof { controllers: report.controllers.len(), what });
            }
        }
        let mut seen = 0;
        let what = format!("a sample of {} of {} values", sample.len(), all.max(sample.len()));
        for (guid, dn, upn) in sample {
            let value = ReplicatedValue::UserUpn { guid, dn: dn.clone(), upn: upn.clone() };
            seen = seen.max(self.await_value(replication, value).await?);
        }
        Ok(Proof { controllers: seen, what })
    }

    fn waits(&self) -> WaitOptions {
        WaitOptions::default().with_timeout(self.plan.plan().header().waits.replication())
    }
}

/// The number of domain controllers that hold something, unless that is none.
fn proven(controllers: usize, what: &str) -> Result<usize> {
    if controllers > 0 {
        return Ok(controllers);
    }
    Err(Error::new(ErrorKind::Unavailable, "prove the replication of the")
        .with_object(what)
        .with_detail("no domain controller could be asked for it")
        .with_hint("Nothing proves that it replicates. Check the domain controllers, then run again."))
}

/// How strong a proof of replication is.
struct Proof {
    controllers: usize,
    what: String,
}

/// Users of one domain to wait for.
struct Domain<'a> {
    context: DistinguishedName,
    sample: Vec<(ObjectGuid, &'a DistinguishedName, &'a Upn)>,
}

fn domain<'a, 'm>(
    users: &'m mut BTreeMap<String, Domain<'a>>,
    context: DistinguishedName,
) -> &'m mut Domain<'a> {
    let key = context.as_str().to_lowercase();
    users.entry(key).or_insert_with(|| Domain { context, sample: Vec::new() })
}

/// The naming context of the domain that an object stands in.
fn domain_of(dn: &DistinguishedName) -> Option<DistinguishedName> {
    dn.domain_name().map(|domain| DistinguishedName::of_domain(&domain))
}
