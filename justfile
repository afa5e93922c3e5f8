# The commands of this repository by name: https://just.systems. Every recipe can be typed without just, too.
# .ci/run is everything that must hold before a merge, on Debian, as root.

export RUSTDOCFLAGS := "-D warnings"

# Lists the recipes.
default:
    @just --list

# Formatting, clippy and documentation; warnings are errors.
check: fmt clippy doc

# Formatting.
fmt:
    cargo fmt --all --check

# Clippy for every target and feature. Needs libkrb5-dev and libclang-dev.
clippy:
    cargo clippy --workspace --all-targets --all-features -- -D warnings

# Clippy for the default features, on any system.
clippy-portable:
    cargo clippy --all-targets -- -D warnings

# Documentation of every feature. Needs libkrb5-dev and libclang-dev.
doc:
    cargo doc --workspace --no-deps --all-features

# Every test that needs only Rust and a C compiler; on Linux.
test:
    cargo test --workspace

# The tests that run on every system: libraries, lab, programs.
test-portable:
    cargo test --workspace --exclude onramp-samba --exclude onramp-tests --exclude onramp-benches --lib --bins

# The tests that need a real Samba forest: root and Debian's packages.
samba:
    cargo test --workspace --tests -- --ignored --test-threads=1

# Kills runs and their undos at random moments: 500 times with 30,000 users on the lab, 50 times on a real Samba forest. Needs root
# and Debian's packages; takes about an hour.
kills:
    ONRAMP_KILLS=500 ONRAMP_KILL_USERS=30000 ONRAMP_KILL_WINDOW_MS=4000 ONRAMP_SAMBA_KILLS=50 ONRAMP_SAMBA_KILL_USERS=1000 \
        ONRAMP_SAMBA_KILL_WINDOW_MS=4000 cargo test --package onramp-examples --test cli \
        -- --include-ignored --nocapture whatever_is_killed

# The whole job and its undo with 12,000 users on a real Samba forest, compared with what another client reads. Needs root and
# Debian's packages.
samba-large:
    ONRAMP_SAMBA_USERS=12000 cargo test --package onramp-examples --test cli \
        -- --ignored --nocapture the_whole_job_on_a_real_forest_moves

# The whole job on the embedded lab.
quickstart:
    cargo run --bin quickstart

# The small programs of examples/examples, one by one.
examples:
    cargo test --package onramp-examples every_example

# Language, size and structure of the sources.
measures:
    .ci/measures

# The same, with limits.
measures-check:
    .ci/measures --check

# Crates as they would be published.
package:
    .ci/publishing

# To know what the oldest Rust does, choose that toolchain: `rust-version` in Cargo.toml. The programs and onramp-samba are not checked.
# Checks onramp with every feature, with the toolchain in use. Needs libkrb5-dev and libclang-dev.
msrv:
    cargo check --locked --package onramp --all-features

# Licenses, bans, sources of all dependencies.
deny:
    cargo deny --workspace check licenses bans sources

# Advisories against dependencies.
advisories:
    cargo deny --workspace check advisories

# Breaking changes against the main branch, or another commit.
semver base="origin/main":
    cargo semver-checks --workspace --baseline-rev {{base}}

# Changes that no test notices.
mutants:
    .ci/mutants

# Everything that must hold before a merge: Debian and root.
ci:
    .ci/run
