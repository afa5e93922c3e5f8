//! The client through its public interface: against servers that misbehave on purpose, with time that moves only
//! when somebody waits.

mod faults;
mod support;
mod tokens;
