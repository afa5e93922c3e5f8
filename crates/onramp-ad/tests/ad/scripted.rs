//! A domain controller with scripted answers, for what neither the lab nor Samba sends.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use onramp_ad::AdClient;
use onramp_lab::tls::LabCa;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use crate::connecting::{HOST, to};

pub(crate) type Attributes<'a> = Vec<(&'a str, Vec<&'a [u8]>)>;

pub(crate) const DOMAIN: &str = "DC=corp,DC=example";
/// A valid GUID.
pub(crate) const GOOD: &[u8] = b"0123456789abcdef";

/// The answers of the domain controller of a forest with one domain.
#[derive(Debug, Default)]
pub(crate) struct Script {
    /// The result code and text of every bind.
    pub(crate) bind: (u8, String),
    /// The number of binds.
    pub(crate) binds: usize,
    /// The result codes and texts of changes, one after the other; then success.
    pub(crate) modify: VecDeque<(u8, String)>,
    /// The entries of every search of the domain, whatever is requested.
    pub(crate) entries: Vec<Vec<u8>>,
    /// The entries of a search of the domain if that text is in the request.
    pub(crate) matching: Vec<(String, Vec<u8>)>,
}

impl Script {
    pub(crate) async fn client(self) -> AdClient {
        let ca = LabCa::new().unwrap();
        let address = Arc::new(Mutex::new(self)).serve(ca.server_config(&[HOST]).unwrap()).await;
        to(address, &ca).connect().await.unwrap()
    }
}

pub(crate) trait Serve {
    async fn serve(&self, config: Arc<ServerConfig>) -> SocketAddr;
}

impl Serve for Arc<Mutex<Script>> {
    async fn serve(&self, config: Arc<ServerConfig>) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, script) = (listener.local_addr().unwrap(), self.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = TlsAcceptor::from(config.clone()).accept(stream).await else { continue };
                let script = script.clone();
                tokio::spawn(async move {
                    while let Some(request) = request(&mut stream).await {
                        let answer = answer(&request, &mut script.lock().unwrap());
                        if stream.write_all(&answer).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        address
    }
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&[tag, 0x84], length.as_slice(), content].concat()
}

pub(crate) fn entry(dn: &[u8], attributes: &Attributes<'_>) -> Vec<u8> {
    let attribute = |(name, values): &(&str, Vec<&[u8]>)| {
        let values: Vec<u8> = values.iter().flat_map(|value| element(4, value)).collect();
        element(0x30, &[element(4, name.as_bytes()), element(0x31, &values)].concat())
    };
    let attributes: Vec<u8> = attributes.iter().flat_map(attribute).collect();
    element(0x64, &[element(4, dn), element(0x30, &attributes)].concat())
}

/// Reads one message; `None` at the end of the connection.
async fn request(stream: &mut (impl AsyncReadExt + Unpin)) -> Option<Vec<u8>> {
    let mut head = [0; 2];
    stream.read_exact(&mut head).await.ok()?;
    let length = match head[1] {
        short @ 0..=0x7f => usize::from(short),
        long => {
            let mut octets = vec![0; usize::from(long & 0x7f)];
            stream.read_exact(&mut octets).await.ok()?;
            octets.iter().fold(0, |length, octet| length << 8 | usize::from(*octet))
        }
    };
    let mut content = vec![0; length];
    stream.read_exact(&mut content).await.ok()?;
    Some(content)
}

fn answer(request: &[u8], script: &mut Script) -> Vec<u8> {
    let (id, operation) = request.split_at(2 + usize::from(request[1]));
    let has = |text: &str| operation.windows(text.len()).any(|part| part == text.as_bytes());
    let result = |tag, code: u8, text: &str| {
        element(tag, &[&[0x0a, 1, code, 4, 0], element(4, text.as_bytes()).as_slice()].concat())
    };
    let done = |tag| result(tag, 0, "");
    let messages = match operation[0] {
        0x60 => {
            script.binds += 1;
            vec![result(0x61, script.bind.0, &script.bind.1)]
        }
        0x66 => {
            let (code, text) = script.modify.pop_front().unwrap_or_default();
            vec![result(0x67, code, &text)]
        }
        0x63 if has("CN=Partitions,") => {
            let attributes =
                vec![("nCName", vec![DOMAIN.as_bytes()]), ("dnsRoot", vec![&b"corp.example"[..]])];
            vec![entry(b"CN=CORP,CN=Partitions,CN=Configuration,DC=corp,DC=example", &attributes), done(0x65)]
        }
        0x63 if has("CN=NTDS Settings") => {
            vec![entry(b"CN=NTDS Settings", &vec![("invocationId", vec![GOOD])]), done(0x65)]
        }
        // A read of the root DSE requests its attributes by name.
        0x63 if has("dsServiceName") || has("highestCommittedUSN") => {
            let of = |rest: &str| format!("{rest}{DOMAIN}").into_bytes();
            let settings = of("CN=NTDS Settings,CN=DC1,CN=Servers,CN=S,CN=Sites,CN=Configuration,");
            let (configuration, domain) = (of("CN=Configuration,"), of(""));
            let attributes: Attributes<'_> = vec![
                ("configurationNamingContext", vec![&configuration]),
                ("defaultNamingContext", vec![&domain]),
                ("rootDomainNamingContext", vec![&domain]),
                ("namingContexts", vec![&domain, &configuration]),
                ("dsServiceName", vec![&settings]),
                ("dnsHostName", vec![HOST.as_bytes()]),
                ("highestCommittedUSN", vec![b"9"]),
            ];
            vec![entry(b"", &attributes), done(0x65)]
        }
        0x63 => {
            let matching = script.matching.iter().filter(|(text, _)| has(text)).map(|(_, entry)| entry);
            script.entries.iter().chain(matching).cloned().chain([done(0x65)]).collect()
        }
        _ => Vec::new(),
    };
    messages.into_iter().flat_map(|message| element(0x30, &[id, &message].concat())).collect()
}
