//! The names that generated people are made of, and how a name is brought down to plain letters.

/// Given names: plain ones, accented ones, one with an apostrophe, double ones.
pub(super) const GIVEN: &[&str] = &[
    "Anna",
    "Peter",
    "Maria",
    "Thomas",
    "Sofia",
    "James",
    "Olivia",
    "Daniel",
    "Emma",
    "Lukas",
    "Chloe",
    "Martin",
    "José",
    "Zoë",
    "Łukasz",
    "François",
    "Jürgen",
    "Søren",
    "Ángel",
    "Chiara",
    "Noah",
    "Mateus",
    "Ingrid",
    "Björn",
    "Aisha",
    "Wei",
    "Priya",
    "Kenji",
    "Fatima",
    "Dmitri",
    "Elif",
    "Tomáš",
    "D'Andre",
    "Jean-Luc",
    "Anne-Marie",
    "Karl-Heinz",
    "Grace",
    "Samuel",
    "Ewa",
    "Niamh",
    "Liam",
    "Hannah",
    "Victor",
    "Beatriz",
    "Paolo",
    "Yusuf",
    "Mary Ann",
    "Sean",
];

/// Given names with an accented letter, for the people whose UPN keeps it.
pub(super) const GIVEN_ACCENTED: &[&str] =
    &["José", "Zoë", "Łukasz", "François", "Jürgen", "Søren", "Ángel", "Björn", "Tomáš", "Renée", "Márton"];

/// Surnames: plain ones, accented ones, apostrophes, hyphens, several words.
pub(super) const SURNAMES: &[&str] = &[
    "Smith",
    "Johnson",
    "Schmidt",
    "Rossi",
    "Novak",
    "Kowalski",
    "Martin",
    "Andersen",
    "Silva",
    "Tanaka",
    "Chen",
    "Patel",
    "Müller",
    "O'Brien",
    "García",
    "Łukaszewicz",
    "Nuñez",
    "Jørgensen",
    "D'Angelo",
    "Ó Súilleabháin",
    "van der Berg",
    "de la Cruz",
    "Smith-Jones",
    "García-López",
    "Weiß",
    "Çelik",
    "Dvořák",
    "Lefèvre",
    "Åkesson",
    "Kim",
    "Nguyen",
    "Ivanova",
    "Haddad",
    "Okafor",
    "Mbeki",
    "Fischer",
    "Weber",
    "Moreau",
    "Costa",
    "Larsen",
    "Walker",
    "Hughes",
    "Murphy",
    "O'Neill",
    "Brown",
    "Taylor",
    "Wilson",
    "Clarke",
    "Baker",
    "Turner",
    "Horvath",
    "Popescu",
    "Georgiou",
    "Yılmaz",
    "Sørensen",
    "Björklund",
    "Zieliński",
    "Fernández",
    "Brontë",
    "St. John",
];

/// Departments, each of which is an organizational unit of its own.
pub const DEPARTMENTS: &[&str] = &[
    "Finance",
    "Sales",
    "Engineering",
    "Human Resources",
    "IT",
    "Legal",
    "Research & Development",
    "Support",
];

/// Job titles, by which no rule goes.
pub(super) const TITLES: &[&str] =
    &["Analyst", "Manager", "Engineer", "Consultant", "Director", "Assistant", "Specialist", "Team Lead"];

/// The purposes of service accounts.
pub(super) const SERVICES: &[&str] =
    &["backup", "sql", "scanner", "print", "monitoring", "web", "exchange", "vpn", "erp", "sharepoint"];

/// `name` in lower-case ASCII letters, digits and hyphens: accents dropped, umlauts and ligatures written out, everything else
/// left out. This is how an administrator would make a logon name of it.
pub(super) fn plain(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars().flat_map(char::to_lowercase) {
        match c {
            'a'..='z' | '0'..='9' | '-' => out.push(c),
            'á' | 'à' | 'â' | 'ã' => out.push('a'),
            'ä' | 'æ' => out.push_str("ae"),
            'å' => out.push('a'),
            'ç' | 'č' | 'ć' => out.push('c'),
            'é' | 'è' | 'ê' | 'ë' | 'ę' => out.push('e'),
            'í' | 'ì' | 'î' | 'ï' | 'ı' => out.push('i'),
            'ł' => out.push('l'),
            'ñ' | 'ń' => out.push('n'),
            'ó' | 'ò' | 'ô' | 'õ' => out.push('o'),
            'ö' | 'ø' => out.push_str("oe"),
            'ř' => out.push('r'),
            'ß' => out.push_str("ss"),
            'š' | 'ş' | 'ś' => out.push('s'),
            'ú' | 'ù' | 'û' => out.push('u'),
            'ü' => out.push_str("ue"),
            'ý' => out.push('y'),
            'ž' | 'ź' | 'ż' => out.push('z'),
            _ => {}
        }
    }
    out
}

/// Like [`plain`], but the accents and apostrophes stay: how a logon name looks where nobody cared.
pub(super) fn accented(name: &str) -> String {
    name.chars()
        .flat_map(char::to_lowercase)
        .filter(|c| c.is_alphanumeric() || matches!(c, '-' | '\''))
        .collect()
}
