//! The plan: a change for every fix that can be made as it is, and a blocker for every other one.

use std::collections::{HashMap, HashSet};

use onramp_core::forest::{AttributeValue, ChangeState, ForestObject, ObjectChange};
use onramp_core::{ObjectGuid, visible};
use onramp_readiness::FixChange;

use super::attribute_kinds::{Values, values_of};
use onramp_readiness::attributes::{PROXY_ADDRESSES as PROXIES, USER_PRINCIPAL_NAME as UPN};

use super::holders::unique_key;
use super::judgment::{Judgment, refused_upn};
use super::{ChosenFix, FixSurvey, SeenObject, ValueHolder, objects};
use crate::plan::{
    AttributeEdit, Blocker, BlockerKind, Change, Consequence, Draft, ExcludedObject, ObjectEdit,
    PLAN_FORMAT_VERSION, Plan, PlanHeader, Scope, SkipReason, attribute_summary, short_digest, sorted,
};
use crate::steps::{suffix, users};
use crate::user_ref::UserRef;

/// The reason why an object is not changed that has the values of its fix already.
const UNCHANGED: &str = "has the new values already";

/// Computes the plan that makes fixes, given what a survey of their objects found.
///
/// The same survey gives the same plan. It has one change for each object, which combines all attributes. A fix is left out,
/// with a blocker that names the reason, if its object does not exist or no longer has the values that the fix replaces, if it
/// changes an attribute that no fix may change, or if another object has one of the new values and only one may have it.
///
/// ```
/// # async fn example(onramp: onramp::Onramp, spec: onramp::Spec, findings: Vec<onramp_readiness::Finding>)
/// # -> onramp::Result<()> {
/// use onramp::fixes::{self, ChosenFix};
/// use onramp_readiness::{Confidence, combine_fixes};
///
/// let fixes = combine_fixes(&findings, Confidence::High);
/// let chosen: Vec<ChosenFix> = fixes.iter().map(ChosenFix::from).collect();
/// let plan = fixes::plan(&onramp.survey_fixes(&spec, chosen).await?);
/// for consequence in plan.consequences() {
///     println!("{}: {consequence}", consequence.id());
/// }
/// # Ok(()) }
/// ```
pub fn plan(survey: &FixSurvey) -> Plan {
    let mut draft = Draft::default();
    let mut planner = Planner::new(survey);
    let by_object = |(fix, seen): &(ChosenFix, SeenObject)| match seen {
        SeenObject::Found { user, .. } => (user.dn.as_str().to_owned(), Some(user.guid)),
        SeenObject::Missing => (fix.dn.clone(), None),
    };
    let mut left_for_later = 0_u64;
    for (fix, seen) in sorted(&survey.objects, by_object) {
        let is_later = survey.canary.as_ref().is_some_and(|canary| match seen {
            SeenObject::Found { user, .. } => !canary.users.contains(&user.guid),
            SeenObject::Missing => true,
        });
        if is_later {
            left_for_later += 1;
            continue;
        }
        planner.add(fix, seen, &mut draft);
    }
    let excluded = std::mem::take(&mut planner.excluded);
    accept(&mut draft, excluded);
    if planner.found_by_name > 0 {
        draft.warnings.push(format!(
            "{} found by the distinguished name, because the source of the fix has no objectGUID",
            match planner.found_by_name {
                1 => "1 object was".to_owned(),
                count => format!("{count} objects were"),
            }
        ));
    }
    let values: Vec<_> = survey.missing_on.iter().cloned().chain(users::sample(&draft.changes)).collect();
    if !values.is_empty() {
        let reason = "users may sign in at any domain controller";
        draft.await_replication(values, survey.suffix.silent_hosts(), reason);
        suffix::accept_silent_controllers(&survey.suffix, &mut draft);
    }
    let unreadable = &survey.unreadable;
    if unreadable.count > 0 {
        let (count, named, digest) = (unreadable.count, unreadable.named.clone(), unreadable.digest.clone());
        draft.consequences.push(Consequence::ObjectsUnreadable { count, named, digest });
    }
    let unchanged = planner.unchanged;
    let found = survey.objects.iter().filter(|(_, seen)| *seen != SeenObject::Missing).count();
    Plan {
        header: PlanHeader {
            format_version: PLAN_FORMAT_VERSION,
            surveyed_at: survey.taken_at,
            tenant: survey.tenant,
            tenant_name: survey.tenant_name.clone(),
            forest: survey.suffix.forest(),
            domain: survey.domain.clone(),
            scope: Scope { attributes: true, ..Scope::default() },
            users_read: found as u64,
            users_skipped: [
                (UNCHANGED.to_owned(), unchanged),
                (SkipReason::AfterCanary.to_string(), left_for_later),
            ]
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .collect(),
            waits: survey.waits,
            undoes: None,
            users_digest: Some(survey.digest()),
            canary: survey.canary.clone(),
        },
        changes: draft.changes,
        consequences: draft.consequences,
        blockers: draft.blockers,
        warnings: draft.warnings,
        skipped: Vec::new(),
        preflight: Vec::new(),
    }
}

