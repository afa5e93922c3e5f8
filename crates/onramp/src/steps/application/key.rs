//! The private keys of the application: made, stored before the tenant learns the certificate, and found again.

use std::path::Path;

use onramp_core::tenant::CertificateCredential;
use onramp_core::{Error, ErrorKind, Password, Result};
use time::Duration;

use crate::apply::Context;
use crate::certificates::{CertificateRequest, PemCertificate};
use crate::event::Event;
use crate::secret_store::SecretStore;

/// The tolerance for clock differences: a certificate is valid from this long before it was made.
const SKEW: Duration = Duration::minutes(5);

/// A private key with its certificate.
pub(super) struct Key {
    /// Both in PEM, as the secret store has them.
    pub(super) pem: Password,
    pub(super) certificate: PemCertificate,
}

impl Key {
    fn read(pem: Password) -> Option<Self> {
        let certificate = PemCertificate::read(pem.expose()).filter(|certificate| certificate.has_key)?;
        Some(Self { pem, certificate })
    }

    pub(super) fn is_of(&self, held: &CertificateCredential) -> bool {
        held.thumbprint.as_deref() == Some(self.certificate.thumbprint.as_str())
    }
}

/// Returns the keys in the store: those of interrupted runs, the newest first, then the current one.
pub(super) async fn stored(secrets: &dyn SecretStore, name: &str) -> Result<Vec<Key>> {
    let mut all = secrets.pending(name).await?;
    all.extend(secrets.load(name).await?);
    Ok(all.into_iter().filter_map(Key::read).collect())
}

/// Returns the first of those keys whose certificate the tenant has.
pub(super) fn in_tenant<'a>(keys: &'a [Key], held: &[CertificateCredential]) -> Option<&'a Key> {
    keys.iter().find(|key| held.iter().any(|held| key.is_of(held)))
}

/// Returns a key that is in the store before the tenant gets its certificate: the one that an interrupted run stored, if there
/// is one, because the tenant may have its certificate already, else a new one.
pub(super) async fn next(
    context: &Context<'_>,
    name: &str,
    held: &[CertificateCredential],
    valid_days: u32,
) -> Result<Key> {
    let pending = context.secrets.pending(name).await?;
    let is_new = |key: &Key| !held.iter().any(|held| key.is_of(held));
    if let Some(key) = pending.into_iter().filter_map(Key::read).find(is_new) {
        return Ok(key);
    }
    let now = context.onramp.clock.now();
    // Whole seconds, as a certificate has them.
    let now = now.replace_nanosecond(0).unwrap_or(now);
    let request = CertificateRequest::new(name, now - SKEW, now + Duration::days(i64::from(valid_days)));
    let pem = context.onramp.certificates.generate(&request).await?;
    store(context, name, pem).await
}

/// Stores a key, and tells where.
async fn store(context: &Context<'_>, name: &str, pem: Password) -> Result<Key> {
    let key = Key::read(pem).ok_or_else(|| {
        Error::new(ErrorKind::Invalid, "make a certificate for")
            .with_object(name)
            .with_detail("what was made has no certificate with a private key in PEM")
    })?;
    let place = context.secrets.store(name, &key.pem).await?;
    context.notify(Event::KeyStored { application: name.to_owned(), place });
    Ok(key)
}

/// The certificate that the spec brings, with its key if the file has it and it is stored.
pub(super) struct Brought {
    pub(super) certificate: PemCertificate,
    pub(super) pem: Option<Password>,
}

/// Reads the certificate that the spec brings, with the text of its file.
pub(super) fn read_brought(path: &Path) -> Result<(PemCertificate, Password)> {
    let failed = |kind: ErrorKind, detail: String| {
        Error::new(kind, "read the certificate of the application")
            .with_object(path.display())
            .with_detail(detail)
    };
    let text =
        onramp_files::read_secret(path).map_err(|error| failed(ErrorKind::NotFound, error.to_string()))?;
    let certificate = PemCertificate::read(&text)
        .ok_or_else(|| failed(ErrorKind::Invalid, "the file has no certificate in PEM".to_owned()))?;
    Ok((certificate, Password::new(text.as_str().to_owned())))
}

/// Reads the certificate that the plan was made with from its file, and stores its key.
pub(super) async fn brought(
    context: &Context<'_>,
    name: &str,
    file: &str,
    thumbprint: &str,
) -> Result<Brought> {
    let (certificate, text) = read_brought(Path::new(file))?;
    if certificate.thumbprint != thumbprint {
        return Err(Error::new(ErrorKind::Stale, "read the certificate of the application")
            .with_object(file)
            .with_detail(format!(
                "it has another certificate than the plan: its SHA-256 hash is {}, not {thumbprint}",
                certificate.thumbprint
            ))
            .with_hint("Nothing was written. Run again to make a new plan."));
    }
    if !certificate.has_key {
        return Ok(Brought { certificate, pem: None });
    }
    let known = stored(context.secrets, name).await?;
    let pem = match known.into_iter().find(|key| key.certificate.thumbprint == thumbprint) {
        Some(key) => key.pem,
        // A store may cut a line break at the end.
        None => store(context, name, Password::new(text.expose().trim_end().to_owned())).await?.pem,
    };
    Ok(Brought { certificate, pem: Some(pem) })
}
