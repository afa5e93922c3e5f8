//! The refusal of a request: the one error of the model, which the HTTP server and the ports convert to their own.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// One entry of a Graph error's `details`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Detail {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) target: String,
}

/// A request that the tenant refuses: HTTP status, the service's own code and message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: Cow<'static, str>,
    pub(crate) message: String,
    pub(crate) details: Vec<Detail>,
    pub(crate) retry_after: Option<Duration>,
    /// A claims challenge (base64) for the `WWW-Authenticate` header of a 401.
    pub(crate) claims: Option<String>,
    /// The object is there and only not in sight yet: asking again later helps.
    pub(crate) not_yet: bool,
}

pub(crate) type Outcome<T> = Result<T, Refusal>;

impl Refusal {
    pub(crate) fn new(status: u16, code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.into(),
            message: message.into(),
            details: Vec::new(),
            retry_after: None,
            claims: None,
            not_yet: false,
        }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "Request_BadRequest", message)
    }

    /// Creates a property whose value is not acceptable; the property is named in `details`.
    pub(crate) fn invalid_property(property: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        let detail = Detail { code: "InvalidValue", message: message.clone(), target: property.to_owned() };
        Self { details: vec![detail], ..Self::bad_request(message) }
    }

    pub(crate) fn missing_property(property: &str, resource: &str) -> Self {
        Self::invalid_property(
            property,
            format!("A value is required for property '{property}' of resource '{resource}'."),
        )
    }

    /// Another object already has this value. `holder` names it the way the service does, such as `User_<id>`.
    pub(crate) fn conflict(property: &str, holder: Option<String>) -> Self {
        let message = format!("Another object with the same value for property {property} already exists.");
        let mut details =
            vec![Detail { code: "ObjectConflict", message: message.clone(), target: property.to_owned() }];
        if let Some(target) = holder {
            details.push(Detail {
                code: "ConflictingObjects",
                message: "Another object with the same value already exists.".to_owned(),
                target,
            });
        }
        Self { details, ..Self::bad_request(message) }
    }

    pub(crate) fn not_found(id: &str) -> Self {
        Self::new(
            404,
            "Request_ResourceNotFound",
            format!(
                "Resource '{id}' does not exist or one of its queried reference-property objects are not present."
            ),
        )
    }

    /// Answered as "not found", about an object that was just created.
    pub(crate) fn not_yet(id: &str) -> Self {
        Self { not_yet: true, ..Self::not_found(id) }
    }

    pub(crate) fn unsupported_query(message: impl Into<String>) -> Self {
        Self::new(400, "Request_UnsupportedQuery", message)
    }

    pub(crate) fn forbidden() -> Self {
        Self::new(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
    }

    pub(crate) fn unauthenticated(message: impl Into<String>) -> Self {
        Self::new(401, "InvalidAuthenticationToken", message)
    }

    pub(crate) fn expired_page_token() -> Self {
        Self::new(
            400,
            "Directory_ExpiredPageToken",
            "The specified page token value has expired and can no longer be included in your request.",
        )
    }

    pub(crate) fn throttled(retry_after: Option<Duration>) -> Self {
        Self { retry_after, ..Self::new(429, "TooManyRequests", "Too many requests. Please retry later.") }
    }

    /// Returns the refusal that goes with a bare HTTP status, for faults made on demand.
    pub(crate) fn of_status(status: u16) -> Self {
        match status {
            401 => Self::unauthenticated("Lifetime validation failed, the token is expired."),
            403 => Self::forbidden(),
            404 => Self::new(404, "Request_ResourceNotFound", "Resource does not exist."),
            429 => Self::throttled(None),
            500 => Self::new(500, "Service_InternalServerError", "Encountered an internal server error."),
            502 => Self::new(502, "BadGateway", "The gateway received an invalid response."),
            503 => Self::new(
                503,
                "ServiceUnavailable",
                "The service is temporarily unavailable. Please retry later.",
            ),
            504 => Self::new(504, "GatewayTimeout", "The gateway did not receive a response in time."),
            400 => Self::bad_request("The request was refused."),
            other => Self::new(other, "UnknownError", "The request failed."),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.status, self.code, self.message)
    }
}
