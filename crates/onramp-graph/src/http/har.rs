//! A recorder of every exchange as an HTTP Archive (HAR 1.2), without secrets.

use std::fmt;
use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use onramp_core::{Error, ErrorKind, Password, Result};
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::http::request::{Reply, Request, redact};
use crate::http::service::ServiceKind;

const REDACTED: &str = "***";

/// The body fields whose values are never recorded, compared without case.
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

/// The fields of sign-in requests whose values are recorded. All others may be credentials: codes, verifiers,
/// assertions, tokens, passwords, and fields that do not exist yet.
const RECORDED_SIGN_IN_REQUEST: [&str; 8] = [
    "grant_type",
    "client_id",
    "scope",
    "client_assertion_type",
    "username",
    "redirect_uri",
    "response_type",
    "client_info",
];

/// The members of sign-in responses whose values are recorded.
const RECORDED_SIGN_IN_REPLY: [&str; 16] = [
    "token_type",
    "expires_in",
    "ext_expires_in",
    "expires_on",
    "scope",
    "interval",
    "verification_uri",
    "error",
    "error_description",
    "error_codes",
    "error_uri",
    "suberror",
    "timestamp",
    "trace_id",
    "correlation_id",
    "account_type",
];

/// The headers that are never recorded.
const SECRET_HEADERS: [&str; 4] = ["authorization", "proxy-authorization", "cookie", "set-cookie"];

/// A recorder of every exchange of a client, as an HTTP Archive that browsers and proxies can open.
///
/// Tokens, passwords, client secrets and assertions are replaced before anything is written. Of the traffic with the
/// sign-in service only fields known to be harmless are recorded. The rest is still the directory's data: names,
/// addresses, identifiers. After each exchange the archive is complete and valid, so that a killed program leaves a
/// readable one. Writing happens on the caller's thread.
#[derive(Clone)]
pub struct HarRecorder(Arc<Mutex<Archive>>);

struct Archive {
    out: Box<dyn ReadWriteSeek>,
    entries: u64,
    failed: bool,
}

trait ReadWriteSeek: Read + Write + Seek + Send {}
impl<T: Read + Write + Seek + Send> ReadWriteSeek for T {}

/// One exchange to record.
pub(crate) struct RecordedExchange<'a> {
    pub(crate) request: &'a Request,
    pub(crate) client_request_id: &'a str,
    /// `None` without a complete response.
    pub(crate) reply: Option<&'a Reply>,
    pub(crate) started: OffsetDateTime,
    pub(crate) time: Duration,
}

impl HarRecorder {
    /// Creates a recorder that writes to a file, replacing it. On Unix only its owner may read it, even if the replaced
    /// file was readable by others. A link is not followed.
    ///
    /// # Errors
    /// `Invalid` if the file cannot be written, or the path is not a regular file.
    pub fn to_file(path: impl AsRef<Path>) -> Result<Self> {
        let open = || Self::start(Box::new(private_file(path.as_ref())?));
        open().map_err(|why| {
            Error::new(ErrorKind::Invalid, "write the recording")
                .with_object(path.as_ref().display())
                .with_detail(why.to_string())
        })
    }

    /// Creates a recorder in memory; [`HarRecorder::archive`] returns its content.
    pub fn in_memory() -> Self {
        let out = Box::new(Cursor::new(Vec::new()));
        Self::start(out).unwrap_or_else(|_| {
            // A cursor over memory does not fail. If it did, the recorder would record nothing.
            let out: Box<dyn ReadWriteSeek> = Box::new(Cursor::new(Vec::new()));
            Self(Arc::new(Mutex::new(Archive { out, entries: 0, failed: true })))
        })
    }

    /// Returns the archive so far, as JSON text.
    ///
    /// # Errors
    /// `Unavailable` if the file cannot be read.
    pub fn archive(&self) -> Result<String> {
        let mut archive = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        let mut read = || -> std::io::Result<()> {
            archive.out.seek(SeekFrom::Start(0))?;
            archive.out.read_to_string(&mut text)?;
            Ok(())
        };
        read().map_err(|why| {
            Error::new(ErrorKind::Unavailable, "read the recording").with_detail(why.to_string())
        })?;
        Ok(text)
    }

