//! Reads all users of a forest as a stream, and prints those with a UPN suffix that no tenant can verify.

use futures_util::StreamExt;
use onramp::forest::UserQuery;
use onramp::{ErrorKind, Result, Upn};
use onramp_examples::Lab;

#[tokio::main]
async fn main() -> Result<()> {
    let lab = Lab::start().await?;
    let forest = lab.ad().await?.forest();

    let (mut read, mut unreadable) = (0, 0);
    let mut users = forest.users.search(UserQuery::all());
    while let Some(user) = users.next().await {
        let user = match user {
            Ok(user) => user,
            // One odd object: the stream goes on after it.
            Err(error) if error.kind() == ErrorKind::Unreadable => {
                println!("{error}");
                unreadable += 1;
                continue;
            }
            Err(error) => return Err(error),
        };
        read += 1;
        let upn = user.upn.as_deref().and_then(|upn| Upn::parse(upn).ok());
        let is_routable = upn.is_some_and(|upn| upn.domain().is_ok_and(|domain| domain.is_routable()));
        if !is_routable {
            println!("{} {}", user.sam_account_name, user.upn.unwrap_or_default());
        }
    }
    println!("{read} users, and {unreadable} that could not be understood");
    Ok(())
}
