//! Postfix code over slots, and its evaluation in three truth values.

use std::sync::Arc;

use chrono::{Datelike, NaiveDate};
use kernel::{Instant, Known, Value};

use super::Type;

/// Which fields an unknown is owed to: one bit per slot, and three of their own.
pub type Mask = u64;

/// The bit of an arithmetic error.
pub const ERROR_BIT: Mask = 1 << 63;
/// The bit of contact history.
pub const HISTORY_BIT: Mask = 1 << 62;
/// The bit of a table no row of which held.
pub const TABLE_BIT: Mask = 1 << 61;

/// The deepest stack of a program; the checker refuses what needs more.
pub(super) const STACK_MAX: usize = 32;

/// A value during evaluation; text is borrowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell<'a> {
    /// Not known, because of these.
    Unknown(Mask),
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Text.
    Text(&'a str),
    /// Microseconds after the epoch.
    At(i64),
    /// Microseconds.
    Duration(i64),
    /// Days of the common era.
    Date(i32),
}

impl Cell<'_> {
    /// Whom an unknown is owed to; nobody where it is known.
    pub const fn blame(self) -> Mask {
        match self {
            Self::Unknown(mask) => mask,
            _ => 0,
        }
    }
}

/// What a condition may look at.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// The cut, by slot.
    pub fields: &'a [Known<Value>],
    /// The type each slot is used as.
    pub types: &'a [Option<Type>],
    /// The instant of judgement.
    pub as_of: Instant,
    /// The local date of the occurrence.
    pub today: NaiveDate,
    /// The offset of the occurrence.
    pub label: &'a str,
    /// The id of the object.
    pub object: &'a str,
    /// Counts of contact history, by counter.
    pub counts: &'a [Option<u32>],
    /// What the tables said, by table.
    pub tables: &'a [Cell<'a>],
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Const {
    Bool(bool),
    Int(i64),
    Text(Arc<str>),
    At(i64),
    Duration(i64),
    Date(i32),
}

impl Const {
    fn cell(&self) -> Cell<'_> {
        match self {
            Self::Bool(it) => Cell::Bool(*it),
            Self::Int(it) => Cell::Int(*it),
            Self::Text(it) => Cell::Text(it),
            Self::At(it) => Cell::At(*it),
            Self::Duration(it) => Cell::Duration(*it),
            Self::Date(it) => Cell::Date(*it),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Equal,
    Unequal,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Const(usize),
    Field(usize),
    Applies(usize),
    Count(usize),
    Table(usize),
    AsOf,
    Today,
    Label,
    Object,
    Not,
    Negate,
    And,
    Or,
    Compare(Order),
    /// Whether the top is one of a stretch of constants.
    In {
        from: usize,
        len: usize,
    },
    Plus,
    Minus,
    Days,
    Choose,
}

/// A compiled condition.
#[derive(Debug, Clone, PartialEq)]
pub struct Program {
    pub(super) ops: Vec<Op>,
    pub(super) consts: Vec<Const>,
    pub(super) reads: Mask,
}

impl Program {
    /// The condition that is never known.
    pub(crate) const fn never() -> Self {
        Self { ops: Vec::new(), consts: Vec::new(), reads: 0 }
    }

    /// The slots it reads.
    pub const fn reads(&self) -> Mask {
        self.reads
    }

    /// How much it costs to run: instructions, with the lists they search.
    pub fn cost(&self) -> usize {
        let searched = |it: &Op| if let Op::In { len, .. } = it { *len } else { 0 };
        self.ops.len() + self.ops.iter().map(searched).sum::<usize>()
    }

