//! Users over Graph.

use async_trait::async_trait;
use futures_util::StreamExt;
use onramp_core::tenant::{DeletedUser, NewUser, TenantUser, TenantUsers, UserUpdate};
use onramp_core::{BoxStream, Error, ErrorKind, ImmutableId, ObjectId, Password, Result, Upn};
use onramp_graph::http::{Reply, Request, ServiceUrl, decode_object, unreadable_object};
use onramp_graph::reqwest::Method;
use onramp_graph::{Delta, DeltaStart, GraphChange, GraphClient};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;

const SELECT: &str = "id,userPrincipalName,displayName,accountEnabled,mail,otherMails,proxyAddresses,\
                      onPremisesImmutableId,onPremisesSyncEnabled,userType,passwordPolicies,lastPasswordChangeDateTime";

/// A user that was created or changed, as [`EntraClient::user_changes`](crate::EntraClient::user_changes) tells it: what it is
/// now has to be read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct ChangedUser {
    /// Object ID.
    pub id: ObjectId,
}

/// The maximum page size.
const PAGE: &str = "999";

const READ: &str = "User.Read.All";
const WRITE: &str = "User.ReadWrite.All (for an administrator's account also the role Privileged Authentication Administrator)";
const RESTORE: &str = "User.DeleteRestore.All (for an administrator's account also the role Privileged Authentication Administrator)";
const PASSWORD: &str =
    "User-PasswordProfile.ReadWrite.All (an application also needs the role User Administrator)";

/// [`TenantUsers`] on Microsoft Graph v1.0.
///
/// | method | least permission, delegated and application |
/// |---|---|
/// | `list`, `get`, `find`, `deleted` | User.Read.All |
/// | `create`, `update` | User.ReadWrite.All |
/// | `set_password` | User-PasswordProfile.ReadWrite.All; an application also needs the role User Administrator |
/// | `delete`, `restore` | User.DeleteRestore.All |
///
/// `accountEnabled`, `otherMails`, the UPN, the password and deletion of a user with an administrator role
/// can be changed by a Privileged Authentication Administrator only: set them before assigning the role.
#[derive(Debug, Clone)]
pub struct EntraUsers(pub(crate) GraphClient);

