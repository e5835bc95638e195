//! A sleep that is accurate to a fraction of a millisecond. Tokio's timers round up to the next millisecond and more, which would be
//! most of the delay of a run.

#[cfg(not(target_os = "linux"))]
mod thread;
#[cfg(target_os = "linux")]
mod timerfd;

#[cfg(not(target_os = "linux"))]
pub use thread::sleep;
#[cfg(target_os = "linux")]
pub use timerfd::sleep;

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::{Duration, Instant};

    use super::*;

    #[tokio::test]
    async fn sleepers_wake_in_the_order_of_their_times_and_none_too_early() {
        let order = Mutex::new(Vec::new());
        let order_of = async |millis: u64| {
            let started = Instant::now();
            sleep(Duration::from_millis(millis)).await;
            assert!(started.elapsed() >= Duration::from_millis(millis), "{millis}");
            order.lock().unwrap().push(millis);
        };
        let given_up = tokio::time::timeout(Duration::from_millis(1), sleep(Duration::from_secs(3600)));
        let _ = tokio::join!(order_of(300), order_of(5), order_of(100), given_up);
        assert_eq!(*order.lock().unwrap(), [5, 100, 300]);
    }

    #[tokio::test]
    async fn sleep_of_no_time_ends() {
        sleep(Duration::ZERO).await;
    }
}
