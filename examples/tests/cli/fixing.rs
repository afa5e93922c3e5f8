//! `readiness fix`: what a scan finds is fixed by a plan, and an undo gives it back.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use futures_util::TryStreamExt;
use onramp::readiness::Finding;
use onramp::readiness::report::{Diff, read_json};
use onramp_core::forest::ObjectQuery;
use onramp_core::{AttributeName, ObjectGuid};
use onramp_samba::{Entry, Forest, Scope, attribute_line};

use crate::samba::desk;
use crate::world::{Cloud, Desk, SPEC, World};

const ATTRIBUTES: [&str; 8] = [
    "userPrincipalName",
    "mail",
    "proxyAddresses",
    "displayName",
    "givenName",
    "sn",
    "title",
    "sAMAccountName",
];

/// Objects by name, each attribute with its values in order.
type Dump = BTreeMap<String, Vec<(String, Vec<Vec<u8>>)>>;

fn dump(world: &World) -> Dump {
    let attributes = ATTRIBUTES.map(|name| AttributeName::parse(name).unwrap());
    world.cloud.runtime.block_on(async {
        let mut objects = world.forest.forest().objects.search(ObjectQuery::all(attributes));
        let mut dump = Dump::new();
        while let Some(object) = objects.try_next().await.unwrap() {
            let values = object.attributes.iter().map(|(name, values)| {
                let mut values: Vec<Vec<u8>> = values.iter().map(|value| value.as_bytes().to_vec()).collect();
                values.sort();
                (name.to_string(), values)
            });
            dump.insert(object.dn.to_string(), values.collect());
        }
        dump
    })
}

/// A user of the lab with values of attributes.
fn user(world: &World, account: &str, upn: &str, rest: &[(&str, &[&str])]) -> ObjectGuid {
    let staff = format!("CN=Users,{}", world.forest.base()).parse().unwrap();
    let guid = world.forest.create_user(&staff, account, Some(upn)).unwrap();
    for (attribute, values) in rest {
        for host in world.forest.controllers() {
            world.forest.set_on(&host, &guid, attribute, values).unwrap();
        }
    }
    guid
}

/// Scans the forest, and returns the findings.
fn scan(desk: &Desk) -> Vec<Finding> {
    let file = desk.path("report.json");
    let file = file.to_str().unwrap();
    desk.readiness(&["scan", "--output", "json", "--to", file, "--fail-on", "error"]);
    read_json(fs::read(file).unwrap().as_slice()).unwrap()
}

#[test]
fn what_a_scan_finds_is_fixed_with_consent_and_an_undo_gives_it_back() {
    let world = World::new(10);
    let bad = [("mail", &["dorothea b@contoso.com"][..]), ("displayName", &[" Dorothea"])];
    let guid = user(&world, "dorothea", "dorothea@contoso.com", &bad);
    let before = dump(&world);
    let fix = ["fix", "--min-confidence", "low"];
    let refused = world.desk.readiness(&fix).with_code(2).saying(&["--accept attributes-changed:", "mail"]);
    assert_eq!(dump(&world), before, "nothing was accepted yet");
    let mut arguments: Vec<String> = fix.iter().map(ToString::to_string).collect();
    arguments.extend(refused.wanted_flags());
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    world.desk.readiness(&arguments).with_code(0).saying(&[
        "change attributes of",
        "the fixed objects have the values of their fixes",
        "findings fixed",
    ]);
    assert!(world.desk.last("report.html").is_file() && world.desk.last("journal.jsonl").is_file());
    let host = &world.forest.controllers()[0];
    let mail = world.forest.values_on(host, &guid, "mail").unwrap();
    assert!(!mail[0].contains(' '), "{mail:?}");
    world.desk.readiness(&fix).with_code(0).saying(&["nothing has to be changed"]);

    let made = world.desk.runs().into_iter().rev().nth(1).unwrap();
    world
        .desk
        .undo(&[made.file_name().unwrap().to_str().unwrap(), "--yes"])
        .with_code(0)
        .saying(&["now have their values from before the run"]);
    assert_eq!(dump(&world), before);
}

