//! Step 6: the application that synchronization signs in as, with its certificate and its permissions.

mod apply;
mod key;
mod undo;

use onramp_core::tenant::{AppRole, Application, ApplicationProbe, CertificateCredential, SyncState};
use onramp_core::{ObjectId, Result};
use time::{Duration, OffsetDateTime};

pub(crate) use apply::Identity;
pub(crate) use undo::{is_made, undo};

use crate::onramp::Onramp;
use crate::plan::{BlockerKind, Change, Consequence, Draft};
use crate::secret_store::SecretStore;
use crate::spec::{ApplicationSpec, Spec};
use crate::survey::{AppRoleAccess, ApplicationState, BroughtCertificate, Survey};
use crate::verify::{CheckStatus, Comparison, Verification, truth};

/// The beginning of the tag with which a run marks the registration that it creates; the digest of its plan follows.
const TAG: &str = "onramp:";
/// The maximum length of a display name in Graph ("application resource type").
const DISPLAY_NAME: usize = 256;
/// The maximum length of a unique name here: well below that of the tenant, and short enough for the name of a key.
const UNIQUE_NAME: usize = 64;
/// The maximum validity of a certificate.
const VALID_DAYS: u32 = 825;
/// The application ID of the password reset service in the clouds of the US government.
const US_GOVERNMENT_PASSWORD_RESET: ObjectId = ObjectId::from_u128(0x2e5ecfc8_ea79_48bd_8140_c19324acb278);

/// Returns the display name of the certificates that runs add.
fn certificate_name(unique_name: &str) -> String {
    format!("Onramp {unique_name}")
}

/// Returns the certificates that runs added, the newest first.
fn own_certificates<'a>(
    unique_name: &str,
    all: &'a [CertificateCredential],
) -> Vec<&'a CertificateCredential> {
    let name = certificate_name(unique_name);
    let mut own: Vec<&CertificateCredential> =
        all.iter().filter(|held| held.display_name.as_deref() == Some(name.as_str())).collect();
    own.sort_by_key(|held| std::cmp::Reverse((held.not_before, held.not_after, held.key_id)));
    own
}

pub(crate) async fn survey(onramp: &Onramp, wanted: &ApplicationSpec) -> Result<ApplicationState> {
    let port = &onramp.tenant.applications;
    let brought = wanted.certificate.as_deref().map(key::read_brought).transpose()?;
    let brought =
        brought.map(|(pem, _)| BroughtCertificate { thumbprint: pem.thumbprint, has_key: pem.has_key });
    let mut state = ApplicationState { brought, ..ApplicationState::default() };
    state.application = port.find(wanted.name()).await?;
    let mut held = Vec::new();
    if let Some(application) = &state.application {
        let digests = application.tags.iter().filter_map(|tag| tag.strip_prefix(TAG));
        state.is_known = onramp.history.knows_account(&application.id)
            || digests.into_iter().any(|plan| onramp.history.knows_plan(plan));
        state.certificates = port.certificates(&application.id).await?;
        if let Some(principal) = &application.service_principal {
            held = port.app_roles_of(principal).await?;
        }
    }
    for role in wanted.app_roles() {
        let (role, offered) = find_offered(onramp, role).await?;
        let granted = offered.is_some_and(|offered| held.iter().any(|held| offered.is_given_by(held)));
        state.roles.push(AppRoleAccess { role, offered, granted });
    }
    let is_wanted = |held: &&onramp_core::tenant::AppRoleAssignment| {
        state.roles.iter().any(|access| access.offered.is_some_and(|offered| offered.is_given_by(held)))
    };
    let others = held.iter().filter(|held| !is_wanted(held)).count();
    state.other_roles = u32::try_from(others).unwrap_or(u32::MAX);
    Ok(state)
}

/// Returns a permission as the tenant offers it. The password reset service has another ID in the clouds of the US government.
async fn find_offered(
    onramp: &Onramp,
    role: AppRole,
) -> Result<(AppRole, Option<onramp_core::tenant::OfferedAppRole>)> {
    let port = &onramp.tenant.applications;
    if let Some(offered) = port.app_role(&role).await? {
        return Ok((role, Some(offered)));
    }
    if role.resource == AppRole::PASSWORD_RESET_SERVICE {
        let other = AppRole::new(US_GOVERNMENT_PASSWORD_RESET, role.value.clone());
        if let Some(offered) = port.app_role(&other).await? {
            return Ok((other, Some(offered)));
        }
    }
    Ok((role, None))
}

/// The certificates of the application, as a plan looks at them.
struct Certificates<'a> {
    /// The one that is in use: the one that the spec brings, else the newest one of a run.
    current: Option<&'a CertificateCredential>,
    /// The other ones of runs.
    old: Vec<&'a CertificateCredential>,
}

