//! Refusals: which of many rows is the one because of which the database refuses a transaction.

use super::{Error, Result};

/// A transaction that the database refused.
pub struct Refusal {
    /// The last of its rows.
    pub last: Option<String>,
    pub error: Error,
}

/// Finds by bisection the smallest number of rows, at most `most`, whose transaction is refused; the last of them is the cause. `trial`
/// tries the first rows, without a commit; `None`: the database accepts them.
///
/// # Errors
/// Those of `trial`.
pub async fn smallest<T>(most: i64, mut trial: impl FnMut(i64) -> T) -> Result<Option<Refusal>>
where
    T: Future<Output = Result<Option<Refusal>>>,
{
    let Some(mut refused) = trial(most).await? else { return Ok(None) };
    let (mut accepted, mut count) = (0, most);
    while count - accepted > 1 {
        let middle = accepted + (count - accepted) / 2;
        match trial(middle).await? {
            Some(earlier) => (count, refused) = (middle, earlier),
            None => accepted = middle,
        }
    }
    Ok(Some(refused))
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use super::*;

    #[tokio::test]
    async fn smallest_ends_with_the_first_row_that_is_refused() {
        for (first, most) in [(1, 1), (1, 1000), (2, 1000), (700, 1000), (1000, 1000), (7, 9)] {
            let mut trials = 0;
            let found = smallest(most, |count| {
                trials += 1;
                let error = Error::Conflict("try".to_owned());
                ready(Ok((count >= first).then(|| Refusal { last: Some(count.to_string()), error })))
            });
            let found = found.await.expect("the trials end").and_then(|refused| refused.last);
            assert_eq!(found, Some(first.to_string()), "of {most}");
            assert!(trials <= 11, "{trials} trials");
        }
        assert!(smallest(9, |_| ready(Ok(None))).await.expect("the trials end").is_none());
    }
}
