//! What a request costs does not depend on how many users the forest has: memory that is asked for while a request is
//! answered, by the server and its client in one thread. Time is not looked at.

use std::collections::HashSet;

use allocation_counter::{AllocationInfo, measure};
use ldap3::controls::{Control, ControlType, MakeCritical, PagedResults, RawControl};
use ldap3::{Ldap, LdapResult, Mod, Scope, SearchResult};
use onramp_lab::forest::LabForest;
use tokio::runtime::{Builder, Runtime};

use super::clients::{Served, serving};

const BASE: &str = "DC=corp,DC=local";
const PEOPLE: &str = "(&(objectCategory=person)(objectClass=user))";
const DIR_SYNC: &str = "1.2.840.113556.1.4.841";

/// A forest, its servers, and a client, all in one thread.
struct Scene {
    runtime: Runtime,
    served: Served,
    ldap: Ldap,
    /// The account that is read and changed: the same whatever the number of users.
    target: String,
}

/// What each request cost.
type Costs = Vec<(&'static str, AllocationInfo)>;

impl Scene {
    fn new(lab: LabForest) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let target = format!("<GUID={}>", lab.find_account("krbtgt").expect("an account"));
        let (served, ldap) = runtime.block_on(async {
            let served = serving(lab).await;
            let ldap = served.administrator().await;
            (served, ldap)
        });
        Self { runtime, served, ldap, target }
    }

    /// What a request cost, after it was made once before, so that buffers that are kept have their size.
    fn cost<T>(&mut self, request: impl AsyncFn(Ldap) -> T, expected: impl Fn(T) -> bool) -> AllocationInfo {
        let mut answer = None;
        let mut cost = AllocationInfo::default();
        for _ in 0..2 {
            let ldap = self.ldap.clone();
            let runtime = &self.runtime;
            cost = measure(|| answer = Some(runtime.block_on(request(ldap))));
            assert!(answer.take().is_some_and(&expected), "the answer is not the one that is measured");
        }
        cost
    }

    fn search(&mut self, base: &str, scope: Scope, filter: &str, entries: usize) -> AllocationInfo {
        self.cost(
            async |mut ldap| ldap.search(base, scope, filter, vec!["*"]).await.expect("an answer"),
            |SearchResult(found, result)| (found.len(), result.rc) == (entries, 0),
        )
    }

    /// A page of 1,000, the first or that after it.
    fn page(&mut self, filter: &str, cookie: &[u8]) -> (AllocationInfo, Vec<u8>) {
        let mut next = Vec::new();
        // A cookie is good once, so this is measured the first time.
        let (mut ldap, runtime) = (self.ldap.clone(), &self.runtime);
        let cost = measure(|| {
            runtime.block_on(async {
                let page = PagedResults { size: 1000, cookie: cookie.to_vec() }.critical();
                let search =
                    ldap.with_controls(page).search(BASE, Scope::Subtree, filter, vec!["cn", "mail"]);
                let SearchResult(found, result) = search.await.expect("an answer");
                assert_eq!((found.len(), result.rc), (1000, 0), "{filter}");
                let Some(Control(Some(ControlType::PagedResults), raw)) = result.ctrls.first() else {
                    panic!("{result:?}")
                };
                next = raw.parse::<PagedResults>().cookie;
            });
        });
        assert!(!next.is_empty(), "{filter}");
        (cost, next)
    }

    fn all(&mut self) -> Costs {
        let target = self.target.clone();
        let krbtgt = format!("CN=krbtgt,CN=Users,{BASE}");
        let mut costs = Costs::new();
        let swap = async |mut ldap: Ldap| -> LdapResult {
            // There and back, so that every turn makes the same changes.
            for (old, new) in [("a@corp.local", "b@corp.local"), ("b@corp.local", "a@corp.local")] {
                let delete = Mod::Delete("userPrincipalName", HashSet::from([old]));
                let add = Mod::Add("userPrincipalName", HashSet::from([new]));
                let result = ldap.modify(&target, vec![delete, add]).await.expect("an answer");
                assert_eq!(result.rc, 0, "{result:?}");
            }
            ldap.modify(&target, vec![Mod::Replace("description", HashSet::from(["x"]))])
                .await
                .expect("an answer")
        };
        let guid = self.served.lab.find_account("krbtgt").expect("an account");
        self.served.lab.set_on("dc1", &guid, "userPrincipalName", &["a@corp.local"]).expect("changed");
        costs.push(("two compare-and-swaps and a change", self.cost(swap, |result| result.rc == 0)));
        let target = self.target.clone();
        costs.push(("root DSE", self.search("", Scope::Base, "(objectClass=*)", 1)));
        costs.push(("base, by GUID", self.search(&target, Scope::Base, "(objectClass=*)", 1)));
        costs.push(("base, by DN", self.search(&krbtgt, Scope::Base, "(objectClass=*)", 1)));
        let filters = [
            ("by UPN", "(userPrincipalName=A@corp.local)", 1),
            ("by account name of a class", "(&(objectClass=user)(sAMAccountName=Krbtgt))", 1),
            ("by mail, no index", "(mail=Nobody@Nowhere.example)", 0),
            ("by ending, no index", "(userPrincipalName=*@NoWhere.example)", 0),
            ("by part, no index", "(displayName=* no such name *)", 0),
            ("by DN", "(distinguishedName=CN=krbtgt,CN=Users,DC=corp,DC=local)", 1),
            ("by group", "(memberOf=CN=Schema Admins,CN=Users,DC=corp,DC=local)", 1),
            ("by manager", "(manager=CN=krbtgt,CN=Users,DC=corp,DC=local)", 0),
            ("by bits", "(&(userAccountControl:1.2.840.113556.1.4.803:=2)(cn=KRBTGT))", 1),
            ("negated", "(!(|(objectClass=top)(mail=*)))", 0),
            ("changed later", "(uSNChanged>=99000000)", 0),
            ("made later", "(uSNCreated>=99000000)", 0),
            ("changed before", "(uSNChanged<=10)", 0),
            ("in time", "(whenChanged>=20990101000000.0Z)", 0),
        ];
        for (name, filter, entries) in filters {
            costs.push((name, self.search(BASE, Scope::Subtree, filter, entries)));
        }
        for (first, second, filter) in [
            ("first page of 1,000", "second page of 1,000", PEOPLE),
            (
                "first page of all changes",
                "second page of all changes",
                "(&(uSNChanged>=1)(objectClass=user))",
            ),
        ] {
            let (cost, cookie) = self.page(filter, b"");
            costs.push((first, cost));
            costs.push((second, self.page(filter, &cookie).0));
        }
        costs.push(("first answer by DirSync", self.cost(dir_sync, |count| count > 10)));
        costs
    }
}

