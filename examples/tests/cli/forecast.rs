//! The forecast of `readiness scan`: the cloud users that synchronization overwrites.

use std::fs;
use std::process::Command;

use onramp_core::Upn;
use onramp_core::tenant::RoleTemplateId;
use onramp_lab::tenant::SeedUser;
use serde_json::Value;

use crate::world::World;

/// The findings about the tenant, by rule and value, and what was said on standard error.
fn scan(world: &World, arguments: &[&str]) -> (Vec<(String, String)>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_readiness"))
        .args(["scan", "--output", "json", "--tag", "match"])
        .args(arguments)
        .current_dir(world.desk.path(""))
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let findings: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}"));
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap_or_default().to_owned();
    (findings.iter().map(|finding| (text(finding, "rule"), text(finding, "value"))).collect(), said)
}

#[test]
fn a_scan_forecasts_what_the_tenant_lets_it_see() {
    let world = World::new(5);
    let staff = world.forest.base();
    for account in ["twin", "boss"] {
        let upn = format!("{account}@contoso.onmicrosoft.com");
        world.forest.create_user(&staff, account, Some(&upn)).unwrap();
        let mut user = SeedUser::new(Upn::parse(&upn).unwrap());
        if account == "boss" {
            user = user.with_role(RoleTemplateId::GLOBAL_ADMINISTRATOR);
        }
        world.cloud.tenant.add_user(user).unwrap();
    }
    let of = |rule: &str, account: &str| (rule.to_owned(), format!("{account}@contoso.onmicrosoft.com"));

    // An application may not read the switches.
    let (found, said) = scan(&world, &[]);
    assert_eq!(found, [of("cloud-conflict", "boss"), of("cloud-unknown", "twin")], "{said}");

    let flags = r#"{"features": {"blockSoftMatchEnabled": false, "softMatchOnUpnEnabled": true}}"#;
    fs::write(world.desk.path("flags.json"), flags).unwrap();
    let (found, said) = scan(&world, &["--tenant-flags", "flags.json"]);
    assert_eq!(found, [of("cloud-conflict", "boss"), of("cloud-overwrite", "twin")], "{said}");

    let (found, said) = scan(&world, &["--without-tenant"]);
    assert!(found.is_empty(), "{said}");
}
