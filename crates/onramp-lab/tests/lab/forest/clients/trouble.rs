//! What clients notice when something goes wrong.

use std::collections::HashSet;

use ldap3::{LdapError, Mod, Scope};
use onramp_lab::forest::{Fault, Operation};

use super::{BASE, find, one, served};

#[tokio::test]
async fn a_lost_reply_leaves_the_change_done() {
    let served = served(50).await;
    let dn = served.user();
    let guid = served.lab.find_account("krbtgt").expect("it exists");
    let value = || served.lab.values_on("dc1.corp.local", &guid, "userPrincipalName").expect("values");
    let add = |value: &'static str| vec![Mod::Add("userPrincipalName", HashSet::from([value]))];

    served.lab.inject(Operation::Modify, Fault::LostRequest, 1);
    let lost = served.administrator().await.modify(&dn, add("lost@example.com")).await;
    assert!(
        matches!(lost, Err(LdapError::ResultRecv { .. } | LdapError::OpSend { .. } | LdapError::EndOfStream)),
        "{lost:?}"
    );
    assert_eq!(value(), Vec::<String>::new());

    served.lab.inject(Operation::Modify, Fault::LostReply, 1);
    assert!(served.administrator().await.modify(&dn, add("done@example.com")).await.is_err());
    assert_eq!(value(), ["done@example.com"]);

    served.lab.inject(Operation::Modify, Fault::Busy, 1);
    let busy = served.administrator().await.modify(&dn, add("busy@example.com")).await.expect("an answer");
    assert_eq!(busy.rc, 51);
}

#[tokio::test]
async fn a_stopped_controller_closes_its_connections() {
    let served = served(10).await;
    let mut ldap = served.bound(1, &served.lab.administrator()).await;
    served.lab.stop_controller("dc2.corp.local").expect("it exists");
    assert!(ldap.search(BASE, Scope::Base, "(objectClass=*)", vec!["dc"]).await.is_err());
    served.lab.start_controller("dc2.corp.local").expect("it exists");
    let mut ldap = served.bound(1, &served.lab.administrator()).await;
    one(find(&mut ldap, BASE, Scope::Base, "(objectClass=*)", &["dc"]).await);
}
