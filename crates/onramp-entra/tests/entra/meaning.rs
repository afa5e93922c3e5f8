//! What answers mean: kinds of errors, verification, sign-in, paths and bodies.

use onramp_core::tenant::{
    DomainVerification, MfaState, NewUser, RoleTemplateId, SignInProbe, UserUpdate, VerificationRecord,
};
use onramp_core::{DomainName, ErrorKind, Password, Upn};
use serde_json::{Value, json};
use wiremock::matchers::{body_string_contains, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::*;

fn domain() -> DomainName {
    DomainName::parse("contoso.com").unwrap()
}

async fn error_of(status: u16, code: &str, message: &str) -> onramp_core::Error {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(status).set_body_json(graph_error(code, message));
    answers(&server, any(), vec![answer.insert_header("request-id", "from-the-header")]).await;
    let (builder, ..) = builder(&server.uri());
    let client = builder.retry(onramp_entra::RetryPolicy::never()).build().unwrap();
    client.tenant().users.update(&id(1), &UserUpdate::default().with_display_name("A")).await.unwrap_err()
}

#[tokio::test]
async fn codes_and_statuses_become_kinds_that_can_be_acted_on() {
    for (status, code, kind) in [
        (400, "Request_BadRequest", ErrorKind::Invalid),
        (400, "Request_MultipleObjectsWithSameKeyValue", ErrorKind::AlreadyExists),
        (409, "Request_MultipleObjectsWithSameKeyValue", ErrorKind::AlreadyExists),
        (409, "RoleAssignmentExists", ErrorKind::AlreadyExists),
        (409, "Directory_ConcurrencyViolation", ErrorKind::Unavailable),
        (401, "InvalidAuthenticationToken", ErrorKind::Unauthenticated),
        (403, "Authorization_RequestDenied", ErrorKind::Forbidden),
        (404, "Request_ResourceNotFound", ErrorKind::NotFound),
        (400, "PrincipalNotFound", ErrorKind::NotFound),
        (412, "PreconditionFailed", ErrorKind::Stale),
        (429, "TooManyRequests", ErrorKind::Throttled { retry_after: None }),
        (501, "NotImplemented", ErrorKind::Unsupported),
        (503, "ServiceUnavailable", ErrorKind::Unavailable),
        (400, "", ErrorKind::Invalid),
        (400, "Request_UnsupportedQuery", ErrorKind::Invalid),
        (400, "badRequest", ErrorKind::Invalid),
        (404, "itemNotFound", ErrorKind::NotFound),
        (404, "ResourceNotFound", ErrorKind::NotFound),
        (404, "Directory_ObjectNotFound", ErrorKind::NotFound),
        (404, "SubscriptionNotFound", ErrorKind::NotFound),
        (400, "RoleDefinitionDoesNotExist", ErrorKind::NotFound),
        (403, "accessDenied", ErrorKind::Forbidden),
        (403, "Forbidden", ErrorKind::Forbidden),
        (403, "AuthorizationFailed", ErrorKind::Forbidden),
        (403, "LinkedAuthorizationFailed", ErrorKind::Forbidden),
        (403, "insufficient_claims", ErrorKind::Forbidden),
        (403, "Directory_QuotaExceeded", ErrorKind::Forbidden),
        (400, "Directory_QuotaExceeded", ErrorKind::Forbidden),
        (400, "RoleAssignmentRequestPolicyValidationFailed", ErrorKind::Forbidden),
        (401, "Authorization_IdentityNotFound", ErrorKind::Unauthenticated),
        (403, "Authorization_IdentityDisabled", ErrorKind::Unauthenticated),
        (401, "Authentication_ExpiredToken", ErrorKind::Unauthenticated),
        (401, "ExpiredAuthenticationToken", ErrorKind::Unauthenticated),
        (401, "InvalidAuthenticationTokenTenant", ErrorKind::Unauthenticated),
        (400, "AadPremiumLicenseRequired", ErrorKind::Unsupported),
        (402, "PaymentRequired", ErrorKind::Unsupported),
        (400, "Directory_ExpiredPageToken", ErrorKind::Stale),
        (410, "syncStateNotFound", ErrorKind::Stale),
        (410, "resyncRequired", ErrorKind::Stale),
        (429, "Request_ThrottledTemporarily", ErrorKind::Throttled { retry_after: None }),
        (429, "activityLimitReached", ErrorKind::Throttled { retry_after: None }),
        (429, "Request_ThrottledPermanently", ErrorKind::Throttled { retry_after: None }),
        (403, "Request_ThrottledPermanently", ErrorKind::Throttled { retry_after: None }),
        (400, "UnknownError", ErrorKind::Invalid),
        (423, "locked", ErrorKind::Unavailable),
        (500, "UnknownError", ErrorKind::Unavailable),
        (500, "Service_InternalServerError", ErrorKind::Unavailable),
        (502, "", ErrorKind::Unavailable),
        (504, "", ErrorKind::Unavailable),
        (503, "serviceNotAvailable", ErrorKind::Unavailable),
        (507, "insufficientStorage", ErrorKind::Unavailable),
    ] {
        let error = error_of(status, code, "m").await;
        assert_eq!(error.kind(), kind, "{status} {code}");
        let needs_a_step = matches!(kind, ErrorKind::Forbidden | ErrorKind::Unauthenticated)
            || matches!(code, "Request_UnsupportedQuery" | "AadPremiumLicenseRequired");
        assert!(!needs_a_step || error.hint().is_some(), "what to do about {status} {code}?");
    }
}

#[tokio::test]
async fn an_error_names_the_object_the_ids_and_the_next_step() {
    let error =
        error_of(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
            .await;
    let reply = error.reply();
    assert_eq!(reply.request_id.as_deref(), Some("from-the-header"));
    assert_eq!(reply.code.as_deref(), Some("Authorization_RequestDenied"));
    assert_eq!(reply.client_request_id.as_ref().unwrap().len(), 36);
    assert_eq!(error.object(), Some(id(1).to_string().as_str()));
    assert!(error.hint().unwrap().contains("User.ReadWrite.All"), "{error}");
    let synced = error_of(
        400,
        "Request_BadRequest",
        "Unable to update the specified properties for on-premises mastered Directory Sync objects.",
    )
    .await;
    assert!(synced.hint().unwrap().contains("Active Directory"), "{synced}");
}

#[tokio::test]
async fn a_reply_in_another_shape_is_an_error_and_not_a_panic() {
    let bodies = ["", "null", "[]", "<html>", "{\"value\":3}", "{\"error\":{}}", "{\"value\":[{\"id\":1}]}"];
    for status in [200, 400, 404] {
        for body in bodies {
            let server = MockServer::start().await;
            answers(&server, any(), vec![ResponseTemplate::new(status).set_body_raw(body, "text/plain")])
                .await;
            let error = bench(&server.uri()).client.tenant().domains.list().await.unwrap_err();
            assert!(!error.to_string().is_empty(), "{status} {body}");
        }
    }
}

async fn verify(answer: ResponseTemplate, is_verified: bool) -> onramp_core::Result<DomainVerification> {
    let server = MockServer::start().await;
    answers(&server, Mock::given(method("POST")).and(path("/v1.0/domains/contoso.com/verify")), vec![answer])
        .await;
    let state = json!({ "id": "contoso.com", "isVerified": is_verified });
    answers(&server, Mock::given(path("/v1.0/domains/contoso.com")), vec![ok(state)]).await;
    bench(&server.uri()).client.tenant().domains.verify(&domain()).await
}

#[tokio::test]
async fn verification_is_done_was_done_or_waits_for_dns() {
    let refused =
        |message: &str| ResponseTemplate::new(400).set_body_json(graph_error("Request_BadRequest", message));
    let done = ok(json!({ "id": "contoso.com", "isVerified": true }));
    assert_eq!(verify(done, true).await.unwrap(), DomainVerification::Verified);
    assert_eq!(verify(refused("in whatever words"), true).await.unwrap(), DomainVerification::Verified);
    let message = "Domain verification failed with the following error: 'no such record'.";
    assert_eq!(
        verify(refused(message), false).await.unwrap(),
        DomainVerification::RecordNotFound { message: message.into() }
    );
    assert_eq!(verify(refused("something else"), false).await.unwrap_err().kind(), ErrorKind::Invalid);
    let elsewhere = "Unable to verify this domain because it is used elsewhere in another service.";
    for words in
        [elsewhere.to_owned(), format!("Domain verification failed with the following error: {elsewhere}")]
    {
        let error = verify(refused(&words), false).await.unwrap_err();
        assert!(error.is_already_exists(), "{error}");
        assert!(error.hint().unwrap().contains("takeover"), "{error}");
        assert!(error.to_string().contains(elsewhere), "the service's words are kept: {error}");
        assert_eq!(verify(refused(&words), true).await.unwrap(), DomainVerification::Verified);
    }
    let odd = "Domain verification failed with the following error: 'The name is reserved.'";
    let error = verify(refused(odd), false).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert!(error.to_string().contains("waiting will not help"), "{error}");
}

#[tokio::test]
async fn records_that_prove_ownership_are_read_and_others_left_out() {
    let server = MockServer::start().await;
    let records = json!({ "value": [
        { "@odata.type": "#microsoft.graph.domainDnsTxtRecord", "label": "contoso.com", "recordType": "Txt", "ttl": 3600, "text": "MS=ms1" },
        { "@odata.type": "#microsoft.graph.domainDnsMxRecord", "label": "contoso.com", "ttl": 60, "mailExchange": "ms1.msv1.invalid", "preference": 32767 },
        { "@odata.type": "#microsoft.graph.domainDnsUnavailableRecord", "label": "contoso.com", "description": "none" },
    ]});
    answers(
        &server,
        Mock::given(path("/v1.0/domains/contoso.com/verificationDnsRecords")),
        vec![ok(records)],
    )
    .await;
    let found = bench(&server.uri()).client.tenant().domains.verification_records(&domain()).await.unwrap();
    assert_eq!(
        found[0],
        VerificationRecord::Txt { label: "contoso.com".into(), text: "MS=ms1".into(), ttl: 3600 }
    );
    assert!(matches!(&found[1], VerificationRecord::Mx { preference: 32767, ttl: 60, .. }));
    assert_eq!(found.len(), 2);
}

#[tokio::test]
async fn odd_names_stay_one_segment_and_one_literal() {
    let server = MockServer::start().await;
    answers(&server, any(), vec![ok(json!({ "value": [], "id": id(1), "userPrincipalName": "x@y.z", "appId": id(2), "displayName": "x" }))])
        .await;
    let tenant = bench(&server.uri()).client.tenant();
    tenant.users.find(&Upn::parse("a#EXT#/?@contoso.com").unwrap()).await.unwrap();
    tenant.users.find(&Upn::parse("$o'neil@contoso.com").unwrap()).await.unwrap();
    tenant.applications.find("Anna's & Co").await.unwrap();
    let sent = server.received_requests().await.unwrap();
    assert_eq!(sent[0].url.path(), "/v1.0/users/a%23EXT%23%2F%3F@contoso.com");
    let filter =
        |n: usize| sent[n].url.query_pairs().find(|(name, _)| name == "$filter").unwrap().1.into_owned();
    assert_eq!(filter(1), "userPrincipalName eq '$o''neil@contoso.com'");
    assert_eq!(sent[2].url.path(), "/v1.0/applications(uniqueName='Anna''s%20&%20Co')");
    assert!(tenant.roles.unassign("..").await.is_err());
    assert_eq!(server.received_requests().await.unwrap().len(), 4, "nothing is sent for a name of dots");
}

#[tokio::test]
async fn what_is_sent_for_a_user_is_what_was_asked_for() {
    let server = MockServer::start().await;
    answers(
        &server,
        Mock::given(method("POST")),
        vec![ResponseTemplate::new(201).set_body_json(user_json(1, "anna@contoso.com", "Anna"))],
    )
    .await;
    answers(&server, Mock::given(method("PATCH")), vec![ResponseTemplate::new(204)]).await;
    let mut current = user_json(1, "anna@contoso.com", "Anna");
    current["passwordPolicies"] = json!("DisableStrongPassword");
    answers(&server, Mock::given(method("GET")), vec![ok(current)]).await;
    let users = bench(&server.uri()).client.tenant().users;
    let password = Password::new("correct horse".into());
    let new = NewUser::new(upn(), "Anna", password.clone()).with_other_mails(vec!["a@b.example".into()]);
    users.create(&new).await.unwrap();
    users.update(&id(1), &UserUpdate::default()).await.unwrap();
    users.update(&id(1), &UserUpdate::default().with_password_never_expires(true)).await.unwrap();
    users.set_password(&id(1), &password, true).await.unwrap();
    let sent: Vec<Value> =
        server.received_requests().await.unwrap().iter().filter_map(|r| r.body_json().ok()).collect();
    assert_eq!(
        sent[0],
        json!({
            "accountEnabled": true, "displayName": "Anna", "mailNickname": "anna", "userPrincipalName": "anna@contoso.com",
            "otherMails": ["a@b.example"],
            "passwordProfile": { "password": "correct horse", "forceChangePasswordNextSignIn": false },
        })
    );
    assert_eq!(sent[1], json!({ "passwordPolicies": "DisablePasswordExpiration, DisableStrongPassword" }));
    assert_eq!(
        sent[2],
        json!({ "passwordProfile": { "password": "correct horse", "forceChangePasswordNextSignIn": true } })
    );
    assert_eq!(sent.len(), 3, "an empty update sends nothing");
}

#[tokio::test]
async fn an_unknown_role_is_told_from_an_unknown_principal() {
    let missing = || ResponseTemplate::new(404).set_body_json(graph_error("Request_ResourceNotFound", "x"));
    for (definition, kind) in
        [(missing(), ErrorKind::Invalid), (ok(json!({ "id": id(2) })), ErrorKind::NotFound)]
    {
        let server = MockServer::start().await;
        answers(&server, Mock::given(method("POST")), vec![missing()]).await;
        answers(&server, Mock::given(method("GET")), vec![definition]).await;
        let roles = bench(&server.uri()).client.tenant().roles;
        let error = roles.assign(&RoleTemplateId::new(id(2)), &id(1)).await.unwrap_err();
        assert_eq!(error.kind(), kind);
    }
}

#[tokio::test]
async fn a_role_held_already_is_known_by_its_words_too() {
    let words =
        "A conflicting object with one or more of the specified property values is present in the directory.";
    assert!(error_of(400, "Request_BadRequest", words).await.is_already_exists());
}

#[tokio::test]
async fn inherited_access_is_not_access_to_the_subscription_itself() {
    let server = MockServer::start().await;
    let at = |scope: String| {
        json!({ "name": id(9), "properties": { "scope": scope, "principalId": id(7),
        "roleDefinitionId": format!("/providers/Microsoft.Authorization/roleDefinitions/{}", id(3)) } })
    };
    let here = format!("/subscriptions/{}", id(1));
    let all = json!({ "value": [at("/".into()), at(here.to_uppercase()), at(format!("{here}/resourceGroups/rg"))] });
    answers(&server, any(), vec![ok(all)]).await;
    let found = bench(&server.uri()).client.tenant().subscriptions.assignments(&id(1), &id(7)).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].role.id(), &id(3));
}

