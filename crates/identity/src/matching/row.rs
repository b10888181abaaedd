//! Rows: a record folded into three cache lines, so that comparing two touches nothing else.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
};

use super::{
    ROWS_MAX, Values,
    fold::{self, DateOrder},
    likeness::{Text, register},
};

/// One record, folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(align(64))]
pub struct Row {
    /// The given name.
    pub given: Text,
    /// The surname.
    pub surname: Text,
    /// The street.
    pub street: Text,
    /// What stands before the `@`, under the id of the whole address.
    pub email: Text,
    /// The national id; 0 for none.
    pub national_id: u128,
    /// The last nine digits under a guard bit; 0 for none.
    pub phone: u64,
    /// The house number's first eight letters and digits; 0 for none.
    pub number: u64,
    /// The postcode's first eight letters and digits; 0 for none.
    pub postcode: u64,
    /// The birth date as `0xYYYYMMDD`; 0 for none.
    pub born: u32,
    /// How many records have its given name.
    pub given_count: u32,
    /// How many records have its surname.
    pub surname_count: u32,
    /// The source it came from.
    pub source: u16,
    /// Whether its source has no duplicates, so that two of its records are two people.
    pub unique: bool,
}

/// Which record a row is: its source and the digest of its id there, of which order is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordKey(pub u64);

/// Why a record was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// More than [`ROWS_MAX`].
    #[error("more than 50 million records")]
    TooMany,
    /// Two records of one source have the same id.
    #[error("two records of one source have the same id")]
    Duplicate,
}

/// Every row, and which record it is.
///
/// Rows stand in an order of their own, by surname and given name and then by key: it depends on
/// which records there are and not on how they came, and people who may be one stand close together.
#[derive(Debug, Clone, Default)]
pub struct Table {
    rows: Vec<Row>,
    keys: Vec<RecordKey>,
    came: Vec<u32>,
}

impl Table {
    /// The rows.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The key of each row.
    pub fn keys(&self) -> &[RecordKey] {
        &self.keys
    }

    /// Where each row stood among the records as they came.
    pub fn came(&self) -> &[u32] {
        &self.came
    }
}

/// Folds records into a [`Table`], one after the other.
#[derive(Debug)]
pub struct Folder {
    dates: DateOrder,
    seed: u64,
    scratch: Vec<u8>,
    table: Table,
}

impl Folder {
    /// A folder whose hashes nobody can aim at without the seed.
    pub fn new(seed: u64, dates: DateOrder) -> Self {
        Self { dates, seed, scratch: Vec::with_capacity(64), table: Table::default() }
    }

    /// Takes one record.
    pub fn push(
        &mut self,
        source: Source,
        id: &[u8],
        values: Values<'_>,
    ) -> Result<(), TableError> {
        if self.table.rows.len() >= ROWS_MAX {
            return Err(TableError::TooMany);
        }
        let key = hash(self.seed ^ u64::from(source.number), id);
        let [given, surname, born, street, number, postcode, email, phone, national_id] = values;
        let out = &mut self.scratch;
        let mut text = |value: &str| {
            fold::letters(value, out);
            Text::new(out, low(hash(self.seed, out)))
        };
        let [given, surname, street] = [given, surname, street].map(&mut text);
        let local = fold::email(email, out);
        let email = Text::new(out.get(..local).unwrap_or_default(), low(hash(self.seed, out)));
        let mut short = |value: &str| {
            fold::letters(value, out);
            if out.iter().all(|it| *it == b'0') { 0 } else { register(out) }
        };
        let [number, postcode] = [number, postcode].map(|it| low_half(short(it)));
        let national_id = short(national_id);
        let row = Row {
            given,
            surname,
            street,
            email,
            national_id,
            phone: fold::phone(phone),
            number,
            postcode,
            born: fold::date(born, self.dates),
            given_count: 0,
            surname_count: 0,
            source: source.number,
            unique: source.unique,
        };
        self.table.rows.push(row);
        self.table.keys.push(RecordKey(key));
        Ok(())
    }

