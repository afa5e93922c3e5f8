//! Collections of Graph, page after page, and what changed in them since.

mod delta;
mod link;
pub(crate) mod odd;
mod page;
pub(crate) mod paging;
mod query;
mod replies;

pub use delta::{Delta, DeltaCursor, DeltaStart};
pub use query::Query;
