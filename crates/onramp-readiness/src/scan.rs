//! The judgment of many objects: each by itself, in parallel, and all together.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use onramp_core::{AttributeName, Upn};
use serde::{Deserialize, Serialize};

use crate::duplicates::{Duplicates, Group, Held, Hold, Namespace, Prepared, key_of_value};
use crate::forecast::{CLOUD_RULES, Forecast, Forecaster, MatchKind, Outcome, note_rivals};
use crate::{
    Confidence, DirectoryObject, Exclusion, Finding, Fix, ObjectKey, ReadinessRules, RuleId, RuleInfo,
    attributes,
};

/// The number of objects that one thread judges at a time.
const CHUNK: usize = 512;
/// The number of holders that a finding names; each has a finding of its own.
const MAX_HOLDERS: usize = 100;
/// The highest number that is tried at the end of a name that is taken.
const MAX_NUMBER: u32 = 99;

/// The result of a scan.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ScanResult {
    /// The findings, in the order of distinguished names, attributes and values; the order of the input does not count.
    pub findings: Vec<Finding>,
    /// The objects that were not judged, with the reason, in the order of distinguished names.
    pub excluded: Vec<(ObjectKey, Exclusion)>,
    /// The number of objects read, those that were not judged included.
    pub objects: usize,
    /// The rules that applied.
    pub catalog: Vec<RuleInfo>,
    /// The numbers of objects by the result of synchronization, if there is a forecast.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forecast: Vec<(String, u64)>,
}

/// A scan of a directory: takes objects, and gives findings at the end.
///
/// ```
/// use std::sync::Arc;
/// use onramp_readiness::{DirectoryObject, EntraRules, Profile, Scan, attributes};
/// let mut scan = Scan::new(Arc::new(EntraRules::new(&Profile::entra())?));
/// for name in ["Anna", "Ann"] {
///     scan.add(
///         DirectoryObject::new(format!("CN={name},DC=corp,DC=local"))
///             .with_text(attributes::OBJECT_CLASS, "user")
///             .with_text(attributes::USER_PRINCIPAL_NAME, "anna@contoso.com"),
///     );
/// }
/// let result = scan.finish();
/// assert_eq!(result.findings.len(), 2);
/// assert!(result.findings.iter().all(|finding| finding.rule.as_str() == "duplicate-upn"));
/// # Ok::<(), onramp_readiness::ProfileError>(())
/// ```
#[derive(Debug)]
pub struct Scan {
    rules: Arc<dyn ReadinessRules>,
    login: AttributeName,
    threads: usize,
    waiting: Vec<DirectoryObject>,
    findings: Vec<Finding>,
    excluded: Vec<(ObjectKey, Exclusion)>,
    duplicates: Duplicates,
    catalog: Vec<RuleInfo>,
    forecaster: Option<Forecaster>,
    /// Each with the rules that do not apply to the object.
    forecasts: Vec<(Forecast, Vec<RuleId>)>,
    /// The numbers of objects of which nothing else is to be told.
    plain: BTreeMap<Rank, u64>,
}

/// The place of a result among others, and its name.
type Rank = (Outcome, Option<MatchKind>, &'static str);

/// The judgment of one object.
struct Judged<'a> {
    findings: Vec<Finding>,
    exclusion: Option<(ObjectKey, Exclusion)>,
    prepared: Prepared<'a>,
    forecast: Option<Forecast>,
    out_of_scope: Vec<RuleId>,
}

impl Scan {
    /// Begins a scan, which judges on as many threads as the machine has cores.
    pub fn new(rules: Arc<dyn ReadinessRules>) -> Self {
        let login = attributes::USER_PRINCIPAL_NAME;
        Self {
            catalog: rules.catalog(),
            rules,
            threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            waiting: Vec::new(),
            findings: Vec::new(),
            excluded: Vec::new(),
            duplicates: Duplicates::new(login.clone()),
            login,
            forecaster: None,
            forecasts: Vec::new(),
            plain: BTreeMap::new(),
        }
    }

    /// Sets the forecast of matches and conflicts with a tenant's objects. Findings about them need the rules of the tag
    /// `match` in the catalog.
    #[must_use]
    pub fn with_forecaster(mut self, forecaster: Forecaster) -> Self {
        self.forecaster = Some(forecaster);
        self
    }

