//! The three functions that a page calls.

use crate::Session;
use std::cell::RefCell;

/// What is kept from one call to the next.
#[derive(Default)]
struct Kept {
    session: Option<Session>,
    request: Vec<u8>,
    answer: Vec<u8>,
}

thread_local! {
    static KEPT: RefCell<Kept> = RefCell::default();
}

/// Makes room for a request of so many bytes, and answers where.
#[unsafe(no_mangle)]
pub extern "C" fn drydock_input(length: usize) -> *mut u8 {
    KEPT.with_borrow_mut(|kept| {
        kept.request = vec![0; length];
        kept.request.as_mut_ptr()
    })
}

/// Does the request, and answers where its answer is.
#[unsafe(no_mangle)]
pub extern "C" fn drydock_call() -> *const u8 {
    KEPT.with_borrow_mut(|kept| {
        let request = std::mem::take(&mut kept.request);
        kept.answer = crate::call(&mut kept.session, &request);
        kept.answer.as_ptr()
    })
}

/// How many bytes the answer has.
#[unsafe(no_mangle)]
pub extern "C" fn drydock_length() -> usize {
    KEPT.with_borrow(|kept| kept.answer.len())
}