#[test]
fn numbers_of_objects_are_right_also_for_many_and_a_wait_is_no_change() {
    let world = World::new(5);
    let base = world.forest.base();
    let mut csv =
        "DISTINGUISHEDNAME,COMMONNAME,OBJECTCLASS,ATTRIBUTE,ERROR,VALUE,UPDATE,PROPOSEDACTION,ACTION\r\n"
            .to_owned();
    let guids: Vec<ObjectGuid> = (0..1012)
        .map(|number| {
            let (account, old) = (format!("many{number}"), format!("Many {number} "));
            csv.push_str(&format!(
                "\"CN={account},CN=Users,{base}\",x,user,displayName,Blank,{old},{},EDIT,EDIT\r\n",
                old.trim()
            ));
            user(&world, &account, &format!("{account}@contoso.com"), &[("displayName", &[&old])])
        })
        .collect();
    fs::write(world.desk.path("edits.csv"), csv).unwrap();
    let fix = ["fix", "--idfix-file", "edits.csv"];
    world.desk.readiness(&[&fix[..], &["--plan-only"]].concat()).with_code(0);
    let plan = world.desk.last("plan.jsonl");
    for guid in &guids {
        for host in world.forest.controllers() {
            world.forest.set_on(&host, guid, "displayName", &["Other"]).unwrap();
        }
    }
    world.desk.onboard(&["--plan", plan.to_str().unwrap(), "--yes"]).with_code(1).saying(&[
        "1012/1012 objects",
        "0 changes done, 0 already correct, 1012 skipped",
        "and 1002 more, each in the journal",
    ]);

    user(&world, "upn", "u pn@contoso.com", &[]);
    let one = ["fix", "--rule", "upn-character", "--min-confidence", "low", "--yes"];
    world.desk.readiness(&one).with_code(0).saying(&["1 change and 1 wait or test done"]);
}

#[test]
fn a_plan_of_fixes_is_reviewed_first_and_applied_as_it_is() {
    let world = World::new(10);
    let bad = [("mail", &["dorothea b@contoso.com"][..])];
    let guid = user(&world, "dorothea", "dorothea@contoso.com", &bad);
    let before = dump(&world);
    world
        .desk
        .readiness(&["fix", "--plan-only", "--min-confidence", "low", "--rule", "no-such-rule"])
        .with_code(1);
    world.desk.readiness(&["fix", "--plan-only", "--min-confidence", "low"]).with_code(0);
    assert_eq!(dump(&world), before);
    let (plan, file) = (world.desk.plan(), world.desk.last("plan.jsonl"));
    assert!(plan.objects_changed() > 0 && plan.users_changed() == 0);
    let file = file.to_str().unwrap().to_owned();
    world
        .desk
        .onboard(&["--plan", &file, "--yes"])
        .with_code(0)
        .saying(&["the fixed objects have the values"]);
    let host = &world.forest.controllers()[0];
    assert!(!world.forest.values_on(host, &guid, "mail").unwrap()[0].contains(' '));
    assert!(world.forest_offers_nothing(), "nothing else is done");
}

#[test]
fn the_name_that_the_program_signs_in_with_is_not_changed() {
    let world = World::new(10);
    let login = world.forest.administrator().name;
    let (account, base) =
        (login.rsplit('\\').next().unwrap().split('@').next().unwrap().to_owned(), world.forest.base());
    let csv = format!(
        "DISTINGUISHEDNAME,COMMONNAME,OBJECTCLASS,ATTRIBUTE,ERROR,VALUE,UPDATE,PROPOSEDACTION,ACTION\r\n\
         \"CN={account},CN=Users,{base}\",x,user,sAMAccountName,Character,{account},other,EDIT,EDIT\r\n"
    );
    fs::write(world.desk.path("edits.csv"), csv).unwrap();
    let before = dump(&world);
    world
        .desk
        .readiness(&["fix", "--idfix-file", "edits.csv", "--yes"])
        .with_code(1)
        .saying(&["signs in with"]);
    assert_eq!(dump(&world), before);
}

