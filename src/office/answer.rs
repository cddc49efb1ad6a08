//! What the office says when it cannot do what was asked.

/// Why a use case did not happen. Nothing was changed when this is returned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The caller can mend it: bad input, or a rule refused. Exit code 1.
    #[error("{0}")]
    Caller(String),
    /// Ours: a disk, a damaged file, a bug. Exit code 2.
    #[error("{0}")]
    Ours(String),
}

impl From<store::StoreError> for Refusal {
    fn from(error: store::StoreError) -> Refusal {
        Refusal::Ours(error.to_string())
    }
}

/// The office's answer.
pub type Answer<T> = Result<T, Refusal>;

/// A refusal the caller can mend.
pub fn refuse<T>(why: impl std::fmt::Display) -> Answer<T> {
    Err(Refusal::Caller(why.to_string()))
}

/// Turns any error into one of ours, with what was being done.
pub trait OrOurs<T> {
    /// `what` could not be done.
    ///
    /// # Errors
    /// The same error, told as ours.
    fn or_ours(self, what: &str) -> Answer<T>;
}

impl<T, E: std::fmt::Display> OrOurs<T> for Result<T, E> {
    fn or_ours(self, what: &str) -> Answer<T> {
        self.map_err(|error| Refusal::Ours(format!("{what}: {error}")))
    }
}

/// Turns any error into one the caller can mend.
pub trait OrCaller<T> {
    /// The input was not usable.
    ///
    /// # Errors
    /// The same error, told as the caller's.
    fn or_caller(self) -> Answer<T>;
}

impl<T, E: std::fmt::Display> OrCaller<T> for Result<T, E> {
    fn or_caller(self) -> Answer<T> {
        self.map_err(|error| Refusal::Caller(error.to_string()))
    }
}