    fn start(mut out: Box<dyn ReadWriteSeek>) -> std::io::Result<Self> {
        let creator = json!({ "name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION") });
        write!(out, "{{\"log\":{{\"version\":\"1.2\",\"creator\":{creator},\"entries\":[{END}")?;
        out.flush()?;
        Ok(Self(Arc::new(Mutex::new(Archive { out, entries: 0, failed: false }))))
    }

    pub(crate) fn record(&self, exchange: &RecordedExchange<'_>) {
        let entry = entry(exchange);
        let mut archive = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if archive.failed {
            return;
        }
        if let Err(error) = archive.append(&entry) {
            // A full disk must not stop the program.
            tracing::error!(%error, "the recording cannot be written and ends here");
            archive.failed = true;
        }
    }
}

/// Creates a file that only its owner may read, in place of an existing one.
fn private_file(path: &Path) -> io::Result<File> {
    match std::fs::symlink_metadata(path) {
        Ok(there) if there.is_file() => std::fs::remove_file(path)?,
        Ok(there) => {
            let what = if there.is_symlink() { "a link" } else { "something other than a regular file" };
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, format!("{what} is there")));
        }
        Err(why) if why.kind() == io::ErrorKind::NotFound => {}
        Err(why) => return Err(why),
    }
    onramp_files::open_private(path)
}

impl fmt::Debug for HarRecorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let archive = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        write!(f, "HarRecorder({} exchanges)", archive.entries)
    }
}

/// The end of the archive, which the next entry overwrites.
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

fn entry(exchange: &RecordedExchange<'_>) -> Value {
    let RecordedExchange { request, client_request_id, reply, started, time } = exchange;
    let time = time.as_secs_f64() * 1000.0;
    let query: Vec<Value> =
        request.url.query_pairs().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    let hidden = SignInSecrets::of(request);
    let scrub = |text: &str| hidden.scrub(&request.scrub(text));
    let is_hidden = secret_field_test(request, &RECORDED_SIGN_IN_REQUEST);
    let body = request.body.as_ref().map(|body| {
        let text = body_text(body.content_type, &body.bytes, &*is_hidden, &scrub);
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
        "response": response(request, *reply, &scrub),
        "cache": {},
        "timings": { "send": 0, "wait": time, "receive": 0 },
    })
}

/// Returns the HTTP version of the response, which is unknown if it was lost.
fn version(reply: Option<&Reply>) -> String {
    reply.map_or_else(|| "unknown".to_owned(), |reply| format!("{:?}", reply.version))
}

fn request_headers(request: &Request, client_request_id: &str) -> Vec<Value> {
    let mut headers = vec![
        json!({ "name": "accept", "value": "application/json" }),
        json!({ "name": "client-request-id", "value": client_request_id }),
    ];
    headers.extend(request.headers.iter().map(|(name, value)| json!({ "name": name, "value": value })));
    if request.service.kind() != ServiceKind::Login {
        headers.push(json!({ "name": "authorization", "value": REDACTED }));
    }
    if let Some(body) = &request.body {
        headers.push(json!({ "name": "content-type", "value": body.content_type }));
    }
    headers
}

