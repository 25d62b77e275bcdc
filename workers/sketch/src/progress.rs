//! Telling how far a rendering is, and learning that it should stop.
//!
//! Every renderer calls [`Progress::step`] between pieces of work of a few milliseconds. A step may end
//! the rendering: the caller said stop, or a fault was asked for.

use std::ops::ControlFlow;
use std::time::Duration;

use crate::faults::Faults;
use crate::{RenderError, Step};

/// Why a rendering ended early.
#[derive(Debug)]
pub enum Halt {
    /// As the caller will see it.
    Error(RenderError),
    /// The output failed for good; the reason is for the person who asked for it.
    Failed(String),
}

impl From<RenderError> for Halt {
    fn from(error: RenderError) -> Self {
        Self::Error(error)
    }
}

/// The caller's ear, with the faults that strike on the way.
pub struct Progress<'a> {
    on_step: &'a mut dyn FnMut(Step) -> ControlFlow<()>,
    faults: Faults,
    told: f64,
    paused_ms: u64,
}

impl<'a> Progress<'a> {
    /// A pause is cut into slices no longer than this, so that a stop is noticed soon.
    const SLICE_MS_MAX: u64 = 20;
    /// Requested faults strike here.
    const FAULT_AT: f64 = 0.5;

    /// Progress at 0 that reports to `on_step`.
    pub fn new(on_step: &'a mut dyn FnMut(Step) -> ControlFlow<()>, faults: Faults) -> Self {
        Self { on_step, faults, told: 0.0, paused_ms: 0 }
    }

    /// `done` of `total` pieces are finished. The fraction never falls, and stays below 1 until
    /// [`Progress::finish`].
    pub fn step(&mut self, done: u32, total: u32, stage: &str) -> Result<(), Halt> {
        const BEFORE_ENCODING_MAX: f64 = 0.99;
        let share = f64::from(done) / f64::from(total.max(1));
        let fraction = (share * BEFORE_ENCODING_MAX).clamp(self.told, BEFORE_ENCODING_MAX);
        self.tell(fraction, stage)?;
        if fraction >= Self::FAULT_AT {
            self.strike()?;
        }
        // Cumulative, so that fewer milliseconds than steps still add up to what was asked for.
        let due_ms = self.faults.slow_ms.saturating_mul(u64::from(done.min(total))) / u64::from(total.max(1));
        self.pause(due_ms.saturating_sub(self.paused_ms), stage)
    }

    /// All is done: the one report of 1.
    pub fn finish(&mut self, stage: &str) -> Result<(), Halt> {
        self.strike()?;
        self.tell(1.0, stage)
    }

    fn tell(&mut self, fraction: f64, stage: &str) -> Result<(), Halt> {
        self.told = fraction;
        match (self.on_step)(Step { fraction, stage }) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(RenderError::Stopped.into()),
        }
    }

    fn strike(&mut self) -> Result<(), Halt> {
        if self.faults.crash {
            return Err(RenderError::Crash.into());
        }
        if self.faults.fail {
            return Err(Halt::Failed("the sketch parameter asked for a failure".to_owned()));
        }
        Ok(())
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a renderer has a thread of its own; the pause is the requested work"
    )]
    fn pause(&mut self, mut left_ms: u64, stage: &str) -> Result<(), Halt> {
        while left_ms > 0 {
            let slice_ms = left_ms.min(Self::SLICE_MS_MAX);
            std::thread::sleep(Duration::from_millis(slice_ms));
            left_ms -= slice_ms;
            self.paused_ms += slice_ms;
            self.tell(self.told, stage)?;
        }
        Ok(())
    }
}
