//! Findings to report.

use onramp_core::{AttributeName, ObjectGuid};
use onramp_readiness::report::{Report, ReportSource};
use onramp_readiness::{
    Confidence, DirectoryObject, Finding, Fix, FixChange, IdfixError, IdfixRow, ObjectKey, RuleId, Severity,
    Span,
};
use onramp_readiness::{Exclusion, RuleInfo};
use proptest::prelude::*;
use time::OffsetDateTime;

pub(crate) const MAIL: AttributeName = AttributeName::from_static("mail");
pub(crate) const UPN: AttributeName = AttributeName::from_static("userPrincipalName");
pub(crate) const PROXY: AttributeName = AttributeName::from_static("proxyAddresses");

/// Values of a directory or a person that some reader could take for more than text.
pub(crate) const HOSTILE: [&str; 34] = [
    "",
    " leading and trailing ",
    "=cmd|' /C calc'!A0",
    "+1+2",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1",
    "'=1",
    "''@x",
    "'tis",
    "a,b;c",
    "say \"hello\"",
    "two\r\nlines",
    "</script><script>alert(1)</script>",
    "<!--",
    "--><img src=x onerror=alert(1)>",
    "]]>",
    "&amp; & &lt;",
    "{{ 7 * 7 }} {% include \"x\" %} {0}",
    "| a | b |",
    "``` `code` ~~~",
    "[click](https://evil.example) ![x](https://evil.example/x.png)",
    "# heading\n\n- item\n</details>",
    "https://evil.example www.evil.example @team $x^2$ :smile:",
    "\u{202e}drowssap\u{202c}\u{2066}x\u{2069}",
    "zero\u{200b}width\u{feff}",
    "\u{0}\u{1}\u{1b}[31m\u{7f}\u{85}",
    "\u{fffe}\u{ffff}",
    "\u{2028}\u{2029}",
    "\\ \\n \\u{202e} %0a",
    "😀 Ünïcödé 漢字",
];

pub(crate) fn key(dn: &str) -> ObjectKey {
    DirectoryObject::new(dn).key()
}

pub(crate) fn key_with_guid(dn: &str, guid: u8) -> ObjectKey {
    DirectoryObject::new(dn).with_guid(ObjectGuid::from_slice(&[guid; 16]).unwrap()).key()
}

/// A finding with a text everywhere that a directory or a rule can put one.
pub(crate) fn finding_with(text: &str) -> Finding {
    let change = FixChange { attribute: MAIL, remove: vec![text.into()], add: vec![format!("{text}!")] };
    let other = FixChange { attribute: UPN, remove: Vec::new(), add: vec![text.into()] };
    let mut finding =
        Finding::new(key(&format!("CN={text},OU={text}")), RuleId::new(text), Severity::Error, MAIL, text)
            .with_value(text, 1)
            .with_spans(vec![Span { start: 0, end: text.len() }])
            .with_fix(Fix::of(vec![change, other]).with_loss(text))
            .with_fix(Fix::replace(MAIL, Some(text), None).with_confidence(Confidence::Low));
    finding.object.source = Some(text.into());
    finding.class = Some(text.into());
    finding.tags = vec![text.to_owned().into()];
    finding.rule_source = Some(text.to_owned().into());
    finding.holders = vec![holder("CN=x,OU=y", text, true), holder(text, text, false)];
    finding
}

/// A holder, which only serde can make outside of the crate.
pub(crate) fn holder(dn: &str, value: &str, keeps: bool) -> onramp_readiness::Holder {
    let json = serde_json::json!({
        "dn": dn, "attribute": "mail", "value": value, "keeps": keeps, "reasons": [format!("because of {value}")],
    });
    serde_json::from_value(json).unwrap()
}

pub(crate) fn hostile_findings() -> Vec<Finding> {
    HOSTILE.iter().map(|text| finding_with(text)).collect()
}

/// Six findings about five objects in two OUs, by four rules, with two groups of duplicates.
pub(crate) fn findings() -> Vec<Finding> {
    let error = RuleId::from_static("mail-character");
    let missing = RuleId::from_static("upn-missing");
    let duplicate = RuleId::from_static("address-duplicate");
    let anna = "CN=Neil\\, Anna,OU=Staff,DC=corp,DC=local";
    let mut holders = [
        holder(anna, "x@contoso.com", true),
        holder("CN=Bob,OU=Sales,DC=corp,DC=local", "X@contoso.com", false),
    ];
    holders[0].object = key_with_guid(anna, 1);
    let mut by_duplicate = Vec::new();
    for (index, one) in holders.iter().enumerate() {
        let key = one.object.clone();
        let mut finding =
            Finding::new(key, duplicate.clone(), Severity::Error, MAIL, "2 objects have the address.")
                .with_value(one.value.clone(), 0);
        finding.holders = holders.to_vec();
        if index == 1 {
            let lost = "Mail to the address reaches Anna only.";
            finding = finding.with_fix(Fix::replace(MAIL, Some(&one.value), None).with_loss(lost));
        }
        by_duplicate.push(finding);
    }
    let mut found = vec![
        Finding::new(key_with_guid(anna, 1), error, Severity::Error, MAIL, "A space is not allowed.")
            .with_value("x @contoso.com", 0)
            .with_spans(vec![Span { start: 1, end: 2 }])
            .with_fix(Fix::replace(MAIL, Some("x @contoso.com"), Some("x@contoso.com".into()))),
        Finding::new(
            key("CN=Eve,ou=staff,dc=corp,dc=local"),
            missing,
            Severity::Warning,
            UPN,
            "The user has no UPN.",
        ),
        Finding::new(
            key_with_guid("CN=Dan,OU=Staff,DC=corp,DC=local", 4),
            RuleId::from_static("address-confusable"),
            Severity::Note,
            PROXY,
            "The address looks like another one.",
        )
        .with_value("SMTP:d\u{430}n@contoso.com", 2)
        .with_fix(
            Fix::replace(PROXY, Some("SMTP:d\u{430}n@contoso.com"), Some("SMTP:dan@contoso.com".into()))
                .with_confidence(Confidence::Low),
        ),
    ];
    found.append(&mut by_duplicate);
    let mut idfix = Finding::new(
        key("CN=Carl,CN=Users,DC=corp,DC=local"),
        RuleId::from_static("mail-character"),
        Severity::Error,
        MAIL,
        "IdFix would show it.",
    )
    .with_value("carl@contoso", 0);
    idfix.idfix = Some(IdfixRow::new(
        vec![IdfixError::DomainPart, IdfixError::Format],
        Some("carl@contoso".into()),
        "EDIT",
    ));
    found.push(idfix);
    found
}

