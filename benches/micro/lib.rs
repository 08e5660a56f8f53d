//! What the engine costs, over the memory store: see `benches/engine.rs`.
