//! One test suite per port that any implementation must pass.
//!
//! Every function panics where the implementation breaks the documented contract of its port; call them from tests.
