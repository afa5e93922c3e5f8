//! Directory roles by unified RBAC: built-in definitions by template id, assignments, eligibility.

/// A built-in role: template id and display name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RoleDefinition {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
}

pub(crate) const GLOBAL_ADMINISTRATOR: &str = "62e90394-69f5-4237-9190-012177145e10";
pub(crate) const DIRECTORY_SYNCHRONIZATION_ACCOUNTS: &str = "d29b2b05-8046-44ba-8758-1e26182fcf32";

const fn role(id: &'static str, name: &'static str) -> RoleDefinition {
    RoleDefinition { id, name }
}

/// The built-in roles of every tenant that matter here, with the ids they have everywhere.
pub(crate) const BUILT_IN: [RoleDefinition; 23] = [
    role(GLOBAL_ADMINISTRATOR, "Global Administrator"),
    role("8ac3fc64-6eca-42ea-9e69-59f4c7b60eb2", "Hybrid Identity Administrator"),
    role(DIRECTORY_SYNCHRONIZATION_ACCOUNTS, "Directory Synchronization Accounts"),
    role("e8611ab8-c189-46e8-94e1-60213ab1f814", "Privileged Role Administrator"),
    role("7be44c8a-adaf-4e2a-84d6-ab2649e08a13", "Privileged Authentication Administrator"),
    role("fe930be7-5e62-47db-91af-98c3a49a38b1", "User Administrator"),
    role("8329153b-31d0-4727-b945-745eb3bc5f31", "Domain Name Administrator"),
    role("9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3", "Application Administrator"),
    role("158c047a-c907-4556-b7ef-446551a6b5f7", "Cloud Application Administrator"),
    role("c4e39bd9-1100-46d3-8c65-fb160da0071f", "Authentication Administrator"),
    role("0526716b-113d-4c15-b2c8-68e3c22b9f80", "Authentication Policy Administrator"),
    role("b1be1c3e-b65d-4f19-8427-f6fa0d97feb9", "Conditional Access Administrator"),
    role("194ae4cb-b126-40b2-bd5b-6091b380977d", "Security Administrator"),
    role("5d6b6bb7-de71-4623-b4af-96380a352509", "Security Reader"),
    role("f2ef992c-3afb-46b9-b7cf-a126ee74c451", "Global Reader"),
    role("88d8e3e3-8f55-4a1e-953a-9b9898b8876b", "Directory Readers"),
    role("9360feb5-f418-4baa-8175-e2a00bac4301", "Directory Writers"),
    role("729827e3-9c14-49f7-bb1b-9608f156bbb8", "Helpdesk Administrator"),
    role("966707d0-3269-4727-9be2-8c3a10f19b9d", "Password Administrator"),
    role("fdd7a751-b60b-444a-984c-02652fe8fa1c", "Groups Administrator"),
    role("4d6ac14f-3453-41d0-bef9-a3e0c569773a", "License Administrator"),
    role("29232cdf-9323-42fd-ade2-1d097af3e4de", "Exchange Administrator"),
    role("45d8d3c5-c802-45c6-b32a-1d70b5e1e86e", "Identity Governance Administrator"),
];

/// Returns the built-in role of this id.
pub(crate) fn built_in(id: &str) -> Option<RoleDefinition> {
    BUILT_IN.into_iter().find(|role| role.id.eq_ignore_ascii_case(id))
}

/// A principal that holds, or may activate, a role at a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RoleAssignment {
    pub(crate) id: String,
    pub(crate) role_id: String,
    pub(crate) principal_id: String,
    pub(crate) scope: String,
}
