//! The example `checkout`, over HTTP, killed while an order waits for its payment.
use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start(directory: &TempDir, patience_millis: u32) -> Self {
        let file = directory.path().join("checkout.db");
        let mut process = Command::new(env!("CARGO_BIN_EXE_checkout"))
            .env("DURABLE_STORE_URL", format!("sqlite:{}", file.display()))
            .env("CHECKOUT_ADDRESS", "127.0.0.1:0")
            .env("CHECKOUT_PATIENCE_MS", patience_millis.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .expect("starts");
        let stdout = process.stdout.take().expect("is piped");
        let mut lines = BufReader::new(stdout).lines();
        let address = lines
            .find_map(|line| {
                let line = line.expect("reads a line");
                line.strip_prefix("listening on http://").map(str::to_owned)
            })
            .expect("listens");
        // What the steps print is read to the end, so that they never wait for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, address }
    }

    /// The status code and the body of an answer.
    fn ask(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).expect("connects");
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: shop\r\nconnection: close\r\ncontent-type: text/plain\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .expect("asks");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("is answered");
        let (head, body) = answer.split_once("\r\n\r\n").expect("has a head");
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        (status.expect("has a status"), body.trim().to_owned())
    }

    fn reaches(&self, path: &str, state: &str) {
        let end = Instant::now() + Duration::from_secs(30);
        loop {
            let (_, body) = self.ask("GET", path, "");
            if body == state {
                return;
            }
            assert!(Instant::now() < end, "{path} stays {body:?}, not {state:?}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn kill(mut self) {
        self.process.kill().expect("kills");
        self.process.wait().expect("ends");
    }
}

#[test]
fn an_order_waits_for_its_payment_across_a_crash() {
    let directory = TempDir::new().expect("a directory");
    let first = Server::start(&directory, 3_600_000);
    assert_eq!(first.ask("POST", "/orders/7", "tea").0, 202);
    first.reaches("/orders/7", "waiting for payment");
    assert_eq!(first.ask("GET", "/orders/8", "").0, 404);
    assert_eq!(first.ask("POST", "/orders/8/payment", "499").0, 404);
    first.kill();

    let second = Server::start(&directory, 3_600_000);
    assert_eq!(
        second.ask("POST", "/orders/7", "tea").0,
        202,
        "ordering twice is harmless"
    );
    assert_eq!(second.ask("POST", "/orders/7/payment", "much").0, 400);
    for _ in 0..2 {
        assert_eq!(second.ask("POST", "/orders/7/payment", "499").0, 202);
    }
    second.reaches("/orders/7", "shipped tea for 499 cents");
    second.kill();
}

#[test]
fn an_order_that_is_not_paid_in_time_is_given_up() {
    let directory = TempDir::new().expect("a directory");
    let server = Server::start(&directory, 200);
    assert_eq!(server.ask("POST", "/orders/7", "tea").0, 202);
    server.reaches("/orders/7", "gave up on tea: it was not paid");
    server.kill();
}
