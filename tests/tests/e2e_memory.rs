//! The end-to-end suite on Memory.
use tests::backends::Memory;

tests::e2e!(Memory);
