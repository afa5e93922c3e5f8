//! `password`: checks, generates, explains, and never says a password that it was told.

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
    // Beside the reading, so that no pipe fills up.
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    output
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn complaint(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The objects that `check --stdin --json` prints.
fn objects(arguments: &[&str], input: &[u8]) -> Vec<Value> {
    let output = run(&[&["check", "--stdin", "--json"], arguments].concat(), input);
    assert!(output.status.success(), "{}", complaint(&output));
    said(&output).lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

fn write(folder: &Path, name: &str, text: &str) -> String {
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
    let end = r#""entra_password_protection":{"documented":"accepted","every_reading":"accepted","score":[12,14]}}"#;
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
    assert_eq!(accepted, [true, false, false, false, false, false, true], "the last line needs no end");
    assert_eq!(all[2]["codes"], serde_json::json!(["not_utf8"]));
    assert_eq!(all[3]["codes"], serde_json::json!(["line_too_long"]));
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
    assert!(complaint.contains("unknown field `faktor`") && complaint.contains("wrong.toml"), "{complaint}");
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
        "1 day",
    ] {
        assert!(text.contains(words), "“{words}” is missing in:\n{text}");
    }
    let folder = tempfile::tempdir().unwrap();
    let broken = write(folder.path(), "broken.toml", "[cloud]\n[custom]\nmax_length = 7\n");
    let output = run(&["lint", "--policy", &broken], b"");
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("Entra demands at least 8 characters, the organisation takes at most 7"));
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

/// At a terminal of its own: what is typed, and what is on the screen afterwards.
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
    // Ends with an error once nobody holds the terminal's other side.
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

#[test]
fn without_a_terminal_it_says_how_to_go_on() {
    let output =
        Command::new("setsid").args(["--wait", PROGRAM, "check"]).stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(complaint(&output).contains("--stdin"), "{}", complaint(&output));
}
