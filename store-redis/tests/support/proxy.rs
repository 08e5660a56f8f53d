//! A way to a server that can go silent without breaking, as a network does.
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
    sync::watch,
};

pub struct Proxy {
    port: u16,
    connections: Arc<AtomicUsize>,
    is_silent: Arc<watch::Sender<bool>>,
}

impl Proxy {
    /// A way to the server at a port.
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("listens");
        let proxy = Self {
            port: listener.local_addr().expect("an address").port(),
            connections: Arc::default(),
            is_silent: Arc::new(watch::Sender::new(false)),
        };
        let (connections, is_silent) =
            (Arc::clone(&proxy.connections), Arc::clone(&proxy.is_silent));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                let server = TcpStream::connect(("127.0.0.1", port)).await;
                let (from_server, to_server) = server.expect("reaches the server").into_split();
                let (from_client, to_client) = client.into_split();
                tokio::spawn(pass(from_client, to_server, is_silent.subscribe()));
                tokio::spawn(pass(from_server, to_client, is_silent.subscribe()));
            }
        });
        proxy
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// How many connections were made so far.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Holds everything back, in both directions, or lets it go on.
    pub fn silence(&self, silent: bool) {
        self.is_silent.send_replace(silent);
    }
}

async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut is_silent: watch::Receiver<bool>,
) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        if is_silent.wait_for(|silent| !silent).await.is_err()
            || to.write_all(&buffer[..length]).await.is_err()
        {
            return;
        }
    }
}
