//! The schema in the one entry that clients read when they connect: `CN=Aggregate` ([MS-ADTS] 3.1.1.3.1.1.1).

use std::collections::BTreeSet;

use super::{Attr, Class, Source, Syntax};

/// The common name of the entry.
pub(crate) const COMMON_NAME: &str = "Aggregate";

/// The classes that no object is of: name, object identifier, what stands between that and the attributes.
const SUPERIORS: [(&str, &str, &str); 5] = [
    ("top", "2.5.6.0", "ABSTRACT"),
    ("domain", "1.2.840.113556.1.5.66", "SUP top ABSTRACT"),
    ("person", "2.5.6.6", "SUP top STRUCTURAL"),
    ("organizationalPerson", "2.5.6.7", "SUP person STRUCTURAL"),
    ("applicationSettings", "1.2.840.113556.1.5.7000.49", "SUP top ABSTRACT"),
];
/// The attributes of every object.
const OF_EVERYTHING: [Attr; 3] = [Attr::OBJECT_CLASS, Attr::INSTANCE_TYPE, Attr::OBJECT_CATEGORY];

/// Returns the values of `attributeTypes`. Active Directory puts syntaxes in quotes.
pub(crate) fn attribute_types() -> impl Iterator<Item = String> {
    Attr::all().map(|attr| {
        let info = attr.info();
        let single = if info.single { " SINGLE-VALUE" } else { "" };
        let fixed = if info.source == Source::Stored { "" } else { " NO-USER-MODIFICATION" };
        format!("( {} NAME '{}' SYNTAX '{}'{single}{fixed} )", info.oid, info.name, syntax(info.syntax))
    })
}

/// Returns the values of `objectClasses`. They allow what the directory allows.
pub(crate) fn object_classes() -> impl Iterator<Item = String> {
    let superiors = SUPERIORS.into_iter().map(|(name, oid, kind)| {
        let (must, may) = match name {
            "top" => (OF_EVERYTHING.to_vec(), of_any_class().collect()),
            _ => (Vec::new(), Vec::new()),
        };
        description(oid, name, kind, &must, &may)
    });
    let classes = Class::ALL.iter().map(|&class| {
        let kind = format!("SUP {} STRUCTURAL", superior(class));
        let may: Vec<Attr> = of_class(class).collect();
        description(class.oid(), class.name(), &kind, &[class.naming_attribute()], &may)
    });
    superiors.chain(classes)
}

fn description(oid: &str, name: &str, kind: &str, must: &[Attr], may: &[Attr]) -> String {
    format!("( {oid} NAME '{name}' {kind}{}{} )", listed(" MUST", must), listed(" MAY", may))
}

fn listed(keyword: &str, attributes: &[Attr]) -> String {
    match attributes {
        [] => String::new(),
        attributes => {
            let names: Vec<&str> = attributes.iter().map(|attr| attr.name()).collect();
            format!("{keyword} ({} )", names.join(" $ "))
        }
    }
}

fn superior(class: Class) -> &'static str {
    class.chain().iter().rev().nth(1).copied().unwrap_or("top")
}

/// Returns the optional attributes of every class.
fn of_any_class() -> impl Iterator<Item = Attr> {
    Attr::all()
        .filter(|attr| !OF_EVERYTHING.contains(attr) && Class::ALL.iter().all(|class| class.may_have(*attr)))
}

/// Returns the attributes of a class that its superclass does not have.
fn of_class(class: Class) -> impl Iterator<Item = Attr> {
    let general: BTreeSet<Attr> = of_any_class().chain(OF_EVERYTHING).collect();
    let above = Class::ALL.iter().find(|known| known.name() == superior(class)).copied();
    Attr::all().filter(move |attr| {
        let inherited = general.contains(attr) || above.is_some_and(|above| above.may_have(*attr));
        class.may_have(*attr) && !inherited
    })
}

/// Returns the object identifier of a syntax ([MS-ADTS] 3.1.1.2.2.2).
fn syntax(syntax: Syntax) -> &'static str {
    match syntax {
        Syntax::Text => "1.3.6.1.4.1.1466.115.121.1.15",
        Syntax::Integer => "1.3.6.1.4.1.1466.115.121.1.27",
        Syntax::LargeInteger => "1.2.840.113556.1.4.906",
        Syntax::Boolean => "1.3.6.1.4.1.1466.115.121.1.7",
        Syntax::Dn => "1.3.6.1.4.1.1466.115.121.1.12",
        Syntax::Bytes | Syntax::Guid | Syntax::Sid => "1.3.6.1.4.1.1466.115.121.1.40",
        Syntax::Time => "1.3.6.1.4.1.1466.115.121.1.24",
        Syntax::Name => "1.3.6.1.4.1.1466.115.121.1.38",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    /// Returns the names behind a keyword.
    fn names(description: &str, keyword: &str) -> BTreeSet<String> {
        let list = description.split_once(&format!(" {keyword} (")).map_or("", |(_, list)| list);
        let list = list.split(')').next().unwrap_or_default();
        list.split('$').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
    }

    #[test]
    fn identifiers_are_given_once() {
        let descriptions: Vec<String> = attribute_types().chain(object_classes()).collect();
        let identifiers: BTreeSet<&str> =
            descriptions.iter().filter_map(|text| text.split(' ').nth(1)).collect();
        assert_eq!(identifiers.len(), descriptions.len());
    }

    #[test]
    fn a_class_allows_with_those_above_it_what_the_directory_allows() {
        let published: BTreeMap<String, String> = object_classes()
            .map(|text| (text.split('\'').nth(1).unwrap_or_default().to_owned(), text))
            .collect();
        for class in Class::ALL {
            let line: Vec<&String> = class.chain().iter().map(|&name| &published[name]).collect();
            let allowed: BTreeSet<String> =
                line.iter().flat_map(|text| [names(text, "MUST"), names(text, "MAY")]).flatten().collect();
            let expected: BTreeSet<String> =
                Attr::all().filter(|attr| class.may_have(*attr)).map(|attr| attr.name().to_owned()).collect();
            assert_eq!(allowed, expected, "{class:?}");
            let superior = class.chain().iter().rev().nth(1).unwrap_or(&"top");
            assert!(published[class.name()].contains(&format!(" SUP {superior} ")), "{class:?}");
        }
    }
}
