//! The engine over a store of expectations: what it asks of a store, and what it makes of the answers.
mod checkpoints;
mod configuration;
mod environment;
mod malfunctions;
mod outages;
mod queues;
mod receives;
mod shutdowns;
mod startup;
mod support;
mod takeovers;
mod wakeups;
