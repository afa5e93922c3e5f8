//! The suite of [`TenantUsers`].

use futures_util::TryStreamExt;

use super::subjects::NOBODY;
use crate::conformance::{TenantFixture, done, expect_kind};
use crate::tenant::{DeletedUser, NewUser, TenantUser, TenantUsers, UserUpdate};
use crate::{ErrorKind, Password, Result, Upn};

/// Everything that [`TenantUsers`] promises.
pub async fn run(port: &dyn TenantUsers, fixture: &TenantFixture) {
    unknown_users(port, fixture).await;
    let user = creation(port, fixture).await;
    refused_creations(port, fixture, &user).await;
    updates(port, fixture, &user).await;
    passwords(port, fixture, &user).await;
    renaming(port, fixture, &user).await;
    deletion(port, fixture, &user).await;
    restoring(port, fixture, &user).await;
}

async fn unknown_users(port: &dyn TenantUsers, fixture: &TenantFixture) {
    expect_kind(port.get(&NOBODY).await, ErrorKind::NotFound, "reading an unknown user");
    let update = UserUpdate::default().with_display_name("Nobody");
    expect_kind(port.update(&NOBODY, &update).await, ErrorKind::NotFound, "changing an unknown user");
    let reset = port.set_password(&NOBODY, &fixture.password(), false).await;
    expect_kind(reset, ErrorKind::NotFound, "setting an unknown user's password");
    expect_kind(port.delete(&NOBODY).await, ErrorKind::NotFound, "deleting an unknown user");
    let found = done(port.find(&fixture.upn("unknown")).await, "looking for a UPN that nobody has");
    assert_eq!(found, None, "a UPN that nobody has finds nobody");
}

async fn creation(port: &dyn TenantUsers, fixture: &TenantFixture) -> TenantUser {
    let upn = fixture.upn("user");
    let mails = vec![format!("conformance-{}@mail.example", fixture.tag)];
    let new = NewUser::new(upn.clone(), "Contract User", fixture.password()).with_other_mails(mails.clone());
    let user = done(port.create(&new).await, "creating a user");
    assert_eq!(user.upn, upn, "a new user has the UPN that was asked for");

    let read =
        fixture.poll.until("a new user is read by its ID", async || port.get(&user.id).await, |_| true).await;
    assert_eq!(read.id, user.id);
    assert_eq!(read.upn, upn);
    assert_eq!(read.display_name.as_deref(), Some("Contract User"));
    assert_eq!(read.other_mails, mails, "a new user has the mail addresses that were asked for");
    assert!(read.account_enabled, "a new user may sign in");
    assert!(
        !read.synchronized && read.immutable_id.is_none(),
        "a new user comes from no directory: {read:?}"
    );

    let shouted = Upn::parse(&upn.as_str().to_ascii_uppercase()).expect("still a UPN");
    for name in [&upn, &shouted] {
        let what = format!("{name} is found, whatever its case");
        let found = fixture.poll.until(&what, async || port.find(name).await, Option::is_some).await;
        assert_eq!(found.map(|user| user.id), Some(user.id), "{what}");
    }
    let listed =
        async || port.list().try_filter(|listed| ready(listed.id == user.id)).try_collect::<Vec<_>>().await;
    fixture.poll.until("a new user is listed once", listed, |found| found.len() == 1).await;
    user
}

fn ready(value: bool) -> std::future::Ready<bool> {
    std::future::ready(value)
}

async fn refused_creations(port: &dyn TenantUsers, fixture: &TenantFixture, user: &TenantUser) {
    let shouted = Upn::parse(&user.upn.as_str().to_ascii_uppercase()).expect("still a UPN");
    let twin = NewUser::new(shouted, "Contract Twin", fixture.password());
    expect_kind(port.create(&twin).await, ErrorKind::AlreadyExists, "creating a second user with a UPN");

    let foreign = Upn::new("conformance", &fixture.new_domain("foreign")).expect("a UPN");
    let foreign = NewUser::new(foreign, "Contract Foreign", fixture.password());
    expect_kind(port.create(&foreign).await, ErrorKind::Invalid, "creating a user on an unverified domain");

    let weak = NewUser::new(fixture.upn("weak"), "Contract Weak", Password::new("abc".to_owned()));
    expect_kind(port.create(&weak).await, ErrorKind::Invalid, "creating a user with a password too short");
    let found = done(port.find(&fixture.upn("weak")).await, "looking for a user that was refused");
    assert_eq!(found, None, "a refused user does not exist");
}

