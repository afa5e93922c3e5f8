//! Access control lists as Windows writes them in text (SDDL), judged.

/// Those who can take any file anyway: SYSTEM and the Administrators, in short and in full; and two stand-ins for the owner.
const AS_GOOD_AS_OWNER: [&str; 7] = ["SY", "S-1-5-18", "BA", "S-1-5-32-544", "OW", "S-1-3-4", "CO"];

/// Returns true if the list lets in nobody but the owner and those who can take any file anyway.
///
/// What is not understood is not private: a list that is missing lets everybody in.
pub(crate) fn is_private(text: &str) -> bool {
    let Some((owner, list)) = parts(text) else { return false };
    let Some(start) = list.find('(') else {
        // An empty list lets nobody in; one that is no list everybody.
        return !list.contains("NO_ACCESS_CONTROL");
    };
    let entries =
        list.get(start..).and_then(|list| list.strip_prefix('(')).and_then(|list| list.strip_suffix(')'));
    entries.is_some_and(|entries| {
        entries.split(")(").all(|entry| {
            let mut fields = entry.split(';');
            match fields.next() {
                // Refusals lock nobody in.
                Some("D" | "OD" | "XD") => true,
                // One that grants: type;flags;rights;object;inherited object;trustee.
                Some("A") => fields.nth(4).is_some_and(|who| who == owner || AS_GOOD_AS_OWNER.contains(&who)),
                _ => false,
            }
        })
    })
}

/// Returns true if a file belongs to the owner of the second descriptor, or to the administrators or the system, as what a
/// raised program makes does.
pub(crate) fn is_own(file: &str, own: &str) -> bool {
    match (parts(file), parts(own)) {
        (Some((owner, _)), Some((me, _))) => {
            owner == me || ["BA", "S-1-5-32-544", "SY", "S-1-5-18"].contains(&owner)
        }
        _ => false,
    }
}

/// Owner and list of a descriptor.
fn parts(text: &str) -> Option<(&str, &str)> {
    let (owner, list) = text.strip_prefix("O:")?.split_once("D:")?;
    // The group stands between the two when it was asked for.
    Some((owner.split("G:").next().unwrap_or(owner), list))
}

#[cfg(test)]
mod tests {
    use super::{is_own, is_private};

    const ME: &str = "S-1-5-21-1-2-3-1001";

    #[test]
    fn a_list_of_the_owner_alone_is_private() {
        for list in [
            "D:P(A;;FA;;;S-1-5-21-1-2-3-1001)",
            "D:PAI(A;OICI;FA;;;S-1-5-21-1-2-3-1001)",
            "D:(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;S-1-5-21-1-2-3-1001)",
            "D:AI(A;ID;FA;;;SY)(A;ID;FA;;;OW)",
            "D:(D;;FA;;;WD)(A;;FA;;;S-1-5-21-1-2-3-1001)",
            "D:P",
        ] {
            assert!(is_private(&format!("O:{ME}{list}")), "{list}");
        }
        assert!(is_private("O:LAG:DUD:P(A;;FA;;;LA)"));
    }

    #[test]
    fn a_list_that_lets_in_another_is_not() {
        for list in [
            "D:(A;;FR;;;WD)(A;;FA;;;S-1-5-21-1-2-3-1001)",
            "D:(A;;FA;;;S-1-5-21-1-2-3-1001)(A;ID;0x1200a9;;;BU)",
            "D:(A;;FA;;;S-1-5-21-1-2-3-1002)",
            "D:(A;;FA;;;S-1-5-21-1-2-3-10012)",
            "D:(XA;;FX;;;S-1-1-0;(@User.Title==\"PM\"))",
            "D:NO_ACCESS_CONTROL",
            "D:(A;;FA)",
            "D:(A;;FA;;;S-1-5-21-1-2-3-1001",
            "",
        ] {
            assert!(!is_private(&format!("O:{ME}{list}")), "{list}");
        }
        assert!(!is_private("D:P(A;;FA;;;S-1-5-21-1-2-3-1001)"), "no owner");
        assert!(!is_private(""));
    }

    #[test]
    fn a_file_of_a_raised_program_is_ones_own_and_one_of_another_user_is_not() {
        let me = format!("O:{ME}D:");
        assert!(is_own(&format!("O:{ME}G:DUD:(A;;FR;;;WD)"), &me));
        assert!(is_own("O:BAD:(A;;FA;;;BA)", &me));
        assert!(!is_own("O:S-1-5-21-1-2-3-1002D:(A;;FA;;;WD)", &me));
        assert!(!is_own("", &me));
    }
}
