//! Does the whole job: survey, plan, approve, apply, verify. With the lab's clients in place of yours, this is what a program embeds.

use onramp::{MemoryJournal, MemorySecretStore, Onramp, Spec, plan};
use onramp_examples::Lab;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let lab = Lab::start().await?;
    let onramp = Onramp::new(lab.entra()?.tenant(), lab.ad().await?.forest());

    let spec = Spec::from_toml("domain = \"contoso.com\"\n[users]\n[sync]\nenable = true")?;
    let draft = plan(&spec, &onramp.survey(&spec).await?);
    let accepted: Vec<String> = draft.consequences().iter().map(|consequence| consequence.id()).collect();
    println!("accepted without asking, because this is a lab: {}", accepted.join(", "));
    let approved = draft.approve(accepted)?;
    let outcome =
        onramp.apply_to_end(&approved, &mut MemoryJournal::default(), &MemorySecretStore::default()).await?;
    println!("{}", outcome.counts());
    assert!(onramp.verify(&spec, Some(&approved), None).await?.is_green());
    Ok(())
}
