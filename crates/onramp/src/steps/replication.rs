//! The replication of changed values to every domain controller, for the steps that change the forest.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::join_all;
use onramp_core::forest::{DomainController, ForestUser, ReplicatedValue, Replication};
use onramp_core::{DistinguishedName, Error, ErrorKind, Forest, ObjectGuid, Result, Upn};

use super::result::StepResult;
use crate::apply::Context;
use crate::event::Event;
use crate::onramp::Onramp;
use crate::outcome::Outcome;
use crate::plan::PlannedChange;
use crate::replication::{ReplicationExt, ReplicationMark, WaitOptions};

/// The state of replication of each domain before its users were changed.
#[derive(Default)]
pub(crate) struct Marks(Vec<ReplicationMark>);

impl Marks {
    /// Notes the state of replication before users are changed. Without it, everything is read in the end instead of only
    /// the changes.
    pub(crate) async fn note(&mut self, context: &Context<'_>, changes: &[PlannedChange]) -> Result<()> {
        let onramp = &context.onramp;
        let upns = changes.iter().filter_map(|planned| domain_of(planned.change.upn_values()?.dn));
        let mut contexts: Vec<DistinguishedName> = Vec::new();
        for naming_context in upns {
            if !contexts.contains(&naming_context) {
                contexts.push(naming_context);
            }
        }
        let left_out: Vec<String> = context.plan.left_out().into_iter().map(str::to_owned).collect();
        let forest = leaving_out(&onramp.forest, &left_out);
        for naming_context in contexts {
            let marking = async { Ok(forest.mark_replication(&naming_context).await.ok()) };
            let mark = onramp.unless_cancelled("note where replication stands", marking).await?;
            self.0.extend(mark);
        }
        Ok(())
    }

    /// Waits for single values one by one, and for the users together: the sample, and every user that the plan changes if
    /// the directory has an up-to-dateness vector.
    pub(crate) async fn wait(
        &mut self,
        context: &Context<'_>,
        values: &[ReplicatedValue],
        without: &[String],
    ) -> StepResult {
        let forest = leaving_out(&context.onramp.forest, without);
        let mut users: BTreeMap<String, Domain<'_>> = BTreeMap::new();
        let (mut alone, mut seen, mut proofs) = (Vec::new(), 0, Vec::new());
        for value in values {
            match value {
                ReplicatedValue::UserUpn { guid, dn, upn } => match domain_of(dn) {
                    Some(naming_context) => domain(&mut users, naming_context).sample.push((*guid, dn, upn)),
                    None => alone.push(value.clone()),
                },
                other => alone.push(other.clone()),
            }
        }
        for value in alone {
            let what = value.to_string();
            let controllers = wait_for_value(context, &forest, value).await?;
            seen = seen.max(proven(controllers, &what)?);
        }
        for (_, domain) in users {
            let what = format!("UPNs in {}", domain.naming_context);
            let proof = self.wait_for_users(context, &forest, domain).await?;
            seen = seen.max(proven(proof.controllers, &what)?);
            proofs.push(proof.what);
        }
        // Without values, nothing is proven.
        proven(seen, "values")?;
        proofs.dedup();
        let what = if proofs.is_empty() { String::new() } else { format!("{}: ", proofs.join(", ")) };
        let left_out = match without {
            [] => String::new(),
            hosts => format!("; left out: {}", hosts.join(", ")),
        };
        Ok((Outcome::Done, format!("{what}seen on all {seen} domain controllers{left_out}")))
    }

