//! `password`: checks, generates, explains, and never prints a password from its input.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use nix::pty::openpty;
use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_password");

fn run(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(PROGRAM)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // Written while the output is read, so that no pipe fills up.
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    // A program that refuses its arguments does not read on.
    let written = writer.join().unwrap();
    assert!(written.is_ok() || output.status.code() == Some(2), "{written:?}");
    output
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn complaint(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Returns the objects that `check --stdin --json` prints.
fn objects(arguments: &[&str], input: &[u8]) -> Vec<Value> {
    let output = run(&[&["check", "--stdin", "--json"], arguments].concat(), input);
    let all: Vec<Value> = said(&output).lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let refused = all.iter().any(|one| one["accepted"] == false);
    assert_eq!(output.status.code(), Some(i32::from(refused)), "{}", complaint(&output));
    all
}

fn write(folder: &Path, name: &str, text: impl AsRef<[u8]>) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

fn banned(folder: &Path) -> String {
    write(folder, "banned.txt", "contoso\nblank\n\nabcdef\r\n")
}

#[test]
fn the_documented_examples() {
    let folder = tempfile::tempdir().unwrap();
    let list = banned(folder.path());
    let input = "Bl@nK\nabcdeg\nabcdefg\nabcde\np0LL23fb\nC0ntos0Blank12\nContoS0Bl@nkf9!\n";
    let all = objects(&["--banned-list", &list, "--name", "Max", "--name", "Poll"], input.as_bytes());
    let documented: Vec<_> = all.iter().map(|one| &one["entra_password_protection"]["documented"]).collect();
    let rejected = "rejected";
    assert_eq!(documented, [rejected, rejected, rejected, rejected, rejected, rejected, "accepted"]);
    assert_eq!(all[5]["entra_password_protection"]["every_reading"], "rejected");
    assert_eq!(all[5]["entra_password_protection"]["score"], serde_json::json!([3, 4]));
    assert_eq!(all[6]["entra_password_protection"]["every_reading"], "depends");
    assert_eq!(all[6]["entra_password_protection"]["score"], serde_json::json!([4, 5]));
    assert_eq!(all[6]["accepted"], true);
    assert_eq!(all[4]["codes"], serde_json::json!(["contains_name"]));
}

#[test]
fn the_keys_stand_in_their_order() {
    let output = run(&["check", "--stdin", "--json"], b"Zr7#kQ2!vX-0pL\n");
    let line = said(&output);
    let start = r#"{"accepted":true,"targets":{"on_premises":"accepted","cloud":"accepted"},"codes":[],"strength":{"score":4,"#;
    assert!(line.starts_with(start), "{line}");
    let end = r#""entra_password_protection":{"documented":"accepted","every_reading":"accepted","score":[12,14]},"headline":"passes_documented_rules","line":1}"#;
    assert!(line.trim_end().ends_with(end), "{line}");
}

#[test]
fn a_bad_line_ends_nothing() {
    let mut input = b"Zr7#kQ2!vX-0pL\n\n\xff\xfeabc\n".to_vec();
    input.extend(std::iter::repeat_n(b'x', 300_000));
    input.extend("\npässwort\r\n".as_bytes());
    input.extend("🔑".repeat(5_000).as_bytes());
    input.extend(b"\nZr7#kQ2!vX-0pL");
    let all = objects(&[], &input);
    let accepted: Vec<_> = all.iter().map(|one| one["accepted"].as_bool().unwrap()).collect();
    assert_eq!(accepted, [true, false, false, false, false, true], "the last line needs no end");
    let lines: Vec<_> = all.iter().map(|one| one["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, [1, 3, 4, 5, 6, 7], "an empty line is no password");
    assert_eq!(all[1]["codes"], serde_json::json!(["not_utf8"]));
    assert_eq!(all[2]["codes"], serde_json::json!(["line_too_long"]));
    for one in &all {
        let keys: Vec<_> = ["accepted", "targets", "codes", "strength", "entra_password_protection"]
            .into_iter()
            .filter(|key| one.get(key).is_none())
            .collect();
        assert!(keys.is_empty(), "{keys:?} are missing in {one}");
    }
    assert!(objects(&[], b"").is_empty());
}

#[test]
fn a_password_is_never_said() {
    let secrets = ["Geheim-Wort-77", "svc-onramp-Geheim", "geheim", "Geheim\u{e4}\u{1F511}wort"];
    let input = secrets.join("\n");
    for arguments in [
        &["check", "--stdin", "--json"][..],
        &["check", "--stdin"],
        &["check", "--stdin", "--language", "de"],
    ] {
        let output = run(&[arguments, &["--account", "svc-onramp"]].concat(), input.as_bytes());
        let all = said(&output) + &complaint(&output);
        assert!(!all.to_lowercase().contains("geheim"), "{all}");
        assert!(all.lines().count() >= secrets.len());
    }
}

#[test]
fn policies_from_files() {
    let folder = tempfile::tempdir().unwrap();
    let toml =
        write(folder.path(), "policy.toml", "[nist]\nfactor = 'single'\n[custom]\nwords = ['zebra']\n");
    let json = write(
        folder.path(),
        "policy.json",
        r#"{"nist": {"factor": "single"}, "custom": {"words": ["zebra"]}}"#,
    );
    for file in [&toml, &json] {
        let all = objects(&["--policy", file], b"a zebra in the zoo\nshort\n");
        assert_eq!(
            all[0]["targets"],
            serde_json::json!({"nist": "accepted", "custom": "rejected"}),
            "{file}"
        );
        assert_eq!(all[0]["codes"], serde_json::json!(["contains_word"]));
        assert_eq!(all[1]["codes"], serde_json::json!(["too_short"]));
        assert_eq!(all[0]["entra_password_protection"], Value::Null);
    }
    let wrong = write(folder.path(), "wrong.toml", "[nist]\nfaktor = 'single'\n");
    let output = run(&["check", "--stdin", "--json", "--policy", &wrong], b"x\n");
    assert_eq!(output.status.code(), Some(2));
    let complaint = complaint(&output);
    for words in ["unknown field `faktor`", "wrong.toml", "line 2: ", "Did you mean `factor`?"] {
        assert!(complaint.contains(words), "{complaint}");
    }
    assert!(!complaint.contains('^') && !complaint.contains(" | "), "no picture of the file: {complaint}");
    assert!(said(&output).is_empty());
}

#[test]
fn what_is_generated_is_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let list = banned(folder.path());
    let output =
        run(&["generate", "--count", "50", "--length", "20", "--banned-list", &list, "--name", "Poll"], b"");
    let generated = said(&output);
    assert_eq!(generated.lines().filter(|line| line.chars().count() == 20).count(), 50);
    for one in objects(&["--banned-list", &list, "--name", "Poll"], generated.as_bytes()) {
        assert_eq!(one["accepted"], true, "{one}");
        assert_eq!(one["entra_password_protection"]["every_reading"], "accepted", "{one}");
    }
    let output = run(&["generate", "--length", "7"], b"");
    assert_eq!(output.status.code(), Some(2));
    assert!(complaint(&output).contains("Entra demands at least 8 characters"), "{}", complaint(&output));
}

#[test]
fn passphrases_are_accepted_too() {
    let folder = tempfile::tempdir().unwrap();
    let list = banned(folder.path());
    let policy = ["--banned-list", &list, "--name", "Poll"];
    let output = run(&[&["generate", "--passphrase", "--count", "20"], &policy[..]].concat(), b"");
    let generated = said(&output);
    assert_eq!(generated.lines().filter(|line| line.split('-').count() >= 6).count(), 20, "{generated}");
    for one in objects(&policy, generated.as_bytes()) {
        assert_eq!(one["accepted"], true, "{one}");
        assert_eq!(one["entra_password_protection"]["every_reading"], "accepted", "{one}");
    }
    let words = folder.path().join("words");
    std::fs::write(&words, "11111\tanchor\n11112\tbasket\n").unwrap();
    let words = words.to_str().unwrap();
    let given = ["generate", "--passphrase", "--word-list", words, "--words", "6", "--separator", "+"];
    let generated = said(&run(&given, b""));
    let (phrase, _) = generated.trim().rsplit_once('+').unwrap();
    assert!(phrase.split('+').all(|word| ["Anchor", "Basket"].contains(&word)), "{phrase}");
    let output = run(&["generate", "--passphrase", "--words", "3"], b"");
    assert_eq!(output.status.code(), Some(2));
    assert!(complaint(&output).contains("use more"), "{}", complaint(&output));
}

#[test]
fn policies_are_explained_and_linted() {
    let output = run(&["explain"], b"");
    let text = said(&output);
    for words in [
        "Active Directory: 7 to 256 characters",
        "3 of 5 character classes",
        "All of them accept 8 to 256",
        "the minimum password age is 1 day",
        "with the Entra Password Protection agent on the domain controllers: a score of at least 5 points",
    ] {
        assert!(text.contains(words), "“{words}” is missing in:\n{text}");
    }
    let folder = tempfile::tempdir().unwrap();
    let broken = write(folder.path(), "broken.toml", "[cloud]\n[custom]\nmax_length = 7\n");
    let output = run(&["lint", "--policy", &broken], b"");
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("Entra demands at least 8 characters, the organization takes at most 7"));
    let output = run(&["lint", "--json", "--policy", &broken], b"");
    let found: Value = serde_json::from_str(&said(&output)).unwrap();
    assert_eq!(found["findings"][0]["severity"], "error");
    assert_eq!(found["feasible"], Value::Null);
}

#[test]
fn breaches_are_built_asked_and_refused() {
    let folder = tempfile::tempdir().unwrap();
    // SHA-1 of "password" and of "123456".
    let hashes =
        "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:9\r\n7C4A8D09CA3762AF61E59520943DC26494F8941B:8\r\n";
    let list = write(folder.path(), "hashes.txt", hashes);
    let store = folder.path().join("breaches.store");
    let store = store.to_str().unwrap();
    let output = run(&["breach", "build", &list, store], b"");
    assert!(output.status.success(), "{}", complaint(&output));
    assert!(complaint(&output).starts_with("2 hashes"), "{}", complaint(&output));
    let output = run(&["breach", "query", store, "--stdin"], b"password\nZwoelf Boxkaempfer\n123456\n");
    assert_eq!(said(&output), "known from a breach\nnot known from a breach\nknown from a breach\n");

    let all = objects(&["--breach-store", store], b"password\nZr7#kQ2!vX-0pL\n");
    assert!(all[0]["codes"].as_array().unwrap().contains(&"breached".into()), "{}", all[0]);
    assert_eq!(all[1]["accepted"], true);
    let output = run(&["generate", "--breach-store", store], b"");
    assert!(output.status.success());

    let wrong = write(folder.path(), "unsorted.txt", "7C4A8D09CA3762AF61E59520943DC26494F8941B:8\nno hash\n");
    let output = run(&["breach", "build", &wrong, store], b"");
    assert_eq!(output.status.code(), Some(2));
    let output = run(&["check", "--stdin", "--breach-store", &wrong], b"password\n");
    assert_eq!(output.status.code(), Some(2), "what is no store is refused");
    let left: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|one| one.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().contains("unfinished")), "{left:?}");
}