impl EntraUsers {
    /// The changes of the properties that [`TenantUsers::list`] returns.
    pub(crate) fn changes(&self, from: DeltaStart) -> BoxStream<'static, Result<Delta<ChangedUser>>> {
        self.0.query("users").select(SELECT.split(',')).changes(from)
    }

    fn url(&self, rest: &[&str]) -> Result<ServiceUrl> {
        self.0.endpoints().graph().url(&[&["v1.0", "users"], rest].concat())
    }

    fn read_request(&self, action: &'static str, url: ServiceUrl) -> Request {
        Request::new(action, Method::GET, url).query("$select", SELECT).needs(READ)
    }

    fn list_request(&self) -> Result<Request> {
        Ok(self.read_request("list the tenant's users", self.url(&[])?).query("$top", PAGE))
    }

    async fn look_up(&self, upn: &Upn, wait_if_new: bool) -> Result<Option<TenantUser>> {
        const ACTION: &str = "look up the user";
        if upn.as_str().starts_with('$') {
            // A path segment that starts with "$" is a system resource to Graph.
            let request =
                self.read_request(ACTION, self.url(&[])?).filter_eq("userPrincipalName", upn).object(upn);
            let found: Vec<Value> = self.0.list_all(request.clone()).await?;
            let found = found.first().map(|user| decode_object::<UserJson>(&request, user)).transpose()?;
            return found.map(UserJson::into_user).transpose();
        }
        let mut request = self.read_request(ACTION, self.url(&[upn.as_str()])?).object(upn);
        if wait_if_new {
            request = request.refers_to(upn.key());
        }
        match self.one(&request).await {
            Ok(user) => user.into_user().map(Some),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn read(&self, id: &ObjectId) -> Result<UserJson> {
        let request =
            self.read_request("read the user", self.url(&[&id.to_string()])?).object(id).refers_to(id);
        self.one(&request).await
    }

    async fn one(&self, request: &Request) -> Result<UserJson> {
        decode_object(request, &self.0.json(request).await?)
    }

    fn deleted_url(&self, rest: &[&str]) -> Result<ServiceUrl> {
        self.0.endpoints().graph().url(&[&["v1.0", "directory", "deletedItems"], rest].concat())
    }

    async fn patch(&self, request: Request, id: &ObjectId) -> Result<()> {
        self.0.send(&request.object(id).refers_to(id)).await.map(drop)
    }
}

#[async_trait]
impl TenantUsers for EntraUsers {
    /// `GET /users`, in pages of 999 with one prefetched. User.Read.All. After an expired page token the list is read
    /// again from the beginning, and no user is returned twice.
    fn list(&self) -> BoxStream<'static, Result<TenantUser>> {
        self.0
            .list_restarting(self.list_request(), |user: &UserJson| user.id.clone())
            .map(|user| user.and_then(UserJson::into_user))
            .boxed()
    }

    /// `GET /users/{id}`. User.Read.All.
    async fn get(&self, id: &ObjectId) -> Result<TenantUser> {
        self.read(id).await?.into_user()
    }

    /// `GET /users/{upn}`. User.Read.All.
    async fn find(&self, upn: &Upn) -> Result<Option<TenantUser>> {
        self.look_up(upn, true).await
    }

    /// `POST /users`. User.ReadWrite.All.
    async fn create(&self, user: &NewUser) -> Result<TenantUser> {
        let body = CreateUser {
            account_enabled: user.account_enabled,
            display_name: &user.display_name,
            mail_nickname: &user.mail_nickname,
            user_principal_name: user.upn.as_str(),
            other_mails: &user.other_mails,
            password_policies: user.password_never_expires.then(|| with_expiration(None, true)),
            password_profile: PasswordProfile::new(&user.password, user.force_change),
        };
        let request = Request::new("create the user", Method::POST, self.url(&[])?)
            .object(&user.upn)
            .needs(WRITE)
            .secret(&user.password)
            .json(&body)?;
        // The response to a creation holds few properties; the others are those of the request.
        let read = |reply: &Reply| {
            let mut created = TenantUser::new(reply.json::<CreatedJson>(&request)?.id, user.upn.clone());
            created.display_name = Some(user.display_name.clone());
            created.account_enabled = user.account_enabled;
            created.other_mails.clone_from(&user.other_mails);
            created.password_never_expires = user.password_never_expires;
            Ok(created)
        };
        // A UPN is unique in the tenant: a user with it and with the right name is the one that was created.
        let look_up = || async {
            let found = self.look_up(&user.upn, false).await?;
            Ok(found.filter(|found| found.display_name.as_deref() == Some(user.display_name.as_str())))
        };
        let created = self.0.create(&request, look_up, read).await?;
        self.0.created(created.id, &[user.upn.key()]);
        Ok(created)
    }

    /// `PATCH /users/{id}`. User.ReadWrite.All.
    async fn update(&self, id: &ObjectId, update: &UserUpdate) -> Result<()> {
        if *update == UserUpdate::default() {
            return Ok(());
        }
        let password_policies = match update.password_never_expires {
            Some(never) => Some(with_expiration(self.read(id).await?.password_policies.as_deref(), never)),
            None => None,
        };
        let body = update_body(update, password_policies);
        let url = self.url(&[&id.to_string()])?;
        let request = Request::new("update the user", Method::PATCH, url).needs(WRITE).json(&body)?;
        self.patch(request, id).await?;
        if let Some(upn) = &update.upn {
            self.0.renamed(&id.to_string(), upn.key());
        }
        Ok(())
    }

    /// `PATCH /users/{id}`. User-PasswordProfile.ReadWrite.All; an application also needs the role User
    /// Administrator.
    async fn set_password(&self, id: &ObjectId, password: &Password, force_change: bool) -> Result<()> {
        let body = SetPassword { password_profile: PasswordProfile::new(password, force_change) };
        let url = self.url(&[&id.to_string()])?;
        let request = Request::new("set the password of the user", Method::PATCH, url)
            .needs(PASSWORD)
            .secret(password)
            .json(&body)?;
        self.patch(request, id).await
    }

    /// `DELETE /users/{id}`. User.DeleteRestore.All or User.ReadWrite.All.
    async fn delete(&self, id: &ObjectId) -> Result<()> {
        let url = self.url(&[&id.to_string()])?;
        let request = Request::new("delete the user", Method::DELETE, url)
            .object(id)
            .refers_to(id)
            .needs("User.DeleteRestore.All");
        self.0.send(&request).await?;
        self.0.deleted(&id.to_string());
        Ok(())
    }

    /// `GET /directory/deletedItems/microsoft.graph.user`. User.Read.All.
    fn deleted(&self) -> BoxStream<'static, Result<DeletedUser>> {
        let request = self.deleted_url(&["microsoft.graph.user"]).map(|url| {
            Request::new("list the deleted users", Method::GET, url)
                .query("$select", &format!("{SELECT},deletedDateTime"))
                .query("$top", PAGE)
                .needs(READ)
        });
        self.0.list(request).map(|user: Result<DeletedJson>| user.and_then(DeletedJson::into_deleted)).boxed()
    }

    /// `POST /directory/deletedItems/{id}/restore`. User.DeleteRestore.All. After a lost response the user is looked up
    /// among the existing ones.
    async fn restore(&self, id: &ObjectId) -> Result<TenantUser> {
        let url = self.deleted_url(&[&id.to_string(), "restore"])?;
        let request = Request::new("restore the user", Method::POST, url)
            .object(id)
            .needs(RESTORE)
            .json(&NoParameters {})?;
        let look_up = || async {
            match self.read(id).await {
                Ok(_) => Ok(Some(())),
                Err(error) if error.is_not_found() => Ok(None),
                Err(error) => Err(error),
            }
        };
        self.0.create(&request, look_up, |_| Ok(())).await?;
        self.0.created(id, &[]);
        self.read(id).await?.into_user()
    }
}