impl<'a> Certificates<'a> {
    fn of(wanted: &ApplicationSpec, state: &'a ApplicationState) -> Self {
        let own = own_certificates(wanted.name(), &state.certificates);
        let current = match &state.brought {
            Some(brought) => state
                .certificates
                .iter()
                .find(|held| held.thumbprint.as_deref() == Some(brought.thumbprint.as_str())),
            None => own.first().copied(),
        };
        let is_old =
            |held: &&CertificateCredential| Some(held.key_id) != current.map(|current| current.key_id);
        Self { current, old: own.into_iter().filter(is_old).collect() }
    }
}

/// Returns the full days until the end of a certificate's validity, negative after it.
fn days_left(certificate: &CertificateCredential, now: OffsetDateTime) -> Option<i64> {
    certificate.not_after.map(|end| (end - now).whole_seconds().div_euclid(Duration::DAY.whole_seconds()))
}

pub(crate) fn plan(spec: &Spec, survey: &Survey, draft: &mut Draft) {
    let (Some(wanted), Some(state)) = (&spec.application, &survey.application) else { return };
    let unique_name = wanted.name().to_owned();
    for (property, value, reason) in invalid_properties(wanted) {
        draft.block_all(BlockerKind::ApplicationProperty { property: property.into(), value, reason });
    }
    let first = draft.changes.len();
    let id = state.application.as_ref().map(|application| application.id);
    if state.application.is_none() {
        let display_name = wanted.shown_name().to_owned();
        draft.consequences.push(Consequence::ApplicationCreated {
            unique_name: unique_name.clone(),
            display_name: display_name.clone(),
        });
        let change = Change::CreateApplication { unique_name: unique_name.clone(), display_name };
        draft.change(change, "it does not exist");
    }
    if state.application.as_ref().is_none_or(|application| application.service_principal.is_none()) {
        let change = Change::CreateServicePrincipal { unique_name: unique_name.clone(), id };
        draft.change(change, "permissions are granted to it");
    }
    let adds = plan_certificate(wanted, state, survey.taken_at, id, draft);
    plan_roles(spec, survey, wanted, state, id, draft);
    let certificates = Certificates::of(wanted, state);
    let has_key = state.brought.as_ref().is_none_or(|brought| brought.has_key);
    let removes = wanted.remove_old_certificates && !certificates.old.is_empty();
    let is_asked = wanted.new_certificate || removes;
    if has_key && (draft.changes.len() > first || is_asked) {
        let roles = wanted_roles(state);
        let change = Change::ProveApplicationSignIn { unique_name: unique_name.clone(), id, roles };
        draft.change(change, "synchronization fails if this application cannot sign in");
    } else if !has_key && draft.changes.len() > first {
        draft.warnings.push(format!(
            "the file of the certificate has no private key: the sign-in of the application {unique_name} is not tested"
        ));
    }
    // After the sign-in with the current one is proven, and in another plan than the one that adds it: the server has to be
    // switched over in between.
    if let (false, false, Some(id)) = (adds, certificates.old.is_empty(), id) {
        for old in &certificates.old {
            if wanted.remove_old_certificates {
                remove_certificate(&unique_name, id, old, has_key, draft);
            } else {
                draft.warnings.push(format!(
                    "the application {unique_name} still accepts the certificate {} of an earlier run; once the server uses the \
                     current one, remove it with `onramp identity rotate --remove-old`",
                    shown(old)
                ));
            }
        }
    }
    accept_changes(&unique_name, state, first, draft);
}

/// Plans a new certificate, if the application needs one. Returns true if it does.
fn plan_certificate(
    wanted: &ApplicationSpec,
    state: &ApplicationState,
    now: OffsetDateTime,
    id: Option<ObjectId>,
    draft: &mut Draft,
) -> bool {
    let unique_name = wanted.name().to_owned();
    let certificates = Certificates::of(wanted, state);
    let left = certificates.current.and_then(|current| days_left(current, now));
    let window = i64::from(wanted.rotation_days);
    let is_brought = state.brought.is_some();
    let reason = match (certificates.current, left) {
        (None, _) if is_brought => "the application does not have the certificate of the spec".to_owned(),
        (None, _) => "the application has no certificate of Onramp".to_owned(),
        (Some(_), Some(left)) if left < window => {
            let expiry = match left {
                ..0 => "the current certificate is expired".to_owned(),
                left => format!("the current certificate expires in {left} days"),
            };
            if is_brought {
                draft
                    .warnings
                    .push(format!("{expiry}, and it is the one that the spec brings: bring a new one"));
                return false;
            }
            expiry
        }
        // An interrupted rotation has made one already.
        (Some(_), _) if wanted.new_certificate && !is_brought && certificates.old.is_empty() => {
            "the spec wants a new one".to_owned()
        }
        _ => return false,
    };
    let before = state.certificates.iter().map(|held| held.key_id).collect();
    let brought = state.brought.as_ref().map(|brought| brought.thumbprint.clone());
    let file = wanted.certificate.as_ref().map(|path| path.display().to_string());
    let valid_days = wanted.valid_days;
    let change =
        Change::AddApplicationCertificate { unique_name, id, before, valid_days, file, thumbprint: brought };
    draft.change(change, reason);
    true
}

