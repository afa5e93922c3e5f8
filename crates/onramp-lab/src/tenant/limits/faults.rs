//! Faults on demand: on which requests, how often, and what happens instead of the usual answer.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::tenant::LabTenant;
use crate::tenant::data::refusal::Refusal;

/// Something to go wrong on purpose: on which requests, how often, and what.
///
/// ```
/// use onramp_lab::tenant::{Fault, FaultAction};
/// use std::time::Duration;
/// // The second page of users is throttled once.
/// let fault = Fault::on("GET", "/v1.0/users?*skiptoken*", FaultAction::throttle(Duration::from_secs(2)));
/// // Every creation of a user from the third on loses its answer, five times.
/// let fault = Fault::on("POST", "/v1.0/users", FaultAction::cut_after()).from_nth(3).times(5);
/// ```
#[derive(Clone, Debug)]
pub struct Fault {
    method: String,
    path: String,
    skip: u32,
    left: Option<u32>,
    action: FaultAction,
}

impl Fault {
    /// Goes wrong on the first request with this method (`*`: any) and path. In the path, which starts with `/v1.0`, `/beta`,
    /// `/subscriptions` and so on, `*` stands for any text; a pattern with `?` is held against path and query.
    pub fn on(method: impl Into<String>, path: impl Into<String>, action: FaultAction) -> Self {
        Self { method: method.into(), path: path.into(), skip: 0, left: Some(1), action }
    }

    /// Lets matching requests through until the `n`-th one (counted from 1).
    #[must_use]
    pub fn from_nth(mut self, n: u32) -> Self {
        self.skip = n.saturating_sub(1);
        self
    }

    /// Goes wrong this many times instead of once.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.left = Some(times);
        self
    }

    /// Goes wrong every time.
    #[must_use]
    pub fn always(mut self) -> Self {
        self.left = None;
        self
    }

    fn matches(&self, method: &str, path: &str, query: &str) -> bool {
        let whole = format!("{path}?{query}");
        let subject = if self.path.contains('?') { &whole } else { path };
        (self.method == "*" || self.method.eq_ignore_ascii_case(method)) && glob(&self.path, subject)
    }

    /// Returns the action, if this matching request is one that goes wrong.
    fn strike(&mut self) -> Option<FaultAction> {
        if self.skip > 0 {
            self.skip -= 1;
            return None;
        }
        match &mut self.left {
            Some(0) => None,
            Some(left) => {
                *left -= 1;
                Some(self.action.clone())
            }
            None => Some(self.action.clone()),
        }
    }
}

/// The effect of a fault.
#[derive(Clone, Debug)]
pub struct FaultAction(pub(crate) Action);

/// A change of the tenant by somebody else.
#[derive(Clone)]
pub(crate) struct ConcurrentChange(Arc<dyn Fn(&LabTenant) + Send + Sync>);

impl ConcurrentChange {
    pub(crate) fn act(&self, lab: &LabTenant) {
        (self.0)(lab);
    }
}

impl fmt::Debug for ConcurrentChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConcurrentChange")
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// Answered with this status instead of being done.
    Status { status: u16, retry_after: Option<String>, claims: Option<String> },
    /// Refused like this instead of being done.
    Refuse(Refusal),
    /// Answered with this text instead of being done.
    Text { status: u16, content_type: &'static str, body: String },
    /// Answered with a redirect.
    Redirect(String),
    /// The connection ends before anything was done.
    CutBefore,
    /// The connection ends after it was done, before the answer.
    CutAfter,
    /// The connection ends in the middle of the answer.
    CutWithin,
    /// Done after this time.
    Delay(Duration),
    /// `@odata.nextLink` points to this origin.
    NextLinkTo(String),
    /// Done after somebody else did something.
    Meanwhile(ConcurrentChange),
}

impl FaultAction {
    /// Answers with this HTTP status and the error body that goes with it. A 401 is what a revoked token gives.
    pub fn status(status: u16) -> Self {
        Self(Action::Status { status, retry_after: None, claims: None })
    }

    /// Answers with this HTTP status, error code and message. At the token endpoint the code is the OAuth error, and a
    /// message that begins with `AADSTS` and a number gives the `error_codes`, too.
    ///
    /// ```
    /// use onramp_lab::tenant::{Fault, FaultAction};
    /// let locked = FaultAction::error(409, "ScopeLocked", "The scope is locked.");
    /// let fault = Fault::on("PUT", "/subscriptions/*/roleAssignments/*", locked).always();
    /// ```
    pub fn error(status: u16, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self(Action::Refuse(Refusal::new(status, code.into(), message)))
    }

