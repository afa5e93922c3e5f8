//! The configuration file of `onboard`: the servers and the wanted state.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use onramp::{FolderPlanStore, PolicyRules, Spec, SpecError, SystemDns};
use onramp_ad::{AdClient, BindName, LdapSecurity};
use onramp_core::dns::Dns;
use onramp_core::{Clock, Error, ErrorKind, Password, Result};
use onramp_entra::reqwest::Proxy;
use onramp_entra::{ClientSecret, Cloud, Endpoints, EntraClient, HarRecorder, ServiceAddresses};
use serde::Deserialize;

/// The content of the configuration file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The tenant and its addresses.
    pub tenant: TenantConfig,
    /// The forest and its addresses.
    pub forest: ForestConfig,
    /// The place of the files.
    #[serde(default)]
    pub output: OutputConfig,
    /// The rules under which plans may be applied.
    #[serde(default)]
    pub policy: PolicyRules,
    /// The name server of a preflight.
    #[serde(default)]
    pub dns: DnsConfig,
    /// The wanted state.
    pub spec: Spec,
}

/// The tenant and its addresses.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TenantConfig {
    /// Tenant ID, or one of its domains.
    pub id: String,
    /// Application (client) ID.
    pub client_id: String,
    /// The place of the client secret.
    pub client_secret: SecretFrom,
    /// The name of the cloud: `global`, `usgov`, `usgov-dod` or `china`; `global` without it.
    #[serde(default, deserialize_with = "cloud")]
    pub cloud: Option<Cloud>,
    /// Addresses of a cloud without a name, of a gateway or of a lab.
    #[serde(default)]
    pub endpoints: Option<EndpointsConfig>,
    /// PEM file of the authorities to trust; those of the machine without it.
    #[serde(default)]
    pub trust_root: Option<PathBuf>,
    /// PEM file of authorities to trust beside those of the machine: that of a proxy that inspects TLS.
    #[serde(default)]
    pub extra_trust_root: Option<PathBuf>,
    /// The proxy for the tenant's services; that of the environment or the system without it.
    #[serde(default)]
    pub proxy: Option<ProxyConfig>,
    /// The public client for the trial sign-in of the service account; without it that of Microsoft's own command line
    /// tools, which some tenants and labs do not have.
    #[serde(default)]
    pub probe_client_id: Option<String>,
}

/// A proxy.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProxyConfig {
    /// The address, such as `http://proxy.corp.example:8080`.
    pub url: String,
    /// The name to sign in to it with, by HTTP Basic.
    #[serde(default)]
    pub user: Option<String>,
    /// The place of the password for `user`.
    #[serde(default)]
    pub password: Option<SecretFrom>,
}

/// Addresses of another cloud.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointsConfig {
    /// Microsoft Graph, without version.
    pub graph: String,
    /// Azure Resource Manager.
    pub arm: String,
    /// Sign-in.
    pub login: String,
}

/// The forest and its addresses.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForestConfig {
    /// DNS host name of the domain controller to begin with. If it is lost, the client goes on with another one.
    pub host: String,
    /// `ldaps` or `start-tls`.
    #[serde(default)]
    pub security: Security,
    /// The name to bind with: a DN, `DOMAIN\user` or a UPN that the plan does not change.
    pub bind: String,
    /// The place of its password.
    pub password: SecretFrom,
    /// PEM file of the authorities to trust; those of the machine without it.
    #[serde(default)]
    pub trust_root: Option<PathBuf>,
    /// The addresses of host names that DNS does not resolve here: `"dc1.corp.example" = "10.0.0.4:636"`.
    #[serde(default)]
    pub addresses: BTreeMap<String, SocketAddr>,
}

/// The name server of a preflight.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DnsConfig {
    /// The name server to ask, such as `192.0.2.53:53`; those of this computer without it.
    pub server: Option<SocketAddr>,
}

