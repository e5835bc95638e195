//! Formatting of number sets as the shortest list of cron elements.

use super::field::Field;

/// The syntax allowed in a list. It matters because `*` at the start changes how day fields combine, and `*` or `/` changes what
/// happens at clock changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ListSyntax {
    Any,
    NoStar,
    NoStarNoStep,
    StarFirst,
    StarOrStep,
}

/// Returns the shortest list of elements for the values of a field within `syntax`; `None` if there is none.
pub(super) fn list(bits: u64, field: &Field, syntax: ListSyntax) -> Option<String> {
    let star = !matches!(syntax, ListSyntax::NoStar | ListSyntax::NoStarNoStep);
    if bits == field.all() && star {
        return Some("*".to_owned());
    }
    let plain = matches!(syntax, ListSyntax::Any | ListSyntax::NoStar | ListSyntax::NoStarNoStep).then(|| runs(&values(bits)));
    if syntax == ListSyntax::NoStarNoStep {
        return plain;
    }
    let stepped = best_progression(bits, field, syntax).map(|(text, covered)| match bits & !covered {
        0 => text,
        rest => format!("{text},{}", list(rest, field, ListSyntax::NoStar).unwrap_or_default()),
    });
    plain.into_iter().chain(stepped).min_by_key(String::len)
}

/// Returns the list of elements for years, which do not fit into a bit set.
pub(super) fn year_list(values: &[u32], field: &Field) -> String {
    match values {
        [first, second, rest @ ..] if !rest.is_empty() => {
            let step = second - first;
            let even = values.windows(2).all(|pair| pair[1] - pair[0] == step);
            let last = values.last().copied().unwrap_or(*first);
            if even && step > 1 { progression(*first, last, step, field, true) } else { runs(values) }
        }
        _ => runs(values),
    }
}

/// Returns the values of a bit set, ascending.
pub(super) fn values(bits: u64) -> Vec<u32> {
    (0..64).filter(|value| bits >> value & 1 == 1).collect()
}

/// Returns the stepped element that makes the list shortest, with the values it covers.
fn best_progression(bits: u64, field: &Field, syntax: ListSyntax) -> Option<(String, u64)> {
    let length = |(text, covered): &(String, u64)| text.len() + runs(&values(bits & !covered)).len();
    progressions(bits, field, syntax).into_iter().min_by_key(length)
}

/// Returns the stepped elements whose values are all in the set, each with the values it covers.
fn progressions(bits: u64, field: &Field, syntax: ListSyntax) -> Vec<(String, u64)> {
    let star = syntax != ListSyntax::NoStar;
    let mut found = Vec::new();
    let has = |value: u32| bits >> value & 1 == 1;
    for first in values(bits).into_iter().filter(|first| syntax != ListSyntax::StarFirst || *first == field.min) {
        let smallest = if syntax == ListSyntax::StarOrStep { 1 } else { 2 };
        let steps = smallest..=field.max.saturating_sub(first);
        // A progression that extends to an earlier value is found from that value.
        for step in steps.filter(|step| has(first + step) && !first.checked_sub(*step).is_some_and(has)) {
            let run = (first..=field.max).step_by(step as usize).take_while(|value| has(*value));
            let covered = run.fold(0_u64, |set, value| set | 1 << value);
            let text = progression(first, covered.ilog2(), step, field, star);
            let min_count = if syntax == ListSyntax::StarOrStep || text.starts_with('*') { 2 } else { 3 };
            if covered.count_ones() >= min_count && (syntax != ListSyntax::StarFirst || text.starts_with('*')) {
                found.push((text, covered));
            }
        }
    }
    found
}

fn progression(first: u32, last: u32, step: u32, field: &Field, star: bool) -> String {
    match last + step > field.max {
        true if first == field.min && star => format!("*/{step}"),
        true => format!("{first}/{step}"),
        false => format!("{first}-{last}/{step}"),
    }
}

/// Formats values as single numbers and ranges.
fn runs(values: &[u32]) -> String {
    let parts: Vec<String> = values
        .chunk_by(|before, after| before + 1 == *after)
        .map(|run| match run {
            [one] => one.to_string(),
            [one, two] => format!("{one},{two}"),
            [first, .., last] => format!("{first}-{last}"),
            [] => String::new(),
        })
        .collect();
    parts.join(",")
}
