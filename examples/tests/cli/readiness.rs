//! `readiness`: judges files and forests, compares reports, and reads what IdFix left.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use onramp_core::DomainName;
use serde_json::Value;
use tempfile::TempDir;

use crate::program::Program;
use crate::world::World;

const PROGRAM: &str = env!("CARGO_BIN_EXE_readiness");

/// Two users: the address of the first is one of the second, whose UPN has an umlaut.
const STAFF: &str = "version: 1

dn: CN=Anna,OU=Staff,DC=corp,DC=local
objectClass: top
objectClass: user
sAMAccountName: anna
userPrincipalName: anna@contoso.com
mail: anna@contoso.com
proxyAddresses: SMTP:anna@contoso.com

dn:: Q049SsO8cmdlbixPVT1TdGFmZixEQz1jb3JwLERDPWxvY2Fs
objectClass: top
objectClass: user
sAMAccountName: juergen
userPrincipalName:: asO8cmdlbkBjb250b3NvLmNvbQ==
mail: juergen@contoso.com
proxyAddresses: SMTP:juergen@contoso.com
proxyAddresses: smtp:anna@contoso.com
";

const CLEAN: &str = "dn: CN=Bob,OU=Staff,DC=corp,DC=local
objectClass: user
sAMAccountName: bob
userPrincipalName: bob@contoso.com
";

/// A folder with files, in which the program runs.
struct Folder(TempDir);

impl Folder {
    fn with(files: &[(&str, &[u8])]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, octets) in files {
            std::fs::write(folder.path().join(name), octets).unwrap();
        }
        Self(folder)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.run_with(arguments, b"")
    }

    fn run_with(&self, arguments: &[&str], input: &[u8]) -> Output {
        let mut child = Command::new(PROGRAM)
            .args(arguments)
            .current_dir(self.0.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        let writer = std::thread::spawn(move || stdin.write_all(&input));
        let output = child.wait_with_output().unwrap();
        // A program that does not read its input ends before all of it is written.
        let _ = writer.join().unwrap();
        output
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.path().join(name)).unwrap()
    }

    /// The rules of the findings, in their order.
    fn rules(&self, arguments: &[&str]) -> Vec<String> {
        findings(&self.run(&[arguments, &["--output", "json"]].concat()))
            .iter()
            .map(|finding| finding["rule"].as_str().unwrap().to_owned())
            .collect()
    }
}

fn staff() -> Folder {
    Folder::with(&[("staff.ldif", STAFF.as_bytes()), ("clean.ldif", CLEAN.as_bytes())])
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn complaint(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn findings(output: &Output) -> Vec<Value> {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", complaint(output)))
}

fn utf16(text: &str) -> Vec<u8> {
    let units = std::iter::once(0xfeff).chain(text.encode_utf16());
    units.flat_map(u16::to_le_bytes).collect()
}

#[test]
fn exit_codes_tell_clean_findings_and_errors_apart() {
    let folder = staff();
    std::fs::write(folder.0.path().join("broken.ldif"), format!("{CLEAN}\nno line of LDIF\n")).unwrap();
    for (arguments, expected) in [
        (&["check", "--input", "clean.ldif"][..], 0),
        (&["check", "--input", "staff.ldif"], 2),
        (&["check", "--input", "staff.ldif", "--tag", "mail"], 0),
        (&["check", "--input", "broken.ldif"], 1),
        (&["check", "--input", "missing.ldif"], 1),
        (&["check", "--input", "."], 1),
        (&["rules"], 0),
        (&["rules", "--json"], 0),
        (&["--help"], 0),
        (&["check", "--help"], 0),
        // A mistake in the arguments must not look like findings to a job that checks for 2.
        (&[], 1),
        (&["chek"], 1),
        (&["check"], 1),
        (&["check", "--inptu", "staff.ldif"], 1),
        (&["check", "--input", "staff.ldif", "--fail-on", "fatal"], 1),
        (&["check", "--input", "staff.ldif", "--verified-domain", "no domain"], 1),
    ] {
        let output = folder.run(arguments);
        assert_eq!(code(&output), expected, "{arguments:?}\n{}", complaint(&output));
        assert_eq!(complaint(&output).is_empty(), expected != 1, "{arguments:?}\n{}", complaint(&output));
    }
}

#[test]
fn the_least_severity_that_fails_can_be_chosen() {
    let folder = staff();
    // A UPN suffix that the tenant has not verified is a warning.
    let other = ["check", "--input", "clean.ldif", "--verified-domain", "fabrikam.com"];
    for (least, expected) in [("note", 2), ("warning", 2), ("error", 0)] {
        assert_eq!(code(&folder.run(&[&other[..], &["--fail-on", least]].concat())), expected, "{least}");
    }
}

#[test]
fn the_formats_of_windows_programs_are_read() {
    let csv = "DN;objectClass;userPrincipalName;proxyAddresses\r\n\
               \"CN=Max,DC=corp,DC=local\";user;max müller@contoso.com;SMTP:max@contoso.com\r\n";
    let powershell = "#TYPE Microsoft.ActiveDirectory.Management.ADUser\r\n\
                      \"DistinguishedName\",\"ObjectClass\",\"UserPrincipalName\"\r\n\
                      \"CN=Max,DC=corp,DC=local\",\"user\",\"max müller@contoso.com\"\r\n";
    let graph = r#"{"value":[{"id":"11111111-1111-1111-1111-111111111111",
                    "userPrincipalName":"max müller@contoso.com","proxyAddresses":[]}]}"#;
    let ldifde = "dn: CN=Max,DC=corp,DC=local\r\nchangetype: add\r\nobjectClass: user\r\n\
                  userPrincipalName:: bWF4IG3DvGxsZXJAY29udG9zby5jb20=\r\n";
    for (name, octets) in [
        ("excel.csv", [&b"\xef\xbb\xbf"[..], csv.as_bytes()].concat()),
        ("export.csv", powershell.as_bytes().to_vec()),
        ("export16.CSV", utf16(powershell)),
        ("users.json", graph.as_bytes().to_vec()),
        ("users16.json", utf16(graph)),
        ("export.ldf", ldifde.as_bytes().to_vec()),
        ("unicode.ldf", utf16(ldifde)),
    ] {
        let folder = Folder::with(&[(name, &octets)]);
        assert_eq!(folder.rules(&["check", "--input", name]), ["upn-character"], "{name}");
    }
}