async fn probe(code: u32, message: &str) -> (onramp_core::Result<SignInProbe>, usize) {
    let server = MockServer::start().await;
    let body = json!({ "error": "invalid_grant", "error_codes": [code], "error_description": format!("AADSTS{code}: {message}") });
    let endpoint = Mock::given(path("/organizations/oauth2/v2.0/token"))
        .and(body_string_contains("grant_type=password"));
    answers(&server, endpoint, vec![ResponseTemplate::new(400).set_body_json(body)]).await;
    let sign_in = bench(&server.uri()).client.tenant().sign_in;
    let outcome = sign_in.probe(&upn(), &Password::new("hunter22".into())).await;
    let sent = server.received_requests().await.unwrap();
    (outcome, sent.iter().filter(|request| request.method == "POST").count())
}

#[tokio::test]
async fn a_password_that_another_identity_provider_checks_is_not_called_wrong() {
    for (realm, expected) in [
        (
            ok(json!({ "ver": "1.0", "account_type": "Federated" })),
            SignInProbe::NotCheckedHere { code: 50126 },
        ),
        (ok(json!({ "ver": "1.0", "account_type": "Managed" })), SignInProbe::WrongPassword),
        (ok(json!([])), SignInProbe::WrongPassword),
        (ResponseTemplate::new(404), SignInProbe::WrongPassword),
    ] {
        let server = MockServer::start().await;
        let wrong = json!({ "error": "invalid_grant", "error_codes": [50126], "error_description": "AADSTS50126: x" });
        answers(&server, Mock::given(method("POST")), vec![ResponseTemplate::new(400).set_body_json(wrong)])
            .await;
        answers(&server, Mock::given(path("/common/userrealm/anna@contoso.com")), vec![realm]).await;
        let sign_in = bench(&server.uri()).client.tenant().sign_in;
        let probe = sign_in.probe(&upn(), &Password::new("hunter22".into())).await.unwrap();
        assert_eq!(probe, expected);
        let sent = server.received_requests().await.unwrap();
        assert_eq!(sent.len(), 2, "one try and one question");
        assert!(sent.iter().all(|request| !request.headers.contains_key("authorization")));
    }
}

