//! The survey: the objects of fixes as they are in the forest now, and the objects that have a value already that a fix sets.

use futures_util::future::try_join;
use futures_util::{StreamExt, TryStreamExt, stream};
use onramp_core::forest::{ForestObject, ObjectRef, ReplicatedValue};
use onramp_core::{AttributeName, DistinguishedName, ErrorKind, Result, Upn};

use onramp_readiness::attributes::{SAM_ACCOUNT_NAME as SAM, USER_PRINCIPAL_NAME as UPN};

use super::holders::{named, read_holders};
use super::judgment::Judgment;
use super::{ChosenFix, FixSurvey, SeenObject};
use crate::onramp::Onramp;
use crate::spec::Spec;
use crate::steps::replication::Sample;
use crate::steps::suffix;
use crate::survey::Unreadable;

/// The number of objects of earlier runs whose UPN is looked for on every domain controller, at most.
const EARLIER_SAMPLE: usize = 16;

/// The number of objects that are read at a time.
const AT_A_TIME: usize = 16;

/// Reads the tenant, the domain controllers, and the objects of fixes.
pub(crate) async fn survey(onramp: &Onramp, spec: &Spec, fixes: Vec<ChosenFix>) -> Result<FixSurvey> {
    let taken_at = onramp.clock.now();
    let suffix = &(&spec.domain).into();
    let (status, suffix) = try_join(onramp.tenant.sync.status(), suffix::read(onramp, suffix)).await?;
    let judged = Judgment::new().attributes();
    let wanted = fixes.iter().map(|fix| (key_of(fix), attributes_of(fix, &judged))).collect();
    let seen = read(onramp, wanted).await?;
    let mut survey = FixSurvey {
        taken_at,
        tenant: status.tenant_id,
        tenant_name: status.display_name,
        domain: spec.domain.clone(),
        waits: spec.waits,
        suffix,
        objects: fixes.into_iter().zip(seen).collect(),
        holders: Vec::new(),
        unreadable: Unreadable::default(),
        source: String::new(),
        canary: None,
        missing_on: Vec::new(),
    };
    let mut unreadable = Unreadable::default();
    read_holders(onramp, &mut survey, &mut unreadable).await?;
    survey.unreadable = unreadable;
    let sample = Box::pin(earlier_upns(onramp, &survey)).await?;
    survey.missing_on = onramp.missing_on(&sample, &survey.suffix.controllers).await;
    Ok(survey)
}

/// Returns the UPNs of a sample of the objects that have the UPN of their fix already, or got one by a run that did not complete.
async fn earlier_upns(onramp: &Onramp, survey: &FixSurvey) -> Result<Vec<ReplicatedValue>> {
    let mut sample = Sample::default();
    for (fix, seen) in &survey.objects {
        let SeenObject::Found { object, .. } = seen else { continue };
        let upns = fix.changes.iter().filter(|change| change.attribute == UPN).flat_map(|change| &change.add);
        for upn in upns.filter(|upn| object.text(&UPN) == Some(upn)) {
            sample.offer_value(upn_of(object, upn));
        }
    }
    let mut earlier = onramp.history.unproven_upns();
    let step = earlier.len().div_ceil(EARLIER_SAMPLE).max(1);
    let mut place = 0;
    earlier.retain(|_| {
        place += 1;
        (place - 1) % step == 0
    });
    let wanted = earlier.into_iter().map(|guid| (Some(ObjectRef::Guid(guid)), vec![UPN])).collect();
    for seen in read(onramp, wanted).await? {
        let SeenObject::Found { object, .. } = seen else { continue };
        if let Some(upn) = object.text(&UPN) {
            sample.offer_value(upn_of(&object, upn));
        }
    }
    Ok(sample.into_values())
}

fn upn_of(object: &ForestObject, upn: &str) -> Option<ReplicatedValue> {
    Some(ReplicatedValue::UserUpn { guid: object.guid, dn: object.dn.clone(), upn: Upn::parse(upn).ok()? })
}

fn key_of(fix: &ChosenFix) -> Option<ObjectRef> {
    match fix.guid {
        Some(guid) => Some(ObjectRef::Guid(guid)),
        None => DistinguishedName::parse(&fix.dn).ok().map(ObjectRef::Dn),
    }
}

fn attributes_of(fix: &ChosenFix, judged: &[AttributeName]) -> Vec<AttributeName> {
    let mut names = judged.to_vec();
    for change in &fix.changes {
        if !names.contains(&change.attribute) {
            names.push(change.attribute.clone());
        }
    }
    names.retain(|name| !name.holds_secret());
    names
}

/// Reads objects with some of their attributes, several at a time, in the order in which they are asked for.
pub(super) async fn read(
    onramp: &Onramp,
    wanted: Vec<(Option<ObjectRef>, Vec<AttributeName>)>,
) -> Result<Vec<SeenObject>> {
    let read = |(place, (key, attributes)): (usize, (Option<ObjectRef>, Vec<AttributeName>))| async move {
        onramp.report_reading("objects to fix", place as u64 + 1);
        let Some(key) = key else { return Ok(SeenObject::Missing) };
        read_one(onramp, &key, attributes).await
    };
    stream::iter(wanted.into_iter().enumerate()).map(read).buffered(AT_A_TIME).try_collect().await
}

async fn read_one(
    onramp: &Onramp,
    key: &ObjectRef,
    mut attributes: Vec<AttributeName>,
) -> Result<SeenObject> {
    if !attributes.contains(&SAM) {
        attributes.push(SAM);
    }
    match onramp.forest.objects.get(key, &attributes).await {
        Ok(object) => Ok(SeenObject::Found { user: named(&object), object }),
        Err(error) if error.is_not_found() || error.kind() == ErrorKind::Unreadable => {
            Ok(SeenObject::Missing)
        }
        Err(error) => Err(error),
    }
}