#[test]
fn what_cannot_be_read_is_told_and_the_rest_is_judged() {
    let folder = staff();
    let code_page = b"DN,userPrincipalName\r\n\"CN=A\",a\xfc@contoso.com\r\n\"CN=B\",b c@contoso.com\r\n";
    let not_joined = "\"DistinguishedName\",\"proxyAddresses\"\r\n\
                      \"CN=A\",\"Microsoft.ActiveDirectory.Management.ADPropertyValueCollection\"\r\n";
    for (name, octets, words) in [
        ("ansi.csv", &code_page[..], "line 2: the row is not UTF-8"),
        ("getad.csv", not_joined.as_bytes(), "$_.proxyAddresses -join ';'"),
        ("empty.ldif", b"", "empty.ldif: there is no object in it"),
        ("blank.csv", b"\r\n", "blank.csv: "),
        ("nothing.json", b"[]", "nothing.json: there is no object in it"),
        ("csv.ldif", b"DN,mail\r\nCN=A,a@b.de\r\n", "line 1: a line is `attribute: value`"),
        ("report.xlsx.csv", b"PK\x03\x04\x14\0\x06\0", "Excel workbook"),
    ] {
        std::fs::write(folder.0.path().join(name), octets).unwrap();
        let output = folder.run(&["check", "--input", "staff.ldif", "--input", name]);
        assert_eq!(code(&output), 1, "{name}");
        let complaint = complaint(&output);
        assert!(complaint.contains(words), "{name}\n{complaint}");
        assert!(complaint.ends_with("1 error in the input: the report is not complete\n"), "{complaint}");
        assert!(said(&output).contains("[duplicate-address]"), "{name}\n{}", said(&output));
    }
    // Many errors are counted, and not told one by one.
    let broken: String = (0..50).map(|number| format!("dn: CN={number}\nno line\n\n")).collect();
    std::fs::write(folder.0.path().join("broken.ldif"), broken).unwrap();
    let output = folder.run(&["check", "--input", "broken.ldif"]);
    assert_eq!(code(&output), 1);
    assert_eq!(complaint(&output).lines().count(), 21, "{}", complaint(&output));
    assert!(complaint(&output).contains("50 errors in the input"), "{}", complaint(&output));
}

#[test]
fn a_column_that_is_missing_is_told() {
    let folder = Folder::with(&[
        ("few.csv", b"DN,mail,Account status\r\n\"CN=A,DC=x\",a@contoso.com,ok\r\n"),
        ("all.csv", b"DN,USERPRINCIPALNAME,ObjectClass\r\n\"CN=A,DC=x\",a@contoso.com,user\r\n"),
    ]);
    let few = folder.run(&["check", "--input", "few.csv"]);
    assert_eq!(code(&few), 2);
    for words in [
        "few.csv: there is no column userPrincipalName, so every user is judged as one without it\n",
        "few.csv: there is no column objectClass, so every row is judged as a user\n",
        "few.csv: columns that are no attributes are not read: Account status\n",
    ] {
        assert!(complaint(&few).contains(words), "{}", complaint(&few));
    }
    let all = folder.run(&["check", "--input", "all.csv"]);
    assert_eq!((code(&all), complaint(&all).as_str()), (0, ""));
}

#[test]
fn messages_say_what_to_do() {
    let folder = staff();
    for (name, text) in [
        ("key.toml", "name = 'x'\nverfied-domains = ['contoso.com']\n"),
        ("rule.toml", "[rules.upn-prefx-length]\nlimit = 40\n"),
        ("limit.toml", "[rules.upn-dots]\nlimit = 40\n"),
        ("syntax.toml", "name = 'x\n"),
    ] {
        std::fs::write(folder.0.path().join(name), text).unwrap();
    }
    std::fs::create_dir(folder.0.path().join("folder")).unwrap();
    let check = ["check", "--input", "staff.ldif"];
    for (more, words) in [
        (&["--profile", "key.toml"][..], "key.toml: line 2, column 1: unknown field `verfied-domains`"),
        (&["--profile", "key.toml"], "Did you mean `verified-domains`?"),
        (&["--profile", "rule.toml"], "did you mean “upn-prefix-length”?"),
        (&["--profile", "limit.toml"], "the rule “upn-dots” has no limit to set"),
        (&["--profile", "syntax.toml"], "syntax.toml: line 1, column "),
        (&["--profile", "idfx"], "A profile is entra, idfix, idfix-dedicated, or the path of a TOML file."),
        (&["--tag", "upnn"], "did you mean “upn”?"),
        (&["--profile", "idfix", "--tag", "upn"], "cannot be chosen one by one"),
        (&["--profile", "idfix", "--verified-domain", "contoso.com"], "They are for the profile entra."),
        (&["--default-filter"], "it is for the profiles idfix and idfix-dedicated"),
        (&["--alternate-login-id"], "login-attribute = \"mail\""),
        (&["--input", "./staff.ldif"], "it is named twice"),
        (&["--input", "folder", "--format", "ldif"], "could not read folder: it is a folder"),
        (&["--input", "staff.txt"], "Say --format ldif, csv or json."),
        (&["--input", "-"], "could not read standard input: the name does not tell the format"),
        (&["--to", "no/such/report.json"], "could not write no/such/report.json: "),
        (&["--to", "folder"], "could not write folder: "),
        (&["--to", "staff.ldif"], "it is a file of the input, which would be lost"),
        (&["--write-baseline", "./staff.ldif"], "it is a file of the input, which would be lost"),
        (&["--baseline", "missing.txt"], "could not read missing.txt: "),
        (&["--baseline", "staff.ldif"], "It must be a file that --write-baseline made."),
    ] {
        let output = folder.run(&[&check, more].concat());
        assert_eq!(code(&output), 1, "{more:?}");
        let complaint = complaint(&output);
        assert!(complaint.contains(words), "{more:?}\n{complaint}");
        assert!(!complaint.contains("\\u{"), "{complaint}");
        assert_eq!(complaint.lines().count(), 1, "{complaint}");
        assert!(output.stdout.is_empty(), "{more:?}");
    }
    assert_eq!(folder.text("staff.ldif"), STAFF);
}