/// Returns the change of a user, for [`GraphClient::bulk`]. User.ReadWrite.All.
///
/// # Errors
/// `Unsupported` if the update changes the expiry of the password: `passwordPolicies` holds other policies too, which
/// have to be read first. [`TenantUsers::update`] does that.
pub fn update_user(id: &ObjectId, update: &UserUpdate) -> Result<GraphChange> {
    if update.password_never_expires.is_some() {
        return Err(Error::new(ErrorKind::Unsupported, "change in bulk the expiry of the password of")
            .with_object(id)
            .with_detail("the other password policies have to be read first")
            .with_hint("Update this user on its own."));
    }
    GraphChange::update("users").segment(id.to_string()).object(id).json(&update_body(update, None))
}

/// Returns the body of an update.
fn update_body(update: &UserUpdate, password_policies: Option<String>) -> impl Serialize {
    UpdateUser {
        account_enabled: update.account_enabled,
        display_name: update.display_name.as_deref(),
        user_principal_name: update.upn.as_ref().map(Upn::as_str),
        other_mails: update.other_mails.as_deref(),
        password_policies,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UpdateUser<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    account_enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_principal_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    other_mails: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password_policies: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CreateUser<'a> {
    account_enabled: bool,
    display_name: &'a str,
    mail_nickname: &'a str,
    user_principal_name: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    other_mails: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    password_policies: Option<String>,
    password_profile: PasswordProfile<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SetPassword<'a> {
    password_profile: PasswordProfile<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PasswordProfile<'a> {
    password: &'a str,
    /// Always sent: without it the service forces a change of the password.
    force_change_password_next_sign_in: bool,
}

impl<'a> PasswordProfile<'a> {
    fn new(password: &'a Password, force_change: bool) -> Self {
        Self { password: password.expose(), force_change_password_next_sign_in: force_change }
    }
}

/// The body of an action without parameters.
#[derive(Serialize)]
struct NoParameters {}

#[derive(Deserialize)]
struct CreatedJson {
    id: ObjectId,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct UserJson {
    id: String,
    user_principal_name: String,
    display_name: Option<String>,
    account_enabled: Option<bool>,
    mail: Option<String>,
    other_mails: Option<Vec<String>>,
    proxy_addresses: Option<Vec<String>>,
    on_premises_immutable_id: Option<String>,
    on_premises_sync_enabled: Option<bool>,
    user_type: Option<String>,
    password_policies: Option<String>,
    #[serde(with = "time::serde::rfc3339::option")]
    last_password_change_date_time: Option<OffsetDateTime>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeletedJson {
    #[serde(default, with = "time::serde::rfc3339::option")]
    deleted_date_time: Option<OffsetDateTime>,
    #[serde(flatten)]
    user: UserJson,
}

impl DeletedJson {
    fn into_deleted(self) -> Result<DeletedUser> {
        Ok(DeletedUser::new(self.user.into_user()?, self.deleted_date_time))
    }
}

const NEVER_EXPIRES: &str = "DisablePasswordExpiration";

impl UserJson {
    fn into_user(self) -> Result<TenantUser> {
        let unreadable = |why: onramp_core::ParseError| {
            let name =
                [self.user_principal_name.as_str(), &self.id].into_iter().find(|name| !name.is_empty());
            unreadable_object(&format!("the user {}", name.unwrap_or("without a name")), &why.to_string())
        };
        let id = ObjectId::parse(&self.id).map_err(unreadable)?;
        let upn = Upn::parse(&self.user_principal_name).map_err(unreadable)?;
        let anchor = self.on_premises_immutable_id.as_deref().filter(|anchor| !anchor.is_empty());
        let immutable_id = anchor.map(ImmutableId::parse).transpose().map_err(unreadable)?;
        let is_guest = TenantUser::is_guest_by(self.user_type.as_deref(), &upn);
        let mut user = TenantUser::new(id, upn);
        user.is_guest = is_guest;
        user.display_name = self.display_name;
        user.account_enabled = self.account_enabled.unwrap_or(true);
        user.mail = self.mail;
        user.other_mails = self.other_mails.unwrap_or_default();
        user.proxy_addresses = self.proxy_addresses.unwrap_or_default();
        user.immutable_id = immutable_id;
        user.synchronized = self.on_premises_sync_enabled.unwrap_or_default();
        user.password_never_expires =
            policies(self.password_policies.as_deref()).any(|policy| policy == NEVER_EXPIRES);
        user.password_changed = self.last_password_change_date_time;
        Ok(user)
    }
}

fn policies(text: Option<&str>) -> impl Iterator<Item = &str> {
    text.unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|policy| !policy.is_empty() && *policy != "None")
}

/// Returns the value of `passwordPolicies` with the expiration changed and all other policies kept.
fn with_expiration(current: Option<&str>, never: bool) -> String {
    let mut wanted: Vec<&str> = policies(current).filter(|policy| *policy != NEVER_EXPIRES).collect();
    if never {
        wanted.insert(0, NEVER_EXPIRES);
    }
    if wanted.is_empty() { "None".into() } else { wanted.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switching_expiration_keeps_the_other_policy() {
        assert_eq!(with_expiration(None, true), "DisablePasswordExpiration");
        assert_eq!(with_expiration(Some("None"), true), "DisablePasswordExpiration");
        assert_eq!(with_expiration(Some("DisablePasswordExpiration"), false), "None");
        let both = "DisablePasswordExpiration, DisableStrongPassword";
        assert_eq!(with_expiration(Some("DisableStrongPassword"), true), both);
        assert_eq!(with_expiration(Some(both), true), both);
        assert_eq!(with_expiration(Some(both), false), "DisableStrongPassword");
    }
}
