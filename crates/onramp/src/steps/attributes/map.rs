//! Maps of attributes: resolved to fixes with the values that objects have now.

use onramp_core::forest::{AttributeValue, ForestObject, ObjectRef};
use onramp_core::{AttributeName, Error, ErrorKind, Result, Upn};
use onramp_readiness::FixChange;
use onramp_readiness::attributes::USER_PRINCIPAL_NAME as UPN;
use onramp_readiness::source::attribute_map::{
    AttributeMap, MapKind, MappedChange, MappedName, MappedObject,
};

use super::attribute_kinds::{Values, values_of};
use super::survey::{read, survey};
use super::{ChosenFix, FixSurvey, SeenObject};
use crate::onramp::Onramp;
use crate::spec::Spec;

/// The maximum number of problems that one error names.
const NAMED: usize = 5;

/// A part of a map that is refused before anything is read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MapProblem {
    /// The line of the file.
    pub line: u64,
    /// The object, as the map names it.
    pub object: String,
    /// The reason.
    pub reason: String,
}

impl std::fmt::Display for MapProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (object, reason) = (onramp_core::visible(&self.object), onramp_core::visible(&self.reason));
        write!(f, "line {}: {reason} (record of \u{201c}{object}\u{201d})", self.line)
    }
}

/// Returns the parts of a map that are not made in any case: attributes that no map may change, and values that an attribute
/// cannot have.
///
/// ```
/// use onramp::fixes::map_problems;
/// use onramp::readiness::source::attribute_map::{AttributeMap, MapFormat};
///
/// let text = "object,+member\nanna@contoso.com,\"CN=Domain Admins,CN=Users,DC=corp,DC=local\"\n";
/// let map = AttributeMap::read(text.as_bytes(), MapFormat::Csv).map_err(|mut errors| errors.remove(0))?;
/// let [problem] = map_problems(&map).try_into().unwrap();
/// assert_eq!(problem.line, 2);
/// # Ok::<(), onramp::readiness::source::SourceError>(())
/// ```
pub fn map_problems(map: &AttributeMap) -> Vec<MapProblem> {
    let mut problems = Vec::new();
    for object in map.objects() {
        for change in &object.changes {
            if let Err(reason) = check(change) {
                problems.push(MapProblem { line: change.line, object: object.name.to_string(), reason });
            }
        }
    }
    problems
}

fn check(change: &MappedChange) -> std::result::Result<(), String> {
    let MappedChange { attribute, kind, values, .. } = change;
    if values_of(attribute)? == Values::One {
        if values.len() > 1 {
            return Err(format!("{attribute} has one value, and the map names several"));
        }
        if *kind == MapKind::Add {
            return Err(format!("{attribute} has one value: set it instead of adding one"));
        }
    }
    if *attribute == UPN && *kind == MapKind::Set {
        for value in values {
            let upn = Upn::parse(value).map_err(|error| error.to_string())?;
            let broken: Vec<String> = upn.entra_violations().iter().map(ToString::to_string).collect();
            if !broken.is_empty() {
                return Err(format!("Entra does not accept the UPN {upn}: {}", broken.join("; ")));
            }
        }
    }
    Ok(())
}

/// Reads the objects of a map, and makes of each entry a fix that replaces the values that the object has now.
pub(crate) async fn survey_map(onramp: &Onramp, spec: &Spec, map: &AttributeMap) -> Result<FixSurvey> {
    let problems = map_problems(map);
    if !problems.is_empty() {
        let named: Vec<String> = problems.iter().take(NAMED).map(ToString::to_string).collect();
        let more = match problems.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!("; and {more} more"),
        };
        return Err(Error::new(ErrorKind::Invalid, "use the map of attributes")
            .with_detail(format!("{}{more}", named.join("; ")))
            .with_hint("Nothing was changed."));
    }
    let wanted = map.objects().iter().map(|object| {
        let key = match &object.name {
            MappedName::Guid(guid) => ObjectRef::Guid(*guid),
            MappedName::Dn(dn) => ObjectRef::Dn(dn.clone()),
            MappedName::Upn(upn) => ObjectRef::Upn(upn.clone()),
            // A kind of name that this version does not know names nothing.
            _ => return (None, Vec::new()),
        };
        (Some(key), object.changes.iter().map(|change| change.attribute.clone()).collect())
    });
    let seen = read(onramp, wanted.collect()).await?;
    let fixes = map.objects().iter().zip(&seen).map(|(object, seen)| fix_of(object, seen));
    Ok(survey(onramp, spec, fixes.collect()).await?.with_source(map.digest()))
}

/// Returns the fix of an object, without a change if it is as the map wants it.
fn fix_of(mapped: &MappedObject, seen: &SeenObject) -> ChosenFix {
    let reason = format!("line {} of the map", mapped.line);
    let name = mapped.name.to_string();
    let SeenObject::Found { user, object } = seen else {
        return ChosenFix::new(name, Vec::new()).with_reason(reason);
    };
    let mut changes: Vec<FixChange> = Vec::new();
    for change in &mapped.changes {
        let FixChange { attribute, remove, add } = change_of(change, object);
        if remove.is_empty() && add.is_empty() {
            continue;
        }
        // What is added and what is removed of one attribute is one change.
        match changes.iter_mut().find(|other| other.attribute == attribute) {
            Some(other) => {
                other.remove.extend(remove);
                other.add.extend(add);
            }
            None => changes.push(FixChange { attribute, remove, add }),
        }
    }
    ChosenFix::new(user.dn.to_string(), changes).with_guid(user.guid).with_reason(reason)
}

fn change_of(change: &MappedChange, object: &ForestObject) -> FixChange {
    let MappedChange { attribute, kind, values, .. } = change;
    let present: Vec<String> =
        (object.values(attribute).iter()).filter_map(AttributeValue::as_text).map(str::to_owned).collect();
    let is_same = |one: &str, other: &str| one.to_lowercase() == other.to_lowercase();
    let missing = |is_exact: bool| -> Vec<String> {
        let has = |value: &&String| match is_exact {
            true => present.contains(*value),
            false => present.iter().any(|known| is_same(known, value)),
        };
        values.iter().filter(|value| !has(value)).cloned().collect()
    };
    let (remove, add) = match kind {
        MapKind::Set => {
            let gone = present.iter().filter(|value| !values.contains(*value)).cloned().collect();
            (gone, missing(true))
        }
        MapKind::Add => (Vec::new(), missing(false)),
        MapKind::Remove => {
            let goes = |known: &&String| values.iter().any(|value| is_same(value, known));
            (present.iter().filter(goes).cloned().collect(), Vec::new())
        }
        _ => (present, Vec::new()),
    };
    FixChange { attribute: AttributeName::clone(attribute), remove, add }
}
