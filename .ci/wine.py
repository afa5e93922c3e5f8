"""Runs the programs that were built for Windows under Wine: wine.py FOLDER-OF-THE-PROGRAMS

The tests of onramp-files, quickstart to a green verification, `password check`, and `onboard` against `lab`, both as Windows
programs, with files as Windows saves them: refused without approval, alone in its folder, stopped by Ctrl-C, gone on with and
killed among the users, gone on with to a green verification; then nothing is left to do."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

PATIENCE = 240
PROGRAMS = pathlib.Path(sys.argv[1]).resolve()
BEGAN = time.monotonic()


def say(text):
    print(f"[{time.monotonic() - BEGAN:5.1f} s] {text}", flush=True)


class Wine:
    """A Windows of its own in a temporary folder."""

    def __init__(self, folder):
        self.environment = os.environ | {
            "WINEPREFIX": str(folder / "wine"),
            "WINEDEBUG": "-all",
            # Neither .NET nor HTML is asked for.
            "WINEDLLOVERRIDES": "mscoree,mshtml=",
            # No window is opened.
            "DISPLAY": "",
        }

    def command(self, program, *arguments):
        return ["/usr/lib/wine/wine64", str(PROGRAMS / f"{program}.exe"), *arguments]

    def run(self, program, *arguments, folder, code=0, sent=b"", saying=()):
        """Runs a program to its end and checks its exit code and that it said each of the words; returns what it said."""
        # Into a file: a process that Wine leaves behind would keep a pipe open.
        with tempfile.TemporaryFile() as file:
            ended = subprocess.run(
                self.command(program, *arguments),
                cwd=folder,
                env=self.environment,
                input=sent,
                stdout=file,
                stderr=subprocess.STDOUT,
                timeout=PATIENCE,
            )
            file.seek(0)
            said = file.read().decode(errors="replace").replace("\r\n", "\n")
        shown = " ".join([f"{program}.exe", *arguments])
        missing = [word for word in saying if word not in said]
        if ended.returncode != code or missing:
            sys.exit(f"{said}\n{shown}: code {ended.returncode}, wanted {code}; not said: {missing}")
        print(said)
        say(f"{shown}: code {code}")
        return said


def changes(folder):
    """The changes that the journals of all runs in an output folder tell as ended."""
    told = []
    for journal in folder.glob("*/journal.jsonl"):
        for line in journal.read_bytes().splitlines():
            try:
                told.append(json.loads(line))
            except ValueError:
                # The line that is being written.
                pass
    return [record for record in told if record.get("entry") == "change-ended"]


def users_changed(folder):
    return sum("object" in change for change in changes(folder))


def configuration(told):
    tenant, forest = told["tenant"], told["forest"]
    at = ", ".join(f"{name} = '{tenant[f'{name}_url']}'" for name in ("graph", "arm", "login"))
    addresses = "\n".join(f"'{one['host']}' = '{one['ldaps']}'" for one in forest["controllers"])
    return f"""
