//! Exports of Microsoft Graph.

use onramp_core::tenant::RoleTemplateId;
use onramp_readiness::forecast::{CloudObjects, read_role_assignments};

use crate::*;

fn read(json: &str) -> Vec<Result<CloudObject, String>> {
    CloudObjects::new(json.as_bytes()).map(|object| object.map_err(|error| error.to_string())).collect()
}

fn one(json: &str) -> CloudObject {
    let mut all = read(json);
    assert_eq!(all.len(), 1);
    all.remove(0).unwrap()
}

const USER: &str = r#""id": "00000000-0000-0000-0000-000000000001", "userPrincipalName": "anna@contoso.com",
    "proxyAddresses": ["SMTP:anna@contoso.com", "smtp:reed@contoso.com"], "onPremisesImmutableId": null,
    "onPremisesSyncEnabled": null"#;

#[test]
fn a_user_is_read_with_all_that_decides() {
    let more = r##""displayName": "Anna", "accountEnabled": false, "userType": "Guest", "mail": "anna@contoso.com",
        "onPremisesObjectIdentifier": "0a0b", "jobTitle": "Chief", "businessPhones": ["1", "2"], "city": null,
        "onPremisesSecurityIdentifier": "S-1-5-21-1-2-3-5",
        "onPremisesProvisioningErrors": [{"category": "PropertyConflict", "propertyCausingError": "ProxyAddresses",
            "value": "SMTP:x@contoso.com", "occurredDateTime": "2026-11-02T10:00:00Z"}],
        "memberOf": [{"@odata.type": "#microsoft.graph.group", "displayName": "Sales"},
            {"@odata.type": "#microsoft.graph.directoryRole", "displayName": "User Administrator"}]"##;
    let anna = one(&format!("[{{{USER}, {more}}}]"));
    assert_eq!(anna.id, id(1));
    assert_eq!(anna.kind, ObjectKind::User);
    assert_eq!(anna.display_name.as_deref(), Some("Anna"));
    assert!(!anna.is_enabled && anna.is_guest && !anna.is_synchronized);
    assert_eq!(anna.mapping, ObjectMapping::To("0a0b".into()));
    assert_eq!(anna.security_identifier, Some(sid(5)));
    assert_eq!(anna.proxy_addresses.len(), 2);
    assert_eq!(anna.roles, Some(vec!["User Administrator".to_owned()]));
    let phones = (a::TELEPHONE_NUMBER, vec!["1".to_owned(), "2".to_owned()]);
    assert_eq!(anna.attributes, [(a::TITLE, vec!["Chief".to_owned()]), phones]);
    let error = &anna.provisioning_errors[0];
    assert_eq!((error.object, error.value.as_str()), (id(1), "SMTP:x@contoso.com"));
    assert!(error.occurred.is_some());
}

#[test]
fn what_was_not_exported_is_not_known() {
    let anna = one(&format!("{{{USER}}}"));
    assert_eq!(anna.mapping, ObjectMapping::Unknown);
    assert_eq!(anna.roles, None);
    let member_of = r##""memberOf": [{"@odata.type": "#microsoft.graph.group", "displayName": "Sales"}]"##;
    assert_eq!(one(&format!("{{{USER}, {member_of}}}")).roles, None, "Graph expands twenty only");
    let empty = one(&format!("{{{USER}, \"onPremisesObjectIdentifier\": null}}"));
    assert_eq!(empty.mapping, ObjectMapping::None);
}

#[test]
fn powershell_writes_capitals() {
    let capitals = USER.replace("\"id\"", "\"Id\"").replace("\"user", "\"User").replace("\"proxy", "\"Proxy");
    assert_eq!(one(&format!("[{{{capitals}}}]")), one(&format!("[{{{USER}}}]")));
}

#[test]
fn an_export_without_what_decides_is_refused() {
    for missing in
        ["userPrincipalName", "proxyAddresses", "onPremisesImmutableId", "onPremisesSyncEnabled", "id"]
    {
        let cut = USER.replace(&format!("\"{missing}\""), "\"other\"");
        let json = format!("[{{{cut}, \"@odata.type\": \"#microsoft.graph.user\"}}]");
        let error = read(&json).remove(0).unwrap_err();
        assert!(error.contains(missing), "{error}");
    }
    let half = format!("{{\"@odata.nextLink\": \"https://…\", \"value\": [{{{USER}}}]}}");
    let all = read(&half);
    assert!(all[0].is_ok() && all[1].is_err(), "further pages are missing");
}

#[test]
fn groups_and_contacts_are_told_by_type_or_by_their_properties() {
    let id = r#""id": "00000000-0000-0000-0000-000000000001", "proxyAddresses": []"#;
    for (more, kind) in [
        (r##""@odata.type": "#microsoft.graph.group""##, ObjectKind::Group),
        (r##""@odata.type": "#microsoft.graph.orgContact""##, ObjectKind::Contact),
        (r#""groupTypes": []"#, ObjectKind::Group),
        (r#""securityEnabled": true"#, ObjectKind::Group),
        (r#""addresses": []"#, ObjectKind::Contact),
    ] {
        assert_eq!(one(&format!("{{{id}, {more}}}")).kind, kind, "{more}");
    }
}

#[test]
fn role_assignments_are_read() {
    let role = RoleTemplateId::GLOBAL_ADMINISTRATOR;
    let json = format!(
        r#"{{"value": [{{"id": "x", "principalId": "{}", "roleDefinitionId": "{}", "directoryScopeId": "/"}}]}}"#,
        id(1),
        role.id()
    );
    let assignments = read_role_assignments(json.as_bytes()).unwrap();
    assert_eq!((assignments[0].principal, assignments[0].role), (id(1), role));
    let mut objects =
        [cloud(1, "anna@contoso.com").with_roles(None), cloud(2, "b@contoso.com").with_roles(None)];
    CloudObject::note_roles(&mut objects, &assignments);
    assert_eq!(objects[0].roles, Some(vec!["Global Administrator".to_owned()]));
    assert_eq!(objects[1].roles, Some(Vec::new()));
    assert!(read_role_assignments(&b"[{\"id\": \"x\"}]"[..]).is_err());
}

#[test]
fn the_switches_are_read() {
    let json = r#"{"value": [{"id": "t", "features": {
        "blockSoftMatchEnabled": false, "blockCloudObjectTakeoverThroughHardMatchEnabled": true,
        "softMatchOnUpnEnabled": true, "allowOnPremUpdateOfOnPremisesObjectIdentifierEnabled": true,
        "passwordSyncEnabled": true}}]}"#;
    let flags = TenantFlags::from_graph_json(json).unwrap();
    assert_eq!(flags.block_soft_match, Some(false));
    assert_eq!(flags.block_hard_match, Some(true));
    assert_eq!(flags.soft_match_on_upn, Some(true));
    assert_eq!(flags.allow_update_of_object_identifier, Some(true));
    assert_eq!(flags.quarantine_on_upn_conflict, None);
    assert_eq!(flags.password_hash_sync, Some(true));
    for wrong in ["", "{}", "[]", "{\"value\": []}"] {
        assert_eq!(TenantFlags::from_graph_json(wrong), None, "{wrong}");
    }
}