pub(crate) fn rules() -> Vec<RuleInfo> {
    vec![
        RuleInfo::new(RuleId::from_static("mail-character"), "Characters of mail", Severity::Error)
            .with_source("https://learn.microsoft.com/entra/identity/hybrid/connect/")
            .with_tags(vec!["address".into()]),
        RuleInfo::new(RuleId::from_static("upn-missing"), "Missing UPN", Severity::Warning)
            .with_source("MS-ADTS 3.1.1.5"),
        RuleInfo::new(RuleId::from_static("mail-length"), "Length of mail", Severity::Error),
    ]
}

pub(crate) fn sources() -> Vec<ReportSource> {
    vec![ReportSource::file("export/all people.ldif")]
}

pub(crate) fn excluded() -> Vec<(ObjectKey, Exclusion)> {
    vec![
        (key("CN=krbtgt,CN=Users,DC=corp,DC=local"), Exclusion::new("well-known-sid", "well-known account")),
        (key("CN=Guest,CN=Users,DC=corp,DC=local"), Exclusion::new("well-known-sid", "well-known account")),
        (
            key("CN=Old,CN=Users,DC=corp,DC=local"),
            Exclusion::new("critical-system-object", "critical system object"),
        ),
    ]
}

pub(crate) fn now() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_795_000_000).unwrap()
}

/// Runs a test with the report on [`findings`].
pub(crate) fn with_report<T>(test: impl FnOnce(&Report<'_>) -> T) -> T {
    let (findings, rules, sources, excluded) = (findings(), rules(), sources(), excluded());
    let report = Report::new(&findings, now())
        .with_profile("entra")
        .with_objects_checked(1_234)
        .with_rules(&rules)
        .with_sources(&sources)
        .with_excluded(&excluded);
    test(&report)
}

/// Returns what a format writes about hostile text in every place of a report.
pub(crate) fn written_of(
    text: &str,
    write: impl FnOnce(&Report<'_>, &mut Vec<u8>) -> std::io::Result<()>,
) -> String {
    let findings = [finding_with(text)];
    let rules = [RuleInfo::new(RuleId::new(text), text.to_owned(), Severity::Error)
        .with_source(text.to_owned())
        .with_tags(vec![text.to_owned().into()])];
    let sources = [ReportSource::file(text)];
    let excluded = [(key(text), Exclusion::new("x", text))];
    let forecast = [(text.to_owned(), 3)];
    let report = Report::new(&findings, now())
        .with_profile(text)
        .with_rules(&rules)
        .with_sources(&sources)
        .with_excluded(&excluded)
        .with_forecast(&forecast);
    let mut out = Vec::new();
    write(&report, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// Any text, with characters that a format may take for its own.
pub(crate) fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[\\PC\\x00-\\x1f]{0,20}",
        "['=+@\\-\t\r\n,;\"]{0,6}",
        prop::sample::select(HOSTILE.to_vec()).prop_map(str::to_owned),
    ]
}

/// Findings with any text.
pub(crate) fn any_findings() -> impl Strategy<Value = Vec<Finding>> {
    let one = (
        any_text(),
        any_text(),
        any_text(),
        prop::option::of(any_text()),
        prop::option::of(any::<[u8; 16]>()),
    );
    let one = one.prop_map(|(dn, rule, explanation, value, guid)| {
        let mut object = DirectoryObject::new(dn);
        if let Some(guid) = guid {
            object = object.with_guid(ObjectGuid::from_slice(&guid).unwrap());
        }
        let mut finding = Finding::new(object.key(), RuleId::new(rule), Severity::Warning, MAIL, explanation);
        finding.value = value;
        if let Some(value) = finding.value.clone() {
            finding.holders = vec![holder("CN=x", &value, true)];
            finding = finding.with_fix(Fix::replace(MAIL, Some(&value), Some(format!("{value}."))));
        }
        finding
    });
    prop::collection::vec(one, 0..6)
}
