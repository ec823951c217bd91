//! What the page asks of the live side of the process and of the supervisor, which run on another thread.

use std::{cell::RefCell, collections::VecDeque, net::IpAddr, rc::Rc, time::Duration};

use serde::Serialize;
use tokio::sync::{mpsc, oneshot};

use crate::{
    access::Charge,
    ipc::control::{Control, Report},
    protocol::ErrorCode,
    wfe::{administration::Administration, problem::Problem, sessions::Sessions},
};

/// Questions that may wait.
const MAX_QUESTIONS: usize = 64;
/// How long an answer may take.
const ANSWERED_WITHIN: Duration = Duration::from_secs(5);

/// A question, and where its answer goes.
pub enum Question {
    /// A line of JSON for each process of the server.
    Processes(oneshot::Sender<Vec<String>>),
    /// Who of an organisation is connected.
    Connected(Charge, oneshot::Sender<Vec<Connected>>),
    /// Approve a group for streaming, or withdraw that: how many streams that has ended, or why not.
    Approve {
        charge: Charge,
        group: String,
        approved: bool,
        address: IpAddr,
        answer: oneshot::Sender<Result<usize, String>>,
    },
}

/// A stream of somebody's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Connected {
    /// A user's name, or an application's id.
    pub name: String,
    /// How many Things are open over it.
    pub things: usize,
}

/// Asks.
#[derive(Clone)]
pub struct LiveSide(mpsc::Sender<Question>);

/// Where questions arrive.
pub type Questions = mpsc::Receiver<Question>;

impl LiveSide {
    pub fn new() -> (Self, Questions) {
        let (sender, questions) = mpsc::channel(MAX_QUESTIONS);
        (Self(sender), questions)
    }

    /// Asks, and waits for the answer.
    pub async fn ask<T>(&self, question: impl FnOnce(oneshot::Sender<T>) -> Question) -> Result<T, Problem> {
        let (answer, answered) = oneshot::channel();
        let asking = async {
            self.0.send(question(answer)).await.ok()?;
            answered.await.ok()
        };
        let answer = tokio::time::timeout(ANSWERED_WITHIN, asking).await.ok().flatten();
        answer.ok_or_else(|| ErrorCode::Unavailable.into())
    }
}

/// Answers, on the live side.
pub struct Answers {
    administration: Rc<Administration>,
    sessions: Rc<Sessions>,
    control: Control,
    /// Who waits to hear of the processes, in the order in which the supervisor was asked.
    waiting: RefCell<VecDeque<oneshot::Sender<Vec<String>>>>,
}

impl Answers {
    pub fn new(administration: Rc<Administration>, sessions: Rc<Sessions>, control: Control) -> Self {
        Self { administration, sessions, control, waiting: RefCell::default() }
    }

    /// Answers until nobody can ask any more.
    pub async fn run(self: Rc<Self>, mut questions: Questions) {
        while let Some(question) = questions.recv().await {
            // Whoever has given up waiting needs no answer.
            match question {
                Question::Processes(answer) => {
                    self.waiting.borrow_mut().push_back(answer);
                    if self.control.report(&Report::AskStatus).await.is_err() {
                        return;
                    }
                }
                Question::Connected(charge, answer) => {
                    let _ = answer.send(self.sessions.of_organisation(charge.organisation()));
                }
                Question::Approve { charge, group, approved, address, answer } => {
                    let _ = answer.send(self.administration.approve_for(&charge, &group, approved, address));
                }
            }
        }
    }

    /// The supervisor has told of the processes.
    pub fn told(&self, lines: Vec<String>) {
        if let Some(answer) = self.waiting.borrow_mut().pop_front() {
            let _ = answer.send(lines);
        }
    }
}
