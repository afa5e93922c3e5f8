//! The DNS records that prove the ownership of a domain, as portals of DNS hosts ask for them.

use onramp_core::DomainName;
use onramp_core::tenant::VerificationRecord;

/// Returns the records as lines of a table with type, name, value and time to live.
///
/// A portal asks for the name relative to its zone: `@` stands for the zone itself.
pub fn record_lines(domain: &DomainName, records: &[VerificationRecord]) -> Vec<String> {
    let mut rows = vec![["Type", "Name", "Value", "TTL"].map(str::to_owned)];
    for record in records {
        rows.push(match record {
            VerificationRecord::Txt { label, text, ttl } => {
                ["TXT".to_owned(), name(domain, label), text.clone(), ttl.to_string()]
            }
            VerificationRecord::Mx { label, mail_exchange, preference, ttl } => {
                let value = format!("{mail_exchange} (priority {preference})");
                ["MX".to_owned(), name(domain, label), value, ttl.to_string()]
            }
            other => ["".to_owned(), String::new(), other.to_string(), String::new()],
        });
    }
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or_default()
    };
    let (kind, host, value) = (width(0), width(1), width(2));
    rows.iter().map(|[a, b, c, d]| format!("{a:kind$}  {b:host$}  {c:value$}  {d}")).collect()
}

fn name(domain: &DomainName, label: &str) -> String {
    let label = label.trim_end_matches('.');
    match label.eq_ignore_ascii_case(domain.ascii()) {
        true => format!("@ (in the zone {label})"),
        false => label.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn records_are_a_table_as_portals_ask_for_them() {
        let domain = DomainName::parse("contoso.com").unwrap();
        let txt =
            VerificationRecord::Txt { label: "contoso.com".into(), text: "MS=ms12345678".into(), ttl: 3600 };
        let mx = VerificationRecord::Mx {
            label: "sub.contoso.com".into(),
            mail_exchange: "ms12345678.msv1.invalid".into(),
            preference: 32767,
            ttl: 3600,
        };
        assert_eq!(
            record_lines(&domain, &[txt, mx]),
            [
                "Type  Name                         Value                                     TTL",
                "TXT   @ (in the zone contoso.com)  MS=ms12345678                             3600",
                "MX    sub.contoso.com              ms12345678.msv1.invalid (priority 32767)  3600",
            ]
        );
    }
}