/// Adds the consequences of the changes and of the blockers.
fn accept(draft: &mut Draft, excluded: Vec<ExcludedObject>) {
    if let Some((count, attributes, digest)) = attribute_summary(&draft.changes) {
        draft.consequences.push(Consequence::AttributesChanged { count, attributes, digest });
    }
    let renamed: Vec<String> = (draft.changes.iter())
        .filter_map(|planned| planned.change.upn_values())
        .map(|upn| format!("{} {:?} {}", upn.guid, upn.before, upn.after.unwrap_or_default()))
        .collect();
    if !renamed.is_empty() {
        let (count, digest) = (renamed.len() as u64, short_digest(renamed));
        draft.consequences.push(Consequence::UsersRenamed { count, digest });
    }
    if !excluded.is_empty() {
        draft.consequences.push(Consequence::ExcludedObjectsChanged { objects: excluded });
    }
    let left: Vec<String> = draft.blockers.iter().map(ToString::to_string).collect();
    if !left.is_empty() {
        let (count, digest) = (left.len() as u64, short_digest(left));
        draft.consequences.push(Consequence::ObjectsLeftBehind { count, digest });
    }
}

/// The fixes in the making.
struct Planner<'a> {
    holders: HashMap<&'a str, Vec<&'a ValueHolder>>,
    /// The objects that get a value that only one of them may have.
    wanted: HashMap<String, Vec<&'a UserRef>>,
    judgment: Judgment,
    /// The objects to change that synchronization leaves out.
    excluded: Vec<ExcludedObject>,
    seen: HashSet<ObjectGuid>,
    found_by_name: u64,
    unchanged: u64,
}

impl<'a> Planner<'a> {
    fn new(survey: &'a FixSurvey) -> Self {
        let mut this = Self {
            holders: HashMap::new(),
            wanted: HashMap::new(),
            judgment: Judgment::new(),
            excluded: Vec::new(),
            seen: HashSet::new(),
            found_by_name: 0,
            unchanged: 0,
        };
        for holder in &survey.holders {
            this.holders.entry(&holder.key).or_default().push(holder);
        }
        for (fix, seen) in &survey.objects {
            let SeenObject::Found { user, .. } = seen else { continue };
            for (_, _, key) in unique_values(&fix.changes, |change| &change.add) {
                this.wanted.entry(key).or_default().push(user);
            }
        }
        this
    }

    /// Adds the change of one object, or the reason why there is none.
    fn add(&mut self, fix: &ChosenFix, seen: &SeenObject, draft: &mut Draft) {
        let SeenObject::Found { user, object } = seen else {
            let problem = BlockerKind::NoSuchObject { name: fix.dn.clone() };
            draft.blockers.push(Blocker { user: None, present_upn: None, problem, suggestion: None });
            return;
        };
        if fix.changes.is_empty() {
            self.unchanged += 1;
            return;
        }
        self.found_by_name += u64::from(fix.guid.is_none());
        match self.edit(fix, user, object) {
            Ok(Some(edit)) => {
                for sentence in &fix.loses {
                    draft.warnings.push(format!("{user}: {}", visible(sentence)));
                }
                self.judge(fix, user, object, draft);
                draft.change(Change::ChangeAttributes { object: edit }, fix.reason.clone());
            }
            Ok(None) => self.unchanged += 1,
            Err(problem) => {
                let present_upn = object.text(&UPN).map(str::to_owned);
                draft.blockers.push(Blocker {
                    user: Some(user.clone()),
                    present_upn,
                    problem: *problem,
                    suggestion: None,
                });
            }
        }
    }

    /// Notes an object that synchronization leaves out, and warns of what the rules find in any other one as it would be.
    fn judge(&mut self, fix: &ChosenFix, user: &UserRef, object: &ForestObject, draft: &mut Draft) {
        if let Some(exclusion) = self.judgment.exclusion(object) {
            let (object, reason) = (user.clone(), exclusion.reason);
            self.excluded.push(ExcludedObject { object, id: exclusion.id.into_owned(), reason });
            return;
        }
        for finding in self.judgment.new_findings(object, &fix.changes) {
            let (rule, explanation) = (&finding.rule, visible(&finding.explanation));
            draft.warnings.push(format!("{user}: its new values break the rule {rule}: {explanation}"));
        }
    }

