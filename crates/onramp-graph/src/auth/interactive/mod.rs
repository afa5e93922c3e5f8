//! Interactive sign-in of a user: in a browser on this machine, or with a device code.
//!
//! Some operations exist for signed-in users only: reading the synchronization features, elevating access to Azure,
//! changing one's own password.

mod browser;
mod device_code;
mod exchange;
mod loopback;
mod method;
mod source;

pub(crate) use method::InteractiveMethod;
pub use method::{BrowserSignIn, DeviceCodeSignIn, DevicePrompt};
pub(crate) use source::UserTokenSource;
