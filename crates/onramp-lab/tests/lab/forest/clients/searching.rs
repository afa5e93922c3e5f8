//! What searches find, and in which pages.

use std::collections::HashSet;
use std::time::Duration;

use ldap3::adapters::{Adapter, EntriesOnly, PagedResults};
use ldap3::{Scope, SearchEntry};

use super::{BASE, find, one, served};

#[tokio::test]
async fn filters_find_what_they_should() {
    let served = served(200).await;
    let mut ldap = served.administrator().await;
    let names = ["sAMAccountName", "objectGUID", "objectSid"];
    let mut count = async |filter: &str| find(&mut ldap, BASE, Scope::Subtree, filter, &names).await.len();
    assert_eq!(count("(&(objectCategory=person)(objectClass=user))").await, 203);
    assert_eq!(count("(objectCategory=computer)").await, 5);
    assert_eq!(count("(&(objectClass=user)(!(objectClass=computer)))").await, 203);
    assert_eq!(count("(sAMAccountName=ADMINISTRATOR)").await, 1);
    assert_eq!(count("(sAMAccountName=admin*r)").await, 1);
    assert_eq!(count("(sAMAccountName=*nistr*)").await, 1);
    assert_eq!(count("(objectSid=S-1-5-32-1)").await, 0);
    assert_eq!(count("(userAccountControl:1.2.840.113556.1.4.803:=2)").await, 12 + 2);
    assert_eq!(count("(userAccountControl:1.2.840.113556.1.4.804:=4098)").await, 12 + 2 + 3);
    assert_eq!(count("(&(userAccountControl>=514)(userAccountControl<=514)(sn=*))").await, 12);
    assert_eq!(count("(isCriticalSystemObject=true)").await, count("(isCriticalSystemObject=TRUE)").await);
    assert_eq!(count("(noSuchAttribute=x)").await, 0);
    assert_eq!(count("(!(noSuchAttribute=x))").await, 0, "what is undefined stays undefined when negated");
    assert_eq!(count("(!(cn=x))").await, count("(objectClass=*)").await);
    assert_eq!(count("(|)").await, 0);
    assert_eq!(count("(&(objectClass=user)(proxyAddresses=smtp:*))").await, count("(mail=*)").await);
    assert_eq!(count("(distinguishedName=cn=administrator,cn=users,dc=CORP,dc=local)").await, 1);
    assert_eq!(count(&format!("(objectCategory=CN=Person,CN=Schema,CN=Configuration,{BASE})")).await, 203);
    assert_eq!(count("(&(objectCategory=person)(whenCreated>=20230101000000.0Z))").await, 203);
    assert_eq!(count("(memberOf=CN=Domain Admins,CN=Users,DC=corp,DC=local)").await, 1);
}

#[tokio::test]
async fn objects_are_found_by_guid_and_sid() {
    let served = served(10).await;
    let mut ldap = served.administrator().await;
    let attrs = ["objectGUID", "objectSid", "cn"];
    let filter = "(sAMAccountName=Guest)";
    let guest = one(find(&mut ldap, BASE, Scope::Subtree, filter, &attrs).await);
    let guid = served.lab.find_account("guest").expect("it exists");
    assert_eq!(guest.bin_attrs["objectGUID"], [guid.as_bytes().to_vec()]);
    let hex: String = guid.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let escaped: String = guid.as_bytes().iter().map(|byte| format!("\\{byte:02x}")).collect();
    let sid = onramp_core::Sid::from_slice(&guest.bin_attrs["objectSid"][0]).expect("a SID");
    for filter in
        [format!("(objectGUID={guid})"), format!("(objectGUID={escaped})"), format!("(objectSid={sid})")]
    {
        assert_eq!(
            one(find(&mut ldap, BASE, Scope::Subtree, &filter, &attrs).await).dn,
            guest.dn,
            "{filter}"
        );
    }
    for base in [format!("<GUID={guid}>"), format!("<GUID={hex}>"), format!("<SID={sid}>")] {
        let found = one(find(&mut ldap, &base, Scope::Base, "(objectClass=*)", &attrs).await);
        assert_eq!(found.dn, guest.dn, "{base}");
    }
}

#[tokio::test]
async fn scopes_reach_as_far_as_they_say() {
    let served = served(100).await;
    let mut ldap = served.administrator().await;
    let staff = format!("OU=Staff,{BASE}");
    let all = "(objectClass=*)";
    assert_eq!(find(&mut ldap, &staff, Scope::Base, all, &["ou"]).await.len(), 1);
    assert_eq!(find(&mut ldap, &staff, Scope::OneLevel, all, &["ou"]).await.len(), 8);
    assert_eq!(find(&mut ldap, &staff, Scope::Subtree, all, &["ou"]).await.len(), 1 + 8 + 98);
    let result =
        ldap.search(&format!("OU=Nowhere,{BASE}"), Scope::Base, all, vec!["ou"]).await.expect("an answer");
    assert_eq!(result.1.rc, 32, "{:?}", result.1);
    let found = ldap.search(BASE, Scope::Subtree, all, vec!["1.1"]).await.expect("an answer").1;
    assert_eq!(found.refs.len(), 1, "to the Configuration partition: {found:?}");
    let configuration = format!("CN=Configuration,{BASE}");
    let servers = find(
        &mut ldap,
        &configuration,
        Scope::Subtree,
        "(objectClass=nTDSDSA)",
        &["invocationId", "msDS-hasMasterNCs"],
    )
    .await;
    assert_eq!(servers.len(), 2);
    assert!(servers.iter().all(|server| server.attrs["msDS-hasMasterNCs"].len() == 3));
}

