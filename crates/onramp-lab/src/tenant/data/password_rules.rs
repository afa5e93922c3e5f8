//! The rules that Entra documents for the passwords of cloud users.

/// The account that a password is for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PasswordOwner<'a> {
    pub(crate) display_name: &'a str,
    pub(crate) tenant_name: &'a str,
    /// `DisableStrongPassword` is set: the rule about character classes does not apply.
    pub(crate) weak_allowed: bool,
}

/// Words that cannot carry a password, standing in for Microsoft's list, which is not public.
const BANNED: [&str; 8] =
    ["password", "passw0rd", "welcome", "qwerty", "letmein", "contoso", "iloveyou", "administrator"];

/// A password needs this many points: one per banned word in it, one per character outside of them.
const POINTS: usize = 5;

/// Returns true if Entra accepts the password for this account.
pub(crate) fn accepts(password: &str, owner: PasswordOwner<'_>) -> bool {
    (8..=256).contains(&password.chars().count())
        && password.chars().all(is_allowed)
        && (owner.weak_allowed || classes(password) >= 3)
        && !holds_a_name(password, owner)
        && points(password) >= POINTS
}

fn is_allowed(c: char) -> bool {
    c == ' ' || c.is_ascii_graphic()
}

fn classes(password: &str) -> usize {
    let tests: [fn(char) -> bool; 4] = [
        |c| c.is_ascii_lowercase(),
        |c| c.is_ascii_uppercase(),
        |c| c.is_ascii_digit(),
        |c| !c.is_ascii_alphanumeric(),
    ];
    tests.iter().filter(|test| password.chars().any(**test)).count()
}

fn holds_a_name(password: &str, owner: PasswordOwner<'_>) -> bool {
    let plain = normalized(password);
    owner
        .display_name
        .split_whitespace()
        .chain([owner.tenant_name])
        .filter(|name| name.chars().count() >= 4)
        .any(|name| plain.contains(&normalized(name)))
}

fn points(password: &str) -> usize {
    let mut rest = normalized(password);
    let mut points = 0;
    for word in BANNED {
        let word = normalized(word);
        while let Some(at) = rest.find(&word) {
            rest.replace_range(at..at + word.len(), "");
            points += 1;
        }
    }
    points + rest.chars().count()
}

fn normalized(text: &str) -> String {
    text.chars()
        .flat_map(char::to_lowercase)
        .map(|c| match c {
            '0' => 'o',
            '1' => 'l',
            '$' => 's',
            '@' => 'a',
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOSE: PasswordOwner<'_> =
        PasswordOwner { display_name: "Frida Lindqvist", tenant_name: "Fabrikam", weak_allowed: false };

    #[test]
    fn documented_rules_decide() {
        assert!(accepts("gr8-Hedgehogs", WHOSE));
        assert!(!accepts("Sh0rt!a", WHOSE), "seven characters");
        assert!(!accepts("onlylowercase", WHOSE), "one class");
        assert!(accepts("onlylowercase", PasswordOwner { weak_allowed: true, ..WHOSE }));
        assert!(!accepts("Kühlschrank-99", WHOSE), "not ASCII");
        assert!(
            !accepts("L1ndqv1st-4ever", PasswordOwner { display_name: "Frida Llndqvlst", ..WHOSE }),
            "holds the surname"
        );
        assert!(!accepts("F@brikam-2026", WHOSE), "holds the tenant's name");
        assert!(!accepts("C0ntos0P@ssword12", WHOSE), "two banned words and two characters are four points");
        assert!(accepts("C0ntos0P@ssword123", WHOSE), "five points");
    }
}
