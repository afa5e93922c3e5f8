//! The forecast of the program `readiness`, from exports of a tenant.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use onramp_cli::readiness::{self, Arguments};
use serde_json::{Value, json};

const LDIF: &str = "\
dn: CN=Anna,OU=Staff,DC=corp,DC=local
objectClass: user
objectGUID:: AQEBAQEBAQEBAQEBAQEBAQ==
cn: Anna
sAMAccountName: anna
displayName: Anna Reed
userPrincipalName: anna@contoso.com

dn: CN=Bob,OU=Staff,DC=corp,DC=local
objectClass: user
objectGUID:: AgICAgICAgICAgICAgICAg==
cn: Bob
sAMAccountName: bob
displayName: Bob
userPrincipalName: bob@contoso.com
proxyAddresses: SMTP:bob@contoso.com
mail: bob@contoso.com
";

fn user(number: u8, upn: &str, proxies: &[&str]) -> Value {
    json!({
        "id": format!("00000000-0000-0000-0000-{number:012}"), "userPrincipalName": upn, "displayName": "Cloud",
        "proxyAddresses": proxies, "onPremisesImmutableId": null, "onPremisesSyncEnabled": null,
    })
}

/// Runs the program with files of a folder, and returns its exit code as [`code`] writes it.
async fn run(folder: &Path, arguments: &[&str]) -> String {
    let in_folder = |argument: &&str| match argument.split_once('.') {
        Some(_) => folder.join(argument).display().to_string(),
        None => (*argument).to_owned(),
    };
    let arguments = std::iter::once("readiness".to_owned()).chain(arguments.iter().map(in_folder));
    format!("{:?}", readiness::run(Arguments::try_parse_from(arguments).unwrap()).await)
}

fn code(code: u8) -> String {
    format!("{:?}", ExitCode::from(code))
}

fn read(folder: &Path, file: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(folder.join(file)).unwrap()).unwrap()
}

fn of_rule(report: &Value, rule: &str) -> Vec<Value> {
    report.as_array().unwrap().iter().filter(|finding| finding["rule"] == rule).cloned().collect()
}

fn world() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("staff.ldif", LDIF);
    let users = [user(1, "anna@contoso.com", &[]), user(2, "x@contoso.com", &["smtp:BOB@contoso.com"])];
    write("users.json", &json!({ "value": users }).to_string());
    write("roles.json", &json!({ "value": [] }).to_string());
    let features = json!({ "blockSoftMatchEnabled": false, "softMatchOnUpnEnabled": true });
    write("flags.json", &json!({ "value": [{ "features": features }] }).to_string());
    folder
}

#[tokio::test]
async fn files_of_a_tenant_tell_what_is_overwritten() {
    let folder = world();
    let base = ["check", "--input", "staff.ldif", "--output", "json", "--to", "report.json"];
    let check = |more: &'static [&'static str]| {
        let (arguments, folder) = ([&base[..], more].concat(), folder.path());
        async move { (run(folder, &arguments).await, read(folder, "report.json")) }
    };
    let (ended, report) = check(&[]).await;
    assert_eq!((ended, report.as_array().unwrap().len()), (code(0), 0), "{report:#}");

    let (ended, report) = check(&["--tenant-users", "users.json"]).await;
    assert_eq!(ended, code(2));
    assert_eq!(of_rule(&report, "cloud-unknown").len(), 1, "{report:#}");

    let all =
        ["--tenant-users", "users.json", "--tenant-roles", "roles.json", "--tenant-flags", "flags.json"];
    let (_, report) = check(Box::leak(Box::new(all))).await;
    let overwritten = of_rule(&report, "cloud-overwrite");
    assert_eq!(overwritten[0]["value"], "anna@contoso.com");
    assert!(overwritten[0]["explanation"].as_str().unwrap().contains("“Cloud”"));
    let conflicts = of_rule(&report, "cloud-conflict");
    assert_eq!(conflicts.len(), 2, "the UPN and the address: {report:#}");
    assert!(of_rule(&report, "cloud-unknown").is_empty());

    let (ended, report) = check(&["--tenant-users", "users.json", "--skip", "match"]).await;
    assert_eq!((ended, report.as_array().unwrap().len()), (code(0), 0));

    let arguments = [
        "check",
        "--input",
        "staff.ldif",
        "--tenant-users",
        "users.json",
        "--output",
        "markdown",
        "--to",
        "page.md",
    ];
    assert_eq!(run(folder.path(), &arguments).await, code(2));
    let page = std::fs::read_to_string(folder.path().join("page.md")).unwrap();
    assert!(page.contains("overwritten or in conflict, not known which"), "{page}");
}

#[tokio::test]
async fn an_incomplete_export_is_an_error() {
    let folder = world();
    let cut =
        json!([{ "id": "00000000-0000-0000-0000-000000000001", "userPrincipalName": "anna@contoso.com" }]);
    std::fs::write(folder.path().join("cut.json"), cut.to_string()).unwrap();
    for wrong in [
        &["--tenant-users", "cut.json"][..],
        &["--tenant-users", "missing.json"],
        &["--tenant-roles", "roles.json"],
        &["--tenant-users", "users.json", "--tenant-flags", "users.json"],
        &["--tenant-users", "users.json", "--profile", "idfix"],
    ] {
        let arguments = [&["check", "--input", "staff.ldif", "--to", "out.txt"][..], wrong].concat();
        assert_eq!(run(folder.path(), &arguments).await, code(1), "{wrong:?}");
    }
}

#[tokio::test]
async fn errors_after_synchronization_are_held_against_the_report() {
    let folder = world();
    let check = [
        "check",
        "--input",
        "staff.ldif",
        "--tenant-users",
        "users.json",
        "--output",
        "json",
        "--to",
        "before.json",
    ];
    run(folder.path(), &check).await;
    let after = |value: &str, file: &str| {
        let mut user = user(3, "bob1234@contoso.onmicrosoft.com", &[]);
        user["onPremisesProvisioningErrors"] =
            json!([{ "propertyCausingError": "UserPrincipalName", "value": value }]);
        std::fs::write(folder.path().join(file), json!([user]).to_string()).unwrap();
    };
    after("bob@contoso.com", "told.json");
    after("carl@contoso.com", "other.json");
    for (file, ended) in [("told.json", 0), ("other.json", 2)] {
        for more in [&[][..], &["--json"]] {
            let arguments =
                [&["after-sync", "--report", "before.json", "--tenant-users", file][..], more].concat();
            assert_eq!(run(folder.path(), &arguments).await, code(ended), "{file}");
        }
    }
    assert_eq!(run(folder.path(), &["after-sync", "--report", "before.json"]).await, code(1));
}
