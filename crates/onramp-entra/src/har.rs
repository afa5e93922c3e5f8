//! A record of every exchange as an HTTP Archive (HAR 1.2), without secrets.

use std::fmt;
use std::fs::OpenOptions;
use std::io::{Cursor, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use onramp_core::{Error, ErrorKind, Result};
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::request::{Reply, Request};

const STRUCK_OUT: &str = "***";

/// Fields of bodies whose values are never recorded, in any spelling of case.
const SECRET_FIELDS: [&str; 12] = [
    "password",
    "newpassword",
    "currentpassword",
    "client_secret",
    "client_assertion",
    "assertion",
    "access_token",
    "refresh_token",
    "id_token",
    "device_code",
    "secrettext",
    "proof",
];

/// Headers that are never recorded.
const SECRET_HEADERS: [&str; 4] = ["authorization", "proxy-authorization", "cookie", "set-cookie"];

/// Records every exchange of a client, to look at, to attach to a report, or to check against a contract.
///
/// Tokens, passwords, client secrets and assertions are struck out before anything is written. What is left is
/// still the directory's data: names, addresses, identifiers. After each exchange the archive is complete and
/// valid, so a killed program leaves a readable one. Writing happens on the caller's thread.
#[derive(Clone)]
pub struct WireRecorder(Arc<Mutex<Archive>>);

struct Archive {
    out: Box<dyn ReadWriteSeek>,
    entries: u64,
    failed: bool,
}

trait ReadWriteSeek: Read + Write + Seek + Send {}
impl<T: Read + Write + Seek + Send> ReadWriteSeek for T {}

/// What is recorded of one exchange.
pub(crate) struct Exchange<'a> {
    pub(crate) request: &'a Request,
    pub(crate) client_request_id: &'a str,
    /// Absent if no complete reply came.
    pub(crate) reply: Option<&'a Reply>,
    pub(crate) started: OffsetDateTime,
    pub(crate) time: Duration,
}

impl WireRecorder {
    /// Records into a file, replacing it. On Unix only its owner may read it.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn to_file(path: impl AsRef<Path>) -> Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let open = || Self::start(Box::new(options.open(path.as_ref())?));
        open().map_err(|why| {
            Error::new(ErrorKind::Invalid, "write the recording")
                .object(path.as_ref().display())
                .detail(why.to_string())
        })
    }

    /// Records into memory, to be read with [`WireRecorder::archive`].
    pub fn in_memory() -> Self {
        let out = Box::new(Cursor::new(Vec::new()));
        Self::start(out).unwrap_or_else(|_| {
            // A cursor over memory does not fail; if it ever did, the recorder would record nothing.
            let out: Box<dyn ReadWriteSeek> = Box::new(Cursor::new(Vec::new()));
            Self(Arc::new(Mutex::new(Archive { out, entries: 0, failed: true })))
        })
    }

    /// The archive so far, as JSON text.
    ///
    /// # Errors
    /// If what was written cannot be read back.
    pub fn archive(&self) -> Result<String> {
        let mut archive = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        let mut read = || -> std::io::Result<()> {
            archive.out.seek(SeekFrom::Start(0))?;
            archive.out.read_to_string(&mut text)?;
            Ok(())
        };
        read().map_err(|why| {
            Error::new(ErrorKind::Unavailable, "read the recording").detail(why.to_string())
        })?;
        Ok(text)
    }

    fn start(mut out: Box<dyn ReadWriteSeek>) -> std::io::Result<Self> {
        let creator = json!({ "name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION") });
        write!(out, "{{\"log\":{{\"version\":\"1.2\",\"creator\":{creator},\"entries\":[{END}")?;
        out.flush()?;
        Ok(Self(Arc::new(Mutex::new(Archive { out, entries: 0, failed: false }))))
    }

    pub(crate) fn record(&self, exchange: &Exchange<'_>) {
        let entry = entry(exchange);
        let mut archive = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if archive.failed {
            return;
        }
        if let Err(error) = archive.append(&entry) {
            // A full disk must not stop the work that is being recorded.
            tracing::error!(%error, "the recording of exchanges ends here, because it cannot be written");
            archive.failed = true;
        }
    }
}

