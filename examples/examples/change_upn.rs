//! Changes the UPN of one user, and waits until every domain controller has the new one.

use futures_util::TryStreamExt;
use onramp::forest::{ReplicatedValue, UserQuery};
use onramp::replication::ReplicationExt;
use onramp::{Error, ErrorKind, Result, Upn};
use onramp_examples::Lab;

#[tokio::main]
async fn main() -> Result<()> {
    let lab = Lab::start().await?;
    let forest = lab.ad().await?.forest();

    let with_mail = UserQuery::all().with_filter("(mail=*)".parse()?);
    let user = forest.users.search(with_mail).try_next().await?;
    let user = user.ok_or_else(|| Error::new(ErrorKind::NotFound, "find a user"))?;
    let upn = Upn::parse(&format!("{}@contoso.com", user.sam_account_name))?;
    println!("{}: {:?}", user.dn, forest.rename(&user, upn.clone()).await?);

    let report = forest.wait_for_value(ReplicatedValue::user_upn(&user, upn)).await?;
    println!("{report}");
    report.require_complete()
}
