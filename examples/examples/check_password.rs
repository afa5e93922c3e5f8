//! Checks passwords against the policies of Active Directory and Entra at once, with onramp-password alone.

use onramp_password::check::Context;
use onramp_password::{Messages, Policy, check};

fn main() {
    let context = Context::new().with_account_name("svc-onramp");
    for candidate in ["Svc-Onramp-1", "Pässwort-2026!", "kettle-orbit-velvet-93"] {
        let verdict = check(&Policy::hybrid(), &context, candidate);
        println!("{candidate}: {}", if verdict.is_accepted() { "accepted" } else { "refused" });
        for message in verdict.messages(&Messages::english(), candidate) {
            println!("  {message}");
        }
    }
}