#[test]
fn standard_input_is_a_file_like_others() {
    let folder = staff();
    let output = folder.run_with(&["check", "--input", "-", "--format", "ldif"], STAFF.as_bytes());
    assert_eq!(code(&output), 2);
    assert!(said(&output).ends_with("\n2 objects judged, 0 not judged: 3 errors, 0 warnings, 0 notes\n"));
    let nothing = folder.run_with(&["check", "--input", "-", "--format", "ldif"], b"");
    assert_eq!(code(&nothing), 1);
    assert!(complaint(&nothing).contains("standard input: there is no object in it"));
}

#[test]
fn values_are_unique_over_all_files_and_each_finding_names_its_file() {
    let folder = staff();
    let other = "dn: CN=Bob,OU=Staff,DC=fabrikam,DC=local\nobjectClass: user\nsAMAccountName: bob2\n\
                 userPrincipalName: BOB@contoso.com\n";
    std::fs::write(folder.0.path().join("other.ldif"), other).unwrap();
    let both = ["check", "--input", "clean.ldif", "--input", "other.ldif", "--output", "json"];
    let all = findings(&folder.run(&both));
    let told: Vec<_> = all.iter().map(|one| (one["rule"].as_str(), one["source"].as_str())).collect();
    let rule = Some("duplicate-upn");
    assert_eq!(told, [(rule, Some("clean.ldif")), (rule, Some("other.ldif"))]);
}

#[test]
fn every_format_of_the_report_holds_the_findings() {
    let folder = staff();
    let base = ["check", "--input", "staff.ldif", "--min-confidence", "medium", "--output"];
    let written = |format: &str| {
        let output = folder.run(&[&base[..], &[format]].concat());
        assert_eq!(code(&output), 2, "{format}");
        let to = folder.run(&[&base[..], &[format, "--to", "report"]].concat());
        assert_eq!((code(&to), to.stdout.len()), (2, 0), "{format}");
        // The time of the scan is in some of them.
        assert_eq!(folder.text("report").lines().count(), said(&output).lines().count(), "{format}");
        said(&output)
    };
    for (format, words) in [
        ("text", "fix: “juergen@contoso.com” (look at it)"),
        ("csv", "userPrincipalName,jürgen@contoso.com,juergen@contoso.com,"),
        ("junit", "<testcase classname=\"onramp-readiness.upn-character\""),
        ("markdown", "| ❌ error |"),
        ("html", "juergen@contoso.com"),
        ("ldif", "delete: proxyAddresses\nproxyAddresses: smtp:anna@contoso.com\n-\n"),
    ] {
        let text = written(format);
        assert!(text.contains(words), "{format}\n{text}");
    }
    let json: Vec<Value> = serde_json::from_str(&written("json")).unwrap();
    let lines: Vec<Value> =
        written("json-lines").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(json, lines);
    assert_eq!(json.len(), 3);
    assert_eq!(json[2]["fixes"][0]["changes"][0]["add"][0], "juergen@contoso.com");
    let sarif: Value = serde_json::from_str(&written("sarif")).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    assert_eq!(sarif["runs"][0]["results"].as_array().unwrap().len(), 3);

    let guarded = folder.run(&["check", "--input", "staff.ldif", "--output", "csv", "--bom"]);
    assert!(guarded.stdout.starts_with(b"\xef\xbb\xbfdn,"));
    // Fixes that somebody has to look at are written only if that was asked for.
    let careful = folder.run(&["check", "--input", "staff.ldif", "--output", "ldif"]);
    assert!(said(&careful).contains("Objects to change: 0."), "{}", said(&careful));
}

#[test]
fn a_report_is_for_its_owner_and_whole_or_not_there() {
    let folder = staff();
    let path = folder.0.path().join("report.json");
    std::fs::write(&path, "an earlier one").unwrap();
    // The profile is wrong, so that there is no report.
    folder.run(&["check", "--input", "staff.ldif", "--tag", "upnn", "--to", "report.json"]);
    assert_eq!(folder.text("report.json"), "an earlier one");
    folder.run(&["check", "--input", "staff.ldif", "--output", "json", "--to", "report.json"]);
    assert!(onramp_files::is_private(&path).unwrap());
    let names: Vec<_> =
        std::fs::read_dir(folder.0.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 3, "{names:?}");
}