#[tokio::test]
async fn attributes_are_selected_by_name() {
    let served = served(10).await;
    let mut ldap = served.administrator().await;
    let mut read = async |attrs: &[&str]| {
        one(find(
            &mut ldap,
            "CN=Administrator,CN=Users,DC=corp,DC=local",
            Scope::Base,
            "(objectClass=*)",
            attrs,
        )
        .await)
    };
    assert!(read(&["1.1"]).await.attrs.is_empty());
    let two = read(&["SAMACCOUNTNAME", "displayname", "noSuchAttribute"]).await;
    assert_eq!(two.attrs.keys().collect::<Vec<_>>(), ["sAMAccountName"]);
    let all = read(&["*", "allowedAttributesEffective"]).await;
    assert_eq!(all.attrs["objectClass"], ["top", "person", "organizationalPerson", "user"]);
    assert!(all.attrs["allowedAttributesEffective"].contains(&"userPrincipalName".to_owned()));
    assert!(!read(&["*"]).await.attrs.contains_key("allowedAttributesEffective"));
}

#[tokio::test]
async fn large_results_come_in_pages_only() {
    let served = served(2500).await;
    let mut ldap = served.administrator().await;
    let filter = "(&(objectCategory=person)(objectClass=user))";
    let result = ldap.search(BASE, Scope::Subtree, filter, vec!["cn"]).await.expect("an answer");
    assert_eq!((result.0.len(), result.1.rc), (1000, 4), "{:?}", result.1);
    let adapters: Vec<Box<dyn Adapter<'_, &str, Vec<&str>>>> =
        vec![Box::new(EntriesOnly::new()), Box::new(PagedResults::new(700))];
    let mut stream = ldap
        .streaming_search_with(adapters, BASE, Scope::Subtree, filter, vec!["cn"])
        .await
        .expect("a search");
    let mut names = HashSet::new();
    while let Some(entry) = stream.next().await.expect("an entry") {
        names.insert(SearchEntry::construct(entry).dn);
    }
    assert_eq!(stream.finish().await.rc, 0);
    assert_eq!(names.len(), 2503);
}

#[tokio::test]
async fn a_cookie_is_good_on_its_own_connection_only() {
    use ldap3::controls::{Control, ControlType, MakeCritical, PagedResults as Paged};
    let served = served(100).await;
    let mut ldap = served.administrator().await;
    let mut other = served.administrator().await;
    let filter = "(objectClass=user)";
    let first = Paged { size: 10, cookie: Vec::new() }.critical();
    let result =
        ldap.with_controls(first).search(BASE, Scope::Subtree, filter, vec!["cn"]).await.expect("an answer");
    let Some(Control(Some(ControlType::PagedResults), raw)) = result.1.ctrls.first() else {
        panic!("{:?}", result.1)
    };
    let cookie = raw.parse::<Paged>().cookie;
    assert!(!cookie.is_empty());
    let next = Paged { size: 10, cookie: cookie.clone() }.critical();
    let stolen =
        other.with_controls(next).search(BASE, Scope::Subtree, filter, vec!["cn"]).await.expect("an answer");
    assert_eq!(stolen.1.rc, 53, "{:?}", stolen.1);
    let next = Paged { size: 10, cookie }.critical();
    let own =
        ldap.with_controls(next).search(BASE, Scope::Subtree, filter, vec!["cn"]).await.expect("an answer");
    assert_eq!((own.1.rc, own.0.len()), (0, 10), "{:?}", own.1);
}

#[tokio::test]
async fn unknown_critical_controls_are_refused() {
    use ldap3::controls::RawControl;
    let served = served(10).await;
    let mut ldap = served.administrator().await;
    let control = |crit| RawControl { ctype: "1.2.840.113556.1.4.2211".to_owned(), crit, val: None };
    let result = ldap
        .with_controls(control(true))
        .search(BASE, Scope::Base, "(objectClass=*)", vec!["cn"])
        .await
        .expect("an answer");
    assert_eq!(result.1.rc, 12, "{:?}", result.1);
    let result = ldap
        .with_controls(control(false))
        .search(BASE, Scope::Base, "(objectClass=*)", vec!["cn"])
        .await
        .expect("an answer");
    assert_eq!(result.1.rc, 0, "{:?}", result.1);
}

#[tokio::test]
async fn requests_of_one_connection_go_out_together() {
    let served = served(100).await;
    let ldap = served.administrator().await;
    served.lab.set_latency(Duration::from_millis(50));
    let base = format!("OU=Staff,{BASE}");
    let requests = (0..64).map(|_| {
        let (mut ldap, base) = (ldap.clone(), base.clone());
        async move { find(&mut ldap, &base, Scope::Base, "(objectClass=*)", &["ou"]).await.len() }
    });
    let all = futures_util::future::join_all(requests);
    // One after the other they would take more than three seconds.
    let answers = tokio::time::timeout(Duration::from_secs(2), all).await.expect("all in time");
    assert_eq!(answers, vec![1; 64]);
}
