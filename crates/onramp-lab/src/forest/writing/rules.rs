//! The rules that new values must meet: those of account names, and those of the schema.

use ldap3_proto::LdapResultCode;

use super::change::{Known, Operation};
use crate::forest::data::dn::parse_dn;
use crate::forest::data::object::Id;
use crate::forest::data::text::{Comparison, fold};
use crate::forest::data::view::View;
use crate::forest::schema::{Attr, Source, Syntax};
use crate::forest::security::refusal::Refusal;

/// Checks that the names which a change sets are those of no other account.
pub(super) fn check_account_names(view: View<'_>, id: Id, steps: &[Known<'_>]) -> Result<(), Refusal> {
    for (attr, called) in
        [(Attr::USER_PRINCIPAL_NAME, "userPrincipalName"), (Attr::SAM_ACCOUNT_NAME, "sAMAccountName")]
    {
        let setting = steps.iter().filter(|step| step.attr == attr && step.operation != Operation::Delete);
        let values: Vec<&Vec<u8>> = setting.flat_map(|step| step.values).collect();
        let value = match values.as_slice() {
            [] => continue,
            [value] if value.is_empty() => continue,
            [value] => value,
            values => return Err(single_valued(called, values.len())),
        };
        let text = String::from_utf8_lossy(value);
        if attr == Attr::USER_PRINCIPAL_NAME {
            check_principal_name(view, id, &text)?;
        } else {
            check_sam_account_name(view, id, &text)?;
        }
    }
    Ok(())
}

fn check_principal_name(view: View<'_>, id: Id, upn: &str) -> Result<(), Refusal> {
    let others = |found: Vec<Id>| found.into_iter().any(|other| other != id);
    if others(view.with_value(Attr::USER_PRINCIPAL_NAME, upn.as_bytes())) {
        let message = match view.state.comparison {
            Comparison::Case => format!("0000202F: samldb: userPrincipalName '{upn}' is already in use "),
            Comparison::Windows => upn_not_unique(),
        };
        return Err(Refusal::new(LdapResultCode::ConstraintViolation, message));
    }
    let Some((prefix, suffix)) = upn.split_once('@') else { return Ok(()) };
    let domain = view.state.domains.iter().find(|domain| fold(domain.dns.as_str()) == fold(suffix));
    if domain.is_some_and(|domain| others(in_domain(view, domain.context, prefix))) {
        let message = format!(
            "00002071: samldb: sAMAccountName '{prefix}' is already in use (implied by userPrincipalName)"
        );
        return Err(Refusal::new(LdapResultCode::EntryAlreadyExists, message));
    }
    Ok(())
}

fn check_sam_account_name(view: View<'_>, id: Id, name: &str) -> Result<(), Refusal> {
    let Some(object) = view.object(id) else { return Ok(()) };
    if in_domain(view, object.context, name).into_iter().any(|other| other != id) {
        let message = match view.state.comparison {
            Comparison::Case => format!("00002071: samldb: samAccountName '{name}' already in use!"),
            Comparison::Windows => {
                "00000524: UpdErr: DSID-031A11F8, problem 6005 (ENTRY_EXISTS), data 0\n".to_owned()
            }
        };
        return Err(Refusal::new(LdapResultCode::EntryAlreadyExists, message));
    }
    let domain = view.domain_of(object).map(|domain| domain.dns.as_str()).unwrap_or_default();
    let implied = format!("{name}@{domain}");
    if view.with_value(Attr::USER_PRINCIPAL_NAME, implied.as_bytes()).into_iter().any(|other| other != id) {
        let message = match view.state.comparison {
            Comparison::Case => format!(
                "0000202F: samldb: userPrincipalName '{implied}' is already in use (implied by sAMAccountName)"
            ),
            Comparison::Windows => upn_not_unique(),
        };
        return Err(Refusal::new(LdapResultCode::ConstraintViolation, message));
    }
    Ok(())
}

/// Returns the message of Windows for a UPN that another account has (8648,
/// `ERROR_DS_UPN_VALUE_NOT_UNIQUE_IN_FOREST`).
fn upn_not_unique() -> String {
    "000021C8: AtrErr: DSID-03200BBA, #1:\n\t0: 000021C8: DSID-03200BBA, problem 1005 (CONSTRAINT_ATT_TYPE), data 0, Att 90290 (userPrincipalName)\n".to_owned()
}