    /// Does the request after somebody else has changed the tenant, as happens between two requests of one client.
    /// [`LabTenant::before`] is a shorter way.
    pub fn meanwhile(change: impl Fn(&LabTenant) + Send + Sync + 'static) -> Self {
        Self(Action::Meanwhile(ConcurrentChange(Arc::new(change))))
    }

    /// Answers 429 with `Retry-After` in whole seconds.
    pub fn throttle(retry_after: Duration) -> Self {
        Self::status_with_retry_after(429, retry_after.as_secs().to_string())
    }

    /// Answers with this status and this very `Retry-After` (a decimal, a date, anything).
    pub fn status_with_retry_after(status: u16, retry_after: impl Into<String>) -> Self {
        Self(Action::Status { status, retry_after: Some(retry_after.into()), claims: None })
    }

    /// Answers 401 with a claims challenge (continuous access evaluation); `claims` as base64.
    pub fn challenge(claims: impl Into<String>) -> Self {
        Self(Action::Status { status: 401, retry_after: None, claims: Some(claims.into()) })
    }

    /// Answers that the place in a list is forgotten, as for a link to a next page that was kept too long.
    pub fn expired_page_token() -> Self {
        Self(Action::Refuse(Refusal::expired_page_token()))
    }

    /// Answers with a page of HTML, as gateways do.
    pub fn html(status: u16) -> Self {
        let body = format!("<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>");
        Self(Action::Text { status, content_type: "text/html", body })
    }

    /// Answers 302 with this `Location`.
    pub fn redirect(location: impl Into<String>) -> Self {
        Self(Action::Redirect(location.into()))
    }

    /// Ends the connection before the request was done.
    pub fn cut_before() -> Self {
        Self(Action::CutBefore)
    }

    /// Does the request and ends the connection without an answer.
    pub fn cut_after() -> Self {
        Self(Action::CutAfter)
    }

    /// Does the request and ends the connection in the middle of the answer.
    pub fn cut_within() -> Self {
        Self(Action::CutWithin)
    }

    /// Does the request after this time on the tenant's clock.
    pub fn delay(time: Duration) -> Self {
        Self(Action::Delay(time))
    }

    /// Does the request, and lets `@odata.nextLink` point to another origin, such as `https://elsewhere.example`.
    pub fn next_link_to(origin: impl Into<String>) -> Self {
        Self(Action::NextLinkTo(origin.into()))
    }
}

/// The faults of a tenant that are still to come.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    pub(crate) fn add(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Returns the effect on this request, if any: every matching fault counts it, the first active one wins.
    /// Concurrent changes always run.
    pub(crate) fn strike(
        &mut self,
        method: &str,
        path: &str,
        query: &str,
    ) -> (Option<Action>, Vec<ConcurrentChange>) {
        let matching = self.0.iter_mut().filter(|fault| fault.matches(method, path, query));
        let struck: Vec<FaultAction> = matching.filter_map(Fault::strike).collect();
        self.0.retain(|fault| fault.left != Some(0));
        let (mut first, mut changes) = (None, Vec::new());
        for FaultAction(action) in struck {
            match action {
                Action::Meanwhile(change) => changes.push(change),
                action => first = first.or(Some(action)),
            }
        }
        (first, changes)
    }
}

/// Returns true if the text matches the pattern, in which `*` stands for any text.
fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part).and_then(|at| rest.get(at + part.len()..)) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn patterns_match_whole_paths() {
        assert!(glob("/v1.0/users", "/v1.0/users"));
        assert!(!glob("/v1.0/users", "/v1.0/users/1"));
        assert!(glob("/v1.0/users/*", "/v1.0/users/1"));
        assert!(glob("*/roleAssignments*", "/v1.0/roleManagement/directory/roleAssignments/7"));
        assert!(!glob("/a*a", "/a"));
    }

    #[test]
    fn a_fault_strikes_from_its_nth_request_as_often_as_it_says() {
        let mut faults = Faults::default();
        faults.add(Fault::on("GET", "/x", FaultAction::status(503)).from_nth(2).times(2));
        let hits: Vec<bool> = (0..5).map(|_| faults.strike("GET", "/x", "").0.is_some()).collect();
        assert_eq!(hits, [false, true, true, false, false]);
        assert!(faults.strike("POST", "/x", "").0.is_none());
    }

    proptest! {
        #[test]
        fn a_path_fits_itself_and_any_of_its_parts_may_be_a_star(text in "[a-c/]{0,12}", from in 0_usize..13, to in 0_usize..13) {
            prop_assert!(glob(&text, &text));
            let (from, to) = (from.min(to).min(text.len()), to.max(from).min(text.len()));
            let pattern = format!("{}*{}", &text[..from], &text[to..]);
            prop_assert!(glob(&pattern, &text), "{} {}", pattern, text);
        }
    }
}
