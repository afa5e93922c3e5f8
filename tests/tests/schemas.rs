//! The JSON schemas in `docs` are those of the types.
#![allow(missing_docs, clippy::unwrap_used)]

use std::path::Path;

/// Compares a file with a schema; `ONRAMP_WRITE_SCHEMAS=1` writes it.
fn is_written(name: &str, schema: &schemars::Schema) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name);
    let text = serde_json::to_string_pretty(schema).unwrap() + "\n";
    if std::env::var_os("ONRAMP_WRITE_SCHEMAS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let file = std::fs::read_to_string(&path).unwrap().replace("\r\n", "\n");
    assert!(file == text, "docs/{name} is out of date: run this test with ONRAMP_WRITE_SCHEMAS=1");
}

#[test]
fn the_schema_of_events_is_that_of_the_type() {
    is_written("event.schema.json", &schemars::schema_for!(onramp::EventRecord));
}
