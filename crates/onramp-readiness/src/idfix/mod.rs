//! The profile `idfix`: the results of IdFix 2.6.0.3, Microsoft's preparation tool, row by row.
//!
//! IdFix went out of support in June 2026. Whoever moves from it needs to see first that nothing changed: this module
//! gives the rows that the grid of IdFix would have, with their errors, updates and proposed actions, **its defects
//! included**. Rules that are right today are those of the profile `entra`.
//!
//! ```
//! use onramp_readiness::attributes::{CN, DISPLAY_NAME, OBJECT_CLASS, USER_PRINCIPAL_NAME};
//! use onramp_readiness::DirectoryObject;
//! use onramp_readiness::idfix::{IdfixCheck, IdfixMode, IdfixScan};
//!
//! let mut scan = IdfixScan::new(IdfixMode::MultiTenant);
//! let object = DirectoryObject::new("CN=Jürgen,DC=contoso,DC=com")
//!     .with_text(CN, "Jürgen")
//!     .with_text(DISPLAY_NAME, "Jürgen")
//!     .with_text(OBJECT_CLASS, "user")
//!     .with_text(USER_PRINCIPAL_NAME, "jürgen@contoso.local");
//! let IdfixCheck::Findings(findings) = scan.check(&object) else { panic!("not excluded") };
//! let json = serde_json::to_value(&findings[0])?;
//! assert_eq!(json["rule"], "idfix-user-principal-name");
//! assert_eq!(json["idfix_error"], serde_json::json!(["Character", "TopLevelDomain"]));
//! assert_eq!(json["idfix_update"], "jrgen@contoso.local");
//! assert_eq!(json["idfix_action"], "EDIT");
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! # The model of execution
//! Each attribute has a list of checks (IdFix: `ComposedRule`). A value goes through them in order; a check that fails
//! replaces it by its own suggestion, and **the next check sees the suggestion**. A row has the errors of all checks that
//! failed, and update and action of the last one. Each value of `proxyAddresses` is checked; of every other attribute the
//! first value only. An attribute that the mode does not fetch is not seen, even if the object has it.
//!
//! # Order
//! A scan remembers the values that it saw, because a duplicate is found when its second holder is read. **The order of the
//! objects counts, and one scan is one run of IdFix**: give it the objects in the order of the search. Findings come in
//! IdFix's order before its grid sorts them by distinguished name: by attribute, and the row of a first holder just before
//! that of the later holder.
//!
//! # Findings
//! - One [`Finding`](crate::Finding) per row; `rule` names the attribute: `idfix-display-name`, `idfix-given-name`,
//!   `idfix-mail`, `idfix-mail-nickname`, `idfix-proxy-addresses`, `idfix-sam-account-name`, `idfix-target-address`,
//!   `idfix-user-principal-name`. The tags are the errors in lower case: `character`, `format`, `top-level-domain`,
//!   `domain-part`, `local-part`, `length`, `blank`, `duplicate`. IdFix has no severity; each finding is an error.
//! - `value` is the original value. The row of a first holder has the value of the *later* holder, as in IdFix, even if the
//!   first holder never had it; it has no `value_index` and no fix.
//! - `idfix_error` has the errors in the order in which the checks failed. The column ERROR of IdFix joins them in the same
//!   order, but lists the errors of its one check of addresses by number: there, `Format` stands first.
//! - `fixes` has the update, where it differs from the value, with low confidence and a sentence about what it loses. IdFix
//!   itself checks neither that its update is valid nor that it is unique.
//!
//! # Differences
//! - **Top-level domains**: [`TopLevelDomains`] says how its list differs from IdFix's, and takes the original file.
//! - **Equality** of IdFix is that of Windows' invariant culture, case ignored. Here it is: ordinal, each character of the
//!   basic plane as its capital, invisible characters (controls, zero-width and directional ones, soft hyphen, variation
//!   selectors) left out, `ß` as `SS`. Windows also equates ligatures with their letters (`æ`, `ae`) and composed with
//!   decomposed characters; those stay different here. Searches for one character (`:`, `.`, `@`) are ordinal.
//! - **Half a character**: a cut may fall into a character of two UTF-16 units. .NET keeps the lone first half, which turns
//!   into U+FFFD when it is written; here it is U+FFFD at once. Lengths and all checks are the same for both.
//! - **Values that are no text** are the text `System.Byte[]` for IdFix. So they are here; the finding has no fix.
//! - **Where IdFix ends the whole run**: an object without `cn`, without `objectClass`, or (dedicated) a contact without
//!   `targetAddress` and `mail`. Here the run goes on: with an empty common name, as an object of no type, and with a row
//!   without update.
//! - **The search filter** is the caller's. [`IdfixScan::with_default_filter`] leaves out what the default filter of IdFix
//!   would not return.

mod address;
mod column;
mod duplicates;
mod entry;
mod exclusion;
mod mode;
mod primitive;
mod row;
mod rules;
mod scan;
mod text;
mod top_level_domains;

pub use exclusion::IdfixExclusion;
pub use mode::IdfixMode;
pub use scan::{IdfixCheck, IdfixScan};
pub use top_level_domains::TopLevelDomains;
