//! Owner-only, and whole or not at all.

use std::fs;
use std::io::{ErrorKind, Read, Seek, Write};

use onramp_files::{
    NewFile, create_private, is_private, make_private_folder, open_private, open_private_append,
    replace_with, sync_folder, write_private,
};
use tempfile::tempdir;

fn names(folder: &std::path::Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[test]
fn a_new_file_is_private_from_the_start() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("secret");
    let mut file = create_private(&path).unwrap();
    assert!(is_private(&path).unwrap());
    file.write_all(b"hunter2").unwrap();
    file.rewind().unwrap();
    let mut text = String::new();
    file.read_to_string(&mut text).unwrap();
    assert_eq!(text, "hunter2");
}

#[test]
fn a_leftover_is_replaced_with_all_its_permissions() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("secret");
    fs::write(&path, "a long leftover").unwrap();
    open_to_all(&path);
    create_private(&path).unwrap().write_all(b"new").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "new");
    assert!(is_private(&path).unwrap());
}

#[test]
fn a_file_that_existed_becomes_private_and_keeps_its_content() {
    let folder = tempdir().unwrap();
    for (name, append) in [("written", false), ("appended", true)] {
        let path = folder.path().join(name);
        fs::write(&path, "first ").unwrap();
        open_to_all(&path);
        assert!(!is_private(&path).unwrap(), "the test made it readable");
        let mut file = if append { open_private_append(&path) } else { open_private(&path) }.unwrap();
        assert!(is_private(&path).unwrap());
        file.write_all(b"second").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), if append { "first second" } else { "second" });
    }
}

#[test]
fn a_file_that_is_missing_is_made_private() {
    let folder = tempdir().unwrap();
    for (name, append) in [("written", false), ("appended", true)] {
        let path = folder.path().join(name);
        for turn in ["one", "two"] {
            let mut file = if append { open_private_append(&path) } else { open_private(&path) }.unwrap();
            file.write_all(turn.as_bytes()).unwrap();
        }
        assert!(is_private(&path).unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap(), if append { "onetwo" } else { "two" });
    }
}

#[test]
fn what_an_appending_file_holds_can_be_read() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("journal");
    write_private(&path, b"one\n").unwrap();
    let mut file = open_private_append(&path).unwrap();
    let mut text = String::new();
    file.read_to_string(&mut text).unwrap();
    assert_eq!(text, "one\n");
    file.rewind().unwrap();
    file.write_all(b"two\n").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "one\ntwo\n");
}

#[test]
fn a_file_with_a_second_name_is_refused() {
    let folder = tempdir().unwrap();
    let (path, other) = (folder.path().join("journal"), folder.path().join("other"));
    fs::write(&other, "somebody's").unwrap();
    fs::hard_link(&other, &path).unwrap();
    for opened in [open_private(&path), open_private_append(&path)] {
        let error = opened.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        assert!(error.to_string().contains("hard link"), "{error}");
    }
    create_private(&path).unwrap().write_all(b"ours").unwrap();
    assert_eq!(fs::read_to_string(&other).unwrap(), "somebody's");
}

#[test]
fn a_folder_is_no_file() {
    let folder = tempdir().unwrap();
    let error = open_private(folder.path()).unwrap_err();
    assert!(error.to_string().contains("not a file"), "{error}");
    create_private(folder.path()).unwrap_err();
    assert_eq!(write_private(folder.path(), b"").unwrap_err().kind(), ErrorKind::IsADirectory);
    write_private(folder.path().join(".."), b"").unwrap_err();
    assert_eq!(names(folder.path()), [""; 0]);
}

#[test]
fn folders_are_made_private_down_to_the_last() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a").join("b").join("c");
    make_private_folder(&path).unwrap();
    make_private_folder(&path).unwrap();
    make_private_folder("").unwrap();
    for made in path.ancestors().take(3) {
        assert!(made.is_dir());
        assert!(is_private(made).unwrap(), "{}", made.display());
    }
    // Files made in it by other means are usable, and removable with it.
    fs::write(path.join("plain"), "text").unwrap();
    assert_eq!(fs::read_to_string(path.join("plain")).unwrap(), "text");
    fs::write(folder.path().join("file"), "").unwrap();
    make_private_folder(folder.path().join("file")).unwrap_err();
    make_private_folder(folder.path().join("file").join("below")).unwrap_err();
}

#[test]
fn a_file_is_written_as_a_whole_and_leaves_no_part() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("plan");
    for text in ["first", "second, longer", "3"] {
        write_private(&path, text.as_bytes()).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        assert!(is_private(&path).unwrap());
    }
    assert_eq!(names(folder.path()), ["plan"]);
}

#[test]
fn a_file_that_is_dropped_before_it_is_whole_leaves_the_one_before() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("plan");
    write_private(&path, b"old").unwrap();
    let mut file = NewFile::create(&path).unwrap();
    file.write_all(b"half of a ").unwrap();
    file.flush().unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    assert_eq!(names(folder.path()).len(), 2);
    drop(file);
    assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    assert_eq!(names(folder.path()), ["plan"]);
}

