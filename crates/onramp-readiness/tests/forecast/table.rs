//! Cases, each with the forecast that Microsoft's documents give.

use onramp_readiness::ObjectKind::{Contact, Group};
use onramp_readiness::forecast::ConflictReason::{self, *};
use onramp_readiness::forecast::MatchKind::{self, PrimarySmtp, SourceAnchor, Upn};
use onramp_readiness::forecast::Outcome::{self, *};
use onramp_readiness::forecast::UnknownReason::{self, *};
use onramp_readiness::forecast::{CloudObject, ConflictEffect, Forecaster, ObjectMapping, TenantFlags};
use onramp_readiness::{DirectoryObject, attributes as a};

use crate::*;

/// A conflict: the value, the number of the cloud object, the reason, and the effect in a word.
type Expected = (&'static str, u8, ConflictReason, &'static str);

struct Case {
    what: &'static str,
    object: DirectoryObject,
    cloud: Vec<CloudObject>,
    flags: TenantFlags,
    outcome: Outcome,
    /// The cloud object, and the attribute that matches.
    with: Option<(u8, Option<MatchKind>)>,
    unknown: Vec<UnknownReason>,
    conflicts: Vec<Expected>,
}

impl Case {
    fn of(what: &'static str, cloud: Vec<CloudObject>, outcome: Outcome) -> Self {
        let (object, flags) = (anna(), known());
        Self { what, object, cloud, flags, outcome, with: None, unknown: vec![], conflicts: vec![] }
    }

    fn object(mut self, object: DirectoryObject) -> Self {
        self.object = object;
        self
    }

    fn flags(mut self, change: impl FnOnce(&mut TenantFlags)) -> Self {
        change(&mut self.flags);
        self
    }

    fn with(mut self, number: u8, by: MatchKind) -> Self {
        self.with = Some((number, Some(by)));
        self
    }

    fn itself(mut self, number: u8) -> Self {
        self.with = Some((number, None));
        self
    }

    fn unknown(mut self, reasons: &[UnknownReason]) -> Self {
        self.unknown = reasons.to_vec();
        self
    }

    fn conflict(mut self, conflict: Expected) -> Self {
        self.conflicts.push(conflict);
        self
    }
}

const ANNA: &str = "anna@contoso.com";
const SMTP: &str = "SMTP:anna.reed@contoso.com";
const SECOND: &str = "smtp:reed@contoso.com";
const NEW_UPN: &str = "anna####@contoso.onmicrosoft.com";
/// The anchor of Anna: sixteen octets of 9.
const ANCHOR: &str = "CQkJCQkJCQkJCQkJCQkJCQ==";

