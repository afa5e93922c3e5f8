//! The program `lab`, started like anybody would start it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

fn start(arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_lab"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

#[tokio::test]
async fn it_says_where_it_is_and_serves_until_its_input_ends() {
    let mut lab = start(&["--users", "100", "--seed", "7", "--twins", "5", "--until-stdin-closes"]);
    let mut output = BufReader::new(lab.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    let said: Value = serde_json::from_str(&line).unwrap();
    let ca_file = said["ca_file"].as_str().unwrap().to_owned();
    let (tenant, forest) = (&said["tenant"], &said["forest"]);
    assert_eq!(forest["controllers"].as_array().unwrap().len(), 2);

    let certificate = reqwest::Certificate::from_pem(&std::fs::read(&ca_file).unwrap()).unwrap();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().tls_certs_only([certificate]).no_proxy().build().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let form = [
        ("grant_type", "client_credentials".to_owned()),
        ("client_id", text(&tenant["client_id"])),
        ("client_secret", text(&tenant["client_secret"])),
        ("scope", "https://graph.microsoft.com/.default".to_owned()),
    ];
    let login = format!("{}/{}/oauth2/v2.0/token", text(&tenant["login_url"]), text(&tenant["tenant_id"]));
    let token: Value = client.post(login).form(&form).send().await.unwrap().json().await.unwrap();
    let users = format!(
        "{}/v1.0/users?$filter=endsWith(mail,'@example.com')&$count=true",
        text(&tenant["graph_url"])
    );
    let request =
        client.get(users).bearer_auth(text(&token["access_token"])).header("ConsistencyLevel", "eventual");
    let found: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(found["@odata.count"], 5, "five cloud users share their mail with the forest: {found}");

    drop(lab.stdin.take());
    assert!(lab.wait().unwrap().success());
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "", "one line and no more");
    assert!(!std::path::Path::new(&ca_file).exists(), "its file goes with it");
}

#[test]
fn what_cannot_be_served_is_an_error_and_no_line() {
    let lab = start(&["--domain", "no domain"]).wait_with_output().unwrap();
    assert!(!lab.status.success() && lab.stdout.is_empty());
}

/// What the running program said, and the rest of its output.
fn said(lab: &mut Child) -> Value {
    let mut line = String::new();
    BufReader::new(lab.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap()
}

#[tokio::test]
async fn a_person_publishes_a_record_by_a_line_of_input() {
    let mut lab = Command::new(env!("CARGO_BIN_EXE_lab"))
        .args(["--users", "10", "--until-stdin-closes", "--federated", "adatum.example"])
        .args(["--subscription", "Pay-As-You-Go:Disabled", "--subscription", "Pay-As-You-Go"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let said = said(&mut lab);
    assert_eq!(said["tenant"]["subscriptions"].as_array().unwrap().len(), 2);
    let mut input = lab.stdin.take().unwrap();
    let mut answers = BufReader::new(lab.stderr.take().unwrap());
    let mut say = |line: &str| {
        writeln!(input, "{line}").unwrap();
        let mut answer = String::new();
        answers.read_line(&mut answer).unwrap();
        answer
    };
    let unknown = say("publish nowhere.example");
    assert!(unknown.contains("nowhere.example") && unknown.contains("Add the domain"), "{unknown}");
    let published = say("\r\npublish adatum.example");
    assert!(published.starts_with("lab: published the TXT record MS=ms"), "{published}");
    assert!(say("withdraw adatum.example").contains("no DNS records"));
    assert!(say("dance").contains("say “publish DOMAIN”"));
    drop(input);
    assert!(lab.wait().unwrap().success());
}

#[test]
fn a_secret_file_that_it_did_not_write_stays() {
    let folder = tempfile::tempdir().unwrap();
    let (config, secret) = (folder.path().join("onboard.toml"), folder.path().join("onboard.client-secret"));
    std::fs::write(&secret, "mine").unwrap();
    let mut lab =
        start(&["--users", "5", "--until-stdin-closes", "--write-config", config.to_str().unwrap()]);
    assert!(!lab.wait().unwrap().success());
    assert_eq!(std::fs::read_to_string(&secret).unwrap(), "mine");
    assert!(!config.exists());
}

#[test]
fn it_writes_a_configuration_and_its_secrets_for_their_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("onboard.toml");
    let start = || {
        let path = config.to_str().unwrap();
        start(&["--users", "10", "--until-stdin-closes", "--write-config", path])
    };
    for _ in 0..2 {
        let mut lab = start();
        let said = said(&mut lab);
        let text = std::fs::read_to_string(&config).unwrap();
        for value in [
            &said["tenant"]["tenant_id"],
            &said["tenant"]["client_id"],
            &said["tenant"]["public_client_id"],
            &said["tenant"]["graph_url"],
            &said["forest"]["bind_name"],
            &said["ca_file"],
            &said["forest"]["controllers"][1]["ldaps"],
        ] {
            assert!(text.contains(&value.to_string()), "{value}: {text}");
        }
        for (file, secret) in [
            ("onboard.client-secret", &said["tenant"]["client_secret"]),
            ("onboard.bind-password", &said["forest"]["bind_password"]),
        ] {
            let secret = secret.as_str().unwrap();
            let path = folder.path().join(file);
            assert_eq!(std::fs::read_to_string(&path).unwrap(), secret);
            assert!(text.contains(&format!("{{ file = \"{file}\" }}")) && !text.contains(secret), "{text}");
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt as _;
                assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            }
        }
        drop(lab.stdin.take());
        assert!(lab.wait().unwrap().success());
    }
    std::fs::write(&config, "# my own").unwrap();
    let refused = start().wait_with_output().unwrap();
    assert!(!refused.status.success() && refused.stdout.is_empty());
    assert_eq!(std::fs::read_to_string(&config).unwrap(), "# my own");
}

#[test]
fn wrong_values_are_refused_with_the_right_ones() {
    for (arguments, said) in [
        (["--publish-dns-after", "soon"], "30s"),
        (["--publish-dns-after", "99999999999999999999h"], "30s"),
        (["--subscription", "One:Broken"], "PastDue"),
        (["--subscription", ":Enabled"], "needs a name"),
        (["--federated", "no domain"], "domain"),
    ] {
        let refused = Command::new(env!("CARGO_BIN_EXE_lab")).args(arguments).output().unwrap();
        let error = String::from_utf8(refused.stderr).unwrap();
        assert!(!refused.status.success() && error.contains(said), "{arguments:?}: {error}");
    }
    let help = Command::new(env!("CARGO_BIN_EXE_lab")).arg("--help").output().unwrap();
    assert!(String::from_utf8(help.stdout).unwrap().contains("publish DOMAIN"));
}