/// The security of LDAP connections. There is no unencrypted kind.
#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Security {
    /// TLS from the first byte.
    #[default]
    Ldaps,
    /// TLS before the bind.
    StartTls,
}

/// The place of a secret. The file itself never holds one.
#[derive(Debug)]
pub enum SecretFrom {
    /// The name of an environment variable.
    Env(String),
    /// The path of a file; a line break at its end is ignored.
    File(PathBuf),
}

/// The place of the files.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OutputConfig {
    /// Folder for plan, journal, report, recording and the new password.
    pub folder: PathBuf,
    /// True if each exchange with the tenant is recorded, without secrets.
    pub record_wire: bool,
    /// An existing folder that the author and the approver of a plan can access, for `separate_approver`. Without it, plans wait in
    /// the output folder, which only its owner can read.
    pub shared_plans: Option<PathBuf>,
}

impl OutputConfig {
    /// Returns the store of plans that wait for the approval of another person.
    pub fn plan_store(&self) -> FolderPlanStore {
        match &self.shared_plans {
            Some(folder) => FolderPlanStore::shared(folder),
            None => FolderPlanStore::new(self.folder.join("plans")),
        }
    }
}

impl Default for OutputConfig {
    fn default() -> Self {
        Self { folder: "onramp-out".into(), record_wire: false, shared_plans: None }
    }
}

/// The error message for a secret in the wrong form. The value is never shown, because it may be the secret itself.
const SECRET_FORM: &str =
    "write { env = \"NAME\" } or { file = \"PATH\" }; the configuration itself holds no secret";

impl<'de> Deserialize<'de> for SecretFrom {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        let wrong = || serde::de::Error::custom(SECRET_FORM);
        let table = BTreeMap::<String, toml::Value>::deserialize(from).map_err(|_| wrong())?;
        let mut entries = table.into_iter();
        match (entries.next(), entries.next()) {
            (Some((key, toml::Value::String(text))), None) => match key.as_str() {
                "env" => Ok(Self::Env(text)),
                "file" => Ok(Self::File(text.into())),
                _ => Err(wrong()),
            },
            _ => Err(wrong()),
        }
    }
}