#[test]
fn a_device_is_written_to_and_not_replaced() {
    use std::os::unix::fs::FileTypeExt;
    let folder = staff();
    let pipe = folder.0.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || std::fs::read_to_string(&pipe).unwrap()
    });
    let output = folder.run(&["check", "--input", "staff.ldif", "--output", "json", "--to", "pipe"]);
    assert_eq!(code(&output), 2);
    assert!(pipe.metadata().unwrap().file_type().is_fifo());
    assert_eq!(serde_json::from_str::<Vec<Value>>(&reader.join().unwrap()).unwrap().len(), 3);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let many: String = (0..3000)
        .map(|number| {
            format!("dn: CN={number},DC=x\nobjectClass: user\nuserPrincipalName: a b{number}@contoso.com\n\n")
        })
        .collect();
    let csv: String = std::iter::once(
        "DISTINGUISHEDNAME,COMMONNAME,OBJECTCLASS,ATTRIBUTE,ERROR,VALUE,UPDATE,PROPOSEDACTION,ACTION\n"
            .to_owned(),
    )
    .chain(
        (0..9000).map(|number| format!("CN={number},A,user,mail,Character,a {number},a{number},EDIT,EDIT\n")),
    )
    .collect();
    let folder = Folder::with(&[("many.ldif", many.as_bytes()), ("idfix.csv", csv.as_bytes())]);
    folder.run(&["check", "--input", "many.ldif", "--output", "json", "--to", "report.json"]);
    std::fs::write(folder.0.path().join("none.json"), "[]").unwrap();
    let check = ["check", "--input", "many.ldif", "--min-confidence", "low", "--output"];
    let formats = ["json", "json-lines", "csv", "sarif", "junit", "html", "ldif"];
    let mut runs: Vec<(Vec<&str>, i32)> =
        formats.iter().map(|format| ([&check[..], &[format]].concat(), 2)).collect();
    runs.push((vec!["rules", "--json"], 0));
    runs.push((vec!["diff", "--json", "none.json", "report.json"], 2));
    runs.push((vec!["idfix", "idfix.csv"], 0));
    for (arguments, expected) in runs {
        let mut child = Command::new(PROGRAM)
            .args(&arguments)
            .current_dir(folder.0.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = child.stdout.take().unwrap();
        out.read_exact(&mut [0; 1]).unwrap();
        drop(out);
        let output = child.wait_with_output().unwrap();
        assert_eq!(code(&output), expected, "{arguments:?}\n{}", complaint(&output));
        assert!(!complaint(&output).contains("could not"), "{arguments:?}\n{}", complaint(&output));
    }
}

#[test]
fn hostile_text_reaches_no_terminal_and_no_markup() {
    let hostile = "dn:: Q049G1szMW1FdmlsG10wO3B3bmVkBwogb2s=\nobjectClass: user\n\
                   userPrincipalName:: G1szMW1ldmlsQGNvbnRvc28uY29tCg==\n\
                   mail:: PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==\ndisplayName:: IA==\n\n\
                   dn: =cmd|'/C calc'!A0\nobjectClass: user\nuserPrincipalName: =1 + 1\n\n\
                   dn: CN=x\nno\u{1b}[31m line\n";
    let folder = Folder::with(&[("\u{1b}[31mx.ldif", hostile.as_bytes())]);
    for format in ["text", "json", "json-lines", "sarif", "junit", "markdown", "html", "ldif", "csv"] {
        let output = folder.run(&["check", "--input", "\u{1b}[31mx.ldif", "--output", format]);
        assert_eq!(code(&output), 1, "{format}");
        // A row of CSV has each value as it is.
        assert!(format == "csv" || !output.stdout.contains(&0x1b), "{format}");
        assert!(!output.stderr.contains(&0x1b), "{format}");
        let is_markup = ["junit", "markdown", "html"].contains(&format);
        assert!(!is_markup || !said(&output).contains("<script>alert"), "{format}");
        if format == "csv" {
            assert!(said(&output).contains("'=cmd|'/C calc'!A0"), "{}", said(&output));
            assert!(said(&output).contains(",'=1 + 1,"), "{}", said(&output));
        }
    }
}

#[test]
fn a_baseline_leaves_out_what_is_known_and_keeps_the_words_of_people() {
    let folder = staff();
    let check = ["check", "--input", "staff.ldif"];
    let made = folder.run(&[&check[..], &["--write-baseline", "known.txt"]].concat());
    assert_eq!(code(&made), 2, "the findings are there, now and then");
    let text = folder.text("known.txt");
    assert_eq!(text.lines().count(), 4);

    let known = folder.run(&[&check[..], &["--baseline", "known.txt"]].concat());
    assert_eq!(code(&known), 0);
    assert!(complaint(&known).contains("3 known findings left out; 0 of the baseline no longer found"));
    assert!(said(&known).ends_with("2 objects judged, 0 not judged: 0 errors, 0 warnings, 0 notes\n"));

    // As PowerShell saves it, with a remark of a person; a further object has a finding of its own.
    let remarked = text.replace("# upn-character ", "# accepted until June; upn-character ");
    std::fs::write(folder.0.path().join("known.txt"), utf16(&remarked.replace('\n', "\r\n"))).unwrap();
    let more = format!("{STAFF}\n{}", CLEAN.replace("bob@", "b ob@"));
    std::fs::write(folder.0.path().join("staff.ldif"), more).unwrap();
    let update = ["--baseline", "known.txt", "--write-baseline", "known.txt", "--output", "json"];
    let output = folder.run(&[&check[..], &update].concat());
    assert_eq!(code(&output), 2);
    let new = findings(&output);
    assert_eq!(new.len(), 1);
    assert_eq!(new[0]["value"], "b ob@contoso.com");
    let text = folder.text("known.txt");
    assert_eq!(text.lines().count(), 5, "{text}");
    assert!(text.contains("# accepted until June; upn-character "), "{text}");

    std::fs::write(folder.0.path().join("staff.ldif"), CLEAN).unwrap();
    let gone = folder.run(&[&check[..], &["--baseline", "known.txt"]].concat());
    assert!(complaint(&gone).contains("0 known findings left out; 4 of the baseline no longer found"));
}

#[test]
fn two_reports_are_compared() {
    let folder = staff();
    let report = |input: &str, format: &str, to: &str| {
        folder.run(&["check", "--input", input, "--output", format, "--to", to]);
    };
    report("staff.ldif", "json", "before.json");
    let mended =
        STAFF.replace("userPrincipalName:: asO8cmdlbkBjb250b3NvLmNvbQ==", "userPrincipalName: a@b@c");
    std::fs::write(folder.0.path().join("staff.ldif"), mended).unwrap();
    report("staff.ldif", "json-lines", "after.jsonl");
    std::fs::write(folder.0.path().join("before16.json"), utf16(&folder.text("before.json"))).unwrap();

    for before in ["before.json", "before16.json"] {
        let diff = folder.run(&["diff", before, "after.jsonl"]);
        assert_eq!(code(&diff), 2);
        assert!(said(&diff).starts_with("## Directory readiness: 1 new, 1 fixed, 2 remaining\n"));
    }
    let back: Value =
        serde_json::from_slice(&folder.run(&["diff", "--json", "after.jsonl", "before.json"]).stdout)
            .unwrap();
    assert_eq!(back["counts"], serde_json::json!({"new": 1, "fixed": 1, "remaining": 2}));
    assert_eq!(back["new"][0]["rule"], "upn-character");
    assert_eq!(code(&folder.run(&["diff", "before.json", "before.json"])), 0);

    std::fs::write(folder.0.path().join("empty.json"), "\n").unwrap();
    for (file, words) in [
        ("empty.json", "could not read empty.json: it is empty. It must be a report"),
        ("staff.ldif", "It must be a report that was written with --output json or json-lines."),
        ("missing.json", "could not read missing.json: "),
    ] {
        let output = folder.run(&["diff", "before.json", file]);
        assert_eq!(code(&output), 1, "{file}");
        assert!(complaint(&output).contains(words), "{}", complaint(&output));
    }
}

