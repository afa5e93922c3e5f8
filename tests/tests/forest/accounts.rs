//! The accounts of a real directory: expired, disabled, critical, those of services and computers; and its answers to
//! accounts that may not sign in.

use std::collections::BTreeMap;

use futures_util::TryStreamExt;
use onramp_core::forest::{AccountKind, ForestUser, UserQuery};
use onramp_core::{DistinguishedName, ErrorKind, ObjectGuid};
use onramp_samba::{Forest, Rights, Scope, attribute_line};

use crate::shared::{client, client_of, forest, run};

/// The first moment of 2024, in hundreds of nanoseconds since 1601.
const NEW_YEAR: &str = "133485408000000000";

#[test]
#[ignore = "needs root and Samba AD"]
fn accounts_are_what_the_directory_says() {
    let forest = forest();
    let base = forest.base_dn();
    for name in ["kept", "expired", "unlimited", "disabled", "with-spn", "in-container"] {
        forest.add_login(&format!("account-{name}"), Rights::Ordinary).unwrap();
    }
    set(&forest, &format!("CN=account-expired,CN=Users,{base}"), "accountExpires", NEW_YEAR);
    forest.samba_tool(0, &["user", "setexpiry", "account-unlimited", "--noexpiry"]).unwrap();
    forest.samba_tool(0, &["user", "disable", "account-disabled"]).unwrap();
    forest.samba_tool(0, &["spn", "add", "MSSQLSvc/db1.corp.example.com:1433", "account-with-spn"]).unwrap();
    let services = format!("CN=Managed Service Accounts,{base}");
    let dn = attribute_line("dn", &format!("CN=account-in-container,CN=Users,{base}"));
    let to = format!("newrdn: CN=account-in-container\ndeleteoldrdn: 1\nnewsuperior: {services}\n");
    forest.ldapmodify(0, &format!("{dn}\nchangetype: modrdn\n{to}\n")).unwrap();

    let managed = [
        ("account-standalone", "msDS-ManagedServiceAccount", ""),
        ("account-group", "msDS-GroupManagedServiceAccount", "msDS-ManagedPasswordInterval: 30\n"),
    ];
    for (name, class, more) in managed {
        let names = format!("dn: CN={name},{services}\nobjectClass: {class}\nsAMAccountName: {name}$\n");
        forest.ldapmodify(0, &format!("{names}{more}\n")).unwrap();
    }
    forest.samba_tool(0, &["computer", "create", "account-pc"]).unwrap();

    let accounts = accounts(&forest);
    let of = |name: &str| accounts.get(name).unwrap_or_else(|| panic!("{name}: {:?}", accounts.keys()));
    let kinds = [
        ("account-standalone$", AccountKind::ManagedServiceAccount),
        ("account-group$", AccountKind::ManagedServiceAccount),
        ("account-pc$", AccountKind::Computer),
        ("DC1$", AccountKind::Computer),
        ("account-with-spn", AccountKind::User),
        ("account-in-container", AccountKind::User),
        ("account-kept", AccountKind::User),
        ("krbtgt", AccountKind::User),
    ];
    for (name, kind) in kinds {
        assert_eq!(of(name).kind, kind, "{name}");
    }
    assert_eq!(named(&accounts, |user| user.expires.is_some()), ["account-expired"]);
    assert_eq!(of("account-expired").expires, ForestUser::expiry_of(NEW_YEAR.parse().unwrap()));
    let disabled = named(&accounts, |user| !user.is_enabled());
    // Accounts of machines and services are disabled at first, unless their flags are set.
    let expected =
        ["Guest", "account-disabled", "account-group$", "account-pc$", "account-standalone$", "krbtgt"];
    assert_eq!(disabled, expected);
    // The controllers' own objects, and the accounts that every domain starts with.
    let critical = named(&accounts, |user| user.is_critical);
    assert_eq!(critical, ["Administrator", "DC1$", "DC2$", "Guest", "krbtgt"]);
    assert!(of("Administrator").is_protected && !of("account-kept").is_protected);
    let services = named(&accounts, |user| user.kind != AccountKind::Computer && user.is_service_account());
    let expected =
        ["account-group$", "account-in-container", "account-standalone$", "account-with-spn", "krbtgt"];
    assert_eq!(services, expected);
    assert_eq!(of("account-with-spn").service_principal_names, ["MSSQLSvc/db1.corp.example.com:1433"]);
    only_persons_are_streamed(&forest, &accounts);
}

