//! The suite of [`SecretStore`].

use onramp_core::{ErrorKind, Password};

use super::{done, refused};
use crate::secret_store::SecretStore;

const NAME: &str = "onramp-sync@contoso.com";

/// Checks an empty store of secrets.
///
/// # Panics
/// At the first promise that the store breaks.
pub async fn secret_store(store: &dyn SecretStore) {
    let [first, second, third] = ["the 1st $ecret", "the 2nd $ecret", "the 3rd $ecret"].map(secret);
    let load = async |name| shown(done(store.load(name).await, "loading a secret"));
    let pending = async |name| shown(done(store.pending(name).await, "reading what was stored"));
    assert_eq!(load(NAME).await, [""; 0], "an empty store has no current secret");
    assert_eq!(pending(NAME).await, [""; 0], "an empty store has nothing stored");
    refused(store.promote(NAME, &first).await, ErrorKind::NotFound, "promoting what was not stored");

    let mut places = vec![done(store.store(NAME, &first).await, "storing a secret")];
    assert_eq!(load(NAME).await, [""; 0], "a stored secret is not the current one");
    places.push(done(store.store(NAME, &second).await, "storing another secret"));
    assert_eq!(pending(NAME).await, shown([second.clone(), first.clone()]), "the newest first");
    refused(store.promote(NAME, &third).await, ErrorKind::NotFound, "promoting another than was stored");

    places.push(done(store.promote(NAME, &first).await, "promoting a secret"));
    assert_eq!(load(NAME).await, shown([first.clone()]), "a promoted secret is the current one");
    assert_eq!(pending(NAME).await, shown([second.clone()]), "and is pending no more");
    places.push(done(store.promote(NAME, &first).await, "promoting the current secret again"));
    done(store.discard(NAME, &first).await, "discarding the current secret");
    assert_eq!(load(NAME).await, shown([first.clone()]), "a current secret cannot be discarded");

    done(store.store(NAME, &third).await, "storing a third secret");
    done(store.discard(NAME, &second).await, "discarding a secret that the tenant refused");
    done(store.discard(NAME, &second).await, "discarding it again");
    assert_eq!(pending(NAME).await, shown([third.clone()]), "only that one is discarded");
    refused(store.promote(NAME, &second).await, ErrorKind::NotFound, "promoting a discarded secret");
    done(store.promote(&NAME.to_uppercase(), &third).await, "promoting under the name in other case");
    assert_eq!(load(NAME).await, shown([third.clone()]), "names ignore case");

    for other in
        ["onramp-sync2@contoso.com", "onramp-sync@contoso.com.next-1", "sync/../x@contoso.com", "%@x"]
    {
        assert_eq!(load(other).await, [""; 0], "{other} has no secret of another name");
        done(store.store(other, &second).await, "storing under another name");
        assert_eq!(pending(other).await, shown([second.clone()]), "{other} has its own");
    }
    assert_eq!(pending(NAME).await, [""; 0], "and the first name has none of theirs");
    let told = format!("{places:?} {store:?}");
    for secret in [&first, &second, &third] {
        assert!(!told.contains(secret.expose()), "a secret is in the location or in Debug");
    }
}

fn secret(text: &str) -> Password {
    Password::new(text.to_owned())
}

fn shown(secrets: impl IntoIterator<Item = Password>) -> Vec<String> {
    secrets.into_iter().map(|secret| secret.expose().to_owned()).collect()
}
