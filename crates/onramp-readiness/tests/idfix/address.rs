use super::support::{MultiTenant, table};

/// The check of addresses alone: nothing before it touches these values.
#[test]
fn steps() {
    table(
        MultiTenant,
        "userPrincipalName",
        &[],
        &[
            // 1. Top-level domain.
            ("a@b.com", "", ""),
            ("a@b.COM", "", ""),
            ("a@b.co.uk", "", ""),
            ("a@b.internal", "TopLevelDomain", "="),
            ("a@b.lan", "TopLevelDomain", "="),
            ("a@b.corp", "TopLevelDomain", "="),
            ("a@b.app", "TopLevelDomain", "="),
            ("a@b.comm", "TopLevelDomain", "="),
            ("a@b.рф", "DomainPart, Format", "a@b."),
            ("a@b.xn--p1ai", "TopLevelDomain, DomainPart, Format", "="),
            ("a@b.123", "TopLevelDomain, DomainPart, Format", "="),
            // With no dot after the @, the end of the local part is taken for a top-level domain.
            ("user.name@localhost", "TopLevelDomain, DomainPart, Format", "="),
            ("user.com", "DomainPart, LocalPart, Format", "="),
            ("user.", "DomainPart, LocalPart, Format", "="),
            // 2. Domain.
            ("a@b.c", "TopLevelDomain, DomainPart, Format", "="),
            ("a@b.de", "", ""),
            ("a@b.abcdefghijklmnopq", "TopLevelDomain", "="),
            ("a@b.abcdefghijklmnopqr", "TopLevelDomain, DomainPart, Format", "="),
            ("a@.com", "DomainPart, Format", "="),
            ("a@b..com", "DomainPart, Format", "="),
            ("a@.b.com", "DomainPart, Format", "="),
            ("a@-b.com", "DomainPart, Format", "="),
            ("a@b-.com", "DomainPart, Format", "="),
            ("a@b-c.com", "", ""),
            ("a@b--c.com", "", ""),
            ("a@1.com", "", ""),
            ("a@1-2.3.com", "", ""),
            ("a@b.c-m", "TopLevelDomain, DomainPart, Format", "="),
            ("a@b_c.com", "DomainPart", "a@bc.com"),
            ("a@_b.com", "DomainPart", "a@b.com"),
            ("a@b$.com", "DomainPart", "a@b.com"),
            ("a@ñ.com", "DomainPart, Format", "a@.com"),
            ("a@b.com_", "TopLevelDomain, DomainPart", "a@b.com"),
            // 3. Local part.
            ("a.b@c.com", "", ""),
            ("a.b.c@d.com", "", ""),
            ("!#$^_`~-@c.com", "", ""),
            ("a.@c.com", "LocalPart", "a@c.com"),
            ("a..@c.com", "LocalPart, Format", "a.@c.com"),
            (".@c.com", "LocalPart, Format", "@c.com"),
            (".a@c.com", "LocalPart, Format", "="),
            ("a@@c.com", "LocalPart", "a@c.com"),
            ("a.@b@c.com", "LocalPart", "a.b@c.com"),
            ("a@b@", "DomainPart, LocalPart, Format", "ab@"),
            ("@", "DomainPart, LocalPart, Format", "="),
            ("@@", "DomainPart, LocalPart, Format", "@"),
            ("é@c.com", "LocalPart, Format", "@c.com"),
            ("éa@b_.com", "DomainPart, LocalPart", "a@b.com"),
            // The Kelvin sign is a k when case is ignored; the dotted capital I is no i.
            ("\u{212a}a@\u{212a}.u\u{212a}", "", ""),
            ("İ@c.com", "LocalPart, Format", "@c.com"),
            ("ſ@c.com", "LocalPart, Format", "@c.com"),
            ("a@b.\u{212a}\u{212a}", "TopLevelDomain", "="),
        ],
    );
}

#[test]
fn prefixes() {
    table(
        MultiTenant,
        "targetAddress",
        &[],
        &[
            ("smtp:a@b.com", "", ""),
            ("SMTP:a@b.local", "TopLevelDomain", "="),
            ("XSMTP:a@b.local", "TopLevelDomain", "="),
            // The address begins after the first colon, wherever the marker stands.
            ("smtp:a@b_.com", "DomainPart", "smtp:a@b.com"),
            ("smtp:é@b.com", "LocalPart, Format", "smtp:@b.com"),
            ("smtp:a", "DomainPart, LocalPart, Format", "="),
            ("é smtp:a@b.local", "Character, TopLevelDomain", "ésmtp:a@b.local"),
            ("a@b.localsmtp:c@d.com", "", ""),
            // The marker must have its colon.
            ("smtpa@b.local", "", ""),
            ("smt:a@b.local", "", ""),
        ],
    );
    // A first colon may be the first character.
    table(
        MultiTenant,
        "targetAddress",
        &[],
        &[
            (":smtp:a@b.com", "LocalPart", ":smtpa@b.com"),
            (":smtp:a@b.local", "TopLevelDomain, LocalPart", ":smtpa@b.local"),
        ],
    );
}
