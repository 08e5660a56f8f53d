//! Faults that are real: of networks, by a proxy of ours; of disks, by one that is full; of servers, by killing them.
mod orders;
mod proxy;
mod scarce_disk;

pub mod disk;
pub mod network;
pub mod servers;
