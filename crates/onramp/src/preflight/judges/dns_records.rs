//! The records that should stand in DNS, compared with those that do.

use std::collections::BTreeMap;

use onramp_core::dns::DnsRecord;
use onramp_core::tenant::{ServiceRecord, VerificationRecord};
use onramp_core::{DomainName, Result};

use crate::preflight::item::{Findings, Verdict};

/// The part of an SPF record that Exchange Online needs; the rest is the organization's.
const SPF: &str = "v=spf1";

/// Judges the records of the services of a domain, each with what DNS has at its name.
pub(in crate::preflight) fn judge_services(
    found: &[(ServiceRecord, Result<Vec<DnsRecord>>)],
    domain: &DomainName,
) -> Verdict {
    if found.is_empty() {
        return Verdict::pass(format!("no service of the tenant uses {domain}"));
    }
    let mut findings = Findings::default();
    for (wanted, there) in found {
        let there = match there {
            Ok(there) => there,
            Err(error) => {
                findings.unknown.push(error.to_string());
                continue;
            }
        };
        if there.iter().any(|record| serves(&wanted.record, record)) {
            continue;
        }
        let others: Vec<String> = there.iter().map(ToString::to_string).collect();
        let others = if others.is_empty() { "nothing".to_owned() } else { others.join(", ") };
        let text = format!("{}: {} is missing, DNS has {others}", wanted.service, *wanted);
        if wanted.is_optional { findings.warnings.push(text) } else { findings.failures.push(text) }
    }
    Verdict::of_findings(findings, format!("DNS has the {} records of {domain}", found.len()))
}

/// Returns true if a record serves in place of the one that is wanted: MX records of any preference, TXT records with the
/// wanted `include` among others.
fn serves(wanted: &DnsRecord, record: &DnsRecord) -> bool {
    match (wanted, record) {
        (DnsRecord::Mx { exchange: wanted, .. }, DnsRecord::Mx { exchange, .. }) => {
            let host = |name: &str| name.trim_end_matches('.').to_ascii_lowercase();
            host(wanted) == host(exchange)
        }
        (DnsRecord::Txt { text: wanted }, DnsRecord::Txt { text }) if wanted.starts_with(SPF) => {
            let includes = |text: &str| -> Vec<String> {
                let words = text.split_whitespace().filter(|word| word.contains("include:"));
                words.map(|word| word.trim_start_matches(['+', '~', '?']).to_ascii_lowercase()).collect()
            };
            let there = includes(text);
            text.starts_with(SPF) && includes(wanted).iter().all(|include| there.contains(include))
        }
        _ => wanted.is_same_as(record),
    }
}

/// Judges whether one of the verification records stands in DNS.
pub(in crate::preflight) fn judge_verification(
    offered: &[VerificationRecord],
    texts: &Result<Vec<DnsRecord>>,
    exchanges: &Result<Vec<DnsRecord>>,
) -> Verdict {
    let (texts, exchanges) = match (texts, exchanges) {
        (Ok(texts), Ok(exchanges)) => (texts, exchanges),
        (Err(error), _) | (_, Err(error)) => return Verdict::cannot_tell(error),
    };
    let is_there = |record: &VerificationRecord| match record {
        VerificationRecord::Txt { text, .. } => {
            texts.iter().any(|there| there.is_same_as(&DnsRecord::Txt { text: text.clone() }))
        }
        VerificationRecord::Mx { mail_exchange, preference, .. } => {
            let wanted = DnsRecord::Mx { preference: *preference, exchange: mail_exchange.clone() };
            exchanges.iter().any(|there| there.is_same_as(&wanted))
        }
        _ => false,
    };
    if offered.iter().any(is_there) {
        return Verdict::pass("DNS has a verification record of the domain");
    }
    let offered: Vec<String> = offered.iter().map(ToString::to_string).collect();
    Verdict::warn(format!("DNS has none of: {}", offered.join("; ")))
}

/// Judges the SRV records of domain controllers: for each domain, the hosts that should have one, and what DNS has.
pub(in crate::preflight) fn judge_locators(
    domains: &BTreeMap<String, (Vec<String>, Result<Vec<DnsRecord>>)>,
) -> Verdict {
    let mut findings = Findings::default();
    for (domain, (hosts, there)) in domains {
        let there = match there {
            Ok(there) => there,
            Err(error) => {
                findings.unknown.push(error.to_string());
                continue;
            }
        };
        if there.is_empty() {
            findings.warnings.push(format!("DNS has no domain controllers of {domain}"));
            continue;
        }
        let has = |host: &str| {
            there.iter().any(|record| {
                matches!(record, DnsRecord::Srv { target, .. }
                    if target.trim_end_matches('.').eq_ignore_ascii_case(host))
            })
        };
        let missing: Vec<&str> = hosts.iter().map(String::as_str).filter(|host| !has(host)).collect();
        if !missing.is_empty() {
            findings.failures.push(format!("DNS lacks {} of {domain}", missing.join(", ")));
        }
    }
    Verdict::of_findings(findings, format!("DNS has the domain controllers of {} domains", domains.len()))
}
