//! Reads users of a type of your own from Microsoft Graph, page by page, in constant memory.

use futures_util::TryStreamExt;
use onramp::Result;
use onramp_examples::Lab;

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Person {
    user_principal_name: String,
    display_name: Option<String>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let lab = Lab::start().await?;
    let entra = lab.entra()?;

    let query = entra.graph().query::<Person>("users");
    let mut people = query.select(["userPrincipalName", "displayName"]).stream();
    while let Some(person) = people.try_next().await? {
        println!("{} {}", person.user_principal_name, person.display_name.unwrap_or_default());
    }
    Ok(())
}
