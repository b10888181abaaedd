//! From a checked expression to postfix code.

use std::sync::Arc;

use super::{
    Binary, ConditionError, Expr, Kind,
    check::{Names, constant, counter, list, table},
    program::{Const, Mask, Op, Order, Program},
};

pub(super) fn emit(
    expr: &Expr,
    names: &mut Names,
    out: &mut Program,
) -> Result<(), ConditionError> {
    let at = expr.at;
    let op = match &expr.kind {
        Kind::Bool(it) => push_const(out, Const::Bool(*it)),
        Kind::Int(it) => push_const(out, Const::Int(*it)),
        Kind::Text(it) => push_const(out, Const::Text(Arc::clone(it))),
        Kind::List(_) => {
            return Err(ConditionError::new("cel.list", at, "a list stands only after `in`"));
        }
        Kind::Name(name) => name_op(name, at, names, out)?,
        Kind::Call(name, arguments) => call_op(name, arguments, at, names, out)?,
        Kind::Not(inner) => {
            emit(inner, names, out)?;
            Op::Not
        }
        Kind::Negate(inner) => {
            emit(inner, names, out)?;
            Op::Negate
        }
        Kind::Choose(condition, yes, no) => {
            for part in [condition, yes, no] {
                emit(part, names, out)?;
            }
            Op::Choose
        }
        Kind::Binary(Binary::In, left, right) => {
            emit(left, names, out)?;
            let from = out.consts.len();
            for item in list(right)? {
                let item = literal(item)?;
                out.consts.push(item);
            }
            Op::In { from, len: out.consts.len() - from }
        }
        Kind::Binary(operator, left, right) => {
            emit(left, names, out)?;
            emit(right, names, out)?;
            binary_op(*operator)
        }
    };
    out.ops.push(op);
    Ok(())
}

const fn binary_op(operator: Binary) -> Op {
    match operator {
        Binary::Or => Op::Or,
        Binary::And => Op::And,
        Binary::Plus => Op::Plus,
        Binary::Minus => Op::Minus,
        Binary::Unequal => Op::Compare(Order::Unequal),
        Binary::Less => Op::Compare(Order::Less),
        Binary::AtMost => Op::Compare(Order::AtMost),
        Binary::Greater => Op::Compare(Order::Greater),
        Binary::AtLeast => Op::Compare(Order::AtLeast),
        Binary::Equal | Binary::In => Op::Compare(Order::Equal),
    }
}

fn push_const(out: &mut Program, value: Const) -> Op {
    out.consts.push(value);
    Op::Const(out.consts.len() - 1)
}

fn read(out: &mut Program, slot: usize) -> usize {
    out.reads |= 1_u64.checked_shl(u32::try_from(slot).unwrap_or(64)).unwrap_or(0) as Mask;
    slot
}

fn name_op(
    name: &str,
    at: usize,
    names: &mut Names,
    out: &mut Program,
) -> Result<Op, ConditionError> {
    if let Some(slot) = names.slot(name, at)? {
        return Ok(Op::Field(read(out, slot)));
    }
    match name {
        "as_of" => Ok(Op::AsOf),
        "today" => Ok(Op::Today),
        "occ.label" => Ok(Op::Label),
        "occ.object" => Ok(Op::Object),
        _ => table(name, names).map(Op::Table).ok_or_else(|| {
            ConditionError::new("cel.name", at, format!("`{name}` means nothing here"))
        }),
    }
}

fn call_op(
    name: &str,
    arguments: &[Expr],
    at: usize,
    names: &mut Names,
    out: &mut Program,
) -> Result<Op, ConditionError> {
    match (name, arguments) {
        ("days", [from, to]) => {
            emit(from, names, out)?;
            emit(to, names, out)?;
            Ok(Op::Days)
        }
        ("applies", [Expr { kind: Kind::Name(field), at }]) => match names.slot(field, *at)? {
            Some(slot) => Ok(Op::Applies(read(out, slot))),
            None => Err(ConditionError::new("cel.call", *at, "`applies` takes a field")),
        },
        ("hist.count", _) => {
            let wanted = counter(arguments, at)?;
            names
                .counters()
                .iter()
                .position(|it| *it == wanted)
                .map(Op::Count)
                .ok_or_else(|| ConditionError::new("cel.counters", at, "an unknown counter"))
        }
        _ => constant(name, arguments, at).map(|it| push_const(out, it)),
    }
}

fn literal(expr: &Expr) -> Result<Const, ConditionError> {
    match &expr.kind {
        Kind::Bool(it) => Ok(Const::Bool(*it)),
        Kind::Int(it) => Ok(Const::Int(*it)),
        Kind::Text(it) => Ok(Const::Text(Arc::clone(it))),
        Kind::Call(name, arguments)
            if matches!(name.as_str(), "duration" | "date" | "timestamp") =>
        {
            constant(name, arguments, expr.at)
        }
        _ => Err(ConditionError::new("cel.list", expr.at, "a list holds constants only")),
    }
}

/// The deepest stack the code needs.
pub(super) fn depth(ops: &[Op]) -> usize {
    let (mut now, mut most) = (0_usize, 0);
    for op in ops {
        now = match op {
            Op::Const(_)
            | Op::Field(_)
            | Op::Applies(_)
            | Op::Count(_)
            | Op::Table(_)
            | Op::AsOf
            | Op::Today
            | Op::Label
            | Op::Object => now + 1,
            Op::Not | Op::Negate | Op::In { .. } => now,
            Op::Choose => now.saturating_sub(2),
            Op::And | Op::Or | Op::Compare(_) | Op::Plus | Op::Minus | Op::Days => {
                now.saturating_sub(1)
            }
        };
        most = most.max(now);
    }
    most
}
