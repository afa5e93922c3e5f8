//! The forecast for objects of AD, against all objects of a tenant.

use std::collections::{HashMap, HashSet};

use onramp_core::{AttributeName, ObjectId, comparison_key};

use super::index::Index;
use super::rules::{self, Facts, Verdict};
use super::subject::{Subject, Value};
use super::{
    CloudObject, ConflictEffect, ConflictReason, Forecast, MatchKind, ObjectMapping, Outcome, TenantFlags,
    UnknownReason, ValueConflict, losses,
};
use crate::ObjectKind;
use crate::{DirectoryObject, attributes as a};

/// The forecast for objects of AD, against all objects of a tenant.
///
/// ```
/// use onramp_core::tenant::TenantUser;
/// use onramp_core::{ObjectId, Upn};
/// use onramp_readiness::forecast::{CloudObject, Forecaster, Outcome, TenantFlags, UnknownReason};
/// use onramp_readiness::{DirectoryObject, ObjectGuid, attributes};
///
/// let twin = TenantUser::new(ObjectId::from_u128(1), Upn::parse("anna@contoso.com")?);
/// let twin = CloudObject::from(&twin).with_roles(Some(Vec::new()));
/// let anna = DirectoryObject::new("CN=Anna,DC=corp,DC=local")
///     .with_guid(ObjectGuid::from_bytes([1; 16]))
///     .with_text(attributes::USER_PRINCIPAL_NAME, "anna@contoso.com");
///
/// // An application may not read the switches of the tenant.
/// let forecast = Forecaster::new([twin.clone()], TenantFlags::default()).forecast(&anna);
/// assert_eq!(forecast.outcome, Outcome::Unknown);
/// assert!(forecast.unknown.contains(&UnknownReason::BlockSoftMatch));
///
/// let mut flags = TenantFlags::default();
/// (flags.block_soft_match, flags.soft_match_on_upn) = (Some(false), Some(true));
/// let forecast = Forecaster::new([twin], flags).forecast(&anna);
/// assert_eq!(forecast.outcome, Outcome::Match);
/// # Ok::<(), onramp_core::ParseError>(())
/// ```
#[derive(Debug, Default)]
pub struct Forecaster {
    flags: TenantFlags,
    login: Option<AttributeName>,
    objects: Vec<CloudObject>,
    places: Index,
    by_sid: HashMap<String, usize>,
    kinds: Vec<ObjectKind>,
}

/// A cloud object that is updated, matched, or may be matched.
struct Joined {
    place: usize,
    by: Option<MatchKind>,
    value: Option<(AttributeName, String)>,
    unknown: Vec<UnknownReason>,
}

/// A cloud object that would be matched, and the reason against it.
struct Refusal {
    place: usize,
    reason: ConflictReason,
}

impl Forecaster {
    /// A forecaster for a tenant with these objects. Objects of AD of a kind that is not among them get no forecast, but
    /// users always do.
    pub fn new(objects: impl IntoIterator<Item = CloudObject>, flags: TenantFlags) -> Self {
        let mut objects: Vec<CloudObject> = objects.into_iter().collect();
        // Of two objects with one value, which a tenant does not have, that with the lowest ID is found.
        objects.sort_by_key(|object| std::cmp::Reverse(object.id));
        let mut made = Self { flags, kinds: vec![ObjectKind::User], ..Self::default() };
        for (place, object) in objects.iter().enumerate() {
            if let Some(anchor) = &object.anchor {
                made.places.add_anchor(anchor, place);
            }
            if let Some(upn) = &object.upn {
                made.places.add_upn(upn, place);
            }
            if let Some(sid) = &object.security_identifier {
                made.by_sid.insert(sid.to_string(), place);
            }
            made.places.add_addresses(&object.proxy_addresses, place);
            if !made.kinds.contains(&object.kind) {
                made.kinds.push(object.kind);
            }
        }
        for (place, object) in objects.iter().enumerate().rev() {
            if let Some(mail) = &object.mail {
                made.places.add_mail(mail, place);
            }
        }
        made.objects = objects;
        made
    }

