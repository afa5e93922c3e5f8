//! The candidates and banned lists that every measurement of passwords uses, from a seed.
//!
//! No real password is in here: people's habits (common words, a word and a year, look-alikes, dates, runs on the
//! keyboard, two words, passphrases) are imitated from short lists of words, so that a run can be repeated anywhere.
//! The words are common on purpose: dictionaries are hit often, as with real passwords.

use std::collections::BTreeSet;

/// Frequent passwords of all time, without which no corpus would be lifelike.
const COMMON: &str = "123456 password 12345678 qwerty 123456789 12345 1234 111111 1234567 dragon 123123 baseball \
    abc123 football monkey letmein shadow master 666666 qwertyuiop 123321 mustang 1234567890 michael 654321 superman \
    1qaz2wsx 7777777 121212 000000 qazwsx 123qwe killer trustno1 jordan jennifer zxcvbnm asdfgh hunter buster soccer \
    harley batman andrew tigger sunshine iloveyou 2000 charlie robert thomas hockey ranger daniel starwars klaster \
    112233 george computer michelle jessica pepper 1111 zxcvbn 555555 11111111 131313 freedom 777777 pass maggie \
    159753 aaaaaa ginger princess joshua cheese amanda summer love ashley nicole chelsea biteme matthew access \
    yankees 987654321 dallas austin thunder taylor matrix welcome passw0rd admin login p@ssw0rd Password1";

/// Words of everyday life, and names.
const WORDS: &str = "about above account action active address advice after agent almost always amazing america \
    angel animal answer apple april archer arena armor arrow artist august autumn badger ballet banana bandit banker \
    basket battle beacon beauty bedroom berlin bishop black blanket blossom blue border boston bottle branch bread \
    bridge bright broken brother bubble bucket budget butter button cable camera campus canada candle canyon captain \
    carbon carpet castle cattle center chain chair chance change cherry chicken chocolate choice church circle city \
    claim class clever client clock cloud coast coffee college color comfort common company contact copper corner \
    cotton country cousin cover crazy cream credit crystal culture dance danger david dealer december degree delta \
    denver desert design desktop detail device diamond dinner director doctor dollar dolphin double dream driver \
    eagle early earth eastern editor effort eleven elephant emerald emily empire energy engine england escape europe \
    evening event expert fabric factor falcon family famous farmer father february fiction field finger finance fire \
    flight florida flower forest forever fortune france friday friend future galaxy garden gentle george germany \
    giant glass global golden good grand grape green guitar hammer handle happy harbor harvest hazard health heart \
    heaven helmet hidden history hobby holiday honest honey horse hotel house human hundred hungry ice iceland image \
    impact income indigo inside island italy jacket jaguar january jasmine jersey jewel john joker journey july \
    jungle june junior justice karate kevin kitchen kitten knight ladder language laptop laser laura leader leather \
    legend lemon leopard lesson letter liberty library light lily linda lion liquid little lizard london lucky lunch \
    machine madrid magic magnet maple marble march margin maria marine market martin may mercury metal mexico middle \
    midnight miller million mirror mobile modern monday money moon morning mother mountain movie music mystery nature \
    needle network never nature nickel night ninja nissan noble normal north november number oasis ocean october \
    office olive oliver online orange orchid oregon orient oscar oxford oyster packet palace panda paper paradise \
    paris parker patient patrick patriot peace peanut pencil people perfect person phantom phoenix phone piano \
    picture pilot pirate pizza planet player pocket poetry police popcorn portal power prince printer private prize \
    project proud purple puzzle python quality quarter queen question quick quiet rabbit racer radio rainbow random \
    raven reader record red release remote report rescue result return reward rhythm richard river robot rocket \
    roger romance royal ruby runner russia sailor salmon samsung samuel sandwich saturday scooter school science \
    season second secret senior september seven shadow sharon sheriff shield shop silver simple singer sister six \
    smile smith snow social soldier solid sonata south spain spider spirit spring square station steel stella steven \
    stone storm strange street strong student studio sugar sunday sunset super support sweet switch sydney system \
    table target teacher temple tennis texas theater theory thing thursday ticket tiger timber time titan today \
    tokyo tomato topaz tornado toyota travel treasure trinity truck trumpet tuesday turtle twenty twilight ultra \
    umbrella under unicorn union united valley vampire vanilla vector velvet venus victor victoria video vienna \
    village vincent violet virgin vision volume wagon walker walnut warrior water weather wednesday welcome western \
    whisper white wildcat william willow window winner winter wisdom wizard wolf woman wonder worker world yellow \
    young zebra zombie";

const KEYBOARD: [&str; 12] = [
    "qwerty", "asdfgh", "zxcvbn", "qazwsx", "1qaz2wsx", "qweasd", "poiuyt", "lkjhgf", "wertyui", "zaq12wsx",
    "asdf", "1234qwer",
];

const SYLLABLES: [&str; 40] = [
    "ba", "ber", "bo", "ca", "con", "cor", "da", "del", "di", "do", "en", "fa", "fin", "ga", "ha", "in",
    "ka", "la", "li", "lo", "ma", "mer", "mi", "na", "nor", "o", "pa", "per", "ra", "ri", "sa", "ser", "so",
    "ta", "ter", "to", "u", "va", "ver", "zo",
];

