//! Proxies that lose answers of the server's.
use std::sync::Arc;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// Passes everything on, until a client's message holds `text`: that one is passed on, and when the server has answered, the
/// connection ends without the answer. Answers the port.
pub async fn losing_the_answer_to(text: &'static str) -> u16 {
    let server = url::Url::parse(&super::url()).expect("is a url");
    let server = format!(
        "{}:{}",
        server.host_str().expect("has a host"),
        server.port().unwrap_or(5432)
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("listens");
    let port = listener.local_addr().expect("has an address").port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(&server).await.expect("connects");
            tokio::spawn(pass(client, server, text));
        }
    });
    port
}

async fn pass(mut client: TcpStream, mut server: TcpStream, text: &str) {
    let (mut from_client, mut from_server) = (vec![0; 65_536], vec![0; 65_536]);
    let mut lose = false;
    loop {
        tokio::select! {
            read = client.read(&mut from_client) => match read {
                Ok(count @ 1..) => {
                    let bytes = &from_client[..count];
                    lose |= bytes.windows(text.len()).any(|some| some == text.as_bytes());
                    if server.write_all(bytes).await.is_err() { return; }
                }
                _ => return,
            },
            read = server.read(&mut from_server) => match read {
                Ok(count @ 1..) if !lose => {
                    if client.write_all(&from_server[..count]).await.is_err() { return; }
                }
                _ => return,
            },
        }
    }
}

/// Passes everything on until it is told to be silent, as a network is that lost the server.
pub struct Silencer {
    pub port: u16,
    is_silent: Arc<watch::Sender<bool>>,
}

impl Silencer {
    /// A way to the server at a port.
    pub async fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("listens");
        let port = listener.local_addr().expect("has an address").port();
        let is_silent = Arc::new(watch::Sender::new(false));
        let silence = Arc::clone(&is_silent);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let mut silence = silence.subscribe();
                tokio::spawn(async move {
                    let mut server = TcpStream::connect(("127.0.0.1", server))
                        .await
                        .expect("connects");
                    tokio::select! {
                        _ = silence.wait_for(|silent| *silent) => {}
                        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => return,
                    }
                    // Both ends stay open.
                    std::future::pending::<()>().await;
                });
            }
        });
        Self { port, is_silent }
    }

    pub fn silence(&self) {
        self.is_silent.send_replace(true);
    }
}
