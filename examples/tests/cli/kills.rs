//! Runs and undos that are killed at random moments.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use futures_util::TryStreamExt;
use nix::sys::signal::Signal;
use onramp_core::forest::{ForestUser, UserQuery};
use onramp_core::{AttributeName, Forest, ObjectGuid};
use onramp_samba::UserShape;

use crate::program::Program;
use crate::samba;
use crate::world::{Cloud, Desk, SPEC, State, World};

/// Returns a number from the environment.
fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// The size of a test: `just kills` sets larger ones.
struct Size {
    users: u64,
    /// The number of kills, half of them during the run and half during its undo.
    kills: u32,
    /// The milliseconds within which a program is killed.
    window: u64,
}

/// A sequence of numbers that a seed determines (SplitMix64).
struct Random(u64);

impl Random {
    /// Takes the seed from the environment, and prints it.
    fn new(size: &Size) -> Self {
        let seed = setting("ONRAMP_KILL_SEED", 14);
        let Size { users, kills, window } = size;
        println!("ONRAMP_KILL_SEED={seed}: {users} users, {kills} kills, each within {window} ms");
        Self(seed)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % end.max(1)
    }
}

/// The UPN of every user, and the number of times that it was written.
type Written = BTreeMap<ObjectGuid, (Option<String>, u32)>;

fn written(cloud: &Cloud, forest: &Forest) -> Written {
    let attribute = AttributeName::from_static("userPrincipalName");
    cloud.runtime.block_on(async {
        let controllers = forest.replication.controllers().await.unwrap();
        let metadata = forest.replication_metadata.as_ref().unwrap();
        let mut found = BTreeMap::new();
        let users: Vec<ForestUser> = forest.users.search(UserQuery::all()).try_collect().await.unwrap();
        for user in users {
            let stamp = metadata.stamp(&controllers[0], &user.guid, &attribute).await.unwrap();
            found.insert(user.guid, (user.upn, stamp.written.map_or(0, |written| written.version)));
        }
        found
    })
}

/// Starts a program again and again, kills it after a random time, and lets the last one end. Returns the number of kills.
fn kill_often(desk: &Desk, random: &mut Random, count: u32, window: u64, start: impl Fn() -> Program) -> u32 {
    let mut killed = 0;
    for _ in 0..count {
        let running = start();
        #[allow(
            clippy::disallowed_methods,
            reason = "the program that is killed runs by the clock of the machine"
        )]
        std::thread::sleep(Duration::from_millis(random.below(window)));
        running.kill();
        killed += u32::from(desk.checked(running.end()).code.is_none());
    }
    desk.checked(start().end()).with_code(0);
    killed
}

/// Kills a run and its undo again and again, and compares what the forest then has with what it had.
fn kill_a_run_and_its_undo(desk: &Desk, size: &Size, written: impl Fn() -> Written) {
    let mut random = Random::new(size);
    // Without an account: a password that nobody knows cannot be compared.
    let (spec, _) = SPEC.split_once("[spec.service_account]").unwrap();
    desk.configure(&desk.text(spec));
    let before = written();
    desk.onboard(&["--plan-only"]).with_code(0);
    let (plan, file) = (desk.plan(), desk.last("plan.jsonl"));
    let file = file.to_str().unwrap().to_owned();
    let planned = plan.users_changed();
    assert!(planned > size.users / 2);

    let start = || desk.start(&["--yes", "--plan", &file]);
    let mut killed = kill_often(desk, &mut random, size.kills / 2, size.window, start);
    let after = written();
    let changed: Vec<_> = before.iter().filter(|(guid, value)| after[guid].0 != value.0).collect();
    assert_eq!(changed.len() as u64, planned, "every planned change, and no other");
    // A write raises the version by one or two, as the directory counts; it is the same for all whose value is replaced.
    let mut raised: BTreeMap<bool, BTreeSet<u32>> = BTreeMap::new();
    for (guid, (upn, version)) in &changed {
        raised.entry(upn.is_some()).or_default().insert(after[*guid].1 - version);
    }
    assert!(raised.values().all(|raised| raised.len() == 1), "each was written once: {raised:?}");

    // Each of the runs made a part of it; they are undone in reverse order.
    let has_begun =
        |path: &&PathBuf| std::fs::metadata(path.join("journal.jsonl")).is_ok_and(|file| file.len() > 0);
    let runs: Vec<String> = (desk.runs().iter().rev().filter(has_begun))
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    // The first of them made nothing, or all that was left.
    let count = size.kills.div_ceil(2).div_ceil(runs.len() as u32);
    for run in &runs {
        let start = || desk.start_undo(&[run, "--yes"]);
        killed += kill_often(desk, &mut random, count, size.window, start);
    }
    let restored = written();
    // Removing a value raises it by less than replacing one.
    let mut back: BTreeMap<bool, BTreeSet<u32>> = BTreeMap::new();
    for (guid, (upn, version)) in &before {
        let ((there, written), (now, writes)) = (&after[guid], &restored[guid]);
        assert_eq!(now, upn, "{guid}");
        if there == upn {
            assert_eq!(writes, version, "{guid} is none of the run");
        } else {
            back.entry(upn.is_some()).or_default().insert(writes - written);
        }
    }
    assert!(back.values().all(|raised| raised.len() == 1), "each was undone once: {back:?}");
    assert!(killed >= size.kills / 4, "{killed} programs were killed before their end");
    println!("{killed} kills, {planned} changes and as many undone, none lost, none twice");
}

