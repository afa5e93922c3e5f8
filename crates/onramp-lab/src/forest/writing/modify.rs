//! Changes to objects, refused for the same reasons and with the same codes as Active Directory refuses them.

use ldap3_proto::LdapResultCode;

use crate::forest::data::controller::{Controller, NewValues};
use crate::forest::data::dn::{Target, parse_dn};
use crate::forest::data::state::{Flavour, Id, Moment, State};
use crate::forest::data::text::{fold, same_text};
use crate::forest::data::view::View;
use crate::forest::schema::{Attr, Source, Syntax};
use crate::forest::security::access::Principal;
use crate::forest::security::refusal::Refusal;

/// The longest value of an attribute of text, in characters: `rangeUpper` of the schema; `None` if it has no limit.
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

/// What to do with the values of one attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Add,
    Delete,
    Replace,
}

/// One step of a change.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) operation: Operation,
    pub(crate) attr: String,
    pub(crate) values: Vec<Vec<u8>>,
}

/// A change of one object.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) target: String,
    pub(crate) steps: Vec<Step>,
    /// Adding what is there and deleting what is not there succeed.
    pub(crate) permissive: bool,
}

/// A step whose attribute was looked up.
struct Known<'a> {
    operation: Operation,
    attr: Attr,
    values: &'a [Vec<u8>],
}

/// Makes a change on one controller, entirely or not at all.
pub(crate) fn modify(
    state: &mut State,
    at: usize,
    principal: Principal,
    change: &Change,
    now: Moment,
) -> Result<(), Refusal> {
    if principal.is_anonymous() {
        return Err(Refusal::not_bound());
    }
    let view = View::new(state, at);
    let target = Target::parse(&change.target).ok_or_else(|| Refusal::invalid_dn(&change.target))?;
    let id = view.resolve(&target).ok_or_else(|| Refusal::no_such_object(&change.target))?;
    refer_to_holder(view, id, &target)?;
    refer_to_writable(view, id)?;
    let steps = known_steps(view, id, change)?;
    allow(view, id, principal, &steps)?;
    check_account_names(view, id, &steps)?;
    check_values(view, id, &steps)?;
    let changes = new_values(view, id, &steps, change.permissive)?;
    if !changes.is_empty() {
        let relinks = changes.clone();
        state.originate(at, id, changes, now);
        relinks.iter().for_each(|change| relink(state, at, id, change));
    }
    Ok(())
}

/// A controller sends those who name an object of another domain there. By GUID it does not find it.
fn refer_to_holder(view: View<'_>, id: Id, target: &Target) -> Result<(), Refusal> {
    let Some(object) = view.object(id).filter(|object| !view.holds(object.context)) else { return Ok(()) };
    match (target, view.domain_of(object)) {
        (Target::Dn(_), Some(domain)) => Err(Refusal::elsewhere(domain.dns.as_str(), &view.dn(id))),
        _ => Err(Refusal::no_such_object(&view.dn(id))),
    }
}

/// A read-only controller sends writers to a writable one of its domain.
fn refer_to_writable(view: View<'_>, id: Id) -> Result<(), Refusal> {
    if view.controller().is_none_or(|controller| controller.writable) {
        return Ok(());
    }
    let domain = view.controller().map(|controller| controller.domain);
    let serves = |controller: &&Controller| controller.writable && Some(controller.domain) == domain;
    let writable = view.state.controllers.iter().find(serves);
    let mut refusal =
        Refusal::new(LdapResultCode::Referral, "0000202B: RefErr: this controller is read-only");
    refusal.referral.extend(writable.map(|writable| format!("ldap://{}/{}", writable.host, view.dn(id))));
    Err(refusal)
}

fn known_steps<'a>(view: View<'_>, id: Id, change: &'a Change) -> Result<Vec<Known<'a>>, Refusal> {
    let known = |step: &'a Step| match Attr::named(&step.attr) {
        Some(attr) => Ok(Known { operation: step.operation, attr, values: &step.values }),
        None => Err(Refusal::new(
            LdapResultCode::NoSuchAttribute,
            format!(
                "acl_modify: attribute '{}' on entry '{}' was not found in the schema!",
                step.attr,
                view.dn(id)
            ),
        )),
    };
    change.steps.iter().map(known).collect()
}

fn allow(view: View<'_>, id: Id, principal: Principal, steps: &[Known<'_>]) -> Result<(), Refusal> {
    let Some(object) = view.object(id) else { return Ok(()) };
    if steps.iter().all(|step| principal.may_write(object, step.attr)) {
        return Ok(());
    }
    Err(Refusal::new(
        LdapResultCode::InsufficentAccessRights,
        format!("00002098: Object {} has no write property access", view.dn(id)),
    ))
}

/// The rules that keep two accounts from answering to the same name.
fn check_account_names(view: View<'_>, id: Id, steps: &[Known<'_>]) -> Result<(), Refusal> {
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
        let message = format!("0000202F: samldb: userPrincipalName '{upn}' is already in use ");
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
        let message = format!("00002071: samldb: samAccountName '{name}' already in use!");
        return Err(Refusal::new(LdapResultCode::EntryAlreadyExists, message));
    }
    let domain = view.domain_of(object).map(|domain| domain.dns.as_str()).unwrap_or_default();
    let implied = format!("{name}@{domain}");
    if view.with_value(Attr::USER_PRINCIPAL_NAME, implied.as_bytes()).into_iter().any(|other| other != id) {
        let message = format!(
            "0000202F: samldb: userPrincipalName '{implied}' is already in use (implied by sAMAccountName)"
        );
        return Err(Refusal::new(LdapResultCode::ConstraintViolation, message));
    }
    Ok(())
}

