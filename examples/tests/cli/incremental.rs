//! `readiness scan --state`: a scan that reads what changed has the findings of one that reads everything.

use std::fs;

use onramp_core::forest::ObjectQuery;
use onramp_core::{DistinguishedName, LdapFilter, ObjectGuid, Upn};
use onramp_lab::forest::{LabDomain, LabForest};
use onramp_lab::tenant::SeedUser;
use onramp_readiness::state::{ScanState, StateRecord, StateSource, StateWriter};
use proptest::prelude::*;
use serde_json::json;
use time::{Duration, OffsetDateTime};

use crate::program::Ended;
use crate::world::{SPEC, World};

/// A group may have two members, so that a few are too many.
const PROFILE: &str = "[rules.group-members]\nlimit = 2\n";
/// The names that users get: some collide, some are wrong, and some match a user of the tenant.
const NAMES: [&str; 6] = [
    "anna@contoso.onmicrosoft.com",
    "ANNA@contoso.onmicrosoft.com",
    "bert@contoso.onmicrosoft.com",
    "b..d@contoso.com",
    "no suffix",
    "\u{e9}va@corp.local",
];

/// One change of the forest or the tenant. Numbers are taken modulo what there is.
#[derive(Debug, Clone)]
enum Change {
    Create { unit: usize, name: usize },
    Delete { user: usize },
    Move { user: usize, unit: usize },
    RenameUser { user: usize, number: u8 },
    MoveUnit { unit: usize, to: usize },
    RenameUnit { unit: usize, number: u8 },
    Set { user: usize, attribute: usize, names: Vec<usize> },
    Members { users: Vec<usize> },
    CreateCloud { name: usize },
    DeleteCloud { name: usize },
    NameCloud { name: usize, number: u8 },
    ExpireDelta,
}

fn change() -> impl Strategy<Value = Change> {
    use Change as C;
    let any = any::<u8>().prop_map(usize::from).boxed();
    let name = 0..NAMES.len();
    prop_oneof![
        (any.clone(), name.clone()).prop_map(|(unit, name)| C::Create { unit, name }),
        any.clone().prop_map(|user| C::Delete { user }),
        (any.clone(), any.clone()).prop_map(|(user, unit)| C::Move { user, unit }),
        (any.clone(), 0..9_u8).prop_map(|(user, number)| C::RenameUser { user, number }),
        (any.clone(), any.clone()).prop_map(|(unit, to)| C::MoveUnit { unit, to }),
        (any.clone(), 0..9_u8).prop_map(|(unit, number)| C::RenameUnit { unit, number }),
        (any.clone(), 0..4_usize, prop::collection::vec(name.clone(), 0..3))
            .prop_map(|(user, attribute, names)| C::Set { user, attribute, names }),
        prop::collection::vec(any, 0..5).prop_map(|users| C::Members { users }),
        (0..3_usize).prop_map(|name| C::CreateCloud { name }),
        (0..3_usize).prop_map(|name| C::DeleteCloud { name }),
        (0..3_usize, 0..9_u8).prop_map(|(name, number)| C::NameCloud { name, number }),
        Just(C::ExpireDelta),
    ]
}

/// A world with a group whose members count.
struct Followed {
    world: World,
    group: (ObjectGuid, DistinguishedName),
}

impl Followed {
    /// A forest of two domains.
    fn new() -> Self {
        let child = LabDomain::new("emea.corp.local").users(4);
        let world = World::of(LabForest::builder().users(12).controllers(2).add_domain(child));
        fs::write(world.desk.path("profile.toml"), PROFILE).unwrap();
        let dn = world.forest.base().child("CN", "Users").child("CN", "Schema Admins");
        let followed = Self { group: (world.forest.find(&dn).unwrap(), dn), world };
        // One that synchronization looks at.
        let sid = [21, 1, 2, 5000_u32].into_iter().flat_map(u32::to_le_bytes);
        let sid: Vec<u8> = [1, 4, 0, 0, 0, 0, 0, 5].into_iter().chain(sid).collect();
        let (guid, dn) = &followed.group;
        followed.world.forest.set_bytes_on(followed.dc(dn), guid, "objectSid", &[&sid]).unwrap();
        followed.set(&followed.group, "isCriticalSystemObject", &[]);
        // One deleted user in each domain, which shows that an administrator sees them.
        for (unit, account) in
            ["OU=Staff,DC=corp,DC=local", "OU=Staff,DC=emea,DC=corp,DC=local"].iter().zip(["gone", "gone2"])
        {
            let unit = DistinguishedName::parse(unit).unwrap();
            let gone = followed.world.forest.create_user(&unit, account, None).unwrap();
            followed.world.forest.delete(&gone).unwrap();
        }
        followed
    }