impl fmt::Debug for WireRecorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let archive = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        write!(f, "WireRecorder({} exchanges)", archive.entries)
    }
}

/// What closes the archive; the next entry is written over it.
const END: &str = "]}}\n";

impl Archive {
    fn append(&mut self, entry: &Value) -> std::io::Result<()> {
        self.out.seek(SeekFrom::End(-(END.len() as i64)))?;
        let comma = if self.entries == 0 { "\n" } else { ",\n" };
        self.out.write_all(format!("{comma}{entry}{END}").as_bytes())?;
        self.out.flush()?;
        self.entries += 1;
        Ok(())
    }
}

fn entry(exchange: &Exchange<'_>) -> Value {
    let Exchange { request, client_request_id, reply, started, time } = exchange;
    let time = time.as_secs_f64() * 1000.0;
    let query: Vec<Value> =
        request.url.query_pairs().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    let body = request.body.as_ref().map(|body| {
        let text = body_text(body.content_type, &body.bytes, &|text| request.scrub(text));
        json!({ "mimeType": body.content_type, "text": text })
    });
    let mut out = json!({
        "method": request.method.as_str(),
        "url": request.url.as_str(),
        "httpVersion": version(*reply),
        "cookies": [],
        "headers": request_headers(request, client_request_id),
        "queryString": query,
        "headersSize": -1,
        "bodySize": request.body.as_ref().map_or(0, |body| body.bytes.len()),
    });
    if let (Some(body), Some(fields)) = (body, out.as_object_mut()) {
        fields.insert("postData".into(), body);
    }
    json!({
        "startedDateTime": started.format(&Rfc3339).unwrap_or_default(),
        "time": time,
        "request": out,
        "response": response(request, *reply),
        "cache": {},
        "timings": { "send": 0, "wait": time, "receive": 0 },
    })
}

/// The version that the reply came in. A request whose reply was lost is not known to have had one.
fn version(reply: Option<&Reply>) -> String {
    reply.map_or_else(|| "unknown".to_owned(), |reply| format!("{:?}", reply.version))
}

fn request_headers(request: &Request, client_request_id: &str) -> Vec<Value> {
    let mut headers = vec![
        json!({ "name": "accept", "value": "application/json" }),
        json!({ "name": "client-request-id", "value": client_request_id }),
    ];
    headers.extend(request.headers.iter().map(|(name, value)| json!({ "name": name, "value": value })));
    if request.to != crate::endpoints::Audience::Login {
        headers.push(json!({ "name": "authorization", "value": STRUCK_OUT }));
    }
    if let Some(body) = &request.body {
        headers.push(json!({ "name": "content-type", "value": body.content_type }));
    }
    headers
}

/// A reply that never came is recorded as status 0, as browsers do.
fn response(request: &Request, reply: Option<&Reply>) -> Value {
    let (status, headers, kind, body) = match reply {
        Some(reply) => {
            let kind = reply.header("content-type").unwrap_or_default();
            (
                reply.status,
                headers(&reply.headers),
                kind,
                body_text(kind, &reply.body, &|text| request.scrub(text)),
            )
        }
        None => (0, Vec::new(), "", String::new()),
    };
    json!({
        "status": status,
        "statusText": reqwest::StatusCode::from_u16(status).ok().and_then(|s| s.canonical_reason()).unwrap_or_default(),
        "httpVersion": version(reply),
        "cookies": [],
        "headers": headers,
        "content": { "size": reply.map_or(0, |reply| reply.body.len()), "mimeType": kind, "text": body },
        "redirectURL": reply.and_then(|reply| reply.header("location")).unwrap_or_default(),
        "headersSize": -1,
        "bodySize": -1,
    })
}