    async fn wait_for_users(
        &mut self,
        context: &Context<'_>,
        forest: &Forest,
        domain: Domain<'_>,
    ) -> Result<Proof> {
        let Domain { naming_context, sample } = domain;
        let onramp = &context.onramp;
        let plan = context.plan.shared();
        // Every change before this one succeeded, or the run would have ended there.
        let users: Vec<_> = (plan.changes().iter())
            .filter_map(|planned| planned.change.upn_values())
            .filter(|values| domain_of(values.dn).as_ref() == Some(&naming_context))
            .collect();
        // A restored value may be none, or not a UPN: no domain controller is asked for those.
        let changed: Vec<(ObjectGuid, Upn)> = (users.iter())
            .filter_map(|values| Some((values.guid, Upn::parse(values.after?).ok()?)))
            .collect();
        let all = changed.len();
        let left_out = match users.len() - all {
            0 => String::new(),
            count => format!(" ({count} that are no UPN were not looked for)"),
        };
        let sampled = sample.iter().map(|(guid, _, upn)| (*guid, (*upn).clone()));
        let place = self.0.iter().position(|mark| mark.context == naming_context);
        let mark = match place {
            Some(place) => self.0.swap_remove(place),
            None => ReplicationMark::new(naming_context.clone(), ""),
        };
        let goal = mark.finish(sampled.chain(changed));
        if forest.replication_metadata.is_some() {
            let waiting = forest
                .wait_for_changes(&goal)
                .with_options(options(context))
                .with_clock(&*onramp.clock)
                .on_progress(|report| context.notify(Event::BulkReplication { report: report.clone() }));
            let report = onramp.unless_cancelled("wait for replication", waiting.into_future()).await?;
            report.require_complete()?;
            let what = format!("all {} values{left_out}", all.max(sample.len()));
            return Ok(Proof { controllers: report.controllers.len(), what });
        }
        let mut seen = 0;
        let what = format!("a sample of {} of {} values{left_out}", sample.len(), all.max(sample.len()));
        for (guid, dn, upn) in sample {
            let value = ReplicatedValue::UserUpn { guid, dn: dn.clone(), upn: upn.clone() };
            seen = seen.max(wait_for_value(context, forest, value).await?);
        }
        Ok(Proof { controllers: seen, what })
    }
}

async fn wait_for_value(context: &Context<'_>, forest: &Forest, value: ReplicatedValue) -> Result<usize> {
    let onramp = &context.onramp;
    let waiting = forest
        .wait_for_value(value)
        .with_options(options(context))
        .with_clock(&*onramp.clock)
        .on_progress(|report| context.notify(Event::Replication { report: report.clone() }));
    let report = onramp.unless_cancelled("wait for replication", waiting.into_future()).await?;
    report.require_complete()?;
    Ok(report.controllers.len())
}

fn options(context: &Context<'_>) -> WaitOptions {
    let timeout = context.plan.plan().header().waits.replication();
    WaitOptions::default().with_timeout(timeout.saturating_sub(context.waited_before))
}

/// Returns the number of domain controllers that have a value, or an error if it is none.
fn proven(controllers: usize, what: &str) -> Result<usize> {
    if controllers > 0 {
        return Ok(controllers);
    }
    Err(Error::new(ErrorKind::Unavailable, "prove the replication of the")
        .with_object(what)
        .with_detail("no domain controller answered")
        .with_hint("Its replication is not proven. Check the domain controllers, then run again."))
}

/// A proof of replication.
struct Proof {
    controllers: usize,
    what: String,
}

/// The users of one domain.
struct Domain<'a> {
    naming_context: DistinguishedName,
    sample: Vec<(ObjectGuid, &'a DistinguishedName, &'a Upn)>,
}

fn domain<'a, 'm>(
    users: &'m mut BTreeMap<String, Domain<'a>>,
    naming_context: DistinguishedName,
) -> &'m mut Domain<'a> {
    let key = naming_context.as_str().to_lowercase();
    users.entry(key).or_insert_with(|| Domain { naming_context, sample: Vec::new() })
}

/// Returns the naming context of the domain of an object.
fn domain_of(dn: &DistinguishedName) -> Option<DistinguishedName> {
    dn.domain_name().map(|domain| DistinguishedName::of_domain(&domain))
}

/// The minimum number of users in a sample, if there are that many.
const SAMPLE: usize = 16;

/// A sample of users at equal distances in a stream of any length.
#[derive(Default)]
pub(crate) struct Sample {
    kept: Vec<ReplicatedValue>,
    seen: usize,
    every: usize,
}

impl Sample {
    /// Adds a user; its place in the stream decides whether it is kept.
    pub(crate) fn offer(&mut self, user: &ForestUser) {
        let upn = user.upn.as_deref().and_then(|upn| Upn::parse(upn).ok());
        self.offer_value(upn.map(|upn| ReplicatedValue::UserUpn {
            guid: user.guid,
            dn: user.dn.clone(),
            upn,
        }));
    }