    /// The first domain controller of an object's domain.
    fn dc(&self, dn: &DistinguishedName) -> &str {
        let domain = dn.domain_name().unwrap();
        let mut hosts = self.world.servers.controllers().iter().map(|controller| controller.host.as_str());
        hosts.find(|host| host.split_once('.').unwrap().1 == domain.as_str()).unwrap()
    }

    fn set(&self, object: &(ObjectGuid, DistinguishedName), attribute: &str, values: &[&str]) {
        self.world.forest.set_on(self.dc(&object.1), &object.0, attribute, values).unwrap();
    }

    fn all(&self, filter: &str) -> Vec<(ObjectGuid, DistinguishedName)> {
        let query = ObjectQuery::all([]).with_filter(LdapFilter::parse(filter).unwrap());
        let found = self.world.forest.forest().objects.search(query);
        let found =
            self.world.cloud.runtime.block_on(futures_util::TryStreamExt::try_collect::<Vec<_>>(found));
        let mut found: Vec<_> = found.unwrap().into_iter().map(|object| (object.guid, object.dn)).collect();
        found.sort_by_key(|(guid, _)| *guid);
        found
    }

    fn users(&self) -> Vec<(ObjectGuid, DistinguishedName)> {
        let mut users = self.all("(&(objectClass=user)(!(objectClass=computer)))");
        // The account that the scan signs in with has to stay.
        users.retain(|(_, dn)| !dn.as_str().contains("Administrator"));
        users
    }

    fn make(&self, change: &Change) {
        let (forest, tenant) = (&self.world.forest, &self.world.cloud.tenant);
        let (users, units) = (self.users(), self.all("(objectClass=organizationalUnit)"));
        let user = |number: &usize| users[number % users.len()].clone();
        let unit = |number: &usize| units[number % units.len()].clone();
        let cloud = |name: usize| Upn::parse(NAMES[name]).unwrap();
        match change {
            Change::Create { unit: at, name } => {
                let account = format!("new{}", users.len());
                forest.create_user(&unit(at).1, &account, Some(NAMES[*name])).unwrap();
            }
            Change::Delete { user: number } => forest.delete(&user(number).0).unwrap(),
            Change::Move { user: number, unit: to } => {
                let ((guid, dn), (_, to)) = (user(number), unit(to));
                if to.domain_name() == dn.domain_name() {
                    forest.move_to(&guid, &to).unwrap();
                }
            }
            Change::RenameUser { user: number, number: name } => {
                self.set(&user(number), "cn", &[&format!("Renamed, {name}")]);
            }
            Change::MoveUnit { unit: number, to } => {
                let ((guid, dn), (_, to)) = (unit(number), unit(to));
                if to.domain_name() == dn.domain_name() && !to.is_within(&dn) {
                    forest.move_to(&guid, &to).unwrap();
                }
            }
            Change::RenameUnit { unit: number, number: name } => {
                self.set(&unit(number), "ou", &[&format!("Unit, {name}")]);
            }
            Change::Set { user: number, attribute, names } => {
                let attribute = ["userPrincipalName", "mail", "proxyAddresses", "displayName"][*attribute];
                let values: Vec<String> = names
                    .iter()
                    .map(|name| match attribute {
                        "proxyAddresses" => format!("SMTP:{}", NAMES[*name]),
                        _ => NAMES[*name].to_owned(),
                    })
                    .collect();
                let most = if attribute == "proxyAddresses" { values.len() } else { values.len().min(1) };
                let values: Vec<&str> = values[..most].iter().map(String::as_str).collect();
                self.set(&user(number), attribute, &values);
            }
            Change::Members { users: numbers } => {
                let mut members: Vec<String> =
                    numbers.iter().map(|number| user(number).1.as_str().to_owned()).collect();
                members.sort();
                members.dedup();
                let members: Vec<&str> = members.iter().map(String::as_str).collect();
                self.set(&self.group, "member", &members);
            }
            // What there is already, and what there is not, stays so.
            Change::CreateCloud { name } => drop(tenant.add_user(SeedUser::new(cloud(*name)))),
            Change::DeleteCloud { name } => drop(tenant.delete_user(&cloud(*name))),
            Change::NameCloud { name, number } => {
                let properties = json!({ "displayName": format!("Cloud {number}") });
                drop(tenant.change_user(&cloud(*name), &properties));
            }
            Change::ExpireDelta => tenant.expire_delta_tokens(),
        }
    }

