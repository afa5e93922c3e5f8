//! The names of the domain.

/// The names of the domain, in the forms that Samba, Kerberos and LDAP use.
#[derive(Debug, Clone)]
pub(super) struct Names {
    pub(super) realm: String,
    pub(super) domain: String,
    pub(super) netbios: String,
    pub(super) base_dn: String,
}

impl Names {
    pub(super) fn of_realm(realm: &str) -> Self {
        let domain = realm.to_ascii_lowercase();
        let first = domain.split('.').next().unwrap_or(&domain);
        let netbios: String = first.to_ascii_uppercase().chars().take(15).collect();
        let base_dn = domain.split('.').map(|label| format!("DC={label}")).collect::<Vec<_>>().join(",");
        Self { realm: domain.to_ascii_uppercase(), domain, netbios, base_dn }
    }
}
