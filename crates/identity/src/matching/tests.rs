//! Matching, from strings to clusters.

mod artifact;
mod blocking;
mod clusters;
mod comparing;
mod law;

mod quality;

use super::{
    Values,
    fold::DateOrder,
    population::Told,
    row::{Folder, Row, Source, Table},
};

/// A source that may hold duplicates.
const ANY: Source = Source { number: 0, unique: false };

fn table<'a>(records: impl IntoIterator<Item = (usize, &'a Told)>) -> Table {
    let mut folder = Folder::new(1, DateOrder::default());
    for (id, told) in records {
        folder.push(ANY, &id.to_le_bytes(), told.values()).unwrap();
    }
    folder.finish().unwrap()
}

/// A row of `name=value` pairs.
fn row(values: Values<'_>) -> Row {
    let mut folder = Folder::new(1, DateOrder::default());
    folder.push(ANY, b"1", values).unwrap();
    folder.finish().unwrap().rows()[0]
}