    /// The answer. Total: a fault of the program is an unknown with [`ERROR_BIT`].
    pub fn run<'a>(&'a self, scope: &Scope<'a>) -> Cell<'a> {
        let mut stack = Stack { cells: [Cell::Unknown(ERROR_BIT); STACK_MAX], len: 0 };
        for op in &self.ops {
            let cell = match *op {
                Op::Const(i) => self.consts.get(i).map_or(Cell::Unknown(ERROR_BIT), Const::cell),
                Op::Field(slot) => field(scope, slot),
                Op::Applies(slot) => applies(scope, slot),
                Op::Count(i) => match scope.counts.get(i) {
                    Some(Some(n)) => Cell::Int(i64::from(*n)),
                    Some(None) | None => Cell::Unknown(HISTORY_BIT),
                },
                Op::Table(i) => scope.tables.get(i).copied().unwrap_or(Cell::Unknown(ERROR_BIT)),
                Op::AsOf => Cell::At(scope.as_of.micros()),
                Op::Today => Cell::Date(scope.today.num_days_from_ce()),
                Op::Label => Cell::Text(scope.label),
                Op::Object => Cell::Text(scope.object),
                Op::Not => not(stack.pop()),
                Op::Negate => negate(stack.pop()),
                Op::In { from, len } => self.within(stack.pop(), from, len),
                Op::Choose => {
                    let (no, yes, condition) = (stack.pop(), stack.pop(), stack.pop());
                    choose(condition, yes, no)
                }
                Op::And | Op::Or | Op::Compare(_) | Op::Plus | Op::Minus | Op::Days => {
                    let right = stack.pop();
                    binary(*op, stack.pop(), right)
                }
            };
            stack.push(cell);
        }
        stack.pop()
    }

    fn within<'a>(&'a self, needle: Cell<'a>, from: usize, len: usize) -> Cell<'a> {
        if let Cell::Unknown(_) = needle {
            return needle;
        }
        let hay = self.consts.get(from..from + len).unwrap_or_default();
        Cell::Bool(hay.iter().any(|it| it.cell() == needle))
    }
}

struct Stack<'a> {
    cells: [Cell<'a>; STACK_MAX],
    len: usize,
}

impl<'a> Stack<'a> {
    fn push(&mut self, cell: Cell<'a>) {
        if let Some(slot) = self.cells.get_mut(self.len) {
            *slot = cell;
            self.len += 1;
        }
    }

    fn pop(&mut self) -> Cell<'a> {
        self.len = self.len.saturating_sub(1);
        self.cells.get(self.len).copied().unwrap_or(Cell::Unknown(ERROR_BIT))
    }
}

const fn bit(slot: usize) -> Mask {
    if slot < 61 { 1 << slot } else { ERROR_BIT }
}

fn field<'a>(scope: &Scope<'a>, slot: usize) -> Cell<'a> {
    let unknown = Cell::Unknown(bit(slot));
    let Some(Known::Is { value, .. }) = scope.fields.get(slot) else { return unknown };
    let (cell, is) = match value {
        Value::Bool(it) => (Cell::Bool(*it), Type::Bool),
        Value::Int(it) => (Cell::Int(*it), Type::Int),
        Value::Text(it) => (Cell::Text(it), Type::Text),
        Value::At(it) => (Cell::At(it.micros()), Type::At),
        Value::Date(it) => (Cell::Date(it.num_days_from_ce()), Type::Date),
        Value::Money(_) | Value::List(_) => return unknown,
    };
    if scope.types.get(slot) == Some(&Some(is)) { cell } else { unknown }
}

fn applies<'a>(scope: &Scope<'a>, slot: usize) -> Cell<'a> {
    match scope.fields.get(slot) {
        Some(Known::Is { .. }) => Cell::Bool(true),
        Some(Known::NotApplicable(_)) => Cell::Bool(false),
        Some(Known::Unknown(_)) | None => Cell::Unknown(bit(slot)),
    }
}

