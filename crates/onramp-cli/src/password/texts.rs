//! The program's own sentences about a password, in the languages of the [`Messages`](onramp_password::Messages).

/// The sentences of one language. Names in braces are placeholders.
#[derive(Debug)]
pub(super) struct Texts {
    /// The headline of a password that every target accepts.
    pub(super) accepted: &'static str,
    /// The headline of a password that passes the documented rules.
    pub(super) documented: &'static str,
    /// The headline of a password about which readings of the documentation differ.
    pub(super) depends: &'static str,
    /// The headline of a password that a target refuses or that is too weak.
    pub(super) rejected: &'static str,
    /// The warning about a password that is easy to guess.
    pub(super) weak: &'static str,
    /// The refusal of a password that is weaker than required.
    pub(super) too_weak: &'static str,
    /// The refusal of a line that is not UTF-8.
    pub(super) not_text: &'static str,
    /// The refusal of a line that is too long.
    pub(super) too_long: &'static str,
    /// The points of Entra Password Protection: one, several, and a range.
    pub(super) points: [&'static str; 3],
    /// The answers under every reading: accepted, depends, rejected.
    pub(super) readings: [&'static str; 3],
    /// The strength.
    pub(super) strength: &'static str,
    /// The units of time from centuries to minutes, a moment, and practically forever.
    pub(super) durations: [&'static str; 7],
    /// The summary of a list.
    pub(super) summary: &'static str,
    /// The number of accepted passwords that may be refused.
    pub(super) of_these: &'static str,
    /// The number of empty lines.
    pub(super) empty_lines: &'static str,
}

/// Returns the sentences of a language tag such as `de` or `de-AT`; those of English for others.
#[must_use]
pub(super) fn texts(tag: &str) -> &'static Texts {
    match tag.split(['-', '_']).next() {
        Some("de") => &GERMAN,
        Some("fr") => &FRENCH,
        Some("es") => &SPANISH,
        _ => &ENGLISH,
    }
}

static ENGLISH: Texts = Texts {
    accepted: "accepted",
    documented: "passes the documented rules; Microsoft's global banned list is not public",
    depends: "may be refused: readings of Microsoft's documentation differ",
    rejected: "rejected",
    weak: "Warning: easy to guess",
    too_weak: "easier to guess than is asked for: strength {found} of at least {limit}",
    not_text: "the line is not UTF-8; save the list as UTF-8",
    too_long: "the line is no password: it is too long",
    points: ["{low} point", "{low} points", "{low} to {high} points"],
    readings: [
        "passes Microsoft's documented scoring (the global banned list is not public)",
        "passes or not, depending on how Microsoft's documentation is read",
        "does not pass under any reading of Microsoft's documentation",
    ],
    strength: "Strength: {found} of 4; about 10^{guesses} guesses, {duration} offline against a slow hash",
    durations: [
        "{n} centuries",
        "{n} years",
        "{n} days",
        "{n} hours",
        "{n} minutes",
        "a moment",
        "practically forever",
    ],
    summary: "{found} of {all} accepted",
    of_these: "{n} of these may be refused",
    empty_lines: "{n} empty lines passed over",
};

static GERMAN: Texts = Texts {
    accepted: "angenommen",
    documented: "erfüllt die dokumentierten Regeln; Microsofts globale Sperrliste ist nicht öffentlich",
    depends: "kann abgelehnt werden: Microsofts Dokumentation lässt mehrere Lesarten zu",
    rejected: "abgelehnt",
    weak: "Warnung: leicht zu erraten",
    too_weak: "leichter zu erraten als verlangt: Stärke {found} von mindestens {limit}",
    not_text: "die Zeile ist kein UTF-8; die Liste als UTF-8 speichern",
    too_long: "die Zeile ist kein Kennwort: sie ist zu lang",
    points: ["{low} Punkt", "{low} Punkte", "{low} bis {high} Punkte"],
    readings: [
        "besteht Microsofts dokumentierte Bewertung (die globale Sperrliste ist nicht öffentlich)",
        "besteht oder nicht, je nachdem, wie man Microsofts Dokumentation liest",
        "besteht nach keiner Lesart von Microsofts Dokumentation",
    ],
    strength: "Stärke: {found} von 4; etwa 10^{guesses} Versuche, {duration} offline gegen einen langsamen Hash",
    durations: [
        "{n} Jahrhunderte",
        "{n} Jahre",
        "{n} Tage",
        "{n} Stunden",
        "{n} Minuten",
        "ein Augenblick",
        "praktisch unbegrenzt",
    ],
    summary: "{found} von {all} angenommen",
    of_these: "{n} davon können abgelehnt werden",
    empty_lines: "{n} leere Zeilen übergangen",
};

static FRENCH: Texts = Texts {
    accepted: "accepté",
    documented: "respecte les règles documentées ; la liste globale d’interdiction de Microsoft n’est pas publique",
    depends: "peut être refusé : la documentation de Microsoft admet plusieurs lectures",
    rejected: "refusé",
    weak: "Attention : facile à deviner",
    too_weak: "plus facile à deviner que demandé : robustesse {found}, au moins {limit} demandé",
    not_text: "la ligne n’est pas en UTF-8 ; enregistrez la liste en UTF-8",
    too_long: "la ligne n’est pas un mot de passe : elle est trop longue",
    points: ["{low} point", "{low} points", "{low} à {high} points"],
    readings: [
        "satisfait à l’évaluation documentée par Microsoft (la liste globale n’est pas publique)",
        "satisfait ou non, selon la lecture de la documentation de Microsoft",
        "ne satisfait à aucune lecture de la documentation de Microsoft",
    ],
    strength: "Robustesse : {found} sur 4 ; environ 10^{guesses} essais, {duration} hors ligne contre un hachage lent",
    durations: [
        "{n} siècles",
        "{n} ans",
        "{n} jours",
        "{n} heures",
        "{n} minutes",
        "un instant",
        "pratiquement sans fin",
    ],
    summary: "{found} sur {all} acceptés",
    of_these: "{n} d’entre eux peuvent être refusés",
    empty_lines: "{n} lignes vides ignorées",
};

static SPANISH: Texts = Texts {
    accepted: "aceptada",
    documented: "cumple las reglas documentadas; la lista global de prohibiciones de Microsoft no es pública",
    depends: "puede rechazarse: la documentación de Microsoft admite varias lecturas",
    rejected: "rechazada",
    weak: "Advertencia: fácil de adivinar",
    too_weak: "más fácil de adivinar de lo exigido: seguridad {found} de al menos {limit}",
    not_text: "la línea no es UTF-8; guarde la lista como UTF-8",
    too_long: "la línea no es una contraseña: es demasiado larga",
    points: ["{low} punto", "{low} puntos", "de {low} a {high} puntos"],
    readings: [
        "supera la puntuación documentada por Microsoft (la lista global no es pública)",
        "la supera o no, según cómo se lea la documentación de Microsoft",
        "no la supera en ninguna lectura de la documentación de Microsoft",
    ],
    strength: "Seguridad: {found} de 4; unos 10^{guesses} intentos, {duration} sin conexión contra un hash lento",
    durations: [
        "{n} siglos",
        "{n} años",
        "{n} días",
        "{n} horas",
        "{n} minutos",
        "un momento",
        "prácticamente para siempre",
    ],
    summary: "{found} de {all} aceptadas",
    of_these: "{n} de ellas pueden rechazarse",
    empty_lines: "{n} líneas vacías omitidas",
};