fn hard_matches() -> Vec<Case> {
    let mapped = |to: &str| {
        changed(anchored(1, "x@contoso.com"), |object| object.mapping = ObjectMapping::To(to.to_owned()))
    };
    let consistency = |octets: &[u8]| {
        let mut object = anna();
        object.push(a::CONSISTENCY_GUID, AttributeValue::bytes(octets.to_vec()));
        object
    };
    let upper = changed(cloud(1, "x@contoso.com"), |object| {
        object.anchor = Some(ImmutableId::parse(&ANCHOR.to_uppercase()).unwrap())
    });
    let group_with_anchor = changed(other(1, Group, &[]), |object| object.anchor = Some(anchor(9)));
    vec![
        Case::of("a hard match", vec![anchored(1, "x@contoso.com")], Match).with(1, SourceAnchor),
        Case::of("the anchor is compared letter by letter", vec![upper], New),
        Case::of("mS-DS-ConsistencyGuid goes before objectGUID", vec![anchored(1, "x@contoso.com")], New)
            .object(consistency(&[5; 16])),
        Case::of("mS-DS-ConsistencyGuid is the anchor", vec![foreign(1, "x@contoso.com")], Match)
            .object(consistency(&[1; 16]))
            .with(1, SourceAnchor),
        Case::of("the same object", vec![synchronized(anchored(1, ANNA))], Update).itself(1),
        Case::of(
            "the same object stays the same as an administrator",
            vec![admin(synchronized(anchored(1, ANNA)))],
            Update,
        )
        .itself(1),
        Case::of("a hard match is blocked", vec![anchored(1, ANNA)], Conflict)
            .flags(|flags| flags.block_hard_match = Some(true))
            .conflict((ANCHOR, 1, MatchBlocked, "InvalidHardMatch")),
        Case::of("blocked soft matches do not block a hard one", vec![anchored(1, "x@contoso.com")], Match)
            .flags(|flags| flags.block_soft_match = Some(true))
            .with(1, SourceAnchor),
        Case::of("an administrator by anchor", vec![admin(anchored(1, "x@contoso.com"))], Conflict)
            .conflict((ANCHOR, 1, AdministratorRole, "InvalidHardMatch")),
        Case::of("mapped to another object", vec![mapped(&guid(3).to_string())], Conflict).conflict((
            ANCHOR,
            1,
            MappedToAnother,
            "InvalidHardMatch",
        )),
        Case::of(
            "mapped to another object, and the tenant allows it",
            vec![mapped(&guid(3).to_string())],
            Match,
        )
        .flags(|flags| flags.allow_update_of_object_identifier = Some(true))
        .with(1, SourceAnchor),
        Case::of(
            "mapped to another object, and nobody knows whether it is allowed",
            vec![mapped(&guid(3).to_string())],
            Outcome::Unknown,
        )
        .flags(|flags| flags.allow_update_of_object_identifier = None)
        .with(1, SourceAnchor)
        .unknown(&[ObjectIdentifierUpdate]),
        Case::of("mapped to the same object", vec![mapped(&guid(9).to_string().to_uppercase())], Match)
            .with(1, SourceAnchor),
        Case::of("mapped to the same object, in base64", vec![mapped(ANCHOR)], Match).with(1, SourceAnchor),
        Case::of(
            "nobody knows the mapping",
            vec![changed(anchored(1, "x@contoso.com"), |object| object.mapping = ObjectMapping::Unknown)],
            Outcome::Unknown,
        )
        .with(1, SourceAnchor)
        .unknown(&[ObjectIdentifier]),
        Case::of(
            "nobody knows the roles and the switch",
            vec![anchored(1, "x@contoso.com").with_roles(None)],
            Outcome::Unknown,
        )
        .flags(|flags| flags.block_hard_match = None)
        .with(1, SourceAnchor)
        .unknown(&[Roles, BlockHardMatch]),
        Case::of(
            "a switch that blocks decides, whatever else is unknown",
            vec![anchored(1, "x@contoso.com").with_roles(None)],
            Conflict,
        )
        .flags(|flags| flags.block_hard_match = Some(true))
        .conflict((ANCHOR, 1, MatchBlocked, "InvalidHardMatch")),
        Case::of("the anchor at a group", vec![group_with_anchor], Conflict).conflict((
            ANCHOR,
            1,
            ObjectTypeMismatch,
            "ObjectTypeMismatch",
        )),
        Case::of(
            "the anchor goes before names",
            vec![
                anchored(1, "x@contoso.com"),
                cloud(2, ANNA),
                addresses(cloud(3, "y@contoso.com"), &["SMTP:anna.reed@contoso.com"]),
            ],
            Match,
        )
        .with(1, SourceAnchor)
        .conflict((ANNA, 2, UpnConflict, NEW_UPN))
        .conflict((SMTP, 3, AddressConflict, "quarantined")),
    ]
}

