//! The applications of a new tenant: the service principals of Graph and Azure, and the lab's own.

use onramp_core::Password;
use time::OffsetDateTime;

use crate::tenant::data::applications::{ARM, Application, GRAPH, PASSWORD_RESET, ServicePrincipal};
use crate::tenant::data::state::State;
use crate::tenant::limits::consistency::Visibility;

/// Returns the applications every lab tenant has: client id, its secret, public client id.
pub(crate) fn add_applications(state: &mut State, now: OffsetDateTime) -> (String, Password, String) {
    state.ensure_service_principal(GRAPH, "Microsoft Graph", now);
    state.ensure_service_principal(ARM, "Windows Azure Service Management API", now);
    let secret = state.draw.letters(40);
    let client = add_application(state, "Onramp Lab", vec![Password::new(secret.clone())], now);
    let public = add_application(state, "Onramp Lab sign-in", Vec::new(), now);
    let (client_principal, client_id) = client;
    let resource = state.service_principals.iter().find(|sp| sp.app_id == GRAPH).cloned();
    if let Some(graph) = resource {
        for (role, _) in &graph.app_roles {
            // A permission that Graph offers can always be granted once.
            let _ = state.grant_app_role([&client_principal, &graph.id, role], now);
        }
    }
    state.ensure_service_principal(PASSWORD_RESET, "Microsoft password reset service", now);
    (client_id, Password::new(secret), public.1)
}

fn add_application(
    state: &mut State,
    name: &str,
    secrets: Vec<Password>,
    now: OffsetDateTime,
) -> (String, String) {
    let (app_id, principal) = (state.draw.guid(), state.draw.guid());
    let is_public = secrets.is_empty();
    state.applications.push(Application {
        id: state.draw.guid(),
        app_id: app_id.clone(),
        display_name: name.to_owned(),
        created: now,
        secrets,
        secrets_expire: None,
        is_public,
        certificates: Vec::new(),
        rest: Vec::new(),
        seen: Visibility::default(),
    });
    state.service_principals.push(ServicePrincipal {
        id: principal.clone(),
        app_id: app_id.clone(),
        display_name: name.to_owned(),
        account_enabled: true,
        tags: Vec::new(),
        app_roles: Vec::new(),
        seen: Visibility::default(),
    });
    (principal, app_id)
}