/// Returns the recorded response. A lost one has status 0, as in browsers.
fn response(request: &Request, reply: Option<&Reply>, scrub: &dyn Fn(&str) -> String) -> Value {
    let is_sign_in = request.service.kind() == ServiceKind::Login;
    let (status, headers, kind, body) = match reply {
        Some(reply) => {
            let kind = reply.header("content-type").unwrap_or_default();
            (
                reply.status,
                headers(&reply.headers, is_sign_in),
                kind,
                body_text(kind, &reply.body, &*secret_field_test(request, &RECORDED_SIGN_IN_REPLY), scrub),
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
        "redirectURL": reply.filter(|_| !is_sign_in).and_then(|reply| reply.header("location")).unwrap_or_default(),
        "headersSize": -1,
        "bodySize": -1,
    })
}

/// Returns the recorded headers. A redirect of a sign-in may hold its code.
fn headers(headers: &HeaderMap, is_sign_in: bool) -> Vec<Value> {
    headers
        .iter()
        .map(|(name, value)| {
            let secret = SECRET_HEADERS.contains(&name.as_str()) || is_sign_in && name == "location";
            let value = if secret { REDACTED } else { value.to_str().unwrap_or_default() };
            json!({ "name": name.as_str(), "value": value })
        })
        .collect()
}

/// Returns the test for secret fields. In traffic with the sign-in service all but `recorded` are secret.
fn secret_field_test<'a>(request: &Request, recorded: &'a [&'a str]) -> Box<dyn Fn(&str) -> bool + 'a> {
    if request.service.kind() != ServiceKind::Login {
        return Box::new(is_secret_field);
    }
    Box::new(|name| !recorded.iter().any(|known| name.eq_ignore_ascii_case(known)))
}

/// Returns the secret values of a sign-in form.
pub(crate) fn hidden_values(form: &[u8]) -> Vec<Password> {
    let fields = url::form_urlencoded::parse(form);
    let hidden = fields.filter(|(name, _)| !RECORDED_SIGN_IN_REQUEST.contains(&&**name));
    hidden.map(|(_, value)| Password::new(value.into_owned())).collect()
}

/// The secrets of a sign-in request, which its response may repeat.
struct SignInSecrets(Vec<Password>);

impl SignInSecrets {
    fn of(request: &Request) -> Self {
        let form = request.body.as_ref().filter(|_| request.service.kind() == ServiceKind::Login);
        Self(form.map(|body| hidden_values(&body.bytes)).unwrap_or_default())
    }

    fn scrub(&self, text: &str) -> String {
        redact(text, &self.0)
    }
}

/// Returns a body without secrets: fields that hold secrets are replaced, and `scrub` replaces repetitions elsewhere. A
/// body that does not match its content type is left out.
fn body_text(
    content_type: &str,
    body: &[u8],
    is_secret_field: &dyn Fn(&str) -> bool,
    scrub: &dyn Fn(&str) -> String,
) -> String {
    if body.is_empty() {
        return String::new();
    }
    if content_type.contains("x-www-form-urlencoded") {
        let fields = url::form_urlencoded::parse(body).map(|(name, value)| {
            let value = if is_secret_field(&name) { REDACTED.to_owned() } else { scrub(&value) };
            (name, value)
        });
        return url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    }
    match serde_json::from_slice::<Value>(body) {
        // If only known members may be shown, a value without names may not.
        Ok(value) if is_secret_field("") && !value.is_object() => String::new(),
        Ok(mut value) => {
            redact_fields(&mut value, is_secret_field, scrub);
            value.to_string()
        }
        Err(_) => String::new(),
    }
}

fn redact_fields(value: &mut Value, is_secret_field: &dyn Fn(&str) -> bool, scrub: &dyn Fn(&str) -> String) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| redact_fields(item, is_secret_field, scrub)),
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::Null | Value::Bool(_) => {}
                    other if is_secret_field(name) => *other = REDACTED.into(),
                    other => redact_fields(other, is_secret_field, scrub),
                }
            }
        }
        // Unescaped here, so that a secret is found with any characters in it.
        Value::String(text) => *text = scrub(text),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

pub(crate) fn is_secret_field(name: &str) -> bool {
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
            &is_secret_field,
            &str::to_owned,
        );
        assert_eq!(form, "client_id=a&client_secret=***&password=***");
        let json = body_text(
            "application/json",
            br#"{"passwordProfile":{"password":"hunter2","forceChangePasswordNextSignIn":true},"a":[{"secretText":"x"}],"Access_Token":"y"}"#,
            &is_secret_field,
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
        assert_eq!(
            body_text("application/json", b"{\"password\":\"hunter2\"", &is_secret_field, &str::to_owned),
            ""
        );
        assert_eq!(body_text("text/html", b"<p>hunter2", &is_secret_field, &str::to_owned), "");
    }

    #[test]
    fn a_secret_that_is_repeated_elsewhere_is_struck_out_whatever_is_in_it() {
        let scrub = |text: &str| text.replace("a\"b\\&c", REDACTED);
        let body = json!({ "error": { "message": "a\"b\\&c is weak" } }).to_string();
        let value: Value =
            serde_json::from_str(&body_text("application/json", body.as_bytes(), &is_secret_field, &scrub))
                .unwrap();
        assert_eq!(value["error"]["message"], "*** is weak");
        assert_eq!(
            body_text("application/x-www-form-urlencoded", b"x=a%22b%5C%26c", &is_secret_field, &scrub),
            "x=***"
        );
    }

    proptest::proptest! {
        #[test]
        fn no_password_survives(secret in "[a-zA-Z0-9]{8,30}", noise in "\\PC{0,20}") {
            let secret = format!("S3cr3t-{secret}");
            let body = json!({ "a": [noise, { "Password": secret }], "passwordProfile": { "password": secret } });
            let text = body_text("application/json", body.to_string().as_bytes(), &is_secret_field, &str::to_owned);
            proptest::prop_assert!(!text.contains(&secret));
        }
    }
}