    /// Sets the attribute by which users sign in, whose values must be unique instead of those of `userPrincipalName`.
    #[must_use]
    pub fn with_login_attribute(mut self, attribute: AttributeName) -> Self {
        self.duplicates = Duplicates::new(attribute.clone());
        self.login = attribute;
        self
    }

    /// The attribute by which users sign in.
    pub fn login_attribute(&self) -> &AttributeName {
        &self.login
    }

    /// Sets the number of threads, at least one.
    #[must_use]
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.threads = threads.max(1);
        self
    }

    /// The attributes that the rules read, for sources that have to be asked for each.
    pub fn attributes(&self) -> Vec<AttributeName> {
        let mut attributes = self.rules.attributes();
        for attribute in self.forecaster.iter().flat_map(Forecaster::attributes) {
            if !attributes.contains(&attribute) {
                attributes.push(attribute);
            }
        }
        attributes
    }

    /// The rules, those about a tenant's objects included, which apply only with a forecast.
    pub fn catalog(&self) -> &[RuleInfo] {
        &self.catalog
    }

    /// Adds an object. Objects are judged in chunks, so that not every call costs the same.
    pub fn add(&mut self, object: DirectoryObject) {
        if self.threads == 1 {
            let one = judge(self.rules.as_ref(), &self.login, self.forecaster.as_ref(), &object);
            self.take(one);
            return;
        }
        self.waiting.push(object);
        if self.waiting.len() >= CHUNK * self.threads {
            self.judge();
        }
    }

    fn judge(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        let size = waiting.len().div_ceil(self.threads).max(1);
        let (rules, login, forecaster) = (self.rules.as_ref(), &self.login, self.forecaster.as_ref());
        let judged: Vec<Vec<Judged<'_>>> = if self.threads == 1 || waiting.len() < 2 * self.threads {
            vec![waiting.iter().map(|object| judge(rules, login, forecaster, object)).collect()]
        } else {
            std::thread::scope(|scope| {
                let handles: Vec<_> = waiting
                    .chunks(size)
                    .map(|chunk| {
                        scope.spawn(move || {
                            chunk
                                .iter()
                                .map(|object| judge(rules, login, forecaster, object))
                                .collect::<Vec<_>>()
                        })
                    })
                    .collect();
                handles
                    .into_iter()
                    .map(|handle| handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                    .collect()
            })
        };
        judged.into_iter().flatten().for_each(|one| self.take(one));
    }

    fn take(&mut self, one: Judged<'_>) {
        self.duplicates.push(&one.prepared);
        if let Some((object, reason)) = &one.exclusion {
            let finding = exclusion_finding(&self.catalog, object, reason);
            self.findings.extend(finding.filter(|finding| !one.out_of_scope.contains(&finding.rule)));
        }
        self.findings.extend(one.findings);
        self.excluded.extend(one.exclusion);
        match one.forecast {
            Some(forecast) if forecast.is_plain() => *self.plain.entry(forecast.rank()).or_default() += 1,
            Some(forecast) => self.forecasts.push((forecast, one.out_of_scope)),
            None => {}
        }
    }

    /// Ends the scan: looks for values that several objects hold, and for suggestions that somebody holds already.
    pub fn finish(mut self) -> ScanResult {
        self.judge();
        let mut catalog = std::mem::take(&mut self.catalog);
        if self.forecaster.is_none() {
            // A report must not show them as kept.
            catalog.retain(|rule| !CLOUD_RULES.contains(&rule.id.as_str()));
        }
        let mut findings = std::mem::take(&mut self.findings);
        let by_id: HashMap<&str, &RuleInfo> = catalog.iter().map(|rule| (rule.id.as_str(), rule)).collect();
        for group in self.duplicates.groups() {
            findings.extend(duplicate_findings(group, &by_id));
        }
        note_rivals(self.forecasts.iter_mut().map(|(forecast, _)| forecast));
        for (forecast, out_of_scope) in std::mem::take(&mut self.forecasts) {
            let mut of_forecast = forecast.findings(&catalog);
            of_forecast.retain(|finding| !out_of_scope.contains(&finding.rule));
            findings.extend(of_forecast);
            *self.plain.entry(forecast.rank()).or_default() += 1;
        }
        let forecast = self.plain.iter().map(|((.., name), count)| ((*name).to_owned(), *count)).collect();
        findings.sort_by(|one, other| place(one).cmp(&place(other)));
        self.keep_unique(&mut findings);
        self.excluded.sort();
        ScanResult { findings, excluded: self.excluded, objects: self.duplicates.len(), catalog, forecast }
    }

    /// Takes away suggestions of values that another object holds, or that were suggested to another already.
    fn keep_unique(&mut self, findings: &mut [Finding]) {
        let mut claimed: HashMap<(Namespace, String), ObjectKey> = HashMap::new();
        for finding in findings {
            if finding.rule.as_str().starts_with("duplicate-") {
                self.suggest_number(finding, &mut claimed);
                continue;
            }
            let had_some = !finding.fixes.is_empty();
            let mut fixes = std::mem::take(&mut finding.fixes);
            fixes.retain(|fix| self.is_free(fix, &finding.object, &claimed));
            if let Some(best) = fixes.first() {
                for key in self.keys(best) {
                    claimed.entry(key).or_insert_with(|| finding.object.clone());
                }
            }
            if had_some && fixes.is_empty() {
                finding.no_fix =
                    Some("every value that would be right is held by another object already".into());
            }
            finding.fixes = fixes;
        }
    }

    fn keys(&self, fix: &Fix) -> Vec<(Namespace, String)> {
        fix.changes
            .iter()
            .flat_map(|change| change.add.iter().map(move |value| (&change.attribute, value)))
            .filter_map(|(attribute, value)| key_of_value(&self.login, attribute, value))
            .collect()
    }

    fn is_free(
        &mut self,
        fix: &Fix,
        object: &ObjectKey,
        claimed: &HashMap<(Namespace, String), ObjectKey>,
    ) -> bool {
        self.keys(fix).into_iter().all(|(namespace, key)| {
            // A nickname or account name of another object is a finding of its own, by its own rules.
            let is_claimed = claimed.get(&(namespace, key.clone())).is_some_and(|other| other != object);
            !is_claimed && !self.duplicates.is_held_by_another(namespace, &key, object)
        })
    }

    /// Suggests the next free number to an object that does not keep its UPN or nickname.
    fn suggest_number(
        &mut self,
        finding: &mut Finding,
        claimed: &mut HashMap<(Namespace, String), ObjectKey>,
    ) {
        let keeps = finding.holders.iter().any(|holder| holder.keeps && holder.object == finding.object);
        if keeps {
            finding.no_fix = Some("the object is recommended to keep the value".into());
            return;
        }
        if !finding.fixes.is_empty() {
            return;
        }
        let is_name = finding.attribute == self.login || finding.attribute == attributes::MAIL_NICKNAME;
        let Some(value) = finding.value.clone().filter(|_| is_name) else {
            finding.no_fix = Some("who keeps the value is for a person to decide".into());
            return;
        };
        let (prefix, suffix) = match value.split_once('@') {
            Some((prefix, suffix)) => (prefix.to_owned(), format!("@{suffix}")),
            None => (value.clone(), String::new()),
        };
        for number in 2..=MAX_NUMBER {
            let new = format!("{prefix}{number}{suffix}");
            let is_valid = suffix.is_empty() && new.chars().count() <= 64
                || Upn::parse(&new).is_ok_and(|upn| upn.entra_violations().is_empty());
            if !is_valid {
                break;
            }
            let fix = Fix::replace(finding.attribute.clone(), Some(&value), Some(new))
                .with_loss("the name that people know")
                .with_confidence(Confidence::Low);
            if self.is_free(&fix, &finding.object, claimed) {
                for key in self.keys(&fix) {
                    claimed.insert(key, finding.object.clone());
                }
                finding.fixes.push(fix);
                return;
            }
        }
        finding.no_fix = Some("who keeps the value is for a person to decide".into());
    }
}

