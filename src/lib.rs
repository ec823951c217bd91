//! WidgetApp: people design documents called Things, together and live.
//!
//! The way of a change, and the modules in the order in which it meets them:
//!
//! ```text
//!  client ─TCP─▶ _wfe ──the socket itself──▶ _sfe ──▶ _stream ◀─── websocket from here on ───▶ client
//!
//!  client ─▶ _stream ─▶ _sfe ─▶ _wfe: service ─▶ Thing ─▶ log (durable) ─▶ every _sfe that cares ─▶ its _streams ─▶ clients
//! ```
//!
//! | module | what it is |
//! |---|---|
//! | [`cli`] | the commands `token`, `listen` and `call`, for people at a terminal |
//! | [`client`] | the Rust client: connects, resumes, sends again |
//! | [`protocol`] | the contract: messages, codes, limits |
//! | [`supervisor`] | starts, watches and restarts the processes; holds the listening sockets |
//! | [`wfe`] | the front end: HTTP, login, OAuth, the handover of streams |
//! | [`ipc`] | links between the processes, and passing sockets over them |
//! | [`sfe`] | runs the sessions: filter chain, split by service, fan-out |
//! | [`stream`] | holds the websockets: frames in, frames out |
//! | [`services`] | what stands behind the ports, one file each |
//! | [`access`] | who may do what |
//! | [`open_things`] | one owner task per open Thing: gives changes their order |
//! | [`thing`] | the document itself: pure, no IO |
//! | [`log`] | the durable log of each Thing |
//! | [`store`] | accounts, groups, shares, login sessions |
//! | [`proxies`] | what a reverse proxy in front says of a request, and who is believed |
//! | [`data`] | the data directory as a whole: backing it up, checking it |
//! | [`metrics`] | what the server counts, for whoever watches it |
//! | [`limiter`] | how often something may be done |
//! | [`worker`] | what every process but the supervisor does first |
//! | [`config`], [`clock`], [`telemetry`] | settings, time and chance, logs |

pub mod access;
pub mod cli;
pub mod client;
pub mod clock;
pub mod config;
pub mod data;
pub mod ipc;
pub mod limiter;
pub mod log;
pub mod metrics;
pub mod open_things;
pub mod protocol;
pub mod proxies;
pub mod services;
pub mod sfe;
pub mod store;
pub mod stream;
pub mod supervisor;
pub mod telemetry;
pub mod thing;
pub mod wfe;
pub mod worker;