fn plan_roles(
    spec: &Spec,
    survey: &Survey,
    wanted: &ApplicationSpec,
    state: &ApplicationState,
    id: Option<ObjectId>,
    draft: &mut Draft,
) {
    // Turning synchronization on brings the synchronization service into the tenant.
    let brings_service = spec.sync.enable && survey.sync.status.state != SyncState::Enabled;
    for access in state.roles.iter().filter(|access| !access.granted) {
        let AppRole { resource, value, .. } = &access.role;
        let comes = brings_service && *resource == AppRole::SYNCHRONIZATION_SERVICE;
        if access.offered.is_none() && !comes {
            draft.block_all(BlockerKind::AppRoleNotOffered { resource: *resource, role: value.clone() });
            continue;
        }
        let (unique_name, role) = (wanted.name().to_owned(), value.clone());
        draft.consequences.push(Consequence::AppRoleGranted {
            unique_name: unique_name.clone(),
            resource: *resource,
            role: role.clone(),
        });
        let change = Change::GrantAppRole { unique_name, id, resource: *resource, role };
        draft.change(change, format!("{} needs it", wanted.purpose));
    }
}

fn remove_certificate(
    unique_name: &str,
    id: ObjectId,
    old: &CertificateCredential,
    needs_proof: bool,
    draft: &mut Draft,
) {
    draft.consequences.push(Consequence::ApplicationCertificateRemoved {
        unique_name: unique_name.to_owned(),
        key_id: old.key_id,
    });
    let change = Change::RemoveApplicationCertificate {
        unique_name: unique_name.to_owned(),
        id,
        key_id: old.key_id,
        thumbprint: old.thumbprint.clone(),
        needs_proof,
    };
    draft.change(change, "the application has a newer one");
}

/// Adds the consequence of changing a registration that exists.
fn accept_changes(unique_name: &str, state: &ApplicationState, first: usize, draft: &mut Draft) {
    let Some(application) = &state.application else { return };
    let written = draft.changes.iter().skip(first).filter(|planned| planned.change.writes());
    let changes: Vec<String> = written.map(|planned| planned.change.to_string()).collect();
    if changes.is_empty() {
        return;
    }
    let unique_name = unique_name.to_owned();
    draft.consequences.push(if state.is_known {
        Consequence::ApplicationChanged { unique_name, changes }
    } else {
        let certificates = state.certificates.iter().map(shown).collect();
        Consequence::ApplicationTakenOver {
            unique_name,
            id: application.id,
            display_name: application.display_name.clone(),
            certificates,
            secrets: application.secrets,
        }
    });
}

fn wanted_roles(state: &ApplicationState) -> Vec<AppRole> {
    state.roles.iter().map(|access| access.role.clone()).collect()
}

/// Returns a certificate in words.
fn shown(certificate: &CertificateCredential) -> String {
    let name = certificate.display_name.as_deref().unwrap_or("without a name");
    let end = certificate.not_after.map(|end| format!(", valid until {}", end.date())).unwrap_or_default();
    format!("{name} ({}{end})", certificate.key_id)
}

/// Returns the properties of the application that are not valid, each with its name in the spec, its value and the reason.
fn invalid_properties(wanted: &ApplicationSpec) -> Vec<(&'static str, String, String)> {
    let mut found = Vec::new();
    let name = wanted.name();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_' || c == '.';
    if name.is_empty() || name.chars().count() > UNIQUE_NAME || !name.chars().all(is_plain) {
        let why = format!("it has 1 to {UNIQUE_NAME} letters, digits, hyphens, dots or underscores");
        found.push(("unique_name", name.to_owned(), why));
    }
    let shown = wanted.shown_name();
    if shown.trim().is_empty() || shown.chars().count() > DISPLAY_NAME {
        let why = format!("it has 1 to {DISPLAY_NAME} characters");
        found.push(("display_name", shown.to_owned(), why));
    }
    if wanted.valid_days == 0 || wanted.valid_days > VALID_DAYS {
        let why = format!("a certificate is valid for 1 to {VALID_DAYS} days");
        found.push(("valid_days", wanted.valid_days.to_string(), why));
    }
    if wanted.certificate.is_none() && wanted.rotation_days >= wanted.valid_days {
        let why = "the rotation window is shorter than the validity of a certificate".to_owned();
        found.push(("rotation_days", wanted.rotation_days.to_string(), why));
    }
    found
}