fn judge<'a>(
    rules: &dyn ReadinessRules,
    login: &AttributeName,
    forecaster: Option<&Forecaster>,
    object: &'a DirectoryObject,
) -> Judged<'a> {
    let exclusion = rules.exclusion(object);
    let out_of_scope = rules.out_of_scope(object);
    let prepared = Prepared::of(object, login, exclusion.is_some(), &out_of_scope);
    let findings = if exclusion.is_none() {
        let mut findings = rules.check(object);
        rules.suggest(object, &mut findings);
        findings
    } else {
        Vec::new()
    };
    let forecast = forecaster.filter(|_| exclusion.is_none()).map(|forecaster| forecaster.forecast(object));
    let exclusion = exclusion.map(|reason| (object.key(), reason));
    Judged { findings, exclusion, prepared, forecast, out_of_scope }
}

/// The finding about an object that is left out for a reason that is a rule, too.
fn exclusion_finding(catalog: &[RuleInfo], object: &ObjectKey, reason: &Exclusion) -> Option<Finding> {
    let rule = catalog.iter().find(|rule| rule.id.as_str() == reason.id)?;
    let attribute = attributes::DISTINGUISHED_NAME;
    let mut finding = Finding::new(
        object.clone(),
        rule.id.clone(),
        rule.severity,
        attribute,
        format!("the object is {}", reason.reason),
    )
    .with_value(object.dn.clone(), 0);
    finding.tags.clone_from(&rule.tags);
    finding.rule_source = Some(rule.source.clone());
    finding.no_fix = Some("an object is renamed or deleted by a person".into());
    Some(finding)
}

