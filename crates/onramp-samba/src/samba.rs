//! The parts particular to Samba: provisioning, joining, configuration.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::command::{Host, Run};
use super::names::Names;
use super::{ForestError, Login, wait};

/// The options of every controller.
///
/// Only the services that a directory needs are started: no file server, no winbind. The DNS forwarder is empty on
/// purpose: with one that does not answer, replication and Kerberos hang for minutes. Kerberos within TLS needs no
/// signing of its own, as on Windows. Changes are announced to the partner after one second instead of five, and
/// fetched without announcement every five seconds instead of every few minutes: an announcement is lost if the partner
/// has not yet computed its connections.
const OPTIONS: &[(&str, &str)] = &[
    ("interfaces", "eth0"),
    ("bind interfaces only", "yes"),
    ("server services", "rpc, ldap, cldap, kdc, drepl, kcc, dns, dnsupdate"),
    ("dcerpc endpoint servers", "-winreg,-srvsvc"),
    ("dns forwarder", ""),
    ("ldap server require strong auth", "allow_sasl_over_tls"),
    ("ldb:nosync", "true"),
    ("dreplsrv:notify_interval", "1"),
    ("dreplsrv:periodic_startup_interval", "2"),
    ("dreplsrv:periodic_interval", "5"),
];

/// Makes the domain on its first controller.
///
/// Samba draws a password for the administrator itself; [`set_admin_password`] replaces it.
pub(super) fn provision(host: &Host, names: &Names, address: &str) -> Result<(), ForestError> {
    Run::inside(host, 900, format!("provisioning {}", names.domain), "samba-tool")
        .args([
            "domain",
            "provision",
            "--server-role=dc",
            "--dns-backend=SAMBA_INTERNAL",
            "--backend-store=mdb",
        ])
        .args([format!("--realm={}", names.realm), format!("--domain={}", names.netbios)])
        .args([format!("--host-name={}", host.name), format!("--host-ip={address}")])
        .args(common(host)?)
        .output()?;
    configure(host, names)
}

/// Restores a saved directory on the first controller of a domain.
pub(super) fn restore(host: &Host, names: &Names, saved: &Path) -> Result<(), ForestError> {
    copy(saved, &host.folder.join("samba"))?;
    configure(host, names)
}

/// Copies the whole directory of a stopped controller to a path that does not exist yet. The copy is sparse, because
/// databases reserve much more room than they use.
pub(super) fn copy(from: &Path, to: &Path) -> Result<(), ForestError> {
    // Programs run in the root folder, so the paths must be absolute.
    let whole = |path: &Path| std::path::absolute(path).map_err(ForestError::io("asking for this folder"));
    let (from, to) = (whole(from)?, whole(to)?);
    Run::here(300, format!("copying {} to {}", from.display(), to.display()), "cp")
        .args(["--archive", "--sparse=always", "--no-target-directory"])
        .args([from, to])
        .output()
        .map(drop)
}

/// Makes another controller of a domain whose first one is running.
pub(super) fn join(host: &Host, names: &Names, first: &str, admin: &Login) -> Result<(), ForestError> {
    Run::inside(host, 900, format!("joining {} to {}", host.fqdn, names.domain), "samba-tool")
        .args(["domain", "join", &names.realm, "DC", "--dns-backend=SAMBA_INTERNAL", "--backend-store=mdb"])
        .args([format!("--server={first}"), format!("-U{}\\administrator", names.netbios)])
        .args(common(host)?)
        // From a file, because every user of the machine can read a command line.
        .env("PASSWD_FILE", admin.password_file())
        .output()?;
    configure(host, names)
}

/// Sets the password of the administrator through the controller's own socket, which needs no password.
pub(super) fn set_admin_password(host: &Host, admin: &Login) -> Result<(), ForestError> {
    let socket = host.folder.join("samba/private/ldap_priv/ldapi");
    let dn = super::attribute_line("dn", admin.dn());
    let password = admin.password_line();
    let ldif = format!("{dn}\nchangetype: modify\nreplace: unicodePwd\n{}\n", password.expose());
    // ldbmodify does not accept `-` for its standard input.
    Run::here(60, "setting the administrator's password", "ldbmodify")
        .args(["-H", &format!("ldapi://{}", socket.display()), "/dev/stdin"])
        .output_of(&ldif)
        .map(drop)
}

