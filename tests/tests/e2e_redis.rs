//! The end-to-end suite on Redis.
use tests::backends::Redis;

tests::e2e!(Redis);
