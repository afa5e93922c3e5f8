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
    assert!(error.unwrap_err().to_string().contains("“Boss” is neither"));
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
