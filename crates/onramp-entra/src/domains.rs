//! Custom domains over Graph.

use async_trait::async_trait;
use futures_util::StreamExt;
use onramp_core::tenant::{
    DomainAuthentication, DomainReference, DomainVerification, Domains, ReferenceKind, TenantDomain,
    VerificationRecord,
};
use onramp_core::{BoxStream, DomainName, ErrorKind, ObjectId, Result};
use onramp_graph::GraphClient;
use onramp_graph::http::{Effect, Reply, Request, ServiceUrl};
use onramp_graph::reqwest::Method;
use serde::{Deserialize, Serialize};

const READ: &str = "Domain.Read.All";
const WRITE: &str = "Domain.ReadWrite.All (a signed-in user also needs the role Domain Name Administrator)";

/// [`Domains`] on Microsoft Graph v1.0.
///
/// | method | least permission, delegated and application |
/// |---|---|
/// | `list`, `get`, `verification_records`, `references`, `root_domain` | Domain.Read.All |
/// | `add`, `verify`, `remove` | Domain.ReadWrite.All |
///
/// A signed-in user also needs the role Domain Name Administrator to change anything; Hybrid Identity
/// Administrator may only read.
#[derive(Debug, Clone)]
pub struct EntraDomains(pub(crate) GraphClient);

impl EntraDomains {
    fn url(&self, rest: &[&str]) -> Result<ServiceUrl> {
        self.0.endpoints().graph().url(&[&["v1.0", "domains"], rest].concat())
    }

    fn get_request(&self, action: &'static str, name: &DomainName) -> Result<Request> {
        let url = self.url(&[name.ascii()])?;
        Ok(Request::new(action, Method::GET, url).object(name).needs(READ))
    }

