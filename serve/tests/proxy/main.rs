//! The proxy as clients and upstreams see it: started on free ports, with real connections on both sides.
//!
//! Nothing here depends on how fast the machine is: where something has to last, an upstream holds it until it is told.

mod support;

mod admin;
mod balance;
mod contract;
mod forward;
mod lifecycle;
mod retry;
mod shed;
mod wire;
