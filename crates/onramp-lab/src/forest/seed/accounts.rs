//! The accounts: those that every domain has, and the people.

use super::{Builder, named};
use crate::forest::data::object::Id;
use crate::forest::data::packed::Packer;
use crate::forest::schema::{Attr, Class};
use crate::people::{DEPARTMENTS, Person};

/// [`BUILT`](super::BUILT) in hundreds of nanoseconds since 1601, as `pwdLastSet` has it.
const BUILT_FILE_TIME: &str = "133485408000000000";
const NEVER: &str = "9223372036854775807";

impl Builder<'_> {
    pub(super) fn built_in_accounts(&mut self) {
        let group = |builder: &mut Self, name: &str, rid: u32, admin: bool| {
            let mut attrs = named(name);
            attrs.push(Attr::SAM_ACCOUNT_NAME, name);
            attrs.push(Attr::GROUP_TYPE, "-2147483646");
            attrs.push(Attr::SAM_ACCOUNT_TYPE, "268435456");
            attrs.push(Attr::IS_CRITICAL_SYSTEM_OBJECT, "TRUE");
            if admin {
                attrs.push(Attr::ADMIN_COUNT, "1");
            }
            builder.push_sid(&mut attrs, rid);
            attrs
        };
        for (name, rid) in [("Domain Users", 513), ("Domain Guests", 514), ("Domain Computers", 515)] {
            let attrs = group(self, name, rid, false);
            self.insert(self.users, Class::Group, self.context, attrs);
        }
        let administrator = self.account("Administrator", 500, "512", true);
        if let Some(domain) = self.state.domains.last_mut() {
            domain.administrator = administrator;
        }
        if self.context == 0 {
            self.well_known.administrator = administrator;
        }
        self.account("Guest", 501, "66082", false);
        self.account("krbtgt", 502, "514", true);
        let member = self.dn(administrator);
        let groups = [("Domain Admins", 512), ("Schema Admins", 518), ("Enterprise Admins", 519)];
        // Those of the forest stand in its root domain.
        let groups = groups.into_iter().take(if self.context == 0 { 3 } else { 1 });
        for (name, rid) in groups {
            let mut attrs = group(self, name, rid, true);
            attrs.push(Attr::MEMBER, &member);
            let id = self.insert(self.users, Class::Group, self.context, attrs);
            self.state.links.entry((administrator, Attr::MEMBER)).or_default().push(id);
            if rid == 512 && self.context == 0 {
                self.well_known.domain_admins = id;
            }
        }
    }

    fn account(&mut self, name: &str, rid: u32, control: &str, admin: bool) -> Id {
        let mut attrs = named(name);
        attrs.push(Attr::SAM_ACCOUNT_NAME, name);
        attrs.push(Attr::USER_ACCOUNT_CONTROL, control);
        attrs.push(Attr::SAM_ACCOUNT_TYPE, "805306368");
        attrs.push(Attr::PRIMARY_GROUP_ID, "513");
        attrs.push(Attr::IS_CRITICAL_SYSTEM_OBJECT, "TRUE");
        attrs.push(Attr::DESCRIPTION, format!("Built-in account {name}"));
        if admin {
            attrs.push(Attr::ADMIN_COUNT, "1");
        }
        self.push_sid(&mut attrs, rid);
        self.insert(self.users, Class::User, self.context, attrs)
    }

    pub(super) fn people(&mut self) {
        let domain = self.head;
        let staff = self.unit(domain, "Staff");
        let units: Vec<Id> = DEPARTMENTS.iter().map(|name| self.unit(staff, name)).collect();
        let services = self.unit(domain, "Service Accounts");
        let computers = self.computers;
        for number in 1..=3 {
            let mut attrs = named(&format!("PC{number:04}"));
            attrs.push(Attr::SAM_ACCOUNT_NAME, format!("PC{number:04}$"));
            attrs.push(Attr::USER_ACCOUNT_CONTROL, "4096");
            attrs.push(Attr::SAM_ACCOUNT_TYPE, "805306369");
            attrs.push(Attr::PRIMARY_GROUP_ID, "515");
            self.push_new_sid(&mut attrs);
            self.insert(computers, Class::Computer, self.context, attrs);
        }
        let count = usize::try_from(self.domain.users).unwrap_or(usize::MAX);
        for person in self.domain.people.clone().take(count) {
            let department = person.department.and_then(|name| DEPARTMENTS.iter().position(|d| *d == name));
            let parent = department.and_then(|at| units.get(at)).copied().unwrap_or(services);
            let attrs = self.person(&person);
            self.insert(parent, Class::User, self.context, attrs);
        }
    }

    fn person(&mut self, person: &Person) -> Packer {
        let mut attrs = named(&person.common_name);
        attrs.push(Attr::SAM_ACCOUNT_NAME, &person.sam_account_name);
        let optional = [
            (Attr::USER_PRINCIPAL_NAME, person.user_principal_name.as_deref()),
            (Attr::GIVEN_NAME, person.given_name.as_deref()),
            (Attr::SN, person.surname.as_deref()),
            (Attr::DISPLAY_NAME, Some(person.display_name.as_str())),
            (Attr::MAIL, person.mail.as_deref()),
            (Attr::DEPARTMENT, person.department),
            (Attr::TITLE, person.title),
        ];
        for (attr, value) in optional {
            attrs.push_all(attr, value.as_slice());
        }
        attrs.push_all(Attr::PROXY_ADDRESSES, &person.proxy_addresses);
        let control = match (person.enabled, person.is_service()) {
            (_, true) => "66048",
            (true, false) => "512",
            (false, false) => "514",
        };
        attrs.push(Attr::USER_ACCOUNT_CONTROL, control);
        attrs.push(Attr::SAM_ACCOUNT_TYPE, "805306368");
        attrs.push(Attr::PRIMARY_GROUP_ID, "513");
        attrs.push(Attr::PWD_LAST_SET, BUILT_FILE_TIME);
        attrs.push(Attr::ACCOUNT_EXPIRES, NEVER);
        if person.index % 40 == 8 {
            // Synchronized once before: these have an anchor of their own.
            let anchor = self.guid();
            attrs.push(Attr::MS_DS_CONSISTENCY_GUID, anchor);
        }
        self.push_new_sid(&mut attrs);
        attrs
    }
}