type Place<'a> = (&'a ObjectKey, &'a AttributeName, Option<usize>, &'a str, Option<&'a str>);

fn place(finding: &Finding) -> Place<'_> {
    (
        &finding.object,
        &finding.attribute,
        finding.value_index,
        finding.rule.as_str(),
        finding.value.as_deref(),
    )
}

/// The findings about a value that several objects hold: at most one about UPNs and one about addresses for each object.
fn duplicate_findings(mut group: Group, rules: &HashMap<&str, &RuleInfo>) -> Vec<Finding> {
    recommend(&mut group.holders);
    let rule = |id: &str| rules.get(id).copied();
    let mut findings = Vec::new();
    match group.namespace {
        Namespace::Address => {
            let upns: Vec<&Held> = group.holders.iter().filter(|held| held.hold == Hold::Upn).collect();
            if objects(&upns) > 1
                && let Some(rule) = rule("duplicate-upn")
            {
                findings.extend(upns.iter().filter_map(|held| finding(rule, held, &upns, "UPN")));
            }
            let all: Vec<&Held> = group.holders.iter().collect();
            let others = all.iter().filter(|held| held.hold != Hold::Upn).count();
            if others == 0 {
                return findings;
            }
            let is_target = all.iter().all(|held| held.hold.is_target());
            let id = if is_target { "duplicate-target-address" } else { "duplicate-address" };
            if let Some(rule) = rule(id) {
                findings.extend(
                    one_of_each(&all).into_iter().filter_map(|held| finding(rule, held, &all, "address")),
                );
            }
        }
        Namespace::OtherAddress => {
            if let Some(rule) = rule("duplicate-address") {
                let all: Vec<&Held> = group.holders.iter().collect();
                findings.extend(
                    one_of_each(&all).into_iter().filter_map(|held| finding(rule, held, &all, "address")),
                );
            }
        }
        Namespace::Nickname => {
            if let Some(rule) = rule("duplicate-mail-nickname") {
                let all: Vec<&Held> = group.holders.iter().collect();
                findings.extend(all.iter().filter_map(|held| finding(rule, held, &all, "mail nickname")));
            }
        }
        Namespace::Sam => {
            if let Some(rule) = rule("duplicate-sam-account-name") {
                findings.extend(sam_findings(rule, &group.holders));
            }
        }
        Namespace::Anchor => {
            if let Some(rule) = rule("duplicate-source-anchor") {
                let all: Vec<&Held> = group.holders.iter().collect();
                findings.extend(all.iter().filter_map(|held| finding(rule, held, &all, "source anchor")));
            }
        }
    }
    findings
}

/// The number of different objects.
fn objects(holders: &[&Held]) -> usize {
    let mut numbers: Vec<u32> = holders.iter().map(|held| held.object).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers.len()
}

/// The holding of each object that a finding is about: that in `proxyAddresses` before others.
fn one_of_each<'a>(holders: &[&'a Held]) -> Vec<&'a Held> {
    let mut chosen: Vec<&'a Held> = Vec::new();
    for held in holders {
        let rank = |held: &Held| (held.hold == Hold::Upn, held.hold, held.index);
        match chosen.iter_mut().find(|other| other.object == held.object) {
            Some(other) if rank(held) < rank(other) => *other = held,
            Some(_) => {}
            None => chosen.push(held),
        }
    }
    chosen
}

