//! SARIF.

use std::collections::BTreeSet;

use onramp_readiness::report::{Fingerprint, Report, ReportSource, write_sarif};
use onramp_readiness::{Finding, RuleId, Severity};
use serde_json::{Value, json};

use crate::data::{HOSTILE, MAIL, findings, key, key_with_guid, now, with_report, written_of};

fn sarif(report: &Report<'_>) -> Value {
    let mut out = Vec::new();
    write_sarif(report, &mut out).unwrap();
    serde_json::from_slice(&out).unwrap()
}

#[test]
fn a_run_has_its_rules_and_a_result_for_each_finding() {
    let log = with_report(sarif);
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let ids: Vec<&str> = rules.iter().map(|rule| rule["id"].as_str().unwrap()).collect();
    assert_eq!(
        ids,
        ["mail-character", "upn-missing", "mail-length", "address-confusable", "address-duplicate"],
        "the catalog, then what only findings name"
    );
    assert_eq!(rules[0]["helpUri"], "https://learn.microsoft.com/entra/identity/hybrid/connect/");
    assert_eq!(rules[0]["shortDescription"]["text"], "Characters of mail");
    assert_eq!(rules[0]["properties"]["tags"], json!(["address"]));
    assert_eq!(rules[0]["defaultConfiguration"]["level"], "error");
    assert_eq!(rules[1].get("helpUri"), None, "a title is no address");
    assert_eq!(rules[1]["help"]["text"], "Missing UPN. Source: MS-ADTS 3.1.1.5");
    assert_eq!(run["invocations"][0]["endTimeUtc"], "2026-11-18T11:06:40Z");
    assert_eq!(run["properties"]["objectsChecked"], 1_234);
    assert_eq!(run["properties"]["objectsExcluded"], 3);

    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 6);
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
    }
    let levels: Vec<&str> = results.iter().map(|result| result["level"].as_str().unwrap()).collect();
    assert_eq!(levels, ["error", "warning", "note", "error", "error", "error"]);
    let first = &results[0];
    assert_eq!(first["properties"]["value"], "x @contoso.com");
    assert_eq!(first["properties"]["fixes"][0]["changes"][0]["add"], json!(["x@contoso.com"]));
    assert!(first.get("fixes").is_none(), "a fix of SARIF changes a file");
    assert_eq!(
        first["locations"],
        json!([{
            "physicalLocation": { "artifactLocation": { "uri": "export/all%20people.ldif" } },
            "logicalLocations": [{
                "name": "CN=Neil\\, Anna",
                "fullyQualifiedName": "CN=Neil\\, Anna,OU=Staff,DC=corp,DC=local",
                "kind": "object",
            }],
        }])
    );
    let related = results[3]["relatedLocations"].as_array().unwrap();
    assert_eq!(related.len(), 2);
    assert_eq!(related[1]["logicalLocations"][0]["name"], "CN=Bob");
}

#[test]
fn an_object_of_a_forest_has_no_physical_location() {
    let mut findings = findings();
    let sources = [ReportSource::directory("corp.local"), ReportSource::file("b.ldif")];
    findings[0].object.source = Some("corp.local".into());
    findings[1].object.source = Some("b.ldif".into());
    findings.truncate(3);
    let log = sarif(&Report::new(&findings, now()).with_sources(&sources));
    let results = log["runs"][0]["results"].as_array().unwrap();
    let uri = |at: usize| results[at].pointer("/locations/0/physicalLocation/artifactLocation/uri");
    assert_eq!(uri(0), None);
    assert_eq!(uri(1).unwrap(), "b.ldif");
    assert_eq!(uri(2), None, "an object without a source, where there are two");
    assert_eq!(log["runs"][0]["artifacts"], json!([{ "location": { "uri": "b.ldif" } }]));
}

#[test]
fn fingerprints_tell_findings_apart_and_outlive_a_rename() {
    let log = with_report(sarif);
    let results = log["runs"][0]["results"].as_array().unwrap();
    let prints: BTreeSet<&str> = results
        .iter()
        .map(|result| result["partialFingerprints"]["onrampFinding/v1"].as_str().unwrap())
        .collect();
    assert_eq!(prints.len(), 6);

    let finding = |dn: &str, guid| {
        Finding::new(key_with_guid(dn, guid), RuleId::from_static("r"), Severity::Error, MAIL, "")
            .with_value("v", 0)
    };
    let print = Fingerprint::of(&finding("CN=Anna", 1));
    assert_eq!(print, Fingerprint::of(&finding("CN=Anna Neil,OU=Moved", 1)));
    assert_ne!(print, Fingerprint::of(&finding("CN=Anna", 2)));
    let without = Finding::new(key("CN=Anna"), RuleId::from_static("r"), Severity::Error, MAIL, "");
    assert_ne!(
        Fingerprint::of(&without.clone().with_value("", 0)),
        Fingerprint::of(&without),
        "missing is not empty"
    );
    assert_eq!(
        Fingerprint::of(&without).to_string(),
        "df4a8615a8dab0b88409df299a8c07e9",
        "a stored baseline must be of use to later versions"
    );
}

#[test]
fn hostile_text_stays_text() {
    for hostile in HOSTILE {
        let log: Value =
            serde_json::from_str(&written_of(hostile, |report, out| write_sarif(report, out))).unwrap();
        let result = &log["runs"][0]["results"][0];
        assert_eq!(result["properties"]["value"], *hostile);
        let message = result["message"]["text"].as_str().unwrap();
        assert_eq!(message, onramp_core::visible(message), "{hostile:?}");
        let without_pairs = message.replace("{{", "").replace("}}", "").replace("\\[", "");
        assert!(!without_pairs.contains(['{', '}', '[']), "{message}");
        let uri = log["runs"][0]["artifacts"][0]["location"]["uri"].as_str().unwrap();
        assert!(uri.chars().all(|c| c.is_ascii_graphic() && c != '<' && c != '"'), "{uri}");
    }
}
