//! A kernel that does not do everything it is asked to, or does it otherwise.

use drydock_conformance::wrapped::Between;
use drydock_core::Result;
use drydock_core::id::ContainerId;
use drydock_core::kernel::{Kernel, Launch, Process, Request, Step};

/// What is wrong with a kernel.
#[derive(Clone, Copy, Default)]
pub struct Bugs {
    /// Steps that are said to be done, and are not.
    pub skip: Option<fn(&Step) -> bool>,
    /// What becomes of a step.
    pub change: Option<fn(&mut Step)>,
    /// What becomes of a process that is to be made.
    pub launch: Option<fn(&mut Launch)>,
    /// What becomes of a request to a supervisor.
    pub request: Option<fn(&mut Request)>,
}

impl Between for Bugs {
    fn perform(&self, kernel: &dyn Kernel, step: &Step, child: Option<&Process>) -> Result<()> {
        if self.skip.is_some_and(|skip| skip(step)) {
            return Ok(());
        }
        let mut step = step.clone();
        if let Some(change) = self.change {
            change(&mut step);
        }
        kernel.perform(&step, child)
    }

    fn launch(&self, kernel: &dyn Kernel, launch: &Launch) -> Result<Process> {
        let mut launch = launch.clone();
        if let Some(change) = self.launch {
            change(&mut launch);
        }
        kernel.launch(&launch)
    }

    fn request(&self, kernel: &dyn Kernel, id: &ContainerId, request: &Request) -> Result<()> {
        let mut request = request.clone();
        if let Some(change) = self.request {
            change(&mut request);
        }
        kernel.request(id, &request)
    }
}
