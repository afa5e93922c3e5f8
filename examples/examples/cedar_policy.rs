//! Reviews plans by policies in Cedar: `cargo run -p onramp-examples --features cedar --example cedar_policy`.

use std::{collections::HashSet, sync::Arc};

use cedar_policy::{Authorizer, Context, Decision, Entities, Entity, EntityUid, PolicySet, Request};
use onramp::{Change, ChangePolicy, DistinguishedName, Onramp, PolicyDecision, PolicyRequest};
use onramp::{Error, ErrorKind, PolicyViolation, Result, RunProgress, Spec, async_trait, forest::UpnChange};
use onramp_examples::Lab;

const POLICIES: &str = r#"
    permit (principal == Operator::"nina", action == Action::"change-upn", resource);
    forbid (principal, action, resource) unless { resource in OU::"ou=sales,ou=staff,dc=corp,dc=local" };
"#;

fn wrong(error: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Invalid, "review the plan").with_detail(error.to_string())
}

#[derive(Debug)]
struct Cedar(PolicySet);

impl Cedar {
    fn allows(&self, upn: &UpnChange) -> Result<bool> {
        let uid = |kind: &str, id: &str| format!("{kind}::{id:?}").parse::<EntityUid>().map_err(wrong);
        let above = std::iter::successors(upn.dn.parent(), DistinguishedName::parent);
        let ous = above.map(|ou| uid("OU", &ou.as_str().to_lowercase())).collect::<Result<HashSet<_>>>()?;
        let (nina, user) = (uid("Operator", "nina")?, uid("User", &upn.guid.to_string())?);
        let known =
            Entities::from_entities([Entity::new_no_attrs(user.clone(), ous)], None).map_err(wrong)?;
        let request = Request::new(nina, uid("Action", "change-upn")?, user, Context::empty(), None);
        let answer = Authorizer::new().is_authorized(&request.map_err(wrong)?, &self.0, &known);
        Ok(answer.decision() == Decision::Allow)
    }
}

#[async_trait]
impl ChangePolicy for Cedar {
    async fn review(&self, request: &PolicyRequest<'_>) -> Result<Vec<PolicyViolation>> {
        let changes = request.plan.changes().iter().filter_map(|planned| match &planned.change {
            Change::ChangeUpn { upn } => Some(self.allows(upn).map(|is_allowed| (upn, is_allowed))),
            _ => None,
        });
        let refused = changes.filter(|change| !matches!(change, Ok((_, true))));
        refused.map(|change| Ok(PolicyViolation::new("cedar", change?.0.dn.to_string()))).collect()
    }

    fn decide(&self, _: &RunProgress<'_>) -> PolicyDecision {
        PolicyDecision::Continue
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let (lab, policies) = (Lab::start().await?, POLICIES.parse().map_err(wrong)?);
    let onramp = Onramp::new(lab.tenant.tenant(), lab.forest.forest()).with_policy(Arc::new(Cedar(policies)));
    let spec = Spec::from_toml("domain = 'contoso.com'\n[users]")?;
    let plan = onramp::plan(&spec, &onramp.survey(&spec).await?);
    println!("{} changes, {} not allowed", plan.users_changed(), onramp.review(&plan).await?.len());
    Ok(())
}