#[test]
fn whatever_is_killed_every_change_is_made_once_and_undone_once() {
    let size = Size {
        users: setting("ONRAMP_KILL_USERS", 150),
        kills: setting("ONRAMP_KILLS", 10) as u32,
        window: setting("ONRAMP_KILL_WINDOW_MS", 1_200),
    };
    let world = World::new(size.users);
    let state: State = world.state();
    if size.users < 1_000 {
        world.forest.set_latency(Duration::from_millis(2));
    }
    kill_a_run_and_its_undo(&world.desk, &size, || written(&world.cloud, &world.forest.forest()));
    assert_eq!(world.state().users, state.users);
}

#[test]
#[ignore = "needs root and Samba AD"]
fn whatever_is_killed_on_a_real_forest_every_change_is_made_once_and_undone_once() {
    let (cloud, forest) = (Cloud::new(), onramp_samba::Forest::builder().controllers(1).up().unwrap());
    let size = Size {
        users: setting("ONRAMP_SAMBA_KILL_USERS", 200),
        kills: setting("ONRAMP_SAMBA_KILLS", 8) as u32,
        window: setting("ONRAMP_SAMBA_KILL_WINDOW_MS", 2_000),
    };
    forest.add_users(size.users as usize, UserShape::ALL).unwrap();
    let desk = samba::desk(&cloud, &forest);
    let client = cloud.runtime.block_on(samba::client(&forest));
    kill_a_run_and_its_undo(&desk, &size, || written(&cloud, &client.forest()));
}

#[test]
fn a_run_that_is_suspended_does_no_change_twice() {
    for other_folder in [false, true] {
        let world = World::new(120);
        let (spec, _) = SPEC.split_once("[spec.service_account]").unwrap();
        world.desk.configure(&world.desk.text(spec));
        let text = world.desk.text(spec).replace("folder = 'out'", "folder = 'out-of-another'");
        std::fs::write(world.desk.path("another.toml"), text).unwrap();
        let before = written(&world.cloud, &world.forest.forest());
        world.forest.set_latency(Duration::from_millis(10));
        let suspended = world.desk.start(&["--yes"]);
        suspended.wait_until("users are changed", || suspended.said().contains("users,"));
        suspended.send(Signal::SIGSTOP);

        if other_folder {
            // Another program, which knows nothing of it, does the rest.
            world.desk.onboard(&["--config", "another.toml", "--yes"]).with_code(0);
            assert!(!world.desk.runs().is_empty());
        } else {
            world.desk.onboard(&["--yes"]).with_code(1).saying(&["work in the output folder"]);
        }
        let meanwhile = written(&world.cloud, &world.forest.forest());
        suspended.send(Signal::SIGCONT);
        let ended = world.desk.checked(suspended.end()).with_code(0);
        let after = written(&world.cloud, &world.forest.forest());
        if other_folder {
            assert_eq!(after, meanwhile, "nothing is written after it continues: {}", ended.said);
        }
        let changed: Vec<_> = before.iter().filter(|(guid, value)| after[guid].0 != value.0).collect();
        assert!(changed.len() > 80);
        let raised: BTreeSet<(bool, u32)> = (changed.iter())
            .map(|(guid, (upn, version))| (upn.is_some(), after[*guid].1 - version))
            .collect();
        let replaced = raised.iter().filter(|(is_replaced, _)| *is_replaced).count();
        assert_eq!(replaced, 1, "each was written once: {raised:?}");
    }
}
