//! Sign-in by NTLM. Needs the feature `ntlm`.

use onramp_ad::{AdClient, BindName, LdapSecurity};
use onramp_core::forest::{ObjectChanged, UpnChange};
use onramp_core::{ErrorKind, Password, Upn};
use onramp_samba::{Forest, Rights};

use crate::crowd::added;
use crate::shared::{forest, run, seen};

#[test]
#[ignore = "needs root and Samba AD"]
fn ntlm_signs_in_by_both_forms_of_the_name_and_within_both_ways_of_tls() {
    let forest = forest();
    let delegate = forest.add_login("by-ntlm", Rights::WriteUpn).unwrap();
    let [(user, guid)] = added(&forest, 1).try_into().unwrap();
    let netbios = format!(r"{}\by-ntlm", forest.netbios());
    for (name, security, local) in [
        (netbios.as_str(), LdapSecurity::Ldaps, "ldaps"),
        (delegate.upn(), LdapSecurity::StartTls, "start-tls"),
    ] {
        let password = Password::new(delegate.password().expose().to_owned());
        run(async {
            let ports = connect(&forest, security, name, password).await.unwrap().forest();
            let user = ports.users.get(&guid).await.unwrap();
            let after = Upn::parse(&format!("{local}@ntlm.example")).unwrap();
            let change = UpnChange { guid, dn: user.dn, before: user.upn, after };
            assert_eq!(ports.object_writer.change(&(&change).into()).await.unwrap(), ObjectChanged::Changed);
        });
    }
    assert_eq!(seen(&forest, 0, &user.dn, "userPrincipalName"), ["start-tls@ntlm.example"]);

    let wrong = connect(&forest, LdapSecurity::Ldaps, &netbios, Password::new("Wrong.Horse.7".into()));
    let error = run(wrong).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
    assert!(
        error.to_string().contains("by NTLM as") && !error.to_string().contains("Wrong.Horse"),
        "{error}"
    );
}

async fn connect(
    forest: &Forest,
    security: LdapSecurity,
    name: &str,
    password: Password,
) -> onramp_core::Result<AdClient> {
    let controller = &forest.controllers()[0];
    let port = if security == LdapSecurity::Ldaps { 636 } else { 389 };
    AdClient::builder(controller.fqdn())
        .security(security)
        .address(controller.fqdn(), (controller.ip(), port).into())
        .trust_root_pem_file(forest.ca_file())?
        .bind_with_ntlm(BindName::parse(name)?, password)
        .connect()
        .await
}
