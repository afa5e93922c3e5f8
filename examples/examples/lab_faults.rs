//! Asks the lab for a fault, and sees how a client handles it: the answer to a search is lost once.

use futures_util::TryStreamExt;
use onramp::Result;
use onramp::forest::UserQuery;
use onramp::lab::forest::{Fault, Operation};
use onramp_examples::Lab;

#[tokio::main]
async fn main() -> Result<()> {
    let lab = Lab::start().await?;
    let forest = lab.ad().await?.forest();

    lab.forest.inject(Operation::Search, Fault::LostReply, 1);
    let users: Vec<_> = forest.users.search(UserQuery::all()).try_collect().await?;
    println!("{} users, in spite of a lost answer", users.len());
    Ok(())
}
