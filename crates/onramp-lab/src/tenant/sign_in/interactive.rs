//! The state of interactive sign-ins: authorization codes, device codes and refresh tokens.

use std::collections::HashMap;
use time::{Duration, OffsetDateTime};

/// The lifetime of a device code.
pub(crate) const DEVICE_CODE_LIFE: Duration = Duration::minutes(15);

/// Everything that was begun and not ended, and everything that renews.
#[derive(Debug, Default)]
pub(crate) struct InteractiveSignIns {
    pub(crate) codes: HashMap<String, Code>,
    pub(crate) devices: HashMap<String, Device>,
    pub(crate) refresh: HashMap<String, Refresh>,
}

/// An authorization code: a person signed in at the browser, and the application has not come for it yet.
#[derive(Debug)]
pub(crate) struct Code {
    pub(crate) client: String,
    pub(crate) user: String,
    pub(crate) redirect_uri: String,
    /// SHA-256 of the verifier that the application keeps.
    pub(crate) challenge: String,
    pub(crate) expires: OffsetDateTime,
}

#[derive(Debug)]
pub(crate) struct Device {
    pub(crate) client: String,
    pub(crate) user_code: String,
    pub(crate) expires: OffsetDateTime,
    /// The user who entered the code; `Err` if that person declined.
    pub(crate) answer: Option<Result<String, ()>>,
}

#[derive(Debug)]
pub(crate) struct Refresh {
    pub(crate) client: String,
    pub(crate) user: String,
    pub(crate) issued: OffsetDateTime,
}