#[test]
#[ignore = "needs root and Samba AD"]
fn an_account_that_may_not_sign_in_is_told_why() {
    let forest = forest();
    let connect = |login| run(client_of(&forest, 0, login).connect()).map(drop);
    let expired = forest.add_login("signs-in-expired", Rights::Ordinary).unwrap();
    let disabled = forest.add_login("signs-in-disabled", Rights::Ordinary).unwrap();
    let must_change = forest.add_login("signs-in-must-change", Rights::Ordinary).unwrap();
    for login in [&expired, &disabled, &must_change] {
        connect(login).unwrap();
    }
    set(&forest, expired.dn(), "accountExpires", NEW_YEAR);
    set(&forest, disabled.dn(), "userAccountControl", "514");
    set(&forest, must_change.dn(), "pwdLastSet", "0");
    for (login, reason) in [(&expired, "expired"), (&disabled, "disabled"), (&must_change, "must be changed")]
    {
        let error = connect(login).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
        let told = error.to_string();
        assert!(told.contains(reason) && told.contains(login.upn()), "{reason}: {told}");
    }
}

/// Returns every account of the domain that this test made or that the domain started with, by name, each read by its
/// GUID.
fn accounts(forest: &Forest) -> BTreeMap<String, ForestUser> {
    let filter = "(&(objectClass=user)(!(sAMAccountName=user*)))";
    let found = forest.ldapsearch(0, forest.base_dn(), Scope::Subtree, filter, &["objectGUID"]).unwrap();
    let users = client(forest, 0).build().unwrap().forest().users;
    let read = async |bytes: &[u8]| users.get(&ObjectGuid::from_slice(bytes).unwrap()).await.unwrap();
    let mut accounts = BTreeMap::new();
    run(async {
        for entry in &found {
            let user = read(entry.bytes("objectGUID").unwrap()).await;
            accounts.insert(user.sam_account_name.clone(), user);
        }
    });
    // Other tests have accounts of their own, on the same forest.
    let builtin = ["Administrator", "Guest", "krbtgt", "DC1$", "DC2$"];
    accounts.retain(|name, _| name.starts_with("account-") || builtin.contains(&name.as_str()));
    accounts
}

/// Checks that a stream of users yields the same values as reading each user alone, and neither computers nor managed
/// accounts.
fn only_persons_are_streamed(forest: &Forest, accounts: &BTreeMap<String, ForestUser>) {
    let query = UserQuery::below(DistinguishedName::parse(forest.base_dn()).unwrap());
    let users = client(forest, 0).build().unwrap().forest().users;
    let streamed: Vec<ForestUser> = run(users.search(query).try_collect()).unwrap();
    let streamed: Vec<&ForestUser> =
        streamed.iter().filter(|user| accounts.contains_key(&user.sam_account_name)).collect();
    let persons = accounts.values().filter(|user| user.kind == AccountKind::User);
    assert_eq!(streamed.len(), persons.count());
    for user in streamed {
        assert_eq!(user, &accounts[&user.sam_account_name]);
    }
}

fn named(accounts: &BTreeMap<String, ForestUser>, which: impl Fn(&ForestUser) -> bool) -> Vec<&str> {
    accounts.iter().filter(|(_, user)| which(user)).map(|(name, _)| name.as_str()).collect()
}

fn set(forest: &Forest, dn: &str, attribute: &str, value: &str) {
    let record = format!("changetype: modify\nreplace: {attribute}\n{attribute}: {value}\n");
    forest.ldapmodify(0, &format!("{}\n{record}\n", attribute_line("dn", dn))).unwrap();
}