/// Runs the program at a terminal of its own with typed input, and returns the exit code and the screen.
fn at_terminal(arguments: &[&str], typed: &[u8]) -> (Option<i32>, String) {
    let terminal = openpty(None, None).unwrap();
    let side = || terminal.slave.try_clone().unwrap();
    let mut child = Command::new("setsid")
        .args(["--ctty", "--wait", PROGRAM])
        .args(arguments)
        .stdin(side())
        .stdout(side())
        .stderr(side())
        .spawn()
        .unwrap();
    drop(terminal.slave);
    let mut keyboard = File::from(terminal.master);
    let mut screen = keyboard.try_clone().unwrap();
    let (mut shown, mut block) = (Vec::new(), [0; 4096]);
    let mut answered = false;
    // Reading ends with an error once the other side of the terminal is closed.
    while let Ok(read @ 1..) = screen.read(&mut block) {
        shown.extend_from_slice(&block[..read]);
        if !answered && String::from_utf8_lossy(&shown).contains("Password: ") {
            keyboard.write_all(typed).unwrap();
            answered = true;
        }
    }
    (child.wait().unwrap().code(), String::from_utf8_lossy(&shown).into_owned())
}

#[test]
fn what_is_typed_is_not_shown() {
    let (code, screen) = at_terminal(&["check", "--name", "Erin"], b"erin-Geheim\n");
    assert_eq!(code, Some(1), "{screen}");
    assert!(!screen.to_lowercase().contains("geheim"), "{screen}");
    for words in
        ["rejected", "contains a part of the display name", "Strength:", "Entra Password Protection:"]
    {
        assert!(screen.contains(words), "“{words}” is missing in:\n{screen}");
    }
    let (code, screen) = at_terminal(&["check", "--language", "de"], b"Zr7#kQ2!vX-0pL\n");
    assert_eq!(code, Some(0), "{screen}");
    let (code, _) = at_terminal(&["check"], b"half a pass\x03");
    assert_eq!(code, Some(130), "given up");
}

