//! The breach store beside a binary fuse filter and a folder of files, on synthetic hashes.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Instant;

use hibp_verifier::BreachChecker;
use nix::sys::resource::{UsageWho, getrusage};
use onramp_password::breach::{BuildOptions, Builder, HashKind, Store, StoreFile};
use xorf::{BinaryFuse16, Filter};

use crate::Size;
use crate::contest::{Contest, processor_time};
use crate::corpus::Known;

const PROBES: u64 = 400_000;

pub(crate) fn measure(keys: u64, size: Size, folder: Option<&Path>) {
    let temporary = match folder {
        Some(folder) => tempfile::tempdir_in(folder),
        None => tempfile::tempdir(),
    };
    let temporary = temporary.expect("a folder");
    let path = temporary.path().join("store");
    build(keys, &path);
    by_hash(keys, size, &path);
    by_password(size, temporary.path(), &path);
}

fn build(keys: u64, path: &Path) {
    let mut sum = 0_u64;
    let making = processor_time(|| (0..keys).for_each(|index| sum ^= sorted(index, keys)));
    std::hint::black_box(sum);
    let (start, mut summary) = (Instant::now(), None);
    let spent = processor_time(|| {
        let file = File::create(path).expect("a file");
        let mut builder = Builder::new(file, HashKind::Sha1, BuildOptions::new()).expect("a store");
        (0..keys).for_each(|index| builder.push_key(sorted(index, keys)).expect("in order"));
        summary = Some(builder.finish().expect("a store").1);
    });
    let (wall, summary) = (start.elapsed(), summary.expect("finished"));
    let memory = getrusage(UsageWho::RUSAGE_SELF).expect("usage").max_rss() as f64 / 1024.0;
    let rate = |seconds: f64| keys as f64 / seconds / 1e6;
    println!(
        "built of {keys} hashes: {:.1} M/s of processor time ({:.1} with the making of the hashes, {:.1} by the clock), \
         {:.2} bits a hash, {:.2e} false positives computed, {memory:.1} MiB peak",
        rate(spent.saturating_sub(making).as_secs_f64()),
        rate(spent.as_secs_f64()),
        rate(wall.as_secs_f64()),
        summary.length as f64 * 8.0 / summary.keys as f64,
        summary.false_positive_rate,
    );
}

fn by_hash(keys: u64, size: Size, path: &Path) {
    let bytes = fs::read(path).expect("the store");
    let in_memory = Store::open(bytes.as_slice()).expect("a store");
    let mut verified = None;
    let spent = processor_time(|| verified = Some(in_memory.clone().verified().expect("whole")));
    let verified = verified.expect("verified");
    println!("verified in {spent:.1?}");
    let on_disk = Store::open(StoreFile::open(path).expect("the store")).expect("a store");
    let mut random = Known::new(1);
    let missing: Vec<u64> = (0..PROBES).map(|_| random.number()).collect();
    let present: Vec<u64> = missing.iter().map(|number| sorted(number % keys, keys)).collect();
    const MORE: u64 = 4_000_000;
    let wrong = (0..MORE).filter(|_| verified.contains_key(random.number()).expect("whole")).count();
    assert!(
        present.iter().all(|key| in_memory.contains_key(*key).expect("whole")),
        "what was put in is found"
    );
    println!("{:.2e} false positives found\n", wrong as f64 / MORE as f64);

    // The filter is made in memory, so of fewer.
    let some = keys.min(10_000_000);
    let few: Vec<u64> = (0..some).map(|index| sorted(index, some)).collect();
    let mut filter = None;
    let spent = processor_time(|| filter = BinaryFuse16::try_from(few.as_slice()).ok());
    let filter = filter.expect("a filter");
    println!(
        "xorf BinaryFuse16 of {some} hashes: {:.1} M/s, {:.2} bits a hash\n",
        some as f64 / spent.as_secs_f64() / 1e6,
        filter.len() as f64 * 16.0 / some as f64
    );
    let mut contest = Contest::new(size);
    contest.add("verified store in memory, hit", &present, |key| verified.contains_key(*key));
    contest.add("verified store in memory, miss", &missing, |key| verified.contains_key(*key));
    contest.add("store in memory, hit", &present, |key| in_memory.contains_key(*key));
    contest.add("store in memory, miss", &missing, |key| in_memory.contains_key(*key));
    contest.add("store in a file, hit", &present, |key| on_disk.contains_key(*key));
    contest.add("store in a file, miss", &missing, |key| on_disk.contains_key(*key));
    contest.add("BinaryFuse16 of fewer", &missing, |key| filter.contains(key));
    contest.finish();
}

/// hibp-verifier, on the files of 256 prefixes with two thousand hashes each, as the whole folder would have them.
fn by_password(size: Size, folder: &Path, path: &Path) {
    let files = folder.join("files");
    fs::create_dir(&files).expect("a folder");
    let mut random = Known::new(2);
    for prefix in 0..256_u64 {
        let mut file =
            BufWriter::new(File::create(files.join(format!("0AB{prefix:02X}.bin"))).expect("a file"));
        let mut records: Vec<u64> = (0..2_000).map(|_| random.number() >> 16).collect();
        records.sort_unstable();
        records.iter().for_each(|record| file.write_all(&record.to_be_bytes()[2..]).expect("room"));
        file.flush().expect("room");
    }
    let peer = BreachChecker::new(&files);
    let passwords: Vec<String> = (0_u64..)
        .map(|number| format!("candidate{number}"))
        .filter(|password| matches!(HashKind::Sha1.hash(password).as_bytes(), [0x0a, next, ..] if next >> 4 == 0xb))
        .take(1_000)
        .collect();
    let bytes = fs::read(path).expect("the store");
    let in_memory = Store::open(bytes.as_slice()).expect("a store");
    let on_disk = Store::open(StoreFile::open(path).expect("the store")).expect("a store");
    println!("\nFrom the password on, all in the cache of the system:\n");
    let mut contest = Contest::new(size);
    contest.add("store in memory", &passwords, |password| in_memory.contains_password(password));
    contest.add("store in a file", &passwords, |password| on_disk.contains_password(password));
    contest
        .add("hibp-verifier", &passwords, |password| peer.is_breached(password).expect("a file of its own"));
    contest.finish();
}

/// The hash at a place of a sorted list: evenly strewn, made without the list.
fn sorted(index: u64, count: u64) -> u64 {
    let step = u64::MAX / count;
    let mixed = index.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    index * step + (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) % step
}
