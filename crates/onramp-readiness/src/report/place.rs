//! The place of an object, taken from the text of its distinguished name.

/// Returns the name of the container of an object: what follows the first component. `None` for the name of an object of
/// Microsoft Graph, which is no distinguished name.
pub(super) fn container(dn: &str) -> Option<&str> {
    let mut escaped = false;
    let mut quoted = false;
    let comma = dn.char_indices().find_map(|(place, c)| {
        let was_escaped = escaped;
        escaped = c == '\\' && !was_escaped;
        match c {
            '"' if !was_escaped => quoted = !quoted,
            ',' if !was_escaped && !quoted => return Some(place),
            _ => {}
        }
        None
    })?;
    let rest = dn.get(comma + 1..)?.trim_start();
    rest.contains('=').then_some(rest)
}

/// Returns the first component of a distinguished name: the object's own.
pub(super) fn own_name(dn: &str) -> &str {
    let rest = container(dn).map_or(0, str::len);
    dn.get(..dn.len() - rest).unwrap_or(dn).trim_end().trim_end_matches(',')
}

/// Returns the URI of a file. A relative path gives a relative one.
pub(super) fn uri_of(path: &str) -> String {
    let path = path.replace('\\', "/");
    let drive = path.as_bytes().first().is_some_and(u8::is_ascii_alphabetic) && path.get(1..3) == Some(":/");
    let prefix = match () {
        () if drive => "file:///",
        () if path.starts_with("//") => "file:",
        () if path.starts_with('/') => "file://",
        () => "",
    };
    let mut uri = String::from(prefix);
    for (place, octet) in path.bytes().enumerate() {
        match octet {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(octet))
            }
            b':' if drive && place == 1 => uri.push(':'),
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_container_is_what_follows_the_first_component() {
        for (dn, name, rest) in [
            ("CN=Anna,OU=Staff,DC=corp", "CN=Anna", Some("OU=Staff,DC=corp")),
            (r"CN=Neil\, Anna,OU=Staff", r"CN=Neil\, Anna", Some("OU=Staff")),
            (r"CN=Anna\\,OU=Staff", r"CN=Anna\\", Some("OU=Staff")),
            (r#"CN="Neil, Anna", OU=Staff"#, r#"CN="Neil, Anna""#, Some("OU=Staff")),
            ("anna@contoso.com", "anna@contoso.com", None),
            ("Neil, Anna", "Neil, Anna", None),
            ("DC=corp", "DC=corp", None),
            ("", "", None),
        ] {
            assert_eq!(container(dn), rest, "{dn}");
            assert_eq!(own_name(dn), name, "{dn}");
        }
    }

    #[test]
    fn a_path_becomes_a_uri() {
        for (path, uri) in [
            ("people.ldif", "people.ldif"),
            ("export/all people#1.ldif", "export/all%20people%231.ldif"),
            ("/srv/möller.ldif", "file:///srv/m%C3%B6ller.ldif"),
            (r"C:\export\people.ldif", "file:///C:/export/people.ldif"),
            (r"\\server\share\a.ldif", "file://server/share/a.ldif"),
            ("javascript:alert(1)", "javascript%3Aalert%281%29"),
        ] {
            assert_eq!(uri_of(path), uri);
        }
    }
}