/// Returns a text in the encodings that Windows saves, with a name for each.
fn saved(text: &str) -> [(&'static str, Vec<u8>); 5] {
    let marked = format!("\u{feff}{text}");
    let wide = |bytes: fn(u16) -> [u8; 2]| marked.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
    [
        ("UTF-8", text.as_bytes().to_vec()),
        ("UTF-8 with a mark", marked.as_bytes().to_vec()),
        ("UTF-8 with a mark and CR LF", marked.replace('\n', "\r\n").into_bytes()),
        ("UTF-16, little end first", wide(u16::to_le_bytes)),
        ("UTF-16, big end first", wide(u16::to_be_bytes)),
    ]
}

#[test]
fn word_lists_passwords_and_policies_are_the_same_however_windows_saves_them() {
    let folder = tempfile::tempdir().unwrap();
    let words = "contoso\nfabrikam\nmünchen\n";
    let passwords = "Contoso12!\nxMünchen12\n\nZr7#kQ2!vX-0pL\n🔑-Contoso12\n";
    let plain = write(folder.path(), "words", words);
    let expected = objects(&["--banned-list", &plain], passwords.as_bytes());
    assert_eq!(expected[0]["accepted"], false);
    for (at, (name, bytes)) in saved(words).into_iter().enumerate() {
        let list = write(folder.path(), &format!("words{at}"), bytes);
        for (other, input) in saved(passwords) {
            assert_eq!(objects(&["--banned-list", &list], &input), expected, "{name}; passwords as {other}");
        }
        let own = objects(&["--own-list", &list], passwords.as_bytes());
        assert_eq!(own[0]["codes"], serde_json::json!(["contains_word"]), "{name}");
        assert_eq!(own[0]["targets"]["cloud"], "accepted", "a list of one's own is not Entra's");
    }
    for policy in ["[nist]\nfactor = 'with_mfa'\n", "{\"nist\": {\"factor\": \"with_mfa\"}}\n"] {
        for (at, (name, bytes)) in saved(policy).into_iter().enumerate() {
            let file = write(folder.path(), &format!("policy{at}"), bytes);
            let all = objects(&["--policy", &file], b"abcdefgh\nshort\n");
            let accepted: Vec<_> = all.iter().map(|one| one["accepted"].as_bool().unwrap()).collect();
            assert_eq!(accepted, [true, false], "{name}: {policy}");
        }
    }
}

#[test]
fn a_table_is_no_list_of_words_and_neither_is_an_empty_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("words.csv");
    for (content, said) in [
        ("\"word\"\r\n\"contoso\"\r\n", "line 1 looks like one of a table"),
        ("contoso, fabrikam\n", "line 1 looks like one of a table"),
        ("contoso\nfabrikam;12\n", "line 2 looks like one of a table"),
        ("#TYPE System.String\ncontoso\n", "line 1 looks like one of a table"),
        ("\r\n", "it holds no words"),
    ] {
        std::fs::write(&path, content).unwrap();
        let output = run(&["check", "--stdin", "--banned-list", path.to_str().unwrap()], b"Contoso12!\n");
        let complaint = complaint(&output);
        assert!(complaint.contains(said) && !output.status.success(), "{content:?}: {complaint}");
    }
}