/// Adds the entries of an LDIF text to the controller's own database, while the controller runs and in one transaction.
///
/// Batch mode avoids a nested transaction for each entry, which would copy the indexes and become slower with the
/// number of entries. Nothing is added if an entry is refused.
pub(super) fn load(host: &Host, ldif: &str) -> Result<(), ForestError> {
    let path = |file: &str| host.folder.join(file).display().to_string();
    // ldbadd does not accept `-` for its standard input.
    Run::here(600, format!("adding entries on {}", host.name), "ldbadd")
        .args(["-H", &path("samba/private/sam.ldb"), "-o", "batch_mode:1"])
        .args([&format!("--configfile={}", path("smb.conf")), "/dev/stdin"])
        .output_of(ldif)
        .map(drop)
}

/// Makes the first controller compute its connections now instead of at its next round in five minutes; until then it
/// would not fetch the changes of the others.
///
/// Retries after a failure: on a busy machine, the command may exceed Samba's own limit of a minute.
pub(super) fn connect_back(host: &Host) -> Result<(), ForestError> {
    wait::until("the first controller to connect to the others", Duration::from_secs(240), || {
        tool(host, &["drs", "kcc", &host.fqdn, "--machine-pass"]).map(drop).map_err(|error| error.to_string())
    })
}

/// Runs `samba-tool` on the controller's own database.
pub(super) fn tool(host: &Host, arguments: &[&str]) -> Result<String, ForestError> {
    Run::inside(host, 120, format!("samba-tool {} on {}", arguments.join(" "), host.name), "samba-tool")
        .args(arguments)
        .args([format!("--configfile={}", host.folder.join("smb.conf").display())])
        .output()
}

fn common(host: &Host) -> Result<Vec<String>, ForestError> {
    // An empty configuration, so that the machine's own has no influence.
    let empty = host.folder.join("empty.conf");
    fs::write(&empty, "").map_err(ForestError::io(format!("writing {}", empty.display())))?;
    let mut arguments = vec![
        format!("--configfile={}", empty.display()),
        format!("--targetdir={}", host.folder.join("samba").display()),
    ];
    arguments.extend(OPTIONS.iter().map(|(name, value)| format!("--option={name}={value}")));
    Ok(arguments)
}

/// Writes the configuration the controller runs with.
fn configure(host: &Host, names: &Names) -> Result<(), ForestError> {
    let (samba, tls) = (host.folder.join("samba"), host.folder.join("tls"));
    let path = |folder: &Path, file: &str| folder.join(file).display().to_string();
    let mut lines = vec!["[global]".to_owned()];
    let mut set = |name: &str, value: &str| lines.push(format!("{name} = {value}"));
    set("netbios name", &host.name.to_ascii_uppercase());
    set("realm", &names.realm);
    set("workgroup", &names.netbios);
    set("server role", "active directory domain controller");
    set("private dir", &path(&samba, "private"));
    set("lock directory", &path(&samba, ""));
    set("state directory", &path(&samba, "state"));
    set("cache directory", &path(&samba, "cache"));
    set("binddns dir", &path(&samba, "bind-dns"));
    set("log file", &path(&host.folder, "samba.log"));
    set("tls certfile", &path(&tls, "cert.pem"));
    set("tls keyfile", &path(&tls, "key.pem"));
    set("tls cafile", &path(&tls, "ca.pem"));
    for (name, value) in OPTIONS {
        set(name, value);
    }
    lines.push("[sysvol]".to_owned());
    lines.push(format!("path = {}", path(&samba, "state/sysvol")));
    lines.push("read only = no".to_owned());
    lines.push(String::new());
    let file = host.folder.join("smb.conf");
    fs::write(&file, lines.join("\n")).map_err(ForestError::io(format!("writing {}", file.display())))
}
