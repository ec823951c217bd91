//! Those who take part in a load test. Each is a task; none has a thread, and none keeps what it has received.
//!
//! | module | what it is |
//! |---|---|
//! | `participant` | has a stream and a Thing open: editors, viewers, those who come back |
//! | `writing` | what editors write |
//! | `mark` | the moment that travels inside each edit |
//! | `trace` | a recorded session, typed again |
//! | `visitor` | those who come and go: browsers, old programs, newcomers |

pub mod mark;
pub mod participant;
pub mod trace;
pub mod visitor;
pub mod writing;
