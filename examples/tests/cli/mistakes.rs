//! `onboard` with mistakes in its input: it names the mistake, and shows no secret.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use onramp::JournalEntry;
use onramp_lab::forest::{Fault, Operation};
use tokio_rustls::TlsAcceptor;

use crate::world::{SPEC, World};

const USERS: &str = "[spec]\ndomain = 'contoso.com'\n[spec.users]\n";

/// A mistake in the program's input: its description, the configuration file with it, and the words that must be
/// printed.
struct Mistake {
    what: &'static str,
    file: fn(&World) -> String,
    said: &'static [&'static str],
}

impl Mistake {
    const fn new(what: &'static str, file: fn(&World) -> String, said: &'static [&'static str]) -> Self {
        Self { what, file, said }
    }
}

const MISTAKES: &[Mistake] = &[
    Mistake::new(
        "malformed TOML",
        |_| "[tenant]\nid = \"contoso\nclient_id = 1\n".to_owned(),
        &["onboard.toml", "line 2, column"],
    ),
    Mistake::new(
        "a section is missing",
        |world| world.desk.text("").replace("[spec]", ""),
        &["missing field `spec`"],
    ),
    Mistake::new(
        "an unknown key in the spec",
        |world| world.desk.text(&format!("{USERS}exlude = ['x']\n")),
        &["onboard.toml", "unknown field `exlude`", "Did you mean `exclude`?", "line "],
    ),
    Mistake::new(
        "an unknown key in the forest",
        |world| world.desk.text(USERS).replace("trust_root = 'forest-ca.pem'", "trust_rot = 'forest-ca.pem'"),
        &["unknown field `trust_rot`", "Did you mean `trust_root`?"],
    ),
    Mistake::new(
        "a value that does not fit",
        |world| world.desk.text("[spec]\ndomain = 'not a domain'\n"),
        &["onboard.toml", "line ", "domain"],
    ),
    Mistake::new(
        "a secret's file is missing",
        |world| world.desk.text(USERS).replace("'bind.password'", "'nowhere.password'"),
        &["could not read the password of the bind name", "nowhere.password", "No such file"],
    ),
    Mistake::new(
        "a secret's variable is missing",
        |world| world.desk.text(USERS).replace("file = 'client.secret'", "env = 'ONRAMP_TEST_NOT_SET'"),
        &["could not read the client secret", "ONRAMP_TEST_NOT_SET is not set"],
    ),
    Mistake::new(
        "a trust root's file is missing",
        |world| world.desk.text(USERS).replace("'forest-ca.pem'", "'nowhere.pem'"),
        &["could not read the trust root", "nowhere.pem"],
    ),
    Mistake::new(
        "a trust root is none",
        |world| world.desk.text(USERS).replace("'tenant-ca.pem'", "'client.secret'"),
        &["trust root", "no certificate"],
    ),
    Mistake::new(
        "nobody listens at the domain controller's port",
        |world| redirected(world, closed_port()),
        &["dc1.corp.local", "refused"],
    ),
    Mistake::new(
        "the domain controller's certificate is another authority's",
        |world| world.desk.text(USERS).replace("'forest-ca.pem'", "'other-ca.pem'"),
        &["dc1.corp.local", "an authority that is not trusted here", "trust root"],
    ),
    Mistake::new(
        "the domain controller's certificate has expired",
        |world| redirected(world, expired(world)),
        &["dc1.corp.local", "has expired", "Renew the certificate"],
    ),
    Mistake::new(
        "the tenant's certificate is another authority's",
        |world| world.desk.text(USERS).replace("'tenant-ca.pem'", "'other-ca.pem'"),
        &["localhost", "certificate"],
    ),
    Mistake::new(
        "nobody listens at the tenant's port",
        |world| {
            let text = world.desk.text(USERS);
            let (_, rest) = text.split_once("graph = '").unwrap();
            let base = rest.split('\'').next().unwrap();
            text.replace(base, &format!("https://localhost:{}", closed_port().port()))
        },
        &["localhost", "refused"],
    ),
    Mistake::new(
        "the bind password is wrong",
        |world| {
            fs::write(world.desk.path("wrong.password"), "Not-the-password-1").unwrap();
            world.desk.text(USERS).replace("'bind.password'", "'wrong.password'")
        },
        &["dc1.corp.local", r"signing in as CORP\Administrator", "LDAP result 49", "password is wrong"],
    ),
    Mistake::new(
        "the bind name is nobody's",
        |world| world.desk.text(USERS).replace(r"CORP\Administrator", r"CORP\nobody"),
        &["dc1.corp.local", r"signing in as CORP\nobody"],
    ),
    Mistake::new(
        "the bind name has no domain",
        |world| world.desk.text(USERS).replace(r"CORP\Administrator", "Administrator"),
        &["\"Administrator\"", r"DOMAIN\user"],
    ),
    Mistake::new(
        "the client secret is wrong",
        |world| {
            fs::write(world.desk.path("wrong.secret"), "not-the-secret").unwrap();
            world.desk.text(USERS).replace("'client.secret'", "'wrong.secret'")
        },
        &["AADSTS7000215", "client secret"],
    ),
    Mistake::new(
        "the application is not the tenant's",
        |world| {
            let id = world.cloud.tenant.credentials().client_id.to_string();
            world.desk.text(USERS).replace(&id, "11111111-2222-3333-4444-555555555555")
        },
        &["AADSTS700016", "11111111-2222-3333-4444-555555555555"],
    ),
    Mistake::new(
        "the tenant is none",
        |world| {
            let id = world.cloud.tenant.credentials().tenant_id.to_string();
            world.desk.text(USERS).replace(&id, "nobody.example")
        },
        &["AADSTS90002", "nobody.example"],
    ),
    Mistake::new(
        "the OU does not exist",
        |world| world.desk.text(&format!("{USERS}ous = ['OU=Stuff,DC=corp,DC=local']\n")),
        &["OU=Stuff,DC=corp,DC=local", "no such object", "Check the distinguished name"],
    ),
    Mistake::new(
        "the selection is empty",
        |world| world.desk.text(&format!("{USERS}filter = '(department=Alchemy)'\n")),
        &["the selection is empty", "Check `ous` and `filter`"],
    ),
    Mistake::new(
        "the output folder is a file",
        |world| world.desk.text(USERS).replace("folder = 'out'", "folder = 'client.secret'"),
        &["client.secret", "make the folder"],
    ),
];

#[test]
fn a_mistake_is_named_and_nothing_is_changed() {
    let world = World::new(30);
    let before = world.state();
    for mistake in MISTAKES {
        world.desk.configure(&(mistake.file)(&world));
        let ended = world.desk.onboard(&[]);
        let report = format!("{}:\n{}", mistake.what, ended.said);
        assert_eq!(ended.code, Some(1), "{report}");
        let words = ended.said.trim();
        assert!(!words.contains("panicked") && words.lines().count() < 14, "{report}");
        for said in mistake.said {
            assert!(ended.said.contains(said), "“{said}” is missing; {report}");
        }
        assert!(world.desk.journal().is_empty(), "{report}");
    }
    assert_eq!(world.state(), before);
    world.desk.configure(&world.desk.text(USERS));
    world.desk.onboard(&["--yes"]).with_code(0);
}

#[test]
fn a_secret_that_stands_in_the_configuration_is_refused_and_not_repeated() {
    let world = World::new(0);
    let secret = "Sup3r-s3cret~Value";
    let text = world.desk.text(USERS);
    for wrong in [
        format!("'{secret}'"),
        format!("{{ env = '{secret}' }}"),
        format!("{{ value = '{secret}' }}"),
        format!("{{ file = 'client.secret', env = '{secret}' }}"),
        format!("['{secret}']"),
    ] {
        world.desk.configure(&text.replace("{ file = 'client.secret' }", &wrong));
        let ended = world.desk.onboard(&["--plan-only"]).with_code(1);
        assert!(!ended.said.contains(secret), "{wrong}: {}", ended.said);
        assert!(ended.said.contains("env"), "{wrong}: {}", ended.said);
    }
    fs::write(world.desk.path("client.secret"), format!("{secret}\nand more\n")).unwrap();
    world.desk.configure(&text);
    let ended = world.desk.onboard(&["--plan-only"]).with_code(1).saying(&["2 lines"]);
    assert!(!ended.said.contains(secret), "{}", ended.said);
}

#[test]
fn a_file_that_is_not_there_and_an_argument_that_is_none_are_named() {
    let world = World::new(0);
    world
        .desk
        .onboard(&["--config", "elsewhere.toml"])
        .with_code(1)
        .saying(&["elsewhere.toml", "No such file"]);
    world.desk.onboard(&["--acept", "x"]).with_code(2).saying(&["--acept", "--accept"]);
}

#[test]
fn what_no_consent_can_mend_blocks_the_plan() {
    let world = World::new(5);
    let before = world.state();
    world.desk.configure(&world.desk.text("[spec]\ndomain = 'corp.local'\n"));
    world.desk.onboard(&[]).with_code(2).saying(&["blocked: corp.local is not a public domain name"]);
    world.desk.configure(&world.desk.text(&SPEC.replace("Contoso subscription 1", "Contoso subscripton 1")));
    world
        .desk
        .onboard(&[])
        .with_code(2)
        .saying(&["\"Contoso subscripton 1\"", "there is \"Contoso subscription 1\""]);
    assert_eq!(world.state(), before);
}

#[test]
fn a_bind_name_without_rights_is_refused_and_the_journal_says_where() {
    let world = World::new(30);
    let nobody = world.forest.plain_user().unwrap();
    fs::write(world.desk.path("plain.password"), nobody.password.expose()).unwrap();
    let text = world.desk.text(USERS);
    let plain =
        text.replace("'bind.password'", "'plain.password'").replace(r"CORP\Administrator", &nobody.name);
    world.desk.configure(&plain);
    let consent = ["--yes"];
    let refused = world.desk.onboard(&consent).with_code(1);
    assert!(!refused.said.contains(nobody.password.expose()));
    refused.saying(&[
        "add the UPN suffix contoso.com",
        "the account may not do this",
        "LDAP result 50",
        "run the same command again",
    ]);
    let journal = world.desk.journal();
    let Some(JournalEntry::RunEnded { status }) = journal.last().map(|line| &line.entry) else {
        panic!("{journal:?}")
    };
    let ending = status.to_string();
    assert!(
        ending.starts_with("stopped at change 3 (add the UPN suffix contoso.com to the forest)"),
        "{ending}"
    );

    world.desk.configure(&text);
    world.desk.onboard(&consent).with_code(0);
}

#[test]
fn a_run_does_not_change_the_name_it_signs_in_with() {
    let world = World::new(30);
    let delegate = world.forest.delegate().unwrap();
    fs::write(world.desk.path("delegate.password"), delegate.password.expose()).unwrap();
    let account = delegate.name.strip_prefix(r"CORP\").unwrap();
    let guid = world.forest.find_account(account).unwrap();
    let host = &world.servers.controllers()[0].host;
    let upn = world.forest.values_on(host, &guid, "userPrincipalName").unwrap().remove(0);
    let before = world.state();
    let text = world.desk.text(USERS).replace("'bind.password'", "'delegate.password'");
    world.desk.configure(&text.replace(r"CORP\Administrator", &upn));
    world.desk.onboard(&["--plan-only"]).with_code(0);
    let refused = world.desk.onboard(&["--yes"]).with_code(1);
    refused.saying(&[&upn, "the UPN that this run signs in with", r"DOMAIN\user"]);
    assert_eq!(world.state(), before);
}

#[test]
fn a_domain_whose_record_nobody_published_is_named_with_the_record() {
    let world = World::new(0);
    world.cloud.tenant.auto_publish_dns(false);
    let spec = "[spec]\ndomain = 'contoso.com'\n[spec.waits]\ndomain_verification_minutes = 0\n";
    world.desk.configure(&world.desk.text(spec));
    let ended = world.desk.onboard(&["--yes"]).with_code(1);
    let record = world.cloud.tenant.verification_text("contoso.com").unwrap();
    ended.saying(&["verify the domain contoso.com", &format!("IN TXT \"{record}\""), "run again"]);
    assert!(world.forest_offers_nothing(), "the forest comes after the tenant");

    world.cloud.tenant.publish_txt("contoso.com", &record);
    world.desk.onboard(&["--yes"]).with_code(0);
}

#[test]
fn a_controller_that_is_down_is_seen_while_planning_and_can_be_left_out_by_name() {
    let world = World::new(0);
    let [_, second] = world.servers.controllers() else { panic!("two controllers") };
    let spec = "[spec]\ndomain = 'contoso.com'\n[spec.waits]\nreplication_minutes = 0\n";
    world.desk.configure(&world.desk.text(spec));
    world.forest.stop_controller(&second.host).unwrap();
    let left_out = format!("controller-left-out:{}", second.host);
    let accept = format!("--accept {left_out}");
    let rest = ["--accept", "domain-added:contoso.com", "--accept", "suffix-added:contoso.com"];
    world.desk.onboard(&rest).with_code(2).saying(&[&accept, "does not answer"]);
    assert!(world.forest_offers_nothing());

    let mut all = vec!["--accept", &left_out];
    all.extend(rest);
    world
        .desk
        .onboard(&all)
        .with_code(0)
        .saying(&["left out: dc2.corp.local", "seen on all 1 domain controllers"]);

    // Nothing is left to do, and nothing is verified on the controller that is still down.
    world.desk.onboard(&[]).with_code(2).saying(&["nothing has to be changed", &accept]);
    world
        .desk
        .onboard(&all)
        .with_code(0)
        .saying(&["suffix-added:contoso.com was accepted with an earlier plan"]);
    world.forest.start_controller(&second.host).unwrap();
    world.desk.onboard(&[]).with_code(0).saying(&["nothing has to be changed"]);
}

#[test]
fn a_controller_that_goes_down_after_planning_is_waited_for_and_named() {
    let world = World::new(0);
    let [_, second] = world.servers.controllers() else { panic!("two controllers") };
    let spec = "[spec]\ndomain = 'contoso.com'\n[spec.waits]\nreplication_minutes = 0\n";
    world.desk.configure(&world.desk.text(spec));
    world.desk.onboard(&["--plan-only"]).with_code(0);
    let plan = world.desk.last("plan.jsonl");
    world.forest.stop_controller(&second.host).unwrap();
    let saved = ["--yes", "--plan", plan.to_str().unwrap()];
    let down = ["wait for the UPN suffix contoso.com to replicate", &second.host, "1 of 2"];
    world.desk.onboard(&saved).with_code(1).saying(&down);
    world.desk.onboard(&saved).with_code(1).saying(&down);
    world.forest.start_controller(&second.host).unwrap();
    world.desk.onboard(&saved).with_code(0);
    world.desk.onboard(&[]).with_code(0).saying(&["nothing has to be changed"]);
}

/// Returns a port of this machine on which no server listens.
fn closed_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Starts a server in place of the first domain controller, with an expired certificate.
fn expired(world: &World) -> SocketAddr {
    let config = world.cloud.ca.expired_server_config(&["dc1.corp.local"]).unwrap();
    let runtime = &world.cloud.runtime;
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    runtime.spawn(async move {
        let acceptor = TlsAcceptor::from(Arc::clone(&config));
        while let Ok((stream, _)) = listener.accept().await {
            // The client ends the handshake, as it must.
            let _ = acceptor.accept(stream).await;
        }
    });
    address
}

/// Returns the configuration file with the first domain controller at another address.
fn redirected(world: &World, address: SocketAddr) -> String {
    let real = world.servers.controllers()[0].ldaps;
    world.desk.text(USERS).replace(&real.to_string(), &address.to_string())
}

#[test]
fn what_a_server_says_cannot_move_the_cursor_or_color_the_screen() {
    let world = World::new(8);
    // The suffix is refused, with a message that would clear the screen and write over it.
    let message = "00002098: \u{1b}[2J\u{1b}[1;1H\u{202e}everything is well";
    world.forest.inject(Operation::Modify, Fault::Refused { code: 50, message }, 1);
    let ended = world.desk.onboard(&["--yes"]).with_code(1).saying(&["everything is well"]);
    assert!(!ended.said.contains('\u{1b}') && !ended.said.contains('\u{202e}'), "{:?}", ended.said);
    let report = std::fs::read_to_string(world.desk.last("report.html")).unwrap();
    assert!(report.contains("everything is well"));
    assert!(!report.contains('\u{1b}') && !report.contains('\u{202e}'));
}

#[test]
fn secrets_may_be_in_files_as_windows_programs_save_them() {
    let world = World::new(6);
    for name in ["client.secret", "bind.password"] {
        let path = world.desk.path(name);
        let text = std::fs::read_to_string(&path).unwrap();
        let units =
            std::iter::once(0xFEFF).chain(text.trim_end().encode_utf16()).chain("\r\n".encode_utf16());
        std::fs::write(&path, units.flat_map(u16::to_le_bytes).collect::<Vec<u8>>()).unwrap();
    }
    world.desk.onboard(&["--plan-only"]).with_code(0);
}
