//! Types and names: what refuses a condition before it ever runs.
//!
//! The type of a field is inferred from its use: one field has one type in one node.

use std::sync::Arc;

use chrono::{Datelike, NaiveDate};
use kernel::{Instant, Period};

use super::{
    Binary, ConditionError, Expr, Kind, OPS_MAX, Type,
    emit::{depth, emit},
    program::{Const, Program, STACK_MAX},
};
use crate::{
    node::{COUNTERS_MAX, Counter, FIELDS_MAX},
    ports::{HISTORY_MAX, OUTCOMES},
};

/// The names a node's conditions may use, and what has been learnt of them so far.
#[derive(Debug, Clone)]
pub struct Names {
    prefix: &'static str,
    open: bool,
    fields: Vec<Arc<str>>,
    types: Vec<Option<Type>>,
    tables: Vec<Arc<str>>,
    counters: Vec<Counter>,
}

impl Names {
    /// The names of a cut: `ctx.` and these fields, nothing else.
    pub fn of_cut(fields: Vec<Arc<str>>) -> Self {
        let types = vec![None; fields.len()];
        Self {
            prefix: "ctx.",
            open: false,
            fields,
            types,
            tables: Vec::new(),
            counters: Vec::new(),
        }
    }

    /// The names of an event's payload: `event.` and whatever the condition reads.
    pub const fn of_event() -> Self {
        Self {
            prefix: "event.",
            open: true,
            fields: Vec::new(),
            types: Vec::new(),
            tables: Vec::new(),
            counters: Vec::new(),
        }
    }

    /// Adds a table that later conditions may read.
    pub fn add_table(&mut self, id: Arc<str>) {
        self.tables.push(id);
    }

    /// Demands a type of a slot, as a trigger does of its anchor.
    pub fn demand(&mut self, slot: usize, wanted: Type) -> Result<(), ConditionError> {
        self.unify(Ty::Slot(slot), Ty::Is(wanted), 0).map(drop)
    }

    /// The fields, by slot.
    pub fn fields(&self) -> &[Arc<str>] {
        &self.fields
    }

    /// The type of each slot, where some condition told.
    pub fn types(&self) -> &[Option<Type>] {
        &self.types
    }

    /// The counts of contact history the conditions read.
    pub fn counters(&self) -> &[Counter] {
        &self.counters
    }

    pub(super) fn slot(&mut self, name: &str, at: usize) -> Result<Option<usize>, ConditionError> {
        let Some(field) = name.strip_prefix(self.prefix) else { return Ok(None) };
        if let Some(slot) = self.fields.iter().position(|it| &**it == field) {
            return Ok(Some(slot));
        }
        if !self.open {
            let message = format!("`{name}` is not in the node's data");
            return Err(ConditionError::new("cel.field", at, message));
        }
        if self.fields.len() == FIELDS_MAX {
            return Err(ConditionError::new("cel.field", at, "too many fields"));
        }
        self.fields.push(field.into());
        self.types.push(None);
        Ok(Some(self.fields.len() - 1))
    }

    fn resolved(&self, ty: Ty) -> Option<Type> {
        match ty {
            Ty::Is(it) => Some(it),
            Ty::Slot(slot) => self.types.get(slot).copied().flatten(),
        }
    }

    fn unify(&mut self, left: Ty, right: Ty, at: usize) -> Result<Type, ConditionError> {
        let found = match (self.resolved(left), self.resolved(right)) {
            (Some(a), Some(b)) if a == b => a,
            (Some(a), Some(b)) => {
                let message = format!("{} is used as {}", a.as_str(), b.as_str());
                return Err(ConditionError::new("cel.type", at, message));
            }
            (Some(it), None) | (None, Some(it)) => it,
            (None, None) => {
                let message = "the type of neither side is known";
                return Err(ConditionError::new("cel.untyped", at, message));
            }
        };
        for ty in [left, right] {
            if let Ty::Slot(slot) = ty
                && let Some(known) = self.types.get_mut(slot)
            {
                *known = Some(found);
            }
        }
        Ok(found)
    }
}

#[derive(Debug, Clone, Copy)]
enum Ty {
    Is(Type),
    /// Whatever the field of this slot turns out to be.
    Slot(usize),
}

pub(super) fn condition(expr: &Expr, names: &mut Names) -> Result<Program, ConditionError> {
    let ty = infer(expr, Some(Type::Bool), names)?;
    names.unify(ty, Ty::Is(Type::Bool), expr.at)?;
    let mut program = Program { ops: Vec::new(), consts: Vec::new(), reads: 0 };
    emit(expr, names, &mut program)?;
    if program.ops.len() > OPS_MAX || depth(&program.ops) > STACK_MAX {
        return Err(ConditionError::new("cel.cost", 0, "the condition is too large"));
    }
    Ok(program)
}

