//! SARIF 2.1.0 (OASIS), the part of it that findings in a directory need.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{self, BufWriter, Write};

use onramp_core::{ObjectGuid, visible};
use serde::{Serialize, Serializer};
use time::format_description::well_known::Rfc3339;

use super::counts::rules_of;
use super::place::{own_name, uri_of};
use super::{Fingerprint, Report, source_url};
use crate::RuleInfo;
use crate::{Finding, Fix, Holder, ObjectKey, Severity, Span};

/// Writes a log of SARIF 2.1.0 with one run, a result for each finding.
///
/// The object is a logical location, with its distinguished name as `fullyQualifiedName`; the file is a physical location, if
/// the source is one. `partialFingerprints` stay the same from scan to scan: see [`Fingerprint`]. The fixes stand in the
/// properties, since a fix of SARIF replaces a region of a file.
///
/// ```
/// use onramp_readiness::report::{Report, write_sarif};
/// let mut sarif = Vec::new();
/// write_sarif(&Report::new(&[], time::OffsetDateTime::UNIX_EPOCH), &mut sarif)?;
/// let log: serde_json::Value = serde_json::from_slice(&sarif)?;
/// assert_eq!(log["version"], "2.1.0");
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// An error of the writer.
pub fn write_sarif(report: &Report<'_>, out: impl Write) -> io::Result<()> {
    let rules = rules_of(report);
    let run = Run {
        tool: Tool {
            driver: Driver {
                name: "Onramp readiness",
                information_uri: env!("CARGO_PKG_REPOSITORY"),
                semantic_version: env!("CARGO_PKG_VERSION"),
                rules: rules.iter().map(|(id, rule)| Descriptor::of(id, *rule)).collect(),
            },
        },
        automation_details: AutomationDetails { id: format!("onramp-readiness/{}/", report.profile) },
        invocations: [Invocation { execution_successful: true, end_time_utc: end_time(report)? }],
        artifacts: report
            .sources
            .iter()
            .filter_map(|source| source.file.as_deref())
            .map(|file| Artifact { location: ArtifactLocation { uri: uri_of(file) } })
            .collect(),
        results: Results {
            report,
            indexes: rules.iter().zip(0..).map(|((id, _), index)| (*id, index)).collect(),
        },
        properties: RunProperties {
            profile: report.profile,
            sources: report.sources.iter().map(|source| source.name.as_str()).collect(),
            objects_checked: report.objects_checked,
            objects_excluded: report.excluded.len(),
        },
    };
    let log = Log {
        schema: "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        version: "2.1.0",
        runs: [run],
    };
    let mut out = BufWriter::new(out);
    serde_json::to_writer(&mut out, &log)?;
    out.write_all(b"\n")?;
    out.flush()
}

/// SARIF wants UTC, with milliseconds at most.
fn end_time(report: &Report<'_>) -> io::Result<String> {
    let at = report.scanned_at.to_offset(time::UtcOffset::UTC);
    at.replace_nanosecond(0).unwrap_or(at).format(&Rfc3339).map_err(io::Error::other)
}

#[derive(Serialize)]
struct Log<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'a> {
    tool: Tool<'a>,
    automation_details: AutomationDetails,
    invocations: [Invocation; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    artifacts: Vec<Artifact>,
    results: Results<'a>,
    properties: RunProperties<'a>,
}

#[derive(Serialize)]
struct AutomationDetails {
    id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invocation {
    execution_successful: bool,
    end_time_utc: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RunProperties<'a> {
    profile: &'a str,
    sources: Vec<&'a str>,
    objects_checked: u64,
    objects_excluded: usize,
}

#[derive(Serialize)]
struct Tool<'a> {
    driver: Driver<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver<'a> {
    name: &'static str,
    information_uri: &'static str,
    semantic_version: &'static str,
    rules: Vec<Descriptor<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    short_description: Option<Message<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    full_description: Option<Message<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<Message<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    help_uri: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_configuration: Option<Configuration>,
    properties: Tags<'a>,
}

#[derive(Serialize)]
struct Configuration {
    level: &'static str,
}

#[derive(Serialize)]
struct Tags<'a> {
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    tags: &'a [Cow<'static, str>],
}

#[derive(Serialize)]
struct Message<'a> {
    text: Cow<'a, str>,
}

#[derive(Serialize)]
struct Artifact {
    location: ArtifactLocation,
}

#[derive(Serialize)]
struct ArtifactLocation {
    uri: String,
}

