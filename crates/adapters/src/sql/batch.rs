//! Lists in statements, in lengths of powers of two: a statement is prepared once for each length
//! it is seen with, and this way there are few.

/// Rows per statement: SQLite binds at most 32,766 values.
pub(super) const ROWS_MAX: usize = 1_024;

/// The values, the last one repeated until their number is a power of two: what is among them is
/// the same.
pub(super) fn padded<V: Clone>(values: impl IntoIterator<Item = V>) -> Vec<V> {
    let mut values: Vec<V> = values.into_iter().collect();
    if let Some(last) = values.last().cloned() {
        values.resize(values.len().next_power_of_two(), last);
    }
    values
}

/// The items in order, in slices of a power of two and at most `max`: one statement each.
pub(super) fn slices<T>(mut items: &[T], max: usize) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let power = items.len().min(max).checked_ilog2()?;
        let (slice, rest) = items.split_at(1 << power);
        items = rest;
        Some(slice)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_padded_list_has_the_same_values_and_a_length_of_a_power_of_two() {
        for n in 0..70 {
            let values = padded(0..n);
            assert!(values.is_empty() || values.len().is_power_of_two());
            assert!(values.len() < 2 * usize::try_from(n).unwrap().max(1));
            let mut distinct = values;
            distinct.dedup();
            assert_eq!(distinct, (0..n).collect::<Vec<_>>());
        }
    }

    #[test]
    fn slices_are_the_list_in_order_in_lengths_of_powers_of_two_up_to_the_most() {
        for max in [1, 2, 16, 17, 1_000] {
            for n in 0..70 {
                let items: Vec<usize> = (0..n).collect();
                let slices: Vec<_> = slices(&items, max).collect();
                assert!(slices.iter().all(|it| it.len().is_power_of_two() && it.len() <= max));
                assert_eq!(slices.concat(), items);
            }
        }
    }
}
