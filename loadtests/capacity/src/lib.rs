//! How many processes a number of clients needs, and what happens when one of them is lost.
//!
//! Everything here is pure: measurements, questions and a seed come in, answers go out. Nothing opens a socket, reads
//! a clock, or knows the server. What is measured on a running server comes as a [`calibration`].
//!
//! ```text
//!  measured steps ─▶ calibration ─▶ model (cost of a client, an edit, a delivery) ─▶ plan ─▶ table, commands, settings
//!                         └──────▶ service times ─▶ simulate (virtual time, failures) ──┘
//! ```
//!
//! | module | what it is |
//! |---|---|
//! | [`calibration`] | the file of what was measured on one machine |
//! | [`workload`] | how many clients do how much, and what follows from that |
//! | [`least_squares`] | fits costs that cannot be negative, and says how sure they are |
//! | [`model`] | what each kind of process takes for each client, edit and delivery |
//! | [`slo`] | the wanted latency: `p99<100ms` |
//! | [`plan`] | the number of `_sfe` instances, and what decides it |
//! | [`load`] | what load is to be made, and in which steps |
//! | [`measured`] | what a load test has measured, and whether that counts |
//! | [`validate`] | how wrong the planner is |
//! | [`report`] | the report of a load test: a page, Markdown, and the comparison with an earlier one |
//! | [`simulate`] | the way of each edit through the processes, in virtual time |
//! | [`command`] | `loadtest plan` and `loadtest simulate` |
//! | [`units`], [`table`] | durations and sizes as people write them, rows under one another |
//! | [`synthetic`] | a calibration that nothing was measured for, for tests |

pub mod calibration;
pub mod command;
pub mod least_squares;
pub mod load;
pub mod measured;
pub mod model;
pub mod plan;
pub mod report;
pub mod simulate;
pub mod slo;
pub mod synthetic;
pub mod table;
pub mod units;
pub mod validate;
pub mod workload;
