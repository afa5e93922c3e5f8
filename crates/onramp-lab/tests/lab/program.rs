//! The program `lab`, started like anybody would start it.

use std::io::{BufRead as _, BufReader, Read as _};
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
