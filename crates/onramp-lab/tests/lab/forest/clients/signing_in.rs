//! What is there before a bind, and which binds succeed.

use ldap3::Scope;

use super::{BASE, change_upn, find, one, served};

#[tokio::test]
async fn the_root_dse_is_there_for_everybody() {
    let served = served(10).await;
    let mut ldap = served.connect(0, false, false).await;
    let root = one(find(&mut ldap, "", Scope::Base, "(objectClass=*)", &["*"]).await);
    assert_eq!(root.attrs["defaultNamingContext"], [BASE]);
    assert_eq!(root.attrs["rootDomainNamingContext"], [BASE]);
    assert_eq!(root.attrs["configurationNamingContext"], [format!("CN=Configuration,{BASE}")]);
    assert_eq!(root.attrs["dnsHostName"], ["dc1.corp.local"]);
    assert!(root.attrs["dsServiceName"][0].starts_with("CN=NTDS Settings,CN=DC1,CN=Servers,"));
    assert!(root.attrs["supportedControl"].contains(&"1.2.840.113556.1.4.319".to_owned()));
    let named = one(find(&mut ldap, "", Scope::Base, "(objectClass=*)", &["isSynchronized"]).await);
    assert_eq!(named.attrs.len(), 1);
}

#[tokio::test]
async fn nothing_else_is_there_before_a_bind() {
    let served = served(10).await;
    let mut ldap = served.connect(0, false, true).await;
    let result = ldap.search(BASE, Scope::Base, "(objectClass=*)", vec!["*"]).await.expect("an answer").1;
    assert_eq!(result.rc, 1, "{result:?}");
    assert!(result.text.starts_with("00002020"), "{result:?}");
    let result = change_upn(&mut ldap, &served.user(), "a@b", "c@d").await;
    assert_eq!(result.rc, 1, "{result:?}");
}

#[tokio::test]
async fn passwords_go_over_tls_only() {
    let served = served(10).await;
    let login = served.lab.administrator();
    let mut plain = served.connect(0, false, false).await;
    let result = plain.simple_bind(&login.name, login.password.expose()).await.expect("an answer");
    assert_eq!(result.rc, 8, "{result:?}");
    let mut upgraded = served.connect(0, true, true).await;
    let result = upgraded.simple_bind(&login.name, login.password.expose()).await.expect("an answer");
    assert_eq!(result.rc, 0, "{result:?}");
    one(find(&mut upgraded, BASE, Scope::Base, "(objectClass=*)", &["dc"]).await);
}

#[tokio::test]
async fn bind_names_of_every_form_are_understood() {
    let served = served(30).await;
    let password = served.lab.administrator().password;
    let mut ldap = served.connect(0, false, true).await;
    for name in [
        "CN=Administrator,CN=Users,DC=corp,DC=local",
        "CORP\\administrator",
        "administrator@corp.local",
        "administrator@CORP",
        "corp.local/Users/Administrator",
    ] {
        let result = ldap.simple_bind(name, password.expose()).await.expect("an answer");
        assert_eq!(result.rc, 0, "{name}: {result:?}");
    }
    for (name, password, data) in [
        ("CORP\\administrator", "wrong", "data 52e"),
        ("administrator", password.expose(), "data 52e"),
        ("corp.local\\administrator", password.expose(), "data 52e"),
        ("CORP\\nobody", "wrong", "data 52e"),
        ("CORP\\administrator", "", "data 52e"),
    ] {
        let result = ldap.simple_bind(name, password).await.expect("an answer");
        assert_eq!(result.rc, 49, "{name}: {result:?}");
        assert!(
            result.text.starts_with("80090308: LdapErr: DSID-") && result.text.contains(data),
            "{result:?}"
        );
    }
    let who = "(objectClass=*)";
    let result = ldap.search(BASE, Scope::Base, who, vec!["dc"]).await.expect("an answer").1;
    assert_eq!(result.rc, 1, "a failed bind leaves nobody bound: {result:?}");
}