/// Azure's and Graph's refusals of status 400, 403 and 409: which of them mean that it is there already.
#[tokio::test]
async fn only_true_duplicates_exist_already() {
    const LOCKED: &str = "The scope '/subscriptions/1/x' cannot perform write operation because following scope(s) \
                          are locked: '/subscriptions/1'. Please remove the lock and try again.";
    for (status, code, message, kind, hint) in [
        (409, "RoleAssignmentExists", "The role assignment already exists.", ErrorKind::AlreadyExists, ""),
        (400, "RoleAssignmentExists", "m", ErrorKind::AlreadyExists, ""),
        (409, "Request_MultipleObjectsWithSameKeyValue", "m", ErrorKind::AlreadyExists, ""),
        (400, "Request_MultipleObjectsWithSameKeyValue", "m", ErrorKind::AlreadyExists, ""),
        (409, "ObjectConflict", "m", ErrorKind::AlreadyExists, ""),
        (400, "ConflictingObjects", "m", ErrorKind::AlreadyExists, ""),
        (
            400,
            "Request_BadRequest",
            "Another object with the same value for property userPrincipalName already exists.",
            ErrorKind::AlreadyExists,
            "",
        ),
        (
            400,
            "Request_BadRequest",
            "A conflicting object with one or more of the specified property values is present in the directory.",
            ErrorKind::AlreadyExists,
            "",
        ),
        (
            400,
            "Request_BadRequest",
            "One or more added object references already exist for the following modified properties: 'members'.",
            ErrorKind::AlreadyExists,
            "",
        ),
        (
            400,
            "Request_BadRequest",
            "Permission being assigned already exists on the object",
            ErrorKind::AlreadyExists,
            "",
        ),
        (409, "ScopeLocked", LOCKED, ErrorKind::Forbidden, "The lock on /subscriptions/1 forbids it"),
        (409, "ScopeLocked", "scope is locked", ErrorKind::Forbidden, "A lock forbids it"),
        (403, "ScopeLocked", LOCKED, ErrorKind::Forbidden, "The lock on /subscriptions/1"),
        (409, "ReadOnlyDisabledSubscription", "m", ErrorKind::Forbidden, "The subscription is disabled"),
        (403, "ReadOnlyDisabledSubscription", "m", ErrorKind::Forbidden, "The subscription is disabled"),
        (403, "RequestDisallowedByPolicy", "m", ErrorKind::Forbidden, "An Azure policy"),
        (409, "RoleAssignmentUpdateNotPermitted", "m", ErrorKind::Invalid, "remove it first"),
        (409, "Conflict", "m", ErrorKind::Invalid, ""),
        (409, "AnotherOperationInProgress", "m", ErrorKind::Invalid, ""),
        (409, "UnknownError", "m", ErrorKind::Invalid, ""),
        (409, "", "m", ErrorKind::Invalid, ""),
        (409, "Directory_ConcurrencyViolation", "m", ErrorKind::Unavailable, ""),
        (400, "Request_BadRequest", "A value is required for property 'x'.", ErrorKind::Invalid, ""),
    ] {
        let error = error_of(status, code, message).await;
        assert_eq!(error.kind(), kind, "{status} {code} {message}");
        assert_eq!(error.reply().code.as_deref().unwrap_or_default(), code);
        assert_eq!(error.reply().status, Some(status));
        assert!(error.hint().unwrap_or_default().contains(hint), "{code}: {error}");
    }
}

