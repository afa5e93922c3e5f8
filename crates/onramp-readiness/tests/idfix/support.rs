use onramp_readiness::idfix::{IdfixCheck, IdfixExclusion, IdfixMode, IdfixScan};
use onramp_readiness::{DirectoryObject, Finding, attributes};

pub(crate) use IdfixMode::{Dedicated, MultiTenant};

/// An object of attributes; a user with the common name `Test` and the display name `Test`, unless others are given. The
/// attribute `dn` is the distinguished name; a value `-` removes the attribute.
pub(crate) fn object(given: &[(&str, &str)]) -> DirectoryObject {
    let dn = given.iter().find(|(name, _)| *name == "dn").map_or("CN=Test,DC=contoso,DC=com", |(_, dn)| *dn);
    let mut object = DirectoryObject::new(dn);
    for default in [("objectClass", "user"), ("cn", "Test"), ("displayName", "Test")] {
        if !given.iter().any(|(name, _)| *name == default.0) {
            object = object.with_text(attributes::parse(default.0).unwrap(), default.1);
        }
    }
    for (name, value) in given.iter().filter(|(name, value)| *name != "dn" && *value != "-") {
        object = object.with_text(attributes::parse(name).unwrap(), expand(value));
    }
    object
}

/// Replaces `⟨x*3⟩` by `xxx`.
pub(crate) fn expand(text: &str) -> String {
    let Some((before, rest)) = text.split_once('⟨') else { return text.to_owned() };
    let (repeat, after) = rest.split_once('⟩').unwrap();
    let (part, count) = repeat.split_once('*').unwrap();
    format!("{before}{}{}", part.repeat(count.parse().unwrap()), expand(after))
}

pub(crate) fn findings(scan: &mut IdfixScan, object: &DirectoryObject) -> Vec<Finding> {
    match scan.check(object) {
        IdfixCheck::Findings(findings) => findings,
        IdfixCheck::Excluded(reason) => panic!("excluded: {reason}"),
    }
}

pub(crate) fn exclusion(mode: IdfixMode, object: &DirectoryObject) -> Option<IdfixExclusion> {
    match IdfixScan::new(mode).check(object) {
        IdfixCheck::Findings(_) => None,
        IdfixCheck::Excluded(reason) => Some(reason),
    }
}

/// A row as `errors | update | action`, with `-` for no update.
pub(crate) fn shown(finding: &Finding) -> String {
    let row = finding.idfix.as_ref().unwrap();
    let errors: Vec<String> = row.errors.iter().map(|error| format!("{error:?}")).collect();
    format!("{} | {} | {}", errors.join(", "), row.update.as_deref().unwrap_or("-"), row.action)
}

/// The rows of an attribute, of an object alone in its scan.
pub(crate) fn rows(mode: IdfixMode, attribute: &str, object: &DirectoryObject) -> Vec<String> {
    let mut scan = IdfixScan::new(mode);
    findings(&mut scan, object).iter().filter(|row| row.attribute.as_str() == attribute).map(shown).collect()
}

/// Checks each value of a table as the only one of the attribute: `(value, errors, update)`. No errors: no row. The update `=`
/// is the value itself, `-` none. All actions are EDIT.
pub(crate) fn table(mode: IdfixMode, attribute: &str, others: &[(&str, &str)], table: &[(&str, &str, &str)]) {
    for (value, errors, update) in table {
        let mut given = others.to_vec();
        given.push((attribute, value));
        let update = expand(if *update == "=" { value } else { update });
        let expected = if errors.is_empty() { vec![] } else { vec![format!("{errors} | {update} | EDIT")] };
        assert_eq!(rows(mode, attribute, &object(&given)), expected, "{mode} {attribute} {value:?}");
    }
}

/// Checks that each of the characters is deleted from `aXb`, and that each of the others is not.
pub(crate) fn deletes(mode: IdfixMode, attribute: &str, around: (&str, &str), bad: &str, good: &str) {
    let (before, after) = around;
    for c in bad.chars() {
        let value = format!("{before}{c}{after}");
        let expected = [format!("Character | {before}{after} | EDIT")];
        assert_eq!(
            rows(mode, attribute, &object(&[(attribute, &value)])),
            expected,
            "{mode} {attribute} {value:?}"
        );
    }
    for c in good.chars() {
        let value = format!("{before}{c}{after}");
        assert!(
            rows(mode, attribute, &object(&[(attribute, &value)])).is_empty(),
            "{mode} {attribute} {value:?}"
        );
    }
}

/// White space of .NET: each character of it.
pub(crate) const WHITE_SPACE: &str = "\t\n\u{b}\u{c}\r \u{85}\u{a0}\u{1680}\u{2000}\u{2001}\u{2002}\u{2003}\u{2004}\u{2005}\
    \u{2006}\u{2007}\u{2008}\u{2009}\u{200a}\u{2028}\u{2029}\u{202f}\u{205f}\u{3000}";

/// Neighbors of white space that are none.
pub(crate) const NO_SPACE: &str = "\u{8}\u{e}\u{84}\u{86}\u{9f}\u{180e}\u{200b}\u{202a}\u{2060}\u{feff}";
