//! The proxy as clients and upstreams see it: started on free ports, with real connections on both sides.
//!
//! Nothing here depends on how fast the machine is: where something has to last, an upstream holds it until it is told.

mod support;

mod admin;
mod artifacts;
mod balance;
mod bodies;
mod book;
mod contract;
mod explain;
mod forward;
mod lifecycle;
mod redis;
mod retry;
mod shed;
mod states;
mod tls;
mod wire;
