//! Registries that lie, each in one way.

use super::{Answered, Asked};

/// A lie, and when it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lie {
    /// Requests that have this in `METHOD TARGET`.
    pub on: String,
    /// How often; then the truth.
    pub times: u32,
    /// What is changed.
    pub how: How,
}

/// What is changed about a true answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum How {
    /// Another answer altogether.
    Instead(Answered),
    /// One bit of the body is another.
    Flip(usize),
    /// The connection ends after so many bytes of the body.
    Cut(usize),
    /// Nothing more comes after so many bytes of the body.
    Stall(usize),
    /// The body is shorter than it should be, and says so.
    Shorten(usize),
    /// These bytes come after the body, as part of it.
    Append(Vec<u8>),
    /// The body's length is said to be another.
    Claim(u64),
    /// A header has another value, or there is one more.
    Header(String, String),
    /// So many headers come on top.
    Flood(usize),
}

impl Lie {
    pub(super) fn is_on(&self, asked: &Asked) -> bool {
        self.times > 0 && format!("{} {}", asked.method, asked.target).contains(&self.on)
    }

    pub(super) fn tell(&self, mut answer: Answered) -> Answered {
        match &self.how {
            How::Instead(other) => return other.clone(),
            How::Flip(at) => {
                if let Some(byte) = answer.body.get_mut(*at) {
                    *byte ^= 1;
                }
            }
            How::Cut(after) => answer.cut = Some(*after),
            How::Stall(after) => answer.stall = Some(*after),
            How::Shorten(to) => answer.body.truncate(*to),
            How::Append(more) => answer.body.extend_from_slice(more),
            How::Claim(length) => answer.claimed = Some(*length),
            How::Header(name, value) => {
                answer.headers.retain(|(known, _)| known != name);
                answer.headers.push((name.clone(), value.clone()));
            }
            How::Flood(count) => answer.headers.extend((0..*count).map(|i| (format!("x-flood-{i}"), "x".repeat(1000)))),
        }
        answer
    }
}
