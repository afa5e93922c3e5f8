//! A TLS provider with a frame guard on the decrypted data. The plaintext is checked before the LDAP library
//! sees it, without a copy and without another task.
//!
//! rustls lets an application bring its own implementation of a cipher. This one is *ring*'s, and passes each
//! record of application data to a [`FrameGuard`].

use std::sync::{Arc, LazyLock};

use rustls::crypto::cipher::{
    AeadKey, InboundOpaqueMessage, InboundPlainMessage, Iv, KeyBlockShape, MessageDecrypter,
    MessageEncrypter, Tls12AeadAlgorithm, Tls13AeadAlgorithm, UnsupportedOperationError,
};
use rustls::crypto::{CipherSuiteCommon, CryptoProvider};
use rustls::{
    ConnectionTrafficSecrets, ContentType, Error, OtherError, SupportedCipherSuite, Tls12CipherSuite,
    Tls13CipherSuite,
};

use crate::ldap::frame_guard::{CloseReason, FrameGuard};

/// The handshake message that announces a new key (RFC 8446 4.6.3).
const KEY_UPDATE: u8 = 24;

static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| {
    let mut provider = rustls::crypto::ring::default_provider();
    for suite in &mut provider.cipher_suites {
        *suite = guarded(*suite);
    }
    Arc::new(provider)
});

/// Returns the *ring* provider with a guard for LDAP, for a [`rustls::ClientConfig`] of your own.
///
/// A connection ends before the data takes memory if the server sends something that is no valid LDAP: a
/// message of more than 64 MiB or of more than a million elements, or elements nested deeper than LDAP's. It
/// also ends at a notice of disconnection.
///
/// Every client has this provider, unless [`AdClientBuilder::tls_config`](crate::AdClientBuilder::tls_config)
/// sets another configuration: build that with this provider.
///
/// ```
/// use onramp_ad::rustls::{self, ClientConfig};
/// # fn main() -> Result<(), rustls::Error> {
/// let config = ClientConfig::builder_with_provider(onramp_ad::tls_provider()).with_safe_default_protocol_versions()?;
/// # Ok(())
/// # }
/// ```
pub fn tls_provider() -> Arc<CryptoProvider> {
    Arc::clone(&PROVIDER)
}

/// Returns the reason, if the guard closed the connection.
pub(crate) fn close_reason_in(error: &std::io::Error) -> Option<&CloseReason> {
    match error.get_ref()?.downcast_ref::<Error>()? {
        Error::Other(OtherError(inner)) => inner.downcast_ref(),
        _ => None,
    }
}

/// Adds the guard to a cipher suite. rustls requires suites with static lifetime, so that they are leaked;
/// this happens once per process.
fn guarded(suite: SupportedCipherSuite) -> SupportedCipherSuite {
    match suite {
        SupportedCipherSuite::Tls12(suite) => {
            SupportedCipherSuite::Tls12(Box::leak(Box::new(Tls12CipherSuite {
                common: common(&suite.common),
                prf_provider: suite.prf_provider,
                kx: suite.kx,
                sign: suite.sign,
                aead_alg: Box::leak(Box::new(Guarded(suite.aead_alg))),
            })))
        }
        SupportedCipherSuite::Tls13(suite) => {
            SupportedCipherSuite::Tls13(Box::leak(Box::new(Tls13CipherSuite {
                common: common(&suite.common),
                hkdf_provider: suite.hkdf_provider,
                aead_alg: Box::leak(Box::new(Guarded(suite.aead_alg))),
                quic: None,
            })))
        }
    }
}

fn common(common: &CipherSuiteCommon) -> CipherSuiteCommon {
    CipherSuiteCommon {
        suite: common.suite,
        hash_provider: common.hash_provider,
        confidentiality_limit: common.confidentiality_limit,
    }
}

/// An AEAD algorithm whose plaintext is checked.
struct Guarded<T>(T);

impl Tls13AeadAlgorithm for Guarded<&'static dyn Tls13AeadAlgorithm> {
    fn encrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageEncrypter> {
        self.0.encrypter(key, iv)
    }

    fn decrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageDecrypter> {
        Box::new(Checked { inner: self.0.decrypter(key, iv), messages: FrameGuard::default() })
    }

    fn key_len(&self) -> usize {
        self.0.key_len()
    }

    fn extract_keys(
        &self,
        key: AeadKey,
        iv: Iv,
    ) -> Result<ConnectionTrafficSecrets, UnsupportedOperationError> {
        self.0.extract_keys(key, iv)
    }

    fn fips(&self) -> bool {
        self.0.fips()
    }
}

impl Tls12AeadAlgorithm for Guarded<&'static dyn Tls12AeadAlgorithm> {
    fn encrypter(&self, key: AeadKey, iv: &[u8], extra: &[u8]) -> Box<dyn MessageEncrypter> {
        self.0.encrypter(key, iv, extra)
    }

    fn decrypter(&self, key: AeadKey, iv: &[u8]) -> Box<dyn MessageDecrypter> {
        Box::new(Checked { inner: self.0.decrypter(key, iv), messages: FrameGuard::default() })
    }

    fn key_block_shape(&self) -> KeyBlockShape {
        self.0.key_block_shape()
    }

    fn extract_keys(
        &self,
        key: AeadKey,
        iv: &[u8],
        explicit: &[u8],
    ) -> Result<ConnectionTrafficSecrets, UnsupportedOperationError> {
        self.0.extract_keys(key, iv, explicit)
    }

    fn fips(&self) -> bool {
        self.0.fips()
    }
}

/// The decrypter of one connection, for one key.
struct Checked {
    inner: Box<dyn MessageDecrypter>,
    messages: FrameGuard,
}

impl MessageDecrypter for Checked {
    fn decrypt<'a>(
        &mut self,
        record: InboundOpaqueMessage<'a>,
        number: u64,
    ) -> Result<InboundPlainMessage<'a>, Error> {
        let plain = self.inner.decrypt(record, number)?;
        let checked = match plain.typ {
            ContentType::ApplicationData => self.messages.take(plain.payload),
            // A new key comes with a new decrypter, which starts at a message boundary. A key lasts for about
            // 256 GiB; a connection that is lost here is opened again.
            ContentType::Handshake
                if plain.payload.first() == Some(&KEY_UPDATE) && !self.messages.is_between_messages() =>
            {
                Err(CloseReason::ProtocolError("another key in the middle of a message"))
            }
            _ => Ok(()),
        };
        checked.map_err(|reason| Error::Other(OtherError(Arc::new(reason))))?;
        Ok(plain)
    }
}
