//! The product from outside, as machines meet it: processes, signals, raw sockets.

#[path = "../product/mod.rs"]
mod product;

mod access;
mod authorisation;
mod frames;
mod handover;
mod kills;
mod limits;
mod live;
mod members;
mod metrics;
mod permissions;
mod processes;
mod raw;
mod refusals;
mod reliability;
mod replay;
mod scaling;
mod secrets;
mod stock_clients;
mod tls;
mod upgrade;