impl Config {
    /// Reads the file; relative paths in it are relative to its folder.
    ///
    /// # Errors
    /// `NotFound` if it cannot be read; `Invalid`, with line and column, if it is wrong.
    pub fn read(path: &Path) -> Result<Self> {
        let text = onramp_files::read_text(path).map_err(|error| {
            Error::new(ErrorKind::NotFound, "read the configuration")
                .with_detail(error.to_string())
                .with_hint("The README of the repository shows a whole configuration file; --config names another one.")
        })?;
        let mut config: Self = SpecError::read_toml(&text).map_err(|error| {
            let detail = format!("{}: {error}", path.display());
            let wrong = Error::new(ErrorKind::Invalid, "read the configuration").with_detail(detail);
            match has_backslash_in_quotes(&text, error.line()) {
                true => wrong.with_hint(
                    "In double quotes a backslash begins an escape; write names such as CORP\\onramp in single quotes.",
                ),
                false => wrong,
            }
        })?;
        let plain = [config.forest.bind.as_str(), config.output.folder.to_str().unwrap_or_default()];
        if plain.iter().any(|text| text.contains(char::is_control)) {
            return Err(Error::new(ErrorKind::Invalid, "read the configuration")
                .with_detail("`bind` or `folder` holds a control character")
                .with_hint("In double quotes a backslash begins an escape; write names such as CORP\\nina in single quotes."));
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        let tenant = &mut config.tenant;
        let roots = tenant.trust_root.iter_mut().chain(&mut tenant.extra_trust_root);
        for path in roots.chain(&mut config.forest.trust_root) {
            *path = folder.join(&path);
        }
        if let Some(certificate) = config.spec.application.as_mut().and_then(|app| app.certificate.as_mut()) {
            *certificate = folder.join(&certificate);
        }
        let of_proxy = tenant.proxy.as_mut().and_then(|proxy| proxy.password.as_mut());
        for secret in [&mut tenant.client_secret, &mut config.forest.password].into_iter().chain(of_proxy) {
            if let SecretFrom::File(path) = secret {
                *path = folder.join(&path);
            }
        }
        config.output.folder = folder.join(&config.output.folder);
        config.output.shared_plans = config.output.shared_plans.map(|plans| folder.join(plans));
        let same = |one: &Path, other: &Path| match (one.canonicalize(), other.canonicalize()) {
            (Ok(one), Ok(other)) => one == other,
            _ => one == other,
        };
        if config.output.shared_plans.as_deref().is_some_and(|plans| same(plans, &config.output.folder)) {
            return Err(Error::new(ErrorKind::Invalid, "read the configuration")
                .with_detail(
                    "`shared_plans` is the same folder as `folder`: stored plans would be taken for runs",
                )
                .with_hint("Name a folder of its own."));
        }
        Ok(config)
    }

    /// Returns a client of the tenant.
    ///
    /// # Errors
    /// Wrong addresses, missing files.
    pub fn entra(&self, clock: Arc<dyn Clock>, recorder: Option<HarRecorder>) -> Result<EntraClient> {
        let tenant = &self.tenant;
        let secret =
            ClientSecret::new(&tenant.id, &tenant.client_id, tenant.client_secret.read("client secret")?);
        let mut builder = EntraClient::builder(secret).clock(clock);
        builder = match (&tenant.endpoints, tenant.cloud) {
            (Some(_), Some(_)) => {
                return Err(Error::new(ErrorKind::Invalid, "read the configuration")
                    .with_detail("`cloud` and `endpoints` both say where the tenant is")
                    .with_hint("Remove one of them."));
            }
            (Some(at), None) => builder.endpoints(Endpoints::new(ServiceAddresses {
                graph: &at.graph,
                arm: &at.arm,
                login: &at.login,
            })?),
            (None, cloud) => builder.cloud(cloud.unwrap_or_default()),
        };
        if let Some(path) = &tenant.trust_root {
            builder = builder.trust_root_pem(read_file(path, "trusted authorities")?);
        }
        if let Some(path) = &tenant.extra_trust_root {
            builder = builder.extra_trust_root_pem(read_file(path, "trusted authorities")?);
        }
        if let Some(proxy) = &tenant.proxy {
            builder = builder.proxy(proxy.read()?);
        }
        if let Some(recorder) = recorder {
            builder = builder.recorder(recorder);
        }
        let client = builder.build()?;
        Ok(match &tenant.probe_client_id {
            Some(client_id) => client.with_probe_client_id(client_id.as_str()),
            None => client,
        })
    }

    /// Returns the resolver of a preflight.
    ///
    /// # Errors
    /// `Invalid` if the name servers of this computer are not known.
    pub fn resolver(&self) -> Result<Arc<dyn Dns>> {
        Ok(Arc::new(match self.dns.server {
            Some(server) => SystemDns::at(server)?,
            None => SystemDns::new()?,
        }))
    }

    /// Connects to the forest and returns the client.
    ///
    /// # Errors
    /// Missing files, and everything that can be wrong with a connection, each with advice.
    pub async fn forest(&self, clock: Arc<dyn Clock>) -> Result<AdClient> {
        let client = self.forest_client(clock)?;
        client.root_dse().await?;
        Ok(client)
    }

    /// Returns a client of the forest, which connects when it is first used.
    ///
    /// # Errors
    /// Missing files and wrong settings.
    pub fn forest_client(&self, clock: Arc<dyn Clock>) -> Result<AdClient> {
        let forest = &self.forest;
        let security = match forest.security {
            Security::Ldaps => LdapSecurity::Ldaps,
            Security::StartTls => LdapSecurity::StartTls,
        };
        let mut builder = AdClient::builder(&forest.host)
            .security(security)
            .bind(BindName::parse(&forest.bind)?, forest.password.read("password of the bind name")?)
            .clock(clock);
        if let Some(path) = &forest.trust_root {
            builder = builder.trust_root_pem_file(path)?;
        }
        for (host, address) in &forest.addresses {
            builder = builder.address(host, *address);
        }
        builder.build()
    }
}

impl ProxyConfig {
    fn read(&self) -> Result<Proxy> {
        let wrong = |detail: &str, hint: &str| {
            let error = Error::new(ErrorKind::Invalid, "use the proxy").with_object(&self.url);
            Err(error.with_detail(detail).with_hint(hint.to_owned()))
        };
        let has_scheme = ["http://", "https://"].iter().any(|scheme| self.url.starts_with(scheme));
        if !has_scheme {
            return wrong("the address has no scheme that is known", "Write http://proxy.corp.example:8080.");
        }
        if self.url.contains('@') {
            // The address is not shown: it may hold a password.
            return Err(Error::new(ErrorKind::Invalid, "use the proxy")
                .with_detail("its address contains a user")
                .with_hint(
                    "Write `user` and `password` beside `url`; the configuration itself holds no secret.",
                ));
        }
        let proxy = match Proxy::all(&self.url) {
            Ok(proxy) => proxy,
            Err(error) => return wrong(&error.to_string(), "Write http://proxy.corp.example:8080."),
        };
        match (&self.user, &self.password) {
            (Some(user), Some(password)) => {
                Ok(proxy.basic_auth(user, password.read("password of the proxy")?.expose()))
            }
            (None, None) => Ok(proxy),
            _ => wrong("`user` and `password` belong together", "Write both or none."),
        }
    }
}

/// Reads the name of a cloud.
fn cloud<'de, D: serde::Deserializer<'de>>(from: D) -> std::result::Result<Option<Cloud>, D::Error> {
    let name = String::deserialize(from)?;
    name.parse().map(Some).map_err(|_| {
        let names = Cloud::ALL.map(Cloud::name).join(", ");
        serde::de::Error::custom(format!("there is no cloud `{name}`; the clouds are {names}"))
    })
}

impl SecretFrom {
    fn read(&self, what: &str) -> Result<Password> {
        let missing =
            |detail: String| Error::new(ErrorKind::NotFound, format!("read the {what}")).with_detail(detail);
        match self {
            Self::Env(name) => {
                // A text that is not the name of a variable may be the secret itself.
                let is_name = name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
                let shown = if is_name { name.as_str() } else { "that `env` names" };
                let text = std::env::var(name).map(zeroize::Zeroizing::new).map_err(|_| {
                    missing(format!(
                        "the environment variable {shown} is not set, or is not valid Unicode text"
                    ))
                })?;
                Ok(Password::new(text.trim_end_matches(['\r', '\n']).to_owned()))
            }
            Self::File(path) => {
                let text = onramp_files::read_secret(path).map_err(|error| missing(error.to_string()))?;
                let lines = text.lines().count();
                if lines > 1 {
                    return Err(missing(format!(
                        "{}: the file has {lines} lines, a secret has one",
                        path.display()
                    )));
                }
                if text.is_empty() {
                    return Err(missing(format!("{}: the file is empty", path.display())));
                }
                Ok(Password::new(text.as_str().to_owned()))
            }
        }
    }
}

/// Returns true if a line has a backslash between double quotes, where TOML reads it as the start of an escape.
fn has_backslash_in_quotes(text: &str, line: usize) -> bool {
    let line = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
    line.split('"').skip(1).step_by(2).any(|quoted| quoted.contains('\\'))
}

fn read_file(path: &Path, what: &str) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| {
        Error::new(ErrorKind::NotFound, format!("read the {what}"))
            .with_object(path.display())
            .with_detail(error.to_string())
    })
}