/// An account name twice in one domain, or anywhere if a user without a UPN has it: Entra makes the UPN of it.
fn sam_findings(rule: &RuleInfo, holders: &[Held]) -> Vec<Finding> {
    let users: Vec<&Held> = holders.iter().filter(|held| held.facts.is_user()).collect();
    let lacks_upn = users.iter().any(|held| !held.facts.has_upn());
    if lacks_upn && objects(&users) > 1 {
        return users.iter().filter_map(|held| finding(rule, held, &users, "sAMAccountName")).collect();
    }
    let mut by_domain: HashMap<&str, Vec<&Held>> = HashMap::new();
    for held in holders {
        by_domain.entry(&held.domain).or_default().push(held);
    }
    let several = by_domain.into_values().filter(|holders| objects(holders) > 1);
    several
        .flat_map(|holders| {
            holders
                .iter()
                .filter_map(|held| finding(rule, held, &holders, "sAMAccountName"))
                .collect::<Vec<_>>()
        })
        .collect()
}

/// The finding about one holder of a value; `None` if the rule does not apply to the object.
fn finding(rule: &RuleInfo, held: &Held, all: &[&Held], what: &str) -> Option<Finding> {
    if !held.facts.is_judged_by(&rule.id) {
        return None;
    }
    let count = objects(all);
    let explanation = format!("{count} objects have the same {what}");
    let mut finding = Finding::new(
        held.holder.object.clone(),
        rule.id.clone(),
        rule.severity,
        held.holder.attribute.clone(),
        explanation,
    )
    .with_value(held.holder.value.clone(), held.index);
    finding.class.clone_from(&held.class);
    finding.tags.clone_from(&rule.tags);
    finding.rule_source = Some(rule.source.clone());
    finding.holders = all.iter().take(MAX_HOLDERS).map(|held| held.holder.clone()).collect();
    let keeper = all.iter().find(|held| held.holder.keeps).map(|held| &held.holder);
    let keeps = keeper.is_some_and(|keeper| keeper.object == held.holder.object);
    if held.hold == Hold::Secondary && !keeps {
        let to = keeper.map(|keeper| format!("; it reaches {}", keeper.object)).unwrap_or_default();
        let fix = Fix::replace(held.holder.attribute.clone(), Some(&held.holder.value), None)
            .with_loss(format!("mail to the address no longer reaches this object{to}"));
        finding.fixes.push(fix);
    }
    Some(finding)
}

/// Recommends one object to keep the value, with reasons.
fn recommend(holders: &mut [Held]) {
    let score = |held: &Held| {
        let facts = held.facts;
        (
            !facts.is_excluded(),
            facts.has_mailbox(),
            facts.is_enabled(),
            matches!(held.hold, Hold::Upn | Hold::Primary),
            facts.is_user(),
            facts.created().map(std::cmp::Reverse),
        )
    };
    // The first of equals, in the order of distinguished names.
    let mut best: Option<&Held> = None;
    for held in holders.iter() {
        if best.is_none_or(|best| score(held) > score(best)) {
            best = Some(held);
        }
    }
    let Some(best) = best.map(|held| held.object) else { return };
    for held in holders {
        let facts = held.facts;
        held.holder.keeps = held.object == best;
        let mut reasons = Vec::new();
        let mut note = |is_true: bool, reason: &str| {
            if is_true {
                reasons.push(reason.to_owned());
            }
        };
        note(facts.is_excluded(), "synchronization leaves the object out");
        note(facts.has_mailbox(), "it has a mailbox");
        note(facts.is_user() && facts.is_enabled(), "the account is enabled");
        note(facts.is_user() && !facts.is_enabled(), "the account is disabled");
        note(held.hold == Hold::Upn, "the value is its UPN");
        note(held.hold == Hold::Primary, "the value is its primary address");
        note(held.hold == Hold::Secondary, "the value is a secondary address");
        if let Some(day) = facts.created() {
            reasons.push(format!("created {}-{:02}-{:02}", day / 10_000, day / 100 % 100, day % 100));
        }
        held.holder.reasons = reasons;
    }
}