#[test]
fn edits_of_idfix_are_made_and_taken_back() {
    let world = World::new(10);
    let proxies = ["SMTP:egon@contoso.com", "smtp:e gon@contoso.com"];
    let guid = user(
        &world,
        "egon",
        "egon@contoso.com",
        &[("proxyAddresses", &proxies), ("mail", &["x y@contoso.com"])],
    );
    let before = dump(&world);
    let dn = format!("CN=egon,CN=Users,{}", world.forest.base());
    let header =
        "DISTINGUISHEDNAME,COMMONNAME,OBJECTCLASS,ATTRIBUTE,ERROR,VALUE,UPDATE,PROPOSEDACTION,ACTION\r\n";
    let rows = format!(
        "{header}\"{dn}\",egon,user,proxyAddresses,Character,smtp:e gon@contoso.com,smtp:e.gon@contoso.com,EDIT,EDIT\r\n\
         \"{dn}\",egon,user,mail,Character,x y@contoso.com,xy@contoso.com,EDIT,EDIT\r\n\
         \"CN=gone,CN=Users,{}\",gone,user,mail,Character,a@contoso.com,b@contoso.com,EDIT,EDIT\r\n",
        world.forest.base()
    );
    fs::write(world.desk.path("edits.csv"), &rows).unwrap();
    let fix = ["fix", "--idfix-csv", "edits.csv"];
    world.desk.readiness(&fix).with_code(2).saying(&[
        "objects-left-behind:1",
        "no such object exists",
        "objectGUID",
    ]);
    world.desk.readiness(&[&fix[..], &["--yes"]].concat()).with_code(0);
    let host = &world.forest.controllers()[0];
    let mut now = world.forest.values_on(host, &guid, "proxyAddresses").unwrap();
    now.sort();
    assert_eq!(now, ["SMTP:egon@contoso.com", "smtp:e.gon@contoso.com"]);
    assert_eq!(world.forest.values_on(host, &guid, "mail").unwrap(), ["xy@contoso.com"]);
    world.desk.readiness(&[&fix[..], &["--undo", "--yes"]].concat()).with_code(0);
    assert_eq!(dump(&world), before);

    // A file of which not every row is understood changes nothing.
    fs::write(
        world.desk.path("edits.csv"),
        format!("{rows}\"{dn}\",egon,user,unicodePwd,,a,b,EDIT,EDIT\r\n"),
    )
    .unwrap();
    world
        .desk
        .readiness(&[&fix[..], &["--yes"]].concat())
        .with_code(1)
        .saying(&["1 error", "Nothing was changed"]);
    assert_eq!(dump(&world), before);
    world.desk.readiness(&["fix", "--undo", "--yes"]).with_code(1).saying(&["onramp undo RUN"]);
}

/// Class, name and attributes of an object.
type Planted = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

/// The bad objects of the real forest.
const BAD: &[Planted] = &[
    ("user", "fix-mail", &[("mail", "fix mail@contoso.com"), ("userPrincipalName", "fix-mail@contoso.com")]),
    (
        "user",
        "fix-proxy",
        &[
            ("userPrincipalName", "fix-proxy@contoso.com"),
            ("mail", "fix-proxy@contoso.com"),
            ("proxyAddresses", "SMTP:fix-proxy@contoso.com"),
            ("proxyAddresses", "smtp:fix proxy@contoso.com"),
            ("proxyAddresses", "smtp:fix-alias@contoso.com"),
        ],
    ),
    ("user", "fix-upn", &[("userPrincipalName", "fix upn@contoso.com")]),
    ("user", "fix-dots", &[("userPrincipalName", "fix..dots@contoso.com"), ("displayName", "Fix Dots ")]),
    ("user", "fix-umlaut", &[("userPrincipalName", "j\u{fc}rgen@contoso.com")]),
    ("contact", "fix-contact", &[("mail", "fix contact@contoso.com"), ("displayName", "Fix Contact ")]),
    ("group", "fix-group", &[("mail", "fix group@contoso.com"), ("displayName", " Fix Group")]),
];