    /// Adds the value of a user, if there is one.
    pub(crate) fn offer_value(&mut self, value: Option<ReplicatedValue>) {
        let place = self.seen;
        self.seen += 1;
        if let (true, Some(value)) = (place.is_multiple_of(self.every.max(1)), value) {
            self.keep(value);
        }
    }

    fn keep(&mut self, value: ReplicatedValue) {
        self.kept.push(value);
        if self.kept.len() >= 2 * SAMPLE {
            let mut keep = false;
            self.kept.retain(|_| {
                keep = !keep;
                keep
            });
            self.every = self.every.max(1) * 2;
        }
    }

    pub(crate) fn into_values(self) -> Vec<ReplicatedValue> {
        self.kept
    }
}

impl Onramp {
    /// Returns the values that are missing on a domain controller that answers.
    pub(crate) async fn missing_on(
        &self,
        values: &[ReplicatedValue],
        all: &[DomainController],
    ) -> Vec<ReplicatedValue> {
        self.ask_everywhere(values, all).await.0
    }

    /// Returns these values, and the host names of the domain controllers that did not answer for every value. After the
    /// first error, a domain controller is not asked again: each request would have to wait for the timeout.
    pub(crate) async fn ask_everywhere(
        &self,
        values: &[ReplicatedValue],
        all: &[DomainController],
    ) -> (Vec<ReplicatedValue>, Vec<String>) {
        let asked = all.iter().map(|controller| async move {
            let (mut missing, mut silent) = (Vec::new(), None);
            for (place, value) in values.iter().enumerate().filter(|(_, value)| value.concerns(controller)) {
                match self.forest.replication.holds(controller, value).await {
                    Ok(true) => {}
                    Ok(false) => missing.push(place),
                    Err(_) => {
                        silent = Some(controller.host.clone());
                        break;
                    }
                }
            }
            (missing, silent)
        });
        let (missing, silent): (Vec<Vec<usize>>, Vec<Option<String>>) =
            join_all(asked).await.into_iter().unzip();
        let mut places: Vec<usize> = missing.into_iter().flatten().collect();
        places.sort_unstable();
        places.dedup();
        let missing = places.into_iter().filter_map(|place| values.get(place).cloned()).collect();
        (missing, silent.into_iter().flatten().collect())
    }
}

/// Returns a forest without some domain controllers.
fn leaving_out(forest: &Forest, hosts: &[String]) -> Forest {
    let inner = Arc::clone(&forest.replication);
    forest.clone().with_replication(Arc::new(LeavingOut { inner, hosts: hosts.to_vec() }))
}

/// The replication of a forest without the domain controllers that the plan leaves out.
#[derive(Debug)]
struct LeavingOut {
    inner: Arc<dyn Replication>,
    hosts: Vec<String>,
}

#[async_trait]
impl Replication for LeavingOut {
    async fn controllers(&self) -> Result<Vec<DomainController>> {
        let mut all = self.inner.controllers().await?;
        all.retain(|controller| !self.hosts.iter().any(|host| host.eq_ignore_ascii_case(&controller.host)));
        Ok(all)
    }

    async fn holds(&self, controller: &DomainController, value: &ReplicatedValue) -> Result<bool> {
        self.inner.holds(controller, value).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(number: usize) -> ReplicatedValue {
        ReplicatedValue::UserUpn {
            guid: ObjectGuid::from_bytes([1; 16]),
            dn: DistinguishedName::parse("CN=user,DC=corp,DC=local").unwrap(),
            upn: Upn::parse(&format!("{number}@contoso.com")).unwrap(),
        }
    }

    #[test]
    fn a_sample_has_enough_users_at_equal_distances() {
        for (offered, distance) in [(0, 1), (1, 1), (31, 1), (32, 2), (550, 32), (100_000, 4096)] {
            let mut sample = Sample::default();
            for number in 0..offered {
                sample.offer_value(Some(value(number)));
            }
            let expected: Vec<_> = (0..offered).step_by(distance).map(value).collect();
            assert!(expected.len() >= SAMPLE.min(offered) && expected.len() < 2 * SAMPLE);
            assert_eq!(sample.into_values(), expected, "{offered}");
        }
    }
}