#[test]
fn a_file_in_another_encoding_is_refused_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let bare: Vec<u8> = "contoso\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (bytes, name) in [
        (bare.clone(), "UTF-16 without a byte order mark"),
        (b"m\xfcnchen\r\n".to_vec(), "a code page of Windows"),
        (b"\xff\xfea".to_vec(), "is damaged"),
        (b"\xff\xfe\0\0a\0\0\0".to_vec(), "UTF-16 without"),
    ] {
        let list = write(folder.path(), "list", bytes);
        for option in ["--banned-list", "--own-list", "--policy"] {
            let output = run(&["check", "--stdin", option, &list], b"Contoso12!\n");
            assert_eq!(output.status.code(), Some(2), "{option} {name}");
            let complaint = complaint(&output);
            assert!(complaint.contains(name) && complaint.contains("save it as UTF-8"), "{complaint}");
            assert!(said(&output).is_empty());
        }
        let output = run(&["generate", "--passphrase", "--word-list", &list], b"");
        assert_eq!(output.status.code(), Some(2));
    }
    // On standard input, each line is reported separately.
    let bare: Vec<u8> = "Zr7#kQ2!vX-0pL\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let all = objects(&[], &bare);
    assert!(all.iter().all(|one| one["codes"] == serde_json::json!(["not_utf8"])), "{all:?}");
    for units in [&[0xD83D, 0x000A, 0x0041][..], &[0xD83D, 0xD83D, 0xDD11], &[0xDD11, 0x0041], &[0xD83D]] {
        let half: Vec<u8> = [0xFEFF].iter().chain(units).flat_map(|unit| u16::to_le_bytes(*unit)).collect();
        assert_eq!(objects(&[], &half)[0]["codes"], serde_json::json!(["not_utf8"]), "half a character");
    }
    assert_eq!(objects(&[], b"\xff\xfea\0b")[0]["codes"], serde_json::json!(["not_utf8"]), "half a unit");
    let output = run(&["check", "--stdin"], b"m\xfcnchen\n");
    assert!(said(&output).contains("save the list as UTF-8"), "{}", said(&output));
}

