//! The whole life of a service account, as an administrator sees it in the terminal.

use onramp_core::tenant::SignInProbe;
use onramp_core::{Password, Upn};

use crate::world::{World, files};

const UPN: &str = "onramp-sync@contoso.com";

fn spec(more: &str) -> String {
    format!(
        "[spec]\ndomain = 'contoso.com'\n[spec.service_account]\nupn = '{UPN}'\n\
         alternate_email = 'it-operations@contoso.com'\nfirst_password = 'temporary'\n{more}\
         subscriptions = [{{ subscription = 'Contoso subscription 1', role = 'Reader' }}]\n"
    )
}

/// Returns the result of a sign-in with the current password of the store.
fn sign_in(world: &World) -> (Password, SignInProbe) {
    let file = world.desk.path("out/secrets").join(format!("{UPN}.password"));
    let password = Password::new(std::fs::read_to_string(file).unwrap());
    let upn: Upn = UPN.parse().unwrap();
    let tenant = world.cloud.tenant.tenant();
    let told = world.cloud.runtime.block_on(tenant.sign_in.probe(&upn, &password)).unwrap();
    (password, told)
}

#[test]
fn an_account_is_created_proven_rotated_verified_moved_to_a_vault_and_undone() {
    let world = World::new(3);
    let before = world.state();
    let mut transcript = String::new();
    let mut step = |title: &str, said: &str| transcript += &format!("\n$ {title}\n{said}");

    world.desk.configure(&world.desk.text(&spec("")));
    let created = world.desk.onboard(&["--yes"]).with_code(0).saying(&[
        "create the service account onramp-sync@contoso.com with a temporary password",
        "test that onramp-sync@contoso.com has to change its temporary password",
        "set a strong password that does not expire for onramp-sync@contoso.com",
        "test the sign-in of onramp-sync@contoso.com",
        "per-user MFA of onramp-sync@contoso.com is off",
        "a token was issued",
    ]);
    step("onboard --yes", &created.said);
    let creation = world.desk.runs().pop().unwrap();
    let journal = std::fs::read_to_string(creation.join("journal.jsonl")).unwrap();
    assert!(journal.contains("(AADSTS50055)") && journal.contains("a token was issued"), "both are proven");
    let (first, told) = sign_in(&world);
    assert_eq!(told, SignInProbe::Accepted);
    let again = world.desk.onboard(&["--yes"]).with_code(0).saying(&["nothing has to be changed"]);
    step("onboard --yes", &again.said);

    let asked = world.desk.onboard(&["--new-password"]).with_code(2);
    let asked = asked.saying(&["cannot be undone", "--accept password-replaced:onramp-sync@contoso.com"]);
    step("onboard --new-password", &asked.said);
    assert_eq!(sign_in(&world).1, SignInProbe::Accepted, "nothing was changed without consent");
    let flags = asked.wanted_flags();
    let arguments: Vec<&str> =
        std::iter::once("--new-password").chain(flags.iter().map(String::as_str)).collect();
    let rotated = world.desk.onboard(&arguments).with_code(0).saying(&["a token was issued"]);
    step("onboard --new-password --accept password-replaced:…", &rotated.said);
    let rotation = world.desk.runs().pop().unwrap();
    let (second, told) = sign_in(&world);
    assert!(told == SignInProbe::Accepted && !second.is_same(&first));
    let rotation = rotation.file_name().unwrap().to_str().unwrap().to_owned();
    let left = world.desk.undo(&[&rotation, "--plan-only"]).saying(&["a password cannot be undone"]);
    step("undo ROTATION --plan-only", &left.said);

    let secrets = world.desk.path("out/secrets");
    let hidden: Vec<String> = files(&secrets).into_iter().map(|(_, text)| text).collect();
    assert_eq!(hidden.len(), 3, "the temporary one, the first and the second");
    std::fs::rename(&secrets, world.desk.path("vault")).unwrap();
    let moved = world.desk.onboard(&["--yes"]).with_code(0).saying(&["nothing has to be changed"]);
    step("onboard --yes    # the passwords are in a vault now", &moved.said);

    let creation = creation.file_name().unwrap().to_str().unwrap().to_owned();
    let undone = world.desk.undo(&[&creation, "--yes"]).with_code(0).saying(&["delete the account"]);
    step("undo CREATION --yes", &undone.said);
    let after = world.state();
    assert_eq!(after.users, before.users);
    let upn: Upn = UPN.parse().unwrap();
    let tenant = world.cloud.tenant.tenant();
    assert!(world.cloud.runtime.block_on(tenant.users.find(&upn)).unwrap().is_none());

    for secret in &hidden {
        assert!(!transcript.contains(secret.as_str()));
        for (path, text) in files(&world.desk.path("out")) {
            assert!(!text.contains(secret.as_str()), "there is a password in {}", path.display());
        }
    }
    println!("{transcript}");
}