fn soft_matches() -> Vec<Case> {
    let by_smtp = |number, upn: &str| addresses(cloud(number, upn), &["SMTP:Anna.Reed@contoso.com"]);
    vec![
        Case::of("nobody is met", vec![cloud(1, "bob@contoso.com")], New),
        Case::of("an empty tenant", vec![], New),
        Case::of("by UPN, in any case", vec![cloud(1, "ANNA@contoso.com")], Match).with(1, Upn),
        Case::of("by primary SMTP address, in any case", vec![by_smtp(1, "x@contoso.com")], Match)
            .with(1, PrimarySmtp),
        Case::of("by both", vec![by_smtp(1, ANNA)], Match).with(1, PrimarySmtp),
        Case::of("the address goes before the UPN", vec![cloud(1, ANNA), by_smtp(2, "x@contoso.com")], Match)
            .with(2, PrimarySmtp)
            .conflict((ANNA, 1, UpnConflict, NEW_UPN)),
        Case::of(
            "mail is the primary address where there are no proxy addresses",
            vec![by_smtp(1, "x@contoso.com")],
            Match,
        )
        .object(with(anna(), &a::PROXY_ADDRESSES, &[]))
        .with(1, PrimarySmtp),
        Case::of(
            "mail is not, where there is a primary address",
            vec![by_smtp(1, "x@contoso.com")],
            Conflict,
        )
        .object(with(anna(), &a::PROXY_ADDRESSES, &["SMTP:other@contoso.com"]))
        .conflict(("anna.reed@contoso.com", 1, AddressConflict, "quarantined")),
        Case::of(
            "a secondary address in the cloud matches nothing",
            vec![addresses(cloud(1, "x@contoso.com"), &["SMTP:x@contoso.com", "smtp:anna.reed@contoso.com"])],
            Conflict,
        )
        .conflict((SMTP, 1, AddressConflict, "quarantined")),
        Case::of(
            "a secondary address of AD matches nothing",
            vec![addresses(cloud(1, "x@contoso.com"), &["SMTP:reed@contoso.com"])],
            Conflict,
        )
        .conflict((SECOND, 1, AddressConflict, "quarantined")),
        Case::of("UPNs are not matched in an old tenant", vec![cloud(1, ANNA)], Conflict)
            .flags(|flags| flags.soft_match_on_upn = Some(false))
            .conflict((ANNA, 1, UpnConflict, NEW_UPN)),
        Case::of("addresses are matched in an old tenant", vec![by_smtp(1, "x@contoso.com")], Match)
            .flags(|flags| flags.soft_match_on_upn = Some(false))
            .with(1, PrimarySmtp),
        Case::of("nobody knows whether UPNs are matched", vec![cloud(1, ANNA)], Outcome::Unknown)
            .flags(|flags| flags.soft_match_on_upn = None)
            .with(1, Upn)
            .unknown(&[SoftMatchOnUpn]),
        Case::of("an address is matched all the same", vec![by_smtp(1, ANNA)], Match)
            .flags(|flags| flags.soft_match_on_upn = None)
            .with(1, PrimarySmtp),
        Case::of("soft matches are blocked", vec![by_smtp(1, ANNA)], Conflict)
            .flags(|flags| flags.block_soft_match = Some(true))
            .conflict((ANNA, 1, MatchBlocked, NEW_UPN))
            .conflict((SMTP, 1, MatchBlocked, "quarantined")),
        Case::of("nobody knows whether they are", vec![cloud(1, ANNA)], Outcome::Unknown)
            .flags(|flags| flags.block_soft_match = None)
            .with(1, Upn)
            .unknown(&[BlockSoftMatch]),
        Case::of(
            "an application that may read nothing",
            vec![cloud(1, ANNA).with_roles(None)],
            Outcome::Unknown,
        )
        .flags(|flags| *flags = TenantFlags::default())
        .with(1, Upn)
        .unknown(&[Roles, BlockSoftMatch, SoftMatchOnUpn]),
        Case::of("an administrator", vec![admin(cloud(1, ANNA))], Conflict).conflict((
            ANNA,
            1,
            AdministratorRole,
            NEW_UPN,
        )),
        Case::of("another anchor", vec![foreign(1, ANNA)], Conflict).conflict((
            ANNA,
            1,
            OtherAnchor,
            NEW_UPN,
        )),
        Case::of("another anchor, synchronized", vec![synchronized(foreign(1, ANNA))], Conflict).conflict((
            ANNA,
            1,
            OtherAnchor,
            NEW_UPN,
        )),
        Case::of(
            "another anchor decides, whatever is unknown",
            vec![foreign(1, ANNA).with_roles(None)],
            Conflict,
        )
        .flags(|flags| flags.block_soft_match = None)
        .conflict((ANNA, 1, OtherAnchor, NEW_UPN)),
        Case::of(
            "another anchor by address, and a free one by UPN",
            vec![addresses(foreign(1, "x@contoso.com"), &[SMTP]), cloud(2, ANNA)],
            Match,
        )
        .with(2, Upn)
        .conflict((SMTP, 1, OtherAnchor, "quarantined")),
        Case::of(
            "not known by address, and a free one by UPN",
            vec![by_smtp(1, "x@contoso.com").with_roles(None), cloud(2, ANNA)],
            Outcome::Unknown,
        )
        .with(1, PrimarySmtp)
        .unknown(&[Roles]),
        Case::of(
            "the UPN is an address of another one",
            vec![addresses(cloud(1, "x@contoso.com"), &["smtp:anna@contoso.com"])],
            Conflict,
        )
        .conflict((ANNA, 1, AddressConflict, NEW_UPN)),
        Case::of("the initial domain is not known", vec![foreign(1, ANNA)], Conflict)
            .flags(|flags| flags.initial_domain = None)
            .conflict((ANNA, 1, OtherAnchor, "anna####@….onmicrosoft.com")),
        Case::of("the address is a UPN of another one", vec![cloud(1, "reed@contoso.com")], Conflict)
            .conflict((SECOND, 1, AddressConflict, "quarantined")),
        Case::of(
            "an address of another type",
            vec![addresses(cloud(1, "x@contoso.com"), &["x500:/o=Contoso/cn=ANNA"])],
            Conflict,
        )
        .object(with(anna(), &a::PROXY_ADDRESSES, &["X500:/o=contoso/cn=anna"]))
        .conflict(("X500:/o=contoso/cn=anna", 1, AddressConflict, "quarantined")),
        Case::of(
            "mail of a guest",
            vec![changed(cloud(1, "x#EXT#@contoso.com"), |guest| {
                guest.mail = Some("reed@contoso.com".into())
            })],
            Conflict,
        )
        .conflict((SECOND, 1, AddressConflict, "quarantined")),
        Case::of(
            "a tenant that rejects duplicates",
            vec![foreign(1, ANNA), addresses(cloud(2, "x@contoso.com"), &["smtp:reed@contoso.com"])],
            Conflict,
        )
        .flags(|flags| {
            flags.quarantine_on_upn_conflict = Some(false);
            flags.quarantine_on_proxy_conflict = Some(false);
        })
        .conflict((ANNA, 1, OtherAnchor, "InvalidSoftMatch"))
        .conflict((SECOND, 2, AddressConflict, "AttributeValueMustBeUnique")),
        Case::of(
            "the same object whose UPN another one has",
            vec![synchronized(anchored(1, "anna1234@contoso.onmicrosoft.com")), cloud(2, ANNA)],
            Update,
        )
        .itself(1)
        .conflict((ANNA, 2, UpnConflict, NEW_UPN)),
        Case::of("an object without a GUID", vec![cloud(1, ANNA)], Match).object(no_guid()).with(1, Upn),
        Case::of(
            "an object without a GUID, and a cloud user with an anchor",
            vec![foreign(1, ANNA)],
            Outcome::Unknown,
        )
        .object(no_guid())
        .with(1, Upn)
        .unknown(&[Anchor]),
        Case::of("no UPN and no address", vec![cloud(1, ANNA)], New).object(with(
            with(with(anna(), &a::USER_PRINCIPAL_NAME, &[]), &a::PROXY_ADDRESSES, &[]),
            &a::MAIL,
            &[" "],
        )),
    ]
}

