//! Authentication: bind names and passwords.

use ldap3_proto::LdapResultCode;
use onramp_core::Password;

use super::access::Principal;
use super::refusal::Refusal;
use crate::forest::data::dn::Target;
use crate::forest::data::object::{Id, Object};
use crate::forest::data::state::Domain;
use crate::forest::data::text::fold;
use crate::forest::data::view::View;
use crate::forest::schema::{Attr, Class};

const DISABLED: u32 = 0x2;

/// The passwords of the lab's accounts.
#[derive(Debug, Clone)]
pub(crate) struct Credentials {
    /// The password of the built-in administrator of each domain.
    pub(crate) administrator_password: Password,
    /// The password of every other account.
    pub(crate) user_password: Password,
    pub(crate) delegate: Option<Id>,
}

/// Simple bind. Without name and password it is an anonymous bind; a name with an empty password is nobody.
pub(crate) fn simple(
    view: View<'_>,
    credentials: &Credentials,
    name: &str,
    password: &str,
) -> Result<Principal, Refusal> {
    if name.is_empty() && password.is_empty() {
        return Ok(Principal::Anonymous);
    }
    let id = find(view, name).ok_or_else(|| refused("52e"))?;
    let expected = match view.state.domains.iter().any(|domain| domain.administrator == id) {
        true => &credentials.administrator_password,
        false => &credentials.user_password,
    };
    if expected.expose() != password {
        return Err(refused("52e"));
    }
    enabled(view, credentials, id)
}

/// Somebody whose identity is proven already, by a certificate.
pub(crate) fn proven(
    view: View<'_>,
    credentials: &Credentials,
    guid: &[u8; 16],
) -> Result<Principal, Refusal> {
    let id = view.state.find_guid(guid).ok_or_else(|| refused("525"))?;
    enabled(view, credentials, id)
}

fn enabled(view: View<'_>, credentials: &Credentials, id: Id) -> Result<Principal, Refusal> {
    let control: u32 =
        view.text(id, Attr::USER_ACCOUNT_CONTROL).and_then(|c| c.parse().ok()).unwrap_or_default();
    if control & DISABLED != 0 {
        return Err(refused("533"));
    }
    Ok(principal(view, credentials, id))
}

fn principal(view: View<'_>, credentials: &Credentials, id: Id) -> Principal {
    let groups = view.state.links.get(&(id, Attr::MEMBER)).map(Vec::as_slice).unwrap_or_default();
    let administers = groups.iter().any(|&group| {
        view.text(group, Attr::SAM_ACCOUNT_NAME)
            .is_some_and(|name| matches!(name.as_str(), "Domain Admins" | "Enterprise Admins"))
    });
    match administers {
        true => Principal::Administrator(id),
        false if credentials.delegate == Some(id) => Principal::Delegate(id),
        false => Principal::User(id),
    }
}

/// Returns the account of a bind name: `NETBIOS\name`, a user principal name, `name@` and the domain's DNS or NetBIOS name, a
/// distinguished name, or a canonical name. Every domain of the forest trusts every other.
fn find(view: View<'_>, name: &str) -> Option<Id> {
    if let Some((netbios, account)) = name.split_once('\\').filter(|_| !name.contains('=')) {
        let mut domains = view.state.domains.iter();
        let domain = domains.find(|domain| domain.netbios.eq_ignore_ascii_case(netbios))?;
        return by_account_name(view, domain, account);
    }
    if !name.contains('=')
        && let Some((account, suffix)) = name.rsplit_once('@')
    {
        let explicit = view.with_value(Attr::USER_PRINCIPAL_NAME, name.as_bytes());
        if let [id] = explicit.as_slice() {
            return Some(*id);
        }
        let called = |domain: &&Domain| {
            fold(domain.dns.as_str()) == fold(suffix) || suffix.eq_ignore_ascii_case(&domain.netbios)
        };
        return by_account_name(view, view.state.domains.iter().find(called)?, account);
    }
    if let Some((domain, path)) = name.split_once('/').filter(|_| !name.contains('=')) {
        return by_canonical_name(view, domain, path);
    }
    let id = view.resolve(&Target::parse(name)?)?;
    view.object(id)?.class.is_account().then_some(id)
}

fn by_account_name(view: View<'_>, domain: &Domain, name: &str) -> Option<Id> {
    let found = view.with_value(Attr::SAM_ACCOUNT_NAME, name.as_bytes());
    let fits = |object: &Object| object.class.is_account() && object.context == domain.context;
    found.into_iter().find(|&id| view.object(id).is_some_and(fits))
}

fn by_canonical_name(view: View<'_>, domain: &str, path: &str) -> Option<Id> {
    let mut domains = view.state.domains.iter();
    let root = domains.find(|known| fold(known.dns.as_str()) == fold(domain))?.head;
    let child = |parent: Id, name: &str| {
        let name = fold(name);
        ["cn", "ou"].iter().find_map(|kind| view.state.find_child(parent, kind, &name))
    };
    let id = path.split('/').try_fold(root, child)?;
    view.object(id).is_some_and(|object| object.class == Class::User).then_some(id)
}

/// `data` is the reason as Active Directory numbers them.
fn refused(data: &str) -> Refusal {
    let message =
        format!("80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data {data}, v1db1");
    Refusal::new(LdapResultCode::InvalidCredentials, message)
}
