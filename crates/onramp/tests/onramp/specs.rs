use onramp::{NewUpn, Spec};

#[test]
fn a_spec_says_where_it_is_wrong_and_what_was_meant() {
    for (text, line, suggestion) in [
        ("domain = \"contoso.com\"\n[user]\n", 2, Some("users")),
        ("domain = \"contoso.com\"\n[users]\nnew-upn = \"from-mail\"\n", 3, Some("new_upn")),
        ("domain = \"contoso.com\"\n[users]\nnew_upn = \"fom-mail\"\n", 3, Some("from-mail")),
        ("domain = \"contoso.com\"\n[sync]\nenabled = true\n", 3, Some("enable")),
        ("domain = \"contoso.com\"\n[sync]\nzzzzzzzzzzzz = true\n", 3, None),
        ("domain = \"con toso\"\n", 1, None),
        ("domain = \n", 1, None),
    ] {
        let error = Spec::from_toml(text).unwrap_err();
        assert_eq!((error.line(), error.suggestion()), (line, suggestion), "{error}");
        assert!(error.column() > 0, "{error}");
    }
}

#[test]
fn what_is_wrong_with_a_value_is_said() {
    let error = Spec::from_toml("domain = \"contoso.com\"\n[users]\nous = [\"OU\"]\n").unwrap_err();
    assert!(error.to_string().contains("has no “=”"), "{error}");
    let error =
        Spec::from_toml("domain = \"contoso.com\"\n[service_account]\nupn = \"a@b.de\"\nrole = \"Boss\"\n");
    assert!(error.unwrap_err().to_string().contains("\"Boss\" is neither"));
    assert!(Spec::from_toml("").unwrap_err().to_string().contains("domain"));
}

#[test]
fn a_spec_survives_being_written() {
    let spec = Spec::from_toml(
        "domain = \"contoso.com\"\n[users]\nnew_upn = \"from-mail\"\nonly = [\"anna\"]\n[users.map]\nbob = \"b@contoso.com\"\n",
    )
    .unwrap();
    assert_eq!(spec.users.as_ref().unwrap().new_upn, NewUpn::FromMail);
    let json = serde_json::to_string(&spec).unwrap();
    assert_eq!(serde_json::from_str::<Spec>(&json).unwrap(), spec);
}

#[test]
fn what_is_not_written_has_its_default() {
    let spec =
        Spec::from_toml("domain = \"contoso.com\"\n[service_account]\nupn = \"s@Bücher.example\"\n").unwrap();
    assert_eq!(spec.waits.domain_verification().as_secs(), 60 * 60);
    assert_eq!(spec.waits.replication().as_secs(), 15 * 60);
    let account = spec.service_account.as_ref().unwrap();
    assert_eq!(account.upn.as_str(), "s@xn--bcher-kva.example");
    assert!(!account.display_name.is_empty());
    assert_eq!(account.role.to_string(), "Hybrid Identity Administrator");
    let made = onramp::ServiceAccountSpec::new("s@Bücher.example".parse().unwrap());
    assert_eq!(&made, account);
    let mut whole = Spec::new("contoso.com".parse().unwrap());
    assert_eq!(whole, Spec::from_toml("domain = \"contoso.com\"").unwrap());
    whole.service_account = Some(made);
    assert_eq!(whole, spec);
    let waits =
        Spec::from_toml("domain = \"contoso.com\"\n[waits]\nreplication_minutes = 2\n").unwrap().waits;
    assert_eq!((waits.replication().as_secs(), waits.domain_verification().as_secs()), (120, 3600));
}

#[test]
fn roles_are_written_by_name_or_id() {
    let role = |text: &str| {
        let text = format!(
            "domain = \"contoso.com\"\n[service_account]\nupn = \"s@contoso.com\"\n\
             subscriptions = [{{ subscription = \"One\", role = \"{text}\" }}]\n"
        );
        Spec::from_toml(&text).map(|spec| spec.service_account.unwrap().subscriptions[0].clone())
    };
    let reader = role("Reader").unwrap();
    assert_eq!(reader, onramp::SubscriptionSpec::new("One", reader.role));
    assert_eq!(reader.role.to_string(), "Reader");
    assert_eq!(role("acdd72a7-3385-48ef-bd42-f606fba81ae7").unwrap(), reader);
    assert!(role("Boss").is_err());
}

#[test]
fn a_key_that_is_like_no_other_has_no_suggestion() {
    for (key, suggestion) in [
        ("exlude", Some("exclude")),
        ("ou", Some("ous")),
        ("exclude_uo", Some("exclude_ous")),
        ("zzzz", None),
    ] {
        let error = Spec::from_toml(&format!("domain = \"contoso.com\"\n[users]\n{key} = []\n")).unwrap_err();
        assert_eq!(error.suggestion(), suggestion, "{key}");
        assert_eq!(error.to_string().contains("Did you mean"), suggestion.is_some());
        assert!(error.to_string().starts_with("line 3, column 1: "), "{error}");
    }
    let error: onramp_core::Error = Spec::from_toml("domain = 1").unwrap_err().into();
    assert_eq!(error.kind(), onramp_core::ErrorKind::Invalid);
}

#[test]
fn an_empty_list_that_would_select_every_user_is_refused() {
    for key in ["ous", "only", "from_suffixes"] {
        let error = Spec::from_toml(&format!("domain = 'contoso.com'\n[users]\n{key} = []\n")).unwrap_err();
        assert_eq!(error.line(), 3);
        assert!(error.to_string().contains("would select every user"), "{error}");
    }
    // These leave users out, so that an empty list changes nothing.
    let text = "domain = 'contoso.com'\n[users]\nexclude = []\nexclude_ous = []\n[users.map]\n";
    let spec = Spec::from_toml(text).unwrap();
    // A spec that is written can be read.
    let written = serde_json::to_string(&spec).unwrap();
    assert_eq!(serde_json::from_str::<Spec>(&written).unwrap(), spec);
}