    /// Runs a scan with the state in a process of its own, and checks that it has the findings of a scan without one.
    fn scan(&self, arguments: &[&str]) -> Ended {
        let common = ["scan", "--profile", "profile.toml", "--output", "json", "--to"];
        let incremental = [&common[..], &["incremental.json", "--state", "scan.state"], arguments].concat();
        let ended = self.world.desk.readiness(&incremental).with_code(2);
        self.world.desk.readiness(&[&common[..], &["full.json"], arguments].concat()).with_code(2);
        let text = |name: &str| fs::read_to_string(self.world.desk.path(name)).unwrap();
        let (incremental, full) = (text("incremental.json"), text("full.json"));
        assert!(incremental == full, "{}\n{}", difference(&incremental, &full), ended.said);
        ended
    }

    fn state(&self) -> std::path::PathBuf {
        self.world.desk.path("scan.state")
    }

    /// Writes the state anew with other sources, and at another time.
    fn rewrite(&self, change: impl FnOnce(&mut Vec<StateSource>, &mut OffsetDateTime)) {
        let file = fs::read(self.state()).unwrap();
        let mut state = ScanState::read(file.as_slice()).unwrap();
        let mut writer = StateWriter::new(Vec::new()).unwrap();
        for record in state.records(file.as_slice()) {
            writer.write(&record.unwrap()).unwrap();
        }
        change(&mut state.sources, &mut state.written_at);
        fs::write(self.state(), writer.finish(state.sources, state.written_at).unwrap()).unwrap();
    }
}

/// The findings that only one of two reports has.
fn difference(incremental: &str, full: &str) -> String {
    let lines = |one: &str, other: &str| -> Vec<String> {
        let other: Vec<&str> = other.lines().collect();
        let only = one.lines().filter(|line| !other.contains(line));
        only.map(|line| line.chars().take(400).collect()).collect()
    };
    format!("only incremental: {:#?}\nonly full: {:#?}", lines(incremental, full), lines(full, incremental))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, max_shrink_iters: 60, ..ProptestConfig::with_cases(16) })]

    #[test]
    fn what_changed_gives_the_findings_of_everything(
        rounds in prop::collection::vec(prop::collection::vec(change(), 1..8), 1..4)
    ) {
        let followed = Followed::new();
        followed.scan(&[]);
        for changes in rounds {
            changes.iter().for_each(|change| followed.make(change));
            let said = followed.scan(&[]).said;
            prop_assert!(said.contains("of the forest, ") && !said.contains("all of the forest"), "{}", said);
        }
    }
}

#[test]
fn a_second_scan_says_what_it_read() {
    let followed = Followed::new();
    followed.scan(&[]).saying(&[
        "all of the forest is read: there is no state in scan.state yet",
        "all users of the tenant are read: there is no state in scan.state yet",
    ]);
    assert!(onramp_files::is_private(followed.state()).unwrap());
    let second =
        followed.scan(&[]).saying(&["of the forest, 0 changes since", "of the tenant, 0 changes since"]);
    assert!(!second.said.contains("names of all objects"), "{}", second.said);

    // Everybody below has another name, and only the unit was told.
    let staff = followed.world.forest.base().child("OU", "Staff");
    let staff = (followed.world.forest.find(&staff).unwrap(), staff);
    followed.set(&staff, "ou", &["People"]);
    followed.scan(&[]).saying(&["of the forest, 1 change since"]);
    let report = fs::read_to_string(followed.world.desk.path("incremental.json")).unwrap();
    assert!(report.contains("OU=People,DC=corp") && !report.contains("OU=Staff,DC=corp"), "{report}");

    let members: Vec<String> = followed.users().iter().take(3).map(|(_, dn)| dn.to_string()).collect();
    followed.set(&followed.group, "member", &members.iter().map(String::as_str).collect::<Vec<_>>());
    followed.world.cloud.tenant.add_user(SeedUser::new(Upn::parse(NAMES[0]).unwrap())).unwrap();
    let said = ["of the forest, 1 change since", "of the tenant, 1 change since"];
    followed.scan(&[]).saying(&said);
    let report = fs::read_to_string(followed.world.desk.path("incremental.json")).unwrap();
    assert!(report.contains("group-members"), "{report}");
    // Its members may come and go without a change of the group.
    followed.scan(&[]).saying(&["of the forest, 0 changes since", "and 1 group with many members"]);

    // Without the tenant nothing is known about it the next time.
    followed
        .scan(&["--without-tenant"])
        .saying(&["all of the forest is read: the cursor is of a query for other"]);
    followed.scan(&[]).saying(&["all users of the tenant are read: the state knows nothing about a tenant"]);
    followed.world.cloud.tenant.expire_delta_tokens();
    followed.scan(&[]).saying(&["all users of the tenant are read: the cursor of the tenant has expired"]);
}

