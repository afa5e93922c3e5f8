//! Certificates for the controllers. Samba's own have no subject alternative name, so rustls rejects them.

use std::fs;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use zeroize::Zeroizing;

use super::ForestError;

/// The kind of certificate that a controller presents to its clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ServerCertificate {
    /// A certificate in force, issued by the forest's authority for the controller's name.
    #[default]
    Valid,
    /// As `Valid`, but expired years ago.
    Expired,
    /// As `Valid`, but for the name of another host.
    OtherName,
    /// A certificate for the controller's name, issued by the authority of `Forest::wrong_ca_file`.
    OtherAuthority,
}

/// The forest's certificate authority, and a second one that clients do not trust.
#[derive(Debug)]
pub(super) struct Authority {
    trusted: Issuer<'static, KeyPair>,
    other: Issuer<'static, KeyPair>,
    file: PathBuf,
    wrong_file: PathBuf,
}

impl Authority {
    /// Makes both authorities and writes their certificates into `folder`.
    pub(super) fn create(folder: &Path) -> Result<Self, ForestError> {
        let (file, wrong_file) = (folder.join("ca.pem"), folder.join("wrong-ca.pem"));
        let trusted = authority("Forest test authority", &file)?;
        let other = authority("Somebody else's authority", &wrong_file)?;
        Ok(Self { trusted, other, file, wrong_file })
    }

    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    pub(super) fn wrong_file(&self) -> &Path {
        &self.wrong_file
    }

    /// Issues a certificate for the controller called `fqdn`.
    pub(super) fn issue(&self, fqdn: &str, kind: ServerCertificate) -> Result<Issued, ForestError> {
        let name = if kind == ServerCertificate::OtherName { "elsewhere.example.net" } else { fqdn };
        let mut params = CertificateParams::new(vec![name.to_owned()])?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        if kind == ServerCertificate::Expired {
            params.not_before = date_time_ymd(2001, 1, 1);
            params.not_after = date_time_ymd(2002, 1, 1);
        }
        let issuer = if kind == ServerCertificate::OtherAuthority { &self.other } else { &self.trusted };
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, issuer)?;
        Ok(Issued { certificate: certificate.pem(), key: Zeroizing::new(key.serialize_pem()) })
    }
}

/// A certificate with its key, both in PEM.
#[derive(Debug)]
pub(super) struct Issued {
    certificate: String,
    key: Zeroizing<String>,
}

impl Issued {
    /// Writes `cert.pem` and `key.pem`; Samba refuses a key that other users can read.
    pub(super) fn write_to(&self, folder: &Path) -> Result<(), ForestError> {
        fs::create_dir_all(folder).map_err(ForestError::io(format!("making {}", folder.display())))?;
        write(&folder.join("cert.pem"), &self.certificate)?;
        write(&folder.join("key.pem"), &self.key)
    }
}

fn authority(name: &str, file: &Path) -> Result<Issuer<'static, KeyPair>, ForestError> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate()?;
    write(file, &params.self_signed(&key)?.pem())?;
    Ok(Issuer::new(params, key))
}

fn write(file: &Path, content: &str) -> Result<(), ForestError> {
    use std::io::Write;
    let mut options = fs::File::options();
    options
        .create(true)
        .write(true)
        .truncate(true)
        .mode(0o600)
        .open(file)
        .and_then(|mut open| open.write_all(content.as_bytes()))
        .map_err(ForestError::io(format!("writing {}", file.display())))
}
