//! Reading the policies that decide about a second factor of a user.

use onramp_core::tenant::{ConditionalAccessPolicy, MfaState, PolicySubject, RoleTemplateId, SecondFactor};
use onramp_core::{ErrorKind, ObjectId, Result};
use onramp_graph::http::Request;
use onramp_graph::reqwest::Method;
use onramp_graph::{Capability, GraphClient};
use serde::Deserialize;

const POLICIES: &str = "Policy.Read.All";
const MEMBERSHIPS: &str = "User.Read.All (a signed-in user also needs GroupMember.Read.All)";

/// Reads the policies that apply to a user. `per_user` is the result of reading the per-user MFA state.
pub(crate) async fn read(
    graph: &GraphClient,
    per_user: Result<MfaState>,
    user: &ObjectId,
) -> Result<SecondFactor> {
    let mut all = SecondFactor::default();
    all.per_user = known(per_user)?;
    // Read in any case: it also shows if the user exists.
    let roles = known(roles(graph, user).await)?;
    let Some((defaults, policies)) = tenant_policies(graph).await? else { return Ok(all) };
    all.security_defaults = defaults;
    let (Some(roles), Some(policies)) = (roles, policies) else { return Ok(all) };
    let mut subject = PolicySubject::new(*user).with_roles(roles);
    let names_groups = |policy: &ConditionalAccessPolicy| {
        policy.is_enabled && !(policy.include_groups.is_empty() && policy.exclude_groups.is_empty())
    };
    if policies.iter().any(names_groups) {
        let Some(groups) = known(groups(graph, user).await)? else { return Ok(all) };
        subject = subject.with_groups(groups);
    }
    all.policies = Some(policies.iter().filter_map(|policy| policy.applies_to(&subject)).collect());
    Ok(all)
}

/// Reads the policies that would apply to a new user with these roles.
pub(crate) async fn read_for_roles(graph: &GraphClient, roles: &[RoleTemplateId]) -> Result<SecondFactor> {
    let mut all = SecondFactor::default();
    all.per_user = Some(MfaState::Disabled);
    let Some((defaults, policies)) = tenant_policies(graph).await? else { return Ok(all) };
    all.security_defaults = defaults;
    let subject = PolicySubject::new_account().with_roles(roles.iter().copied());
    all.policies = policies.map(|all| all.iter().filter_map(|policy| policy.applies_to(&subject)).collect());
    Ok(all)
}

/// Reads security defaults and policies, each as far as possible; `None` if the cloud has neither.
async fn tenant_policies(
    graph: &GraphClient,
) -> Result<Option<(Option<bool>, Option<Vec<ConditionalAccessPolicy>>)>> {
    if graph.endpoints().require(Capability::AccessPolicies, "", "").is_err() {
        return Ok(None);
    }
    Ok(Some((known(security_defaults(graph).await)?, known(policies(graph).await)?)))
}

/// Converts "forbidden" and "unsupported" into `None`: not known.
fn known<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if matches!(error.kind(), ErrorKind::Forbidden | ErrorKind::Unsupported) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn security_defaults(graph: &GraphClient) -> Result<bool> {
    let path = ["v1.0", "policies", "identitySecurityDefaultsEnforcementPolicy"];
    let url = graph.endpoints().graph().url(&path)?;
    let request = Request::new("read the security defaults", Method::GET, url).needs(POLICIES);
    Ok(graph.json::<SecurityDefaultsJson>(&request).await?.is_enabled)
}

async fn policies(graph: &GraphClient) -> Result<Vec<ConditionalAccessPolicy>> {
    let path = ["v1.0", "identity", "conditionalAccess", "policies"];
    let url = graph.endpoints().graph().url(&path)?;
    let request = Request::new("list the conditional access policies", Method::GET, url).needs(POLICIES);
    let found: Vec<PolicyJson> = graph.list_all(request).await?;
    Ok(found.into_iter().map(PolicyJson::into_policy).collect())
}