async fn updates(port: &dyn TenantUsers, fixture: &TenantFixture, user: &TenantUser) {
    let mails =
        vec![format!("other-{}@mail.example", fixture.tag), format!("third-{}@mail.example", fixture.tag)];
    let update = UserUpdate::default().with_other_mails(mails.clone()).with_password_never_expires(true);
    for time in ["once", "twice"] {
        done(port.update(&user.id, &update).await, &format!("changing a user {time}"));
    }
    let read = shows(port, fixture, user, "changes of a user", |read| {
        read.other_mails == mails && read.password_never_expires
    })
    .await;
    assert_eq!(read.display_name.as_deref(), Some("Contract User"), "what is not named stays");
    assert!(read.account_enabled, "what is not named stays");

    let update = UserUpdate::default().with_account_enabled(false).with_display_name("Contract Renamed");
    done(port.update(&user.id, &update).await, "disabling a user");
    let read = shows(port, fixture, user, "a disabled user", |read| {
        !read.account_enabled && read.display_name.as_deref() == Some("Contract Renamed")
    })
    .await;
    assert_eq!(read.other_mails, mails, "what is not named stays");
    assert!(read.password_never_expires, "what is not named stays");

    let update = UserUpdate::default().with_account_enabled(true).with_other_mails(Vec::new());
    done(port.update(&user.id, &update.with_password_never_expires(false)).await, "enabling a user");
    shows(port, fixture, user, "an enabled user without mail addresses", |read| {
        read.account_enabled && read.other_mails.is_empty() && !read.password_never_expires
    })
    .await;
}

async fn passwords(port: &dyn TenantUsers, fixture: &TenantFixture, user: &TenantUser) {
    let before = done(port.get(&user.id).await, "reading a user").password_changed;
    done(port.set_password(&user.id, &fixture.password(), true).await, "setting a password to be changed");
    done(port.set_password(&user.id, &fixture.password(), false).await, "setting a password");
    let after = done(port.get(&user.id).await, "reading a user").password_changed;
    assert!(after >= before, "the last change of a password: {before:?}, then {after:?}");
    let weak = port.set_password(&user.id, &Password::new("abc".to_owned()), false).await;
    expect_kind(weak, ErrorKind::Invalid, "setting a password too short");
}

async fn renaming(port: &dyn TenantUsers, fixture: &TenantFixture, user: &TenantUser) {
    let renamed = fixture.upn("renamed");
    done(port.update(&user.id, &UserUpdate::default().with_upn(renamed.clone())).await, "changing a UPN");
    shows(port, fixture, user, "a new UPN", |read| read.upn == renamed).await;
    let old = async || port.find(&user.upn).await;
    fixture.poll.until("the former UPN finds nobody", old, Option::is_none).await;

    let foreign = Upn::new("conformance", &fixture.new_domain("foreign")).expect("a UPN");
    let update = UserUpdate::default().with_upn(foreign);
    expect_kind(port.update(&user.id, &update).await, ErrorKind::Invalid, "a UPN on an unverified domain");
    let read = done(port.get(&user.id).await, "reading a user");
    assert_eq!(read.upn, renamed, "a refused change writes nothing");
}

async fn deletion(port: &dyn TenantUsers, fixture: &TenantFixture, user: &TenantUser) {
    done(port.delete(&user.id).await, "deleting a user");
    fixture.poll.until_gone("a deleted user", async || port.get(&user.id).await).await;
    let found = async || port.find(&fixture.upn("renamed")).await;
    fixture.poll.until("a deleted user is not found by its UPN", found, Option::is_none).await;
    fixture.poll.until_gone("a second deletion", async || port.delete(&user.id).await).await;
}

async fn restoring(port: &dyn TenantUsers, fixture: &TenantFixture, user: &TenantUser) {
    let of_user = async || {
        let mine = |deleted: &DeletedUser| ready(deleted.user.id == user.id);
        port.deleted().try_filter(mine).try_collect::<Vec<_>>().await
    };
    let found = fixture
        .poll
        .until("a deleted user is among the deleted ones", of_user, |found| found.len() == 1)
        .await;
    assert!(found.iter().all(|deleted| deleted.deleted.is_some()), "it is known when: {found:?}");
    let nobody = port.restore(&NOBODY).await;
    expect_kind(nobody, ErrorKind::NotFound, "restoring an unknown user");

    let restored = done(port.restore(&user.id).await, "restoring a user");
    assert_eq!(restored.id, user.id, "the user that was restored is the one that was deleted");
    let read = async || port.find(&fixture.upn("renamed")).await;
    let back = fixture.poll.until("a restored user is found again", read, Option::is_some).await;
    assert_eq!(back.map(|back| back.id), Some(user.id), "under its UPN");
    fixture.poll.until("and no longer among the deleted ones", of_user, Vec::is_empty).await;
    expect_kind(port.restore(&user.id).await, ErrorKind::NotFound, "restoring a user that is there");
    done(port.delete(&user.id).await, "deleting a restored user");
}

async fn shows(
    port: &dyn TenantUsers,
    fixture: &TenantFixture,
    user: &TenantUser,
    what: &str,
    right: impl FnMut(&TenantUser) -> bool,
) -> TenantUser {
    let read = async || -> Result<TenantUser> { port.get(&user.id).await };
    fixture.poll.until(&format!("reads show {what}"), read, right).await
}