    /// Sets the kinds of objects of which all were read, also if the tenant has none.
    #[must_use]
    pub fn with_kinds(mut self, kinds: impl IntoIterator<Item = ObjectKind>) -> Self {
        self.kinds.extend(kinds);
        self
    }

    /// Sets the attribute by which users sign in, of which synchronization makes the UPN.
    #[must_use]
    pub fn with_login_attribute(mut self, attribute: AttributeName) -> Self {
        self.login = Some(attribute);
        self
    }

    /// The attributes of AD that a forecast reads, for sources that have to be asked for each.
    pub fn attributes(&self) -> Vec<AttributeName> {
        let deciding = [
            a::OBJECT_CLASS,
            a::OBJECT_GUID,
            a::OBJECT_SID,
            a::CONSISTENCY_GUID,
            a::PROXY_ADDRESSES,
            a::MAIL,
            a::DISPLAY_NAME,
            self.login().clone(),
        ];
        deciding.into_iter().chain(losses::attributes()).collect()
    }

    fn login(&self) -> &AttributeName {
        const UPN: &AttributeName = &a::USER_PRINCIPAL_NAME;
        self.login.as_ref().unwrap_or(UPN)
    }

    /// Forecasts all objects, in their order: an object that matches the same cloud object as another one is unknown.
    pub fn forecast_all<'a>(&self, objects: impl IntoIterator<Item = &'a DirectoryObject>) -> Vec<Forecast> {
        let mut forecasts: Vec<Forecast> = objects.into_iter().map(|object| self.forecast(object)).collect();
        note_rivals(forecasts.iter_mut());
        forecasts
    }

    /// Forecasts one object, as if no other object of AD matched the same cloud object.
    pub fn forecast(&self, object: &DirectoryObject) -> Forecast {
        let subject = Subject::of(object, self.login());
        let mut refusals = Vec::new();
        let mut open = Vec::new();
        let joined = self.join(&subject, &mut refusals, &mut open);
        let conflicts = self.conflicts(&subject, joined.as_ref(), &refusals, &open);
        let outcome = match &joined {
            Some(Joined { by: None, .. }) => Outcome::Update,
            Some(joined) if joined.unknown.is_empty() => Outcome::Match,
            Some(_) => Outcome::Unknown,
            None if !conflicts.is_empty() => Outcome::Conflict,
            None if self.kinds.contains(&subject.kind) => Outcome::New,
            None => Outcome::NotForecast,
        };
        let cloud = joined.as_ref().and_then(|joined| self.objects.get(joined.place));
        let is_taken = matches!(outcome, Outcome::Match | Outcome::Unknown);
        let taken = cloud.filter(|_| is_taken);
        let (matched_by, matched_value, unknown) = match joined {
            Some(joined) => (joined.by, joined.value, joined.unknown),
            None => (None, None, Vec::new()),
        };
        Forecast {
            object: object.key(),
            class: object.class().map(str::to_owned),
            kind: subject.kind,
            outcome,
            matched_by,
            matched_value,
            cloud: cloud.cloned().map(Box::new),
            unknown,
            conflicts,
            loses: taken.map(|cloud| losses::of(object, cloud, self.login())).unwrap_or_default(),
            loses_password: match taken {
                Some(cloud) if cloud.kind == ObjectKind::User => self.flags.password_hash_sync,
                _ => Some(false),
            },
        }
    }

    /// Finds the cloud object that is updated or matched. `open` gets those that would be matched if what is not known
    /// stood against the first one.
    fn join(
        &self,
        subject: &Subject<'_>,
        refusals: &mut Vec<Refusal>,
        open: &mut Vec<usize>,
    ) -> Option<Joined> {
        let by_anchor = subject.anchor.as_ref().and_then(|(anchor, _)| self.places.with_anchor(anchor));
        let by_sid = subject.sid.as_ref().and_then(|sid| self.by_sid.get(&sid.to_string()).copied());
        let is_synchronized =
            |place: &usize| self.objects.get(*place).is_some_and(|cloud| cloud.is_synchronized);
        // An anchor of another attribute than those two is not known here; the SID is.
        let itself = by_anchor.filter(is_synchronized).or_else(|| by_sid.filter(is_synchronized));
        if let Some(place) = itself {
            return Some(Joined { place, by: None, value: None, unknown: Vec::new() });
        }
        if let Some(place) = by_anchor {
            let (by, value) = (Some(MatchKind::SourceAnchor), subject.anchor.clone());
            let value = value.map(|(anchor, attribute)| (attribute, anchor.as_str().to_owned()));
            let verdict = rules::hard_match(&self.facts(subject, place)?, &self.flags);
            return match verdict {
                Verdict::Match => Some(Joined { place, by, value, unknown: Vec::new() }),
                Verdict::Unknown(unknown) => Some(Joined { place, by, value, unknown }),
                Verdict::Refused(reason) => {
                    refusals.push(Refusal { place, reason });
                    None
                }
                Verdict::NoMatch => None,
            };
        }
        let mut joined: Option<Joined> = None;
        let smtp = subject.primary.as_ref().map(|value| (MatchKind::PrimarySmtp, value));
        let upn = subject.upn.as_ref().map(|value| (MatchKind::Upn, value));
        for (kind, value) in smtp.into_iter().chain(upn) {
            let found = match kind {
                MatchKind::Upn => self.places.with_upn(value.text),
                _ => self.places.with_primary_smtp(value.text),
            };
            let Some(place) = found else { continue };
            let facts = self.facts(subject, place)?;
            let verdict = match kind {
                MatchKind::Upn => rules::soft_match_on_upn(&facts, &self.flags),
                _ => rules::soft_match(&facts, &self.flags),
            };
            let unknown = match verdict {
                Verdict::Refused(reason) => {
                    refusals.push(Refusal { place, reason });
                    continue;
                }
                Verdict::NoMatch => continue,
                Verdict::Match => Vec::new(),
                Verdict::Unknown(unknown) => unknown,
            };
            match &joined {
                None => {
                    let value = Some((value.attribute.clone(), value.whole.to_owned()));
                    joined = Some(Joined { place, by: Some(kind), value, unknown });
                }
                Some(first) if first.place != place && !first.unknown.is_empty() => open.push(place),
                Some(_) => {}
            }
        }
        joined
    }

    fn facts(&self, subject: &Subject<'_>, place: usize) -> Option<Facts> {
        let cloud = self.objects.get(place)?;
        let has_other_anchor =
            match (&cloud.anchor, &subject.anchor, &cloud.security_identifier, &subject.sid) {
                (Some(_), Some(_), ..) => Some(true),
                (Some(_), None, ..) => None,
                (None, ..) if !cloud.is_synchronized => Some(false),
                (None, _, Some(one), Some(other)) if one != other => Some(true),
                // Graph tells the anchors of users.
                (None, Some(_), ..) if cloud.kind == ObjectKind::User => Some(true),
                (None, ..) => None,
            };
        let has_role = match cloud.kind {
            ObjectKind::User => cloud.roles.as_ref().map(|roles| !roles.is_empty()),
            _ => Some(false),
        };
        let is_mapped_to_another = match &cloud.mapping {
            ObjectMapping::Unknown => None,
            ObjectMapping::None => Some(false),
            ObjectMapping::To(text) => subject.guid.map(|guid| {
                let anchor = onramp_core::ImmutableId::from_guid(&guid);
                !text.trim().eq_ignore_ascii_case(&guid.to_string()) && text.trim() != anchor.as_str()
            }),
        };
        Some(Facts {
            is_same_kind: cloud.kind == subject.kind,
            has_other_anchor,
            has_role,
            is_mapped_to_another,
        })
    }

    /// The values that cloud objects have with which the object is not matched.
    fn conflicts(
        &self,
        subject: &Subject<'_>,
        joined: Option<&Joined>,
        refusals: &[Refusal],
        open: &[usize],
    ) -> Vec<ValueConflict> {
        let mut conflicts: Vec<ValueConflict> = Vec::new();
        let is_hard = |place: usize| {
            let anchor = subject.anchor.as_ref();
            anchor.is_some_and(|(anchor, _)| self.places.with_anchor(anchor) == Some(place))
        };
        if let Some(refusal) = refusals.iter().find(|refusal| is_hard(refusal.place))
            && let Some((anchor, attribute)) = &subject.anchor
            && let Some(cloud) = self.objects.get(refusal.place)
        {
            let error = match refusal.reason {
                ConflictReason::ObjectTypeMismatch => "ObjectTypeMismatch",
                _ => "InvalidHardMatch",
            };
            conflicts.push(ValueConflict {
                attribute: attribute.clone(),
                value: anchor.as_str().to_owned(),
                value_index: None,
                cloud: Box::new(cloud.clone()),
                reason: refusal.reason,
                effect: ConflictEffect::Rejected { error: error.to_owned() },
            });
        }
        let mut told = HashSet::new();
        let values = subject.upn.iter().map(|value| (true, value));
        for (is_upn, value) in values.chain(subject.addresses.iter().map(|value| (false, value))) {
            let with_upn = self.places.with_upn(value.text);
            let with_address = self.places.with_address(value.text);
            let holders = if is_upn { [with_upn, with_address] } else { [with_address, with_upn] };
            for place in holders.into_iter().flatten() {
                let is_own = joined.is_some_and(|joined| joined.place == place) || open.contains(&place);
                // `mail` is one of the proxy addresses, as a rule.
                if is_own || is_hard(place) || !told.insert((place, is_upn, comparison_key(value.text))) {
                    continue;
                }
                let Some(cloud) = self.objects.get(place) else { continue };
                let refused = refusals.iter().find(|refusal| refusal.place == place);
                let is_primary =
                    cloud.kind != subject.kind && self.places.with_primary_smtp(value.text) == Some(place);
                let reason = match refused {
                    Some(refusal) => refusal.reason,
                    None if is_primary => ConflictReason::ObjectTypeMismatch,
                    None if is_upn && with_upn == Some(place) => ConflictReason::UpnConflict,
                    None => ConflictReason::AddressConflict,
                };
                conflicts.push(ValueConflict {
                    attribute: value.attribute.clone(),
                    value: value.whole.to_owned(),
                    value_index: Some(value.index),
                    cloud: Box::new(cloud.clone()),
                    reason,
                    effect: self.effect(reason, is_upn, value),
                });
            }
        }
        conflicts
    }

    fn effect(&self, reason: ConflictReason, is_upn: bool, value: &Value<'_>) -> ConflictEffect {
        let rejected = |error: &str| ConflictEffect::Rejected { error: error.to_owned() };
        let quarantine = match is_upn {
            true => self.flags.quarantine_on_upn_conflict,
            false => self.flags.quarantine_on_proxy_conflict,
        };
        match reason {
            ConflictReason::ObjectTypeMismatch => rejected("ObjectTypeMismatch"),
            ConflictReason::OtherAnchor if quarantine == Some(false) => rejected("InvalidSoftMatch"),
            _ if quarantine == Some(false) => rejected("AttributeValueMustBeUnique"),
            _ if is_upn => {
                let prefix = value.text.split('@').next().unwrap_or_default();
                let domain = self.flags.initial_domain.as_ref();
                let domain = domain.map_or("….onmicrosoft.com", onramp_core::DomainName::ascii);
                ConflictEffect::UpnReplaced { pattern: format!("{prefix}####@{domain}") }
            }
            _ => ConflictEffect::Quarantined,
        }
    }
}

/// Makes the outcome unknown of all objects that match one cloud object: the first that is synchronized is matched.
pub(crate) fn note_rivals<'a>(forecasts: impl Iterator<Item = &'a mut Forecast>) {
    let forecasts: Vec<&mut Forecast> = forecasts.collect();
    let mut matches: HashMap<ObjectId, usize> = HashMap::new();
    let cloud_of = |forecast: &Forecast| {
        let is_taken = matches!(forecast.outcome, Outcome::Match | Outcome::Unknown);
        forecast.cloud.as_ref().filter(|_| is_taken).map(|cloud| cloud.id)
    };
    for id in forecasts.iter().filter_map(|forecast| cloud_of(forecast)) {
        *matches.entry(id).or_default() += 1;
    }
    for forecast in forecasts {
        if cloud_of(forecast).is_some_and(|id| matches.get(&id).is_some_and(|count| *count > 1)) {
            forecast.outcome = Outcome::Unknown;
            forecast.unknown.push(UnknownReason::Order);
        }
    }
}