fn no_guid() -> DirectoryObject {
    DirectoryObject::new("anna").with_text(a::USER_PRINCIPAL_NAME, ANNA)
}

fn groups_and_contacts() -> Vec<Case> {
    let sales = |number| other(number, Group, &["SMTP:sales@contoso.com"]);
    let with_sid = |number| {
        let mut object = group();
        object.push(a::OBJECT_SID, AttributeValue::bytes(sid(number).to_bytes()));
        object
    };
    let from_ad =
        |number| changed(synchronized(sales(1)), |object| object.security_identifier = Some(sid(number)));
    vec![
        Case::of("a group by address", vec![sales(1)], Match).object(group()).with(1, PrimarySmtp),
        Case::of("soft matches of groups are blocked, too", vec![sales(1)], Conflict)
            .object(group())
            .flags(|flags| flags.block_soft_match = Some(true))
            .conflict(("SMTP:sales@contoso.com", 1, MatchBlocked, "quarantined")),
        Case::of("groups hold no roles that count", vec![sales(1)], Match)
            .object(group())
            .with(1, PrimarySmtp),
        Case::of("a group without mail", vec![sales(1)], New).object(with(
            with(group(), &a::MAIL, &[]),
            &a::PROXY_ADDRESSES,
            &[],
        )),
        Case::of(
            "a group has no UPN that matches",
            vec![other(1, Group, &[]), cloud(2, "sales@fabrikam.com")],
            New,
        )
        .object(group().with_text(a::USER_PRINCIPAL_NAME, "sales@fabrikam.com")),
        Case::of("groups were not read", vec![cloud(1, ANNA)], NotForecast).object(group()),
        Case::of(
            "a group and a user with its address",
            vec![addresses(cloud(1, "x@contoso.com"), &["SMTP:sales@contoso.com"])],
            Conflict,
        )
        .object(group())
        .conflict(("SMTP:sales@contoso.com", 1, ObjectTypeMismatch, "ObjectTypeMismatch")),
        Case::of(
            "a user and a group with a secondary address as primary one",
            vec![other(1, Group, &["SMTP:reed@contoso.com"])],
            Conflict,
        )
        .conflict((SECOND, 1, ObjectTypeMismatch, "ObjectTypeMismatch")),
        Case::of(
            "a user and a group with an address as secondary one",
            vec![other(1, Group, &["smtp:reed@contoso.com"])],
            Conflict,
        )
        .conflict((SECOND, 1, AddressConflict, "quarantined")),
        Case::of(
            "a synchronized group of which nobody knows the original",
            vec![synchronized(sales(1))],
            Outcome::Unknown,
        )
        .object(group())
        .with(1, PrimarySmtp)
        .unknown(&[Anchor]),
        Case::of("a synchronized group with the same SID", vec![from_ad(5)], Update)
            .object(with_sid(5))
            .itself(1),
        Case::of(
            "the same SID, and an anchor of another attribute",
            vec![changed(synchronized(foreign(1, ANNA)), |object| object.security_identifier = Some(sid(5)))],
            Update,
        )
        .object(anna_with_sid(5))
        .itself(1),
        Case::of(
            "the same SID, no longer synchronized",
            vec![changed(foreign(1, ANNA), |object| object.security_identifier = Some(sid(5)))],
            Conflict,
        )
        .object(anna_with_sid(5))
        .conflict((ANNA, 1, OtherAnchor, NEW_UPN)),
        Case::of("a synchronized group with another SID", vec![from_ad(6)], Conflict)
            .object(with_sid(5))
            .conflict(("SMTP:sales@contoso.com", 1, OtherAnchor, "quarantined")),
        Case::of("a contact by address", vec![other(1, Contact, &["SMTP:carl@fabrikam.com"])], Match)
            .object(contact())
            .with(1, PrimarySmtp),
        Case::of(
            "a contact and a guest with its address",
            vec![
                addresses(cloud(1, "carl_fabrikam.com#EXT#@contoso.com"), &["SMTP:carl@fabrikam.com"]),
                other(2, Contact, &[]),
            ],
            Conflict,
        )
        .object(contact())
        .conflict(("SMTP:carl@fabrikam.com", 1, ObjectTypeMismatch, "ObjectTypeMismatch")),
        Case::of("contacts were not read", vec![cloud(1, ANNA)], NotForecast).object(contact()),
    ]
}

