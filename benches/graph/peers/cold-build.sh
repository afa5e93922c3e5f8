#!/bin/sh
# Crates and CPU seconds of a cold release build of a program that lists users: with Onramp and with its client alone, each
# without and with the adapter for azure_core, and with graph-rs-sdk. Each in a new folder, with the registry fetched before.
#
#   benches/graph/peers/cold-build.sh [FOLDER]
set -eu
root=$(cd "$(dirname "$0")/../../.." && pwd)
folder=${1:-$(mktemp -d)}

project() { # name, dependency lines, main.rs
    mkdir -p "$folder/$1/src"
    {
        printf '[package]\nname = "cold-%s"\nversion = "0.0.0"\nedition = "2024"\n[dependencies]\n' "$1"
        printf '%b' "$2"
        printf '[workspace]\n[profile.release]\nlto = false\n'
    } > "$folder/$1/Cargo.toml"
    printf '%s' "$3" > "$folder/$1/src/main.rs"
}

onramp_main='use futures_util::TryStreamExt;
use onramp_core::Password;
use onramp_entra::{ClientSecret, EntraClient};

#[tokio::main(flavor = "current_thread")]
async fn main() -> onramp_core::Result<()> {
    let secret = ClientSecret::new("contoso.onmicrosoft.com", "app", Password::new(std::env::var("SECRET").unwrap_or_default()));
    let client = EntraClient::builder(secret).build()?;
    let mut users = client.tenant().users.list();
    while let Some(user) = users.try_next().await? {
        println!("{}", user.upn);
    }
    Ok(())
}
'
lean_main='use futures_util::TryStreamExt;
use onramp_core::Password;
use onramp_graph::{ClientSecret, GraphClient};

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct User {
    user_principal_name: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> onramp_core::Result<()> {
    let secret = ClientSecret::new("contoso.onmicrosoft.com", "app", Password::new(std::env::var("SECRET").unwrap_or_default()));
    let client = GraphClient::builder(secret).build()?;
    let mut users = client.query::<User>("users").select(["userPrincipalName"]).stream();
    while let Some(user) = users.try_next().await? {
        println!("{}", user.user_principal_name);
    }
    Ok(())
}
'
common="futures-util = \"0.3\"\nonramp-core = { path = \"$root/crates/onramp-core\" }\ntokio = { version = \"1\", features = [\"rt\", \"macros\"] }\n"
project onramp "${common}onramp-entra = { path = \"$root/crates/onramp-entra\" }\n" "$onramp_main"
project onramp-lean "${common}onramp-graph = { path = \"$root/crates/onramp-graph\", default-features = false }\nserde = { version = \"1\", features = [\"derive\"] }\n" "$lean_main"
project onramp-lean-azure "${common}onramp-graph = { path = \"$root/crates/onramp-graph\", default-features = false, features = [\"azure\"] }\nserde = { version = \"1\", features = [\"derive\"] }\n" "$lean_main"
project onramp-azure "${common}onramp-entra = { path = \"$root/crates/onramp-entra\", features = [\"azure\"] }\n" "$onramp_main"
project graph-rs-sdk 'futures = "0.3"\ngraph-rs-sdk = { version = "3.0.1", default-features = false, features = ["rustls-tls"] }\nserde_json = "1"\ntokio = { version = "1", features = ["rt", "macros"] }\n' 'use futures::StreamExt;
use graph_rs_sdk::GraphClient;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let client = GraphClient::new(std::env::var("TOKEN").unwrap_or_default());
    let request = client.users().list_user();
    let mut pages = request.paging().stream::<serde_json::Value>().unwrap();
    while let Some(Ok(page)) = pages.next().await {
        println!("{:?}", page.body());
    }
}
'

for name in ${ONLY:-onramp onramp-lean onramp-lean-azure onramp-azure graph-rs-sdk}; do
    cd "$folder/$name"
    # The versions that the workspace was tested with, the small Unicode tables of `idna` among them.
    case $name in onramp*) cp "$root/Cargo.lock" . ;; esac
    cargo fetch -q
    crates=$(cargo tree -q --edges normal,build --prefix none --no-dedupe | sed 's/ (.*//' | sort -u | wc -l)
    rm -rf target
    # In this shell itself: in a pipeline or $() it would tell of another.
    times > times
    cargo build -q --release
    times >> times
    sed -n '2p;4p' times | awk -v name="$name" -v crates="$crates" '
        function seconds(text,  part) { split(text, part, /[ms]/); return part[1] * 60 + part[2] }
        { total[NR] = seconds($1) + seconds($2) }
        END { printf "%-14s %4d crates %7.1f CPU s\n", name, crates, total[2] - total[1] }'
done