/// The type of an expression; `wanted` settles what its parts leave open.
fn infer(expr: &Expr, wanted: Option<Type>, names: &mut Names) -> Result<Ty, ConditionError> {
    let at = expr.at;
    Ok(match &expr.kind {
        Kind::Bool(_) => Ty::Is(Type::Bool),
        Kind::Int(_) => Ty::Is(Type::Int),
        Kind::Text(_) => Ty::Is(Type::Text),
        Kind::List(_) => {
            return Err(ConditionError::new("cel.list", at, "a list stands only after `in`"));
        }
        Kind::Name(name) => name_type(name, at, names)?,
        Kind::Call(name, arguments) => call_type(name, arguments, at, names)?,
        Kind::Not(inner) => expect(inner, Type::Bool, names)?,
        Kind::Negate(inner) => expect(inner, Type::Int, names)?,
        Kind::Choose(condition, yes, no) => {
            expect(condition, Type::Bool, names)?;
            let (yes, no) = (infer(yes, wanted, names)?, infer(no, wanted, names)?);
            if let Some(wanted) = wanted {
                names.unify(yes, Ty::Is(wanted), at)?;
            }
            Ty::Is(names.unify(yes, no, at)?)
        }
        Kind::Binary(Binary::And | Binary::Or, left, right) => {
            expect(left, Type::Bool, names)?;
            expect(right, Type::Bool, names)?
        }
        Kind::Binary(Binary::Plus | Binary::Minus, left, right) => {
            let minus = matches!(expr.kind, Kind::Binary(Binary::Minus, ..));
            Ty::Is(sum_type(minus, left, right, wanted, at, names)?)
        }
        Kind::Binary(Binary::In, left, right) => {
            let left = infer(left, None, names)?;
            for item in list(right)? {
                let item_type = infer(item, None, names)?;
                names.unify(left, item_type, item.at)?;
            }
            Ty::Is(Type::Bool)
        }
        Kind::Binary(order, left, right) => {
            // The right side is usually the constant one, which tells the left side's type.
            let right = infer(right, None, names)?;
            let wanted = names.resolved(right);
            let left = infer(left, wanted, names)?;
            let common = names.unify(left, right, at)?;
            let equality = matches!(order, Binary::Equal | Binary::Unequal);
            if common == Type::Bool && !equality {
                return Err(ConditionError::new("cel.type", at, "bool has no order"));
            }
            Ty::Is(Type::Bool)
        }
    })
}

fn expect(expr: &Expr, wanted: Type, names: &mut Names) -> Result<Ty, ConditionError> {
    let ty = infer(expr, Some(wanted), names)?;
    names.unify(ty, Ty::Is(wanted), expr.at).map(Ty::Is)
}

pub(super) fn list(expr: &Expr) -> Result<&[Expr], ConditionError> {
    match &expr.kind {
        Kind::List(items) if !items.is_empty() => Ok(items),
        _ => Err(ConditionError::new("cel.list", expr.at, "`in` needs a list of constants")),
    }
}

fn name_type(name: &str, at: usize, names: &mut Names) -> Result<Ty, ConditionError> {
    if let Some(slot) = names.slot(name, at)? {
        return Ok(Ty::Slot(slot));
    }
    match name {
        "as_of" => Ok(Ty::Is(Type::At)),
        "today" => Ok(Ty::Is(Type::Date)),
        "occ.label" | "occ.object" => Ok(Ty::Is(Type::Text)),
        _ if table(name, names).is_some() => Ok(Ty::Is(Type::Text)),
        _ => Err(ConditionError::new("cel.name", at, format!("`{name}` means nothing here"))),
    }
}

pub(super) fn table(name: &str, names: &Names) -> Option<usize> {
    let id = name.strip_prefix("table.")?;
    names.tables.iter().position(|it| &**it == id)
}

fn call_type(
    name: &str,
    arguments: &[Expr],
    at: usize,
    names: &mut Names,
) -> Result<Ty, ConditionError> {
    match (name, arguments) {
        ("days", [from, to]) => {
            expect(from, Type::Date, names)?;
            expect(to, Type::Date, names)?;
            Ok(Ty::Is(Type::Int))
        }
        ("applies", [Expr { kind: Kind::Name(field), at }]) => match names.slot(field, *at)? {
            Some(_) => Ok(Ty::Is(Type::Bool)),
            None => Err(ConditionError::new("cel.call", *at, "`applies` takes a field")),
        },
        ("hist.count", [..]) => {
            let counter = counter(arguments, at)?;
            if !names.counters.contains(&counter) {
                if names.counters.len() == COUNTERS_MAX {
                    return Err(ConditionError::new("cel.counters", at, "too many counters"));
                }
                names.counters.push(counter);
            }
            Ok(Ty::Is(Type::Int))
        }
        ("duration", [..]) => constant(name, arguments, at).map(|_| Ty::Is(Type::Duration)),
        ("date", [..]) => constant(name, arguments, at).map(|_| Ty::Is(Type::Date)),
        ("timestamp", [..]) => constant(name, arguments, at).map(|_| Ty::Is(Type::At)),
        _ => {
            let message = format!("there is no `{name}` with {} arguments", arguments.len());
            Err(ConditionError::new("cel.call", at, message))
        }
    }
}

