//! The identity of the lab's own application, and the records that the services of a domain need.

use async_trait::async_trait;
use onramp_core::tenant::{
    Caller, CallerCredential, CallerCredentialKind, CallerRights, ServiceRecord, ServiceRecords,
};
use onramp_core::{DomainName, Result};

use super::{Operation, Ports};

#[async_trait]
impl Caller for Ports {
    /// Makes no request: a client reads its token.
    async fn rights(&self) -> Result<CallerRights> {
        let client = self.lab.credentials().client_id.to_string();
        let permissions = self.lab.with_state(|state| state.permissions_of_application(&client));
        Ok(CallerRights::Application { permissions })
    }

    async fn credentials(&self) -> Result<Vec<CallerCredential>> {
        let client = self.lab.credentials().client_id.to_string();
        let path = format!("/v1.0/applications(appId='{client}')");
        let operation = Operation::new("GET", path, "read the credentials of the application", &client);
        self.run(&operation, |state, now| {
            let app = state.application(&format!("appId={client}"), now)?;
            let secrets = app
                .secrets
                .iter()
                .map(|_| CallerCredential::new("lab", CallerCredentialKind::Secret, Some(app.secrets_end())));
            let certificates = app.certificates.iter().map(|one| {
                let name = one.display_name.clone().unwrap_or_else(|| one.key_id.clone());
                CallerCredential::new(name, CallerCredentialKind::Certificate, Some(one.not_after))
            });
            Ok(secrets.chain(certificates).collect())
        })
        .await
    }
}

#[async_trait]
impl ServiceRecords for Ports {
    async fn service_records(&self, domain: &DomainName) -> Result<Vec<ServiceRecord>> {
        let path = format!("/v1.0/domains/{domain}/serviceConfigurationRecords");
        let operation = Operation::new("GET", path, "read the service records of the domain", domain);
        self.run(&operation, |state, now| Ok(state.domain(domain.as_str(), now)?.service_records())).await
    }
}