#[test]
#[ignore = "needs root and Samba AD"]
fn bad_objects_of_a_real_forest_are_found_fixed_clean_undone_and_found_again() {
    let (cloud, forest) = (Cloud::new(), Forest::builder().controllers(1).up().unwrap());
    let desk = desk(&cloud, &forest);
    desk.configure(&desk.text(SPEC));
    let dn = |name: &str| format!("CN={name},CN=Users,{}", forest.base_dn());
    for (class, name, attributes) in BAD {
        let mut ldif = format!("dn: {}\nchangetype: add\nobjectClass: {class}\n", dn(name));
        if *class != "contact" {
            ldif.push_str(&format!("sAMAccountName: {name}\n"));
        }
        for (attribute, value) in *attributes {
            ldif.push_str(&format!("{}\n", attribute_line(attribute, value)));
        }
        forest.ldapmodify(0, &ldif).unwrap();
    }
    let seeded: BTreeSet<String> = BAD.iter().map(|(_, name, _)| dn(name)).collect();
    let of_seeded = |findings: &[Finding]| -> BTreeSet<String> {
        let fixable = findings.iter().filter(|finding| !finding.fixes.is_empty());
        fixable.map(|finding| finding.object.dn.clone()).filter(|dn| seeded.contains(dn)).collect()
    };
    let (before, found) = (real_dump(&forest), scan(&desk));
    assert_eq!(of_seeded(&found), seeded, "{found:#?}");

    let fix = ["fix", "--min-confidence", "low", "--yes"];
    desk.readiness(&fix).with_code(0).saying(&["the fixed objects have the values of their fixes"]);
    let fixed = real_dump(&forest);
    for name in &seeded {
        assert_ne!(fixed[name], before[name], "{name}");
    }
    let aliases =
        forest.ldapsearch(0, &dn("fix-proxy"), Scope::Base, "(objectClass=*)", &["proxyAddresses"]).unwrap();
    assert!(aliases[0].texts("proxyAddresses").contains(&"smtp:fix-alias@contoso.com"), "others stay");
    let second = scan(&desk);
    assert_eq!(of_seeded(&second), BTreeSet::new(), "{second:#?}");
    desk.readiness(&fix).with_code(0).saying(&["nothing has to be changed"]);

    let made = desk.runs().into_iter().rev().nth(1).unwrap();
    desk.undo(&[made.file_name().unwrap().to_str().unwrap(), "--yes"]).with_code(0);
    assert_eq!(real_dump(&forest), before, "octet by octet");
    // The directory keeps the values of an attribute in no order.
    let again = scan(&desk);
    let diff = Diff::between(&found, &again);
    assert!(diff.new.is_empty() && diff.fixed.is_empty() && again.len() == found.len(), "{diff:#?}");
}

/// Reads every object below `CN=Users` with a client that shares no code with the program.
fn real_dump(forest: &Forest) -> Dump {
    let base = format!("CN=Users,{}", forest.base_dn());
    let found = forest.ldapsearch(0, &base, Scope::Subtree, "(objectClass=*)", &ATTRIBUTES).unwrap();
    let values = |entry: &Entry| {
        entry
            .attributes
            .iter()
            .map(|(name, values)| {
                let mut values = values.clone();
                values.sort();
                (name.clone(), values)
            })
            .collect()
    };
    found.iter().map(|entry| (entry.dn.clone(), values(entry))).collect()
}