#[test]
fn what_cannot_be_read_is_not_said_to_be_unknown_to_a_store() {
    let folder = tempfile::tempdir().unwrap();
    let hashes = "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:9\r\n";
    let list = write(folder.path(), "hashes", format!("\u{feff}{hashes}"));
    let store = folder.path().join("store");
    let store = store.to_str().unwrap();
    assert!(run(&["breach", "build", &list, store], b"").status.success(), "a mark is no hash");
    for (name, input) in saved("password\nZwoelf\n") {
        let output = run(&["breach", "query", store, "--stdin"], &input);
        assert_eq!(said(&output), "known from a breach\nnot known from a breach\n", "{name}");
        assert_eq!(output.status.code(), Some(0));
    }
    let output = run(&["breach", "query", store, "--stdin"], b"p\xe4ss\npassword\n");
    assert_eq!(said(&output), "not readable\nknown from a breach\n");
    assert_eq!(output.status.code(), Some(2));
    assert!(complaint(&output).starts_with("line 1: "), "{}", complaint(&output));
    let output = run(&["breach", "build", "--ntlm", &list, store], b"");
    let complaint = complaint(&output);
    assert!(complaint.contains("SHA-1") && complaint.contains("Leave out --ntlm"), "{complaint}");
}

#[test]
fn a_list_is_told_line_by_line_and_summed_up() {
    let input = b"Zr7#kQ2!vX-0pL\nkurz\n\nP\xe4ss\nGanz-Lang-77-Wort\n";
    let output = run(&["check", "--stdin"], input);
    assert_eq!(output.status.code(), Some(1), "one is refused");
    let text = said(&output);
    for line in ["1: passes the documented rules", "2: rejected", "4: rejected", "5: passes"] {
        assert!(text.lines().any(|one| one.starts_with(line)), "{line} is missing in:\n{text}");
    }
    assert_eq!(text.lines().last(), Some("2 of 4 accepted; 1 empty lines passed over"));
    let output = run(&["check", "--stdin"], b"Zr7#kQ2!vX-0pL\n\n");
    assert_eq!(output.status.code(), Some(0), "an empty line is not refused");
    let output = run(&["check", "--stdin", "--json"], input);
    assert!(complaint(&output).starts_with("2 of 4 accepted"), "beside the objects, and not among them");
}

