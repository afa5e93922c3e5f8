#![doc = include_str!("../README.md")]

mod errors;
mod store;
mod transport;

pub use store::KeyVaultSecretStore;
