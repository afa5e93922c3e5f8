//! Connections to one domain controller, and what goes over them.

pub(crate) mod ber;
pub(crate) mod certificate_file;
pub(crate) mod connection;
pub(crate) mod fault;
pub(crate) mod guarded_tls;
pub(crate) mod link;
pub(crate) mod message_check;
pub(crate) mod result_code;
pub(crate) mod security;
pub(crate) mod sign_in;
pub(crate) mod start_tls;
pub(crate) mod target;
pub(crate) mod tls_failure;