#[test]
fn rules_tell_their_source_and_what_a_profile_made_of_them() {
    let profile = "name = 'contoso'\r\nskip = ['name']\r\n[rules.upn-prefix-length]\r\nlimit = 40\r\n\
                   severity = 'note'\r\n[rules.upn-dots]\r\nenabled = false\r\n";
    let folder = Folder::with(&[("contoso.toml", &utf16(profile))]);
    let all: Vec<Value> = serde_json::from_slice(&folder.run(&["rules", "--json"]).stdout).unwrap();
    assert!(all.iter().all(|rule| !rule["source"].as_str().unwrap().is_empty()));
    let own: Vec<Value> =
        serde_json::from_slice(&folder.run(&["rules", "--json", "--profile", "contoso.toml"]).stdout)
            .unwrap();
    let find = |rules: &[Value], id: &str| rules.iter().find(|rule| rule["id"] == id).cloned();
    let limited = find(&own, "upn-prefix-length").unwrap();
    assert_eq!((&limited["limit"], &limited["severity"]), (&Value::from(40), &Value::from("note")));
    for id in ["upn-dots", "surname-length"] {
        assert!(find(&all, id).is_some() && find(&own, id).is_none(), "{id}");
    }
    let text = said(&folder.run(&["rules", "--tag", "upn"]));
    assert!(text.starts_with("upn-missing (warning)\n    A user has a UPN;"), "{text}");
    assert!(complaint(&folder.run(&["rules", "--profile", "idfix"])).contains("cannot be chosen one by one"));
}

#[test]
fn a_profile_of_ones_own_counts_and_arguments_add_to_it() {
    let text = "dn: CN=A,OU=Shared,DC=x\nobjectClass: user\nuserPrincipalName: a b@contoso.com\n\n\
                dn: CN=B,OU=Staff,DC=x\nobjectClass: user\nuserPrincipalName: c d@fabrikam.com\n";
    let profile =
        "verified-domains = ['contoso.com']\n[rules.upn-character]\nnot-below = ['OU=Shared,DC=x']\n";
    let folder = Folder::with(&[("x.ldif", text.as_bytes()), ("x.toml", profile.as_bytes())]);
    let check = ["check", "--input", "x.ldif", "--profile", "x.toml"];
    assert_eq!(folder.rules(&check), ["upn-character", "upn-suffix-not-verified"]);
    assert_eq!(folder.rules(&[&check[..], &["--skip", "tenant"]].concat()), ["upn-character"]);
    let both = ["--verified-domain", "contoso.com", "--verified-domain", "fabrikam.com"];
    assert_eq!(folder.rules(&[&check[..], &both].concat()), ["upn-character"]);
}

#[test]
fn the_profile_idfix_tells_what_idfix_told() {
    let folder = staff();
    let check = ["check", "--input", "staff.ldif", "--output", "json", "--profile"];
    let all = findings(&folder.run(&[&check[..], &["IdFix"]].concat()));
    let upn = all.iter().find(|finding| finding["attribute"] == "userPrincipalName").unwrap();
    assert_eq!(upn["idfix_error"], serde_json::json!(["Character"]));
    assert_eq!(upn["idfix_update"], "jrgen@contoso.com");
    let without = findings(&folder.run(&[&check[..], &["idfix", "--alternate-login-id"]].concat()));
    assert!(without.iter().all(|finding| finding["attribute"] != "userPrincipalName"));
    let dedicated = findings(&folder.run(&[&check[..], &["idfix-dedicated"]].concat()));
    assert!(dedicated.iter().all(|finding| finding["attribute"] != "userPrincipalName"));
}

const EXPORT: &str = "DISTINGUISHEDNAME,COMMONNAME,OBJECTCLASS,ATTRIBUTE,ERROR,VALUE,UPDATE,PROPOSEDACTION,ACTION\r
\"CN=Anna,DC=corp,DC=local\",Anna,user,userPrincipalName,Character,an na@contoso.com,anna@contoso.com,EDIT,EDIT\r
\"CN=Anna,DC=corp,DC=local\",Anna,user,proxyAddresses,Character,smtp:an na@contoso.com,smtp:anna@contoso.com,EDIT,EDIT\r
\"CN=Bob,DC=corp,DC=local\",Bob,user,mail,Duplicate,bob@contoso.com,bob@contoso.com,COMPLETE,COMPLETE\r
\"CN=Carl,DC=corp,DC=local\",Carl,user,proxyAddresses,Duplicate,smtp:x@contoso.com,,REMOVE,REMOVE\r
";

