//! The texts of the languages that come with the crate. Each list is in the order of [`Key::all`](super::Key::all).

use super::key::Key;
use crate::class::CharacterClass;
use crate::target::Target;
use crate::verdict::{Advice, Code, NameSource};

/// All texts of one language.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Texts {
    codes: [&'static str; Code::ALL.len()],
    targets: [&'static str; Target::ALL.len()],
    classes: [&'static str; CharacterClass::ALL.len()],
    names: [&'static str; NameSource::ALL.len()],
    advice: [&'static str; Advice::ALL.len()],
}

impl Texts {
    pub(super) fn text(&self, key: Key) -> &'static str {
        let text = match key {
            Key::Code(code) => self.codes.get(code as usize),
            Key::Target(target) => self.targets.get(target as usize),
            Key::Class(class) => self.classes.get(class as usize),
            Key::Name(name) => self.names.get(name as usize),
            Key::Advice(advice) => self.advice.get(advice as usize),
        };
        text.copied().unwrap_or_default()
    }
}

pub(super) static ENGLISH: Texts = Texts {
    codes: [
        "{target}: too short, {found} of at least {limit} characters",
        "{target}: too long, {found} of at most {limit} characters",
        "{target}: {found} of the {limit} character classes needed; add {more} of these: {classes}",
        "{target}: needs {classes}",
        "{target}: contains characters that are not allowed{characters}",
        "{target}: contains {name}",
        "{target}: contains {name}",
        "{target}: is a banned word, or nearly one",
        "{target}: {found} of the {limit} points needed; each banned word in it counts as one point only",
        "{target}: {found} of the {limit} complexity points needed; make it longer or more varied",
        "{target}: is on the list of common or expected passwords; choose another",
        "{target}: is known from a data breach; choose another",
        "{target}: was used before",
        "{target}: the same character {found} times in a row, at most {limit} allowed",
        "{target}: {found} characters that follow one another, at most {limit} allowed",
        "{target}: {found} of the {limit} different characters needed",
    ],
    targets: [
        "Active Directory",
        "Entra",
        "NIST SP 800-63B-4",
        "Lithnet Password Protection",
        "the organization",
    ],
    classes: ["upper-case letters", "lower-case letters", "digits", "symbols", "letters without case"],
    names: [
        "the account name",
        "a part of the display name",
        "the given name or surname",
        "the tenant name",
        "a forbidden word",
    ],
    advice: [
        "it holds characters that another keyboard or system may enter in another way",
        "Microsoft's global list of banned passwords is not public: Entra may still refuse it",
    ],
};

pub(super) static GERMAN: Texts = Texts {
    codes: [
        "{target}: zu kurz, {found} von mindestens {limit} Zeichen",
        "{target}: zu lang, {found} von höchstens {limit} Zeichen",
        "{target}: {found} der {limit} nötigen Zeichenklassen; noch {more} von diesen ergänzen: {classes}",
        "{target}: es fehlen {classes}",
        "{target}: enthält Zeichen, die nicht erlaubt sind{characters}",
        "{target}: enthält {name}",
        "{target}: enthält {name}",
        "{target}: ist ein gesperrtes Wort oder fast eines",
        "{target}: {found} der {limit} nötigen Punkte; jedes gesperrte Wort darin zählt nur einen Punkt",
        "{target}: {found} der {limit} nötigen Komplexitätspunkte; länger oder abwechslungsreicher machen",
        "{target}: steht auf der Liste häufiger oder naheliegender Kennwörter; bitte ein anderes wählen",
        "{target}: ist aus einem Datenleck bekannt; bitte ein anderes wählen",
        "{target}: wurde schon einmal verwendet",
        "{target}: dasselbe Zeichen {found}-mal hintereinander, höchstens {limit} erlaubt",
        "{target}: {found} aufeinanderfolgende Zeichen, höchstens {limit} erlaubt",
        "{target}: {found} der {limit} nötigen verschiedenen Zeichen",
    ],
    targets: [
        "Active Directory",
        "Entra",
        "NIST SP 800-63B-4",
        "Lithnet Password Protection",
        "die Organisation",
    ],
    classes: [
        "Großbuchstaben",
        "Kleinbuchstaben",
        "Ziffern",
        "Sonderzeichen",
        "Buchstaben ohne Groß und Klein",
    ],
    names: [
        "den Kontonamen",
        "einen Teil des Anzeigenamens",
        "den Vor- oder Nachnamen",
        "den Namen des Mandanten",
        "ein verbotenes Wort",
    ],
    advice: [
        "enthält Zeichen, die eine andere Tastatur oder ein anderes System anders eingeben kann",
        "Microsofts globale Sperrliste ist nicht öffentlich: Entra kann es trotzdem ablehnen",
    ],
};

pub(super) static FRENCH: Texts = Texts {
    codes: [
        "{target} : trop court, {found} caractères sur au moins {limit}",
        "{target} : trop long, {found} caractères sur au plus {limit}",
        "{target} : {found} des {limit} types de caractères requis ; ajoutez-en {more} parmi : {classes}",
        "{target} : il manque : {classes}",
        "{target} : contient des caractères non autorisés{characters}",
        "{target} : contient {name}",
        "{target} : contient {name}",
        "{target} : est un mot interdit, ou presque",
        "{target} : {found} des {limit} points requis ; chaque mot interdit qu’il contient ne compte que pour un point",
        "{target} : {found} des {limit} points de complexité requis ; allongez-le ou variez-le",
        "{target} : figure dans la liste des mots de passe courants ou prévisibles ; choisissez-en un autre",
        "{target} : provient d’une fuite de données connue ; choisissez-en un autre",
        "{target} : a déjà été utilisé",
        "{target} : le même caractère {found} fois de suite, {limit} au plus",
        "{target} : {found} caractères qui se suivent, {limit} au plus",
        "{target} : {found} des {limit} caractères différents requis",
    ],
    targets: [
        "Active Directory",
        "Entra",
        "NIST SP 800-63B-4",
        "Lithnet Password Protection",
        "l’organization",
    ],
    classes: ["majuscules", "minuscules", "chiffres", "symboles", "lettres sans casse"],
    names: [
        "le nom du compte",
        "une partie du nom d’affichage",
        "le prénom ou le nom",
        "le nom du locataire",
        "un mot interdit",
    ],
    advice: [
        "contient des caractères qu’un autre clavier ou système peut saisir autrement",
        "la liste globale de mots de passe interdits de Microsoft n’est pas publique : Entra peut encore le refuser",
    ],
};

pub(super) static SPANISH: Texts = Texts {
    codes: [
        "{target}: demasiado corta, {found} caracteres de al menos {limit}",
        "{target}: demasiado larga, {found} caracteres de {limit} como máximo",
        "{target}: {found} de las {limit} clases de caracteres necesarias; añada {more} de estas: {classes}",
        "{target}: faltan {classes}",
        "{target}: contiene caracteres no permitidos{characters}",
        "{target}: contiene {name}",
        "{target}: contiene {name}",
        "{target}: es una palabra prohibida, o casi",
        "{target}: {found} de los {limit} puntos necesarios; cada palabra prohibida que contiene cuenta un solo punto",
        "{target}: {found} de los {limit} puntos de complejidad necesarios; hágala más larga o más variada",
        "{target}: está en la lista de contraseñas comunes o previsibles; elija otra",
        "{target}: procede de una filtración de datos conocida; elija otra",
        "{target}: ya se ha utilizado",
        "{target}: el mismo carácter {found} veces seguidas, {limit} como máximo",
        "{target}: {found} caracteres consecutivos, {limit} como máximo",
        "{target}: {found} de los {limit} caracteres distintos necesarios",
    ],
    targets: [
        "Active Directory",
        "Entra",
        "NIST SP 800-63B-4",
        "Lithnet Password Protection",
        "la organización",
    ],
    classes: ["mayúsculas", "minúsculas", "dígitos", "símbolos", "letras sin mayúsculas ni minúsculas"],
    names: [
        "el nombre de la cuenta",
        "una parte del nombre para mostrar",
        "el nombre o el apellido",
        "el nombre del inquilino",
        "una palabra prohibida",
    ],
    advice: [
        "contiene caracteres que otro teclado o sistema puede introducir de otra forma",
        "la lista global de contraseñas prohibidas de Microsoft no es pública: Entra aún puede rechazarla",
    ],
};