/// The first piece of what changed since ever; how many objects that was.
async fn dir_sync(mut ldap: Ldap) -> usize {
    // SEQUENCE { flags 0, maximum 65,536 bytes, no cookie }
    let value = Some(vec![0x30, 10, 2, 1, 0, 2, 3, 1, 0, 0, 4, 0]);
    let control = RawControl { ctype: DIR_SYNC.to_owned(), crit: true, val: value };
    let search = ldap.with_controls(control).search(BASE, Scope::Subtree, PEOPLE, vec!["cn"]);
    let SearchResult(found, result) = search.await.expect("an answer");
    assert_eq!(result.rc, 0, "{result:?}");
    found.len()
}

fn forest(users: u64) -> LabForest {
    LabForest::builder().users(users).seed(7).controllers(2).build().expect("a forest")
}

/// Equal but for what lengths of numbers and names make, and for letting others have their turn after every 20,000 objects
/// that a search without an index looks at.
fn assert_about_equal(few: &Costs, many: &Costs, users: u64) {
    assert_eq!(few.len(), many.len());
    println!("| request | allocations | with {users} users | bytes | with {users} users |");
    for ((name, few), (_, many)) in few.iter().zip(many) {
        let (count, bytes) = (few.count_total, few.bytes_total);
        println!("| {name} | {count} | {} | {bytes} | {} |", many.count_total, many.bytes_total);
    }
    for ((name, few), (_, many)) in few.iter().zip(many) {
        assert!(many.count_total <= few.count_total + few.count_total / 50 + 30, "{name}: {few:?} {many:?}");
        assert!(
            many.bytes_total <= few.bytes_total + few.bytes_total / 50 + 4096,
            "{name}: {few:?} {many:?}"
        );
    }
}

/// `ONRAMP_LAB_USERS` sets with how many users; a million take minutes without optimisation.
#[test]
fn requests_cost_the_same_memory_however_many_users_there_are() {
    let users = std::env::var("ONRAMP_LAB_USERS").map_or(25_000, |users| users.parse().expect("a number"));
    let mut lab = None;
    let held = measure(|| lab = Some(forest(users)));
    println!("{users} users: {} bytes each", held.bytes_current / users as i64);
    let many = Scene::new(lab.expect("a forest")).all();
    let few = Scene::new(forest(2_500)).all();
    assert_about_equal(&few, &many, users);
    assert!((0..600 * users as i64).contains(&held.bytes_current), "{held:?}");
}