/// A small generator of known numbers (SplitMix64).
#[derive(Clone, Debug)]
pub(crate) struct Known(u64);

impl Known {
    /// The numbers of this seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub(crate) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.number() % end.max(1) as u64) as usize
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from.get(self.below(from.len())).copied().unwrap_or_default()
    }

    fn character(&mut self, from: &str) -> char {
        from.chars().nth(self.below(from.chars().count())).unwrap_or('x')
    }
}

/// So many candidates, the same ones for the same seed: mean length about 13.7, at most 63 characters.
pub(crate) fn candidates(seed: u64, count: usize) -> Vec<String> {
    let mut random = Known::new(seed);
    let (common, words) = (split(COMMON), split(WORDS));
    (0..count).map(|_| candidate(&mut random, &common, &words)).collect()
}

/// So many different banned words of 4 to 16 characters, the everyday ones first.
pub(crate) fn banned_words(seed: u64, count: usize) -> Vec<String> {
    let mut random = Known::new(seed);
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut all = Vec::with_capacity(count);
    let everyday = split(WORDS).into_iter().chain(split(COMMON)).map(str::to_owned);
    let mut everyday: Vec<String> = everyday.filter(|word| (4..=16).contains(&word.len())).collect();
    everyday.truncate(count);
    for word in everyday {
        if seen.insert(word.clone()) {
            all.push(word);
        }
    }
    while all.len() < count {
        let mut word = String::new();
        for _ in 0..2 + random.below(5) {
            word.push_str(random.pick(&SYLLABLES));
        }
        if random.below(8) == 0 {
            word.push(random.character("0123456789"));
        }
        if (4..=16).contains(&word.len()) && seen.insert(word.clone()) {
            all.push(word);
        }
    }
    all
}

fn split(words: &'static str) -> Vec<&'static str> {
    words.split_whitespace().collect()
}

fn candidate(random: &mut Known, common: &[&str], words: &[&str]) -> String {
    let mut text = match random.below(100) {
        0..7 => random.pick(common).to_owned(),
        7..27 => {
            let word = capitalised(random, words);
            format!("{word}{}", suffix(random))
        }
        27..38 => {
            let word = capitalised(random, words);
            format!("{}{}", leet(random, &word), suffix(random))
        }
        38..43 => date(random),
        43..48 => format!("{}{}", random.pick(&KEYBOARD), suffix(random)),
        48..70 => {
            let (first, second) = (capitalised(random, words), capitalised(random, words));
            format!("{first}{}{second}{}", random.pick(&["", "", "-", "_", "."]), suffix(random))
        }
        70..84 => {
            let separator = random.pick(&[" ", "-", "", "."]);
            let parts: Vec<&str> = (0..3 + random.below(3)).map(|_| random.pick(words)).collect();
            parts.join(separator)
        }
        _ => {
            let length = 8 + random.below(13);
            (0..length).map(|_| char::from(33 + random.below(94) as u8)).collect()
        }
    };
    text.truncate(63);
    text
}

fn capitalised(random: &mut Known, words: &[&str]) -> String {
    let word = random.pick(words);
    match random.below(5) {
        0..2 => word.to_owned(),
        2..4 => {
            let mut letters = word.chars();
            letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
        }
        _ => word.to_ascii_uppercase(),
    }
}

fn leet(random: &mut Known, word: &str) -> String {
    word.chars()
        .map(|c| match c.to_ascii_lowercase() {
            _ if random.below(3) == 0 => c,
            'a' => random.character("4@a"),
            'e' => '3',
            'i' => random.character("1!i"),
            'l' => '1',
            'o' => '0',
            's' => random.character("5$s"),
            't' => '7',
            _ => c,
        })
        .collect()
}

fn suffix(random: &mut Known) -> String {
    match random.below(7) {
        0 => String::new(),
        1 => random.below(10).to_string(),
        2 => format!("{:02}", random.below(100)),
        3 => (1950 + random.below(80)).to_string(),
        4 => format!("{}{}", 1950 + random.below(80), random.character("!?#.*")),
        5 => "123".to_owned(),
        _ => random.character("!?#.*$").to_string(),
    }
}

fn date(random: &mut Known) -> String {
    let (year, month, day) = (1950 + random.below(80), 1 + random.below(12), 1 + random.below(28));
    match random.below(4) {
        0 => format!("{day:02}{month:02}{year}"),
        1 => format!("{year}-{month:02}-{day:02}"),
        2 => format!("{day}.{month}.{year}"),
        _ => format!("{month:02}/{day:02}/{:02}", year % 100),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_corpus_is_the_same_every_time_and_as_long_as_it_says() {
        let corpus = candidates(7, 20_000);
        assert_eq!(corpus, candidates(7, 20_000));
        let mean = corpus.iter().map(String::len).sum::<usize>() as f64 / corpus.len() as f64;
        assert!((12.0..15.5).contains(&mean), "{mean}");
        assert!(corpus.iter().all(|candidate| !candidate.is_empty() && candidate.len() <= 63));
    }

    #[test]
    fn banned_words_are_different_and_of_4_to_16_characters() {
        let words = banned_words(1, 4_300);
        assert_eq!(words.iter().collect::<BTreeSet<_>>().len(), 4_300);
        assert!(words.iter().all(|word| (4..=16).contains(&word.len())));
    }
}
