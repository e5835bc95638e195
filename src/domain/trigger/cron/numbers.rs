//! Writing a set of numbers as the shortest list of elements.

use super::field::Field;

/// What signs a list may hold; they decide about days (`*` first) and clock changes (`*` and `/`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signs {
    Any,
    NoStar,
    NoStarNoStep,
    StarFirst,
    StarOrStep,
}

/// The shortest list of elements for the values of a field, of those that `signs` allows; `None`: there is none.
pub(super) fn list(bits: u64, field: &Field, signs: Signs) -> Option<String> {
    let star = !matches!(signs, Signs::NoStar | Signs::NoStarNoStep);
    if bits == field.all() && star {
        return Some("*".to_owned());
    }
    let plain = matches!(signs, Signs::Any | Signs::NoStar | Signs::NoStarNoStep).then(|| runs(&values(bits)));
    if signs == Signs::NoStarNoStep {
        return plain;
    }
    let stepped = best_progression(bits, field, signs).map(|(text, covered)| match bits & !covered {
        0 => text,
        rest => format!("{text},{}", list(rest, field, Signs::NoStar).unwrap_or_default()),
    });
    plain.into_iter().chain(stepped).min_by_key(String::len)
}

/// As `list`, for values too many for bits.
pub(super) fn long_list(values: &[u32], field: &Field) -> String {
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

/// Ascending values of a bit set.
pub(super) fn values(bits: u64) -> Vec<u32> {
    (0..64).filter(|value| bits >> value & 1 == 1).collect()
}

/// The stepped element that leaves the least to write, with the values it covers.
fn best_progression(bits: u64, field: &Field, signs: Signs) -> Option<(String, u64)> {
    let length = |(text, covered): &(String, u64)| text.len() + runs(&values(bits & !covered)).len();
    progressions(bits, field, signs).into_iter().min_by_key(length)
}

/// The stepped elements that fit into a set, each with the values it covers.
fn progressions(bits: u64, field: &Field, signs: Signs) -> Vec<(String, u64)> {
    let star = signs != Signs::NoStar;
    let mut found = Vec::new();
    let has = |value: u32| bits >> value & 1 == 1;
    for first in values(bits).into_iter().filter(|first| signs != Signs::StarFirst || *first == field.min) {
        let smallest = if signs == Signs::StarOrStep { 1 } else { 2 };
        let steps = smallest..=field.max.saturating_sub(first);
        // One that could begin earlier is found there.
        for step in steps.filter(|step| has(first + step) && !first.checked_sub(*step).is_some_and(has)) {
            let run = (first..=field.max).step_by(step as usize).take_while(|value| has(*value));
            let covered = run.fold(0_u64, |set, value| set | 1 << value);
            let text = progression(first, covered.ilog2(), step, field, star);
            let worth = if signs == Signs::StarOrStep || text.starts_with('*') { 2 } else { 3 };
            if covered.count_ones() >= worth && (signs != Signs::StarFirst || text.starts_with('*')) {
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

/// Single values and ranges.
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