fn anna_with_sid(number: u32) -> DirectoryObject {
    let mut object = anna();
    object.push(a::OBJECT_SID, AttributeValue::bytes(sid(number).to_bytes()));
    object
}

fn word(effect: &ConflictEffect) -> String {
    match effect {
        ConflictEffect::Rejected { error } => error.clone(),
        ConflictEffect::UpnReplaced { pattern } => pattern.clone(),
        ConflictEffect::Quarantined => "quarantined".to_owned(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_case_is_forecast_as_the_documents_say() {
    let cases: Vec<Case> =
        hard_matches().into_iter().chain(soft_matches()).chain(groups_and_contacts()).collect();
    assert!(cases.len() >= 60, "{}", cases.len());
    for case in cases {
        let forecast = Forecaster::new(case.cloud, case.flags).forecast(&case.object);
        let what = case.what;
        assert_eq!(forecast.outcome, case.outcome, "{what}: {forecast}");
        let cloud = forecast.cloud.as_ref().map(|cloud| (cloud.id, forecast.matched_by));
        assert_eq!(cloud, case.with.map(|(number, by)| (id(number), by)), "{what}");
        assert_eq!(forecast.unknown, case.unknown, "{what}");
        let conflicts: Vec<_> = (forecast.conflicts.iter())
            .map(|conflict| {
                (conflict.value.clone(), conflict.cloud.id, conflict.reason, word(&conflict.effect))
            })
            .collect();
        let wanted: Vec<_> = (case.conflicts.iter())
            .map(|(value, number, reason, effect)| {
                ((*value).to_owned(), id(*number), *reason, (*effect).to_owned())
            })
            .collect();
        assert_eq!(conflicts, wanted, "{what}");
    }
}

#[test]
fn an_internationalized_domain_is_the_same_in_either_spelling() {
    let object = DirectoryObject::new("CN=Anna,DC=corp,DC=local")
        .with_guid(guid(9))
        .with_text(a::OBJECT_CLASS, "user")
        .with_text(a::USER_PRINCIPAL_NAME, "anna@bücher.com");
    let forecaster = Forecaster::new([cloud(1, "anna@xn--bcher-kva.com")], known());
    assert_eq!(forecaster.forecast(&object).outcome, Match);
}
