//! Fixes of objects as a plan: what readiness suggests, or what was prepared elsewhere, is surveyed, planned, approved, applied,
//! verified and undone like any other change.
//!
//! 1. [`Onramp::survey_fixes`](crate::Onramp::survey_fixes) reads the objects of the chosen fixes, and
//!    [`Onramp::survey_map`](crate::Onramp::survey_map) those that a file gives values of attributes.
//! 2. [`plan`] makes one change for each object, which combines all of its attributes.
//! 3. [`Plan::approve`](crate::Plan::approve) and [`Onramp::apply`](crate::Onramp::apply), as for every plan. Each change is one
//!    compare-and-swap operation: an object that no longer has the values before is left as it is.
//! 4. [`Onramp::verify_fixes`](crate::Onramp::verify_fixes) reads every object again;
//!    [`Onramp::undo`](crate::Onramp::undo) restores the values before.

pub use crate::steps::attributes::{
    ChosenFix, FixSurvey, MapProblem, SeenObject, ValueHolder, map_problems, plan,
};