const fn not(cell: Cell<'_>) -> Cell<'_> {
    match cell {
        Cell::Bool(it) => Cell::Bool(!it),
        Cell::Unknown(_) => cell,
        _ => Cell::Unknown(ERROR_BIT),
    }
}

fn negate(cell: Cell<'_>) -> Cell<'_> {
    match cell {
        Cell::Int(it) => it.checked_neg().map_or(Cell::Unknown(ERROR_BIT), Cell::Int),
        Cell::Unknown(_) => cell,
        _ => Cell::Unknown(ERROR_BIT),
    }
}

const fn choose<'a>(condition: Cell<'a>, yes: Cell<'a>, no: Cell<'a>) -> Cell<'a> {
    match condition {
        Cell::Bool(true) => yes,
        Cell::Bool(false) => no,
        Cell::Unknown(_) => condition,
        _ => Cell::Unknown(ERROR_BIT),
    }
}

fn binary<'a>(op: Op, left: Cell<'a>, right: Cell<'a>) -> Cell<'a> {
    match (op, left, right) {
        (Op::And, Cell::Bool(false), _) | (Op::And, _, Cell::Bool(false)) => Cell::Bool(false),
        (Op::Or, Cell::Bool(true), _) | (Op::Or, _, Cell::Bool(true)) => Cell::Bool(true),
        (_, Cell::Unknown(_), _) | (_, _, Cell::Unknown(_)) => {
            Cell::Unknown(left.blame() | right.blame())
        }
        (Op::And, Cell::Bool(a), Cell::Bool(b)) => Cell::Bool(a && b),
        (Op::Or, Cell::Bool(a), Cell::Bool(b)) => Cell::Bool(a || b),
        (Op::Compare(order), ..) => compare(order, left, right),
        (Op::Plus | Op::Minus | Op::Days, ..) => {
            arithmetic(op, left, right).unwrap_or(Cell::Unknown(ERROR_BIT))
        }
        _ => Cell::Unknown(ERROR_BIT),
    }
}

fn compare<'a>(order: Order, left: Cell<'a>, right: Cell<'a>) -> Cell<'a> {
    let ordering = match (left, right) {
        (Cell::Bool(a), Cell::Bool(b)) => a.cmp(&b),
        (Cell::Int(a), Cell::Int(b))
        | (Cell::At(a), Cell::At(b))
        | (Cell::Duration(a), Cell::Duration(b)) => a.cmp(&b),
        (Cell::Text(a), Cell::Text(b)) => a.cmp(b),
        (Cell::Date(a), Cell::Date(b)) => a.cmp(&b),
        _ => return Cell::Unknown(ERROR_BIT),
    };
    Cell::Bool(match order {
        Order::Equal => ordering.is_eq(),
        Order::Unequal => ordering.is_ne(),
        Order::Less => ordering.is_lt(),
        Order::AtMost => ordering.is_le(),
        Order::Greater => ordering.is_gt(),
        Order::AtLeast => ordering.is_ge(),
    })
}

fn arithmetic<'a>(op: Op, left: Cell<'a>, right: Cell<'a>) -> Option<Cell<'a>> {
    Some(match (op, left, right) {
        (Op::Plus, Cell::Int(a), Cell::Int(b)) => Cell::Int(a.checked_add(b)?),
        (Op::Minus, Cell::Int(a), Cell::Int(b)) => Cell::Int(a.checked_sub(b)?),
        (Op::Plus, Cell::At(a), Cell::Duration(b)) => Cell::At(a.checked_add(b)?),
        (Op::Minus, Cell::At(a), Cell::Duration(b)) => Cell::At(a.checked_sub(b)?),
        (Op::Minus, Cell::At(a), Cell::At(b))
        | (Op::Minus, Cell::Duration(a), Cell::Duration(b)) => Cell::Duration(a.checked_sub(b)?),
        (Op::Plus, Cell::Duration(a), Cell::Duration(b)) => Cell::Duration(a.checked_add(b)?),
        (Op::Days, Cell::Date(from), Cell::Date(to)) => Cell::Int(i64::from(to) - i64::from(from)),
        _ => return None,
    })
}
