//! The judgments: pure functions over facts, one file for each kind of fact.

pub(super) mod accounts;
pub(super) mod controllers;
pub(super) mod credentials;
pub(super) mod directory;
pub(super) mod dns_records;
pub(super) mod forest_rights;
pub(super) mod replication;
pub(super) mod sign_in;
pub(super) mod sync_settings;
pub(super) mod tenant_rights;
