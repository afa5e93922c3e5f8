//! Mail addresses that follow the UPN, and attributes by a map, with the programs.

use std::collections::BTreeMap;
use std::fs;

use futures_util::TryStreamExt;
use onramp_core::AttributeName;
use onramp_core::forest::ObjectQuery;
use onramp_samba::{Entry, Forest, Scope, UserShape};

use crate::samba::desk;
use crate::world::{Cloud, Desk, World};

const ATTRIBUTES: [&str; 6] =
    ["userPrincipalName", "mail", "proxyAddresses", "displayName", "title", "department"];

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

fn texts(dump: &Dump, dn: &str, attribute: &str) -> Vec<String> {
    let values = dump[dn].iter().find(|(name, _)| name.eq_ignore_ascii_case(attribute));
    let text = |octets: &Vec<u8>| String::from_utf8(octets.clone()).unwrap();
    values.map(|(_, values)| values.iter().map(text).collect()).unwrap_or_default()
}

fn spec(lines: &str) -> String {
    format!("[spec]\ndomain = \"contoso.com\"\n[spec.users]\n{lines}\n")
}

/// The name of the latest run with a journal.
fn latest(desk: &Desk) -> String {
    let run = desk.runs().into_iter().rev().find(|run| run.join("journal.jsonl").exists()).unwrap();
    run.file_name().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn addresses_move_in_two_phases_with_consent_and_come_back_run_by_run() {
    let world = World::new(20);
    let staff = format!("CN=Users,{}", world.forest.base());
    let anna = world.forest.create_user(&staff.parse().unwrap(), "anna", Some("anna@corp.local")).unwrap();
    for host in world.forest.controllers() {
        world.forest.set_on(&host, &anna, "mail", &["a@old.example"]).unwrap();
        world.forest.set_on(&host, &anna, "proxyAddresses", &["SMTP:a@old.example"]).unwrap();
    }
    let (dn, before) = (format!("CN=anna,{staff}"), dump(&world));

    world.desk.configure(&world.desk.text(&spec("addresses = \"add-alias\"")));
    let flags = world.desk.onboard(&[]).with_code(2).wanted_flags();
    assert!(flags.iter().any(|flag| flag.starts_with("attributes-changed:")), "{flags:?}");
    assert_eq!(dump(&world), before, "nothing was accepted yet");
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let done = world.desk.onboard(&flags).with_code(0);
    done.saying(&["change the UPN and the addresses of", "the changed users have their new addresses"]);
    let (first, middle) = (latest(&world.desk), dump(&world));
    assert_eq!(texts(&middle, &dn, "proxyAddresses"), ["SMTP:a@old.example", "smtp:anna@contoso.com"]);
    world.desk.onboard(&["--yes"]).with_code(0).saying(&["nothing has to be changed"]);

    world.desk.configure(&world.desk.text(&spec("addresses = \"make-primary\"")));
    let refused = world.desk.onboard(&[]).with_code(2);
    let refused = refused.saying(&["--accept primary-addresses-changed:", "others see it as the sender"]);
    let flags = refused.wanted_flags();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    world.desk.onboard(&flags).with_code(0);
    let (second, now) = (latest(&world.desk), dump(&world));
    assert_eq!(texts(&now, &dn, "proxyAddresses"), ["SMTP:anna@contoso.com", "smtp:a@old.example"]);
    assert_eq!(texts(&now, &dn, "mail"), ["anna@contoso.com"]);
    let report = fs::read_to_string(world.desk.last("report.html")).unwrap();
    assert!(report.contains("a@old.example"), "the values are in the report");

    world.desk.undo(&[&second, "--yes"]).with_code(0);
    assert_eq!(dump(&world), middle);
    world.desk.undo(&[&first, "--yes", "--step", "users"]).with_code(0);
    assert_eq!(dump(&world), before);
}

#[test]
fn a_map_of_attributes_is_reviewed_applied_and_undone_and_its_mistakes_are_told_by_line() {
    let world = World::new(10);
    let staff = format!("CN=Users,{}", world.forest.base());
    world.forest.create_user(&staff.parse().unwrap(), "anna", Some("anna@corp.local")).unwrap();
    let (dn, before) = (format!("CN=anna,{staff}"), dump(&world));
    let file = |name: &str, text: &str| fs::write(world.desk.path(name), text).unwrap();

    file(
        "map.csv",
        "object,title,+member\nanna@corp.local,x,\nanna@corp.local,,\"CN=Domain Admins\"\nanna,y,\n",
    );
    world.desk.attributes(&["map.csv", "--yes"]).with_code(1).saying(&[
        "map.csv: line 4: the object is named by none of",
        "1 error",
        "Nothing was changed",
    ]);
    file("map.csv", "object,title,+member\nanna@corp.local,x,\nanna@corp.local,,\"CN=Domain Admins\"\n");
    world
        .desk
        .attributes(&["map.csv", "--yes"])
        .with_code(1)
        .saying(&["map.csv: line 3: member gives rights"]);
    assert!(world.desk.runs().is_empty(), "no run was begun");
    world.desk.attributes(&["none.csv", "--yes"]).with_code(1).saying(&["none.csv", "read the map"]);

    file(
        "map.toml",
        "[[object]]\nname = \"anna@corp.local\"\nset = { title = \"Engineer\", department = \"Research\" }\n",
    );
    let refused = world.desk.attributes(&["map.toml"]).with_code(2);
    let flags = refused.saying(&["--accept attributes-changed:1:", "line 2 of the map"]).wanted_flags();
    assert_eq!(dump(&world), before);
    let flags: Vec<&str> = ["map.toml"].into_iter().chain(flags.iter().map(String::as_str)).collect();
    world.desk.attributes(&flags).with_code(0);
    let after = dump(&world);
    assert_eq!(texts(&after, &dn, "title"), ["Engineer"]);
    assert_eq!(texts(&after, &dn, "department"), ["Research"]);
    let run = latest(&world.desk);
    world.desk.attributes(&["map.toml", "--yes"]).with_code(0).saying(&["nothing has to be changed"]);
    // Narrowed by a name that the run did not change, and then by one that it did.
    world.desk.undo(&[&run, "--user", "nobody.at.all", "--yes"]).with_code(2);
    assert_eq!(dump(&world), after);
    world.desk.undo(&[&run, "--user", "anna", "--yes"]).with_code(0);
    assert_eq!(dump(&world), before);
}

#[test]
fn a_map_for_many_begins_with_a_canary_if_the_policy_wants_one() {
    let world = World::new(40);
    let policy = "[policy]\ncanary_users = 3\ncanary_observation_minutes = 0\n";
    world.desk.configure(&format!("{}{policy}", world.desk.text(&spec(""))));
    let before = dump(&world);
    let mut map = "object,title\n".to_owned();
    let people: Vec<&String> = before.keys().filter(|dn| !texts(&before, dn, "mail").is_empty()).collect();
    assert!(people.len() > 10, "{people:?}");
    people.iter().for_each(|dn| map.push_str(&format!("\"{dn}\",Canary test\n")));
    fs::write(world.desk.path("map.csv"), map).unwrap();
    let titled = || -> usize {
        let now = dump(&world);
        now.keys().filter(|dn| texts(&now, dn, "title") == ["Canary test"]).count()
    };
    world
        .desk
        .attributes(&["map.csv", "--yes"])
        .with_code(4)
        .saying(&["canary of 3", "left for after the canary"]);
    assert_eq!(titled(), 3);
    world.desk.attributes(&["map.csv", "--yes"]).with_code(0);
    assert_eq!(titled(), people.len());
}

#[test]
#[ignore = "needs root and Samba AD"]
fn addresses_of_a_thousand_users_of_a_real_forest_move_and_come_back_octet_by_octet() {
    let (cloud, forest) = (Cloud::new(), Forest::builder().controllers(1).up().unwrap());
    let users = std::env::var("ONRAMP_SAMBA_USERS").map_or(1000, |users| users.parse().unwrap());
    let shapes =
        [UserShape::Mailbox, UserShape::Plain, UserShape::Mailbox, UserShape::NoMail, UserShape::Apostrophe];
    forest.add_users(users, &shapes).unwrap();
    let desk = desk(&cloud, &forest);
    let before = real_dump(&forest);

    desk.configure(&desk.text(&spec("addresses = \"add-alias\"")));
    desk.onboard(&["--yes"])
        .with_code(0)
        .saying(&["the changed users have their new addresses", " 0 failed"]);
    let (first, middle) = (latest(&desk), real_dump(&forest));
    assert!(desk.plan().users_changed() as usize >= users, "{}", desk.plan().users_changed());
    desk.onboard(&["--yes"]).with_code(0).saying(&["nothing has to be changed"]);

    desk.configure(&desk.text(&spec("addresses = \"make-primary\"")));
    desk.onboard(&["--yes"])
        .with_code(0)
        .saying(&["the changed users have their new addresses", " 0 failed"]);
    let (second, moved) = (latest(&desk), real_dump(&forest));
    let mut with_addresses = 0;
    for (dn, values) in &moved {
        let proxies = texts(&moved, dn, "proxyAddresses");
        if proxies.is_empty() {
            assert!(
                texts(&before, dn, "proxyAddresses").is_empty() && texts(&before, dn, "mail").is_empty(),
                "{dn}"
            );
            continue;
        }
        with_addresses += 1;
        let upn = texts(&moved, dn, "userPrincipalName").remove(0);
        let primaries: Vec<&String> = proxies.iter().filter(|proxy| proxy.starts_with("SMTP:")).collect();
        assert_eq!(primaries, [&format!("SMTP:{upn}")], "{dn}: {values:?}");
        assert_eq!(texts(&moved, dn, "mail"), [upn], "{dn}");
        // No address is lost.
        let has = |address: &str| proxies.iter().any(|proxy| proxy[5..].eq_ignore_ascii_case(address));
        for former in texts(&before, dn, "proxyAddresses") {
            assert!(has(&former[5..]), "{dn} lost {former}: {proxies:?}");
        }
        texts(&before, dn, "mail")
            .iter()
            .for_each(|mail| assert!(has(mail), "{dn} lost {mail}: {proxies:?}"));
    }
    assert!(with_addresses >= users / 5 * 4, "{with_addresses} of {users}");

    desk.undo(&[&second, "--yes"]).with_code(0).saying(&[" 0 failed"]);
    assert_eq!(real_dump(&forest), middle);
    desk.undo(&[&first, "--yes", "--step", "users"]).with_code(0).saying(&[" 0 failed"]);
    assert_eq!(real_dump(&forest), before);
}

/// Reads every user with a client that shares no code with the program.
fn real_dump(forest: &Forest) -> Dump {
    let filter = "(&(objectCategory=person)(objectClass=user))";
    let found = forest.ldapsearch(0, forest.base_dn(), Scope::Subtree, filter, &ATTRIBUTES).unwrap();
    let values = |entry: &Entry| {
        let sorted = entry.attributes.iter().map(|(name, values)| {
            let mut values = values.clone();
            values.sort();
            (name.clone(), values)
        });
        sorted.collect()
    };
    found.iter().map(|entry| (entry.dn.clone(), values(entry))).collect()
}