pub(crate) async fn verify(comparison: &Comparison<'_>, verification: &mut Verification) {
    let (Some(wanted), Some(state)) = (&comparison.spec.application, &comparison.survey.application) else {
        return;
    };
    let name = wanted.name();
    let is_there = state.application.as_ref().is_some_and(|found| found.service_principal.is_some());
    let found = match &state.application {
        Some(found) if is_there => format!("application ID {}", found.app_id),
        Some(found) => format!("application ID {}, without a service principal", found.app_id),
        None => "it does not exist".into(),
    };
    verification.check(format!("the application {name} is registered"), truth(is_there), found);
    for access in &state.roles {
        let detail = if access.offered.is_some() { "" } else { "the tenant does not offer it" };
        let title = format!("{name} has the permission {}", access.role.value);
        verification.check(title, truth(access.granted), detail);
    }
    let certificates = Certificates::of(wanted, state);
    let left = certificates.current.and_then(|current| days_left(current, comparison.survey.taken_at));
    let (status, detail) = match (certificates.current, left) {
        (None, _) => (CheckStatus::False, "it has none".to_owned()),
        (Some(_), None) => (CheckStatus::Unknown, "the tenant does not tell its end".to_owned()),
        (Some(current), Some(..0)) => (CheckStatus::False, format!("{} is expired", shown(current))),
        (Some(current), Some(left)) if left < i64::from(wanted.rotation_days) => (
            CheckStatus::False,
            format!(
                "{left} days are left for {}, fewer than the rotation window of {} days",
                shown(current),
                wanted.rotation_days
            ),
        ),
        (Some(current), Some(left)) => {
            (CheckStatus::True, format!("{left} days are left for {}", shown(current)))
        }
    };
    verification.check(format!("{name} has a certificate that is valid for long enough"), status, detail);
    let has_key = state.brought.as_ref().is_none_or(|brought| brought.has_key);
    if let (Some(secrets), Some(application), true) = (comparison.secrets, &state.application, has_key) {
        let (status, detail) = sign_in(comparison.onramp, name, application, state, secrets).await;
        verification.check(format!("{name} can sign in with its certificate"), status, detail);
    }
}

/// Signs in with the stored key.
async fn sign_in(
    onramp: &Onramp,
    name: &str,
    application: &Application,
    state: &ApplicationState,
    secrets: &dyn SecretStore,
) -> (CheckStatus, String) {
    let keys = match key::stored(secrets, name).await {
        Ok(keys) => keys,
        Err(error) => return (CheckStatus::Unknown, error.to_string()),
    };
    let Some(key) = key::in_tenant(&keys, &state.certificates) else {
        let detail = "the key of none of its certificates is in the secret store; `onramp identity rotate` adds a new one";
        return (CheckStatus::Unknown, detail.to_owned());
    };
    let Some(port) = &onramp.tenant.application_sign_in else {
        return (CheckStatus::Unknown, "this tenant has no port for the sign-in of applications".to_owned());
    };
    if let Err(error) = secrets.promote(name, &key.pem).await {
        return (CheckStatus::Unknown, error.to_string());
    }
    let mut told = String::new();
    for (resource, roles) in by_resource(&wanted_roles(state)) {
        match port.probe(&application.app_id, &key.pem, &resource).await {
            Err(error) => return (CheckStatus::Unknown, error.to_string()),
            Ok(probe) => match missing(&probe, &roles) {
                Some(missing) => return (CheckStatus::False, missing),
                None => told = probe.to_string(),
            },
        }
    }
    (CheckStatus::True, told)
}

/// Returns the permissions by their API.
fn by_resource(roles: &[AppRole]) -> Vec<(ObjectId, Vec<&str>)> {
    let mut found: Vec<(ObjectId, Vec<&str>)> = Vec::new();
    for role in roles {
        match found.iter_mut().find(|(resource, _)| *resource == role.resource) {
            Some((_, values)) => values.push(&role.value),
            None => found.push((role.resource, vec![&role.value])),
        }
    }
    found
}

/// Returns the reason why a sign-in does not prove the permissions, if it does not. A token that cannot be read proves the sign-in.
fn missing(probe: &ApplicationProbe, wanted: &[&str]) -> Option<String> {
    match probe {
        ApplicationProbe::Accepted { roles: None } => None,
        ApplicationProbe::Accepted { roles: Some(roles) } => {
            let lacks: Vec<&str> =
                wanted.iter().copied().filter(|value| !roles.iter().any(|role| role == value)).collect();
            (!lacks.is_empty()).then(|| format!("the token does not have {}", lacks.join(", ")))
        }
        refused => Some(refused.to_string()),
    }
}
