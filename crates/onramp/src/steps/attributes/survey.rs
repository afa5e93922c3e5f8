//! The survey: the objects of fixes as they are in the forest now, and the objects that have a value already that a fix sets.

use futures_util::future::try_join;
use futures_util::{StreamExt, TryStreamExt, stream};
use onramp_core::forest::ObjectRef;
use onramp_core::{AttributeName, DistinguishedName, ErrorKind, Result};

use onramp_readiness::attributes::SAM_ACCOUNT_NAME as SAM;

use super::holders::{named, read_holders};
use super::judgment::Judgment;
use super::{ChosenFix, FixSurvey, SeenObject};
use crate::onramp::Onramp;
use crate::spec::Spec;
use crate::steps::suffix;
use crate::survey::Unreadable;

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
    };
    let mut unreadable = Unreadable::default();
    read_holders(onramp, &mut survey, &mut unreadable).await?;
    survey.unreadable = unreadable;
    Ok(survey)
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
