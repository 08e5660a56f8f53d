//! Faults that are real: of the network, of the disk, of the server.
use tests::real_faults::{disk, network, servers};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_by_a_network_that_cuts_half_closes_delays_and_loses_answers() {
    network::on_postgres().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_by_a_network_that_cuts_half_closes_delays_and_loses_answers() {
    network::on_redis().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_postgres_acknowledged_survives_a_kill_of_the_whole_cluster() {
    servers::postgres().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_redis_acknowledged_survives_a_kill() {
    servers::redis().await;
}

#[test]
fn sqlite_on_a_full_disk_says_so_loses_nothing_and_goes_on() {
    disk::sqlite("sqlite_on_a_full_disk_says_so_loses_nothing_and_goes_on");
}

#[test]
fn postgres_on_a_full_disk_says_so_loses_nothing_and_goes_on() {
    disk::postgres("postgres_on_a_full_disk_says_so_loses_nothing_and_goes_on");
}
