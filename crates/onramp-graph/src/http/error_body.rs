//! The error bodies of the services.

use serde::Deserialize;

/// The error body of Graph, Azure Resource Manager or the token endpoint, in one form. Empty if it is none of them.
#[derive(Debug, Default)]
pub(crate) struct ErrorBody {
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) details: Vec<Detail>,
    pub(crate) request_id: Option<String>,
    pub(crate) error_codes: Vec<u32>,
    from_sign_in: bool,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Detail {
    #[serde(default, deserialize_with = "text")]
    pub(crate) code: String,
    #[serde(default, deserialize_with = "text")]
    pub(crate) target: String,
}

#[derive(Deserialize)]
struct Envelope {
    error: Either,
    #[serde(default)]
    error_description: Option<String>,
    #[serde(default)]
    error_codes: Vec<u32>,
    #[serde(default)]
    trace_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Either {
    SignIn(String),
    Graph(Box<GraphError>),
}

#[derive(Deserialize)]
struct GraphError {
    #[serde(default, deserialize_with = "text")]
    code: String,
    #[serde(default, deserialize_with = "text")]
    message: String,
    #[serde(default)]
    details: Option<Vec<Detail>>,
    #[serde(default, rename = "innerError", alias = "innererror")]
    inner: Option<serde_json::Value>,
}

impl ErrorBody {
    /// Parses an error body. Never fails: any other body (the HTML of a gateway, for example) gives an empty one.
    pub(crate) fn read(body: &[u8]) -> Self {
        let Ok(envelope) = serde_json::from_slice::<Envelope>(body) else { return Self::default() };
        match envelope.error {
            Either::SignIn(code) => Self {
                code,
                message: envelope.error_description.unwrap_or_default(),
                details: Vec::new(),
                request_id: envelope.trace_id,
                error_codes: envelope.error_codes,
                from_sign_in: true,
            },
            Either::Graph(error) => {
                let inner = |name: &str| error.inner.as_ref()?.get(name)?.as_str().map(str::to_owned);
                let code = if error.code.is_empty() { inner("code").unwrap_or_default() } else { error.code };
                Self {
                    code,
                    request_id: inner("request-id"),
                    message: error.message,
                    details: error.details.unwrap_or_default(),
                    ..Self::default()
                }
            }
        }
    }

    /// Returns the AADSTS code, if the token endpoint gave one.
    pub(crate) fn aadsts(&self) -> Option<u32> {
        self.error_codes.first().copied().or_else(|| {
            let digits = self.message.split_once("AADSTS")?.1;
            digits.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
        })
    }

    pub(crate) fn is_sign_in_error(&self) -> bool {
        self.from_sign_in
    }

    /// Returns true if this is the code of the error, or of one of its details.
    pub(crate) fn has_code(&self, code: &str) -> bool {
        self.code == code || self.details.iter().any(|detail| detail.code == code)
    }

    pub(crate) fn is_transient_sign_in_error(&self) -> bool {
        self.from_sign_in
            && (matches!(self.code.as_str(), "temporarily_unavailable" | "server_error")
                || matches!(
                    self.aadsts(),
                    Some(50_087 | 90_006 | 90_012 | 90_024 | 90_033 | 90_055 | 90_090)
                ))
    }

    /// Returns true for a 400 that means that a referenced object does not exist; if it is new, not yet.
    pub(crate) fn is_missing_reference(&self) -> bool {
        const CODES: [&str; 3] =
            ["NoBackingApplicationObject", "Request_ResourceNotFound", "ResourceNotFound"];
        const WORDS: [&str; 3] =
            ["backing application", "NoBackingApplicationObject", "does not reference a valid"];
        CODES.contains(&self.code.as_str())
            || self.details.iter().any(|detail| CODES.contains(&detail.code.as_str()))
            || WORDS.iter().any(|words| self.message.contains(words))
            || (self.message.to_lowercase().contains("principal") && self.message.contains("does not exist"))
    }
}

fn text<'de, D: serde::Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    Ok(Option::<String>::deserialize(from)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_of_inner_errors_and_their_codes_are_read() {
        for spelling in ["innerError", "innererror"] {
            let body = format!(
                r#"{{"error":{{"code":"","message":null,"{spelling}":{{"code":"deep","request-id":"r"}}}}}}"#
            );
            let read = ErrorBody::read(body.as_bytes());
            assert_eq!((read.code.as_str(), read.request_id.as_deref()), ("deep", Some("r")), "{spelling}");
        }
    }

    #[test]
    fn a_sign_in_number_is_found_in_the_text_if_need_be() {
        let read = |body: &str| ErrorBody::read(body.as_bytes()).aadsts();
        assert_eq!(read(r#"{"error":"invalid_grant","error_codes":[50126]}"#), Some(50_126));
        assert_eq!(read(r#"{"error":"x","error_description":"AADSTS50034: no such user"}"#), Some(50_034));
        assert_eq!(read(r#"{"error":"x","error_description":"AADSTS"}"#), None);
        assert_eq!(read("<html>AADSTS50034"), None);
    }

    proptest::proptest! {
        #[test]
        fn no_body_makes_reading_panic(body in proptest::collection::vec(0_u8.., 0..200)) {
            let _ = ErrorBody::read(&body).aadsts();
        }
    }
}