#[tokio::test]
async fn a_lock_is_not_taken_for_access_that_is_there() {
    let server = MockServer::start().await;
    let locked = json!({ "error": { "code": "ScopeLocked", "message": "scope is locked" } });
    answers(&server, Mock::given(method("PUT")), vec![ResponseTemplate::new(409).set_body_json(locked)])
        .await;
    let azure = bench(&server.uri()).client.tenant().subscriptions;
    let role = onramp_core::tenant::AzureRoleId::new(id(3));
    let kind = onramp_core::tenant::PrincipalType::User;
    let error = azure.assign(&id(1), &role, &id(7), kind).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden, "{error}");
    assert_eq!(server.received_requests().await.unwrap().len(), 1, "and nothing is tried again");
}

#[tokio::test]
async fn a_refused_sign_in_is_an_outcome_and_is_never_repeated() {
    let (outcome, tries) = probe(50126, "Invalid username or password.").await;
    assert_eq!((outcome.unwrap(), tries), (SignInProbe::WrongPassword, 1));
    let (outcome, tries) = probe(50076, "You must use multi-factor authentication.").await;
    assert_eq!((outcome.unwrap(), tries), (SignInProbe::SecondFactorRequired { code: 50076 }, 1));
    let (outcome, _) = probe(99999, "no token for hunter22").await;
    assert_eq!(
        outcome.unwrap(),
        SignInProbe::Inconclusive { code: 99999, message: "AADSTS99999: no token for ***".into() }
    );
    // A fault of the service proves nothing, and a repeated try might lock the account.
    let (outcome, tries) = probe(90033, "A transient error has occurred.").await;
    assert_eq!((outcome.unwrap_err().kind(), tries), (ErrorKind::Unavailable, 1));
}

#[tokio::test]
async fn a_sign_in_whose_answer_is_lost_is_not_repeated() {
    let server = Scripted::start(vec![Step::Vanish, Step::Json(200, json!({}))]).await;
    let sign_in = bench(&server.base).client.tenant().sign_in;
    let error = sign_in.probe(&upn(), &Password::new("hunter22".into())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(server.lines(), ["POST /organizations/oauth2/v2.0/token"]);
}

#[tokio::test]
async fn the_mfa_state_is_read_from_beta_and_an_unknown_one_is_not_guessed() {
    let server = MockServer::start().await;
    let state = |state: &str| ok(json!({ "perUserMfaState": state }));
    let place = format!("/beta/users/{}/authentication/requirements", id(1));
    answers(&server, Mock::given(path(place)), vec![state("enforced"), state("surprising")]).await;
    let sign_in = bench(&server.uri()).client.tenant().sign_in;
    assert_eq!(sign_in.mfa_state(&id(1)).await.unwrap(), MfaState::Enforced);
    assert_eq!(sign_in.mfa_state(&id(1)).await.unwrap_err().kind(), ErrorKind::Unsupported);
}
