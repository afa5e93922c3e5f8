//! `readiness scan --state`: a scan that reads what changed has the findings of one that reads everything.

use std::fs;

use clap::Parser;
use onramp_cli::readiness::{self, Arguments};
use onramp_core::forest::ObjectQuery;
use onramp_core::{DistinguishedName, LdapFilter, ObjectGuid, Upn};
use onramp_lab::tenant::SeedUser;
use proptest::prelude::*;
use serde_json::json;

use crate::program::Ended;
use crate::world::World;

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
    group: ObjectGuid,
}

impl Followed {
    fn new() -> Self {
        let world = World::new(12);
        fs::write(world.desk.path("profile.toml"), PROFILE).unwrap();
        let dc = world.servers.controllers()[0].host.clone();
        let group = world.forest.base().child("CN", "Users").child("CN", "Schema Admins");
        let group = world.forest.find(&group).unwrap();
        // One that synchronization looks at.
        let sid: [u32; 4] = [21, 1, 2, 5000];
        let sid: Vec<u8> = [1, 4, 0, 0, 0, 0, 0, 5]
            .into_iter()
            .chain(sid.iter().flat_map(|part| part.to_le_bytes()))
            .collect();
        world.forest.set_bytes_on(&dc, &group, "objectSid", &[&sid]).unwrap();
        world.forest.set_on(&dc, &group, "isCriticalSystemObject", &[]).unwrap();
        Self { world, group }
    }

    fn dc(&self) -> &str {
        &self.world.servers.controllers()[0].host
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
        let (forest, tenant, dc) = (&self.world.forest, &self.world.cloud.tenant, self.dc());
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
            Change::Move { user: number, unit: to } => forest.move_to(&user(number).0, &unit(to).1).unwrap(),
            Change::RenameUser { user: number, number: name } => {
                forest.set_on(dc, &user(number).0, "cn", &[&format!("Renamed, {name}")]).unwrap();
            }
            Change::MoveUnit { unit: number, to } => {
                let ((guid, dn), (_, to)) = (unit(number), unit(to));
                if !to.is_within(&dn) {
                    forest.move_to(&guid, &to).unwrap();
                }
            }
            Change::RenameUnit { unit: number, number: name } => {
                forest.set_on(dc, &unit(number).0, "ou", &[&format!("Unit, {name}")]).unwrap();
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
                forest.set_on(dc, &user(number).0, attribute, &values).unwrap();
            }
            Change::Members { users: numbers } => {
                let mut members: Vec<String> =
                    numbers.iter().map(|number| user(number).1.as_str().to_owned()).collect();
                members.sort();
                members.dedup();
                let members: Vec<&str> = members.iter().map(String::as_str).collect();
                forest.set_on(dc, &self.group, "member", &members).unwrap();
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

    /// Runs a scan in this process, and returns its report.
    fn report(&self, arguments: &[&str]) -> String {
        let path = |name: &str| self.world.desk.path(name).display().to_string();
        let (config, profile, to) = (path("onboard.toml"), path("profile.toml"), path("report.json"));
        let fixed = ["readiness", "scan", "--config", &config, "--profile", &profile, "--to", &to];
        let arguments = fixed.into_iter().chain(["--output", "json"]).chain(arguments.iter().copied());
        let arguments = Arguments::try_parse_from(arguments).unwrap();
        let code = self.world.cloud.runtime.block_on(readiness::run(arguments));
        assert_ne!(format!("{code:?}"), format!("{:?}", std::process::ExitCode::FAILURE));
        let report = fs::read_to_string(&to).unwrap();
        fs::remove_file(to).unwrap();
        report
    }

    /// Runs a scan with the state in a process of its own.
    fn scan(&self, arguments: &[&str]) -> Ended {
        let fixed = ["scan", "--profile", "profile.toml", "--output", "markdown", "--state", "scan.state"];
        self.world.desk.readiness(&[&fixed, arguments].concat())
    }

    fn state(&self) -> std::path::PathBuf {
        self.world.desk.path("scan.state")
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
    #![proptest_config(ProptestConfig { failure_persistence: None, max_shrink_iters: 60, ..ProptestConfig::with_cases(24) })]

    #[test]
    fn what_changed_gives_the_findings_of_everything(
        rounds in prop::collection::vec(prop::collection::vec(change(), 1..8), 1..4)
    ) {
        let followed = Followed::new();
        let state = followed.state().display().to_string();
        followed.report(&["--state", &state]);
        for changes in rounds {
            changes.iter().for_each(|change| followed.make(change));
            let incremental = followed.report(&["--state", &state]);
            let full = followed.report(&[]);
            prop_assert!(incremental == full, "{}", difference(&incremental, &full));
        }
    }
}
