//! Restarting: a stop and a start in one operation, told as one.

use super::LocalEngine;
use super::events::Happening;
use crate::error::Result;
use crate::kernel::Signal;

impl LocalEngine {
    /// Stops a container if it runs, and starts it.
    pub(super) fn restart_container(&self, asked: &str, signal: Option<Signal>, grace: Option<i64>) -> Result<()> {
        let id = self.resolve(asked)?;
        self.stop_and(asked, signal, grace, true)?;
        self.start_detached(id.as_str())?;
        self.find_record(&id)?.map_or(Ok(()), |record| self.tell_of(&record, &[Happening::plain("restart")]))
    }
}
