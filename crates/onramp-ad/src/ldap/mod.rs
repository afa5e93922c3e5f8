//! LDAP with one server: connections, their security, binding, limits on what is sent and received.

pub(crate) mod adaptive_limit;
pub(crate) mod base;
pub(crate) mod ber;
pub(crate) mod bind;
pub(crate) mod certificate_file;
pub(crate) mod connection;
pub(crate) mod connection_handle;
pub(crate) mod endpoint;
pub(crate) mod exchange_error;
pub(crate) mod frame_guard;
pub(crate) mod guarded_tls;
pub(crate) mod resolve;
pub(crate) mod result_code;
pub(crate) mod security;
pub(crate) mod settings;
pub(crate) mod start_tls;
pub(crate) mod tls_error;
pub(crate) mod write_limiter;