#[test]
fn an_export_of_idfix_becomes_changes_that_hold_the_value_they_replace() {
    let folder = Folder::with(&[("idfix.csv", EXPORT.as_bytes()), ("idfix16.csv", &utf16(EXPORT))]);
    let expected = "version: 1

dn: CN=Anna,DC=corp,DC=local
changetype: modify
delete: userPrincipalName
userPrincipalName: an na@contoso.com
-
add: userPrincipalName
userPrincipalName: anna@contoso.com
-
delete: proxyAddresses
proxyAddresses: smtp:an na@contoso.com
-
add: proxyAddresses
proxyAddresses: smtp:anna@contoso.com
-

dn: CN=Carl,DC=corp,DC=local
changetype: modify
delete: proxyAddresses
proxyAddresses: smtp:x@contoso.com
-
";
    let output = folder.run(&["idfix", "idfix.csv"]);
    assert_eq!((code(&output), said(&output).as_str()), (0, expected));
    assert!(
        complaint(&output).starts_with("2 objects to change, 1 row without a change, 0 errors in the input.")
    );
    assert_eq!(said(&folder.run(&["idfix", "idfix16.csv"])), expected);
    assert_eq!(said(&folder.run_with(&["idfix", "-"], EXPORT.as_bytes())), expected);
    folder.run(&["idfix", "idfix.csv", "--to", "changes.ldif"]);
    assert_eq!(folder.text("changes.ldif"), expected);
}

/// Records of an undo file: object, value, update.
fn undo_file(records: &[(&str, &str, &str)]) -> String {
    let one = |(object, value, update): &(&str, &str, &str)| {
        format!(
            "distinguishedName: CN={object},DC=x\r\nobjectClass: user\r\nattribute: mail\r\nerror: Character\r\n\
             value: {value}\r\nupdate: {update}\r\naction: Edit\r\n-\r\n\r\n"
        )
    };
    records.iter().map(one).collect()
}

#[test]
fn an_undo_file_of_idfix_is_taken_back_from_its_end() {
    // IdFix writes all that it applies in one session to one file: Anna's address was changed twice, Bob's there and back.
    let text = undo_file(&[
        ("Anna", "a a@x.de", "aa@x.de"),
        ("Bob", "b@x.de", "c@x.de"),
        ("Anna", "aa@x.de", "anna@x.de"),
        ("Bob", "c@x.de", "b@x.de"),
    ]);
    // People rename files: the beginning tells what it is.
    let folder = Folder::with(&[("Update 1-2-2025.ldf", text.as_bytes()), ("renamed.txt", text.as_bytes())]);
    for file in ["Update 1-2-2025.ldf", "renamed.txt"] {
        let undo = folder.run(&["idfix", "--undo", file]);
        let expected = "version: 1\n\ndn: CN=Anna,DC=x\nchangetype: modify\ndelete: mail\nmail: anna@x.de\n-\n\
                        add: mail\nmail: a a@x.de\n-\n";
        assert_eq!((code(&undo), said(&undo).as_str()), (0, expected));
        assert!(complaint(&undo).starts_with("1 object to change"));
    }
    let again = said(&folder.run(&["idfix", "renamed.txt"]));
    assert!(again.contains("delete: mail\nmail: a a@x.de\n-\nadd: mail\nmail: anna@x.de\n-\n"), "{again}");
}

/// A row of an export: attribute, value, update and action of an object.
fn export(rows: &[(&str, &str, &str, &str, &str)]) -> String {
    let one = |(dn, attribute, value, update, action): &(&str, &str, &str, &str, &str)| {
        format!("\"{dn}\",x,user,{attribute},Character,{value},{update},{action},{action}\r\n")
    };
    let rows: String = rows.iter().map(one).collect();
    format!("{}\r\n{rows}", EXPORT.lines().next().unwrap())
}

#[test]
fn rows_that_contradict_each_other_are_an_error_and_nothing_of_their_object_is_done() {
    let (a, b) = ("CN=Anna,DC=x", "CN=Bob,DC=x");
    let good = (b, "mail", "b b@x.de", "bb@x.de", "EDIT");
    for rows in [
        [(a, "displayName", "A", "K1", "EDIT"), (a, "displayName", "A", "", "REMOVE")],
        [(a, "displayName", "A", "K1", "EDIT"), (a, "displayName", "A", "K2", "EDIT")],
        [(a, "displayName", "A", "K1", "EDIT"), (a, "displayName", "B", "K2", "EDIT")],
        [
            (a, "proxyAddresses", "smtp:s@x.de", "SMTP:so@x.de", "EDIT"),
            (a, "proxyAddresses", "SMTP:so@x.de", "", "REMOVE"),
        ],
        [
            (a, "proxyAddresses", "SMTP:so@x.de", "", "REMOVE"),
            (a, "proxyAddresses", "smtp:s@x.de", "SMTP:so@x.de", "EDIT"),
        ],
        [
            (a, "proxyAddresses", "smtp:s@x.de", "smtp:t@x.de", "EDIT"),
            (a, "proxyAddresses", "smtp:s@x.de", "smtp:u@x.de", "EDIT"),
        ],
        // The same object in another spelling.
        [
            (a, "mail", "m m@x.de", "m1@x.de", "EDIT"),
            ("cn=Anna, dc=x", "mail", "m m@x.de", "m2@x.de", "EDIT"),
        ],
    ] {
        let with_good = [rows[0], good, (a, "givenName", "An na", "Anna", "EDIT"), rows[1]];
        let folder = Folder::with(&[("idfix.csv", export(&with_good).as_bytes())]);
        for arguments in [&["idfix", "idfix.csv"][..], &["idfix", "idfix.csv", "--undo"]] {
            let output = folder.run(arguments);
            assert_eq!(code(&output), 1, "{rows:?}");
            let told = complaint(&output);
            assert!(told.contains("idfix.csv: line 2 and line 5: the rows contradict each other"), "{told}");
            assert!(told.contains("Anna") && told.contains("1 object to change"), "{told}");
            let ldif = said(&output);
            assert!(ldif.contains("dn: CN=Bob") && !ldif.contains("Anna"), "{ldif}");
        }
    }
}