/// The objects of a domain that have that account name.
fn in_domain(view: View<'_>, context: u8, name: &str) -> Vec<Id> {
    let mut found = view.with_value(Attr::SAM_ACCOUNT_NAME, name.as_bytes());
    found.retain(|&id| view.object(id).is_some_and(|object| object.context == context));
    found
}

fn single_valued(called: &str, count: usize) -> Refusal {
    let message = format!("0000202F: samldb: {called} has {count} values, should be single-valued!");
    Refusal::new(LdapResultCode::ConstraintViolation, message)
}

/// What the schema says of attributes and values.
fn check_values(view: View<'_>, id: Id, steps: &[Known<'_>]) -> Result<(), Refusal> {
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

/// Carries the steps out on the values that are there.
fn new_values(
    view: View<'_>,
    id: Id,
    steps: &[Known<'_>],
    permissive: bool,
) -> Result<Vec<NewValues>, Refusal> {
    let mut changes: Vec<NewValues> = Vec::new();
    for step in steps {
        let at = changes.iter().position(|change| change.attr == step.attr);
        let mut change = match at {
            Some(at) => changes.remove(at),
            None => NewValues { attr: step.attr, values: view.values(id, step.attr), raises: 0 },
        };
        apply(view, id, step, &mut change, permissive)?;
        changes.push(change);
    }
    for change in &changes {
        if change.attr.info().single && change.values.len() > 1 {
            return Err(too_many(view, id, change.attr));
        }
    }
    changes.retain(|change| change.raises > 0);
    if view.state.flavour == Flavour::Windows {
        changes.iter_mut().for_each(|change| change.raises = 1);
    }
    Ok(changes)
}

fn apply(
    view: View<'_>,
    id: Id,
    step: &Known<'_>,
    change: &mut NewValues,
    permissive: bool,
) -> Result<(), Refusal> {
    match step.operation {
        Operation::Replace => {
            if change.values != step.values {
                change.values = step.values.to_vec();
                change.raises += 1;
            }
        }
        Operation::Add => {
            for (place, value) in step.values.iter().enumerate() {
                if !change.values.iter().any(|present| is_duplicate(step.attr, present, value)) {
                    change.values.push(value.clone());
                } else if !permissive {
                    return Err(match step.attr.info().single {
                        true => too_many(view, id, step.attr),
                        false => exists(view, id, step.attr, place),
                    });
                }
            }
            change.raises += 1;
        }
        Operation::Delete if step.values.is_empty() => {
            if change.values.is_empty() && !permissive {
                return Err(missing(view, id, step.attr, "no such attribute for delete"));
            }
            change.values.clear();
            change.raises += 1;
        }
        Operation::Delete => {
            for value in step.values {
                match change.values.iter().position(|present| matches(step.attr, present, value)) {
                    Some(at) => {
                        change.values.remove(at);
                    }
                    None if permissive => {}
                    None => {
                        let what = "no matching attribute value while deleting attribute";
                        return Err(missing(view, id, step.attr, what));
                    }
                }
            }
            change.raises += 1;
        }
    }
    Ok(())
}

/// Two values of a multi-valued text attribute may differ by case alone.
fn is_duplicate(attr: Attr, present: &[u8], value: &[u8]) -> bool {
    match attr.info().syntax {
        Syntax::Text if !attr.info().single => present == value,
        _ => matches(attr, present, value),
    }
}

fn matches(attr: Attr, present: &[u8], value: &[u8]) -> bool {
    match attr.info().syntax {
        Syntax::Text | Syntax::Name | Syntax::Dn => same_text(present, value),
        _ => present == value,
    }
}

fn missing(view: View<'_>, id: Id, attr: Attr, what: &str) -> Refusal {
    let message = format!("attribute '{}': {what} on '{}'", attr.name(), view.dn(id));
    Refusal::new(LdapResultCode::NoSuchAttribute, message)
}

fn exists(view: View<'_>, id: Id, attr: Attr, place: usize) -> Refusal {
    let message = format!("attribute '{}': value #{place} on '{}' already exists", attr.name(), view.dn(id));
    Refusal::new(LdapResultCode::AttributeOrValueExists, message)
}

fn too_many(view: View<'_>, id: Id, attr: Attr) -> Refusal {
    let message = format!(
        "0000200D: SINGLE-VALUE attribute {} on {} specified more than once",
        attr.name(),
        view.dn(id)
    );
    Refusal::new(LdapResultCode::AttributeOrValueExists, message)
}

/// Keeps the back-links right after a change of `member` and its like.
pub(crate) fn relink(state: &mut State, at: usize, id: Id, change: &NewValues) {
    if !matches!(change.attr, Attr::MEMBER | Attr::PSO_APPLIES_TO | Attr::SERVER_REFERENCE) {
        return;
    }
    let view = View::new(state, at);
    let named = |value: &Vec<u8>| view.resolve(&Target::parse(std::str::from_utf8(value).ok()?)?);
    let named: Vec<Id> = change.values.iter().filter_map(named).collect();
    for ((_, attr), from) in &mut state.links {
        if *attr == change.attr {
            from.retain(|&other| other != id);
        }
    }
    for target in named {
        state.links.entry((target, change.attr)).or_default().push(id);
    }
}