    /// The table, once every record is in.
    pub fn finish(self) -> Result<Table, TableError> {
        let Table { mut rows, keys, .. } = self.table;
        let mut sorted = keys.clone();
        sorted.sort_unstable();
        if sorted.iter().zip(sorted.iter().skip(1)).any(|(a, b)| a == b) {
            return Err(TableError::Duplicate);
        }
        drop(sorted);
        count(&mut rows, |it| it.given.id(), |it| &mut it.given_count);
        count(&mut rows, |it| it.surname.id(), |it| &mut it.surname_count);
        let head = |it: &Row| (it.surname.prefix(4) << 32 | it.given.prefix(4)).swap_bytes();
        let mut order: Vec<_> = (0_u32..)
            .zip(rows.iter().zip(&keys))
            .map(|(at, (row, key))| (head(row), *key, at))
            .collect();
        order.sort_unstable();
        let keys = order.iter().map(|it| it.1).collect();
        let came: Vec<_> = order.into_iter().map(|it| it.2).collect();
        arrange(&mut rows, came.clone());
        Ok(Table { rows, keys, came })
    }
}

/// Puts at every place the row that the order names for it, without a second copy of the rows.
fn arrange(rows: &mut [Row], mut order: Vec<u32>) {
    let place = |it: u32| usize::try_from(it).unwrap_or(usize::MAX);
    for start in 0..order.len() {
        let mut at = start;
        while let Some(next) = order.get_mut(at) {
            let from = place(std::mem::replace(next, u32::try_from(at).unwrap_or(u32::MAX)));
            if from == start {
                break;
            }
            rows.swap(at, from);
            at = from;
        }
    }
}

/// Tells every row how many have its value.
fn count(rows: &mut [Row], id: impl Fn(&Row) -> u32, of: impl Fn(&mut Row) -> &mut u32) {
    let mut counts: HashMap<u64, u32, BuildHasherDefault<Hashed>> = HashMap::default();
    // A multiplier spreads ids over the table: the map takes its place from high and low bits.
    let spread = |it: &Row| u64::from(id(it)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for row in &*rows {
        *counts.entry(spread(row)).or_default() += 1;
    }
    for row in rows {
        *of(row) = counts.get(&spread(row)).copied().unwrap_or(0);
    }
}

/// Where records come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// Its number among the sources of a job.
    pub number: u16,
    /// Whether it has no duplicates.
    pub unique: bool,
}

/// A hasher over what is a hash already.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for it in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*it);
        }
    }

    fn write_u64(&mut self, it: u64) {
        self.0 = it;
    }
}

/// Multiplied and folded, eight bytes at a time, under a seed.
pub(super) fn hash(seed: u64, value: &[u8]) -> u64 {
    let (words, rest) = value.as_chunks::<8>();
    let mut hash = mix(seed, value.len() as u64);
    for word in words {
        hash = mix(hash, u64::from_le_bytes(*word));
    }
    mix(hash, rest.iter().rev().fold(0, |all, it| all << 8 | u64::from(*it)))
}

/// Both halves of a wide product.
#[expect(clippy::cast_possible_truncation, reason = "both halves are mixed")]
pub(super) const fn mix(a: u64, b: u64) -> u64 {
    let wide = ((a ^ 0xa076_1d64_78bd_642f) as u128) * ((b ^ 0xe703_7ed1_a0b4_28db) as u128);
    (wide ^ (wide >> 64)) as u64
}

#[expect(clippy::cast_possible_truncation, reason = "the low half is what is meant")]
const fn low(it: u64) -> u32 {
    it as u32
}

#[expect(clippy::cast_possible_truncation, reason = "the low half is what is meant")]
const fn low_half(it: u128) -> u64 {
    it as u64
}
