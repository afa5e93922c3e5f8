//! Writes a file that only its owner can read, as a whole or not at all, with onramp-files alone.

use std::io::Result;

fn main() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("secret.txt");
    onramp_files::write_private(&path, b"not for others")?;
    assert!(onramp_files::is_private(&path)?);
    println!("{} bytes, for its owner alone", std::fs::read(&path)?.len());
    Ok(())
}
