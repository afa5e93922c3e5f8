//! Changes by compare-and-swap, as many at a time as the server answers well.

pub(crate) mod lane;
pub(crate) mod name_holder;
pub(crate) mod object_change;
pub(crate) mod pipeline;
pub(crate) mod window;
pub(crate) mod writer;
