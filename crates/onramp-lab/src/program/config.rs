//! The configuration for `onboard` that fits a running lab.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use onramp_core::{Error, ErrorKind, Result};
use serde_json::Value;

/// The first line of every file that this program writes.
const MARK: &str = "# Written by lab for one of its runs";

/// Writes a configuration for the lab that `said` describes, and its secrets beside it.
///
/// # Errors
/// `AlreadyExists` if there is a file that this program did not write; `Unavailable` if one cannot be written.
pub(crate) fn write(path: &Path, said: &Value, domain: &str) -> Result<()> {
    let foreign = |path: &Path| {
        Err(Error::new(ErrorKind::AlreadyExists, "write the configuration")
            .with_object(path.display())
            .with_detail("there is a file that lab did not write")
            .with_hint("Name another file, or remove it."))
    };
    let (tenant, forest) = (&said["tenant"], &said["forest"]);
    let secret = beside(path, "client-secret");
    let password = beside(path, "bind-password");
    match fs::read_to_string(path) {
        Ok(text) if !text.starts_with(MARK) => return foreign(path),
        Ok(_) => {}
        // Without a configuration of ours, secrets that are there are somebody else's.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if let Some(theirs) = [&secret, &password].into_iter().find(|path| path.exists()) {
                return foreign(theirs);
            }
        }
        Err(error) => return Err(failed(path, error)),
    }
    write_private(&secret, text(&tenant["client_secret"]))?;
    write_private(&password, text(&forest["bind_password"]))?;
    let config = config(said, domain, &name_of(&secret), &name_of(&password));
    write_private(path, &config)
}

/// `onboard.toml` gives `onboard.client-secret`.
fn beside(path: &Path, extension: &str) -> PathBuf {
    path.with_extension(extension)
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn config(said: &Value, domain: &str, secret: &str, password: &str) -> String {
    let (tenant, forest) = (&said["tenant"], &said["forest"]);
    let controllers = forest["controllers"].as_array().map(Vec::as_slice).unwrap_or_default();
    let host = controllers.first().map(|first| &first["host"]).cloned().unwrap_or_default();
    // A file in the temporary directory, say, is found from wherever the configuration is read.
    let ca = std::path::absolute(text(&said["ca_file"])).unwrap_or_default();
    let ca = quoted(&ca.to_string_lossy());
    let addresses = controllers.iter().fold(String::new(), |mut lines, controller| {
        let (host, ldaps) = (quoted(text(&controller["host"])), quoted(text(&controller["ldaps"])));
        // Writing to a string cannot fail.
        let _ = writeln!(lines, "{host} = {ldaps}");
        lines
    });
    let staff = quoted(&format!("OU=Staff,{}", text(&forest["base_dn"])));
    format!(
        "{MARK}. Try it: onboard --config THIS_FILE --plan-only

[tenant]
id = {tenant_id}
client_id = {client_id}
client_secret = {{ file = {secret} }}
probe_client_id = {probe}
trust_root = {ca}

[tenant.endpoints]
graph = {graph}
arm = {arm}
login = {login}

[forest]
host = {host}
bind = {bind}
password = {{ file = {password} }}
trust_root = {ca}

[forest.addresses]
{addresses}
[spec]
# Its DNS record is published by the command \"publish\", --publish-dns-after or --auto-publish-dns of lab.
domain = {domain}

[spec.users]
ous = [{staff}]

[spec.sync]
enable = true

[spec.service_account]
upn = {account}
",
        tenant_id = quoted(text(&tenant["tenant_id"])),
        client_id = quoted(text(&tenant["client_id"])),
        secret = quoted(secret),
        probe = quoted(text(&tenant["public_client_id"])),
        graph = quoted(text(&tenant["graph_url"])),
        arm = quoted(text(&tenant["arm_url"])),
        login = quoted(text(&tenant["login_url"])),
        host = quoted(text(&host)),
        bind = quoted(text(&forest["bind_name"])),
        password = quoted(password),
        domain = quoted(domain),
        account = quoted(&format!("onramp-sync@{domain}")),
    )
}

/// A text as TOML writes it in double quotes, which is how JSON does.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// Writes a file that only its owner may read; what had its name is replaced.
fn write_private(path: &Path, content: &str) -> Result<()> {
    onramp_files::write_private(path, content.as_bytes()).map_err(|error| failed(path, error))
}

fn failed(path: &Path, error: io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, "write the configuration")
        .with_object(path.display())
        .with_detail(error.to_string())
        .with_source(error)
}