fn headers(headers: &HeaderMap) -> Vec<Value> {
    headers
        .iter()
        .map(|(name, value)| {
            let secret = SECRET_HEADERS.contains(&name.as_str());
            let value = if secret { STRUCK_OUT } else { value.to_str().unwrap_or_default() };
            json!({ "name": name.as_str(), "value": value })
        })
        .collect()
}

/// A body with its secrets struck out: in fields that hold secrets, and, by `scrub`, wherever else one is repeated. A
/// body that cannot be read as what it claims to be is left out altogether.
fn body_text(content_type: &str, body: &[u8], scrub: &dyn Fn(&str) -> String) -> String {
    if body.is_empty() {
        return String::new();
    }
    if content_type.contains("x-www-form-urlencoded") {
        let fields = url::form_urlencoded::parse(body).map(|(name, value)| {
            let value = if is_secret(&name) { STRUCK_OUT.to_owned() } else { scrub(&value) };
            (name, value)
        });
        return url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    }
    match serde_json::from_slice::<Value>(body) {
        Ok(mut value) => {
            strike_out(&mut value, scrub);
            value.to_string()
        }
        Err(_) => String::new(),
    }
}

fn strike_out(value: &mut Value, scrub: &dyn Fn(&str) -> String) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| strike_out(item, scrub)),
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if is_secret(name) => *text = STRUCK_OUT.into(),
                    other => strike_out(other, scrub),
                }
            }
        }
        // Unescaped, so that a secret is found whatever characters are in it.
        Value::String(text) => *text = scrub(text),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

pub(crate) fn is_secret(name: &str) -> bool {
    SECRET_FIELDS.iter().any(|secret| name.eq_ignore_ascii_case(secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_struck_out_of_forms_and_of_json() {
        let form = body_text(
            "application/x-www-form-urlencoded",
            b"client_id=a&client_secret=s3cr%26t&password=hunter2",
            &str::to_owned,
        );
        assert_eq!(form, "client_id=a&client_secret=***&password=***");
        let json = body_text(
            "application/json",
            br#"{"passwordProfile":{"password":"hunter2","forceChangePasswordNextSignIn":true},"a":[{"secretText":"x"}],"Access_Token":"y"}"#,
            &str::to_owned,
        );
        let value: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(value["passwordProfile"]["password"], "***");
        assert_eq!(value["passwordProfile"]["forceChangePasswordNextSignIn"], true);
        assert_eq!(value["a"][0]["secretText"], "***");
        assert_eq!(value["Access_Token"], "***");
    }

    #[test]
    fn what_cannot_be_read_is_not_recorded() {
        assert_eq!(body_text("application/json", b"{\"password\":\"hunter2\"", &str::to_owned), "");
        assert_eq!(body_text("text/html", b"<p>hunter2", &str::to_owned), "");
    }

    #[test]
    fn a_secret_that_is_repeated_elsewhere_is_struck_out_whatever_is_in_it() {
        let scrub = |text: &str| text.replace("a\"b\\&c", STRUCK_OUT);
        let body = json!({ "error": { "message": "a\"b\\&c is weak" } }).to_string();
        let value: Value =
            serde_json::from_str(&body_text("application/json", body.as_bytes(), &scrub)).unwrap();
        assert_eq!(value["error"]["message"], "*** is weak");
        assert_eq!(body_text("application/x-www-form-urlencoded", b"x=a%22b%5C%26c", &scrub), "x=***");
    }

    proptest::proptest! {
        #[test]
        fn no_password_survives(secret in "[a-zA-Z0-9]{8,30}", noise in "\\PC{0,20}") {
            let secret = format!("S3cr3t-{secret}");
            let body = json!({ "a": [noise, { "Password": secret }], "passwordProfile": { "password": secret } });
            let text = body_text("application/json", body.to_string().as_bytes(), &str::to_owned);
            proptest::prop_assert!(!text.contains(&secret));
        }
    }
}
