//! Builds a dictionary for the strength estimate out of ranked lists.
//!
//! ```sh
//! cargo run -p onramp-password --example dictionary -- OUT KIND=LIST...
//! ```
//!
//! A list is a text file with one word per line, the most frequent first. Its kind is one of `passwords`, `words`,
//! `names`, `media`, `context` and `other`.

use std::error::Error;
use std::{env, fs};

use onramp_password::strength::{DictionaryBuilder, ListKind};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let out = arguments.next().ok_or("name the file to write, then KIND=LIST...")?;
    let mut builder = DictionaryBuilder::new();
    for argument in arguments {
        let (kind, list) = argument.split_once('=').ok_or("a list is named KIND=LIST")?;
        let text = fs::read_to_string(list).map_err(|error| format!("{list}: {error}"))?;
        builder = builder.with_list(kind_of(kind)?, text.lines());
    }
    let dictionary = builder.build()?;
    fs::write(&out, dictionary.as_bytes()).map_err(|error| format!("{out}: {error}"))?;
    println!("{out}: {} words, {} bytes", dictionary.len(), dictionary.as_bytes().len());
    Ok(())
}

fn kind_of(name: &str) -> Result<ListKind, String> {
    Ok(match name {
        "passwords" => ListKind::Passwords,
        "words" => ListKind::Words,
        "names" => ListKind::Names,
        "media" => ListKind::Media,
        "context" => ListKind::Context,
        "other" => ListKind::Other,
        _ => return Err(format!("{name} is no kind of list")),
    })
}