[tenant]
id = '{tenant["tenant_id"]}'
client_id = '{tenant["client_id"]}'
probe_client_id = '{tenant["public_client_id"]}'
client_secret = {{ file = 'client.secret' }}
trust_root = 'ca.pem'
endpoints = {{ {at} }}
[forest]
host = '{forest["controllers"][0]["host"]}'
bind = '{forest["bind_name"]}'
password = {{ file = 'bind.password' }}
trust_root = 'ca.pem'
[forest.addresses]
{addresses}
[output]
folder = 'out'
record_wire = true
[spec]
domain = 'contoso.com'
[spec.users]
[spec.sync]
enable = true
[spec.service_account]
upn = 'onramp-sync@contoso.com'
alternate_email = 'it-operations@contoso.com'
subscriptions = [{{ subscription = 'Contoso subscription 1', role = 'Reader' }}]
"""


def as_windows_saves(folder, told):
    """The files an administrator writes: by Notepad, by PowerShell 5, and by PowerShell 7."""
    (folder / "onboard.toml").write_bytes(configuration(told).replace("\n", "\r\n").encode("utf-8-sig"))
    (folder / "client.secret").write_bytes((told["tenant"]["client_secret"] + "\r\n").encode("utf-16"))
    (folder / "bind.password").write_bytes((told["forest"]["bind_password"] + "\r\n").encode())


def stopped(wine, folder, accept, number, code, when, meanwhile=lambda: None):
    """Starts `onboard` and sends it a signal as soon as something is in the journal."""
    output, said = folder / "out", folder / "said.txt"
    with said.open("wb") as file:
        running = subprocess.Popen(
            wine.command("onboard", *accept), cwd=folder, env=wine.environment, stdin=subprocess.DEVNULL, stdout=file,
            stderr=subprocess.STDOUT,
        )
        deadline = time.monotonic() + PATIENCE
        while not when(output):
            if running.poll() is not None or time.monotonic() > deadline:
                running.kill()
                sys.exit(f"{said.read_text()}\nonboard.exe was to be stopped, but {running.poll()}")
            time.sleep(0.02)
        meanwhile()
        running.send_signal(number)
        running.wait(timeout=PATIENCE)
    print(said.read_text())
    say(f"onboard.exe, {number.name}: code {running.returncode}, {len(changes(output))} changes are written down")
    if running.returncode != code:
        sys.exit(f"wanted {code}")


def onboard(wine, folder):
    folder.mkdir()
    lab = subprocess.Popen(
        wine.command(
            "lab", "--users", "400", "--seed", "7", "--mail-domain", "contoso.com", "--replication-delay-ms", "8000",
            "--auto-publish-dns", "--ca-file", "ca.pem", "--until-stdin-closes",
        ),
        cwd=folder,
        env=wine.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        told = json.loads(lab.stdout.readline())
        say(f"lab.exe serves {told['forest']['domain']} and {told['tenant']['initial_domain']}")
        as_windows_saves(folder, told)
        refused = wine.run("onboard", folder=folder, code=2, saying=["Nothing was changed", "To accept: "])
        accept = refused.split("To accept: ")[1].splitlines()[0].split()

        def another():
            wine.run("onboard", *accept, folder=folder, code=1, saying=["is in use by process"])

        # Ctrl-C while it waits for the other domain controller, then a kill among the users: each run goes on from there.
        stopped(wine, folder, accept, signal.SIGINT, 130, lambda output: len(changes(output)) >= 3, another)
        stopped(wine, folder, accept, signal.SIGKILL, -signal.SIGKILL, lambda output: users_changed(output) > 0)
        wine.run("onboard", *accept, folder=folder, saying=["a token was issued"])
        wine.run("onboard", "--plan-only", folder=folder, saying=["nothing has to be changed"])
        # The last of the three runs that made a part of it; the other two are named.
        wine.run(
            "undo", "latest", "--yes", folder=folder,
            saying=["did not complete", "the restored users have the UPN from before the run"],
        )
    finally:
        lab.stdin.close()
        lab.wait(timeout=PATIENCE)
    say(f"lab.exe: code {lab.returncode}")
    if lab.returncode != 0:
        sys.exit("the lab did not end by itself")


def owner_only(folder):
    """Wine turns the entries of an access control list for everybody into the mode bits for others."""
    for path in folder.rglob("*"):
        if path.stat().st_mode & 0o007:
            sys.exit(f"others may use {path}: {path.stat().st_mode:o}")
    say(f"nobody but the owner is let in to what is in {folder.name}")


def main():
    with tempfile.TemporaryDirectory(prefix="onramp-wine-") as name:
        folder = pathlib.Path(name)
        wine = Wine(folder)
        try:
            # The first program also makes the Windows that the others run on.
            wine.run("files-test", "--test-threads=2", folder=folder, saying=["test result: ok"])
            wine.run("password", "check", "--stdin", folder=folder, sent=b"contoso\r\n", code=1, saying=["too short"])
            wine.run(
                "password", "check", "--stdin", folder=folder, sent=b"tR9-kettle.wolke49\r\n", saying=["1 of 1 accepted"]
            )
            wine.run("quickstart", "--out", "quickstart", folder=folder, saying=["Done in"])
            owner_only(folder / "quickstart")
            onboard(wine, folder / "desk")
            owner_only(folder / "desk" / "out")
        finally:
            # Its processes are gone before the folder is.
            subprocess.run(["/usr/lib/wine/wineserver64", "--kill", "--wait"], env=wine.environment, check=False)
    say("all of it holds under Wine")


main()