    async fn look_up(&self, name: &DomainName) -> Result<Option<TenantDomain>> {
        let request = self.get_request("look whether the tenant has the domain", name)?;
        match self.0.json::<DomainJson>(&request).await {
            Ok(found) => found.into_domain().map(Some),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[async_trait]
impl Domains for EntraDomains {
    /// `GET /domains`. Domain.Read.All.
    async fn list(&self) -> Result<Vec<TenantDomain>> {
        let request = Request::new("list the tenant's domains", Method::GET, self.url(&[])?).needs(READ);
        let domains: Vec<DomainJson> = self.0.list_all(request).await?;
        domains.into_iter().map(DomainJson::into_domain).collect()
    }

    /// `GET /domains/{name}`. Domain.Read.All.
    async fn get(&self, name: &DomainName) -> Result<TenantDomain> {
        let request = self.get_request("read the domain", name)?.refers_to(key(name));
        self.0.json::<DomainJson>(&request).await?.into_domain()
    }

    /// `POST /domains`. Domain.ReadWrite.All. If the response is lost and the domain exists afterwards, it counts as
    /// added, although it might have existed before.
    async fn add(&self, name: &DomainName) -> Result<TenantDomain> {
        let body = NewDomain { id: name.ascii() };
        let request = Request::new("add the domain", Method::POST, self.url(&[])?)
            .object(name)
            .needs(WRITE)
            .json(&body)?;
        let read = |reply: &Reply| reply.json::<DomainJson>(&request)?.into_domain();
        let domain = self.0.create(&request, || self.look_up(name), read).await?;
        self.0.created(key(name), &[]);
        Ok(domain)
    }

    /// `GET /domains/{name}/verificationDnsRecords`. Domain.Read.All.
    async fn verification_records(&self, name: &DomainName) -> Result<Vec<VerificationRecord>> {
        let url = self.url(&[name.ascii(), "verificationDnsRecords"])?;
        let request = Request::new("read the verification records of", Method::GET, url)
            .object(name)
            .refers_to(key(name))
            .needs(READ);
        let records: Vec<RecordJson> = self.0.list_all(request).await?;
        Ok(records.into_iter().filter_map(RecordJson::into_record).collect())
    }

    /// `POST /domains/{name}/verify`. Domain.ReadWrite.All. Graph gives every cause the same code; the message
    /// distinguishes them. A refusal that mentions neither a record nor another tenant is an error.
    async fn verify(&self, name: &DomainName) -> Result<DomainVerification> {
        let url = self.url(&[name.ascii(), "verify"])?;
        let request = Request::new("verify the domain", Method::POST, url)
            .object(name)
            .effect(Effect::Idempotent)
            .refers_to(key(name))
            .needs(WRITE);
        let error = match self.0.json::<DomainJson>(&request).await {
            Ok(domain) if domain.is_verified => return Ok(DomainVerification::Verified),
            // Graph is not known to respond like this; if it did, the domain would still have to be verified.
            Ok(_) => {
                return Ok(DomainVerification::RecordNotFound {
                    message: "the domain is still unverified".into(),
                });
            }
            Err(error) => error,
        };
        if !matches!(error.kind(), ErrorKind::Invalid | ErrorKind::AlreadyExists) {
            return Err(error);
        }
        // Graph gives "already verified" and "record not found" the same code. The first can be looked up; the
        // second is known by its message only.
        if self.look_up(name).await?.is_some_and(|domain| domain.is_verified) {
            return Ok(DomainVerification::Verified);
        }
        let message = error.reply().diagnostic.clone().unwrap_or_default();
        let cause = if error.is_already_exists() { Cause::OtherTenant } else { Cause::of(&message, name) };
        let reply = error.reply().clone();
        match cause {
            Cause::NoRecord => Ok(DomainVerification::RecordNotFound { message }),
            Cause::OtherTenant => Err(request
                .error(ErrorKind::AlreadyExists)
                .with_detail("another tenant has the domain")
                .with_reply(reply)
                .with_hint(
                    "Remove it from that tenant, or take over an unmanaged tenant (admin takeover), and verify again.",
                )
                .with_source(error)),
            Cause::Unknown => Err(request
                .error(ErrorKind::Invalid)
                .with_detail("it was refused, and not for a missing DNS record, so waiting will not help")
                .with_reply(reply)
                .with_hint("Check the state of the domain in the Entra admin center.")
                .with_source(error)),
        }
    }

    /// `GET /domains/{name}/domainNameReferences`. Domain.Read.All.
    fn references(&self, name: &DomainName) -> BoxStream<'static, Result<DomainReference>> {
        let request = self.url(&[name.ascii(), "domainNameReferences"]).map(|url| {
            Request::new("list what refers to the domain", Method::GET, url)
                .object(name)
                .refers_to(key(name))
                .needs(READ)
        });
        self.0.list(request).map(|item| item.map(ReferenceJson::into_reference)).boxed()
    }

    /// `GET /domains/{name}/rootDomain`. Domain.Read.All.
    async fn root_domain(&self, name: &DomainName) -> Result<TenantDomain> {
        let url = self.url(&[name.ascii(), "rootDomain"])?;
        let request = Request::new("read the root domain of", Method::GET, url)
            .object(name)
            .refers_to(key(name))
            .needs(READ);
        self.0.json::<DomainJson>(&request).await?.into_domain()
    }

    /// `DELETE /domains/{name}`. Domain.ReadWrite.All.
    async fn remove(&self, name: &DomainName) -> Result<()> {
        let request = Request::new("remove the domain", Method::DELETE, self.url(&[name.ascii()])?)
            .object(name)
            .refers_to(key(name))
            .needs(WRITE);
        self.0.send(&request).await?;
        self.0.deleted(&key(name));
        Ok(())
    }
}

/// The cause of a failed verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// The record is missing, or differs from the requested one.
    NoRecord,
    /// Another tenant has the domain.
    OtherTenant,
    Unknown,
}

impl Cause {
    fn of(message: &str, name: &DomainName) -> Self {
        /// The text that Graph puts before the cause.
        const WRAPPER: &str = "domain verification failed";
        const ELSEWHERE: [&str; 12] = [
            "used elsewhere",
            "in use elsewhere",
            "already verified",
            "already been verified",
            "already added",
            "already in use",
            "already used",
            "another tenant",
            "other tenant",
            "different tenant",
            "another organization",
            "different microsoft 365 organization",
        ];
        // The name itself may contain any of the words.
        let message = message.to_lowercase().replace(&key(name), "");
        if ELSEWHERE.iter().any(|words| message.contains(words)) {
            return Self::OtherTenant;
        }
        let is_word = |word: &str| ["record", "records", "dns", "txt", "mx"].contains(&word);
        let words = || message.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        // Names such as CannotFindDnsRecord are one word.
        if words().any(is_word) || message.contains("dnsrecord") || message.contains("recordnotfound") {
            return Self::NoRecord;
        }
        // Graph sends the prefix alone while no record is published.
        let said = message.strip_prefix(WRAPPER).map(|rest| {
            let rest = rest.trim_start().trim_start_matches("with the following error");
            rest.chars().filter(|c| c.is_alphanumeric()).count()
        });
        if said == Some(0) { Self::NoRecord } else { Self::Unknown }
    }
}

fn key(name: &DomainName) -> String {
    name.ascii().to_ascii_lowercase()
}

#[derive(Serialize)]
struct NewDomain<'a> {
    id: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DomainJson {
    id: String,
    #[serde(default)]
    is_verified: bool,
    #[serde(default)]
    is_default: bool,
    #[serde(default)]
    is_initial: bool,
    #[serde(default)]
    is_root: bool,
    #[serde(default)]
    authentication_type: Option<String>,
}

impl DomainJson {
    fn into_domain(self) -> Result<TenantDomain> {
        let mut domain = TenantDomain::new(DomainName::parse(&self.id)?, self.is_verified);
        domain.is_default = self.is_default;
        domain.is_initial = self.is_initial;
        domain.is_root = self.is_root;
        if self.authentication_type.is_some_and(|kind| kind.eq_ignore_ascii_case("Federated")) {
            domain.authentication = DomainAuthentication::Federated;
        }
        Ok(domain)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReferenceJson {
    id: ObjectId,
    #[serde(rename = "@odata.type", default)]
    kind: String,
    #[serde(default)]
    user_principal_name: Option<String>,
    #[serde(default)]
    mail: Option<String>,
    #[serde(default)]
    display_name: Option<String>,
}

impl ReferenceJson {
    fn into_reference(self) -> DomainReference {
        let (kind, name) = match self.kind.rsplit('.').next().unwrap_or_default() {
            "user" => (ReferenceKind::User, self.user_principal_name),
            "group" => (ReferenceKind::Group, self.mail),
            "application" | "servicePrincipal" => (ReferenceKind::Application, None),
            other => (ReferenceKind::Other(other.to_owned()), None),
        };
        DomainReference::new(self.id, kind, name.or(self.display_name))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RecordJson {
    #[serde(rename = "@odata.type", default)]
    kind: String,
    #[serde(default)]
    label: Option<String>,
    #[serde(default)]
    ttl: Option<u32>,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    mail_exchange: Option<String>,
    #[serde(default)]
    preference: Option<u16>,
}

impl RecordJson {
    /// Converts a record; `None` for record types that cannot prove ownership.
    fn into_record(self) -> Option<VerificationRecord> {
        /// The current TTL of Entra's records.
        const DEFAULT_TTL: u32 = 3600;
        let (label, ttl) = (self.label?, self.ttl.unwrap_or(DEFAULT_TTL));
        match self.kind.rsplit('.').next()? {
            "domainDnsTxtRecord" => Some(VerificationRecord::Txt { label, text: self.text?, ttl }),
            "domainDnsMxRecord" => Some(VerificationRecord::Mx {
                label,
                mail_exchange: self.mail_exchange?,
                preference: self.preference.unwrap_or_default(),
                ttl,
            }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_missing_record_is_worth_waiting_for() {
        let elsewhere = "Unable to verify this domain because it is used elsewhere in another service.";
        let name = DomainName::parse("dns-record.example").unwrap();
        let wrapped = |cause: &str| format!("Domain verification failed with the following error: {cause}");
        for (message, cause) in [
            (elsewhere.to_owned(), Cause::OtherTenant),
            (wrapped(elsewhere), Cause::OtherTenant),
            (wrapped("'The domain is already verified in another tenant.'"), Cause::OtherTenant),
            ("The domain contoso.com is already verified in a different tenant.".into(), Cause::OtherTenant),
            (
                wrapped("the domain is already added to a different Microsoft 365 organization: x.example"),
                Cause::OtherTenant,
            ),
            (wrapped("'The DNS record was found, but the domain is used elsewhere.'"), Cause::OtherTenant),
            (wrapped("'no such record'."), Cause::NoRecord),
            (wrapped("'CannotFindDnsRecord'."), Cause::NoRecord),
            (wrapped("The DNS query timed out"), Cause::NoRecord),
            (wrapped("The TXT value does not match"), Cause::NoRecord),
            ("Unable to find the verification records of the domain.".into(), Cause::NoRecord),
            ("Domain verification failed".into(), Cause::NoRecord),
            (wrapped(""), Cause::NoRecord),
            (wrapped("'The name is reserved.'"), Cause::Unknown),
            (wrapped("'The name dns-record.example is reserved.'"), Cause::Unknown),
            (wrapped("'Internal state is inconsistent'"), Cause::Unknown),
            ("something else".into(), Cause::Unknown),
            (String::new(), Cause::Unknown),
        ] {
            assert_eq!(Cause::of(&message, &name), cause, "{message}");
        }
    }
}
