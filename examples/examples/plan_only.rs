//! Makes a plan for some users and stores it as JSON Lines, so that another person can review it.

use std::fs::File;
use std::io::BufReader;

use onramp::{Onramp, Plan, Spec, plan};
use onramp_examples::Lab;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let lab = Lab::start().await?;
    // The lab's models implement the ports, too: no server is needed for a plan.
    let onramp = Onramp::new(lab.tenant.tenant(), lab.forest.forest());

    let spec = Spec::from_toml("domain = \"contoso.com\"\n[users]\nfilter = \"(department=Sales)\"")?;
    let draft = plan(&spec, &onramp.survey(&spec).await?);
    for change in draft.changes() {
        println!("{}", change.change);
    }
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("plan.jsonl");
    draft.save(&path)?;
    let read = Plan::read(BufReader::new(File::open(&path)?))?;
    assert_eq!(read.digest(), draft.digest());
    println!("digest {}", draft.digest());
    Ok(())
}