#[test]
fn rules_of_another_profile_judge_what_was_read_before() {
    let followed = Followed::new();
    followed.scan(&[]);
    fs::write(followed.world.desk.path("profile.toml"), "[rules.address-length]\nlimit = 20\n").unwrap();
    followed.scan(&[]).saying(&["of the forest, 0 changes since"]);
    // One that reads another attribute needs all of it.
    fs::write(followed.world.desk.path("profile.toml"), "login-attribute = \"info\"\n").unwrap();
    followed
        .scan(&[])
        .saying(&["all of the forest is read: the cursor is of a query for other objects or attributes"]);
    followed.scan(&[]).saying(&["of the forest, 0 changes since"]);
}

#[test]
fn a_state_that_is_not_that_of_this_forest_and_tenant_is_not_used_and_the_scan_says_so() {
    let followed = Followed::new();
    followed.scan(&[]);
    let corp = |sources: &mut Vec<StateSource>| {
        let place = sources.iter().position(|source| source.name == "DC=corp,DC=local").unwrap();
        sources.swap_remove(place)
    };
    type Change<'a> = Box<dyn FnOnce(&mut Vec<StateSource>, &mut OffsetDateTime) + 'a>;
    let with = |change: fn(&mut StateSource)| -> Change<'_> {
        Box::new(move |sources, _| {
            let mut source = corp(sources);
            change(&mut source);
            sources.push(source);
        })
    };
    let cases: Vec<(Change<'_>, &str)> = vec![
        (
            with(|source| source.identity.push('0')),
            "the state is of another forest with a domain DC=corp,DC=local",
        ),
        (with(|source| source.account.push('0')), "another account read the state"),
        (with(|source| source.cursor = json!("none")), "the state has no cursor of DC=corp,DC=local"),
        (
            with(|source| source.cursor["position"]["dir-sync"] = json!("00ff")),
            "the domain controller does not accept the cursor",
        ),
        (
            with(|source| source.name = "DC=gone,DC=local".to_owned()),
            "the state knows nothing about DC=corp,DC=local",
        ),
        (
            Box::new(|sources, _| {
                let mut source = corp(sources);
                sources.push(source.clone());
                source.name = "DC=gone,DC=local".to_owned();
                sources.push(source);
            }),
            "the forest has no domain DC=gone,DC=local any more",
        ),
        (Box::new(|_, at| *at -= Duration::days(31)), "it is 31 days old"),
        (Box::new(|_, at| *at += Duration::days(1)), "it is from the future"),
    ];
    for (change, why) in cases {
        followed.rewrite(change);
        followed.scan(&[]).saying(&["all of the forest is read:", why]);
    }
    followed.rewrite(|sources, _| {
        let tenant = sources.iter_mut().find(|source| source.name == "tenant").unwrap();
        tenant.identity.push('0');
    });
    followed
        .scan(&[])
        .saying(&["of the forest, 0 changes", "tenant are read: the state is of another tenant"]);
}