fn sum_type(
    minus: bool,
    left: &Expr,
    right: &Expr,
    wanted: Option<Type>,
    at: usize,
    names: &mut Names,
) -> Result<Type, ConditionError> {
    let left = infer(left, None, names)?;
    let right = infer(right, None, names)?;
    // `as_of - ctx.x` compared with a duration: the field is a point in time.
    let right_wanted = match (names.resolved(right), names.resolved(left), wanted) {
        (None, Some(Type::Int), _) => Some(Type::Int),
        (None, Some(Type::At), Some(Type::Duration)) if minus => Some(Type::At),
        (None, Some(Type::At), Some(Type::At)) | (None, Some(Type::Duration), _) => {
            Some(Type::Duration)
        }
        _ => None,
    };
    if let Some(wanted) = right_wanted {
        names.unify(right, Ty::Is(wanted), at)?;
    }
    if names.resolved(left).is_none() && names.resolved(right) == Some(Type::Int) {
        names.unify(left, right, at)?;
    }
    match (names.resolved(left), names.resolved(right)) {
        (Some(Type::Int), Some(Type::Int)) => Ok(Type::Int),
        (Some(Type::At), Some(Type::Duration)) => Ok(Type::At),
        (Some(Type::At), Some(Type::At)) if minus => Ok(Type::Duration),
        (Some(Type::Duration), Some(Type::Duration)) => Ok(Type::Duration),
        (Some(_), Some(_)) => {
            Err(ConditionError::new("cel.type", at, "these two cannot be added or subtracted"))
        }
        _ => Err(ConditionError::new("cel.untyped", at, "the type of a field is not known here")),
    }
}

pub(super) fn counter(arguments: &[Expr], at: usize) -> Result<Counter, ConditionError> {
    let [Expr { kind: Kind::Text(outcome), at: named }, Expr { kind: Kind::Text(window), at }] =
        arguments
    else {
        let message = "`hist.count` takes an outcome and a window, both literal";
        return Err(ConditionError::new("cel.call", at, message));
    };
    if !OUTCOMES.contains(&&**outcome) {
        let message = format!(
            "contact history knows no outcome `{outcome}`; it knows `{}`",
            OUTCOMES.join("`, `")
        );
        return Err(ConditionError::new("cel.outcome", *named, message));
    }
    let window: Period = window
        .parse()
        .map_err(|_| ConditionError::new("cel.duration", *at, "not an ISO 8601 duration"))?;
    if window.span() <= chrono::TimeDelta::zero() || window.span() > HISTORY_MAX.span() {
        let message = "a window of contact history is positive and at most 400 days";
        return Err(ConditionError::new("cel.duration", *at, message));
    }
    Ok(Counter { outcome: Arc::clone(outcome), window })
}

pub(super) fn constant(name: &str, arguments: &[Expr], at: usize) -> Result<Const, ConditionError> {
    let error = |message: &str| ConditionError::new("cel.constant", at, message);
    let [Expr { kind: Kind::Text(text), .. }] = arguments else {
        return Err(error("one literal string was expected"));
    };
    match name {
        "duration" => duration(text).map(Const::Duration).ok_or_else(|| error("not a duration")),
        "date" => text
            .parse::<NaiveDate>()
            .map(|it| Const::Date(it.num_days_from_ce()))
            .map_err(|_| error("not a date")),
        _ => text
            .parse::<Instant>()
            .map(|it| Const::At(it.micros()))
            .map_err(|_| error("not an RFC 3339 instant")),
    }
}

/// CEL's durations: `72h`, `1h30m`, `45s`.
fn duration(text: &str) -> Option<i64> {
    let mut total = 0_i64;
    let mut rest = text;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let end = rest.find(|it: char| !it.is_ascii_digit())?;
        let (digits, unit) = rest.split_at(end);
        let seconds = match unit.chars().next()? {
            'h' => 3_600,
            'm' => 60,
            's' => 1,
            _ => return None,
        };
        let n: i64 = digits.parse().ok()?;
        total = total.checked_add(n.checked_mul(seconds)?.checked_mul(1_000_000)?)?;
        rest = unit.get(1..)?;
    }
    Some(total)
}
