//! What the administrator has ordered: a few steps, each begun when the one before is done, with a line for each.
//! Pure: the steps are done elsewhere; here is which of them is next, and what is answered in the end.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use super::admin::Reply;
use crate::ipc::ProcessId;

/// An order that is not done by then is given up; what was begun goes on by itself.
pub const DONE_WITHIN: Duration = Duration::from_secs(60);

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Put a fresh process in the place of this one.
    Replace(ProcessId),
    /// Send the clients of an instance to the others, and end it.
    Stop(u16),
    /// Let so many instances run: start one more, if there are fewer.
    GrowTo(u16),
    /// Never let fewer instances run.
    Keep(u16),
}

/// A step that has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// Another process than this one is to take the place.
    Replacing(ProcessId, Option<u32>),
    /// The instance is to be gone.
    Stopping(u16),
    /// The instance is to be ready.
    Starting(u16),
    /// There are never to be fewer than so many.
    Keeping(u16),
}

/// What comes next of an order.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// Begin this.
    Begin(Step),
    /// See whether this is done.
    Check(Begun),
    /// Nothing is left.
    Done,
}

/// An order that is being carried out.
#[derive(Debug)]
pub struct Order {
    steps: VecDeque<Step>,
    begun: Option<Begun>,
    lines: Vec<String>,
    reply: Reply,
    until: Instant,
}

impl Order {
    /// An order of these steps.
    pub fn new(steps: impl IntoIterator<Item = Step>, reply: Reply, now: Instant) -> Self {
        let steps = steps.into_iter().collect();
        Self { steps, begun: None, lines: Vec::new(), reply, until: now + DONE_WITHIN }
    }

    /// What comes next.
    pub fn next(&mut self) -> Next {
        match self.begun {
            Some(begun) => Next::Check(begun),
            None => self.steps.pop_front().map_or(Next::Done, Next::Begin),
        }
    }

    /// A step has begun.
    pub fn begins(&mut self, begun: Begun) {
        self.begun = Some(begun);
    }

    /// The step is done, and this tells of it.
    pub fn has_done(&mut self, line: String) {
        self.begun = None;
        self.lines.push(line);
    }

    /// Whether it takes too long.
    pub fn is_overdue(&self, now: Instant) -> bool {
        now >= self.until
    }

    /// All is done: answers with a line for each step.
    pub fn succeed(self) {
        let _ = self.reply.send(Ok(self.lines));
    }

    /// It cannot be done; answers with the reason, and how far it was done.
    pub fn fail(self, why: String) {
        let before = if self.lines.is_empty() { "" } else { "; before that: " };
        let _ = self.reply.send(Err(format!("{why}{before}{}", self.lines.join(", "))));
    }
}