#[test]
fn rows_of_one_object_in_two_spellings_of_its_name_are_one_change() {
    let rows = [
        ("CN=Anna,OU=Staff,DC=x", "mail", "m m@x.de", "mm@x.de", "EDIT"),
        ("cn=anna, ou=staff, dc=x", "givenName", "An na", "Anna", "EDIT"),
        // What is said twice, and values that two rows exchange.
        ("CN=Anna,OU=Staff,DC=x", "mail", "m m@x.de", "mm@x.de", "EDIT"),
        ("CN=Anna,OU=Staff,DC=x", "proxyAddresses", "SMTP:a@x.de", "smtp:a@x.de", "EDIT"),
        ("CN=Anna,OU=Staff,DC=x", "proxyAddresses", "smtp:b@x.de", "SMTP:b@x.de", "EDIT"),
    ];
    let folder = Folder::with(&[("idfix.csv", export(&rows).as_bytes())]);
    let output = folder.run(&["idfix", "idfix.csv"]);
    let (ldif, told) = (said(&output), complaint(&output));
    assert_eq!((code(&output), ldif.matches("dn: ").count()), (0, 1), "{ldif}{told}");
    assert!(told.starts_with("1 object to change, 0 rows without a change, 0 errors"), "{told}");
    assert_eq!(ldif.matches("mail: mm@x.de").count(), 1, "{ldif}");
    assert!(ldif.contains("givenName: Anna") && ldif.contains("proxyAddresses: SMTP:b@x.de"), "{ldif}");
}

/// Records of an undo file: attribute, value, update and action of one object.
fn session(records: &[(&str, &str, &str, &str)]) -> String {
    let one = |(attribute, value, update, action): &(&str, &str, &str, &str)| {
        format!(
            "distinguishedName: CN=Anna,DC=x\r\nobjectClass: user\r\nattribute: {attribute}\r\nerror: Character\r\n\
             value: {value}\r\nupdate: {update}\r\naction: {action}\r\n-\r\n\r\n"
        )
    };
    records.iter().map(one).collect()
}

