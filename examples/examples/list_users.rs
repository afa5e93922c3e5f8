//! Reads all users of a forest as a stream, and prints those with a UPN suffix that no tenant can verify.

use futures_util::TryStreamExt;
use onramp::forest::UserQuery;
use onramp::{Result, Upn};
use onramp_examples::Lab;

#[tokio::main]
async fn main() -> Result<()> {
    let lab = Lab::start().await?;
    let forest = lab.ad().await?.forest();

    let mut users = forest.users.search(UserQuery::all());
    while let Some(user) = users.try_next().await? {
        let upn = user.upn.as_deref().and_then(|upn| Upn::parse(upn).ok());
        let is_routable = upn.is_some_and(|upn| upn.domain().is_ok_and(|domain| domain.is_routable()));
        if !is_routable {
            println!("{} {}", user.sam_account_name, user.upn.unwrap_or_default());
        }
    }
    Ok(())
}
