//! The accounts of people and services among the users.

use super::object::Id;
use super::text::fold;
use super::view::View;
use crate::forest::schema::{Attr, Class};

/// `ACCOUNTDISABLE` of `userAccountControl`.
const DISABLED: u32 = 0x2;

/// An enabled account of somebody who was generated, no service account.
pub(crate) fn is_enabled_person(view: View<'_>, id: Id) -> bool {
    is_generated(view, id) && !is_service_account(view, id)
}

/// An enabled service account.
pub(crate) fn is_service_account(view: View<'_>, id: Id) -> bool {
    let name = view.text(id, Attr::SAM_ACCOUNT_NAME).unwrap_or_default();
    is_generated(view, id) && fold(&name).starts_with("svc-")
}

fn is_generated(view: View<'_>, id: Id) -> bool {
    let Some(object) = view.object(id) else { return false };
    if object.class != Class::User || view.value(id, Attr::IS_CRITICAL_SYSTEM_OBJECT).is_some() {
        return false;
    }
    let control: u32 =
        view.text(id, Attr::USER_ACCOUNT_CONTROL).and_then(|c| c.parse().ok()).unwrap_or(DISABLED);
    control & DISABLED == 0
}
