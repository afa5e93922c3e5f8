//! Changes many objects of Microsoft Graph in batches, with one outcome for each change.

use futures_util::{StreamExt, stream};
use onramp::Result;
use onramp::entra::GraphChange;
use onramp_examples::Lab;
use serde_json::json;

#[derive(serde::Deserialize)]
struct Person {
    id: String,
}

#[tokio::main]
async fn main() -> Result<()> {
    let lab = Lab::start().await?;
    let entra = lab.entra()?;

    let people = entra.graph().query::<Person>("users").select(["id"]).all().await?;
    let mut changes = Vec::new();
    for person in people {
        let change =
            GraphChange::update("users").segment(&person.id).json(&json!({ "department": "Sales" }))?;
        changes.push((person.id, change));
    }
    let mut outcomes = entra.graph().bulk().run(stream::iter(changes));
    while let Some(outcome) = outcomes.next().await {
        println!("{outcome:?}");
    }
    Ok(())
}
