//! The number of times that a whole directory is read: a forest may hold a million users.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use onramp_core::forest::{ForestUser, ForestUsers, UpnOwner, UserQuery};
use onramp_core::{BoxStream, ObjectGuid, Result};

use crate::small::{add, plain, users};
use crate::world::{World, spec};

#[derive(Debug)]
struct Counting {
    inner: Arc<dyn ForestUsers>,
    searches: AtomicU64,
    holders: AtomicU64,
}

#[async_trait]
impl ForestUsers for Counting {
    fn search(&self, query: UserQuery) -> BoxStream<'static, Result<ForestUser>> {
        self.searches.fetch_add(1, Ordering::Relaxed);
        self.inner.search(query)
    }
    fn upn_owners(&self) -> BoxStream<'static, Result<UpnOwner>> {
        self.holders.fetch_add(1, Ordering::Relaxed);
        self.inner.upn_owners()
    }
    async fn get(&self, guid: &ObjectGuid) -> Result<ForestUser> {
        self.inner.get(guid).await
    }
}

/// Returns the number of times that users and owners of UPNs are read by a survey and by a verification.
async fn reads(world: &World, text: &str) -> [(u64, u64); 2] {
    let mut forest = world.forest.forest();
    let counting = Arc::new(Counting {
        inner: forest.users.clone(),
        searches: AtomicU64::default(),
        holders: AtomicU64::default(),
    });
    forest.users = counting.clone();
    let onramp = world.onramp_over(forest);
    let count =
        || (counting.searches.swap(0, Ordering::Relaxed), counting.holders.swap(0, Ordering::Relaxed));
    onramp.survey(&spec(text)).await.unwrap();
    let by_survey = count();
    onramp.verify(&spec(text), None, None).await.unwrap();
    [by_survey, count()]
}

#[tokio::test]
async fn users_are_read_again_only_to_say_what_the_selection_does_not() {
    let world = plain();
    add(&world, "anna", Some("anna@corp.local"));
    add(&world, "bob", Some("bob@contoso.com"));
    let inside = "ous = ['CN=Users,DC=corp,DC=local']";
    for (lines, searches) in [
        ("", 1),
        ("only = ['anna']\nexclude = ['bob']\n[users.map]\nanna = 'a@contoso.com'", 1),
        (inside, 1),
        // Used by an earlier run, or mistyped: then somebody has nearly that name.
        ("[users.map]\n'old@corp.local' = 'bob@contoso.com'", 2),
        // A name that fits nobody is compared with everybody's.
        ("only = ['nobody']", 2),
        // A filter on the UPN is asked for those who were moved, too.
        ("filter = '(userPrincipalName=*@corp.local)'", 2),
        ("exclude_ous = ['CN=Users,DC=corp,DC=local']", 2),
    ] {
        assert_eq!(reads(&world, &users(lines)).await, [(searches, 1); 2], "{lines}");
    }
    let with_sync = |lines: &str| format!("{}[sync]\nenable = true\n", users(lines));
    assert_eq!(reads(&world, &with_sync("")).await, [(1, 1); 2]);
    assert_eq!(reads(&world, &with_sync(inside)).await, [(2, 1); 2], "synchronization sees everybody");
    assert_eq!(reads(&world, "domain = 'contoso.com'\n[sync]\nenable = true\n").await, [(1, 0); 2]);
    assert_eq!(reads(&world, "domain = 'contoso.com'\n").await, [(0, 0); 2]);
}
