//! Jobs on a few threads.

use drydock_core::registry::transport::Job;
use std::collections::VecDeque;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How often the calling thread looks what has happened.
const GLANCE: Duration = Duration::from_millis(60);

/// Runs jobs in their order, so many at a time; calls `meanwhile` until all have ended.
pub(super) fn run(width: usize, jobs: Vec<Job<'_>>, meanwhile: &mut dyn FnMut()) {
    let width = width.clamp(1, jobs.len().max(1));
    let waiting: Mutex<VecDeque<Job<'_>>> = Mutex::new(jobs.into());
    let (sender, ended) = channel::<()>();
    std::thread::scope(|scope| {
        for _ in 0..width {
            let (waiting, sender) = (&waiting, sender.clone());
            scope.spawn(move || {
                // Held until this thread ends, however it ends.
                let _sender = sender;
                loop {
                    let job = waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                    let Some(job) = job else { return };
                    job();
                }
            });
        }
        drop(sender);
        while ended.recv_timeout(GLANCE) == Err(RecvTimeoutError::Timeout) {
            meanwhile();
        }
    });
    meanwhile();
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn never_more_than_so_many_at_a_time() {
        let (now, most, done) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
        let jobs: Vec<Job<'_>> = (0..9)
            .map(|_| {
                Box::new(|| {
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::thread::sleep(Duration::from_millis(5));
                    now.fetch_sub(1, Ordering::SeqCst);
                    done.fetch_add(1, Ordering::SeqCst);
                }) as Job<'_>
            })
            .collect();
        let mut looked = 0;
        run(3, jobs, &mut || looked += 1);
        assert_eq!((done.into_inner(), most.into_inner()), (9, 3));
        assert!(looked >= 1);
    }
}
