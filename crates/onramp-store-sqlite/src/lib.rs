#![doc = include_str!("../README.md")]

mod database;
mod journal;
mod plan_store;

pub use database::SqliteStore;
pub use journal::SqliteJournal;