#[test]
fn headlines_say_what_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let list = banned(folder.path());
    let plain = write(folder.path(), "ad.toml", "[on_premises]\n");
    for (arguments, password, headline, code) in [
        (
            &[][..],
            "P@ssw0rd",
            "1: passes the documented rules; Microsoft's global banned list is not public",
            0,
        ),
        (&["--banned-list", &list], "ContoS0Bl@nkf9!", "1: may be refused", 0),
        (&["--policy", &plain], "P@ssw0rd", "1: accepted", 0),
        (&[], "kurz", "1: rejected", 1),
        (&["--min-strength", "2"], "P@ssw0rd", "1: rejected", 1),
    ] {
        let output = run(&[&["check", "--stdin"], arguments].concat(), password.as_bytes());
        let text = said(&output);
        assert!(text.starts_with(headline), "{headline}: {text}");
        assert_eq!(output.status.code(), Some(code), "{text}");
        assert!(!text.contains("for ever") && !text.contains("made of banned words"), "{text}");
    }
    let text = said(&run(&["check", "--stdin"], b"P@ssw0rd"));
    assert!(text.contains("Warning: easy to guess"), "{text}");
    assert!(!said(&run(&["check", "--stdin"], b"Zr7#kQ2!vX-0pL")).contains("Warning"));
    let text = said(&run(&["check", "--stdin"], b"Zr7#kQ2!vX-0pL9qW3!t"));
    assert!(text.contains("practically forever"), "{text}");
    let text = said(&run(&["check", "--stdin", "--min-strength", "2"], b"P@ssw0rd"));
    assert!(text.contains("strength 0 of at least 2"), "{text}");
    let text = said(&run(&["check", "--stdin"], "Passwört-77".as_bytes()));
    assert!(text.contains("not allowed (ö)") && !text.contains("ort-77"), "{text}");
}

#[test]
fn a_language_is_spoken_whole() {
    let folder = tempfile::tempdir().unwrap();
    let list = banned(folder.path());
    let input = "Zr7#kQ2!vX-0pL\nContoS0Bl@nkf9!\nkurz\nP@ssw0rd\n\npässwort\n".as_bytes();
    let input = &[input, b"p\xe4ss\n", "x".repeat(70_000).as_bytes(), b"\n"].concat();
    let speak = |language: &str| {
        let output = run(
            &["check", "--stdin", "--banned-list", &list, "--language", language, "--min-strength", "1"],
            input,
        );
        said(&output)
    };
    let english = speak("en");
    for language in ["de", "fr", "es", "de-AT"] {
        let other = speak(language);
        assert_eq!(other.lines().count(), english.lines().count(), "{other}");
        // Names are equal, sentences differ.
        let names = ["Active Directory", "Entra"];
        for (theirs, ours) in other.lines().zip(english.lines()) {
            let name = names.iter().any(|name| ours.ends_with(name));
            assert!(name || theirs != ours, "“{ours}” in {language}");
            for word in ["accepted", "rejected", "Strength", "guess", "refused", "needed"] {
                assert!(!theirs.contains(word), "“{theirs}” in {language}");
            }
        }
    }
}

#[test]
fn readable_passwords_can_be_read_aloud() {
    let output = run(&["generate", "--readable", "--count", "200"], b"");
    let all = said(&output);
    assert_eq!(all.lines().count(), 200);
    assert!(!all.contains(['I', 'l', '1', 'O', '0', '|', '\'', '"', '`']), "{all}");
    assert!(objects(&[], all.as_bytes()).iter().all(|one| one["accepted"] == true));
    let output = run(&["generate", "--readable", "--passphrase"], b"");
    assert_eq!(output.status.code(), Some(2), "words are readable as they are");
}

#[test]
fn a_line_is_answered_before_the_next_one_comes() {
    let mut child = Command::new(PROGRAM)
        .args(["check", "--stdin", "--json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    for _ in 0..2 {
        // Shorter than a byte order mark.
        stdin.write_all(b"a\n").unwrap();
        let (mut answer, mut byte) = (Vec::new(), [0]);
        while byte[0] != b'\n' {
            stdout.read_exact(&mut byte).unwrap();
            answer.push(byte[0]);
        }
        assert_eq!(serde_json::from_slice::<Value>(&answer).unwrap()["accepted"], false);
    }
    drop(stdin);
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn without_a_terminal_it_says_how_to_go_on() {
    let output =
        Command::new("setsid").args(["--wait", PROGRAM, "check"]).stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(complaint(&output).contains("--stdin"), "{}", complaint(&output));
}