#[test]
fn two_that_write_the_same_file_do_not_mix() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("plan");
    let (mut one, mut two) = (NewFile::create(&path).unwrap(), NewFile::create(&path).unwrap());
    one.write_all(b"one").unwrap();
    two.write_all(b"two").unwrap();
    one.write_all(b" one").unwrap();
    two.commit().unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "two");
    one.commit().unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "one one");
}

#[test]
fn a_part_takes_the_place_of_a_file() {
    let folder = tempdir().unwrap();
    let (part, path) = (folder.path().join("part"), folder.path().join("whole"));
    write_private(&path, b"old").unwrap();
    create_private(&part).unwrap().write_all(b"new").unwrap();
    replace_with(&part, &path).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "new");
    assert!(is_private(&path).unwrap());
    assert_eq!(names(folder.path()), ["whole"]);
    assert_eq!(replace_with(&part, &path).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(fs::read_to_string(&path).unwrap(), "new");
}

#[test]
fn a_folder_is_synced_or_missing() {
    let folder = tempdir().unwrap();
    sync_folder(folder.path()).unwrap();
    sync_folder("").unwrap();
    assert_eq!(sync_folder(folder.path().join("none")).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(is_private(folder.path().join("none")).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn a_path_may_be_long() {
    let folder = tempdir().unwrap();
    let mut path = folder.path().to_owned();
    for _ in 0..8 {
        path.push("a-folder-with-a-name-of-forty-characters");
    }
    make_private_folder(&path).unwrap();
    write_private(path.join("plan"), b"text").unwrap();
    assert!(is_private(path.join("plan")).unwrap());
    assert_eq!(fs::read_to_string(path.join("plan")).unwrap(), "text");
}

#[cfg(unix)]
fn open_to_all(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
}

/// A file made by the standard library takes the list of its folder, which is not the owner's alone.
#[cfg(windows)]
fn open_to_all(_: &std::path::Path) {}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt, symlink};

    use super::*;

    fn mode(path: &std::path::Path) -> u32 {
        fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn the_mode_is_that_of_the_owner_alone() {
        let folder = tempdir().unwrap();
        let path = folder.path().join("file");
        create_private(&path).unwrap();
        assert_eq!(mode(&path), 0o600);
        make_private_folder(folder.path().join("folder")).unwrap();
        assert_eq!(mode(&folder.path().join("folder")), 0o700);
        for bits in [0o640, 0o604, 0o610, 0o602, 0o777] {
            fs::set_permissions(&path, fs::Permissions::from_mode(bits)).unwrap();
            assert!(!is_private(&path).unwrap(), "{bits:o}");
            open_private_append(&path).unwrap();
            assert_eq!(mode(&path), 0o600, "{bits:o}");
        }
    }

    #[test]
    fn a_symbolic_link_is_never_followed() {
        let folder = tempdir().unwrap();
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        fs::write(&target, "somebody's").unwrap();
        fs::set_permissions(&target, fs::Permissions::from_mode(0o644)).unwrap();
        symlink(&target, &link).unwrap();
        for opened in [open_private(&link), open_private_append(&link)] {
            let error = opened.unwrap_err();
            assert!(error.to_string().contains("symbolic link"), "{error}");
        }
        assert!(!is_private(&link).unwrap());
        write_private(&link, b"ours").unwrap();
        assert_eq!(fs::read_to_string(&link).unwrap(), "ours");
        assert!(is_private(&link).unwrap());

        fs::remove_file(&link).unwrap();
        symlink(&target, &link).unwrap();
        create_private(&link).unwrap().write_all(b"ours").unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "somebody's");
        assert_eq!(mode(&target), 0o644);
    }

    #[test]
    fn a_link_that_leads_nowhere_makes_no_file_there() {
        let folder = tempdir().unwrap();
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        symlink(&target, &link).unwrap();
        open_private(&link).unwrap_err();
        open_private_append(&link).unwrap_err();
        assert!(!target.exists());
    }

    #[test]
    fn a_named_pipe_is_refused_without_waiting() {
        let folder = tempdir().unwrap();
        let path = folder.path().join("pipe");
        let status = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(status.success());
        for opened in [open_private(&path), open_private_append(&path)] {
            let error = opened.unwrap_err();
            assert!(error.to_string().contains("not a file"), "{error}");
        }
    }

    #[test]
    fn a_folder_that_exists_keeps_its_mode() {
        let folder = tempdir().unwrap();
        let path = folder.path().join("shared");
        fs::DirBuilder::new().mode(0o755).create(&path).unwrap();
        make_private_folder(path.join("own")).unwrap();
        make_private_folder(&path).unwrap();
        assert_eq!(mode(&path), 0o755);
        assert_eq!(mode(&path.join("own")), 0o700);
    }

    #[test]
    #[ignore = "needs root: a file of another user"]
    fn a_file_of_another_user_is_refused() {
        let folder = tempdir().unwrap();
        let path = folder.path().join("planted");
        fs::write(&path, "").unwrap();
        std::os::unix::fs::chown(&path, Some(12345), None).unwrap();
        let error = open_private_append(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        assert!(error.to_string().contains("another user"), "{error}");
    }
}
