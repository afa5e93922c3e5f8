//! The places of cloud objects, by the values that synchronization compares.

use std::collections::HashMap;

use onramp_core::ImmutableId;

use crate::{address_key, smtp_address};

/// The places of cloud objects by anchor, UPN and address. An object that is added later replaces an earlier one.
#[derive(Debug, Default)]
pub(super) struct Index {
    by_anchor: HashMap<String, usize>,
    by_upn: HashMap<String, usize>,
    by_smtp: HashMap<String, usize>,
    by_address: HashMap<String, usize>,
}

impl Index {
    pub(super) fn add_anchor(&mut self, anchor: &ImmutableId, place: usize) {
        self.by_anchor.insert(anchor.as_str().to_owned(), place);
    }

    pub(super) fn add_upn(&mut self, upn: &str, place: usize) {
        self.by_upn.insert(address_key(upn), place);
    }

    /// Adds proxy addresses. Addresses of other types than SMTP are kept with their type.
    pub(super) fn add_addresses(&mut self, proxies: &[String], place: usize) {
        if let Some(primary) = proxies.iter().find_map(|proxy| proxy.strip_prefix("SMTP:")) {
            self.by_smtp.insert(address_key(primary), place);
        }
        for proxy in proxies {
            self.by_address.insert(address_key(smtp_address(proxy).unwrap_or(proxy)), place);
        }
    }

    /// Adds the attribute `mail`, unless an object has the address.
    pub(super) fn add_mail(&mut self, mail: &str, place: usize) {
        self.by_address.entry(address_key(mail)).or_insert(place);
    }

    /// The object with the anchor, letter by letter.
    pub(super) fn with_anchor(&self, anchor: &ImmutableId) -> Option<usize> {
        self.by_anchor.get(anchor.as_str()).copied()
    }

    pub(super) fn with_upn(&self, upn: &str) -> Option<usize> {
        self.by_upn.get(&address_key(upn)).copied()
    }

    pub(super) fn with_primary_smtp(&self, address: &str) -> Option<usize> {
        self.by_smtp.get(&address_key(address)).copied()
    }

    /// The object with the address, primary or not: of SMTP without its type, else with it.
    pub(super) fn with_address(&self, address: &str) -> Option<usize> {
        self.by_address.get(&address_key(address)).copied()
    }
}
