//! People who sign in, with a browser and with a device code, at the lab's sign-in service.

use std::sync::{Arc, Mutex};

use onramp_core::tenant::SyncFeatures;
use onramp_core::{Clock, ErrorKind, SystemClock, Tenant, Upn};
use onramp_entra::{BrowserSignIn, DeviceCodeSignIn, DevicePrompt};
use onramp_lab::tenant::LabTenant;

use crate::laboratory::Lab;

async fn start() -> Lab {
    Lab::start(LabTenant::builder().seed(9).sync_enabled(Some(true))).await
}

fn client_id(lab: &Lab) -> String {
    lab.lab.credentials().public_client_id.to_string()
}

fn admin(lab: &Lab) -> Upn {
    Upn::new("admin", &lab.initial_domain()).unwrap()
}

fn sign_ins(lab: &Lab) -> usize {
    lab.lab.requests().iter().filter(|request| request.path.ends_with("/devicecode")).count()
}

/// By the machine's clock, because a browser is waited for.
fn tenant_by_the_clock(lab: &Lab, way: BrowserSignIn) -> Tenant {
    lab.client(way).clock(Arc::new(SystemClock::new())).build().unwrap().tenant()
}

/// Enters every code that is shown, as the administrator.
fn obedient(lab: &Lab) -> (DeviceCodeSignIn, Arc<Mutex<Vec<DevicePrompt>>>) {
    let shown = Arc::new(Mutex::new(Vec::new()));
    let (tenant, admin, kept) = (lab.lab.clone(), admin(lab), shown.clone());
    let way = DeviceCodeSignIn::new(client_id(lab), move |prompt: &DevicePrompt| {
        tenant.enter_device_code(&prompt.code, &admin).unwrap();
        kept.lock().unwrap().push(prompt.clone());
    });
    (way, shown)
}

#[tokio::test]
async fn a_person_signs_in_with_a_code_once_for_all_services_and_renewals() {
    let lab = start().await;
    let (way, shown) = obedient(&lab);
    let tenant = lab.tenant_of(way);
    let features = tenant.sync.features().await.unwrap();
    assert_ne!(features, SyncFeatures::default(), "only a signed-in user may read them");
    tenant.subscriptions.elevate_access().await.unwrap();
    lab.clock.advance(std::time::Duration::from_secs(3 * 3600));
    tenant.domains.list().await.unwrap();
    assert_eq!(sign_ins(&lab), 1, "the person is asked once");
    let prompts = shown.lock().unwrap().clone();
    assert!(prompts[0].to_string().contains(&prompts[0].code), "{}", prompts[0]);

    lab.lab.end_sign_ins();
    lab.lab.revoke_tokens();
    tenant.domains.list().await.unwrap();
    assert_eq!(sign_ins(&lab), 2, "and again when the sign-in has ended");
}

#[tokio::test]
async fn a_person_who_declines_or_never_comes_is_told_of() {
    let lab = start().await;
    let tenant = lab.lab.clone();
    let declining = DeviceCodeSignIn::new(client_id(&lab), move |prompt: &DevicePrompt| {
        tenant.decline_device_code(&prompt.code).unwrap();
    });
    let error = lab.tenant_of(declining).domains.list().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
    assert!(error.to_string().contains("declined"), "{error}");

    let began = lab.clock.elapsed();
    let absent = DeviceCodeSignIn::new(client_id(&lab), |_| {});
    let error = lab.tenant_of(absent).domains.list().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
    let waited = lab.clock.elapsed() - began;
    assert!((890..1000).contains(&waited.as_secs()), "the code's quarter of an hour, not {waited:?}");
}

/// Does as a browser does: follows the address it is given, through the sign-in service, back to the program.
fn browser(lab: &Lab) -> impl Fn(&url::Url) + Send + Sync + use<> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(lab.ca.certificate_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let tls = tls.unwrap().with_root_certificates(roots).with_no_client_auth();
    let http = reqwest::Client::builder().tls_backend_preconfigured(tls).build().unwrap();
    move |address| {
        let visit = http.get(address.clone()).send();
        tokio::spawn(async move { visit.await.unwrap().error_for_status().unwrap() });
    }
}

#[tokio::test]
async fn a_person_signs_in_with_the_browser() {
    let lab = start().await;
    let way = BrowserSignIn::new(client_id(&lab), browser(&lab)).with_login_hint(admin(&lab).to_string());
    // A browser takes real time, which a clock that jumps would not give it.
    let tenant = tenant_by_the_clock(&lab, way);
    assert_ne!(tenant.sync.features().await.unwrap(), SyncFeatures::default());
    let paths: Vec<String> = lab.lab.requests().iter().map(|request| request.path.clone()).collect();
    assert!(paths.iter().any(|path| path.ends_with("/authorize")), "{paths:?}");
}

#[tokio::test]
async fn a_refusal_in_the_browser_is_told_in_the_services_words() {
    let lab = start().await;
    let way = BrowserSignIn::new(client_id(&lab), browser(&lab)).with_login_hint("nobody@nowhere.example");
    let error = tenant_by_the_clock(&lab, way).domains.list().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
    assert!(error.to_string().contains("AADSTS50034"), "{error}");
}

#[tokio::test]
async fn nobody_is_waited_for_for_ever() {
    let lab = start().await;
    let way = BrowserSignIn::new(client_id(&lab), |_| {}).with_timeout(std::time::Duration::from_secs(90));
    let error = lab.tenant_of(way).domains.list().await.unwrap_err();
    assert!(error.to_string().contains("nobody signed in within 90 s"), "{error}");
}