#[test]
fn a_session_in_which_a_change_was_undone_and_made_again_comes_back_as_before_it() {
    let (mail, proxies) = ("mail", "proxyAddresses");
    type Change<'a> = (&'a [&'a str], &'a [&'a str]);
    type Record<'a> = (&'a str, &'a str, &'a str, &'a str);
    let cases: [(&[Record<'_>], Change<'_>, Change<'_>); 8] = [
        (
            &[(mail, "a", "b", "Edit"), (mail, "a", "b", "Undo"), (mail, "a", "c", "Edit")],
            (&["a"], &["c"]),
            (&["c"], &["a"]),
        ),
        (&[(mail, "a", "b", "Edit"), (mail, "a", "b", "Undo")], (&[], &[]), (&[], &[])),
        (
            &[(mail, "a", "b", "Edit"), (mail, "b", "c", "Edit"), (mail, "b", "c", "Undo")],
            (&["a"], &["b"]),
            (&["b"], &["a"]),
        ),
        // A removal has an update that was never written.
        (&[(mail, "a", "x", "Remove"), (mail, "a", "x", "Undo")], (&[], &[]), (&[], &[])),
        (&[(mail, "a", "x", "Remove"), (mail, "", "c", "Edit")], (&["a"], &["c"]), (&["c"], &["a"])),
        // What another session did is not done again.
        (&[(mail, "a", "b", "Undo"), (mail, "a", "c", "Edit")], (&["b"], &["c"]), (&["c"], &["a"])),
        (
            &[
                (proxies, "a", "b", "Edit"),
                (proxies, "d", "e", "Edit"),
                (proxies, "a", "b", "Undo"),
                (proxies, "a", "c", "Edit"),
            ],
            (&["d", "a"], &["e", "c"]),
            (&["c", "e"], &["a", "d"]),
        ),
        (
            &[(mail, "a", "b", "Edit"), (mail, "b", "a", "Edit"), (mail, "a", "b", "Edit")],
            (&["a"], &["b"]),
            (&["b"], &["a"]),
        ),
    ];
    for (records, forth, back) in cases {
        let folder = Folder::with(&[("Update.ldf", session(records).as_bytes())]);
        for (arguments, (old, new)) in
            [(&["idfix", "Update.ldf"][..], forth), (&["idfix", "Update.ldf", "--undo"], back)]
        {
            let output = folder.run(arguments);
            assert_eq!(code(&output), 0, "{records:?}: {}", complaint(&output));
            let (mut part, mut parts) = ("", [Vec::new(), Vec::new()]);
            let ldif = said(&output);
            for line in ldif.lines() {
                match line.split_once(": ") {
                    Some((word @ ("delete" | "add"), _)) => part = word,
                    Some((name, value)) if name == mail || name == proxies => {
                        parts[usize::from(part == "add")].push(value);
                    }
                    _ => {}
                }
            }
            assert_eq!(parts, [old.to_vec(), new.to_vec()], "{records:?} {arguments:?}\n{ldif}");
        }
    }
    for records in [
        [(mail, "a", "b", "Edit"), (mail, "a", "c", "Edit")],
        [(mail, "a", "b", "Edit"), (mail, "a", "", "Remove")],
        [(mail, "a", "b", "Edit"), (mail, "x", "y", "Edit")],
        [(proxies, "a", "b", "Edit"), (proxies, "a", "c", "Edit")],
    ] {
        let folder = Folder::with(&[("Update.ldf", session(&records).as_bytes())]);
        let output = folder.run(&["idfix", "Update.ldf", "--undo"]);
        assert_eq!((code(&output), said(&output).matches("dn:").count()), (1, 0), "{records:?}");
        assert!(
            complaint(&output).contains("line 1 and line 10: the rows contradict"),
            "{}",
            complaint(&output)
        );
    }
}

#[test]
fn what_is_no_file_of_idfix_is_told() {
    let member = format!("{EXPORT}\"CN=Dan,DC=x\",Dan,group,member,Blank,x,y,EDIT,EDIT\r\n");
    let folder = Folder::with(&[
        ("staff.ldif", STAFF.as_bytes()),
        ("empty.csv", b""),
        ("header.csv", EXPORT.lines().next().unwrap().as_bytes()),
        ("member.csv", member.as_bytes()),
    ]);
    for (file, words, changes) in [
        ("staff.ldif", "staff.ldif: line 1: the first row of an export of IdFix names the columns", 0),
        ("empty.csv", "the file is empty", 0),
        ("header.csv", "header.csv: there is no row in it", 0),
        ("member.csv", "line 6: “member” is not an attribute that IdFix handles", 2),
        ("missing.csv", "could not read missing.csv: ", 0),
    ] {
        let output = folder.run(&["idfix", file]);
        assert_eq!(code(&output), 1, "{file}");
        assert!(complaint(&output).contains(words), "{file}\n{}", complaint(&output));
        assert_eq!(said(&output).matches("changetype:").count(), changes, "{file}");
    }
}

#[test]
fn a_scan_of_a_forest_finds_what_was_planted_and_takes_the_domains_of_the_tenant() {
    let world = World::new(30);
    let host = world.servers.controllers()[0].host.clone();
    let staff = world.forest.base();
    let plant = |account: &str, upn: Option<&str>, values: &[(&str, &[&str])]| {
        let guid = world.forest.create_user(&staff, account, upn).unwrap();
        for (attribute, values) in values {
            world.forest.set_on(&host, &guid, attribute, values).unwrap();
        }
        guid.to_string()
    };
    let good = plant("good", Some("good@contoso.com"), &[]);
    let umlaut = plant("umlaut", Some("jürgen@contoso.com"), &[]);
    let missing = plant("missing", None, &[]);
    let invisible = plant("invisible", Some("zero\u{200b}width@contoso.com"), &[]);
    let one = plant("one", Some("one@contoso.com"), &[("proxyAddresses", &["SMTP:shared@contoso.com"])]);
    let two = plant("two", Some("two@contoso.com"), &[("proxyAddresses", &["smtp:SHARED@contoso.com"])]);

    let scan = |arguments: &[&str]| {
        let output = Command::new(PROGRAM)
            .args(["scan", "--output", "json"])
            .args(arguments)
            .current_dir(world.desk.path(""))
            .output()
            .unwrap();
        (code(&output), findings(&output))
    };
    let has = |found: &[Value], guid: &str, rule: &str| {
        found.iter().any(|finding| finding["object_guid"] == guid && finding["rule"] == rule)
    };
    let before = world.state();
    let (code_of, found) = scan(&[]);
    assert_eq!(code_of, 2);
    for (guid, rule) in [
        (&umlaut, "upn-character"),
        (&missing, "upn-missing"),
        (&invisible, "invisible-character"),
        (&one, "duplicate-address"),
        (&two, "duplicate-address"),
        (&good, "upn-suffix-not-verified"),
    ] {
        assert!(has(&found, guid, rule), "{rule} is missing in {found:#?}");
    }
    // Nothing is said about what is not known.
    let (_, without) = scan(&["--without-tenant"]);
    assert!(!without.iter().any(|finding| finding["rule"] == "upn-suffix-not-verified"));

    let domain = DomainName::parse("contoso.com").unwrap();
    let tenant = world.cloud.tenant.tenant();
    world.cloud.runtime.block_on(async {
        tenant.domains.add(&domain).await.unwrap();
        tenant.domains.verify(&domain).await.unwrap();
    });
    let (_, after) = scan(&[]);
    assert!(!has(&after, &good, "upn-suffix-not-verified"), "{after:#?}");
    assert!(has(&after, &umlaut, "upn-character"));
    // The domain of the spec can be suggested now.
    let fix = after.iter().find(|finding| finding["object_guid"] == missing.as_str()).unwrap();
    assert_eq!(fix["fixes"][0]["changes"][0]["add"][0], "missing@contoso.com", "{fix:#}");

    let (code_of, below) = scan(&["--below", &format!("CN=good,{staff}")]);
    assert_eq!((code_of, below.len()), (0, 0));
    assert_eq!(world.state().users, before.users, "a scan writes nothing");
}

#[test]
fn a_scan_says_what_went_wrong_and_no_secret() {
    let world = World::new(3);
    let start = |arguments: &[&str]| {
        world.desk.checked(Program::start(PROGRAM, arguments, Path::new(&world.desk.path(""))).end())
    };
    start(&["scan", "--config", "missing.toml"]).with_code(1).saying(&["could not read the configuration"]);
    let nothing = ["scan", "--without-tenant", "--below", "CN=Sites,CN=Configuration,DC=corp,DC=local"];
    start(&nothing).with_code(1).saying(&["there is no user, group or contact below CN=Sites"]);
    start(&["scan", "--to", "no/such/folder/x"]).with_code(1).saying(&["could not write no/such/folder/x"]);
    start(&["scan", "--without-tenant", "--tag", "upn"])
        .with_code(2)
        .saying(&["objects judged", "Not judged"]);
}

#[test]
fn the_page_about_readiness_has_every_rule_and_a_profile_that_is_one() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/readiness.md");
    let page = std::fs::read_to_string(page).unwrap();
    let folder = Folder::with(&[]);
    let rules: Vec<Value> = serde_json::from_slice(&folder.run(&["rules", "--json"]).stdout).unwrap();
    for rule in &rules {
        let (id, severity) = (rule["id"].as_str().unwrap(), rule["severity"].as_str().unwrap());
        let limit = rule["limit"].as_u64().map(|limit| limit.to_string()).unwrap_or_default();
        let row = format!("| `{id}` | {severity} | {limit} | ");
        assert_eq!(page.matches(&row).count(), 1, "{row}");
    }
    let rows = page.lines().filter(|line| {
        ["error", "warning", "note"].iter().any(|word| line.contains(&format!("` | {word} | ")))
    });
    assert_eq!(rows.count(), rules.len(), "a rule that does not exist");

    let (_, toml) = page.split_once("```toml\n").unwrap();
    let (toml, _) = toml.split_once("```").unwrap();
    std::fs::write(folder.0.path().join("own.toml"), toml).unwrap();
    let own: Vec<Value> =
        serde_json::from_slice(&folder.run(&["rules", "--json", "--profile", "own.toml"]).stdout).unwrap();
    assert_eq!(own.len(), rules.len() - 1);
}
