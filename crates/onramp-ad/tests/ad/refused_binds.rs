//! The reasons for which a domain controller refuses a bind: the error says that the password is wrong only
//! if the server says so.

use std::sync::{Arc, Mutex};

use onramp_core::ErrorKind;
use onramp_lab::tls::LabCa;

use crate::connecting::{HOST, to};
use crate::scripted::{Script, Serve};

/// The texts that say that the password or the name is wrong.
const BLAME: &[&str] = &["password is wrong", "password was not accepted", "Check both"];

fn windows(data: &str) -> String {
    format!("80090308: LdapErr: DSID-0C09041C, comment: AcceptSecurityContext error, data {data}, v4563")
}

#[tokio::test]
async fn each_refusal_is_told_as_what_it_is() {
    let bindings =
        "80090346: LdapErr: DSID-0C0906B8, comment: AcceptSecurityContext error, data 80090346, v4563";
    let signing = "00002028: LdapErr: DSID-0C090259, comment: The server requires binds to turn on integrity checking if SSL\\TLS are not already active on the connection, data 0, v4563";
    let rows = [
        (49, bindings.to_owned(), "requires channel binding", false),
        (49, windows("80090346"), "requires channel binding", false),
        (49, windows("57"), "channel binding", false),
        (8, signing.to_owned(), "requires signing", false),
        (8, String::new(), "requires signing", false),
        (13, String::new(), "requires signing", false),
        (7, String::new(), "does not accept this way to sign in", false),
        (48, String::new(), "does not accept this way to sign in", false),
        (49, windows("52e"), "the bind name or the password is wrong", true),
        (49, windows("525"), "there is no such account", false),
        (49, windows("52f"), "a restriction of the account", false),
        (49, windows("530"), "at this hour", false),
        (49, windows("531"), "from this computer", false),
        (49, windows("532"), "the password has expired", false),
        (49, windows("533"), "the account is disabled", false),
        (49, windows("569"), "does not have the right to sign in", false),
        (49, windows("701"), "the account has expired", false),
        (49, windows("773"), "must be changed before the first sign-in", false),
        (49, windows("775"), "the account is locked out", false),
        (49, windows("51f"), "could not reach another one to check the password", false),
        (49, windows("8009030c"), "with the Windows error 8009030c", false),
        (49, windows("0"), "with the Windows error 0", false),
        // Without a diagnostic text, this is the meaning of the result code.
        (
            49,
            "80090308: LdapErr: DSID-0C09041C, comment: AcceptSecurityContext error".to_owned(),
            "was not accepted",
            true,
        ),
        (49, String::new(), "was not accepted", true),
    ];
    let ca = LabCa::new().unwrap();
    for (code, text, says, blames) in rows {
        let script = Arc::new(Mutex::new(Script { bind: (code, text.clone()), ..Script::default() }));
        let address = script.serve(ca.server_config(&[HOST]).unwrap()).await;
        let error = to(address, &ca).connect().await.unwrap_err();
        let told = error.to_string();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{code} {text}: {told}");
        assert!(told.contains(says), "{code} {text}: {told}");
        // The quoted text of the server does not count.
        assert_eq!(BLAME.iter().any(|blame| told.contains(blame)), blames, "{code} {text}: {told}");
        assert!(error.hint().is_some() && told.contains(r"CORP\anna"), "who, and what to do: {told}");
        assert_eq!(error.reply().ldap_code, Some(u32::from(code)));
        assert!(!told.contains("secret-of-anna"));
        assert_eq!(script.lock().unwrap().binds, 1, "no second attempt: it could lock the account");
    }
}