#[test]
fn a_file_that_is_no_whole_state_is_not_used_and_the_scan_says_so() {
    let followed = Followed::new();
    followed.scan(&[]);
    let whole = fs::read_to_string(followed.state()).unwrap();
    let newer = whole.replacen("\"format_version\":1", "\"format_version\":9", 1);
    let cut = &whole[..whole.len() / 2 - 3];
    let other = whole.replacen("CN=", "CN-", 1);
    let swapped = whole.replacen("Staff", "staff", 1);
    for (text, why) in [
        ("", "it is no state of a scan"),
        ("# notes\n", "it is no state of a scan"),
        (newer.as_str(), "it has version 9 of the format, and this program reads version 1"),
        (cut, "it is damaged: "),
        (other.as_str(), "it is damaged: a line holds something else"),
        (swapped.as_str(), "it is damaged: its digest is another one"),
    ] {
        fs::write(followed.state(), text).unwrap();
        followed.scan(&[]).saying(&["all of the forest is read: the state in scan.state is not used: ", why]);
        followed.scan(&[]).saying(&["of the forest, 0 changes since"]);
    }
    // Nobody knows what became of objects in a container that the state does not have.
    let file = fs::read(followed.state()).unwrap();
    let state = ScanState::read(file.as_slice()).unwrap();
    let mut writer = StateWriter::new(Vec::new()).unwrap();
    for record in state.records(file.as_slice()) {
        let record = record.unwrap();
        let is_staff =
            matches!(&record, StateRecord::Container(it) if it.dn.as_str() == "OU=Staff,DC=corp,DC=local");
        if !is_staff {
            writer.write(&record).unwrap();
        }
    }
    // Somebody of its domain has to stand right in it.
    let staff = DistinguishedName::parse("OU=Staff,DC=corp,DC=local").unwrap();
    let is_near = |user: &(_, DistinguishedName)| user.1.domain_context() == staff.domain_context();
    let anybody = followed.users().into_iter().find(is_near).unwrap();
    followed.world.forest.move_to(&anybody.0, &staff).unwrap();
    fs::write(followed.state(), writer.finish(state.sources, state.written_at).unwrap()).unwrap();
    followed.scan(&[]).saying(&["the state is not used: nothing is known about the container of CN="]);
}

#[test]
fn an_account_that_is_not_told_what_was_deleted_reads_which_objects_there_are() {
    let followed = Followed::new();
    let plain = followed.world.forest.plain_user().unwrap();
    let desk = &followed.world.desk;
    followed.scan(&[]);
    fs::write(desk.path("plain.password"), plain.password.expose()).unwrap();
    let text = desk.text(SPEC);
    desk.configure(
        &text.replace("'bind.password'", "'plain.password'").replace(r"CORP\Administrator", &plain.name),
    );
    followed.scan(&[]).saying(&["all of the forest is read: another account read the state"]);
    let gone = followed.users().into_iter().find(|(_, dn)| dn.as_str().contains("OU=")).unwrap();
    followed.world.forest.delete(&gone.0).unwrap();
    followed.scan(&[]).saying(&[
        "the account sees no deleted object: the names of all objects were read",
        "of the forest, 0 changes since",
    ]);
    let report = fs::read_to_string(desk.path("incremental.json")).unwrap();
    assert!(!report.contains(&gone.0.to_string()));
}

#[test]
fn a_state_has_one_scan_at_a_time_and_is_not_written_by_one_that_is_not_complete() {
    let followed = Followed::new();
    let arguments = ["scan", "--state", "scan.state", "--to", "report.txt"];
    {
        let other = onramp_files::open_private(followed.world.desk.path("scan.state.lock")).unwrap();
        other.try_lock().unwrap();
        let refused = followed.world.desk.readiness(&arguments).with_code(1);
        refused.saying(&["could not use the state scan.state", "another scan uses it"]);
        other.unlock().unwrap();
    }
    followed.scan(&[]);
    let before = fs::read(followed.state()).unwrap();
    // A name that is no text.
    let user = followed.users().into_iter().find(|(_, dn)| dn.as_str().contains("OU=")).unwrap();
    let dc = followed.dc(&user.1);
    followed.world.forest.set_bytes_on(dc, &user.0, "cn", &[b""]).unwrap();
    let ended = followed.world.desk.readiness(&arguments).with_code(1);
    ended.saying(&["all of the forest is read: could not read the object", "the state is not written"]);
    assert_eq!(fs::read(followed.state()).unwrap(), before);
    followed.set(&user, "cn", &["Readable"]);
    followed.scan(&[]).saying(&["of the forest, 1 change since"]);
}

#[test]
fn what_cannot_be_followed_is_refused() {
    let followed = Followed::new();
    let desk = &followed.world.desk;
    let idfix = ["scan", "--state", "scan.state", "--profile", "idfix"];
    desk.readiness(&idfix)
        .with_code(1)
        .saying(&["could not use --state", "the order in which the directory is read"]);
    desk.readiness(&["scan", "--state", "scan.state", "--below", "OU=Staff,DC=corp,DC=local"]).with_code(1);
    fs::write(desk.path("staff.ldif"), "dn: CN=a\nobjectClass: user\n").unwrap();
    let file = ["check", "--input", "staff.ldif", "--state", "scan.state"];
    desk.readiness(&file).with_code(1).saying(&["could not use --state", "a file is read as a whole"]);
    assert!(!followed.state().exists());
}
