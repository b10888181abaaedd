//! Behaviour: conditions, nodes, the pipeline, timers, and the suites on the memory ports.

mod condition;
mod explain;
mod inbound;
mod node;
mod pipeline;
mod ports;
mod record;
mod schedule;
mod slow;
mod trigger;
mod world;