/// Returns the roles of a user, including those through groups.
async fn roles(graph: &GraphClient, user: &ObjectId) -> Result<Vec<RoleTemplateId>> {
    let request = memberships(graph, user, "microsoft.graph.directoryRole", "id,roleTemplateId")?;
    let found: Vec<MembershipJson> = graph.list_all(request).await?;
    Ok(found.into_iter().filter_map(|held| held.role_template_id).map(RoleTemplateId::new).collect())
}

/// Returns the groups of a user, including those through other groups.
async fn groups(graph: &GraphClient, user: &ObjectId) -> Result<Vec<ObjectId>> {
    let request = memberships(graph, user, "microsoft.graph.group", "id")?.query("$top", "999");
    let found: Vec<MembershipJson> = graph.list_all(request).await?;
    Ok(found.into_iter().map(|group| group.id).collect())
}

fn memberships(graph: &GraphClient, user: &ObjectId, kind: &str, select: &str) -> Result<Request> {
    let path = ["v1.0", "users", &user.to_string(), "transitiveMemberOf", kind];
    let url = graph.endpoints().graph().url(&path)?;
    Ok(Request::new("list the groups and roles of the user", Method::GET, url)
        .object(user)
        .refers_to(user)
        .query("$select", select)
        .needs(MEMBERSHIPS))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SecurityDefaultsJson {
    is_enabled: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MembershipJson {
    id: ObjectId,
    #[serde(default)]
    role_template_id: Option<ObjectId>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PolicyJson {
    id: String,
    #[serde(default)]
    display_name: Option<String>,
    #[serde(default)]
    state: String,
    #[serde(default)]
    conditions: Conditions,
    #[serde(default)]
    grant_controls: Option<GrantControls>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Conditions {
    users: Option<Users>,
    applications: Option<ApplicationsJson>,
    client_app_types: Option<Vec<String>>,
    /// All other conditions; only their presence counts.
    #[serde(flatten)]
    others: serde_json::Map<String, serde_json::Value>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Users {
    include_users: Vec<String>,
    exclude_users: Vec<String>,
    include_groups: Vec<String>,
    exclude_groups: Vec<String>,
    include_roles: Vec<String>,
    exclude_roles: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ApplicationsJson {
    include_applications: Vec<String>,
    exclude_applications: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct GrantControls {
    built_in_controls: Vec<String>,
    custom_authentication_factors: Vec<String>,
    terms_of_use: Vec<String>,
    authentication_strength: Option<serde_json::Value>,
}

impl PolicyJson {
    fn into_policy(self) -> ConditionalAccessPolicy {
        let is_conditional = self.conditions.is_conditional();
        let users = self.conditions.users.unwrap_or_default();
        let applications = self.conditions.applications.unwrap_or_default();
        let grant = self.grant_controls.unwrap_or_default();
        let mut policy = ConditionalAccessPolicy::default();
        policy.name = self.display_name.unwrap_or_else(|| self.id.clone());
        policy.id = self.id;
        policy.is_enabled = self.state == "enabled";
        policy.include_users = users.include_users;
        policy.exclude_users = users.exclude_users;
        policy.include_groups = users.include_groups;
        policy.exclude_groups = users.exclude_groups;
        policy.include_roles = users.include_roles;
        policy.exclude_roles = users.exclude_roles;
        policy.include_applications = applications.include_applications;
        policy.exclude_applications = applications.exclude_applications;
        policy.is_conditional = is_conditional;
        policy.controls = grant.built_in_controls;
        policy.controls.extend(grant.custom_authentication_factors);
        policy.controls.extend(grant.terms_of_use);
        policy.authentication_strength =
            grant.authentication_strength.is_some_and(|strength| !strength.is_null());
        policy
    }
}

impl Conditions {
    /// Returns true if there are conditions other than user and application. An empty condition does not count.
    fn is_conditional(&self) -> bool {
        let some_clients = self
            .client_app_types
            .as_ref()
            .is_some_and(|kinds| !kinds.is_empty() && !kinds.iter().any(|kind| kind == "all"));
        let is_set = |value: &serde_json::Value| match value {
            serde_json::Value::Null => false,
            serde_json::Value::Array(items) => !items.is_empty(),
            serde_json::Value::Object(members) => !members.is_empty(),
            _ => true,
        };
        some_clients || self.others.values().any(is_set)
    }
}