impl<'a> Descriptor<'a> {
    fn of(id: &'a str, rule: Option<&'a RuleInfo>) -> Self {
        let Some(rule) = rule else {
            return Self {
                id,
                short_description: None,
                full_description: None,
                help: None,
                help_uri: None,
                default_configuration: None,
                properties: Tags { tags: &[] },
            };
        };
        let message = |text: Cow<'a, str>| (!text.is_empty()).then_some(Message { text });
        let help = match rule.source.as_ref() {
            "" => visible(&rule.title),
            source => Cow::Owned(format!("{}. Source: {}", visible(&rule.title), visible(source))),
        };
        Self {
            id,
            short_description: message(visible(&rule.title)),
            full_description: message(visible(&rule.title)),
            help: message(help),
            help_uri: source_url(rule),
            default_configuration: Some(Configuration { level: level(rule.severity) }),
            properties: Tags { tags: &rule.tags },
        }
    }
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

/// The results, each made when it is written.
struct Results<'a> {
    report: &'a Report<'a>,
    indexes: HashMap<&'a str, usize>,
}

impl Serialize for Results<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let results = self.report.findings.iter().map(|finding| {
            let index = self.indexes.get(finding.rule.as_str()).copied();
            SarifResult::of(self.report, finding, index)
        });
        serializer.collect_seq(results)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifResult<'a> {
    rule_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_index: Option<usize>,
    level: &'static str,
    message: Message<'a>,
    locations: [Location<'a>; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<Location<'a>>,
    partial_fingerprints: PartialFingerprints,
    properties: ResultProperties<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    physical_location: Option<PhysicalLocation>,
    logical_locations: [LogicalLocation<'a>; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Message<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: ArtifactLocation,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LogicalLocation<'a> {
    name: &'a str,
    fully_qualified_name: &'a str,
    kind: &'static str,
}

#[derive(Serialize)]
struct PartialFingerprints {
    #[serde(rename = "onrampFinding/v1")]
    finding: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResultProperties<'a> {
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    tags: &'a [Cow<'static, str>],
    #[serde(skip_serializing_if = "Option::is_none")]
    object_guid: Option<ObjectGuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<&'a str>,
    attribute: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value_index: Option<usize>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    spans: &'a [Span],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    fixes: &'a [Fix],
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_source: Option<&'a str>,
}

impl<'a> SarifResult<'a> {
    fn of(report: &Report<'a>, finding: &'a Finding, rule_index: Option<usize>) -> Self {
        Self {
            rule_id: finding.rule.as_str(),
            rule_index,
            level: level(finding.severity),
            message: Message { text: Cow::Owned(message_of(finding)) },
            locations: [location(report, &finding.object)],
            related_locations: finding
                .holders
                .iter()
                .zip(1..)
                .map(|(holder, id)| Location {
                    id: Some(id),
                    message: Some(Message { text: Cow::Owned(message_of_holder(holder)) }),
                    ..location(report, &holder.object)
                })
                .collect(),
            partial_fingerprints: PartialFingerprints { finding: Fingerprint::of(finding).to_string() },
            properties: ResultProperties {
                tags: &finding.tags,
                object_guid: finding.object.guid,
                class: finding.class.as_deref(),
                attribute: finding.attribute.as_str(),
                value: finding.value.as_deref(),
                value_index: finding.value_index,
                spans: &finding.spans,
                fixes: &finding.fixes,
                rule_source: finding.rule_source.as_deref(),
            },
        }
    }
}

fn location<'a>(report: &Report<'a>, object: &'a ObjectKey) -> Location<'a> {
    let file = report.source_of(object).and_then(|source| source.file.as_deref());
    Location {
        id: None,
        physical_location: file
            .map(|file| PhysicalLocation { artifact_location: ArtifactLocation { uri: uri_of(file) } }),
        logical_locations: [LogicalLocation {
            name: own_name(&object.dn),
            fully_qualified_name: &object.dn,
            kind: "object",
        }],
        message: None,
    }
}

fn message_of(finding: &Finding) -> String {
    let value = finding.value.as_deref().map(|value| format!(" '{value}'")).unwrap_or_default();
    message_text(&format!("{}{value} of {}: {}", finding.attribute, finding.object.dn, finding.explanation))
}

fn message_of_holder(holder: &Holder) -> String {
    let keeps = if holder.keeps { ", which is recommended to keep it" } else { "" };
    message_text(&format!("{} of {} is '{}'{keeps}", holder.attribute, holder.object.dn, holder.value))
}

/// Returns a text that a viewer shows as it is: the braces of placeholders are doubled (3.11.5), and no link begins (3.11.6).
fn message_text(text: &str) -> String {
    visible(text).replace('{', "{{").replace('}', "}}").replace('[', "\\[")
}