    /// Returns the change of an object; `None` if it is as the fix makes it already.
    fn edit(
        &mut self,
        fix: &ChosenFix,
        user: &UserRef,
        object: &ForestObject,
    ) -> Result<Option<ObjectEdit>, Box<BlockerKind>> {
        let refused = |reason: String| Box::new(BlockerKind::FixRefused { reason });
        if !self.seen.insert(user.guid) {
            return Err(refused("another fix names the same object".to_owned()));
        }
        let mut attributes = Vec::new();
        for change in &fix.changes {
            attributes.push(attribute_edit(change).map_err(refused)?);
        }
        let edit = ObjectEdit { guid: user.guid, dn: user.dn.clone(), attributes };
        let change = ObjectChange::from(&edit);
        change.check().map_err(|error| refused(error.to_string()))?;
        match change.state(object) {
            ChangeState::After => return Ok(None),
            ChangeState::Before => {}
            ChangeState::Neither => {
                let detail = change.difference(object);
                return Err(Box::new(BlockerKind::ValuesChanged { detail }));
            }
        }
        if let Some(reason) = second_primary(&edit, object) {
            return Err(refused(reason));
        }
        match refused_upn(object, &fix.changes).or_else(|| self.collision(fix, user)) {
            Some(problem) => Err(Box::new(problem)),
            None => Ok(Some(edit)),
        }
    }

    /// Returns the reason why the object cannot get a value that only one may have. The other object counts even if the same
    /// plan takes the value from it: people decide on the order of the two changes.
    fn collision(&self, fix: &ChosenFix, user: &UserRef) -> Option<BlockerKind> {
        // What the object has already, in another spelling or another attribute of the fix, is no new collision.
        let own: HashSet<String> =
            unique_values(&fix.changes, |change| &change.remove).map(|(_, _, key)| key).collect();
        for (change, value, key) in unique_values(&fix.changes, |change| &change.add) {
            if own.contains(&key) {
                continue;
            }
            let (attribute, value) = (change.attribute.clone(), value.to_owned());
            let holders = self.holders.get(key.as_str()).into_iter().flatten();
            let holder = holders
                .filter(|other| other.holder.guid != user.guid)
                .filter(|other| other.excludes(&attribute))
                .min_by(|one, other| (&one.attribute, &one.holder).cmp(&(&other.attribute, &other.holder)));
            if let Some(ValueHolder { holder, attribute: held_in, .. }) = holder {
                let (holder, held_in) = (holder.clone(), held_in.clone());
                return Some(BlockerKind::ValueTaken { attribute, value, holder, held_in });
            }
            let rivals = self.wanted.get(&key).into_iter().flatten();
            if let Some(other) = rivals.copied().filter(|other| other.guid != user.guid).min() {
                return Some(BlockerKind::ValueWantedTwice { attribute, value, other: other.clone() });
            }
        }
        None
    }
}

/// Returns the reason to refuse an edit that gives an object one more primary address beside another one.
fn second_primary(edit: &ObjectEdit, object: &ForestObject) -> Option<String> {
    let change = edit.attributes.iter().find(|change| change.attribute == PROXIES)?;
    let is_primary = |value: &&AttributeValue| value.as_text().is_some_and(|text| text.starts_with("SMTP:"));
    let count = |values: &[AttributeValue]| values.iter().filter(is_primary).count();
    let before = count(object.values(&PROXIES));
    let after = (before + count(&change.add)).saturating_sub(count(&change.remove));
    (after > 1 && after > before)
        .then(|| format!("it would have {after} primary addresses (SMTP:) in proxyAddresses"))
}

/// Returns the values of changes that only one object of the forest may have, each with its key.
fn unique_values<'c>(
    changes: &'c [FixChange],
    values: impl Fn(&'c FixChange) -> &'c [String],
) -> impl Iterator<Item = (&'c FixChange, &'c str, String)> {
    let each = changes.iter().flat_map(move |change| values(change).iter().map(move |value| (change, value)));
    each.filter_map(|(change, value)| Some((change, value.as_str(), unique_key(&change.attribute, value)?)))
}

/// Returns the change of an attribute as a directory makes it, or the reason why it is refused.
fn attribute_edit(change: &FixChange) -> Result<AttributeEdit, String> {
    let FixChange { attribute, remove, add } = change;
    let kind = values_of(attribute)?;
    if kind == Values::One && (remove.len() > 1 || add.len() > 1) {
        return Err(format!("{attribute} has one value, and the fix names several"));
    }
    let values = |texts: &[String]| texts.iter().map(AttributeValue::text).collect();
    Ok(AttributeEdit {
        attribute: attribute.clone(),
        replaces_all_values: kind == Values::One,
        remove: values(remove),
        add: values(add),
    })
}

/// Returns the words for a group of changes of attributes.
pub(crate) fn title(count: u64) -> String {
    format!("change attributes of {}", objects(count))
}
