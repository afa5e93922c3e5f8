//! Fixes of objects: surveyed, applied as a plan of their own, and verified.

use onramp_core::Result;
use onramp_readiness::source::attribute_map::AttributeMap;

use crate::onramp::Onramp;
use crate::plan::ApprovedPlan;
use crate::spec::Spec;
use crate::steps::attributes::{self, ChosenFix, FixSurvey};
use crate::verify::{REPORT_FORMAT_VERSION, Verification};

impl Onramp {
    /// Reads the objects of fixes as they are now, and the objects that have a value already that a fix sets. Changes nothing.
    ///
    /// Domain and timeouts are those of the spec; its other parts have no effect. [`fixes::plan`](crate::fixes::plan) makes
    /// the plan, which is approved and applied like any other.
    ///
    /// # Errors
    /// The first error of a port, except for single objects that do not exist or cannot be read; `Cancelled`.
    pub async fn survey_fixes(&self, spec: &Spec, fixes: Vec<ChosenFix>) -> Result<FixSurvey> {
        self.unless_cancelled("survey the objects to fix", attributes::survey(self, spec, fixes)).await
    }

    /// Reads the objects of a map of attributes as they are now, and makes of each entry the fix that gives the object the values of
    /// the map. Changes nothing; the rest is as for [`survey_fixes`](Self::survey_fixes).
    ///
    /// # Errors
    /// `Invalid` if the map changes an attribute that no map may change ([`fixes::map_problems`](crate::fixes::map_problems));
    /// the others are those of [`survey_fixes`](Self::survey_fixes).
    pub async fn survey_map(&self, spec: &Spec, map: &AttributeMap) -> Result<FixSurvey> {
        let survey = Box::pin(attributes::survey_map(self, spec, map));
        self.unless_cancelled("survey the objects of the map", survey).await
    }

    /// Reads every object of an approved plan of fixes again: each must have the planned values, octet by octet.
    ///
    /// # Errors
    /// `Invalid` if the plan is for another tenant or forest; errors of reading.
    pub async fn verify_fixes(&self, approved: &ApprovedPlan) -> Result<Verification> {
        self.check_target(approved.plan()).await?;
        let mut verification = Verification { format_version: REPORT_FORMAT_VERSION, checks: Vec::new() };
        attributes::verify(self, approved, &mut verification).await?;
        Ok(verification)
    }
}
