//! Users with four addresses each, as LDIF: one in a hundred has something wrong, one in two hundred shares an address.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use onramp_readiness::DirectoryObject;
use onramp_readiness::attributes as a;
use onramp_readiness::ldif::Writer;

const GIVEN: [&str; 16] = [
    "Anna", "Ben", "Carla", "David", "Elena", "Farid", "Greta", "Hugo", "Ines", "Jan", "Klara", "Luis",
    "Mona", "Nils", "Olga", "Paul",
];
const SURNAMES: [&str; 16] = [
    "Adler", "Brandt", "Conti", "Dubois", "Evans", "Fischer", "Garcia", "Hoffmann", "Ivanova", "Jensen",
    "Keller", "Lindberg", "Moreau", "Novak", "Olsen", "Peeters",
];

/// Writes a file of objects.
pub(crate) fn write(file: &Path, count: usize) -> std::io::Result<()> {
    let mut out = Writer::new(BufWriter::new(File::create(file)?));
    for number in 0..count {
        out.write_object(&user(number))?;
    }
    out.finish()?.flush()
}

fn user(number: usize) -> DirectoryObject {
    let pick =
        |names: &[&'static str; 16], step: usize| names.get(number / step % 16).copied().unwrap_or("Anna");
    let (given, surname) = (pick(&GIVEN, 1), pick(&SURNAMES, 16));
    let name = format!("{given}.{surname}.{number}");
    let account = format!("u{number}");
    let upn = if number % 100 == 7 {
        format!("{given} {surname}{number}@contoso.com")
    } else {
        format!("{name}@contoso.com")
    };
    let shared = if number % 200 < 2 { number / 200 * 200 } else { number };
    let mut object = DirectoryObject::new(format!(
        "CN={given} {surname} {number},OU=Department {},OU=Staff,DC=corp,DC=local",
        number % 40
    ));
    for (attribute, value) in [
        (a::OBJECT_CLASS, "top".to_owned()),
        (a::OBJECT_CLASS, "person".to_owned()),
        (a::OBJECT_CLASS, "organizationalPerson".to_owned()),
        (a::OBJECT_CLASS, "user".to_owned()),
        (a::CN, format!("{given} {surname} {number}")),
        (a::SN, surname.to_owned()),
        (a::GIVEN_NAME, given.to_owned()),
        (a::DISPLAY_NAME, format!("{given} {surname}")),
        (a::SAM_ACCOUNT_NAME, account.clone()),
        (a::MAIL_NICKNAME, name.clone()),
        (a::USER_PRINCIPAL_NAME, upn),
        (a::MAIL, format!("{name}@contoso.com")),
        (a::PROXY_ADDRESSES, format!("SMTP:{name}@contoso.com")),
        (a::PROXY_ADDRESSES, format!("smtp:{account}@contoso.com")),
        (a::PROXY_ADDRESSES, format!("smtp:{surname}.{given}{shared}@eu.contoso.com")),
        (a::PROXY_ADDRESSES, format!("x500:/o=Contoso/ou=Exchange/cn=Recipients/cn={account}")),
        (a::USER_ACCOUNT_CONTROL, "512".to_owned()),
        (a::WHEN_CREATED, "20240102030405.0Z".to_owned()),
    ] {
        object = object.with_text(attribute, value);
    }
    let mut guid = [0; 16];
    if let Some(start) = guid.get_mut(..8) {
        start.copy_from_slice(&(number as u64).to_le_bytes());
    }
    object.push(a::OBJECT_GUID, onramp_readiness::AttributeValue::bytes(guid.to_vec()));
    object
}