/// Returns the objects of a domain that have that account name.
fn in_domain(view: View<'_>, context: u8, name: &str) -> Vec<Id> {
    let mut found = view.with_value(Attr::SAM_ACCOUNT_NAME, name.as_bytes());
    found.retain(|&id| view.object(id).is_some_and(|object| object.context == context));
    found
}

fn single_valued(called: &str, count: usize) -> Refusal {
    let message = format!("0000202F: samldb: {called} has {count} values, should be single-valued!");
    Refusal::new(LdapResultCode::ConstraintViolation, message)
}

/// Checks attributes and values against the schema.
pub(super) fn check_values(view: View<'_>, id: Id, steps: &[Known<'_>]) -> Result<(), Refusal> {
    let Some(object) = view.object(id) else { return Ok(()) };
    for step in steps {
        let name = step.attr.name();
        if !object.class.may_have(step.attr) {
            let message = format!(
                "00002014: objectclass_attrs: attribute '{name}' on entry '{}' does not exist in the specified objectclasses!",
                view.dn(id)
            );
            return Err(Refusal::new(LdapResultCode::ObjectClassViolation, message));
        }
        if step.attr.info().source != Source::Stored {
            let message = format!(
                "0000202F: objectclass_attrs: attribute '{name}' on entry '{}' can only be modified as system",
                view.dn(id)
            );
            return Err(Refusal::new(LdapResultCode::ConstraintViolation, message));
        }
        if step.values.iter().any(Vec::is_empty) {
            let message = format!("Element {name} has empty attribute in ldb message ({})!", view.dn(id));
            return Err(Refusal::new(LdapResultCode::InvalidAttributeSyntax, message));
        }
        let adds = step.operation != Operation::Delete;
        if adds && !step.values.iter().all(|value| is_valid(step.attr, value)) {
            let message = format!(
                "0000200B: objectclass_attrs: attribute '{name}' on entry '{}' contains at least one invalid value!",
                view.dn(id)
            );
            return Err(Refusal::new(LdapResultCode::InvalidAttributeSyntax, message));
        }
    }
    Ok(())
}

fn is_valid(attr: Attr, value: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(value) else {
        return matches!(attr.info().syntax, Syntax::Bytes | Syntax::Guid | Syntax::Sid);
    };
    match attr.info().syntax {
        Syntax::Text => {
            !text.is_empty() && longest(attr).is_none_or(|longest| text.chars().count() <= longest)
        }
        Syntax::Name => !text.is_empty(),
        Syntax::Integer => text.parse::<i32>().is_ok(),
        Syntax::LargeInteger => text.parse::<i64>().is_ok(),
        Syntax::Boolean => matches!(text, "TRUE" | "FALSE"),
        Syntax::Dn => parse_dn(text).is_some(),
        Syntax::Bytes | Syntax::Guid | Syntax::Sid => !value.is_empty(),
        Syntax::Time => text.len() >= 15 && text.ends_with('Z'),
    }
}

/// Returns the longest value of an attribute of text, in characters: `rangeUpper` of the schema; `None` if it has no limit.
fn longest(attr: Attr) -> Option<usize> {
    Some(match attr {
        Attr::INITIALS => 6,
        Attr::EMPLOYEE_ID => 16,
        Attr::GIVEN_NAME | Attr::SN | Attr::DEPARTMENT | Attr::COMPANY | Attr::TELEPHONE_NUMBER => 64,
        Attr::TITLE => 128,
        Attr::DISPLAY_NAME | Attr::MAIL | Attr::SAM_ACCOUNT_NAME => 256,
        Attr::USER_PRINCIPAL_NAME | Attr::DESCRIPTION | Attr::INFO | Attr::EXTENSION_ATTRIBUTE_1 => 1024,
        Attr::PROXY_ADDRESSES | Attr::TARGET_ADDRESS => 1123,
        Attr::DNS_HOST_NAME => 2048,
        _ => return None,
    })
}
